"""The layers. Weights are numbers that depend on how many layers with weights were made before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tests.mock_keras import arguments, maps
from tests.mock_keras.arguments import many, pairs
from tests.mock_keras.tensors import SAMPLES, Tensor, lifted
from tests.mock_keras.world import FIRST, LAST, World, numbers

Array = np.ndarray


def activation(given: Any, world: World) -> Callable[[Any], Any]:
    """An activation by name, by function, or a layer."""
    if given is None:
        return lambda x: x
    if isinstance(given, str):
        return ACTIVATIONS[given]
    return given


def softmax(x: Array, axis: int = -1) -> Array:
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    name: lifted(function)
    for name, function in {
        "relu": lambda x: np.maximum(x, 0),
        "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
        "tanh": np.tanh,
        "linear": lambda x: x,
        "elu": lambda x: np.where(x > 0, x, np.exp(np.minimum(x, 0)) - 1),
        "softplus": lambda x: np.log1p(np.exp(x)),
        "softmax": softmax,
    }.items()
}


class Layer:
    """One layer; ``given`` holds its arguments by their names in Keras 3."""

    weighted = False
    layout = False  # has a setting of its own
    accepts: tuple[str, ...] = ()
    fresh = False  # its output has elements of its own

    def __init__(self, world: World, name: str, *args: Any, **keywords: Any) -> None:
        given = arguments.positional(name, args, world.version, keywords)
        given.update(arguments.named(keywords, world.version))
        self.world, self.kind, self.given = world, name, given
        self.input_shape_given = given.pop("input_shape", None)
        batch = given.pop("batch_shape", None)
        if batch is not None:
            self.input_shape_given = tuple(batch)[1:]
        if (size := given.pop("input_dim", None)) is not None:
            self.input_shape_given = (size,)
        self.built = False
        self.weights: dict[str, Array] = {}
        self.grown = 1.0  # what training does to the weights
        if self.layout:
            self.first = self._first(given.pop("data_format", None))
        self.activate = activation(given.pop("activation", None), world)
        for word in arguments.NEUTRAL:
            given.pop(word, None)
        unknown = [n for n in given if n not in self.accepts]
        if unknown:
            raise TypeError(f"{name} has no argument {unknown[0]!r}")
        self.start()

    def _first(self, setting: Any) -> bool:
        if setting in (None, "default"):
            return self.world.default_first and (self.rank > 1 or self.world.version >= (3,))
        assert setting in FIRST + LAST, setting
        return setting in FIRST

    @property
    def rank(self) -> int:
        return next((int(c) for c in self.kind if c.isdigit()), 0)

    def start(self) -> None:
        """Read the arguments."""

    def build(self, shape: tuple[int, ...], ids: Any) -> None:
        """Make the weights for inputs of this shape."""

    def call(self, x: Any) -> Any:
        raise NotImplementedError

    def run(self, *xs: Any) -> Any:
        return self.activate(self.call(xs[0] if len(xs) == 1 else list(xs)))

    def number(self, what: str, *shape: int) -> Array:
        return numbers(f"{self.index} {what}", *shape)

    def __call__(self, x: Any) -> Any:
        operands = list(x) if isinstance(x, list | tuple) else [x]
        if not isinstance(operands[0], Tensor):
            operands = [Tensor(np.asarray(o, dtype=float)[:SAMPLES]) for o in operands]
            self._build(operands)
            return self.run(*([x] if not isinstance(x, list) else x))
        self._build(operands)
        value = self.run(*(t.value for t in operands))
        made = Tensor(value, self.run, operands, self.ids_of(operands, np.shape(value)[1:]), self)
        self.output = made
        return made

    def _build(self, operands: Sequence[Tensor]) -> None:
        if self.built:
            return
        self.built = True
        if self.weighted:
            self.index = self.world.layers
            self.world.layers += 1
        self.build(operands[0].value.shape, [t.ids for t in operands])

    def ids_of(self, operands: Sequence[Tensor], shape: tuple[int, ...]) -> Array | None:
        if self.layout or self.fresh:
            return self.fresh_ids(shape)
        return operands[0].ids if operands[0].ids.shape == shape else None

    def fresh_ids(self, shape: tuple[int, ...]) -> Array:
        """Elements are numbered as they lie in channels-last."""
        first = self.layout and self.first and len(shape) > 1
        inner = (*shape[1:], shape[0]) if first else shape
        ids = np.arange(int(np.prod(inner))).reshape(inner)
        return np.moveaxis(ids, -1, 0) if first else ids


class LayoutLayer(Layer):
    """Works on channels-last arrays; channels-first ones are moved there and back."""

    layout = True

    def last(self, x: Array) -> Array:
        assert x.ndim == self.rank + 2, f"{self.kind} takes {self.rank + 2} axes, not the shape {x.shape}"
        return np.moveaxis(x, 1, -1) if self.first else x

    def back(self, x: Array) -> Array:
        return np.moveaxis(x, -1, 1) if self.first and x.ndim > 2 else x

    def call(self, x: Any) -> Any:
        return self.back(self.work(self.last(x)))

    def build(self, shape: tuple[int, ...], ids: Any) -> None:
        assert len(shape) == self.rank + 2, f"{self.kind} takes {self.rank + 2} axes, not the shape {shape}"
        self.make(shape[1] if self.first else shape[-1])

    def make(self, channels: int) -> None:
        """Make the weights."""

    def work(self, x: Array) -> Array:
        raise NotImplementedError


class Conv(LayoutLayer):
    weighted = True
    accepts = ("filters", "kernel_size", "strides", "padding", "dilation_rate", "use_bias", "kernel0", "kernel1",
               "kernel2", "nb_row", "nb_col", "kernel_dim1", "kernel_dim2", "kernel_dim3", "output_shape",
               "depth_multiplier")  # fmt: skip

    def start(self) -> None:
        given = self.given
        parts = [given.pop(n) for n in ("nb_row", "nb_col", "kernel_dim1", "kernel_dim2", "kernel_dim3") if n in given]
        parts = parts or [given[f"kernel{i}"] for i in range(self.rank) if f"kernel{i}" in given]
        self.window = many(tuple(parts) if parts else given["kernel_size"], self.rank)
        assert len(self.window) == self.rank
        self.strides = many(given.get("strides", 1), self.rank)
        self.dilation = many(given.get("dilation_rate", 1), self.rank)
        self.padding = given.get("padding", "valid")

    def make(self, channels: int) -> None:
        self.weights["kernel"] = self.number("kernel", *self.window, channels, self.given["filters"])
        self.weights["bias"] = self.number("bias", self.given["filters"])

    def work(self, x: Array) -> Array:
        made = maps.conv(x, self.weights["kernel"] * self.grown, self.strides, self.padding, self.dilation)
        return self.biased(made)

    def biased(self, x: Array) -> Array:
        return x / np.prod(self.window) + (self.weights["bias"] if self.given.get("use_bias", True) else 0.0)


class ConvTranspose(Conv):
    def make(self, channels: int) -> None:
        self.weights["kernel"] = self.number("kernel", *self.window, self.given["filters"], channels)
        self.weights["bias"] = self.number("bias", self.given["filters"])

    def work(self, x: Array) -> Array:
        made = maps.conv_transpose(x, self.weights["kernel"] * self.grown, self.strides, self.padding)
        return self.biased(made)

    def call(self, x: Any) -> Any:
        made = super().call(x)
        wanted = self.given.get("output_shape")
        assert wanted is None or tuple(wanted)[1:] == made.shape[1:], f"output_shape {wanted} but {made.shape}"
        return made


class DepthwiseConv(Conv):
    def make(self, channels: int) -> None:
        times = self.given.get("depth_multiplier", 1)
        self.weights["kernel"] = self.number("kernel", *self.window, channels, times)
        self.weights["bias"] = self.number("bias", channels * times)

    def work(self, x: Array) -> Array:
        made = maps.depthwise(x, self.weights["kernel"] * self.grown, self.strides, self.padding, self.dilation)
        return self.biased(made)


class SeparableConv(Conv):
    def make(self, channels: int) -> None:
        times = self.given.get("depth_multiplier", 1)
        self.weights["depthwise"] = self.number("depthwise", *self.window, channels, times)
        self.weights["pointwise"] = self.number("pointwise", channels * times, self.given["filters"])
        self.weights["bias"] = self.number("bias", self.given["filters"])

    def work(self, x: Array) -> Array:
        made = maps.depthwise(x, self.weights["depthwise"] * self.grown, self.strides, self.padding, self.dilation)
        return self.biased(made @ self.weights["pointwise"])


class Pooling(LayoutLayer):
    accepts = ("pool_size", "strides", "padding")

    def work(self, x: Array) -> Array:
        window = many(self.given.get("pool_size", 2), self.rank)
        assert len(window) == self.rank
        given = self.given.get("strides")
        strides = window if given is None else many(given, self.rank)
        kind = "max" if self.kind.startswith("Max") else "mean"
        return maps.pool(x, window, strides, self.given.get("padding", "valid"), kind)


class GlobalPooling(LayoutLayer):
    accepts = ("keepdims",)

    def work(self, x: Array) -> Array:
        axes = tuple(range(1, x.ndim - 1))
        keep = bool(self.given.get("keepdims"))
        return x.max(axis=axes, keepdims=keep) if "Max" in self.kind else x.mean(axis=axes, keepdims=keep)


class ZeroPadding(LayoutLayer):
    accepts = ("padding",)

    def work(self, x: Array) -> Array:
        return maps.pad(x, pairs(self.given.get("padding", 1), self.rank))


class Cropping(LayoutLayer):
    accepts = ("cropping",)

    def work(self, x: Array) -> Array:
        return maps.crop(x, pairs(self.given.get("cropping", 1), self.rank))


class UpSampling(LayoutLayer):
    accepts = ("size",)

    def work(self, x: Array) -> Array:
        return maps.repeat(x, many(self.given.get("size", 2), self.rank))


class SpatialDropout(LayoutLayer):
    """Training is not played, so only its axes are looked at."""

    accepts = ("rate",)

    def work(self, x: Array) -> Array:
        return x


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
        spread = x.std(axis=self.axis, keepdims=True) + 0.1
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
        target = self.given.get("main", self.given.get("target_shape", self.given.get("dims")))
        return x.reshape((len(x), *target))

    def ids_of(self, operands: Sequence[Tensor], shape: tuple[int, ...]) -> Array | None:
        return operands[0].ids.reshape(shape)


class Permute(Layer):
    accepts = ("main", "dims")

    def call(self, x: Any) -> Any:
        dims = self.given.get("main", self.given.get("dims"))
        assert sorted(dims) == list(range(1, x.ndim)), f"Permute{tuple(dims)} of the shape {x.shape}"
        return x.transpose((0, *dims))

    def ids_of(self, operands: Sequence[Tensor], shape: tuple[int, ...]) -> Array | None:
        return self.call(operands[0].ids[None])[0]


class RepeatVector(Layer):
    accepts = ("main", "n")
    fresh = True

    def call(self, x: Any) -> Any:
        assert x.ndim == 2, x.shape
        return np.repeat(x[:, None], self.given.get("main", self.given.get("n")), axis=1)


class Dense(Layer):
    weighted = True
    fresh = True
    accepts = ("units", "use_bias")

    def build(self, shape: tuple[int, ...], ids: Any) -> None:
        rows = self.number("kernel", shape[-1], self.given["units"])
        if self.world.reorder and len(shape) == 2:
            names = ids[0]
            if names.max() >= shape[-1]:
                names = np.argsort(np.argsort(names))
            rows = rows[names]
        self.weights["kernel"] = rows
        self.weights["bias"] = self.number("bias", self.given["units"])

    def call(self, x: Any) -> Any:
        return x @ (self.weights["kernel"] * self.grown) / np.sqrt(x.shape[-1]) + self.weights["bias"]


class Recurrent(Layer):
    """A plain recurrent layer stands for all kinds."""

    weighted = True
    fresh = True
    accepts = ("units", "return_sequences", "main")

    def start(self) -> None:
        self.units = self.given.get("units", self.given.get("main"))

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
        made = np.asarray(self.given["function"](x, **self.given.get("arguments", {})))
        wanted = self.given.get("output_shape")
        if isinstance(wanted, tuple | list):
            assert tuple(wanted) == made.shape[1:], f"output_shape {wanted} but {made.shape}"
        return made

    def ids_of(self, operands: Sequence[Tensor], shape: tuple[int, ...]) -> Array | None:
        from tests.mock_keras.tensors import carried

        return carried(self.run, np.zeros((SAMPLES, *shape)), operands)


class TimeDistributed(Layer):
    accepts = ("main", "layer")

    def start(self) -> None:
        self.inner: Layer = self.given.get("main", self.given.get("layer"))

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
        combine = {"Add": np.sum, "Multiply": np.prod, "Average": np.mean, "Maximum": np.max, "Minimum": np.min}
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


def _table() -> dict[str, type[Layer]]:
    table: dict[str, type[Layer]] = {}
    for n in (1, 2, 3):
        table |= {f"Conv{n}D": Conv, f"Conv{n}DTranspose": ConvTranspose, f"ZeroPadding{n}D": ZeroPadding,
                  f"Cropping{n}D": Cropping, f"UpSampling{n}D": UpSampling, f"SpatialDropout{n}D": SpatialDropout}  # fmt: skip
        for kind in ("Max", "Average"):
            table |= {f"{kind}Pooling{n}D": Pooling, f"Global{kind}Pooling{n}D": GlobalPooling}
    table |= {"SeparableConv2D": SeparableConv, "DepthwiseConv2D": DepthwiseConv}
    table |= dict.fromkeys(["Dropout", "GaussianNoise", "GaussianDropout", "Masking"], Same)
    table |= dict.fromkeys(["LeakyReLU", "ELU", "ReLU", "ThresholdedReLU"], Unit)
    table |= dict.fromkeys(["LSTM", "GRU", "SimpleRNN"], Recurrent)
    table |= dict.fromkeys(["Add", "Multiply", "Average", "Maximum", "Minimum", "Subtract"], Merge)
    classes = [PReLU, Softmax, Activation, BatchNormalization, LayerNormalization, Flatten, Reshape, Permute, Dense,
               RepeatVector, Lambda, TimeDistributed, Concatenate]  # fmt: skip
    return table | {c.__name__: c for c in classes}


LAYERS = _table()
KERAS1_NAMES = {
    **{f"Convolution{n}D": f"Conv{n}D" for n in (1, 2, 3)},
    "Deconvolution2D": "Conv2DTranspose",
    "AtrousConvolution2D": "Conv2D",
    "SeparableConvolution2D": "SeparableConv2D",
}
