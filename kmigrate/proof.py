"""Prove one conversion: before against after, and against after with one edit undone."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from kmigrate import rewriting
from kmigrate.verify import Certificate, VerifyOptions, verify

if TYPE_CHECKING:
    from kmigrate.options import Options
    from kmigrate.plan import Plan
    from kmigrate.source import SourceFile

_FORMATS = {"auto": None, "th": "channels_first", "tf": "channels_last"}


def prove(before: SourceFile, after: SourceFile, options: Options, plan: Plan | None = None) -> Certificate:
    """Run both and compare; with the ``plan`` that led from one to the other, an undone edit must be seen."""
    undone = _undone(before, plan, seed=0) if plan else None
    elsewhere = after.path if after.path != before.path else None
    edits = plan.edits if plan else []
    ordering = options.ordering
    if plan and ordering == "auto":
        ordering = next((a.value for a in plan.assumptions if a.what == "ordering"), "auto")
    return verify(
        [before],
        [after],
        entry=before.path,
        entry_after=elsewhere,
        undone=[undone] if undone else None,
        options=VerifyOptions(
            ordering=_FORMATS[ordering],
            at_zero=any(edit.codemod == "fast_relu" and not edit.neutral for edit in edits),
            same_weights=any(edit.codemod == "permute_layer" for edit in edits),
            seed=0,
        ),
    )


def _undone(before: SourceFile, plan: Plan, seed: int) -> SourceFile | None:
    """The new program without one of the edits, which a comparison that is not blind must see.

    Relus are not undone: their old form differs at most where the input is exactly 0.
    """
    choices = [edit for edit in plan.edits if not edit.neutral and edit.codemod not in ("imports", "fast_relu")]
    random.Random(seed).shuffle(choices)
    for left_out in choices:
        try:
            text = rewriting.apply(before.cells[0].text, [edit for edit in plan.edits if edit is not left_out])
        except rewriting.RewriteError:
            continue  # some edits only make sense together
        return before.from_bytes(before.with_cells([text]), before.path)
    return None
