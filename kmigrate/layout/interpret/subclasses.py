"""Classes of the program over classes of Keras: layers, models, sequences of batches, callbacks."""

from __future__ import annotations

import ast

from kmigrate.keras_api.names import resolve
from kmigrate.layout.axes import Contradiction, moves
from kmigrate.layout.interpret.calls import Call
from kmigrate.layout.interpret.layer_access import PLAIN, TENSORS, LayerAccess
from kmigrate.layout.interpret.models import FEEDING, FEEDING_GENERATORS, HARMLESS_METHODS, SAVING
from kmigrate.layout.interpret.state import short
from kmigrate.layout.values import (
    Array,
    Class,
    Const,
    Function,
    Instance,
    Method,
    Model,
    Module,
    Parent,
    Seq,
    Unknown,
    Value,
)

# Classes of libraries that may stand above a class of the program; what they do with it is known.
BASES = {
    ("keras.layers", "Layer"): "layer",
    ("keras.models", "Model"): "model",
    ("keras.utils", "Sequence"): "batches",
    ("keras.utils", "PyDataset"): "batches",
    ("keras.callbacks", "Callback"): "callback",
}
MODEL_NAMES = {*FEEDING, *FEEDING_GENERATORS, *HARMLESS_METHODS, *SAVING, "compile", "layers", "get_layer"}
# Methods of Keras' classes that may be called by `super()`: they keep their arguments to themselves.
LIBRARY_METHODS = frozenset("__init__ build get_config call compute_output_shape get_output_shape_for".split())
OUTPUT_SHAPES = ("compute_output_shape", "get_output_shape_for")


