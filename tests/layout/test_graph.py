"""The layout graph: ties, pins, goals, cut edges, and axes that become known later."""

from __future__ import annotations

from typing import Any

import pytest

from kmigrate.layout.axes import Axis, Contradiction
from kmigrate.layout.graph import AxesRef, Because, LayoutGraph, Site, SoftEdge

WHY = Because("a reason", "a.py", 3)


def images() -> AxesRef:
    return AxesRef([Axis(name) for name in "NCHW"])


def edge(a: int, b: int, cost: float, ref: AxesRef, key: tuple[Any, ...] = ()) -> SoftEdge:
    return SoftEdge(a, b, cost, ref, lambda flipped, axes: None, "x", WHY, key or (a, b))


def test_muted_nothing_is_recorded() -> None:
    graph = LayoutGraph()
    a, b = graph.node(), graph.node()
    graph.muted = True
    graph.tie(a, b)
    graph.goal(a, WHY)
    graph.pin(a, WHY)
    graph.site(Site((a,), "k", lambda flipped: []))
    graph.connect(edge(a, b, 4, images()))
    graph.later(lambda: pytest.fail("run"))
    graph.muted = False
    graph.settle()
    graph.solve()
    assert (graph.root(a) == graph.root(b), graph.goals, graph.pins, graph.sites, graph.soft) == (False, [], [], [], [])


def test_tied_nodes_flip_together() -> None:
    graph = LayoutGraph()
    a, b, c = (graph.node() for _ in range(3))
    graph.tie(a, b)
    graph.goal(b, WHY)
    graph.solve()
    assert (graph.is_flipped(a), graph.is_flipped(b), graph.is_flipped(c)) == (True, True, False)
    assert graph.why(a) == "a reason"


def test_a_pin_is_stronger_than_a_goal() -> None:
    graph = LayoutGraph()
    a = graph.node()
    graph.goal(a, WHY)
    graph.pin(a, WHY)
    graph.solve()
    assert not graph.is_flipped(a)


def test_an_edge_is_cut_where_an_end_is_pinned() -> None:
    graph = LayoutGraph()
    a, b = graph.node(), graph.node()
    graph.goal(a, WHY)
    graph.pin(b, WHY)
    graph.connect(edge(a, b, 5, images()))
    graph.solve()
    assert (graph.is_flipped(a), graph.is_flipped(b)) == (True, False)


def test_an_edge_of_an_array_that_does_not_move_costs_nothing() -> None:
    """Two ends that differ need no transpose where no axis moves."""
    graph = LayoutGraph()
    a, b = graph.node(), graph.node()
    graph.goal(a, WHY)
    graph.pin(b, WHY)
    graph.connect(edge(a, b, 5000, AxesRef([Axis("N"), Axis()])))
    graph.solve()
    assert graph.is_flipped(a)


def test_edges_with_one_key_are_one_edit() -> None:
    """A statement that is run in two contexts is transposed once: its cost counts once."""
    graph = LayoutGraph()
    a, b = graph.node(), graph.node()
    graph.goal(a, WHY)
    graph.pin(b, WHY)
    graph.connect(edge(a, b, 600, images(), ("k",)))
    graph.connect(edge(a, b, 600, images(), ("k",)))
    graph.solve()
    assert graph.is_flipped(a)


def test_axes_are_told_to_all_that_wait() -> None:
    a, b, seen = AxesRef(), AxesRef(), []
    a.watchers.append(seen.append)
    a.join(b)
    assert b.axes is None
    b.bind([Axis("N"), Axis("C")])
    assert a.axes is b.axes is seen[0]


def test_a_joined_array_learns_at_once() -> None:
    a, b, seen = images(), AxesRef(), []
    b.watchers.append(seen.append)
    b.join(a)
    assert b.axes is a.axes is seen[0]


def test_arrays_of_one_layout_share_roles() -> None:
    graph = LayoutGraph()
    a, b = images(), AxesRef([Axis() for _ in range(4)])
    graph.same_axes(a, b)
    assert [x.label for x in b.axes or ()] == list("NCHW")


@pytest.mark.parametrize("other", ["NHWC", "NCH"], ids=["roles", "ranks"])
def test_layouts_that_cannot_agree(other: str) -> None:
    with pytest.raises(Contradiction):
        LayoutGraph().same_axes(images(), AxesRef([Axis(name) for name in other]))


def test_rules_wait_until_all_is_known_and_may_add_others() -> None:
    graph, done = LayoutGraph(), []
    graph.later(lambda: (done.append(1), graph.later(lambda: done.append(2))))
    graph.settle()
    assert done == [1, 2]
