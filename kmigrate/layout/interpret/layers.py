"""Keras layers: what each does to the axes of its input."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from kmigrate.keras_api.names import Api
from kmigrate.keras_api.signatures import LITERAL_LAST, Bound, bind, parameters, renamed, spelled_parameter
from kmigrate.keras_api.tables import RELEASES
from kmigrate.layout.axes import (
    BATCH,
    CHANNEL,
    SPATIAL,
    Axes,
    Axis,
    Contradiction,
    channel_at,
    channel_inside,
    letters,
    memory_order,
    moves,
    order_to_last,
    size_of,
    unify_roles,
)
from kmigrate.layout.dims import Dim
from kmigrate.layout.graph import AxesRef
from kmigrate.layout.interpret.arrays import dim_of
from kmigrate.layout.interpret.calls import Call, Calls
from kmigrate.layout.interpret.expressions import FIRST_NAMES, OTHER_NAME
from kmigrate.layout.interpret.state import BEFORE_FLATTEN, short
from kmigrate.layout.values import (
    Array,
    Const,
    Function,
    Layer,
    Method,
    Model,
    Module,
    OrderingName,
    Pair,
    Seq,
    SymInt,
    Tool,
    Unknown,
    Value,
)
from kmigrate.plan import Edit

# Layers with a layout of their own -> (spatial axes, what happens to the channels).
LAYOUT_LAYERS: dict[str, tuple[int, str]] = {
    **{f"Conv{n}D": (n, "new") for n in (1, 2, 3)},
    **{f"Conv{n}DTranspose": (n, "new") for n in (1, 2, 3)},
    **{f"SeparableConv{n}D": (n, "new") for n in (1, 2)},
    **{f"DepthwiseConv{n}D": (n, "multiplied") for n in (1, 2)},
    **{f"{kind}Pooling{n}D": (n, "same") for n in (1, 2, 3) for kind in ("Max", "Average")},
    **{f"Global{kind}Pooling{n}D": (n, "global") for n in (1, 2, 3) for kind in ("Max", "Average")},
    **{f"{kind}{n}D": (n, "same") for n in (1, 2, 3) for kind in ("ZeroPadding", "Cropping", "UpSampling")},
    **{f"SpatialDropout{n}D": (n, "unchanged") for n in (1, 2, 3)},
}
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
MERGE_LAYERS = {
    "Add": "add", "Multiply": "multiply", "Average": "average", "Maximum": "maximum", "Minimum": "minimum",
    "Subtract": "subtract",
}  # fmt: skip
MERGE_FUNCTIONS = {name.lower(): name for name in MERGE_LAYERS} | {"concatenate": "Concatenate"}
RECURRENT = frozenset(["LSTM", "GRU", "SimpleRNN", "CuDNNLSTM", "CuDNNGRU"])
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


class Layers(Calls):
    """Making layers and applying them."""

    generations: set[int]

    # -- making ------------------------------------------------------------------------------------

    def make_layer(self, api: Api, call: Call) -> Layer:
        bound = bind(api, call.node)
        if bound.generation:
            self.generations.add(bound.generation)
        by_node = {id(expr): value for value, expr in call.all()}
        values: dict[str, tuple[Value, ast.expr]] = {}
        for name, node in bound.args.items():
            if isinstance(node, tuple):
                parts: list[Value] = [by_node.get(id(n), Unknown("an argument")) for n in node]
                values[name] = (Seq("tuple", parts), node[0])
            elif id(node) in by_node:
                values[name] = (by_node[id(node)], node)
        written = {k.arg for k in call.node.keywords}
        for name, item in call.keywords.items():
            if name not in written:
                values[renamed(api, name)] = item
        return Layer(api, bound, values, self.place(call.node), self.ambient, call.node.func)

    def setting(self, layer: Layer) -> tuple[bool, int, str]:
        """Is the layer channels-first, the node of that setting, and why in words."""
        name = layer.api.spelled
        given = layer.values.get("data_format")
        rank = LAYOUT_LAYERS.get(layer.api.name, (2, ""))[0]
        if given is not None and not (isinstance(given[0], Const) and given[0].value in (None, "default")):
            value, expr = given
            if isinstance(value, Pair) and isinstance(value.now, Const):
                return (
                    value.now.value in FIRST_NAMES,
                    value.node,
                    f"`{name}`: its ordering depends on the setting",
                )
            if isinstance(value, OrderingName):
                return value.name in FIRST_NAMES, value.node, f"`{name}` follows the setting"
            if isinstance(value, Const) and value.value in OTHER_NAME:
                if value.origin is not None:
                    node = self.setting_node(value)
                else:
                    node = self.graph.node()
                    self.graph.pin(node, self.because("its ordering is computed", expr))
                return (
                    value.value in FIRST_NAMES,
                    node,
                    f"`{name}` at line {layer.place.line} is {value.value!r}",
                )
            node = self.graph.node()
            self.graph.pin(node, self.because(f"the ordering of `{name}` is not known: `{short(expr)}`", expr, "KM903"))
            return layer.ambient.first, node, f"`{name}` at line {layer.place.line}"
        if rank == 1 and layer.api.name in LITERAL_LAST and not self.known.version_is_3:
            node = self.graph.node()
            return False, node, f"`{name}` is channels-last by definition"
        ambient = layer.ambient
        if not self.graph.muted:
            self.uses_ambient.append(layer.place)
            self.implied_used |= ambient.implied
        if ambient.implied and self.known.separate_loaders:
            assert isinstance(layer.place.node, ast.Call)
            self.explicit_argument(layer.place.node, ambient.layers)
        why = "by default" if ambient.implied else "by the setting"
        if ambient.place is not None:
            why += f" at line {ambient.place.line}"
        return ambient.first, ambient.layers, f"`{name}` at line {layer.place.line} is channels-first {why}"

    def explicit_argument(self, call: ast.Call, node: int) -> None:
        """The call's own argument states the new ordering, whatever the ambient one is."""

        def make(flipped: Callable[[int], bool]) -> list[Edit]:
            if not flipped(node):
                return []
            args = {"keyword": "data_format", "value": "channels_last"}
            if self.keras1():
                args = {"keyword": "dim_ordering", "value": "tf"}
            reason = "the ordering is stated, for nothing in the file says it and versions differ"
            return [self.edit(call, "layout_setting", "KM101", args, reason)]

        self.site([node], call, make, cost=0.1)

    def layers_not_followed(self) -> None:
        """Layers that are made and never seen applied: what they do is not known, so their setting stays."""
        for layer in self.layers_made:
            if layer.setting is None and layer.api.name in LAYOUT_LAYERS:
                first, node, _ = self.setting(layer)
                if first:
                    text = f"`{layer.api.spelled}` is made here, but what it is applied to is not followed"
                    self.graph.pin(node, self.because(text, layer.place))
                    self.note(layer.place.node, "KM901", text)

    def keras1(self) -> bool:
        return 1 in self.generations or (self.known.version is not None and self.known.version.high < (2,))

    # -- applying ------------------------------------------------------------------------------------

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
            made = self.opaque([(value, expr)], node, f"the input of `{layer.api.spelled}` is not a known tensor")
            x = made if isinstance(made, Array) else self.tensor(None, node)
        result = self._applied(layer, name, x, expr, node)
        if isinstance(result, Array):
            result.maker = layer
            result.sources = (x,)
        return result

    def _applied(self, layer: Layer, name: str, x: Array, expr: ast.expr, node: ast.expr) -> Value:
        if name in LAYOUT_LAYERS:
            return self._layout_layer(layer, x, node)
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

    def _opaque_layer(self, layer: Layer, x: Array, expr: ast.expr, node: ast.expr) -> Value:
        why = f"`{layer.api.spelled}` is not understood yet"
        self.graph.pin(x.node, self.because(why, node))
        if "data_format" not in layer.values and takes_layout(layer.api):
            for setting in (layer.ambient.layers, layer.ambient.loaders):
                self.graph.pin(setting, self.because(f"{why}, and may follow the setting", node))
        made = self.tensor(None, node)
        self.graph.pin(made.node, self.because(why, node))
        return made

    def tensor(self, axes: Axes | None, node: ast.AST, at: int | None = None) -> Array:
        return self.new_array(axes, self.place(node), at, "tensor")

    # -- convolutions, pooling, padding -----------------------------------------------------------------

    def _layout_layer(self, layer: Layer, x: Array, node: ast.expr) -> Array:
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
        """Kernels of Keras 1 are laid out like the maps: what sees a kernel's axes or numbers stays (FACTS 4)."""
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

    def conform(self, x: Array, labels: Sequence[str], layer: Layer, node: ast.AST) -> bool:
        """The tensor has these axes; False (and a pin) where it cannot."""
        if x.axes is None:
            if not self.graph.muted:
                x.ref.bind([Axis(label) for label in labels])
            return x.axes is not None
        try:
            if len(x.axes) != len(labels):
                raise Contradiction(f"{len(labels)} axes wanted")
            if not self.graph.muted:
                for axis, label in zip(x.axes, labels, strict=True):
                    unify_roles(axis.role, type(axis.role)(label))
        except Contradiction:
            text = f"`{layer.api.spelled}` takes {' '.join(labels)} and gets {letters(x.axes)}: mixed layouts"
            self.graph.pin(x.node, self.because(text, node, "KM902"))
            if layer.setting is not None:
                self.graph.pin(layer.setting, self.because(text, node, "KM902"))
            return False
        return True

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

    # -- axis-carrying layers -------------------------------------------------------------------------------

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
                    raise self.cannot_edit(f"`{short(call)}` works along the last axis and takes no other")
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

            self.graph.later(rule)
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

    @staticmethod
    def _as_call(expr: ast.expr) -> ast.Call:
        call = ast.Call(func=expr, args=[], keywords=[])
        return ast.copy_location(call, expr)

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

    # -- barriers ---------------------------------------------------------------------------------------------

    def _flatten(self, layer: Layer, x: Array, expr: ast.expr, node: ast.expr) -> Value:
        axes = x.axes
        if axes is None:
            return self._opaque_layer(layer, x, expr, node)
        given = layer.values.get("data_format")
        setting = None
        if given is not None:
            _first, setting, _ = self.setting(layer)
        moved = self.flatten_moves(layer, given is not None, setting)
        inner = list(axes[1:])
        if moved and setting is not None:
            self.graph.tie(x.node, setting)
        if len(inner) < 2:
            return Array(x.node, x.ref, "tensor", self.place(node))
        if moved:
            size = size_of(inner)
            flat = self.tensor([axes[0], Axis(size=size, parts=tuple(inner))], node)
            # this Flatten puts the channel last itself, before and after: nothing to keep
            first_axes = (
                [axes[0], Axis(size=size, parts=tuple(inner[i] for i in order_to_last(inner)))] if moves(axes) else None
            )
            if first_axes is not None:
                flat = self.tensor(first_axes, node)
            self.event("flatten", flat, node)
            if layer.ambient.first and given is None:
                self.graph.tie(x.node, layer.ambient.layers)
            return flat
        return self._flat_features(layer, x, expr, node)

    def _flat_features(self, layer: Layer, x: Array, expr: ast.expr, node: ast.expr) -> Array:
        """All axes but the batch in one, in memory order: the policy for features applies (DESIGN 11)."""
        axes, ref = x.axes, x.ref
        assert axes is not None
        inner = list(axes[1:])
        flat = self.tensor([axes[0], Axis(size=size_of(inner), parts=tuple(inner))], node)
        self.event("flatten", flat, node)
        before = self.border(layer, expr, node, before=True)

        def rule() -> None:
            if moves(axes) and memory_order(axes, True) != memory_order(axes, False):
                self.soft(x.node, flat.node, BEFORE_FLATTEN, ref, before, f"`{layer.api.spelled}`", self.place(node))

        self.later(rule)
        self.flattens.append((flat, layer))
        return flat

    flattens: list[tuple[Array, Layer]]

    def flatten_moves(self, layer: Layer, explicit: bool, setting: int | None) -> bool:
        """Does this Flatten itself move the channel to the end (FACTS 5)?"""
        given = layer.values.get("data_format")
        name = given[0].value if given and isinstance(given[0], Const) else None
        _ = explicit, setting
        return bool(self._flatten_answer(name, layer.ambient.first))

    def _flatten_answer(self, name: str | None, ambient_first: bool) -> object | None:
        ambient = "channels_first" if ambient_first else "channels_last"
        return self.known.version.agree("flatten_moves_channels", name, ambient)

    def flatten_unclear(self, layer: Layer) -> bool:
        """Do the versions that are possible disagree on what this Flatten does?"""
        if layer.api.name != "Flatten":
            return False
        given = layer.values.get("data_format")
        name = given[0].value if given and isinstance(given[0], Const) else None
        return self._flatten_answer(name, layer.ambient.first) is None

    def border(self, layer: Layer, expr: ast.expr, node: ast.expr, before: bool) -> Any:
        """How a Permute layer is put before or behind a layer: a statement of its own, or a wrapped call."""
        statement = self.statement
        receiver = self.receiver
        indexed = self.current_model
        listed = self.listed
        steps = self.step_axes
        # One statement that adds several layers (in a loop, in a helper) has no place for one more.
        shared = statement is not None and (self.loops or self.context) and layer.place.node not in ast.walk(statement)

        def realise(flipped: bool, axes: list[Axis]) -> list[Edit] | None:
            perm = self.permutation(flipped, axes)
            if perm is None or perm[0] != 0 or (indexed is not None and indexed.indexed):
                return None
            dims = [*range(1, steps + 1), *(d + steps for d in perm[1:])]
            callee = self._permute_name(layer.callee)
            if callee is None:
                return None
            name, imports = callee
            reason = (
                f"`{layer.api.spelled}` keeps the order {letters(axes)} of its features"
                if before
                else f"{letters(axes)} comes out of `{layer.api.spelled}` and is moved"
            )
            text = f"{name}(({', '.join(map(str, dims))}))"
            if receiver is not None:
                if not isinstance(statement, ast.Expr) or shared:
                    return None
                where = "before" if before else "after"
                args: dict[str, Any] = {"where": where, "text": f"{receiver}.add({text})"}
                edit = self.edit(statement, "permute_layer", "KM106", args, reason, kind="stmt")
            elif isinstance(node, ast.Call) and node.args and node is not layer.place.node:
                target = expr if before else node
                edit = self.edit(target, "permute_layer", "KM106", {"callee": name, "dims": dims}, reason)
            elif listed is not None:
                display, index, count = listed
                at = index if before else index + 1
                args = {"at": f"{at:06}", "back": count - at, "text": text}
                edit = self.edit(display, "permute_layer", "KM106", args, reason)
            else:
                return None
            return [*imports, edit]

        return realise

    step_axes = 0  # axes between the batch and those of the layer, in TimeDistributed
    receiver: str | None = None
    listed: tuple[ast.List, int, int] | None = None  # the list of layers, the place in it, its length
    current_model: Model | None = None

    def _permute_name(self, callee: ast.expr) -> tuple[str, list[Edit]] | None:
        """What ``Permute`` is called where ``Flatten`` (or so) is called ``callee``, and the import it needs."""
        if isinstance(callee, ast.Attribute):
            return f"{ast.unparse(callee.value)}.Permute", []
        if not isinstance(callee, ast.Name):
            return None
        home = None
        for stmt in ast.walk(self.source.tree):
            if isinstance(stmt, ast.ImportFrom):
                for alias in stmt.names:
                    if alias.name == "Permute":
                        return alias.asname or "Permute", []
                    if alias.name == "*" and (stmt.module or "").startswith(
                        ("keras.layers", "tensorflow.keras.layers")
                    ):
                        return "Permute", []
                    if (alias.asname or alias.name) == callee.id:
                        home = stmt
        if home is None:
            return None
        reason = "the transpose at a border is a layer"
        return "Permute", [self.edit(home, "imports", "KM106", {"add": "Permute"}, reason)]

    def _reshape(self, layer: Layer, x: Array, expr: ast.expr, node: ast.expr) -> Value:
        shape = layer.values.get("target_shape")
        if shape is None or x.axes is None:
            return self._opaque_layer(layer, x, expr, node)
        seq = self.as_shape(*shape)
        if seq is None:
            return self._opaque_layer(layer, x, expr, node)
        if len(seq.items) == 1 and len(x.axes) > 2:
            return self._flat_features(layer, x, expr, node)
        before = self.border(layer, expr, node, before=True)
        after = self.border(layer, expr, node, before=False)
        source = x.axes
        result = self.reshape((x, expr), seq, node, before, after, keep_first=True, shape_expr=shape[1])
        if channel_inside(source) is not None:
            self.features_seen(x, f"`{layer.api.spelled}` takes flattened features", node)
        result.kind = "tensor"
        return result

    def pin_if_moving(self, x: Array, why: str, node: ast.AST) -> None:
        def rule() -> None:
            if moves(x.axes):
                self.graph.pin(x.node, self.because(why, node))

        self.graph.later(rule)

    def features_seen(self, x: Array, why: str, node: ast.AST) -> None:
        axes = x.axes

        def rule() -> None:
            if moves(axes) and axes is not None and channel_at(axes) is None:
                self.graph.pin(x.node, self.because(why, node, "KM153"))

        self.graph.later(rule)

    def _permute(self, layer: Layer, x: Array, expr: ast.expr, node: ast.expr) -> Value:
        dims = layer.values.get("dims")
        items = dims[0].items if dims and isinstance(dims[0], Seq) else None
        if items is None or not all(isinstance(i, Const) and isinstance(i.value, int) for i in items) or dims is None:
            return self._opaque_layer(layer, x, expr, node)
        display = dims[0].place.node if isinstance(dims[0], Seq) and dims[0].place else None
        if display not in list(ast.walk(layer.place.node)):
            return self._opaque_layer(layer, x, expr, node)

        def edit(new: list[int] | None, reason: str) -> list[Edit]:
            order = list(range(len(perm))) if new is None else new
            if order[0] != 0:
                raise self.cannot_edit("a Permute layer cannot move the batch")
            old = [i - 1 for i in perm[1:]]
            want = [i - 1 for i in order[1:]]
            args = {"order": [old.index(i) for i in want]}
            return [self.edit(display, "shape_order", "KM102", args, reason)]

        perm = [0, *(i.value for i in items)]  # type: ignore[attr-defined]
        call = layer.place.node
        assert isinstance(call, ast.Call)
        result = self.transpose((x, expr), perm, call, edit, base=1)
        if isinstance(result, Array):
            result.kind = "tensor"
        return result

    def _dense(self, layer: Layer, x: Array, expr: ast.expr, node: ast.expr) -> Value:
        units = layer.values.get("units")
        size = dim_of(units[0]) if units else None
        axes = x.axes
        if axes is None:
            x.ref.bind([Axis(BATCH), Axis()]) if not self.graph.muted else None
            axes = x.axes
            if axes is None:
                return self.tensor([Axis(BATCH), Axis(size=size)], node)
        ends = axes

        def rule() -> None:
            if channel_at(ends) is not None and moves(ends):
                text = f"`{layer.api.spelled}` works on the last axis of {letters(ends)}"
                self.graph.pin(x.node, self.because(text, node))

        self.graph.later(rule)
        self.event("Dense on", x, node, [axes[-1]])
        out = [*axes[:-1], Axis(size=size or self.name_of("units", node))]
        return self._activated(layer, self.tensor(out, node), node)

    def _activated(self, layer: Layer, made: Array, node: ast.expr) -> Array:
        given = layer.values.get("activation")
        return made if given is None else self.activate(given, made, node)

    def _repeat(self, layer: Layer, x: Array, expr: ast.expr, node: ast.expr) -> Value:
        if x.axes is None or len(x.axes) != 2:
            return self._opaque_layer(layer, x, expr, node)
        self.features_seen(x, "RepeatVector takes flattened features", node)
        return self.tensor([x.axes[0], Axis(), x.axes[1]], node)

    def _embedding(self, layer: Layer, x: Array, expr: ast.expr, node: ast.expr) -> Value:
        axes = list(x.axes) if x.axes is not None else [Axis(BATCH), Axis()]
        return self.tensor([*axes, Axis()], node)

    @staticmethod
    def _wraps_recurrent(layer: Layer) -> bool:
        inner = layer.values.get("layer")
        return inner is not None and isinstance(inner[0], Layer) and inner[0].api.name in RECURRENT

    def _recurrent(self, layer: Layer, x: Array, expr: ast.expr, node: ast.expr) -> Value:
        axes = x.axes

        def rule() -> None:
            if moves(axes):
                self.graph.pin(x.node, self.because(f"`{layer.api.spelled}` reads its input in order", node))

        self.graph.later(rule)
        core = layer.values["layer"][0] if layer.api.name == "Bidirectional" else layer
        assert isinstance(core, Layer)
        sequences = core.values.get("return_sequences")
        every = sequences is not None and isinstance(sequences[0], Const) and bool(sequences[0].value)
        head = [axes[0]] if axes else [Axis(BATCH)]
        steps = [axes[1]] if axes and len(axes) > 1 else [Axis()]
        return self.tensor([*head, *(steps if every else []), Axis()], node)

    def _time_distributed(self, layer: Layer, x: Array, expr: ast.expr, node: ast.expr) -> Value:
        inner = layer.values.get("layer")
        if inner is None or not isinstance(inner[0], Layer) or x.axes is None or len(x.axes) < 3:
            return self._opaque_layer(layer, x, expr, node)
        axes = x.axes

        def rule() -> None:
            if moves(axes) and channel_at(axes) == 1:
                self.graph.pin(x.node, self.because(f"`{layer.api.spelled}` takes the channels for steps", node))

        self.graph.later(rule)
        step = Array(x.node, AxesRef([axes[0], *axes[2:]]), "tensor", self.place(node))
        self.step_axes += 1
        made = self._applied(inner[0], inner[0].api.name, step, expr, node)
        self.step_axes -= 1
        if not isinstance(made, Array) or made.axes is None:
            return self._opaque_layer(layer, x, expr, node)
        return self.tensor([x.axes[0], x.axes[1], *made.axes[1:]], node, made.node)

    def _lambda(self, layer: Layer, x: Array, expr: ast.expr, node: ast.expr) -> Value:
        given = layer.values.get("function")
        if given is None or not isinstance(given[0], Function | Method) or "arguments" in layer.values:
            return self._opaque_layer(layer, x, expr, node)
        inner = Array(x.node, x.ref, "graph", self.place(node))
        made = self.call(given[0], Call(self._as_call(given[1]), [(inner, given[1])], {}, False))
        if not isinstance(made, Array):
            return self._opaque_layer(layer, x, expr, node)
        result = Array(made.node, made.ref, "tensor", self.place(node))
        shape = layer.values.get("output_shape")
        plain = shape is None or (isinstance(shape[0], Const) and shape[0].value is None)
        if shape is not None and not plain and not isinstance(shape[0], Seq):
            self.pin_if_moving(result, f"`output_shape` of `{layer.api.spelled}` is computed", node)
        if shape is not None and isinstance(shape[0], Seq) and made.axes is not None:
            seq = self.as_shape(*shape)
            if seq is not None and seq.axes is not None and len(seq.axes) == len(made.axes) - 1:
                try:
                    self.graph.same_roles(seq.axes, made.axes[1:])
                    self.tie_shape(seq, result.node, shape[1])
                except Contradiction:
                    self.graph.pin(result.node, self.because("`output_shape` does not fit", node, "KM902"))
            else:
                self.graph.pin(result.node, self.because("`output_shape` is not understood", node))
        return result

    # -- merging ------------------------------------------------------------------------------------------------

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

    def cannot_edit(self, why: str) -> Exception:
        from kmigrate.layout.interpret.arrays import CannotEdit

        return CannotEdit([], why)


def takes_layout(api: Api) -> bool:
    """Does a layer have a layout argument in any version?"""
    return any(
        any(p.name == "data_format" for p in parameters(api, release) or ()) for release in RELEASES
    ) or api.name in ("Bidirectional", "TimeDistributed", "RNN", "Wrapper")


def is_number(value: Value) -> bool:
    return isinstance(value, Const | SymInt)


__all__ = ["Bound", "Layers", "spelled_parameter"]
