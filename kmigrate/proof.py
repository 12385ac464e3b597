"""Prove one conversion: before against after, and against after with one edit undone."""

from __future__ import annotations

import random
import warnings
from typing import TYPE_CHECKING, Any

from kmigrate import rewriting
from kmigrate.verify import Certificate, Server, Verdict, VerifyOptions, hashes, verify

if TYPE_CHECKING:
    from kmigrate.options import Options
    from kmigrate.plan import Edit, Plan
    from kmigrate.source import SourceFile


def prove(
    before: SourceFile,
    after: SourceFile,
    options: Options,
    plan: Plan | None = None,
    *,
    servers: dict[str, Server] | None = None,
    **how: Any,
) -> Certificate:
    """Run both and compare; with the ``plan`` that led from one to the other, an undone edit must be seen.

    ``servers`` are the running ones by their stack; ``how`` are fields of `VerifyOptions`.
    """
    from kmigrate.prepare import NotRunnable, prepare

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "\\d" in a plain string, and the like
            left_out = _undone(before, plan, seed=0) if plan else None
            ready = prepare(before, after, left_out, options)
    except NotRunnable as error:
        return Certificate(Verdict.NOT_VERIFIED, str(error))
    except Exception as error:
        reason = f"the programs could not be prepared: {type(error).__name__}: {error}"
        return Certificate(Verdict.NOT_VERIFIED, reason)
    edits = plan.edits if plan else []
    certificate = verify(
        [ready.before],
        [ready.after],
        entry=before.path,
        entry_after=after.path if after.path != before.path else None,
        undone=[ready.undone] if ready.undone else None,
        options=VerifyOptions(
            **{
                "stack": ready.stack,
                "ordering": ready.ordering,
                "at_zero": any(edit.codemod == "fast_relu" and not edit.neutral for edit in edits),
                "same_weights": keeps_weights(plan) if plan else False,
                "seed": 0,
                **how,
            }
        ),
        server=(servers or {}).get(ready.stack),
    )
    certificate.ordering, certificate.source_keras = ready.ordering_text, ready.source_keras
    certificate.before, certificate.after = hashes([before]), hashes([after])
    certificate.notes = list(dict.fromkeys([*ready.notes, *certificate.notes]))
    if ready.advice and certificate.verdict is Verdict.NOT_VERIFIED:
        certificate.notes.append(ready.advice)
    return certificate


def keeps_weights(plan: Plan) -> bool:
    """Does the plan keep the order of features, and so that of all weights?

    A Permute layer at the edge of a model says nothing of them.
    """
    return any(edit.codemod == "permute_layer" and not edit.args.get("edge") for edit in plan.edits)


def effective(plan: Plan) -> list[Edit]:
    """The edits whose absence must be seen.

    Relus are not among them: their old form differs at most where the input is exactly 0.
    """
    return [edit for edit in plan.edits if not edit.neutral and edit.codemod not in ("imports", "fast_relu")]


def without(before: SourceFile, plan: Plan, left_out: Edit) -> SourceFile | None:
    """The new program without one edit; None where the others make no sense alone, or are none of substance."""
    if effective(plan) == [left_out]:
        return None
    try:
        text = rewriting.apply(before.cells[0].text, [edit for edit in plan.edits if edit is not left_out])
    except rewriting.RewriteError:
        return None
    return before.from_bytes(before.with_cells([text]), before.path)


def prove_undone(
    before: SourceFile, undone: SourceFile, options: Options, plan: Plan, servers: dict[str, Server] | None = None
) -> Certificate:
    """The same for the new program without one edit, which should be DIFFERENT; nothing that only informs is run."""
    strict = keeps_weights(plan)
    return prove(before, undone, options, servers=servers, same_weights=strict, float32=False, ambient_check=False)


def _undone(before: SourceFile, plan: Plan, seed: int) -> SourceFile | None:
    """The new program without one of the edits, which a comparison that is not blind must see."""
    choices = effective(plan)
    random.Random(seed).shuffle(choices)
    return next((found for edit in choices if (found := without(before, plan, edit)) is not None), None)
