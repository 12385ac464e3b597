"""Indexing: which axes an index takes, drops and makes."""

from __future__ import annotations

import ast
from collections.abc import Callable

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
from kmigrate.layout.interpret.reshaping import Reshaping
from kmigrate.layout.interpret.shapes import out_of_turn
from kmigrate.layout.interpret.state import CannotEdit, short
from kmigrate.layout.values import (
    Array,
    Const,
    Module,
    OrderingTest,
    SymInt,
    Unknown,
    Value,
)
from kmigrate.plan import Edit


class ArrayOps(Reshaping):
    """The last of the operations on arrays: indexing."""

    def index(self, array: Array, node: ast.Subscript, items: list[tuple[ast.expr, Value | None]]) -> Value:
        """``array[...]`` with ``items`` = (expression, value); the value is None for a slice."""
        other: ast.IfExp | None = getattr(node, "other", None)
        test = self._test_of(node)
        if other is not None and isinstance(test, OrderingTest):
            theirs = other.orelse if test.truth else other.body
            assert isinstance(theirs, ast.Subscript)
            self._other_layout(array, node, items, theirs, test.node)
            guards, self.guards = self.guards, (*self.guards, test.node)  # the other index is what runs after the flip
            made = self._indexed(array, node, items)
            self.guards = guards
            return made
        return self._indexed(array, node, items)

    def _test_of(self, node: ast.expr) -> Value | None:
        """The test that chooses between an index and the one that it carries (unify.py)."""
        other: ast.IfExp | None = getattr(node, "other", None)
        return None if other is None else self.eval(other.test)

    def no_array(self, target: ast.expr) -> None:
        """What is stored into is no array that is known: the key of the other branch is another one."""
        test = self._test_of(target)
        if isinstance(test, OrderingTest):
            text = f"`{short(target)}` is another place under the other ordering"
            self.graph.pin(test.node, self.because(text, target, "KM902"))

    def _other_layout(
        self,
        array: Array,
        node: ast.Subscript,
        items: list[tuple[ast.expr, Value | None]],
        other: ast.Subscript,
        setting: int,
    ) -> None:
        """The index of the other branch must take the same of each axis, in the other layout."""
        theirs = self.quietly(lambda: self.index_items(other.slice))

        def rule() -> None:
            axes = array.axes or []
            plans = [self._expand(each, len(axes)) for each in (items, theirs)]
            text = [
                None
                if plan is None
                else [(what, ast.dump(e) if e is not None and not is_full(e) else "") for what, e, _ in plan]
                for plan in plans
            ]
            mine, found = text
            if (
                mine is None
                or found is None
                or len(mine) != len(axes)
                or any(what == "new" for what, _ in mine + found)
            ):
                self.graph.pin(setting, self.because(f"`{short(node)}` and `{short(other)}` are not understood", node))
                return
            order = order_to_last(axes)
            if channel_at(axes) is None and mine != found:
                why = f"which axis of `{short(node.value)}` is the channel is not known"
                self.graph.pin(setting, self.because(why, node))
            elif [mine[i] for i in order] != found:
                why = f"`{short(other)}` of the other branch is not `{short(node)}` with the channel last"
                self.graph.pin(setting, self.because(why, node, "KM902"))
            elif moves(axes):
                self.graph.tie(array.node, setting)

        self.graph.later(rule)

    def index_items(self, index: ast.expr) -> list[tuple[ast.expr, Value | None]]:
        raise NotImplementedError

    def eval(self, expr: ast.expr) -> Value:
        raise NotImplementedError

    def _indexed(self, array: Array, node: ast.Subscript, items: list[tuple[ast.expr, Value | None]]) -> Value:
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
        for k, (what, expr, _) in enumerate(plan):
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
        result = Array(self.graph.node(), AxesRef(result_axes), array.kind, self.place(node))

        def rule() -> None:
            if moves(axes) and moves(result_axes):
                self.graph.tie(array.node, result.node)
            elif moves(axes) and channel_at(axes) is None:
                self.graph.pin(array.node, self.because(f"`{short(node)}` takes a part of flattened values", node))

        self.later(rule)

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
        every = [written.get(id(plan[k][1])) if plan[k][1] is not None else None for k in new_order]
        indices = list(every)
        while indices and indices[-1] is None:
            indices.pop()
        taken = out_of_turn([expr for expr, _ in items], [i for i in indices if i is not None])
        if taken is not None:
            raise CannotEdit([], f"`{short(taken)}` may give another number each time")
        texts = [ast.dump(expr) for expr, _ in items]
        if [ast.dump(ast.Slice()) if i is None else texts[i] for i in indices] == texts:
            return []
        if any(isinstance(v, Const) and v.value is Ellipsis for _, v in items):
            indices = every
        reason = f"{letters(axes)} to {letters(last(axes))}" if source_flipped else f"to {letters(last(result_axes))}"
        return [self.edit(node, "indexing", "KM104", {"indices": indices}, f"index of {reason}")]


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
