"""``tf.data``: datasets are batches whose items are followed through map, batch and their like."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING

from kmigrate.layout.axes import BATCH, Axis, channel_at, moves
from kmigrate.layout.graph import AxesRef
from kmigrate.layout.interpret.calls import Call
from kmigrate.layout.interpret.rows import refused
from kmigrate.layout.interpret.state import short
from kmigrate.layout.values import Array, Batches, Function, Method, Seq, Unknown, Value

if TYPE_CHECKING:
    from kmigrate.layout.interpret.machine import Interpreter


def of_slices(run: Interpreter, call: Call) -> Value:
    """``Dataset.from_tensor_slices((x, y))``: one item for each row of the arrays."""
    if len(call.positional) != 1 or call.keywords or call.star:
        return refused(run, call)
    item = _item(run, *call.positional[0], call)
    return refused(run, call) if item is None else Batches(item)


def _item(run: Interpreter, value: Value, expr: ast.expr, call: Call) -> Value | None:
    if isinstance(value, Seq) and value.fixed and value.kind == "tuple":
        parts = [_item(run, v, e, call) for v, e in zip(value.items, run.elements(value, expr), strict=True)]
        return None if any(p is None for p in parts) else Seq("tuple", [p for p in parts if p is not None])
    array = run.as_array(value, expr) if isinstance(value, Array | Unknown) else None
    if array is None or not array.axes:
        return None
    used = run.consume(array, expr, f"`{short(expr)}`")
    run.pin_if(used, lambda axes: channel_at(axes) == 0, f"`{short(call.node)}` takes the channels one by one", expr)
    item = run.derived(used, list(array.axes[1:]), expr)
    item.kind = "graph"
    return item


def same_items(run: Interpreter, owner: Batches, call: Call) -> Value:
    """``shuffle``, ``repeat``, ``prefetch``: the same items."""
    return owner


def batched(run: Interpreter, owner: Batches, call: Call) -> Value:
    """``batch(n)``: a new first axis."""

    def grown(value: Value) -> Value | None:
        if isinstance(value, Seq) and value.fixed:
            parts = [grown(v) for v in value.items]
            return None if any(p is None for p in parts) else Seq(value.kind, [p for p in parts if p is not None])
        if not isinstance(value, Array) or value.axes is None:
            return None
        axes = value.axes
        made = Array(run.graph.node(), AxesRef([Axis(BATCH), *axes]), value.kind, run.place(call.node))

        def rule() -> None:
            if moves(axes) or moves(made.axes):
                run.graph.tie(value.node, made.node)

        run.later(rule)
        return made

    item = grown(owner.item)
    if item is None:
        run.leak(owner, call.node, f"`{short(call.node)}` makes batches of what is not known")
        return refused(run, call)
    return Batches(item)


def mapped_items(run: Interpreter, owner: Batches, call: Call) -> Value:
    """``map(f)``: the function is entered with one item."""
    given = call.get(0, "map_func")
    if given is None or not isinstance(given[0], Function | Method):
        run.leak(owner, call.node, f"`{short(call.node)}`")
        return refused(run, call)
    item = owner.item
    parts = item.items if isinstance(item, Seq) and item.kind == "tuple" else [item]
    at = given[1]
    run.spread.add(run.place(at).key)
    return Batches(run.call(given[0], Call(run._as_call(at), [(part, at) for part in parts], {}, False)))


def next_item(run: Interpreter, owner: Batches, call: Call) -> Value:
    return owner.item


DatasetMethod = Callable[["Interpreter", Batches, Call], Value]
DATASET_METHODS: dict[str, DatasetMethod] = {
    **dict.fromkeys("shuffle repeat prefetch cache take skip shard with_options as_numpy_iterator "
                    "make_one_shot_iterator make_initializable_iterator".split(), same_items),
    "batch": batched,
    "map": mapped_items,
    "next": next_item,
    "__next__": next_item,
    "get_next": next_item,
}  # fmt: skip
