"""Work stays near what a program's length is, and ends: long and deeply nested programs are converted or left alone.

Counted are calls of functions, not seconds; `benchmarks/growth.py` has the seconds.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from kmigrate import pipeline
from kmigrate.discovery import Candidate
from kmigrate.options import Options
from kmigrate.pipeline import Result
from tests.generated import large

Kind = Callable[[int], str]
NEARLY_TWICE = 2.25  # 2 is linear, 4 the square


def convert(text: str, path: str = "/nowhere/a.py") -> Result:
    (result,) = pipeline.convert([Candidate(path, text.encode())], Options())
    return result


def answer(result: Result) -> set[str]:
    found = [*result.plan.diagnostics, *([result.error] if result.error else [])]
    return {diagnostic.code for diagnostic in found}


def calls(text: str) -> int:
    """How many functions are called to convert it."""
    count = 0

    def met(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += 1

    sys.setprofile(met)
    try:
        convert(text)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("kind", [k for k in large.SHALLOW if k not in (large.disputed, large.feeds)])
def test_twice_the_length_costs_twice_as_much(kind: Kind) -> None:
    convert(kind(20))  # imports what there is to import
    a, b, c = (calls(kind(n)) for n in (40, 80, 160))
    assert (c - b) / (b - a) < NEARLY_TWICE, (a, b, c)


@pytest.mark.parametrize("kind", large.DEEP)
@pytest.mark.parametrize("depth", [15, 90, 1000])
def test_what_is_nested_is_converted_or_left_alone(kind: Kind, depth: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from kmigrate.layout.interpret import state

    monkeypatch.setattr(state, "WORK_LIMIT", 40_000)
    text = kind(depth)
    result = convert(text)
    if result.new is None:
        assert answer(result) & {"KM901", "KM905", "KM906", "KM908"}, result
    else:
        assert result.new.raw != text.encode()


def test_what_is_too_long_is_left_alone() -> None:
    result = convert(large.sequential(50_000))
    assert (result.new, answer(result)) == (None, {"KM908"})


def test_a_long_file_of_settings_is_no_trouble() -> None:
    assert convert(large.constants(5_000)).new is not None
    assert convert(large.numbers(50_000)).new is not None


def test_programs_together_beyond_the_limit_are_looked_at_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kmigrate.layout.interpret import state

    (tmp_path / "setup.py").write_text("")
    (tmp_path / "shapes.py").write_text("import keras\nSIZE = 10\n")
    paths = [tmp_path / "shapes.py", tmp_path / "a.py", tmp_path / "b.py"]
    for path in paths[1:]:
        path.write_text("from shapes import SIZE\n" + large.layers(60))
    monkeypatch.setattr(state, "WORK_LIMIT", 1000)
    monkeypatch.setattr(state, "MAX_SCRIPTS", 1)
    results = pipeline.run([str(path) for path in paths], Options())
    assert any("not looked at together" in d.message for r in results for d in r.plan.diagnostics)
    assert all(result.error is None for result in results)
