"""Kinds of array operations: one row of a table names a kind and where its arguments stand.

numpy, the Keras backend, keras.ops and TensorFlow share the kinds. What a row does not know of a call makes
the call one that is not understood.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from kmigrate.layout.axes import Axis, channel_at, moves
from kmigrate.layout.dims import Dim
from kmigrate.layout.graph import AxesRef
from kmigrate.layout.interpret.calls import Call, Operation
from kmigrate.layout.interpret.rows import ARRAY, NEUTRAL, first, holds_array, is_none, known, refused, strange
from kmigrate.layout.interpret.state import dim_of, short
from kmigrate.layout.values import (
    Array,
    Const,
    Pair,
    Seq,
    SymInt,
    Unknown,
    Value,
)

if TYPE_CHECKING:
    from kmigrate.layout.interpret.machine import Interpreter


def elementwise(*counted: int) -> Operation:
    """Number by number on its array arguments (by default all positional ones)."""

    def operation(run: Interpreter, call: Call) -> Value:
        operands = [call.positional[i] for i in counted if i < len(call.positional)] if counted else call.positional
        out = call.get(None, "out")
        if out is not None:
            return run.opaque([*operands, out], call.node, f"`out=` of `{short(call.node)}`")
        if counted and any(isinstance(v, Array) for i, (v, _) in enumerate(call.positional) if i not in counted):
            return run.opaque(call.positional, call.node, f"an array argument of `{short(call.node)}`")
        names = (*ARRAY, "x1", "x2", "y", "target", "output", "condition", "e1", "e2", "labels", "predictions")
        operands = [*operands, *(call.keywords[n] for n in names if n in call.keywords)]
        others = [v for n, (v, _) in call.keywords.items() if n not in names and n not in NEUTRAL]
        if call.star or any(map(holds_array, others)):
            return refused(run, call, "an array argument by keyword")
        return run.elementwise(operands, call.node)

    return operation


def compared(run: Interpreter, call: Call) -> Value:
    """``allclose`` and its like: two arrays number by number, and one answer for all."""
    if len(call.positional) < 2 or any(map(holds_array, (v for v, _ in call.keywords.values()))) or call.star:
        return refused(run, call)
    run.elementwise(call.positional[:2], call.node)
    return Unknown("a comparison", run.place(call.node))


def reduction(
    axis_at: int = 1, by_order: bool = False, keep_at: int | None = None, default: int | None = None, others: str = ""
) -> Operation:
    """Axes disappear (or shrink to 1).

    ``default`` is the axis where none is given (None: all of them); ``others`` are arguments that hold no array.
    """
    plain = others.split()

    def operation(run: Interpreter, call: Call) -> Value:
        operand = first(call)
        if operand is None:
            return refused(run, call)
        if isinstance(operand[0], Seq) and not holds_array(operand[0]):
            return SymInt(run.name_of("number", call.node))
        keep = call.get(keep_at, "keepdims", "keep_dims")
        axis = call.get(axis_at, "axis", "reduction_indices", "axes")
        used = [operand, *(given for given in (keep, axis) if given is not None)]
        rest = [v for v, e in call.all() if not any(e is other for _, other in used)]
        rest_names = [n for n in call.keywords if n not in (*plain, *NEUTRAL, *ARRAY, "keepdims", "keep_dims", "axis",
                                                            "axes", "reduction_indices")]  # fmt: skip
        if call.star or rest_names or any(map(holds_array, rest)):
            return refused(run, call)
        if keep is not None and not isinstance(keep[0], Const):
            return refused(run, call, "whether it keeps its axes is not known")
        keepdims = keep is not None and isinstance(keep[0], Const) and bool(keep[0].value)
        array = run.as_array(*operand)
        if default is not None and axis is None and array is not None:
            if array.axes is None or not -len(array.axes) <= default < len(array.axes):
                return refused(run, call, "the rank is not known")
            return run.reduce_along(array, default % len(array.axes), keepdims, call.node)
        return run.reduce(operand, axis, keepdims, call.node, by_order)

    return operation


def norm(run: Interpreter, call: Call) -> Value:
    """``np.linalg.norm(x, ord, axis)``: of all numbers, of vectors along an axis, or of matrices."""
    order = call.get(1, "ord")
    array = known(run, first(call))
    if not is_none(order) and is_none(call.get(2, "axis")) and (array is None or len(array.axes or ()) != 1):
        return refused(run, call, "a norm of matrices")
    return reduction(axis_at=2, keep_at=3, others="ord")(run, call)


def creation(shape_at: int = 0, ordered: bool = False, kind: str = "numpy") -> Operation:
    """A new array of a given shape; ``ordered`` where its numbers come one by one in memory order."""

    def operation(run: Interpreter, call: Call) -> Value:
        shape = call.get(shape_at, "shape", "size", "dims")
        if shape is None:
            return SymInt(run.name_of("number", call.node))
        for value, expr in call.all():
            if expr is not shape[1] and holds_array(value):
                return refused(run, call)
        made = run.filled(shape[0], shape[1], call.node, ordered)
        if isinstance(made, Array):
            made.kind = kind
        return made

    return operation


def placeholder(run: Interpreter, call: Call) -> Value:
    """``K.placeholder(shape, ndim)``: a tensor that is fed by hand."""
    shape, rank = call.get(0, "shape"), call.get(1, "ndim")
    if not is_none(shape):
        made = creation(0, kind="graph")(run, call)
        return made if isinstance(made, Array) else refused(run, call)
    if rank is not None and isinstance(rank[0], Const) and isinstance(rank[0].value, int):
        array = run.new_array([Axis() for _ in range(rank[0].value)], run.place(call.node), kind="graph")
        return array
    return refused(run, call)


def broadcast_to(run: Interpreter, call: Call) -> Value:
    """``np.broadcast_to(x, shape)``: as an operation on it and a new array of that shape."""
    operand, shape = first(call), call.get(1, "shape")
    if operand is None or shape is None or strange(call, 2, "shape"):
        return refused(run, call)
    made = run.filled(*shape, call.node, ordered=False)
    if not isinstance(made, Array):
        return refused(run, call)
    return run.elementwise([(made, call.node), operand], call.node)


def chosen(run: Interpreter, call: Call) -> Value:
    """``where(test, a, b)``; with one argument it gives index arrays, one for each axis."""
    if len(call.positional) < 3:
        return run.opaque(call.all(), call.node, f"`{short(call.node)}` gives an index for each axis")
    return run.elementwise(call.positional, call.node)


def random_dimensions(run: Interpreter, call: Call) -> Value:
    """``np.random.rand(n, 3, 32, 32)``: the dimensions are the arguments."""
    if not call.positional:
        return SymInt(run.name_of("number", call.node))
    axes = [Axis(size=dim_of(value)) for value, _ in call.positional]
    array = run.new_array(axes, run.place(call.node))

    def rule() -> None:
        if moves(axes):
            text = "random numbers come in memory order: drawn as before, then transposed"
            run.graph.pin(array.node, run.because(text, call.node, "KM105"))

    run.later(rule)
    return array


def like(run: Interpreter, call: Call) -> Value:
    """A new array of the shape of another."""
    if "shape" in call.keywords or any(holds_array(v) for v, _ in call.positional[1:]):
        return refused(run, call)
    return run.elementwise(call.positional[:1], call.node)


def to_array(run: Interpreter, call: Call) -> Value:
    """``np.array``/``asarray`` of an array, a list of arrays or numbers."""
    operand = call.get(0, "object", *ARRAY)
    if operand is None:
        return Unknown("an array", run.place(call.node))
    if "ndmin" in call.keywords:
        return refused(run, call)
    value, expr = operand
    if isinstance(value, Seq):
        if value.axes is not None and any(channel_at([a]) is not None for a in value.axes):
            run.leak(value, expr, f"`{short(call.node)}` makes an array of a shape")
        return listed(run, value, expr, call.node)
    if isinstance(value, Array | Unknown):
        array = run.as_array(value, expr)
        assert array is not None
        return run.elementwise([(array, expr)], call.node)
    return value


def listed(run: Interpreter, value: Seq, expr: ast.expr, node: ast.expr) -> Value:
    """An array made of a list: of numbers, of lists of numbers, or of arrays, stacked."""
    if not value.items:
        return Unknown("an array made of an empty list", run.place(node))
    if all(isinstance(i, Const | SymInt) for i in value.items):
        size = Dim(len(value.items)) if value.fixed else run.name_of("n", node)
        return run.new_array([Axis(size=size)], run.place(node))
    inner = value.items[0]
    if isinstance(inner, Seq):
        inner = listed(run, inner, expr, node)
    first = run.as_array(inner, expr)
    if first is None:
        return run.opaque([(value, expr)], node, f"`{short(node)}`")
    rest = [run.as_array(listed(run, i, expr, node) if isinstance(i, Seq) else i, expr) for i in value.items[1:]]
    for other in rest:
        if other is not None:
            run.join_axes(first, other, node)
    if first.axes is None:
        return run.opaque([(value, expr)], node, f"`{short(node)}` stacks arrays of unknown rank")
    size = Dim(len(value.items)) if value.fixed else run.name_of("n", node)
    result = run.derived(first, [Axis(size=size), *first.axes], node)

    def rule() -> None:
        if moves(result.axes) and not moves(first.axes):
            run.graph.pin(result.node, run.because("a list makes the channel axis here", node, "KM105"))

    run.later(rule)
    return result


def reshape(shape_at: int = 1) -> Operation:
    def operation(run: Interpreter, call: Call) -> Value:
        operand = first(call)
        shape = call.get(shape_at, "newshape", "shape", "target_shape")
        if operand is None or shape is None or strange(call, shape_at + 1, "newshape", "shape", "target_shape"):
            return refused(run, call)
        return reshaped(run, operand, shape, call.node)

    return operation


def reshaped(run: Interpreter, operand: Any, shape: Any, node: ast.Call) -> Value:
    value, expr = operand
    array = run.as_array(value, expr)
    target = shape[0]
    if isinstance(target, Const | SymInt):
        if isinstance(target, Const) and target.value == -1 and array is not None:
            return run.flat((array, expr), node, run.around(array, expr), keep_first=False)
        return run.opaque([operand], node, f"`{short(node)}`")
    seq = run.as_shape(target, shape[1])
    if array is None or seq is None:
        return run.opaque([operand, shape], node, f"the shape of `{short(node)}` is not known")
    result = run.reshape((array, expr), seq, node, run.around(array, node), shape_expr=shape[1])
    result.derivation = ("reshape", id(array.ref.find()), tuple(seq.items))
    return result


def permutation(perm_at: int = 1, operand_kind: str = "arg") -> Operation:
    """``transpose(x, perm)``."""

    def operation(run: Interpreter, call: Call) -> Value:
        operand = first(call)
        perm = call.get(perm_at, "axes", "perm", "pattern")
        if operand is None or strange(call, 2, "axes", "perm", "pattern", "conjugate"):
            return refused(run, call)
        return transposed(run, operand, perm, call.node, operand_kind)

    return operation


def transposed(run: Interpreter, operand: Any, perm: Any, node: ast.Call, operand_kind: str) -> Value:
    array = run.as_array(*operand)
    written = None if perm is None else perm[0].now if isinstance(perm[0], Pair) else perm[0]
    if array is not None and array.axes is None and isinstance(written, Seq) and written.fixed:
        if not run.graph.muted:  # the order says how many axes there are
            array.ref.bind([Axis() for _ in written.items])
    if array is None or not array.axes:
        return run.opaque([operand], node, f"`{short(node)}`: the rank is not known")
    rank = len(array.axes)
    if perm is not None and isinstance(perm[0], Pair):
        orders = [_order(side, rank) for side in (perm[0].now, perm[0].after)]
        if None in orders:
            return run.opaque([operand, perm], node, f"the order of `{short(node)}` is not known")
        run.heed(*perm)
        return run.paired_transpose(array, perm[0], orders, node)  # type: ignore[arg-type]
    if perm is None:
        order = list(range(rank))[::-1]
    else:
        items = perm[0].items if isinstance(perm[0], Seq) else None
        if items is None or not all(isinstance(i, Const) and isinstance(i.value, int) for i in items):
            return run.opaque([operand], node, f"the order of `{short(node)}` is not known")
        order = [i.value % rank for i in items if isinstance(i, Const)]
        place = perm[0].place
        if place is not None and place.node not in ast.walk(node):
            return run.opaque([operand], node, f"the order of `{short(node)}` is written elsewhere")

    alone = run.assigns_back(node, operand[1])

    def edit(new: list[int] | None, reason: str) -> list[Any]:
        if new is None and alone is not None and run.stands_alone(alone):
            reason = f"{reason}: not needed any more"
            return [run.edit(alone, "transpose", "KM105", {"action": "drop"}, reason, kind="stmt")]
        if new is None:
            args: dict[str, Any] = {"action": "remove", "operand": operand_kind}
            return [run.edit(node, "transpose", "KM105", args, f"{reason}: not needed any more")]
        return [run.edit(node, "transpose", "KM105", {"action": "change", "perm": new}, reason)]

    result = run.transpose(operand, order, node, edit)
    if isinstance(result, Array):
        result.derivation = ("transpose", id(array.ref.find()), tuple(order))
    return result


def _order(value: Value, rank: int) -> list[int] | None:
    """An order of all axes; None where it is not known."""
    if not isinstance(value, Seq) or not value.fixed:
        return None
    order = [i.value % rank for i in value.items if isinstance(i, Const) and isinstance(i.value, int)]
    return order if sorted(order) == list(range(rank)) else None


_MOVED = ("axis1", "axis2", "source", "destination", "axis", "start")  # in the order of their positions


def moved_axes(how: str, operand_kind: str = "arg") -> Operation:
    """``swapaxes``, ``moveaxis``, ``rollaxis``: transposes that name two axes."""

    def operation(run: Interpreter, call: Call) -> Value:
        operand = call.get(0, "a", "x")
        given = [*call.positional[1:], *(call.keywords[w] for w in _MOVED if w in call.keywords)]
        numbers = [v.value for v, _ in given if isinstance(v, Const) and isinstance(v.value, int)]
        array = None if operand is None else run.as_array(*operand)
        if array is not None and array.axes is None:
            run.bind_rank(array, run.rank_hint(call.node) or 0)
        if (
            operand is None
            or array is None
            or not array.axes
            or not numbers
            or len(numbers) > 2
            or len(numbers) < len(given)
        ):
            return run.opaque(call.all(), call.node, f"`{short(call.node)}`")
        if strange(call, 3, *_MOVED):
            return refused(run, call)
        rank = len(array.axes)
        order = list(range(rank))
        start = numbers[0] % rank
        if how == "swapaxes" and len(numbers) == 2:
            other = numbers[1] % rank
            order[start], order[other] = order[other], order[start]
        elif how == "moveaxis" and len(numbers) == 2:
            order.insert(numbers[1] % rank, order.pop(start))
        elif how == "rollaxis":
            to = numbers[1] if len(numbers) == 2 else 0
            to = to + rank if to < 0 else to
            order.remove(start)
            order.insert(to - 1 if to > start else to, start)
        else:
            return run.opaque(call.all(), call.node, f"`{short(call.node)}`")

        alone = run.assigns_back(call.node, operand[1])

        def edit(new: list[int] | None, reason: str) -> list[Any]:
            if new is None and alone is not None and run.stands_alone(alone):
                reason = f"{reason}: not needed any more"
                return [run.edit(alone, "transpose", "KM105", {"action": "drop"}, reason, kind="stmt")]
            if new is None:
                args: dict[str, Any] = {"action": "remove", "operand": operand_kind}
                return [run.edit(call.node, "transpose", "KM105", args, f"{reason}: not needed any more")]
            args = {"action": "change", "perm": new, "operand": operand_kind}
            return [run.edit(call.node, "transpose", "KM105", args, reason)]

        return run.transpose(operand, order, call.node, edit)

    return operation


def expand_dims(axis_at: int = 1, default: int | None = None) -> Operation:
    """New axes of length 1."""

    def operation(run: Interpreter, call: Call) -> Value:
        operand, axis = first(call), call.get(axis_at, "axis", "dim")
        if operand is not None and axis is None and default is not None and not strange(call, 2, "axis", "dim"):
            array = known(run, operand)
            if array is not None and array.axes is not None:
                return run.new_last_axis(array, call.node, "axis")
        if operand is None or axis is None or strange(call, 2, "axis", "dim"):
            return refused(run, call)
        return run.new_axis(operand, axis, call.node)

    return operation


def concatenation(new: bool = False, axis_at: int = 1, default: int = 0) -> Operation:
    def operation(run: Interpreter, call: Call) -> Value:
        parts = call.get(0, "arrays", "tensors", "values", "xs", "x", "tup")
        axis = call.get(axis_at, "axis", "concat_dim")
        if parts is None or strange(call, 2, "arrays", "tensors", "values", "xs", "tup", "axis", "concat_dim"):
            return refused(run, call)
        return run.concatenate(*parts, axis, call.node, new, default)

    return operation


def vector(run: Interpreter, call: Call) -> Value:
    """``np.arange``: numbers along one axis."""
    for value, expr in call.all():
        if isinstance(value, Array):
            run.leak(value, expr, f"`{short(call.node)}`")
    return run.new_array([Axis(size=run.name_of("n", call.node))], run.place(call.node))


def along_last(axis_at: int | None = 1) -> Operation:
    """Softmax and the like: an axis (the last one by default) is special, the shape stays."""

    def operation(run: Interpreter, call: Call) -> Value:
        array = known(run, first(call))
        if array is None or strange(call, 2, "axis", "dim", "order", "epsilon"):
            return refused(run, call)
        axis = call.get(axis_at, "axis", "dim")
        run.special_axis(array, axis, call.node, "axis" if axis_at is not None else "")
        return Array(array.node, array.ref, array.kind, run.place(call.node), sources=(array,))

    return operation


_LOSS = ("from_logits", "target", "output", "y_true", "y_pred")


def crossentropy(run: Interpreter, call: Call) -> Value:
    """A loss along the last axis of two arrays, which goes."""
    operands = [call.get(0, "target", "y_true", "output"), call.get(1, "output", "y_pred", "target")]
    both = [o for o in operands if o is not None]
    made = run.elementwise(both, call.node) if len(both) == 2 and not strange(call, 2, *_LOSS) else None
    if not isinstance(made, Array) or not made.axes:
        return refused(run, call)
    return run.reduce_along(made, len(made.axes) - 1, False, call.node, "")


def shape_tuple(run: Interpreter, call: Call) -> Value:
    operand = call.get(0, "x", "a")
    array = None if operand is None else run.as_array(*operand)
    if array is None:
        return Unknown(f"`{short(call.node)}`", run.place(call.node))
    return run.shape_of(array, call.node)


def same_numbers(kind: str) -> Operation:
    """The same numbers as another kind of array (``convert_to_numpy``, ``K.variable``, ``K.eval``)."""

    def operation(run: Interpreter, call: Call) -> Value:
        operand = first(call)
        if operand is None or "shape" in call.keywords:
            return refused(run, call)
        value, expr = operand
        if isinstance(value, Seq):
            value = to_array(run, call)
        if isinstance(value, Const | SymInt):
            return Array(run.graph.node(), AxesRef([]), kind, run.place(call.node))
        array = run.as_array(value, expr)
        if array is None:
            return refused(run, call)
        if kind != "numpy":
            array = run.consume(array, expr, f"`{short(expr)}`")
        return Array(array.node, array.ref, kind, run.place(call.node), sources=(array,))

    return operation


def gradients(run: Interpreter, call: Call) -> Value:
    """``K.gradients(loss, variables)``: an array like each variable. The loss is a sum, whatever its axes."""
    variables = call.get(1, "variables", "xs")
    if variables is None or strange(call, 2, "variables", "xs", "loss", "ys"):
        return refused(run, call)
    value = variables[0]
    items = list(value.items) if isinstance(value, Seq) and value.fixed else [value]
    if not all(isinstance(i, Array) for i in items):
        return refused(run, call)
    return Seq("list", [Array(i.node, i.ref, "graph", run.place(call.node)) for i in items if isinstance(i, Array)])


def one_of_two(run: Interpreter, call: Call) -> Value:
    """``K.in_train_phase(a, b)``: one of two arrays of one layout."""
    if len(call.positional) < 2 or not all(isinstance(v, Array | Const | SymInt) for v, _ in call.positional[:2]):
        return refused(run, call)
    return run.elementwise(call.positional[:2], call.node)


def grids(run: Interpreter, call: Call) -> Value:
    """``np.meshgrid(a, b)``: an array for each vector, with an axis for each."""
    for value, expr in call.all():
        run.leak(value, expr, f"`{short(call.node)}`")
    if call.star or not call.positional:
        return Unknown(f"`{short(call.node)}`", run.place(call.node))
    rank = len(call.positional)
    made = [run.source_array(run.place(e), f"`{short(call.node)}`", [Axis() for _ in range(rank)])
            for _, e in call.positional]  # fmt: skip
    return Seq("list", list(made))


def rank_of(run: Interpreter, call: Call) -> Value:
    """``np.ndim``, ``K.ndim``."""
    array = known(run, first(call))
    return Const(len(array.axes or ())) if array is not None else SymInt(run.name_of("rank", call.node))


def without_order(run: Interpreter, call: Call) -> Value:
    """``unique``, ``histogram``, ``bincount``: what comes out does not depend on the order of what goes in."""
    words = ("return_index", "return_inverse", "return_counts", "axis")
    if len(call.positional) > 1 and any(holds_array(v) for v, _ in call.positional[1:]):
        return refused(run, call)
    if any(word in call.keywords for word in words[:2] + words[3:]) or any(
        holds_array(v) for k, (v, _) in call.keywords.items() if k not in ARRAY
    ):
        return refused(run, call)
    return Unknown(f"`{short(call.node)}`", run.place(call.node))


def flattened(keep_first: bool) -> Operation:
    """All axes (but the first) in one, in memory order."""

    def operation(run: Interpreter, call: Call) -> Value:
        operand = first(call)
        order = call.get(1, "order")
        plain = order is None or (isinstance(order[0], Const) and order[0].value == "C")
        if operand is None or not plain or strange(call, 2, "order"):
            return refused(run, call)
        array = run.as_array(*operand)
        if array is None:
            return refused(run, call)
        return run.flat(operand, call.node, run.around(array, operand[1]), keep_first)

    return operation


def method_reshape(run: Interpreter, array: Any, call: Call) -> Value:
    """``x.reshape(shape)`` and ``x.reshape(n, 3, h, w)``."""
    if len(call.positional) == 1 and not call.keywords and not call.star:
        return reshaped(run, array, call.positional[0], call.node)
    if call.keywords or call.star or not call.positional:
        return run.opaque([array, *call.all()], call.node, f"`{short(call.node)}`")
    shape = Seq("tuple", [value for value, _ in call.positional])
    shape.axes = [Axis(size=dim_of(value)) for value in shape.items]
    node = run.graph.node()
    shape.nodes = [node] * len(shape.items)
    run.argument_site(shape, call.node, node)
    return reshaped(run, array, (shape, call.node), call.node)


def method_transpose(run: Interpreter, array: Any, call: Call) -> Value:
    """``x.transpose(perm)`` and ``x.transpose(0, 3, 1, 2)``."""
    if call.keywords or call.star:
        return run.opaque([array, *call.all()], call.node, f"`{short(call.node)}`")
    if len(call.positional) == 1 and isinstance(call.positional[0][0], Seq | Pair):
        return transposed(run, array, call.positional[0], call.node, "func")
    if not call.positional:
        return transposed(run, array, None, call.node, "func")
    return transposed(run, array, (Seq("tuple", [v for v, _ in call.positional]), call.node), call.node, "func")
