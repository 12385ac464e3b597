"""The base of all layers. Weights are numbers that depend on how many layers with weights were made before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tests.mock_keras import arguments
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


_PLAIN: dict[str, Callable[[Any], Any]] = {
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "tanh": np.tanh,
    "linear": lambda x: x,
    "elu": lambda x: np.where(x > 0, x, np.exp(np.minimum(x, 0)) - 1),
    "softplus": lambda x: np.log1p(np.exp(x)),
    "softmax": softmax,
}
ACTIVATIONS = {name: lifted(function) for name, function in _PLAIN.items()}


GROWING = ("kernel", "gamma", "depthwise")


class Layer:
    """One layer; ``given`` holds its arguments by their names in Keras 3."""

    weighted = False
    layout = False  # has a setting of its own
    accepts: tuple[str, ...] = ()
    fresh = False  # its output has elements of its own

    def __init__(self, world: World, kind: str, /, *args: Any, **keywords: Any) -> None:
        given = arguments.positional(kind, args, world.version, keywords)
        given.update(arguments.named(keywords, world.version))
        self.world, self.kind, self.given = world, kind, given
        self.input_shape_given = given.pop("input_shape", None)
        batch = given.pop("batch_shape", None)
        if batch is not None:
            self.input_shape_given = tuple(batch)[1:]
        if (size := given.pop("input_dim", None)) is not None:
            self.input_shape_given = (size,)
        self.built = False
        self.weights: dict[str, Array] = {}
        self.grown = 1.0  # what training does to the weights
        self.trainable = True
        self.name = keywords.get("name") or f"{kind.lower()}_{world.made}"
        world.made += 1
        if self.layout:
            self.first = self._first(given.pop("data_format", None))
        self.activate = activation(given.pop("activation", None), world)
        for word in arguments.NEUTRAL:
            given.pop(word, None)
        unknown = [n for n in given if n not in self.accepts]
        if unknown:
            raise TypeError(f"{kind} has no argument {unknown[0]!r}")
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

    def one(self, *names: str) -> Any:
        """The argument, by whichever of its names it was given."""
        return next(self.given[name] for name in names if name in self.given)

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
        self.input = operands[0] if len(operands) == 1 else operands
        return made

    output_shape = property(lambda self: self.output.shape)
    input_shape = property(lambda self: self.input.shape)

    def get_weights(self) -> list[Array]:
        """As they lie in the version that is played."""
        factors = [self.grown if name in GROWING else 1.0 for name in self.weights]
        return [self._seen(w * f) for w, f in zip(self.weights.values(), factors)]

    def set_weights(self, given: Sequence[Any]) -> None:
        assert len(given) == len(self.weights), f"{self.kind} has {len(self.weights)} weights"
        for (name, old), new in zip(list(self.weights.items()), given):
            new = np.asarray(new, dtype=float)
            assert new.shape == self._seen(old).shape, (
                f"{self.kind}: {name} is {self._seen(old).shape}, not {new.shape}"
            )
            self.weights[name] = self._held(new)
        self.grown = 1.0

    def _seen(self, weight: Array) -> Array:
        """Kernels of Keras 1 lie like the maps."""
        old = self.layout and self.first and self.world.version < (2,) and weight.ndim > 2
        return np.transpose(weight, (weight.ndim - 1, weight.ndim - 2, *range(weight.ndim - 2))) if old else weight

    def _held(self, weight: Array) -> Array:
        old = self.layout and self.first and self.world.version < (2,) and weight.ndim > 2
        return np.transpose(weight, (*range(2, weight.ndim), 1, 0)) if old else weight

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
