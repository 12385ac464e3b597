"""The patched methods of `Model`: training, evaluation and prediction, cut short and recorded."""

from __future__ import annotations

import os
import sys
import types
from collections.abc import Callable
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from kmigrate.verify.child import arrays, model_info, settings
from kmigrate.verify.child.record import Recorder
from kmigrate.verify.child.stack import KERAS3
from kmigrate.verify.settings import RANDOM


class _Metrics(dict[str, Any]):
    """History.history: every key exists, as names differ between versions ('acc', 'accuracy')."""

    def __missing__(self, key: str) -> Any:
        spelled = key.replace("accuracy", "acc") if "accuracy" in key else key.replace("acc", "accuracy")
        if spelled in self:
            return self[spelled]
        return next(iter(self.values()), [0.0])


def _epochs(given: dict[str, Any]) -> int:
    try:
        return int(given.get("epochs") or 1)
    except (TypeError, ValueError):
        return 1


def _numbers(result: Any) -> list[float]:
    if isinstance(result, dict):
        return [v for key in sorted(result) for v in _numbers(result[key])]
    return [float(v) for v in np.ravel(np.asarray(result, dtype=np.float64))]


class Methods:
    """Installs the recording methods on the model class of the stack."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        model = recorder.stack.model_class
        names = ("train_on_batch", "test_on_batch", "predict_on_batch", "compile", "__call__")
        self.original = {name: getattr(model, name) for name in names}
        self.given: WeakValueDictionary[int, Any] = WeakValueDictionary()  # what get_weights gave, by its id

    def install(self) -> None:
        """Patch the classes; subclasses that override a method keep their own."""
        model = self.recorder.stack.model_class
        own = self

        def bound(record: Callable[..., Any], names: tuple[str, ...]) -> Callable[..., Any]:
            def method(model: Any, *args: Any, **kwargs: Any) -> Any:
                return record(model, settings.bind(names, args, kwargs))

            return method

        predict = bound(self.predict, settings.PREDICT)

        def predict_on_batch(model: Any, x: Any) -> Any:
            return own.predict(model, {"x": x}, "predict_on_batch")

        def train_on_batch(
            model: Any,
            x: Any,
            y: Any = None,
            sample_weight: Any = None,
            class_weight: Any = None,
            **kwargs: Any,
        ) -> Any:
            return own.train_on_batch(model, x, y, sample_weight, class_weight, kwargs)

        def test_on_batch(model: Any, x: Any, y: Any = None, sample_weight: Any = None, **kwargs: Any) -> Any:
            return own.evaluate(model, {"x": x, "y": y, "sample_weight": sample_weight, **kwargs})

        def call(model: Any, *args: Any, **kwargs: Any) -> Any:
            return own.call(model, args, kwargs)

        def compile(model: Any, *args: Any, **kwargs: Any) -> Any:
            if not own.recorder.timed:
                kwargs["jit_compile"] = own.recorder.compiled
                kwargs["run_eagerly"] = own.recorder.eager
            return own.original["compile"](model, *args, **kwargs)

        def predict_classes(model: Any, *args: Any, **kwargs: Any) -> Any:
            found = predict(model, *args, **kwargs)
            return found.argmax(axis=-1) if found.shape[-1] > 1 else (found > 0.5).astype("int32")

        for function in (predict_on_batch, train_on_batch, test_on_batch, compile):
            setattr(model, function.__name__, function)
        model.fit = bound(self.fit, settings.FIT)
        model.evaluate = bound(self.evaluate, settings.EVALUATE)
        model.predict = predict
        model.__call__ = call
        if self.recorder.stack.name != KERAS3:
            model.fit_generator = bound(self.fit, settings.FIT_GENERATOR)
            model.evaluate_generator = bound(self.evaluate, settings.EVALUATE_GENERATOR)
            model.predict_generator = bound(self.predict, settings.PREDICT_GENERATOR)
            model.predict_classes = predict_classes
            model.predict_proba = predict
            self._functions()
        self._files(model)
        self._layers()

    # -- training and prediction

    def _head(self, tree: Any, count: int) -> Any:
        return arrays.map_leaves(tree, lambda a: a[:count] if len(a) >= count else np.resize(a, (count, *a.shape[1:])))

    def _batch(self, model: Any, x: Any, y: Any, weight: Any) -> tuple[Any, Any, Any, int, dict[str, Any]]:
        """A small head of the data, how many samples there were, and, if there were more, the fingerprints of all."""
        if arrays.is_stream(x):
            x, y, weight = arrays.first_batch(x)
            self.recorder.note("a generator or dataset is read for one batch")
        total = arrays.batch_size(x)
        count = model_info.fixed_batch(model) or arrays.small(x, self.recorder.samples)
        groups = {"x": x, "y": y, "sample_weight": weight} if total > count else {}
        whole = {name: arrays.fingerprints(tree) for name, tree in groups.items()}
        return self._head(x, count), self._head(y, count), self._head(weight, count), total, whole

    def fit(self, model: Any, given: dict[str, Any]) -> Any:
        """At most so often at one line."""
        return self.recorder.in_loop("fit", model, self.recorder.steps, lambda: self._fit(model, given))

    def _fit(self, model: Any, given: dict[str, Any]) -> Any:
        """k steps on a few samples, then a look at the validation data."""
        recorder = self.recorder
        x, y, weight, _, whole = self._batch(model, given.get("x"), given.get("y"), given.get("sample_weight"))
        entry, data = recorder.event("fit", model, {"x": x, "y": y, "sample_weight": weight})
        entry["whole"] = whole
        entry["arguments"] = settings.of_training(given, arrays.is_stream(given.get("x")))
        if given.get("callbacks"):
            recorder.note("callbacks are not run")
        class_weight = given.get("class_weight")
        losses, metrics, logs = [], [], {}
        with recorder.working():
            recorder.training_gradient(model, entry["model"], data["x"], data["y"], data["sample_weight"])
            for step in range(recorder.steps):
                recorder.says(f"call {len(recorder.events)}, fit: step {step + 1} of {recorder.steps}")
                logs = self._train(model, data["x"], data["y"], data["sample_weight"], class_weight)
                losses.append(float(np.asarray(logs["loss"])))
                metrics += [v for key in sorted(logs) if key != "loss" for v in _numbers(logs[key])]
            recorder.stepped(entry["model"], recorder.steps)
        entry["results"].update(losses=np.array(losses), metrics=np.array(metrics))
        validation = given.get("validation_data")
        history = {key: [float(np.mean(np.asarray(value)))] for key, value in logs.items()}
        if validation is not None:
            parts = validation if isinstance(validation, tuple | list) else (validation, None)
            self.evaluate(model, dict(zip(("x", "y", "sample_weight"), parts, strict=False)))
        history.update({"val_" + key: value for key, value in list(history.items())})
        result = recorder.stack.keras.callbacks.History()
        result.epoch = list(range(min(_epochs(given), 1000)))
        result.history = _Metrics({key: value * max(len(result.epoch), 1) for key, value in history.items()})
        model.history = result
        return result

    def _train(self, model: Any, x: Any, y: Any, weight: Any, class_weight: Any) -> dict[str, Any]:
        return self.original["train_on_batch"](
            model, x, y, sample_weight=weight, class_weight=class_weight, return_dict=True
        )

    def train_on_batch(self, model: Any, x: Any, *rest: Any) -> Any:
        """At most k steps at one line."""
        steps = self.recorder.steps
        return self.recorder.in_loop("train_on_batch", model, steps, lambda: self._train_on_batch(model, x, *rest))

    def _train_on_batch(
        self, model: Any, x: Any, y: Any, weight: Any, class_weight: Any, kwargs: dict[str, Any]
    ) -> Any:
        """One step of the script's own loop."""
        recorder = self.recorder
        x, y, weight, _, whole = self._batch(model, x, y, weight)
        entry, data = recorder.event("train_on_batch", model, {"x": x, "y": y, "sample_weight": weight})
        entry["whole"] = whole
        with recorder.working():
            recorder.training_gradient(model, entry["model"], data["x"], data["y"], data["sample_weight"])
            result = self.original["train_on_batch"](
                model,
                data["x"],
                data["y"],
                sample_weight=data["sample_weight"],
                class_weight=class_weight,
                **kwargs,
            )
            recorder.stepped(entry["model"])
        entry["results"]["losses"] = np.array(_numbers(result))
        return result

    def evaluate(self, model: Any, given: dict[str, Any]) -> Any:
        """At most so often at one line."""
        return self.recorder.in_loop("evaluate", model, 2 * self.recorder.steps, lambda: self._evaluate(model, given))

    def _evaluate(self, model: Any, given: dict[str, Any]) -> Any:
        """Loss and metrics on a few samples."""
        recorder = self.recorder
        x, y, weight, _, whole = self._batch(model, given.get("x"), given.get("y"), given.get("sample_weight"))
        entry, data = recorder.event("evaluate", model, {"x": x, "y": y, "sample_weight": weight})
        entry["whole"] = whole
        entry["arguments"] = settings.of_use(given)
        with recorder.working():
            model.reset_metrics()
            result = self.original["test_on_batch"](
                model,
                data["x"],
                data["y"],
                sample_weight=data["sample_weight"],
                return_dict=bool(given.get("return_dict")),
            )
            model.reset_metrics()
        entry["results"]["losses"] = np.array(_numbers(result))
        return result

    def predict(self, model: Any, given: dict[str, Any], kind: str = "predict") -> Any:
        """At most so often at one line."""
        limit = 2 * self.recorder.steps
        found = self.recorder.in_loop(kind, model, limit, lambda: self._predict(model, given, kind))
        count = 0 if arrays.is_stream(given.get("x")) else arrays.batch_size(given.get("x"))
        if count and any(len(leaf) != count for leaf in arrays.flatten(found)):  # of another call in a loop
            found = arrays.map_leaves(found, lambda leaf: np.resize(leaf, (count, *leaf.shape[1:])))
        return found

    def _predict(self, model: Any, given: dict[str, Any], kind: str) -> Any:
        """Predictions for a few samples, repeated to the length that the script expects."""
        recorder = self.recorder
        x, _, _, total, whole = self._batch(model, given.get("x"), None, None)
        entry, data = recorder.event(kind, model, {"x": x})
        entry["whole"] = whole
        entry["arguments"] = settings.of_use(given)
        with recorder.working():
            result = self.original["predict_on_batch"](model, data["x"])
        leaves = [np.asarray(leaf) for leaf in arrays.flatten(result)]
        entry["results"]["outputs"] = leaves
        if total > arrays.batch_size(x):
            recorder.note("predictions beyond the first samples are repeats")
        long = [np.resize(leaf, (max(total, leaf.shape[0]), *leaf.shape[1:])) for leaf in leaves]
        return arrays.rebuild(result, long)

    def call(self, model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """``model(x)`` on values, as in a training loop of the script's own."""
        recorder = self.recorder
        x = args[0] if args else kwargs.get("inputs")
        concrete = [leaf for leaf in arrays.flatten(x) if hasattr(leaf, "numpy") or isinstance(leaf, np.ndarray)]
        if recorder.busy or recorder.hooks.watcher is not None or not concrete:
            return self.original["__call__"](model, *args, **kwargs)
        if sys._getframe(2).f_code.co_filename.find(os.sep + "site-packages" + os.sep) >= 0:
            return self.original["__call__"](model, *args, **kwargs)  # a model inside a model
        entry, data = recorder.event("call", model, {"x": x})
        with recorder.working():
            result = self.original["__call__"](model, data["x"], *args[1:], **kwargs)
        entry["results"]["outputs"] = [np.asarray(t) for t in arrays.flatten(result)]
        return result

    def _functions(self) -> None:
        """`K.function` is a model from the one tensors to the others, whose predictions are recorded."""
        keras, predict = self.recorder.stack.keras, self.predict

        def function(inputs: Any, outputs: Any, *args: Any, **kwargs: Any) -> Any:
            symbolic = [hasattr(tensor, "_keras_history") for tensor in arrays.flatten(inputs)]
            tensors = [tensor for tensor, yes in zip(arrays.flatten(inputs), symbolic, strict=True) if yes]
            several = isinstance(outputs, list | tuple)
            model = keras.Model(tensors, list(outputs) if several else [outputs])

            def run(values: Any) -> Any:
                values = values if isinstance(values, list | tuple) else [values]
                fed = [v for v, yes in zip(values, symbolic, strict=False) if yes]
                found = arrays.flatten(predict(model, {"x": fed if len(fed) > 1 else fed[0]}, "K.function"))
                return found if several else found[0]

            return run

        keras.backend.function = function

    # -- files and layers

    def _files(self, model: Any) -> None:
        recorder = self.recorder

        def save(model: Any, filepath: Any, *args: Any, **kwargs: Any) -> None:
            recorder.files[os.path.normpath(os.fspath(filepath))] = model
            recorder.keeps_weights = True
            recorder.note("models and weights are not written")

        def load_weights(model: Any, filepath: Any, *args: Any, **kwargs: Any) -> None:
            if os.path.normpath(os.fspath(filepath)) not in recorder.files:
                recorder.keeps_weights = True
                recorder.note(f"weights are not read from {os.path.basename(os.fspath(filepath))}: all are random")

        model.save = model.save_weights = model.export = save
        model.load_weights = load_weights
        self._own_weights(model)
        models = recorder.stack.keras.models
        for module in [models, getattr(recorder.stack.keras, "saving", None)]:
            if module is None or not hasattr(module, "load_model"):
                continue
            original = module.load_model

            def load_model(filepath: Any, *args: Any, _original: Any = original, **kwargs: Any) -> Any:
                found = recorder.files.get(os.path.normpath(os.fspath(filepath)))
                return found if found is not None else _original(filepath, *args, **kwargs)

            module.load_model = load_model

    def _own_weights(self, model: Any) -> None:
        """Weights that the script sets have an order, unless another model gave them."""
        recorder, given = self.recorder, self.given

        def getter(original: Any) -> Any:
            def get_weights(layer: Any) -> Any:
                found = original(layer)
                given.update({id(value): value for value in found if isinstance(value, np.ndarray)})
                return found

            return get_weights

        def setter(original: Any) -> Any:
            def set_weights(layer: Any, weights: Any) -> None:
                if not recorder.busy and any(np.ndim(value) and given.get(id(value)) is not value for value in weights):
                    recorder.keeps_weights = True
                original(layer, weights)

            return set_weights

        for cls in (recorder.stack.layer_class, model):
            for name, wrap in (("get_weights", getter), ("set_weights", setter)):
                if name in vars(cls):
                    setattr(cls, name, wrap(vars(cls)[name]))

    def _layers(self) -> None:
        """No layer draws random numbers; every layer is numbered as it is made."""
        recorder = self.recorder
        layers, base = recorder.stack.keras.layers, recorder.stack.layer_class
        init = base.__init__

        def __init__(layer: Any, *args: Any, **kwargs: Any) -> None:
            init(layer, *args, **kwargs)
            recorder.registry.add(layer)

        base.__init__ = __init__

        def identity(name: str) -> Any:
            def call(layer: Any, inputs: Any, training: Any = None) -> Any:
                recorder.note(f"{name} lets everything through")
                return inputs

            return call

        for name in RANDOM:
            cls = getattr(layers, name, None)
            if cls is not None:
                cls.call = identity(name)
        applications = recorder.stack.keras.applications
        for module in [applications, *vars(applications).values()]:
            if not isinstance(module, types.ModuleType):
                continue
            for name, value in list(vars(module).items()):
                if callable(value) and name[:1].isupper() and not isinstance(value, type):
                    setattr(module, name, self._untrained(value))

    def _untrained(self, make: Any) -> Any:
        """A constructor of a ready-made model that downloads nothing."""

        def application(*args: Any, **kwargs: Any) -> Any:
            if len(args) < 2 and kwargs.get("weights", "imagenet") is not None:
                kwargs["weights"] = None
                self.recorder.keeps_weights = True
                self.recorder.note("pretrained weights are not read: all are random")
            return make(*args, **kwargs)

        return application
