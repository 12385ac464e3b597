"""Convert a text as the pipeline does: analyse, rewrite, re-check."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

from kmigrate import rewrite
from kmigrate.layout.analysis import Program, analyse
from kmigrate.layout.recheck import recheck
from kmigrate.options import Options
from kmigrate.plan import Edit, Plan, Status


def program(text: str, path: str = "-", **options: Any) -> Program:
    """The analysis of ``text``; the path "-" has no project around it."""
    return analyse(textwrap.dedent(text), path, Options(**options))


def applied(text: str, edits: Sequence[Edit]) -> str:
    """The text after the edits."""
    return rewrite.apply(text, edits) if edits else text


def convert(text: str, path: str = "-", **options: Any) -> tuple[str, Plan]:
    """The new text and the plan. Raises AssertionError where the re-check finds the new program different."""
    text = textwrap.dedent(text)
    found = program(text, path, **options)
    new = applied(text, found.plan.edits)
    if found.plan.edits:
        problem = recheck(found, new)
        assert problem is None, f"{problem}\n{new}"
    return new, found.plan


def statuses(plan: Plan) -> list[Status]:
    return [model.status for model in plan.models]


def codes(plan: Plan) -> set[str]:
    """The codes of all that is said."""
    return {diagnostic.code for diagnostic in plan.diagnostics}
