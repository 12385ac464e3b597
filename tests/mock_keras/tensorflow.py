"""The functions of TensorFlow that scripts use beside Keras, on arrays of numpy."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from tests.mock_keras import maps
from tests.mock_keras.base import ACTIVATIONS, softmax

SAME = ("abs square sqrt exp log sign negative sin cos floor ceil log1p maximum minimum add subtract multiply divide "
        "equal not_equal greater greater_equal less less_equal logical_and logical_or logical_not mod where tile "
        "reshape zeros_like ones_like matmul squeeze")  # fmt: skip


def reductions() -> dict[str, Callable[..., Any]]:
    """``reduce_mean`` and its like."""

    def made(name: str) -> Callable[..., Any]:
        return lambda x, axis=None, keepdims=False: getattr(np, name)(x, axis=axis, keepdims=keepdims)

    return {f"reduce_{name}": made(name) for name in "mean sum max min prod any all".split()}


def _layout(x: Any, data_format: str) -> Any:
    assert data_format in ("NHWC", "NCHW")
    return np.moveaxis(x, 1, -1) if data_format == "NCHW" else x


def _back(x: Any, data_format: str) -> Any:
    return np.moveaxis(x, -1, 1) if data_format == "NCHW" else x


def _inner(values: Any, data_format: str) -> list[int]:
    return list(values[2:] if data_format == "NCHW" else values[1:3])


def conv2d(x: Any, kernel: Any, strides: Any, padding: str, data_format: str = "NHWC") -> Any:
    steps = _inner(strides, data_format)
    made = maps.conv(_layout(x, data_format), kernel, steps, padding.lower(), [1, 1])
    return _back(made, data_format)


def pool(kind: str) -> Callable[..., Any]:
    def run(x: Any, ksize: Any, strides: Any, padding: str, data_format: str = "NHWC") -> Any:
        window, steps = _inner(ksize, data_format), _inner(strides, data_format)
        return _back(maps.pool(_layout(x, data_format), window, steps, padding.lower(), kind), data_format)

    return run


def bias_add(x: Any, bias: Any, data_format: str = "NHWC") -> Any:
    return _back(_layout(x, data_format) + bias, data_format)


def functions() -> dict[str, Callable[..., Any]]:
    """By name; those in ``nn`` and ``image`` with that prefix."""
    table: dict[str, Callable[..., Any]] = {name: getattr(np, name) for name in SAME.split()}
    table |= reductions()
    table |= {
        "rsqrt": lambda x: 1 / np.sqrt(x), "sigmoid": ACTIVATIONS["sigmoid"], "tanh": np.tanh, "pow": np.power,
        "truediv": np.divide, "squared_difference": lambda x, y: (x - y) ** 2, "is_nan": np.isnan, "div": np.divide,
        "argmax": lambda x, axis=0: np.argmax(x, axis=axis), "argmin": lambda x, axis=0: np.argmin(x, axis=axis),
        "cumsum": lambda x, axis=0: np.cumsum(x, axis), "cumprod": lambda x, axis=0: np.cumprod(x, axis),
        "cast": lambda x, dtype: np.asarray(x, dtype=float), "clip_by_value": np.clip,
        "identity": lambda x: x, "stop_gradient": lambda x: x,
        "concat": lambda xs, axis: np.concatenate(xs, axis=axis), "stack": lambda xs, axis=0: np.stack(xs, axis=axis),
        "unstack": lambda x, num=None, axis=0: list(np.moveaxis(x, axis, 0)),
        "split": lambda x, sizes, axis=0: np.split(x, sizes if isinstance(sizes, int) else np.cumsum(sizes)[:-1], axis),
        "transpose": lambda x, perm=None: np.transpose(x, perm), "expand_dims": lambda x, axis: np.expand_dims(x, axis),
        "reverse": lambda x, axis: np.flip(x, tuple(axis)), "roll": lambda x, shift, axis: np.roll(x, shift, axis),
        "pad": lambda x, paddings: np.pad(x, paddings), "gather": lambda x, at, axis=0: np.take(x, at, axis=axis),
        "one_hot": lambda x, depth: np.eye(depth)[np.asarray(x, dtype=int)],
        "zeros": np.zeros, "ones": np.ones, "fill": lambda dims, value: np.full(dims, value),
        "constant": lambda x: np.asarray(x), "convert_to_tensor": np.asarray, "shape": np.shape, "rank": np.ndim,
        "range": np.arange, "linspace": np.linspace,
        "nn.relu": lambda x: np.maximum(x, 0), "nn.softmax": lambda x, axis=-1: softmax(x, axis),
        "nn.log_softmax": lambda x, axis=-1: np.log(softmax(x, axis)),
        "nn.conv2d": conv2d, "nn.max_pool2d": pool("max"), "nn.avg_pool2d": pool("mean"), "nn.bias_add": bias_add,
        "image.flip_left_right": lambda x: x[..., ::-1, :], "image.flip_up_down": lambda x: x[..., ::-1, :, :],
        "image.adjust_brightness": lambda x, delta: x + delta, "image.central_crop": _central,
        "random.normal": lambda shape: np.random.normal(size=shape),
    }  # fmt: skip
    return table


def _central(x: Any, fraction: float) -> Any:
    sizes = [int((n - n * fraction) / 2) for n in x.shape[-3:-1]]
    return x[..., sizes[0] : x.shape[-3] - sizes[0], sizes[1] : x.shape[-2] - sizes[1], :]


class Dataset:
    """``tf.data.Dataset``: a list of tuples."""

    def __init__(self, items: list[Any]) -> None:
        self.items = items

    @classmethod
    def from_tensor_slices(cls, arrays: Any) -> Dataset:
        if isinstance(arrays, tuple):
            return cls([tuple(row) for row in zip(*arrays)])
        return cls(list(arrays))

    def map(self, function: Callable[..., Any]) -> Dataset:
        return Dataset([function(*i) if isinstance(i, tuple) else function(i) for i in self.items])

    def shuffle(self, size: int) -> Dataset:
        return self

    repeat = prefetch = cache = lambda self, *_: self

    def batch(self, size: int) -> Dataset:
        parts = [self.items[i : i + size] for i in range(0, len(self.items), size)]
        several = isinstance(self.items[0], tuple)
        return Dataset([tuple(map(np.stack, zip(*p))) if several else np.stack(p) for p in parts])

    def __iter__(self) -> Any:
        return iter(self.items)


def modules() -> dict[str, ModuleType]:
    """``tensorflow`` and its submodules."""
    made = {name: ModuleType(name) for name in ("tensorflow", "tensorflow.nn", "tensorflow.image", "tensorflow.math",
                                                "tensorflow.data", "tensorflow.random")}  # fmt: skip
    top = made["tensorflow"]
    for name, module in made.items():
        if name != "tensorflow":
            setattr(top, name.split(".")[1], module)
    for name, function in functions().items():
        *home, last = name.split(".")
        setattr(getattr(top, home[0]) if home else top, last, function)
        if not home and last not in ("where", "reshape", "cast"):
            setattr(top.math, last, function)
    top.data.Dataset = Dataset  # type: ignore[attr-defined]
    return made
