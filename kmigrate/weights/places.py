"""Where a layer's arrays stand in a weight file: groups and their order in .h5, paths in Keras 3's own format."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from kmigrate.weights.architecture import Architecture, Layer
from kmigrate.weights.error import WeightsError
from kmigrate.weights.features import Leaf
from kmigrate.weights.reading import H5, Checkpoint, Group, Stored

_ROLES = {
    "BatchNormalization": ("gamma", "beta", "moving_mean", "moving_variance"),
    "LayerNormalization": ("gamma", "beta"),
    "PReLU": ("alpha",),
    "Embedding": ("embeddings",),
    "SeparableConv2D": ("depthwise_kernel", "pointwise_kernel", "bias"),
    "SeparableConv1D": ("depthwise_kernel", "pointwise_kernel", "bias"),
}
_RECURRENT = ("kernel", "recurrent_kernel", "bias")


def assign(checkpoint: Checkpoint, model: Architecture, leaves: Sequence[Leaf]) -> list[list[Stored]]:
    """The stored arrays of each leaf; raises WeightsError where the file and the model do not match."""
    if checkpoint.form == H5:
        return _assign_groups(checkpoint, model, leaves)
    by_folder = {group.name: group for group in checkpoint.groups}
    found: list[list[Stored]] = []
    paths = keras3_paths(model)
    for leaf in leaves:
        stored: list[Stored] = []
        for folder in paths[leaf.path]:
            group = by_folder.pop(folder, None)
            if group is None:
                raise WeightsError(f"{checkpoint.path}: the layer {leaf.name} of the model has no arrays at {folder}")
            stored += group.weights
        found.append(stored)
    left = [name for name in by_folder if not name.endswith("seed_generator")]
    if left:
        raise WeightsError(f"{checkpoint.path}: the model has no layer for {left[0]}")
    return found


def _assign_groups(checkpoint: Checkpoint, model: Architecture, leaves: Sequence[Leaf]) -> list[list[Stored]]:
    groups = [group for group in checkpoint.groups if group.weights]
    tops: dict[str, list[Leaf]] = {}
    for leaf in leaves:
        tops.setdefault(leaf.path[0], []).append(leaf)
    if {group.name for group in groups} == set(tops):
        pairs = [(group, group.name) for group in groups]
    else:
        order = [layer.name for layer in model.layers if layer.name in tops]
        if len(order) != len(groups):
            raise WeightsError(
                f"{checkpoint.path}: the file has {len(groups)} layers with weights ({_some(g.name for g in groups)}), "
                f"the model {len(order)} ({_some(order)})"
            )
        pairs = list(zip(groups, order))
    found: dict[tuple[str, ...], list[Stored]] = {}
    for group, name in pairs:
        own = tops[name]
        if len(own) == 1 and len(own[0].path) == 1:
            found[own[0].path] = list(group.weights)
        else:
            found.update(_nested(checkpoint.path, group, own))
    return [found[leaf.path] for leaf in leaves]


def _some(names: Sequence[str] | Iterator[str]) -> str:
    names = list(names)
    return ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")


def _nested(path: str, group: Group, leaves: list[Leaf]) -> dict[tuple[str, ...], list[Stored]]:
    """The flat group of a nested model: by the names of its arrays, else in the order in which Keras lists them."""
    names = sorted(
        {leaf.layer.core.name for leaf in leaves} | {leaf.path[-1] for leaf in leaves}, key=len, reverse=True
    )
    by_name: dict[str, list[Stored]] = {}
    for stored in group.weights:
        parts = re.split(r"[/:]", stored.name)
        owner = next((n for n in names if n in parts or any(p.startswith(n + "_") for p in parts)), None)
        by_name.setdefault(owner or "", []).append(stored)
    found = {leaf.path: by_name.get(leaf.layer.core.name) or by_name.get(leaf.path[-1]) or [] for leaf in leaves}
    unique = len({leaf.path[-1] for leaf in leaves}) == len(leaves)
    if (
        unique
        and "" not in by_name
        and all(len(found[leaf.path]) == len(leaf.shapes) for leaf in leaves if leaf.shapes)
    ):
        return found
    slots = group_order(leaves)
    if len(slots) != len(group.weights):
        raise WeightsError(
            f"{path}: the layer {group.name} has {len(group.weights)} arrays in the file, and {len(slots)} in the model"
        )
    found = {leaf.path: [group.weights[0]] * len(leaf.shapes) for leaf in leaves}
    for stored, (number, index) in zip(group.weights, slots):
        found[leaves[number].path][index] = stored
    return found


def group_order(leaves: Sequence[Leaf]) -> list[tuple[int, int]]:
    """(leaf, array) in the order of a nested model's group: what is trained, then statistics and frozen layers."""
    every = [(number, index) for number, leaf in enumerate(leaves) for index in range(len(leaf.shapes))]
    return sorted(every, key=lambda place: not _trained(leaves[place[0]], place[1]))


