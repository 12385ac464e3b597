"""Lines and columns of offsets, as editors count them: from 1, columns in characters."""

from __future__ import annotations

import re
from bisect import bisect_right

_NEWLINE = re.compile(rb"\r\n|\r|\n")


class Places:
    """The places of one text, by offsets in its UTF-8 encoding."""

    def __init__(self, text: str) -> None:
        self._data = text.encode("utf-8", "surrogatepass")
        self._starts = [0, *(match.end() for match in _NEWLINE.finditer(self._data))]

    def of(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self._starts, offset)
        before = self._data[self._starts[line - 1] : offset]
        return line, len(before.decode("utf-8", "surrogatepass")) + 1
