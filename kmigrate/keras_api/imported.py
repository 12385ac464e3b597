"""What the imports of a file name, without running it: for code that the analysis did not enter."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from kmigrate.keras_api.paths import path_of

_NAMED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.ExceptHandler, ast.MatchAs, ast.MatchStar)


def completed(tree: ast.Module, dotted: Mapping[ast.expr, str]) -> dict[ast.expr, str]:
    """What ``dotted`` has of this file, and the names of what nothing but an import can have bound."""
    found = {node: dotted[node] for node in ast.walk(tree) if isinstance(node, ast.expr) and node in dotted}
    names = _only_imported(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node not in found and node.id in names:
            found[node] = names[node.id]
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node not in found:
            path = path_of(node, names)
            if path is not None:
                found[node] = path
    return found


def _only_imported(tree: ast.Module) -> dict[str, str]:
    """Names that one import, or several of the same thing, binds, and nothing else in the file."""
    paths: dict[str, set[str]] = {}
    bound: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                path = alias.name if alias.asname else alias.name.split(".")[0]
                paths.setdefault(alias.asname or path, set()).add(path)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                path = f"{'.' * node.level}{node.module or ''}.{alias.name}"
                paths.setdefault(alias.asname or alias.name, set()).add(path)
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            bound.add(node.id)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, _NAMED) and node.name:
            bound.add(node.name)
    return {
        name: next(iter(found))
        for name, found in paths.items()
        if len(found) == 1 and name not in bound and name != "*" and not next(iter(found)).startswith(".")
    }
