"""Evaluation of expressions on abstract values: names, displays, attributes, subscripts."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from kmigrate.layout.axes import Axis, channel_at, last, memory_order, moves, order_to_last
from kmigrate.layout.dims import Dim
from kmigrate.layout.interpret.joining import Joining
from kmigrate.layout.interpret.shapes import Operand
from kmigrate.layout.interpret.state import dim_of, short
from kmigrate.layout.interpret.worlds import FIRST_NAMES, Sides
from kmigrate.layout.values import (
    Array,
    Batches,
    Choice,
    Class,
    Const,
    Dict,
    Function,
    Instance,
    Layer,
    LayerList,
    Model,
    Module,
    NameOf,
    OrderingName,
    OrderingTest,
    Pair,
    Seq,
    SymInt,
    Unknown,
    Value,
)

BUILTINS = frozenset(dir(__builtins__) if not isinstance(__builtins__, dict) else __builtins__)
MAX_UNROLL = 64
# What may be one thing now and another after the flip: each use of it must be understood (worlds.py).
PAIRED = (Const, SymInt, Seq, Dict, OrderingName, Function, Module, Unknown)


class Expressions(Joining):
    """One method for each kind of expression; what has none is unknown."""

    def eval(self, expr: ast.expr) -> Value:
        self.step()
        method = getattr(self, f"eval_{type(expr).__name__}", None)
        if method is None:
            for child in ast.iter_child_nodes(expr):
                if isinstance(child, ast.expr):
                    self.leak(self.eval(child), child, f"`{short(expr)}`")
            return Unknown(f"`{short(expr)}`", self.place(expr))
        value: Value = method(expr)
        if isinstance(value, Module) and isinstance(expr, ast.Name | ast.Attribute):
            self.dotted[expr] = value.dotted
        if isinstance(value, Unknown) and value.place is not None and value.place.key in self.hinted:
            value = self.as_array(value, expr) or value  # a later use told an earlier run that it is an array
        elif isinstance(value, Unknown) and value.place is not None and value.place.node is expr:
            value = self.perhaps_number(value)
        if isinstance(value, Array) and value.inlet is not None:
            value = self.read_input(value, expr)
        else:
            self.plain.add(id(expr))
        if isinstance(value, Const) and value.origin is not None and value.origin.node is not expr:
            self.loads.setdefault(value.origin.key, set()).add(self.place(expr).key)
        return value

    plain: set[int]  # expressions that give something else than an input of a model

    def read_input(self, tensor: Array, expr: ast.expr) -> Array:
        raise NotImplementedError

    def goes_on(self, value: Value, expr: ast.expr) -> None:
        raise NotImplementedError

    def passes(self, value: Value, expr: ast.expr) -> None:
        """The value goes on under another name: reading it here is no use of its own."""
        if isinstance(value, Const) and value.origin is not None:
            self.passed_on.setdefault(value.origin.key, set()).add(self.place(expr).key)

    def eval_Constant(self, expr: ast.Constant) -> Value:
        return Const(expr.value, self.place(expr))

    def eval_JoinedStr(self, expr: ast.JoinedStr) -> Value:
        nodes = []
        for part in expr.values:
            if isinstance(part, ast.FormattedValue):
                value = self.eval(part.value)
                sides = self.sides(value, expr)
                nodes += [sides.node] if sides is not None else []
                self.show(value, part.value)
        return self.formatted(nodes, expr)

    def formatted(self, nodes: list[int], expr: ast.expr) -> Value:
        """A string that something is put into: another one, where a part of it depends on the ordering."""
        texts = [Unknown("a formatted string", self.place(expr)) for _ in range(2)]
        return Pair(texts[0], texts[1], nodes[0]) if nodes else texts[0]

    def show(self, value: Value, expr: ast.expr) -> None:
        """Printed: the order of an array's numbers is seen, that of a shape is not minded."""
        self.heed(value, expr)
        shown = (
            Seq,
            Const,
            SymInt,
            Pair,
            OrderingName,
            OrderingTest,
            Model,
            Unknown,
            Layer,
            LayerList,
            Function,
            Class,
        )
        if not isinstance(value, shown) and not _only_layers(value):
            self.leak(value, expr, f"`{short(expr)}` is printed")

    def eval_Name(self, expr: ast.Name) -> Value:
        value = self.scope.lookup(expr.id)
        if value is not None:
            return value
        if expr.id in BUILTINS:
            return Module(f"builtins.{expr.id}")
        if expr.id in ("xrange", "unicode", "raw_input", "basestring", "long", "execfile", "reduce"):
            return Module(f"builtins.{ {'xrange': 'range'}.get(expr.id, expr.id) }")
        return Unknown(f"the name `{expr.id}`", self.place(expr))

    def eval_Tuple(self, expr: ast.Tuple) -> Value:
        return self._display(expr, "tuple")

    def eval_List(self, expr: ast.List) -> Value:
        return self._display(expr, "list")

    def _display(self, expr: ast.Tuple | ast.List, kind: str) -> Value:
        items: list[Value] = []
        fixed = True
        for element in expr.elts:
            if isinstance(element, ast.Starred):
                inner = self.eval(element.value)
                if isinstance(inner, Seq) and inner.fixed:
                    return self._starred(expr, kind)
                self.leak(inner, element.value, f"`{short(expr)}`")
                fixed = False
                continue
            items.append(self.eval(element))
            self.passes(items[-1], element)
        place = self.place(expr)
        place.once = self.context == self.outermost and not self.loops
        return Seq(kind, items, place if fixed else None, fixed=fixed)

    def _starred(self, expr: ast.Tuple | ast.List, kind: str) -> Value:
        """``(n, *shape)``: the parts keep their own axes."""
        parts: list[Seq] = []
        for element in expr.elts:
            if isinstance(element, ast.Starred):
                inner = self.eval(element.value)
                seq = self.as_shape(inner, element)
                if seq is None:
                    return Unknown(f"`{short(expr)}`", self.place(expr))
                parts.append(seq)
            else:
                item = self.eval(element)
                parts.append(Seq(kind, [item], None, [Axis(size=dim_of(item))], [self.graph.node()]))
        return self._joined(parts, kind)

    @staticmethod
    def _joined(parts: list[Seq], kind: str) -> Seq:
        items = [item for part in parts for item in part.items]
        axes = [axis for part in parts for axis in part.axes or ()]
        nodes = [node for part in parts for node in part.nodes or ()]
        return Seq(kind, items, None, axes, nodes)

    def eval_Set(self, expr: ast.Set) -> Value:
        return Seq("list", [self.eval(e) for e in expr.elts])

    def eval_Dict(self, expr: ast.Dict) -> Value:
        made = Dict({})
        for key, value_expr in zip(expr.keys, expr.values, strict=True):
            value = self.eval(value_expr)
            self.passes(value, value_expr)
            if key is None:
                if not isinstance(value, Dict):
                    self.leak(value, value_expr, f"`{short(expr)}`")
                self.spread_into(made, value, value_expr)
            else:
                self.store_item(made, self.eval(key), value, value_expr)
        return made

    def store_item(self, owner: Dict, key: Value | None, value: Value, at: ast.AST) -> None:
        raise NotImplementedError

    def spread_into(self, owner: Dict, value: Value, at: ast.AST) -> None:
        raise NotImplementedError

    def found_item(self, owner: Dict, key: Value | None, expr: ast.expr) -> Value | None:
        raise NotImplementedError

    def eval_Lambda(self, expr: ast.Lambda) -> Value:
        return self.make_function(expr)

    def make_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> Function:
        args = node.args
        positional = [*args.posonlyargs, *args.args]
        defaults: list[Value | None] = [None] * (len(positional) - len(args.defaults))
        defaults += [self.eval(d) for d in args.defaults]
        kw_defaults = [None if d is None else self.eval(d) for d in args.kw_defaults]
        function = Function(node, self.scope, self.source.path, defaults, kw_defaults)
        if not self.graph.muted:
            self.entry.made.append(function)
        return function

    def truth(self, value: Value) -> bool | None:
        if isinstance(value, Const):
            return bool(value.value)
        if isinstance(value, Seq) and value.fixed:
            return bool(value.items)
        if isinstance(value, Dict):
            return True if set(value.items) - value.maybe else None
        if isinstance(value, Function | Class | Layer | Model | Instance | OrderingName | Choice):
            return True
        return None

    def as_test(self, value: Value, expr: ast.expr) -> Value:
        """A condition: what depends on the ordering is a test of it, where its truth is known on both sides."""
        sides = self.sides(value, expr)
        if sides is None or isinstance(value, OrderingTest):
            return value
        now, after = self.truth(sides.now), self.truth(sides.after)
        if now is None or after is None:
            self.graph.pin(sides.node, self.because(f"`{short(expr)}` depends on the ordering", expr))
            return Unknown("a condition", self.place(expr))
        return Const(now) if now == after else OrderingTest(now, sides.node)

    def settled_test(self, test: OrderingTest) -> bool | None:
        """Does a test of the ordering hold, where a test around this one has settled it?"""
        if test.node in self.alternate or test.node in self.guards:
            return test.truth != (test.node in self.alternate)
        return None

    def eval_Attribute(self, expr: ast.Attribute) -> Value:
        owner = self.eval(expr.value)
        return self.attribute(owner, expr.attr, expr)

    def eval_Subscript(self, expr: ast.Subscript) -> Value:
        owner = self.eval(expr.value)
        other = getattr(expr, "other", None)
        if other is not None and not isinstance(owner, Array):
            return self.eval(other)
        if isinstance(owner, Pair):
            return self._pair_item(owner, expr)
        if isinstance(owner, Array):
            return self.index(owner, expr, self.index_items(expr.slice))
        if isinstance(owner, Seq | Dict) and not isinstance(expr.slice, ast.Slice):
            key = self.eval(expr.slice)
            sides = self.sides(key, expr)
            if sides is not None:
                return self._chosen_item(owner, sides, expr)
            chosen = _item(owner, key) if isinstance(key, Const) and isinstance(key.value, bool) else None
            if chosen is not None:  # a choice between two, not an item of a shape
                return chosen
        if isinstance(owner, Seq):
            return self._sequence_item(owner, expr)
        if isinstance(owner, LayerList):
            return self._layer_item(owner, expr)
        if isinstance(expr.slice, ast.Slice):
            for part in (expr.slice.lower, expr.slice.upper, expr.slice.step):
                if part is not None:
                    self.differs(self.eval(part), part)
            if isinstance(owner, Const) and isinstance(owner.value, str):
                return Unknown("a part of a string", self.place(expr))
        else:
            key = self.eval(expr.slice)
            if isinstance(owner, Dict):
                found = self.found_item(owner, key, expr)
                return found if found is not None else Unknown(f"`{short(expr)}`", self.place(expr))
        if not isinstance(owner, Unknown | Module):
            self.leak(owner, expr.value, f"`{short(expr)}`")
        self.veto(expr, f"`{short(expr)}` is not understood")
        return Unknown(f"`{short(expr)}`", self.place(expr), file=isinstance(owner, Unknown) and owner.file)

    def index_items(self, index: ast.expr) -> list[tuple[ast.expr, Value | None]]:
        elements = index.elts if isinstance(index, ast.Tuple) else [index]
        result: list[tuple[ast.expr, Value | None]] = []
        for element in elements:
            if isinstance(element, ast.Slice):
                for part in (element.lower, element.upper, element.step):
                    if part is not None:
                        self.differs(self.eval(part), part)
                result.append((element, None))
            else:
                value = self.eval(element)
                if isinstance(value, Module) and value.dotted != "numpy.newaxis":
                    value = Unknown("an index")
                result.append((element, value))
        return result

    def _layer_item(self, owner: LayerList, expr: ast.Subscript) -> Value:
        """``model.layers[i]`` and slices of them."""
        parts = [expr.slice.lower, expr.slice.upper] if isinstance(expr.slice, ast.Slice) else [expr.slice]
        values = [None if part is None else self.eval(part) for part in parts]
        numbers = [v.value if isinstance(v, Const) and isinstance(v.value, int) else None for v in values]
        known = all(v is None or n is not None for v, n in zip(values, numbers, strict=True))
        if isinstance(expr.slice, ast.Slice):
            if not known or expr.slice.step is not None:
                owner = LayerList(owner.model, owner.items, frozenset())
            return self.layer_slice(owner, expr, numbers)
        if not known or numbers[0] is None:
            return self.layer_at(LayerList(owner.model, owner.items, frozenset()), 0, expr)
        return self.layer_at(owner, numbers[0], expr)

    def layer_at(self, layers: LayerList, index: int, expr: ast.expr) -> Value:
        raise NotImplementedError

    def layer_slice(self, layers: LayerList, expr: ast.Subscript, bounds: list[int | None]) -> Value:
        raise NotImplementedError

    def _chosen_item(self, owner: Seq | Dict, sides: Sides, expr: ast.Subscript) -> Value:
        """An item that the ordering chooses."""
        found = [_item(owner, side) for side in sides[:2]]
        if found[0] is not None and found[1] is not None:
            return self.pair(found[0], found[1], sides.node, expr)
        self.graph.pin(sides.node, self.because(f"`{short(expr)}` depends on the ordering", expr))
        return Unknown(f"`{short(expr)}`", self.place(expr))

    def _pair_item(self, owner: Pair, expr: ast.Subscript) -> Value:
        """An item or a part of what depends on the ordering."""
        found: list[Value | None] = []
        for side in (owner.now, owner.after):
            if isinstance(expr.slice, ast.Slice):
                found.append(self._part(side, expr.slice) if isinstance(side, Seq) else None)
            else:
                found.append(_item(side, self.eval(expr.slice)) if isinstance(side, Seq | Dict) else None)
        if found[0] is not None and found[1] is not None:
            return self.pair(found[0], found[1], owner.node, expr)
        self.graph.pin(owner.node, self.because(f"`{short(expr)}` depends on the ordering", expr))
        return Unknown(f"`{short(expr)}`", self.place(expr))

    def _part(self, owner: Seq, part: ast.Slice) -> Value | None:
        """``shape[a:b]`` of one side, with bounds that are known."""
        bounds = [None if e is None else self.eval(e) for e in (part.lower, part.upper, part.step)]
        if not owner.fixed or any(b is not None and not isinstance(b, Const) for b in bounds):
            return None
        try:
            return Seq(owner.kind, owner.items[slice(*(b.value if isinstance(b, Const) else None for b in bounds))])
        except (TypeError, ValueError):
            return None

    def _sequence_item(self, owner: Seq, expr: ast.Subscript) -> Value:
        if isinstance(expr.slice, ast.Slice):
            bounds: list[int | None] = []
            for part in (expr.slice.lower, expr.slice.upper):
                value = None if part is None else self.eval(part)
                if value is not None and part is not None:
                    self.differs(value, part)
                if value is not None and not (isinstance(value, Const) and isinstance(value.value, int)):
                    return (
                        Seq(owner.kind, list(owner.items), fixed=False) if not owner.axes else self._lost(owner, expr)
                    )
                bounds.append(value.value if isinstance(value, Const) else None)
            if expr.slice.step is not None or not owner.fixed:
                return Seq(owner.kind, list(owner.items), fixed=False) if not owner.axes else self._lost(owner, expr)
            if owner.axes is not None or all(isinstance(i, Const | SymInt) for i in owner.items):
                return self.shape_slice(owner, expr, bounds[0], bounds[1])
            return Seq(owner.kind, owner.items[slice(bounds[0], bounds[1])])
        key = self.eval(expr.slice)
        if not owner.fixed:
            return self.item_of(owner, expr)
        if isinstance(key, Const) and isinstance(key.value, int):
            if owner.axes is not None or all(isinstance(i, Const | SymInt) for i in owner.items):
                return self.shape_index(owner, expr, key)
            if -len(owner.items) <= key.value < len(owner.items):
                return owner.items[key.value]
            return Unknown("an index beyond the end", self.place(expr))
        if owner.axes is not None:
            return self._lost(owner, expr)
        result = owner.items[0] if owner.items else Unknown("an item of an empty list")
        for item in owner.items[1:]:
            result = self.join(result, item, expr)
        return result

    def _lost(self, owner: Seq, expr: ast.expr) -> Value:
        self.leak(owner, expr, f"`{short(expr)}`")
        return Unknown(f"`{short(expr)}`", self.place(expr))

    def setting_node(self, value: Const) -> int:
        """The layout site of a string literal that is used as a setting."""
        assert value.origin is not None
        if value.node is None:
            key = value.origin.key
            if key not in self.setting_sites:
                self.setting_sites[key] = self.graph.node()
                self.setting_literal(value, self.setting_sites[key])
            value.node = self.setting_sites[key]
        return value.node

    def setting_literal(self, value: Const, node: int) -> None:
        origin = value.origin
        assert origin is not None
        if value.value not in FIRST_NAMES:
            self.graph.pin(node, self.because("channels-last already", origin))
            return
        new = FIRST_NAMES[value.value]

        def make(flipped: Callable[[int], bool]) -> list[Any]:
            if not flipped(node):
                return []
            reason = f"{value.value!r} to {new!r}"
            return [self.edit(origin, "layout_setting", "KM101", {"value": new}, reason)]

        self.site([node], origin, make)

    def pair(self, now: Value, after: Value, node: int, at: ast.AST) -> Value:
        """A value that depends on the ordering: equal in both worlds, or tied to the setting."""
        if now is after or alike(now, after):
            return now
        if isinstance(now, PAIRED) and isinstance(after, PAIRED):
            return Pair(now, after, node)
        if isinstance(now, Array) and isinstance(after, Unknown):
            after = after.array or after
        elif isinstance(after, Array) and isinstance(now, Unknown):
            now = now.array or now
        if isinstance(now, Array) and isinstance(after, Array):
            return self.paired_arrays(now, after, node, at)
        self.graph.pin(node, self.because("what the two orderings give here is not understood", at))
        return now

    def paired_arrays(self, now: Array, after: Array, node: int, at: ast.AST) -> Value:
        """Two branches that make one array each: the other must be this one with its channel last."""
        mine, other = now.derivation, after.derivation
        if mine is not None and other is not None and mine[0] == other[0] == "reshape" and mine[1] == other[1]:
            shape = Seq("tuple", list(mine[2]))
            paired = self.as_shape(Pair(shape, Seq("tuple", list(other[2])), node), at)
            if paired is not None and paired.axes is not None and now.axes is not None:
                self.graph.same_roles(paired.axes, now.axes)
                self.graph.tie(now.node, node)
                self._same_memory(now, [dim_of(item) for item in other[2]], node, at)
                return now
        if other is not None and other[0] == "transpose" and other[1] == id(now.ref.find()):
            result = Array(self.graph.node(), now.ref, now.kind, now.place)
            axes = now.axes or []
            order = list(other[2])

            def rule() -> None:
                if not moves(axes) or order_to_last(axes) != order:
                    self.graph.pin(node, self.because("the other branch transposes to another order", at))
                self.graph.pin(now.node, self.because("the other branch transposes it", at, "KM105"))

            self.later(rule)
            self.graph.tie(result.node, node)
            return result
        if mine is not None and mine[0] == "transpose" and mine[1] == id(after.ref.find()):
            axes = now.axes or []
            kept = list(after.axes or [])

            def back() -> None:
                if [id(axis) for axis in last(axes)] != [id(axis) for axis in kept] or not moves(axes):
                    self.graph.pin(node, self.because("the other branch keeps another order", at, "KM902"))
                self.graph.pin(after.node, self.because("the other branch takes it as it is", at, "KM105"))

            self.graph.later(back)
            self.graph.tie(now.node, node)
            return now
        self.graph.pin(node, self.because("what the two orderings give here is not proved to be the same", at))
        return now

    def _same_memory(self, now: Array, other: list[Dim | None], node: int, at: ast.AST) -> None:
        """Two reshapes give one array in two layouts only where no axis of more than one number moves."""

        def rule() -> None:
            axes = now.axes
            if axes is None or not moves(axes):
                fits = axes is not None and [a.size for a in axes] == other
            else:
                fits = memory_order(axes, True) == memory_order(axes, False)
            if not fits:
                self.graph.pin(node, self.because("the other branch reshapes to another order", at, "KM902"))

        self.later(rule)

    def eval_Starred(self, expr: ast.Starred) -> Value:
        return self.eval(expr.value)

    def eval_NamedExpr(self, expr: ast.NamedExpr) -> Value:
        value = self.eval(expr.value)
        self.assign(expr.target, value, None, None)
        return value

    def eval_Yield(self, expr: ast.Yield) -> Value:
        if expr.value is not None:
            self.yields.append(self.eval(expr.value))
        return Unknown("what is sent to a generator", self.place(expr))

    yields: list[Value]

    def assign(self, target: ast.expr, value: Value, stmt: ast.stmt | None, rhs: ast.expr | None) -> None:
        raise NotImplementedError

    def operand(self, expr: ast.expr) -> Operand:
        return self.eval(expr), expr

    @staticmethod
    def unrolled(iterable: Value) -> list[Value] | None:
        """The items of a loop that is followed item by item; None where it is too long, or its length not known."""
        if isinstance(iterable, Seq) and iterable.fixed and len(iterable.items) <= MAX_UNROLL:
            return list(iterable.items)
        if isinstance(iterable, LayerList) and iterable.known is None and len(iterable.items) <= MAX_UNROLL:
            return [Choice([i]) if isinstance(i, Array) else i for i in iterable.items]
        if isinstance(iterable, Dict) and iterable.open is None and not iterable.maybe:
            keys = [NameOf(key) if isinstance(key, Layer | Array) else Const(key) for key in iterable.items]
            return list(keys) if len(keys) <= MAX_UNROLL else None
        return None

    def item_of(self, iterable: Value, expr: ast.expr) -> Value:
        """One item of what a loop runs over."""
        if isinstance(iterable, Seq):
            if not iterable.items:
                return Unknown("an item of an empty list", self.place(expr))
            value = iterable.items[0]
            for item in iterable.items[1:]:
                value = self.join(value, item, expr)
            return value
        if isinstance(iterable, Array):
            axes = iterable.axes
            if axes is None:
                return self.opaque([(iterable, expr)], expr, f"the items of `{short(expr)}`, whose rank is not known")
            item = Array(self.graph.node(), type(iterable.ref)(axes[1:]), iterable.kind, self.place(expr))

            def rule() -> None:
                if moves(axes) and channel_at(axes) == 0:
                    self.graph.pin(iterable.node, self.because("a loop runs over the channels", expr))
                elif moves(axes):
                    self.graph.tie(iterable.node, item.node)

            self.later(rule)
            return item
        if isinstance(iterable, Batches):
            return iterable.item
        if isinstance(iterable, LayerList):
            return Choice(list(iterable.items)) if iterable.items else Unknown("a layer", self.place(expr))
        if isinstance(iterable, Dict):
            return Unknown("a key", self.place(expr))
        if isinstance(iterable, SymInt | Const):
            return SymInt(self.name_of("item", expr))
        self.leak(iterable, expr, f"a loop over `{short(expr)}`")
        return Unknown(f"an item of `{short(expr)}`", self.place(expr))


