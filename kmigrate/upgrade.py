"""`--target keras3`: the files of a program, after their layout was converted, as programs for Keras 3.

A file is brought to Keras 3 as a whole or not at all: half of it would run nowhere, and a second run could not tell
which of its defaults were written out already.
"""

from __future__ import annotations

import ast
import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field

from kmigrate.keras_api import paths, versions
from kmigrate.keras_api.port import Port, PortProblem, port
from kmigrate.keras_api.versions import Version, VersionRange
from kmigrate.layout.analysis import Program
from kmigrate.options import Options
from kmigrate.plan import Assumption, Diagnostic
from kmigrate.rewriting import RewriteError

CODES = ("KM301", "KM302", "KM303")
#: Where the port of one version differs from that of the version before (docs/facts.md, sections 2 to 4).
_CHANGES: tuple[Version, ...] = (
    *((1, 0, 6), (1, 0, 7), (1, 0, 8), (1, 1, 0), (1, 1, 1), (1, 2, 0)),
    *((2, 0, 0), (2, 0, 7), (2, 0, 9), (2, 1, 0), (2, 1, 3), (2, 1, 6), (2, 2, 0), (2, 3, 0)),
)


@dataclass
class Upgrade:
    """What became of one file: ``text`` is None where nothing changes."""

    text: str | None = None
    diagnostics: list[Diagnostic] = field(default_factory=list)
    assumptions: list[Assumption] = field(default_factory=list)


def wanted(options: Options, path: str) -> bool:
    """Is a port of this file asked for? Its rules go together."""
    return options.target == "keras3" and all(options.wants(code, path) for code in CODES)


def upgrade(program: Program, path: str, before: str, options: Options) -> Upgrade:
    """Bring one file of ``program`` to Keras 3; ``before`` is its text as the user has it, whose lines are reported.

    Raises RewriteError where the result is not what was planned.
    """
    source = program.files.load(path) if program.files is not None else None
    if source is None:
        return Upgrade()
    if program.unsaid:  # nothing is known that could be written down
        return Upgrade(diagnostics=[one for entry, one in program.unsaid.items() if entry == path])
    assert program.files is not None
    text = program.files.texts[path]
    asked = _Asked(program, path, text, source.tree, options)
    said = options.source_keras != "auto"
    possible = program.version if said else program.version.narrowed(VersionRange(high=versions.LAST_TF_KERAS))
    version = possible.likeliest()
    result = asked.port(version)
    if not said and program.version.high >= (3,) and not result.old:
        return Upgrade()
    lines = _Lines(before, text)
    if result.problems:
        return Upgrade(diagnostics=[lines.diagnostic(path, "KM910", one) for one in result.problems])
    if not result.edits:
        return Upgrade()
    made = Upgrade(result.text(), [lines.diagnostic(path, "KM351", one) for one in result.notes])
    _check(made.text or "", path, asked, version)
    if possible.low != possible.high:
        why = "; ".join(possible.why[:3]) or "nothing says which it was"
        made.assumptions.append(Assumption("source-keras", f"Keras {_dotted(version)}", why))
        made.diagnostics += [lines.diagnostic(path, "KM352", one) for one in _doubts(result, asked, possible, version)]
    return made


def _check(text: str, path: str, asked: _Asked, version: Version) -> None:
    """A second run must leave the result alone, by what it says itself."""
    tree = ast.parse(text)
    again = _Asked(asked.program, path, text, tree, asked.options, known={}).port(version)
    if again.old:
        raise RewriteError(f"the port to Keras 3 leaves what only older versions have: {again.old}")


class _Asked:
    """What a port of a file is asked for, but for the version."""

    def __init__(
        self,
        program: Program,
        path: str,
        text: str,
        tree: ast.Module,
        options: Options,
        known: Mapping[ast.expr, str] | None = None,
    ) -> None:
        self.program, self.path, self.text, self.tree, self.options = program, path, text, tree, options
        self.dotted = paths.dotted(tree) | dict(program.dotted if known is None else known)
        orderings = program.orderings
        followed = orderings.get(path) or ("th" if "th" in orderings.values() else "tf")
        self.ordering = followed
        self.states = orderings.get(path) == "th"

    def port(self, version: Version) -> Port:
        return port(
            self.text,
            self.tree,
            self.dotted,
            version,
            self.ordering,
            path=self.path,
            state_ordering=self.states,
            numerics=self.options.numerics,
        )


def _doubts(result: Port, asked: _Asked, possible: VersionRange, version: Version) -> list[PortProblem]:
    """Lines that other versions, which are possible too, would make different code of."""
    points = [possible.low, *(point for point in _CHANGES if possible.low < point <= possible.high)]
    ends = [*points[1:], None]
    others: dict[tuple[int, int], list[str]] = {}
    chosen = _by_place(result)
    for point, end in zip(points, ends, strict=True):
        if point <= version and (end is None or version < end):
            continue
        made = _by_place(asked.port(point))
        for place in {place for place, args in (chosen.items() ^ made.items())}:
            others.setdefault(place[:2], []).append(_dotted(point))
    return [
        PortProblem(line, column, f"this would become something else for Keras {_listed(which)}: say --source-keras")
        for (line, column), which in sorted(others.items())
    ]


def _by_place(result: Port) -> dict[tuple[int, int, str], str]:
    return {(edit.line, edit.column, edit.kind): repr(edit.args) for edit in result.edits if edit.kind == "Call"}


def _listed(which: list[str]) -> str:
    return ", ".join(dict.fromkeys(which)) + " and the versions after each" * (len(which) > 1)


def _dotted(version: Version) -> str:
    return ".".join(map(str, version))


class _Lines:
    """Lines of a text that was edited, as lines of what it was before."""

    def __init__(self, before: str, now: str) -> None:
        self._same = before == now
        if not self._same:
            match = difflib.SequenceMatcher(None, before.splitlines(), now.splitlines(), autojunk=False)
            self._blocks = match.get_opcodes()

    def _before(self, line: int) -> int:
        if self._same:
            return line
        for _, start, end, new_start, new_end in self._blocks:
            if new_start < line <= new_end:
                return min(start + line - new_start, max(end, start + 1))
        return line

    def diagnostic(self, path: str, code: str, said: PortProblem) -> Diagnostic:
        return Diagnostic(path, self._before(said.line), said.column, code, said.message)
