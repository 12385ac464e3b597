"""A run as plain data: what `--format json` prints (docs/formats.md, docs/kmigrate.schema.json)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kmigrate import __version__
from kmigrate.report.diff import unified
from kmigrate.report.outcome import counts, status, wanted
from kmigrate.report.places import Places

if TYPE_CHECKING:
    from kmigrate.discovery import Problem
    from kmigrate.pipeline import Result
    from kmigrate.verify import Certificate

#: Grows by 1 where a reader of the old form would misunderstand the new one; new keys may come at any time.
VERSION = 1


def as_json(
    results: Sequence[Result],
    problems: Sequence[Problem] = (),
    certificates: Mapping[str, Certificate] | None = None,
) -> str:
    return json.dumps(record(results, problems, certificates), indent=2, ensure_ascii=False) + "\n"


def record(
    results: Sequence[Result],
    problems: Sequence[Problem] = (),
    certificates: Mapping[str, Certificate] | None = None,
) -> dict[str, Any]:
    """All that is known of a run: files with their edits, diagnostics, models and assumptions; certificates."""
    return {
        "version": VERSION,
        "kmigrate": __version__,
        "files": [_file(result) for result in results],
        "errors": [{"path": problem.path, "message": problem.message} for problem in problems],
        "statistics": counts(results),
        "certificates": {entry: one.to_json() for entry, one in (certificates or {}).items()},
    }


def _file(result: Result) -> dict[str, Any]:
    changed = result.new is not None
    notebook = result.source.notebook if result.source is not None else None

    def cell(line: int) -> dict[str, Any]:
        """Where a line of the program stands in a notebook."""
        if notebook is None or not line:
            return {"line": line}
        number, inside = notebook.place(line)
        return {"line": inside, "cell": number}

    return {
        "path": result.path,
        "status": status(result),
        "program": result.program,
        "models": [
            {"name": m.name, **cell(m.line), "status": m.status.value, "reasons": list(m.reasons)}
            for m in result.plan.models
        ],
        "edits": _edits(result) if changed else [],
        "diagnostics": [
            {"code": d.code, "path": d.path, **cell(d.line), "column": d.column, "message": d.message, "model": d.group}
            for d in wanted(result)
        ],
        "assumptions": [{"what": a.what, "value": a.value, "why": a.why} for a in result.plan.assumptions],
        "diff": _diff(result) if changed else "",
    }


def _edits(result: Result) -> list[dict[str, Any]]:
    assert result.source is not None
    notebook = result.source.notebook
    places = Places(result.source.text)
    found = []
    for edit in result.plan.edits:
        (line, column), (end_line, end_column) = places.of(edit.start), places.of(edit.end)
        found.append(
            {
                "code": edit.code,
                "line": line if notebook is None else notebook.place(line)[1],
                "column": column,
                "end_line": end_line if notebook is None else notebook.place(end_line)[1],
                "end_column": end_column,
                **({} if notebook is None else {"cell": notebook.place(line)[0]}),
                "reason": edit.reason,
                "group": edit.group,
            }
        )
    return found


def _diff(result: Result) -> str:
    assert result.source is not None and result.new is not None
    before = result.source
    headings = before.notebook.headings() if before.notebook is not None else ()
    return unified(result.path, before.raw, result.new.raw, headings).decode(before.encoding, "replace")
