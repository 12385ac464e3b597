"""Make edits by naming the source text that they change."""

from __future__ import annotations

import ast
import textwrap
from typing import Any

from kmigrate.plan import Edit
from kmigrate.rewriting import apply
from kmigrate.syntax import Lines


def edit(text: str, source: str, kind: str, codemod: str, args: dict[str, Any], nth: int = 0) -> Edit:
    """An edit of the ``nth`` node of ``kind`` whose source is ``source`` (of a statement: its first line)."""
    lines = Lines(text)
    data = text.encode()
    found = []
    for node in ast.walk(ast.parse(text)):
        wanted = isinstance(node, ast.stmt) if kind == "stmt" else type(node).__name__ == kind
        if not wanted or not hasattr(node, "lineno"):
            continue
        start, end = lines.span(node)
        written = data[start:end].decode()
        if written == source or (kind == "stmt" and written.split("\n")[0] == source):
            found.append((start, end, node))
    start, end, node = sorted(found, key=lambda f: f[:2])[nth]
    where = {"line": node.lineno, "column": node.col_offset + 1}
    return Edit("a.py", start, end, kind, codemod, args, "a reason", "KM000", **where)


def changed(text: str, *edits: tuple[Any, ...]) -> str:
    """``text`` (dedented) after edits, each given as (source, kind, codemod, args[, nth])."""
    text = textwrap.dedent(text)
    made = [edit(text, *item) for item in edits]
    after = apply(text, made)
    assert apply(text, list(reversed(made))) == after
    return after
