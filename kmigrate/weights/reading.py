"""Read the weight files of Keras 1, 2 (.h5) and 3 (.h5, .weights.h5, .keras): what is in them, and single arrays.

Source: files of Keras 1.0.5, 1.2.2, 2.3.1 and 3. A ``.h5`` file has the attribute
``layer_names``, and in each layer's group ``weight_names``; a whole model has them under ``model_weights`` and its
architecture in ``model_config``. Keras 1 writes neither its version nor its backend beside bare weights.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import zipfile
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kmigrate.weights.error import WeightsError

H5, WEIGHTS_H5, KERAS = "h5", "weights.h5", "keras"


@dataclass(frozen=True)
class Stored:
    """One array in the file."""

    name: str
    path: str  # of the data set
    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True)
class Group:
    """The arrays of one layer; a nested model of Keras 1 or 2 is one flat group."""

    name: str
    weights: tuple[Stored, ...]


@dataclass
class Checkpoint:
    """An open weight file; a context manager. `read` gives one array at a time."""

    path: str
    form: str  # H5, WEIGHTS_H5 or KERAS
    generation: int  # of Keras: 1, 2 or 3
    keras_version: str = ""  # empty where the file does not say it
    backend: str = ""
    groups: list[Group] = field(default_factory=list)
    config: dict[str, Any] | None = None  # the architecture, as the file has it
    training_config: str = ""
    has_optimizer: bool = False
    file: Any = None
    temporary: str = ""

    def __enter__(self) -> Checkpoint:
        return self

    def __exit__(self, *args: object) -> None:
        self.file.close()
        if self.temporary:
            os.unlink(self.temporary)

    def read(self, stored: Stored) -> np.ndarray:
        """The values of one array; raises WeightsError where the file is damaged."""
        try:
            return np.asarray(self.file[stored.path][()])
        except (OSError, RuntimeError) as error:
            raise WeightsError(f"{self.path}: {stored.path} cannot be read: the file is damaged ({error})") from None

    @property
    def whole(self) -> bool:
        """Is this a whole model, with its architecture?"""
        return self.config is not None


def open_checkpoint(path: str) -> Checkpoint:
    """Open ``path``; raises WeightsError where it is no weight file of Keras."""
    import h5py

    if not os.path.isfile(path):
        raise WeightsError(f"{path}: there is no such file")
    temporary, config, version = "", None, ""
    source = path
    form = H5
    if zipfile.is_zipfile(path):
        temporary, config, version = _unpacked(path)
        source, form = temporary, KERAS
    elif not h5py.is_hdf5(path):
        raise WeightsError(f"{path}: not an HDF5 file, nor a .keras file: {_looks_like(path)}")
    try:
        file = h5py.File(source, "r")
    except OSError as error:
        if temporary:
            os.unlink(temporary)
        raise WeightsError(f"{path}: the file is truncated or damaged ({error})") from None
    found = Checkpoint(path, form, 3, version, config=config, file=file, temporary=temporary)
    try:
        if form == KERAS or _is_keras3(file):
            found.form = form if form == KERAS else WEIGHTS_H5
            _read_keras3(found)
        else:
            _read_legacy(found)
    except WeightsError:
        found.__exit__()
        raise
    except (OSError, KeyError, RuntimeError, ValueError, TypeError) as error:
        found.__exit__()
        raise WeightsError(f"{path}: the file is truncated or damaged ({error})") from None
    return found


def _looks_like(path: str) -> str:
    with open(path, "rb") as file:
        head = file.read(8)
    if not head:
        return "it is empty"
    if head.startswith(b"\x80"):
        return "it looks like a pickle, which is not opened"
    return "its first bytes are " + head.hex(" ")


def _unpacked(path: str) -> tuple[str, dict[str, Any] | None, str]:
    """The weights of a .keras file in a temporary file, its architecture and version."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            if "model.weights.h5" not in names or "config.json" not in names:
                raise WeightsError(f"{path}: no .keras file: it has no model.weights.h5 and config.json")
            config = json.loads(archive.read("config.json"))
            version = ""
            if "metadata.json" in names:
                version = str(json.loads(archive.read("metadata.json")).get("keras_version", ""))
            handle, target = tempfile.mkstemp(suffix=".weights.h5")
            with os.fdopen(handle, "wb") as out, archive.open("model.weights.h5") as member:
                shutil.copyfileobj(member, out, 1 << 20)
    except (zipfile.BadZipFile, json.JSONDecodeError, EOFError) as error:
        raise WeightsError(f"{path}: the file is truncated or damaged ({error})") from None
    return target, config, version


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _names(group: Any, attribute: str) -> list[str]:
    """A list attribute, which Keras splits into numbered parts where it is long."""
    if attribute in group.attrs:
        return [_text(n) for n in group.attrs[attribute]]
    found: list[str] = []
    part = 0
    while f"{attribute}{part}" in group.attrs:
        found += [_text(n) for n in group.attrs[f"{attribute}{part}"]]
        part += 1
    return found


def _is_keras3(file: Any) -> bool:
    if "layer_names" in file.attrs or "layer_names0" in file.attrs or "model_weights" in file:
        return False
    return any(name in file for name in ("layers", "_layer_checkpoint_dependencies", "vars"))


def _read_keras3(found: Checkpoint) -> None:
    """Groups are the folders ``.../vars`` with arrays in them, in the file's order."""
    import h5py

    def visit(name: str, item: Any) -> None:
        if not name.endswith("vars") or not isinstance(item, h5py.Group) or not len(item):
            return
        if name.startswith(("optimizer", "_metrics", "metrics")):
            return
        keys = sorted((k for k in item if isinstance(item[k], h5py.Dataset)), key=_number)
        stored = [Stored(k, f"{name}/{k}", tuple(item[k].shape), str(item[k].dtype)) for k in keys]
        folder = name.rpartition("/")[0]
        found.groups.append(Group(folder, tuple(stored)))

    found.file.visititems(visit)


def _number(key: str) -> tuple[int, str]:
    return (int(key), "") if key.isdecimal() else (1 << 30, key)


def _read_legacy(found: Checkpoint) -> None:
    file = found.file
    root = file.get("model_weights", file)
    names = _names(root, "layer_names")
    if not names:
        keys = ", ".join(list(file)[:5]) or "nothing"
        raise WeightsError(f"{found.path}: not a weight file of Keras: it has no layer_names (it holds {keys})")
    for place in (root, file):
        found.keras_version = found.keras_version or _text(place.attrs.get("keras_version", ""))
        found.backend = found.backend or _text(place.attrs.get("backend", ""))
    if "model_config" in file.attrs:
        found.config = json.loads(_text(file.attrs["model_config"]))
    found.training_config = _text(file.attrs.get("training_config", ""))
    found.has_optimizer = "optimizer_weights" in file
    prefix = "model_weights/" if root is not file else ""
    for name in names:
        if name not in root:
            raise WeightsError(f"{found.path}: the layer {name} is named, but its weights are missing")
        stored = []
        for weight in _names(root[name], "weight_names"):
            if weight not in root[name]:
                raise WeightsError(f"{found.path}: the weight {weight} of the layer {name} is missing")
            data = root[name][weight]
            stored.append(Stored(weight, f"{prefix}{name}/{weight}", tuple(data.shape), str(data.dtype)))
        found.groups.append(Group(name, tuple(stored)))
    found.generation = int(found.keras_version.partition(".")[0]) if found.keras_version[:1].isdecimal() else 1
