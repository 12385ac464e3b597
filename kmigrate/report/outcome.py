"""What became of a file, as all reports count it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kmigrate.pipeline import Result
    from kmigrate.plan import Diagnostic


def wanted(result: Result) -> list[Diagnostic]:
    """The diagnostics that are not switched off."""
    return [d for d in result.diagnostics if d is result.error or result.options.wants(d.code, d.path)]


def is_left_alone(result: Result) -> bool:
    """Was something of this file not converted although it may be channels-first?"""
    models = any(model.status.left for model in result.plan.models)
    return models or any(diagnostic.code.startswith("KM9") for diagnostic in result.plan.diagnostics)


def status(result: Result) -> str:
    """In the words of docs/kmigrate.schema.json."""
    if result.error is not None:
        return "failed"
    if result.new is not None:
        return "changed"
    return "left alone" if is_left_alone(result) else "nothing to do"


def counts(results: Sequence[Result]) -> dict[str, int]:
    """How often each code is an edit or a diagnostic."""
    found: Counter[str] = Counter()
    for result in results:
        found.update(edit.code for edit in result.plan.edits if result.new is not None)
        found.update(diagnostic.code for diagnostic in wanted(result))
    return dict(sorted(found.items()))
