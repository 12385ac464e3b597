"""Statements: the interpreter runs a module, flow-sensitively, on abstract values."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Sequence

from kmigrate.layout.axes import Axis, Contradiction, Role, letters, moves, unify_roles
from kmigrate.layout.dims import Dim
from kmigrate.layout.files import Files
from kmigrate.layout.graph import AxesRef
from kmigrate.layout.interpret.branches import Branches
from kmigrate.layout.interpret.library import GETTERS
from kmigrate.layout.interpret.operators import MAX_ITEMS
from kmigrate.layout.interpret.state import AFTER_LOOP, COPIES, Entry, Knowledge, called, short, top_of_script
from kmigrate.layout.interpret.worlds import FIRST_NAMES
from kmigrate.layout.values import (
    Ambient,
    Array,
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
    OrderingTest,
    Pair,
    ProjectModule,
    Scope,
    Seq,
    SymInt,
    Unknown,
    Value,
)


class Interpreter(Branches):
    """Runs the scripts; afterwards ``graph``, ``axis_uses``, ``models`` and ``notes`` say what it found."""

    def __init__(self, files: Files, knowledge: Knowledge) -> None:
        super().__init__(files, knowledge)
        self.yields: list[Value] = []
        self.returns: list[Value] = []
        self.activations: dict[int, list[int]] = {}
        self.called: set[int] = set()
        self.deferred: list[tuple[Entry, Function]] = []
        self.strangers: set[tuple[int, int]] = set()
        self.methods: dict[int, Value] = {}  # function -> an instance of its class
        self.stored: list[set[int]] = []  # arrays stored into, for each loop being run

    def run(self) -> None:
        """Raises WorkLimit, RecursionError."""
        for entry in self.entries:
            self._start(entry, entry.implied)
            self.scope.names["__name__"] = Const("__main__")
            self.scope.names["__file__"] = Unknown("__file__")
            self.run_block(entry.source.tree.body)
            entry.last = self.ambient
        for entry in self.entries:
            module = self._start(entry, entry.last or entry.implied)
            while waiting := [function for function in entry.made if id(function.node) not in self.called]:
                for function in _outermost(waiting):
                    if id(function.node) not in self.called:
                        self.scope = module
                        self.enter_unknown(function, self.methods.get(id(function)))
            for of, function in self.deferred:  # grows too
                if of is entry:
                    self.scope = module
                    self.given_away(function)
            for because in entry.unread:
                for ambient in (entry.implied, *entry.ambients):
                    self.graph.pin(ambient.layers, because)
        self.layers_not_followed()
        for model in self.models:
            self.contract(model)
        self.graph.settle()

    def _start(self, entry: Entry, ambient: Ambient) -> Scope:
        """Go on in a script, under the setting that is in force there."""
        number = self.files.numbers[entry.source.path]
        self.more_work()
        self.entry, self.source, self.scope, self.ambient = entry, entry.source, Scope(), ambient
        self.context = self.outermost = top_of_script(number)
        return self.scope

    # -- control flow ------------------------------------------------------------------------------

    def run_block(self, body: list[ast.stmt]) -> str | None:
        """Runs statements; says 'return', 'break', 'continue' or 'raise' where the block ends so."""
        for i, stmt in enumerate(body):
            self.step()
            self.visited.add(id(stmt))
            outer, self.statement = self.statement, stmt
            self.rest = body[i + 1 :]
            end = self.run_statement(stmt)
            self.statement = outer
            if end:
                return end
        return None

    def run_statement(self, stmt: ast.stmt) -> str | None:
        method = getattr(self, f"run_{type(stmt).__name__}", None)
        if method is None:
            for child in ast.walk(stmt):
                if isinstance(child, ast.expr):
                    self.leak(self.eval(child), child, "a statement that is not followed")
                    break
            return None
        end: str | None = method(stmt)
        return end

    def run_Expr(self, stmt: ast.Expr) -> None:
        self.eval(stmt.value)

    def run_Pass(self, stmt: ast.Pass) -> None:
        pass

    def run_Nonlocal(self, stmt: ast.Nonlocal) -> None:
        self.scope.nonlocals.update(stmt.names)

    def run_Global(self, stmt: ast.Global) -> None:
        self.scope.globals_.update(stmt.names)

    def run_Return(self, stmt: ast.Return) -> str:
        value = Const(None) if stmt.value is None else self.eval(stmt.value)
        if stmt.value is not None:
            self.passes(value, stmt.value)
        self._leaves("return")
        self.returns.append(value)
        return "return"

    def run_Raise(self, stmt: ast.Raise) -> str:
        if stmt.exc is not None:
            self.eval(stmt.exc)
        self._leaves("raise")
        return "raise"

    def run_Break(self, stmt: ast.Break) -> str:
        self._leaves_body()
        self._leaves("break")
        return "break"

    def run_Continue(self, stmt: ast.Continue) -> str:
        self._leaves_body()
        self._leaves("continue")
        return "continue"

    def _leaves(self, how: str) -> None:
        self.goes_out(how, (self.guards, self.alternate))

    def _left_early(
        self, how: str, body: Callable[[], str | None], stmt: ast.stmt, at_once: bool = False
    ) -> str | None:
        return self.with_exits(how, body, (self.guards, self.alternate), stmt, at_once)

    def _round(self, stmt: ast.For | ast.AsyncFor | ast.While) -> str | None:
        """The body of a loop, once."""
        if not _holds(stmt, ast.Continue):
            return self.run_block(stmt.body)
        return self._left_early("continue", lambda: self.run_block(stmt.body), stmt)

    def _leaves_body(self) -> None:
        """What names hold at a break or continue, they may hold behind the loop or when its body runs again."""
        if self.exits and not self.graph.muted:
            self.exits[-1].append(self.snapshot())

    def _join_exits(self, stmt: ast.stmt) -> None:
        for names in self.exits[-1]:
            self._join_names(names, stmt)
        self.exits[-1].clear()

    def _stated_ordering(self, test: ast.expr, holds: bool) -> None:
        """``assert K.image_dim_ordering() == 'th'``: what the setting is where the program does not set it."""
        if not isinstance(test, ast.Compare) or len(test.ops) > 1 or self.graph.muted or not self.ambient.implied:
            return
        left = any(out.left for how, out in self.ways_out.items() if how != "raise")
        if self.undecided or self.trying or left or any(call < 0 for call in self.context):  # may never be reached
            return
        sides = (test.left, test.comparators[0])
        name = next((side.value for side in sides if isinstance(side, ast.Constant)), None)
        asked = any(name in GETTERS.get(called(side), ()) for side in sides)
        if asked and isinstance(test.ops[0], ast.Eq | ast.NotEq):
            first = (name in FIRST_NAMES) == (holds == isinstance(test.ops[0], ast.Eq))
            self.entry.stated = first if self.entry.stated in (None, first) else None

    def run_Assert(self, stmt: ast.Assert) -> None:
        self._stated_ordering(stmt.test, True)
        value = self.as_test(self.eval(stmt.test), stmt.test)
        if isinstance(value, OrderingTest):
            text = f"`{short(stmt.test)}` is asserted: it holds for one ordering only"
            self.graph.pin(value.node, self.because(text, stmt, "KM902"))

    def run_Delete(self, stmt: ast.Delete) -> None:
        for target in stmt.targets:
            if isinstance(target, ast.Name):
                self.scope.names.pop(target.id, None)
            else:
                self.eval(target)

    def run_If(self, stmt: ast.If) -> str | None:
        rest = self.rest
        if isinstance(stmt.body[-1], ast.Raise) and not stmt.orelse:
            self._stated_ordering(stmt.test, False)
        test = self.as_test(self.eval(stmt.test), stmt.test)
        if isinstance(test, OrderingTest):
            holds = self.settled_test(test)
            if holds is not None:
                return self.run_block(stmt.body if holds else stmt.orelse)
            return self.ordering_branch(self.with_rest(stmt, rest), test, rest)
        truth = self.truth(test)
        if truth is not None:
            self.skipped.append((self.source.path, stmt.orelse if truth else stmt.body))
            return self.run_block(stmt.body if truth else stmt.orelse)
        return self._either(stmt, lambda: self.run_block(stmt.body), lambda: self.run_block(stmt.orelse))

    def _either(self, stmt: ast.stmt, body: Callable[[], str | None], orelse: Callable[[], str | None]) -> str | None:
        """Both branches are possible: run both and join what they leave."""
        names = self.snapshot()
        ambient = self.ambient
        self.undecided += 1
        end_a, left = self.branch(body)
        names_a, ambient_a = self.scope.names, self.ambient
        self.scope.names, self.ambient = dict(names), ambient
        end_b, right = self.branch(orelse)
        self.undecided -= 1
        self.rejoin([w for w, end in ((left, end_a), (right, end_b)) if end != "raise" or self.trying] or [right], stmt)
        if end_a and end_b:
            return end_a if end_a == end_b else "return"
        if end_a:
            return None
        if end_b:
            self.scope.names, self.ambient = names_a, ambient_a
            return None
        self._join_names(names_a, stmt)
        self._join_ambient(ambient_a, stmt)
        return None

    undecided = 0  # branches being run of which another one may be the one that runs
    trying = 0  # try statements being run: what an exception leaves goes on

    def _join_names(self, other: dict[str, Value], stmt: ast.stmt) -> None:
        mine = self.scope.names
        self.step(len(other) // COPIES)
        for name, value in other.items():
            if mine.get(name) is not value:
                mine[name] = self.join(value, mine[name], stmt) if name in mine else value

    def _join_ambient(self, other: Ambient, stmt: ast.stmt) -> None:
        mine = self.ambient
        if mine is other:
            return
        if mine.first == other.first:
            self.graph.tie(mine.layers, other.layers)
            self.graph.tie(mine.loaders, other.loaders)
            return
        because = self.because("the ordering is set in one branch and not in the other", stmt, "KM902")
        for node in (mine.layers, mine.loaders, other.layers, other.loaders):
            self.graph.pin(node, because)

    def run_For(self, stmt: ast.For) -> str | None:
        iterable = self.eval(stmt.iter)
        if isinstance(iterable, LayerList) and _counts(stmt.body):
            iterable.model.indexed = True
        items = self.unrolled(iterable)
        self.stored.append(set())
        self.exits.append([])
        self.loops += 1
        try:

            def rounds() -> str | None:
                if items is not None:
                    return self._unroll(stmt, items)
                self._loop(stmt, iterable)
                return None

            end = self._left_early("break", rounds, stmt) if _holds(stmt, ast.Break) else rounds()
            if end is not None:
                return end
        finally:
            self.loops -= 1
            self.exits.pop()
        self._after_loop(stmt)
        return self.run_block(stmt.orelse)

    run_AsyncFor = run_For

    def _unroll(self, stmt: ast.For, items: Sequence[Value]) -> str | None:
        for item in items:
            self.assign(stmt.target, item, None, None)
            end = self._round(stmt)
            if end in ("return", "raise"):
                return end
            if end == "break":
                break
        self._join_exits(stmt)
        return None

    def _loop(self, stmt: ast.For, iterable: Value) -> None:
        """A loop of unknown length: its body runs twice, so that what it carries over is met."""
        for _ in range(2):
            before = self.snapshot()
            self.assign(stmt.target, self.item_of(iterable, stmt.iter), None, None)
            end, left = self.branch(lambda: self._round(stmt))
            self.rejoin([left, {}], stmt)
            if end in ("return", "raise"):
                self.scope.names = before
                self._join_exits(stmt)
                return
            self._join_names(before, stmt)
            self._join_exits(stmt)

    def run_While(self, stmt: ast.While) -> str | None:
        if not _holds(stmt, ast.Break):
            return self._while(stmt)
        return self._left_early("break", lambda: self._while(stmt), stmt)

    def _while(self, stmt: ast.While) -> str | None:
        test = self.eval(stmt.test)
        self.differs(test, stmt.test)
        for part in ast.walk(stmt.test):  # whatever comes of it at first, it is asked again and again
            if isinstance(part, ast.Name):
                self.differs(self.eval(part), part)
        self.stored.append(set())
        self.exits.append([])
        self.loops += 1
        forever = self.truth(test) is True
        for _ in range(2):
            before = self.snapshot()
            end, left = self.branch(lambda: self._round(stmt))
            self.rejoin([left, {}], stmt)
            if end in ("return", "raise"):
                self.loops -= 1
                self.stored.pop()
                exits = self.exits.pop()
                if forever and not exits:
                    return end
                self.scope.names = before
                for names in exits:
                    self._join_names(names, stmt)
                return None
            self._join_names(before, stmt)
            self._join_exits(stmt)
        self.loops -= 1
        self.exits.pop()
        self._after_loop(stmt)
        return None

    def _after_loop(self, stmt: ast.stmt) -> None:
        """An array filled in a loop may be transposed once behind it."""
        stored = self.stored.pop()
        if self.loops or not stored:
            if self.stored:
                self.stored[-1] |= stored
            return
        for name, value in list(self.scope.names.items()):
            if isinstance(value, Array) and value.kind == "numpy" and id(value) in stored:
                new = Array(self.graph.node(), value.ref, value.kind, value.place)
                place = self.place(stmt)
                self.soft(value.node, new.node, AFTER_LOOP, value.ref, self.after(stmt, name), f"`{name}`", place)
                self.share(place, name, value.node, new.node, value.ref)
                self.scope.names[name] = new

    def run_Try(self, stmt: ast.Try) -> str | None:
        before = self.snapshot()
        self.trying += 1
        if stmt.handlers:
            goes_on = not all(isinstance(handler.body[-1], ast.Raise) for handler in stmt.handlers)
            end = self._left_early("raise", lambda: self.run_block(stmt.body), stmt, at_once=goes_on)
        else:
            end = self.run_block(stmt.body)
        self.trying -= 1
        end = end or self.run_block(stmt.orelse)
        for handler in stmt.handlers:
            names, ambient = self.scope.names, self.ambient
            self.scope.names = dict(before)
            if handler.name:
                self.scope.names[handler.name] = Unknown("an exception")
            end_handler, left = self.branch(lambda body=handler.body: self.run_block(body))  # type: ignore[misc]
            if end_handler != "raise" or self.trying:
                self.rejoin([left, {}], stmt)
            handled, handled_ambient = self.scope.names, self.ambient
            self.scope.names, self.ambient = names, ambient
            if end_handler:
                continue
            if end:  # the body never ends in the usual way: what goes on is a handler
                self.scope.names, self.ambient, end = handled, handled_ambient, None
                continue
            for name, value in handled.items():
                if name not in names:
                    names[name] = value
                elif not isinstance(names[name], Module | Class | Function):
                    names[name] = self.join(names[name], value, stmt)
            self._join_ambient(handled_ambient, stmt)
        return self.run_block(stmt.finalbody) or end

    run_TryStar = run_Try

    def run_Match(self, stmt: ast.Match) -> str | None:
        """Patterns are not followed: what is matched stays, and each case is one possible way on."""
        self.leak(self.eval(stmt.subject), stmt.subject, "a match statement")
        return self._cases(stmt, stmt.cases)

    def _cases(self, stmt: ast.Match, cases: list[ast.match_case]) -> str | None:
        if not cases:
            return None

        def first() -> str | None:
            for part in ast.walk(cases[0].pattern):
                if isinstance(part, ast.MatchAs | ast.MatchStar) and part.name:
                    self.scope.names[part.name] = Unknown("a part of what was matched", self.place(part))
            if cases[0].guard is not None:
                self.eval(cases[0].guard)
            return self.run_block(cases[0].body)

        return self._either(stmt, first, lambda: self._cases(stmt, cases[1:]))

    def run_With(self, stmt: ast.With) -> str | None:
        for item in stmt.items:
            value = self.eval(item.context_expr)
            if isinstance(value, Instance):
                value = self.entered(value, item.context_expr)
            if item.optional_vars is not None:
                self.assign(item.optional_vars, value, None, None)
        return self.run_block(stmt.body)

    run_AsyncWith = run_With

    # -- definitions and imports -------------------------------------------------------------------

    def run_FunctionDef(self, stmt: ast.FunctionDef) -> None:
        words = [d.attr for d in stmt.decorator_list if isinstance(d, ast.Attribute)]
        if stmt.decorator_list and words and words[0] in ("setter", "deleter"):
            return  # the name stays that of the property
        value: Value = self.make_function(stmt)
        for decorator in reversed(stmt.decorator_list):
            value = self.decorate(value, decorator)
        self.scope.names[stmt.name] = value

    run_AsyncFunctionDef = run_FunctionDef

    def run_ClassDef(self, stmt: ast.ClassDef) -> None:
        bases = [self.eval(b) for b in stmt.bases]
        outer, self.scope = self.scope, Scope(self.scope)
        self.run_block(stmt.body)
        members = self.scope.names
        self.scope = outer
        for member in members.values():
            if isinstance(member, Function):
                member.scope = outer
        cls = Class(stmt, outer, self.source.path, bases, members)
        self.scope.names[stmt.name] = cls
        for member in members.values():
            if isinstance(member, Function):
                member.cls = cls
                self.methods[id(member)] = Instance(cls)

    # -- assignment ------------------------------------------------------------------------------------

    def run_Assign(self, stmt: ast.Assign) -> None:
        value = self.eval(stmt.value)
        if all(isinstance(target, ast.Name) for target in stmt.targets):
            self.goes_on(value, stmt.value)
        for target in stmt.targets:
            self.assign(target, value, stmt, stmt.value)

    def run_AnnAssign(self, stmt: ast.AnnAssign) -> None:
        if stmt.value is not None:
            self.assign(stmt.target, self.eval(stmt.value), stmt, stmt.value)

    def assign(self, target: ast.expr, value: Value, stmt: ast.stmt | None, rhs: ast.expr | None) -> None:
        if isinstance(target, ast.Name):
            if rhs is not None:
                self.passes(value, rhs)
            defined = self._defined(target.id, value, stmt, rhs)
            layout = self.files.pragmas(self.place(stmt).path).layouts.get(stmt.lineno) if stmt is not None else None
            self._bind(target.id, defined if layout is None or stmt is None else self._said(defined, stmt, *layout))
        elif isinstance(target, ast.Tuple | ast.List):
            self._unpack(target, value, stmt)
        elif isinstance(target, ast.Attribute):
            self.set_attribute(self.eval(target.value), target, value, rhs or target)
        elif isinstance(target, ast.Subscript):
            self._store(target, value, rhs or target)

    def set_attribute(self, owner: Value, target: ast.Attribute, value: Value, rhs: ast.expr) -> None:
        """``owner.name = value``."""
        if isinstance(owner, Instance) and self.is_property(owner, target.attr):
            self.leak(value, rhs, f"the property `{short(target)}`")
            self.touch(owner)
            owner.attributes[target.attr] = Unknown(f"`{short(target)}`", self.place(target))
        elif isinstance(owner, Instance | Class):
            self.touch(owner)
            self.passes(value, rhs)
            (owner.attributes if isinstance(owner, Instance) else owner.members)[target.attr] = value
        elif isinstance(owner, Model) and target.attr in ("trainable", "name"):
            pass
        elif isinstance(owner, Model) and target.attr in ("inputs", "outputs") and isinstance(value, Seq):
            self.touch(owner)
            setattr(owner, target.attr, list(value.items))
            owner.nodes += [t.node for t in value.items if isinstance(t, Array)]
        elif isinstance(owner, Layer | Choice):
            for option in owner.options if isinstance(owner, Choice) else [owner]:
                self.set_layer_attribute(option, target.attr, value, target)
            self.leak(value, rhs, f"the attribute `{short(target)}`")
        elif isinstance(owner, ProjectModule):
            self.touch(owner.scope)
            owner.scope.names[target.attr] = value
        elif isinstance(owner, Module) and "keras" in owner.dotted and "image_d" in target.attr.lower():
            why = f"`{short(target)}` is set: the ordering is not followed from here"
            self.poisoned = self.because(why, target, "KM903")
        elif isinstance(owner, Array):  # x.shape = ...: what it is from here on is not followed
            self.leak(owner, target.value, f"`{short(target)}` is set")
            self.leak(value, rhs, f"`{short(target)}` is set")
            if isinstance(target.value, ast.Name):
                self._bind(target.value.id, Unknown(f"`{short(target)}` was set", self.place(target)))
        else:
            self.leak(value, rhs, f"the attribute `{short(target)}`")

    def _bind(self, name: str, value: Value) -> None:
        scope = self.scope.home(name)
        if scope is not self.scope:
            self.touch(scope)
        scope.names[name] = value
        if isinstance(value, Model) and not value.name:
            value.name = name

    def _defined(self, name: str, value: Value, stmt: ast.stmt | None, rhs: ast.expr | None) -> Value:
        """A new definition of an array: a place where it may be transposed."""
        if stmt is None or self.graph.muted or isinstance(rhs, ast.Name):
            return value
        place = self.place(stmt)
        if isinstance(value, Array) and value.kind == "numpy":
            return self.redefine(value, place, name)
        if isinstance(value, Unknown) and value.array is None and value.place is not None:
            return Unknown(value.why, value.place, None, [*value.definitions, (place, name)], file=value.file)
        return value

    def _said(self, value: Value, stmt: ast.stmt, number: int, labels: str) -> Value:
        """A value whose axes a comment names: it is believed, and held against all else that is known."""
        array = self.as_array(value, stmt)
        if array is None or self.graph.muted:
            return value
        array.doubtful = False
        try:
            self.bind_rank(array, len(labels))
            if array.axes is None or len(array.axes) != len(labels):
                raise Contradiction(f"{len(labels)} axes")
            for axis, label in zip(array.axes, labels, strict=True):
                unify_roles(axis.role, Role(label))
        except Contradiction:
            text = f"`# kmigrate: layout={labels}` contradicts what is known: {letters(array.axes)}"
            self.note(stmt, "KM156", text)
            self.graph.pin(array.node, self.because(text, stmt, "KM902"))
        else:
            self.hinted_layouts.append((self.place(stmt).path, number, labels, array))
        return array

    def _unpack(self, target: ast.Tuple | ast.List, value: Value, stmt: ast.stmt | None) -> None:
        names = target.elts
        if any(isinstance(name, ast.Starred) for name in names):
            self.leak(value, target, "an unpacking with a star")
            for name in names:
                inner = name.value if isinstance(name, ast.Starred) else name
                self.assign(inner, Unknown("a part of an unpacking with a star", self.place(inner)), stmt, None)
            return
        if isinstance(value, Seq) and value.fixed and len(value.items) == len(names):
            if value.axes is not None or (
                value.place is not None
                and value.place.node is not getattr(stmt, "value", None)
                and all(isinstance(i, Const | SymInt) for i in value.items)
            ):
                self.unpack_shape(value, target, names)
            for name, item in zip(names, value.items, strict=True):
                self.assign(name, item, stmt, None)
            return
        if isinstance(value, Pair):
            parts = self._sides_of_parts(value, len(names), target)
            if parts is not None:
                for name, part in zip(names, parts, strict=True):
                    self.assign(name, part, stmt, None)
                return
        if isinstance(value, Array) and value.axes is not None:
            for name in names:
                self.assign(name, self.item_of(value, target), stmt, None)
            return
        self.veto(target, "what is unpacked here is not known")
        why = value.why if isinstance(value, Unknown) else "an unpacked value"
        if not isinstance(value, Unknown):
            self.leak(value, target, "unpacking that is not followed")
        for name in names:
            self.assign(name, Unknown(why, self.place(name)), stmt, None)

    def _sides_of_parts(self, value: Pair, count: int, at: ast.AST) -> list[Value] | None:
        """The items of what depends on the ordering, each with its two sides."""
        now, after = value.now, value.after
        if not isinstance(now, Seq) or not isinstance(after, Seq) or not now.fixed or not after.fixed:
            return None
        if len(now.items) != count or len(after.items) != count:
            return None
        return [self.pair(a, b, value.node, at) for a, b in zip(now.items, after.items, strict=True)]

    def _store(self, target: ast.Subscript, value: Value, rhs: ast.expr) -> None:
        owner = self.eval(target.value)
        if isinstance(owner, Array):
            view = self.index(owner, target, self.index_items(target.slice))
            self._put(owner, view, value, rhs, target)
            return
        self.no_array(target)
        key = None if isinstance(target.slice, ast.Slice) else self.eval(target.slice)
        if isinstance(owner, Dict):
            self.store_item(owner, key, value, rhs)
            return
        if isinstance(owner, Seq):
            self.touch(owner)
            if owner.fixed and isinstance(key, Const) and isinstance(key.value, int) and not owner.axes:
                if -len(owner.items) <= key.value < len(owner.items):
                    owner.items[key.value] = value
                    self._no_display(owner, target)
                    return
            self.grow(owner, (value, rhs))
            owner.fixed = False
            return
        self.veto(target, f"what `{short(target)}` stores into is not known")
        if isinstance(owner, Unknown) and owner.array is not None:
            self.leak(owner, target.value, f"`{short(target)}`")
        self.leak(value, rhs, f"`{short(target)}`")

    def _put(self, owner: Array, view: Value, value: Value, rhs: ast.expr, target: ast.expr) -> None:
        """``owner[...] = value``."""
        self.differs(value, rhs)
        if self.stored:
            self.stored[-1].add(id(owner))
        if isinstance(value, Seq) and len(value.items) == 1 and isinstance(value.items[0], Array):
            inner = value.items[0]
            if inner.axes is not None and isinstance(view, Array):
                axes = [Axis(size=Dim(1)), *inner.axes]
                boxed = Array(self.graph.node(), AxesRef(axes), "numpy", self.place(rhs))
                self.later(lambda: self._boxed(boxed, inner, rhs))
                value = boxed
        array = self.as_array(value, rhs) if not isinstance(value, Const | SymInt) else None
        if array is None:
            return
        if not isinstance(view, Array) or view.axes is None or array.axes is None:
            if isinstance(view, Array) and view.axes is not None and array.axes is None:
                used = self.consume(array, rhs, f"`{short(rhs)}`")
                self.join_axes(view, used, target)
                return
            self.graph.pin(owner.node, self.because(f"`{short(target)}` is filled with what is not known", target))
            self.leak(array, rhs, f"`{short(target)}`")
            return
        used = self.consume(array, rhs, f"`{short(rhs)}`")
        if len(array.axes) <= len(view.axes):
            self.broadcast(view, list(view.axes), used, rhs, target)
        else:
            self.graph.pin(owner.node, self.because(f"`{short(target)}` is filled with more axes than it has", target))
            self.leak(array, rhs, f"`{short(target)}`")

    def _boxed(self, boxed: Array, inner: Array, at: ast.AST) -> None:
        if moves(boxed.axes):
            self.graph.pin(boxed.node, self.because("a list makes the channel axis here", at, "KM105"))
        elif moves(inner.axes):
            self.graph.tie(boxed.node, inner.node)

    def run_AugAssign(self, stmt: ast.AugAssign) -> None:
        value = self.eval(stmt.value)
        target = stmt.target
        if isinstance(target, ast.Subscript):
            owner = self.eval(target.value)
            if isinstance(owner, Array):
                view = self.index(owner, target, self.index_items(target.slice))
                self._put(owner, view, value, stmt.value, target)
                return
            self.no_array(target)
            self.veto(target, f"what `{short(target)}` changes is not known")
            self.leak(value, stmt.value, f"`{short(target)}`")
            return
        current = self.eval(target)
        if self.sides(value, stmt.value) is not None or self.sides(current, target) is not None:
            made = ast.copy_location(ast.BinOp(left=target, op=stmt.op, right=stmt.value), stmt)
            self.assign(target, self.eval_BinOp(made), None, None)
            return
        if isinstance(current, Array):
            array = self.as_array(value, stmt.value) if not isinstance(value, Const | SymInt | Module) else None
            if array is not None and array.axes != []:
                if array.axes is None or current.axes is None:
                    if array.ref.find() is not current.ref.find():
                        why = f"`{short(target)}` is combined in place with an array, one of them of unknown rank"
                        self.graph.pin(current.node, self.because(why, stmt))
                        self.leak(array, stmt.value, why)
                elif len(array.axes) <= len(current.axes):
                    used = self.consume(array, stmt.value, f"`{short(stmt.value)}`")
                    self.broadcast(current, list(current.axes), used, stmt.value, stmt.value)
                else:
                    self.leak(array, stmt.value, f"`{short(stmt.value)}` has more axes than what it is added to")
                    self.graph.pin(current.node, self.because("an in-place operation with more axes", stmt))
            return
        if isinstance(current, Seq) and isinstance(stmt.op, ast.Add) and isinstance(value, Seq):
            if len(current.items) + len(value.items) > MAX_ITEMS:
                self.leak(current, target, f"`{short(target)}` is long")
                self.leak(value, stmt.value, f"`{short(target)}` is long")
                self.assign(target, Unknown(f"`{short(target)}`, which is long,", self.place(stmt)), None, None)
                return
            if current.kind == "list" and not self.loops and value.fixed and current.fixed:
                self.touch(current)
                self.step(len(value.items) // COPIES)
                current.items.extend(value.items)
                self._no_display(current, stmt)
                return
            self.step((len(current.items) + len(value.items)) // COPIES)
            self.assign(target, Seq(current.kind, [*current.items, *value.items], fixed=False), None, None)
            return
        binary = ast.BinOp(left=target, op=stmt.op, right=stmt.value)
        ast.copy_location(binary, stmt)
        if isinstance(current, Const) and isinstance(value, Const) and not self.loops:
            self.assign(target, self.eval_BinOp(binary), None, None)
        elif isinstance(current, Const | SymInt) and isinstance(value, Const | SymInt):
            self.assign(target, SymInt(self.name_of("sum", stmt)), None, None)
        else:
            self.assign(target, self.elementwise([(current, stmt.value), (value, stmt.value)], stmt.value), None, None)


def _outermost(functions: Sequence[Function]) -> Sequence[Function]:
    """Those that no other of them names: what they call gets its arguments from them. Any one, if there are none."""
    named = Counter(name for function in functions for name in _names(function.node))
    own = [(function, getattr(function.node, "name", "")) for function in functions]
    return [f for f, name in own if named[name] == (name in _names(f.node))] or functions[:1]


def _names(node: ast.AST) -> frozenset[str]:
    """The names and attributes that are read in a function. Its node keeps the answer."""
    known: frozenset[str] | None = node.__dict__.get("names")
    if known is None:
        names = (getattr(n, "id", None) or getattr(n, "attr", None) for n in ast.walk(node))
        known = node.__dict__["names"] = frozenset(name for name in names if name)
    return known


def _counts(body: list[ast.stmt]) -> bool:
    """Does the body of a loop count its items or list what it makes of them?"""
    for node in (n for stmt in body for n in ast.walk(stmt)):
        if isinstance(node, ast.AugAssign | ast.Yield):
            return True
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in ("append", "insert", "extend", "next", "pop"):
                return True
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "next":
            return True
    return False


def _holds(stmt: ast.stmt, kind: type[ast.stmt]) -> bool:
    """Is there such a statement in it? Its node keeps the answer."""
    known: dict[type, bool] = stmt.__dict__.setdefault("holds", {})
    if kind not in known:
        known[kind] = any(isinstance(node, kind) for node in ast.walk(stmt))
    return known[kind]
