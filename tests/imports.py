"""The dotted paths of imported names, simply: a name that anything else binds too is left out."""

from __future__ import annotations

import ast

from kmigrate.relu.constants import Constants


def dotted(tree: ast.Module) -> dict[ast.expr, str]:
    constants = Constants(tree)
    paths: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                name = alias.asname or alias.name.partition(".")[0]
                paths[name] = alias.name if alias.asname else name
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                paths[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    found: dict[ast.expr, str] = {}

    def path(node: ast.expr) -> str | None:
        if isinstance(node, ast.Name):
            return paths.get(node.id) if constants.count(node.id) == 1 else None
        base = path(node.value) if isinstance(node, ast.Attribute) else None
        return f"{base}.{node.attr}" if base else None

    for node in ast.walk(tree):
        if isinstance(node, (ast.Name, ast.Attribute)) and (full := path(node)):
            found[node] = full
    return found
