"""From a solved layout graph to edits: sites, axis numbers and cut edges; then the report for each model."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from kmigrate.layout.axes import letters, moves, order_to_last
from kmigrate.layout.graph import Because, SoftEdge
from kmigrate.layout.interpret.machine import Interpreter
from kmigrate.layout.interpret.state import AxisUse, CannotEdit, Entry
from kmigrate.layout.values import Key, Layer, Model, Place
from kmigrate.plan import Diagnostic, Edit, ModelReport, Status

MAX_ROUNDS = 20
EditKey = tuple[str, int, int, str, str]  # file, span, kind, codemod: one text, one change


class Planner:
    """Solves and collects; what cannot be written as text is pinned or tied, and solved again."""

    def __init__(self, run: Interpreter) -> None:
        self.run = run
        self.graph = run.graph
        self.edits: list[tuple[int, Edit]] = []  # with the class it belongs to
        self.cuts: list[tuple[int, Edit]] = []
        self.asked: dict[str, Diagnostic] = {}  # script -> what must be said of it before it can be converted
        self.settled: dict[str, str] = {}  # script -> why none of its models needs anything
        self.by_site: dict[Key, list[tuple[tuple[int, ...], tuple[object, ...]]]] = {}

    def refuse_ambient(self, entry: Entry, why: Diagnostic) -> None:
        """Nothing that follows the unsaid ordering of a script may change."""
        self.asked[entry.source.path] = why
        because = Because(why.message, why.path, why.line, why.column, why.code)
        for node in (entry.implied.layers, entry.implied.loaders):
            self.graph.pin(node, because)

    def solve(self) -> None:
        self._models_that_leave()
        self._flatten_policy()
        for _ in range(MAX_ROUNDS):
            self.graph.solve()
            if self._collect():
                return
        self.edits, self.cuts = [], []
        self.graph.flipped = set()

    def flips_without_edits(self) -> bool:
        """Can every channels-first layer flip as the source stands, apart from the setting itself?"""
        self.graph.solve()
        flips = all(self.graph.is_flipped(node) for node, _ in self.graph.goals)
        return flips and self._collect() and not self.edits and not self.cuts

    def without_change(self) -> list[ModelReport]:
        """Every model needs nothing, for the reason that its script is settled."""
        places = {m.place.key: m for m in self.run.models}
        return [
            ModelReport(m.name or m.kind, m.place.path, m.place.line, Status.NOTHING, (self.settled[m.entry],))
            for m in places.values()
        ]

    def _models_that_leave(self) -> None:
        """A model that nothing here feeds is fed elsewhere: its contract is not ours to change (docs/design.md, 8)."""
        root = self.graph.root
        fed = {root(n) for m in self.run.models if m.fed for n in m.nodes} | {root(n) for n in self.run.fed_nodes}
        for model in self.run.models:
            if not model.fed and not fed & {root(n) for n in model.nodes}:
                self.run.leave(model, "nothing in this file feeds this model; another one may", model.place.node)

    def _flatten_policy(self) -> None:
        """Features keep their order where anything but a Dense layer can know it (docs/design.md, 8)."""
        run = self.run
        for model in run.models:
            run.check_output(model)
        self.graph.settle()
        policy = run.known.flatten
        for flat, layer in run.flattens:
            models = [m for m in run.models if _holds(m, layer)]
            observed = [why for m in models for why in m.observed]
            if not models:
                observed = ["it is part of no model that is known here"]
            if policy == "permute" or (policy == "auto" and observed):
                why = observed[0] if observed else "--flatten permute"
                text = f"the order of the features is kept, for {why}"
                if run.flatten_unclear(layer):
                    text = "whether this Flatten moves the channels itself depends on the version: say --source-keras"
                    for source in flat.sources:
                        self.graph.pin(source.node, run.because(text, layer.place, "KM903"))
                self.graph.pin(flat.node, run.because(text, layer.place, "KM153"))

    # -- collecting -------------------------------------------------------------------------------------

    def _collect(self) -> bool:
        """All edits of the present solution; False where something had to be changed in the graph."""
        graph = self.graph
        votes: dict[EditKey, list[tuple[tuple[int, ...], Edit]]] = defaultdict(list)
        self.edits, self.cuts = [], []
        for site in graph.sites:
            try:
                made = site.make(graph.is_flipped)
            except CannotEdit as problem:
                for node in problem.nodes or site.nodes:
                    self._pin(node, problem.why, site.key)
                return False
            if any(self._locked(edit, site.nodes) for edit in made):
                return False
            if made and site.key in self.run.vetoes:
                for node in site.nodes:
                    self._pin(node, self.run.vetoes[site.key].text, site.key)
                return False
            for edit in made:
                votes[edit_key(edit)].append((site.nodes, edit))
            self._same_site(site.key, site.nodes, made)
        if not self._agree(votes) or not self._agree_on_sites() or not self._axes():
            return False
        return self._borders() and self._outside_branches()

    def _outside_branches(self) -> bool:
        """In branches on the ordering nothing is edited where the other one is to run: its text would be wrong then."""
        for _, edit in (*self.edits, *self.cuts):
            for path, first, last, setting in self.run.both_ways:
                if path == edit.path and first <= edit.line <= last and self.graph.is_flipped(setting):
                    text = f"both branches on the ordering would have to change at line {edit.line}"
                    self.graph.pins.append((setting, Because(text, path, edit.line, edit.column, "KM902")))
                    return False
        return True

    def _same_site(self, key: Key, nodes: tuple[int, ...], made: Sequence[Edit]) -> None:
        self.by_site.setdefault(key, []).append(
            (nodes, tuple((edit_key(e), repr(sorted(e.args.items(), key=str))) for e in made))
        )

    def _agree_on_sites(self) -> bool:
        """One piece of source, several contexts: they must ask for the same text."""
        for key, asked in self.by_site.items():
            if len({texts for _, texts in asked}) > 1:
                kinds = {_codemods(texts) for _, texts in asked if texts}
                if len(kinds) > 1:
                    continue  # different edits of one node (a keyword and a border): not a conflict
                self._reconcile([nodes for nodes, _ in asked], key)
                self.by_site = {}
                return False
        self.by_site = {}
        return True

    def _agree(self, votes: dict[EditKey, list[tuple[tuple[int, ...], Edit]]]) -> bool:
        for asked in votes.values():
            first = asked[0][1]
            if any(edit.args != first.args for _, edit in asked):
                self._reconcile([n for n, _ in asked], (first.path, first.line, first.column - 1, 0, 0))
                return False
            self.edits.append((asked[0][0][0], first))
        return True

    def _reconcile(self, nodes: Iterable[tuple[int, ...]], key: Key) -> None:
        """Contexts that share text flip together; where they already do and still differ, none flips."""
        flat = [group for group in nodes if group]
        roots = {tuple(self.graph.root(n) for n in group) for group in flat}
        if len(roots) > 1 and len({len(r) for r in roots}) == 1:
            for group in flat[1:]:
                for a, b in zip(flat[0], group, strict=True):
                    self.graph.tie(a, b)
            return
        for group in flat:
            for node in group:
                self._pin(node, "this text is used in ways that need different changes", key)

    def _locked(self, edit: Edit, nodes: Iterable[int]) -> bool:
        """An edit of a file that must not be edited: what asks for it stays."""
        why = self.run.files.locks(edit.path)
        if why is None:
            return False
        text = f"`{edit.path}` would have to change at line {edit.line}, but {why}"
        for node in nodes:
            self.graph.pins.append((node, Because(text, edit.path, edit.line, edit.column, "KM904")))
        return True

    def _pin(self, node: int, why: str, key: Key) -> None:
        self.graph.pins.append((node, Because(why, key[0], key[1], key[2] + 1, "KM901")))

    # -- axis numbers --------------------------------------------------------------------------------------

    def _axes(self) -> bool:
        """Axis numbers are edited where they are written, if all that reads them agrees; else where they are used."""
        run = self.run
        by_place: dict[Key, list[tuple[AxisUse, int, int]]] = defaultdict(list)
        for use in run.axis_uses:
            axes = use.ref.axes
            if axes is None:
                continue
            new = use.axis
            if any(self.graph.is_flipped(g) for g in use.guards):
                continue
            if self.graph.is_flipped(use.node) and moves(axes):
                new = order_to_last(axes).index(use.axis)
            old = use.axis - len(axes) if use.negative else use.axis
            new = new - len(axes) if use.negative else new
            by_place[use.place.key].append((use, old, new))
        by_origin: dict[Key, list[tuple[AxisUse, int, int]]] = defaultdict(list)
        for uses in by_place.values():
            for item in uses:
                if item[0].origin is not None:
                    by_origin[item[0].origin.key].append(item)
        at_origin: set[Key] = set()
        for key, uses in by_origin.items():
            readers = {u.place.key for u, _, _ in uses} | {key}
            wanted = {new for _, _, new in uses}
            vetoed = [u for u, old, new in uses if old != new and u.place.key in run.vetoes]
            if vetoed:
                self._pin(vetoed[0].node, run.vetoes[vetoed[0].place.key].text, vetoed[0].place.key)
                return False
            if len(wanted) == 1 and run.loads.get(key, set()) <= readers | run.passed_on.get(key, set()):
                at_origin.add(key)
                use, old, new = uses[0]
                if old != new:
                    assert use.origin is not None
                    edit = self._axis_edit(use.origin, use, old, new)
                    if self._locked(edit, [u.node for u, _, _ in uses]):
                        return False
                    self.edits.append((use.node, edit))
        for key, uses in by_place.items():
            rest = [u for u in uses if u[0].origin is None or u[0].origin.key not in at_origin]
            if not rest:
                continue
            wanted = {new for _, _, new in uses}
            if len(wanted) > 1:
                self._reconcile([(u.node,) for u, _, _ in uses], key)
                return False
            use, old, new = rest[0]
            if old != new and key in run.vetoes:
                self._pin(use.node, run.vetoes[key].text, key)
                return False
            if old != new and key in run.spread:
                for other, _, _ in rest:
                    self._pin(other.node, "this axis is one of several arguments given together", key)
                return False
            if old != new:
                edit = self._axis_edit(use.place, use, old, new)
                if self._locked(edit, [u.node for u, _, _ in rest]):
                    return False
                self.edits.append((use.node, edit))
        return True

    def _axis_edit(self, at: Place, use: AxisUse, old: int, new: int) -> Edit:
        reason = f"axis {old} to {new}: the array is {letters(use.ref.axes)}, for {self.graph.why(use.node)}"
        return self.run.edit(at, "axis_number", "KM103", {"value": new}, reason)

    # -- cut edges -----------------------------------------------------------------------------------------

    def _borders(self) -> bool:
        """The transposes at cut edges. A statement that is run in several contexts is edited once, for all of them."""
        contexts: dict[tuple[object, ...], list[SoftEdge]] = defaultdict(list)
        for edge in self.graph.soft:
            contexts[edge.key].append(edge)
        return all(self._border(edges) for edges in contexts.values())

    def _border(self, edges: list[SoftEdge]) -> bool:
        graph = self.graph
        cut = [e for e in edges if moves(e.ref.axes) and graph.is_flipped(e.a) != graph.is_flipped(e.b)]
        if not cut:
            return True
        whole = [e for e in edges if e not in cut]
        still = next((e for e in whole if not moves(e.ref.axes)), None)
        if still is not None:  # the transpose would also meet a value that has no channel to move
            return self._no_border(cut, f"{cut[0].because.text}, which is no image in another call")
        if whole or len({graph.is_flipped(e.a) for e in cut}) > 1:
            for edge in edges[1:]:
                graph.tie(edges[0].a, edge.a)
                graph.tie(edges[0].b, edge.b)
            return False
        made: dict[tuple[object, ...], Edit] = {}
        for edge in cut:
            edits = edge.realise(graph.is_flipped(edge.a), edge.ref.axes or [])
            if edits is None:
                return self._no_border(cut, edge.because.text)
            for edit in edits:
                if why := self.run.files.locks(edit.path):
                    return self._no_border(cut, f"{edge.because.text} would be transposed in `{edit.path}`, but {why}")
                made.setdefault((*edit_key(edit), repr(sorted(edit.args.items(), key=str))), edit)
        if len({edit_key(edit) for edit in made.values()}) < len(made):
            return self._no_border(cut, f"{cut[0].because.text} would be transposed in several ways")
        known = {(*edit_key(edit), repr(sorted(edit.args.items(), key=str))) for _, edit in self.cuts}
        node = cut[0].b if graph.is_flipped(cut[0].b) else cut[0].a
        self.cuts += [(node, edit) for mark, edit in made.items() if mark not in known]
        return True

    def _no_border(self, edges: list[SoftEdge], why: str) -> bool:
        """No transpose can stand at these edges: what they connect stays together."""
        for edge in edges:
            self.graph.tie(edge.a, edge.b)
            self.graph.impossible.append((edge.a, edge.because._replace(text=why)))
        return False


def _holds(model: Model, layer: Layer) -> bool:
    return any(i is layer or (isinstance(i, Model) and _holds(i, layer)) for i in model.layers)


def replace_code(because: Because, text: str, code: str) -> Because:
    return because._replace(text=f"{because.text}: {text}", code=code)


def edit_key(edit: Edit) -> EditKey:
    return (edit.path, edit.start, edit.end, edit.kind, edit.codemod)


def _codemods(texts: tuple[object, ...]) -> str:
    return ",".join(str(t[0][4]) for t in texts if isinstance(t, tuple))
