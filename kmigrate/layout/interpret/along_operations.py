"""Kinds of operations along axes that they name: cumulative sums, turns, parts, paddings, repeats."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING

from kmigrate.layout.axes import Axis, channel_at, letters, moves, order_to_last
from kmigrate.layout.dims import Dim
from kmigrate.layout.graph import AxesRef
from kmigrate.layout.interpret.calls import Call, Operation
from kmigrate.layout.interpret.rows import first, integer, is_none, is_one, known, refused, strange
from kmigrate.layout.interpret.shapes import Operand
from kmigrate.layout.interpret.state import short
from kmigrate.layout.values import Array, Const, Seq, SymInt, Unknown, Value
from kmigrate.plan import Edit

if TYPE_CHECKING:
    from kmigrate.layout.interpret.machine import Interpreter

ALL = "all"
Numbers = list[tuple[int, Value, ast.expr]]


def same_length(axis: Axis, run: Interpreter, node: ast.AST, given: Operand | None) -> Axis:
    return axis


def other_length(axis: Axis, run: Interpreter, node: ast.AST, given: Operand | None) -> Axis:
    """The same axis of another length."""
    return axis.resized(run.name_of("length", node))


def times_as_long(axis: Axis, run: Interpreter, node: ast.AST, given: Operand | None) -> Axis:
    times = integer(given)
    if times is not None and times > 0 and axis.size is not None:
        return axis.resized(axis.size.times(Dim(times)))
    return other_length(axis, run, node, given)


Length = Callable[[Axis, "Interpreter", ast.AST, Operand | None], Axis]


def along(
    axis_at: int | None = 1,
    default: int | str | None = None,
    keyword: str = "axis",
    names: tuple[str, ...] = (),
    plain: int | None = None,
    length: Length = same_length,
) -> Operation:
    """An operation along the axes that it names, which keeps them (cumsum, flip, sort, repeat, ...).

    ``default`` is the axis that counts where none is written: a number (which can then be written under
    ``keyword``; '' where the function takes none), ALL, or None (it works in memory order then). ``names`` are
    further arguments that hold no array, ``plain`` is the position of the first of them.
    """
    positions = 1 + (axis_at is not None) + (plain is not None)

    def operation(run: Interpreter, call: Call) -> Value:
        operand = first(call)
        array = known(run, operand)
        others = [call.get(plain, *names)] if plain is not None else []
        if array is None or strange(call, positions, "axis", "axes", keyword, *names):
            return refused(run, call)
        if any(isinstance(o[0], Array | Unknown) for o in others if o is not None):
            return refused(run, call)
        axis = call.get(axis_at, keyword, "axis", "axes") if axis_at is not None or keyword else None
        numbers = chosen_axes(run, call, array, axis, default, keyword)
        if numbers is None:
            return refused(run, call, "its axis")
        assert array.axes is not None
        given = others[0] if others else None
        axes = list(array.axes)
        for index, _, _ in numbers:
            axes[index] = length(axes[index], run, call.node, given)
        return Array(array.node, AxesRef(axes), array.kind, run.place(call.node), sources=(array,))

    return operation


def chosen_axes(
    run: Interpreter, call: Call, array: Array, axis: Operand | None, default: int | str | None, keyword: str
) -> Numbers | None:
    """The axes that an operation works along, whose numbers follow a flip; None where they are not known."""
    axes = array.axes
    assert axes is not None
    what = f"along, {ast.unparse(call.node.func).rsplit('.', 1)[-1]}"
    if is_none(axis):
        if default == ALL:
            run.event(what, array, call.node, axes)
            return [(i, Const(i), call.node) for i in range(len(axes))]
        if not isinstance(default, int) or (axis is not None) or not -len(axes) <= default < len(axes):
            return None
        index = default % len(axes)
        run.unwritten_axis(array, index, call.node, keyword)
        run.event(what, array, call.node, [axes[index]])
        return [(index, Const(index), call.node)]
    assert axis is not None
    numbers = run.axis_list(*axis, len(axes))
    if numbers is None:
        return None
    for index, item, element in numbers:
        run.axis_use(element, item, array.node, array.ref, index)
    run.event(what, array, call.node, [axes[index] for index, _, _ in numbers])
    return numbers


def squeezed(axis_at: int = 1) -> Operation:
    """Axes of length 1 go."""

    def operation(run: Interpreter, call: Call) -> Value:
        array = known(run, first(call))
        if array is None or strange(call, 2, "axis", "squeeze_dims"):
            return refused(run, call)
        assert array.axes is not None
        axis = call.get(axis_at, "axis", "squeeze_dims")
        if is_none(axis):
            sizes = [a.size.value if a.size is not None else None for a in array.axes]
            if None in sizes:  # one that is not known may be 1
                return refused(run, call, "not all lengths are known")
            gone = {i for i, size in enumerate(sizes) if size == 1}
            run.event("squeeze", array, call.node, [array.axes[i] for i in gone])
        else:
            numbers = chosen_axes(run, call, array, axis, None, "axis")
            if numbers is None:
                return refused(run, call, "its axis")
            gone = {index for index, _, _ in numbers}
        return run.derived(array, [a for i, a in enumerate(array.axes) if i not in gone], call.node)

    return operation


def picked(axis_at: int | None = 2, default: int | None = None) -> Operation:
    """``take(x, indices, axis)``: the items of one axis that indices name."""

    def operation(run: Interpreter, call: Call) -> Value:
        array, indices = known(run, first(call)), call.get(1, "indices")
        if array is None or indices is None or strange(call, 3, "axis", "indices"):
            return refused(run, call)
        axis = None if axis_at is None else call.get(axis_at, "axis")
        numbers = chosen_axes(run, call, array, axis, default, "axis" if axis_at is not None else "")
        if numbers is None or len(numbers) != 1:
            return refused(run, call, "its axis")
        index, axes = numbers[0][0], list(array.axes or ())
        value = indices[0]
        if isinstance(value, Const | SymInt):
            del axes[index]
        elif isinstance(value, Seq) and all(isinstance(i, Const | SymInt) for i in value.items):
            size = Dim(len(value.items)) if value.fixed else run.name_of("picked", call.node)
            axes[index] = axes[index].resized(size)
        elif isinstance(value, Array) and value.axes is not None and len(value.axes) == 1:
            axes[index] = axes[index].resized(value.axes[0].size)
        else:
            return refused(run, call, "its indices")
        return run.derived(array, axes, call.node)

    return operation


def split(axis: int | None = None, default: int | None = 0, lengths: bool = False) -> Operation:
    """The parts of an array along one axis, as a list; ``axis`` where the function's name says which.

    ``lengths`` where a list gives the lengths of the parts, not the places between them.
    """

    def operation(run: Interpreter, call: Call) -> Value:
        array = known(run, first(call))
        parts = call.get(1, "indices_or_sections", "num_or_size_splits")
        if array is None or parts is None or strange(call, 3, "axis", "indices_or_sections", "num_or_size_splits"):
            return refused(run, call)
        given = call.get(2, "axis") if axis is None else None
        fixed = default if axis is None else (axis if axis != 1 or len(array.axes or ()) > 1 else 0)
        numbers = chosen_axes(run, call, array, given, fixed, "axis" if axis is None else "")
        if numbers is None or len(numbers) != 1:
            return refused(run, call, "its axis")
        index, axes = numbers[0][0], list(array.axes or ())
        sizes = _part_sizes(parts[0], axes[index].size, lengths)
        if isinstance(parts[0], Array | Unknown) or (sizes is not None and len(sizes) > 64):
            return refused(run, call)
        made: list[Value] = []
        for k, size in enumerate(sizes or [None]):
            part = list(axes)
            part[index] = axes[index].resized(size or run.name_of(f"part{k}", call.node))
            made.append(Array(array.node, AxesRef(part), array.kind, run.place(call.node), sources=(array,)))
        return Seq("list", made, fixed=sizes is not None)

    return operation


def _part_sizes(parts: Value, size: Dim | None, lengths: bool) -> list[Dim | None] | None:
    """The length of each part (None: not known); None where not even their number is known."""
    whole = size.value if size is not None else None
    if isinstance(parts, Const) and isinstance(parts.value, int) and parts.value > 0:
        even = whole is not None and whole % parts.value == 0
        return [Dim(whole // parts.value) if even and whole is not None else None] * parts.value
    if isinstance(parts, Seq) and parts.fixed and all(isinstance(i, Const | SymInt) for i in parts.items):
        values = [i.value if isinstance(i, Const) else None for i in parts.items]
        if lengths:
            return [Dim(v) if isinstance(v, int) and v >= 0 else None for v in values]
        return [None] * (len(values) + 1)
    return None


def unstacked(axis_at: int = 2) -> Operation:
    """``tf.unstack(x, num, axis)``: the items of one axis, as a list."""

    def operation(run: Interpreter, call: Call) -> Value:
        array = known(run, first(call))
        if array is None or strange(call, 3, "axis", "num"):
            return refused(run, call)
        numbers = chosen_axes(run, call, array, call.get(axis_at, "axis"), 0, "axis")
        if numbers is None or len(numbers) != 1:
            return refused(run, call, "its axis")
        index, axes = numbers[0][0], list(array.axes or ())
        count = axes.pop(index).size
        items: list[Value] = [run.derived(array, axes, call.node)]
        if count is not None and count.value is not None and count.value <= 64:
            items *= count.value
            return Seq("list", items)
        return Seq("list", items, fixed=False)

    return operation


def for_each_axis(at: int = 1, kind: str = "pad") -> Operation:
    """``pad`` and ``tile``: one item of a display for each axis; they change places with the axes."""
    words = {"pad": ("pad_width", "paddings"), "tile": ("reps", "repeats", "multiples", "n")}[kind]

    def operation(run: Interpreter, call: Call) -> Value:
        array, given = known(run, first(call)), call.get(at, *words)
        extra = ("constant_values", "CONSTANT", "stat_length", "reflect_type") if kind == "pad" else ()
        if array is None or given is None or strange(call, 3 if kind == "pad" else 2, *words, *extra):
            return refused(run, call)
        numbers_only = [call.keywords[w] for w in extra if w in call.keywords]
        if any(not isinstance(v, Const | SymInt) for v, _ in [*numbers_only, *call.positional[2:]]):
            return refused(run, call)
        value, expr = given
        axes = list(array.axes or ())
        if isinstance(value, Const | SymInt):  # the same for all axes, or (tile) for the last one alone
            if kind == "tile" and len(axes) > 1:
                return refused(run, call)
            return Array(array.node, AxesRef([other_length(a, run, call.node, None) for a in axes]), array.kind,
                         run.place(call.node), sources=(array,))  # fmt: skip
        items = per_axis(run, array, value, expr, call.node, f"{kind} along", _plain(kind))
        if items is None:
            return refused(run, call, "its items are not written here, one for each axis")
        made = [_changed(a, item, run, call.node, kind, i) for i, (a, item) in enumerate(zip(axes, items, strict=True))]
        return Array(array.node, AxesRef(made), array.kind, run.place(call.node), sources=(array,))

    return operation


def _plain(kind: str) -> Callable[[Value], bool]:
    """Does an item leave its axis as it is?"""
    if kind == "tile":
        return is_one
    return lambda item: isinstance(item, Seq) and all(isinstance(i, Const) and i.value == 0 for i in item.items)


def _changed(axis: Axis, item: Value, run: Interpreter, node: ast.AST, kind: str, i: int) -> Axis:
    if _plain(kind)(item):
        return axis
    if kind == "tile":
        return times_as_long(axis, run, node, (item, node)) if isinstance(node, ast.expr) else axis
    ends = [e.value for e in item.items if isinstance(e, Const)] if isinstance(item, Seq) else []
    whole = axis.size.value if axis.size is not None else None
    if len(ends) == 2 and whole is not None:
        return axis.resized(Dim(whole + sum(ends)))
    return axis.resized(run.name_of(f"padded{i}", node))


def per_axis(
    run: Interpreter, array: Array, value: Value, expr: ast.expr, node: ast.expr, what: str,
    plain: Callable[[Value], bool],
) -> list[Value] | None:  # fmt: skip
    """The items of a display that has one for each axis: it is reordered with them."""
    axes = array.axes
    if axes is None or not isinstance(value, Seq) or value.place is None or value.place.node is not expr:
        return None
    if len(value.items) != len(axes) or not isinstance(expr, ast.Tuple | ast.List):
        return None
    texts = [ast.unparse(e) for e in expr.elts]

    def make(flipped: Callable[[int], bool]) -> list[Edit]:
        if not flipped(array.node) or not moves(axes):
            return []
        order = order_to_last(axes)
        if [texts[i] for i in order] == texts:
            return []
        reason = f"one item for each axis: {letters(axes)}, the channel last"
        return [run.edit(expr, "shape_order", "KM102", {"order": order}, reason)]

    run.site([array.node], expr, make)
    run.event(what, array, node, [a for a, i in zip(axes, value.items, strict=True) if not plain(i)])
    return list(value.items)


def gradient(run: Interpreter, call: Call) -> Value:
    """``np.gradient(x, axis=1)``: one array; without an axis a list with one for each, which is not followed."""
    array, axis = known(run, first(call)), call.get(None, "axis")
    if array is None or array.axes is None or axis is None or strange(call, 2, "axis", "edge_order"):
        return refused(run, call)
    if any(not isinstance(v, Const | SymInt) for v, _ in call.positional[1:]):
        return refused(run, call)
    numbers = chosen_axes(run, call, array, axis, None, "axis")
    if numbers is None or not numbers:
        return refused(run, call, "its axis")
    made: list[Value] = [
        Array(array.node, AxesRef(list(array.axes)), array.kind, run.place(call.node), sources=(array,))
        for _ in numbers
    ]
    return made[0] if not isinstance(axis[0], Seq) else Seq("list", made)


def quarter_turns(run: Interpreter, call: Call) -> Value:
    """``np.rot90(x, k, axes)``: two axes change places."""
    array, times = known(run, first(call)), integer(call.get(1, "k")) if call.get(1, "k") else 1
    if array is None or array.axes is None or strange(call, 3, "k", "axes") or len(array.axes) < 2:
        return refused(run, call)
    given = call.get(2, "axes")
    axes = list(array.axes)
    if given is None:
        pair = [0, 1]
        for index in pair:
            run.unwritten_axis(array, index, call.node, "")
    else:
        numbers = run.axis_list(*given, len(axes))
        if numbers is None or len(numbers) != 2:
            return refused(run, call, "its axes")
        pair = [index for index, _, _ in numbers]
        for index, item, element in numbers:
            run.axis_use(element, item, array.node, array.ref, index)
    run.event("quarter turns", array, call.node, [axes[i] for i in pair])
    run.pin_if(array, lambda a: channel_at(a) in pair, f"`{short(call.node)}` turns the channels", call.node)
    sizes = [axes[i].size for i in pair]
    if times is None or times % 2:
        sizes = sizes[::-1] if times is not None else [run.name_of("turned", call.node), run.name_of("t", call.node)]
    for index, size in zip(pair, sizes, strict=True):
        axes[index] = Axis(axes[index].role, size)
    return Array(array.node, AxesRef(axes), array.kind, run.place(call.node), sources=(array,))


def joined_by_rank(axis_for: Callable[[int], int | None]) -> Operation:
    """``hstack``, ``vstack``, ``dstack``: which axis they join along depends on the rank."""

    def operation(run: Interpreter, call: Call) -> Value:
        parts = call.get(0, "tup")
        value = None if parts is None else parts[0]
        one = value.items[0] if isinstance(value, Seq) and value.items else None
        axis = axis_for(len(one.axes)) if isinstance(one, Array) and one.axes is not None else None
        if parts is None or axis is None or strange(call, 1, "tup"):
            return refused(run, call)
        return run.concatenate(*parts, None, call.node, False, axis, "")

    return operation


def appended(run: Interpreter, call: Call) -> Value:
    """``np.append(a, b, axis)``; without an axis in memory order."""
    axis = call.get(2, "axis")
    if len(call.positional) < 2 or is_none(axis) or strange(call, 3, "axis"):
        return refused(run, call)
    values = call.positional[:2]
    box = ast.copy_location(ast.List(elts=[e for _, e in values], ctx=ast.Load()), call.node)
    return run.concatenate(Seq("list", [v for v, _ in values]), box, axis, call.node, False, 0, "axis")


def sequence_of_one(run: Interpreter, call: Call) -> Value:
    """``K.repeat(x, n)``: a vector for each sample becomes a sequence of vectors."""
    array = known(run, first(call))
    if array is None or array.axes is None or len(array.axes) != 2 or strange(call, 2, "n"):
        return refused(run, call)
    run.pin_if(array, moves, f"`{short(call.node)}` repeats flattened features", call.node)
    return run.tensor([array.axes[0], Axis(size=None), array.axes[1]], call.node)
