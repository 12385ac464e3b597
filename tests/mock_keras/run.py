"""Run a script under the mock."""

from __future__ import annotations

import builtins
import traceback
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.mock_keras.modules import importer
from tests.mock_keras.project import own_modules
from tests.mock_keras.world import World

Version = tuple[int, ...]


@dataclass
class Log:
    """What a run did: its events, and the arrays and numbers that its names hold at the end."""

    events: list[tuple[str, str, np.ndarray]] = field(default_factory=list)
    names: dict[str, np.ndarray] = field(default_factory=dict)
    error: str = ""


def run(
    text: str,
    version: Version = (2, 2, 4),
    ordering: str | None = None,
    reorder: bool = False,
    modules: Mapping[str, str] | None = None,
) -> Log:
    """``ordering`` is 'th' or 'tf', as keras.json would have it; by default that of the version.

    ``modules`` are the texts of the program's other files, by their dotted names.

    All is computed in float64, where rounding and mistakes cannot be mixed up.
    With ``reorder``, the weights of a Dense layer go with its features, wherever they lie.
    """
    world = World(version, ordering or ("th" if version < (1, 1) else "tf"), reorder)

    def show(*values: Any, **_: Any) -> None:
        for value in values:
            if isinstance(value, float | np.floating) or (isinstance(value, np.ndarray) and value.dtype != object):
                world.log("print", "", value)

    names = {**builtins.__dict__, "__import__": importer(world), "print": show}
    texts = {name: other.replace("float32", "float64") for name, other in (modules or {}).items()}
    names["__import__"] = own_modules(texts, names, names["__import__"])
    scope: dict[str, Any] = {"__name__": "__main__", "__builtins__": names}
    state = np.random.get_state()
    np.random.seed(11)
    log = Log(world.events)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            exec(compile(text.replace("float32", "float64"), "<program>", "exec"), scope)
    except Exception as error:
        lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == "<program>"]
        log.error = f"{type(error).__name__} at line {lines[-1] if lines else 0}: {error}"
    finally:
        np.random.set_state(state)
    for name, value in scope.items():
        if not name.startswith("_") and isinstance(value, float | np.floating | np.ndarray):
            log.names[name] = np.array(value, dtype=float)
    return log
