"""Comments that speak to kmigrate: ``# kmigrate: ignore[KM104]`` and the like (docs/configuration.md).

Pure: from a text to what its comments say. `tokenize` is imported only where one stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from kmigrate.codes import CODES

MARK = "kmigrate:"
_COMMENT = re.compile(r"#\s*kmigrate:\s*([^#]*?)\s*(?=#|$)")
_IGNORE = re.compile(r"ignore(?:\s*\[([^\]]*)\])?")
_SETTING = re.compile(r"(layout|ordering)\s*=\s*(\w+)")
_LINES = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_ORDERINGS = {"th": "th", "channels_first": "th", "tf": "tf", "channels_last": "tf"}
_AXES = frozenset("NCDHWT")


class Ignore(NamedTuple):
    """Codes (all, if none is named) that are off on some lines."""

    codes: tuple[str, ...]
    line: int
    column: int

    def covers(self, code: str) -> bool:
        return not self.codes or code.startswith(self.codes)


class Wrong(NamedTuple):
    """A comment that says nothing that is understood."""

    line: int
    column: int
    message: str


class Pragmas:
    """All that the comments of one file say. ``used`` are the ignores that silenced something."""

    def __init__(self) -> None:
        self.skip = False
        self.ordering: str | None = None
        self.ignores: dict[int, list[Ignore]] = {}  # line -> what is off there
        self.layouts: dict[int, tuple[int, str]] = {}  # line -> which one it is, the axes of what is assigned there
        self.count = 0  # of layouts
        self.wrong: list[Wrong] = []
        self.used: set[Ignore] = set()

    def ignored(self, code: str, first: int, last: int) -> Ignore | None:
        """What turns ``code`` off on one of these lines; it counts as used then."""
        for line in range(first, last + 1) if self.ignores else ():
            for ignore in self.ignores.get(line, ()):
                if ignore.covers(code):
                    self.used.add(ignore)
                    return ignore
        return None

    def unused(self) -> list[Ignore]:
        every = {ignore for found in self.ignores.values() for ignore in found}
        return sorted(every - self.used, key=lambda ignore: (ignore.line, ignore.column))


def read(text: str) -> Pragmas:
    """The pragmas of a text that parses."""
    found = Pragmas()
    for line, column, said, lines in _comments(text) if MARK in text else ():
        _understand(found, said, line, column, lines)
    return found


def _comments(text: str) -> Iterator[tuple[int, int, str, range]]:
    """Line and column (from 1) of each, what it says, and the lines that it is about.

    At the end of a statement it is about all lines of that; anywhere else about its own.
    """
    import io
    import tokenize

    start, pending = 0, []
    try:
        for token in tokenize.generate_tokens(io.StringIO(text, newline=None).readline):
            line, column = token.start
            if token.type == tokenize.COMMENT:
                matches = list(_COMMENT.finditer(token.string))
                pending += [(line, column + match.start() + 1, match[1]) for match in matches]
            elif token.type in (tokenize.NEWLINE, tokenize.ENDMARKER):
                for at, where, said in pending:
                    yield at, where, said, range(start, at + 1) if at == line and start else range(at, at + 1)
                start, pending = 0, []
            elif not start and token.type not in (tokenize.NL, tokenize.INDENT, tokenize.DEDENT):
                start = line
    except (tokenize.TokenError, SyntaxError):  # the parser says it better
        return


def _understand(found: Pragmas, said: str, line: int, column: int, lines: range) -> None:
    if said == "skip-file":
        found.skip = True
    elif match := _IGNORE.fullmatch(said):
        codes = tuple(part.strip().upper() for part in match[1].split(",")) if match[1] is not None else ()
        bad = next((c for c in codes if not c or not any(known.startswith(c) for known in CODES)), None)
        if bad is not None:
            found.wrong.append(Wrong(line, column, f"no code begins with {bad!r}; `kmigrate rules` lists them"))
            return
        for each in lines:
            found.ignores.setdefault(each, []).append(Ignore(codes, line, column))
    elif (match := _SETTING.fullmatch(said)) and match[1] == "ordering":
        found.ordering = _ORDERINGS.get(match[2])
        if found.ordering is None:
            found.wrong.append(Wrong(line, column, f"the ordering is th or tf, not {match[2]}"))
    elif match:
        axes = match[2].upper()
        if set(axes) <= _AXES and len(set(axes)) == len(axes):
            found.layouts.update(dict.fromkeys(lines, (found.count, axes)))
        else:
            found.wrong.append(
                Wrong(line, column, f"a layout is made of the letters N, C, D, H, W and T, not {match[2]}")
            )
        found.count += 1
    else:
        known = "skip-file, ignore, ignore[CODES], layout=NCHW, ordering=th"
        found.wrong.append(Wrong(line, column, f"`{said}` is not understood; there are {known}"))


def with_layouts(text: str, layouts: Mapping[int, str]) -> str:
    """The text with other layouts in some of its ``layout=`` pragmas; the first one of the text is number 0."""
    if not layouts:
        return text
    lines = _LINES.findall(text)
    number = 0
    for line, column, said, _ in list(_comments(text)):
        match = _SETTING.fullmatch(said)
        if match is None or match[1] != "layout":
            continue
        if number in layouts:
            old = lines[line - 1]
            lines[line - 1] = old[: column - 1] + old[column - 1 :].replace(match[2], layouts[number], 1)
        number += 1
    return "".join(lines)
