"""Stop a ported program where it would run what is not ported, and only there."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from kmigrate.keras_api.port import PortProblem
from kmigrate.plan import Edit
from kmigrate.syntax import Lines

TRAP = "kmigrate_not_ported"  # a function that verification's child process provides


def traps(tree: ast.Module, text: str, path: str, problems: Iterable[PortProblem]) -> list[Edit]:
    """A call of `TRAP` before each statement with a problem; of a class, where its objects are made."""
    lines = Lines(text)
    found: dict[ast.stmt, Edit] = {}
    for problem in problems:
        statement = _statement(tree, text.split("\n"), problem)
        if statement is None:
            continue
        start, end = lines.span(statement)
        message = f"{path}:{problem.line}: {problem.message}"
        args = {"where": "before", "text": f"{TRAP}({message!r})"}
        where = statement.lineno, statement.col_offset + 1
        found[statement] = Edit(path, start, end, "stmt", "keras3_names", args, "not ported", "KM301", *where)
    return list(found.values())


def _statement(tree: ast.Module, lines: list[str], problem: PortProblem) -> ast.stmt | None:
    """The smallest statement at the place of a problem before which another can stand."""
    place = (problem.line, problem.column - 1)
    best: ast.stmt | None = None
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt):
            end = (node.end_lineno or node.lineno, node.end_col_offset or 0)
            if (node.lineno, node.col_offset) <= place < end and (best is None or _inside(node, best)):
                best = node
    while best is not None and lines[best.lineno - 1][best.col_offset :].startswith("elif"):
        best = parents[best]  # type: ignore[assignment]
    if isinstance(best, ast.ClassDef):
        methods = [node for node in best.body if isinstance(node, ast.FunctionDef)]
        made = [node for node in methods if node.name == "__init__"] or methods
        return made[0].body[-1] if made else best
    return best


def _inside(inner: ast.stmt, outer: ast.stmt) -> bool:
    return (outer.lineno, outer.col_offset) <= (inner.lineno, inner.col_offset)
