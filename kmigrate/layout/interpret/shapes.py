"""Shapes: tuples and lists that say how long the axes of an array are."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Callable, Sequence

from kmigrate.layout.axes import (
    Axes,
    Axis,
    Contradiction,
    channel_at,
    last,
    letters,
    memory_order,
    moves,
    order_to_last,
)
from kmigrate.layout.dims import Dim
from kmigrate.layout.graph import AxesRef
from kmigrate.layout.interpret.state import SHAPE_USE, SIZE, CannotEdit, dim_of, short
from kmigrate.layout.interpret.worlds import Worlds
from kmigrate.layout.values import (
    Array,
    Const,
    Key,
    Pair,
    Seq,
    SymInt,
    Unknown,
    Value,
)
from kmigrate.plan import Edit

Operand = tuple[Value, ast.expr]
# Calls that give the same whenever they are made with the same.
PURE = frozenset("int float len round max min abs ceil floor sqrt get shape int_shape".split())
# Calls that give the next of something, so that their order says which.
TAKING = frozenset("next pop popleft popitem readline input raw_input".split())


class Shapes(Worlds):
    """What is read from shapes, and what is made by them."""

    def shape_of(self, array: Array, node: ast.expr) -> Value:
        """``array.shape``."""
        axes = array.axes
        if axes is None:
            return Unknown("the shape of an array whose rank is not known", self.place(node))
        if self.alternate:
            axes = self._flipped_shape(array, axes, node)
        items: list[Value] = [self.size_value(a.size, f"{i}", node) for i, a in enumerate(axes)]
        return Seq("tuple", items, None, list(axes), [array.node] * len(axes))

    def _flipped_shape(self, array: Array, axes: list[Axis], node: ast.AST) -> list[Axis]:
        """The axes in the branch that runs once the setting has flipped: there the array has flipped with it."""
        setting, known = self.alternate[-1], moves(axes)

        def rule() -> None:
            if known:
                self.graph.tie(array.node, setting)
            elif moves(axes):
                self.graph.pin(setting, self.because("a shape is read before its layout is known", node))

        muted, self.graph.muted = self.graph.muted, len(self.alternate) > 1
        self.graph.later(rule)
        self.graph.muted = muted
        return last(axes) if known else axes

    def size_value(self, size: Dim | None, name: str, node: ast.AST) -> Value:
        if size is None:
            return SymInt(self.name_of(name, node))
        return SymInt(size) if size.value is None else Const(size.value)

    def as_shape(self, value: Value, expr: ast.AST) -> Seq | None:
        """The value as a shape whose items have axes and nodes; None where it is not a sequence."""
        if isinstance(value, Pair):
            shape = self._paired_shape(value, expr)
            if shape is not None:
                self.heed(value, expr)
            return shape
        if not isinstance(value, Seq) or not value.fixed or not value.items:
            return None
        if value.axes is None:
            self.differs(value, expr)
            node = self.graph.node()
            value.axes = [Axis(size=self.size_of(item)) for item in value.items]
            value.nodes = [node] * len(value.items)
            if value.place is None:
                self.graph.pin(node, self.because("this shape is computed in a way that is not followed", expr))
            else:
                self.display_site(value)
        return value

    def display_site(self, value: Seq) -> None:
        """The display (tuple or list) that a shape was written as is where it gets edited."""
        assert value.place is not None and value.axes is not None and value.nodes
        if value.place.once and not self.graph.muted:
            self._same_display(value.place.key, value.axes, value.nodes[0])
        self._shape_site(value.place.node, value.axes, value.nodes[0])

    def _same_display(self, key: Key, axes: list[Axis], node: int) -> None:
        """A shape that a module says once is the same for all scripts that import the module."""
        known = self.displays.setdefault(key, (axes, node))
        if known[0] is not axes:
            with contextlib.suppress(Contradiction):
                self.graph.same_roles(known[0], axes)
                self.graph.tie(known[1], node)

    def argument_site(self, shape: Seq, call: ast.Call, node: int) -> None:
        """``x.reshape(n, 3, h, w)``: the shape is the argument list."""
        assert shape.axes is not None
        if any(isinstance(a, ast.Starred) for a in call.args):
            self.graph.pin(node, self.because("the shape is given as *arguments", call))
        self._shape_site(call, shape.axes, node, first=0)

    def _shape_site(self, written: ast.AST, axes: Axes, node: int, first: int | None = None) -> None:
        args = {} if first is None else {"first": first}

        def make(flipped: Callable[[int], bool]) -> list[Edit]:
            if not flipped(node) or not moves(axes):
                return []
            parts = written.args[first or 0 :] if isinstance(written, ast.Call) else getattr(written, "elts", ())
            texts = [ast.dump(part) for part in parts]
            alike = len(texts) == len(axes) and [texts[i] for i in order_to_last(axes)] == texts
            taken = out_of_turn(parts, order_to_last(axes)) if len(texts) == len(axes) else None
            if alike and taken is None:
                taken = next((part for part in parts if not PURE.issuperset(_called(part))), None)
            if taken is not None:
                raise CannotEdit([], f"`{short(taken)}` may give another size each time")
            if alike:
                return []
            reason = f"shape {letters(axes)} to {letters(last(axes))}: {self.graph.why(node)}"
            return [self.edit(written, "shape_order", "KM102", {"order": order_to_last(axes), **args}, reason)]

        self.site([node], written, make)

    def _paired_shape(self, value: Pair, expr: ast.AST) -> Seq | None:
        """A shape that depends on the ordering: the branch that is not taken now must be its permutation."""
        now, after = value.now, value.after
        if not isinstance(now, Seq) or not isinstance(after, Seq) or len(now.items) != len(after.items):
            return None
        axes = [Axis(size=dim_of(item)) for item in now.items]

        def rule() -> None:
            if moves(axes) and [a.size for a in last(axes)] != [dim_of(item) for item in after.items]:
                text = "the shape for the other ordering is not the same shape with its channel last"
                self.graph.pin(value.node, self.because(text, expr, "KM902"))

        self.later(rule)
        return Seq(now.kind, now.items, None, axes, [value.node] * len(axes))

    def tie_shape(self, shape: Seq, node: int, expr: ast.AST) -> None:
        """An array at ``node`` has this shape: they flip together, as far as each part can."""
        nodes, axes = shape.nodes, shape.axes
        assert nodes is not None and axes is not None

        def rule() -> None:
            if not moves(axes):
                return
            at = channel_at(axes)
            moving = set(nodes[at:]) if at is not None else set(nodes)
            if len({self.graph.root(n) for n in moving}) > 1:
                self.graph.pin(
                    node, self.because("this shape is put together from parts that cannot be reordered", expr)
                )
            for n in moving:
                self.graph.tie(node, n)

        if len(set(nodes)) == 1:
            self.graph.tie(node, self._shape_use(shape, expr, nodes[0]))
        else:
            self.later(rule)

    def _shape_use(self, shape: Seq, expr: ast.AST, node: int) -> int:
        """A shape read from a name may be reordered where it is read, if it must stay where it is written."""
        if not is_reading(expr) or shape.axes is None or self.no_argument(expr):
            return node
        axes = shape.axes
        used = self.graph.node()

        def realise(flipped: bool, found: list[Axis]) -> list[Edit] | None:
            order = self.permutation(flipped, found)
            if order is None:
                return None
            text = " + ".join(f"{ast.unparse(expr)}[{run}]" for run in _runs(order))
            reason = f"the shape stays {letters(found)} where it is written, for others read it"
            return [self.edit(expr, "shape_order", "KM102", {"text": text}, reason)]

        self.soft(node, used, SHAPE_USE, AxesRef(axes), realise, f"`{short(expr)}`", self.place(expr))
        return used

    def filled(self, shape: Value, expr: ast.expr, node: ast.expr, ordered: bool) -> Value:
        """A new array of a given shape; ``ordered`` where its numbers come in memory order (random)."""
        seq = self.as_shape(shape, expr)
        if seq is None:
            if isinstance(shape, Const | SymInt):
                return self.new_array([Axis(size=dim_of(shape))], self.place(node))
            self.leak(shape, expr, f"`{short(node)}`")
            return Unknown(f"the shape of `{short(node)}` is not known", self.place(node))
        assert seq.axes is not None
        array = self.new_array(seq.axes, self.place(node))
        self.tie_shape(seq, array.node, expr)
        if ordered:
            axes, made = seq.axes, array.node

            def rule() -> None:
                if moves(axes) and memory_order(axes, True) != memory_order(axes, False):
                    text = "random numbers come in memory order: drawn as before, then transposed"
                    self.graph.pin(made, self.because(text, node, "KM105"))

            self.later(rule)
        return array

    def shape_index(self, seq: Seq, node: ast.Subscript, value: Value) -> Value:
        """``shape[i]``: the same axis after a flip."""
        assert isinstance(value, Const)
        i = value.value
        if not -len(seq.items) <= i < len(seq.items):
            return Unknown("an index beyond the shape", self.place(node))
        i %= len(seq.items)
        if seq.axes is not None and seq.nodes is not None:
            self.axis_use(node.slice, value, self.governing(seq), AxesRef(seq.axes), i)
        elif seq.place is not None:
            seq = self.as_shape(seq, node) or seq
            assert seq.nodes is not None and seq.axes is not None
            self.axis_use(node.slice, value, seq.nodes[i], AxesRef(seq.axes), i)
        if seq.axes is not None:
            self.event(SIZE, Array(self.governing(seq), AxesRef(seq.axes)), node, [seq.axes[i]])
        return seq.items[i]

    def governing(self, seq: Seq) -> int:
        """The node that moves the axes of a shape; of a shape made of parts, that of the last one."""
        assert seq.nodes is not None
        return seq.nodes[-1]

    def shape_slice(self, seq: Seq, node: ast.Subscript, start: int | None, stop: int | None) -> Value:
        """``shape[a:b]``: the same axes after a flip, which must lie side by side."""
        if seq.axes is None and seq.place is not None:
            seq = self.as_shape(seq, node) or seq
        kept = range(len(seq.items))[slice(start, stop)]
        result = Seq(seq.kind, [seq.items[i] for i in kept])
        if seq.axes is None or seq.nodes is None:
            return result
        result.axes = [seq.axes[i] for i in kept]
        result.nodes = [seq.nodes[i] for i in kept]
        axes, governing, indices = seq.axes, self.governing(seq), list(kept)

        def make(flipped: Callable[[int], bool]) -> list[Edit]:
            if not flipped(governing) or not moves(axes) or not indices:
                return []
            order = order_to_last(axes)
            now = [order.index(i) for i in indices]
            inner = [i for i in order if i in indices]
            wanted = [indices[i] for i in order_to_last([axes[i] for i in indices])]
            low, high = min(now), max(now)
            if inner != wanted or high - low != len(now) - 1:
                raise CannotEdit([governing], f"`{short(node)}` takes axes that lie apart after the change")
            if low == indices[0] and high == indices[-1]:
                return []
            text = f"{low or ''}:{high + 1 if high + 1 < len(axes) else ''}"
            reason = f"{letters([axes[i] for i in indices])} of {letters(last(axes))}"
            return [self.edit(node, "indexing", "KM104", {"text": text}, reason)]

        self.site([governing], node, make, cost=0.5)
        return result

    def unpack_shape(self, seq: Seq, target: ast.expr, names: Sequence[ast.expr]) -> None:
        """``n, c, h, w = shape``: the targets change places with the axes."""
        if seq.axes is None and seq.place is not None:
            self.as_shape(seq, target)
        if seq.axes is None or seq.nodes is None or len(names) != len(seq.items):
            return
        axes, node = seq.axes, self.governing(seq)

        def make(flipped: Callable[[int], bool]) -> list[Edit]:
            if not flipped(node) or not moves(axes):
                return []
            reason = f"shape {letters(axes)} to {letters(last(axes))}"
            return [self.edit(target, "shape_order", "KM102", {"order": order_to_last(axes)}, reason)]

        self.site([node], target, make)


def _runs(order: Sequence[int]) -> list[str]:
    """A permutation as slices: [1, 2, 0] is 1: and :1."""
    runs: list[list[int]] = []
    for i in order:
        if runs and i == runs[-1][-1] + 1:
            runs[-1].append(i)
        else:
            runs.append([i])
    end = len(order)
    return [f"{r[0] or ''}:{'' if r[-1] + 1 == end else r[-1] + 1}" for r in runs]


def _called(expr: ast.AST) -> set[str]:
    calls = (node.func for node in ast.walk(expr) if isinstance(node, ast.Call))
    return {func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "") for func in calls}


def out_of_turn(parts: Sequence[ast.expr], order: Sequence[int]) -> ast.expr | None:
    """Of parts that each take the next of something: one that the order would let take another one's."""
    taking = [i for i in order if not TAKING.isdisjoint(_called(parts[i]))]
    return parts[taking[0]] if taking != sorted(taking) else None


def is_reading(expr: ast.AST) -> bool:
    """A name, an attribute or an item by a constant key: it can be written twice and means the same."""
    if isinstance(expr, ast.Subscript):
        return isinstance(expr.slice, ast.Constant) and is_reading(expr.value)
    if isinstance(expr, ast.Attribute):
        return is_reading(expr.value)
    return isinstance(expr, ast.Name)
