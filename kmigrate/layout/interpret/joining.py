"""What a name holds after two ways to get here."""

from __future__ import annotations

import ast

from kmigrate.layout.axes import Axis
from kmigrate.layout.graph import AxesRef
from kmigrate.layout.interpret.objects import Objects
from kmigrate.layout.values import (
    Array,
    Batches,
    Choice,
    Class,
    Const,
    Dict,
    Estimator,
    Fetch,
    Function,
    Instance,
    Layer,
    LayerList,
    Method,
    Model,
    Module,
    OrderingName,
    OrderingTest,
    Pair,
    Partial,
    Seq,
    SymInt,
    Unknown,
    Value,
    Weights,
)

MAX_OPTIONS = 8
CALLABLE = (Function, Layer, Class, Method, Choice, Partial)


class Joining(Objects):
    """Values that are one or another."""

    def join(self, a: Value, b: Value, at: ast.AST) -> Value:
        """What a name holds after two ways to get here."""
        if a is b:
            return a
        self.step()
        a, b = (self.within(x, None) if isinstance(x, Array) else x for x in (a, b))
        if isinstance(a, Const) and isinstance(b, Const) and a.value == b.value and type(a.value) is type(b.value):
            return a if a.origin is not None else b
        if isinstance(a, Array) and isinstance(b, Array):
            self.join_axes(a, b, at)
            return self.either_size(a, b, at)
        if isinstance(a, Pair) and isinstance(b, Pair) and a.node == b.node:
            now, after = self.join(a.now, b.now, at), self.quietly(lambda: self.join(a.after, b.after, at))
            return self.pair(now, after, a.node, at)
        for x, y in ((a, b), (b, a)):
            if isinstance(x, Const) and x.value is None and not isinstance(y, Const | SymInt):
                return y
            if isinstance(x, Unknown) and isinstance(y, Array):
                other = self.as_array(x, at)
                assert other is not None
                self.join_axes(y, other, at)
                return self.either_size(y, other, at)
        numbers = (Const, SymInt)
        if isinstance(a, numbers) and isinstance(b, numbers):
            if isinstance(a, Const) and isinstance(a.value, str):
                return Unknown("one of several strings", self.place(at))
            return SymInt(self.name_of(f"joined {_written(a)} {_written(b)}", at))
        if isinstance(a, Seq) and isinstance(b, Seq) and len(a.items) == len(b.items):
            joined = Seq(
                a.kind,
                [self.join(x, y, at) for x, y in zip(a.items, b.items, strict=True)],
                fixed=a.fixed and b.fixed,
            )
            if a.axes is not None and a.axes == b.axes:
                joined.axes, joined.nodes = a.axes, a.nodes
            return joined
        if isinstance(a, Fetch) and isinstance(b, Fetch) and len(a.inputs) == len(b.inputs):
            inputs = [self.join(x, y, at) for x, y in zip(a.inputs, b.inputs, strict=True)]
            return Fetch(inputs, self.join(a.outputs, b.outputs, at))
        if isinstance(a, CALLABLE) and isinstance(b, CALLABLE):
            options = _options(a, b)
            if len(options) <= MAX_OPTIONS:
                return options[0] if len(options) == 1 else Choice(options)
        if isinstance(a, Module) and isinstance(b, Module):
            return a if a.dotted == b.dotted else Unknown("one of several imports", self.place(at))
        for value in (a, b):
            self.lose(value, at)
        return Unknown("one of several values", self.place(at))

    def within(self, value: Value, expr: ast.AST | None) -> Value:
        """What a layer takes where it is given an input of a model."""
        raise NotImplementedError

    def either_size(self, a: Array, b: Array, at: ast.AST) -> Array:
        """The array that is ``a`` or ``b``: sizes in which they differ are not known."""
        xs, ys = a.axes, b.axes
        if xs is None or ys is None or len(xs) != len(ys):
            return a
        if all(x is y or (x.size == y.size and not (y.parts and not x.parts)) for x, y in zip(xs, ys, strict=True)):
            return a
        axes = [
            Axis(x.role, x.size if x.size == y.size else self.name_of(f"either{i}", at), x.parts or y.parts)
            for i, (x, y) in enumerate(zip(xs, ys, strict=True))
        ]
        return Array(a.node, AxesRef(axes), a.kind, a.place, maker=None, sources=(a, b), doubtful=a.doubtful)

    def lose(self, value: Value, at: ast.AST) -> None:
        """The value may be what a name holds from here on, and that is not followed."""
        self.step()
        if isinstance(value, Array):
            self.graph.pin(value.node, self.because("it is one of several values after this", at))
        elif isinstance(value, Seq):
            self.unwritten(value.nodes, at)
            for item in value.items:
                self.lose(item, at)
        elif isinstance(value, Model):
            self.leave(value, "one of several models", at)
        elif isinstance(value, Pair):
            self.graph.pin(value.node, self.because("it is one of several values after this", at))
            self.lose(value.now, at)
        elif isinstance(value, OrderingName | OrderingTest):
            self.graph.pin(value.node, self.because("it is one of several values after this", at))
        elif isinstance(value, Batches):
            self.lose(value.item, at)
        elif isinstance(value, Dict | Instance):
            seen, self.losing = self.losing, self.losing | {id(value)}
            if id(value) not in seen:
                for item in value.values if isinstance(value, Dict) else list(value.attributes.values()):
                    self.lose(item, at)
            self.losing = seen
        elif isinstance(value, Method):
            self.lose(value.owner, at)
        elif isinstance(value, Choice):
            for option in value.options:
                self.lose(option, at)
        elif isinstance(value, Function):
            self.given_away(value)
        elif isinstance(value, Layer):
            self.layer_strange(value, "it is one of several values after this", at)
        elif isinstance(value, Weights):
            self.weights_leave(value, at)
        elif isinstance(value, Estimator):
            self.lose(value.build, at)
            if value.model is not None:
                self.lose(value.model, at)
        elif isinstance(value, LayerList):
            value.model.indexed = True
            for item in value.items:
                self.lose(item, at)
        elif isinstance(value, Fetch):
            for item in (*value.inputs, value.outputs):
                self.lose(item, at)

    losing: frozenset[int] = frozenset()  # objects whose parts are being lost, by identity


def _written(value: Value) -> str:
    return str(value.dim) if isinstance(value, SymInt) else repr(value.value) if isinstance(value, Const) else "?"


def _options(*values: Value) -> list[Value]:
    options: list[Value] = []
    for value in values:
        for option in value.options if isinstance(value, Choice) else [value]:
            if not any(o is option or _same_function(o, option) for o in options):
                options.append(option)
    return options


def _same_function(a: Value, b: Value) -> bool:
    """Made by one definition in one scope, with the same defaults."""
    if not (isinstance(a, Function) and isinstance(b, Function) and a.node is b.node and a.scope is b.scope):
        return False
    defaults = zip([*a.defaults, *a.kw_defaults], [*b.defaults, *b.kw_defaults], strict=True)
    return all(x is y or (isinstance(x, Const) and isinstance(y, Const) and x.value is y.value) for x, y in defaults)
