"""The walk over a libcst tree that makes all edits of one file, and the checks of its result."""

from __future__ import annotations

import ast
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import libcst as cst

from kmigrate.codemods import REGISTRY, Operation, Stage
from kmigrate.plan import Edit
from kmigrate.rewriting.callrecord import CallRecord
from kmigrate.rewriting.error import RewriteError
from kmigrate.rewriting.expressions import Site, fitted
from kmigrate.rewriting.spans import SpanTable

#: libcst recurses some three frames for each link of ``a.b().c()``; up to Python 3.10 each frame
#: also takes C stack.
_RECURSION_LIMIT = 100_000 if sys.version_info >= (3, 11) else 10_000

#: Where several statements go to one place: what they need comes first.
_INSERTION_ORDER = {"imports": 0, "ambient": 1}


def transform(text: str, edits: Sequence[Edit]) -> str:
    """See `kmigrate.rewriting.apply`. Raises RewriteError."""
    with _deep_recursion():
        try:
            return _transform(text, edits)
        except RecursionError as error:
            raise RewriteError("the file is nested too deeply") from error
        except (cst.CSTValidationError, TypeError) as error:
            raise RewriteError(f"an edit does not fit its place: {error}") from error


def _transform(text: str, edits: Sequence[Edit]) -> str:
    before = _parses(text, "the file")  # also keeps from libcst what would overflow its parser's stack
    text, blank = _blank_end(text)
    try:
        module = cst.parse_module(text)
    except cst.ParserSyntaxError as error:
        raise RewriteError(f"libcst cannot parse this file: {error.message}") from error
    table = SpanTable(module, text)
    walk = _Walk(table, text, _planned(table, edits))
    result = cst.ensure_type(module.visit(walk), cst.Module).code
    if result != walk.expected():
        raise RewriteError("the result differs from the source outside the planned edits")
    if _late_futures(_parses(result, "the result")) and not _late_futures(before):
        raise RewriteError("no statement can stand before a __future__ import")
    return result + blank


def _blank_end(text: str) -> tuple[str, str]:
    """The text, and the lines of blanks at its end, which libcst does not print back (docs/facts.md, 22)."""
    end = text[len(text.rstrip()) :]
    if not end.startswith(("\n", "\r\n")) or not end.strip("\r\n") or text[: -len(end)].endswith("\\"):
        return text, ""
    cut = len(text) - len(end) + end.index("\n") + 1
    return text[:cut], text[cut:]


def _parses(text: str, what: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the user's own escapes and the like
            return ast.parse(text)
    except (SyntaxError, ValueError, MemoryError) as error:
        raise RewriteError(f"{what} does not parse: {error}") from error


def _late_futures(tree: ast.Module) -> bool:
    """Does a __future__ import stand where Python refuses it, which parsing does not show?"""
    body = tree.body[1:] if ast.get_docstring(tree) is not None else tree.body
    futures = [isinstance(s, ast.ImportFrom) and s.module == "__future__" for s in body]
    return futures != sorted(futures, reverse=True)


@contextmanager
def _deep_recursion() -> Iterator[None]:
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, _RECURSION_LIMIT))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


@dataclass
class _Steps:
    """What is to be done at one node."""

    node: list[tuple[Operation, Edit]] = field(default_factory=list)
    call: list[tuple[Operation, Edit]] = field(default_factory=list)
    wrap: list[tuple[Operation, Edit]] = field(default_factory=list)
    before: list[tuple[int, str]] = field(default_factory=list)
    after: list[tuple[int, str]] = field(default_factory=list)
    gone: bool = False  # the statement is taken away

    @property
    def changes_node(self) -> bool:
        return bool(self.node or self.call or self.wrap)


