"""What the analysis found out about a line: its values, what ties them, and why it was edited or not.

The normal run remembers no values; `Recorder` is the interpreter that does.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from kmigrate.layout.analysis import Program
from kmigrate.layout.axes import Axis, last, letters, moves
from kmigrate.layout.graph import Because, of_classes
from kmigrate.layout.interpret.machine import Interpreter
from kmigrate.layout.interpret.state import short
from kmigrate.layout.outcome import Outcome
from kmigrate.layout.values import (
    Array,
    Batches,
    Const,
    Instance,
    Layer,
    Model,
    OrderingName,
    OrderingTest,
    Pair,
    Seq,
    SymInt,
    Unknown,
    Value,
)
from kmigrate.plan import Diagnostic, Edit, ModelReport


class Recorder(Interpreter):
    """Remembers each value that an expression had, in all contexts."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.had: dict[int, list[Value]] = {}  # an expression, by identity

    def eval(self, expr: ast.expr) -> Value:
        value = super().eval(expr)
        self.had.setdefault(id(expr), []).append(value)
        return value

    def assign(self, target: ast.expr, value: Value, stmt: ast.stmt | None, rhs: ast.expr | None) -> None:
        super().assign(target, value, stmt, rhs)
        if isinstance(target, ast.Name):
            scope = self.scope.module() if target.id in self.scope.globals_ else self.scope
            self.had.setdefault(id(target), []).append(scope.names.get(target.id, value))


@dataclass
class LineFacts:
    """What was found out about the code that begins on one line."""

    line: int
    text: str
    values: list[tuple[str, list[str]]] = field(default_factory=list)  # an expression, and what it was
    evidence: list[Because] = field(default_factory=list)
    pins: list[Because] = field(default_factory=list)
    borders: list[str] = field(default_factory=list)
    edits: list[Edit] = field(default_factory=list)
    said: list[Diagnostic] = field(default_factory=list)
    why_none: str = ""


@dataclass
class Facts:
    """What was found out about a file."""

    path: str
    models: list[ModelReport]
    lines: list[LineFacts]


def explain(program: Program, path: str, text: str, line: int | None = None) -> Facts:
    """The facts of one line, or of all lines of a file that have any."""
    plan = program.plan
    facts = Facts(path, [model for model in plan.models if model.path == path], [])
    source = program.files.load(path) if program.files is not None else None
    if source is None:
        return facts
    written = text.splitlines()
    at: dict[int, list[ast.expr | ast.stmt]] = {}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.expr | ast.stmt):
            at.setdefault(node.lineno, []).append(node)
    for number in [line] if line is not None else sorted(at):
        shown = written[number - 1].strip() if number <= len(written) else ""
        found = LineFacts(number, shown)
        found.edits = [edit for edit in plan.edits if (edit.path, edit.line) == (path, number)]
        found.said = [said for said in plan.diagnostics if (said.path, said.line) == (path, number)]
        if program.planner is not None and isinstance(program.planner.run, Recorder):
            _Look(program.planner, program.planner.run, path).at(found, at.get(number, []))
        elif not found.edits:
            found.why_none = program.limit or "; ".join(r for model in plan.models for r in model.reasons[:1])
        if line is not None or found.edits or found.said or found.values:
            facts.lines.append(found)
    return facts


