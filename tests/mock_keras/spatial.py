"""Layers with a layout of their own: convolution, pooling, padding and their like."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tests.mock_keras import maps
from tests.mock_keras.arguments import many, pairs
from tests.mock_keras.base import Array, Layer
from tests.mock_keras.tensors import Tensor


class LayoutLayer(Layer):
    """Works on channels-last arrays; channels-first ones are moved there and back."""

    layout = True

    def _build(self, operands: Sequence[Tensor]) -> None:
        for tensor in operands:
            if tensor.raw:
                tensor.ids, tensor.raw = self.fresh_ids(tensor.value.shape[1:]), False
        super()._build(operands)

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

    def kernel(self, what: str, *shape: int) -> Array:
        """Small enough that nothing saturates behind it."""
        return self.number(what, *self.window, *shape) / np.prod(self.window)

    def make(self, channels: int) -> None:
        self.weights["kernel"] = self.kernel("kernel", channels, self.given["filters"])
        self.weights["bias"] = self.number("bias", self.given["filters"])

    def work(self, x: Array) -> Array:
        made = maps.conv(x, self.weights["kernel"] * self.grown, self.strides, self.padding, self.dilation)
        return self.biased(made)

    def biased(self, x: Array) -> Array:
        return x + (self.weights["bias"] if self.given.get("use_bias", True) else 0.0)


class ConvTranspose(Conv):
    def make(self, channels: int) -> None:
        self.weights["kernel"] = self.kernel("kernel", self.given["filters"], channels)
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
        self.weights["kernel"] = self.kernel("kernel", channels, times)
        self.weights["bias"] = self.number("bias", channels * times)

    def work(self, x: Array) -> Array:
        made = maps.depthwise(x, self.weights["kernel"] * self.grown, self.strides, self.padding, self.dilation)
        return self.biased(made)


class SeparableConv(Conv):
    def make(self, channels: int) -> None:
        times = self.given.get("depth_multiplier", 1)
        self.weights["depthwise"] = self.kernel("depthwise", channels, times)
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
