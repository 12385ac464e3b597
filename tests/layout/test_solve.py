"""The minimum cut against all possible answers, on small graphs."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kmigrate.layout.solve import minimum_cut

Edges = list[tuple[int, int, float]]


def cost(flipped: set[int], gain: dict[int, float], price: dict[int, float], edges: Edges) -> float:
    return (
        sum(g for n, g in gain.items() if n not in flipped)
        + sum(p for n, p in price.items() if n in flipped)
        + sum(c for a, b, c in edges if (a in flipped) != (b in flipped))
    )


def test_nothing_flips_without_a_reason() -> None:
    assert minimum_cut(range(3), {}, {1: 1.0}, [(0, 1, 2.0)]) == set()


@pytest.mark.parametrize(
    ("gain", "price", "edges", "expected"),
    [
        pytest.param({0: 1000}, {2: float("inf")}, [(0, 1, 5), (1, 2, 4)], {0, 1}, id="the cheaper edge is cut"),
        pytest.param({0: 1000}, {2: float("inf")}, [(0, 1, 4), (1, 2, 4)], {0}, id="a tie goes to fewer flips"),
        pytest.param({0: 1000}, {0: float("inf")}, [(0, 1, 4)], set(), id="a pin wins over a goal"),
        pytest.param({0: 5, 1: 5}, {0: 7, 1: 1}, [(0, 1, 3)], {0, 1}, id="together it pays"),
        pytest.param({0: 1000}, {}, [(0, 0, 9)], {0}, id="an edge to itself"),
        pytest.param({0: 1000}, {1: float("inf")}, [(0, 1, 2), (0, 1, 2), (1, 0, 1)], {0}, id="parallel edges"),
    ],
)
def test_small_graphs(gain: dict[int, float], price: dict[int, float], edges: Edges, expected: set[int]) -> None:
    assert minimum_cut(range(3), gain, price, edges) == expected


@st.composite
def problems(draw: st.DrawFn) -> tuple[int, dict[int, float], dict[int, float], Edges]:
    n = draw(st.integers(1, 7))
    node = st.integers(0, n - 1)
    amount = st.integers(0, 9).map(float)
    gain = draw(st.dictionaries(node, amount, max_size=4))
    price = draw(st.dictionaries(node, amount | st.just(float("inf")), max_size=4))
    edges = draw(st.lists(st.tuples(node, node, amount), max_size=12))
    return n, gain, price, edges


@given(problems())
@settings(max_examples=300, deadline=None)
def test_no_answer_is_cheaper_and_none_as_cheap_is_smaller(problem: tuple[int, dict, dict, Edges]) -> None:
    n, gain, price, edges = problem
    found = minimum_cut(range(n), gain, price, edges)
    subsets = [set(s) for k in range(n + 1) for s in itertools.combinations(range(n), k)]
    best = min(cost(s, gain, price, edges) for s in subsets)
    assert cost(found, gain, price, edges) == best
    assert all(found <= s for s in subsets if cost(s, gain, price, edges) == best)
