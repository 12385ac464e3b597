"""Calls: functions and classes of the program are entered, library calls are looked up in tables."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kmigrate.layout.axes import moves
from kmigrate.layout.interpret.joining import CALLABLE
from kmigrate.layout.interpret.mappings import Mappings
from kmigrate.layout.interpret.state import COPIES, DEPTH_LIMIT, RECURSIONS, Entry, short
from kmigrate.layout.values import (
    Array,
    Batches,
    Choice,
    Class,
    Const,
    Dict,
    Fetch,
    Function,
    Instance,
    Layer,
    Method,
    Model,
    Module,
    OrderingName,
    OrderingTest,
    Pair,
    Parent,
    Partial,
    Scope,
    Seq,
    SymInt,
    Unknown,
    Value,
)

if TYPE_CHECKING:
    from kmigrate.layout.interpret.machine import Interpreter

# Of one argument, with a result for each of its sides.
EACH_SIDE = frozenset(f"builtins.{name}" for name in "len list tuple int float abs sorted reversed bool".split())
STRING_METHODS = frozenset(("lower", "upper", "strip", "startswith", "endswith"))
# What only carries or shows its arguments.
CARRIES = frozenset(("builtins.dict", "builtins.print", "builtins.isinstance", "builtins.type"))
# Decorators that say how a class finds its member, and those that change nothing of what a function computes.
IN_CLASSES = frozenset(("staticmethod", "property", "classmethod"))
TRANSPARENT = frozenset(
    "functools.wraps functools.lru_cache functools.cache tensorflow.function abc.abstractmethod typing.overload "
    "numba.jit numba.njit keras.saving.register_keras_serializable keras.utils.register_keras_serializable "
    "tensorflow.keras.utils.register_keras_serializable".split()
)

Operation = Callable[["Interpreter", "Call"], Value]


@dataclass
class Call:
    """The evaluated arguments of one call."""

    node: ast.Call
    positional: list[tuple[Value, ast.expr]]
    keywords: dict[str, tuple[Value, ast.expr]]
    star: bool  # *args or **kwargs that are not known one by one

    def get(self, position: int | None, *names: str) -> tuple[Value, ast.expr] | None:
        """The argument at a position (None: by keyword only) or by one of its names."""
        for name in names:
            if name in self.keywords:
                return self.keywords[name]
        if position is not None and position < len(self.positional):
            return self.positional[position]
        return None

    def all(self) -> list[tuple[Value, ast.expr]]:
        return [*self.positional, *self.keywords.values()]


class Calls(Mappings):
    depth = 0
    function: Function | None = None  # the one being run

    def eval_Call(self, expr: ast.Call) -> Value:
        callee = self.eval(expr.func)
        if isinstance(callee, Module) and callee.dotted == "builtins.super":
            return self._super(expr)
        outer, self.keyed = self.keyed, isinstance(callee, Module) and callee.dotted == "builtins.dict"
        call = self.arguments(expr)
        self.keyed = outer
        return self.call(callee, call)

    def arguments(self, expr: ast.Call) -> Call:
        positional: list[tuple[Value, ast.expr]] = []
        keywords: dict[str, tuple[Value, ast.expr]] = {}
        star = False
        for arg in expr.args:
            if isinstance(arg, ast.Starred):
                value = self.eval(arg.value)
                if isinstance(value, Seq) and value.fixed:
                    positional.extend((item, arg) for item in value.items)
                    if all(isinstance(i, Const | SymInt) for i in value.items):
                        self.leak(value, arg, f"`{short(arg)}` gives the sizes one by one")
                    self.spread.add(self.place(arg).key)
                else:
                    star = True
                    self.leak(value, arg, f"`{short(expr)}`")
            else:
                positional.append((self.eval(arg), arg))
        for keyword in expr.keywords:
            value = self.eval(keyword.value)
            if keyword.arg is not None:
                keywords[keyword.arg] = (value, keyword.value)
            elif isinstance(value, Dict) and not value.maybe and value.open is None and _words(value):
                self.spread.add(self.place(keyword.value).key)
                for name, item in value.items.items():
                    keywords[name] = (item, keyword.value)
            else:
                star = True
                self.leak(value, keyword.value, f"`{short(expr)}`")
        return Call(expr, positional, keywords, star)

    def call(self, callee: Value, call: Call) -> Value:
        self.step()
        if isinstance(callee, Function):
            return self.enter(callee, call)
        if isinstance(callee, Choice):
            return self._call_any(callee, call)
        if isinstance(callee, Fetch):
            return self.fetch(callee, call)
        if isinstance(callee, Partial):
            return self._call_partial(callee, call)
        if isinstance(callee, Method):
            return self.call_method(callee, call)
        if isinstance(callee, Class):
            return self.instantiate(callee, call)
        if isinstance(callee, Layer):
            return self.apply_layer_call(callee, call)
        if isinstance(callee, Model):
            return self.apply_model_call(callee, call)
        if isinstance(callee, Module):
            return self._library_call(callee, call)
        if isinstance(callee, Instance):
            made = self.call_instance(callee, call)
            if made is not None:
                return made
            method = self.member(callee, "__call__", call.node)
            if isinstance(method, Method):
                return self.call_method(method, call)
            self.leak(callee, call.node.func, f"`{short(call.node)}`")
            self.may_make_layers(call)
            return self.opaque(call.all(), call.node, f"`{short(call.node)}`")
        if isinstance(callee, Unknown):
            self.may_make_layers(call)
            return self.opaque(call.all(), call.node, f"`{short(call.node.func)}` is not known")
        self.differs(callee, call.node.func)
        return self.opaque(call.all(), call.node, f"`{short(call.node)}`")

    def _library_call(self, module: Module, call: Call) -> Value:
        """A call of a library; what depends on the ordering must be understood there."""
        if module.dotted in EACH_SIDE and len(call.positional) == 1 and not call.keywords:
            value, expr = call.positional[0]
            sides = self.sides(value, call.node)
            if sides is not None:
                now, after = (Call(call.node, [(side, expr)], {}, False) for side in sides[:2])
                return self.pair(
                    self.call_library(module, now),
                    self.quietly(lambda: self.call_library(module, after)),
                    sides.node,
                    call.node,
                )
        result = self.call_library(module, call)
        if module.dotted not in CARRIES and not isinstance(result, Layer):  # a layer heeds its arguments when applied
            self.nobody_heeds(call)
        return result

    def nobody_heeds(self, call: Call) -> None:
        """What depends on the ordering and was given to a call that made nothing of it keeps the setting as it is."""
        for value, expr in call.all():
            self.differs(value, expr, call.node)

    def library_kind(self, cls: Class) -> str | None:
        raise NotImplementedError

    def call_instance(self, owner: Instance, call: Call) -> Value | None:
        raise NotImplementedError

    def fetch(self, what: Fetch, call: Call) -> Value:
        raise NotImplementedError

    def may_make_layers(self, call: Call) -> None:
        raise NotImplementedError

    def batches_of(self, value: Value, at: ast.expr) -> Batches | None:
        """What is iterated over as batches: a generator, or an object of the program's own that gives them."""
        if isinstance(value, Batches):
            return value
        if not isinstance(value, Instance):
            return None
        made = ast.copy_location(ast.Call(func=at, args=[], keywords=[]), at)
        names = ("__getitem__", "__next__", "next", "__iter__")
        for member in (self.class_member(value.cls, name) for name in (*names, "__len__")):
            if isinstance(member, Function):
                self.called.add(id(member.node))
        for name in names:
            method = self.member(value, name, at)
            if not isinstance(method, Method) or not isinstance(method.function, Function):
                continue
            given: list[tuple[Value, ast.expr]] = []
            if name == "__getitem__":
                given = [(SymInt(self.name_of("index", at)), at)]
            item = self.call_method(method, Call(made, given, {}, False))
            if name != "__iter__":
                return Batches(item)
            return item if isinstance(item, Batches) else None
        return None

    def entered(self, owner: Instance, at: ast.expr) -> Value:
        """What ``with owner as name`` binds."""
        method = self.member(owner, "__enter__", at)
        if not isinstance(method, Method):
            return Unknown(f"what `{short(at)}` gives to its block", self.place(at))
        made = ast.copy_location(ast.Call(func=at, args=[], keywords=[]), at)
        return self.call_method(method, Call(made, [], {}, False))

    def any_of(self, options: Sequence[Value], at: ast.expr) -> Value:
        """One of several functions, or classes."""
        found: Value = options[0]
        for option in options[1:]:
            found = self.join(found, option, at)
        return found

    def _call_any(self, callee: Choice, call: Call) -> Value:
        """One of several functions, or layers, is called: each is one possible way on."""
        ways = [self.branch(lambda option=option: self.call(option, call)) for option in callee.options]  # type: ignore[misc]
        self.rejoin([left for _, left in ways], call.node)
        value = ways[0][0]
        for other, _ in ways[1:]:
            value = self.join(value, other, call.node)
        return value

    def _call_partial(self, callee: Partial, call: Call) -> Value:
        """What was given before comes first; later keywords win."""
        positional = [*callee.positional, *call.positional]
        return self.call(callee.function, Call(call.node, positional, callee.keywords | call.keywords, call.star))

    # -- the program's own functions -----------------------------------------------------------------

    def enter(self, function: Function, call: Call, owner: Value | None = None) -> Value:
        if function.decorated:
            self.given_away(function)
            return self.opaque(call.all(), call.node, f"`{short(call.node.func)}` is not followed")
        if self.depth >= DEPTH_LIMIT or self.endless(function):
            self.deferred.append((self.entry, function))
            for _, expr in call.all():  # written once for all depths: no transpose for this one alone
                self.spread.add(self.place(expr).key)
            return self.opaque(call.all(), call.node, f"`{short(call.node.func)}` is not followed")
        self.called.add(id(function.node))
        scope = Scope(function.scope)
        if not self.bind_parameters(function, call, scope, owner):
            return self.opaque(call.all(), call.node, f"the arguments of `{short(call.node)}` are not known")
        for value, expr in call.all():
            self.goes_on(value, expr)
        context = (*self.context, self.source.index * 10**9 + call.node.lineno * 1000 + call.node.col_offset)
        return self.run_function(function, scope, context)

    def endless(self, function: Function) -> bool:
        """Is this a recursion that no known test ends, and has it been followed far enough?"""
        entered = self.activations.get(id(function.node), [])
        return len(entered) >= RECURSIONS and len(self.frames) > entered[-1]

    def run_function(self, function: Function, scope: Scope, context: tuple[int, ...]) -> Value:
        saved = (
            self.source, self.scope, self.context, self.yields, self.returns, self.statement, self.loops, self.function,
            self.ways_out,
        )  # fmt: skip
        source = self.files.sources[function.path]
        assert source is not None
        self.source, self.scope, self.context, self.yields, self.returns = source, scope, context, [], []
        self.function, self.ways_out = function, {how: out for how, out in self.ways_out.items() if how == "raise"}
        self.depth += 1
        node = function.node
        activations = self.activations.setdefault(id(node), [])
        early = not isinstance(node, ast.Lambda) and _returns_early(node)
        activations.append(len(self.frames) + early)
        try:
            if isinstance(node, ast.Lambda):
                return self.eval(node.body)
            if early:
                self.with_exits("return", lambda: self.run_block(node.body), (self.guards, self.alternate), node)
            else:
                self.run_block(node.body)
            if self.yields:
                item = self.yields[0]
                for other in self.yields[1:]:
                    item = self.join(item, other, node)
                return Batches(item)
            if not self.returns:
                return Const(None)
            value = self.returns[0]
            for other in self.returns[1:]:
                value = self.join(value, other, node)
            return value
        finally:
            self.depth -= 1
            activations.pop()
            (
                self.source, self.scope, self.context, self.yields, self.returns, self.statement, self.loops,
                self.function, self.ways_out,
            ) = saved  # fmt: skip

    def bind_parameters(self, function: Function, call: Call, scope: Scope, owner: Value | None) -> bool:
        args = function.node.args
        names = [a.arg for a in (*args.posonlyargs, *args.args)]
        given: list[Value] = [] if owner is None else [owner]
        given += [value for value, _ in call.positional]
        for value, expr in call.all():
            self.passes(value, expr)
        keywords = {name: value for name, (value, _) in call.keywords.items()}
        for name, value in zip(names, given, strict=False):
            scope.names[name] = value
        if len(given) > len(names):
            if args.vararg is None:
                return False
            scope.names[args.vararg.arg] = Seq("tuple", given[len(names) :])
        elif args.vararg is not None:
            scope.names[args.vararg.arg] = Seq("tuple", [])
        for name, default in zip(names, function.defaults, strict=False):
            if name in keywords:
                scope.names[name] = keywords.pop(name)
            elif name not in scope.names:
                if default is None:
                    if not call.star:
                        return False
                    default = Unknown(f"the argument `{name}`")
                scope.names[name] = default
        for arg, kw_default in zip(args.kwonlyargs, function.kw_defaults, strict=False):
            scope.names[arg.arg] = (keywords.pop(arg.arg) if arg.arg in keywords else kw_default) or Unknown(
                f"the argument `{arg.arg}`"
            )
        if args.kwarg is not None:
            scope.names[args.kwarg.arg] = Dict(dict(keywords)) if not call.star else Unknown("keyword arguments")
        elif keywords:
            return False
        return True

    def enter_unknown(self, function: Function, owner: Value | None = None) -> None:
        """A function that nobody here calls: run it on unknown arguments, but for its defaults."""
        node = function.node
        scope = Scope(function.scope)
        args = node.args
        names = [*args.posonlyargs, *args.args, *args.kwonlyargs]
        defaults = [*function.defaults, *function.kw_defaults]
        for i, (arg, default) in enumerate(zip(names, defaults, strict=False)):
            if i == 0 and owner is not None:
                scope.names[arg.arg] = owner
            else:
                scope.names[arg.arg] = default or self.unknown(
                    f"the argument `{arg.arg}` of `{getattr(node, 'name', 'lambda')}`", self.place(arg)
                )
        if args.vararg is not None:
            scope.names[args.vararg.arg] = Unknown(f"the arguments `*{args.vararg.arg}`")
        if args.kwarg is not None:
            scope.names[args.kwarg.arg] = Unknown(f"the arguments `**{args.kwarg.arg}`")
        self.called.add(id(node))
        ambient = self.ambient
        value = self.run_function(function, scope, (*self.context, -self.source.index * 10**9 - node.lineno))
        self.ambient = ambient
        self.returned_to_strangers(value, node)

    def given_away(self, function: Function) -> None:
        key = (id(self.entry), id(function.node))
        if key in self.strangers:
            return
        if self.depth >= DEPTH_LIMIT:
            self.deferred.append((self.entry, function))
            return
        self.strangers.add(key)
        self.enter_unknown(function)

    activations: dict[int, list[int]]  # function node -> for each of its calls being run, the branches around it
    called: set[int]  # function nodes that something enters
    deferred: list[tuple[Entry, Function]]  # called at a depth that is not followed: run once more at the end

    strangers: set[tuple[int, int]]  # functions that were given to code that is not understood, by script

    def returned_to_strangers(self, value: Value, node: ast.AST) -> None:
        """What a function gives to callers that are not seen stays as it is."""
        self.step()
        name = getattr(node, "name", "lambda")
        if isinstance(value, Model):
            self.leave(value, f"`{name}` returns it, and nothing in this file calls `{name}`", node)
        elif isinstance(value, Array):
            because = self.because(f"`{name}` returns it, and nothing here calls `{name}`", node, "KM906")

            def rule() -> None:
                if value.axes is None or moves(value.axes):
                    self.graph.pin(value.node, because)

            self.later(rule)
        elif isinstance(value, Batches):
            self.returned_to_strangers(value.item, node)
        elif isinstance(value, Seq | Dict):
            for item in value.items if isinstance(value, Seq) else value.items.values():
                self.returned_to_strangers(item, node)
        elif isinstance(value, Instance):
            for item in value.attributes.values():
                if not isinstance(item, Instance):
                    self.returned_to_strangers(item, node)

    # -- classes ---------------------------------------------------------------------------------------

    def instantiate(self, cls: Class, call: Call) -> Value:
        if self.library_kind(cls) is None:
            made = self.opaque(call.all(), call.node, f"`{cls.node.name}`, a class of its own over a library class,")
            if isinstance(made, Unknown):
                made.cls = cls
            return made
        init = self.class_member(cls, "__init__")
        if cls.node.decorator_list or (call.all() and init is None and not self.library_bases(cls)):
            return self.opaque(call.all(), call.node, f"how `{cls.node.name}` is made")
        instance = Instance(cls)
        self._has_instance(cls, instance)
        if isinstance(init, Function):
            self.enter(init, call, instance)
        return instance

    methods: dict[int, Value]  # function -> an instance of its class, for methods that nothing here calls

    def _has_instance(self, cls: Class, instance: Instance) -> None:
        for above in self.resolution(cls):
            for member in above.members.values():
                if isinstance(member, Function):
                    self.methods[id(member)] = instance

    def decorate(self, value: Value, decorator: ast.expr) -> Value:
        """A function or class under a decorator: the program's own are calls, some of libraries change nothing."""
        if isinstance(decorator, ast.Name) and decorator.id in IN_CLASSES:
            return value
        maker = self.eval(decorator.func) if isinstance(decorator, ast.Call) else self.eval(decorator)
        if isinstance(maker, Module) and maker.dotted in TRANSPARENT:
            return value
        deco = self.eval(decorator) if isinstance(decorator, ast.Call) else maker
        if isinstance(deco, CALLABLE) and not isinstance(deco, Layer):
            made = ast.copy_location(ast.Call(func=decorator, args=[], keywords=[]), decorator)
            return self.call(deco, Call(made, [(value, decorator)], {}, False))
        if isinstance(value, Function):
            value.decorated = True
            return value
        return Unknown(f"what `@{short(decorator)}` makes", self.place(decorator))

    def is_property(self, owner: Instance, name: str) -> bool:
        found = self.class_member(owner.cls, name)
        words = (
            found.node.decorator_list if isinstance(found, Function) and not isinstance(found.node, ast.Lambda) else []
        )
        return any(isinstance(d, ast.Name) and d.id == "property" for d in words)

    def call_property(self, function: Function, owner: Instance, at: ast.expr) -> Value:
        """Reading a property calls it."""
        call = ast.copy_location(ast.Call(func=at, args=[], keywords=[]), at)
        return self.enter(function, Call(call, [], {}, False), owner)

    def _super(self, call: ast.Call) -> Value:
        """``super()`` and ``super(Class, self)``."""
        method = self.function
        cls: Value | None = None if method is None else method.cls
        owner: Value | None = None
        if method is not None and method.node.args.args:
            owner = self.scope.lookup(method.node.args.args[0].arg)
        if len(call.args) == 2:
            cls, owner = self.eval(call.args[0]), self.eval(call.args[1])
        if isinstance(owner, Instance | Class) and isinstance(cls, Class):
            return Parent(owner, cls)
        return Unknown("super()", self.place(call))

    def call_method(self, method: Method, call: Call) -> Value:
        owner = method.owner
        if isinstance(method.function, Function):
            return self.enter(method.function, call, owner)
        if isinstance(owner, Seq):
            return self.sequence_method(owner, method.name, call)
        if isinstance(owner, Dict):
            return self.mapping_method(owner, method.name, call)
        if isinstance(owner, Const | SymInt | OrderingName | OrderingTest | Pair):
            return self._method_of_constant(owner, method.name, call)
        result = self.library_method(owner, method.name, call)
        self.nobody_heeds(call)
        return result

    def _method_of_constant(self, owner: Value, name: str, call: Call) -> Value:
        """A method of a string or a number, in both worlds where these differ."""
        self.nobody_heeds(call)
        sides = self.sides(owner, call.node)
        arguments = [value.value for value, _ in call.positional if isinstance(value, Const)]
        plain = len(arguments) == len(call.all()) and name in STRING_METHODS
        made: list[Value] = []
        for side in sides[:2] if sides is not None else [owner]:
            if not plain or not isinstance(side, Const) or not isinstance(side.value, str):
                break
            try:
                made.append(Const(getattr(side.value, name)(*arguments)))
            except (TypeError, ValueError):
                break
        if sides is None and made:
            return made[0]
        if sides is not None and len(made) == 2:
            return self.pair(made[0], made[1], sides.node, call.node)
        if sides is not None:
            text = f"`{short(call.node)}` is another value under the other ordering"
            self.graph.pin(sides.node, self.because(text, call.node, "KM902"))
        return Unknown(f"`{short(call.node)}`", self.place(call.node))

    def sequence_method(self, owner: Seq, name: str, call: Call) -> Value:
        self.touch(owner)
        if name == "append" and len(call.positional) == 1:
            self.grow(owner, call.positional[0])
            return Const(None)
        if name == "extend" and len(call.positional) == 1 and isinstance(call.positional[0][0], Seq):
            other = call.positional[0][0]
            if other.fixed and not self.loops:
                self.step(len(other.items) // COPIES)
                owner.items.extend(other.items)
                self._no_display(owner, call.node)
            else:
                for part in other.items:
                    self.grow(owner, (part, call.positional[0][1]))
            return Const(None)
        if name in ("index", "count"):
            return SymInt(self.name_of(name, call.node))
        if name == "insert" and len(call.positional) == 2:
            self.grow(owner, call.positional[1])
            owner.fixed = False
            return Const(None)
        if name == "pop" and owner.items and not owner.axes:
            if owner.fixed and not call.positional and not self.loops:
                self._no_display(owner, call.node)
                return owner.items.pop()
            owner.fixed = False
            return owner.items[-1]
        for value, expr in call.all():
            self.leak(value, expr, f"`{short(call.node)}`")
        self.spread.add(self.place(call.node).key)
        self.leak(owner, call.node, f"`{short(call.node)}`")
        owner.items[:] = [Unknown(f"an item of a list after `{short(call.node)}`", self.place(call.node))]
        owner.fixed = False
        return Unknown(f"`{short(call.node)}`", self.place(call.node))

    def grow(self, owner: Seq, item: tuple[Value, ast.expr]) -> None:
        value, expr = item
        self.touch(owner)
        if self.loops and owner.items and isinstance(owner.items[-1], Array) and isinstance(value, Array):
            used = self.consume(value, expr, f"`{short(expr)}`")
            self.join_axes(owner.items[-1], used, expr)
        elif self.loops and owner.items and not owner.fixed:
            owner.items[-1] = self.join(owner.items[-1], value, expr)
        else:
            owner.items.append(value)
        if self.loops:
            owner.fixed = False
        self._no_display(owner, expr)

    def _no_display(self, owner: Seq, at: ast.AST) -> None:
        """The list has changed: what it was written as no longer says what it holds."""
        owner.place = None
        if owner.axes is not None:
            for node in owner.nodes or ():
                self.graph.pin(node, self.because("this shape is changed item by item", at))
            owner.axes = owner.nodes = None

    # -- filled in by the other parts -------------------------------------------------------------------

    returns: list[Value]

    def run_block(self, body: list[ast.stmt]) -> Any:
        raise NotImplementedError

    def call_library(self, module: Module, call: Call) -> Value:
        raise NotImplementedError

    def library_method(self, owner: Value, name: str, call: Call) -> Value:
        raise NotImplementedError

    def apply_layer_call(self, layer: Layer, call: Call) -> Value:
        raise NotImplementedError

    def apply_model_call(self, model: Model, call: Call) -> Value:
        raise NotImplementedError


def _returns_early(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """May statements stand behind a return of this function? Its node keeps the answer."""
    known: bool | None = node.__dict__.get("returns_early")
    if known is None:
        last = node.body[-1]
        known = any(isinstance(n, ast.Return) and n is not last for stmt in node.body for n in ast.walk(stmt))
        node.returns_early = known  # type: ignore[union-attr]
    return known


def _words(value: Dict) -> bool:
    return all(isinstance(key, str) for key in value.items)
