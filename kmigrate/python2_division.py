"""Which divisions of a Python 2 file are of whole numbers (`codemods/integer_division.py`)."""

from __future__ import annotations

import ast
from collections.abc import Iterator

# Calls all of whose arguments are whole numbers, by the last part of their name.
_COUNTING = frozenset(("range", "xrange", "zeros", "ones", "empty", "randint", "reshape", "resize"))
_WHOLE_CALLS = frozenset(("len", "int", "ord", "long"))
_KEEPS_WHOLE = (ast.Add, ast.Sub, ast.Mult, ast.FloorDiv, ast.Mod)


class Divisions:
    """The divisions of one file: ``floor`` are of whole numbers, ``unclear`` may be."""

    def __init__(self, tree: ast.Module) -> None:
        self.floor: list[ast.BinOp | ast.AugAssign] = []
        self.unclear: list[ast.BinOp] = []
        self._values = _assigned(tree)
        self._counted = set(_in_counting_places(tree))
        for node in ast.walk(tree):
            if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Div):
                if self._whole(node.target) and self._whole(node.value):
                    self.floor.append(node)
            elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
                if node in self._counted or (self._whole(node.left) and self._whole(node.right)):
                    self.floor.append(node)
                elif self._whole(node.right) and not self._fraction(node.left):
                    self.unclear.append(node)

    def _whole(self, node: ast.expr, depth: int = 6) -> bool:
        """Is the value a whole number, for sure?"""
        if depth == 0:
            return False
        if isinstance(node, ast.Constant):
            return type(node.value) is int
        if isinstance(node, ast.UnaryOp):
            return self._whole(node.operand, depth - 1)
        if isinstance(node, ast.BinOp):
            both = self._whole(node.left, depth - 1) and self._whole(node.right, depth - 1)
            return both and isinstance(node.op, (*_KEEPS_WHOLE, ast.Div))
        if isinstance(node, ast.Call):
            return isinstance(node.func, ast.Name) and node.func.id in _WHOLE_CALLS
        if isinstance(node, ast.Subscript):
            return isinstance(node.value, ast.Attribute) and node.value.attr == "shape"
        if isinstance(node, ast.Name):
            values = self._values.get(node.id)
            return bool(values) and all(value is not None and self._whole(value, depth - 1) for value in values or ())
        return False

    def _fraction(self, node: ast.expr) -> bool:
        """Is it a float, or an array of floats, by its own text?"""
        return any(
            (isinstance(part, ast.Constant) and isinstance(part.value, float))
            or (isinstance(part, ast.Name) and part.id == "float")
            or (isinstance(part, ast.Attribute) and part.attr in ("astype", "mean", "std", "sqrt", "exp", "float32"))
            for part in ast.walk(node)
        )


def _assigned(tree: ast.Module) -> dict[str, list[ast.expr | None]]:
    """All that each name is bound to, wherever; None for what is not an expression."""
    found: dict[str, list[ast.expr | None]] = {}

    def bind(target: ast.expr, value: ast.expr | None) -> None:
        if isinstance(target, ast.Name):
            found.setdefault(target.id, []).append(value)
        elif isinstance(target, (ast.Tuple, ast.List)):
            same = isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(target.elts)
            parts: list[ast.expr | None] = [*value.elts] if same else [None] * len(target.elts)  # type: ignore[union-attr]
            for one, part in zip(target.elts, parts, strict=True):
                bind(one, part)

    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                bind(target, node.value)
        elif isinstance(node, ast.AugAssign):
            bind(node.target, node.value if isinstance(node.op, (*_KEEPS_WHOLE, ast.Div)) else None)
        elif isinstance(node, (ast.For, ast.comprehension)):
            counted = isinstance(node.iter, ast.Call) and ast.unparse(node.iter.func) in ("range", "xrange")
            bind(node.target, ast.Constant(0) if counted else None)
        elif isinstance(node, ast.arg):
            found.setdefault(node.arg, []).append(None)
        elif isinstance(node, ast.withitem) and node.optional_vars is not None:
            bind(node.optional_vars, None)
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            for name in node.names:
                found.setdefault(name, []).append(None)
    return found


def _in_counting_places(tree: ast.Module) -> Iterator[ast.expr]:
    """Expressions that stand, by themselves or within sums and products, where a fraction is an error."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Slice):
            places = [part for part in (node.lower, node.upper, node.step) if part is not None]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in _COUNTING:
            places = [
                part
                for argument in node.args
                for part in (argument.elts if isinstance(argument, (ast.Tuple, ast.List)) else [argument])
            ]
        else:
            continue
        for place in places:
            yield from _terms(place)


def _terms(node: ast.expr) -> Iterator[ast.expr]:
    yield node
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub, ast.Mult, ast.Div)):
        yield from _terms(node.left)
        yield from _terms(node.right)
