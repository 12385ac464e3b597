"""Making Keras layers, and the ordering that each of them has."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence

from kmigrate.keras_api.names import Api
from kmigrate.keras_api.signatures import LITERAL_LAST, bind, parameters, renamed
from kmigrate.keras_api.tables import RELEASES
from kmigrate.layout.axes import (
    Axes,
    Axis,
    Contradiction,
    channel_at,
    letters,
    moves,
    unify_roles,
)
from kmigrate.layout.interpret.calls import Call, Calls
from kmigrate.layout.interpret.state import short
from kmigrate.layout.interpret.worlds import FIRST_NAMES, LAST_NAMES, OTHER_NAME
from kmigrate.layout.values import (
    Array,
    Const,
    Layer,
    OrderingName,
    Pair,
    Seq,
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
    **{f"LocallyConnected{n}D": (n, "local") for n in (1, 2)},
    "ConvLSTM2D": (2, "recurrent"),
    # functions of the backend, which do what those layers do
    **{f"conv{n}d": (n, "new") for n in (1, 2, 3)},
    "conv2d_transpose": (2, "new"),
    "depthwise_conv2d": (2, "multiplied"),
    **dict.fromkeys(("pool2d", "resize_images", "spatial_2d_padding"), (2, "same")),
    **dict.fromkeys(("pool3d", "resize_volumes", "spatial_3d_padding"), (3, "same")),
}


class MakingLayers(Calls):
    """Layer objects and their settings."""

    generations: set[int]

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
        layer = Layer(api, bound, values, self.place(call.node), self.ambient, call.node.func)
        given = values.get("name")
        if given is not None and isinstance(given[0], Const) and isinstance(given[0].value, str):
            layer.name = given[0].value
        return layer

    def setting(self, layer: Layer) -> tuple[bool, int, str]:
        """Is the layer channels-first, the node of that setting, and why in words."""
        name = layer.api.spelled
        given = layer.values.get("data_format")
        rank = LAYOUT_LAYERS.get(layer.api.name, (2, ""))[0]
        if given is not None and not (isinstance(given[0], Const) and given[0].value in (None, "default")):
            value, expr = given
            self.heed(value, expr)
            if isinstance(value, Pair) and isinstance(value.now, Const) and value.now.value in OTHER_NAME:
                after = value.after.value if isinstance(value.after, Const) else None
                if after not in LAST_NAMES:
                    text = f"`{name}` is not channels-last under the other ordering"
                    self.graph.pin(value.node, self.because(text, expr, "KM902"))
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
                elif value.node is not None:
                    node = value.node
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
            self.entry.uses_ambient.append(layer.place)
            self.entry.used |= ambient.implied
            self.reads_ambient(layer.place)
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
            for value, expr in layer.values.values():
                self.differs(value, expr, layer.place.node)
            if layer.setting is None and layer.api.name in LAYOUT_LAYERS:
                first, node, _ = self.setting(layer)
                if first:
                    text = f"`{layer.api.spelled}` is made here, but what it is applied to is not followed"
                    self.graph.pin(node, self.because(text, layer.place))
                    self.note(layer.place.node, "KM901", text)

    def keras1(self) -> bool:
        return 1 in self.generations or (self.known.version is not None and self.known.version.high < (2,))

    def _opaque_layer(self, layer: Layer, x: Array, expr: ast.expr, node: ast.expr) -> Value:
        why = f"`{layer.api.spelled}` is not understood yet"
        self.graph.pin(x.node, self.because(why, node))
        if "data_format" not in layer.values and takes_layout(layer.api):
            for setting in (layer.ambient.layers, layer.ambient.loaders):
                self.graph.pin(setting, self.because(f"{why}, and may follow the setting", node))
        made = self.tensor(None, node)
        self.graph.pin(made.node, self.because(why, node))
        return made

    def apply(self, layer: Layer, value: Value, expr: ast.expr, node: ast.expr) -> Value:
        raise NotImplementedError

    def tensor(self, axes: Axes | None, node: ast.AST, at: int | None = None) -> Array:
        return self.new_array(axes, self.place(node), at, "tensor")

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

    def pin_if_moving(self, x: Array, why: str, node: ast.AST) -> None:
        def rule() -> None:
            if moves(x.axes):
                self.graph.pin(x.node, self.because(why, node))

        self.later(rule)

    def features_seen(self, x: Array, why: str, node: ast.AST) -> None:
        axes = x.axes

        def rule() -> None:
            if moves(axes) and axes is not None and channel_at(axes) is None:
                self.graph.pin(x.node, self.because(why, node, "KM153"))

        self.later(rule)

    @staticmethod
    def _as_call(expr: ast.expr) -> ast.Call:
        """A call that a library makes: nothing can be written into it."""
        call = ast.Call(func=expr, args=[], keywords=[])
        call.made_up = True  # type: ignore[attr-defined]
        return ast.copy_location(call, expr)


def takes_layout(api: Api) -> bool:
    """Does a layer have a layout argument in any version?"""
    return any(
        any(p.name == "data_format" for p in parameters(api, release) or ()) for release in RELEASES
    ) or api.name in ("Bidirectional", "TimeDistributed", "RNN", "Wrapper")
