"""What programs of the time of Keras 1 and 2 expect of numpy, and today's numpy refuses."""

from __future__ import annotations

import ast
import builtins
import importlib.machinery
import os
from typing import Any

import numpy as np

# removed in numpy 1.24 and 2.0
_ALIASES: dict[str, Any] = {
    "bool": bool,
    "int": int,
    "float": float,
    "complex": complex,
    "object": object,
    "str": str,
    "long": int,
    "unicode": str,
    "float_": np.float64,
    "int0": np.intp,
    "product": np.prod,
    "asscalar": lambda array: np.asarray(array).item(),
    "rank": np.ndim,
    "Inf": np.inf,
    "infty": np.inf,
    "NaN": np.nan,
}
_WHOLE = "kmigrate_whole"


def names() -> None:
    """The names that numpy had."""
    for name, value in _ALIASES.items():
        if name not in vars(np):
            setattr(np, name, value)


def float_slices(work: str) -> None:
    """In the modules of the working copy ``x[:n * 0.2]`` counts in whole numbers, as up to numpy 1.11."""
    setattr(builtins, _WHOLE, _whole)
    loader: Any = importlib.machinery.SourceFileLoader
    original = loader.source_to_code

    def source_to_code(self: Any, data: Any, path: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(data, bytes) and os.fsdecode(path).startswith(work):
            return compiled(data, os.fsdecode(path))
        return original(self, data, path, *args, **kwargs)

    loader.source_to_code = source_to_code


def compiled(source: bytes, path: str) -> Any:
    """The code of a file, its slices in whole numbers."""
    tree = _Slices().visit(ast.parse(source, path))
    return compile(ast.fix_missing_locations(tree), path, "exec", dont_inherit=True)


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float | np.floating) else value


class _Slices(ast.NodeTransformer):
    """Wraps what stands between colons."""

    def visit_Slice(self, node: ast.Slice) -> ast.Slice:
        self.generic_visit(node)
        for name in ("lower", "upper", "step"):
            value = getattr(node, name)
            if value is not None and not isinstance(value, ast.Constant):
                call = ast.Call(ast.Name(_WHOLE, ast.Load()), [value], [])
                setattr(node, name, ast.copy_location(call, value))
        return node