def alike(a: Value, b: Value) -> bool:
    """Two constants, numbers or sequences of them that are equal."""
    if isinstance(a, Const) and isinstance(b, Const):
        return type(a.value) is type(b.value) and bool(a.value == b.value)
    if isinstance(a, SymInt) and isinstance(b, SymInt):
        return a.dim == b.dim
    if isinstance(a, Module) and isinstance(b, Module):
        return a.dotted == b.dotted
    if isinstance(a, Seq) and isinstance(b, Seq) and a.fixed and b.fixed and a.kind == b.kind:
        same = len(a.items) == len(b.items) and a.axes is None and b.axes is None
        return same and all(alike(x, y) for x, y in zip(a.items, b.items, strict=True))
    return False


def _item(owner: Value, key: Value) -> Value | None:
    """The item of a sequence or a dictionary, where both are known."""
    if isinstance(owner, Dict) and isinstance(key, Const) and owner.open is None:
        return owner.items.get(key.value)
    if isinstance(owner, Seq) and owner.fixed and isinstance(key, Const) and isinstance(key.value, int):
        return owner.items[key.value] if -len(owner.items) <= key.value < len(owner.items) else None
    return None


def _only_layers(value: Value) -> bool:
    return isinstance(value, Choice) and all(isinstance(o, Layer | Model) for o in value.options)
