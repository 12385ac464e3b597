"""Convert a generated program, run it before and after under the mock, and compare."""

from __future__ import annotations

import traceback
from collections import Counter
from dataclasses import dataclass, field

from kmigrate import rewriting
from kmigrate.layout import recheck as rechecking
from kmigrate.layout.analysis import Program as Analysed
from kmigrate.layout.analysis import analyse
from kmigrate.options import Options
from kmigrate.plan import Status
from tests.generated.program import Program
from tests.mock_keras import Log, difference, run


@dataclass
class Outcome:
    """``problem`` is what must never be: a crash, or a program that does something else."""

    text: str
    after: str | None = None
    edits: int = 0
    codes: Counter[str] = field(default_factory=Counter)
    problem: str = ""
    refused: str = ""  # why a model was left alone
    dropped: bool = False  # converted, and then refused by the re-check
    broken: bool = False  # the program fails by itself

    @property
    def converted(self) -> bool:
        """Every model of the program is channels-last now, by three edits or more."""
        return self.after is not None and not self.refused and not self.problem and self.edits >= 3


def check(program: Program, recheck: bool = True) -> Outcome:
    """Convert as the pipeline does, and run both. Without ``recheck``, the runs alone must find a mistake."""
    result = Outcome(program.text)
    before = run(program.text, program.version, program.ordering, program.reorder)
    if before.error:
        result.broken, result.refused = True, f"the program itself fails: {before.error}"
        return result
    try:
        _convert(program, result, recheck)
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        result.problem = f"crash: {type(error).__name__}: {error} ({where.filename.split('/')[-1]}:{where.lineno})"
        return result
    if result.after is not None:
        result.problem = _compared(program, before, result.after)
    return result


def _convert(program: Program, result: Outcome, recheck: bool) -> None:
    options = Options(**program.options)
    found = analyse(program.text, "-", options)
    plan = found.plan
    reasons = [r for m in plan.models if m.status in (Status.LEFT_ALONE, Status.ASKED) for r in m.reasons]
    result.refused = reasons[0] if reasons else ""
    if not plan.models:
        result.refused = "; ".join(map(str, plan.diagnostics)) or "no model was found"
    result.edits = len(plan.edits)
    result.codes.update(e.code for e in plan.edits)
    if not plan.edits:
        result.refused = result.refused or "nothing to do"
        return
    result.after = rewriting.apply(program.text, plan.edits)
    if recheck and (told := _rechecked(found, result.after, options)):
        result.refused, result.dropped, result.after = f"dropped: {told}", True, None


def _rechecked(found: Analysed, after: str, options: Options) -> str | None:
    """As the pipeline does: the same program, and nothing left to do."""
    if told := rechecking.recheck(found, {found.path: after}):
        return told.text
    again = analyse(after, "-", Options(source_keras=options.source_keras, flatten=options.flatten)).plan.edits
    return f"a second run would change line {again[0].line} ({again[0].code})" if again else None


def _compared(program: Program, before: Log, after: str) -> str:
    """Under the ordering that the program had; what only implied it must not depend on keras.json after."""
    for ordering in ("tf", "th") if program.implied else (program.ordering,):
        told = difference(before, run(after, program.version, ordering, program.reorder))
        if told:
            return f"different under {ordering!r}: {told}"
    return ""
