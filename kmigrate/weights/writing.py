"""Write the new file: beside it under another name first, one layer after the other, then in one step into place."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from kmigrate.weights.architecture import Architecture, Layer
from kmigrate.weights.error import WeightsError
from kmigrate.weights.features import Leaf
from kmigrate.weights.places import group_order, keras3_paths, role, seed_folders
from kmigrate.weights.plan import Plan, Step
from kmigrate.weights.reading import Checkpoint

Progress = Callable[[str, int], None]  # a layer's name, and how many bytes of the old file are done with it
_HEADER = 64512  # bytes that an attribute may have


@contextlib.contextmanager
def replacing(path: str) -> Iterator[str]:
    """A temporary name in the folder of ``path``, which takes its place if all goes well.

    Raises WeightsError where ``path`` is there already or its folder cannot be written to.
    """
    if os.path.lexists(path):
        raise WeightsError(f"{path}: is there already, and no file is written over")
    folder = os.path.dirname(os.path.abspath(path))
    try:
        handle, temporary = tempfile.mkstemp(prefix=".kmigrate-", suffix=_suffix(path), dir=folder)
    except OSError as error:
        raise WeightsError(f"{path}: {error.strerror or error}") from None
    os.close(handle)
    try:
        yield temporary
        mask = os.umask(0)
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        try:
            os.link(temporary, path)  # unlike a rename, it refuses what is there
        except FileExistsError:
            raise WeightsError(f"{path}: is there already, and no file is written over") from None
        except OSError:  # a file system without links
            if os.path.lexists(path):
                raise WeightsError(f"{path}: is there already, and no file is written over") from None
            os.rename(temporary, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)


def _suffix(path: str) -> str:
    return ".weights.h5" if path.endswith(".weights.h5") else ".h5"


def write(checkpoint: Checkpoint, plan: Plan, path: str, whole: bool, config: Any, progress: Progress) -> None:
    """Write the converted file to ``path``; raises WeightsError."""
    import h5py

    try:
        with h5py.File(path, "w") as file:
            if path.endswith(".weights.h5") and plan.generation == 3:
                _write_keras3(checkpoint, plan, file, progress)
            else:
                _write_legacy(checkpoint, plan, file, whole, config, progress)
    except OSError as error:
        raise WeightsError(f"{path}: cannot be written ({error})") from None


def _arrays(checkpoint: Checkpoint, step: Step) -> list[np.ndarray]:
    return step.run([checkpoint.read(stored) for stored in step.stored])


def _bytes(step: Step) -> int:
    return sum(int(np.prod(s.shape)) * np.dtype(s.dtype).itemsize for s in step.stored)


def _write_keras3(checkpoint: Checkpoint, plan: Plan, file: Any, progress: Progress) -> None:
    paths = keras3_paths(plan.new)
    for step in plan.steps:
        arrays, folders = _arrays(checkpoint, step), paths[step.new.path]
        each = len(arrays) // len(folders)
        for number, folder in enumerate(folders):
            group = file.require_group(f"{folder}/vars")
            for index, array in enumerate(arrays[number * each : (number + 1) * each]):
                group.create_dataset(str(index), data=array)
        progress(step.old.name, _bytes(step))
    for folder in seed_folders(plan.new):
        state = np.zeros(2, np.uint32)
        if checkpoint.file is not None and f"{folder}/vars/0" in checkpoint.file:
            state = checkpoint.file[f"{folder}/vars/0"][()]
        file.require_group(f"{folder}/vars").create_dataset("0", data=state)


def _write_legacy(checkpoint: Checkpoint, plan: Plan, file: Any, whole: bool, config: Any, progress: Progress) -> None:
    root = file.create_group("model_weights") if whole else file
    version = "3.0.0" if plan.generation > checkpoint.generation else checkpoint.keras_version
    backend = "tensorflow" if plan.generation > checkpoint.generation else checkpoint.backend
    if plan.steps and checkpoint.backend and plan.generation == checkpoint.generation:
        rotated = any(step.target.rotated for step in plan.steps)
        moved = any(step.target.rotated != step.source.rotated for step in plan.steps)
        backend = ("theano" if rotated else "tensorflow") if moved else backend
    for name, value in (("keras_version", version), ("backend", backend)):
        if value:
            root.attrs[name] = value.encode()
            if whole:
                file.attrs[name] = value.encode()
    if whole:
        file.attrs["model_config"] = json.dumps(config).encode()
        if checkpoint.training_config:
            file.attrs["training_config"] = checkpoint.training_config.encode()
    layers = [layer for layer in plan.new.layers if layer.raw or layer.kind != "InputLayer"]
    _set_names(root, "layer_names", [layer.name for layer in layers])
    by_top: dict[str, list[Step]] = {}
    for step in plan.steps:
        by_top.setdefault(step.new.path[0], []).append(step)
    for layer in layers:
        group = root.create_group(layer.name)
        steps = by_top.get(layer.name, [])
        places = _places(checkpoint, plan, layer, steps)
        for number, step in enumerate(steps):
            for index, array in enumerate(_arrays(checkpoint, step)):
                group.create_dataset(places[number, index][1], data=array)
            progress(step.old.name, _bytes(step))
        _set_names(group, "weight_names", [name for _, name in sorted(places.values())])


def _places(
    checkpoint: Checkpoint, plan: Plan, layer: Layer, steps: list[Step]
) -> dict[tuple[int, int], tuple[int, str]]:
    """For each (step, array) of a layer: where it stands in the layer's list, and its name."""
    if plan.generation == checkpoint.generation and checkpoint.form == "h5":
        order = {s.path: (i, s.name) for group in checkpoint.groups for i, s in enumerate(group.weights)}
        return {(n, i): order[s.path] for n, step in enumerate(steps) for i, s in enumerate(step.stored)}
    leaves: list[Leaf] = [step.new for step in steps]
    found = {}
    for position, (number, index) in enumerate(group_order(leaves)):
        leaf = leaves[number]
        found[number, index] = (position, "/".join((*leaf.path[-2:], f"{role(leaf, index)}:0")))
    return found


