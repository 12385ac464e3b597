"""Which weight of the before-model each weight of the after-model is, from index tensors.

Both runs carry an id for every feature through their own graph (child/trace.py). Where a weight's
axis is tied to the features that come in (the rows of a Dense layer), the ids that reach the layer
in both runs tell how the axis is reordered. Names and shapes decide nothing.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np

# the axis of the first `count` weights that is tied to the layer's input, and the input's axis
_LAST_AXIS = {"Dense", "LSTM", "GRU", "SimpleRNN", "Bidirectional", "EinsumDense"}
_OWN_AXIS = {"BatchNormalization", "LayerNormalization", "UnitNormalization"}


@dataclass
class WeightMap:
    """For each weight of the model: None (as it is) or (order of its rows or of all its values, new shape)."""

    entries: list[tuple[np.ndarray, tuple[int, ...]] | None] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def identity(self) -> bool:
        """Are all weights carried over as they are?"""
        return all(entry is None for entry in self.entries)

    def apply(self, weights: list[np.ndarray]) -> list[np.ndarray]:
        """The before-weights (or gradients) in the order of the after-model."""
        return [w if entry is None else reordered(w, *entry) for w, entry in zip(weights, self.entries, strict=True)]

    def plain(self) -> dict[str, Any]:
        """As data for a log."""
        entries = [e if e is None else {"index": e[0], "shape": list(e[1])} for e in self.entries]
        return {"entries": entries, "problems": self.problems, "identity": self.identity}

    @classmethod
    def from_plain(cls, data: dict[str, Any]) -> WeightMap:
        """The inverse of `plain`."""
        entries = [e if e is None else (e["index"], tuple(e["shape"])) for e in data["entries"]]
        return cls(entries, list(data["problems"]))


def reordered(weight: np.ndarray, order: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """``weight`` cut into as many equal pieces as ``order`` is long, these in that order, as ``shape``."""
    return weight.reshape(len(order), -1)[order].reshape(shape)


def _positions(before: np.ndarray, after: np.ndarray) -> np.ndarray | None:
    """For each row of ``after``, the row of ``before`` that holds the same ids."""
    free: dict[bytes, list[int]] = defaultdict(list)
    for i, row in enumerate(np.sort(before, axis=1)):
        free[row.tobytes()].append(i)
    found = []
    for row in np.sort(after, axis=1):
        rows = free.get(row.tobytes())
        if not rows:
            return None
        found.append(rows.pop(0))
    return np.array(found, dtype=np.int64)


def _slices(ids: np.ndarray, axis: int) -> np.ndarray:
    return np.moveaxis(ids, axis, 0).reshape(ids.shape[axis], -1)


def _along(ids: np.ndarray, axis: int) -> np.ndarray:
    """Slices along an axis that counts the batch, which ids don't have."""
    return _slices(ids, axis - 1 if axis > 0 else axis)


def _unshared(ids: np.ndarray, shared: list[int]) -> np.ndarray:
    """Slices along all axes but the ``shared`` ones, which count the batch."""
    own = [axis for axis in range(ids.ndim) if axis + 1 not in shared]
    size = int(np.prod([ids.shape[axis] for axis in own]))
    return np.moveaxis(ids, own, range(len(own))).reshape(size, -1)


def _tied(layer: dict[str, Any], other: dict[str, Any]) -> np.ndarray | None:
    """The order of the after-layer's tied axis in terms of the before-layer's; None if there is none."""
    kind, before, after = layer["class"], layer.get("ids"), other.get("ids")
    if before is None or after is None:
        return None
    if kind in _LAST_AXIS:
        pair = _slices(before, -1), _slices(after, -1)
    elif kind in _OWN_AXIS and isinstance(layer.get("axis"), int) and isinstance(other.get("axis"), int):
        pair = _along(before, layer["axis"]), _along(after, other["axis"])
    elif kind == "PReLU":
        pair = _unshared(before, layer.get("shared", [])), _unshared(after, other.get("shared", []))
    else:
        return None
    order = _positions(*pair) if pair[0].shape == pair[1].shape else None
    if order is None:
        raise ValueError(f"the features that reach {layer['name']} ({kind}) differ")
    return order


def build(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> WeightMap:
    """Map the weighted layers of two models, in the order in which the programs made them.

    Raises ValueError where the layers themselves do not correspond.
    """
    kinds = [layer["class"] for layer in before], [layer["class"] for layer in after]
    if kinds[0] != kinds[1]:
        raise ValueError(f"layers with weights differ: {', '.join(kinds[0])} / {', '.join(kinds[1])}")
    result = WeightMap()
    for layer, other in zip(before, after, strict=True):
        try:
            order = _tied(layer, other)
        except ValueError as error:
            result.problems.append(str(error))
            order = None
        if len(layer["shapes"]) != len(other["shapes"]):
            raise ValueError(f"{layer['name']} has {len(layer['shapes'])} weights, then {len(other['shapes'])}")
        for i, (old, new) in enumerate(zip(layer["shapes"], other["shapes"], strict=True)):
            result.entries.append(_entry(layer, i, tuple(old), tuple(new), order))
    return result


def _entry(
    layer: dict[str, Any], i: int, old: tuple[int, ...], new: tuple[int, ...], order: np.ndarray | None
) -> tuple[np.ndarray, tuple[int, ...]] | None:
    if int(np.prod(old)) != int(np.prod(new)):
        raise ValueError(f"a weight of {layer['name']} has shape {old}, then {new}")
    plain = order is None or np.array_equal(order, np.arange(len(order)))
    if not plain and order is not None:
        if layer["class"] in ("PReLU", *_OWN_AXIS) or (old[0] == len(order) and i in _input_weights(layer)):
            return order, new
    if old != new:
        if layer["class"] == "PReLU" and order is not None:
            return np.arange(int(np.prod(old))), new
        raise ValueError(f"a weight of {layer['name']} has shape {old}, then {new}")
    return None


def _input_weights(layer: dict[str, Any]) -> tuple[int, ...]:
    """Which weights of a Dense or recurrent layer have a row for each incoming feature."""
    return (0, len(layer["shapes"]) // 2) if layer["class"] == "Bidirectional" else (0,)
