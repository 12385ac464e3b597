"""What a model is made of: its layers with weights, in the order in which the program made them."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np


class Registry:
    """Numbers the layers as they are made, and remembers the source line of each."""

    def __init__(self, work: Path) -> None:
        self.prefix = str(work) + "/"
        self.made: dict[int, tuple[int, str]] = {}
        self.rank: dict[int, int] = {}  # among the layers of its class
        self.keep: list[Any] = []
        self.classes: Counter[str] = Counter()

    def add(self, layer: Any) -> None:
        """Called at the start of every layer's ``__init__``."""
        if id(layer) in self.made:
            return
        self.keep.append(layer)
        self.made[id(layer)] = (len(self.made), self.line())
        self.rank[id(layer)] = self.classes[type(layer).__name__]
        self.classes[type(layer).__name__] += 1

    def line(self) -> str:
        """``file:line`` of the innermost frame in the user's own code."""
        frame = sys._getframe(1)
        while frame is not None:
            if frame.f_code.co_filename.startswith(self.prefix):
                return f"{frame.f_code.co_filename[len(self.prefix) :]}:{frame.f_lineno}"
            frame = frame.f_back  # type: ignore[assignment]
        return ""

    def stack(self) -> tuple[str, ...]:
        """``file:line`` of all frames in the user's own code: two calls of one function are two places."""
        frame, found = sys._getframe(1), []
        while frame is not None:
            if frame.f_code.co_filename.startswith(self.prefix):
                found.append(f"{frame.f_code.co_filename}:{frame.f_lineno}")
            frame = frame.f_back  # type: ignore[assignment]
        return tuple(found)

    def where(self, layer: Any) -> str:
        """The source line that made ``layer``."""
        return self.made.get(id(layer), (0, ""))[1]

    def weighted(self, model: Any, model_class: Any) -> list[Any]:
        """The layers of ``model`` that own weights; nested models are looked into."""
        found: dict[int, Any] = {}

        def walk(layers: list[Any]) -> None:
            for layer in layers:
                if isinstance(layer, model_class):
                    walk(layer.layers)
                elif layer.weights:
                    found[id(layer)] = layer

        walk(model.layers)
        return sorted(found.values(), key=lambda layer: self.made.get(id(layer), (0, ""))[0])

    def leaves(self, model: Any, model_class: Any) -> list[Any]:
        """All layers in ``model`` that are no models, in the order in which the program made them."""
        found = {id(layer): layer for layer in model._flatten_layers(include_self=False)}
        layers = [layer for layer in found.values() if not isinstance(layer, model_class)]
        return sorted(layers, key=lambda layer: self.made.get(id(layer), (0, ""))[0])


def fixed_batch(model: Any) -> int | None:
    """The number of samples that the model's inputs demand, None if any will do."""
    try:
        size = model.inputs[0].shape[0]
    except (AttributeError, IndexError, TypeError, ValueError):
        return None
    return int(size) if size else None


def describe(layer: Any, where: str, ids: np.ndarray | None) -> dict[str, Any]:
    """A layer with weights, as the weight map and the report need it."""
    axis = getattr(layer, "axis", None)
    if isinstance(axis, list | tuple) and len(axis) == 1:
        axis = axis[0]
    return {
        "name": layer.name,
        "class": type(layer).__name__,
        "where": where,
        "shapes": [list(np.shape(w)) for w in layer.weights],
        "axis": int(axis) if isinstance(axis, int | np.integer) else None,
        "shared": [int(number) for number in getattr(layer, "shared_axes", None) or []],
        "ids": ids,
    }


def random_weight(rng: np.random.Generator, name: str, shape: tuple[int, ...]) -> np.ndarray:
    """A value for a weight: every one random, of a size that keeps signals alive."""
    name = name.rsplit("/", 1)[-1].partition(":")[0].lower()
    if "var" in name or "std" in name:
        return rng.uniform(0.5, 1.5, shape)
    if "gamma" in name or name == "scale":
        return rng.uniform(0.6, 1.4, shape) * np.where(rng.random(shape) < 0.2, -1, 1)
    if "alpha" in name:
        return rng.uniform(0.05, 0.4, shape)
    if len(shape) < 2:
        return rng.normal(0, 0.25, shape)
    fan_in = int(np.prod(shape[:-1]))
    return rng.normal(0, np.sqrt(1.6 / fan_in), shape)


def mutate(layers: list[Any]) -> tuple[Any, np.ndarray] | None:
    """One deliberate mistake for the self-control: a kernel with height and width swapped, or the like."""
    candidates = [w for layer in layers for w in layer.weights if len(w.shape) >= 2 and np.prod(w.shape[:-1]) > 1]
    spatial = [w for w in candidates if len(w.shape) >= 4 and np.prod(w.shape[:-2]) > 1]
    if not (spatial or candidates):
        return None
    weight = (spatial or candidates)[0]
    value = np.asarray(weight)
    if len(value.shape) >= 4 and value.shape[0] == value.shape[1] > 1:
        return weight, np.swapaxes(value, 0, 1)
    axis = next(i for i, size in enumerate(value.shape) if size > 1)
    return weight, np.flip(value, axis)


def balance(layer: Any, run: Any, fresh: set[int]) -> None:
    """Scale the kernels of ``layer`` so that its sums are of order one for the script's own data.

    A saturated softmax would hide every mistake behind it.
    """
    kernels = [w for w in getattr(layer, "weights", []) if len(w.shape) >= 2 and id(w) in fresh]
    activation = getattr(layer, "activation", None)
    if not kernels or not callable(activation) or isinstance(getattr(type(layer), "activation", None), property):
        return  # a property is that of a recurrent layer's cell
    layer.activation = lambda x: x
    try:
        sums = np.asarray(run())
    except (TypeError, ValueError):
        return
    finally:
        layer.activation = activation
    spread = float(np.std(sums))
    if np.isfinite(spread) and spread > 0:
        for kernel in kernels:
            kernel.assign(np.asarray(kernel) * (1.2 / spread))
