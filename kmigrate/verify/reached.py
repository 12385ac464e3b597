"""Which changed statements of a program ran: what did not run was not compared."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Collection, Mapping
from difflib import SequenceMatcher

Span = tuple[int, int]  # first and last line of a statement


def changed(old: bytes, new: bytes) -> list[Span]:
    """The statements of ``new`` that are not in ``old``, or stand where one was taken away; [] if it is no Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(new)
    except (SyntaxError, ValueError, RecursionError):
        return []
    before, after = (side.decode("utf-8", "replace").split("\n") for side in (old, new))
    touched: set[int] = set()
    for what, _, _, start, stop in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if what != "equal":
            touched |= set(range(start + 1, max(stop, start + 1) + 1))
    spans = {span for span in _statements(tree) if any(span[0] <= line <= span[1] for line in touched)}
    return sorted(spans)


def _statements(tree: ast.Module) -> list[Span]:
    """The smallest statements, and the heads of those that hold others; no documentation."""
    found: list[Span] = []
    todo: list[ast.AST] = [tree]
    while todo:
        node = todo.pop()
        inner = [child for child in ast.walk(node) if isinstance(child, ast.stmt) and child is not node]
        todo += [child for child in ast.iter_child_nodes(node) if not isinstance(child, ast.expr)]
        if not isinstance(node, ast.stmt) or isinstance(node, ast.Import | ast.ImportFrom):
            continue
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        last = min([child.lineno for child in inner], default=(node.end_lineno or node.lineno) + 1) - 1
        found.append((node.lineno, max(last, node.lineno)))
    return found


def ran(spans: Collection[Span], lines: Collection[int]) -> list[Span]:
    """Those of which a line ran."""
    seen = set(lines)
    return [span for span in spans if any(line in seen for line in range(span[0], span[1] + 1))]


def not_run(
    old: Mapping[str, bytes], new: Mapping[str, bytes], lines: Mapping[str, Collection[int]]
) -> tuple[list[str], int]:
    """The changed statements of ``new`` that did not run, as ``file:line``, and how many did."""
    missing, count = [], 0
    for path, raw in new.items():
        spans = changed(old.get(path, b""), raw) if old.get(path) != raw else []
        reached = ran(spans, lines.get(path, ()))
        missing += [f"{path}:{first}" for first, last in spans if (first, last) not in reached]
        count += len(reached)
    return missing, count
