"""Two jobs for `kmigrate weights`: the architecture that a script builds, and predictions with old and new weights."""

from __future__ import annotations

import json
import os
import random
import runpy
from pathlib import Path
from typing import Any

import numpy as np

from kmigrate.verify import log
from kmigrate.verify.child import emulate, guard, stack
from kmigrate.verify.child.build_model import Builder, CannotBuild
from kmigrate.verify.child.data import Data
from kmigrate.verify.child.script import NotPorted, environment, failure, make_up

_USES = (
    "fit", "fit_generator", "train_on_batch", "evaluate", "evaluate_generator", "predict", "predict_generator",
    "predict_on_batch", "test_on_batch", "predict_classes", "predict_proba",
)  # fmt: skip


class Found(BaseException):
    """The script came to the model; not an Exception, so that its own handlers let it through."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model


def run(job: dict[str, Any], libraries: stack.Stack) -> None:
    """Do the job; what came of it is at job['log']."""
    guard.limit(job["cpu"])
    environment(job)
    stack.set_float(libraries, job["floatx"], job["ordering"])
    libraries.tf.config.run_functions_eagerly(True)
    emulate.install(libraries.tf)
    if libraries.name == stack.KERAS3:
        emulate.fix_keras3_bias(libraries.tf, libraries.bias)
    random.seed(0)
    np.random.seed(0)
    result: dict[str, Any] = {"error": None, "notes": []}
    guard.install(Path(job["sandbox"]), [])
    load_weights = libraries.model_class.load_weights  # the script gets another one
    try:
        if job["script"]:
            model = _script_model(job, libraries, result["notes"])
        else:
            model = None
        if job["do"] == "graph":
            result["architecture"] = architecture(model, libraries)
        else:
            result.update(_compare(job, libraries, model, load_weights))
    except (CannotBuild, NotImplementedError) as error:
        result["error"] = {"type": "CannotBuild", "message": str(error), "where": "", "traceback": ""}
    except (Exception, NotPorted) as error:
        result["error"] = failure(error, job)
    log.dump(result, Path(job["log"]))


# -- the script


def _script_model(job: dict[str, Any], libraries: stack.Stack, notes: list[str]) -> Any:
    """The model that the script loads weights into, or else uses first."""
    names = set(job["weight_files"])
    cls = libraries.model_class
    loaded: list[Any] = []
    made: list[Any] = []
    init = cls.__init__

    def remember(model: Any, *args: Any, **kwargs: Any) -> None:
        init(model, *args, **kwargs)
        if not any(model is other for other in made):
            made.append(model)

    def load_weights(model: Any, filepath: Any, *args: Any, **kwargs: Any) -> None:
        if os.path.basename(os.fspath(filepath)) in names:
            raise Found(model)
        loaded.append(model)

    def use(model: Any, *args: Any, **kwargs: Any) -> None:
        raise Found(loaded[-1] if loaded else model)

    def load_model(filepath: Any, *args: Any, **kwargs: Any) -> None:
        raise RuntimeError(f"the script loads a whole model from {filepath}, and builds none")

    # Model.__new__ makes some of its subclasses anew, so both classes are patched
    for owner in {cls, libraries.keras.Sequential}:
        owner.load_weights = load_weights
        for name in _USES:
            if hasattr(owner, name):
                setattr(owner, name, use)
    cls.__init__ = remember
    libraries.keras.models.load_model = load_model
    for name in ("save", "save_weights", "compile"):
        setattr(cls, name, lambda model, *args, **kwargs: None)
    make_up(libraries, Data(0), lambda name, values: None, job["work"], job["old"])
    try:
        runpy.run_path(os.path.join(os.path.realpath(job["work"]), job["entry"]), run_name="__main__")
    except Found as found:
        return found.model
    except SystemExit:
        pass
    except Exception as error:
        if not loaded and not _outer(made):
            raise
        notes.append(f"the script ended with {type(error).__name__}: {error}")
    if loaded:
        return loaded[-1]
    outer = _outer(made)
    if len(outer) != 1:
        raise RuntimeError(
            f"the script builds {len(outer)} models and loads no weights: which one is meant is not known"
        )
    return outer[0]


def _outer(models: list[Any]) -> list[Any]:
    """Those that are no part of another."""
    inside = {id(layer) for model in models for layer in getattr(model, "layers", [])}
    inside |= {id(getattr(model, "_functional", None)) for model in models}  # what a Sequential of Keras 3 is made of
    return [model for model in models if id(model) not in inside and getattr(model, "layers", None)]


def architecture(model: Any, libraries: stack.Stack) -> str:
    """The model's own JSON, where layers of the script's own classes are called as the Keras class that they extend."""
    data = json.loads(model.to_json())
    layers = libraries.keras.layers
    bases = {
        type(layer).__name__: next(
            (c.__name__ for c in type(layer).__mro__ if getattr(layers, c.__name__, None) is c), ""
        )
        for layer in model._flatten_layers()
    }

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            base = bases.get(str(node.get("class_name")))
            if base and base not in ("Layer", node["class_name"]) and "config" in node:
                node["class_name"] = base
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(data)
    return json.dumps(data)


# -- predictions


def _compare(job: dict[str, Any], libraries: stack.Stack, script_model: Any, load_weights: Any) -> dict[str, Any]:
    from kmigrate.weights import forms
    from kmigrate.weights.architecture import parse
    from kmigrate.weights.convert import Request, make_plan
    from kmigrate.weights.places import assign
    from kmigrate.weights.plan import Facts
    from kmigrate.weights.reading import open_checkpoint

    request = Request(**{**job["request"], "facts": Facts(**job["request"]["facts"])})
    with open_checkpoint(request.old) as checkpoint:
        plan = make_plan(request, checkpoint, lambda request: parse(job["script_architecture"], request.script))
        builder = Builder(libraries, plan.old.generation, plan.before, request.allow_code)
        old = builder.model(plan.old)
        for step in plan.steps:
            arrays = [checkpoint.read(stored) for stored in step.stored]
            builder.layers[step.old.path].set_weights(forms.decode(step.old.layer, step.source, arrays))
        if script_model is None:
            own = Builder(libraries, plan.old.generation, plan.after, request.allow_code)
            new, layers = own.model(plan.new), own.layers
        else:
            new, layers = script_model, _by_path(script_model)
        by_keras = plan.generation == 3 and libraries.name == stack.KERAS3
        if by_keras:
            load_weights(new, job["written"])
        else:
            with open_checkpoint(job["written"]) as fresh:
                leaves = [step.new for step in plan.steps]
                for step, found in zip(plan.steps, assign(fresh, plan.new, leaves)):
                    arrays = [fresh.read(stored) for stored in found]
                    layers[step.new.path].set_weights(forms.decode(step.new.layer, step.target, arrays))
    x = _inputs(job, plan)
    moved = [_ordered(a, old_ids, new_ids) for a, old_ids, new_ids in zip(x, plan.before.inputs, plan.after.inputs)]
    y_old, y_new = _predict(libraries, old, x), _predict(libraries, new, moved)
    back = []
    for value, old_ids, new_ids in zip(y_new, plan.before.outputs, plan.after.outputs):
        if old_ids is None or new_ids is None:
            raise CannotBuild("the order of the features in an output is not known")
        back.append(_ordered(value, new_ids, old_ids))
    worst = max(float(np.max(np.abs(a - b))) if a.size else 0.0 for a, b in zip(y_old, back))
    largest = max(float(np.max(np.abs(a))) if a.size else 0.0 for a in y_old)
    unseen, seen = _control(job, libraries, plan, new, layers, moved, y_new)
    return {
        "unseen": unseen,
        "seen": seen,
        "difference": worst,
        "largest": largest,
        "old": y_old,
        "new": back,
        "loaded_by_keras": by_keras,
    }


def _control(
    job: dict[str, Any],
    libraries: stack.Stack,
    plan: Any,
    model: Any,
    layers: Any,
    x: list[np.ndarray],
    y: list[np.ndarray],
) -> tuple[list[str], list[str]]:
    """Layers whose map can be left out unseen, and those where that is seen; ``job['control']`` are looked at."""
    from kmigrate.weights.reading import open_checkpoint

    unseen: list[str] = []
    seen: list[str] = []
    with open_checkpoint(job["request"]["old"]) as checkpoint:
        for step in plan.steps:
            if len(seen) + len(unseen) == job["control"]:
                break
            wrong = step.left_out([checkpoint.read(stored) for stored in step.stored])
            if wrong is None:
                continue
            layer = layers[step.new.path]
            right = layer.get_weights()
            layer.set_weights(wrong)
            worst = max(float(np.max(np.abs(a - b))) for a, b in zip(_predict(libraries, model, x), y))
            layer.set_weights(right)
            (unseen if worst <= 1e-7 else seen).append(step.new.name)
    return unseen, seen


def _by_path(model: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    found: dict[tuple[str, ...], Any] = {}
    for layer in model.layers:
        own = (*path, layer.name)
        if hasattr(layer, "layers"):
            found.update(_by_path(layer, own))
        found[own] = layer
    return found


def _inputs(job: dict[str, Any], plan: Any) -> list[np.ndarray]:
    """What the old model takes: given, or random."""
    if job["x"]:
        with np.load(job["x"], allow_pickle=False) as archive:
            return [archive[name] for name in sorted(archive.files) if name.startswith("x")]
    rng = np.random.default_rng(0)
    words = {
        call.inputs[0]: plan.old[call.layer].core for call in plan.old.calls
        if plan.old[call.layer].core.kind == "Embedding"
    }  # fmt: skip
    found = []
    for value, ids in zip(plan.old.inputs, plan.before.inputs):
        shape = (2, *ids.shape)
        layer = words.get(value)
        found.append(
            rng.integers(0, int(layer.config["input_dim"]), shape) if layer is not None else rng.normal(size=shape)
        )
    return found


def _ordered(value: np.ndarray, ids: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """``value`` (with a batch), whose features are ``ids``, in the order of ``wanted``."""
    order = np.argsort(ids.ravel(), kind="stable")
    places = order[np.searchsorted(ids.ravel()[order], wanted.ravel())]
    return value.reshape(len(value), -1)[:, places].reshape(len(value), *wanted.shape)


def _predict(libraries: stack.Stack, model: Any, x: list[np.ndarray]) -> list[np.ndarray]:
    floatx = libraries.keras.backend.floatx()
    tensors = [
        libraries.tf.convert_to_tensor(a.astype(floatx) if a.dtype.kind == "f" else a.astype("int32")) for a in x
    ]
    result = libraries.keras.Model.__call__(model, tensors if len(tensors) > 1 else tensors[0], training=False)
    return [np.asarray(t) for t in (result if isinstance(result, list | tuple) else [result])]
