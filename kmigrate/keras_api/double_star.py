"""Which keywords ``f(**value)`` may pass on, as far as one file tells."""

from __future__ import annotations

import ast
from collections.abc import Mapping


def words(tree: ast.Module, parents: Mapping[ast.AST, ast.AST], value: ast.expr, call: ast.Call) -> set[str] | None:
    """The keywords that ``**value`` in ``call`` may hold, or None if that is not known.

    Known are the ``**kwargs`` of a function that is only called by its name in the same file, and a
    dictionary that is written out.
    """
    written = _written(value)
    if written is not None:
        return written
    if not isinstance(value, ast.Name):
        return None
    function = _enclosing(parents, call)
    if function is not None and function.args.kwarg is not None and function.args.kwarg.arg == value.id:
        return _passed(tree, parents, function)
    values = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and any(_is(target, value.id) for target in node.targets)
    ]
    found = [_written(one) for one in values]
    return set().union(*(one or set() for one in found)) if found and None not in found else None


def _enclosing(parents: Mapping[ast.AST, ast.AST], node: ast.AST) -> ast.FunctionDef | None:
    above = parents.get(node)
    while above is not None and not isinstance(above, ast.FunctionDef):
        above = parents.get(above)
    return above


def _written(value: ast.expr) -> set[str] | None:
    """The keys of ``{'a': 1}`` or ``dict(a=1)``."""
    if isinstance(value, ast.Dict):
        keys = [key.value if isinstance(key, ast.Constant) else None for key in value.keys]
        strings = {key for key in keys if isinstance(key, str)}
        return strings if len(strings) == len(keys) else None
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "dict":
        keywords = {word.arg for word in value.keywords if word.arg is not None}
        return keywords if not value.args and len(keywords) == len(value.keywords) else None
    return None


def _passed(tree: ast.Module, parents: Mapping[ast.AST, ast.AST], function: ast.FunctionDef) -> set[str] | None:
    own = {arg.arg for arg in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)}
    passed: set[str] = set()
    for node in ast.walk(tree):
        if not _is(node, function.name):
            continue
        call = parents.get(node)
        if not isinstance(call, ast.Call) or call.func is not node:
            return None  # handed on: it may be called with anything
        for word in call.keywords:
            if word.arg is None:
                return None
            passed.add(word.arg)
    return passed - own


def _is(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name
