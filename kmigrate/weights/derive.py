"""The channels-last version of a channels-first architecture, as kmigrate migrates sources, and the way back.

Layers of images change their setting, axis numbers follow their axis, and a Permute layer stands where a map goes to
a layer that reads its order (Flatten, Reshape, a recurrent layer). `to_first` undoes that: what a migrated program was.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from typing import Any

from kmigrate.weights.architecture import Architecture, Call, Layer, Value, keras_order
from kmigrate.weights.error import WeightsError
from kmigrate.weights.features import _channel_of_input, _given
from kmigrate.weights.shapes import ELEMENTWISE, SAME, NotKnown, Shape, is_first, output, spatial

PERMUTE, REORDER = "permute", "reorder"
_AGNOSTIC = (SAME - {"InputLayer", "Highway", "SReLU", "ParametricSoftplus", "Masking"}) | ELEMENTWISE | {"Concatenate"}
_SETTINGS = {  # (new setting, how raw configurations spell it)
    "channels_last": {"data_format": "channels_last", "dim_ordering": "tf"},
    "channels_first": {"data_format": "channels_first", "dim_ordering": "th"},
}


def orders(model: Architecture) -> set[str]:
    """The settings of the model's layers of images (of more than one dimension)."""
    found = set()
    for layer in model.leaves():
        core = layer.core
        if spatial(core.kind) > 1 and core.config.get("data_format"):
            found.add(core.config["data_format"])
        elif spatial(core.kind) == 1 and is_first(core):
            found.add("channels_first")
    return found


def to_last(model: Architecture, flatten: str) -> Architecture:
    """The channels-last version; ``flatten`` says whether Permute layers keep the order of features at Flatten.

    Raises WeightsError for what has no such version.
    """
    return _Change(model, "channels_last", flatten == PERMUTE).result()


def to_first(model: Architecture, moving_flatten: bool = False) -> Architecture:
    """The channels-first version that a channels-last ``model`` was migrated from.

    A Permute layer is taken for what keeps the old order of the features behind it. ``moving_flatten``: the old Flatten
    moved the channel last itself, as it does from Keras 2.2 on where the global setting is channels-first.
    """
    return _Change(model, "channels_first", keep_flatten=False, moving_flatten=moving_flatten).result()


@dataclass
class _Known:
    """A value of the new model: which, does it have the new layout, its channel's and its new shape."""

    value: Value
    moved: bool
    shape: Shape | None  # in the old model
    count: int = 0  # spatial axes, where it was moved


