"""Sizes: products of numbers and named unknowns."""

from __future__ import annotations

import pytest

from kmigrate.layout.dims import ONE, Dim, named, product


def test_numbers() -> None:
    assert Dim(3).times(Dim(8)) == Dim(24)
    assert Dim(24).value == 24


def test_unknowns_are_compared_by_name_in_any_order() -> None:
    rows, cols = Dim(1, ("rows",)), Dim(1, ("cols",))
    assert rows.times(cols) == cols.times(rows) != rows.times(rows)
    assert rows.times(cols).value is None


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        pytest.param([], ONE, id="none"),
        pytest.param([Dim(2), Dim(3)], Dim(6), id="numbers"),
        pytest.param([Dim(2), Dim(1, ("n",))], Dim(2, ("n",)), id="an unknown"),
        pytest.param([Dim(2), None], None, id="one not known at all"),
    ],
)
def test_product(sizes: list[Dim | None], expected: Dim | None) -> None:
    assert product(sizes) == expected


@pytest.mark.parametrize(
    ("size", "text"),
    [(Dim(7), "7"), (Dim(1, ("n",)), "n"), (Dim(2, ("m", "n")), "2*m*n")],
    ids=["number", "name", "both"],
)
def test_printed(size: Dim, text: str) -> None:
    assert str(size) == text


def test_terms_that_loops_double_stay_small() -> None:
    one = other = Dim(2, ("a", "b"))
    for _ in range(60):
        one, other = one.times(one), other.times(other)
    assert one == other
    assert one.value is None
    assert len(str(one)) < 200
    assert named("x" * 10_000) == named("x" * 10_000) != named("x" * 10_001)
