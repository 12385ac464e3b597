"""What operations do to layouts, whichever library spells them: numpy, the Keras backend, TensorFlow.

Each operation computes the axes of its result now and leaves, for the time when all roles are
known, a rule or a site that says how its source text follows a flip.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from kmigrate.layout.axes import (
    CHANNEL,
    Axes,
    Axis,
    Contradiction,
    channel_at,
    channel_inside,
    last,
    leaves,
    letters,
    memory_order,
    moves,
    order_to_last,
    unify_roles,
)
from kmigrate.layout.dims import ONE, Dim, product
from kmigrate.layout.graph import AxesRef
from kmigrate.layout.interpret.state import SHAPE_USE, USE, State, short
from kmigrate.layout.values import (
    Array,
    Const,
    Model,
    Module,
    Pair,
    Seq,
    SymInt,
    Unknown,
    Value,
)
from kmigrate.plan import Edit

Operand = tuple[Value, ast.expr]


class CannotEdit(Exception):
    """A site has no text for what the solution asks of it: its nodes must stay."""

    def __init__(self, nodes: Sequence[int], why: str) -> None:
        super().__init__(why)
        self.nodes = nodes
        self.why = why


class ArrayOps(State):
    """Operations on arrays and shapes."""

    # -- shapes ---------------------------------------------------------------------------------

    def shape_of(self, array: Array, node: ast.expr) -> Value:
        """``array.shape``."""
        axes = array.axes
        if axes is None:
            return Unknown("the shape of an array whose rank is not known", self.place(node))
        items: list[Value] = [self.size_value(a.size, f"{i}", node) for i, a in enumerate(axes)]
        return Seq("tuple", items, None, list(axes), [array.node] * len(axes))

    def size_value(self, size: Dim | None, name: str, node: ast.AST) -> Value:
        if size is None:
            return SymInt(self.name_of(name, node))
        return SymInt(size) if size.value is None else Const(size.value)

    def as_shape(self, value: Value, expr: ast.AST) -> Seq | None:
        """The value as a shape whose items have axes and nodes; None where it is not a sequence."""
        if isinstance(value, Pair):
            return self._paired_shape(value, expr)
        if not isinstance(value, Seq) or not value.fixed or not value.items:
            return None
        if value.axes is None:
            node = self.graph.node()
            value.axes = [Axis(size=dim_of(item)) for item in value.items]
            value.nodes = [node] * len(value.items)
            if value.place is None:
                self.graph.pin(node, self.because("this shape is computed in a way that is not followed", expr))
            else:
                self.display_site(value)
        return value

    def display_site(self, value: Seq) -> None:
        """The display (tuple or list) that a shape was written as is where it gets edited."""
        place, axes, nodes = value.place, value.axes, value.nodes
        assert place is not None and axes is not None and nodes
        display = place.node

        def make(flipped: Callable[[int], bool]) -> list[Edit]:
            if not flipped(nodes[0]) or not moves(axes):
                return []
            order = order_to_last(axes)
            reason = f"shape {letters(axes)} to {letters(last(axes))}: {self.graph.why(nodes[0])}"
            return [self.edit(display, "shape_order", "KM102", {"order": order}, reason)]

        self.site(nodes[:1], display, make)

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

        self.graph.later(rule)
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
            self.graph.later(rule)

    def _shape_use(self, shape: Seq, expr: ast.AST, node: int) -> int:
        """A shape read from a name may be reordered where it is read, if it must stay where it is written."""
        if not isinstance(expr, ast.Name | ast.Attribute) or shape.axes is None or self.no_argument(expr):
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

            self.graph.later(rule)
        return array

    # -- elementwise ------------------------------------------------------------------------------

    def elementwise(self, operands: Sequence[Operand], node: ast.expr) -> Value:
        """An operation that works number by number, with numpy's broadcasting."""
        arrays: list[tuple[Array, ast.expr]] = []
        for value, expr in operands:
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
            self.graph.later(lambda: self._alignment(main.node, axes, other.node, theirs, shift, node))
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

    # -- axes that go, come and change places -------------------------------------------------------

    def axis_list(self, value: Value, expr: ast.expr, rank: int) -> list[tuple[int, Value, ast.expr]] | None:
        """Axis numbers as (normalised index, value, expression); None where they are not known."""
        found = self._axis_list(value, expr, rank)
        if found is None and isinstance(value, Pair):
            self.leak(value, expr, f"`{short(expr)}` depends on the ordering and is not known as an axis")
        return found

    def _axis_list(self, value: Value, expr: ast.expr, rank: int) -> list[tuple[int, Value, ast.expr]] | None:
        items: list[tuple[Value, ast.expr]]
        if isinstance(value, Pair) and isinstance(value.now, Seq) and isinstance(value.after, Seq):
            if len(value.now.items) != len(value.after.items):
                return None
            both = zip(value.now.items, value.after.items, strict=True)
            items = [(Pair(now, after, value.node), expr) for now, after in both]
        elif isinstance(value, Seq):
            elements = expr.elts if isinstance(expr, ast.Tuple | ast.List) else [expr] * len(value.items)
            items = list(zip(value.items, elements, strict=False))
        else:
            items = [(value, expr)]
        result = []
        for item, element in items:
            number = item.now if isinstance(item, Pair) else item
            if not isinstance(number, Const) or not isinstance(number.value, int):
                return None
            if not -rank <= number.value < rank:
                return None
            result.append((number.value % rank, item, element))
        return result

    def reduce(self, operand: Operand, axis: Operand | None, keepdims: bool, node: ast.expr, by_order: bool) -> Value:
        """Mean, sum, max, ...; ``by_order`` where the result without an axis is a position (argmax)."""
        value, expr = operand
        array = self.as_array(value, expr)
        if array is None:
            return SymInt(self.name_of("number", node))
        if axis is None or (isinstance(axis[0], Const) and axis[0].value is None):
            if by_order:
                self.leak(array, expr, f"`{short(node)}` gives a position in memory order")
            axes = [Axis(size=ONE) for _ in array.axes or ()] if keepdims else []
            return Array(array.node, AxesRef(axes), array.kind, self.place(node))
        if array.axes is None:
            return self.opaque([operand, axis], node, f"`{short(node)}` reduces an array of unknown rank")
        numbers = self.axis_list(*axis, len(array.axes))
        if numbers is None:
            return self.opaque([operand, axis], node, f"the axis of `{short(node)}` is not known")
        self.event("reduce over", array, node, [array.axes[i] for i, _, _ in numbers])
        gone = set()
        for index, item, element in numbers:
            gone.add(index)
            self.axis_use(element, item, array.node, array.ref, index)
        rest = [(a.resized(ONE) if i in gone else a) for i, a in enumerate(array.axes) if keepdims or i not in gone]
        return Array(array.node, AxesRef(rest), array.kind, self.place(node))

    def new_axis(self, operand: Operand, axis: Operand, node: ast.expr) -> Value:
        """``expand_dims``."""
        value, expr = operand
        array = self.as_array(value, expr)
        if array is None or array.axes is None:
            return self.opaque([operand, axis], node, f"`{short(node)}`: the rank is not known")
        numbers = self.axis_list(*axis, len(array.axes) + 1)
        if numbers is None or len(numbers) != 1:
            return self.opaque([operand, axis], node, f"the axis of `{short(node)}` is not known")
        index, item, element = numbers[0]
        axes = list(array.axes)
        axes.insert(index, Axis(size=ONE))
        result = self.derived(array, axes, node)
        self.axis_use(element, item, result.node, result.ref, index)
        return result

    def derived(self, array: Array, axes: list[Axis], node: ast.expr) -> Array:
        """A result whose axes are those of ``array`` and new ones: they flip together where both move."""
        result = Array(self.graph.node(), AxesRef(axes), array.kind, self.place(node), maker=array.maker)

        def rule() -> None:
            if moves(array.axes):
                self.graph.tie(array.node, result.node)

        self.graph.later(rule)
        return result

    def transpose(self, operand: Operand, perm: Sequence[int], node: ast.Call, edit: Any, base: int = 0) -> Value:
        """Axes change places: a relation, whose permutation is recomputed from both sides.

        ``edit(perm | None)`` gives the edits for another permutation (None: the identity);
        ``base`` is 1 for Keras' Permute, which does not count the batch.
        """
        value, expr = operand
        array = self.as_array(value, expr)
        if array is None or array.axes is None or sorted(perm) != list(range(len(array.axes))):
            return self.opaque([operand], node, f"`{short(node)}`: the rank is not known")
        axes = [array.axes[i] for i in perm]
        source = list(array.axes)
        result = Array(self.graph.node(), AxesRef(axes), array.kind, self.place(node))

        def make(flipped: Callable[[int], bool]) -> list[Edit]:
            before = last(source) if flipped(array.node) and channel_at(source) is not None else source
            after = last(axes) if flipped(result.node) and channel_at(axes) is not None else axes
            where = {id(axis): i for i, axis in enumerate(before)}
            new = [where[id(axis)] for axis in after]
            if new == list(perm):
                return []
            reason = f"{letters(before)} to {letters(after)}"
            return edit(None if new == list(range(len(new))) else new, reason)

        self.site([array.node, result.node], node, make, cost=0.0)
        return result

    # -- reshape ------------------------------------------------------------------------------------

    def reshape(
        self,
        operand: Operand,
        shape: Seq,
        node: ast.expr,
        before: Any,
        after: Any,
        keep_first: bool = False,
        shape_expr: ast.expr | None = None,
    ) -> Array:
        """A reshape keeps memory order. Flipping it in place is right only if that order stays (FACTS 8).

        ``before``/``after`` realise a transpose of the operand / of the result.
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
        guards, loops = self.guards, self.loops
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
            else:
                self.graph.pin(fixed, self.because(f"`{short(node)}` fixes the order in memory", node, "KM105"))
                if source_moves:
                    self.graph.tie(array.node, fixed)
            if not same and guards:  # no transpose may be put into a branch on the ordering
                self.graph.tie(fixed, result.node)
            elif not same:
                self.soft(fixed, result.node, USE * 10**loops, ref, after, f"`{short(node)}`", self.place(node))

        self.graph.later(rule)
        _ = before
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
        guards, loops = self.guards, self.loops

        def rule() -> None:
            if memory_order(axes, True) != memory_order(axes, False):
                if guards:
                    self.graph.tie(array.node, result.node)
                    return
                cost = USE * 10**loops
                self.soft(array.node, result.node, cost, array.ref, before, f"`{short(node)}`", self.place(node))

        self.graph.later(rule)
        return result

    # -- joining --------------------------------------------------------------------------------------

    def concatenate(
        self, parts: Value, parts_expr: ast.expr, axis: Operand | None, node: ast.expr, new: bool, default: int
    ) -> Value:
        """``concatenate`` along an axis that is there, or (``new``) ``stack`` along a new one."""
        items = self._parts(parts, parts_expr)
        given = [axis] if axis is not None else []
        if items is None:
            return self.opaque([(parts, parts_expr), *given], node, f"the parts of `{short(node)}` are not known")
        arrays = [(self.as_array(v, e), e) for v, e in items]
        first = next((a for a, _ in arrays if a is not None and a.axes is not None), None)
        if first is None or any(a is None for a, _ in arrays):
            return self.opaque([*items, *given], node, f"the parts of `{short(node)}` are not arrays of known rank")
        main = Array(self.graph.node(), first.ref, first.kind, first.place)
        for array, expr in arrays:
            assert array is not None
            used = self.consume(array, expr, f"`{short(expr)}`")
            self.join_axes(main, used, node)
        axes = list(main.axes or ())
        rank = len(axes) + (1 if new else 0)
        numbers = self.axis_list(*axis, rank) if axis is not None else [(default % rank, Const(default), node)]
        if numbers is None or len(numbers) != 1:
            return self.opaque([(main, node)], node, f"the axis of `{short(node)}` is not known")
        index, item, element = numbers[0]
        if new:
            axes.insert(index, Axis(size=Dim(len(arrays))))
            result = self.derived(main, axes, node)
        else:
            total = [a.axes[index].size for a, _ in arrays if a is not None and a.axes is not None]
            values = [s.value for s in total if s is not None]
            size = Dim(sum(v for v in values if v)) if len(values) == len(total) and None not in values else None
            self.event("concatenate along", main, node, [axes[index]])
            axes[index] = axes[index].resized(size or self.name_of("concatenated", node))
            result = Array(main.node, AxesRef(axes), main.kind, self.place(node))
        if axis is None:
            self._default_axis(result, index, node)
        else:
            self.axis_use(element, item, result.node, result.ref, index)
        return result

    def _default_axis(self, result: Array, index: int, node: ast.expr) -> None:
        """An axis that is not written cannot follow a flip."""

        def make(flipped: Callable[[int], bool]) -> list[Edit]:
            axes = result.axes
            if flipped(result.node) and axes is not None and order_to_last(axes).index(index) != index:
                raise CannotEdit([result.node], f"`{short(node)}` names no axis")
            return []

        self.site([result.node], node, make, cost=0.0)

    def _parts(self, parts: Value, expr: ast.expr) -> list[Operand] | None:
        if not isinstance(parts, Seq) or not parts.items:
            return None
        return list(zip(parts.items, self.elements(parts, expr), strict=True))

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

    # -- indexing -------------------------------------------------------------------------------------

    def index(self, array: Array, node: ast.Subscript, items: list[tuple[ast.expr, Value | None]]) -> Value:
        """``array[...]`` with ``items`` = (expression, value); the value is None for a slice."""
        if array.axes is None:
            self._rank_from_index(array, node, items)
        axes = array.axes
        if axes is None:
            return self.opaque([(array, node.value)], node, f"`{short(node)}` indexes an array of unknown rank")
        plan = self._expand(items, len(axes))
        if plan is None:
            return self._other_index(array, node, items)
        source: list[int | None] = []  # for each element of the plan, the axis it takes (None: a new axis)
        result_axes: list[Axis] = []
        result_from: list[int] = []  # the plan element that makes each axis of the result
        at = 0
        for k, (what, expr, value) in enumerate(plan):
            if what == "new":
                source.append(None)
                result_axes.append(Axis(size=ONE))
                result_from.append(k)
                continue
            axis = axes[at]
            source.append(at)
            at += 1
            if what == "slice":
                size = axis.size if is_full(expr) or reverses(expr) else None
                result_axes.append(axis if size is not None else axis.resized(self.slice_size(expr, axis, node)))
                result_from.append(k)
            elif what == "array":
                result_axes.append(Axis(axis.role, self.name_of("picked", node)))
                result_from.append(k)
            _ = value
        result = Array(self.graph.node(), AxesRef(result_axes), array.kind, self.place(node))

        def rule() -> None:
            if moves(axes) and moves(result_axes):
                self.graph.tie(array.node, result.node)
            elif moves(axes) and channel_at(axes) is None:
                self.graph.pin(array.node, self.because(f"`{short(node)}` takes a part of flattened values", node))

        self.graph.later(rule)

        def make(flipped: Callable[[int], bool]) -> list[Edit]:
            return self._index_edit(node, items, plan, source, result_from, axes, result_axes,
                                    flipped(array.node), flipped(result.node))  # fmt: skip

        self.site([array.node, result.node], node, make, cost=0.5)
        dropped = [axes[s] for s, (w, _, _) in zip(source, plan, strict=True) if w == "int" and s is not None]
        self.event("index", array, node, dropped)
        taken = [(s, e) for s, (w, e, _) in zip(source, plan, strict=True) if w != "int" and s is not None]
        parts = [axes[s] for s, e in taken if not is_full(e)]
        if parts:
            self.event("part", array, node, parts)
        return result

    def _rank_from_index(self, array: Array, node: ast.Subscript, items: list[tuple[ast.expr, Value | None]]) -> None:
        """The rank of what is indexed, where that of the result is known."""
        plan, rank = self._expand(items, len(items)), self.rank_hint(node)
        if plan is not None and rank is not None:
            kinds = [what for what, _, _ in plan]
            if len(items) - kinds.count("new") <= rank + kinds.count("int"):
                self.bind_rank(array, rank + kinds.count("int") - kinds.count("new"))

    def _other_index(self, array: Array, node: ast.Subscript, items: list[tuple[ast.expr, Value | None]]) -> Value:
        """A mask of the array's own shape that numbers are stored through, or an index that is not understood."""
        stored = isinstance(node.ctx, ast.Store)
        why = f"the index of `{short(node)}` is not understood"
        if stored and len(items) == 1:
            expr, mask = items[0]
            if isinstance(mask, Array) and mask.axes and array.axes and len(mask.axes) == len(array.axes):
                used = self.consume(mask, expr, f"`{short(expr)}`")
                self.join_axes(array, used, node)
                self.event("masked", array, node)
                return Unknown("numbers behind a mask", self.place(node))
        for expr, value in items:
            if value is not None:
                self.leak(value, expr, why)
        if stored:  # no transpose may be put around what is stored into
            self.graph.pin(array.node, self.because(why, node))
            return Unknown(why, self.place(node))
        return self.opaque([(array, node.value)], node, why)

    def slice_size(self, expr: ast.expr | None, axis: Axis, node: ast.AST) -> Dim:
        if isinstance(expr, ast.Slice) and expr.step is None and axis.size is not None:
            low = 0 if expr.lower is None else _number(expr.lower)
            high = axis.size.value if expr.upper is None else _number(expr.upper)
            if low is not None and high is not None and axis.size.value is not None:
                return Dim(len(range(*slice(low, high).indices(axis.size.value))))
        return self.name_of("slice", expr or node)

    @staticmethod
    def _expand(
        items: list[tuple[ast.expr, Value | None]], rank: int
    ) -> list[tuple[str, ast.expr | None, Value | None]] | None:
        """One entry for each axis taken or made: 'int', 'slice', 'array' or 'new'."""
        plan: list[tuple[str, ast.expr | None, Value | None]] = []
        dots = None
        for expr, value in items:
            if isinstance(expr, ast.Slice):
                plan.append(("slice", expr, None))
            elif isinstance(value, Const) and value.value is Ellipsis:
                if dots is not None:
                    return None
                dots = len(plan)
            elif (isinstance(value, Const) and value.value is None) or (
                isinstance(value, Module) and value.dotted == "numpy.newaxis"
            ):
                plan.append(("new", expr, value))
            elif isinstance(value, SymInt) or (isinstance(value, Const) and isinstance(value.value, int)):
                plan.append(("int", expr, value))
            elif isinstance(value, Array) and value.axes is not None and len(value.axes) == 1:
                plan.append(("array", expr, value))
            elif isinstance(value, Array) and value.axes == []:
                plan.append(("int", expr, value))
            else:
                return None
        taken = sum(1 for what, _, _ in plan if what != "new")
        if taken > rank or sum(1 for what, _, _ in plan if what == "array") > 1:
            return None
        fill: list[tuple[str, ast.expr | None, Value | None]] = [("slice", None, None)] * (rank - taken)
        place = len(plan) if dots is None else dots
        return plan[:place] + fill + plan[place:]

    def _index_edit(
        self,
        node: ast.Subscript,
        items: list[tuple[ast.expr, Value | None]],
        plan: list[tuple[str, ast.expr | None, Value | None]],
        source: list[int | None],
        result_from: list[int],
        axes: Axes,
        result_axes: Axes,
        source_flipped: bool,
        result_flipped: bool,
    ) -> list[Edit]:
        """The index list in the new order, written with as few colons as before allowed."""
        before = order_to_last(axes) if source_flipped and moves(axes) else list(range(len(axes)))
        wanted = order_to_last(result_axes) if result_flipped and moves(result_axes) else list(range(len(result_axes)))
        by_axis = {s: k for k, s in enumerate(source) if s is not None}
        kept = [k for k in (by_axis[a] for a in before) if plan[k][0] in ("slice", "array")]
        target = [result_from[i] for i in wanted]
        if kept != [k for k in target if plan[k][0] != "new"]:
            raise CannotEdit([], f"`{short(node)}` would give its axes in another order")
        new_order: list[int] = []
        waiting = list(target)
        for a in before:
            k = by_axis[a]
            if plan[k][0] in ("slice", "array"):
                while waiting and plan[waiting[0]][0] == "new":
                    new_order.append(waiting.pop(0))
                waiting.pop(0)
            new_order.append(k)
        new_order.extend(waiting)
        if new_order == list(range(len(plan))):
            return []
        written = {id(expr): i for i, (expr, _) in enumerate(items)}
        indices = [written.get(id(plan[k][1])) if plan[k][1] is not None else None for k in new_order]
        while indices and indices[-1] is None:
            indices.pop()
        if indices == list(range(len(items))):
            return []
        had_dots = any(isinstance(v, Const) and v.value is Ellipsis for _, v in items)
        if had_dots and len(indices) != len(plan):
            indices = [written.get(id(plan[k][1])) if plan[k][1] is not None else None for k in new_order]
        reason = f"{letters(axes)} to {letters(last(axes))}" if source_flipped else f"to {letters(last(result_axes))}"
        return [self.edit(node, "indexing", "KM104", {"indices": indices}, f"index of {reason}")]

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
            self.event("size", Array(self.governing(seq), AxesRef(seq.axes)), node, [seq.axes[i]])
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

    def flow_order(self, flat_axes: Axes, node: int, why: str, at: ast.AST) -> None:
        """The order of flattened features is seen by something else: it stays."""
        if channel_inside(flat_axes) is not None or any(a.label == CHANNEL for a in flat_axes):
            self.graph.pin(node, self.because(why, at, "KM153"))

    def note_model(self, model: Model, why: str) -> None:
        if not self.graph.muted:
            model.observed.append(why)


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


def dim_of(value: Value) -> Dim | None:
    if isinstance(value, Const) and isinstance(value.value, int) and value.value >= 0:
        return Dim(value.value)
    return value.dim if isinstance(value, SymInt) else None


def is_full(expr: ast.expr | None) -> bool:
    return expr is None or (
        isinstance(expr, ast.Slice) and expr.lower is None and expr.upper is None and expr.step is None
    )


def reverses(expr: ast.expr | None) -> bool:
    return (
        isinstance(expr, ast.Slice)
        and expr.lower is None
        and expr.upper is None
        and expr.step is not None
        and _number(expr.step) == -1
    )


def _number(expr: ast.expr) -> int | None:
    if isinstance(expr, ast.Constant) and isinstance(expr.value, int):
        return expr.value
    if isinstance(expr, ast.UnaryOp) and isinstance(expr.op, ast.USub):
        inner = _number(expr.operand)
        return None if inner is None else -inner
    return None


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
