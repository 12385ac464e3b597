"""Values that depend on the ordering: what each is in both worlds, and who may make use of them.

Whoever knows how to use such a value heeds it. Where nobody does, the setting stays: another number of
filters, another file or another loop would come with the flip.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from kmigrate.layout.interpret.heap import FIELDS, put_back, state_of
from kmigrate.layout.interpret.state import State, short
from kmigrate.layout.values import (
    Class,
    Const,
    Dict,
    Instance,
    OrderingName,
    OrderingTest,
    Pair,
    Scope,
    Seq,
    Unknown,
    Value,
)

T = TypeVar("T")

FIRST_NAMES = {"th": "tf", "channels_first": "channels_last", "NCHW": "NHWC", "NCDHW": "NDHWC"}
LAST_NAMES = frozenset(FIRST_NAMES.values())
OTHER_NAME = FIRST_NAMES | {v: k for k, v in FIRST_NAMES.items()}


class Sides(NamedTuple):
    """A value now, and once ``node`` has flipped."""

    now: Value
    after: Value
    node: int


class Worlds(State):
    """Both sides of a value, and the check that each use of it is understood."""

    heeded: dict[tuple[int, tuple[object, ...]], Value]  # the value and the expression it stands at

    def sides(self, value: Value, expr: ast.AST | None = None) -> Sides | None:
        """What a value is in both worlds; None where it is the same in both.

        A string that is written in ``expr`` itself is a plain string, and so is one that is channels-last already:
        it never changes.
        """
        if isinstance(value, Pair):
            return Sides(value.now, value.after, value.node)
        if isinstance(value, OrderingName):
            return Sides(Const(value.name), Const(OTHER_NAME[value.name]), value.node)
        if isinstance(value, OrderingTest):
            return Sides(Const(value.truth), Const(not value.truth), value.node)
        if isinstance(value, Const) and isinstance(value.value, str) and value.value in FIRST_NAMES:
            if value.origin is not None and not _within(value.origin.node, expr):
                return Sides(Const(value.value), Const(OTHER_NAME[value.value]), self.setting_node(value))
        return None

    def setting_node(self, value: Const) -> int:
        raise NotImplementedError

    def quietly(self, action: Callable[[], T]) -> T:
        """What a branch that does not run now would give; nothing of it is recorded."""
        muted, self.graph.muted = self.graph.muted, True
        try:
            return action()
        finally:
            self.graph.muted = muted

    def two_ways(self, now: Callable[[], T], after: Callable[[], T], node: int, at: ast.AST) -> tuple[T, T]:
        """Runs what happens now, and what happens once ``node`` has flipped; what both do to objects is paired."""
        alternate, self.alternate = self.alternate, (*self.alternate, node)
        ambient = self.ambient
        other, left_after = self.branch(lambda: self.quietly(after))
        self.alternate, self.ambient = alternate, ambient
        guards, self.guards = self.guards, (*self.guards, node)
        mine, left_now = self.branch(now)
        self.guards = guards
        for key, (owner, _) in {**left_now, **left_after}.items():
            self.touch(owner)
            before = state_of(owner)
            a, b = (left[key][1] if key in left else before for left in (left_now, left_after))
            put_back(owner, self._paired_state(owner, a, b, node, at))
        return mine, other

    def _paired_state(
        self, owner: Any, now: dict[str, Any], after: dict[str, Any], node: int, at: ast.AST
    ) -> dict[str, Any]:
        """An object that the two branches have changed."""
        if now == after:
            return now
        field = FIELDS[type(owner)][0]
        rest = [name for name in now if name != field]
        if not isinstance(owner, Instance | Dict | Scope | Class) or any(now[name] != after[name] for name in rest):
            text = "a branch on the ordering does more than choose values"
            self.graph.pin(node, self.because(text, at, "KM902"))
            return now
        return {**now, field: self.paired_names(now[field], after[field], node, at)}

    def paired_names(self, now: dict[Any, Value], after: dict[Any, Value], node: int, at: ast.AST) -> dict[Any, Value]:
        """Names, or the items of a dictionary, as two branches leave them."""
        found: dict[Any, Value] = {}
        for name in {**now, **after}:
            mine, other = now.get(name), after.get(name)
            if mine is None:
                found[name] = Unknown("a name of the other ordering's branch")
            else:
                found[name] = mine if other is None or other is mine else self.pair(mine, other, node, at)
        return found

    def pair(self, now: Value, after: Value, node: int, at: ast.AST) -> Value:
        raise NotImplementedError

    def told_ordering(self, value: Value, expr: ast.expr, why: str) -> None:
        sides = self.sides(value, expr)
        if sides is not None:
            self.graph.pin(sides.node, self.because(why, expr))

    def heed(self, value: Value, expr: ast.AST) -> None:
        """This use of a value that depends on the ordering is understood."""
        self.heeded[(id(value), self.place(expr).key)] = value

    def differs(self, value: Value, expr: ast.AST, within: ast.AST | None = None) -> bool:
        """Does a value depend on the ordering, and nobody has heeded it here? Then the setting stays."""
        if (id(value), self.place(expr).key) in self.heeded:
            return False
        if isinstance(value, Seq | Dict):
            items = value.items if isinstance(value, Seq) else value.values
            elements = _elements(value, items, expr)
            found = [self.differs(item, element, within) for item, element in zip(items, elements, strict=True)]
            return any(found)
        sides = self.sides(value, within or expr)
        if sides is None:
            return False
        text = f"`{short(expr)}` is another value under the other ordering"
        self.graph.pin(sides.node, self.because(text, expr, "KM902"))
        return True


def _elements(value: Seq | Dict, items: list[Value], expr: ast.AST) -> list[ast.AST]:
    """The expression of each item; where they are not written here, ``expr`` stands for all of them."""
    written: list[ast.expr] = expr.elts if isinstance(expr, ast.Tuple | ast.List) else []
    if isinstance(value, Seq) and len(written) == len(items):
        return list(written)
    return [expr] * len(items)


def _within(node: ast.AST, expr: ast.AST | None) -> bool:
    return expr is not None and any(child is node for child in ast.walk(expr))
