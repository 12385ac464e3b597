"""Functions of Python and its library on sequences and numbers: builtins, itertools, functools, operator, copy."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from kmigrate.layout.axes import channel_at, moves
from kmigrate.layout.interpret.calls import Call, Operation
from kmigrate.layout.interpret.rows import holds_array, refused
from kmigrate.layout.interpret.state import short
from kmigrate.layout.values import (
    Array,
    Batches,
    Const,
    Dict,
    LayerList,
    Seq,
    SymInt,
    Unknown,
    Value,
)

if TYPE_CHECKING:
    from kmigrate.layout.interpret.machine import Interpreter


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
    if isinstance(value, LayerList):
        return run.number_of_layers(value, call.node)
    if isinstance(value, Dict) and value.open is None and not value.maybe:
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


def numbered(run: Interpreter, value: Value, expr: ast.expr) -> Value:
    """Layers that get numbers, or go with others one by one, as a list: one more would shift them."""
    if not isinstance(value, LayerList):
        return value
    value.model.indexed = True
    items = run.every_layer(value)
    return Seq("list", [run.item_of(value, expr)], fixed=False) if items is None else Seq("list", items)


def numbers_read(run: Interpreter, value: Value, expr: ast.expr) -> None:
    """The numbers of a shape are taken one by one, in order: the order stays."""
    if isinstance(value, Seq) and len(value.items) > 1 and all(isinstance(i, Const | SymInt) for i in value.items):
        run.leak(value, expr, f"the numbers of `{short(expr)}` are taken in order")


def copied_sequence(kind: str) -> Operation:
    """``tuple(x)``, ``list(x)``."""

    def operation(run: Interpreter, call: Call) -> Value:
        if not call.positional:
            return Seq(kind, [])
        value, expr = call.positional[0]
        value = numbered(run, value, expr)
        if isinstance(value, Seq):
            seq = value
            if value.fixed and value.items and all(isinstance(i, Const | SymInt) for i in value.items):
                seq = run.as_shape(value, expr) or value
            return Seq(kind, list(seq.items), None, seq.axes, seq.nodes, seq.fixed)
        if isinstance(value, Array):
            return Seq("list", [run.item_of(value, expr)], fixed=False)
        if isinstance(value, Batches):
            return Seq("list", [value.item], fixed=False)
        run.leak(value, expr, f"`{short(call.node)}`")
        return Unknown(f"`{short(call.node)}`", run.place(call.node))

    return operation


def reordered(backwards: bool = False) -> Operation:
    """``reversed(x)``; ``sorted(x)`` and ``set(x)``, whose order is not followed."""

    def operation(run: Interpreter, call: Call) -> Value:
        if not call.positional:
            return Seq("list", [])
        value, expr = call.positional[0]
        value = numbered(run, value, expr)
        numbers_read(run, value, expr)
        if isinstance(value, Seq):
            items = value.items[::-1] if backwards else list(value.items)
            return Seq("list", items, fixed=value.fixed and (backwards or len(items) < 2))
        if isinstance(value, Array) and not backwards:
            return refused(run, call)
        return copied_sequence("list")(run, call)

    return operation


def duplicated(run: Interpreter, call: Call) -> Value:
    """``copy.copy(x)``."""
    value, expr = call.positional[0] if call.positional else (Unknown("nothing"), call.node)
    if isinstance(value, Array):
        return run.elementwise([(value, expr)], call.node)
    if isinstance(value, Seq):
        return copied_sequence(value.kind)(run, call)
    return value if isinstance(value, Const | SymInt) else refused(run, call)


def summed(run: Interpreter, call: Call) -> Value:
    """``sum`` of numbers, or of arrays of one layout."""
    value, expr = call.positional[0] if call.positional else (Unknown("nothing"), call.node)
    if not holds_array(value) or isinstance(value, Array) or not isinstance(value, Seq):
        return number(run, call)
    elements = run.elements(value, expr)
    return run.elementwise([*zip(value.items, elements, strict=True), *call.positional[1:]], call.node)


def largest(run: Interpreter, call: Call) -> Value:
    """``max``, ``min``: of numbers."""
    if any(holds_array(value) and not isinstance(value, Array) for value, _ in call.positional):
        return refused(run, call)
    return number(run, call)


def mapped(run: Interpreter, call: Call) -> Value:
    """``map(f, items)``: the function is entered for each item, or once on one of them."""
    if len(call.positional) != 2 or call.keywords or call.star:
        return refused(run, call)
    (function, at), (value, expr) = call.positional
    value = numbered(run, value, expr)
    numbers_read(run, value, expr)
    run.spread.add(run.place(expr).key)

    def made(item: Value) -> Value:
        return run.call(function, Call(run._as_call(at), [(item, expr)], {}, False))

    items = run.unrolled(value)
    if items is not None:
        return Seq("list", [made(item) for item in items])
    run.loops += 1
    one = made(run.item_of(value, expr))
    run.loops -= 1
    return Seq("list", [one], fixed=False)


def filtered(run: Interpreter, call: Call) -> Value:
    """``filter(f, items)``: some of the items."""
    if len(call.positional) != 2 or call.keywords or call.star:
        return refused(run, call)
    value, expr = call.positional[1]
    value = numbered(run, value, expr)
    if holds_array(value):
        return refused(run, call)
    return Seq("list", [run.item_of(value, expr)], fixed=False)


def folded(run: Interpreter, call: Call) -> Value:
    """``functools.reduce(f, items)``: the function is entered for each item."""
    value, expr = call.positional[1] if len(call.positional) > 1 else (Unknown("nothing"), call.node)
    items = run.unrolled(value)
    if not items or call.keywords or call.star or len(call.positional) > 3:
        return refused(run, call)
    numbers_read(run, value, expr)
    function, at = call.positional[0]
    elements = run.elements(value, expr) if isinstance(value, Seq) else [expr] * len(items)
    pairs = [*call.positional[2:], *zip(items, elements, strict=True)]
    made = pairs[0][0]
    for item, element in pairs[1:]:
        inner = run._as_call(at)
        made = run.call(function, Call(inner, [(made, inner), (item, element)], {}, False))
    return made


def passed_through(run: Interpreter, call: Call) -> Value:
    """``iter(x)``, ``tqdm(x)``: what is taken from it is what is taken from ``x``."""
    value, expr = call.positional[0] if call.positional else (Unknown("nothing"), call.node)
    return Seq("list", [run.item_of(value, expr)], fixed=False) if isinstance(value, Array) else value


def one_item(run: Interpreter, call: Call) -> Value:
    """``next(x)``."""
    value, expr = call.positional[0] if call.positional else (Unknown("nothing"), call.node)
    batches = run.batches_of(value, call.node)
    if batches is not None:
        return batches.item
    if isinstance(value, Unknown):
        return Unknown(f"`{short(call.node)}`", run.place(call.node))
    if isinstance(value, Seq):
        return run.item_of(value, expr)
    return refused(run, call)


def combined(length: int | None = None) -> Operation:
    """``itertools.product(a, b)``, ``combinations(a, n)``: tuples of one item each."""

    def operation(run: Interpreter, call: Call) -> Value:
        if call.star or any(holds_array(v) for v, _ in call.all()):
            return refused(run, call)
        for value, expr in call.positional:
            numbers_read(run, value, expr)
        if length is None and not call.keywords:
            return Seq("list", [Seq("tuple", [run.item_of(v, e) for v, e in call.positional])], fixed=False)
        return Unknown(f"`{short(call.node)}`", run.place(call.node))

    return operation


def chained(run: Interpreter, call: Call) -> Value:
    """``itertools.chain(a, b)``."""
    values = [v for v, _ in call.positional]
    if call.star or not all(isinstance(v, Seq) and v.fixed for v in values):
        return refused(run, call)
    for value, expr in call.positional:
        numbers_read(run, value, expr)
    return Seq("list", [item for v in values if isinstance(v, Seq) for item in v.items])


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
    values = [numbered(run, v, e) for v, e in call.positional]
    for value, expr in call.positional:
        numbers_read(run, value, expr)
    if values and all(isinstance(v, Seq) and v.fixed for v in values):
        return Seq("list", [Seq("tuple", list(items)) for items in zip(*(v.items for v in values), strict=False)])  # type: ignore[attr-defined]
    return Seq("list", [Seq("tuple", [run.item_of(v, e) for v, e in call.positional])], fixed=False)


def enumerated(run: Interpreter, call: Call) -> Value:
    if not call.positional:
        return Unknown("enumerate", run.place(call.node))
    value, expr = call.positional[0]
    value = numbered(run, value, expr)
    numbers_read(run, value, expr)
    if isinstance(value, Seq) and value.fixed:
        return Seq("list", [Seq("tuple", [Const(i), item]) for i, item in enumerate(value.items)])
    return Seq("list", [Seq("tuple", [SymInt(run.name_of("i", call.node)), run.item_of(value, expr)])], fixed=False)


def anything(run: Interpreter, call: Call) -> Value:
    """``exec``, ``eval``, ``globals``: may read or set any name, so nothing here is safe to change."""
    run.poisoned = run.because(f"`{short(call.node)}` may read or set any name", call.node)
    return Unknown(f"`{short(call.node)}`", run.place(call.node))
