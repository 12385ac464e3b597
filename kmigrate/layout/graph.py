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

STAYS_FIRST = 1000.0  # a convolution that is not converted costs more than all transposes together


class Because(NamedTuple):
    """Evidence or a reason, and where it stands."""

    text: str
    path: str
    line: int
    column: int = 0
    code: str = ""


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
            self.parent[max(a, b)] = min(a, b)

    def pin(self, node: int, because: Because) -> None:
        """The node stays as it is."""
        if not self.muted:
            self.pins.append((node, because))

    def goal(self, node: int, because: Because) -> None:
        """A channels-first layer: flipping it is what the program is run for."""
        if not self.muted:
            self.goals.append((node, because))
            self.evidence.append((node, because))

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
        gain: dict[int, float] = {}
        cost: dict[int, float] = {}
        for node, _ in self.goals:
            gain[root(node)] = gain.get(root(node), 0.0) + STAYS_FIRST
        for (r, _), amount in {(root(s.nodes[0]), s.key): s.cost for s in self.sites}.items():
            cost[r] = cost.get(r, 0.0) + amount
        for node, _ in self.pins:
            cost[root(node)] = float("inf")
        edges = {(root(e.a), root(e.b), e.key): e.cost for e in self.soft if moves(e.ref.axes)}
        self.flipped = minimum_cut(
            {root(n) for n in range(len(self.parent))},
            gain,
            cost,
            [(a, b, c) for (a, b, _), c in edges.items()],
        )

    def classes_of(self, nodes: Iterable[int]) -> set[int]:
        return {self.root(n) for n in nodes}

    def reasons(self, node: int, kind: list[tuple[int, Because]]) -> list[Because]:
        r = self.root(node)
        return [because for n, because in kind if self.root(n) == r]

    def why(self, node: int) -> str:
        """The nearest evidence for messages: ``... because `Convolution2D` at line 41 is 'th'``."""
        found: Any = self.reasons(node, self.evidence)
        return f"{found[0].text}" if found else "it meets channels-first values"
