"""A small import resolver, so that the tables are tested apart from layout inference."""

from __future__ import annotations

import ast

from kmigrate.keras_api.stars import exported


def dotted(tree: ast.Module) -> dict[ast.expr, str]:
    """The path of each Name and Attribute that an import of the file gives, whatever the scope."""
    paths: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                root = alias.name.split(".")[0]
                paths[alias.asname or root] = alias.name if alias.asname else root
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                if alias.name == "*":
                    paths |= {name: f"{node.module}.{name}" for name in exported(node.module)}
                else:
                    paths[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    found: dict[ast.expr, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, (ast.Name, ast.Attribute)) and (path := _path(node, paths)) is not None:
            found[node] = path
    return found


def _path(node: ast.expr, paths: dict[str, str]) -> str | None:
    if isinstance(node, ast.Name):
        return paths.get(node.id)
    if isinstance(node, ast.Attribute):
        owner = _path(node.value, paths)
        return None if owner is None else f"{owner}.{node.attr}"
    return None
