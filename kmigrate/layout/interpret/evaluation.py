"""Backend functions that evaluate graphs: ``K.function`` and what it makes."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from kmigrate.layout.axes import channel_inside
from kmigrate.layout.graph import AxesRef
from kmigrate.layout.interpret.calls import Call, Operation
from kmigrate.layout.interpret.state import short
from kmigrate.layout.values import Array, Const, Fetch, Seq, SymInt, Unknown, Value

if TYPE_CHECKING:
    from kmigrate.layout.interpret.machine import Interpreter


def function(run: Interpreter, call: Call) -> Value:
    """``K.function(inputs, outputs)``."""
    inputs, outputs = call.get(0, "inputs"), call.get(1, "outputs")
    plain = inputs is not None and isinstance(inputs[0], Seq) and inputs[0].fixed
    if inputs is None or outputs is None or not plain or call.get(2, "updates", "givens") is not None:
        return run.opaque(call.all(), call.node, f"`{short(call.node)}` is not understood")
    assert isinstance(inputs[0], Seq)
    return Fetch(list(inputs[0].items), outputs[0])


def fetch(run: Interpreter, what: Fetch, call: Call) -> Value:
    """What ``K.function`` made is called with arrays."""
    given = call.get(0, "inputs")
    if given is None or call.star:
        return run.opaque([*call.all(), (what, call.node)], call.node, f"`{short(call.node)}` is not understood")
    value, expr = given
    if isinstance(value, Seq) and value.fixed and len(value.items) == len(what.inputs):
        pairs = list(zip(value.items, run.elements(value, expr), strict=True))
    elif len(what.inputs) == 1 and not isinstance(value, Seq):
        pairs = [(value, expr)]
    else:
        return run.opaque([given, (what, call.node)], call.node, f"what `{short(call.node)}` is given is not known")
    for (item, at), tensor in zip(pairs, what.inputs, strict=True):
        if isinstance(tensor, Array):
            run.fed_nodes.add(tensor.node)
            run.feed_array(item, at, tensor)
        else:
            run.leak(item, at, f"`{short(call.node)}` is given it for what is not known")
    return _fetched(run, what.outputs, call.node)


def _fetched(run: Interpreter, output: Value, node: ast.expr) -> Value:
    if isinstance(output, Seq):
        return Seq("list", [_fetched(run, item, node) for item in output.items], fixed=output.fixed)
    if isinstance(output, SymInt | Const):
        return SymInt(run.name_of("fetched", node))
    if not isinstance(output, Array):
        return Unknown(f"`{short(node)}`", run.place(node))
    axes = output.axes
    if channel_inside(axes or ()) is not None:
        run.features_seen(output, f"`{short(node)}` gives the features", node)
    made = Array(output.node, AxesRef(axes) if axes is not None else output.ref, "numpy", run.place(node))
    run.event("fetched", made, node)
    return made


def set_value(run: Interpreter, call: Call) -> Value:
    """``K.set_value(variable, array)``."""
    tensor, given = call.get(0, "x"), call.get(1, "value")
    if tensor is not None and given is not None and isinstance(tensor[0], Array):
        run.feed_array(*given, tensor[0])
    else:
        for value, expr in call.all():
            run.leak(value, expr, f"`{short(call.node)}`")
    return Const(None)


EVALUATION: dict[str, Operation] = {"backend.function": function, "backend.set_value": set_value}
