"""Follow every feature of a model through its graph: which of them reach each layer, and in which order.

The rules are those that verification uses on running models (`kmigrate.verify.child.trace`); here the layers that only
move values are carried out by numpy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kmigrate.verify.child.trace import Tracer
from kmigrate.weights.architecture import Architecture, Layer, Value
from kmigrate.weights.shapes import (
    OPEN,
    NotKnown,
    Shape,
    image,
    is_first,
    output,
    own_axis,
    pairs,
    spatial,
    weights,
)

_Array = np.ndarray


class Tensor:
    """What a value is to the tracer: an object with a shape, which has a batch there."""

    def __init__(self, shape: Shape) -> None:
        self.own = shape
        self.shape = (None, *shape)


@dataclass
class Leaf:
    """A layer with weights: their shapes in Keras 3, and what features reach it (None: not known, and why)."""

    layer: Layer
    path: tuple[str, ...]  # the models that it is in, and its name
    shapes: list[Shape]
    ids: _Array | None
    why: str = ""
    input_shape: Shape = ()

    @property
    def name(self) -> str:
        """As it is shown."""
        return "/".join(self.path)

    def described(self) -> dict[str, Any]:
        """As the weight map of verification takes it."""
        config = self.layer.core.config
        axis = config.get("axis", -1) if self.layer.core.kind in ("BatchNormalization", "LayerNormalization") else None
        if axis is not None and self.layer.kind == "TimeDistributed" and isinstance(axis, int) and axis > 0:
            axis += 1
        return {
            "name": self.name,
            "class": self.layer.core.kind,
            "shapes": [list(shape) for shape in self.shapes],
            "axis": axis if isinstance(axis, int) else None,
            "shared": list(config.get("shared_axes") or []),
            "ids": self.ids,
        }


@dataclass
class Features:
    """What a walk through a model found."""

    leaves: list[Leaf] = field(default_factory=list)
    images: dict[str, list[_Array]] = field(default_factory=dict)  # what reaches layers of images, channels last
    inputs: list[_Array] = field(default_factory=list)
    outputs: list[_Array | None] = field(default_factory=list)
    trace: dict[str, Any] = field(default_factory=dict)
    numbers: dict[tuple[str, ...], int] = field(default_factory=dict)  # of each leaf among those of its class


def follow(
    model: Architecture, reference: Features | None = None, columns: dict[str, _Array] | None = None
) -> Features:
    """Walk through ``model``; with what a walk through its other version found, features get the ids they had there.

    Raises NotKnown where the shape of an input is not known.
    """
    walk = _Walk(reference, columns or {})
    inputs = []
    for number, value in enumerate(model.inputs):
        shape = _given(model[value[0]])
        tensor = Tensor(shape)
        walk.tracer.follow_input(f"input {number}", tensor, _channel_of_input(model, value[0], len(shape)))
        inputs.append(tensor)
    results = walk.model(model, inputs, ())
    walk.found.inputs = [walk.tracer.ids[id(tensor)] for tensor in inputs]
    walk.found.outputs = [walk.tracer.ids.get(id(result)) for result in results]
    walk.found.trace = walk.tracer.record()
    return walk.found


def _given(entry: Layer) -> Shape:
    shape = entry.config.get("batch_shape")
    if shape is None:
        shape = entry.config.get("batch_input_shape")
    if shape is None:
        raise NotKnown(f"the shape of the input {entry.name} is not known")
    if shape and isinstance(shape[0], list):
        shape = shape[0]
    return tuple(OPEN if n is None else int(n) for n in shape[1:])


def _channel_of_input(model: Architecture, name: str, rank: int) -> int | None:
    """The axis of an input's channel, without the batch, if layers of images read it."""
    for call in model.calls:
        if any(source[0] == name for source in call.inputs):
            layer = model[call.layer].core
            if layer.model is not None:
                position = next(i for i, source in enumerate(call.inputs) if source[0] == name)
                inner = layer.model
                return _channel_of_input(inner, inner.inputs[position][0], rank)
            count = spatial(layer.kind)
            if count and layer.config.get("data_format"):
                return rank - 1 - count if is_first(layer) else rank - 1
            if layer.kind in ("Permute", "Flatten", "Reshape", "Dense", "Lambda"):
                continue
            found = _channel_of_input(model, call.layer, rank)
            if found is not None:
                return found
    return None