def _planned(table: SpanTable, edits: Sequence[Edit]) -> dict[int, tuple[cst.CSTNode, _Steps]]:
    nodes = table.find({(e.start, e.end, e.kind) for e in edits})
    steps: dict[int, tuple[cst.CSTNode, _Steps]] = {}
    done: set[tuple[Any, ...]] = set()
    for edit in edits:
        same = (edit.start, edit.end, edit.kind, edit.codemod, _canonical(edit))
        if same in done:
            continue
        done.add(same)
        node = nodes[edit.start, edit.end, edit.kind]
        step = steps.setdefault(id(node), (node, _Steps()))[1]
        operation = _operation(edit)
        if operation.stage is Stage.INSERT:
            where, source = operation.function(edit.args, Site(table, node))
            if where == "gone":
                step.gone = True
                continue
            place = step.before if where == "before" else step.after
            place.append((_INSERTION_ORDER.get(edit.codemod, 2), source))
        else:
            getattr(step, operation.stage.value).append((operation, edit))
    for _, step in steps.values():
        step.node.sort(key=_sort_key)
        step.call.sort(key=_sort_key)
        step.before.sort(key=lambda item: item[0])
        step.after.sort(key=lambda item: item[0])
        if len(step.wrap) > 1:
            raise RewriteError("two edits put something around one expression")
    return steps


def _canonical(edit: Edit) -> str:
    return repr(sorted(edit.args.items()))


def _sort_key(item: tuple[Operation, Edit]) -> tuple[str, str]:
    return item[1].codemod, _canonical(item[1])


def _operation(edit: Edit) -> Operation:
    try:
        import_module(f"kmigrate.codemods.{edit.codemod}")
    except ModuleNotFoundError as error:
        raise RewriteError(f"there is no codemod {edit.codemod}") from error
    for operation in REGISTRY[edit.codemod]:
        if operation.takes(edit.kind, edit.args):
            return operation
    raise RewriteError(f"{edit.codemod} has no operation for {edit.kind} with {dict(edit.args)}")


