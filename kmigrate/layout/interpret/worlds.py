"""Values that depend on the ordering: what each is in both worlds, and who may make use of them.

Whoever knows how to use such a value heeds it. Where nobody does, the setting stays: another number of
filters, another file or another loop would come with the flip.
"""

from __future__ import annotations

import ast
from typing import NamedTuple

from kmigrate.layout.interpret.state import State, short
from kmigrate.layout.values import (
    Const,
    Dict,
    OrderingName,
    OrderingTest,
    Pair,
    Seq,
    Value,
)

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

        A string that is written in ``expr`` itself is a plain string.
        """
        if isinstance(value, Pair):
            return Sides(value.now, value.after, value.node)
        if isinstance(value, OrderingName):
            return Sides(Const(value.name), Const(OTHER_NAME[value.name]), value.node)
        if isinstance(value, OrderingTest):
            return Sides(Const(value.truth), Const(not value.truth), value.node)
        if isinstance(value, Const) and isinstance(value.value, str) and value.value in OTHER_NAME:
            if value.origin is not None and not _within(value.origin.node, expr):
                return Sides(Const(value.value), Const(OTHER_NAME[value.value]), self.setting_node(value))
        return None

    def setting_node(self, value: Const) -> int:
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
            elements = _elements(value, expr)
            found = [self.differs(item, element, within) for item, element in zip(items, elements, strict=True)]
            return any(found)
        sides = self.sides(value, within or expr)
        if sides is None:
            return False
        text = f"`{short(expr)}` is another value under the other ordering"
        self.graph.pin(sides.node, self.because(text, expr, "KM902"))
        return True


def _elements(value: Seq | Dict, expr: ast.AST) -> list[ast.AST]:
    """The expression of each item; where they are not written here, ``expr`` stands for all of them."""
    written: list[ast.expr] = expr.elts if isinstance(expr, ast.Tuple | ast.List) else []
    if isinstance(value, Seq) and len(written) == len(value.items):
        return list(written)
    return [expr] * len(value.items if isinstance(value, Seq) else value.values)


def _within(node: ast.AST, expr: ast.AST | None) -> bool:
    return expr is not None and any(child is node for child in ast.walk(expr))
