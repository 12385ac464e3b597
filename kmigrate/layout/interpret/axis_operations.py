"""Operations along axes: reductions, new axes, transposes, joins."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from kmigrate.layout.axes import (
    Axes,
    Axis,
    channel_at,
    last,
    letters,
    moves,
    order_to_last,
)
from kmigrate.layout.dims import ONE, Dim
from kmigrate.layout.graph import AxesRef
from kmigrate.layout.interpret.elementwise import Elementwise
from kmigrate.layout.interpret.shapes import Operand
from kmigrate.layout.interpret.state import CannotEdit, short
from kmigrate.layout.values import (
    Array,
    Const,
    Pair,
    Seq,
    SymInt,
    Value,
)
from kmigrate.plan import Edit


class AxisOperations(Elementwise):
    """Axes that go, come, change places or grow."""

    def axis_list(self, value: Value, expr: ast.expr, rank: int) -> list[tuple[int, Value, ast.expr]] | None:
        """Axis numbers as (normalised index, value, expression); None where they are not known."""
        found = self._axis_list(value, expr, rank)
        if found is not None:
            self.heed(value, expr)
        elif isinstance(value, Pair):
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
            if keepdims and array.axes is None:
                return self.opaque([operand], node, f"`{short(node)}` reduces an array of unknown rank")
            axes = [Axis(size=ONE) for _ in array.axes or ()] if keepdims else []
            return Array(self.graph.node(), AxesRef(axes), array.kind, self.place(node), sources=(array,))
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
        return self._reduced(array, gone, keepdims, node)

    def _reduced(self, array: Array, gone: set[int], keepdims: bool, node: ast.expr) -> Array:
        assert array.axes is not None
        rest = [(a.resized(ONE) if i in gone else a) for i, a in enumerate(array.axes) if keepdims or i not in gone]
        result = self.derived(array, rest, node)
        result.sources = (array,)
        return result

    def reduce_along(self, array: Array, index: int, keepdims: bool, node: ast.expr, keyword: str = "axis") -> Array:
        """A reduction along an axis that is not written."""
        assert array.axes is not None
        self.unwritten_axis(array, index, node, keyword)
        self.event("reduce over", array, node, [array.axes[index]])
        return self._reduced(array, {index}, keepdims, node)

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

    def new_last_axis(self, array: Array, node: ast.expr, keyword: str) -> Array:
        """``K.expand_dims(x)``: the place of the new axis is not written."""
        assert array.axes is not None
        result = self.derived(array, [*array.axes, Axis(size=ONE)], node)
        self.unwritten_axis(result, len(array.axes), node, keyword)
        return result

    def unwritten_axis(self, array: Array, index: int, node: ast.AST, keyword: str) -> None:
        """An axis that is not written is written after a flip (``keyword`` is '' where the call takes none)."""

        def make(flipped: Callable[[int], bool]) -> list[Edit]:
            axes = array.axes
            new = order_to_last(axes).index(index) if axes is not None and flipped(array.node) else index
            if new == index or axes is None:
                return []
            if not keyword or not isinstance(node, ast.Call):
                raise CannotEdit([array.node], f"`{short(node)}` names no axis")
            reason = f"axis {index} by default to {new}: the array is {letters(axes)}, for {self.graph.why(array.node)}"
            return [self.edit(node, "axis_number", "KM103", {"keyword": keyword, "value": new}, reason)]

        self.site([array.node], node, make, cost=0.5)

    def pin_if(self, array: Array, test: Callable[[list[Axis]], bool], why: str, node: ast.AST) -> None:
        """The array stays as it is if, once all is known, its axes are such."""

        def rule() -> None:
            if array.axes is not None and test(array.axes):
                self.graph.pin(array.node, self.because(why, node))

        self.later(rule)

    def around(self, array: Array, expr: ast.expr) -> Any:
        """How a border at an expression is realised: only arrays of numpy can be transposed there."""
        if array.kind == "numpy":
            return self.wrap(expr, f"`{short(expr)}`")
        return lambda flipped, axes: None

    def derived(self, array: Array, axes: list[Axis], node: ast.expr) -> Array:
        """A result whose axes are those of ``array`` and new ones: they flip together where both move."""
        result = Array(self.graph.node(), AxesRef(axes), array.kind, self.place(node), maker=array.maker)

        def rule() -> None:
            if moves(array.axes) and moves(result.axes):
                self.graph.tie(array.node, result.node)

        self.later(rule)
        return result

    def transpose(self, operand: Operand, perm: Sequence[int], node: ast.Call, edit: Any) -> Value:
        """Axes change places: a relation, whose permutation is recomputed from both sides.

        ``edit(perm | None)`` gives the edits for another permutation (None: the identity).
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

    def assigns_back(self, call: ast.expr, operand: ast.expr) -> ast.stmt | None:
        """The statement ``x = f(x)``, where the call is that: without the call, nothing is left of it."""
        stmt = self.statement
        if not isinstance(stmt, ast.Assign) or stmt.value is not call or len(stmt.targets) != 1:
            return None
        target = stmt.targets[0]
        same = isinstance(target, ast.Name) and isinstance(operand, ast.Name) and target.id == operand.id
        return stmt if same else None

    def stands_alone(self, stmt: ast.stmt) -> bool:
        """Has a statement its lines for itself?"""
        last = stmt.end_lineno or stmt.lineno
        for other in ast.walk(self.tree_of(stmt)):
            if isinstance(other, ast.stmt) and other is not stmt:
                simple = not hasattr(other, "body")
                if stmt.lineno <= other.lineno <= last or (simple and other.end_lineno == stmt.lineno):
                    return False
        return True

    def paired_transpose(self, array: Array, dims: Pair, orders: Sequence[Sequence[int]], node: ast.expr) -> Array:
        """Each ordering transposes in its own way: both must lead to one value in two layouts.

        ``orders``: the one now and the one after the flip, of all axes.
        """
        now, after = orders
        source = array.axes
        assert source is not None
        axes = [source[i] for i in now]
        result = Array(self.graph.node(), AxesRef(axes), array.kind, self.place(node))
        in_memory = getattr(node, "in_memory", False)  # it is reshaped at once: axes of one number lie anywhere

        def order(given: Axes) -> list[int]:
            return [id(a) for a in given if not in_memory or a.size is None or a.size.value != 1]

        def rule() -> None:
            wanted = order(last(axes) if moves(axes) else axes)
            if order([source[i] for i in after]) == wanted:
                if moves(source):  # what comes in stays, whatever the setting
                    self.graph.pin(
                        array.node, self.because("each ordering transposes it in its own way", node, "KM105")
                    )
            elif moves(source) and order([last(source)[i] for i in after]) == wanted:
                self.graph.tie(array.node, dims.node)
            else:
                text = f"`{short(node)}` under the other ordering leads to another order"
                self.graph.pin(dims.node, self.because(text, node, "KM902"))
            if moves(axes):
                self.graph.tie(result.node, dims.node)

        self.later(rule)
        return result

    def turned(self, array: Array, expr: ast.expr, node: ast.expr) -> Value:
        """``x.T``, all axes in the opposite order: it cannot say another order."""
        assert array.axes is not None
        result = Array(self.graph.node(), AxesRef(array.axes[::-1]), array.kind, self.place(node), sources=(array,))
        why = f"`{short(node)}` reverses the order of the axes"
        self.pin_if(array, moves, why, node)
        self.pin_if(result, moves, why, node)
        self.event("turned", array, node)
        return result

    def concatenate(
        self,
        parts: Value,
        parts_expr: ast.expr,
        axis: Operand | None,
        node: ast.expr,
        new: bool,
        default: int,
        keyword: str = "axis",
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
        if any(a is not None and a.axes is not None and len(a.axes) != len(axes) for a, _ in arrays):
            return self.opaque([*items, *given], node, f"the parts of `{short(node)}` do not have one rank")
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
            self.unwritten_axis(result, index, node, keyword)
        else:
            self.axis_use(element, item, result.node, result.ref, index)
        return result

    def _parts(self, parts: Value, expr: ast.expr) -> list[Operand] | None:
        if not isinstance(parts, Seq) or not parts.items:
            return None
        return list(zip(parts.items, self.elements(parts, expr), strict=True))
