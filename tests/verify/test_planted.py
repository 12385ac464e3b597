"""No false alarm and no miss: correct pairs and planted mistakes, with twenty seeds each."""

from __future__ import annotations

from pathlib import Path

import pytest

from kmigrate.source import SourceFile
from kmigrate.verify import Certificate, Server, Verdict, VerifyOptions, compare
from kmigrate.verify.runner import Verification
from kmigrate.verify.sandbox import Program
from tests.verify.planted import PAIRS

pytestmark = pytest.mark.verify
SEEDS, FEW = 20, 3
OPTIONS = VerifyOptions(seeds=SEEDS, steps=2, samples=4)


@pytest.mark.parametrize("name", PAIRS)
def test_right_is_equivalent_and_each_mistake_different(name: str, servers: dict[str, Server], tmp_path: Path) -> None:
    def program(text: str) -> Program:
        return Program.of([SourceFile.from_bytes(text.encode(), tmp_path / "p.py")], tmp_path / "p.py")

    pair = PAIRS[name]
    certificate = Certificate(Verdict.NOT_VERIFIED, "")
    verification = Verification(servers["keras3"], OPTIONS, None, certificate)
    before = verification.before(program(pair.before))
    assert len(before) == SEEDS
    found = compare.worst(verification.compared(before, program(pair.after)))
    assert found.verdict is Verdict.EQUIVALENT, found.reason
    assert max(figure.error for figure in found.figures) < 1e-11
    for number, mistake in enumerate(pair.mistakes):
        chosen = before[: FEW if number else SEEDS]
        seen = [one.verdict for one in verification.compared(chosen, program(pair.planted(mistake)), mistake)]
        assert seen == [Verdict.DIFFERENT] * len(chosen), f"{mistake}: {seen}"


def test_the_table_is_large_enough() -> None:
    assert len(PAIRS) >= 12
    assert sum(bool(pair.mistakes) for pair in PAIRS.values()) >= 12
