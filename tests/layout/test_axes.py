"""The algebra of layouts, held against numpy on real arrays."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kmigrate.layout.axes import (
    Axis,
    Contradiction,
    Role,
    channel_at,
    channel_inside,
    inverse,
    last,
    leaves,
    letters,
    memory_order,
    moves,
    order_to_last,
    size_of,
    unify_roles,
)
from kmigrate.layout.dims import Dim


def axes(names: str, *sizes: int) -> list[Axis]:
    """``axes("NCHW", 5, 3, 8, 6)``; "?" is an axis of unknown role."""
    known = sizes or (None,) * len(names)
    return [Axis(None if n == "?" else n, None if s is None else Dim(s)) for n, s in zip(names, known)]


@pytest.mark.parametrize(
    ("names", "order"),
    [
        pytest.param("NHWC", [0, 1, 2, 3], id="last already"),
        pytest.param("N?", [0, 1], id="no channel"),
        pytest.param("NC", [0, 1], id="vectors"),
        pytest.param("NCHW", [0, 2, 3, 1], id="images"),
        pytest.param("CHW", [1, 2, 0], id="one image"),
        pytest.param("NCDHW", [0, 2, 3, 4, 1], id="volumes"),
        pytest.param("N?CHW", [0, 1, 3, 4, 2], id="sequences of images"),
        pytest.param("CN", [1, 0], id="channel before batch"),
    ],
)
def test_order_to_last(names: str, order: list[int]) -> None:
    assert order_to_last(axes(names)) == order
    assert moves(axes(names)) is (order != sorted(order))
    assert letters(last(axes(names))).split() == [names[i] for i in order]


def test_unknown_axes_do_not_move() -> None:
    assert not moves(None)


def test_flattened_axes_move_inside() -> None:
    """N (C H W): the axis stays, its parts move."""
    flat = [Axis("N"), Axis(parts=tuple(axes("CHW", 3, 8, 6)), size=Dim(144))]
    assert (channel_at(flat), channel_inside(flat), moves(flat)) == (None, 1, True)
    assert order_to_last(flat) == [0, 1]
    assert letters(last(flat)) == "N (HWC)"
    assert [a.label for a in leaves(flat)] == ["N", "C", "H", "W"]


def test_flattened_axes_that_are_last_already() -> None:
    assert not moves([Axis("N"), Axis(parts=tuple(axes("HWC")))])


@pytest.mark.parametrize("sizes", [(5, 1, 8, 6), (5, 3, 1, 1)], ids=["one channel", "one pixel"])
def test_axes_of_size_one_move_without_moving_memory(sizes: tuple[int, ...]) -> None:
    images = axes("NCHW", *sizes)
    assert moves(images)
    assert memory_order(images, True) == memory_order(images, False)


def test_memory_order_of_images() -> None:
    images = axes("NCHW", 5, 3, 8, 6)
    assert memory_order(images, True) == [images[i] for i in (0, 2, 3, 1)]


def test_roles_are_shared() -> None:
    a, b = Axis(), Axis()
    unify_roles(a.role, b.role)
    unify_roles(b.role, Role("C"))
    assert (a.label, b.label) == ("C", "C")


def test_two_spatial_roles_become_one() -> None:
    a, b = Axis("H"), Axis("W")
    unify_roles(a.role, b.role)
    assert a.label == b.label == "S"


@pytest.mark.parametrize("other", ["H", "N", "S"])
def test_a_channel_is_nothing_else(other: str) -> None:
    with pytest.raises(Contradiction):
        unify_roles(Role("C"), Role(other))


@st.composite
def arrays(draw: st.DrawFn) -> tuple[list[Axis], np.ndarray]:
    """Axes with one channel among them, and an array of that shape."""
    rank = draw(st.integers(1, 5))
    sizes = draw(st.lists(st.integers(1, 3), min_size=rank, max_size=rank))
    names = ["?"] * rank
    names[draw(st.integers(0, rank - 1))] = "C"
    found = axes("".join(names), *sizes)
    return found, np.arange(math.prod(sizes)).reshape(sizes)


@given(arrays())
@settings(max_examples=200, deadline=None)
def test_moving_the_channel_is_a_transpose(given_: tuple[list[Axis], np.ndarray]) -> None:
    found, x = given_
    at = channel_at(found)
    assert at is not None
    moved = x.transpose(order_to_last(found))
    assert np.array_equal(moved, np.moveaxis(x, at, -1))
    assert moved.shape == tuple(a.size.value for a in last(found) if a.size)
    assert np.array_equal(moved.transpose(inverse(order_to_last(found))), x)


@given(arrays())
@settings(max_examples=200, deadline=None)
def test_equal_memory_order_is_equal_memory(given_: tuple[list[Axis], np.ndarray]) -> None:
    """What a reshape relies on: equal lists of leaves mean equal numbers in memory, and the other way round."""
    found, x = given_
    same = np.array_equal(x.transpose(order_to_last(found)).ravel(), x.ravel())
    assert same is (memory_order(found, True) == memory_order(found, False))


@given(arrays())
@settings(max_examples=50, deadline=None)
def test_twice_is_once(given_: tuple[list[Axis], np.ndarray]) -> None:
    found, x = given_
    assert not moves(last(found))
    assert last(last(found)) == last(found)
    assert size_of(last(found)) == size_of(found) == Dim(x.size)
