"""Follow every feature through a model by its id, from the calls that its layers get in one pass.

Layers that only move values (Flatten, Permute, slices, pads) are run on the ids themselves; layers
that compute new features (convolution, pooling, Dense) start new ids in an order that does not
depend on the layout; elementwise layers pass ids on.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kmigrate.verify.correspond import IDENTITY, came_from, move
from kmigrate.verify.settings import RANDOM

_PASS = {
    "Activation", "Softmax", "ReLU", "LeakyReLU", "ELU", "PReLU", "ThresholdedReLU", "BatchNormalization",
    "LayerNormalization", "GroupNormalization", "UnitNormalization", "Dropout", "SpatialDropout1D",
    "SpatialDropout2D", "SpatialDropout3D", "GaussianNoise", "GaussianDropout", "AlphaDropout",
    "ActivityRegularization", "Masking", "Add", "Multiply", "Average", "Maximum", "Minimum", "Subtract",
}  # fmt: skip
_MOVE = {
    "Flatten", "Reshape", "Permute", "RepeatVector", "Concatenate", "Cropping1D", "Cropping2D", "Cropping3D",
    "ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D",
}  # fmt: skip
_KEEP_IDS = {
    "Dense", "LSTM", "GRU", "SimpleRNN", "Bidirectional", "EinsumDense", "BatchNormalization",
    "LayerNormalization", "UnitNormalization", "PReLU",
}  # fmt: skip
_MAX_IDS = 4_000_000


def _channel(layer: Any, kind: str, rank: int) -> tuple[bool | None, int]:
    """Is the layer's output channels-first (None: not said), and which is its channel's axis; no batch is counted."""
    if kind == "TimeDistributed":
        layer = getattr(layer, "layer", layer)
        kind = type(layer).__name__
    order = getattr(layer, "data_format", None)
    if order is None:
        return None, 0
    spatial = re.search(r"[123](?=D)", kind)
    axis = rank - 1 - int(spatial.group()) if spatial else 0
    return order == "channels_first" and axis >= 0, max(axis, 0)


def _together(layer: Any, tensor: Any, ids: np.ndarray) -> str:
    """Which features a layer drops together, in no order; empty where each is dropped by itself."""
    shape = (
        layer._get_noise_shape(tensor) if hasattr(layer, "_get_noise_shape") else getattr(layer, "noise_shape", None)
    )
    if shape is None or len(shape) != ids.ndim + 1:
        return ""
    sizes = [None if size is None else int(size) for size in list(shape)[1:]]
    common = [axis for axis, size in enumerate(sizes) if size == 1 and ids.shape[axis] > 1]
    if not common:
        return ""
    rows = np.moveaxis(ids, common, range(len(common))).reshape(int(np.prod([ids.shape[a] for a in common])), -1)
    groups = np.sort(rows, axis=0).T
    return hashlib.sha256(groups[np.lexsort(groups.T[::-1])].tobytes()).hexdigest()


@dataclass
class Tracer:
    """Collects ids during one forward pass; ``reference`` is the before-run's record in the after-run."""

    order: dict[int, int]  # id(layer) -> its place among the layers of its class
    reference: dict[str, Any] | None = None
    ids: dict[int, np.ndarray] = field(default_factory=dict)
    alive: list[Any] = field(default_factory=list)
    generators: dict[str, Any] = field(default_factory=dict)
    reached: dict[int, np.ndarray] = field(default_factory=dict)  # id(layer) -> ids of its first input
    dropped: dict[int, str] = field(default_factory=dict)  # id(layer) -> which features it drops together
    calls: Counter[str] = field(default_factory=Counter)
    columns: dict[str, np.ndarray] = field(default_factory=dict)  # where a Dense layer's units come in another order
    next_id: int = 1

    def __post_init__(self) -> None:
        if self.reference:
            self.next_id = int(self.reference["next_id"])

    def start(self, tensors: list[Any], moves: list[str]) -> None:
        """Give the model's inputs their ids; ``moves`` says how each corresponds to the before-run's."""
        for i, tensor in enumerate(tensors):
            self._new(f"input {i}", tensor, None, moved=moves[i] if moves else IDENTITY)

    def follow_input(self, key: str, tensor: Any, channel: int | None) -> None:
        """Give an input its ids where the layout of both runs is known: ``channel`` is its axis, None without one."""
        self._new(key, tensor, None if channel is None else True, -1 if channel is None else channel)

    def call(self, layer: Any, inputs: list[Any], outputs: list[Any], run: Any) -> None:
        """One leaf layer was called; ``run(arrays)`` calls it again on other values."""
        kind = type(layer).__name__
        known = [self.ids.get(id(t)) for t in inputs]
        if known and known[0] is not None and id(layer) not in self.reached and kind in _KEEP_IDS:
            self.reached[id(layer)] = known[0]
        if known and known[0] is not None and kind in RANDOM and id(layer) not in self.dropped:
            self.dropped[id(layer)] = _together(layer, inputs[0], known[0])
        if len(outputs) == 1 and known and all(k is not None for k in known):
            result = self._follow(layer, kind, [k for k in known if k is not None], outputs[0], run)
            if result is not None:
                self._set(outputs[0], result)
                return
        key = f"{kind} {self.order.get(id(layer), -1)}"
        for output in outputs:
            self.calls[key] += 1
            self._new(f"{key} call {self.calls[key]}", output, *_channel(layer, kind, len(output.shape) - 1))

    def _follow(self, layer: Any, kind: str, ids: list[np.ndarray], output: Any, run: Any) -> np.ndarray | None:
        """Ids of the output if the layer only moves or scales values, else None."""
        shape = tuple(output.shape[1:])
        if kind in _PASS:
            return ids[0] if ids[0].shape == shape else None
        has_weights = bool(layer.weights) if hasattr(layer, "weights") else False
        if has_weights or (hasattr(layer, "data_format") and kind not in _MOVE):
            return None
        if sum(i.size for i in ids) > _MAX_IDS:
            return None
        try:
            moved = np.asarray(run([i[np.newaxis].astype(np.float64) for i in ids]))[0]
        except Exception:
            return None
        if moved.shape != shape:
            return None
        allowed = np.append(np.concatenate([i.ravel() for i in ids]), 0)
        if kind in _MOVE or np.isin(moved, allowed).all():
            return np.rint(moved).astype(np.int64)
        return ids[0] if self._elementwise(ids, run) else None

    @staticmethod
    def _elementwise(ids: list[np.ndarray], run: Any) -> bool:
        """Does the layer commute with a permutation of all features?"""
        if len(ids) != 1:
            return False
        rng = np.random.default_rng(0)
        value, order = rng.normal(size=ids[0].size), rng.permutation(ids[0].size)
        try:
            plain = np.asarray(run([value.reshape(1, *ids[0].shape)])).ravel()
            mixed = np.asarray(run([value[order].reshape(1, *ids[0].shape)])).ravel()
        except Exception:
            return False
        return plain.size == value.size and bool(np.allclose(plain[order], mixed, rtol=1e-12, atol=0))

    def _set(self, tensor: Any, ids: np.ndarray) -> None:
        self.alive.append(tensor)  # an id() is only good while its object lives
        self.ids[id(tensor)] = ids

    def _new(self, key: str, tensor: Any, first: bool | None, channel: int = 0, moved: str = "") -> None:
        """New ids, in channels-last order where the tensor is known to be channels-first.

        ``channel`` is then the channel's axis, not counting the batch.
        """
        shape = tuple(int(s) for s in tensor.shape[1:])
        size = int(np.prod(shape)) if shape else 1
        other = (self.reference or {}).get("generators", {}).get(key)
        same = other is not None and int(np.prod(other["shape"] or [1])) == size
        base = int(other["base"]) if same and other is not None else self.next_id
        if not same:
            self.next_id += size
        flat = np.arange(base, base + size, dtype=np.int64)
        if moved:  # an input: ordered as in the before-run
            ids = flat.reshape(came_from((1, *shape), moved)[1:])
            ids = move(ids[np.newaxis], moved)[0]
        elif first and len(shape) > 1:
            ids = np.moveaxis(flat.reshape((*shape[:channel], *shape[channel + 1 :], shape[channel])), -1, channel)
        else:
            ids = flat.reshape(shape)
            if same and other is not None and first is None and len(shape) > 1:
                was = tuple(other["shape"])
                if was != shape and was[1:] + was[:1] == shape:  # a layer of the user's own, moved as a whole
                    ids = np.moveaxis(flat.reshape(was), 0, -1)
        if key in self.columns:
            ids = flat[self.columns[key]].reshape(shape)
        self.generators[key] = {"base": base, "shape": list(shape)}
        self._set(tensor, ids)

    def record(self) -> dict[str, Any]:
        """What the after-run needs of this."""
        return {"next_id": self.next_id, "generators": self.generators}
