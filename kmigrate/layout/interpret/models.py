"""Keras models: building, compiling, feeding, saving."""

from __future__ import annotations

import ast

from kmigrate.keras_api.names import Api
from kmigrate.layout.axes import BATCH, Axis, channel_at, channel_inside, moves
from kmigrate.layout.graph import AxesRef
from kmigrate.layout.interpret.calls import Call
from kmigrate.layout.interpret.edges import INPUT_SHAPES, Edges
from kmigrate.layout.interpret.making_layers import LAYOUT_LAYERS
from kmigrate.layout.interpret.state import short
from kmigrate.layout.values import (
    Array,
    Batches,
    Choice,
    Const,
    Dict,
    Function,
    Instance,
    Layer,
    Method,
    Model,
    Module,
    Seq,
    SymInt,
    Tool,
    Unknown,
    Value,
)

# Losses that average over all axes: which axis is last does not matter to them.
ORDER_FREE = frozenset(
    [
        "mse",
        "mae",
        "mape",
        "msle",
        "mean_squared_error",
        "mean_absolute_error",
        "mean_absolute_percentage_error",
        "mean_squared_logarithmic_error",
        "binary_crossentropy",
        "hinge",
        "squared_hinge",
        "poisson",
        "logcosh",
        "log_cosh",
        "huber",
        "huber_loss",
        "MSE",
        "MAE",
        "acc",
        "accuracy",
        "binary_accuracy",
        "MeanSquaredError",
        "MeanAbsoluteError",
        "BinaryCrossentropy",
        "BinaryAccuracy",
    ]
)
# How the model is fed: method -> (position of the inputs, of the targets; None: has none).
FEEDING: dict[str, tuple[int, int | None]] = {
    "fit": (0, 1), "evaluate": (0, 1), "train_on_batch": (0, 1), "test_on_batch": (0, 1),
    "predict": (0, None), "predict_on_batch": (0, None), "predict_classes": (0, None), "predict_proba": (0, None),
}  # fmt: skip
FEEDING_GENERATORS = frozenset(("fit_generator", "evaluate_generator", "predict_generator"))
HARMLESS_METHODS = frozenset(["summary", "count_params", "reset_states", "get_config", "compile_from_config"])
SAVING = {
    "save": "it is saved", "save_weights": "its weights are saved", "to_json": "its architecture is exported",
    "to_yaml": "its architecture is exported", "export": "it is exported", "get_weights": "its weights are read",
    "set_weights": "its weights are set", "load_weights": "weights are loaded into it",
}  # fmt: skip
REACHES_IN = frozenset(["layers", "get_layer", "pop", "_layers"])  # attributes that give what is within a model
SAVED_WHOLE = frozenset(["save", "to_json", "to_yaml", "export"])
PLOTTING = ("plot_model", "plot", "model_to_dot", "to_graph", "SVG")


