"""Library functions by name, in tables: one more function is one more row.

A row names a kind of operation (elementwise, reduction, creation, ...) and where its arguments
stand. numpy, the Keras backend, keras.ops and TensorFlow share the kinds.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from kmigrate.layout.axes import Axis, channel_at, moves
from kmigrate.layout.dims import Dim
from kmigrate.layout.graph import AxesRef
from kmigrate.layout.interpret.calls import Call, Operation
from kmigrate.layout.interpret.shapes import CannotEdit, dim_of
from kmigrate.layout.interpret.state import short
from kmigrate.layout.values import (
    Array,
    Const,
    Dict,
    Seq,
    SymInt,
    Tool,
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
        names = ("x", "a", "x1", "x2", "y", "tensor", "features", "data")
        operands = [*operands, *(call.keywords[n] for n in names if n in call.keywords)]
        return run.elementwise(operands, call.node)

    return operation


def reduction(axis_at: int = 1, by_order: bool = False, keep_at: int | None = None) -> Operation:
    """Axes disappear (or shrink to 1)."""

    def operation(run: Interpreter, call: Call) -> Value:
        operand = call.get(0, "x", "a", "input_tensor", "input")
        if operand is None:
            return run.opaque(call.all(), call.node, f"`{short(call.node)}`")
        if isinstance(operand[0], Seq):
            return SymInt(run.name_of("number", call.node))
        keep = call.get(keep_at, "keepdims", "keep_dims")
        keepdims = keep is not None and isinstance(keep[0], Const) and bool(keep[0].value)
        axis = call.get(axis_at, "axis", "reduction_indices")
        return run.reduce(operand, axis, keepdims, call.node, by_order)

    return operation


def creation(shape_at: int = 0, ordered: bool = False) -> Operation:
    """A new array of a given shape."""

    def operation(run: Interpreter, call: Call) -> Value:
        shape = call.get(shape_at, "shape", "size")
        if shape is None:
            return SymInt(run.name_of("number", call.node))
        return run.filled(shape[0], shape[1], call.node, ordered)

    return operation


def chosen(run: Interpreter, call: Call) -> Value:
    """``where(test, a, b)``; with one argument it gives index arrays, one for each axis."""
    if len(call.positional) == 1:
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
    return run.elementwise(call.positional[:1], call.node)


def to_array(run: Interpreter, call: Call) -> Value:
    """``np.array``/``asarray`` of an array, a list of arrays or numbers."""
    operand = call.get(0, "object", "a", "x", "value")
    if operand is None:
        return Unknown("an array", run.place(call.node))
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
        operand = call.get(0, "a", "x", "tensor")
        shape = call.get(shape_at, "newshape", "shape", "target_shape")
        if operand is None or shape is None:
            return run.opaque(call.all(), call.node, f"`{short(call.node)}`")
        return reshaped(run, operand, shape, call.node)

    return operation


def reshaped(run: Interpreter, operand: Any, shape: Any, node: ast.Call) -> Value:
    value, expr = operand
    array = run.as_array(value, expr)
    target = shape[0]
    if isinstance(target, Const | SymInt):
        if isinstance(target, Const) and target.value == -1 and array is not None:
            return run.flat((array, expr), node, run.wrap(expr, f"`{short(expr)}`"), keep_first=False)
        return run.opaque([operand], node, f"`{short(node)}`")
    seq = run.as_shape(target, shape[1])
    if array is None or seq is None:
        return run.opaque([operand, shape], node, f"the shape of `{short(node)}` is not known")
    what = f"`{short(node)}`"
    result = run.reshape((array, expr), seq, node, run.wrap(node, what), shape_expr=shape[1])
    result.derivation = ("reshape", id(array.ref.find()), tuple(seq.items))
    return result


def permutation(perm_at: int = 1, operand_kind: str = "arg") -> Operation:
    """``transpose(x, perm)``."""

    def operation(run: Interpreter, call: Call) -> Value:
        operand = call.get(0, "a", "x")
        perm = call.get(perm_at, "axes", "perm", "pattern")
        if operand is None:
            return run.opaque(call.all(), call.node, f"`{short(call.node)}`")
        return transposed(run, operand, perm, call.node, operand_kind)

    return operation


def transposed(run: Interpreter, operand: Any, perm: Any, node: ast.Call, operand_kind: str) -> Value:
    array = run.as_array(*operand)
    if array is not None and array.axes is None and perm is not None and isinstance(perm[0], Seq) and perm[0].fixed:
        if not run.graph.muted:  # the order says how many axes there are
            array.ref.bind([Axis() for _ in perm[0].items])
    if array is None or not array.axes:
        return run.opaque([operand], node, f"`{short(node)}`: the rank is not known")
    rank = len(array.axes)
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

    def edit(new: list[int] | None, reason: str) -> list[Any]:
        if new is None:
            args: dict[str, Any] = {"action": "remove", "operand": operand_kind}
            return [run.edit(node, "transpose", "KM105", args, f"{reason}: not needed any more")]
        return [run.edit(node, "transpose", "KM105", {"action": "change", "perm": new}, reason)]

    result = run.transpose(operand, order, node, edit)
    if isinstance(result, Array):
        result.derivation = ("transpose", id(array.ref.find()), tuple(order))
    return result


def moved_axes(how: str, operand_kind: str = "arg") -> Operation:
    """``swapaxes``, ``moveaxis``, ``rollaxis``: transposes that name two axes."""

    def operation(run: Interpreter, call: Call) -> Value:
        operand = call.get(0, "a", "x")
        numbers = [v.value for v, _ in call.positional[1:] if isinstance(v, Const) and isinstance(v.value, int)]
        array = None if operand is None else run.as_array(*operand)
        if array is not None and array.axes is None:
            run.bind_rank(array, run.rank_hint(call.node) or 0)
        if operand is None or array is None or not array.axes or not numbers or len(numbers) > 2:
            return run.opaque(call.all(), call.node, f"`{short(call.node)}`")
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

        def edit(new: list[int] | None, reason: str) -> list[Any]:
            if new is None:
                args: dict[str, Any] = {"action": "remove", "operand": operand_kind}
                return [run.edit(call.node, "transpose", "KM105", args, f"{reason}: not needed any more")]
            raise CannotEdit([], f"`{short(call.node)}` would have to move other axes")

        return run.transpose(operand, order, call.node, edit)

    return operation


def expand_dims(axis_at: int = 1, default: int | None = None) -> Operation:
    def operation(run: Interpreter, call: Call) -> Value:
        operand, axis = call.get(0, "a", "x", "input"), call.get(axis_at, "axis", "dim")
        if operand is None or axis is None:
            return run.opaque(call.all(), call.node, f"`{short(call.node)}`")
        return run.new_axis(operand, axis, call.node)

    return operation


def concatenation(new: bool = False, axis_at: int = 1, default: int = 0) -> Operation:
    def operation(run: Interpreter, call: Call) -> Value:
        parts = call.get(0, "arrays", "tensors", "values", "xs", "x")
        if parts is None:
            return run.opaque(call.all(), call.node, f"`{short(call.node)}`")
        axis = call.get(axis_at, "axis", "concat_dim")
        return run.concatenate(*parts, axis, call.node, new, default)

    return operation


def stacked_rows(run: Interpreter, call: Call) -> Value:
    """``vstack`` of arrays of two or more axes is a concatenation along axis 0."""
    parts = call.positional[0][0] if call.positional else None
    if (
        isinstance(parts, Seq)
        and parts.items
        and isinstance(parts.items[0], Array)
        and len(parts.items[0].axes or ()) > 1
    ):
        return concatenation()(run, call)
    return run.opaque(call.all(), call.node, f"`{short(call.node)}`")


def file_source(run: Interpreter, call: Call) -> Value:
    """Data from a file keeps its layout."""
    return run.source_array(run.place(call.node), f"`{short(call.node)}` reads a file, which stays as it is")


def sink(run: Interpreter, call: Call) -> Value:
    """What is written keeps its layout."""
    for value, expr in call.all():
        run.leak(value, expr, f"`{short(call.node)}` writes it")
    return Const(None)


def shown(run: Interpreter, call: Call) -> Value:
    for value, expr in call.all():
        run.show(value, expr)
    return Const(None)


def harmless(run: Interpreter, call: Call) -> Value:
    """Takes no arrays, but perhaps shapes, and gives nothing that has a layout."""
    for value, expr in call.all():
        plain = isinstance(value, Seq) and all(isinstance(i, Const | SymInt | Unknown) for i in value.items)
        if not plain:
            run.leak(value, expr, f"`{short(call.node)}`")
    return Unknown(f"`{short(call.node)}`", run.place(call.node))


def vector(run: Interpreter, call: Call) -> Value:
    """``np.arange``: numbers along one axis."""
    for value, expr in call.all():
        if isinstance(value, Array):
            run.leak(value, expr, f"`{short(call.node)}`")
    return run.new_array([Axis(size=run.name_of("n", call.node))], run.place(call.node))


def anything(run: Interpreter, call: Call) -> Value:
    """``exec``, ``eval``, ``globals``: may read or set any name, so nothing here is safe to change."""
    run.poisoned = run.because(f"`{short(call.node)}` may read or set any name", call.node)
    return Unknown(f"`{short(call.node)}`", run.place(call.node))


def number(run: Interpreter, call: Call) -> Value:
    """A number; shapes may go in (a product or a sum does not depend on their order)."""
    for value, expr in call.all():
        if isinstance(value, Array):
            run.leak(value, expr, f"`{short(call.node)}`")
    return SymInt(run.name_of("number", call.node))


def cast_number(run: Interpreter, call: Call) -> Value:
    """``int(x)``, ``float(x)``."""
    if len(call.positional) == 1:
        value = call.positional[0][0]
        if isinstance(value, Const) and isinstance(value.value, int | float | str):
            try:
                kind = {"int": int, "float": float}.get(ast.unparse(call.node.func), float)
                return Const(kind(value.value))
            except ValueError:
                pass
        if isinstance(value, SymInt):
            return value
    return number(run, call)


def length(run: Interpreter, call: Call) -> Value:
    value, _expr = call.positional[0] if call.positional else (Unknown("nothing"), call.node)
    if isinstance(value, Seq):
        return Const(len(value.items)) if value.fixed else SymInt(run.name_of("len", call.node))
    if isinstance(value, Array) and value.axes:
        axes = value.axes

        def rule() -> None:
            if moves(axes) and channel_at(axes) == 0:
                run.graph.pin(value.node, run.because(f"`{short(call.node)}` counts channels", call.node))

        run.later(rule)
        return run.size_value(axes[0].size, "len", call.node)
    if isinstance(value, Dict):
        return Const(len(value.items))
    return SymInt(run.name_of("len", call.node))


def counted(run: Interpreter, call: Call) -> Value:
    """``range``."""
    values = [v.value for v, _ in call.positional if isinstance(v, Const) and isinstance(v.value, int)]
    if len(values) == len(call.positional) and values:
        numbers = range(*values[:3])
        if len(numbers) <= 64:
            return Seq("list", [Const(i) for i in numbers])
    return Seq("list", [SymInt(run.name_of("i", call.node))], fixed=False)


def copied_sequence(kind: str) -> Operation:
    def operation(run: Interpreter, call: Call) -> Value:
        if not call.positional:
            return Seq(kind, [])
        value, expr = call.positional[0]
        if isinstance(value, Seq):
            seq = value
            if value.fixed and value.items and all(isinstance(i, Const | SymInt) for i in value.items):
                seq = run.as_shape(value, expr) or value
            return Seq(kind, list(seq.items), None, seq.axes, seq.nodes, seq.fixed)
        if isinstance(value, Array):
            return Seq("list", [run.item_of(value, expr)], fixed=False)
        run.leak(value, expr, f"`{short(call.node)}`")
        return Unknown(f"`{short(call.node)}`", run.place(call.node))

    return operation


def mapping(run: Interpreter, call: Call) -> Value:
    """``dict(a=1)``, ``dict(other, a=1)``, ``dict([(key, value), ...])``."""
    made = Dict({})
    for value, expr in call.positional:
        pairs = [p.items for p in value.items if isinstance(p, Seq)] if isinstance(value, Seq) else []
        if isinstance(value, Seq) and len(pairs) == len(value.items) and all(len(p) == 2 for p in pairs):
            for key, item in pairs:
                run.store_item(made, key, item, expr)
            if not value.fixed:
                made.maybe.update(made.items)
        elif isinstance(value, Dict):
            run.spread_into(made, value, expr)
        else:
            return run.opaque(call.all(), call.node, f"`{short(call.node)}`")
    for name, (value, expr) in call.keywords.items():
        run.store_item(made, Const(name), value, expr)
    return made if not call.star else Unknown(f"`{short(call.node)}`", run.place(call.node))


def zipped(run: Interpreter, call: Call) -> Value:
    values = [v for v, _ in call.positional]
    if values and all(isinstance(v, Seq) and v.fixed for v in values):
        return Seq("list", [Seq("tuple", list(items)) for items in zip(*(v.items for v in values), strict=False)])  # type: ignore[attr-defined]
    return Seq("list", [Seq("tuple", [run.item_of(v, e) for v, e in call.positional])], fixed=False)


def enumerated(run: Interpreter, call: Call) -> Value:
    if not call.positional:
        return Unknown("enumerate", run.place(call.node))
    value, expr = call.positional[0]
    if isinstance(value, Seq) and value.fixed:
        return Seq("list", [Seq("tuple", [Const(i), item]) for i, item in enumerate(value.items)])
    return Seq("list", [Seq("tuple", [SymInt(run.name_of("i", call.node)), run.item_of(value, expr)])], fixed=False)


def shuffled(run: Interpreter, call: Call) -> Value:
    """In place along axis 0."""
    for value, expr in call.positional:
        if isinstance(value, Array) and value.axes and channel_at(value.axes) == 0:
            run.leak(value, expr, f"`{short(call.node)}` shuffles the channels")
    return Const(None)


def permuted(run: Interpreter, call: Call) -> Value:
    """``np.random.permutation``: of a number, or of an array along axis 0."""
    value, expr = call.positional[0] if call.positional else (Unknown("nothing"), call.node)
    if isinstance(value, Array):
        shuffled(run, call)
        return run.elementwise([(value, expr)], call.node)
    return run.new_array([Axis(size=dim_of(value))], run.place(call.node))


def split_rows(run: Interpreter, call: Call) -> Value:
    """``train_test_split``: two parts of each array, along axis 0."""
    parts: list[Value] = []
    for value, expr in call.positional:
        array = run.as_array(value, expr)
        if array is None or array.axes is None:
            return run.opaque(call.positional, call.node, f"`{short(call.node)}` splits arrays of unknown rank")
        for _ in range(2):
            axes = [array.axes[0].resized(run.name_of(f"part{len(parts)}", call.node)), *array.axes[1:]]
            parts.append(Array(array.node, AxesRef(axes), array.kind, run.place(call.node)))
    return Seq("list", parts)


def flattened(keep_first: bool) -> Operation:
    def operation(run: Interpreter, call: Call) -> Value:
        operand = call.get(0, "x", "a")
        if operand is None:
            return run.opaque(call.all(), call.node, f"`{short(call.node)}`")
        return run.flat(operand, call.node, run.wrap(operand[1], f"`{short(operand[1])}`"), keep_first)

    return operation


def along_last(axis_at: int = 1) -> Operation:
    """Softmax and the like: an axis (the last one by default) is special, the shape stays."""

    def operation(run: Interpreter, call: Call) -> Value:
        operand = call.get(0, "x", "logits", "a")
        array = None if operand is None else run.as_array(*operand)
        if operand is None or array is None or array.axes is None:
            return run.opaque(call.all(), call.node, f"`{short(call.node)}`")
        axis = call.get(axis_at, "axis", "dim")
        run.special_axis(array, axis, call.node, "axis")
        return Array(array.node, array.ref, array.kind, run.place(call.node), sources=(array,))

    return operation


def random_generator(run: Interpreter, call: Call) -> Value:
    return Tool("random", run.graph.node(), False)


def shape_tuple(run: Interpreter, call: Call) -> Value:
    operand = call.get(0, "x", "a")
    array = None if operand is None else run.as_array(*operand)
    if array is None:
        return Unknown(f"`{short(call.node)}`", run.place(call.node))
    return run.shape_of(array, call.node)


def same_numbers(kind: str) -> Operation:
    """The same numbers as another kind of array (``convert_to_numpy``, ``convert_to_tensor``)."""

    def operation(run: Interpreter, call: Call) -> Value:
        operand = call.get(0, "x", "value")
        array = None if operand is None else run.as_array(*operand)
        if array is None:
            return Unknown(f"`{short(call.node)}`", run.place(call.node))
        return Array(array.node, array.ref, kind, run.place(call.node))

    return operation


def method_reshape(run: Interpreter, array: Any, call: Call) -> Value:
    """``x.reshape(shape)`` and ``x.reshape(n, 3, h, w)``."""
    if len(call.positional) == 1 and not call.keywords:
        return reshaped(run, array, call.positional[0], call.node)
    if call.get(None, "order") is not None or call.star:
        return run.opaque([array], call.node, f"`{short(call.node)}`")
    shape = Seq("tuple", [value for value, _ in call.positional])
    shape.axes = [Axis(size=dim_of(value)) for value in shape.items]
    node = run.graph.node()
    shape.nodes = [node] * len(shape.items)
    run.argument_site(shape, call.node, node)
    return reshaped(run, array, (shape, call.node), call.node)


def method_transpose(run: Interpreter, array: Any, call: Call) -> Value:
    """``x.transpose(perm)`` and ``x.transpose(0, 3, 1, 2)``."""
    if len(call.positional) == 1 and isinstance(call.positional[0][0], Seq):
        return transposed(run, array, call.positional[0], call.node, "func")
    if not call.positional:
        return transposed(run, array, None, call.node, "func")
    return transposed(run, array, (Seq("tuple", [v for v, _ in call.positional]), call.node), call.node, "func")
