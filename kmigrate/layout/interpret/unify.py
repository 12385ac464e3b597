"""Two branches as one: what is written alike stays, what differs becomes a choice between two expressions.

``if th: x = f(1, a) else: x = f(3, a)`` is ``x = f(1 if th else 3, a)``, with the same statements in the
same order. So branches that build layers need no rules of their own.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import TypeVar

Node = TypeVar("Node", bound=ast.AST)
Choice = Callable[[ast.expr, ast.expr], ast.expr]  # the expression that is the first now, the second after the flip

# Whose arguments belong together: a shape, or an order of axes.
TOGETHER = frozenset(("reshape", "transpose", "resize", "permute_dimensions", "permute", "swapaxes", "rollaxis"))


def merged(now: Sequence[ast.stmt], after: Sequence[ast.stmt], choice: Choice) -> list[ast.stmt] | None:
    """The statements of both blocks as one; None where they are not the same but for some expressions."""
    if len(now) != len(after):
        return None
    made = [_statement(a, b, choice) for a, b in zip(now, after, strict=True)]
    return None if any(stmt is None for stmt in made) else [stmt for stmt in made if stmt is not None]


def _statement(a: ast.stmt, b: ast.stmt, choice: Choice) -> ast.stmt | None:
    if _same(a, b):
        return a
    if type(a) is not type(b):
        return None
    if isinstance(a, ast.Expr) and isinstance(b, ast.Expr):
        return _at(a, ast.Expr(_expression(a.value, b.value, choice)))
    if isinstance(a, ast.Assign) and isinstance(b, ast.Assign) and _all_same(a.targets, b.targets):
        return _at(a, ast.Assign(a.targets, _expression(a.value, b.value, choice)))
    if isinstance(a, ast.Assign) and isinstance(b, ast.Assign) and len(a.targets) == len(b.targets) == 1:
        target = _index(a.targets[0], b.targets[0], choice)
        if target is not None:
            return _at(a, ast.Assign([target], _expression(a.value, b.value, choice)))
    if isinstance(a, ast.AugAssign) and isinstance(b, ast.AugAssign) and type(a.op) is type(b.op):
        changed = a.target if _same(a.target, b.target) else _index(a.target, b.target, choice)
        if changed is not None:
            return _at(a, ast.AugAssign(changed, a.op, _expression(a.value, b.value, choice)))
    if isinstance(a, ast.Return) and isinstance(b, ast.Return) and a.value is not None and b.value is not None:
        return _at(a, ast.Return(_expression(a.value, b.value, choice)))
    if isinstance(a, ast.If) and isinstance(b, ast.If):
        body, orelse = merged(a.body, b.body, choice), merged(a.orelse, b.orelse, choice)
        if body is not None and orelse is not None:
            return _at(a, ast.If(_expression(a.test, b.test, choice), body, orelse))
    if isinstance(a, ast.For) and isinstance(b, ast.For) and _same(a.target, b.target):
        body, orelse = merged(a.body, b.body, choice), merged(a.orelse, b.orelse, choice)
        if body is not None and orelse is not None:
            return _at(a, ast.For(a.target, _expression(a.iter, b.iter, choice), body, orelse))
    return None


def _expression(a: ast.expr, b: ast.expr, choice: Choice) -> ast.expr:
    if _same(a, b):
        return a
    turned = _turned(a, b, choice)
    if turned is not None:
        return turned
    if isinstance(a, ast.ListComp | ast.GeneratorExp) and type(a) is type(b):
        made = _comprehension(a, b, choice)
        if made is not None:
            return made
    if isinstance(a, ast.Call) and isinstance(b, ast.Call):
        call = _call(a, b, choice)
        if call is not None:
            return call
    if isinstance(a, ast.List | ast.Tuple) and type(a) is type(b) and len(a.elts) == len(b.elts):
        if any(isinstance(part, ast.Call) for part in a.elts):  # of layers or tensors, not of sizes
            parts = [_expression(x, y, choice) for x, y in zip(a.elts, b.elts, strict=True)]
            return _at(a, type(a)(parts, a.ctx))
    if isinstance(a, ast.BinOp) and isinstance(b, ast.BinOp) and type(a.op) is type(b.op):
        if _same(a.left, b.left) or _same(a.right, b.right):
            left, right = _expression(a.left, b.left, choice), _expression(a.right, b.right, choice)
            return _at(a, ast.BinOp(left, a.op, right))
    if (
        isinstance(a, ast.Compare)
        and isinstance(b, ast.Compare)
        and _all_same([*a.ops, *a.comparators], [*b.ops, *b.comparators])
    ):
        return _at(a, ast.Compare(_expression(a.left, b.left, choice), a.ops, a.comparators))
    index = _index(a, b, choice)
    if index is not None:
        return index
    if isinstance(a, ast.Attribute) and isinstance(b, ast.Attribute) and a.attr == b.attr:
        return _at(a, ast.Attribute(_expression(a.value, b.value, choice), a.attr, a.ctx))
    return _at(a, choice(a, b))


def _turned(a: ast.expr, b: ast.expr, choice: Choice) -> ast.expr | None:
    """``f(x).transpose(2, 0, 1)`` and ``f(x)``: both transpose, one of them to the order that is there."""
    mine, other = _transpose(a), _transpose(b)
    if (mine is None) == (other is None):
        return None
    call, inner, order = mine or other  # type: ignore[misc]
    rest = _expression(inner, b, choice) if mine is not None else _expression(a, inner, choice)
    same = _at(call, ast.Tuple([_at(call, ast.Constant(i)) for i in range(len(order))], ast.Load()))
    perm = _at(call, ast.Tuple([_at(call, ast.Constant(i)) for i in order], ast.Load()))
    chosen = _at(call, choice(perm, same) if mine is not None else choice(same, perm))
    if isinstance(call.func, ast.Attribute) and call.func.value is inner:
        func = _at(call.func, ast.Attribute(rest, call.func.attr, ast.Load()))
        return _at(call, ast.Call(func, [chosen], []))
    return _at(call, ast.Call(call.func, [rest, chosen], []))


def _transpose(expr: ast.expr) -> tuple[ast.Call, ast.expr, list[int]] | None:
    """A call that transposes with a written order of three axes or more: what it transposes, and the order."""
    if not isinstance(expr, ast.Call) or expr.keywords or not isinstance(expr.func, ast.Attribute):
        return None
    for inner, rest in ((expr.func.value, expr.args), (expr.args[0] if expr.args else None, expr.args[1:])):
        parts = rest[0].elts if len(rest) == 1 and isinstance(rest[0], ast.Tuple | ast.List) else rest
        order = [part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, int)]
        named = expr.func.attr == "transpose" or (
            expr.func.attr == "permute_dimensions" and inner is not expr.func.value
        )
        if inner is not None and named and len(order) > 2 and sorted(order) == list(range(len(parts))):
            return expr, inner, order
    return None


def _comprehension(a: ast.expr, b: ast.expr, choice: Choice) -> ast.expr | None:
    """Two comprehensions over the same, with the same names."""
    assert isinstance(a, ast.ListComp | ast.GeneratorExp) and isinstance(b, ast.ListComp | ast.GeneratorExp)
    if not _all_same(a.generators, b.generators):
        return None
    return _at(a, type(a)(_expression(a.elt, b.elt, choice), a.generators))


def _index(a: ast.expr, b: ast.expr, choice: Choice) -> ast.Subscript | None:
    """``x[:, 0]`` and ``x[..., 0]``: one index in two layouts. The node is the first, and carries the second."""
    if not isinstance(a, ast.Subscript) or not isinstance(b, ast.Subscript) or not _same(a.value, b.value):
        return None
    made = _at(a, ast.Subscript(a.value, a.slice, a.ctx))
    made.other = _at(a, choice(a, b))  # type: ignore[attr-defined]
    return made


def _call(a: ast.Call, b: ast.Call, choice: Choice) -> ast.Call | None:
    """One call with a choice for each argument that differs; None where the calls are not of one form."""
    alike = len(a.args) == len(b.args) and [k.arg for k in a.keywords] == [k.arg for k in b.keywords]
    if not alike or any(isinstance(arg, ast.Starred) for arg in (*a.args, *b.args)):
        return None
    name = a.func.attr if isinstance(a.func, ast.Attribute) else a.func.id if isinstance(a.func, ast.Name) else ""
    if name in TOGETHER and not _all_same(a.args, b.args):
        image = a.args[:1] and _turned(a.args[0], b.args[0], choice)  # resize(image, size)
        if not image or not _all_same(a.args[1:], b.args[1:]):
            return None
    if _same(a.func, b.func):
        func: ast.expr = a.func
    elif isinstance(a.func, ast.Call | ast.Attribute) and type(a.func) is type(b.func):
        func = _expression(a.func, b.func, choice)
        if isinstance(func, ast.IfExp):
            return None
    else:
        return None
    args = [_expression(x, y, choice) for x, y in zip(a.args, b.args, strict=True)]
    keywords = [
        k if _same(k.value, other.value) else _at(k, ast.keyword(k.arg, _expression(k.value, other.value, choice)))
        for k, other in zip(a.keywords, b.keywords, strict=True)
    ]
    return _at(a, ast.Call(func, args, keywords))


def _at(old: ast.AST, new: Node) -> Node:
    """The new node where the old one stands."""
    ast.copy_location(new, old)
    if hasattr(old, "file"):
        new.file = old.file  # type: ignore[attr-defined]
    return new


def _same(a: ast.AST, b: ast.AST) -> bool:
    return ast.dump(a) == ast.dump(b)


def _all_same(a: Sequence[ast.AST], b: Sequence[ast.AST]) -> bool:
    return len(a) == len(b) and all(_same(x, y) for x, y in zip(a, b, strict=True))
