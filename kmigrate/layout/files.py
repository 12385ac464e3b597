"""The files of a program: its entry scripts, and the project's modules that their imports load.

No I/O here: a `Modules` (kmigrate/project.py) finds modules and gives their texts.
"""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from kmigrate.plan import Edit
from kmigrate.pragmas import Ignore, Pragmas
from kmigrate.pragmas import read as read_pragmas
from kmigrate.syntax import Lines, parse


@dataclass(eq=False)
class Source:
    """One file under analysis; ``index`` counts the files of a program in the order in which they are met."""

    path: str
    lines: Lines
    tree: ast.Module
    index: int = 0


class Modules(Protocol):
    """The project's modules, by their paths as they are shown to the user."""

    def find(self, importer: str, entry: str, name: str, level: int) -> str | None:
        """The file (of a package its ``__init__.py``) of the module that an import statement names, or None."""

    def library(self, importer: str) -> str | None:
        """The package that a file lies in, where that is a library's own sources; else None."""

    def text(self, path: str) -> str | None:
        """The text of a file, None where it cannot be read or decoded."""


class Files:
    """The sources of one program or of several that share modules.

    ``locked``: files that must not be edited, and why. ``editable``: all that may be (by default, all others).
    """

    def __init__(
        self,
        texts: Mapping[str, str],
        entries: Sequence[str],
        modules: Modules | None = None,
        locked: Mapping[str, str] | None = None,
        editable: Collection[str] | None = None,
    ) -> None:
        """Raises for entries whose texts are given what `ast.parse` raises; others that cannot be read are left out."""
        self.texts = dict(texts)
        self.modules = modules
        self.locked = locked or {}
        self.editable = editable
        self.sources: dict[str, Source | None] = {}
        self._pragmas: dict[str, Pragmas] = {}
        self._unstamped: list[Source] = []  # their nodes do not say yet which file they are of
        self.entries: list[Source] = []
        for path in entries:
            source = self._parse(path, self.texts[path]) if path in self.texts else self.load(path)
            if source is not None:
                self.entries.append(source)
        self.numbers = {source.path: number for number, source in enumerate(self.entries)}

    def with_texts(self, texts: Mapping[str, str]) -> Files:
        """The same program with new texts for some of its files."""
        return Files(
            {**self.texts, **texts}, [entry.path for entry in self.entries], self.modules, self.locked, self.editable
        )

    def only(self, *entries: Source) -> Files:
        """The program of some of the entries, of the same sources; each keeps its number."""
        some = Files({}, [], self.modules, self.locked, self.editable)
        some.texts, some.sources, some._unstamped = self.texts, self.sources, self._unstamped
        some._pragmas = self._pragmas
        some.entries, some.numbers = list(entries), self.numbers
        return some

    def pragmas(self, path: str) -> Pragmas:
        """What the comments of a file say."""
        found = self._pragmas.get(path)
        if found is None:
            found = self._pragmas[path] = read_pragmas(self.texts.get(path, ""))
        return found

    def ignored(self, edit: Edit) -> Ignore | None:
        """The comment that turns off the rule of an edit where it would be made."""
        pragmas = self.pragmas(edit.path)
        if not pragmas.ignores:
            return None
        source = self.sources[edit.path]
        last = edit.line if edit.kind == "stmt" or source is None else source.lines.line(edit.end)
        return pragmas.ignored(edit.code, edit.line, last)

    def locks(self, path: str) -> str | None:
        """Why a file must not be edited, or None."""
        if path in self.texts and self.pragmas(path).skip:
            return "it says `# kmigrate: skip-file`"
        if path in self.locked:
            return self.locked[path]
        if self.editable is not None and path not in self.editable:
            return "it is not known who else imports it"
        return None

    def find(self, importer: str, entry: str, name: str, level: int) -> str | None:
        return None if self.modules is None else self.modules.find(importer, entry, name, level)

    def absolute(self, importer: str, name: str, level: int) -> str | None:
        """The full name of what a library's own file imports by a relative name; None where there is none."""
        package = self.modules.library(importer) if self.modules is not None and level else None
        if package is None:
            return None
        parts = package.split(".")
        above = parts[: len(parts) - level + 1]
        return ".".join([*above, *([name] if name else [])]) if above else None

    def load(self, path: str) -> Source | None:
        """A module's source; None where it cannot be read or is not Python 3."""
        if path not in self.sources:
            text = self.texts.get(path)
            if text is None and self.modules is not None:
                text = self.modules.text(path)
            self.sources[path] = None
            if text is not None:
                self.texts[path] = text
                with contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError):
                    self._parse(path, text)
        return self.sources[path]

    def _parse(self, path: str, text: str) -> Source:
        source = Source(path, Lines(text), parse(text, path), len(self.sources))
        self.sources[path] = source
        self._unstamped.append(source)
        if len(self.sources) > 1:
            for each in self._unstamped:
                for node in ast.walk(each.tree):
                    node.file = each.path  # type: ignore[attr-defined]
            self._unstamped.clear()
        return source