def _set_names(group: Any, attribute: str, names: list[str]) -> None:
    """A list attribute, in parts where it is too long for one, as Keras does."""
    data = [name.encode() for name in names]
    whole = np.array(data) if data else np.zeros(0, "S1")
    if whole.nbytes <= _HEADER:
        group.attrs[attribute] = whole
        return
    parts = 1
    chunks = [whole]
    while any(chunk.nbytes > _HEADER for chunk in chunks):
        parts += 1
        chunks = np.array_split(whole, parts)
    for number, chunk in enumerate(chunks):
        group.attrs[f"{attribute}{number}"] = chunk


def saved_config(original: Any, new: Architecture) -> Any:
    """The architecture of a whole model for the new file: the old one's with the layers of ``new`` (Keras 1 and 2)."""
    return {**original, "config": _config(original["class_name"], original["config"], new)}


def _config(class_name: str, config: Any, new: Architecture) -> Any:
    if class_name == "Sequential":
        records = [_record(layer) for layer in new.layers if layer.raw]
        return records if isinstance(config, list) else {**config, "layers": records}
    extra = {name: record for record in config["layers"] for name in [record["name"]]}
    layers = []
    for layer in new.layers:
        record = _record(layer)
        calls = sorted((c for c in new.calls if c.layer == layer.name), key=lambda call: call.number)
        given = extra.get(layer.name, {}).get("inbound_nodes") or []
        nodes = []
        for call in calls:
            if call.inputs:
                rest = given[call.number] if call.number < len(given) else []
                nodes.append(
                    [[*source, *(list(rest[i][3:]) if i < len(rest) else [])] for i, source in enumerate(call.inputs)]
                )
        record.update(name=layer.name, inbound_nodes=nodes)
        layers.append(record)
    outputs = [list(value) for value in new.outputs]
    return {**config, "layers": layers, "output_layers": outputs}


def _record(layer: Layer) -> dict[str, Any]:
    record = dict(layer.raw)
    if layer.model is not None:
        record["config"] = _config(record["class_name"], record["config"], layer.model)
    return record
