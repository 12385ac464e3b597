"""Layers that few programs have: maps in steps, normalisation of groups and of lengths, products of features."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.mock_keras import maps
from tests.mock_keras.base import Array, Layer
from tests.mock_keras.spatial import Conv


def _sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


class ConvLSTM(Conv):
    """An LSTM whose products are convolutions."""

    accepts = (*Conv.accepts, "return_sequences", "recurrent_activation")

    def build(self, shape: tuple[int, ...], ids: Any) -> None:
        assert len(shape) == self.rank + 3, f"{self.kind} takes {self.rank + 3} axes, not the shape {shape}"
        self.make(shape[2] if self.first else shape[-1])

    def make(self, channels: int) -> None:
        filters = self.given["filters"]
        self.weights["kernel"] = self.kernel("kernel", channels, 4 * filters)
        self.weights["recurrent"] = self.kernel("recurrent", filters, 4 * filters)
        self.weights["bias"] = self.number("bias", 4 * filters)

    def call(self, x: Any) -> Any:
        x = np.moveaxis(x, 2, -1) if self.first else x
        ones = [1] * self.rank
        hidden: Any = None
        cell: Any = 0.0
        steps = []
        for t in range(x.shape[1]):
            total = maps.conv(x[:, t], self.weights["kernel"] * self.grown, self.strides, self.padding, self.dilation)
            total = total + self.weights["bias"]
            if hidden is not None:
                total = total + maps.conv(hidden, self.weights["recurrent"], ones, "same", ones)
            i, f, c, o = np.split(total, 4, axis=-1)
            cell = _sigmoid(f) * cell + _sigmoid(i) * np.tanh(c)
            hidden = _sigmoid(o) * np.tanh(cell)
            steps.append(np.moveaxis(hidden, -1, 1) if self.first else hidden)
        return np.stack(steps, axis=1) if self.given.get("return_sequences") else steps[-1]


class GroupNormalization(Layer):
    weighted = True
    accepts = ("groups", "main", "axis")

    def build(self, shape: tuple[int, ...], ids: Any) -> None:
        self.at = self.given.get("axis", -1) % len(shape)
        for name in ("gamma", "beta"):
            self.weights[name] = self.number(name, shape[self.at])

    def call(self, x: Any) -> Any:
        groups = self.one("groups", "main")
        last = np.moveaxis(x, self.at, -1)
        parts = last.reshape((*last.shape[:-1], groups, -1))
        axes = (*range(1, last.ndim - 1), last.ndim)
        spread = np.sqrt(parts.var(axis=axes, keepdims=True) + 1e-3)
        made = ((parts - parts.mean(axis=axes, keepdims=True)) / spread).reshape(last.shape)
        return np.moveaxis(made * self.weights["gamma"] + self.weights["beta"], -1, self.at)


class UnitNormalization(Layer):
    accepts = ("axis", "main")

    def call(self, x: Any) -> Any:
        return x / np.sqrt(np.maximum((x * x).sum(axis=self.given.get("axis", -1), keepdims=True), 1e-12))


class Dot(Layer):
    """Of rows of features."""

    accepts = ("axes", "main", "normalize")
    fresh = True

    def call(self, x: Any) -> Any:
        a, b = x
        assert a.ndim == b.ndim == 2
        return (a * b).sum(axis=1, keepdims=True)
