"""The recorded checkpoints, and small ones made up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np

from kmigrate.weights.convert import Outcome, Request, convert
from kmigrate.weights.plan import Facts

FOLDER = Path(__file__).parent / "checkpoints"


class Recorded(NamedTuple):
    """A checkpoint of an old Keras, and what is known of it besides."""

    keras: str
    name: str

    @property
    def path(self) -> str:
        return str(FOLDER / self.keras / f"{self.name}.h5")

    @property
    def predictions(self) -> str:
        return str(FOLDER / self.keras / f"{self.name.removesuffix('_weights')}.npz")

    def request(self, new: Path, **how: Any) -> Request:
        """To convert it, with what its file does not say."""
        beside = FOLDER / self.keras / f"{self.name}.json"
        facts = {
            "from_backend": "theano" if "theano" in self.keras else "tensorflow",
            "source_keras": "1.0.5" if self.keras == "keras105" else "auto",
            "flatten": "reorder",
        }
        facts.update({key: how.pop(key) for key in list(how) if key in Facts.__dataclass_fields__})
        given = {"architecture": str(beside) if beside.exists() else "", **how}
        return Request(self.path, str(new), facts=Facts(**facts), **given)


RECORDED = [Recorded(path.parent.name, path.stem) for path in sorted(FOLDER.glob("*/*.h5"))]


def converted(request: Request) -> Outcome:
    """Without a proof."""

    def no_script(request: Request) -> Any:
        raise AssertionError(request)

    return convert(request, no_script, lambda *given: (None, ""), lambda name, size: None)


def arrays(path: str | Path) -> dict[str, np.ndarray]:
    """All arrays of an HDF5 file by their path."""
    found: dict[str, np.ndarray] = {}
    with h5py.File(path, "r") as file:
        file.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return found


def write_h5(path: Path, layers: dict[str, dict[str, np.ndarray]], **attributes: Any) -> Path:
    """A legacy weight file; ``model_config`` (as data) makes it a whole model."""
    with h5py.File(path, "w") as file:
        config = attributes.pop("model_config", None)
        root = file
        if config is not None:
            file.attrs["model_config"] = json.dumps(config).encode()
            root = file.create_group("model_weights")
        for key, value in attributes.items():
            root.attrs[key] = value.encode()
        root.attrs["layer_names"] = [name.encode() for name in layers]
        for name, weights in layers.items():
            group = root.create_group(name)
            group.attrs["weight_names"] = np.array([key.encode() for key in weights]) if weights else np.zeros(0, "S1")
            for key, value in weights.items():
                group.create_dataset(key, data=value)
    return path
