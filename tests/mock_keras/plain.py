"""Layers without a layout: they work number by number, along an axis, or on the order of the axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tests.mock_keras.base import Array, Layer, activation, softmax
from tests.mock_keras.tensors import SAMPLES, Tensor, carried
from tests.mock_keras.world import FIRST


class Same(Layer):
    """Dropout and noise, when not training."""

    accepts = ("rate", "stddev", "main", "mask_value")

    def call(self, x: Any) -> Any:
        return x


class Unit(Layer):
    """LeakyReLU and other layers that work number by number."""

    accepts = ("alpha", "negative_slope", "theta", "max_value", "main", "threshold")

    def call(self, x: Any) -> Any:
        given = self.given
        slope = given.get("alpha", given.get("negative_slope", given.get("main", 0.3)))
        if self.kind == "ELU":
            return np.where(x > 0, x, np.exp(np.minimum(x, 0)) - 1)
        if self.kind == "ThresholdedReLU":
            return x * (x > given.get("theta", 1.0))
        if self.kind == "ReLU":
            return np.clip(x, 0, given.get("max_value"))
        return np.where(x > 0, x, slope * x)


class PReLU(Layer):
    weighted = True
    accepts = ("shared_axes", "main")

    def build(self, shape: tuple[int, ...], ids: Any) -> None:
        names = ids[0]
        for axis in self.given.get("shared_axes") or ():
            assert 0 < axis < len(shape)
            names = np.broadcast_to(names.min(axis=axis - 1, keepdims=True), names.shape)
        self.weights["alpha"] = self.number("alpha", names.max() + 1)[names]

    def call(self, x: Any) -> Any:
        return np.where(x > 0, x, self.weights["alpha"] * x)


class Softmax(Layer):
    accepts = ("axis",)

    def call(self, x: Any) -> Any:
        return softmax(x, self.given.get("axis", -1))


class Activation(Layer):
    accepts = ("main",)

    def call(self, x: Any) -> Any:
        return activation(self.given["main"], self.world)(x)


class BatchNormalization(Layer):
    weighted = True
    accepts = ("axis", "mode")

    def build(self, shape: tuple[int, ...], ids: Any) -> None:
        axis = self.given.get("axis", -1)
        axis = axis[0] if isinstance(axis, list | tuple) else axis
        self.shape = [1] * len(shape)
        self.shape[axis] = shape[axis]
        assert axis % len(shape), "the batch cannot be normalised"
        for name in ("gamma", "beta", "mean"):
            self.weights[name] = self.number(name, shape[axis])

    def call(self, x: Any) -> Any:
        gamma, beta, mean = (self.weights[n].reshape(self.shape) for n in ("gamma", "beta", "mean"))
        return (x - mean) * gamma * self.grown + beta


class LayerNormalization(Layer):
    weighted = True
    accepts = ("axis",)

    def build(self, shape: tuple[int, ...], ids: Any) -> None:
        axis = self.given.get("axis", -1)
        self.axis = axis[0] if isinstance(axis, list | tuple) else axis
        self.shape = [1] * len(shape)
        self.shape[self.axis] = shape[self.axis]
        self.weights["gamma"] = self.number("gamma", shape[self.axis])

    def call(self, x: Any) -> Any:
        spread = np.sqrt(x.var(axis=self.axis, keepdims=True) + 1e-3)
        return (x - x.mean(axis=self.axis, keepdims=True)) / spread * self.weights["gamma"].reshape(self.shape)


class Flatten(Layer):
    accepts = ("data_format",)

    def start(self) -> None:
        version, given = self.world.version, self.given.get("data_format")
        assert given is None or version >= (2, 1, 6)
        moved = given in FIRST
        if given is None and version >= (2, 2):
            moved = self.world.first
        self.moved = moved

    def call(self, x: Any) -> Any:
        return (np.moveaxis(x, 1, -1) if self.moved and x.ndim > 2 else x).reshape((len(x), -1))

    def ids_of(self, operands: Sequence[Tensor], shape: tuple[int, ...]) -> Array | None:
        return self.call(operands[0].ids[None])[0]


class Reshape(Layer):
    accepts = ("main", "target_shape", "dims")

    def call(self, x: Any) -> Any:
        target = self.one("main", "target_shape", "dims")
        return x.reshape((len(x), *target))

    def ids_of(self, operands: Sequence[Tensor], shape: tuple[int, ...]) -> Array | None:
        return operands[0].ids.reshape(shape)


class Permute(Layer):
    accepts = ("main", "dims")

    def call(self, x: Any) -> Any:
        dims = self.one("main", "dims")
        assert sorted(dims) == list(range(1, x.ndim)), f"Permute{tuple(dims)} of the shape {x.shape}"
        return x.transpose((0, *dims))

    def ids_of(self, operands: Sequence[Tensor], shape: tuple[int, ...]) -> Array | None:
        return self.call(operands[0].ids[None])[0]


class RepeatVector(Layer):
    accepts = ("main", "n")
    fresh = True

    def call(self, x: Any) -> Any:
        assert x.ndim == 2, x.shape
        return np.repeat(x[:, None], self.one("main", "n"), axis=1)


class Dense(Layer):
    weighted = True
    fresh = True
    accepts = ("units", "use_bias")

    def build(self, shape: tuple[int, ...], ids: Any) -> None:
        rows = self.number("kernel", shape[-1], self.given["units"]) * 0.2 / np.sqrt(shape[-1])
        if self.world.reorder and len(shape) == 2:
            names = ids[0]
            if names.max() >= shape[-1]:
                names = np.argsort(np.argsort(names))
            rows = rows[names]
        self.weights["kernel"] = rows
        self.weights["bias"] = self.number("bias", self.given["units"])

    def call(self, x: Any) -> Any:
        return x @ (self.weights["kernel"] * self.grown) + self.weights["bias"]


class Recurrent(Layer):
    """A plain recurrent layer stands for all kinds."""

    weighted = True
    fresh = True
    accepts = ("units", "return_sequences", "main")

    def start(self) -> None:
        self.units = self.one("units", "main")

    def build(self, shape: tuple[int, ...], ids: Any) -> None:
        assert len(shape) == 3, shape
        self.weights["kernel"] = self.number("kernel", shape[-1], self.units)
        self.weights["step"] = self.number("step", self.units, self.units)

    def call(self, x: Any) -> Any:
        state, states = np.zeros((len(x), self.units)), []
        for t in range(x.shape[1]):
            state = np.tanh(x[:, t] @ self.weights["kernel"] + state @ self.weights["step"])
            states.append(state)
        return np.stack(states, axis=1) if self.given.get("return_sequences") else state


class Lambda(Layer):
    accepts = ("function", "output_shape", "arguments", "mask")

    def call(self, x: Any) -> Any:
        made = self.given["function"](x, **self.given.get("arguments", {}))
        if isinstance(made, list) and len(made) == 1:  # a layer gives the only tensor of a list
            made = made[0]
        made = np.asarray(made)
        wanted = self.given.get("output_shape")
        if isinstance(wanted, tuple | list):
            assert tuple(wanted) == made.shape[1:], f"output_shape {wanted} but {made.shape}"
        return made

    def ids_of(self, operands: Sequence[Tensor], shape: tuple[int, ...]) -> Array | None:
        return carried(self.run, np.zeros((SAMPLES, *shape)), operands)


class TimeDistributed(Layer):
    accepts = ("main", "layer")

    def start(self) -> None:
        self.inner: Layer = self.one("main", "layer")

    def build(self, shape: tuple[int, ...], ids: Any) -> None:
        self.inner._build([Tensor(np.zeros((shape[0], *shape[2:])))])

    def call(self, x: Any) -> Any:
        made = self.inner.run(x.reshape((-1, *x.shape[2:])))
        return made.reshape((*x.shape[:2], *made.shape[1:]))

    def ids_of(self, operands: Sequence[Tensor], shape: tuple[int, ...]) -> Array | None:
        step = self.inner.fresh_ids(shape[1:])
        return np.stack([step + step.size * t for t in range(shape[0])])


class Merge(Layer):
    """Add, Multiply, ... of tensors of one shape."""

    def call(self, x: Any) -> Any:
        assert isinstance(x, list) and len({v.shape for v in x}) == 1, [np.shape(v) for v in x]
        combine: dict[str, Any] = {
            "Add": np.sum,
            "Multiply": np.prod,
            "Average": np.mean,
            "Maximum": np.max,
            "Minimum": np.min,
        }
        if self.kind == "Subtract":
            return x[0] - x[1]
        return combine[self.kind](x, axis=0)


class Concatenate(Layer):
    accepts = ("axis",)

    def call(self, x: Any) -> Any:
        return np.concatenate(x, axis=self.given.get("axis", -1))

    def ids_of(self, operands: Sequence[Tensor], shape: tuple[int, ...]) -> Array | None:
        axis, starts = self.given.get("axis", -1), np.cumsum([0, *(t.ids.max() + 1 for t in operands)])
        ids = [t.ids + s for t, s in zip(operands, starts)]
        return np.concatenate(ids, axis=axis if axis < 0 else axis - 1)