def _trained(leaf: Leaf, index: int) -> bool:
    statistics = leaf.layer.core.kind == "BatchNormalization" and index >= len(leaf.shapes) - 2
    return leaf.layer.trainable and not statistics


def role(leaf: Leaf, index: int) -> str:
    """What Keras 3 calls the array."""
    core = leaf.layer.core
    if core.kind == "BatchNormalization":
        used = [bool(core.config.get("scale", True)), bool(core.config.get("center", True)), True, True]
        return [name for name, use in zip(_ROLES[core.kind], used) if use][index]
    if core.kind == "Bidirectional":
        half = len(leaf.shapes) // 2
        return ("forward_" if index < half else "backward_") + _RECURRENT[index % half]
    if core.kind in ("LSTM", "GRU", "SimpleRNN", "ConvLSTM2D"):
        return _RECURRENT[index]
    names = _ROLES.get(core.kind, ("kernel", "bias"))
    return names[index] if index < len(names) else f"weight_{index}"


def keras3_paths(model: Architecture, prefix: str = "") -> dict[tuple[str, ...], list[str]]:
    """For each layer that is no model: the folders of its arrays in a ``.weights.h5`` of Keras 3."""
    used: dict[str, int] = {}
    found: dict[tuple[str, ...], list[str]] = {}
    for layer in model.layers:
        name = snake(layer.kind)
        number = used.get(name, 0)
        used[name] = number + 1
        folder = f"{prefix}layers/{name}_{number}" if number else f"{prefix}layers/{name}"
        if layer.model is not None:
            for path, folders in keras3_paths(layer.model, f"{folder}/").items():
                own = (layer.name, *path)
                found[own] = folders
        else:
            found[layer.name,] = _folders(layer, folder)
    return found


def _folders(layer: Layer, folder: str) -> list[str]:
    if layer.kind == "TimeDistributed" and layer.inner is not None:
        return _folders(layer.inner, f"{folder}/layer")
    if layer.kind == "Bidirectional" and layer.inner is not None:
        return [f for way in ("forward", "backward") for f in _folders(layer.inner, f"{folder}/{way}_layer")]
    return [f"{folder}/cell"] if layer.kind in ("LSTM", "GRU", "SimpleRNN", "ConvLSTM2D") else [folder]


def seed_folders(model: Architecture, prefix: str = "") -> Iterator[str]:
    """Where Keras 3 keeps the state of random layers, which its files must have."""
    paths = keras3_paths(model, prefix)
    for path, folders in paths.items():
        layer = _find(model, path)
        kind, config = layer.core.kind, layer.core.config
        noisy = ("dropout" in kind.lower() and config.get("rate")) or (kind == "GaussianNoise" and config.get("stddev"))
        if noisy or folders[0].endswith("/cell"):
            yield from (f"{folder}/seed_generator" for folder in folders)


def _find(model: Architecture, path: tuple[str, ...]) -> Layer:
    layer = model[path[0]]
    return layer if len(path) == 1 or layer.model is None else _find(layer.model, path[1:])


def snake(name: str) -> str:
    """`keras.src.utils.naming.to_snake_case`."""
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
