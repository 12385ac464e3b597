"""Random programs do the same before and after, under the numeric mock of Keras.

``KMIGRATE_PROGRAMS=5000`` runs more of them than the default; ``KMIGRATE_SEED=7000`` begins elsewhere.
``python -m tests.generated SEED`` shows one.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from kmigrate.layout.analysis import analyse
from kmigrate.options import Options
from kmigrate.rewriting import apply
from tests.generated import generate
from tests.generated.outcome import Outcome, check
from tests.mock_keras import difference, run

COUNT = int(os.environ.get("KMIGRATE_PROGRAMS", "250"))
FIRST = int(os.environ.get("KMIGRATE_SEED", "0"))
FIXTURES = Path(__file__).parents[1] / "fixtures" / "layout"
PLAYED: list[tuple[int, ...]] = [(1, 0, 5), (1, 0, 8), (1, 2, 2), (2, 0, 8), (2, 1, 6), (2, 2, 4), (2, 3, 1), (3, 0, 0)]
FILES = {"images.npy": "images_4_3_36_28.npy"}  # the mock's files say their shape


@pytest.fixture(scope="module")
def outcomes() -> dict[int, Outcome]:
    return {seed: check(generate(seed)) for seed in range(FIRST, FIRST + COUNT)}


def test_no_program_is_different(outcomes: dict[int, Outcome]) -> None:
    problems = [f"seed {seed}: {o.problem}" for seed, o in outcomes.items() if o.problem]
    assert not problems, "\n".join(problems)


def test_most_programs_are_converted(outcomes: dict[int, Outcome]) -> None:
    converted = sum(o.converted for o in outcomes.values())
    assert converted >= 0.8 * len(outcomes), [o.refused for o in outcomes.values() if not o.converted]


def test_unusual_statements_are_converted_rightly_or_left_alone() -> None:
    found = {seed: check(generate(seed, wild=True)) for seed in range(FIRST, FIRST + COUNT // 2)}
    problems = [f"seed {seed}: {o.problem}" for seed, o in found.items() if o.problem]
    assert not problems, "\n".join(problems)
    assert sum(o.broken for o in found.values()) < 0.02 * len(found) + 1


def test_the_programs_are_what_they_say_to_be() -> None:
    """Each runs under the mock as it is, and twice alike."""
    for seed in range(FIRST, FIRST + 40):
        program = generate(seed)
        runs = [run(program.text, program.version, program.ordering, program.reorder) for _ in range(2)]
        assert not runs[0].error, f"seed {seed}: {runs[0].error}"
        assert difference(*runs) is None
        assert len(runs[0].events) > 1


@pytest.mark.parametrize("flatten", ["permute", "auto"])
@pytest.mark.parametrize("name", sorted(f.name for f in FIXTURES.iterdir() if (f / "before.py").exists()))
def test_fixtures_do_the_same_under_the_mock(name: str, flatten: str) -> None:
    path = FIXTURES / name / "before.py"
    text = re.sub(r"\w+\.npy", lambda file: FILES.get(file[0], file[0]), path.read_text(encoding="utf-8"))
    found = analyse(text, str(path), Options(flatten=flatten))
    if not found.plan.edits:
        return  # left alone
    after = apply(text, found.plan.edits)
    versions = [v for v in PLAYED if found.version.low <= v <= found.version.high] or [found.version.low]
    for version in reversed(versions):
        ordering = found.ordering or ("th" if version < (1, 1) else "tf")
        before = run(text, version, ordering, flatten == "auto")
        if not before.error:  # else it is for an older version
            break
    assert difference(before, run(after, version, ordering, flatten == "auto")) is None
