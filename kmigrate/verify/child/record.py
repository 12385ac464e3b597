"""Record what a script does with its models: an ordered log of calls, cut to a few steps each.

In the after-run ``reference`` is the before-run's log: the weights are carried over from it, and
where the script's own data correspond up to rounding, the before-run's data are fed.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from kmigrate.verify import weightmap
from kmigrate.verify.child import arrays, calls, model_info, settings
from kmigrate.verify.child.stack import KERAS3, Stack
from kmigrate.verify.child.trace import Tracer
from kmigrate.verify.correspond import data_tolerance, distance, match, move

_MAX_PASSED_OVER = 300  # calls in loops that only give again what the first ones gave
_MAX_ACTIVATIONS = 40_000_000  # bytes for one model


class Enough(BaseException):
    """The script did enough to judge it; not an Exception, so that its own handlers let it through."""


class Recorder:
    """The log of one run."""

    def __init__(self, stack: Stack, job: dict[str, Any], work: Path) -> None:
        self.stack, self.work = stack, work
        self.steps, self.samples = job["steps"], job["samples"]
        self.timed = bool(job["timed"])  # as fast as the program is by itself
        self.eager, self.compiled = job["mode"] == "eager", job["mode"] == "jit"
        self.max_events, self.mutated, self.nudge = job["max_events"], job["mutate"], job["nudge"]
        self.hooks = calls.Hooks(stack)
        self.stage = os.open(job["progress"], os.O_WRONLY | os.O_CREAT, 0o600)
        self.begin(0, None)

    def begin(self, seed: int, reference: dict[str, Any] | None) -> None:
        """Forget everything: the script is run (again), with the weights of this seed or of ``reference``."""
        self.seed, self.reference = seed, reference
        self.registry = model_info.Registry(self.work)
        self.files: dict[str, Any] = {}  # what would have been written: path -> model
        self.models: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []
        self.known: dict[int, int] = {}
        self.objects: list[Any] = []
        self.assigned: set[int] = set()
        self.visits: Counter[tuple[str, int, tuple[str, ...]]] = Counter()  # calls of one kind, model and stack
        self.answers: dict[tuple[str, int, tuple[str, ...]], Any] = {}
        self.passed_over = 0
        self.notes: list[str] = []
        self.keeps_weights = False
        self.busy = False
        self.rng = np.random.default_rng(self.seed)

    def note(self, text: str) -> None:
        """Say something about this run once."""
        if text not in self.notes:
            self.notes.append(text)

    def says(self, text: str) -> None:
        """How far the run is, for whoever waits for it."""
        os.pwrite(self.stage, text[:99].ljust(100).encode(), 0)

    # -- events

    def event(self, kind: str, model: Any, groups: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Log a call with its data; gives the entry, and the data to use."""
        if len(self.events) >= self.max_events:
            raise Enough(f"cut after {self.max_events} calls")
        index = len(self.events)
        self.says(f"call {index + 1}, {kind}")
        data = {name: [arrays.numeric(leaf) for leaf in arrays.flatten(tree)] for name, tree in groups.items()}
        entry: dict[str, Any] = {"kind": kind, "where": self.registry.line(), "data": data, "results": {}}
        other = self._reference_event(index, kind)
        fed = dict(groups)
        moves: dict[str, list[str]] = {}
        for name, leaves in data.items():
            partner = other["data"].get(name) if other else None
            if partner is None or len(partner) != len(leaves):
                moves[name] = []
                continue
            found = [match(old, new) for old, new in zip(partner, leaves, strict=True)]
            moves[name] = [m.how for m in found]
            if all(m.error <= data_tolerance(new) for m, new in zip(found, leaves, strict=True)):
                own = [move(old, m.how).astype(new.dtype) for old, m, new in zip(partner, found, leaves, strict=True)]
                fed[name] = arrays.rebuild(groups[name], own)
        if self.nudge and "x" in fed:
            fed["x"] = arrays.map_leaves(fed["x"], self._nudged)
        if model is not None:
            entry["model"] = self._model(model, fed["x"], moves.get("x", []))
        self.events.append(entry)
        return entry, fed

    def _nudged(self, values: np.ndarray) -> np.ndarray:
        """Moved by one unit in the last place, up or down; whole numbers that count something stay."""
        if values.dtype.kind not in "fu":
            return values
        signs = np.random.default_rng(self.seed).choice([-1.0, 1.0], size=values.shape)
        return values * (1.0 + self.nudge * signs)

    def in_loop(self, kind: str, model: Any, limit: int, work: Callable[[], Any]) -> Any:
        """What ``work`` gives, which one line may do so often; after that, what it gave last."""
        key = (kind, id(model), self.registry.stack())
        self.visits[key] += 1
        if self.busy or self.visits[key] <= limit:
            self.answers[key] = work()
            return self.answers[key]
        self.note(f"loops are cut: at {self.registry.line()} {kind} is done {limit} times")
        self.passed_over += 1
        if self.passed_over > _MAX_PASSED_OVER:
            raise Enough(f"cut after {_MAX_PASSED_OVER} more calls in loops")
        return self.answers[key]

    @contextmanager
    def working(self) -> Iterator[None]:
        """What happens meanwhile is the recorder's own doing, and not recorded."""
        self.busy = True
        try:
            yield
        finally:
            self.busy = False

    def saved(self, name: str, values: list[np.ndarray]) -> None:
        """Arrays left the program through a file or a window; so often at one line."""
        if self.busy or not values or not all(v.dtype.kind in "biufc" for v in values):
            return
        key = ("save", 0, self.registry.stack())
        self.visits[key] += 1
        if self.visits[key] <= 2 * self.steps:
            entry, _ = self.event("save", None, {"x": [v[:64] if v.ndim else v for v in values]})
            entry.update(name=name, whole={"x": arrays.fingerprints(values)})

    def _reference_event(self, index: int, kind: str) -> dict[str, Any] | None:
        events = self.reference["events"] if self.reference else []
        return events[index] if index < len(events) and events[index]["kind"] == kind else None

    # -- models

    def _model(self, model: Any, x: Any, moves: list[str]) -> int:
        """The model's number; on its first use it gets its weights and is measured."""
        if id(model) in self.known:
            return self.known[id(model)]
        number = self.known[id(model)] = len(self.models)
        self.objects.append(model)
        entry: dict[str, Any] = {
            "name": model.name,
            "class": type(model).__name__,
            "where": self.registry.where(model),
        }
        self.models.append(entry)
        other = None
        if self.reference and number < len(self.reference["models"]):
            other = self.reference["models"][number]
        with self.working():
            self._measure(model, x, moves, entry, other)
        return number

    def _measure(
        self, model: Any, x: Any, moves: list[str], entry: dict[str, Any], other: dict[str, Any] | None
    ) -> None:
        model.run_eagerly = self.eager
        tracer = Tracer(self.registry.rank, other["trace"] if other else None)
        inputs = self.tensors(arrays.map_leaves(x, lambda a: a[: model_info.fixed_batch(model) or arrays.small(x, 2)]))
        tracer.start(arrays.flatten(inputs), moves)
        with self.hooks.watching(tracer.call):
            model(inputs, training=False)
        layers = self.registry.weighted(model, self.stack.model_class)
        entry["trace"] = tracer.record()
        entry["layers"] = [
            model_info.describe(layer, self.registry.where(layer), tracer.reached.get(id(layer))) for layer in layers
        ]
        entry["settings"] = [
            settings.of_layer(layer, self.registry.where(layer), tracer.dropped.get(id(layer), ""))
            for layer in self.registry.leaves(model, self.stack.model_class)
        ]
        weights = [w for layer in layers for w in layer.weights]
        if len(weights) != len(model.weights):
            self.note(f"{model.name}: {len(model.weights) - len(weights)} weights belong to no layer of its own")
        if other is None:
            fresh = self._randomise(weights)
            with self.hooks.adjusting(lambda layer, run: model_info.balance(layer, run, fresh)):
                model(inputs, training=False)
        else:
            self._carry_over(weights, entry, other)
        entry["values"] = [np.asarray(w) for w in weights]
        entry["dtypes"] = sorted({str(np.asarray(w).dtype) for w in weights})
        entry["activations"] = []
        with self.hooks.watching(lambda layer, ins, outs, run: self._activation(entry, layer, outs)):
            model(inputs, training=False)
        entry["x"] = [arrays.numeric(a) for a in arrays.flatten(x)]
        entry["predictions"] = self.forward(model, x)
        entry["steps"] = 0
        entry["_x"], entry["_weights"] = x, weights
        if self.mutated:
            change = model_info.mutate(layers)
            if change is not None:
                weight, value = change
                old = np.asarray(weight)
                weight.assign(value)
                entry["mutated"] = self.forward(model, x)
                weight.assign(old)
        entry["projection"] = self._projection_gradient(model, x, entry, other, weights)

    def _activation(self, entry: dict[str, Any], layer: Any, outputs: list[Any]) -> None:
        used = sum(a["value"].nbytes for a in entry["activations"])
        if len(outputs) != 1 or used > _MAX_ACTIVATIONS:
            return
        entry["activations"].append(
            {
                "name": getattr(layer, "name", ""),
                "class": type(layer).__name__,
                "where": self.registry.where(layer),
                "value": np.asarray(outputs[0]),
            }
        )

    def _randomise(self, weights: list[Any]) -> set[int]:
        """Random values for the weights that have none yet; gives those."""
        fresh = {id(weight) for weight in weights} - self.assigned
        for weight in weights:
            value = model_info.random_weight(self.rng, weight.name, tuple(weight.shape))
            if id(weight) in fresh and np.asarray(weight).dtype.kind == "f":
                weight.assign(value.astype(np.asarray(weight).dtype))
        self.assigned |= fresh
        return fresh

    def _carry_over(self, weights: list[Any], entry: dict[str, Any], other: dict[str, Any]) -> None:
        try:
            mapping = weightmap.build(other["layers"], entry["layers"])
        except ValueError as error:
            entry["map_error"] = str(error)
            raise Enough(f"the weights of {entry['name']} can't be carried over: {error}") from None
        entry["map"] = mapping.plain()
        for weight, value in zip(weights, mapping.apply(other["values"]), strict=True):
            weight.assign(value.astype(np.asarray(weight).dtype))

    # -- measurements

    def tensors(self, tree: Any) -> Any:
        """Arguments as tensors of the run's float type (integers stay)."""
        convert = self.stack.tf.convert_to_tensor
        floatx = self.stack.keras.backend.floatx()

        def one(value: np.ndarray) -> Any:
            return convert(value.astype(floatx) if value.dtype.kind in "fbu" else value)

        return arrays.map_leaves(tree, one)

    def forward(self, model: Any, x: Any) -> list[np.ndarray]:
        """Predictions in inference mode."""

        def run(inputs: Any) -> Any:
            return model(inputs, training=False)

        if not self.eager:
            run = self.stack.tf.function(run, jit_compile=self.compiled)
        return [np.asarray(t) for t in arrays.flatten(run(self.tensors(x)))]

    def _projection_gradient(
        self, model: Any, x: Any, entry: dict[str, Any], other: dict[str, Any] | None, weights: list[Any]
    ) -> list[np.ndarray]:
        """Gradient of a fixed random weighting of the outputs: a backward pass for every model."""
        tf = self.stack.tf
        old = other["predictions"] if other else entry["predictions"]
        if len(old) != len(entry["predictions"]):
            return []
        rng = np.random.default_rng(self.seed + 1)
        weighting = []
        for before, now in zip(old, entry["predictions"], strict=True):
            values = rng.normal(size=before.shape)
            values = move(values, match(before, now).how)
            if values.shape != now.shape:
                return []
            weighting.append(values)
        with tf.GradientTape() as tape:
            outputs = arrays.flatten(model(self.tensors(x), training=False))
            total = tf.add_n([tf.reduce_sum(tf.cast(w, o.dtype) * o) for w, o in zip(weighting, outputs, strict=True)])
        return self._gradients(tape, total, model, weights)

    def _gradients(self, tape: Any, loss: Any, model: Any, weights: list[Any]) -> list[np.ndarray]:
        """Gradients for all ``weights``, zero where one is frozen."""
        trainable = model.trainable_variables
        raw = [v.value for v in trainable] if self.stack.name == KERAS3 else list(trainable)
        found = tape.gradient(loss, raw)
        by_id = {id(v): g for v, g in zip(trainable, found, strict=True) if g is not None}
        convert = self.stack.tf.convert_to_tensor
        return [
            np.asarray(convert(by_id[id(w)])) if id(w) in by_id else np.zeros(tuple(w.shape), np.float64)
            for w in weights
        ]

    def training_gradient(self, model: Any, number: int, x: Any, y: Any, weight: Any) -> None:
        """Loss and gradient of the model's first training step, which is not taken."""
        entry = self.models[number]
        entry.setdefault("_batch", (x, y, weight))
        if "gradient" in entry or y is None:
            return
        weights = entry["_weights"]
        before = [np.asarray(w) for w in weights]
        keyword = {"training": True} if self.stack.name == KERAS3 else {}
        try:
            with self.stack.tf.GradientTape() as tape:
                inputs, targets = self.tensors(x), self.tensors(y)
                outputs = model(inputs, training=True)
                loss = model.compute_loss(x=inputs, y=targets, y_pred=outputs, sample_weight=weight, **keyword)
            entry["gradient"] = self._gradients(tape, loss, model, weights)
            entry["loss"] = float(np.asarray(loss))
        except (TypeError, ValueError, NotImplementedError, AttributeError) as error:
            self.note(f"{entry['name']}: the gradient of one step was not taken apart ({type(error).__name__})")
            entry["gradient"] = []
        for variable, value in zip(weights, before, strict=True):
            variable.assign(value)
        model.reset_metrics()

    def stepped(self, number: int, count: int = 1) -> None:
        """The model was trained; after k steps its weights and predictions are kept."""
        entry = self.models[number]
        entry["steps"] += count
        if entry["steps"] >= self.steps and "final" not in entry:
            self._final(number)

    def _final(self, number: int) -> None:
        entry, model = self.models[number], self.objects[number]
        entry["final"] = {
            "steps": entry["steps"],
            "weights": [np.asarray(w) for w in entry["_weights"]],
            "predictions": self.forward(model, entry["_x"]),
        }

    def finish(self) -> dict[str, Any]:
        """The log as plain data."""
        self.busy = True
        for number, entry in enumerate(self.models):
            if "_weights" in entry and "final" not in entry:
                moved = any(
                    distance(old, np.asarray(w)) > 0 for old, w in zip(entry["values"], entry["_weights"], strict=True)
                )
                if moved:  # trained by fewer steps, or by the script's own loop
                    self._final(number)
        plain = [{k: v for k, v in entry.items() if not k.startswith("_")} for entry in self.models]
        return {
            "models": plain,
            "events": self.events,
            "notes": self.notes,
            "keeps_weights": self.keeps_weights,
        }