class _Walk:
    def __init__(self, reference: Features | None, columns: dict[str, _Array]) -> None:
        self.ranks: dict[int, int] = {}
        self.stand_ins: dict[int, Any] = {}
        self.counts: dict[str, int] = {}
        self.tracer = Tracer(self.ranks, reference.trace if reference else None, columns=columns)
        self.found = Features()
        self.by_layer: dict[int, Leaf] = {}

    def model(self, model: Architecture, inputs: Sequence[Tensor | NotKnown], path: tuple[str, ...]) -> list[Any]:
        values: dict[Value, Tensor | NotKnown] = dict(zip(model.inputs, inputs, strict=True))
        for call in model.calls:
            layer = model[call.layer]
            if (call.layer, call.number, 0) in values:
                continue
            given = [values[source] for source in call.inputs]
            if layer.model is not None:
                results = self.model(layer.model, given, (*path, layer.name))
            else:
                results = [self.layer(layer, given, path)]
            for number, result in enumerate(results):
                values[call.layer, call.number, number] = result
        return [values[value] for value in model.outputs]

    def layer(self, layer: Layer, given: list[Tensor | NotKnown], path: tuple[str, ...]) -> Tensor | NotKnown:
        core = layer.core
        if core.model is not None:
            return NotKnown(f"{layer.name} is a model for each time step, which is not followed")
        unknown = next((value for value in given if isinstance(value, NotKnown)), None)
        tensors = [value for value in given if isinstance(value, Tensor)]
        shapes = [tensor.own for tensor in tensors]
        self._leaf(layer, tensors[0] if given and isinstance(given[0], Tensor) else None, unknown, path)
        if unknown is not None:
            return unknown
        try:
            result = Tensor(output(layer, shapes))
        except NotKnown as error:
            return error
        except (KeyError, IndexError, TypeError, ValueError):
            return NotKnown(f"the configuration of {layer.name} ({layer.kind}) does not fit what it gets")
        self._see(layer, tensors, path)
        stand_in = self._stand_in(layer, shapes[0])
        if id(layer) in self.by_layer:
            self.found.numbers.setdefault(self.by_layer[id(layer)].path, self.ranks[id(stand_in)])
        self.tracer.call(stand_in, tensors, [result], lambda values: _moved(layer, values))
        leaf = self.by_layer.get(id(layer))
        if leaf is not None and leaf.ids is None:
            leaf.ids = self.tracer.ids.get(id(tensors[0]))
        return result

    def _leaf(self, layer: Layer, tensor: Tensor | None, unknown: NotKnown | None, path: tuple[str, ...]) -> None:
        if id(layer) in self.by_layer:
            return
        shape = tensor.own if tensor is not None else None
        if layer.kind == "TimeDistributed" and shape is not None:
            shape = shape[1:]
        shapes: list[Shape] = []
        try:
            shapes = weights(layer, shape if shape is not None else ())
            if not shapes:
                return
        except NotKnown:
            return  # a class of the user's own: that it has weights after all is seen when the file is read
        except (KeyError, IndexError, TypeError, ValueError):
            pass  # what it gets is not known
        leaf = Leaf(layer, (*path, layer.name), shapes, None, str(unknown) if unknown else "", shape or ())
        self.by_layer[id(layer)] = leaf
        self.found.leaves.append(leaf)

    def _see(self, layer: Layer, tensors: list[Tensor], path: tuple[str, ...]) -> None:
        """Keep what reaches a layer of images: it must be the same features in both versions."""
        core = layer.core
        count = spatial(core.kind)
        if not count or not core.config.get("data_format") or core.kind.startswith("Global"):
            return
        ids = self.tracer.ids.get(id(tensors[0]))
        if ids is not None and ids.ndim > count:
            last = np.moveaxis(ids, ids.ndim - 1 - count, -1) if is_first(core) else ids
            self.found.images.setdefault("/".join((*path, layer.name)), []).append(last)

    def _stand_in(self, layer: Layer, shape: Shape) -> Any:
        """An object of a class of the layer's name, with what the tracer asks a layer for."""
        if id(layer) not in self.stand_ins:
            kind = layer.core.kind
            stand_in = type(kind, (), {"weights": [1] if id(layer) in self.by_layer else []})()
            if layer.core.config.get("data_format") and kind not in ("Flatten",):
                stand_in.data_format = layer.core.config["data_format"]
            elif spatial(kind):
                stand_in.data_format = "channels_last"
            self.ranks[id(stand_in)] = self.counts.get(kind, 0)
            self.counts[kind] = self.counts.get(kind, 0) + 1
            self.stand_ins[id(layer)] = stand_in
        return self.stand_ins[id(layer)]


def _moved(layer: Layer, values: list[_Array]) -> _Array:
    """Carry out a layer that only moves values; ``values`` have a batch of 1. Raises NotKnown for other layers."""
    if layer.kind == "TimeDistributed" and layer.inner is not None:
        times = range(values[0].shape[1])
        return np.stack([_moved(layer.inner, [value[:, t] for value in values])[0] for t in times])[np.newaxis]
    move = _MOVES.get(layer.kind)
    if move is None:
        raise NotKnown(layer.kind)
    return move(layer, values)


def _flatten(layer: Layer, values: list[_Array]) -> _Array:
    value = values[0]
    # from Keras 2.2 on, Flatten moves the channel where its own setting is channels-first
    if is_first(layer) and value.ndim > 2:
        value = np.moveaxis(value, 1, -1)
    return value.reshape(1, -1)


def _resize(layer: Layer, values: list[_Array]) -> _Array:
    value, count = values[0], spatial(layer.kind)
    head, _, _ = image(layer, value.shape[1:])
    start = 1 + len(head) + is_first(layer)
    padding = layer.kind.startswith("ZeroPadding")
    amounts = pairs(layer.config["padding" if padding else "cropping"], count)
    if padding:
        around = [(0, 0)] * value.ndim
        around[start : start + count] = amounts
        return np.pad(value, around)
    cut = [slice(None)] * value.ndim
    for i, (before, after) in enumerate(amounts):
        cut[start + i] = slice(before, value.shape[start + i] - after)
    return value[tuple(cut)]


_MOVES: dict[str, Callable[[Layer, list[_Array]], _Array]] = {
    "Flatten": _flatten,
    "Reshape": lambda layer, values: values[0].reshape(1, *output(layer, [values[0].shape[1:]])),
    "Permute": lambda layer, values: values[0].transpose(0, *layer.config["dims"]),
    "RepeatVector": lambda layer, values: np.repeat(values[0][:, np.newaxis], int(layer.config["n"]), axis=1),
    "Concatenate": lambda layer, values: np.concatenate(
        values, axis=1 + own_axis(layer.config.get("axis", -1), values[0].ndim - 1)
    ),
    **{f"{what}{n}D": _resize for n in (1, 2, 3) for what in ("ZeroPadding", "Cropping")},
}
