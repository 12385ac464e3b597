"""What a solved program comes to: the edits that are wanted, the answer for each model, and what is to be said."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from kmigrate.layout.axes import channel_at, last, letters, moves
from kmigrate.layout.graph import Because, Grouped, of_classes
from kmigrate.layout.loose import NAME, loose, says_nothing, verdict
from kmigrate.layout.planning import Planner, edit_key, replace_code
from kmigrate.layout.setter import setter_edits
from kmigrate.layout.values import Array, Key, Model, Place
from kmigrate.options import Options
from kmigrate.plan import Diagnostic, Edit, ModelReport, Status

MAX_REASONS = 50  # of one model
Line = tuple[str, int]  # a file and a line in it


def _line(path: str, line: int, own: str) -> str:
    return f"line {line}" if path == own else f"{path}:{line}"


def _conversion(file: str, model: Model) -> str:
    """The command that converts a weight file of which the program names only what ``file`` says."""
    stem, dot, ending = file.rpartition(".")
    old, new = (file, f"{stem}_last{dot}{ending}") if stem else ("OLD.h5", "NEW.h5")
    words = ["kmigrate", "weights", old, new, "--script", model.entry or model.place.path]
    quoted = [f"'{word}'" if set(word) & set(" $`\\*?()&;<>|") else word for word in words]
    return f"`{' '.join(quoted)}` with the converted program, which then loads the new file"


def _reason(because: Because, own: str) -> str:
    """A reason as the report of a model gives it, whose file is ``own``."""
    if not because.line:
        return because.text
    return f"{because.code} {_line(because.path, because.line, own)}: {because.text}"


class Outcome(Planner):
    """A planner that has solved, and its results."""

    goals: Grouped
    pins: Grouped
    impossible: Grouped
    aside: tuple[list[ModelReport], list[Diagnostic]] = ([], [])  # of scripts that were not run to the end (idle.py)

    # -- results -------------------------------------------------------------------------------------------

    def refuse(self, node: int, why: str) -> bool:
        """Leave alone all that is decided together with ``node``; False where none of that was to change."""
        component, graph = self.components(), self.graph
        group = component[graph.root(node)]
        goals = [(n, b) for n, b in graph.goals if component[graph.root(n)] == group and graph.is_flipped(n)]
        graph.pins += [(n, b._replace(text=why, code="KM900")) for n, b in goals]
        return bool(goals)

    def result(self, options: Options) -> tuple[list[Edit], list[Diagnostic], list[ModelReport]]:
        component = self.components()
        graph = self.graph
        edits: dict[tuple[object, ...], Edit] = {}
        everything = [*self.edits, *self.cuts]
        for entry in self.run.entries:
            node = entry.implied.layers
            everything += [(node, edit) for edit in setter_edits(self.run, entry, graph.is_flipped(node))]
        unwanted: dict[int, str] = {}  # component -> a rule that it needs and that is not selected
        for node, edit in everything:
            group = component[graph.root(node)]
            if not options.wants(edit.code, edit.path) or self.run.files.ignored(edit):
                unwanted[group] = edit.code
            edits.setdefault((*edit_key(edit), repr(edit.args)), replace(edit, group=str(group)))
        kept = [e for e in edits.values() if e.group is None or int(e.group) not in unwanted]
        kept = [e for e in kept if not self._no_change(e)]
        kept.sort(key=lambda e: (e.path, e.start, e.end))
        borders: dict[int, set[Line]] = defaultdict(set)  # component -> lines with a transpose
        for edit in kept:
            inserted = edit.codemod in ("transpose", "permute_layer") and edit.args.get("action") not in (
                "remove",
                "drop",
            )
            if inserted and edit.group is not None:
                borders[int(edit.group)].add((edit.path, edit.line))
        reports, diagnostics = self._reports(component, unwanted, borders)
        return kept, [*diagnostics, *self.aside[1]], [*reports, *self.aside[0]]

    @staticmethod
    def _no_change(edit: Edit) -> bool:
        order = edit.args.get("order")
        return order is not None and list(order) == sorted(order)

    def _reports(
        self, component: dict[int, int], unwanted: dict[int, str], borders: dict[int, set[Line]]
    ) -> tuple[list[ModelReport], list[Diagnostic]]:
        self._group()
        outside = loose(self.run, {model.place.path for model in self.run.models})
        reports, diagnostics = self._answers(self.run.models, outside, component, unwanted, borders)
        for flat, layer in self.run.flattens:
            if (
                self.graph.is_flipped(flat.node)
                and moves(flat.axes)
                and component[self.graph.root(flat.node)] not in unwanted
            ):
                text = "the features come in another order now: the rows of the Dense layer behind are reordered"
                column = layer.place.node.col_offset + 1  # type: ignore[attr-defined]
                found = Diagnostic(layer.place.path, layer.place.line, column, "KM153", text)
                diagnostics.setdefault((found.path, found.line, found.code, text), found)
        for path, asked in self.asked.items():
            if path not in self.settled:
                diagnostics.setdefault((asked.path, asked.line, asked.code, asked.message), asked)
        return list(reports.values()), list(diagnostics.values())

    def of_models(
        self, models: Sequence[Model], outside: Mapping[str, list[Place]]
    ) -> tuple[list[ModelReport], list[Diagnostic]] | None:
        """The answers for models, and for files without any, that have no channels-first layer; None where they do."""
        self._group()
        if any(of_classes(self.goals, self._classes(model)) for model in models):
            return None
        reports, diagnostics = self._answers(models, outside, {}, {}, {})
        return list(reports.values()), list(diagnostics.values())

    def _group(self) -> None:
        graph = self.graph
        self.goals, self.pins = graph.grouped(graph.goals), graph.grouped(graph.pins)
        self.impossible = graph.grouped(graph.impossible)

    def _classes(self, model: Model) -> set[int]:
        tensors = [t.node for t in (*model.inputs, *model.outputs) if isinstance(t, Array)]
        return self.graph.classes_of([*model.nodes, *tensors])

    def _answers(
        self,
        models: Sequence[Model],
        outside: Mapping[str, list[Place]],
        component: dict[int, int],
        unwanted: dict[int, str],
        borders: dict[int, set[Line]],
    ) -> tuple[dict[Key, ModelReport], dict[tuple[object, ...], Diagnostic]]:
        reports: dict[Key, ModelReport] = {}
        diagnostics: dict[tuple[object, ...], Diagnostic] = {}
        for model in models:
            at = model.place.key
            status, reasons = self._status(model, component, unwanted, borders)
            if at in reports and reports[at].status.left:
                continue
            name = model.name or model.kind
            texts = [_reason(b, model.place.path) for b in reasons]
            reports[at] = ModelReport(name, model.place.path, model.place.line, status, tuple(dict.fromkeys(texts)))
            if status.left:
                for b in reasons:
                    mark = (b.path, b.line, b.code, b.text)
                    diagnostics.setdefault(mark, Diagnostic(b.path, b.line, b.column, b.code, b.text, name))
            if status in (Status.DONE, Status.BORDERS):
                for place, file in model.loads:
                    text = f"weights made channels-first are loaded: convert the file first: {_conversion(file, model)}"
                    column = place.node.col_offset + 1  # type: ignore[attr-defined]
                    mark = (place.path, place.line, "KM152", text)
                    diagnostics.setdefault(mark, Diagnostic(place.path, place.line, column, "KM152", text, name))
                for found in self._changed_contract(model):
                    diagnostics.setdefault((found.path, found.line, found.code, found.message), found)
        for report, because in self._outside_models(outside):
            reports[report.path, report.line, 0, 0, 0] = report
            for b in because:
                mark = (b.path, b.line, b.code, b.text)
                diagnostics.setdefault(mark, Diagnostic(b.path, b.line, b.column, b.code, b.text, report.name))
        return reports, diagnostics

    def without_change(self) -> list[ModelReport]:
        reports = super().without_change()
        why = next(iter(self.settled.values()))
        for path, places in loose(self.run, {report.path for report in reports}).items():
            reports.append(ModelReport(NAME, path, places[0].line, Status.NOTHING, (why,)))
        return [*reports, *self.aside[0]]

    def _outside_models(self, outside: Mapping[str, list[Place]]) -> Iterator[tuple[ModelReport, list[Because]]]:
        """The answers for convolutions in files that build no model, and what is to be said of them."""
        for path, places in outside.items():
            found = verdict(self.run, path, places, self.settled.get(path))
            if found is not None:
                status, reasons = found
                texts = tuple(dict.fromkeys(_reason(b, path) for b in reasons))
                report = ModelReport(NAME, path, places[0].line, status, texts)
                yield report, ([] if status is Status.NOTHING else reasons)

    def _changed_contract(self, model: Model) -> list[Diagnostic]:
        """Who else must know that a model takes or gives channels-last arrays now."""
        changed = [
            f"its {what} is {letters(last(tensor.axes))} now"
            for what, tensors in (("input", model.inputs), ("output", model.outputs))
            for tensor in tensors
            if isinstance(tensor, Array) and tensor.axes is not None and moves(tensor.axes)
            if channel_at(tensor.axes) is not None and self.graph.is_flipped(tensor.node)
        ]
        if not changed:
            return []
        name, text = model.name or model.kind, ", ".join(dict.fromkeys(changed))
        found = [Diagnostic(b.path, b.line, b.column, "KM155", f"{b.text}: {text}", name) for b in model.left[:1]]
        for place in model.saved:
            node: Any = place.node
            said = f"the model is saved whole: {text}, for all that load it"
            found.append(Diagnostic(place.path, node.lineno, node.col_offset + 1, "KM155", said, name))
        return found

    def _status(
        self, model: Model, component: dict[int, int], unwanted: dict[int, str], borders: dict[int, set[Line]]
    ) -> tuple[Status, list[Because]]:
        graph = self.graph
        if model.entry in self.settled:
            return Status.NOTHING, [Because(self.settled[model.entry], model.place.path, 0)]
        classes = self._classes(model)
        goals = of_classes(self.goals, classes)
        if not goals:
            if model.unknown and says_nothing(self.run):
                return Status.NOTHING, []
            if model.unknown:
                return Status.LEFT_ALONE, [Because(model.unknown, model.place.path, model.place.line, 0, "KM901")]
            firsts = any(entry.has_first for entry in self.run.entries if entry.source.path == model.entry)
            wanted = ("KM901", "KM903") if model.entry in self.asked or firsts else ("KM903",)
            pins = [b for _, b in of_classes(self.pins, classes) if b.code in wanted]
            asked = any(b.code == "KM903" for b in pins)
            if pins:  # what is not understood may hold channels-first layers
                return (Status.ASKED if asked else Status.LEFT_ALONE), list(dict.fromkeys(pins))[:MAX_REASONS]
            return Status.NOTHING, []
        stay = [(n, b) for n, b in goals if not graph.is_flipped(n)]
        groups = {component[c] for c in classes}
        ignored = sorted({unwanted[group] for group in groups & unwanted.keys()})
        if ignored:
            return Status.LEFT_ALONE, [
                Because(
                    f"{', '.join(ignored)}, which it needs, is not selected, or is ignored",
                    model.place.path,
                    model.place.line,
                    1,
                    "KM909",
                )
            ]
        if not stay:
            lines = sorted({line for group in groups & borders.keys() for line in borders[group]})
            places = [Because(_line(path, line, model.place.path), path, 0) for path, line in lines]
            return (Status.BORDERS if places else Status.DONE), places
        roots = {graph.root(n) for n, _ in stay} | classes
        reasons = [b for _, b in of_classes(self.pins, roots)]
        reasons += [
            replace_code(b, "no transpose is possible here", "KM907") for _, b in of_classes(self.impossible, roots)
        ]
        if not reasons:
            reasons = [
                Because(
                    "some of its channels-first layers cannot be reached by the change",
                    model.place.path,
                    model.place.line,
                    0,
                    "KM901",
                )
            ]
        asked = any(b.code == "KM903" for b in reasons)
        return (Status.ASKED if asked else Status.LEFT_ALONE), list(dict.fromkeys(reasons))[:MAX_REASONS]
