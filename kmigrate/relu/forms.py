"""Recognise relus that are written with sums, maxima, absolute values, conditions and clips.

How exact each form is, against what it becomes, is measured in tests/relu/test_exactness.py.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

from kmigrate.relu.library import PYTHON, Function
from kmigrate.relu.terms import Term


class Exactness(Enum):
    """How a form differs from what it becomes."""

    EQUAL = "equal"  # but perhaps for infinities and nan
    AT_ZERO = "in the gradient at 0"
    AT_CLIP = "in the gradient at the clip point"
    ROUNDING = "by rounding"


@dataclass(frozen=True)
class Form:
    """A relu. What of ``slope``, ``maximum`` is None is not there.

    ``clipped`` is the plain relu call that ``maximum`` bounds, where it can stay as it is; ``integer``: the
    zero is written as an integer.
    """

    x: Term
    exactness: Exactness
    function: Function
    written: ast.expr  # how that function is called
    slope: Term | float | None = None
    maximum: Term | None = None
    clipped: Term | None = None
    integer: bool = False
    label: Term | None = None


IsScalar = Callable[[ast.expr], bool]
_CHECKED = (0.1, 0.37, 0.9)  # slopes at which two formulas are compared
_CLOSE = 1e-12


def recognise(term: Term, is_scalar: IsScalar) -> Form | None:
    """The relu that ``term`` is, or None. Looks at no slope's value, except that of numbers.

    ``is_scalar`` tells whether an expression always is a number, which need not always be the same.
    """
    reader = _Recogniser(is_scalar)
    handler = {
        "max": reader.maximum,
        "min": reader.bounded,
        "clip": reader.bounded,
        "where": reader.where,
    }.get(term.kind, reader.linear)
    return handler(term)


def written(term: Term) -> ast.expr:
    """``term`` as an expression in which the temporaries are written out."""
    if term.kind == "neg":
        return ast.UnaryOp(ast.USub(), written(term.parts[0]))
    if term.kind in _BINARY:
        return ast.BinOp(written(term.parts[0]), _BINARY[term.kind](), written(term.parts[1]))
    assert term.node is not None
    return term.node


def within(term: Term) -> Iterator[Term]:
    """``term`` and all its parts."""
    yield term
    for part in term.parts:
        yield from within(part)


_BINARY: dict[str, Callable[[], ast.operator]] = {"add": ast.Add, "sub": ast.Sub, "mul": ast.Mult, "div": ast.Div}
_ZERO = Term("number", (), "0.0")


@dataclass(frozen=True)
class _Part:
    """One summand: ``basis`` ('x', 'abs', 'pos', 'neg', 'bounded') times ``factors``, of which some divide."""

    basis: str
    sign: int = 1
    factors: tuple[tuple[Term, bool], ...] = ()
    maximum: Term | None = None


class _Recogniser:
    def __init__(self, is_scalar: IsScalar) -> None:
        self.is_scalar = is_scalar

    # maxima

    def maximum(self, term: Term) -> Form | None:
        """``maximum(x, 0)`` and ``maximum(a * x, x)``."""
        for x, other in (term.parts, term.parts[::-1]):
            if other.kind == "number" and other.number == 0 and x.kind != "number":
                return self.form(term, x, Exactness.AT_ZERO, integer=_is_integer(other))
            scaled = self.scaled(other, x)
            if scaled is not None and _is_quiet(x):
                slope, exact = scaled
                return self.form(term, x, Exactness.AT_ZERO if exact else Exactness.ROUNDING, slope)
        return None

    def bounded(self, term: Term) -> Form | None:
        """``minimum(relu(x), m)``, ``clip(relu(x), 0, m)`` and ``clip(x, 0, 6)``."""
        split = self.clipped(term)
        if split is None:
            return None
        inner, maximum = split
        if inner.kind == "relu" or self.is_maximum_with_zero(inner):
            x = inner.parts[0] if inner.parts[0].kind != "number" else inner.parts[1]
            return self.form(term, x, Exactness.AT_CLIP, maximum=maximum, clipped=inner)
        if term.kind == "clip" and maximum.number == 6 and inner.kind != "number":
            return self.form(term, inner, Exactness.AT_CLIP, maximum=maximum)
        return None

    def clipped(self, term: Term) -> tuple[Term, Term] | None:
        """What a clip from 0 or a minimum bounds, and with which positive number."""
        if term.kind == "clip":
            inner, low, high = term.parts
            if low != _ZERO:
                return None
            options = [(inner, high)]
        elif term.kind == "min":
            options = [(term.parts[0], term.parts[1]), (term.parts[1], term.parts[0])]
        else:
            return None
        return next(((i, m) for i, m in options if m.kind == "number" and m.number > 0), None)

    def is_maximum_with_zero(self, term: Term) -> bool:
        return term.kind == "max" and _ZERO in term.parts

    # conditions

    def where(self, term: Term) -> Form | None:
        """``where(x > 0, x, a * x)``, with the test either way round; ``where(x > 0, x, 0)``."""
        test, yes, no = term.parts
        if test.kind not in _MIRRORED:
            return None
        kind, (left, right) = test.kind, test.parts
        if left == _ZERO:
            kind, left, right = _MIRRORED[kind], right, left
        if right != _ZERO or not _is_quiet(left):
            return None
        if kind in ("less", "less_equal"):  # else: not less, so at least
            kind, yes, no = ("greater_equal" if kind == "less" else "greater"), no, yes
        x = left
        if yes != x:
            return None
        exactness = Exactness.EQUAL if kind == "greater" else Exactness.AT_ZERO
        if no == _ZERO or (no.kind == "zeros" and no.parts[0] == x):
            return self.form(term, x, exactness)
        scaled = self.scaled(no, x)
        if scaled is None:
            return None
        return self.form(term, x, exactness if scaled[1] else Exactness.ROUNDING, scaled[0])

    # sums

    def linear(self, term: Term) -> Form | None:
        """``relu(x) - a * relu(-x)`` and ``.5 * (1 + a) * x + .5 * (1 - a) * abs(x)`` in whatever order."""
        if term.kind not in ("add", "sub", "mul", "div"):
            return None
        for inner in within(term):
            if inner.kind not in ("relu", "abs"):
                continue
            argument = inner.parts[0]
            base = _negated(argument) or argument
            for x in (argument, base):
                parts = self.parts(term, x) if _is_quiet(x) else None
                form = parts and (self.halves(term, x, parts) or self.absolute(term, x, parts))
                if form:
                    return form
        return None

    def halves(self, term: Term, x: Term, parts: list[_Part]) -> Form | None:
        """``relu(x) - a * relu(-x)``, the first half bounded or not."""
        if len(parts) != 2:
            return None
        first, second = sorted(parts, key=lambda p: p.basis == "neg")
        if second.basis != "neg" or first.basis not in ("pos", "bounded") or first.sign != 1 or first.factors:
            return None
        if second.sign == 1:
            if len(second.factors) != 1 or second.factors[0][1]:
                return None
            minus = _negated(second.factors[0][0])
            if minus is None:
                return None
            return self.form(term, x, Exactness.AT_ZERO, minus, first.maximum)
        if len(second.factors) != 1:
            return None
        factor, divides = second.factors[0]
        if not divides:
            return self.form(term, x, Exactness.AT_ZERO, factor, first.maximum)
        if factor.kind != "number" or not factor.number:
            return None
        exact = Exactness.AT_ZERO if _is_power_of_two(factor.number) else Exactness.ROUNDING
        return self.form(term, x, exact, _inverse(factor), first.maximum)

    def absolute(self, term: Term, x: Term, parts: list[_Part]) -> Form | None:
        """``f1 * x + f2 * abs(x)`` where f1 is (1 + a) / 2 and f2 is (1 - a) / 2."""
        if {p.basis for p in parts} != {"x", "abs"}:
            return None
        inner = [t for p in parts for factor, _ in p.factors for t in within(factor)]
        symbols = {t for t in inner if t.kind == "opaque"}
        if len(symbols) > 1:
            return None
        symbol = next(iter(symbols), None)
        try:
            if symbol is None:
                of_x, of_abs = _coefficients(parts, 0.0)
                slope = round(of_x - of_abs, 12)
                if abs(of_x + of_abs - 1) > _CLOSE:
                    return None
                named = (t for t in inner if isinstance(t.node, ast.Name) and abs(t.number - slope) < _CLOSE)
                exactness = Exactness.ROUNDING if slope else Exactness.AT_ZERO
                return self.form(term, x, exactness, next(named, slope) or None)
            for a in _CHECKED:
                of_x, of_abs = _coefficients(parts, a)
                if abs(of_x - (1 + a) / 2) > _CLOSE or abs(of_abs - (1 - a) / 2) > _CLOSE:
                    return None
        except ZeroDivisionError:
            return None
        return self.form(term, x, Exactness.ROUNDING, symbol)

    def parts(self, term: Term, x: Term) -> list[_Part] | None:
        """The summands of ``term`` as a formula in ``x``; None if it is none."""
        basis = self.basis(term, x)
        if basis is not None:
            return [basis]
        if self.scalar(term):
            return None
        if term.kind == "neg":
            inner = self.parts(term.parts[0], x)
            return inner and [_Part(p.basis, -p.sign, p.factors, p.maximum) for p in inner]
        if term.kind in ("add", "sub"):
            left, right = (self.parts(part, x) for part in term.parts)
            sign = -1 if term.kind == "sub" else 1
            if left is None or right is None:
                return None
            return [*left, *(_Part(p.basis, sign * p.sign, p.factors, p.maximum) for p in right)]
        if term.kind in ("mul", "div"):
            first, second = term.parts
            if term.kind == "mul" and self.scalar(first):
                first, second = second, first
            inner = self.parts(first, x) if self.scalar(second) else None
            if inner is None:
                return None
            factor = (second, term.kind == "div")
            return [_Part(p.basis, p.sign, (*p.factors, factor), p.maximum) for p in inner]
        return None

    def basis(self, term: Term, x: Term) -> _Part | None:
        if term == x:
            return _Part("x")
        if term.kind == "abs" and term.parts[0] in (x, _negated(x)):
            return _Part("abs")
        if term.kind == "relu":
            if term.parts[0] == x:
                return _Part("pos")
            return _Part("neg") if _opposite(term.parts[0], x) else None
        bounded = self.clipped(term)
        if bounded is not None and bounded[0].kind == "relu" and bounded[0].parts[0] == x:
            return _Part("bounded", maximum=bounded[1])
        return None

    # help

    def scaled(self, term: Term, x: Term) -> tuple[Term | float, bool] | None:
        """``a`` where ``term`` is ``a * x`` or ``x / c``, and whether that rounds as a product does."""
        if term.kind == "mul":
            for factor, rest in (term.parts, term.parts[::-1]):
                if rest == x and self.scalar(factor):
                    return factor, True
        if term.kind == "div" and term.parts[0] == x and term.parts[1].kind == "number" and term.parts[1].number:
            return _inverse(term.parts[1]), _is_power_of_two(term.parts[1].number)
        return None

    def scalar(self, term: Term) -> bool:
        if term.kind == "number":
            return True
        if term.kind == "opaque":
            return term.node is not None and self.is_scalar(term.node)
        return term.kind in ("neg", *_BINARY) and all(map(self.scalar, term.parts))

    def form(
        self,
        term: Term,
        x: Term,
        exactness: Exactness,
        slope: Term | float | None = None,
        maximum: Term | None = None,
        clipped: Term | None = None,
        integer: bool = False,
    ) -> Form | None:
        """None if the functions in ``term`` are not all of one library."""
        own = [t for t in within(term) if t.known is not None and not any(t == inner for inner in within(x))]
        others = [t for t in own if t.known is not None and t.known.library is not PYTHON]
        if len({t.known.root for t in others if t.known is not None}) > 1:
            return None
        first = next(iter(others or own))
        assert first.known is not None and first.function is not None
        label = term if term.label is not None else None
        if any(t.label is not None for t in own if t is not term):
            return None  # a name for an inner operation would be lost
        return Form(x, exactness, first.known, first.function, slope, maximum, clipped, integer, label)


_MIRRORED = {"greater": "less", "less": "greater", "greater_equal": "less_equal", "less_equal": "greater_equal"}


def _is_quiet(term: Term) -> bool:
    return all(t.kind != "loud" and t.known is None for t in within(term))


def _negated(term: Term) -> Term | None:
    """``u`` where ``term`` is ``-u``."""
    if term.kind == "neg":
        return term.parts[0]
    if term.kind == "number":
        value = -term.number
        return Term("number", (), repr(value), value, ast.Constant(value)) if value >= 0 else None
    if term.kind == "mul":
        for factor, rest in (term.parts, term.parts[::-1]):
            if factor.kind == "number" and factor.number == -1:
                return rest
    return None


def _opposite(term: Term, x: Term) -> bool:
    return _negated(term) == x or _negated(x) == term


def _inverse(term: Term) -> Term:
    one = Term("number", (), "1.0", 1.0, ast.Constant(1.0))
    return Term("div", (one, term))


def _is_power_of_two(number: float) -> bool:
    """Then dividing by it is exact."""
    return abs(math.frexp(number)[0]) == 0.5


def _is_integer(term: Term) -> bool:
    return not (isinstance(term.node, ast.Constant) and isinstance(term.node.value, float))


def _value(term: Term, slope: float) -> float:
    if term.kind == "number":
        return term.number
    if term.kind == "opaque":
        return slope
    values = [_value(part, slope) for part in term.parts]
    if term.kind == "neg":
        return -values[0]
    left, right = values
    if term.kind == "div":
        return left / right
    return {"add": left + right, "sub": left - right, "mul": left * right}[term.kind]


def _coefficients(parts: list[_Part], slope: float) -> tuple[float, float]:
    """Those of x and of abs(x), for one slope."""
    sums = {"x": 0.0, "abs": 0.0}
    for part in parts:
        sums[part.basis] += part.sign * _product(part, slope)
    return sums["x"], sums["abs"]


def _product(part: _Part, slope: float) -> float:
    value = 1.0
    for factor, divides in part.factors:
        value = value / _value(factor, slope) if divides else value * _value(factor, slope)
    return value
