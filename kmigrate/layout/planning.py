"""From a solved layout graph to edits: sites, axis numbers and cut edges; then the report for each model."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from kmigrate.layout.axes import letters, moves, order_to_last
from kmigrate.layout.graph import Because, SoftEdge
from kmigrate.layout.interpret.machine import Interpreter
from kmigrate.layout.interpret.state import AxisUse, CannotEdit, Entry
from kmigrate.layout.values import Key, Model, Place
from kmigrate.plan import Diagnostic, Edit, ModelReport, Status

# How much of the graph may be looked through again and again: rounds times its size.
PLANNING_LIMIT = 1_000_000
MIN_ROUNDS = 20
EditKey = tuple[str, int, int, str, str]  # file, span, kind, codemod: one text, one change
Votes = dict[Key, list[tuple[tuple[int, ...], tuple[object, ...]]]]  # site -> for each context, nodes and new texts


class Planner:
    """Solves and collects; what cannot be written as text is pinned or tied, and solved again."""

    def __init__(self, run: Interpreter) -> None:
        self.run = run
        self.graph = run.graph
        self.edits: list[tuple[int, Edit]] = []  # with the class it belongs to
        self.cuts: list[tuple[int, Edit]] = []
        self.asked: dict[str, Diagnostic] = {}  # script -> what must be said of it before it can be converted
        self.settled: dict[str, str] = {}  # script -> why none of its models needs anything
        self.component: dict[int, int] | None = None
        self.touched: set[int] = set()  # components with a conflict in this round
        self.clean = True  # no conflict in this round

    def refuse_ambient(self, entry: Entry, why: Diagnostic) -> None:
        """Nothing that follows the unsaid ordering of a script may change."""
        self.asked[entry.source.path] = why
        because = Because(why.message, why.path, why.line, why.column, why.code)
        for node in (entry.implied.layers, entry.implied.loaders):
            self.graph.pin(node, because)

    def solve(self) -> None:
        self._models_that_leave()
        self._flatten_policy()
        graph = self.graph
        rounds = work = 0
        while rounds < MIN_ROUNDS or work < PLANNING_LIMIT:
            graph.solve()
            if self._collect():
                return
            rounds += 1
            work += len(graph.parent) + len(graph.sites) + len(graph.soft) + len(graph.pins) + len(self.run.axis_uses)
        self.edits, self.cuts = [], []
        graph.flipped = set()
        for node, goal in graph.goals:
            graph.pin(node, goal._replace(text="planning its change takes more steps than one run may", code="KM908"))

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
            if (
                not model.left
                and not model.fed
                and not fed & {root(n) for n in model.nodes}
                and self.run.known_outside(model)
            ):
                self.run.leave(model, "nothing in this file feeds this model; another one may", model.place.node)

    def _flatten_policy(self) -> None:
        """Features keep their order where anything but a Dense layer can know it (docs/design.md, 8)."""
        run = self.run
        for model in run.models:
            run.check_output(model)
        self.graph.settle()
        policy = run.known.flatten
        having: dict[int, list[Model]] = defaultdict(list)
        for model in run.models:
            for each in set(_within(model)):
                having[each].append(model)
        for flat, layer in run.flattens:
            models = having.get(id(layer), [])
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
        by_site: Votes = defaultdict(list)
        self.edits, self.cuts = [], []
        self.component, self.touched, self.clean = None, set(), True
        for site in graph.sites:
            try:
                made = site.make(graph.is_flipped)
            except CannotEdit as problem:
                self._pin_all(problem.nodes or site.nodes, problem.why, site.key)
                continue
            if any(self._locked(edit, site.nodes) for edit in made):
                continue
            if made and site.key in self.run.vetoes:
                self._pin_all(site.nodes, self.run.vetoes[site.key].text, site.key)
                continue
            for edit in made:
                votes[edit_key(edit)].append((site.nodes, edit))
            texts = tuple((edit_key(e), repr(sorted(e.args.items(), key=str))) for e in made)
            by_site[site.key].append((site.nodes, texts))
        self._agree(votes)
        self._agree_on_sites(by_site)
        self._axes()
        self._borders()
        if self.clean:
            self._outside_branches()
        return self.clean

    def _outside_branches(self) -> None:
        """In branches on the ordering nothing is edited where the other one is to run: its text would be wrong then."""
        for _, edit in (*self.edits, *self.cuts):
            for path, first, last, setting in self.run.both_ways:
                if path == edit.path and first <= edit.line <= last and self.graph.is_flipped(setting):
                    text = f"both branches on the ordering would have to change at line {edit.line}"
                    if self._conflict([setting]):
                        self.graph.pins.append((setting, Because(text, path, edit.line, edit.column, "KM902")))

    def _conflict(self, nodes: Iterable[int]) -> bool:
        """These nodes cannot be as they are. May that be mended in this round?

        Only where no other conflict of the same component was: mending that one may settle this one as well.
        """
        self.clean = False
        if self.component is None:
            self.component = self.components()
        mine = {self.component[self.graph.root(node)] for node in nodes}
        if mine & self.touched:
            return False
        self.touched |= mine
        return True

    def components(self) -> dict[int, int]:
        """Class -> component: classes that meet at a border or a site belong to one decision."""
        parent: dict[int, int] = {}

        def find(x: int) -> int:
            parent.setdefault(x, x)
            while parent[x] != x:
                parent[x] = parent[parent[x]]
                x = parent[x]
            return x

        graph = self.graph
        for edge in graph.soft:
            if moves(edge.ref.axes):
                parent[find(graph.root(edge.a))] = find(graph.root(edge.b))
        for site in graph.sites:
            for other in site.nodes[1:]:
                parent[find(graph.root(site.nodes[0]))] = find(graph.root(other))
        return {root: find(root) for root in {graph.root(n) for n in range(len(graph.parent))}}

    def _agree_on_sites(self, by_site: Votes) -> None:
        """One piece of source, several contexts: they must ask for the same text."""
        for key, asked in by_site.items():
            if len({texts for _, texts in asked}) > 1:
                kinds = {_codemods(texts) for _, texts in asked if texts}
                if len(kinds) > 1:
                    continue  # different edits of one node (a keyword and a border): not a conflict
                self._reconcile([nodes for nodes, _ in asked], key)

    def _agree(self, votes: dict[EditKey, list[tuple[tuple[int, ...], Edit]]]) -> None:
        for asked in votes.values():
            first = asked[0][1]
            if any(edit.args != first.args for _, edit in asked):
                self._reconcile([n for n, _ in asked], (first.path, first.line, first.column - 1, 0, 0))
            else:
                self.edits.append((asked[0][0][0], first))

    def _reconcile(self, nodes: Iterable[tuple[int, ...]], key: Key) -> None:
        """Contexts that share text flip together; where they already do and still differ, none flips."""
        flat = [group for group in nodes if group]
        if not self._conflict(node for group in flat for node in group):
            return
        roots = {tuple(self.graph.root(n) for n in group) for group in flat}
        if len(roots) > 1 and len({len(r) for r in roots}) == 1:
            for group in flat[1:]:
                for a, b in zip(flat[0], group, strict=True):
                    self.graph.tie(a, b)
            return
        for group in flat:
            for node in group:
                self._pin(node, "this text is used in ways that need different changes", key)

    def _locked(self, edit: Edit, nodes: Sequence[int]) -> bool:
        """An edit of a file, or a line, that must not be edited: what asks for it stays."""
        if self._forbidden(edit):
            self._pin_forbidden(edit, nodes)
            return True
        why = self.run.files.locks(edit.path)
        if why is None:
            return False
        text = f"`{edit.path}` would have to change at line {edit.line}, but {why}"
        for node in nodes if self._conflict(nodes) else ():
            self.graph.pins.append((node, Because(text, edit.path, edit.line, edit.column, "KM904")))
            self.run.locked_out.append(node)
        return True

    def _forbidden(self, edit: Edit) -> str:
        """What a comment on its lines has against an edit, in words."""
        ignore = self.run.files.ignored(edit)
        if ignore is None:
            return ""
        return f"{edit.code} would change line {edit.line}, and a comment at line {ignore.line} says to ignore that"

    def _pin_forbidden(self, edit: Edit, nodes: Sequence[int]) -> None:
        text = self._forbidden(edit)
        for node in nodes if self._conflict(nodes) else ():
            self.graph.pins.append((node, Because(text, edit.path, edit.line, edit.column, "KM909")))

    def _pin_all(self, nodes: Sequence[int], why: str, key: Key) -> None:
        for node in nodes if self._conflict(nodes) else ():
            self._pin(node, why, key)

    def _pin(self, node: int, why: str, key: Key) -> None:
        self.graph.pins.append((node, Because(why, key[0], key[1], key[2] + 1, "KM901")))

    # -- axis numbers --------------------------------------------------------------------------------------

    def _axes(self) -> None:
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
                place = vetoed[0].place
                self._pin_all([vetoed[0].node], run.vetoes[place.key].text, place.key)
                at_origin.add(key)
                continue
            if len(wanted) == 1 and run.loads.get(key, set()) <= readers | run.passed_on.get(key, set()):
                at_origin.add(key)
                use, old, new = uses[0]
                if old != new:
                    assert use.origin is not None
                    edit = self._axis_edit(use.origin, use, old, new)
                    if not self._locked(edit, [u.node for u, _, _ in uses]):
                        self.edits.append((use.node, edit))
        for key, uses in by_place.items():
            rest = [u for u in uses if u[0].origin is None or u[0].origin.key not in at_origin]
            if all(old == new for _, old, new in rest):
                continue
            wanted = {new for _, _, new in uses}
            if len(wanted) > 1:
                self._reconcile([(u.node,) for u, _, _ in uses], key)
                continue
            use, old, new = rest[0]
            if old != new and key in run.vetoes:
                self._pin_all([use.node], run.vetoes[key].text, key)
            elif old != new and key in run.spread:
                nodes = [other.node for other, _, _ in rest]
                self._pin_all(nodes, "this axis is one of several arguments given together", key)
            elif old != new:
                edit = self._axis_edit(use.place, use, old, new)
                if not self._locked(edit, [u.node for u, _, _ in rest]):
                    self.edits.append((use.node, edit))

    def _axis_edit(self, at: Place, use: AxisUse, old: int, new: int) -> Edit:
        reason = f"axis {old} to {new}: the array is {letters(use.ref.axes)}, for {self.graph.why(use.node)}"
        return self.run.edit(at, "axis_number", "KM103", {"value": new}, reason)

    # -- cut edges -----------------------------------------------------------------------------------------

    def _borders(self) -> None:
        """The transposes at cut edges. A statement that is run in several contexts is edited once, for all of them."""
        contexts: dict[tuple[object, ...], list[SoftEdge]] = defaultdict(list)
        for edge in self.graph.soft:
            contexts[edge.key].append(edge)
        marks: set[tuple[object, ...]] = set()
        for edges in contexts.values():
            self._border(edges, marks)

    def _border(self, edges: list[SoftEdge], marks: set[tuple[object, ...]]) -> None:
        graph = self.graph
        cut = [e for e in edges if moves(e.ref.axes) and graph.is_flipped(e.a) != graph.is_flipped(e.b)]
        if not cut:
            return
        ids = {id(e) for e in cut}
        whole = [e for e in edges if id(e) not in ids]
        still = next((e for e in whole if not moves(e.ref.axes)), None)
        if still is not None:  # the transpose would also meet a value that has no channel to move
            return self._no_border(cut, f"{cut[0].because.text}, which is no image in another call")
        if whole or len({graph.is_flipped(e.a) for e in cut}) > 1:
            if self._conflict(node for edge in edges for node in (edge.a, edge.b)):
                for edge in edges[1:]:
                    graph.tie(edges[0].a, edge.a)
                    graph.tie(edges[0].b, edge.b)
            return
        made: dict[tuple[object, ...], Edit] = {}
        for edge in cut:
            edits = edge.realise(graph.is_flipped(edge.a), edge.ref.axes or [])
            if edits is None:
                return self._no_border(cut, edge.because.text)
            for edit in edits:
                if forbidden := self._forbidden(edit):
                    return self._no_border(cut, f"{edge.because.text} would be transposed, but {forbidden}")
                if why := self.run.files.locks(edit.path):
                    return self._no_border(cut, f"{edge.because.text} would be transposed in `{edit.path}`, but {why}")
                made.setdefault((*edit_key(edit), repr(sorted(edit.args.items(), key=str))), edit)
        if len({edit_key(edit) for edit in made.values()}) < len(made):
            return self._no_border(cut, f"{cut[0].because.text} would be transposed in several ways")
        node = cut[0].b if graph.is_flipped(cut[0].b) else cut[0].a
        self.cuts += [(node, edit) for mark, edit in made.items() if mark not in marks]
        marks |= made.keys()

    def _no_border(self, edges: list[SoftEdge], why: str) -> None:
        """No transpose can stand at these edges: what they connect stays together."""
        if self._conflict(node for edge in edges for node in (edge.a, edge.b)):
            for edge in edges:
                self.graph.tie(edge.a, edge.b)
                self.graph.impossible.append((edge.a, edge.because._replace(text=why)))


def _within(model: Model) -> Iterator[int]:
    """The layers of a model and of those in it, by identity."""
    for item in model.layers:
        yield id(item)
        if isinstance(item, Model):
            yield from _within(item)


def replace_code(because: Because, text: str, code: str) -> Because:
    return because._replace(text=f"{because.text}: {text}", code=code)


def edit_key(edit: Edit) -> EditKey:
    return (edit.path, edit.start, edit.end, edit.kind, edit.codemod)


def _codemods(texts: tuple[object, ...]) -> str:
    return ",".join(str(t[0][4]) for t in texts if isinstance(t, tuple))
