"""Models that a script makes and never uses, and those that the functions of a module would make: they are fed too.

A module that only defines how models are built does nothing when it is run. What it offers can be judged
nevertheless: its functions that need no arguments are called, and each model gets made-up data of its own shape.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Iterator
from typing import Any

import numpy as np

from kmigrate.verify.child import model_info
from kmigrate.verify.child.data import ramped
from kmigrate.verify.child.record import Recorder
from kmigrate.verify.correspond import move, possible

_SIZE = 19  # for a None in a model's input shape
_MAX = 6  # models of one script


def feed(recorder: Recorder, names: dict[str, Any]) -> None:
    """Predict with each model, in the order in which they were made, as often as the log has room for."""
    models = list(_models(recorder, names))[:_MAX]
    if models:
        recorder.note("the script uses no model: those that it makes, or its functions, are fed made-up data")
    for number, model in enumerate(models):
        model.predict(_data(recorder, model, number))


def _models(recorder: Recorder, names: dict[str, Any]) -> Iterator[Any]:
    kind = recorder.stack.model_class
    made = [layer for layer in recorder.registry.keep if isinstance(layer, kind)]
    if not made:
        for function in list(names.values()):
            if _is_offered(function):
                try:
                    result = function()
                except Exception as error:
                    recorder.note(f"{function.__name__}() fails: {type(error).__name__}: {error}")
                    continue
                made += [one for one in _all(result) if isinstance(one, kind)]
    inner = {id(layer) for model in made for layer in _layers(model)}
    for model in dict.fromkeys(made):
        if id(model) not in inner and _shapes(model):
            yield model


def _is_offered(value: Any) -> bool:
    """A function of the script itself that can be called as it is."""
    if not isinstance(value, types.FunctionType) or value.__module__ != "__main__":
        return False
    many = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return all(p.default is not p.empty or p.kind in many for p in inspect.signature(value).parameters.values())


def _all(result: Any) -> list[Any]:
    return list(result) if isinstance(result, tuple | list) else [result]


def _layers(model: Any) -> list[Any]:
    return [layer for layer in getattr(model, "_flatten_layers", list)() if layer is not model]


def _shapes(model: Any) -> list[tuple[int, ...]] | None:
    """The shapes of the inputs without the batch, None where the model was not built."""
    try:
        inputs = model.inputs
        return [tuple(size if size is not None else _SIZE for size in tensor.shape[1:]) for tensor in inputs] or None
    except (AttributeError, TypeError, ValueError):
        return None


def _data(recorder: Recorder, model: Any, number: int) -> Any:
    """Values for each input; in the after-run those of the before-run, moved where the model takes them so."""
    found = []
    events = recorder.reference["events"] if recorder.reference else []
    for i, shape in enumerate(_shapes(model) or []):
        few = model_info.fixed_batch(model) or (2 if np.prod(shape) > 40_000 else 5)
        values = ramped(np.random.default_rng([recorder.seed, number, i]), (few, *shape)) - 0.4
        if number < len(events) and i < len(events[number]["data"]["x"]):
            old = events[number]["data"]["x"][i]
            fits = (moved for moved in (move(old, how) for how in possible(old.ndim)) if moved.shape[1:] == shape)
            values = next(fits, values)
        found.append(values)
    return found[0] if len(found) == 1 else found