class _Look:
    """Reads the recorded values of a solved program."""

    def __init__(self, planner: Outcome, run: Recorder, path: str) -> None:
        self.graph = planner.graph
        self.run = run
        self.path = path
        self.evidence = self.graph.grouped(self.graph.evidence)
        self.pins = self.graph.grouped(self.graph.pins)

    def at(self, found: LineFacts, nodes: Sequence[ast.expr | ast.stmt]) -> None:
        classes: list[int] = []
        names: set[str] = set()
        for node in sorted(nodes, key=lambda node: (node.col_offset, -(node.end_col_offset or 0))):
            had = self.run.had.get(id(node), [])
            told = list(dict.fromkeys(text for value in had if (text := self.describe(value))))
            classes += [self.graph.root(n) for value in had for n in nodes_of(value)]
            name = short(node, 50)
            if told and name not in names:
                names.add(name)
                found.values.append((name, told))
        classes = list(dict.fromkeys(classes))
        found.evidence = _once(because for _, because in of_classes(self.evidence, classes))
        if not found.evidence and classes:
            near = {self.graph.why(root) for root in classes if root in self.graph.flipped}
            found.evidence = [Because(f"{text}, which it meets", "", 0) for text in sorted(near)]
        found.pins = _once(because for _, because in of_classes(self.pins, classes))
        found.borders = list(dict.fromkeys(self._borders(found.line)))
        if not found.edits:
            found.why_none = self._why_none(found, nodes, classes)

    def describe(self, value: Value) -> str:
        """What a contributor wants to know of a value; nothing of those that have to do with no layout."""
        if isinstance(value, Array):
            return self._layout(value.axes, [value.node], value.kind)
        if isinstance(value, Seq):
            if value.axes is not None and value.nodes is not None:
                return self._layout(value.axes, value.nodes, "shape")
            inner = [self.describe(item) for item in value.items[:4]]
            return f"{value.kind} of {', '.join(text or '?' for text in inner)}" if any(inner) else ""
        if isinstance(value, Layer):
            setting = "" if value.setting is None else f", its layout {self._flips([value.setting])}"
            return f"layer {value.api.name}{setting}"
        if isinstance(value, Model):
            return f"a {value.kind}, {'fed here' if value.fed else 'fed by nothing here'}"
        if isinstance(value, Batches):
            inner_item = self.describe(value.item)
            return f"batches of {inner_item}" if inner_item else ""
        if isinstance(value, Unknown):
            return f"not known: {value.why}"
        if isinstance(value, Pair | OrderingName | OrderingTest):
            return f"depends on the ordering, which {self._flips([value.node])}"
        if isinstance(value, Instance):
            return f"an object of `{value.cls.node.name}`"
        return ""

    def _layout(self, axes: Sequence[Axis] | None, nodes: Sequence[int], kind: str) -> str:
        kind = {"numpy": "array", "graph": "backend tensor"}.get(kind, kind)
        if axes is None:
            return f"{kind} of unknown rank, {self._flips(nodes)}"
        sizes = "x".join("?" if axis.size is None or axis.size.value is None else str(axis.size) for axis in axes)
        told = f"{kind} {letters(axes)} ({sizes})" if axes else f"{kind} without axes"
        if not moves(axes):
            return f"{told}: no channel that could move"
        if self.graph.is_flipped(nodes[-1]):
            return f"{told} becomes {letters(last(axes))}"
        return f"{told} stays"

    def _flips(self, nodes: Sequence[int]) -> str:
        return "flips" if any(self.graph.is_flipped(node) for node in nodes) else "stays"

    def _borders(self, line: int) -> Iterator[str]:
        """The places on this line where a transpose could stand."""
        for edge in self.graph.soft:
            if edge.key[:2] == (self.path, line) and moves(edge.ref.axes):
                cut = self.graph.is_flipped(edge.a) != self.graph.is_flipped(edge.b)
                yield f"{edge.what} may be transposed here for {edge.cost:g}: {'it is' if cut else 'it is not'}"
        for _, because in self.graph.impossible:
            if (because.path, because.line) == (self.path, line):
                yield f"no transpose can stand here: {because.text}"

    def _why_none(self, found: LineFacts, nodes: Sequence[ast.expr | ast.stmt], classes: Sequence[int]) -> str:
        if not nodes:
            return "no code begins here"
        statements = [node for node in nodes if isinstance(node, ast.stmt)]
        if not any(id(node) in self.run.had for node in nodes) and not any(
            id(node) in self.run.visited for node in statements
        ):
            return "it was not run: no call reaches it, or the constants above rule it out"
        if not classes:
            return "nothing here has a layout"
        if any(root in self.graph.flipped for root in classes):
            return "its values change their layout, and the text is right for both"
        if found.pins:
            return "its values stay as they are, for the reasons above"
        if found.evidence:
            return "its values are channels-first and stay: what they are decided together with cannot change"
        return "nothing channels-first reaches it"


def nodes_of(value: Value) -> list[int]:
    """The nodes of the graph that a value stands on."""
    if isinstance(value, Array | Pair | OrderingName | OrderingTest):
        return [value.node]
    if isinstance(value, Seq):
        return list(value.nodes) if value.nodes else [node for item in value.items[:4] for node in nodes_of(item)]
    if isinstance(value, Layer):
        return [] if value.setting is None else [value.setting]
    if isinstance(value, Model):
        return list(value.nodes)
    if isinstance(value, Batches):
        return nodes_of(value.item)
    if isinstance(value, Unknown):
        return [] if value.array is None else [value.array.node]
    if isinstance(value, Const):
        return [] if value.node is None else [value.node]
    assert isinstance(value, SymInt | Value)
    return []


def _once(found: Iterable[Because]) -> list[Because]:
    return list(dict.fromkeys(found))
