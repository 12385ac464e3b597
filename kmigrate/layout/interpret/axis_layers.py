"""Layers that name an axis, and activations."""

from __future__ import annotations

import ast
from collections.abc import Callable

from kmigrate.layout.axes import (
    channel_at,
    letters,
    moves,
    order_to_last,
)
from kmigrate.layout.interpret.calls import Call
from kmigrate.layout.interpret.making_layers import MakingLayers
from kmigrate.layout.interpret.state import CannotEdit, short
from kmigrate.layout.values import (
    Array,
    Const,
    Function,
    Layer,
    Method,
    Module,
    Value,
)
from kmigrate.plan import Edit

# Activations that work number by number; softmax works along the last axis.
PLAIN_ACTIVATIONS = frozenset(
    [
        "relu",
        "sigmoid",
        "tanh",
        "linear",
        "elu",
        "selu",
        "softplus",
        "softsign",
        "hard_sigmoid",
        "exponential",
        "gelu",
        "swish",
        "silu",
        "relu6",
        "leaky_relu",
        "hard_silu",
        "hard_swish",
        "mish",
        "log_sigmoid",
    ]
)


class AxisLayers(MakingLayers):
    """Normalisation, softmax, activations, PReLU."""

    def special_axis(self, x: Array, axis: tuple[Value, ast.expr] | None, call: ast.Call, keyword: str) -> int | None:
        """The axis that an operation works along (default: the last); what names it follows a flip."""
        axes = x.axes
        if axes is None:
            self.veto(call, f"`{short(call)}` works on a tensor of unknown rank")
            return None
        rank = len(axes)
        if axis is not None:
            numbers = self.axis_list(axis[0], axis[1], rank)
            if numbers is None or len(numbers) != 1:
                self.graph.pin(x.node, self.because(f"the axis of `{short(call)}` is not known", call))
                return None
            index, item, expr = numbers[0]
            self.axis_use(expr, item, x.node, x.ref, index)
        else:
            index = rank - 1

            def make(flipped: Callable[[int], bool]) -> list[Edit]:
                if not flipped(x.node) or not moves(axes):
                    return []
                new = order_to_last(axes).index(index)
                if new == rank - 1:
                    return []
                if keyword == "":
                    raise CannotEdit([], f"`{short(call)}` works along the last axis and takes no other")
                reason = f"the last axis of {letters(axes)} is not the channel: it is axis {new} then"
                return [self.edit(call, "axis_number", "KM103", {"keyword": keyword, "value": new}, reason)]

            self.site([x.node], call, make, cost=0.5)
        self.event("along", x, call, [axes[index]])
        if len(axes) > 2:

            def rule() -> None:
                if moves(axes) and index != channel_at(axes):
                    where = f"{axes[index].label} of {letters(axes)}"
                    text = f"`{short(call)}` works along {where}: kept, but it looks like a bug"
                    self.note(call, "KM151", text)

            self.later(rule)
        return index

    def _normalization(self, layer: Layer, x: Array, expr: ast.expr, node: ast.expr) -> Value:
        mode = layer.values.get("mode")
        call = layer.place.node
        assert isinstance(call, ast.Call)
        if mode is not None and not (isinstance(mode[0], Const) and mode[0].value in (0, 2)):
            self.graph.pin(x.node, self.because("`mode` is not 0 or 2", node))
        self.special_axis(x, layer.values.get("axis"), call, "axis")
        return Array(x.node, x.ref, "tensor", self.place(node))

    def _activation(self, layer: Layer, x: Array, expr: ast.expr, node: ast.expr) -> Value:
        given = layer.values.get("activation")
        return x if given is None else self.activate(given, x, node)

    def activate(self, given: tuple[Value, ast.expr], x: Array, node: ast.expr) -> Array:
        """An activation, by name, by function or by a function of the program."""
        value, expr = given
        name = value.value if isinstance(value, Const) else None
        if isinstance(value, Module):
            name = value.dotted.rsplit(".", 1)[-1]
        if name is None and isinstance(value, Const):
            return x
        if isinstance(name, str) and name in PLAIN_ACTIVATIONS:
            return Array(x.node, x.ref, "tensor", self.place(node), sources=(x,))
        if name in ("softmax", "log_softmax"):
            call = node if isinstance(node, ast.Call) else ast.Call(func=expr, args=[], keywords=[])
            ast.copy_location(call, node)
            self.special_axis(x, None, call, "")
            return Array(x.node, x.ref, "tensor", self.place(node), sources=(x,))
        if isinstance(value, Function | Method):
            inner = Array(x.node, x.ref, "graph", self.place(node))
            made = self.call(value, Call(self._as_call(expr), [(inner, expr)], {}, False))
            if (
                isinstance(made, Array)
                and made.axes is not None
                and x.axes is not None
                and len(made.axes) == len(x.axes)
            ):
                return Array(made.node, made.ref, "tensor", self.place(node), sources=(x,))
        if isinstance(value, Layer):
            applied = self.apply(value, x, expr, node)
            if isinstance(applied, Array):
                return applied
        why = f"the activation `{short(expr)}` is not understood"
        self.graph.pin(x.node, self.because(why, expr))
        return Array(x.node, x.ref, "tensor", self.place(node))

    def _prelu(self, layer: Layer, x: Array, expr: ast.expr, node: ast.expr) -> Value:
        shared = layer.values.get("shared_axes")
        if shared is not None and x.axes is not None:
            numbers = self.axis_list(*shared, len(x.axes))
            negative = any(isinstance(v, Const) and v.value < 0 for _, v, _ in numbers or ())
            if numbers is None or negative:  # Keras counts negative ones from another end than all others
                self.graph.pin(x.node, self.because("`shared_axes` are not known or negative", node))
                numbers = None
            self.event("shared", x, node, [x.axes[index] for index, _, _ in numbers or ()])
            for index, item, e in numbers or ():
                self.axis_use(e, item, x.node, x.ref, index)
        return Array(x.node, x.ref, "tensor", self.place(node))

    def _activated(self, layer: Layer, made: Array, node: ast.expr) -> Array:
        given = layer.values.get("activation")
        return made if given is None else self.activate(given, made, node)