class Models(Edges):
    """What programs do with models."""

    def make_model(self, api: Api, call: Call) -> Value:
        model = Model(api.name, self.place(call.node), entry=self.entry.source.path)
        if not self.graph.muted:
            self.models.append(model)
        if api.name == "Sequential":
            layers = call.get(0, "layers")
            if layers is not None and isinstance(layers[0], Seq):
                elements = layers[1].elts if isinstance(layers[1], ast.List | ast.Tuple) else []
                for i, item in enumerate(layers[0].items):
                    at = elements[i] if i < len(elements) else layers[1]
                    if isinstance(layers[1], ast.List) and len(elements) == len(layers[0].items):
                        self.listed = (layers[1], i, len(elements))
                    self.add_layer(model, item, at, at, None)
                    self.listed = None
            elif layers is not None:
                self.leak(*layers, "a list of layers that is not known")
                self.add_layer(model, Unknown("layers that are not known"), layers[1], call.node, None)
            return model
        inputs = call.get(0, "inputs", "input")
        outputs = call.get(1, "outputs", "output")
        model.inputs = self._tensors(inputs)
        model.outputs = self._tensors(outputs)
        if not model.inputs or not model.outputs:
            given = [v for v, _ in call.all() if isinstance(v, Unknown)]
            model.unknown = "its inputs or outputs are not known" + (f": {given[0].why}" if given else "")
            for value, expr in call.all():
                self.leak(value, expr, "a model whose inputs or outputs are not known")
        for tensor in model.inputs:
            self.model_input(tensor)
        if outputs is not None and model.outputs:
            self.functional_edges(model, outputs, call.node.func)
        self._collect(model)
        return model

    @staticmethod
    def _tensors(given: tuple[Value, ast.expr] | None) -> list[Value]:
        if given is None:
            return []
        value = given[0]
        items = list(value.items) if isinstance(value, Seq) else [value]
        items = [i.array if isinstance(i, Unknown) and i.array is not None else i for i in items]
        return items if isinstance(value, Seq) or isinstance(items[0], Array) else []

    def _collect(self, model: Model) -> None:
        """The layers and tensors between the outputs and the inputs."""
        todo = [t for t in (*model.outputs, *model.inputs) if isinstance(t, Array)]
        seen: set[int] = set()
        while todo:
            tensor = todo.pop()
            if id(tensor) in seen:
                continue
            seen.add(id(tensor))
            model.nodes.append(tensor.node)
            if tensor.maker is not None:
                model.layers.append(tensor.maker)
            todo.extend(tensor.sources)

    # -- Sequential ------------------------------------------------------------------------------------

    def add_layer(self, model: Model, item: Value, expr: ast.expr, node: ast.expr, receiver: str | None) -> None:
        """``model.add(layer)``."""
        self.touch(model)
        if isinstance(item, Choice):
            ways = [
                self.branch(lambda one=option: self.add_layer(model, one, expr, node, receiver))[1]  # type: ignore[misc]
                for option in item.options
            ]
            self.rejoin(ways, node)
            return
        if isinstance(item, Model):
            if item.inputs and item.outputs:
                if model.outputs:
                    made = self.through_model(item, [model.top or model.outputs[0]], expr, node)
                    model.outputs, model.top = [made], None
                else:
                    model.inputs, model.outputs = list(item.inputs), list(item.outputs)
                model.layers.append(item)
                model.nodes.extend(item.nodes)
                return
            self.taken_apart(model, self.because("a model that is not known is added", node, "KM906"))
            return
        if isinstance(item, Array) and item.kind == "tensor":  # Sequential([Input(...), ...])
            model.inputs, model.outputs = [item], [item]
            model.nodes.append(item.node)
            return
        if isinstance(item, Instance) and self.library_kind(item.cls) == "layer" and model.outputs:
            model.outputs = [self.apply_instance(item, model.outputs[0], expr, node)]
            model.layers.append(item)
            model.nodes += [t.node for t in model.outputs if isinstance(t, Array)]
            return
        if not isinstance(item, Layer):
            self.leak(item, expr, f"`{short(node)}`")
            for tensor in (*model.outputs, model.top):
                if isinstance(tensor, Array):
                    self.graph.pin(tensor.node, self.because(f"`{short(expr)}` is not a layer that is known", node))
            made = self.tensor(None, node)
            because = self.because(f"`{short(expr)}` is not a layer that is known, and may follow the setting", node)
            for stays in (made.node, self.ambient.layers):
                self.graph.pin(stays, because)
            # What comes out of it is no input of the model: no Permute layer there is the model's first.
            model.inputs = model.inputs or [self.tensor(None, node)]
            model.outputs, model.top = [made], None
            return
        model.layers.append(item)
        if not model.outputs and item.api.name == "Merge":
            self._merge_branches(model, item, expr, node)
            return
        says_shape = not model.outputs
        if not says_shape and any(name in item.values for name in INPUT_SHAPES) and isinstance(model.outputs[0], Array):
            self.event("shape stated again", model.outputs[0], node)
        if says_shape:
            first = self.input_of(item, node)
            model.inputs, model.outputs = [first], [first]
            model.nodes.append(first.node)
        if item.api.name == "InputLayer":
            return
        outer = self.receiver, self.current_model
        self.receiver, self.current_model = receiver, model
        below = model.top or model.outputs[0]
        if below is model.inputs[0]:
            below = self.first_tensor(model, item, node, says_shape)
        out = self.apply(item, below, expr, node)
        if not isinstance(out, Array):
            out = self.tensor(None, node)
            self.graph.pin(out.node, self.because(f"`{short(expr)}`", node))
        model.outputs, model.top = [self.last_tensor(model, item, out, node)], out
        self.receiver, self.current_model = outer
        model.nodes.extend((out.node, *(tensor.node for edge in model.edges[-2:] for tensor in edge)))

    def apply_instance(self, layer: Instance, value: Value, expr: ast.expr, node: ast.expr) -> Value:
        raise NotImplementedError

    def _merge_branches(self, model: Model, layer: Layer, expr: ast.expr, node: ast.expr) -> None:
        """``model.add(Merge([left, right], mode='concat'))``: the outputs of models, joined (Keras 1)."""
        given = layer.values.get("layers")
        branches = given[0].items if given is not None and isinstance(given[0], Seq) and given[0].fixed else []
        outputs: list[Value] = []
        for branch in branches:
            if isinstance(branch, Model) and branch.inputs and len(branch.outputs) == 1:
                model.inputs.extend(branch.inputs)
                model.nodes.extend(branch.nodes)
                model.layers.extend(branch.layers)
                outputs.extend(branch.outputs)
        out: Value = Unknown("models that are not known are merged", self.place(node))
        if outputs and len(outputs) == len(branches):
            out = self._merge_layer(layer, Seq("list", outputs), expr, node)
        else:
            for branch in branches:
                self.leak(branch, expr, "a merge of models that are not known")
        if not isinstance(out, Array):
            out = self.tensor(None, node)
            self.graph.pin(out.node, self.because(f"`{short(expr)}`", node))
            model.inputs = model.inputs or [out]
        out.maker = layer
        model.outputs = [out]
        model.nodes.append(out.node)

    def input_of(self, layer: Layer, node: ast.AST) -> Array:
        """The tensor that a first layer takes, from its ``input_shape`` and the like."""
        for name, with_batch in (
            ("batch_input_shape", True),
            ("batch_shape", True),
            ("input_shape", False),
            ("shape", False),
        ):
            given = layer.values.get(name)
            if given is not None:
                return self.input_tensor(given, node, with_batch, layer)
        if "input_dim" in layer.values:
            return self.tensor([Axis(BATCH), Axis()], node)
        return self.tensor(None, node)

    def input_tensor(
        self, given: tuple[Value, ast.expr], node: ast.AST, with_batch: bool, layer: Layer | None = None
    ) -> Array:
        seq = self.as_shape(*given)
        if seq is None:
            tensor = self.tensor(None, node)
            if isinstance(given[0], Const | SymInt):
                tensor.ref.bind([Axis(BATCH), Axis()]) if not self.graph.muted else None
                return tensor
            self.leak(*given, "an input shape that is not followed")
            self.graph.pin(tensor.node, self.because(f"the input shape `{short(given[1])}` is not known", node))
            return tensor
        assert seq.axes is not None
        axes = list(seq.axes) if with_batch else [Axis(BATCH), *seq.axes]
        tensor = self.tensor(axes, node)
        self.tie_shape(seq, tensor.node, given[1])
        self.event("input", tensor, node)
        if layer is None or layer.api.name in LAYOUT_LAYERS:
            self.entry.inputs_seen.append((tensor, seq, node))
        return tensor

    # -- calling a model -----------------------------------------------------------------------------------

    def apply_model_call(self, model: Model, call: Call) -> Value:
        given = call.get(0, "inputs", "x")
        if given is None or not model.inputs or not model.outputs:
            return self.opaque(call.all(), call.node, f"`{short(call.node)}`")
        value = self.within(*given)
        values = list(value.items) if isinstance(value, Seq) else [value]
        if isinstance(value, Seq):
            self.spread.add(self.place(given[1]).key)
        return self.through_model(model, values, given[1], call.node)

    def through_model(self, model: Model, values: list[Value], expr: ast.expr, node: ast.expr) -> Value:
        arrays = []
        for value, tensor in zip(values, model.inputs, strict=False):
            array = self.as_array(value, expr)
            if array is None or not isinstance(tensor, Array):
                return self.opaque([(value, expr)], node, f"`{short(node)}`")
            if array.kind == "numpy":
                array = self.consume(array, expr, f"`{short(expr)}`")
            self.join_axes(tensor, array, node)
            arrays.append(array)
        results: list[Value] = []
        for out in model.outputs:
            if not isinstance(out, Array):
                return self.opaque([], node, f"`{short(node)}`")
            made = Array(out.node, AxesRef(out.axes) if out.axes is not None else out.ref, "tensor", self.place(node))
            made.sources = (*arrays, out)
            made.maker = model
            results.append(made)
        return results[0] if len(results) == 1 else Seq("list", results)

    # -- methods -----------------------------------------------------------------------------------------------

    def model_attribute(self, model: Model, name: str, expr: ast.Attribute) -> Value:
        if name in ("output", "outputs", "input", "inputs"):
            tensors = model.outputs if name.startswith("output") else model.inputs
            if name.endswith("s"):
                return Seq("list", list(tensors))
            return tensors[0] if len(tensors) == 1 else Unknown(f"`{short(expr)}`", self.place(expr))
        if name in ("output_shape", "input_shape"):
            tensors = model.outputs if name == "output_shape" else model.inputs
            if len(tensors) == 1 and isinstance(tensors[0], Array):
                return self.shape_of(tensors[0], expr)
            return Unknown(f"`{short(expr)}`", self.place(expr))
        if name in (
            "metrics_names",
            "name",
            "optimizer",
            "loss",
            "metrics",
            "trainable",
            "history",
            "stop_training",
        ):
            return Unknown(f"`{short(expr)}`")
        return Method(model, name)

    def model_method(self, model: Model, name: str, call: Call) -> Value:
        if name == "add" and model.kind == "Sequential" and len(call.positional) == 1:
            item, expr = call.positional[0]
            receiver = ast.unparse(call.node.func.value) if isinstance(call.node.func, ast.Attribute) else None
            self.add_layer(model, item, expr, call.node, receiver)
            return Const(None)
        if name == "pop" and model.kind == "Sequential" and not call.all():
            return self.pop_layer(model, call)
        if name == "get_layer":
            return self.get_layer(model, call)
        if name == "get_weights":
            return self._weights_of(model, call.node)
        if name == "compile":
            self._compile(model, call)
            return Const(None)
        if call.star and (name == "compile" or name in FEEDING or name in FEEDING_GENERATORS):
            self._pin_feeds(model, f"the arguments of `{short(call.node)}` are not known", call.node)
        if name in FEEDING:
            model.fed = True
            return self._feed(model, name, call)
        if name in FEEDING_GENERATORS:
            model.fed = True
            return self._feed_generator(model, name, call)
        if name in SAVING:
            self.note_model(model, SAVING[name])
            if name in SAVED_WHOLE and not self.graph.muted:
                model.saved.append(self.place(call.node))
            if name == "load_weights":
                self._loads(model, call)
                if self.known.trial:  # each ordering has its own file
                    for given in call.positional[:1]:
                        self.heed(*given)
            return Unknown(f"`{short(call.node)}`", self.place(call.node))
        if name in HARMLESS_METHODS:
            return Unknown(f"`{short(call.node)}`", self.place(call.node))
        self.taken_apart(model, self.because(f"`{short(call.node)}` is not understood", call.node, "KM906"))
        return self.opaque(call.all(), call.node, f"`{short(call.node)}`")

    def pop_layer(self, model: Model, call: Call) -> Value:
        raise NotImplementedError

    def get_layer(self, model: Model, call: Call) -> Value:
        raise NotImplementedError

    def _weights_of(self, owner: Model, expr: ast.expr) -> Value:
        raise NotImplementedError

    def _loads(self, model: Model, call: Call) -> None:
        if not self.graph.muted:
            given = call.get(0, "filepath")
            name = given[0].value if given is not None and isinstance(given[0], Const) else ""
            model.loads.append((self.place(call.node), name if isinstance(name, str) else ""))

    def _compile(self, model: Model, call: Call) -> None:
        loss = call.get(1, "loss")
        optimizer = call.get(0, "optimizer")
        for given in (loss, call.get(2, "metrics"), call.get(None, "weighted_metrics")):
            if given is None:
                continue
            if given is loss and optimizer is loss:
                continue
            values = given[0].items if isinstance(given[0], Seq) else [given[0]]
            if isinstance(given[0], Dict):
                values = list(given[0].items.values())
            for value in values:
                for out in model.outputs:
                    if isinstance(out, Array):
                        self._loss(value, given[1], out, loss)

    def _loss(self, value: Value, expr: ast.expr, out: Array, loss: tuple[Value, ast.expr] | None) -> None:
        name = value.value if isinstance(value, Const) else None
        if isinstance(value, Module):
            name = value.dotted.rsplit(".", 1)[-1]
        if isinstance(value, Tool):
            name = value.name
        if name in ("accuracy", "acc") and loss is not None:
            base = loss[0].value if isinstance(loss[0], Const) else None
            name = "accuracy" if base in ("binary_crossentropy", "mse", "mae") else "categorical_accuracy"
        if isinstance(name, str) and name in ORDER_FREE:
            return
        if isinstance(value, Function | Method):
            truth = Array(out.node, out.ref, "graph", self.place(expr))
            guess = Array(out.node, out.ref, "graph", self.place(expr))
            made = self.call(value, Call(self._as_call(expr), [(truth, expr), (guess, expr)], {}, False))
            self._loss_result(made, out, expr)
            return
        axes_ref = out.ref

        def rule() -> None:
            if moves(axes_ref.axes):
                what = f"{name!r}" if name else f"`{short(expr)}`"
                text = f"{what} works along the last axis, which is not the channel now and would be"
                self.graph.pin(out.node, self.because(text, expr, "KM902"))

        self.later(rule)

    def _loss_result(self, made: Value, out: Array, expr: ast.expr) -> None:
        """A loss that keeps axes is averaged over them; one that is not understood pins the output."""
        if isinstance(made, Array | SymInt | Const):
            return
        self.graph.pin(out.node, self.because(f"what `{short(expr)}` computes is not understood", expr))

    def feed_array(self, value: Value, expr: ast.expr, tensor: Value) -> None:
        if (isinstance(value, Const) and value.value is None) or not isinstance(tensor, Array):
            return
        array = self.as_array(value, expr)
        if isinstance(value, Seq) and array is None:
            for item in value.items:
                self.leak(item, expr, "a list that is fed to a model")
            self.graph.pin(tensor.node, self.because(f"`{short(expr)}` is a list", expr))
            return
        if array is None:
            self.graph.pin(tensor.node, self.because(f"`{short(expr)}` is not known as an array", expr))
            return
        used = self.consume(array, expr, f"`{short(expr)}`")
        if tensor.axes is not None and used.axes is not None and len(tensor.axes) != len(used.axes):
            self._other_rank(tensor, used, expr)
        else:
            self.join_axes(tensor, used, expr)
        self.event("fed", used, expr)

    def _other_rank(self, tensor: Array, used: Array, expr: ast.expr) -> None:
        """Class numbers for probabilities and the like: fine as long as neither has a channel to move."""

        def rule() -> None:
            if moves(tensor.axes) or moves(used.axes):
                text = f"`{short(expr)}` has another rank than what it is compared with"
                for node in (tensor.node, used.node):
                    self.graph.pin(node, self.because(text, expr, "KM902"))

        self.later(rule)

    def feed(self, value: Value, expr: ast.expr, tensors: list[Value]) -> None:
        """One array for each tensor; a list where there are several."""
        if isinstance(value, Seq) and (len(tensors) > 1 or (len(value.items) == 1 and value.fixed)):
            elements = self.elements(value, expr)
            for item, element, tensor in zip(value.items, elements, tensors, strict=False):
                self.feed_array(item, element, tensor)
        elif len(tensors) == 1:
            self.feed_array(value, expr, tensors[0])
        else:
            self.leak(value, expr, "the inputs of a model with several inputs")
            for tensor in tensors:
                if isinstance(tensor, Array):
                    self.graph.pin(tensor.node, self.because(f"`{short(expr)}` is not known as a list of arrays", expr))

    def _feed(self, model: Model, name: str, call: Call) -> Value:
        x_at, y_at = FEEDING[name]
        x = call.get(x_at, "x", "X")
        if x is not None and isinstance(x[0], Batches | Instance):
            return self._feed_generator(model, name, call)
        if x is not None:
            self.feed(*x, model.inputs)
        y = None if y_at is None else call.get(y_at, "y", "Y")
        if y is not None and not isinstance(y[0], Const):
            self.feed(*y, model.outputs)
        array = None if x is None else x[0].array if isinstance(x[0], Unknown) else x[0]
        if x is not None and isinstance(array, Array) and array.doubtful and y is None:
            self._maybe_no_array(model, x[1])
        self._extras(model, call)
        if y_at is None:
            return self._predicted(model, name, call.node)
        return Unknown(f"`{short(call.node)}`")

    def _maybe_no_array(self, model: Model, expr: ast.expr) -> None:
        """Fed alone, what is not known may be a dataset or a generator, from Keras 2.2.3 on: no transpose there."""
        if self.known.version is not None and self.known.version.high < (2, 2, 3):
            return
        self._pin_feeds(model, f"`{short(expr)}` is not known to be an array", expr)

    def _extras(self, model: Model, call: Call) -> None:
        validation = call.get(None, "validation_data")
        if validation is not None:
            value, expr = validation
            elements = self.elements(value, expr) if isinstance(value, Seq) else [expr, expr]
            batches = self.batches_of(value, expr)
            if batches is not None:
                self._batch(model, batches, expr)
            elif isinstance(value, Seq) and len(value.items) >= 2:
                self.feed(value.items[0], elements[0], model.inputs)
                self.feed(value.items[1], elements[1], model.outputs)
            elif not (isinstance(value, Const) and value.value is None):
                self.leak(value, expr, "validation data that is not followed")
                self._pin_feeds(model, f"`{short(expr)}` is not known as arrays", expr)
        weights = call.get(None, "sample_weight")
        if weights is not None and isinstance(weights[0], Array):
            self.leak(*weights, "sample weights")
        callbacks = call.get(None, "callbacks")
        if callbacks is not None:
            value = callbacks[0]
            for item in value.items if isinstance(value, Seq) else [value]:
                if isinstance(item, Tool) and item.name == "ModelCheckpoint":
                    self.note_model(model, "a callback saves it")
                elif isinstance(item, Unknown | Instance):
                    self._callback(model, item, callbacks[1])

    def _callback(self, model: Model, item: Unknown | Instance, expr: ast.expr) -> None:
        """A callback of the program's own reaches the model through ``self.model``."""
        if isinstance(item, Instance) and self.enter_callback(model, item, expr):
            self.note_model(model, "a callback sees it")
            return
        cls = item.cls
        names = None if cls is None else {n.attr for n in ast.walk(cls.node) if isinstance(n, ast.Attribute)}
        if names is not None and "model" not in names:
            self.note_model(model, "a callback sees it")
        elif names is not None and not names.isdisjoint(REACHES_IN):
            self.taken_apart(model, self.because("a callback may take it apart", expr, "KM906"))
        else:
            self.leave(model, "a callback may feed it", expr)

    def enter_callback(self, model: Model, item: Instance, expr: ast.expr) -> bool:
        raise NotImplementedError

    def _pin_feeds(self, model: Model, why: str, at: ast.AST) -> None:
        for tensor in (*model.inputs, *model.outputs):
            if isinstance(tensor, Array):
                self.graph.pin(tensor.node, self.because(why, at))

    def _feed_generator(self, model: Model, name: str, call: Call) -> Value:
        given = call.get(0, "generator", "x")
        if given is not None:
            batches = self.batches_of(*given)
            if batches is not None:
                self._batch(model, batches, given[1])
            else:
                self.leak(*given, "a generator that is not followed")
                self._pin_feeds(model, f"what `{short(given[1])}` yields is not known", call.node)
        self._extras(model, call)
        if name.startswith("predict"):
            return self._predicted(model, name, call.node)
        return Unknown(f"`{short(call.node)}`")

    def _batch(self, model: Model, batches: Batches, expr: ast.expr) -> None:
        item = batches.item
        if isinstance(item, Seq) and len(item.items) >= 2 and item.kind == "tuple":
            self.feed_batch(item.items[0], expr, model.inputs)
            self.feed_batch(item.items[1], expr, model.outputs)
        else:
            self.feed_batch(item, expr, model.inputs)

    def feed_batch(self, value: Value, expr: ast.expr, tensors: list[Value]) -> None:
        """As `feed`, but what a generator yields cannot be transposed where it is fed."""
        values = value.items if isinstance(value, Seq) and len(tensors) > 1 else [value]
        for item, tensor in zip(values, tensors, strict=False):
            if isinstance(tensor, Array) and isinstance(item, Array):
                self.join_axes(tensor, item, expr)
            elif isinstance(tensor, Array) and not isinstance(item, Const):
                self.leak(item, expr, "a batch that is not followed")
                self.graph.pin(tensor.node, self.because(f"what `{short(expr)}` yields is not known", expr))

    def _predicted(self, model: Model, name: str, node: ast.expr) -> Value:
        results: list[Value] = []
        for out in model.outputs:
            if not isinstance(out, Array):
                return Unknown(f"`{short(node)}`", self.place(node))
            axes = out.axes
            if channel_inside(axes or ()) is not None:
                self.features_seen(out, "the features are a result of the model", node)
            if name == "predict_classes":
                return self.new_array([Axis(BATCH)], self.place(node))
            made = Array(out.node, AxesRef(axes) if axes is not None else out.ref, "numpy", self.place(node))
            self.event("predicted", made, node)
            results.append(made)
        if not results:
            return Unknown(f"`{short(node)}`", self.place(node))
        return results[0] if len(results) == 1 else Seq("list", results)

    def check_output(self, model: Model) -> None:
        """Flattened features that leave the model keep their order."""
        for out in model.outputs:
            if isinstance(out, Array) and out.axes is not None and channel_at(out.axes) is None:
                self.features_seen(out, "the features are a result of the model", model.place.node)

    def note_model(self, model: Model, why: str) -> None:
        """Something sees the order of its features."""
        if not self.graph.muted:
            model.observed.append(why)
