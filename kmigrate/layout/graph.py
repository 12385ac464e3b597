"""The layout graph: one yes/no unknown for each value and site, and what ties them together.

A node is True ("flipped") where its value becomes channels-last. Nodes that must agree are one
class (union-find); soft edges may be cut at a cost, which inserts a transpose.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from kmigrate.layout.axes import Axes, Axis, Contradiction, moves, unify_roles
from kmigrate.layout.solve import minimum_cut
from kmigrate.plan import Edit


class Because(NamedTuple):
    """Evidence or a reason, and where it stands."""

    text: str
    path: str
    line: int
    column: int = 0
    code: str = ""


Evidence = list[tuple[int, Because]]
Grouped = dict[int, list[tuple[int, int, Because]]]  # class -> number, node, reason


class AxesRef:
    """The axes of an array, perhaps not known yet; union-find, so that a later use tells."""

    __slots__ = ("_axes", "_parent", "watchers")

    def __init__(self, axes: Axes | None = None) -> None:
        self._axes: list[Axis] | None = None if axes is None else list(axes)
        self._parent: AxesRef | None = None
        self.watchers: list[Callable[[list[Axis]], None]] = []

    def find(self) -> AxesRef:
        ref = self
        while ref._parent is not None:
            ref = ref._parent
        return ref

    @property
    def axes(self) -> list[Axis] | None:
        return self.find()._axes

    def bind(self, axes: Axes) -> None:
        ref = self.find()
        ref._axes = list(axes)
        watchers, ref.watchers = ref.watchers, []
        for watcher in watchers:
            watcher(ref._axes)

    def join(self, other: AxesRef) -> None:
        a, b = self.find(), other.find()
        if a is b:
            return
        if a._axes is None:
            a, b = b, a
        b._parent = a
        pending, b.watchers = b.watchers, []
        if a._axes is None:
            a.watchers.extend(pending)
        else:
            for watcher in pending:
                watcher(a._axes)


@dataclass
class SoftEdge:
    """Two nodes that agree unless a transpose is put between them."""

    a: int
    b: int
    cost: float
    ref: AxesRef
    realise: Callable[[bool, list[Axis]], list[Edit] | None]  # (is a flipped?, axes before) -> edits
    what: str
    because: Because
    key: tuple[Any, ...] = ()  # edges with one key are one edit


@dataclass
class Site:
    """A piece of source that fixes a layout: ``make`` says what it must become."""

    nodes: tuple[int, ...]
    key: Any  # the file and span of that source
    make: Callable[[Callable[[int], bool]], list[Edit]]
    cost: float = 1.0


@dataclass
class LayoutGraph:
    muted: bool = False  # while a branch that does not run is looked at, nothing is recorded
    parent: list[int] = field(default_factory=list)
    pins: list[tuple[int, Because]] = field(default_factory=list)
    goals: list[tuple[int, Because]] = field(default_factory=list)
    evidence: list[tuple[int, Because]] = field(default_factory=list)
    soft: list[SoftEdge] = field(default_factory=list)
    sites: list[Site] = field(default_factory=list)
    pending: list[Callable[[], None]] = field(default_factory=list)
    flipped: set[int] = field(default_factory=set)
    impossible: list[tuple[int, Because]] = field(default_factory=list)  # cuts that no text can make
    nearest: dict[int, str] | None = None  # class -> its nearest evidence, until the graph changes

    def node(self) -> int:
        self.parent.append(len(self.parent))
        return len(self.parent) - 1

    def root(self, node: int) -> int:
        parent = self.parent
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    def tie(self, a: int, b: int) -> None:
        """Both flip or neither."""
        if not self.muted:
            a, b = self.root(a), self.root(b)
            if a != b:
                self.parent[max(a, b)] = min(a, b)
                self.nearest = None

    def pin(self, node: int, because: Because) -> None:
        """The node stays as it is."""
        if not self.muted:
            self.pins.append((node, because))

    def goal(self, node: int, because: Because) -> None:
        """A channels-first layer: flipping it is what the program is run for."""
        if not self.muted:
            self.goals.append((node, because))
            self.evidence.append((node, because))
            self.nearest = None

    def connect(self, edge: SoftEdge) -> None:
        if not self.muted and edge.a != edge.b:
            self.soft.append(edge)

    def site(self, site: Site) -> None:
        if not self.muted:
            self.sites.append(site)

    def later(self, rule: Callable[[], None]) -> None:
        """Run ``rule`` when all roles are known."""
        if not self.muted:
            self.pending.append(rule)

    def same_axes(self, a: AxesRef, b: AxesRef) -> None:
        """The two arrays have the same axes in the same order.

        Raises Contradiction where ranks or roles cannot agree.
        """
        if self.muted:
            return
        xs, ys = a.axes, b.axes
        if xs is not None and ys is not None:
            self.same_roles(xs, ys)
        else:
            a.join(b)

    def same_roles(self, xs: Axes, ys: Axes) -> None:
        if self.muted:
            return
        if len(xs) != len(ys):
            raise Contradiction(f"{len(xs)} axes and {len(ys)} axes")
        for x, y in zip(xs, ys, strict=True):
            unify_roles(x.role, y.role)
            if x.parts and y.parts is None:
                y.parts = x.parts if x.size == y.size else None
            elif y.parts and x.parts is None:
                x.parts = y.parts if x.size == y.size else None

    def settle(self) -> None:
        """Apply the rules that waited for roles."""
        while self.pending:
            pending, self.pending = self.pending, []
            for rule in pending:
                rule()

    def is_flipped(self, node: int) -> bool:
        return self.root(node) in self.flipped

    def solve(self) -> None:
        """Choose the cheapest set of flips; the answer is in ``flipped`` (class representatives)."""
        root = self.root
        self.nearest = None
        sites = {(root(s.nodes[0]), s.key): s.cost for s in self.sites}
        edges = {(root(e.a), root(e.b), e.key): e.cost for e in self.soft if moves(e.ref.axes)}
        # A convolution that is not converted costs more than all that can be changed together.
        stays_first = 1.0 + sum(sites.values()) + sum(edges.values())
        gain: dict[int, float] = {}
        cost: dict[int, float] = {}
        for node, _ in self.goals:
            gain[root(node)] = gain.get(root(node), 0.0) + stays_first
        for (r, _), amount in sites.items():
            cost[r] = cost.get(r, 0.0) + amount
        for node, _ in self.pins:
            cost[root(node)] = float("inf")
        self.flipped = minimum_cut(
            {root(n) for n in range(len(self.parent))},
            gain,
            cost,
            [(a, b, c) for (a, b, _), c in edges.items()],
        )

    def classes_of(self, nodes: Iterable[int]) -> set[int]:
        return {self.root(n) for n in nodes}

    def grouped(self, items: Evidence) -> Grouped:
        """Evidence by class, as the classes are now."""
        found: Grouped = {}
        for number, (node, because) in enumerate(items):
            found.setdefault(self.root(node), []).append((number, node, because))
        return found

    def why(self, node: int) -> str:
        """The nearest evidence for messages: ``... because `Convolution2D` at line 41 is 'th'``."""
        if self.nearest is None:
            self.nearest = self._nearest_evidence()
        return self.nearest.get(self.root(node), "it meets channels-first values")

    def _nearest_evidence(self) -> dict[int, str]:
        """For each class its own first evidence, else that of the nearest class that it agrees with."""
        found = {root: evidence[0][2].text for root, evidence in self.grouped(self.evidence).items()}
        beside: dict[int, list[int]] = {}
        for edge in self.soft:
            a, b = self.root(edge.a), self.root(edge.b)
            if a != b and (a in self.flipped) == (b in self.flipped) and moves(edge.ref.axes):
                beside.setdefault(a, []).append(b)
                beside.setdefault(b, []).append(a)
        near = list(found)
        for root in near:  # grows
            for other in beside.get(root, ()):
                if other not in found:
                    found[other] = found[root]
                    near.append(other)
        return found


def of_classes(grouped: Grouped, classes: Iterable[int]) -> Evidence:
    """The evidence of some classes, in the order in which it was met."""
    found = sorted(item for root in set(classes) for item in grouped.get(root, ()))
    return [(node, because) for _, node, because in found]
