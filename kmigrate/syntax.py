"""Python's own syntax tree and where its nodes stand, in UTF-8 offsets."""

from __future__ import annotations

import ast
import re
from bisect import bisect_left
from functools import lru_cache

_NEWLINE = re.compile(rb"\r\n|\r|\n")


class Lines:
    """Turns the (line, UTF-8 column) of `ast` into offsets in the UTF-8 text.

    Only ``\\r\\n``, ``\\r`` and ``\\n`` end a line, as for Python (form feeds and U+2028 do not).
    """

    def __init__(self, text: str) -> None:
        self._starts = [0, *(m.end() for m in _NEWLINE.finditer(text.encode("utf-8", "surrogatepass")))]

    def span(self, node: ast.AST) -> tuple[int, int]:
        """Start and end offset of a node; of a decorated definition, without its decorators."""
        start = self._starts[node.lineno - 1] + node.col_offset  # type: ignore[attr-defined]
        end = self._starts[node.end_lineno - 1] + node.end_col_offset  # type: ignore[attr-defined]
        return start, end

    def line(self, offset: int) -> int:
        """The line, from 1, that has the byte before ``offset``."""
        return bisect_left(self._starts, max(offset, 1))


@lru_cache(maxsize=512)
def parse(text: str, path: str) -> ast.Module:
    """`ast.parse`, once for each text; raises SyntaxError, ValueError (NUL), RecursionError or MemoryError as it does.

    The tree is shared: it must not be changed.
    """
    return ast.parse(text, filename=path)


def nesting(tree: ast.AST) -> int:
    """How deep the tree is. Unlike the tree's other readers, this never goes deep itself."""
    levels, level = 0, [tree]
    while level:
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        levels += 1
    return levels
