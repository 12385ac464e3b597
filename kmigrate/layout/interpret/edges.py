"""The edges of models: a Permute layer there keeps what callers see channels-first, and the layers channels-last."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from kmigrate.layout.axes import Axis, channel_at, letters, moves
from kmigrate.layout.interpret.layers import Layers
from kmigrate.layout.interpret.state import EDGE, GIVEN_AWAY, short
from kmigrate.layout.values import Array, Inlet, Layer, Model, Place, Seq, Value
from kmigrate.plan import Edit

Realise = Callable[[bool, list[Axis]], list[Edit] | None]
# The arguments by which a first layer says what comes in.
INPUT_SHAPES = ("batch_input_shape", "input_shape")
# Up to here, weights are loaded by the place of a layer among all layers, also those without weights.
LOADS_BY_PLACE = (1, 1)


class Edges(Layers):
    """Inputs, which layers may see through a Permute layer, and outputs, which callers may."""

    inlets: dict[object, Inlet]  # by the call that makes the input
    inlet_of: dict[int, Inlet]  # expression -> the input that it gives
    plain: set[int]  # expressions that give something else
    locked_out: list[int]  # what would flip with a file that was not given

    def edge(self, outside: Array, inside: Array, realise: Realise, what: str, place: Place, by: str = "") -> None:
        """The two agree, unless a Permute layer is put between them: one at ``place``, or one for each of ``by``."""
        ref = outside.ref

        def rule() -> None:
            if ref.axes is not None and channel_at(ref.axes) is not None and moves(ref.axes):
                self.soft(outside.node, inside.node, EDGE, ref, realise, what, place)
            else:
                self.graph.tie(outside.node, inside.node)

        self.later(rule)
        self.share(place, what + by, outside.node, inside.node, ref)

    def closed(self, nodes: Iterable[int]) -> bool:
        """May no layer be added to the models of these tensors?

        Also where a file that was not given would make the layer needless: the user is told of that file.
        """
        wanted = set(nodes)
        if not self.graph.classes_of(wanted).isdisjoint(self.graph.classes_of(self.locked_out)):
            return True
        if self.permutes_named:
            return True
        version = self.known.version
        by_place = version is None or version.low < LOADS_BY_PLACE
        models = [m for m in self.models if not wanted.isdisjoint(m.nodes)]
        return any(m.indexed or m.taken or (by_place and not all(_by_name(at) for at, _ in m.loads)) for m in models)

    def contract(self, model: Model) -> None:
        """What callers feed and get, for the re-check."""
        for tensor in (*model.inputs, *model.outputs):
            if isinstance(tensor, Array):
                self.event(GIVEN_AWAY, tensor, model.place.node)

    @staticmethod
    def inside_of(model: Model, tensor: Value) -> Value:
        """What the layers see of a tensor that callers see."""
        return next((inside for outside, inside in model.edges if outside is tensor), tensor)

    def known_outside(self, model: Model) -> bool:
        """May code that is not seen get hold of a model that nothing here feeds?

        Not where it is a value that is used up where it is made, or a local name whose methods are all that is used:
        what these give away is followed (`State.leak`).
        """
        node = model.place.node
        outer = self._function_of(node)
        parents = {id(child): parent for parent in ast.walk(outer) for child in ast.iter_child_nodes(parent)}
        parent = parents.get(id(node))
        if isinstance(parent, ast.Attribute):
            return not self._only_asked(parent, parents)
        if not isinstance(parent, ast.Assign) or isinstance(outer, ast.Module):
            return not isinstance(parent, ast.Expr)
        target = parent.targets[0]
        if len(parent.targets) > 1 or not isinstance(target, ast.Name):
            return True
        for each in ast.walk(outer):
            if isinstance(each, ast.Global | ast.Nonlocal) and target.id in each.names:
                return True
            if isinstance(each, ast.Name) and each.id == target.id and isinstance(each.ctx, ast.Load):
                used = parents.get(id(each))
                if not isinstance(used, ast.Attribute) or not self._only_asked(used, parents):
                    return True
        return False

    @staticmethod
    def _only_asked(attribute: ast.Attribute, parents: dict[int, ast.AST]) -> bool:
        """``model.method(...)``, ``model.output_shape``: the model itself goes no further."""
        call = parents.get(id(attribute))
        called = isinstance(call, ast.Call) and call.func is attribute
        return called or attribute.attr in ("output_shape", "input_shape", "output", "input", "outputs", "inputs")

    # -- the inputs of functional models ----------------------------------------------------------------

    def make_inlet(self, tensor: Value, call: ast.Call) -> Value:
        """A tensor that ``Input`` made: models take it as it is, layers what is behind it."""
        if not isinstance(tensor, Array) or self.graph.muted:
            return tensor
        place = self.place(call)
        inlet = self.inlets.setdefault(place.key, Inlet(place, self.statement))
        inner = Array(self.graph.node(), tensor.ref, "tensor", place, sources=(tensor,))
        tensor.inlet, tensor.inner = inlet, inner
        inlet.tensors.append(tensor)
        self.edge(tensor, inner, lambda flipped, axes: self._permuted_input(inlet, flipped, axes), "the input", place)
        return tensor

    def read_input(self, tensor: Array, expr: ast.expr) -> Array:
        """``expr`` gives an input: what becomes of this reading decides where a layer can stand."""
        inlet = tensor.inlet
        assert inlet is not None
        if self.graph.muted or self.guards or self.inlet_of.setdefault(id(expr), inlet) is not inlet:
            inlet.broken = True
        if tensor.reads:
            inlet.followers.setdefault(id(tensor.reads[-1].node), set()).add(id(expr))
        read = replace(tensor, reads=(*tensor.reads, self.place(expr)))
        inlet.loose.add(read)
        return read

    def goes_on(self, value: Value, expr: ast.expr) -> None:
        """The value of ``expr`` is bound to a name, and to nothing else."""
        if isinstance(value, Array) and value.inlet is not None and value.reads and value.reads[-1].node is expr:
            value.inlet.loose.discard(value)

    def within(self, value: Value, expr: ast.AST | None) -> Value:
        """What a layer takes at ``expr`` (None: where ways meet) when it is given an input of a model."""
        if isinstance(value, Seq):
            if not any(isinstance(item, Array) and item.inlet is not None for item in value.items):
                return value
            written = expr.elts if isinstance(expr, ast.List | ast.Tuple) else []
            elements = written if len(written) == len(value.items) else [None] * len(value.items)
            return replace(value, items=[self.within(i, e) for i, e in zip(value.items, elements, strict=True)])
        if not isinstance(value, Array) or value.inlet is None or value.inner is None:
            return value
        if expr is not None:
            self.goes_on(value, expr)  # type: ignore[arg-type]
        elif len(value.reads) < 2:  # the input's own name may hold something else from here on
            value.inlet.broken = True
        if self.graph.muted or self.guards:
            value.inlet.broken = True
        else:
            value.inlet.taken.append(value.reads)
        return value.inner

    def model_input(self, tensor: Value) -> None:
        """What is given to a model as its input must be an input itself: no layer may stand before it."""
        todo = [tensor] if isinstance(tensor, Array) and tensor.inlet is None else []
        seen: set[int] = set()
        while todo:
            source = todo.pop()
            if id(source) not in seen:
                seen.add(id(source))
                todo.extend(source.sources)
                if source.inlet is not None:
                    source.inlet.broken = True

    def _permuted_input(self, inlet: Inlet, flipped: bool, axes: list[Axis]) -> list[Edit] | None:
        perm = self.permutation(flipped, axes)
        nodes = [t.node for t in inlet.tensors]
        if inlet.broken or perm is None or perm[0] != 0 or self.closed(nodes):
            return None
        if any(t.axes is None or self.permutation(flipped, t.axes) != perm for t in inlet.tensors):
            return None
        call = inlet.place.node
        assert isinstance(call, ast.Call)
        named = self.permute_name(call.func)
        reads: dict[int, Place] = {}
        for chain in inlet.taken:
            alike = [place for place in chain if id(place.node) not in self.plain]
            read = next((place for place in alike if self._into_layers(inlet, id(place.node), set())), None)
            if read is None:
                return None
            reads[id(read.node)] = read
        if named is None or not reads:
            return None
        name, imports = named
        places = list(reads.values())
        reason = f"the input stays {letters(axes)} for those who feed the model; the layers see it through a Permute"
        if len(places) == 1:
            node = places[0].node
            if isinstance(node, ast.Starred) or places[0].key in self.spread:
                return None
            args: dict[str, Any] = {"callee": name, "dims": perm[1:], "edge": True}
            return [*imports, self.edit(places[0], "permute_layer", "KM106", args, reason)]
        return self._named_once(inlet, places, f"{name}({_numbers(perm[1:])})", imports, reason)

    def _into_layers(self, inlet: Inlet, read: int, seen: set[int]) -> bool:
        """Is what this expression gives taken by layers alone, wherever it goes on to?"""
        if read in seen:
            return True
        seen.add(read)
        if any(id(value.reads[-1].node) == read for value in inlet.loose):
            return False
        return all(self._into_layers(inlet, after, seen) for after in inlet.followers.get(read, ()))

    def _named_once(
        self, inlet: Inlet, places: list[Place], layer: str, imports: list[Edit], reason: str
    ) -> list[Edit] | None:
        """A statement behind the input's own gives the permuted tensor a name, for several layers to take."""
        statement, path = inlet.statement, inlet.place.path
        if not isinstance(statement, ast.Assign) or statement.value is not inlet.place.node:
            return None
        target = statement.targets[0]
        if len(statement.targets) != 1 or not isinstance(target, ast.Name):
            return None
        inside = self._function_of(statement)
        nodes = set(map(id, ast.walk(inside)))
        for place in places:
            node = place.node
            if not isinstance(node, ast.Name) or node.id != target.id or place.path != path or id(node) not in nodes:
                return None
        if any(isinstance(n, ast.Global | ast.Nonlocal) and target.id in n.names for n in ast.walk(inside)):
            return None
        new = self._fresh(f"{target.id}_last", statement)
        args = {"where": "after", "text": f"{new} = {layer}({target.id})", "edge": True}
        at = Place(path, statement)
        edits = [*imports, self.edit(at, "permute_layer", "KM106", args, reason, kind="stmt")]
        return edits + [self.edit(p, "permute_layer", "KM106", {"name": new, "edge": True}, reason) for p in places]

    def _function_of(self, node: ast.AST) -> ast.AST:
        """The innermost function around a statement, else its module."""
        found: ast.AST = self.tree_of(node)
        for outer in ast.walk(found):  # from the outside to the inside
            if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef) and any(n is node for n in ast.walk(outer)):
                found = outer
        return found

    def _fresh(self, name: str, at: ast.AST) -> str:
        used: set[str] = set()
        for node in ast.walk(self.tree_of(at)):
            used.update(str(getattr(node, field, "")) for field in ("id", "arg", "name", "asname"))
        number = 2
        new = name
        while new in used:
            new, number = f"{name}{number}", number + 1
        return new

    # -- the outputs of functional models ------------------------------------------------------------------

    def functional_edges(self, model: Model, given: tuple[Value, ast.expr], callee: ast.expr) -> None:
        """Callers see each output as it was; the layers before it may be channels-last."""
        value, expr = given
        several = isinstance(value, Seq)
        elements = self.elements(value, expr) if isinstance(value, Seq) else [expr]
        outputs: list[Value] = []
        for out, element in zip(model.outputs, elements, strict=True):
            maker = out.maker if isinstance(out, Array) else None
            named = isinstance(maker, Layer) and "name" in maker.values
            if isinstance(out, Array) and out.kind == "tensor" and out.inlet is None and not (several and named):
                made = self.exit(model, out, self.place(element))
                layers = [maker.callee] if isinstance(maker, Layer) else []
                realise = self._permuted_output(made, element, [callee, *layers])
                self.edge(made, out, realise, f"`{short(element)}`", self.place(element))
                out = made
            outputs.append(out)
        model.outputs = outputs
        for tensor in model.inputs:
            if isinstance(tensor, Array) and tensor.inner is not None:
                model.edges.append((tensor, tensor.inner))

    def exit(self, model: Model, out: Array, place: Place) -> Array:
        """What callers see of the tensor that a model ends in."""
        made = Array(self.graph.node(), out.ref, "tensor", place, sources=(out,))
        model.edges.append((made, out))
        return made

    def _permuted_output(self, made: Array, element: ast.expr, callees: list[ast.expr]) -> Realise:
        place, key = self.place(element), self.place(element).key

        def realise(flipped: bool, axes: list[Axis]) -> list[Edit] | None:
            perm = self.permutation(not flipped, axes)
            here = (self.permute_name(callee) for callee in callees if self.place(callee).path == place.path)
            named = next((name for name in here if name is not None), None)
            if perm is None or perm[0] != 0 or named is None or key in self.spread or self.closed([made.node]):
                return None
            reason = f"the output stays {letters(axes)} for those who call the model"
            args = {"callee": named[0], "dims": perm[1:], "edge": True}
            return [*named[1], self.edit(place, "permute_layer", "KM106", args, reason)]

        return realise

    # -- Sequential models ---------------------------------------------------------------------------------

    def first_tensor(self, model: Model, layer: Layer, node: ast.expr, says_shape: bool) -> Array:
        """What the first layer of a Sequential model takes."""
        tensor = model.outputs[0]
        assert isinstance(tensor, Array)
        place = self.place(node)
        inner = Array(self.graph.node(), tensor.ref, "tensor", place, sources=(tensor,))
        model.edges.append((tensor, inner))
        add = self.slot(layer, before=True)
        statement, listed = self.statement, self.listed

        def realise(flipped: bool, axes: list[Axis]) -> list[Edit] | None:
            perm = self.permutation(flipped, axes)
            named = self.permute_name(layer.callee)
            if perm is None or perm[0] != 0 or named is None or flipped or self.closed([tensor.node]):
                return None
            text = _numbers(perm[1:])
            call = layer.place.node
            moved: list[Edit] = []
            reason = f"the input stays {letters(axes)} for those who feed the model; its layers see it permuted"
            if says_shape:
                keyword = next((k for name in INPUT_SHAPES if (k := _keyword(call, name)) is not None), None)
                around = listed[0] if listed is not None else statement
                if keyword is None or around is None or all(n is not keyword for n in ast.walk(around)):
                    return None
                text += f", {keyword.arg}={ast.unparse(keyword.value)}"
                why = f"`{keyword.arg}` is said by the layer before it"
                moved.append(
                    self.edit(
                        layer.place, "permute_layer", "KM106", {"drop": keyword.arg, "edge": True}, why, neutral=True
                    )
                )
            edit = add(f"{named[0]}({text})", reason)
            return None if edit is None else [*named[1], _at_edge(edit), *moved]

        self.edge(tensor, inner, realise, "the input", place, repr(layer.place.key))
        return inner

    def last_tensor(self, model: Model, layer: Layer, out: Array, node: ast.expr) -> Array:
        """What callers see of a Sequential model that ends in ``out``."""
        made = self.exit(model, out, self.place(node))
        add = self.slot(layer, before=False)

        def realise(flipped: bool, axes: list[Axis]) -> list[Edit] | None:
            perm = self.permutation(not flipped, axes)
            named = self.permute_name(layer.callee)
            ends_here = model.outputs and model.outputs[0] is made
            if perm is None or perm[0] != 0 or named is None or not ends_here or self.closed([made.node]):
                return None
            reason = f"the output stays {letters(axes)} for those who call the model"
            edit = add(f"{named[0]}({_numbers(perm[1:])})", reason)
            return None if edit is None else [*named[1], _at_edge(edit)]

        self.edge(made, out, realise, "the output", self.place(node), repr(layer.place.key))
        return made


def _at_edge(edit: Edit) -> Edit:
    return replace(edit, args={**edit.args, "edge": True})


def _numbers(dims: Iterable[int]) -> str:
    return f"({', '.join(map(str, dims))})"


def _keyword(call: ast.AST, name: str) -> ast.keyword | None:
    keywords = call.keywords if isinstance(call, ast.Call) else []
    return next((k for k in keywords if k.arg == name), None)


def _by_name(load: Place) -> bool:
    """``load_weights(file, by_name=True)``: layers are found by their names."""
    keywords = load.node.keywords if isinstance(load.node, ast.Call) else []
    return any(k.arg == "by_name" and isinstance(k.value, ast.Constant) and k.value.value is True for k in keywords)