class Subclasses(LayerAccess):
    """Instances of such classes, applied, fed and trained."""

    def library_kind(self, cls: Class) -> str | None:
        """'layer', 'model', ...; '' for a class of the program alone, None where its base is not known."""
        kinds = set()
        for base in self.library_bases(cls):
            api = resolve(base.dotted) if isinstance(base, Module) else None
            plain = isinstance(base, Module) and base.dotted in ("abc.ABC", "typing.Generic")
            kind = "" if plain else BASES.get((api.module, api.name)) if api is not None else None
            if kind is None:
                return None
            kinds.add(kind)
        kinds.discard("")
        return "" if not kinds else kinds.pop() if len(kinds) == 1 else None

    def attribute(self, owner: Value, name: str, expr: ast.Attribute) -> Value:
        if isinstance(owner, Instance) and self.library_bases(owner.cls) and self.member_known(owner, name) is False:
            kind = self.library_kind(owner.cls)
            if kind == "model" and (name in MODEL_NAMES or name.startswith(("output", "input"))):
                if name not in ("layers",) and not name.startswith(("output", "input")):
                    return Method(owner, name)
                model = self.model_of(owner, expr)
                return self.model_attribute(model, name, expr)
            if kind == "layer":
                return self._instance_attribute(owner, name, expr)
        return super().attribute(owner, name, expr)

    def above_in_library(self, parent: Parent, name: str) -> Value | None:
        """What a method of the library's class does that a class of the program calls by ``super()``."""
        owner = parent.owner
        if name not in LIBRARY_METHODS or not isinstance(owner, Instance) or not self.library_bases(owner.cls):
            return None
        return Method(parent, name)

    def member_known(self, owner: Instance, name: str) -> bool:
        return name in owner.attributes or self.class_member(owner.cls, name) is not None

    def _instance_attribute(self, owner: Instance, name: str, expr: ast.Attribute) -> Value:
        if name in ("add_weight", "_add_weight"):
            return Method(owner, "add_weight")
        if name in TENSORS and len(owner.calls) == 1:
            found = owner.calls[0][TENSORS[name]]
            return self.shape_of(found, expr) if name.endswith("shape") else found
        if name not in PLAIN and name not in ("add_update", "add_loss", "input_spec"):
            for pair in owner.calls:
                for array in pair:
                    self.graph.pin(array.node, self.because(f"`{short(expr)}` is not followed", expr))
        return Unknown(f"`{short(expr)}`", self.place(expr))

    # -- layers ----------------------------------------------------------------------------------------

    def apply_instance(self, layer: Instance, value: Value, expr: ast.expr, node: ast.expr) -> Value:
        """``layer(x)``: its ``build`` and ``call`` are entered."""
        why = f"`{layer.cls.node.name}`, a layer of the program's own, is not understood"
        x = value if isinstance(value, Array) else None
        if x is None and not isinstance(value, Seq):
            x = self.unknown_tensor(value, expr, node, f"the input of `{layer.cls.node.name}` is not a known tensor")
        call = self.member(layer, "call", node)
        if x is None or not isinstance(call, Method) or not isinstance(call.function, Function):
            return self._opaque_instance(layer, [(value, expr)], node, why)
        build = self.member(layer, "build", node)
        made = ast.copy_location(ast.Call(func=expr, args=[], keywords=[]), node)
        if isinstance(build, Method) and "built" not in layer.attributes:
            self.touch(layer)
            layer.attributes["built"] = Const(True)
            self.call_method(build, Call(made, [(self.shape_of(x, expr), expr)], {}, False))
        inner = Array(x.node, x.ref, "graph", self.place(node))
        result = self.call_method(call, Call(made, [(inner, expr)], {}, False))
        if not isinstance(result, Array):
            return self._opaque_instance(layer, [(x, expr)], node, why)
        out = Array(result.node, result.ref, "tensor", self.place(node), sources=(x,))
        self.touch(layer)
        layer.calls.append((x, out))
        self._stated_output(layer, x, out, expr, node)
        return out

    def _stated_output(self, layer: Instance, x: Array, out: Array, expr: ast.expr, node: ast.expr) -> None:
        """What ``compute_output_shape`` says must be the shape of what comes out."""
        for name in OUTPUT_SHAPES:
            method = self.member(layer, name, node)
            if not isinstance(method, Method) or not isinstance(method.function, Function):
                continue
            made = ast.copy_location(ast.Call(func=expr, args=[], keywords=[]), node)
            stated = self.call_method(method, Call(made, [(self.shape_of(x, expr), expr)], {}, False))
            try:
                shape = self.as_shape(stated, node)
                if shape is None or shape.axes is None or out.axes is None or len(shape.axes) != len(out.axes):
                    raise Contradiction("not known")
                self.graph.same_roles(shape.axes, out.axes)
                self.tie_shape(shape, out.node, node)
            except Contradiction:
                self.leak(stated, node, f"`{name}` is not understood")
                self.pin_if_moving(out, f"`{name}` of `{layer.cls.node.name}` is not understood", node)

    def _opaque_instance(
        self, layer: Instance, values: list[tuple[Value, ast.expr]], node: ast.expr, why: str
    ) -> Value:
        self.opaque([*values, (layer, node)], node, why)
        tensor = self.tensor(None, node)
        self.graph.pin(tensor.node, self.because(why, node))
        return tensor

    def add_weight(self, call: Call) -> Value:
        """``self.add_weight(shape=...)``: numbers of its own, which lie as the shape says."""
        given = call.get(0, "shape")
        if given is not None and not isinstance(given[0], Seq):
            given = call.get(1, "shape")
        if given is None:
            return Unknown(f"`{short(call.node)}`", self.place(call.node))
        weight = self.filled(given[0], given[1], call.node, False)
        if isinstance(weight, Array):
            weight.kind = "graph"
            axes = weight.axes

            def rule() -> None:
                if moves(axes):
                    self.graph.pin(weight.node, self.because("the weights of a layer lie as before", call.node))

            self.later(rule)
        return weight

    # -- models ---------------------------------------------------------------------------------------

    def model_of(self, owner: Instance, at: ast.expr) -> Model:
        """The model that an instance of a subclass is: its ``call`` on one input."""
        if owner.model is None:
            owner.model = model = Model("Model", self.place(at), entry=self.entry.source.path, counted=False)
            model.name = owner.cls.node.name
            if not self.graph.muted:
                self.models.append(model)
            tensor = self.tensor(None, at)
            model.inputs = [tensor]
            made = self._run_model(owner, tensor, at, at)
            model.outputs = [made] if isinstance(made, Array) else []
            if not model.outputs:
                model.unknown = "what its `call` gives is not understood"
                self.graph.pin(tensor.node, self.because(model.unknown, at))
                self.leak(made, at, model.unknown)
            self._collect(model)
        return owner.model

    def _run_model(self, owner: Instance, value: Value, expr: ast.expr, node: ast.expr) -> Value:
        call = self.member(owner, "call", node)
        if not isinstance(call, Method) or not isinstance(call.function, Function):
            return self.opaque([(value, expr)], node, f"`{owner.cls.node.name}` has no `call` that is known")
        made = ast.copy_location(ast.Call(func=expr, args=[], keywords=[]), node)
        return self.call_method(call, Call(made, [(value, expr)], {}, False))

    # -- calls -----------------------------------------------------------------------------------------

    def call_instance(self, owner: Instance, call: Call) -> Value | None:
        """``instance(x)`` of a layer or model; None for other classes."""
        kind = self.library_kind(owner.cls) if self.library_bases(owner.cls) else ""
        if kind not in ("layer", "model") or self.class_member(owner.cls, "__call__") is not None:
            return None
        given = call.get(0, "inputs", "x")
        if given is None or call.star:
            return self._opaque_instance(owner, call.all(), call.node, f"`{short(call.node)}` is not understood")
        if kind == "layer":
            return self.apply_instance(owner, given[0], given[1], call.node)
        value, expr = given
        array = self.as_array(value, expr)
        if array is not None and array.kind == "numpy":  # run at once
            array = self.consume(array, expr, f"`{short(expr)}`")
            value = Array(array.node, array.ref, "graph", self.place(expr))
            self.fed_nodes.add(array.node)
        return self._run_model(owner, value, expr, call.node)

    def subclass_method(self, owner: Value, name: str, call: Call) -> Value | None:
        """A method that a class of Keras has; None where it is another one."""
        if isinstance(owner, Parent):
            if name in ("call", "compute_output_shape", "get_output_shape_for") and call.positional:
                return call.positional[0][0]
            return Unknown("a configuration") if name == "get_config" else Const(None)
        if isinstance(owner, Instance) and self.library_bases(owner.cls):
            kind = self.library_kind(owner.cls)
            if kind == "model" and name in MODEL_NAMES:
                return self.model_method(self.model_of(owner, call.node), name, call)
            if kind == "layer" and name == "add_weight":
                return self.add_weight(call)
        return None

    # -- callbacks -------------------------------------------------------------------------------------

    def enter_callback(self, model: Model, item: Instance, expr: ast.expr) -> bool:
        """The methods of a callback, with ``self.model``; False where it reaches data that is not followed."""
        if self.library_kind(item.cls) != "callback":
            return False
        names = {
            n.attr for one in self.resolution(item.cls) for n in ast.walk(one.node) if isinstance(n, ast.Attribute)
        }
        if "validation_data" in names:
            return False
        self.touch(item)
        known = item.attributes.get("model")
        item.attributes["model"] = model if known is None else self.join(known, model, expr)
        for one in self.resolution(item.cls):
            for name, member in one.members.items():
                if isinstance(member, Function) and name.startswith("on_"):
                    self.enter_unknown(member, item)
        return True
