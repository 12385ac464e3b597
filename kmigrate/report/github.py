"""Annotations for GitHub Actions: one workflow command a line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kmigrate.report.outcome import wanted

if TYPE_CHECKING:
    from kmigrate.discovery import Problem
    from kmigrate.pipeline import Result


def as_github(results: Sequence[Result], problems: Sequence[Problem] = ()) -> str:
    """Errors, warnings for what would change, notices for the rest."""
    lines = [_command("error", problem.path, 0, 0, "", problem.message) for problem in problems]
    for result in results:
        for edit in result.plan.edits if result.new is not None else ():
            lines.append(_command("warning", edit.path, edit.line, edit.column, edit.code, edit.reason))
        for d in wanted(result):
            level = "error" if d is result.error else "notice"
            lines.append(_command(level, d.path, d.line, d.column, d.code, d.message))
    return "".join(f"{line}\n" for line in dict.fromkeys(lines))


def _command(level: str, path: str, line: int, column: int, code: str, message: str) -> str:
    place = f",line={line},col={max(column, 1)}" if line and not path.endswith(".ipynb") else ""
    title = f"kmigrate {code}".strip()
    return f"::{level} file={_property(path)}{place},title={title}::{_data(f'{code} {message}'.strip())}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
