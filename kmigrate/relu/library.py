"""Which functions relus are written with, in each library, and what the fast ones are called there."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import NamedTuple

from kmigrate.keras_api import names


class Library(NamedTuple):
    """The fast functions of a library, by their paths below its root."""

    name: str
    relu: str
    leaky: str  # may be ``relu`` itself, which then takes a slope
    slope: str | None  # keyword of the slope; None: it goes second, for its name depends on the version
    relu6: str | None
    minimum: str | None


TENSORFLOW = Library("TensorFlow", "nn.relu", "nn.leaky_relu", "alpha", "nn.relu6", "minimum")
BACKEND = Library("Keras' backend", "relu", "relu", "alpha", None, "minimum")
OPS = Library("keras.ops", "relu", "leaky_relu", "negative_slope", "relu6", "minimum")
ACTIVATIONS = Library("keras.activations", "relu", "relu", None, None, None)
THEANO = Library("Theano", "nnet.relu", "nnet.relu", "alpha", None, "minimum")
PYTHON = Library("Python", "", "", None, None, None)  # abs(x) works on tensors of every library

#: Prefix of a path -> its library. The longest one counts.
_ROOTS = {
    "tensorflow": TENSORFLOW,
    "tensorflow.compat.v1": TENSORFLOW,
    "tensorflow.compat.v2": TENSORFLOW,
    "theano.tensor": THEANO,
}
#: What functions compute: 'less' compares the other way round, 'zeros' gives zeros of the same shape.
_KINDS: dict[str, dict[str, str]] = {
    "TensorFlow": {
        **dict.fromkeys(("nn.relu", "python.ops.nn.relu"), "relu"),
        "nn.leaky_relu": "leaky",
        **dict.fromkeys(("maximum", "math.maximum"), "max"),
        **dict.fromkeys(("minimum", "math.minimum"), "min"),
        **dict.fromkeys(("abs", "math.abs"), "abs"),
        "clip_by_value": "clip",
        "where": "where",
        "constant": "constant",
        "zeros_like": "zeros",
        **{f"{m}{f}": f for m in ("", "math.") for f in ("greater", "greater_equal", "less", "less_equal")},
    },
    "Theano": {
        "nnet.relu": "relu",
        "maximum": "max",
        "minimum": "min",
        **dict.fromkeys(("abs_", "abs"), "abs"),
        "clip": "clip",
        "switch": "where",
        "zeros_like": "zeros",
        "gt": "greater",
        "ge": "greater_equal",
        "lt": "less",
        "le": "less_equal",
    },
    "keras.backend": {
        "relu": "relu",
        "maximum": "max",
        "minimum": "min",
        "abs": "abs",
        "clip": "clip",
        "switch": "where",
        **{f: f for f in ("greater", "greater_equal", "less", "less_equal")},
        "zeros_like": "zeros",
    },
    "keras.ops": {
        "relu": "relu",
        "leaky_relu": "leaky",
        "maximum": "max",
        "minimum": "min",
        "clip": "clip",
        "abs": "abs",
        "absolute": "abs",
        "where": "where",
        "zeros_like": "zeros",
        **{f: f for f in ("greater", "greater_equal", "less", "less_equal")},
    },
    "keras.activations": {"relu": "relu", "leaky_relu": "leaky"},
}
_KERAS = {"keras.backend": BACKEND, "keras.ops": OPS, "keras.activations": ACTIVATIONS}


class Function(NamedTuple):
    """What a function is, and the path of its library's root as the source has it."""

    library: Library
    kind: str
    root: str


def function(path: str | None) -> Function | None:
    """What the imported name ``path`` stands for, if relus are written with it."""
    if path is None:
        return None
    api = names.resolve(path)
    if api is not None:
        kind = _KINDS.get(api.module, {}).get(api.name)
        return Function(_KERAS[api.module], kind, path.rpartition(".")[0]) if kind else None
    root = max((r for r in _ROOTS if path.startswith(r + ".")), key=len, default=None)
    if root is None:
        return None
    kind = _KINDS[_ROOTS[root].name].get(path[len(root) + 1 :])
    return Function(_ROOTS[root], kind, root) if kind else None


def spelled(function: ast.expr, target: str, dotted: Mapping[ast.expr, str]) -> str | None:
    """How to call ``target`` by the module that ``function`` is an attribute of; None if it is none."""
    while isinstance(function, ast.Attribute):
        function = function.value
        if target.startswith(dotted.get(function, "?") + "."):
            return f"{ast.unparse(function)}{target[len(dotted[function]) :]}"
    return None
