"""Layers taken out of a model: ``model.layers[i]``, ``get_layer``, and what is done with them."""

from __future__ import annotations

import ast

from kmigrate.layout.interpret.calls import Call
from kmigrate.layout.interpret.making_layers import LAYOUT_LAYERS
from kmigrate.layout.interpret.models import Models
from kmigrate.layout.interpret.state import short
from kmigrate.layout.values import (
    Array,
    Choice,
    Const,
    Layer,
    LayerList,
    Method,
    Model,
    Module,
    NameOf,
    Seq,
    SymInt,
    Unknown,
    Value,
    Weights,
)

# Attributes of layers that have no layout, and those that may be set without changing what a layer computes.
PLAIN = frozenset("name trainable built dtype stateful losses updates units output_dim filters nb_filter".split())
SETTABLE = frozenset(
    "trainable name stateful outbound_nodes inbound_nodes _outbound_nodes _inbound_nodes training".split()
)
WEIGHTS = frozenset("weights trainable_weights non_trainable_weights W b kernel bias gamma beta variables".split())
TENSORS = {"output": 1, "input": 0, "output_shape": 1, "input_shape": 0}
NODES = {"get_output_at": 1, "get_input_at": 0, "get_output_shape_at": 1, "get_input_shape_at": 0}
ELEMENTWISE = frozenset("linear relu sigmoid tanh elu selu softplus softsign hard_sigmoid exponential".split())
LAYERS_ARE_COPIED = (2, 2)  # from this version on the layers of a Sequential are given as a copy