@dataclass
class _Change:
    model: Architecture
    target: str
    keep_flatten: bool
    moving_flatten: bool = False
    given: list[bool] | None = None  # for a nested model: which inputs come moved
    layers: list[Layer] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    known: dict[Value, _Known] = field(default_factory=dict)
    done: dict[str, Layer] = field(default_factory=dict)
    inner: dict[str, _Change] = field(default_factory=dict)
    permuted: dict[tuple[Value, bool], Value] = field(default_factory=dict)
    moved_outputs: list[_Known] = field(default_factory=list)

    @property
    def last(self) -> bool:
        return self.target == "channels_last"

    def result(self) -> Architecture:
        for call in self.model.calls:
            self._call(call)
        self.moved_outputs = [self.known[value] for value in self.model.outputs]
        outputs = [known.value for known in self.moved_outputs]
        new = replace(self.model, layers=self.layers, calls=self.calls, outputs=outputs)
        if not new.sequential:
            names = keras_order(new)
            new.layers = sorted(new.layers, key=lambda layer: names.index(layer.name) if layer.name in names else -1)
        return new

    # -- layers

    def _call(self, call: Call) -> None:
        layer = self.model[call.layer]
        output_value = (call.layer, call.number, 0)
        if not call.inputs:
            self._input(layer, output_value)
            return
        given = [self.known[source] for source in call.inputs]
        if layer.core.model is not None:
            self._nested(layer, call, given)
            return
        shapes = [known.shape for known in given]
        try:
            shape: Shape | None = output(layer, [s for s in shapes if s is not None]) if None not in shapes else None
        except NotKnown:
            shape = None
        kind, count = layer.core.kind, spatial(layer.core.kind)
        time = layer.kind == "TimeDistributed"
        if count and (kind not in ("Flatten",)) and self._sets_layout(layer.core):
            inputs = [self._want(known, True, count, layer) for known in given]
            new = self._flipped(layer)
            flat = kind.startswith("Global") and not layer.core.config.get("keepdims")
            self._made(layer, new, call, inputs, _Known(output_value, not flat, shape, 0 if flat else count))
        elif kind in _AGNOSTIC and any(known.moved for known in given):
            count = next(known.count for known in given if known.moved)
            rank = max(len(known.shape or ()) for known in given)
            inputs = [
                self._want(known, True, count, layer) if len(known.shape or ()) == rank else known.value
                for known in given
            ]
            if any(len(known.shape or ()) != rank for known in given):
                raise WeightsError(f"{layer.name} ({layer.kind}) joins values of different ranks: give the new model")
            new = self._axes(layer, rank, count, time)
            self._made(layer, new, call, inputs, _Known(output_value, True, shape, count))
        elif kind == "Permute" and given[0].moved and not time:
            new = self._copy(layer)
            self._set(new, "dims", _composed(layer.config["dims"], given[0], self.last))
            self._made(layer, new, call, [given[0].value], _Known(output_value, False, shape))
        elif self._is_flatten(layer) and given[0].moved and (not self.keep_flatten or is_first(layer.core)):
            self._made(layer, self._flatten(layer), call, [given[0].value], _Known(output_value, False, shape))
        elif kind == "Reshape" and not self.last and not time and (count := self._feeds_images(output_value)):
            # written for the new layout by hand: the old program had its channel first
            new = self._copy(layer)
            dims = list(layer.config["target_shape"])
            self._set(new, "target_shape", [*dims[: -count - 1], dims[-1], *dims[-count - 1 : -1]])
            inputs = [self._want(known, False, 0, layer) for known in given]
            self._made(layer, new, call, inputs, _Known(output_value, True, shape, count))
        else:
            inputs = [self._want(known, False, 0, layer) for known in given]
            self._made(layer, self._copy(layer), call, inputs, _Known(output_value, False, shape))

    def _made(self, layer: Layer, new: Layer, call: Call, inputs: list[Value], known: _Known) -> None:
        if layer.name not in self.done:
            self.done[layer.name] = new
            self.layers.append(new)
        self.calls.append(Call(layer.name, call.number, tuple(inputs)))
        self.known[known.value] = known

    def _input(self, layer: Layer, value: Value) -> None:
        try:
            shape: Shape | None = _given(layer)
        except NotKnown:
            shape = None
        rank = len(shape or ())
        index = self.model.inputs.index(value) if value in self.model.inputs else -1
        channel = _channel_of_input(self.model, layer.name, rank) if shape is not None else None
        moved = channel is not None and self._moves_input(layer.name)
        if self.given is not None and index >= 0:
            moved = self.given[index]
        new, count = self._copy(layer), 0
        if moved:
            count = self._input_count(layer.name, rank)
            for key in ("batch_shape", "batch_input_shape"):
                if new.config.get(key):
                    self._set(new, key, _moved_shape(new.config[key], count, self.last))
        if layer.name not in self.done:
            self.done[layer.name] = new
            self.layers.append(new)
        self.calls.append(Call(layer.name, value[1], ()))
        self.known[value] = _Known(value, moved, shape, count)

    def _moves_input(self, name: str) -> bool:
        """Is the first layer of images behind the input one that changes?"""
        return bool(self._feeds_images((name, 0, 0), through_models=True))

    def _input_count(self, name: str, rank: int) -> int:
        return self._feeds_images((name, 0, 0), through_models=True) or rank - 1

    def _feeds_images(self, value: Value, through_models: bool = True, model: Architecture | None = None) -> int:
        """The spatial axes of the layers of images that ``value`` reaches unchanged in order; 0 if none."""
        model = model or self.model
        for call in model.calls:
            if value not in call.inputs:
                continue
            layer = model[call.layer]
            core = layer.core
            if core.model is not None:
                inner = core.model
                found = self._feeds_images(inner.inputs[call.inputs.index(value)], model=inner)
                if found:
                    return found
            elif spatial(core.kind) and core.config.get("data_format") and self._sets_layout(core):
                return spatial(core.kind)
            elif core.kind in _AGNOSTIC:
                found = self._feeds_images((call.layer, call.number, 0), model=model)
                if found:
                    return found
        return 0

    def _nested(self, layer: Layer, call: Call, given: list[_Known]) -> None:
        model = layer.core.model
        assert model is not None
        if layer.kind == "TimeDistributed":
            raise WeightsError(f"{layer.name} is a model for each time step: give the new model, too")
        if layer.name not in self.inner:
            inner = _Change(model, self.target, self.keep_flatten, self.moving_flatten)
            new = replace(layer, model=inner.result(), raw=copy.deepcopy(layer.raw))
            self.inner[layer.name] = inner
            self.done[layer.name] = new
            self.layers.append(new)
        inner = self.inner[layer.name]
        inputs = []
        for known, entry in zip(given, model.inputs, strict=True):
            own = inner.known[entry]
            inputs.append(self._want(known, own.moved, own.count, layer))
        self.calls.append(Call(layer.name, call.number, tuple(inputs)))
        for number, own in enumerate(inner.moved_outputs):
            value = (layer.name, call.number, number)
            self.known[value] = _Known(value, own.moved, own.shape, own.count)

    # -- borders

    def _want(self, known: _Known, moved: bool, count: int, layer: Layer) -> Value:
        """The value in the new layout, or in its old order; a Permute layer is added where it is in the other."""
        if known.moved == moved:
            return known.value
        if known.shape is None:
            raise WeightsError(f"what {layer.name} gets has no shape that is known: give the new model, too")
        key = (known.value, moved)
        if key in self.permuted:
            return self.permuted[key]
        rank = len(known.shape)
        count = count or known.count
        head = list(range(1, rank - count))
        last = [*head, *range(rank - count + 1, rank + 1), rank - count]
        first = [*head, rank, *range(rank - count, rank)]
        name = f"{known.value[0]}_{'to_images' if moved else 'in_order'}"
        while name in self.done:
            name += "_"
        dims = last if moved == self.last else first
        new = Layer(name, "Permute", {"name": name, "dims": dims, "trainable": True})
        new.raw = {"class_name": "Permute", "name": name, "config": dict(new.config)}
        self.done[name] = new
        self.layers.append(new)
        self.calls.append(Call(name, 0, (known.value,)))
        self.permuted[key] = (name, 0, 0)
        return name, 0, 0

    # -- settings

    def _sets_layout(self, core: Layer) -> bool:
        order = core.config.get("data_format")
        if order is None or order == "default":
            return False
        if order == self.target:
            if spatial(core.kind) > 1:
                raise WeightsError(f"{core.name} is {order} already: the model mixes both layouts")
            return False
        return not (self.last is False and spatial(core.kind) == 1)

    def _copy(self, layer: Layer) -> Layer:
        raw = copy.deepcopy(layer.raw)
        inner = layer.inner
        if inner is not None:
            inner = replace(inner, config=dict(inner.config), raw=raw.get("config", {}).get("layer", {}))
        return replace(layer, config=dict(layer.config), inner=inner, raw=raw)

    @staticmethod
    def _is_flatten(layer: Layer) -> bool:
        core = layer.core
        one = core.kind == "Reshape" and len(core.config["target_shape"]) == 1
        return core.kind == "Flatten" or one

    def _flatten(self, layer: Layer) -> Layer:
        """A Flatten right on a map. One whose own setting is channels-first moves the channel itself."""
        new = self._copy(layer)
        if self.moving_flatten or (self.last and is_first(new.core)):
            new.core.config["data_format"] = self.target
            if "data_format" in new.core.raw.get("config", {}):
                new.core.raw["config"]["data_format"] = self.target
        return new

    def _set(self, layer: Layer, key: str, value: Any) -> None:
        """Change a setting in both spellings of the configuration."""
        layer.config[key] = value
        raw = layer.raw.get("config") if isinstance(layer.raw.get("config"), dict) else None
        for spelled in _SPELLED.get(key, (key,)):
            if raw is not None and spelled in raw:
                raw[spelled] = value

    def _flipped(self, layer: Layer) -> Layer:
        new = self._copy(layer)
        core = new.core
        activation = core.config.get("activation")
        if activation == "softmax" and not core.kind.startswith("Global"):
            raise WeightsError(f"{layer.name} takes the softmax along the width of a map: give the new model, too")
        core.config["data_format"] = self.target
        raw = core.raw.get("config", {})
        for spelled, value in _SETTINGS[self.target].items():
            if spelled in raw:
                raw[spelled] = value
        count = spatial(core.kind)
        for key in ("batch_shape", "batch_input_shape"):
            if new.config.get(key) and key in new.config:
                self._set(new, key, _moved_shape(new.config[key], count, self.last))
        if core.kind.endswith("Transpose") and core.config.get("output_shape"):
            shape = list(core.config["output_shape"])
            moved = _moved_shape(shape, count, self.last) if len(shape) == count + 2 else shape
            core.config["output_shape"] = moved
            if "output_shape" in raw:
                raw["output_shape"] = moved
        return new

    def _axes(self, layer: Layer, rank: int, count: int, time: bool) -> Layer:
        new = self._copy(layer)
        core = new.core
        inside = rank - 1 if time else rank

        def moved(axis: int) -> int:
            return _moved_axis(axis, inside, count, self.last)

        kind = core.kind
        softmax = core.config.get("activation") if kind == "Activation" else None
        if softmax == "softmax":
            raise WeightsError(f"{layer.name} takes the softmax along the last axis of a map: give the new model, too")
        target = new if not time else core
        if kind in ("BatchNormalization", "Concatenate", "Softmax", "LayerNormalization"):
            axis = core.config.get("axis", -1)
            changed = moved(axis) if isinstance(axis, int) else [moved(a) for a in axis]
            self._set(target, "axis", changed)
        if kind == "PReLU" and core.config.get("shared_axes"):
            self._set(target, "shared_axes", sorted(moved(a) for a in core.config["shared_axes"]))
        for key in ("batch_shape", "batch_input_shape"):
            if new.config.get(key):
                self._set(new, key, _moved_shape(new.config[key], count, self.last))
        return new


