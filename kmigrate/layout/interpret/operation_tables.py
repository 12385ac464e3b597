"""The tables: dotted name of a library function -> the kind of operation that it is, and where its arguments stand.

One more function is one more row, in the file of its library.
"""

from __future__ import annotations

from kmigrate.layout.interpret.keras_rows import BACKEND, KERAS, OPS
from kmigrate.layout.interpret.numpy_rows import METHODS, NUMPY, RANDOM, Rows
from kmigrate.layout.interpret.other_rows import (
    BUILTINS,
    HARMLESS_MODULES,
    LIBRARY,
    NO_KERAS,
    OF_MODELS,
    OTHERS,
    TOOL_METHODS,
)
from kmigrate.layout.interpret.tensorflow_rows import TENSORFLOW

TABLE: Rows = {**NUMPY, **BUILTINS, **LIBRARY, **TENSORFLOW, **OTHERS}

__all__ = [
    "BACKEND",
    "HARMLESS_MODULES",
    "KERAS",
    "METHODS",
    "NO_KERAS",
    "OF_MODELS",
    "OPS",
    "OTHERS",
    "RANDOM",
    "TABLE",
    "TOOL_METHODS",
]
