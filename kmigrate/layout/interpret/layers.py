"""Applying Keras layers: what each does to the axes of its input."""

from __future__ import annotations

import ast

from kmigrate.layout.axes import (
    BATCH,
    CHANNEL,
    SPATIAL,
    Axis,
    Contradiction,
    channel_at,
    moves,
)
from kmigrate.layout.dims import Dim
from kmigrate.layout.graph import AxesRef
from kmigrate.layout.interpret.barriers import RECURRENT, Barriers
from kmigrate.layout.interpret.calls import Call
from kmigrate.layout.interpret.making_layers import LAYOUT_LAYERS
from kmigrate.layout.interpret.shapes import dim_of
from kmigrate.layout.interpret.state import short
from kmigrate.layout.values import (
    Array,
    Const,
    Layer,
    Seq,
    Tool,
    Unknown,
    Value,
)

# Layers without a layout: every number for itself.
ELEMENTWISE_LAYERS = frozenset(
    [
        "Dropout",
        "GaussianNoise",
        "GaussianDropout",
        "AlphaDropout",
        "ActivityRegularization",
        "LeakyReLU",
        "ELU",
        "ReLU",
        "ThresholdedReLU",
        "Masking",
        "SReLU",
        "ParametricSoftplus",
    ]
)


class Layers(Barriers):
    """Dispatch to the kinds of layers; convolutions, pooling and padding."""

    def apply_layer_call(self, layer: Layer, call: Call) -> Value:
        """``layer(x)``."""
        given = call.get(0, "inputs", "x")
        if given is None or call.star:
            return self.opaque(call.all(), call.node, f"`{short(call.node)}`")
        return self.apply(layer, given[0], given[1], call.node)

    def apply(self, layer: Layer, value: Value, expr: ast.expr, node: ast.expr) -> Value:
        """One application. ``expr`` is the input's expression and ``node`` what makes the output."""
        name = layer.api.name
        if isinstance(value, Seq):
            return self._merge_layer(layer, value, expr, node)
        x = value if isinstance(value, Array) else None
        if x is None:
            x = self.unknown_tensor(value, expr, node, f"the input of `{layer.api.spelled}` is not a known tensor")
        result = self._applied(layer, name, x, expr, node)
        if isinstance(result, Array):
            result.maker = layer
            result.sources = (x,)
            self.touch(layer)
            layer.calls.append((x, result))
        return result

    def unknown_tensor(self, value: Value, expr: ast.expr, node: ast.expr, why: str) -> Array:
        """A tensor that was made by what is not understood: it stays as it is, whatever is applied to it."""
        if isinstance(value, Unknown) and value.array is not None:
            return value.array
        made = self.opaque([(value, expr)], node, why)
        tensor = self.tensor(None, node)
        self.graph.pin(tensor.node, self.because(made.why if isinstance(made, Unknown) else why, node))
        if isinstance(value, Unknown):
            value.array = tensor
        return tensor

    def _applied(self, layer: Layer, name: str, x: Array, expr: ast.expr, node: ast.expr) -> Value:
        if name in LAYOUT_LAYERS:
            return self.map_layer(layer, x, node)
        if name in ELEMENTWISE_LAYERS:
            if layer.values.get("noise_shape"):
                self.pin_if_moving(x, "`noise_shape` names axes", node)
            return Array(x.node, x.ref, "tensor", self.place(node))
        special = {
            "Activation": self._activation, "BatchNormalization": self._normalization, "Softmax": self._normalization,
            "LayerNormalization": self._normalization, "Flatten": self._flatten, "Reshape": self._reshape,
            "Permute": self._permute, "Dense": self._dense, "RepeatVector": self._repeat, "Lambda": self._lambda,
            "TimeDistributed": self._time_distributed, "Embedding": self._embedding, "PReLU": self._prelu,
        }.get(name)  # fmt: skip
        if special is not None:
            return special(layer, x, expr, node)
        if name in RECURRENT or (name == "Bidirectional" and self._wraps_recurrent(layer)):
            return self._recurrent(layer, x, expr, node)
        return self._opaque_layer(layer, x, expr, node)

    def map_layer(self, layer: Layer, x: Array, node: ast.expr) -> Array:
        spatial, channels = LAYOUT_LAYERS[layer.api.name]
        first, setting, why = self.setting(layer)
        layer.setting = setting
        labels = SPATIAL[3 - spatial :]
        order = [BATCH, CHANNEL, *labels] if first else [BATCH, *labels, CHANNEL]
        if not self.conform(x, order, layer, node):
            made = self.tensor(None, node)
            self.graph.pin(
                made.node, self.because(f"the input of `{layer.api.spelled}` has another layout", node, "KM902")
            )
            return made
        self.graph.tie(x.node, setting)
        self._kernel_arguments(layer, x, node)
        if first:
            self.graph.goal(x.node, self.because(why, layer.place, "KM101"))
        axes = x.axes
        assert axes is not None
        self.event(layer.api.name, x, node)
        if channels == "unchanged":
            return Array(x.node, x.ref, "tensor", self.place(node))
        at = 1 if first else len(axes) - 1
        new = list(axes)
        if channels == "global":
            if layer.values.get("keepdims"):
                self.graph.pin(x.node, self.because("`keepdims` of a global pooling", node))
            return self.tensor([axes[0], axes[at]], node, x.node)
        for k, label in enumerate(labels):
            i = k + (2 if first else 1)
            size = self._spatial_size(layer, axes[i].size, k, channels)
            new[i] = Axis(label, size or self.name_of(f"{label}", node))
        if channels == "new":
            filters = layer.values.get("filters")
            size = dim_of(filters[0]) if filters else None
            new[at] = Axis(CHANNEL, size or self.name_of("filters", node))
        elif channels == "multiplied":
            new[at] = Axis(CHANNEL, self.name_of("channels", node))
        made = self.tensor(new, node, x.node)
        if "output_shape" in layer.values:
            self._stated_shape(layer.values["output_shape"], made, node)
        return self._activated(layer, made, node)

    def _stated_shape(self, given: tuple[Value, ast.expr], made: Array, node: ast.expr) -> None:
        """The output shape of Deconvolution2D, with the batch."""
        seq = self.as_shape(*given)
        try:
            if seq is None or seq.axes is None or made.axes is None:
                raise Contradiction("not known")
            if len(seq.axes) != len(made.axes):
                raise Contradiction("another rank")
            self.graph.same_roles(seq.axes, made.axes)
            self.tie_shape(seq, made.node, given[1])
        except Contradiction:
            self.graph.pin(made.node, self.because(f"`output_shape={short(given[1])}` is not understood", node))

    def _kernel_arguments(self, layer: Layer, x: Array, node: ast.expr) -> None:
        """Kernels of Keras 1 lie like the maps: what sees a kernel's axes or numbers stays (docs/facts.md, 4)."""
        if "weights" in layer.values:
            self.pin_if_moving(x, f"`weights` of `{layer.api.spelled}` are laid out as the old kernels", node)
        if not self.keras1():
            return
        for name in ("kernel_constraint", "depthwise_constraint", "pointwise_constraint", "kernel_initializer"):
            given = layer.values.get(name)
            if given is None:
                continue
            value = given[0]
            plain = value.value if isinstance(value, Const) else value.name if isinstance(value, Tool) else ""
            if plain in (None, "nonneg", "NonNeg", "non_neg") or (
                name.endswith("initializer") and isinstance(value, Const)
            ):
                continue
            self.pin_if_moving(x, f"`{short(given[1])}` sees the axes of the kernel, which change in Keras 1", node)

    def _spatial_size(self, layer: Layer, size: Dim | None, k: int, channels: str) -> Dim | None:
        """The size of one spatial axis behind the layer, where it is known as a number."""
        name = layer.api.name
        if size is None or size.value is None:
            return None
        if "Transpose" in name or name.startswith(("ZeroPadding", "Cropping")):
            return None
        if name.startswith("UpSampling"):
            factor = self._number(layer, "size", k, 2)
            return None if factor is None else Dim(size.value * factor)
        padding = layer.values.get("padding")
        mode = "valid" if padding is None else (padding[0].value if isinstance(padding[0], Const) else None)
        window = self._number(layer, "pool_size" if channels == "same" else "kernel_size", k, 2)
        stride = self._number(layer, "strides", k, window if channels == "same" else 1)
        if window is None or stride is None or mode not in ("valid", "same") or "dilation_rate" in layer.values:
            return None
        span = size.value if mode == "same" else size.value - window + 1
        return Dim(-(-span // stride)) if span > 0 else None

    @staticmethod
    def _number(layer: Layer, name: str, k: int, default: int | None) -> int | None:
        given = layer.values.get(name)
        if given is None or (isinstance(given[0], Const) and given[0].value is None):
            return default
        value = given[0]
        if isinstance(value, Seq) and k < len(value.items):
            value = value.items[k]
        return value.value if isinstance(value, Const) and isinstance(value.value, int) else None

    def _time_distributed(self, layer: Layer, x: Array, expr: ast.expr, node: ast.expr) -> Value:
        inner = layer.values.get("layer")
        if inner is None or not isinstance(inner[0], Layer) or x.axes is None or len(x.axes) < 3:
            return self._opaque_layer(layer, x, expr, node)
        axes = x.axes

        def rule() -> None:
            if moves(axes) and channel_at(axes) == 1:
                self.graph.pin(x.node, self.because(f"`{layer.api.spelled}` takes the channels for steps", node))

        self.later(rule)
        step = Array(x.node, AxesRef([axes[0], *axes[2:]]), "tensor", self.place(node))
        self.step_axes += 1
        made = self._applied(inner[0], inner[0].api.name, step, expr, node)
        self.step_axes -= 1
        if not isinstance(made, Array) or made.axes is None:
            return self._opaque_layer(layer, x, expr, node)
        return self.tensor([x.axes[0], x.axes[1], *made.axes[1:]], node, made.node)
