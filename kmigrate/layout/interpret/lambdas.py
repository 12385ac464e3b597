"""Lambda layers and merges by a function: the function is entered with the tensors."""

from __future__ import annotations

import ast

from kmigrate.layout.axes import Contradiction
from kmigrate.layout.interpret.barriers import Barriers
from kmigrate.layout.interpret.calls import Call
from kmigrate.layout.values import Array, Const, Dict, Function, Layer, Method, Module, Seq, Unknown, Value

Given = tuple[Value, ast.expr]


class Lambdas(Barriers):
    """Layers whose work is a function of the program or of a library."""

    def _lambda(self, layer: Layer, x: Value, expr: ast.expr, node: ast.expr) -> Value:
        given, extra = layer.values.get("function"), layer.values.get("arguments")
        keywords = self._arguments(extra)
        if given is None or keywords is None:
            return self._opaque_lambda(layer, x, expr, node)
        made = self.by_function(given, x, keywords, layer.values.get("output_shape"), layer.api.spelled, node)
        return self._opaque_lambda(layer, x, expr, node) if made is None else made

    @staticmethod
    def _arguments(extra: Given | None) -> dict[str, Given] | None:
        """``arguments={'n': 2}`` as keyword arguments; None where they are not known."""
        if extra is None or (isinstance(extra[0], Const) and extra[0].value is None):
            return {}
        value, expr = extra
        if not isinstance(value, Dict) or not all(isinstance(k, str) for k in value.items):
            return None
        return {str(name): (item, expr) for name, item in value.items.items()}

    def by_function(
        self, function: Given, x: Value, keywords: dict[str, Given], shape: Given | None, name: str, node: ast.expr
    ) -> Array | None:
        """What a function makes of a tensor or of a list of them; None where it is not understood."""
        value, at = function
        if not isinstance(value, Function | Method | Module):
            return None
        tensors = [i for i in x.items if isinstance(i, Array)] if isinstance(x, Seq) else [x]
        if not tensors or (isinstance(x, Seq) and len(tensors) != len(x.items)):
            return None
        inner: list[Value] = [Array(t.node, t.ref, "graph", self.place(node)) for t in tensors if isinstance(t, Array)]
        operand: Value = Seq("list", inner) if isinstance(x, Seq) else inner[0]
        if keywords:
            self.spread.add(self.place(next(iter(keywords.values()))[1]).key)
        made = self.call(value, Call(self._as_call(at), [(operand, at)], keywords, False))
        if isinstance(made, Seq) and made.fixed and len(made.items) == 1:  # a layer gives the only tensor of a list
            made = made.items[0]
        if not isinstance(made, Array):
            return None
        result = Array(made.node, made.ref, "tensor", self.place(node))
        result.sources = tuple(t for t in tensors if isinstance(t, Array))
        if shape is not None and not (isinstance(shape[0], Const) and shape[0].value is None):
            self._said_shape(shape, x, result, name, node)
        return result

    def _said_shape(self, given: Given, x: Value, result: Array, name: str, node: ast.expr) -> None:
        """``output_shape``: without the batch, or a function from the input's shape to the output's."""
        value, expr = given
        whole = isinstance(value, Function | Method)
        if whole:
            tensors = [i for i in x.items if isinstance(i, Array)] if isinstance(x, Seq) else [x]
            shapes = [self.shape_of(t, expr) for t in tensors if isinstance(t, Array)]
            operand = Seq("list", shapes) if isinstance(x, Seq) else shapes[0]
            value = self.call(value, Call(self._as_call(expr), [(operand, expr)], {}, False))
        seq = self.as_shape(value, expr)
        axes = result.axes
        if seq is None or seq.axes is None or axes is None or len(seq.axes) != len(axes) - (0 if whole else 1):
            self.pin_if_moving(result, f"`output_shape` of `{name}` is computed in a way that is not followed", node)
            if isinstance(value, Seq):
                self.leak(value, expr, f"`output_shape` of `{name}`")
            return
        try:
            self.graph.same_roles(seq.axes, axes if whole else axes[1:])
            self.tie_shape(seq, result.node, expr)
        except Contradiction:
            self.graph.pin(result.node, self.because("`output_shape` does not fit", node, "KM902"))

    def _opaque_lambda(self, layer: Layer, x: Value, expr: ast.expr, node: ast.expr) -> Value:
        if isinstance(x, Array):
            return self._opaque_layer(layer, x, expr, node)
        made = self.opaque([(x, expr)], node, f"`{layer.api.spelled}` of several tensors")
        return made if isinstance(made, Array | Unknown) else self.tensor(None, node)
