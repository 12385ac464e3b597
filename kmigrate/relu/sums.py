"""Recognise ``relu(x) - a * relu(-x)`` with its operands in any order."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass

from kmigrate.relu.terms import QUIET, Path


@dataclass(frozen=True)
class Leaky:
    """``relu(x) - slope * relu(-x)``; paths lead from the whole expression to its parts."""

    call: Path  # to relu(x)
    relu: ast.expr  # the function in that call
    slope: ast.expr
    slope_path: Path | None  # None: ``slope`` does not stand in the source as it is, for relu(-x) is divided


@dataclass(frozen=True)
class _Term:
    sign: int
    path: Path
    node: ast.expr


@dataclass(frozen=True)
class _Scaled:
    """A product of one relu call and at most one factor."""

    sign: int
    call: ast.Call
    path: Path
    factor: ast.expr | None
    factor_path: Path | None


def recognise(node: ast.BinOp, is_relu: Callable[[ast.expr], bool]) -> Leaky | None:
    """The parts of ``node`` if it is a leaky relu written out, else None. Looks at no slope's value."""
    if not isinstance(node.op, (ast.Add, ast.Sub)):
        return None
    terms = [
        *_terms(node.left, 1, ("left",)),
        *_terms(node.right, 1 if isinstance(node.op, ast.Add) else -1, ("right",)),
    ]
    scaled = [s for term in terms if (s := _scaled(term, is_relu)) is not None]
    if len(terms) != 2 or len(scaled) != 2:
        return None
    for first, second in (scaled, reversed(scaled)):
        if first.factor is None and first.sign == 1 and second.factor is not None:
            return _leaky(first, second)
    return None


def _leaky(plain: _Scaled, scaled: _Scaled) -> Leaky | None:
    x, minus_x = plain.call.args[0], scaled.call.args[0]
    same_function = ast.dump(plain.call.func) == ast.dump(scaled.call.func)
    if not same_function or not _opposite(x, minus_x) or not is_quiet(x):
        return None
    if scaled.sign == 1 or scaled.factor is None:  # relu(x) + a * relu(-x)
        return None
    return Leaky(plain.path, plain.call.func, scaled.factor, scaled.factor_path)


def _terms(node: ast.expr, sign: int, path: Path) -> list[_Term]:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return _terms(node.operand, -sign, (*path, "operand"))
    return [_Term(sign, path, node)]


def _scaled(term: _Term, is_relu: Callable[[ast.expr], bool]) -> _Scaled | None:
    node, path = term.node, term.path
    if _is_call(node, is_relu):
        assert isinstance(node, ast.Call)
        return _Scaled(term.sign, node, path, None, None)
    if not isinstance(node, ast.BinOp):
        return None
    if isinstance(node.op, ast.Mult):
        sides = ((node.left, "left", node.right, "right"), (node.right, "right", node.left, "left"))
        for factor, factor_side, call, call_side in sides:
            inner = _terms(call, term.sign, (*path, call_side))[0]
            if not _is_call(inner.node, is_relu) or not isinstance(inner.node, ast.Call):
                continue
            factor_path = (*path, factor_side)
            if inner.sign == 1 and isinstance(factor, ast.UnaryOp) and isinstance(factor.op, ast.USub):
                return _Scaled(-1, inner.node, inner.path, factor.operand, (*factor_path, "operand"))
            return _Scaled(inner.sign, inner.node, inner.path, factor, factor_path)
    if isinstance(node.op, ast.Div) and _is_call(node.left, is_relu):
        assert isinstance(node.left, ast.Call)
        inverse = ast.BinOp(ast.Constant(1.0), ast.Div(), node.right)
        return _Scaled(term.sign, node.left, (*path, "left"), inverse, None)
    return None


def _is_call(node: ast.expr, is_relu: Callable[[ast.expr], bool]) -> bool:
    return (
        isinstance(node, ast.Call)
        and len(node.args) == 1
        and not node.keywords
        and not isinstance(node.args[0], ast.Starred)
        and is_relu(node.func)
    )


def _opposite(x: ast.expr, other: ast.expr) -> bool:
    """Is ``other`` written as ``-x``, or ``x`` as ``-other``?"""
    for inner, outer in ((x, other), (other, x)):
        if isinstance(outer, ast.UnaryOp) and isinstance(outer.op, ast.USub):
            if ast.dump(outer.operand) == ast.dump(inner):
                return True
        if isinstance(outer, ast.BinOp) and isinstance(outer.op, ast.Mult):
            for factor, rest in ((outer.left, outer.right), (outer.right, outer.left)):
                if ast.unparse(factor) in ("-1", "-1.0") and ast.dump(rest) == ast.dump(inner):
                    return True
    return False


def is_quiet(node: ast.expr) -> bool:
    """May it be evaluated once instead of twice, or twice instead of once?"""
    return all(isinstance(n, QUIET) for n in ast.walk(node))
