"""Small libcst expressions: made from source, bound tightly enough, quoted as the file quotes."""

from __future__ import annotations

import ast
from typing import TypeVar

import libcst as cst

from kmigrate.rewriting.error import RewriteError
from kmigrate.rewriting.spans import SpanTable

Expression = TypeVar("Expression", bound=cst.BaseExpression)

#: How tightly an operator binds; what is not named here is an atom or a trailer.
_BOOLEAN: dict[type[cst.BaseBooleanOp], int] = {cst.Or: 1, cst.And: 2}
_UNARY: dict[type[cst.BaseUnaryOp], int] = {cst.Not: 3}
_BINARY: dict[type[cst.BaseBinaryOp], int] = {
    cst.BitOr: 5,
    cst.BitXor: 6,
    cst.BitAnd: 7,
    cst.LeftShift: 8,
    cst.RightShift: 8,
    cst.Add: 9,
    cst.Subtract: 9,
    cst.Power: 12,
}
_LOOSE = (cst.Lambda, cst.IfExp, cst.NamedExpr, cst.Yield, cst.Tuple, cst.GeneratorExp)
PRODUCT, _SIGN, _COMPARE, _AWAIT, _PRIMARY = 10, 11, 4, 13, 14

#: Places that take any expression but a bare tuple, generator or yield.
_OPEN_PLACES = (cst.Arg, cst.Index, cst.Element, cst.DictElement)
#: Places that take any expression, as long as it stays on one line.
_OPEN_LINES = (cst.Assign, cst.AnnAssign, cst.AugAssign, cst.Return, cst.Expr)


def rank(node: cst.BaseExpression) -> int:
    """How tightly ``node`` holds together; a node in parentheses holds like an atom."""
    if node.lpar:
        return _PRIMARY
    if isinstance(node, _LOOSE):
        return 0
    if isinstance(node, cst.BooleanOperation):
        return _BOOLEAN[type(node.operator)]
    if isinstance(node, cst.UnaryOperation):
        return _UNARY.get(type(node.operator), _SIGN)
    if isinstance(node, cst.Comparison):
        return _COMPARE
    if isinstance(node, cst.BinaryOperation):
        return _BINARY.get(type(node.operator), PRODUCT)
    return _AWAIT if isinstance(node, (cst.Await, cst.ConcatenatedString)) else _PRIMARY


def parenthesised(node: Expression) -> Expression:
    return node.with_changes(lpar=[cst.LeftParen(), *node.lpar], rpar=[*node.rpar, cst.RightParen()])


def bare(node: Expression) -> Expression:
    """``node`` without its parentheses, unless they hold a comment or the node needs them."""
    if isinstance(node, (*_LOOSE[2:], cst.ConcatenatedString)):
        return node
    blanks = [p.whitespace_after for p in node.lpar] + [p.whitespace_before for p in node.rpar]
    if any(isinstance(w, cst.ParenthesizedWhitespace) for w in blanks):
        return node
    return node.with_changes(lpar=(), rpar=())


def as_primary(node: Expression) -> Expression:
    """``node`` such that ``.name`` may follow it."""
    tight = rank(node) >= _PRIMARY and not (isinstance(node, cst.BaseNumber) and not node.lpar)
    return node if tight else parenthesised(node)


def as_argument(node: Expression) -> Expression:
    """``node`` such that it may be an argument or an element."""
    return parenthesised(node) if isinstance(node, _LOOSE[2:]) and not node.lpar else node


def fitted(new: Expression, old: cst.BaseExpression, table: SpanTable) -> Expression:
    """``new`` so that it may stand where ``old`` (of the tree) stood, with its parentheses.

    Parentheses are added only where the place of ``old`` needs them, and those that ``new``
    brings along are dropped where the place is an open one (an argument, a whole line).
    """
    place = table.parent(old)
    stripped = bare(new)
    alone = _stands_alone(table.print(stripped, []))
    open_place = isinstance(place, _OPEN_PLACES) and not getattr(place, "star", "")
    if open_place or (alone and isinstance(place, _OPEN_LINES)):
        return as_argument(stripped)
    if isinstance(place, cst.Attribute):
        return as_primary(new)
    fits = _stands_alone(table.print(new, [])) and rank(new) >= max(rank(old), 1)
    return new if fits or new.lpar else parenthesised(new)


def _stands_alone(code: str) -> bool:
    """Is ``code`` an expression also outside brackets, where a line break would end it?"""
    try:
        ast.parse(code, mode="eval")
    except SyntaxError:
        return False
    return True


class Site:
    """What an operation may ask about the place where it works."""

    def __init__(self, table: SpanTable, node: cst.CSTNode) -> None:
        self.table = table
        self.original = node

    def expression(self, source: str) -> cst.BaseExpression:
        """Raises RewriteError if ``source`` is no expression."""
        try:
            return cst.parse_expression(source, self.table.module.config_for_parsing)
        except cst.ParserSyntaxError as error:
            raise RewriteError(f"the plan gives {source!r}, which is no expression") from error

    def string(self, value: str) -> cst.SimpleString:
        """A literal for ``value`` in the quotes that the code around it uses."""
        quote = self._quote()
        return cst.SimpleString(f"{quote}{value}{quote}")

    def integer(self, value: int) -> cst.BaseExpression:
        return self.expression(str(value))

    def numbers(self, values: list[int] | tuple[int, ...]) -> cst.Tuple:
        """The tuple literal of ``values``."""
        tuple_ = self.expression(f"({', '.join(map(str, values))}{',' * (len(values) == 1)})")
        assert isinstance(tuple_, cst.Tuple)
        return tuple_

    def _quote(self) -> str:
        first, last = self.table.outer[id(self.original)]
        near = [0, 0]
        everywhere = [0, 0]
        for node in self.table.nodes:
            if isinstance(node, cst.SimpleString) and len(node.quote) == 1:
                double = int(node.quote == '"')
                everywhere[double] += 1
                start, end = self.table.inner[id(node)]
                near[double] += first <= start and end <= last
        counts = near if any(near) else everywhere
        return '"' if counts[1] > counts[0] else "'"


def replace_string(node: cst.BaseExpression, value: str, site: Site) -> cst.BaseExpression:
    """``value`` as a literal in the place, the prefix and the quotes of the literal ``node``."""
    if isinstance(node, cst.SimpleString) and len(node.quote) == 1:
        prefix = "" if "b" in node.prefix.lower() else node.prefix
        return node.with_changes(value=f"{prefix}{node.quote}{value}{node.quote}")
    return site.string(value)


def pick(items: list[cst.BaseElement], order: list[int], what: str) -> list[cst.BaseElement]:
    """``items`` in a new order; each place keeps its own comma and the blanks after it."""
    if sorted(order) != list(range(len(items))):
        raise RewriteError(f"{what} has {len(items)} parts; the plan orders them as {order}")
    return [items[old].with_changes(comma=place.comma) for old, place in zip(order, items)]


def plain_blank(blank: cst.BaseParenthesizableWhitespace) -> cst.BaseParenthesizableWhitespace:
    """The blanks and the line break without the comments and empty lines in them."""
    if not isinstance(blank, cst.ParenthesizedWhitespace):
        return blank
    newline = cst.Newline(value=blank.first_line.newline.value)
    first = cst.TrailingWhitespace(whitespace=cst.SimpleWhitespace(""), newline=newline)
    return blank.with_changes(first_line=first, empty_lines=())
