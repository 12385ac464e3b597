"""Contents for data that a script asks for and that are not there: small, seeded, never constant."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

PICTURE = (53, 47)  # height and width of a picture whose size nothing tells
CLASSES = 3  # folders of pictures


@dataclass
class Data:
    """Which data the script was given in place of what it asked for."""

    seed: int
    shapes: dict[str, dict[str, Any]] = field(default_factory=dict)  # known from an earlier run
    guess: tuple[int, ...] = (16, 3, 37, 29)
    real_sizes: bool = False
    own: Callable[[str], Any] | None = None  # the user's function: the contents of a file by its name, or None
    used: dict[str, dict[str, Any]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Say something about the data once."""
        if text not in self.notes:
            self.notes.append(text)

    def given(self, name: str) -> Any:
        """What the user's own function has for a name, or None."""
        found = self.own(name) if self.own is not None else None
        if found is not None:
            self.note(f"{name} is what --data gave")
        return found

    def array(self, name: str) -> np.ndarray:
        """The contents of the missing data file ``name``."""
        found = self.given(name)
        if found is not None:
            return np.asarray(found)
        known = self.shapes.get(name)
        shape = tuple(known["shape"]) if known else self.guess
        kind = known["kind"] if known else "values"
        self.used[name] = {"shape": list(shape), "kind": kind, "guessed": known is None}
        rng = self.random(name, 2)
        if kind == "classes":
            return rng.integers(0, (known or {}).get("classes", 2), size=shape)
        if kind == "one-hot":
            return np.eye(shape[1])[rng.integers(0, shape[1], size=shape[0])]
        if kind == "unit":
            return rng.random(shape)
        return ramped(rng, shape) * 255 - 60

    def picture(self, name: str, channels: int = 3) -> np.ndarray:
        """The missing picture ``name``: (height, width, channels), uint8, or (height, width) for one channel."""
        found = self.given(name)
        if found is not None:
            return np.asarray(found)
        self.note("pictures that are missing are made up")
        size = tuple(self.shapes.get("picture", {}).get("shape", PICTURE))
        self.used.setdefault("picture", {"shape": list(size), "kind": "picture", "guessed": False})
        values = (ramped(self.random(name, 3), (1, *size, channels))[0] * 255).astype("uint8")
        return values[:, :, 0] if channels == 1 else values

    def images(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """Pictures of a data set, uint8."""
        rng = self.random(name)
        if len(shape) and shape[0] > 1000:  # the real number of images: repeat a few
            few = (ramped(rng, (97, *shape[1:])) * 255).astype("uint8")
            return np.resize(few, shape)
        return (ramped(rng, shape) * 255).astype("uint8")

    def labels(self, name: str, count: int, classes: int) -> np.ndarray:
        """Numbers of classes, each as often as the others."""
        return self.random(name, 1).permutation(np.arange(count) % classes)

    def random(self, name: str, *more: int) -> np.random.Generator:
        """Numbers that depend on the seed and the name alone."""
        return np.random.default_rng([self.seed, zlib.crc32(name.encode()), *more])


def ramped(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Values in [0, 1) whose mean depends on the position along every axis, so that no two axes,
    no direction and no channel can be mistaken for another."""
    values = rng.random(shape)
    for axis in range(1, len(shape)):
        size = shape[axis]
        ramp = (np.arange(size) + 1) ** 1.3
        values += (0.4 + 0.2 * axis) * (ramp / ramp.max()).reshape((size,) + (1,) * (len(shape) - axis - 1))
    return values / values.max()


def function(spelled: str, folder: str) -> Callable[[str], Any]:
    """The user's ``module:function``, the module being a name or a file; looked for in ``folder``."""
    module, _, name = spelled.rpartition(":")
    if module.endswith(".py"):
        path = Path(folder, module)
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None and spec.loader is not None
        loaded = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(loaded)
    else:
        sys.path.insert(0, folder)
        try:
            loaded = importlib.import_module(module)
        finally:
            sys.path.remove(folder)
    return getattr(loaded, name)