class _Walk(cst.CSTTransformer):
    """Visits only what lies above planned nodes, and changes only these."""

    def __init__(self, table: SpanTable, text: str, steps: dict[int, tuple[cst.CSTNode, _Steps]]) -> None:
        super().__init__()
        self.table = table
        self.source = text.encode("utf-8")
        self.steps = {key: step for key, (_, step) in steps.items()}
        self.above = {id(a) for node, _ in steps.values() for a in table.ancestors(node)}
        self.splices: list[tuple[int, int, str]] = []
        #: New lines whose statement is taken away, by id; kept, lest another node gets the id of one that is freed.
        self.gone: dict[int, cst.CSTNode] = {}

    def on_visit(self, node: cst.CSTNode) -> bool:
        return id(node) in self.above

    def on_leave(self, original: Any, updated: Any) -> Any:
        step = self.steps.get(id(original))
        if step is not None and step.changes_node:
            updated = self._changed(original, updated, step)
        if isinstance(original, (cst.Module, cst.IndentedBlock)):
            updated = self._without_gone(original, updated)
            if isinstance(updated, cst.Module) and (len(self.source), "") in [s[1:] for s in self.splices]:
                if self.source[-1:] not in (b"\n", b"\r"):  # the line before has one
                    updated = updated.with_changes(has_trailing_newline=True)
            return updated
        if isinstance(original, (cst.SimpleStatementLine, cst.SimpleStatementSuite)):
            if any(step.gone for s in original.body if (step := self.steps.get(id(s))) is not None):
                return self._taken_away(original, updated)
            if any(self._insertions(s) for s in original.body):
                return self._with_small(original, updated)
        elif isinstance(original, cst.BaseCompoundStatement) and self._insertions(original):
            return self._beside_compound(original, updated, self.steps[id(original)])
        return updated

    def expected(self) -> str:
        """The source with the text of each edit put in place, made without the tree."""
        parts: list[bytes] = []
        position = 0
        for start, end, new in sorted(self.splices, key=lambda s: (s[0], s[1] > s[0], -s[1])):
            if start < position:
                continue  # inside an edit that has been put in place whole
            parts += (self.source[position:start], new.encode("utf-8"))
            position = max(position, end)
        return b"".join([*parts, self.source[position:]]).decode("utf-8")

    # expressions and statements that change

    def _changed(self, original: Any, updated: Any, step: _Steps) -> Any:
        site = Site(self.table, original)
        new = updated
        for operation, edit in step.node:
            new = operation.function(new, edit.args, site)
        if step.call:
            record = CallRecord(cst.ensure_type(new, cst.Call), site)
            for operation, edit in step.call:
                operation.function(record, edit.args)
            new = record.print()
        for operation, edit in step.wrap:
            new = operation.function(new, edit.args, site)
        if isinstance(original, cst.BaseExpression) and (step.wrap or type(new) is not type(original)):
            new = self._apart(original, fitted(new, original, self.table))
        if isinstance(original, cst.FunctionDef):
            self._splice(original.body, new.body)
        else:
            self._splice(original, new)
        return new

    def _apart(self, original: cst.BaseExpression, new: Any) -> Any:
        """Parentheses where the new text would run into a word beside it (``return-1``)."""
        code = self.table.print(new, [])
        start, end = self.table.outer[id(original)]
        before, after = self.source[max(start - 1, 0) : start], self.source[end : end + 1]
        runs = (_wordy(before) and _wordy(code[:1].encode())) or (_wordy(after) and _wordy(code[-1:].encode()))
        if not runs:
            return new
        return new.with_changes(lpar=[cst.LeftParen(), *new.lpar], rpar=[*new.rpar, cst.RightParen()])

    def _splice(self, original: cst.CSTNode, new: cst.CSTNode) -> None:
        start, end = self.table.outer[id(original)]
        code = self.table.print(new, self.table.indentation(original))
        self.splices.append((start, min(end, len(self.source)), code))

    # statements that are taken away

    def _taken_away(self, original: Any, updated: Any) -> Any:
        """A line whose only statement goes away."""
        small, *others = original.body
        step = self.steps.get(id(small), _Steps())
        if others or step.before or step.after or not isinstance(original, cst.SimpleStatementLine):
            raise RewriteError("a statement cannot be taken out of a line with others")
        updated = updated.with_changes(body=[cst.Pass(semicolon=small.semicolon)])
        self.gone[id(updated)] = updated
        return updated

    def _without_gone(self, original: Any, updated: Any) -> Any:
        """A block without such lines; the comments above them stay."""
        if not any(id(line) in self.gone for line in updated.body):
            return updated
        rest = [line for line in updated.body if id(line) not in self.gone]
        bare = not rest and isinstance(original, cst.IndentedBlock)
        margin = len("".join(self.table.indentation(original.body[0])))
        body: list[Any] = []
        waiting: list[cst.EmptyLine] = []
        for line in updated.body:
            if id(line) in self.gone and not (bare and line is updated.body[0]):
                waiting += line.leading_lines
                continue
            if waiting:
                line = line.with_changes(leading_lines=[*waiting, *line.leading_lines])
                waiting = []
            body.append(line)
        for old in original.body:
            step = self.steps.get(id(old.body[0])) if isinstance(old, cst.SimpleStatementLine) else None
            if step is not None and step.gone:
                start, end = self.table.inner[id(old.body[0])]
                if bare and old is original.body[0]:
                    self.splices.append((start, end, "pass"))
                else:
                    self.splices.append((start - margin, min(self.table.outer[id(old)][1], len(self.source)), ""))
        return updated.with_changes(body=body, footer=[*waiting, *updated.footer])

    # statements that are inserted

    def _insertions(self, statement: cst.CSTNode) -> bool:
        step = self.steps.get(id(statement))
        return step is not None and bool(step.before or step.after)

    def _with_small(self, original: Any, updated: Any) -> Any:
        if len(original.body) == 1 and isinstance(original, cst.SimpleStatementLine):
            return self._beside_line(original, updated, self.steps[id(original.body[0])])
        body: list[cst.BaseSmallStatement] = []
        for old, new in zip(original.body, updated.body):
            step = self.steps.get(id(old), _Steps())
            start, end = self.table.inner[id(old)]
            before = self._small(step.before, old)
            after = self._small(step.after, old)
            if before:
                self.splices.append((start, start, "".join(self._code(s) + "; " for s in before)))
            if after:
                self.splices.append((end, end, "".join("; " + self._code(s) for s in after)))
            joined = [*before, new, *after]
            last = joined[-1].with_changes(semicolon=new.semicolon)
            body += [s.with_changes(semicolon=_semicolon()) for s in joined[:-1]] + [last]
        return updated.with_changes(body=body)

    def _beside_line(self, original: Any, updated: Any, step: _Steps) -> Any:
        newline = cst.Newline(value=original.trailing_whitespace.newline.value)
        self._guard_docstring(original, step)
        return self._beside(original, updated, step, self.table.inner[id(original.body[0])][0], newline)

    def _beside_compound(self, original: Any, updated: Any, step: _Steps) -> Any:
        if not isinstance(self.table.parent(original), (cst.Module, cst.IndentedBlock)):
            raise RewriteError("no statement can stand before or after an elif")
        decorators = getattr(original, "decorators", ())
        first = self.table.inner[id(decorators[0] if decorators else original)][0]
        return self._beside(original, updated, step, first, cst.Newline())

    def _beside(self, original: Any, updated: Any, step: _Steps, first: int, newline: cst.Newline) -> Any:
        """New lines before (below the comments that stand above it) and after one statement."""
        indentation = self.table.indentation(original)
        end_of_line = newline.value or self.table.module.default_newline
        margin = "".join(indentation)
        before, after = self._lines(step.before, newline), self._lines(step.after, newline)
        if before:
            code = "".join(self.table.print(s, indentation) for s in before)
            self.splices.append((first, first, code[len(margin) :] + margin))
            before[0] = before[0].with_changes(leading_lines=updated.leading_lines)
            updated = updated.with_changes(leading_lines=())
        if after:
            code = "".join(self.table.print(s, indentation) for s in after)
            end = min(self.table.outer[id(original)][1], len(self.source))
            if self.source[end - 1 : end] not in (b"\n", b"\r"):  # the last line, without newline
                code = end_of_line + code.removesuffix(end_of_line)
            self.splices.append((end, end, code))
        return cst.FlattenSentinel([*before, updated, *after])

    def _guard_docstring(self, line: cst.SimpleStatementLine, step: _Steps) -> None:
        block = self.table.parent(line)
        opens = isinstance(block, (cst.Module, cst.IndentedBlock)) and block.body[0] is line
        text = (cst.SimpleString, cst.ConcatenatedString)
        statement = line.body[0]
        if step.before and opens and isinstance(statement, cst.Expr) and isinstance(statement.value, text):
            raise RewriteError("no statement can stand before a docstring")

    def _lines(self, sources: list[tuple[int, str]], newline: cst.Newline) -> list[Any]:
        lines: list[Any] = []
        for _, source in sources:
            for statement in self._parsed(source):
                if isinstance(statement, cst.SimpleStatementLine):
                    statement = statement.with_changes(
                        trailing_whitespace=statement.trailing_whitespace.with_changes(newline=newline)
                    )
                lines.append(statement)
        return lines

    def _small(self, sources: list[tuple[int, str]], place: cst.CSTNode) -> list[cst.BaseSmallStatement]:
        small: list[cst.BaseSmallStatement] = []
        for _, source in sources:
            for statement in self._parsed(source):
                if not isinstance(statement, cst.SimpleStatementLine):
                    raise RewriteError("a compound statement cannot stand on a line with others")
                small += statement.body
        return small

    def _parsed(self, source: str) -> Sequence[cst.CSTNode]:
        try:
            module = cst.parse_module(source, self.table.module.config_for_parsing)
        except cst.ParserSyntaxError as error:
            raise RewriteError(f"the plan gives {source!r}, which is no statement") from error
        first, *rest = module.body  # empty lines above the first one are the module's
        return [first.with_changes(leading_lines=[*module.header, *first.leading_lines]), *rest]

    def _code(self, statement: cst.CSTNode) -> str:
        return self.table.print(statement, [])


def _semicolon() -> cst.Semicolon:
    return cst.Semicolon(whitespace_after=cst.SimpleWhitespace(" "))


def _wordy(char: bytes) -> bool:
    return char.isalnum() or char == b"_" or char >= b"\x80"
