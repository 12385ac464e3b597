"""Models: built of recorded layers, trained by making their weights grow with the loss."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from types import SimpleNamespace
from typing import Any

import numpy as np

from tests.mock_keras.backend import LOSSES
from tests.mock_keras.tensors import SAMPLES, Tensor, evaluate
from tests.mock_keras.world import World, numbers

BATCHES = 2  # of a generator


def input_tensor(shape: Sequence[int | None]) -> Tensor:
    sizes = [5 if n is None else n for n in shape]
    return Tensor(numbers("input", SAMPLES, *sizes))


class InputLayer:
    """Stands for an input among the layers of a model."""

    trainable = True

    def __init__(self, tensor: Tensor) -> None:
        self.input = self.output = tensor
        self.name = f"input_{id(tensor)}"
        self.output_shape = self.input_shape = tensor.shape

    def get_weights(self) -> list[Any]:
        return []

    def set_weights(self, given: Sequence[Any]) -> None:
        assert not given


class Model:
    """A graph from inputs to outputs."""

    def __init__(self, world: World, inputs: Any = None, outputs: Any = None, **keywords: Any) -> None:
        self.world = world
        keywords.pop("name", None)
        inputs, outputs = keywords.pop("input", inputs), keywords.pop("output", outputs)
        assert not keywords, keywords
        self.name = f"model {world.models}"
        world.models += 1
        self.single = not isinstance(outputs, list | tuple)
        self.inputs: list[Tensor] = _listed(inputs)
        self.outputs: list[Tensor] = _listed(outputs)
        self.loss: list[Any] = []
        self.metrics: list[Any] = []

    # -- looking at it --------------------------------------------------------------------------

    @property
    def layers(self) -> list[Any]:
        """The input counts as a layer."""
        return [*(InputLayer(t) for t in self.inputs), *self.parts]

    def get_layer(self, name: str | None = None, index: int | None = None) -> Any:
        return self.layers[index] if index is not None else next(i for i in self.layers if i.name == name)

    def get_weights(self) -> list[np.ndarray]:
        return [w for part in self.parts for w in part.get_weights()]

    def set_weights(self, given: Sequence[Any]) -> None:
        rest = list(given)
        for part in self.parts:
            count = len(part.get_weights())
            part.set_weights(rest[:count])
            del rest[:count]

    @property
    def parts(self) -> list[Any]:
        found: dict[int, Any] = {}

        def visit(tensor: Tensor) -> None:
            for operand in tensor.operands:
                visit(operand)
            if tensor.layer is not None:
                found.setdefault(id(tensor.layer), tensor.layer)

        for tensor in self.outputs:
            visit(tensor)
        return list(found.values())

    output = property(lambda self: self.outputs[0])
    input = property(lambda self: self.inputs[0])
    output_shape = property(lambda self: self.outputs[0].shape)
    input_shape = property(lambda self: self.inputs[0].shape)

    def summary(self) -> None:
        """Prints nothing."""

    def count_params(self) -> int:
        return 7

    def _nothing(self, *_args: Any, **_keywords: Any) -> None:
        """Files are not played."""

    save = save_weights = load_weights = _nothing

    def to_json(self) -> str:
        return "{}"

    # -- running it -----------------------------------------------------------------------------

    def __call__(self, x: Any) -> Any:
        operands = list(x) if isinstance(x, list | tuple) else [x]
        makers = [
            Tensor(value, self._maker(i), operands, self.outputs[i].ids)
            for i, value in enumerate(self.run([t.value for t in operands]))
        ]
        for made in makers:
            made.layer = self
        return makers[0] if self.single else makers

    def _maker(self, i: int) -> Callable[..., Any]:
        return lambda *xs: self.run(list(xs))[i]

    def run(self, xs: Sequence[Any]) -> list[np.ndarray]:
        assert len(xs) == len(self.inputs)
        feeds = {}
        for x, tensor in zip(xs, self.inputs):
            x = np.asarray(x, dtype=float)
            assert x.shape[1:] == tensor.value.shape[1:], f"{self.name} takes {tensor.shape}, not {x.shape}"
            feeds[id(tensor)] = x
        return evaluate(self.outputs, feeds)

    def grow(self, factor: float) -> None:
        for layer in self.parts:
            if isinstance(layer, Model):
                layer.grow(factor)
            else:
                layer.grown *= factor

    grown = 1.0
    reports = False

    # -- training -------------------------------------------------------------------------------

    def compile(self, optimizer: Any = None, loss: Any = None, metrics: Any = None, **_: Any) -> None:
        given = list(loss.values()) if isinstance(loss, dict) else loss
        losses = given if isinstance(given, list) else [given] * len(self.outputs)
        self.loss = [LOSSES[f] if isinstance(f, str) else f for f in losses]
        self.metrics = [m for m in metrics or [] if callable(m)]
        self.reports = bool(metrics)

    def _step(self, kind: str, x: Any, y: Any, train: bool) -> float:
        xs, ys = _list(x, self.inputs), _list(y, self.outputs)
        guesses = self.run(xs)
        log = self.world.log
        for i, value in enumerate(xs):
            log(kind, f"{self.name} x{i}", value)
        total = 0.0
        for i, (truth, guess, loss) in enumerate(zip(ys, guesses, self.loss)):
            truth = np.asarray(truth, dtype=float)
            log(kind, f"{self.name} y{i}", truth)
            log(kind, f"{self.name} output{i}", guess)
            total += float(np.mean(np.asarray(loss(truth, guess))))
            for metric in self.metrics:
                log("metric", "", float(np.mean(np.asarray(metric(truth, guess)))))
        log("loss", "", total)
        if train:
            self.grow(1.0 + 0.1 * float(np.tanh(total)))
        return total

    def fit(self, x: Any, y: Any = None, batch_size: int = 32, nb_epoch: int = 1, verbose: int = 1, *_: Any,
            validation_data: Any = None, callbacks: Any = (), **_keywords: Any) -> Any:  # fmt: skip
        if y is None:
            return self.fit_generator(x, validation_data=validation_data, callbacks=callbacks)
        losses = [self._step("fit", x, y, True)]
        self._validate(validation_data)
        self._call_back(callbacks)
        return SimpleNamespace(history={"loss": losses, "val_loss": losses}, epoch=[0])

    def _validate(self, data: Any) -> None:
        if isinstance(data, tuple):
            self._step("validate", data[0], data[1], False)

    def _call_back(self, callbacks: Any) -> None:
        for callback in callbacks or ():
            if hasattr(callback, "set_model"):
                callback.set_model(self)
                callback.on_epoch_end(0, {})

    def fit_generator(self, generator: Iterable[Any], *_: Any, validation_data: Any = None, callbacks: Any = (),
                      **_keywords: Any) -> Any:  # fmt: skip
        losses = [self._step("fit", batch[0], batch[1], True) for batch in islice(generator, BATCHES)]
        self._validate(validation_data)
        self._call_back(callbacks)
        return SimpleNamespace(history={"loss": losses, "val_loss": losses}, epoch=[0])

    def train_on_batch(self, x: Any, y: Any, **_: Any) -> float:
        return self._step("train", x, y, True)

    def test_on_batch(self, x: Any, y: Any, **_: Any) -> float:
        return self._step("test", x, y, False)

    def evaluate(self, x: Any, y: Any, *_: Any, **_keywords: Any) -> Any:
        loss = self._step("evaluate", x, y, False)
        return [loss, loss / 2] if self.reports else loss

    def predict(self, x: Any, *_: Any, **_keywords: Any) -> Any:
        xs = _list(x, self.inputs)
        made = self.run(xs)
        for i, value in enumerate(xs):
            self.world.log("predict", f"{self.name} x{i}", value)
        for i, value in enumerate(made):
            self.world.log("predict", f"{self.name} output{i}", value)
        return made[0] if self.single else made

    predict_on_batch = predict_proba = predict


def _listed(value: Any) -> list[Any]:
    return [] if value is None else list(value) if isinstance(value, list | tuple) else [value]


def _list(value: Any, tensors: Sequence[Tensor]) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


class Sequential(Model):
    def __init__(self, world: World, layers: Any = None, **keywords: Any) -> None:
        super().__init__(world, [], [], **keywords)
        self.single = True
        self.added: list[Any] = []
        for layer in layers or ():
            self.add(layer)

    def add(self, layer: Any) -> None:
        if isinstance(layer, Tensor):
            self.inputs, self.outputs = [layer], [layer]
            return
        if not self.outputs:
            if isinstance(layer, Model):
                self.inputs, self.outputs = list(layer.inputs), list(layer.outputs)
                self.added.append(layer)
                return
            given = layer.input_shape_given
            inner = getattr(layer, "inner", None)
            given = given if given is not None or inner is None else inner.input_shape_given
            assert given is not None, f"{layer.kind}: the first layer says no input_shape"
            self.inputs = self.outputs = [input_tensor(given)]
        self.outputs = [layer(self.outputs[0])]
        self.added.append(layer)

    def pop(self) -> None:
        self.outputs = [self.added.pop().input]

    @property
    def layers(self) -> list[Any]:
        """The list itself, which programs change; a copy in later versions."""
        return self.added if self.world.version < (2, 2) else list(self.added)
