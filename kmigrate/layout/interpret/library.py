"""Calls that leave the program: which table or handler a dotted name belongs to."""

from __future__ import annotations

import ast

from kmigrate.keras_api.names import Api, resolve
from kmigrate.layout.files import Files
from kmigrate.layout.interpret import evaluation
from kmigrate.layout.interpret import operation_tables as tables
from kmigrate.layout.interpret import operations as ops
from kmigrate.layout.interpret import outside_operations as outside
from kmigrate.layout.interpret.calls import Call
from kmigrate.layout.interpret.data import IMAGE_FUNCTIONS, Data
from kmigrate.layout.interpret.dataset_operations import DATASET_METHODS
from kmigrate.layout.interpret.estimators import SEARCHES, WRAPPERS
from kmigrate.layout.interpret.making_layers import takes_layout
from kmigrate.layout.interpret.merging import MERGE_FUNCTIONS, MERGE_LAYERS
from kmigrate.layout.interpret.models import ORDER_FREE, PLOTTING
from kmigrate.layout.interpret.state import Knowledge, short
from kmigrate.layout.interpret.worlds import FIRST_NAMES, LAST_NAMES, OTHER_NAME
from kmigrate.layout.values import (
    Ambient,
    Array,
    Batches,
    Const,
    Estimator,
    Fetch,
    Function,
    Inlet,
    Layer,
    LayerList,
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

SETTERS = ("set_image_dim_ordering", "set_image_data_format")
GETTERS = {"image_dim_ordering": ("th", "tf"), "image_data_format": ("channels_first", "channels_last")}
HARMLESS_HOMES = tuple(
    f"keras.{home}"
    for home in (
        "optimizers regularizers constraints initializers callbacks losses metrics activations mixed_precision".split()
    )
)


class Library(Data):
    """Dispatch of library calls."""

    def __init__(self, files: Files, knowledge: Knowledge) -> None:
        super().__init__(files, knowledge)
        self.generations: set[int] = set()
        self.flattens: list[tuple[Array, Layer]] = []
        self.inlets: dict[object, Inlet] = {}
        self.inlet_of: dict[int, Inlet] = {}
        self.plain: set[int] = set()
        self.locked_out: list[int] = []
        self.bounds: list[tuple[Api, ast.Call]] = []

    def fetch(self, what: Fetch, call: Call) -> Value:
        return evaluation.fetch(self, what, call)  # type: ignore[arg-type]

    def call_library(self, module: Module, call: Call) -> Value:
        dotted = module.dotted
        operation = tables.TABLE.get(dotted)
        if operation is not None:
            return operation(self, call)  # type: ignore[arg-type]
        api = resolve(dotted)
        if api is not None:
            if not self.graph.muted:
                self.bounds.append((api, call.node))
            return self.call_keras(api, call)
        top, name = dotted.split(".", 1)[0], dotted.rsplit(".", 1)[-1]
        if "keras" in dotted.split(".") and name in SETTERS:  # keras.config, K.common
            return self._set_ordering(call)
        if "keras" in dotted.split(".") and name in GETTERS:
            self.reads_ambient(call.node)
            return self._ordering_name(name)
        if top in ("warnings", "logging"):
            return outside.shown(self, call)  # type: ignore[arg-type]
        if dotted.startswith("os.path."):
            return self._file_name(call)
        if top in tables.HARMLESS_MODULES or (dotted.startswith("matplotlib.pyplot.") and _draws_no_array(dotted)):
            return outside.harmless(self, call)  # type: ignore[arg-type]
        if top == "builtins" and dotted.endswith(("Error", "Exception", "Warning")):
            for value, expr in call.all():
                self.leak(value, expr, "an exception carries it")
            return Unknown("an exception")
        if dotted in SEARCHES:
            return self.make_search(call)
        if top.startswith("keras_"):
            self.may_read_ambient(call)
        elif top not in tables.NO_KERAS:
            self.may_make_layers(call)
        return self.opaque(call.all(), call.node, f"`{short(call.node.func)}` (not in the tables)")

    # -- Keras -----------------------------------------------------------------------------------------

    def call_keras(self, api: Api, call: Call) -> Value:
        home, name = api.module, api.name
        if home == "keras.models" and name in ("Sequential", "Model"):
            return self.make_model(api, call)
        if name in WRAPPERS:
            return self.make_estimator(call)
        if home == "keras.layers" or name in ("Input", "InputLayer"):
            return self._layer_call(api, call)
        if home == "keras.backend":
            return self._backend_call(api, call)
        if home == "keras.ops" and f"ops.{name}" in tables.OPS:
            return tables.OPS[f"ops.{name}"](self, call)  # type: ignore[arg-type]
        if home == "keras.activations" and f"backend.{name}" in tables.BACKEND and call.positional:
            return tables.BACKEND[f"backend.{name}"](self, call)  # type: ignore[arg-type]
        if home == "keras.losses" and call.positional and isinstance(call.positional[0][0], Array):
            return self._loss_function(api, call)
        if name.endswith(".preprocess_input"):
            return self._preprocess_input(call)
        if name.rsplit(".", 1)[-1] == "get_file":
            return self._file_name(call)
        if name.endswith("_obtain_input_shape"):
            return self._obtained_shape(call)
        if name.endswith(".load_data"):
            return self._dataset(name.split(".")[0], call)
        row = tables.KERAS.get(f"{home[6:]}.{name.rsplit('.', 1)[-1]}")
        if row is not None:
            return row(self, call)  # type: ignore[arg-type]
        if home == "keras.config":
            return self._backend_call(api, call)
        if home.startswith("keras.preprocessing") or (home == "keras.utils" and name in IMAGE_FUNCTIONS):
            return self._preprocessing(api, call)
        if home in HARMLESS_HOMES:
            for value, expr in call.all():
                if isinstance(value, Array | Model | Function | Method):
                    self.leak(value, expr, f"`{short(call.node)}`")
            return Tool(name, self.graph.node(), False)
        if name in PLOTTING:
            return Const(None)
        if home.startswith(("keras.applications", "keras.preprocessing")) or "image" in name or takes_layout(api):
            self.may_read_ambient(call)
        why = f"`{api.spelled}` (not in the tables)"
        for value, expr in call.all():
            if isinstance(value, Model):  # what Keras itself does to models depends on their layers
                self.taken_apart(value, self.because(f"the model is given to {why}", expr, "KM906"))
        return self.opaque(call.all(), call.node, why)

    def _file_name(self, call: Call) -> Value:
        """The name of a file: another file, where it depends on the ordering."""
        nodes = []
        for value, expr in call.all():
            sides = self.sides(value, call.node)
            if sides is not None:
                nodes.append(sides.node)
                self.heed(value, expr)
            elif isinstance(value, Array | Model):
                self.leak(value, expr, f"`{short(call.node)}`")
        names = [Unknown("the name of a file", self.place(call.node)) for _ in range(2)]
        return Pair(names[0], names[1], nodes[0]) if nodes else names[0]

    def _obtained_shape(self, call: Call) -> Value:
        """``_obtain_input_shape``: the shape that was given, or one of three channels in the order of the setting."""
        given, ordering = call.get(0, "input_shape"), call.get(3, "dim_ordering", "data_format")
        known = ordering[0] if ordering is not None else None
        plain = isinstance(known, Const) and known.value in LAST_NAMES and known.origin is None
        if given is None or ordering is None or not (plain or isinstance(known, OrderingName)):
            self.may_read_ambient(call)
            return self.opaque(call.all(), call.node, f"`{short(call.node)}` is not followed")
        self.heed(*ordering)
        self.heed(*given)
        if not (isinstance(given[0], Const) and given[0].value is None):
            return given[0]
        sizes: list[Value] = [SymInt(self.name_of(letter, call.node)) for letter in "HW"]
        first, last = Seq("tuple", [Const(3), *sizes]), Seq("tuple", [*sizes, Const(3)])
        return self.pair(first, last, known.node, call.node) if isinstance(known, OrderingName) else last

    def may_read_ambient(self, call: Call) -> None:
        """What is not in the tables may build or load things under the ambient setting."""
        because = self.because(f"`{short(call.node)}` (not in the tables) may follow the setting", call.node)
        for node in (self.ambient.layers, self.ambient.loaders):
            self.graph.pin(node, because)

    def may_make_layers(self, call: Call) -> None:
        """Code that is not seen and gets maps of a model makes layers, which follow the setting."""
        given = [i for value, _ in call.all() for i in (value.items if isinstance(value, Seq) else [value])]
        maps = any(isinstance(i, Array) and i.kind == "tensor" and (i.axes is None or len(i.axes) > 3) for i in given)
        if maps or self._of_unseen_model(call):
            self.may_read_ambient(call)

    def _of_unseen_model(self, call: Call) -> bool:
        """Is it a method of a model that code made that is not seen, under the setting?"""
        method = call.node.func
        if not isinstance(method, ast.Attribute) or not isinstance(method.value, ast.Name):
            return False
        owner = self.scope.lookup(method.value.id)
        if not isinstance(owner, Unknown) or owner.place is None or not isinstance(owner.place.node, ast.Call):
            return False
        if (_word(owner.place.node.func) or "").startswith(("load_model", "model_from_")):
            return False  # a file says which layout each layer has
        return method.attr in tables.OF_MODELS or (method.attr in ("fit", "predict", "evaluate") and _given_maps(call))

    def _layer_call(self, api: Api, call: Call) -> Value:
        name = api.name
        if api.spelled in MERGE_FUNCTIONS and api.spelled.islower():
            return self._merge_function(MERGE_FUNCTIONS[api.spelled], call, call.get(None, "axis"))
        if name == "dot" and not call.star:
            given = call.get(0, "inputs")
            if given is not None:
                return self.merge_features(*given, call.node)
        if name == "dot" or (api.spelled.islower() and api.spelled != "merge"):
            return self.opaque(call.all(), call.node, f"`{short(call.node)}` (not in the tables)")
        if api.spelled == "merge":
            return self._merge_keras1(call)
        if name == "Input":
            for word, batch in (("batch_shape", True), ("batch_input_shape", True), ("shape", False)):
                given = call.get(0 if word == "shape" else None, word)
                if given is not None:
                    return self.make_inlet(self.input_tensor(given, call.node, batch), call.node)
            return self.opaque(call.all(), call.node, "an input without a shape")
        layer = self.make_layer(api, call)
        if not self.graph.muted:
            self.layers_made.append(layer)
        if call.star:
            self.leak_layer(layer, call)
        return layer

    def leak_layer(self, layer: Layer, call: Call) -> None:
        """Arguments that are not known one by one may hold a setting."""
        if layer.api.name and "data_format" not in layer.values:
            layer.values["data_format"] = (Unknown("keyword arguments that are not known"), call.node)

    def _given_tensors(self, call: Call) -> tuple[Value, ast.expr] | None:
        given = call.get(0, "inputs")
        return None if given is None else (self.within(*given), given[1])

    def _merge_function(self, layer_name: str, call: Call, axis: tuple[Value, ast.expr] | None) -> Value:
        given = self._given_tensors(call)
        if given is None:
            return self.opaque(call.all(), call.node, f"`{short(call.node)}`")
        if layer_name == "Concatenate":
            axis = axis or call.get(1, "axis")
            return self.concatenate_tensors(given[0], given[1], axis, call.node, call.node, "axis")
        if layer_name in MERGE_LAYERS and isinstance(given[0], Seq):
            return self.merge_tensors(given[0], given[1], call.node)
        return self.opaque(call.all(), call.node, f"`{short(call.node)}`")

    def _merge_keras1(self, call: Call) -> Value:
        """``merge([a, b], mode='concat', concat_axis=1)``."""
        given = self._given_tensors(call)
        strange = set(call.keywords) - {"inputs", "mode", "concat_axis", "dot_axes", "output_shape", "name"}
        if given is None or call.star or strange or len(call.positional) > 5:
            return self.opaque(call.all(), call.node, f"`{short(call.node)}`")
        mode, axis, shape = call.get(1, "mode"), call.get(2, "concat_axis"), call.get(4, "output_shape")
        return self.merge_by_mode(*given, mode, axis, shape, call.node, call.node)

    def _loss_function(self, api: Api, call: Call) -> Value:
        if api.name in ORDER_FREE:
            return self.elementwise(call.positional, call.node)
        return self.opaque(call.all(), call.node, f"`{short(call.node)}` works along the last axis")

    # -- the ambient ordering ------------------------------------------------------------------------------

    def _backend_call(self, api: Api, call: Call) -> Value:
        name = api.spelled
        if name in SETTERS:
            return self._set_ordering(call)
        if name in GETTERS:
            return self._ordering_name(name)
        row = tables.BACKEND.get(f"backend.{api.name}") or tables.BACKEND.get(f"backend.{name}")
        if row is not None:
            return row(self, call)  # type: ignore[arg-type]
        if takes_layout(api):
            self.may_read_ambient(call)
        return self.opaque(call.all(), call.node, f"`{short(call.node.func)}` (not in the tables)")

    def _ordering_name(self, getter: str) -> Value:
        """The setting as a string; one that is channels-last never changes."""
        first, last = GETTERS[getter]
        ambient = self.ambient
        node = ambient.loaders if ambient.implied else ambient.layers  # layers may get a setting of their own
        return OrderingName(first, node) if ambient.first else Const(last, None, node)

    def _set_ordering(self, call: Call) -> Value:
        given = call.get(0, "dim_ordering", "data_format")
        if given is None:
            return Const(None)
        value, expr = given
        self.heed(value, expr)
        given_back = value.node if isinstance(value, OrderingName | Const) else None
        if (isinstance(value, Const) and value.origin is not None) or self.known.setter_misses_layers:
            given_back = None
        if given_back is not None:
            for ambient in (*(entry.implied for entry in self.entries), *self.entry.ambients):
                if given_back in (
                    ambient.layers,
                    ambient.loaders,
                ):  # what an earlier call of the getter gave is set again
                    self.ambient = ambient
                    return Const(None)
        if isinstance(value, OrderingName):
            return Const(None)
        if not isinstance(value, Const) or value.value not in OTHER_NAME:
            node = self.graph.node()
            self.graph.pin(
                node,
                self.because(f"the ordering is set from `{short(expr)}`, which is not known", expr, "KM903"),
            )
            self.ambient = Ambient(self.ambient.first, node, node, False, self.place(call.node))
            return Const(None)
        if value.origin is not None:
            node = self.setting_node(value)
        elif value.node is not None:
            node = value.node
        else:
            node = self.graph.node()
            self.graph.pin(node, self.because("the ordering is computed", expr))
        if self.known.setter_misses_layers:
            return Const(None)
        self.ambient = Ambient(value.value in FIRST_NAMES, node, node, False, self.place(call.node))
        if not self.graph.muted:
            self.entry.ambients.append(self.ambient)
        return Const(None)

    # -- methods of library objects ---------------------------------------------------------------------------

    def library_method(self, owner: Value, name: str, call: Call) -> Value:
        if isinstance(owner, Model):
            return self.model_method(owner, name, call)
        if isinstance(owner, Estimator):
            return self.estimator_method(owner, name, call)
        made = self.subclass_method(owner, name, call)
        if made is not None:
            return made
        if isinstance(owner, Layer):
            return self.layer_method(owner, name, call)
        if isinstance(owner, LayerList):
            return self.layers_method(owner, name, call)
        if isinstance(owner, Array):
            return self._array_method(owner, name, call)
        if isinstance(owner, Tool):
            return self._tool_method(owner, name, call)
        if isinstance(owner, Unknown):
            array = owner.array
            if array is not None:
                return self._array_method(array, name, call)
            if name in ("reshape", "transpose", "astype"):
                made = self.as_array(owner, call.node)
                if made is not None:
                    return self._array_method(made, name, call)
        if isinstance(owner, Batches):
            if name in DATASET_METHODS:
                return DATASET_METHODS[name](self, owner, call)  # type: ignore[arg-type]
            return self.opaque(call.all(), call.node, f"`{short(call.node)}`")
        self.leak(owner, call.node, f"`{short(call.node)}`")
        return self.opaque(call.all(), call.node, f"`{short(call.node)}`")

    def _array_method(self, array: Array, name: str, call: Call) -> Value:
        function = call.node.func
        receiver = function.value if isinstance(function, ast.Attribute) else call.node
        operand = (array, receiver)
        if name == "reshape":
            return ops.method_reshape(self, operand, call)  # type: ignore[arg-type]
        if name == "transpose":
            return ops.method_transpose(self, operand, call)  # type: ignore[arg-type]
        operation = tables.METHODS.get(name)
        inner = Call(call.node, [operand, *call.positional], call.keywords, call.star)
        if operation is not None:
            return operation(self, inner)  # type: ignore[arg-type]
        return self.opaque(inner.all(), call.node, f"`.{name}()` (not in the tables)")


DRAWING = frozenset(
    "figure subplot subplots show title xlabel ylabel legend savefig close axis grid tight_layout colorbar xlim ylim "
    "xticks yticks gray plot suptitle".split()
)


def _word(callee: ast.expr) -> str | None:
    return callee.id if isinstance(callee, ast.Name) else getattr(callee, "attr", None)


def _given_maps(call: Call) -> bool:
    return any(isinstance(value, Array) and value.axes is not None and len(value.axes) > 3 for value, _ in call.all())


def _draws_no_array(dotted: str) -> bool:
    return dotted.rsplit(".", 1)[-1] in DRAWING
