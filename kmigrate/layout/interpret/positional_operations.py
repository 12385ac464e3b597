"""Kinds of operations that take axes by their position: products, einsum, images of TensorFlow."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from kmigrate.layout.axes import Axis, Contradiction, channel_at, letters, moves, order_to_last, unify_roles
from kmigrate.layout.dims import ONE, Dim
from kmigrate.layout.graph import AxesRef
from kmigrate.layout.interpret.calls import Call, Operation
from kmigrate.layout.interpret.rows import first, integer, known, refused, strange
from kmigrate.layout.interpret.state import short
from kmigrate.layout.values import Array, Const, Value
from kmigrate.plan import Edit

if TYPE_CHECKING:
    from kmigrate.layout.interpret.machine import Interpreter


# -- products of matrices ------------------------------------------------------------------------------

Made = Callable[[list[Axis], list[Axis]], list[Axis] | None]


def _dot(a: list[Axis], b: list[Axis]) -> list[Axis] | None:
    if not a or not b:
        return None
    return [*a[:-1], *b[:-2], *(b[-1:] if len(b) > 1 else [])]


def _matmul(a: list[Axis], b: list[Axis]) -> list[Axis] | None:
    if not a or not b:
        return None
    if len(a) == 1 or len(b) == 1:
        return _dot(a, b) if len(b) == 1 else [*b[:-2], b[-1]]
    if len(a) != len(b) and min(len(a), len(b)) > 2:
        return None
    return [*(a if len(a) >= len(b) else b)[:-2], a[-2], b[-1]]


def _outer(a: list[Axis], b: list[Axis]) -> list[Axis] | None:
    return [*a, *b] if len(a) == len(b) == 1 else None


def _batch_dot(a: list[Axis], b: list[Axis]) -> list[Axis] | None:
    """Which axis goes is told by ``axes``; which rank is left does not depend on it."""
    if len(a) == len(b) == 2:
        return [a[0], Axis(size=ONE)]
    return [a[0], Axis(), Axis()] if len(a) == len(b) == 3 else None


def product(made: Made, others: int = 0) -> Operation:
    """A product: its operands and its result lie as they did, where they have a channel to move."""

    def operation(run: Interpreter, call: Call) -> Value:
        operands = [call.get(0, "a", "x"), call.get(1, "b", "y")]
        arrays = [known(run, o) for o in operands]
        a, b = arrays
        if a is None or b is None or strange(call, 2 + others, "b", "y", "axes"):
            return refused(run, call)
        axes = made(list(a.axes or ()), list(b.axes or ()))
        if axes is None:
            return refused(run, call)
        return by_position(run, [(v, o[1]) for v, o in zip(arrays, operands, strict=True) if v and o], axes, call.node)

    return operation


def by_position(
    run: Interpreter, operands: Sequence[tuple[Array, ast.expr]], axes: list[Axis], node: ast.expr
) -> Array:
    """A result of known rank; neither it nor its operands may have their axes moved."""
    why = f"`{short(node)}` takes its axes by position"
    for array, expr in operands:
        used = run.consume(array, expr, f"`{short(expr)}`")
        run.pin_if(used, moves, why, expr)
        run.event("by position", used, node)
    kind = next((a.kind for a, _ in operands if a.kind != "numpy"), "numpy")
    fresh = [Axis(a.role, a.size) for a in axes]
    result = run.new_array(fresh, run.place(node), kind=kind)
    result.sources = tuple(a for a, _ in operands)
    run.pin_if(result, moves, why, node)
    return result


def contraction(run: Interpreter, call: Call) -> Value:
    """``np.tensordot(a, b, axes)`` with a number of axes."""
    count = integer(call.get(2, "axes")) if call.get(2, "axes") is not None else 2
    if count is None:
        return refused(run, call)
    return product(lambda a, b: [*a[: len(a) - count], *b[count:]] if count <= min(len(a), len(b)) else None, 1)(
        run, call
    )


def turned(run: Interpreter, call: Call) -> Value:
    """``K.transpose(x)`` of a matrix."""
    array = known(run, first(call))
    operand = first(call)
    if array is None or operand is None or len(array.axes or ()) != 2 or strange(call, 1):
        return refused(run, call)
    return run.turned(array, operand[1], call.node)


# -- einsum ----------------------------------------------------------------------------------------------


def einsum(run: Interpreter, call: Call) -> Value:
    """``np.einsum('nchw,c->nchw', x, w)``: a letter for each axis, so that each array may lie in any order."""
    given = call.get(0, "subscripts", "equation")
    text = given[0].value if given is not None and isinstance(given[0], Const) else None
    if given is None or not isinstance(text, str) or not isinstance(given[1], ast.Constant) or call.keywords:
        return refused(run, call)
    sides = text.replace(" ", "").split("->")
    terms = sides[0].split(",")
    arrays = [known(run, o) for o in call.positional[1:]]
    if len(sides) != 2 or call.star or len(arrays) != len(terms) or not "".join(terms + sides[1:]).isalpha():
        return refused(run, call)
    axes: dict[str, Axis] = {}
    used: list[Array] = []
    for term, array, (_, expr) in zip(terms, arrays, call.positional[1:], strict=True):
        if array is None or array.axes is None or len(array.axes) != len(term):
            return refused(run, call)
        for letter, axis in zip(term, array.axes, strict=True):
            mine = axes.setdefault(letter, axis)
            try:
                unify_roles(mine.role, axis.role) if not run.graph.muted else None
            except Contradiction:
                return refused(run, call, "one letter stands for different axes")
        one = run.consume(array, expr, f"`{short(expr)}`")
        run.pin_if(one, lambda a: moves(a) and channel_at(a) is None, f"`{short(call.node)}` of features", expr)
        run.event("einsum", one, call.node)
        used.append(one)
    if any(letter not in axes for letter in sides[1]):
        return refused(run, call)
    result = run.new_array([axes[letter].resized(axes[letter].size) for letter in sides[1]], run.place(call.node))
    result.kind = next((a.kind for a in used if a.kind != "numpy"), "numpy")
    result.sources = tuple(used)
    run.event("einsum", result, call.node)
    everything = [*zip(terms, used, strict=True), (sides[1], result)]

    def make(flipped: Callable[[int], bool]) -> list[Edit]:
        words = [_in_order(term, array, flipped) for term, array in everything]
        new = f"{','.join(words[:-1])}->{words[-1]}"
        if new == "->".join(sides):
            return []
        reason = f"the letters follow the axes: {letters(everything[0][1].axes)}"
        return [run.edit(given[1], "layout_setting", "KM101", {"value": new}, reason)]

    run.site([a.node for _, a in everything], given[1], make, cost=0.1)
    return result


def _in_order(term: str, array: Array, flipped: Callable[[int], bool]) -> str:
    axes = array.axes
    if axes is None or not flipped(array.node) or not moves(axes):
        return term
    return "".join(term[i] for i in order_to_last(axes))


# -- images that lie channels-last by definition ----------------------------------------------------------


def last_images(change: str = "same") -> Operation:
    """``tf.image.*``: N H W C or H W C by definition; what has another layout stays as it is.

    ``change``: 'same', 'size' (other rows and columns), 'grey' (one channel).
    """

    def operation(run: Interpreter, call: Call) -> Value:
        operand = first(call)
        array = None if operand is None else run.as_array(*operand)
        if array is not None and array.axes is None:
            run.bind_rank(array, run.rank_hint(call.node) or 0)
        if operand is None or array is None or array.axes is None or len(array.axes) not in (3, 4):
            return refused(run, call)
        used = run.consume(array, operand[1], f"`{short(operand[1])}`")
        labels = ["N", "H", "W", "C"][4 - len(array.axes) :]
        wanted = run.new_array([Axis(label) for label in labels], run.place(call.node))
        run.join_axes(wanted, used, call.node)
        run.event("image", used, call.node)
        axes = list(array.axes)
        if change == "size":
            axes[-3] = Axis("H", run.name_of("rows", call.node))
            axes[-2] = Axis("W", run.name_of("columns", call.node))
        elif change == "grey":
            axes[-1] = Axis("C", ONE)
        return Array(used.node, AxesRef(axes), "graph", run.place(call.node), sources=(used,))

    return operation


def decoded(run: Interpreter, call: Call) -> Value:
    """``tf.image.decode_jpeg``: H W C."""
    for value, expr in call.all():
        run.leak(value, expr, f"`{short(call.node)}`")
    array = run.source_array(run.place(call.node), f"`{short(call.node)}` is channels-last", [Axis() for _ in "HWC"])
    array.kind = "graph"
    return array


def one_hot(run: Interpreter, call: Call) -> Value:
    """A new last axis."""
    array, depth = known(run, first(call) or call.get(0, "indices")), call.get(1, "num_classes", "depth", "nb_classes")
    if array is None or array.axes is None or strange(call, 2, "indices", "num_classes", "depth", "nb_classes"):
        return refused(run, call)
    size = Dim(depth[0].value) if depth and isinstance(depth[0], Const) and isinstance(depth[0].value, int) else None
    operand = first(call) or call.get(0, "indices")
    assert operand is not None
    return by_position(run, [(array, operand[1])], [*array.axes, Axis(size=size)], call.node)


PRODUCTS: dict[str, Made] = {"dot": _dot, "matmul": _matmul, "outer": _outer, "batch_dot": _batch_dot}
