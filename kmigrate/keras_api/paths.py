"""The dotted paths that the names of a file stand for, by its import statements alone.

The layout's interpreter knows more (scopes, branches), but only of the code that it runs; the port needs every name
of a file.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Mapping

from kmigrate.keras_api.stars import exported
from kmigrate.relu.constants import Constants


def dotted(tree: ast.Module) -> dict[ast.expr, str]:
    """The path of each Name and Attribute that an import of the file gives, whatever the scope.

    A name that anything but imports binds too is left out.
    """
    paths: dict[str, str] = {}
    imports: Counter[str] = Counter()
    for node in ast.walk(tree):
        for name, path in _imported(node):
            paths[name] = path
            imports[name] += 1
    constants = Constants(tree)
    paths = {name: path for name, path in paths.items() if constants.count(name) <= imports[name]}
    found: dict[ast.expr, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, (ast.Name, ast.Attribute)) and (full := path_of(node, paths)) is not None:
            found[node] = full
    return found


def _imported(node: ast.AST) -> list[tuple[str, str]]:
    """The names that an import binds, and what they stand for."""
    found: list[tuple[str, str]] = []
    if isinstance(node, ast.Import):
        for alias in node.names:
            root = alias.name.split(".")[0]
            found.append((alias.asname or root, alias.name if alias.asname else root))
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        for alias in node.names:
            if alias.name == "*":
                found += [(name, f"{node.module}.{name}") for name in exported(node.module)]
            else:
                found.append((alias.asname or alias.name, f"{node.module}.{alias.name}"))
    return found


def path_of(node: ast.expr, paths: Mapping[str, str]) -> str | None:
    """`K.relu` as keras.backend.relu, where ``paths`` says what K is."""
    if isinstance(node, ast.Name):
        return paths.get(node.id)
    if isinstance(node, ast.Attribute):
        owner = path_of(node.value, paths)
        return None if owner is None else f"{owner}.{node.attr}"
    return None
