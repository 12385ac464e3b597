"""Where each node of a libcst tree stands in the source, in UTF-8 bytes, as `ast` counts them.

One pass prints the tree and notes the positions on the way, which costs a quarter of libcst's
own parse; libcst's metadata would cost twice the parse. The printed text doubles as the check
that libcst loses nothing of the source.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any

import libcst as cst
from libcst._nodes.internal import CodegenState

from kmigrate.rewriting.error import RewriteError

Span = tuple[int, int]

_SMALL_OR_COMPOUND = (cst.BaseSmallStatement, cst.BaseCompoundStatement)

#: `ast` class name -> the libcst classes that stand for it.
KINDS: dict[str, tuple[type[cst.CSTNode], ...]] = {
    "stmt": _SMALL_OR_COMPOUND,
    "Constant": (
        cst.SimpleString,
        cst.ConcatenatedString,
        cst.Integer,
        cst.Float,
        cst.Imaginary,
        cst.Name,
        cst.Ellipsis,
    ),
    "JoinedStr": (cst.FormattedString, cst.ConcatenatedString),
    "BinOp": (cst.BinaryOperation,),
    "BoolOp": (cst.BooleanOperation,),
    "Compare": (cst.Comparison,),
    "UnaryOp": (cst.UnaryOperation,),
    "YieldFrom": (cst.Yield,),
    "Starred": (cst.Arg, cst.StarredElement),
    "keyword": (cst.Arg,),
    "AsyncFunctionDef": (cst.FunctionDef,),
    "AsyncFor": (cst.For,),
    "AsyncWith": (cst.With,),
    "Delete": (cst.Del,),
    "Assign": (cst.Assign,),
} | {
    name: (getattr(cst, name),)
    for name in (
        *("Name", "Attribute", "Subscript", "Call", "Lambda", "IfExp", "Await", "Yield", "NamedExpr"),
        *("List", "Tuple", "Set", "Dict", "ListComp", "SetComp", "DictComp", "GeneratorExp"),
        *("FunctionDef", "ClassDef", "If", "For", "While", "With", "Try", "Match"),
        *("Expr", "Return", "AnnAssign", "AugAssign", "Import", "ImportFrom", "Raise", "Assert"),
        *("Pass", "Break", "Continue", "Global", "Nonlocal"),
    )
}


#: Two thirds of all nodes, and no edit names one.
_PUNCTUATION = frozenset(
    (
        *(cst.SimpleWhitespace, cst.ParenthesizedWhitespace, cst.TrailingWhitespace, cst.EmptyLine),
        *(cst.Newline, cst.Comment, cst.Comma, cst.Semicolon, cst.Dot, cst.AssignEqual, cst.Colon),
        *(cst.LeftSquareBracket, cst.RightSquareBracket, cst.LeftCurlyBrace, cst.RightCurlyBrace),
    )
)


class SpanTable:
    """The positions of all nodes of one module, but for blanks and punctuation.

    ``inner`` holds what `ast` calls the node's position; ``outer`` all that the node prints
    (own parentheses, comments above a statement, the comma of an argument). Both are keyed by
    ``id`` of the node, for libcst nodes compare by identity.
    """

    def __init__(self, module: cst.Module, text: str) -> None:
        """Raises RewriteError if the tree does not print as ``text``."""
        state = _Recorder(module, ascii_only=text.isascii())
        module._codegen(state)
        if "".join(state.tokens) != text:
            raise RewriteError(
                "libcst does not print this file back as it is "
                "(a form feed before code, or carriage returns without line feeds)"
            )
        self.module = module
        self.inner = state.inner
        self.outer = state.outer
        self.nodes = state.nodes
        self._parents = state.parents

    def parent(self, node: cst.CSTNode) -> cst.CSTNode | None:
        return self._parents[id(node)]

    def ancestors(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        above = self.parent(node)
        while above is not None:
            yield above
            above = self.parent(above)

    def indentation(self, node: cst.CSTNode) -> list[str]:
        """The indents of the blocks around ``node``, outermost first."""
        blocks = [a for a in self.ancestors(node) if isinstance(a, cst.IndentedBlock)]
        return [self.module.default_indent if b.indent is None else b.indent for b in reversed(blocks)]

    def print(self, node: cst.CSTNode, indentation: list[str]) -> str:
        """The source of ``node`` (of this tree or new) as it prints inside such blocks."""
        state = CodegenState(self.module.default_indent, self.module.default_newline)
        state.indent_tokens = list(indentation)
        node._codegen(state)
        return "".join(state.tokens)

    def span(self, node: cst.CSTNode) -> Span:
        """What `ast` gives for ``node``: for tuples and generators that is with parentheses."""
        if isinstance(node, (cst.Tuple, cst.GeneratorExp)):
            if node.lpar:
                return self.outer[id(node.lpar[-1])][0], self.outer[id(node.rpar[0])][1]
            call = self.parent(self.parent(node) or node)
            if isinstance(node, cst.GeneratorExp) and isinstance(call, cst.Call):
                blank = len(self.print(call.whitespace_after_func, self.indentation(call)).encode())
                return self.outer[id(call.func)][1] + blank, self.inner[id(call)][1]
        return self.inner[id(node)]

    def find(self, wanted: Iterable[tuple[int, int, str]]) -> dict[tuple[int, int, str], cst.CSTNode]:
        """The node for each (start, end, `ast` kind).

        Raises:
            RewriteError: there is no such node.
        """
        kinds: dict[Span, set[str]] = {}
        for start, end, kind in wanted:
            if kind not in KINDS:
                raise RewriteError(f"no edit can name a node of kind {kind}")
            kinds.setdefault((start, end), set()).add(kind)
        found: dict[tuple[int, int, str], cst.CSTNode] = {}
        for node in self.nodes:
            start, end = self.span(node)
            for kind in kinds.get((start, end), ()):
                if isinstance(node, KINDS[kind]):
                    found[start, end, kind] = node
        for (start, end), names in kinds.items():
            for kind in names:
                if (start, end, kind) not in found:
                    found[start, end, kind] = self._compound(start, end, kind)
        return found

    def _compound(self, start: int, end: int, kind: str) -> cst.CSTNode:
        """`ast` counts the semicolon behind the last statement of a block to the block, libcst does not."""
        for node in self.nodes:
            if isinstance(node, cst.BaseCompoundStatement) and isinstance(node, KINDS[kind]):
                if self.inner[id(node)][0] == start and self.inner[id(node)][1] <= end:
                    return node
        raise RewriteError(f"no {kind} stands at bytes {start} to {end}")


class _Recorder(CodegenState):
    """Prints like its base and notes where each node begins and ends."""

    def __init__(self, module: cst.Module, *, ascii_only: bool) -> None:
        super().__init__(module.default_indent, module.default_newline)
        self.length = len if ascii_only else _utf8_length
        self.offset = 0
        self.open: list[tuple[cst.CSTNode, int]] = []
        self.nodes: list[cst.CSTNode] = []
        self.inner: dict[int, Span] = {}
        self.outer: dict[int, Span] = {}
        self.parents: dict[int, cst.CSTNode | None] = {}

    def add_token(self, value: str) -> None:
        self.tokens.append(value)
        self.offset += self.length(value)

    def add_indent_tokens(self) -> None:
        self.tokens.extend(self.indent_tokens)
        self.offset += sum(map(len, self.indent_tokens))  # indents are blanks and tabs

    def before_codegen(self, node: cst.CSTNode) -> None:
        if type(node) in _PUNCTUATION:
            return
        self.parents[id(node)] = self.open[-1][0] if self.open else None
        self.open.append((node, self.offset))

    def after_codegen(self, node: cst.CSTNode) -> None:
        if type(node) in _PUNCTUATION:
            return
        key, span = id(node), (self.open.pop()[1], self.offset)
        self.nodes.append(node)
        self.outer[key] = span
        self.inner.setdefault(key, span)

    def record_syntactic_position(
        self,
        node: cst.CSTNode,
        *,
        start_node: cst.CSTNode | None = None,
        end_node: cst.CSTNode | None = None,
    ) -> Any:
        return _Position(self, node, start_node, end_node)


class _Position:
    """The context in which a node prints what counts as its own."""

    __slots__ = ("end_node", "node", "start", "start_node", "state")

    def __init__(
        self,
        state: _Recorder,
        node: cst.CSTNode,
        start_node: cst.CSTNode | None,
        end_node: cst.CSTNode | None,
    ) -> None:
        self.state, self.node, self.start_node, self.end_node = state, node, start_node, end_node

    def __enter__(self) -> None:
        self.start = self.state.offset

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            return
        inner = self.state.inner
        start = self.start if self.start_node is None else inner[id(self.start_node)][0]
        end = self.state.offset if self.end_node is None else inner[id(self.end_node)][1]
        inner[id(self.node)] = (start, end)


def _utf8_length(value: str) -> int:
    return len(value) if value.isascii() else len(value.encode("utf-8"))
