"""Reshapes, which keep the order in memory."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from kmigrate.layout.axes import (
    Axes,
    Axis,
    Contradiction,
    leaves,
    memory_order,
    moves,
    unify_roles,
)
from kmigrate.layout.dims import ONE, Dim, product
from kmigrate.layout.graph import AxesRef
from kmigrate.layout.interpret.axis_operations import AxisOperations
from kmigrate.layout.interpret.shapes import Operand
from kmigrate.layout.interpret.state import USE, short
from kmigrate.layout.values import (
    Array,
    Const,
    Seq,
    Unknown,
    Value,
)


class Reshaping(AxisOperations):
    """Reshapes and flattening."""

    def reshape(
        self,
        operand: Operand,
        shape: Seq,
        node: ast.expr,
        after: Any,
        keep_first: bool = False,
        shape_expr: ast.expr | None = None,
        chosen: bool = False,
    ) -> Array:
        """A reshape keeps memory order. Flipping it in place is right only if that order stays (docs/facts.md, 8).

        ``after`` realises a transpose of the result; ``chosen``: each ordering has its own shape.
        """
        value, expr = operand
        array = self.as_array(value, expr)
        assert array is not None and shape.axes is not None
        source = array.axes
        head = [source[0]] if keep_first and source else ([Axis("N")] if keep_first else [])
        tail = source[1:] if keep_first and source else source
        target = self._regrouped(tail, shape) if tail is not None else None
        matched = target is not None
        if target is None:
            target = list(shape.axes)
        axes = head + target
        for mine, written in zip(target, shape.axes, strict=True):
            if mine is not written and not self.graph.muted:
                try:
                    unify_roles(written.role, mine.role)
                except Contradiction:
                    matched = False
                written.parts = mine.parts
        fixed = self.graph.node()  # the reshape itself: its literal and its immediate result
        result = Array(self.graph.node(), AxesRef(axes), array.kind, self.place(node), maker=array.maker)
        self.tie_shape(shape, fixed, shape_expr if shape_expr is not None else node)
        ref = result.ref
        loops = self.loops
        if keep_first:
            self.event("reshape", Array(fixed, ref), node)

        def rule() -> None:
            same = memory_order(axes, True) == memory_order(axes, False)
            source_moves = (
                source is not None and moves(source) and (memory_order(source, True) != memory_order(source, False))
            )
            if same and not source_moves:
                self.graph.tie(fixed, result.node)
                return
            if source_moves and matched:
                agree = memory_order(source or (), True) == memory_order(axes, True)
            else:
                agree = False
            if agree:
                self.graph.tie(array.node, fixed)
            elif chosen and self.known.trial and tail is not None and len(tail) == 1 and not tail[0].parts:
                # features of a Dense layer, in an order that nothing knows: each ordering has its own
                self.graph.tie(fixed, result.node)
                return
            else:
                self.graph.pin(fixed, self.because(f"`{short(node)}` fixes the order in memory", node, "KM105"))
                if source_moves:
                    self.graph.tie(array.node, fixed)
            if not same:
                self.soft(fixed, result.node, USE * 10**loops, ref, after, f"`{short(node)}`", self.place(node))

        self.later(rule)
        return result

    def _regrouped(self, source: Axes, shape: Seq) -> list[Axis] | None:
        """The axes of the target, made of the leaves of the source; None where they do not line up."""
        assert shape.axes is not None
        sizes = [a.size for a in shape.axes]
        free = [i for i, item in enumerate(shape.items) if isinstance(item, Const) and item.value == -1]
        pool = list(leaves(source))
        if any(leaf.size is None for leaf in pool) or len(free) > 1:
            return None
        cut = free[0] if free else len(sizes)
        front = _take(pool, sizes[:cut])
        if front is None:
            return None
        groups, pool = front
        if free:
            back = _take(pool[::-1], sizes[cut + 1 :][::-1])
            if back is None:
                return None
            tail, pool = back
            groups = [*groups, pool[::-1], *[group[::-1] for group in tail[::-1]]]
            pool = []
        if any(leaf.size != ONE for leaf in pool):
            return None
        result = []
        for group, written in zip(groups, shape.axes, strict=True):
            solid = [leaf for leaf in group if leaf.size != ONE]
            if len(solid) == 1:
                result.append(solid[0])
            elif solid:
                result.append(Axis(size=product([leaf.size for leaf in solid]), parts=tuple(solid)))
            else:
                result.append(group[0] if group else Axis(written.role, ONE))
        return result

    def flat(self, operand: Operand, node: ast.expr, before: Any, keep_first: bool) -> Value:
        """``flatten``/``ravel``: one axis that holds all, in memory order."""
        value, expr = operand
        array = self.as_array(value, expr)
        if array is None:
            return Unknown(f"`{short(node)}`", self.place(node))
        axes = array.axes
        if axes is None:
            return self.opaque([operand], node, f"`{short(node)}` flattens an array of unknown rank")
        inner = axes[1:] if keep_first else axes
        one = Axis(size=product([a.size for a in inner]), parts=tuple(inner) if len(inner) > 1 else None)
        flat = [axes[0], one] if keep_first else [one]
        if len(inner) == 1:
            flat = list(axes)
        result = Array(self.graph.node(), AxesRef(flat), array.kind, self.place(node), maker=array.maker)
        loops = self.loops

        def rule() -> None:
            if memory_order(axes, True) != memory_order(axes, False):
                cost = USE * 10**loops
                self.soft(array.node, result.node, cost, array.ref, before, f"`{short(node)}`", self.place(node))

        self.later(rule)
        return result


def _take(pool: list[Axis], sizes: Sequence[Dim | None]) -> tuple[list[list[Axis]], list[Axis]] | None:
    """Splits the pool, from its front, into groups of the given sizes."""
    groups: list[list[Axis]] = []
    rest = list(pool)
    for size in sizes:
        if size is None:
            return None
        group: list[Axis] = []
        have: Dim | None = ONE
        if size == ONE:
            if rest and rest[0].size == ONE:
                group.append(rest.pop(0))
            groups.append(group)
            continue
        while have != size:
            if not rest:
                return None
            axis = rest.pop(0)
            assert axis.size is not None and have is not None
            group.append(axis)
            have = have.times(axis.size)
            if have.value is not None and size.value is not None and have.value > size.value:
                return None
        groups.append(group)
    return groups, rest
