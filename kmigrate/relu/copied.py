"""Recognise functions that were copied from `relu` of an old Keras backend, by what they compute."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

#: Functions that give back their first argument as a tensor: what they are called, without module.
_CASTS = frozenset({"constant", "cast", "convert_to_tensor", "_to_tensor", "to_tensor"})
_CLIPS = frozenset({"clip_by_value", "clip"})

Value = tuple[Any, ...]

_X, _ALPHA, _MAX, _ZERO = ("x",), ("alpha",), ("max",), ("number", 0.0)
_PLAIN: Value = ("relu", _X)
_NEGATIVE: Value = ("relu", ("neg", _X))
_CLIPPED: Value = ("clip", _PLAIN, _MAX)
#: Is alpha other than zero, and is a maximum given?
_CASES = ((True, True), (True, False), (False, True), (False, False))


@dataclass(frozen=True)
class Copy:
    """A function that computes ``relu(x) - slope * relu(-x)``, with ``relu(x)`` clipped or not."""

    x: str
    slope: str | float  # a parameter, or the number
    maximum: str | None  # None: nothing is clipped
    relu: ast.expr  # the relu that it calls, as an expression
    clip: ast.expr | None


class _Unlike(Exception):
    """The function does something else."""


def recognise(function: ast.FunctionDef, is_relu: Callable[[ast.expr], bool], *, method: bool = False) -> Copy | None:
    """What ``function`` copies, or None.

    Args:
        function: the function.
        is_relu: tells whether an expression names a plain relu.
        method: the first parameter is the object.
    """
    names = _parameters(function, method)
    if names is None:
        return None
    x, alpha, maximum = names
    symbols = {n: v for n, v in zip(names, (_X, _ALPHA, _MAX)) if n is not None}
    runs = [_Run(dict(symbols), is_relu, sloped, bounded) for sloped, bounded in _CASES]
    try:
        results = [run.block(function.body) for run in runs]
    except _Unlike:
        return None
    run = runs[0]
    for clipped, first in ((None, _PLAIN), (maximum, _CLIPPED)):
        slope = _slope(results[0], first)
        if not all(_agrees(result, one, first, slope) for one, result in zip(runs, results, strict=True)):
            continue
        if slope == _ALPHA and alpha is not None:
            return Copy(x, alpha, clipped, run.relus[0], run.clips[0] if clipped else None)
        if slope is not None and slope[0] == "number":
            return Copy(x, slope[1], clipped, run.relus[0], run.clips[0] if clipped else None)
    return None


def _agrees(result: Value | None, run: _Run, first: Value, slope: Value | None) -> bool:
    """Is it the same formula where alpha is zero or no maximum is given?"""
    first = first if run.bounded else _PLAIN
    return _slope(result, first) == slope or (not run.sloped and slope == _ALPHA and result == first)


def _is_whole(dtype: ast.expr) -> bool:
    """Does a cast to this type change a number?"""
    return any(word in ast.unparse(dtype) for word in ("int", "bool"))


def _slope(result: Value | None, first: Value) -> Value | None:
    """The slope in ``first - slope * relu(-x)``."""
    if result is None or result[:2] != ("sub", first) or result[2][0] != "mul":
        return None
    _, left, right = result[2]
    if _NEGATIVE not in (left, right):
        return None
    return right if left == _NEGATIVE else left


def _parameters(function: ast.FunctionDef, method: bool) -> tuple[str, str | None, str | None] | None:
    """The names for x, alpha and max_value=None, of which the last ones may be missing."""
    args = function.args
    if args.posonlyargs or args.kwonlyargs or args.vararg or args.kwarg or function.decorator_list:
        return None
    names = [a.arg for a in args.args[method:]]
    if not 1 <= len(names) <= 3:
        return None
    last = args.defaults[-1] if args.defaults else None
    if len(names) == 3 and not (isinstance(last, ast.Constant) and last.value is None):
        return None
    x, alpha, maximum = [*names, None, None][:3]
    return (x, alpha, maximum) if x is not None else None


@dataclass
class _Run:
    """Runs a function's statements on symbols, where alpha is zero or not and the maximum is None or not."""

    env: dict[str, Value]
    is_relu: Callable[[ast.expr], bool]
    sloped: bool
    bounded: bool
    relus: list[ast.expr] = field(default_factory=list)
    clips: list[ast.expr] = field(default_factory=list)

    def block(self, body: list[ast.stmt]) -> Value | None:
        for statement in body:
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
                continue  # the docstring
            if isinstance(statement, ast.Return) and statement.value is not None:
                return self.value(statement.value)
            self.statement(statement)
        return None

    def statement(self, node: ast.stmt) -> None:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            self.env[node.targets[0].id] = self.value(node.value)
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            change = ast.BinOp(ast.Name(node.target.id, ast.Load()), node.op, node.value)
            self.env[node.target.id] = self.value(change)
        elif isinstance(node, ast.If) and not node.orelse:
            for inner in node.body if self.holds(node.test) else ():
                self.statement(inner)
        else:
            raise _Unlike

    def holds(self, test: ast.expr) -> bool:
        """What one of the tests that guard the parts of the formula gives; raises `_Unlike` for others."""
        if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or):
            held = [self.holds(t) for t in test.values]  # all of them must be understood
            return any(held)
        if isinstance(test, ast.Call) and test.args:  # isinstance(alpha, ...), np.isscalar(alpha): changes no value
            name = getattr(test.func, "attr", getattr(test.func, "id", ""))
            if name in ("isinstance", "isscalar") and self.value(test.args[0]) == _ALPHA:
                return True
        if isinstance(test, ast.Compare) and len(test.ops) == 1:
            left, right, operator = test.left, test.comparators[0], test.ops[0]
            if isinstance(operator, ast.IsNot) and isinstance(right, ast.Constant) and right.value is None:
                if self.value(left) == _MAX:
                    return self.bounded
            elif isinstance(operator, ast.NotEq) and self.value(left) == _ALPHA and self.value(right) == _ZERO:
                return self.sloped
        raise _Unlike

    def value(self, node: ast.expr) -> Value:
        handler = _VALUES.get(type(node))
        if handler is None:
            raise _Unlike
        return handler(self, node)

    def name(self, node: ast.Name) -> Value:
        if node.id not in self.env:
            raise _Unlike
        return self.env[node.id]

    def constant(self, node: ast.Constant) -> Value:
        if isinstance(node.value, bool) or not isinstance(node.value, (int, float)):
            raise _Unlike
        return ("number", float(node.value))

    def negative(self, node: ast.UnaryOp) -> Value:
        if not isinstance(node.op, ast.USub):
            raise _Unlike
        return ("neg", self.value(node.operand))

    def operation(self, node: ast.BinOp) -> Value:
        names = {ast.Sub: "sub", ast.Mult: "mul"}
        if type(node.op) not in names:
            raise _Unlike
        return (names[type(node.op)], self.value(node.left), self.value(node.right))

    def call(self, node: ast.Call) -> Value:
        if any(isinstance(a, ast.Starred) for a in node.args) or not node.args:
            raise _Unlike
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if self.is_relu(node.func):
            if len(node.args) > 1 or node.keywords:
                raise _Unlike
            self.relus.append(node.func)
            return ("relu", self.value(node.args[0]))
        if name in _CASTS and not any(_is_whole(a) for a in (*node.args[1:], *(k.value for k in node.keywords))):
            return self.value(node.args[0])
        if name in _CLIPS and len(node.args) == 3 and not node.keywords:
            value, low, high = map(self.value, node.args)
            if low != _ZERO:
                raise _Unlike
            self.clips.append(node.func)
            return ("clip", value, high)
        raise _Unlike

    def attribute(self, node: ast.Attribute) -> Value:
        return ("opaque",)  # a dtype, say: no part of the formula


_VALUES: Mapping[type[ast.expr], Callable[[_Run, Any], Value]] = {
    ast.Name: _Run.name,
    ast.Attribute: _Run.attribute,
    ast.Constant: _Run.constant,
    ast.UnaryOp: _Run.negative,
    ast.BinOp: _Run.operation,
    ast.Call: _Run.call,
}
