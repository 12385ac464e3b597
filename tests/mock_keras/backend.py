"""`keras.backend` and `keras.ops` on arrays and symbolic tensors."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from tests.mock_keras import maps
from tests.mock_keras.base import ACTIVATIONS, softmax
from tests.mock_keras.tensors import Tensor, evaluate, lifted
from tests.mock_keras.world import FIRST, LAST, World, numbers

EPSILON = 1e-7


def relu(x: Any, alpha: float = 0.0, max_value: float | None = None) -> Any:
    y = np.where(x > 0, x, alpha * x)
    return y if max_value is None else np.minimum(y, max_value)


def binary_crossentropy(truth: Any, guess: Any) -> Any:
    guess = np.clip(guess, EPSILON, 1 - EPSILON)
    return -(truth * np.log(guess) + (1 - truth) * np.log(1 - guess))


def _axes(axis: Any) -> Any:
    return tuple(axis) if isinstance(axis, list) else axis


def _reduction(name: str) -> Callable[..., Any]:
    function = getattr(np, name)

    def reduce(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return function(x, axis=_axes(axis), keepdims=keepdims)

    return reduce


def _common() -> dict[str, Callable[..., Any]]:
    table: dict[str, Callable[..., Any]] = {name: _reduction(name) for name in "mean sum max min std var prod".split()}
    table |= {"any": _reduction("any"), "all": _reduction("all")}
    for name in (
        "abs square sqrt exp log sign maximum minimum equal greater less where stack not_equal greater_equal "
        "less_equal round sin cos log1p logical_and logical_or logical_not squeeze"
    ).split():
        table[name] = getattr(np, name)
    table |= {
        "argmax": lambda x, axis=-1: np.argmax(x, axis=axis),
        "clip": np.clip,
        "pow": np.power,
        "cast": lambda x, dtype: np.asarray(x, dtype=float),
        "softmax": softmax,
        "reshape": lambda x, shape: np.reshape(x, shape),
        "expand_dims": lambda x, axis=-1: np.expand_dims(x, axis),
        "concatenate": lambda xs, axis=-1: np.concatenate(xs, axis=axis),
        "binary_crossentropy": binary_crossentropy,
        "logsumexp": lambda x, axis=None, keepdims=False: np.log(np.sum(np.exp(x), _axes(axis), keepdims=keepdims)),
        "stop_gradient": lambda x: x,
        "relu6": lambda x: np.clip(x, 0, 6),
        "selu": lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * (np.exp(np.minimum(x, 0)) - 1)),
        "silu": lambda x: x / (1 + np.exp(-x)),
        "swish": lambda x: x / (1 + np.exp(-x)),
        "softsign": lambda x: x / (1 + np.abs(x)),
        "one_hot": lambda x, count: np.eye(count)[np.asarray(x, dtype=int)],
        "zeros_like": np.zeros_like,
        "ones_like": np.ones_like,
    }
    return table


OLD: dict[str, Callable[..., Any]] = {
    "relu": relu,
    "permute_dimensions": lambda x, pattern: np.transpose(x, pattern),
    "flatten": lambda x: np.reshape(x, -1),
    "batch_flatten": lambda x: np.reshape(x, (len(x), -1)),
    "transpose": np.transpose,
    "cumsum": lambda x, axis=0: np.cumsum(x, axis),
    "cumprod": lambda x, axis=0: np.cumprod(x, axis),
    "reverse": lambda x, axes: np.flip(x, axes),
    "repeat_elements": lambda x, rep, axis: np.repeat(x, rep, axis),
    "repeat": lambda x, n: np.repeat(x[:, None], n, axis=1),
    "tile": np.tile,
    "gather": lambda x, at: np.take(x, at, axis=0),
    "dot": np.dot,
    "batch_dot": lambda x, y, axes: (x * y).sum(axis=1, keepdims=True),  # of rows of features
    "switch": np.where,
    "in_test_phase": lambda x, alt: x,
    "dropout": lambda x, level: x,
    "categorical_crossentropy": lambda t, p: -np.sum(t * np.log(np.clip(p, EPSILON, 1)), axis=-1),
    "argmin": lambda x, axis=-1: np.argmin(x, axis=axis),
    "l2_normalize": lambda x, axis=-1: x / np.sqrt((x * x).sum(axis=axis, keepdims=True) + EPSILON),
}
NEW: dict[str, Callable[..., Any]] = {
    "relu": lambda x: np.maximum(x, 0),
    "leaky_relu": lambda x, negative_slope=0.2: np.where(x > 0, x, negative_slope * x),
    "transpose": lambda x, axes=None: np.transpose(x, axes),
    "concatenate": lambda xs, axis=0: np.concatenate(xs, axis=axis),
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "convert_to_numpy": np.asarray,
    "norm": lambda x, ord=None, axis=None, keepdims=False: np.linalg.norm(x, ord, axis, keepdims),
    "shape": np.shape,
}


def function(inputs: Any, outputs: Any) -> Callable[[Any], Any]:
    """`K.function`: the outputs for given inputs; a learning phase among them says nothing here."""

    def fetch(values: Any) -> list[Any]:
        feeds = {id(t): np.asarray(v, dtype=float) for t, v in zip(inputs, values) if isinstance(t, Tensor)}
        return evaluate(outputs, feeds)

    return fetch


def gradients(loss: Any, variables: Any) -> list[Any]:
    """Not the true ones, but as the variables lie, and other ones for another loss."""
    function = lifted(lambda a, x: x * np.sum(a) + np.sign(x))
    return [function(loss, x) for x in (variables if isinstance(variables, list) else [variables])]


def placeholder(shape: Any = None, ndim: int | None = None) -> Tensor:
    return Tensor(numbers("placeholder", *(5 if n is None else n for n in shape or (5,) * (ndim or 0))))


def maps_of(world: World) -> dict[str, Callable[..., Any]]:
    """The functions with a layout: each is done by channels-last arrays."""

    def laid(function: Callable[..., Any]) -> Callable[..., Any]:
        def run(x: Any, *args: Any, **keywords: Any) -> Any:
            setting = keywords.pop("data_format", keywords.pop("dim_ordering", None))
            if args and isinstance(args[-1], str) and args[-1] in (*FIRST, *LAST):
                *args, setting = args  # type: ignore[assignment]
            first = world.first if setting in (None, "default") else setting in FIRST
            made = function(np.moveaxis(x, 1, -1) if first else x, *args, **keywords)
            return np.moveaxis(made, -1, 1) if first else made

        return lifted(run)

    def conv(x: Any, kernel: Any, strides: Any = (1, 1), padding: str = "valid") -> Any:
        return maps.conv(x, np.asarray(kernel), list(strides), padding, [1] * (x.ndim - 2))

    def depthwise(x: Any, kernel: Any, strides: Any = (1, 1), padding: str = "valid") -> Any:
        return maps.depthwise(x, np.asarray(kernel), list(strides), padding, [1, 1])

    def transpose(x: Any, kernel: Any, output_shape: Any, strides: Any = (1, 1), padding: str = "valid") -> Any:
        return maps.conv_transpose(x, np.asarray(kernel), list(strides), padding)

    def pool(x: Any, size: Any, strides: Any = None, padding: str = "valid", pool_mode: str = "max") -> Any:
        return maps.pool(x, list(size), list(strides or [1] * len(size)), padding, pool_mode)

    return {
        "conv2d": laid(conv),
        "conv3d": laid(lambda x, kernel, strides=(1, 1, 1), padding="valid": conv(x, kernel, strides, padding)),
        "depthwise_conv2d": laid(depthwise),
        "conv2d_transpose": laid(transpose),
        "pool2d": laid(pool),
        "pool3d": laid(pool),
        "resize_images": laid(lambda x, rows, columns: maps.repeat(x, [rows, columns])),
        "resize_volumes": laid(lambda x, *sizes: maps.repeat(x, sizes)),
        "spatial_2d_padding": laid(lambda x, padding=((1, 1), (1, 1)): maps.pad(x, padding)),
        "spatial_3d_padding": laid(lambda x, padding=((1, 1),) * 3: maps.pad(x, padding)),
        "bias_add": laid(lambda x, bias: x + bias),
    }


def backend(world: World) -> dict[str, Any]:
    """What `keras.backend` holds in the version that is played."""
    table: dict[str, Any] = {name: lifted(f) for name, f in (_common() | OLD).items()}
    table |= {name: ACTIVATIONS[name] for name in ("sigmoid", "tanh", "elu", "softplus")}
    table |= maps_of(world)
    table |= {
        "zeros": np.zeros,
        "ones": np.ones,
        "constant": np.asarray,
        "eval": np.asarray,
        "arange": np.arange,
        "int_shape": lambda x: x.shape,
        "shape": lambda x: x.shape,
        "ndim": lambda x: x.ndim,
        "epsilon": lambda: EPSILON,
        "floatx": lambda: "float32",
        "backend": lambda: "tensorflow",
        "learning_phase": lambda: 0,
        "clear_session": lambda: None,
        "function": function,
        "gradients": gradients,
        "placeholder": placeholder,
        "variable": lambda value, **_: np.array(value, dtype=float),
        "get_value": np.asarray,
        "in_train_phase": lambda a, b, training=None: b() if callable(b) else b,
    }
    if world.version < (2, 3):
        table["image_dim_ordering"] = lambda: world.ordering
        table["set_image_dim_ordering"] = world.set_ordering
    if world.version >= (2,):
        table["image_data_format"] = lambda: "channels_first" if world.first else "channels_last"
        table["set_image_data_format"] = world.set_ordering
    return table


def ops() -> SimpleNamespace:
    plain = {name: getattr(np, name) for name in dir(np) if callable(getattr(np, name)) and name[0].islower()}
    table: dict[str, Any] = {name: lifted(f) for name, f in (plain | _common() | NEW).items()}
    table |= {name: ACTIVATIONS[name] for name in ("sigmoid", "tanh", "elu", "softplus")}
    return SimpleNamespace(**table)


LOSSES: dict[str, Callable[[Any, Any], Any]] = {
    "mean_squared_error": lambda t, p: np.mean((t - p) ** 2, axis=-1),
    "mean_absolute_error": lambda t, p: np.mean(abs(t - p), axis=-1),
    "binary_crossentropy": lambda t, p: np.mean(binary_crossentropy(t, p), axis=-1),
    "categorical_crossentropy": lambda t, p: -np.sum(t * np.log(np.clip(p, EPSILON, 1)), axis=-1),
    "sparse_categorical_crossentropy": lambda t, p: (
        -np.log(np.clip(np.take_along_axis(p, t.reshape((*p.shape[:-1], 1)).astype(int), -1), EPSILON, 1))
    ),
}
LOSSES |= {"mse": LOSSES["mean_squared_error"], "mae": LOSSES["mean_absolute_error"]}
__all__ = ["LOSSES", "Tensor", "backend", "ops"]
