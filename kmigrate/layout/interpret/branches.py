"""Branches on the ordering: both are looked at, and must come to the same in the two layouts."""

from __future__ import annotations

import ast
import copy
from collections.abc import Sequence

from kmigrate.keras_api.names import resolve
from kmigrate.layout.interpret.imports import Imports
from kmigrate.layout.interpret.state import called
from kmigrate.layout.interpret.unify import merged
from kmigrate.layout.values import Dict, Instance, Module, OrderingTest, Value

# Calls that a branch on the ordering may make and still only choose values.
TALK = frozenset(("print", "warn", "info", "warning", "debug", "error"))
# Each ordering has its own weights: fine where nothing is converted, another model where something is.
WEIGHTS = frozenset(("load_weights", "convert_all_kernels_in_model", "convert_dense_weights_data_format"))
SETTERS = frozenset(("set_image_dim_ordering", "set_image_data_format"))


class Branches(Imports):
    """``if`` statements whose condition is the ordering."""

    returns: list[Value]

    def ordering_branch(self, stmt: ast.If, test: OrderingTest, rest: Sequence[ast.stmt] = ()) -> str | None:
        """One branch runs now, the other once the setting has flipped; where both are right, nothing is edited."""
        body = [*stmt.body, *stmt.orelse]
        place = self.place(body[0])
        self.both_ways.append((place.path, place.line, max(s.end_lineno or s.lineno for s in body), test.node))
        now, after = (stmt.body, stmt.orelse) if test.truth else (stmt.orelse, stmt.body)
        block = None if _calls(body, SETTERS) else self._permuted(stmt, now, after, test, rest)
        if block is None and not _calls(body, SETTERS):
            block = self._as_one(stmt, now, after, test)
        if block is None:
            return self._one_by_one(stmt, now, after, test)
        self.visited.update(id(part) for part in ast.walk(stmt) if isinstance(part, ast.stmt))
        self.scope.names[_label(stmt)] = test
        walled, self.walled = self.walled, (*self.walled, test.node)
        end: str | None = self.run_block(block)
        self.walled = walled
        self.scope.names.pop(_label(stmt), None)
        return end

    def with_rest(self, stmt: ast.If, rest: list[ast.stmt]) -> ast.If:
        """Where one branch returns, what follows the statement belongs to the other."""
        ends = [bool(block) and isinstance(block[-1], ast.Return) for block in (stmt.body, stmt.orelse)]
        if ends[0] == ends[1] or not any(isinstance(s, ast.Return) for s in rest):
            return stmt
        body, orelse = ([*block, *([] if end else rest)] for block, end in zip((stmt.body, stmt.orelse), ends))
        made = ast.copy_location(ast.If(stmt.test, body, orelse), stmt)
        if hasattr(stmt, "file"):
            made.file = stmt.file  # type: ignore[attr-defined]
        return made

    def _as_one(
        self, stmt: ast.If, now: list[ast.stmt], after: list[ast.stmt], test: OrderingTest
    ) -> list[ast.stmt] | None:
        """Both branches as one block with a choice for each expression that differs; None where they differ more."""
        label = ast.copy_location(ast.Name(_label(stmt), ast.Load()), stmt.test)

        def choice(a: ast.expr, b: ast.expr) -> ast.expr:
            return ast.IfExp(label, a, b) if test.truth else ast.IfExp(label, b, a)

        now, after = self._chosen(now, test, False), self._chosen(after, test, True)
        aside = TALK | WEIGHTS if self.known.trial else TALK
        found = merged([s for s in now if not _says(s, aside)], [s for s in after if not _says(s, aside)], choice)
        if not found:
            return None
        todo = iter(found)
        return [self._guarded_statement(s, label, test) if _says(s, aside) else next(todo) for s in now]

    def _permuted(
        self, stmt: ast.If, now: list[ast.stmt], after: list[ast.stmt], test: OrderingTest, rest: Sequence[ast.stmt]
    ) -> list[ast.stmt] | None:
        """``if th: x = Permute((3, 1, 2))(x)``: under the other ordering it is permuted to what it was."""
        if len(now) + len(after) != 1:
            return None
        (given,) = now or after
        parts = self._layer_on_itself(given, ("Permute",))
        order = parts.args[0] if parts is not None and len(parts.args) == 1 and not parts.keywords else None
        if not isinstance(order, ast.Tuple | ast.List) or not all(isinstance(e, ast.Constant) for e in order.elts):
            return None
        kept = copy.deepcopy(given)
        numbers = (n for n in ast.walk(kept.value) if isinstance(n, ast.Tuple | ast.List))  # type: ignore[attr-defined]
        for number, element in enumerate(next(numbers).elts, 1):
            element.value = number  # type: ignore[attr-defined]
        made = self._as_one(stmt, now or [kept], after or [kept], test)
        if made and rest and self._layer_on_itself(rest[0], ("Reshape",)):
            if rest[0].targets[0].id == given.targets[0].id:  # type: ignore[attr-defined]
                made[0].value.in_memory = True  # type: ignore[attr-defined]
        return made

    def _layer_on_itself(self, stmt: ast.stmt, names: Sequence[str]) -> ast.Call | None:
        """``x = Layer(...)(x)``, of a layer of these names: the call that makes the layer."""
        call = stmt.value if isinstance(stmt, ast.Assign) and len(stmt.targets) == 1 else None
        if (
            not isinstance(call, ast.Call)
            or not isinstance(call.func, ast.Call)
            or call.keywords
            or len(call.args) != 1
        ):
            return None
        target, argument = stmt.targets[0], call.args[0]  # type: ignore[attr-defined]
        if not isinstance(target, ast.Name) or not isinstance(argument, ast.Name) or target.id != argument.id:
            return None
        if any(isinstance(n, ast.Name) and n.id == target.id for n in ast.walk(call.func)):
            return None
        maker = call.func
        callee = self.quietly(lambda: self.eval(maker.func))
        api = resolve(callee.dotted) if isinstance(callee, Module) else None
        return maker if api is not None and api.module == "keras.layers" and api.name in names else None

    @staticmethod
    def _guarded_statement(stmt: ast.stmt, label: ast.Name, test: OrderingTest) -> ast.stmt:
        empty = ast.copy_location(ast.Pass(), stmt)
        body: list[list[ast.stmt]] = [[stmt], [empty]]
        made = ast.If(label, *(body if test.truth else body[::-1]))
        return ast.copy_location(made, stmt)

    def _chosen(self, block: list[ast.stmt], test: OrderingTest, flipped: bool) -> list[ast.stmt]:
        """What is left of ``elif`` chains that ask for the same ordering again."""
        while len(block) == 1 and isinstance(block[0], ast.If):
            inner = block[0]
            again = self.quietly(lambda inner=inner: self.as_test(self.eval(inner.test), inner.test))  # type: ignore[misc]
            if not isinstance(again, OrderingTest) or again.node != test.node:
                break
            block = inner.body if again.truth != flipped else inner.orelse
        return block

    def _one_by_one(self, stmt: ast.If, now: list[ast.stmt], after: list[ast.stmt], test: OrderingTest) -> str | None:
        """Runs each branch in its world, and pairs what they leave."""
        before, ambient = self.snapshot(), self.ambient
        returns, self.returns = self.returns, []
        effects = self._effects(after)
        left: list[tuple[dict[str, Value], list[Value]]] = []

        def run(block: list[ast.stmt]) -> str | None:
            self.scope.names, self.returns = dict(before), []
            end: str | None = self.run_block(block)
            left.append((self.scope.names, self.returns))
            return end

        end_now, end_after = self.two_ways(lambda: run(now), lambda: None if effects else run(after), test.node, stmt)
        names, made = left[-1]
        self.scope.names, self.returns = names, [*returns, *made]
        because = None
        if end_after == "raise":
            because = "the branch for the other ordering only raises"
        elif effects or self._effects(now):
            because = "a branch on the ordering does more than choose values"
        elif end_now != end_after:
            because = "the branches on the ordering end in different ways"
        if because is not None:
            if self.ambient is ambient:  # a branch that sets the ordering is followed as it runs now
                self.graph.pin(test.node, self.because(because, stmt, "KM902"))
            return end_now
        names_after, made_after = left[0]
        last = 1 if end_now == "return" else 0
        if len(made) != last or len(made_after) != last:
            because = "a branch on the ordering returns in several places"
            self.graph.pin(test.node, self.because(because, stmt, "KM902"))
            return end_now
        if end_now == "return":
            self.returns[-1] = self.pair(made[-1], made_after[-1], test.node, stmt)
        else:
            self.scope.names = self.paired_names(names, names_after, test.node, stmt)
        return end_now

    def _effects(self, body: list[ast.stmt]) -> bool:
        """Does a branch do more than bind names, attributes and items, and return?"""
        talk = TALK | WEIGHTS if self.known.trial else TALK
        for node in (node for stmt in body for node in ast.walk(stmt)):
            if isinstance(node, ast.Expr) and not _says(node, talk):
                return True
            if isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del):
                owner = self.scope.lookup(node.value.id) if isinstance(node.value, ast.Name) else None
                if not isinstance(owner, Instance | Dict) or isinstance(node.ctx, ast.Del):
                    return True
            if isinstance(node, ast.AugAssign | ast.Yield | ast.YieldFrom | ast.For | ast.While):
                return True
        return False


def _label(stmt: ast.If) -> str:
    """A name for the condition that no variable can have."""
    return f"({ast.unparse(stmt.test)})"


def _calls(body: Sequence[ast.stmt], names: frozenset[str]) -> bool:
    return any(called(node) in names for stmt in body for node in ast.walk(stmt))


def _says(stmt: ast.stmt, names: frozenset[str]) -> bool:
    """A call of one of these functions, for its effect alone, or a text that is no code."""
    if isinstance(stmt, ast.Pass):
        return True
    return isinstance(stmt, ast.Expr) and (isinstance(stmt.value, ast.Constant) or called(stmt.value) in names)
