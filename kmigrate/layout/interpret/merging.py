"""Layers and functions that take several tensors."""

from __future__ import annotations

import ast

from kmigrate.layout.dims import Dim
from kmigrate.layout.interpret.axis_layers import AxisLayers
from kmigrate.layout.interpret.state import short
from kmigrate.layout.values import (
    Array,
    Layer,
    Seq,
    Value,
)

MERGE_LAYERS = {
    "Add": "add", "Multiply": "multiply", "Average": "average", "Maximum": "maximum", "Minimum": "minimum",
    "Subtract": "subtract",
}  # fmt: skip
MERGE_FUNCTIONS = {name.lower(): name for name in MERGE_LAYERS} | {"concatenate": "Concatenate"}


class Merging(AxisLayers):
    """Sums, products and concatenations of tensors."""

    def _merge_layer(self, layer: Layer, value: Seq, expr: ast.expr, node: ast.expr) -> Value:
        name = layer.api.name
        call = layer.place.node
        assert isinstance(call, ast.Call)
        if name == "Concatenate":
            return self.concatenate_tensors(value, expr, layer.values.get("axis"), call, node, "axis")
        if name in MERGE_LAYERS:
            return self.merge_tensors(value, expr, node)
        return self.opaque([(value, expr)], node, f"`{layer.api.spelled}` of several tensors")

    def merge_tensors(self, value: Seq, expr: ast.expr, node: ast.expr) -> Value:
        arrays = [i for i in value.items if isinstance(i, Array)]
        if len(arrays) != len(value.items) or not arrays:
            return self.opaque([(value, expr)], node, f"the inputs of `{short(node)}` are not known tensors")
        for other in arrays[1:]:
            self.join_axes(arrays[0], other, node)
        for array in arrays:
            self.features_seen(array, f"`{short(node)}` combines flattened features", node)
        result = Array(arrays[0].node, arrays[0].ref, "tensor", self.place(node))
        result.sources = tuple(arrays)
        return result

    def concatenate_tensors(
        self,
        value: Value,
        expr: ast.expr,
        axis: tuple[Value, ast.expr] | None,
        call: ast.Call,
        node: ast.expr,
        keyword: str,
    ) -> Value:
        arrays = [i for i in value.items if isinstance(i, Array)] if isinstance(value, Seq) else []
        if not arrays or not isinstance(value, Seq) or len(arrays) != len(value.items):
            return self.opaque([(value, expr)], node, f"the inputs of `{short(node)}` are not known tensors")
        main = arrays[0]
        for other in arrays[1:]:
            self.join_axes(main, other, node)
        if main.axes is None:
            return self.opaque([(value, expr)], node, f"`{short(node)}` joins tensors of unknown rank")
        for array in arrays:
            self.features_seen(array, f"`{short(node)}` joins flattened features", node)
        index = self.special_axis(main, axis, call, keyword)
        if index is None:
            return self.opaque([(value, expr)], node, f"the axis of `{short(node)}` is not known")
        axes = list(main.axes)
        sizes = [a.axes[index].size for a in arrays if a.axes is not None and len(a.axes) == len(axes)]
        numbers = [s.value for s in sizes if s is not None and s.value is not None]
        total = Dim(sum(numbers)) if len(numbers) == len(arrays) else self.name_of("concatenated", node)
        axes[index] = axes[index].resized(total)
        result = self.tensor(axes, node, main.node)
        result.sources = tuple(arrays)
        return result
