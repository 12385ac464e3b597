"""What .gitignore files say, as git reads them; pathspec is imported only where one stands."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec


class Rules:
    """The patterns of one .gitignore, and those of the folders above it."""

    def __init__(self, folder: str, spec: GitIgnoreSpec, outer: Rules | None) -> None:
        self._start = len(folder.rstrip(os.sep)) + 1
        self._spec = spec
        self._patterns = list(spec.patterns)
        self._outer = outer

    @classmethod
    def read(cls, folder: str, outer: Rules | None) -> Rules | None:
        """The rules within ``folder``; a .gitignore that cannot be read adds none."""
        try:
            with open(os.path.join(folder, ".gitignore"), encoding="utf-8", errors="surrogateescape") as file:
                lines = file.read().split("\n")
        except OSError:
            return outer
        return cls(folder, _spec(lines), outer)

    @classmethod
    def of(cls, folder: str, patterns: Sequence[str]) -> Rules:
        """Rules that stand somewhere else, e.g. in a configuration."""
        return cls(folder, _spec(list(patterns)), None)

    def ignore(self, path: str) -> bool:
        """Is ``path`` ignored? A folder's ends in a separator. The nearest .gitignore decides."""
        name = path[self._start :].replace(os.sep, "/")
        if name.endswith("/"):
            # check_file ranks patterns for folders below those for files, which is right for a file
            # in a folder; for the folder itself the last pattern that matches decides.
            matching = (p.include for p in reversed(self._patterns) if p.match_file(name))
            include = next(matching, None)
        else:
            found = self._spec.check_file(name)
            include = found.include
            if include is False and self._is_for_folders(found.index):
                include = None  # it lets a folder in, and says nothing of the files there
        if include is None:
            return self._outer is not None and self._outer.ignore(path)
        return include

    def _is_for_folders(self, index: int | None) -> bool:
        return index is not None and str(self._patterns[index].pattern).rstrip().endswith("/")


def _spec(lines: list[str]) -> GitIgnoreSpec:
    """Patterns that are malformed are passed over, as by git."""
    from pathspec import GitIgnoreSpec

    # To a walk from above the two say the same, but pathspec lets the first match the folder itself.
    lines = [line[:-1] if line.endswith("/**") else line for line in lines]
    try:
        return GitIgnoreSpec.from_lines(lines)
    except (ValueError, re.error):
        return GitIgnoreSpec.from_lines(line for line in lines if _is_pattern(line))


def _is_pattern(line: str) -> bool:
    from pathspec import GitIgnoreSpec

    try:
        GitIgnoreSpec.from_lines([line])
    except (ValueError, re.error):
        return False
    return True


@lru_cache(maxsize=64)
def _cached(folder: str, pattern: str) -> Rules:
    return Rules.of(folder, [pattern])


def matches(folder: str, pattern: str, path: str) -> bool:
    """Does one pattern of a configuration in ``folder`` match a file?"""
    real = os.path.realpath(path)
    return real.startswith(os.path.join(folder, "")) and _cached(folder, pattern).ignore(real)


def rules_above(folder: str) -> Rules | None:
    """The rules that the enclosing repository has for what lies in ``folder``."""
    above = []
    while not os.path.lexists(os.path.join(folder, ".git")):
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        above.append(folder)
        folder = parent
    start = above[0] if above else folder
    rules: Rules | None = None
    for outer in (folder, *reversed(above[1:])):
        if outer != start and os.path.lexists(os.path.join(outer, ".gitignore")):
            inner = Rules.read(outer, rules)
            # The folder was asked for: a rule against the whole of it does not count.
            if inner is not None and not inner.ignore(start + os.sep):
                rules = inner
    return rules
