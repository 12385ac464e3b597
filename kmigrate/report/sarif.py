"""SARIF 2.1.0: each edit and diagnostic is a result; the fix of a program is given whole, with its first edit."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from kmigrate import __version__
from kmigrate.codes import CODES
from kmigrate.report.outcome import wanted
from kmigrate.report.places import Places

if TYPE_CHECKING:
    from kmigrate.discovery import Problem
    from kmigrate.pipeline import Result

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LINES = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")


def as_sarif(results: Sequence[Result], problems: Sequence[Problem] = ()) -> str:
    return json.dumps(sarif(results, problems), indent=2, ensure_ascii=False) + "\n"


def sarif(results: Sequence[Result], problems: Sequence[Problem] = ()) -> dict[str, Any]:
    """The log of one run."""
    rules = list(CODES)
    found: list[dict[str, Any]] = []
    fixed: set[int] = set()
    for result in results:
        places = Places(result.source.text if result.source is not None else "")
        for edit in result.plan.edits if result.new is not None else ():
            (line, column), (end_line, end_column) = places.of(edit.start), places.of(edit.end)
            region = {"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column}
            entry = _result(rules, edit.code, "warning", edit.reason, edit.path, region)
            if result.program not in fixed:
                fixed.add(result.program)
                entry["fixes"] = [_fix([r for r in results if r.program == result.program and r.new is not None])]
            found.append(entry)
        for d in wanted(result):
            at = {"startLine": d.line, "startColumn": max(d.column, 1)} if d.line else None
            found.append(_result(rules, d.code, "error" if d is result.error else "note", d.message, d.path, at))
    driver = {
        "name": "kmigrate",
        "version": __version__,
        "rules": [
            {
                "id": code,
                "name": entry.name,
                "shortDescription": {"text": entry.summary},
                **({"help": {"text": entry.advice}} if entry.advice else {}),
            }
            for code, entry in CODES.items()
        ],
    }
    failures = [
        {
            "level": "error",
            "message": {"text": problem.message},
            "locations": [{"physicalLocation": {"artifactLocation": {"uri": _uri(problem.path)}}}],
        }
        for problem in problems
    ]
    invocation = {"executionSuccessful": not problems, "toolExecutionNotifications": failures}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [invocation],
        "results": found,
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _result(
    rules: list[str], code: str, level: str, message: str, path: str, region: dict[str, int] | None
) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": {"uri": _uri(path)}}
    if region is not None and not path.endswith(".ipynb"):  # its lines are those of JSON
        physical["region"] = region
    return {
        "ruleId": code,
        "ruleIndex": rules.index(code),
        "level": level,
        "message": {"text": message},
        "locations": [{"physicalLocation": physical}],
    }


def _fix(results: Sequence[Result]) -> dict[str, Any]:
    """All changes of one program: a part of them would not compute the same."""
    changes = []
    for result in results:
        assert result.source is not None and result.new is not None
        before, after = result.source, result.new
        if before.notebook is None:
            replacements = _replacements(before.text, after.text)
        else:
            replacements = _replacements(before.raw.decode("utf-8"), after.raw.decode("utf-8"))
        changes.append({"artifactLocation": {"uri": _uri(result.path)}, "replacements": replacements})
    return {"description": {"text": "Convert the program as a whole."}, "artifactChanges": changes}


def _replacements(before: str, after: str) -> list[dict[str, Any]]:
    from difflib import SequenceMatcher

    old, new = _LINES.findall(before), _LINES.findall(after)
    found = []
    for kind, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        region = {"startLine": i + 1, "startColumn": 1, "endLine": j + 1, "endColumn": 1}
        if j == len(old) and old and not old[-1].endswith(("\r", "\n")):
            region.update(endLine=j, endColumn=len(old[-1]) + 1)
            if i == j:
                region.update(startLine=j, startColumn=len(old[-1]) + 1)
        found.append({"deletedRegion": region, "insertedContent": {"text": "".join(new[k:m])}})
    return found


def _uri(path: str) -> str:
    absolute = os.path.abspath(path)
    inside = absolute.startswith(os.path.join(os.getcwd(), ""))
    name = (os.path.relpath(absolute) if inside else absolute).replace(os.sep, "/")
    encoded = quote(os.fsencode(name), safe="/")
    return encoded if inside else f"file://{encoded}"
