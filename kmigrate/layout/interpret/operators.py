"""Evaluation of operators, comparisons and conditions on abstract values."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any

from kmigrate.layout.dims import MAX_BITS, named
from kmigrate.layout.interpret.expressions import Expressions
from kmigrate.layout.interpret.state import COPIES, dim_of, short
from kmigrate.layout.interpret.worlds import LAST_NAMES, OTHER_NAME, Sides
from kmigrate.layout.values import (
    Array,
    Const,
    Dict,
    Function,
    Instance,
    Layer,
    Model,
    Module,
    OrderingName,
    OrderingTest,
    Pair,
    Seq,
    SymInt,
    Unknown,
    Value,
)

# What an operator may raise on constants.
ARITHMETIC_ERRORS = (ArithmeticError, AttributeError, KeyError, MemoryError, TypeError, ValueError)

ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod, ast.Pow: operator.pow,
    ast.LShift: operator.lshift, ast.RShift: operator.rshift, ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_, ast.BitXor: operator.xor,
}  # fmt: skip
MAX_TEXT, MAX_POWER = 9999, 64  # of constants that are computed with


def computed(op: ast.operator, a: Any, b: Any) -> Any:
    """The result of an operator on two constants.

    Raises one of ARITHMETIC_ERRORS, also where the result would be very long.
    """
    if any(isinstance(x, int) and x.bit_length() > MAX_BITS for x in (a, b)):
        raise OverflowError
    if isinstance(op, ast.Pow | ast.LShift) and abs(b) > MAX_POWER:
        raise OverflowError
    texts = [len(x) for x in (a, b) if isinstance(x, str | bytes)]
    if isinstance(op, ast.Mult) and texts and texts[0] * max(x for x in (a, b) if isinstance(x, int)) > MAX_TEXT:
        raise OverflowError
    if sum(texts) > MAX_TEXT or (texts and isinstance(op, ast.Mod)):
        raise OverflowError
    result = ARITHMETIC[type(op)](a, b)
    if isinstance(result, int) and result.bit_length() > MAX_BITS:
        raise OverflowError
    return result


COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le,
    ast.Gt: operator.gt, ast.GtE: operator.ge, ast.Is: operator.is_, ast.IsNot: operator.is_not,
    ast.In: lambda a, b: a in b, ast.NotIn: lambda a, b: a not in b,
}  # fmt: skip


MAX_ITEMS = 4_096  # of a list that operators make


class Operators(Expressions):
    """Operators; tests of the ordering are looked at in both worlds."""

    def eval_BinOp(self, expr: ast.BinOp) -> Value:
        left, right = self.eval(expr.left), self.eval(expr.right)
        if isinstance(left, Const) and isinstance(left.value, str) and isinstance(expr.op, ast.Mod):
            return self._formatted(expr, left, right)
        if isinstance(left, Seq) or isinstance(right, Seq):
            result = self._sequence_operation(expr, left, right)
            if result is not None:
                return result
        if isinstance(left, Const) and isinstance(right, Const):
            try:
                return Const(computed(expr.op, left.value, right.value))
            except ARITHMETIC_ERRORS:
                return Unknown(f"`{short(expr)}`", self.place(expr))
        both = self.sides(left, expr), self.sides(right, expr)
        if any(both):
            return self._paired(expr, (left, both[0]), (right, both[1]))
        if self.known.numbers and (*self.place(expr).key, *self.context) in self.known.numbers:
            self.size_of(left), self.size_of(right)  # what a number is made of
        a, b = dim_of(left), dim_of(right)
        if a is not None and b is not None:
            if isinstance(expr.op, ast.Mult):
                return SymInt(a.times(b))
            return SymInt(named(f"({a}{type(expr.op).__name__}{b})"))
        if isinstance(expr.op, ast.MatMult):
            return self.opaque([(left, expr.left), (right, expr.right)], expr, f"`{short(expr)}`")
        return self.elementwise([(left, expr.left), (right, expr.right)], expr)

    def _formatted(self, expr: ast.BinOp, left: Const, right: Value) -> Value:
        """``'...%s' % x``: another string, where a part of it depends on the ordering."""
        nodes = []
        for item in right.items if isinstance(right, Seq) else [right]:
            sides = self.sides(item, expr)
            nodes += [sides.node] if sides is not None else []
            self.show(item, expr.right)
        return self.formatted(nodes, expr)

    def _sequence_operation(self, expr: ast.BinOp, left: Value, right: Value) -> Value | None:
        self.step(sum(len(side.items) for side in (left, right) if isinstance(side, Seq)) // COPIES)
        if isinstance(left, Seq) and isinstance(right, Seq) and isinstance(expr.op, ast.Add):
            if len(left.items) + len(right.items) > MAX_ITEMS:
                self.leak(left, expr.left, f"`{short(expr)}` is long")
                self.leak(right, expr.right, f"`{short(expr)}` is long")
                return Unknown(f"`{short(expr)}`, which is long,", self.place(expr))
            if not left.fixed or not right.fixed:
                return Seq(left.kind, [*left.items, *right.items], fixed=False)
            if all(isinstance(i, Const | SymInt) for i in (*left.items, *right.items)):
                a, b = self.as_shape(left, expr.left), self.as_shape(right, expr.right)
                if a is not None and b is not None:
                    return self._joined([a, b], left.kind)
            return Seq(left.kind, [*left.items, *right.items])
        if isinstance(expr.op, ast.Mult):
            seq, times = (left, right) if isinstance(left, Seq) else (right, left)
            if (
                isinstance(seq, Seq)
                and isinstance(times, Const)
                and isinstance(times.value, int)
                and 0 <= times.value <= 64
                and len(seq.items) * times.value <= MAX_ITEMS
            ):
                self.step(len(seq.items) * times.value // COPIES)
                return Seq(seq.kind, seq.items * times.value)
            if isinstance(seq, Seq) and isinstance(times, SymInt):
                return Seq(seq.kind, list(seq.items), fixed=False)
        return None

    def _paired(self, expr: ast.BinOp, left: tuple[Value, Sides | None], right: tuple[Value, Sides | None]) -> Value:
        """Arithmetic on what depends on the ordering depends on it too."""
        nodes = {sides.node for _, sides in (left, right) if sides is not None}
        values: list[Value] = []
        for world in (0, 1):
            a, b = (value if sides is None else sides[world] for value, sides in (left, right))
            assert isinstance(a, Value) and isinstance(b, Value)
            made = self._sum_of_parts(expr, a, b)
            if made is not None:
                values.append(made)
        if len(values) == 2 and len(nodes) == 1:
            return self.pair(values[0], values[1], nodes.pop(), expr)
        for node in nodes:
            self.graph.pin(node, self.because(f"`{short(expr)}` depends on the ordering", expr))
        return Unknown(f"`{short(expr)}`", self.place(expr))

    @staticmethod
    def _sum_of_parts(expr: ast.BinOp, a: Value, b: Value) -> Value | None:
        """The result for one side: of two constants, or a tuple put together from two."""
        if isinstance(a, Const) and isinstance(b, Const):
            try:
                return Const(computed(expr.op, a.value, b.value))
            except ARITHMETIC_ERRORS:
                return None
        if isinstance(a, Seq) and isinstance(b, Seq) and isinstance(expr.op, ast.Add) and a.fixed and b.fixed:
            if all(isinstance(i, Const | SymInt) for i in (*a.items, *b.items)):
                return Seq(a.kind, [*a.items, *b.items])
        return None

    def eval_UnaryOp(self, expr: ast.UnaryOp) -> Value:
        value = self.eval(expr.operand)
        if isinstance(expr.op, ast.Not):
            value = self.as_test(value, expr.operand)
            if isinstance(value, OrderingTest):
                return OrderingTest(not value.truth, value.node)
            truth = self.truth(value)
            return Unknown("a condition", self.place(expr)) if truth is None else Const(not truth)
        if isinstance(value, Const) and isinstance(value.value, int | float) and not isinstance(expr.op, ast.Invert):
            number = -value.value if isinstance(expr.op, ast.USub) else value.value
            return Const(number, self.place(expr) if isinstance(expr.operand, ast.Constant) else None)
        return self.elementwise([(value, expr.operand)], expr)

    def eval_BoolOp(self, expr: ast.BoolOp) -> Value:
        values = [self.eval(v) for v in expr.values]
        is_and = isinstance(expr.op, ast.And)
        sides = [self.sides(v, e) for v, e in zip(values, expr.values, strict=True)]
        nodes = {s.node for s in sides if s is not None}
        if nodes:
            each = [[v if s is None else s[w] for v, s in zip(values, sides, strict=True)] for w in (0, 1)]
            now, after = (self._decided(world, is_and) for world in each)
            if now is not None and now is after:
                return now
            if now is not None and after is not None and len(nodes) == 1:
                return self.pair(now, after, nodes.pop(), expr)
        else:
            decided = self._decided(values, is_and)
            if decided is not None:
                return decided
        for value, e in zip(values, expr.values, strict=True):
            if not isinstance(value, OrderingTest):
                self.leak(value, e, f"`{short(expr)}`")
        for node in nodes:
            self.graph.pin(node, self.because("the ordering is one of several conditions", expr))
        return Unknown("a condition", self.place(expr))

    def _decided(self, values: list[Any], is_and: bool) -> Value | None:
        """What ``and`` or ``or`` gives, as far as the conditions are known."""
        truths = [self.truth(v) for v in values]
        for value, truth in zip(values, truths, strict=True):
            if truth is not None and truth != is_and:
                return value
        return values[-1] if all(t is not None for t in truths) else None

    def eval_Compare(self, expr: ast.Compare) -> Value:
        operands = [expr.left, *expr.comparators]
        values = [self.eval(e) for e in operands]
        if len(values) == 2:
            test = self._ordering_test(expr, values[0], values[1]) or self._ordering_test(expr, values[1], values[0])
            if test is not None:
                return test
        sides = [self.sides(v, expr) for v in values]
        if any(sides):
            return self._compared(expr, values, sides)
        if all(isinstance(v, Const) for v in values):
            try:
                pairs = zip(values, values[1:], expr.ops, strict=False)
                return Const(all(COMPARISONS[type(op)](a.value, b.value) for a, b, op in pairs))  # type: ignore[attr-defined]
            except ARITHMETIC_ERRORS:
                return Unknown("a comparison", self.place(expr))
        if any(isinstance(v, Module) for v in values):
            truth = _comparison(expr, values)
            return Unknown("a comparison of types", self.place(expr)) if truth is None else Const(truth)
        if isinstance(expr.ops[0], ast.In | ast.NotIn) and len(values) == 2:
            box = values[1]
            if (
                isinstance(values[0], Const)
                and isinstance(box, Seq)
                and box.fixed
                and all(isinstance(i, Const) for i in box.items)
            ):
                found = values[0].value in [i.value for i in box.items]  # type: ignore[attr-defined]
                return Const(found == isinstance(expr.ops[0], ast.In))
            if isinstance(values[0], Const) and isinstance(box, Dict):
                return Unknown("a membership test", self.place(expr))
        if isinstance(expr.ops[0], ast.Is | ast.IsNot) and isinstance(values[-1], Const) and values[-1].value is None:
            something = isinstance(values[0], Array | Seq | Dict | Function | Layer | Model | Instance | OrderingName)
            if something or (isinstance(values[0], SymInt) and not values[0].by_use):
                return Const(isinstance(expr.ops[0], ast.IsNot))
            return Unknown("a comparison with None", self.place(expr))
        pairs_of = [(v, e) for v, e in zip(values, operands, strict=True)]
        if any(isinstance(v, Seq | Pair) for v in values):
            for v, e in pairs_of:
                self.leak(v, e, f"`{short(expr)}`")
            return Unknown("a comparison", self.place(expr))
        if not any(isinstance(v, Array) for v in values):
            return Unknown("a comparison", self.place(expr))
        return self.elementwise(pairs_of, expr)

    def _compared(self, expr: ast.Compare, values: list[Value], sides: list[Sides | None]) -> Value:
        """A comparison of what depends on the ordering: a test of the ordering, where its sides are known."""
        nodes = {s.node for s in sides if s is not None}
        truths: list[bool] = []
        for world in (0, 1):
            each = [value if s is None else s[world] for value, s in zip(values, sides, strict=True)]
            truth = None if len(nodes) > 1 else _comparison(expr, each)
            truths += [] if truth is None else [truth]
        if len(truths) == 2 and truths[0] == truths[1]:
            return Const(truths[0])
        if len(truths) == 2:
            return OrderingTest(truths[0], nodes.pop())
        for node in nodes:
            self.graph.pin(node, self.because(f"`{short(expr)}` depends on the ordering", expr))
        return Unknown("a comparison", self.place(expr))

    def _ordering_test(self, expr: ast.Compare, value: Value, other: Value) -> Value | None:
        """A comparison of an ordering with a constant."""
        node = value.node if isinstance(value, OrderingName) else None
        name = value.name if isinstance(value, OrderingName) else None
        if isinstance(value, Const) and value.value in OTHER_NAME and value.origin is not None:
            if isinstance(other, Const) and other.origin is not None and other.origin.node in ast.walk(expr):
                if value.origin.node not in list(ast.walk(expr)):
                    node, name = self.setting_node(value), value.value
        if isinstance(value, Const) and value.origin is None and value.node is not None:
            node, name = value.node, value.value  # what the getter gives where it is channels-last
        if node is None or name is None or not isinstance(other, Const) or not isinstance(other.value, str):
            return None
        if not isinstance(expr.ops[0], ast.Eq | ast.NotEq):
            return None
        if other.value not in (name, OTHER_NAME[name]):
            self.note(
                expr,
                "KM902",
                f"`{short(expr)}` is never true: the setting is {name!r} or {OTHER_NAME[name]!r}",
            )
            return Const(isinstance(expr.ops[0], ast.NotEq))
        truth = (other.value == name) == isinstance(expr.ops[0], ast.Eq)
        return Const(truth) if name in LAST_NAMES else OrderingTest(truth, node)

    def eval_IfExp(self, expr: ast.IfExp) -> Value:
        test = self.as_test(self.eval(expr.test), expr.test)
        if isinstance(test, OrderingTest):
            holds = self.settled_test(test)
            if holds is not None:
                return self.eval(expr.body if holds else expr.orelse)
            now, after = (expr.body, expr.orelse) if test.truth else (expr.orelse, expr.body)
            value, other = self.two_ways(lambda: self.eval(now), lambda: self.eval(after), test.node, expr)
            return self.pair(value, other, test.node, expr)
        truth = self.truth(test)
        if truth is not None:
            return self.eval(expr.body if truth else expr.orelse)
        self.leak(test, expr.test, f"`{short(expr.test)}`") if not isinstance(test, Unknown) else None
        body, left = self.branch(lambda: self.eval(expr.body))
        orelse, right = self.branch(lambda: self.eval(expr.orelse))
        self.rejoin([left, right], expr)
        return self.join(body, orelse, expr)


def _comparison(expr: ast.Compare, values: list[Any]) -> bool | None:
    """The truth of a comparison of constants and of sequences of them; None where it is not known."""
    known = [_plain(v) for v in values]
    if any(k is None for k in known):
        return None
    for op, value in zip(expr.ops, values[1:], strict=True):
        if isinstance(op, ast.Is | ast.IsNot) and not (isinstance(value, Const) and value.value is None):
            return None  # whether two equal strings are one object is not for us to say
    try:
        pairs = zip(known, known[1:], expr.ops, strict=False)
        return all(COMPARISONS[type(op)](a[0], b[0]) for a, b, op in pairs)  # type: ignore[index]
    except ARITHMETIC_ERRORS:
        return None


def _plain(value: Value) -> tuple[Any] | None:
    """The Python value, in a box of one."""
    if isinstance(value, Const):
        return (value.value,)
    if isinstance(value, Module) and value.dotted.startswith("builtins."):  # a type
        return (value.dotted,)
    if isinstance(value, Seq) and value.fixed:
        known = [_plain(i) for i in value.items]
        items = [k[0] for k in known if k is not None]
        if len(items) < len(known):
            return None
        return (tuple(items) if value.kind == "tuple" else items,)
    return None
