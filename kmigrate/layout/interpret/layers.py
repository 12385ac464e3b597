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
from kmigrate.layout.dims import ONE
from kmigrate.layout.graph import AxesRef
from kmigrate.layout.interpret.along_operations import per_axis
from kmigrate.layout.interpret.barriers import RECURRENT
from kmigrate.layout.interpret.calls import Call
from kmigrate.layout.interpret.lambdas import Lambdas
from kmigrate.layout.interpret.making_layers import LAYOUT_LAYERS
from kmigrate.layout.interpret.rows import is_one
from kmigrate.layout.interpret.sizes import behind
from kmigrate.layout.interpret.state import dim_of, short
from kmigrate.layout.values import (
    Array,
    Const,
    Layer,
    Model,
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
    ]
)


class Layers(Lambdas):
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
        value = self.within(value, expr)
        if isinstance(value, Seq):
            several = self._lambda if name == "Lambda" else self._merge_layer
            made = several(layer, value, expr, node)
            if isinstance(made, Array):
                made.maker = layer
            return made
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
            self._noise_shape(layer, x, node)
            return Array(x.node, x.ref, "tensor", self.place(node))
        special = {
            "Activation": self._activation, "BatchNormalization": self._normalization, "Softmax": self._normalization,
            "LayerNormalization": self._normalization, "GroupNormalization": self._normalization,
            "UnitNormalization": self._normalization, "SReLU": self._prelu, "ParametricSoftplus": self._prelu,
            "MaxoutDense": self._features, "Highway": self._features, "TimeDistributedDense": self._dense,
            "Flatten": self._flatten, "Reshape": self._reshape,
            "Permute": self._permute, "Dense": self._dense, "RepeatVector": self._repeat, "Lambda": self._lambda,
            "TimeDistributed": self._time_distributed, "Embedding": self._embedding, "PReLU": self._prelu,
        }.get(name)  # fmt: skip
        if special is not None:
            return special(layer, x, expr, node)
        if name in RECURRENT or (name == "Bidirectional" and self._wraps_recurrent(layer)):
            return self._recurrent(layer, x, expr, node)
        return self._opaque_layer(layer, x, expr, node)

    def map_layer(self, layer: Layer, x: Array, node: ast.expr) -> Array:
        """A layer with a layout of its own, or a function of the backend that does what it does."""
        spatial, channels = LAYOUT_LAYERS[layer.api.name]
        if channels == "recurrent":
            return self._recurrent_map(layer, x, node)
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
            self.goal(x.node, self.because(why, layer.place, "KM101"))
        axes = x.axes
        assert axes is not None
        self.event(layer.api.name, x, node)
        if channels == "unchanged":
            return Array(x.node, x.ref, "tensor", self.place(node))
        at = 1 if first else len(axes) - 1
        new = list(axes)
        if channels == "global":
            return self._global(layer, x, at, node)
        if channels == "local":
            self.pin_if_moving(x, f"the kernel of `{layer.api.spelled}` has a place for each number of a patch", node)
        for k, label in enumerate(labels):
            i = k + (2 if first else 1)
            size = behind(layer, axes[i].size, k, spatial)
            new[i] = Axis(label, size or self.name_of(f"{label}", node))
        if channels in ("new", "local"):
            filters = layer.values.get("filters")
            size = self.size_of(filters[0]) if filters else None
            new[at] = Axis(CHANNEL, size or self.name_of("filters", node))
        elif channels == "multiplied":
            new[at] = Axis(CHANNEL, self.name_of("channels", node))
        made = self.tensor(new, node, x.node)
        if "output_shape" in layer.values:
            if isinstance(layer.values["output_shape"][0], Seq) and len(new) == len(
                layer.values["output_shape"][0].items
            ):
                for axis, item in zip(new[1:], layer.values["output_shape"][0].items[1:], strict=True):
                    axis.size = dim_of(item) or axis.size
            self._stated_shape(layer.values["output_shape"], made, node)
        return self._activated(layer, made, node)

    def _global(self, layer: Layer, x: Array, at: int, node: ast.expr) -> Array:
        """Only the batch and the channels are left, or axes of length 1 too."""
        axes = x.axes or []
        keep = layer.values.get("keepdims")
        if keep is None or (isinstance(keep[0], Const) and not keep[0].value):
            return self.tensor([axes[0], axes[at]], node, x.node)
        if not isinstance(keep[0], Const):
            return self._unknown_layer(x, f"`keepdims` of `{layer.api.spelled}`", node)
        kept = [a if i in (0, at) else a.resized(ONE) for i, a in enumerate(axes)]
        return self.tensor(kept, node, x.node)

    def _unknown_layer(self, x: Array, why: str, node: ast.expr) -> Array:
        self.graph.pin(x.node, self.because(why, node))
        made = self.tensor(None, node)
        self.graph.pin(made.node, self.because(why, node))
        return made

    def _noise_shape(self, layer: Layer, x: Array, node: ast.expr) -> None:
        """``noise_shape``: a number for each axis, the batch among them."""
        given = layer.values.get("noise_shape")
        if given is None or (isinstance(given[0], Const) and given[0].value is None):
            return
        if x.axes is None or per_axis(self, x, *given, node, "noise along", is_one) is None:  # type: ignore[arg-type]
            self.pin_if_moving(x, "`noise_shape` names axes", node)

    def _recurrent_map(self, layer: Layer, x: Array, node: ast.expr) -> Array:
        """ConvLSTM2D: maps in steps; the last one or all of them come out."""
        first, setting, why = self.setting(layer)
        layer.setting = setting
        order = [BATCH, "T", CHANNEL, "H", "W"] if first else [BATCH, "T", "H", "W", CHANNEL]
        sequences, state = layer.values.get("return_sequences"), layer.values.get("return_state")
        plain = all(
            name not in layer.values or isinstance(layer.values[name][0], Const)
            for name in ("activation", "recurrent_activation", "return_sequences")
        )
        if not self.conform(x, order, layer, node) or not plain or (state is not None):
            return self._unknown_layer(x, f"`{layer.api.spelled}` is not understood in this form", node)
        self.graph.tie(x.node, setting)
        self._kernel_arguments(layer, x, node)
        if first:
            self.goal(x.node, self.because(why, layer.place, "KM101"))
        self.event(layer.api.name, x, node)
        axes = list(x.axes or [])
        for k, label in enumerate(("H", "W")):
            i = order.index(label)
            axes[i] = Axis(label, behind(layer, axes[i].size, k, 2) or self.name_of(label, node))
        filters = layer.values.get("filters")
        size = self.size_of(filters[0]) if filters else None
        axes[order.index(CHANNEL)] = Axis(CHANNEL, size or self.name_of("filters", node))
        every = sequences is not None and isinstance(sequences[0], Const) and bool(sequences[0].value)
        return self.tensor(axes if every else [axes[0], *axes[2:]], node, x.node)

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

    def through_model(self, model: Model, values: list[Value], expr: ast.expr, node: ast.expr) -> Value:
        raise NotImplementedError

    def _time_distributed(self, layer: Layer, x: Array, expr: ast.expr, node: ast.expr) -> Value:
        inner = layer.values.get("layer")
        if inner is None or not isinstance(inner[0], Layer | Model) or x.axes is None or len(x.axes) < 3:
            return self._opaque_layer(layer, x, expr, node)
        axes = x.axes

        def rule() -> None:
            if moves(axes) and channel_at(axes) == 1:
                self.graph.pin(x.node, self.because(f"`{layer.api.spelled}` takes the channels for steps", node))

        self.later(rule)
        step = Array(x.node, AxesRef([axes[0], *axes[2:]]), "tensor", self.place(node))
        self.step_axes += 1
        if isinstance(inner[0], Model):
            made = self.through_model(inner[0], [step], expr, node)
        else:
            made = self._applied(inner[0], inner[0].api.name, step, expr, node)
        self.step_axes -= 1
        if not isinstance(made, Array) or made.axes is None:
            return self._opaque_layer(layer, x, expr, node)
        return self.tensor([x.axes[0], x.axes[1], *made.axes[1:]], node, made.node)