_SPELLED = {
    "axis": ("axis", "concat_axis"),
    "batch_shape": ("batch_shape", "batch_input_shape"),
}


def _moved_shape(shape: Any, count: int, last: bool) -> list[Any]:
    """A shape with its channel at the other end of ``count`` spatial sizes."""
    shape = list(shape)
    if last:
        return [*shape[: -count - 1], *shape[-count:], shape[-count - 1]]
    return [*shape[: -count - 1], shape[-1], *shape[-count - 1 : -1]]


def _moved_axis(axis: int, rank: int, count: int, last: bool) -> int:
    """An axis number, which counts the batch, of a value with ``rank`` axes besides."""
    axis = axis if axis > 0 else rank + 1 + axis
    shape = list(range(rank + 1))
    return _moved_shape(shape, count, last).index(axis)


def _composed(dims: Any, known: _Known, last: bool) -> list[int]:
    """The order of a Permute layer whose input has the new layout and whose output stays as it was."""
    assert known.shape is not None
    where = _moved_shape(list(range(1, len(known.shape) + 1)), known.count, last)
    return [where.index(int(d)) + 1 for d in dims]


def permuted_features(model: Architecture) -> list[str]:
    """The Permute layers of a migrated model that keep the old order of features."""
    return [layer.name for layer in model.layers if layer.kind == "Permute"]
