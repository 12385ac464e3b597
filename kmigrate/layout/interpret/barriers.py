"""Layers behind which the layout ends or changes: Flatten, Reshape, Permute, Dense, recurrent ones."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Callable, Iterable
from typing import Any

from kmigrate.layout.axes import (
    BATCH,
    Axis,
    channel_at,
    channel_inside,
    last,
    letters,
    memory_order,
    moves,
    order_to_last,
    size_of,
)
from kmigrate.layout.interpret.merging import Merging
from kmigrate.layout.interpret.state import BEFORE_FLATTEN, CannotEdit
from kmigrate.layout.values import (
    Array,
    Const,
    Layer,
    Model,
    Pair,
    Seq,
    Tool,
    Value,
)
from kmigrate.plan import Edit

KERAS = ("keras", "tensorflow", "tf_keras")  # packages whose layers these are
RECURRENT = frozenset(["LSTM", "GRU", "SimpleRNN", "CuDNNLSTM", "CuDNNGRU"])
NUMBERED = re.compile(r"permute(_\d|/|$)")  # in the names of layers without one, of their outputs and losses


class Barriers(Merging):
    """Barriers, and the Permute layers that keep what stands behind them."""

    def _flatten(self, layer: Layer, x: Array, expr: ast.expr, node: ast.expr) -> Value:
        axes = x.axes
        if axes is None:
            return self._opaque_layer(layer, x, expr, node)
        given = layer.values.get("data_format")
        setting = None
        if given is not None:
            _first, setting, _ = self.setting(layer)
        moved = self.flatten_moves(layer)
        inner = list(axes[1:])
        if moved and setting is not None:
            self.graph.tie(x.node, setting)
        if len(inner) < 2:
            return Array(x.node, x.ref, "tensor", self.place(node))
        if moved:
            # this Flatten puts the channel last itself, before and after: nothing to keep
            parts = [inner[i] for i in order_to_last(inner)] if moves(axes) else inner
            flat = self.tensor([axes[0], Axis(size=size_of(inner), parts=tuple(parts))], node)
            self.event("flatten", flat, node)
            if layer.ambient.first and given is None:
                self.graph.tie(x.node, layer.ambient.layers)
            self.later(lambda: self._flatten_of_channels(layer, x, axes, node))
            return flat
        return self._flat_features(layer, x, expr, node)

    def _flatten_of_channels(self, layer: Layer, x: Array, axes: list[Axis], node: ast.expr) -> None:
        """A Flatten that moves the channels moves axis 1, whatever it is: as it does without that if x flips?"""
        before = [*axes[2:], axes[1]]
        after = (last(axes) if moves(axes) else axes)[1:]
        solid = [[id(a) for a in order if a.size is None or a.size.value != 1] for order in (before, after)]
        if solid[0] != solid[1]:
            text = f"`{layer.api.spelled}` moves the axis {letters(axes[1:2])} of {letters(axes)} to the end"
            self.graph.pin(x.node, self.because(text, node))

    def _flat_features(self, layer: Layer, x: Array, expr: ast.expr, node: ast.expr) -> Array:
        """All axes but the batch in one, in memory order: the policy for features applies (docs/design.md, 8)."""
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

    def flatten_moves(self, layer: Layer) -> object | None:
        """Does this Flatten itself move the channel to the end (docs/facts.md, 5)? None: versions differ."""
        given = layer.values.get("data_format")
        name = given[0].value if given and isinstance(given[0], Const) else None
        return self._flatten_answer(name, layer.ambient.first)

    def _flatten_answer(self, name: str | None, ambient_first: bool) -> object | None:
        ambient = "channels_first" if ambient_first else "channels_last"
        return self.known.version.agree("flatten_moves_channels", name, ambient)

    def flatten_unclear(self, layer: Layer) -> bool:
        """Do the versions that are possible disagree on what this Flatten does?"""
        return layer.api.name == "Flatten" and self.flatten_moves(layer) is None

    def border(self, layer: Layer, expr: ast.expr, node: ast.expr, before: bool) -> Any:
        """How a Permute layer is put before or behind a layer: a statement of its own, or a wrapped call."""
        add = self.slot(layer, before)
        steps = self.step_axes
        wrapped = self.receiver is None and isinstance(node, ast.Call) and node.args and node is not layer.place.node

        def realise(flipped: bool, axes: list[Axis]) -> list[Edit] | None:
            perm = self.permutation(flipped, axes)
            if perm is None or perm[0] != 0 or self.shifts(layer, before) or self.permutes_named:
                return None
            dims = [*range(1, steps + 1), *(d + steps for d in perm[1:])]
            callee = self.permute_name(layer.callee)
            if callee is None:
                return None
            name, imports = callee
            reason = (
                f"`{layer.api.spelled}` keeps the order {letters(axes)} of its features"
                if before
                else f"{letters(axes)} comes out of `{layer.api.spelled}` and is moved"
            )
            edit: Edit | None
            if wrapped:
                target = expr if before else node
                edit = self.edit(target, "permute_layer", "KM106", {"callee": name, "dims": dims}, reason)
            else:
                edit = add(f"{name}(({', '.join(map(str, dims))}))", reason)
            return None if edit is None else [*imports, edit]

        return realise

    def slot(self, layer: Layer, before: bool) -> Callable[[str, str], Edit | None]:
        """Where a Sequential model gets one more layer beside ``layer``: by a statement, or in the list of layers."""
        statement, receiver, listed = self.statement, self.receiver, self.listed
        # One statement that adds several layers (in a loop, in a helper) has no place for one more.
        shared = statement is not None and (self.loops or self.context) and layer.place.node not in ast.walk(statement)

        def add(text: str, reason: str) -> Edit | None:
            if receiver is not None:
                if not isinstance(statement, ast.Expr) or shared:
                    return None
                args = {"where": "before" if before else "after", "text": f"{receiver}.add({text})"}
                return self.edit(statement, "permute_layer", "KM106", args, reason, kind="stmt")
            if listed is None:
                return None
            display, index, count = listed
            at = index if before else index + 1
            item = {"at": f"{at:06}", "back": count - at, "text": text}
            return self.edit(display, "permute_layer", "KM106", item, reason)

        return add

    def shifts(self, layer: Layer, before: bool) -> bool:
        raise NotImplementedError

    def closed(self, nodes: Iterable[int]) -> bool:
        raise NotImplementedError

    step_axes = 0  # axes between the batch and those of the layer, in TimeDistributed

    receiver: str | None = None

    listed: tuple[ast.List, int, int] | None = None  # the list of layers, the place in it, its length

    current_model: Model | None = None

    def permute_name(self, callee: ast.expr) -> tuple[str, list[Edit]] | None:
        """What ``Permute`` is called in a file that calls something of Keras ``callee``, and the import it needs."""
        owner = callee
        while isinstance(owner, ast.Attribute):
            owner = owner.value
            dotted = self.dotted.get(owner, "")
            if dotted.endswith((".layers", ".layers.core")):
                return f"{ast.unparse(owner)}.Permute", []
            if dotted.split(".")[-1] in KERAS and dotted != "tensorflow":
                return f"{ast.unparse(owner)}.layers.Permute", []
        if not isinstance(callee, ast.Name):
            return None
        imported = None
        for stmt in ast.walk(self.tree_of(callee)):
            if isinstance(stmt, ast.ImportFrom) and not stmt.level:
                module = stmt.module or ""
                for alias in stmt.names:
                    if alias.name == "Permute" and module.split(".")[0] in KERAS:
                        return alias.asname or "Permute", []
                    if alias.name == "*" and module.startswith(("keras.layers", "tensorflow.keras.layers")):
                        return "Permute", []
                    if (alias.asname or alias.name) == callee.id:
                        imported = stmt
        if imported is None or imported.module is None:
            return None
        return "Permute", [self._import_permute(imported)]

    def _import_permute(self, near: ast.ImportFrom) -> Edit:
        """The import of Permute: in a statement that imports layers, else in one of its own."""
        reason = "the transpose at a border is a layer"
        body = self.tree_of(near).body
        around = [s for s in body if isinstance(s, ast.ImportFrom) and not s.level] if near in body else []
        around = [s for s in around if (s.module or "").split(".")[0] in KERAS]
        for stmt in (*around, near):  # one import, whatever asks for it
            if (stmt.module or "").endswith((".layers", ".layers.core")):
                return self.edit(stmt, "imports", "KM106", {"add": "Permute"}, reason)
        near = around[0] if around else near
        parts = (near.module or "").split(".")
        keras = ".".join(parts[: parts.index("keras") + 1]) if "keras" in parts else parts[0]
        text = f"from {keras}.layers import Permute"
        return self.edit(near, "imports", "KM106", {"where": "after", "text": text}, reason, kind="stmt")

    def _reshape(self, layer: Layer, x: Array, expr: ast.expr, node: ast.expr) -> Value:
        shape = layer.values.get("target_shape")
        if shape is None or x.axes is None:
            return self._opaque_layer(layer, x, expr, node)
        seq = self.as_shape(*shape)
        if seq is None:
            return self._opaque_layer(layer, x, expr, node)
        if len(seq.items) == 1 and len(x.axes) > 2:
            return self._flat_features(layer, x, expr, node)
        after = self.border(layer, expr, node, before=False)
        source = x.axes
        result = self.reshape(
            (x, expr), seq, node, after, keep_first=True, shape_expr=shape[1], chosen=isinstance(shape[0], Pair)
        )
        if channel_inside(source) is not None:
            self.features_seen(x, f"`{layer.api.spelled}` takes flattened features", node)
        result.kind = "tensor"
        return result

    def _permute(self, layer: Layer, x: Array, expr: ast.expr, node: ast.expr) -> Value:
        dims = layer.values.get("dims")
        if dims is not None and isinstance(dims[0], Pair):
            return self._paired_permute(layer, x, dims[0], dims[1], expr, node)
        items = dims[0].items if dims and isinstance(dims[0], Seq) else None
        if items is None or not all(isinstance(i, Const) and isinstance(i.value, int) for i in items) or dims is None:
            return self._opaque_layer(layer, x, expr, node)
        display = dims[0].place.node if isinstance(dims[0], Seq) and dims[0].place else None
        if display not in list(ast.walk(layer.place.node)):
            return self._opaque_layer(layer, x, expr, node)

        away = self._needless(layer, expr, node)

        def edit(new: list[int] | None, reason: str) -> list[Edit]:
            if new is None and away is not None and not self.closed([x.node]):
                made = away(f"{reason}: nothing is left to move")
                if made is not None:
                    return [made]
            order = list(range(len(perm))) if new is None else new
            if order[0] != 0:
                raise CannotEdit([], "a Permute layer cannot move the batch")
            old = [i - 1 for i in perm[1:]]
            want = [i - 1 for i in order[1:]]
            args = {"order": [old.index(i) for i in want]}
            return [self.edit(display, "shape_order", "KM102", args, reason)]

        perm = [0, *(i.value for i in items)]  # type: ignore[attr-defined]
        if x.axes is None and not self.graph.muted:  # the order says how many axes there are
            x.ref.bind([Axis(BATCH), *(Axis() for _ in items)])
        call = layer.place.node
        assert isinstance(call, ast.Call)
        result = self.transpose((x, expr), perm, call, edit)
        if isinstance(result, Array):
            result.kind = "tensor"
        return result

    def _needless(self, layer: Layer, expr: ast.expr, node: ast.expr) -> Callable[[str], Edit | None] | None:
        """How a layer that moves nothing any more goes away; None where anything may know of it by its name."""
        call, statement, receiver = layer.place.node, self.statement, self.receiver
        if not isinstance(call, ast.Call) or len(call.args) + len(call.keywords) != 1:
            return None
        alone = self.assigns_back(node, expr) if isinstance(node, ast.Call) and node.func is call else None
        added = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)
        added = added and receiver is not None and [call] == statement.value.args  # type: ignore[union-attr]

        def remove(reason: str) -> Edit | None:
            stmt = statement if added else alone
            if stmt is not None and self.stands_alone(stmt):
                return self.edit(stmt, "permute_layer", "KM106", {"action": "drop", "edge": True}, reason, kind="stmt")
            if isinstance(node, ast.Call) and node.func is call and len(node.args) == 1 and not node.keywords:
                return self.edit(node, "permute_layer", "KM106", {"action": "remove", "edge": True}, reason)
            return None

        return remove

    @functools.cached_property
    def permutes_named(self) -> bool:
        """Does a file use a name that Keras makes up for Permute layers? Another such layer would shift them."""
        trees = [source.tree for source in self.files.sources.values() if source is not None]
        texts = (node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant))
        return any(isinstance(text, str) and NUMBERED.search(text) for text in texts)

    def _paired_permute(
        self, layer: Layer, x: Array, dims: Pair, written: ast.expr, expr: ast.expr, node: ast.expr
    ) -> Value:
        """Each ordering permutes in its own way."""
        orders = [_order(side) for side in (dims.now, dims.after)]
        now, after = orders[0], orders[1]
        source = x.axes
        if source is None or now is None or after is None or not len(now) == len(after) == len(source):
            return self._opaque_layer(layer, x, expr, node)
        self.heed(dims, written)
        result = self.paired_transpose(x, dims, (now, after), node)
        result.kind = "tensor"
        return result

    def _dense(self, layer: Layer, x: Array, expr: ast.expr, node: ast.expr) -> Value:
        units = layer.values.get("units")
        size = self.size_of(units[0]) if units else None
        axes = x.axes
        if axes is None:
            x.ref.bind([Axis(BATCH), Axis()]) if not self.graph.muted else None
            axes = x.axes
            if axes is None:
                return self.tensor([Axis(BATCH), Axis(size=size)], node)
        if sees_order(layer):
            self.features_seen(x, f"`{layer.api.spelled}` is given weights for these features in order", node)
        ends = axes

        def rule() -> None:
            if channel_at(ends) is not None and moves(ends):
                text = f"`{layer.api.spelled}` works on the last axis of {letters(ends)}"
                self.graph.pin(x.node, self.because(text, node))

        self.later(rule)
        self.event("Dense on", x, node, [axes[-1]])
        out = [*axes[:-1], Axis(size=size or self.name_of("units", node))]
        return self._activated(layer, self.tensor(out, node), node)

    def _features(self, layer: Layer, x: Array, expr: ast.expr, node: ast.expr) -> Value:
        """MaxoutDense, Highway: other layers on features, whose order stays."""
        if x.axes is None or len(x.axes) != 2:
            return self._opaque_layer(layer, x, expr, node)
        self.features_seen(x, f"`{layer.api.spelled}` takes flattened features", node)
        self.event(layer.api.name, x, node)
        units = layer.values.get("units")
        size = self.size_of(units[0]) if units and layer.api.name != "Highway" else x.axes[1].size
        out = [x.axes[0], Axis(size=size or self.name_of("units", node))]
        return self._activated(layer, self.tensor(out, node), node)

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

        self.later(rule)
        core = layer.values["layer"][0] if layer.api.name == "Bidirectional" else layer
        assert isinstance(core, Layer)
        sequences = core.values.get("return_sequences")
        every = sequences is not None and isinstance(sequences[0], Const) and bool(sequences[0].value)
        head = [axes[0]] if axes else [Axis(BATCH)]
        steps = [axes[1]] if axes and len(axes) > 1 else [Axis()]
        return self.tensor([*head, *(steps if every else []), Axis()], node)


def _order(dims: Value) -> list[int] | None:
    """The dims of a Permute as an order of all axes, the batch among them."""
    if not isinstance(dims, Seq) or not dims.fixed:
        return None
    numbers = [item.value for item in dims.items if isinstance(item, Const) and isinstance(item.value, int)]
    found = [0, *numbers]
    return found if sorted(found) == list(range(len(dims.items) + 1)) else None


def sees_order(layer: Layer) -> bool:
    """Are the layer's weights given, or made by a function that may look at their order?"""
    if "weights" in layer.values:
        return True
    given = layer.values.get("kernel_initializer")
    if given is None:
        return False
    named = given[0].value if isinstance(given[0], Const) else given[0].name if isinstance(given[0], Tool) else ""
    return named is not None and (
        not isinstance(named, str) or named.lower() in ("", "identity", "constant", "orthogonal")
    )
