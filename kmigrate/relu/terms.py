"""Expressions as small symbolic terms that remember where their parts stand."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from kmigrate.relu.library import Function

Path = tuple[str, ...]

#: Expressions that may be evaluated once instead of twice: no calls, for ``relu(Dense(9)(x))`` makes layers.
QUIET = (
    *(ast.Name, ast.Attribute, ast.Subscript, ast.Constant, ast.Slice, ast.Tuple, ast.UnaryOp, ast.BinOp),
    *(ast.unaryop, ast.operator, ast.expr_context),
)
_OPERATORS = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div"}
_COMPARISONS = {ast.Gt: "greater", ast.GtE: "greater_equal", ast.Lt: "less", ast.LtE: "less_equal"}
#: How many arguments a function takes.
_ARITY = {"relu": 1, "abs": 1, "constant": 1, "zeros": 1, "clip": 3, "where": 3}
_DEPTH = 12  # of an expression that can be a relu


@dataclass(frozen=True)
class Term:
    """One operation on terms. Two are equal if they compute the same, wherever they stand.

    ``kind`` is an operation ('add', 'relu', 'max', ...), 'number', 'opaque' (anything else, told apart
    by ``key``), 'loud' (the same, but it may be evaluated only once) or 'lost' (it has a temporary inside).
    ``path`` leads to ``node`` from the expression under consideration; None: it stands elsewhere.
    """

    kind: str
    parts: tuple[Term, ...] = ()
    key: str = ""
    number: float = field(default=0.0, compare=False)
    node: ast.expr | None = field(default=None, compare=False)
    path: Path | None = field(default=None, compare=False)
    function: ast.expr | None = field(default=None, compare=False)
    known: Function | None = field(default=None, compare=False)
    label: Path | None = field(default=None, compare=False)  # to the value of ``name=``

    def elsewhere(self) -> Term:
        """The same as seen from another statement."""
        parts = tuple(part.elsewhere() for part in self.parts)
        return Term(self.kind, parts, self.key, self.number, self.node, None, self.function, self.known)


@dataclass
class Reader:
    """Reads expressions. ``env`` has the temporaries, ``used`` those that were met.

    ``number`` tells what number an expression always is, ``known`` what function it names.
    """

    number: Callable[[ast.expr], float | None]
    known: Callable[[ast.expr], Function | None]
    env: Mapping[str, Term] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def read(self, node: ast.expr, path: Path = ()) -> Term:
        if isinstance(node, ast.Name) and node.id in self.env:
            self.used.add(node.id)
            return self.env[node.id]
        composed = isinstance(node, (ast.UnaryOp, ast.BinOp)) and any(isinstance(n, ast.Name) for n in ast.walk(node))
        number = None if composed else self.number(node)  # names are kept by name
        if number is not None:
            return Term("number", (), repr(number), number, node, path)
        if len(path) < _DEPTH:
            if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
                return Term("neg", (self.read(node.operand, (*path, "operand")),), node=node, path=path)
            if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
                parts = (self.read(node.left, (*path, "left")), self.read(node.right, (*path, "right")))
                return Term(_OPERATORS[type(node.op)], parts, node=node, path=path)
            if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _COMPARISONS:
                parts = (self.read(node.left, (*path, "left")), self.read(node.comparators[0], (*path, "comparator")))
                return Term(_COMPARISONS[type(node.ops[0])], parts, node=node, path=path)
            if isinstance(node, ast.Call):
                return self.call(node, path)
        return self.other(node, path)

    def call(self, node: ast.Call, path: Path) -> Term:
        known = self.known(node.func)
        label = None
        if known is not None and [k.arg for k in node.keywords] == ["name"] and known.library.name == "TensorFlow":
            label = (*path, "keyword name")
        plain = known is not None and (not node.keywords or label) and not any(map(_starred, node.args))
        if known is None or not plain or len(node.args) != _ARITY.get(known.kind, 2) or known.kind == "leaky":
            return self.other(node, path)
        if known.kind == "constant":
            return self.read(node.args[0], (*path, "argument 0"))
        parts = tuple(self.read(a, (*path, f"argument {i}")) for i, a in enumerate(node.args))
        return Term(known.kind, parts, "", 0.0, node, path, node.func, known, label)

    def other(self, node: ast.expr, path: Path) -> Term:
        if self.env and any(isinstance(n, ast.Name) and n.id in self.env for n in ast.walk(node)):
            return Term("lost", (), f"{node.lineno}:{node.col_offset}", 0.0, node, path)
        if all(isinstance(n, QUIET) for n in ast.walk(node)):
            return Term("opaque", (), ast.dump(node), 0.0, node, path)
        return Term("loud", (), f"{node.lineno}:{node.col_offset}", 0.0, node, path)


def _starred(node: ast.expr) -> bool:
    return isinstance(node, ast.Starred)
