"""Statistics over many programs: ``python -m tests.generated FIRST LAST``; with one seed, its program."""

from __future__ import annotations

import difflib
import re
import sys
from collections import Counter

from tests.generated import generate
from tests.generated.outcome import check


def main(first: int, last: int) -> int:
    """Prints what became of the programs; 1 if one of them is different or fails to convert."""
    converted, reasons, codes, bad = 0, Counter[str](), Counter[str](), []
    for seed in range(first, last):
        outcome = check(generate(seed))
        codes += outcome.codes
        converted += outcome.converted
        if outcome.problem:
            bad.append(seed)
            print(f"seed {seed}: {outcome.problem}")
        elif not outcome.converted:
            reason = outcome.refused or "fewer than three edits"
            reasons[re.sub(r"`[^`]*`", "`..`", re.sub(r"line \d+", "line", reason))[:100]] += 1
    print(f"{last - first} programs, {converted} converted, {len(bad)} different", dict(codes))
    for reason, count in reasons.most_common():
        print(f"{count:6} {reason}")
    return 1 if bad else 0


def show(seed: int) -> None:
    """One program and what becomes of it."""
    program = generate(seed)
    outcome = check(program)
    print(program.version, program.ordering, program.options, "implied" if program.implied else "")
    after = (outcome.after or program.text).splitlines()
    print("\n".join(difflib.unified_diff(program.text.splitlines(), after, n=999, lineterm="")) or program.text)
    print("problem:", outcome.problem, "\nrefused:", outcome.refused)


if __name__ == "__main__":
    numbers = [int(a) for a in sys.argv[1:]]
    if len(numbers) == 1:
        show(numbers[0])
    else:
        sys.exit(main(*numbers))