class LayerAccess(Models):
    """What programs do with the layers of their models."""

    # -- model.layers ----------------------------------------------------------------------------------

    def model_attribute(self, model: Model, name: str, expr: ast.Attribute) -> Value:
        if name == "layers":
            return self.layers_of(model)
        if name in WEIGHTS:
            return self._weights_of(model, expr)
        return super().model_attribute(model, name, expr)

    def layers_of(self, model: Model) -> LayerList:
        """The layers in Keras' order, as far as it is known."""
        if model.kind == "Sequential":
            stated = [i for i in model.layers if not (isinstance(i, Layer) and i.api.name == "InputLayer")]
            known: frozenset[int] | None = None if model.counted else frozenset()
            if model.counted and len(stated) < len(model.layers):  # an input counts in some versions
                known = frozenset(range(-len(stated), 0))
            return LayerList(model, stated, known)
        chain = self._chain(model)
        if chain is not None:
            return LayerList(model, chain, None)
        items = list(dict.fromkeys(model.layers))[::-1]
        end = self.inside_of(model, model.outputs[0]) if len(model.outputs) == 1 else None
        last = end.maker if isinstance(end, Array) else None
        if last is None:
            return LayerList(model, items, frozenset())
        items = [*(i for i in items if i is not last), last]
        return LayerList(model, items, frozenset([-1]))

    def _chain(self, model: Model) -> list[Value] | None:
        """The layers of a model without branches, from its input (None) to its output."""
        if len(model.inputs) != 1 or len(model.outputs) != 1:
            return None
        found: list[Value] = []
        tensor = self.inside_of(model, model.outputs[0])
        while tensor not in (model.inputs[0], self.inside_of(model, model.inputs[0])):
            if not isinstance(tensor, Array) or tensor.maker is None or tensor.maker in found:
                return None
            found.append(tensor.maker)
            sources = tensor.sources
            if isinstance(tensor.maker, Model):
                sources = tuple(s for s in sources if s not in tensor.maker.outputs)
            if len(sources) != 1:
                return None
            tensor = sources[0]
        return [model.inputs[0], *found[::-1]]

    def layer_at(self, layers: LayerList, index: int, expr: ast.expr) -> Value:
        """``model.layers[index]``."""
        size = len(layers.items)
        if layers.known is not None and index not in layers.known:
            return self._some_layer(layers, expr)
        if not -size <= index < size:
            return Unknown("an index beyond the layers", self.place(expr))
        item = layers.items[index]
        layers.model.taken.append((item, index < 0))
        return self._taken(item)

    def _taken(self, item: Value) -> Value:
        """An input stands for its own layer."""
        return Choice([item]) if isinstance(item, Array) else item

    def _some_layer(self, layers: LayerList, expr: ast.AST) -> Value:
        layers.model.indexed = True
        if not layers.items:
            return Unknown("a layer of a model whose layers are not known", self.place(expr))
        return Choice(list(layers.items))

    def layer_slice(self, layers: LayerList, expr: ast.Subscript, bounds: list[int | None]) -> Value:
        """``model.layers[a:b]``."""
        size = len(layers.items)
        inside = all(b is None or -size <= b <= size for b in bounds)
        if layers.known is not None or not inside:
            self._some_layer(layers, expr)
            return Seq("list", [Choice(list(layers.items))] if layers.items else [], fixed=False)
        low, high = bounds
        if low is not None and low != 0 and low < size:
            layers.model.taken.append((layers.items[low], low < 0))
        if high is not None and high != 0:
            at = high if high < 0 else high - 1
            layers.model.taken.append((layers.items[at], high < 0))
        return Seq("list", [self._taken(i) for i in layers.items[slice(low, high)]])

    def every_layer(self, layers: LayerList) -> list[Value] | None:
        """The layers one by one; None where their order or number is not known."""
        return [self._taken(i) for i in layers.items] if layers.known is None else None

    def number_of_layers(self, layers: LayerList, expr: ast.AST) -> Value:
        layers.model.indexed = True
        return Const(len(layers.items)) if layers.known is None else SymInt(self.name_of("layers", expr))

    def layers_method(self, layers: LayerList, name: str, call: Call) -> Value:
        """``model.layers.pop()`` and the like."""
        model = layers.model
        if name == "pop" and not call.all() and layers.items and layers.known is None:
            self.touch(model)
            item = layers.items[-1]
            model.taken.append((item, True))
            version = self.known.version
            if version is None or version.high >= LAYERS_ARE_COPIED:  # in some versions nothing happens
                model.counted = False
            elif item in model.layers:
                model.layers.remove(item)
            return self._taken(item)
        if name == "index":
            model.indexed = True
            return SymInt(self.name_of("index", call.node))
        why = f"`{short(call.node)}` is not understood"
        for item in layers.items:
            self.layer_strange(item, why, call.node)
        for value, expr in call.all():
            self.leak(value, expr, why)
        model.indexed = True
        return Unknown(why, self.place(call.node))

    def get_layer(self, model: Model, call: Call) -> Value:
        """``model.get_layer('name')``, ``model.get_layer(index=3)``."""
        layers = self.layers_of(model)
        index = call.get(1, "index")
        name = call.get(0, "name")
        if name is None and index is not None and isinstance(index[0], Const) and isinstance(index[0].value, int):
            return self.layer_at(layers, index[0].value, call.node)
        if name is not None and isinstance(name[0], Const) and isinstance(name[0].value, str):
            return self.layer_named(layers, name[0].value, call.node)
        return self._some_layer(layers, call.node)

    def layer_named(self, layers: LayerList, name: str, expr: ast.AST) -> Value:
        items = [i for i in layers.items if not isinstance(i, Array)]
        for item in items:
            if isinstance(item, Layer | Model) and item.name == name and self._says_name(item):
                return item
        unnamed = [i for i in layers.items if not (isinstance(i, Layer | Model) and self._says_name(i))]
        if not unnamed:
            return Unknown(f"the layer {name!r} of a model", self.place(expr))
        return Choice(unnamed)

    @staticmethod
    def _says_name(item: Layer | Model) -> bool:
        return isinstance(item, Layer) and item.name is not None

    def pop_layer(self, model: Model, call: Call) -> Value:
        """``model.pop()``: the last layer goes, and what comes out is what went into it."""
        last = model.layers[-1] if model.layers and model.counted else None
        if isinstance(last, Layer) and last.calls and last.calls[-1][1] is (model.top or model.outputs[0]):
            self.touch(model)
            model.layers.pop()
            model.outputs, model.top = [last.calls[-1][0]], None
            return Const(None)
        why = f"what `{short(call.node)}` takes away is not known"
        self.taken_apart(model, self.because(why, call.node, "KM906"))
        return Const(None)

    # -- one layer -----------------------------------------------------------------------------------------

    def layer_attribute(self, layer: Layer | Array, name: str, expr: ast.Attribute) -> Value:
        """``layer.name`` and the like; an input stands for the layer that makes it."""
        if name in TENSORS:
            return self._tensor_of(layer, name, TENSORS[name], expr)
        if name == "name":
            stated = layer.name if isinstance(layer, Layer) else None
            return NameOf(layer) if stated is None else Const(stated)
        if name in PLAIN:
            return Unknown(f"`{short(expr)}`", self.place(expr))
        if name in WEIGHTS:
            return self._weights_of(layer, expr)
        if name == "__class__":
            return Unknown("the class of a layer", self.place(expr))
        return Method(layer, name)

    def _tensor_of(self, layer: Layer | Array, name: str, side: int, expr: ast.expr) -> Value:
        if isinstance(layer, Array):
            found: Value = layer
        else:
            sides = [call[side] for call in layer.calls]
            if not sides:
                return Unknown(f"`{short(expr)}` of a layer that is not applied yet", self.place(expr))
            found = sides[0]
            for other in sides[1:]:
                found = self.join(found, other, expr)
        if name.endswith("shape"):
            return self.shape_of(found, expr) if isinstance(found, Array) else Unknown(f"`{short(expr)}`")
        if isinstance(found, Array):
            self.event("tensor of a layer", found, expr)
        return found

    def layer_method(self, layer: Layer | Array, name: str, call: Call) -> Value:
        if name in NODES and isinstance(call.positional[0][0] if call.positional else None, Const):
            at = call.positional[0][0]
            calls = layer.calls if isinstance(layer, Layer) else []
            if isinstance(at, Const) and isinstance(at.value, int) and at.value < len(calls):
                found = calls[at.value][NODES[name]]
                if "shape" in name:
                    return self.shape_of(found, call.node) if isinstance(found, Array) else Unknown("a shape")
                return found
        if name == "get_weights":
            return self._weights_of(layer, call.node)
        if name == "set_weights" and call.positional:
            self._set_weights([layer], call)
            return Const(None)
        if name == "count_params":
            return SymInt(self.name_of("parameters", call.node))
        if name in ("call", "__call__") and isinstance(layer, Layer):
            return self.apply_layer_call(layer, call)
        why = f"`{short(call.node)}` is not understood"
        self.layer_strange(layer, why, call.node)
        for value, expr in call.all():
            self.leak(value, expr, why)
        return Unknown(why, self.place(call.node))

    def set_layer_attribute(self, layer: Value, name: str, value: Value, at: ast.expr) -> None:
        """``layer.trainable = False`` and the like."""
        if isinstance(layer, Layer) and name == "name":
            self.touch(layer)
            layer.name = value.value if isinstance(value, Const) and isinstance(value.value, str) else None
        plain = isinstance(value, Module) and value.dotted.rsplit(".", 1)[-1] in ELEMENTWISE
        if name in SETTABLE or isinstance(layer, Array) or (name == "activation" and plain):
            return
        self.layer_strange(layer, f"`{short(at)}` is set", at)

    def layer_strange(self, layer: Value, why: str, at: ast.AST) -> None:
        """What the layer is or does from here on is not known: what it takes and gives stays."""
        because = self.because(why, at)
        if isinstance(layer, Array):
            self.graph.pin(layer.node, because)
        elif isinstance(layer, Model):
            self.taken_apart(layer, because)
        elif isinstance(layer, Layer):
            if layer.setting is not None:
                self.graph.pin(layer.setting, because)
            for given, made in layer.calls:
                for value in (given, made):
                    if isinstance(value, Array):
                        self.graph.pin(value.node, because)

    # -- weights -------------------------------------------------------------------------------------------

    def _weights_of(self, owner: Layer | Array | Model, expr: ast.expr) -> Value:
        if isinstance(owner, Model):
            self.note_model(owner, "its weights are read")
        layers = owner.layers if isinstance(owner, Model) else [owner]
        return Weights(list(layers), f"`{short(expr)}`")

    def weights_seen(self, layers: list[Value], why: str, at: ast.AST) -> None:
        """The numbers of weights are looked at, or come from elsewhere: they lie as before (docs/facts.md, 4 and 5)."""
        for layer in layers:
            if isinstance(layer, Model):
                self.weights_seen(layer.layers, why, at)
            if not isinstance(layer, Layer):
                continue
            name = layer.api.name
            for given, _ in layer.calls:
                if not isinstance(given, Array):
                    continue
                if name in LAYOUT_LAYERS and "Conv" in name and self.maybe_keras1():
                    self.pin_if_moving(given, f"{why}: kernels of Keras 1 lie like the maps", at)
                elif name == "PReLU":
                    self.pin_if_moving(given, f"{why}: the slopes lie like the map", at)
                elif name not in LAYOUT_LAYERS and name != "BatchNormalization":
                    self.features_seen(given, f"{why}: their rows are in the order of the features", at)

    def maybe_keras1(self) -> bool:
        version = self.known.version
        return self.keras1() or version is None or version.low < (2,)

    def _set_weights(self, layers: list[Value], call: Call) -> None:
        """From layers of the same kinds, weights go over as they are; from elsewhere they lie as before."""
        value, expr = call.positional[0]
        why = f"`{short(call.node)}`"
        if isinstance(value, Weights) and self._alike(layers, value.layers):
            for mine, other in zip(layers, value.layers, strict=True):
                assert isinstance(mine, Layer) and isinstance(other, Layer)
                for (a, _), (b, _) in zip(mine.calls, other.calls, strict=False):
                    if isinstance(a, Array) and isinstance(b, Array):
                        self.graph.tie(a.node, b.node)
            return
        if isinstance(value, Seq) and value.items and all(isinstance(i, Unknown) and i.file for i in value.items):
            for model in [m for m in self.models if any(layer in m.layers for layer in layers)]:
                self.note_model(model, "weights are loaded into it")
                self._loads(model, call)
            return
        self.leak(value, expr, why)
        self.weights_seen(layers, why, call.node)

    @staticmethod
    def _alike(mine: list[Value], others: list[Value]) -> bool:
        if len(mine) != len(others) or not all(isinstance(i, Layer) and i.calls for i in (*mine, *others)):
            return False
        return all(a.api.name == b.api.name for a, b in zip(mine, others, strict=True))  # type: ignore[attr-defined]

    def weights_leave(self, weights: Weights, at: ast.AST) -> None:
        self.weights_seen(weights.layers, weights.why, at)

    # -- a Permute layer would shift what is taken by number ---------------------------------------------

    def shifts(self, layer: Layer, before: bool) -> bool:
        """Would a layer put before or behind this one change which layers the program takes by number?"""
        for model in self.models:
            if layer not in model.layers:
                continue
            layers = self.layers_of(model)
            if model.indexed or (model.taken and layers.known is not None):
                return True
            at = layers.items.index(layer) + (0 if before else 1) if layer in layers.items else 0
            for item, from_behind in model.taken:
                where = layers.items.index(item) if item in layers.items else len(layers.items)
                if at > where if from_behind else at <= where:
                    return True
        return False
