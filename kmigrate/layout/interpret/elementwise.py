"""Operations that work number by number, with broadcasting."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from kmigrate.layout.axes import (
    Axes,
    Axis,
    Contradiction,
    letters,
    moves,
    order_to_last,
    unify_roles,
)
from kmigrate.layout.dims import ONE
from kmigrate.layout.graph import AxesRef
from kmigrate.layout.interpret.shapes import Operand, Shapes
from kmigrate.layout.interpret.state import short
from kmigrate.layout.values import (
    Array,
    Module,
    SymInt,
    Unknown,
    Value,
)


class Elementwise(Shapes):
    """Elementwise operations, and arrays of one layout."""

    def elementwise(self, operands: Sequence[Operand], node: ast.expr) -> Value:
        """An operation that works number by number, with numpy's broadcasting."""
        arrays: list[tuple[Array, ast.expr]] = []
        for value, expr in operands:
            self.differs(value, expr)
            if (
                isinstance(value, Unknown)
                and value.array is None
                and not any(isinstance(v, Array) for v, _ in operands)
            ):
                continue
            array = self.as_array(value, expr) if not isinstance(value, Module) else None
            if array is not None:
                arrays.append((array, expr))
        arrays = [pair for pair in arrays if pair[0].axes != []] or arrays[:1]
        if not arrays:
            if any(isinstance(v, Unknown) for v, _ in operands):
                return Unknown("an expression of unknown values", self.place(node))
            return SymInt(self.name_of("number", node))
        arrays.sort(key=lambda pair: -(len(pair[0].axes) if pair[0].axes is not None else 9))
        rank = self.rank_hint(node)
        lacking = {id(a.ref.find()): a for a, _ in arrays if a.axes is None}
        if rank is not None and len(lacking) == 1 and all(len(a.axes) < rank for a, _ in arrays if a.axes is not None):
            self.bind_rank(next(iter(lacking.values())), rank)
            arrays.sort(key=lambda pair: -(len(pair[0].axes) if pair[0].axes is not None else 9))
        known = [(a, e) for a, e in arrays if a.axes is not None]
        if len(known) < len(arrays) and len({id(a.ref.find()) for a, _ in arrays}) > 1:
            return self.opaque(arrays, node, f"`{short(node)}` combines arrays, one of unknown rank")
        main, _ = arrays[0]
        if main.axes is None:
            return Array(main.node, main.ref, main.kind, self.place(node))
        axes = list(main.axes)
        for array, expr in arrays[1:]:
            other = self.consume(array, expr, f"`{short(expr)}`") if array.kind == "numpy" else array
            axes = self.broadcast(main, axes, other, expr, node)
        kind = next((a.kind for a, _ in arrays if a.kind != "numpy"), "numpy")
        return Array(main.node, AxesRef(axes), kind, self.place(node))

    def broadcast(self, main: Array, axes: list[Axis], other: Array, expr: ast.expr, node: ast.expr) -> list[Axis]:
        """``other`` (of no greater rank) is aligned from the right."""
        theirs = other.axes
        assert theirs is not None
        shift = len(axes) - len(theirs)
        result = list(axes)
        for i, axis in enumerate(theirs):
            mine = axes[shift + i]
            if axis.size == ONE and mine.size != ONE and shift:
                continue  # a single value along this axis says nothing of its role
            try:
                unify_roles(mine.role, axis.role) if not self.graph.muted else None
            except Contradiction:
                text = f"`{short(expr)}` is {letters(theirs)}, aligned from the right with {letters(axes)}"
                for n in (main.node, other.node):
                    self.graph.pin(n, self.because(text, node, "KM902"))
            if mine.size == ONE:
                result[shift + i] = axis
            elif axis.parts and not mine.parts:
                result[shift + i] = mine if mine.size != axis.size else axis
        if not shift:
            self.graph.tie(main.node, other.node)
            solid = [axis for axis in theirs if axis.size != ONE]
            if len(solid) < len(theirs):
                self.event("broadcast", other, node, solid)
        else:
            if not all(axis.size == ONE for axis in theirs):
                self.event("broadcast", other, node)
            self.later(lambda: self._alignment(main.node, axes, other.node, theirs, shift, node))
        return result

    def _alignment(self, a: int, axes: Axes, b: int, theirs: Axes, shift: int, node: ast.expr) -> None:
        if not moves(axes) and not moves(theirs):
            return
        size_one = all(axis.size == ONE for axis in theirs)
        if size_one:
            return
        mine_after = order_to_last(axes)
        theirs_after = order_to_last(theirs)
        aligned = [shift + old for old in theirs_after] == mine_after[shift:]
        if aligned:
            self.graph.tie(a, b)
            return
        text = f"`{short(node)}` broadcasts {letters(theirs)} against {letters(axes)}"
        for n in (a, b):
            self.graph.pin(n, self.because(text, node))

    def join_axes(self, a: Array, b: Array, node: ast.AST) -> None:
        """Two arrays of one layout; a contradiction pins both."""
        try:
            self.graph.same_axes(a.ref, b.ref)
        except Contradiction as conflict:
            text = f"{letters(a.axes)} meets {letters(b.axes)} here ({conflict})"
            for n in (a.node, b.node):
                self.graph.pin(n, self.because(text, node, "KM902"))
            return
        self.graph.tie(a.node, b.node)
