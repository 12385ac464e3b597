"""Layers and functions that take several tensors."""

from __future__ import annotations

import ast

from kmigrate.layout.axes import Axis
from kmigrate.layout.dims import Dim
from kmigrate.layout.interpret.axis_layers import AxisLayers
from kmigrate.layout.interpret.state import short
from kmigrate.layout.values import (
    Array,
    Const,
    Layer,
    Seq,
    Value,
)

MERGE_LAYERS = {
    "Add": "add", "Multiply": "multiply", "Average": "average", "Maximum": "maximum", "Minimum": "minimum",
    "Subtract": "subtract",
}  # fmt: skip
MERGE_FUNCTIONS = {name.lower(): name for name in MERGE_LAYERS} | {"concatenate": "Concatenate"}


Given = tuple[Value, ast.expr]


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
        if name == "Dot":
            return self.merge_features(value, expr, node)
        if name == "Merge":
            values = {**layer.values}
            return self.merge_by_mode(value, expr, values.get("mode"), values.get("axis"), values.get("output_shape"),
                                      call, node)  # fmt: skip
        return self.opaque([(value, expr)], node, f"`{layer.api.spelled}` of several tensors")

    def merge_by_mode(
        self, value: Value, expr: ast.expr, mode: Given | None, axis: Given | None, shape: Given | None,
        call: ast.Call, node: ast.expr,
    ) -> Value:  # fmt: skip
        """Keras 1: ``merge([a, b], mode='concat', concat_axis=1)`` and the Merge layer."""
        kind = mode[0].value if mode is not None and isinstance(mode[0], Const) else ("sum" if mode is None else None)
        if not isinstance(value, Seq):
            return self.opaque([(value, expr)], node, f"the inputs of `{short(node)}` are not known tensors")
        if kind == "concat":
            return self.concatenate_tensors(value, expr, axis, call, node, "concat_axis")
        if kind in ("sum", "mul", "ave", "max"):
            return self.merge_tensors(value, expr, node)
        if kind in ("dot", "cos"):
            return self.merge_features(value, expr, node)
        made = None if mode is None or kind is not None else self.by_function(mode, value, {}, shape, "merge", node)
        return made or self.opaque([(value, expr)], node, f"`{short(node)}`")

    def merge_features(self, value: Value, expr: ast.expr, node: ast.expr) -> Value:
        """Products of rows of features: one number for each sample."""
        arrays = [i for i in value.items if isinstance(i, Array)] if isinstance(value, Seq) else []
        known = all(a.axes is not None and len(a.axes) == 2 for a in arrays)
        if not isinstance(value, Seq) or len(arrays) != len(value.items) or not arrays or not known:
            return self.opaque([(value, expr)], node, f"the inputs of `{short(node)}` are not known rows of features")
        for array in arrays:
            self.pin_if_moving(array, f"`{short(node)}` multiplies features", node)
        first = arrays[0].axes or []
        result = self.tensor([first[0], Axis()], node)
        result.sources = tuple(arrays)
        return result

    def by_function(
        self, function: Given, x: Value, keywords: dict[str, Given], shape: Given | None, name: str, node: ast.expr
    ) -> Array | None:
        raise NotImplementedError

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
