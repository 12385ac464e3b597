"""Read the arguments of a call, and the settings of a layer, as plain values that can be compared."""

from __future__ import annotations

from typing import Any

import numpy as np

# positional order
FIT = (
    "x", "y", "batch_size", "epochs", "verbose", "callbacks", "validation_split", "validation_data", "shuffle",
    "class_weight", "sample_weight", "initial_epoch", "steps_per_epoch", "validation_steps",
    "validation_batch_size", "validation_freq",
)  # fmt: skip
FIT_GENERATOR = (
    "x", "steps_per_epoch", "epochs", "verbose", "callbacks", "validation_data", "validation_steps",
    "validation_freq", "class_weight", "max_queue_size", "workers", "use_multiprocessing", "shuffle",
    "initial_epoch",
)  # fmt: skip
EVALUATE = ("x", "y", "batch_size", "verbose", "sample_weight", "steps")
EVALUATE_GENERATOR = ("x", "steps")
PREDICT = ("x", "batch_size", "verbose", "steps")
PREDICT_GENERATOR = ("x", "steps")
_SPELLED = {"generator": "x", "nb_epoch": "epochs", "nb_val_samples": "validation_steps", "val_samples": "steps"}
_TRAINING = {
    "epochs": 1, "batch_size": None, "validation_split": 0.0, "shuffle": True, "initial_epoch": 0,
    "class_weight": None, "steps_per_epoch": None, "samples_per_epoch": None, "validation_steps": None,
    "validation_freq": 1, "callbacks": None,
}  # fmt: skip
_DEFAULT_BATCH = 32

# no layout, and no activation: a conversion may write these in another form
_VALUES = ("rate", "stddev", "momentum", "epsilon", "dropout", "recurrent_dropout", "stateful", "trainable")
_OBJECTS = ("initializer", "regularizer", "constraint")


def bind(names: tuple[str, ...], args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a call by their names."""
    given = dict(zip(names, args, strict=False))
    given.update({_SPELLED.get(name, name): value for name, value in kwargs.items()})
    return given


def of_training(given: dict[str, Any], stream: bool) -> dict[str, Any]:
    """What decides how long and on what a model trains."""
    found = {name: plain(given.get(name, default)) for name, default in _TRAINING.items()}
    if found["batch_size"] is None and not stream:
        found["batch_size"] = _DEFAULT_BATCH
    callbacks = given.get("callbacks") or []
    callbacks = callbacks if isinstance(callbacks, list | tuple) else [callbacks]
    found["callbacks"] = [type(callback).__name__ for callback in callbacks]
    return found


def of_use(given: dict[str, Any]) -> dict[str, Any]:
    """What decides how much of the data is evaluated or predicted."""
    return {"steps": plain(given.get("steps"))}


def of_layer(layer: Any, where: str, dropped: str = "") -> dict[str, Any]:
    """A layer's name, class and place, and its settings that have nothing to do with a layout.

    ``dropped`` says which features are dropped together.
    """
    found: dict[str, Any] = {}
    for name in _VALUES:
        value = getattr(layer, name, None)
        if value is None or isinstance(value, bool | int | float | str | np.generic):
            found[name] = plain(value)
    if hasattr(layer, "noise_shape"):
        found["noise_shape"] = "None" if layer.noise_shape is None else "given"
    if dropped:
        found["what is dropped together"] = dropped[:8]
    for name in [*vars(layer), "activity_regularizer"]:
        if name.endswith(_OBJECTS) and not name.startswith("_"):
            found[name] = _object(getattr(layer, name, None))
    return {"name": layer.name, "class": type(layer).__name__, "where": where, "settings": found}


def _object(value: Any) -> Any:
    """An initializer, regularizer or constraint as its class and settings."""
    if value is None or isinstance(value, str):
        return value
    name = getattr(value, "__name__", None) or type(value).__name__
    try:
        config = dict(value.get_config())
    except (AttributeError, NotImplementedError, TypeError, ValueError):
        return name
    config = {key: plain(one) for key, one in sorted(config.items()) if key not in ("axis", "dtype")}
    return f"{name}({', '.join(f'{key}={one!r}' for key, one in config.items())})"


def plain(value: Any) -> Any:
    """A value that means the same in both runs; of what has no such value, its type."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool | int | float | str) or value is None:
        return value
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, np.ndarray) and value.size <= 64 and value.dtype.kind in "biuf":
        return [value.shape[0] if value.ndim else 1, *sorted(float(one) for one in value.ravel())]
    return f"<{type(value).__name__}>"
