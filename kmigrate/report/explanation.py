"""What `kmigrate explain` prints."""

from __future__ import annotations

from collections.abc import Sequence

from kmigrate.layout.explain import Facts, LineFacts
from kmigrate.layout.graph import Because
from kmigrate.plan import Assumption
from kmigrate.report.text import model_line, sentence

MOST = 6  # of one kind of thing, on one line


def lines(facts: Facts, assumptions: Sequence[Assumption], whole: bool) -> list[str]:
    """The text: of one line all, of a ``whole`` file the answers and, for each line, layouts and edits."""
    said = [sentence(assumption) for assumption in assumptions]
    said += [model_line(model, ()) for model in facts.models]
    for line in facts.lines:
        said += ["", f"{facts.path}:{line.line}: {line.text}", *(_brief(line) if whole else _full(line))]
    return said


def _brief(line: LineFacts) -> list[str]:
    values = [f"  {name}: {'; '.join(told[:2])}" for name, told in line.values[:2]]
    return values + _edits(line)


def _full(line: LineFacts) -> list[str]:
    values = [f"    {name}: {'; '.join(_few(told, 3))}" for name, told in line.values]
    parts = [
        ("values", _few(values, 2 * MOST)),
        ("evidence", _few([f"    {_where(because)}{because.text}" for because in line.evidence])),
        ("what holds them", _few([f"    {_where(because)}{because.text}" for because in line.pins])),
        ("borders", _few([f"    {text}" for text in line.borders])),
    ]
    said = [text for title, texts in parts if texts for text in (f"  {title}", *texts)]
    return [*said, *_edits(line), *([f"  no edit: {line.why_none}"] if line.why_none else [])]


def _edits(line: LineFacts) -> list[str]:
    said = [f"  edit at column {edit.column}: {edit.code} {edit.reason}" for edit in line.edits]
    return said + [f"  {diagnostic.code} {diagnostic.message}" for diagnostic in line.said]


def _where(because: Because) -> str:
    code = f"{because.code} " if because.code else ""
    return f"{code}{because.path}:{because.line}: " if because.line else code


def _few(texts: Sequence[str], most: int = MOST) -> list[str]:
    if len(texts) <= most:
        return list(texts)
    indent = texts[0][: len(texts[0]) - len(texts[0].lstrip())]
    return [*texts[:most], f"{indent}and {len(texts) - most} more"]
