"""What one run of the interpreter knows and collects, and the small steps that all its parts share."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from kmigrate.layout.axes import (
    Axes,
    Axis,
    channel_at,
    inverse,
    letters,
    moves,
    order_to_last,
)
from kmigrate.layout.dims import Dim, named
from kmigrate.layout.files import Files, Source
from kmigrate.layout.graph import AxesRef, Because, LayoutGraph, Site, SoftEdge
from kmigrate.layout.interpret.heap import Frame, Heap
from kmigrate.layout.outside import Outside, Shape
from kmigrate.layout.values import (
    Ambient,
    Array,
    Batches,
    Choice,
    Const,
    Dict,
    Estimator,
    Fetch,
    Function,
    Instance,
    Key,
    Layer,
    LayerList,
    Method,
    Model,
    OrderingName,
    OrderingTest,
    Pair,
    Parent,
    Partial,
    Place,
    ProjectModule,
    Scope,
    Seq,
    SymInt,
    Unknown,
    Value,
    Weights,
)
from kmigrate.plan import Diagnostic, Edit

Result = TypeVar("Result")

DEFINITION, USE, BEFORE_FLATTEN, AFTER_LOOP, SHAPE_USE = 4.0, 5.0, 6.0, 4.5, 7.0
EDGE = 300.0  # a Permute layer at the edge of a model runs in each step: only where no array can be transposed
WORK_LIMIT = 400_000
MAX_SCRIPTS = 4  # a program of several scripts may take so many times the work of one
COPIES = 16  # names or items that can be copied at the cost of one step
DEPTH_LIMIT = 40
RECURSIONS = 4  # calls of a function within itself that are followed where nothing known ends them


_MAPS = re.compile(r"(depthwise_|separable_|atrous_|de)?(conv|pool)[123]d(_transpose)?$")
GIVEN_AWAY = "given away"
SIZE = "size"  # read from a shape


# What an array of unknown rank turned out to be, by its place (a Key) and the calls that led there.
Hints = dict[tuple[Any, ...], list[tuple[str | None, Dim | None]]]
PLACE = 5  # items of a Key


def top_of_script(number: int) -> tuple[int, ...]:
    """The context of the code at the top of one of several scripts."""
    return (-1_000_000_000_000 - number,) if number else ()


class WorkLimit(Exception):
    """The program needs more steps than one run may take."""


class CannotEdit(Exception):
    """A site has no text for what the solution asks of it: its nodes must stay."""

    def __init__(self, nodes: Sequence[int], why: str) -> None:
        super().__init__(why)
        self.nodes = nodes
        self.why = why


class AxisUse(NamedTuple):
    """An integer that names an axis: after a flip of ``node`` it must name the same axis."""

    place: Place  # the expression that is consumed
    origin: Place | None  # the literal it comes from
    node: int
    ref: AxesRef
    axis: int  # normalised, counted before
    negative: bool
    guards: tuple[int, ...] = ()


class Event(NamedTuple):
    """One thing that the program does with arrays, to compare the program before and after."""

    what: str
    marked: list[Axis]  # the axes that it works on
    node: int
    ref: AxesRef
    place: Place

    @property
    def line(self) -> int:
        return self.place.line


@dataclass
class Knowledge:
    """What a run starts from: choices of the user, and what an earlier run found out."""

    # By entry script: the ambient layout where nothing in the program says it, and why.
    first: dict[str, bool] = field(default_factory=dict)
    ordering_why: dict[str, str] = field(default_factory=dict)
    separate_loaders: bool = False  # layers get their own setting, the ambient stays
    setter_misses_layers: bool = False  # a setter in the program reaches no layer (up to Keras 1.0.6)
    cifar_follows: bool = True  # cifar10.load_data() follows the ambient setting (from Keras 1.1)
    version_is_3: bool = False  # 1-D layers follow the ambient setting
    version: Any = None
    hints: Hints = field(default_factory=dict)
    numbers: frozenset[tuple[Any, ...]] = frozenset()  # evaluations whose results are used as sizes
    flatten: str = "auto"
    model_inputs: str = "keep"
    trial: bool = False  # only to see whether the program is right under either ordering
    # The sizes of the arrays from outside (which keep their layout), as a run of the old program found them.
    shapes: dict[str, list[Shape]] = field(default_factory=dict)


@dataclass(eq=False)
class Entry:
    """One script that is run, with the modules that it loads; each run has its own ambient setting."""

    source: Source
    implied: Ambient  # the setting where nothing in the program says it
    used: bool = False  # does a layer follow it?
    stated: bool | None = None  # is it channels-first, as the program asserts without setting it?
    ambients: list[Ambient] = field(default_factory=list)  # those that the program sets
    uses_ambient: list[Place] = field(default_factory=list)
    inputs_seen: list[tuple[Array, Seq, ast.AST]] = field(default_factory=list)
    made: list[Function] = field(default_factory=list)  # all functions, to look at those that nothing calls
    loaded: dict[str, ProjectModule] = field(default_factory=dict)
    reads: list[Place] = field(default_factory=list)  # where the setting is read; for a module, where it is imported
    last: Ambient | None = None  # the setting where the script ends
    unread: list[Because] = field(default_factory=list)  # modules that may use Keras and cannot be run
    has_first: bool = False  # did it make a layer that is channels-first?


class State(Heap):
    """Base of the interpreter: its data and the helpers that need no other part of it."""

    def __init__(self, files: Files, knowledge: Knowledge) -> None:
        self.files = files
        self.hinted_layouts: list[tuple[str, int, str, Array]] = []  # file, which `layout=` of it, axes, the array
        self.source = files.entries[0]
        self.known = knowledge
        self.graph = LayoutGraph()
        self.axis_uses: list[AxisUse] = []
        self.definitions: dict[tuple[Key, str, Entry], list[tuple[int, int, AxesRef]]] = {}
        self.displays: dict[Key, tuple[list[Axis], int]] = {}  # shapes that modules say once
        self.loads: dict[Key, set[Key]] = {}
        self.dotted: dict[ast.expr, str] = {}
        self.models: list[Model] = []
        self.notes: list[Diagnostic] = []
        self.events: list[Event] = []
        self.unbound: dict[tuple[Any, ...], AxesRef] = {}
        self.loops = 0
        self.steps = 0
        self.limit = WORK_LIMIT
        self.context: tuple[int, ...] = ()  # the calls that led here
        self.outermost: tuple[int, ...] = ()  # what it is at the top of the script that is being run
        self.statement: ast.stmt | None = None
        self.frames: list[Frame] = []
        self.fed_nodes: set[int] = set()  # tensors that the program gives data, other than through a model
        self.scope = Scope()
        self.setting_sites: dict[Key, int] = {}
        self.entries: list[Entry] = [self._entry(source) for source in files.entries]
        self.entry = self.entries[0]
        self.ambient = self.entry.implied
        self.layers_made: list[Layer] = []
        self.visited: set[int] = set()  # statements that were run, by identity
        self.skipped: list[tuple[str, list[ast.stmt]]] = []  # branches that do not run as the constants stand
        self.hinted = _by_place(knowledge.hints)
        self.sizes: dict[tuple[Any, ...], Unknown] = {}  # what is not known and used as a size
        self.spread: set[Key] = set()  # expressions that stand for several values (*args, **kwargs, a list's name)
        self.vetoes: dict[Key, Because] = {}  # text that is not understood in one of its contexts
        self.outside = Outside()
        self.exits: list[list[dict[str, Value]]] = []  # for each loop being run, the names at its breaks
        self.alternate: tuple[int, ...] = ()  # settings that have flipped in the branch being looked at
        self.guards: tuple[int, ...] = ()  # settings whose flip means that this branch runs no more
        self.walled: tuple[int, ...] = ()  # settings whose branches are written alike here: no edit suits both
        self.both_ways: list[tuple[str, int, int, int]] = []  # file, first and last line of branches, their setting
        self.passed_on: dict[Key, set[Key]] = {}
        self.heeded: dict[tuple[int, tuple[object, ...]], Value] = {}
        self.unfollowed_maps: list[Place] = []  # calls that are convolutions by their name, and are not understood
        self.poisoned: Because | None = None  # code that may read or set any name

    def _entry(self, source: Source) -> Entry:
        """The start of one program: nothing has set an ordering yet."""
        layers = self.graph.node()
        loaders = self.graph.node() if self.known.separate_loaders else layers
        if self.known.separate_loaders:
            self.graph.pin(loaders, Because("the ambient setting stays", source.path, 0, code="KM107"))
        return Entry(source, Ambient(self.known.first.get(source.path, True), layers, loaders, implied=True))

    def reads_ambient(self, at: ast.AST | Place) -> None:
        """The setting is read here: a statement that sets it must come before."""
        if not self.graph.muted:
            self.entry.reads.append(self.place(self.importing or at))

    importing: ast.stmt | None = None  # the script's import that is being run

    # -- places and messages ------------------------------------------------------------------

    def place(self, node: ast.AST | Place) -> Place:
        """Where a node stands; one that was made up stands in the file that is being run."""
        if isinstance(node, Place):
            return node
        return Place(getattr(node, "file", self.source.path), node, self.loops)

    def because(self, text: str, node: ast.AST | Place, code: str = "KM901") -> Because:
        place = self.place(node)
        at: Any = place.node
        return Because(text, place.path, at.lineno, at.col_offset + 1, code)

    def note(self, node: ast.AST, code: str, message: str) -> None:
        if not self.graph.muted:
            at: Any = node
            self.notes.append(Diagnostic(self.place(node).path, at.lineno, at.col_offset + 1, code, message))

    def step(self, count: int = 1) -> None:
        """Count work. Raises WorkLimit once it is more than a run may do."""
        self.steps += count
        if self.steps > self.limit:
            raise WorkLimit

    def more_work(self) -> None:
        """A script begins: it may do as much as if it were alone, up to a limit for all of them."""
        self.limit = min(self.steps + WORK_LIMIT, MAX_SCRIPTS * WORK_LIMIT)

    def name_of(self, dim: str, node: ast.AST) -> Dim:
        """A fresh unknown size, named by where it arises."""
        at: Any = node
        return named(f"{dim}@{self.source.index}:{at.lineno}:{at.col_offset}:{self.context}")

    def snapshot(self) -> dict[str, Value]:
        """The names as they are now."""
        self.step(len(self.scope.names) // COPIES)
        return dict(self.scope.names)

    # -- edits ----------------------------------------------------------------------------------

    def edit(
        self,
        at: ast.AST | Place,
        codemod: str,
        code: str,
        args: dict[str, Any],
        reason: str,
        kind: str | None = None,
        neutral: bool = False,
    ) -> Edit:
        """Raises CannotEdit for a call that is not written in the program."""
        place = self.place(at)
        node: Any = place.node
        if getattr(node, "made_up", False):
            raise CannotEdit([], f"`{short(node)}` is called by a library")
        source = self.files.sources[place.path]
        assert source is not None
        start, end = source.lines.span(node)
        return Edit(
            place.path, start, end, kind or type(node).__name__, codemod, args, reason, code,
            node.lineno, node.col_offset + 1, neutral=neutral,
        )  # fmt: skip

    def permutation(self, from_last: bool, axes: Axes) -> list[int] | None:
        """The transpose that turns channels-last into what was before, or the other way round."""
        if channel_at(axes) is None:
            return None
        order = order_to_last(axes)
        return inverse(order) if from_last else order

    def wrap(self, expr: ast.expr, what: str) -> Any:
        """How a soft edge is realised at an expression: a transpose around it."""

        def realise(flipped: bool, axes: list[Axis]) -> list[Edit] | None:
            perm = self.permutation(flipped, axes)
            if perm is None or self.no_argument(expr):
                return None
            reason = f"{what} is {letters(axes)} and stays so; transposed here"
            if flipped:
                reason = f"{what} must stay {letters(axes)}; transposed back here"
            args = {"action": "insert", "perm": perm, "numpy": self.numpy_name(expr)}
            return [self.edit(expr, "transpose", "KM105", args, reason)]

        return realise

    def after(self, stmt: ast.stmt, name: str) -> Any:
        """How a soft edge is realised behind a statement: ``name = name.transpose(...)``."""

        def realise(flipped: bool, axes: list[Axis]) -> list[Edit] | None:
            perm = self.permutation(flipped, axes)
            if perm is None:
                return None
            args = {"action": "after", "name": name, "perm": perm, "numpy": self.numpy_name(stmt)}
            reason = f"`{name}` is {letters(axes)} up to here; transposed once behind this statement"
            return [self.edit(stmt, "transpose", "KM105", args, reason, kind="stmt")]

        return realise

    def tree_of(self, node: ast.AST) -> ast.Module:
        """The file that a node is of."""
        source = self.files.sources[self.place(node).path]
        assert source is not None
        return source.tree

    def numpy_name(self, at: ast.AST) -> str | None:
        """The name under which numpy is imported at module level in the file of ``at``."""
        for stmt in self.tree_of(at).body:
            if isinstance(stmt, ast.Import):
                for alias in stmt.names:
                    if alias.name == "numpy":
                        return alias.asname or "numpy"
        return None

    # -- arrays -----------------------------------------------------------------------------------

    def new_array(
        self,
        axes: Axes | None,
        place: Place,
        node: int | None = None,
        kind: str = "numpy",
        derivation: tuple[Any, ...] | None = None,
    ) -> Array:
        ref = AxesRef(axes)
        if axes is None:
            self.hint(ref, place)
        node = self.graph.node() if node is None else node
        return Array(node, ref, kind, place, derivation)

    def hint(self, ref: AxesRef, place: Place) -> None:
        """Axes that an earlier run found out; else remember to tell the next run."""
        key = (*place.key, *self.context)
        found = self.known.hints.get(key) or self.hinted.get(place.key)
        if found:
            ref.bind([Axis(label, size) for label, size in found])
        if not self.graph.muted:
            self.unbound[key] = ref

    def rank_hint(self, node: ast.AST) -> int | None:
        """How many axes the value of ``node`` has, as its uses told an earlier run."""
        found = self.known.hints.get((*self.place(node).key, *self.context))
        return None if found is None else len(found)

    def unknown(self, why: str, place: Place) -> Unknown | SymInt:
        """What is not known; a number, where an earlier run saw that it is used as a size."""
        return self.perhaps_number(Unknown(why, place))

    def perhaps_number(self, value: Unknown) -> Unknown | SymInt:
        if value.place is None or self.loops or value.array is not None:
            return value
        value.made = (*value.place.key, *self.context)
        if value.made in self.known.numbers:
            return SymInt(self.name_of("number", value.place.node), by_use=True)
        return value

    def size_of(self, value: Value) -> Dim | None:
        """The size that an item of a shape, or a number of filters, says."""
        if isinstance(value, Unknown) and value.made is not None and not self.graph.muted:
            self.sizes[value.made] = value
        return dim_of(value)

    def used_as_sizes(self) -> frozenset[tuple[Any, ...]]:
        """Evaluations whose results are sizes, and were not seen to be arrays."""
        return self.known.numbers | {made for made, value in self.sizes.items() if value.array is None}

    def bind_rank(self, array: Array, rank: int) -> None:
        if array.axes is None and rank > 0 and not self.graph.muted:
            array.ref.bind([Axis() for _ in range(rank)])

    def source_array(self, place: Place, why: str, axes: Axes | None = None) -> Array:
        """An array whose layout is not ours to choose (a file, an unknown call)."""
        array = self.new_array(axes, place)
        self.graph.pin(array.node, self.because(why, place, "KM105"))
        if not self.graph.muted:
            shape = self.outside.shape_of_next(place, self.known.shapes)
            if array.axes is None and shape:
                array.ref.bind([Axis(size=size) for size in shape])
            self.outside.add(place, array.ref)
        return array

    def as_array(self, value: Value, expr: ast.AST) -> Array | None:
        """The value as an array, or None where it is a number, a string, ..."""
        if isinstance(value, Array):
            return value
        if isinstance(value, Weights):
            self.weights_leave(value, expr)
        if isinstance(value, Unknown):
            if value.array is None:
                place = value.place or self.place(expr)
                array = self.source_array(place, value.why)
                array.doubtful = True
                for stmt_place, name in value.definitions:
                    array = self.redefine(array, stmt_place, name)
                value.array = array
            return value.array
        if isinstance(value, Seq) and value.items and all(isinstance(i, Const | SymInt) for i in value.items):
            return self.new_array([Axis(size=Dim(len(value.items)))], self.place(expr))
        return None

    def redefine(self, array: Array, place: Place, name: str) -> Array:
        """The array under a new name: the statement at ``place`` may transpose it."""
        if array.kind != "numpy":
            return array
        new = Array(self.graph.node(), array.ref, array.kind, array.place, array.derivation, doubtful=array.doubtful)
        stmt = place.node
        assert isinstance(stmt, ast.stmt)
        if isinstance(stmt, ast.Assign) and len(stmt.targets) == 1 and isinstance(stmt.targets[0], ast.Name):
            realise = self.wrap(stmt.value, f"`{name}`")
        else:
            realise = self.after(stmt, name)
        cost = DEFINITION * 10**place.loops
        self.soft(array.node, new.node, cost, array.ref, realise, f"`{name}`", place)
        self.share(place, name, array.node, new.node, array.ref)
        return new

    def share(self, place: Place, name: str, a: int, b: int, ref: AxesRef) -> None:
        """One statement that a script runs in several contexts is edited once: they agree from the start.

        Scripts that share a module agree only where an edit is wanted (`Planner._border`): else one that is
        left alone would hold the others.
        """
        if self.graph.muted:
            return
        others = self.definitions.setdefault((place.key, name, self.entry), [])

        def rule() -> None:
            for x, y, other in others[:1]:
                if x != a and moves(other.axes) and moves(ref.axes):
                    self.graph.tie(a, x)
                    self.graph.tie(b, y)

        others.append((a, b, ref))
        self.later(rule)

    def soft(self, a: int, b: int, cost: float, ref: AxesRef, realise: Any, what: str, place: Place) -> None:
        key = (*place.key, what)
        if self.guards or self.walled:  # no transpose may be put into a branch on the ordering
            self.graph.tie(a, b)
            return
        self.graph.connect(SoftEdge(a, b, cost, ref, self._here(realise), what, self.because(what, place), key))

    def _here(self, action: Callable[..., Result]) -> Callable[..., Result]:
        """``action``, which runs later, as in the file and the branch on the ordering that it stands in now."""
        source, guards, walled = self.source, self.guards, self.walled

        def here(*args: Any) -> Result:
            outer = self.source, self.guards, self.walled
            self.source, self.guards, self.walled = source, guards, walled
            try:
                return action(*args)
            finally:
                self.source, self.guards, self.walled = outer

        return here

    def later(self, rule: Callable[[], None]) -> None:
        """Run ``rule`` when all roles are known."""
        self.graph.later(self._here(rule))

    def consume(self, array: Array, expr: ast.expr, what: str) -> Array:
        """The array as it reaches a consumer: it may be transposed on the way."""
        if array.kind != "numpy" or self.no_argument(expr):
            return array
        used = Array(self.graph.node(), array.ref, array.kind, array.place, array.derivation, doubtful=array.doubtful)
        cost = USE * 10**self.loops
        self.soft(array.node, used.node, cost, array.ref, self.wrap(expr, what), what, self.place(expr))
        self.share(self.place(expr), "use", array.node, used.node, array.ref)
        return used

    def no_argument(self, expr: ast.AST) -> bool:
        """Nothing can be put around it: ``*args`` or ``**kwargs`` stand for several, a target is stored to."""
        if isinstance(expr, ast.Starred) or isinstance(getattr(expr, "ctx", None), ast.Store | ast.Del):
            return True
        if getattr(expr, "made_up", False):
            return True
        return self.place(expr).key in self.spread

    def read_unseen(self, value: Value, expr: ast.expr) -> None:
        """The value is read where nobody sees what for: a number must stay as it is written."""
        if isinstance(value, Const) and value.origin is not None:
            self.loads.setdefault(value.origin.key, set()).add(self.place(expr).key)

    def leak(self, value: Value, expr: ast.expr, why: str, seen: set[int] | None = None) -> None:
        """The value reaches code that is not understood: what that code gets must not change."""
        seen = set() if seen is None else seen
        if not isinstance(value, Array | Unknown):  # one array may be given twice, at two places
            if id(value) in seen:
                return
            seen.add(id(value))
        if isinstance(value, Array):
            used = self.consume(value, expr, f"`{short(expr)}`")
            self.graph.pin(used.node, self.because(why, expr))
            self.event(GIVEN_AWAY, used, expr)
        elif isinstance(value, Unknown):
            array = self.as_array(value, expr) if value.definitions else value.array
            if array is not None:
                self.leak(array, expr, why, seen)
        elif isinstance(value, Pair | OrderingName | OrderingTest | Const):
            self.told_ordering(value, expr, why)
            self.read_unseen(value, expr)
            if isinstance(value, Pair):
                self.leak(value.now, expr, why, seen)
        elif isinstance(value, Seq):
            if len(value.items) > 1 and all(isinstance(i, Const | SymInt) for i in value.items):
                self.as_shape(value, expr)  # it may be read as a shape elsewhere: what is given away stays
            for node in value.nodes or ():
                self.graph.pin(node, self.because(why, expr))
            for item, element in zip(value.items, self.elements(value, expr), strict=True):
                self.leak(item, element, why, seen)
        elif isinstance(value, Dict):
            self.spread.add(self.place(expr).key)
            for item in value.values:
                self.leak(item, expr, why, seen)
        elif isinstance(value, Choice):
            for option in value.options:
                self.leak(option, expr, why, seen)
        elif isinstance(value, Partial):
            self.leak(value.function, expr, why, seen)
            for item, _ in (*value.positional, *value.keywords.values()):
                self.spread.add(self.place(expr).key)
                self.leak(item, expr, why, seen)
        elif isinstance(value, Parent):
            self.leak(value.owner, expr, why, seen)
        elif isinstance(value, Estimator):
            self.leak(value.build, expr, why, seen)
            if value.model is not None:
                self.leak(value.model, expr, why, seen)
        elif isinstance(value, LayerList):
            value.model.indexed = True
            for item in value.items:
                self.leak(item, expr, why, seen)
        elif isinstance(value, Weights):
            self.weights_leave(value, expr)
        elif isinstance(value, Fetch):
            for item in (*value.inputs, value.outputs):
                self.leak(item, expr, why, seen)
        elif isinstance(value, Batches):
            self.spread.add(self.place(expr).key)
            self.leak(value.item, expr, why, seen)
        elif isinstance(value, Instance):
            self.spread.add(self.place(expr).key)
            for item in list(value.attributes.values()):
                self.leak(item, expr, why, seen)
        elif isinstance(value, Model):
            self.leave(value, f"the model is given to {why}", expr)
        elif isinstance(value, Method):
            if isinstance(expr, ast.Attribute) and expr.attr == value.name:
                self.leak(value.owner, expr.value, why, seen)
            else:
                self.spread.add(self.place(expr).key)
                self.leak(value.owner, expr, why, seen)
            if value.function is not None:
                self.leak(value.function, expr, why, seen)
        elif isinstance(value, Function):
            self.given_away(value)
        elif isinstance(value, Layer):
            self.layer_strange(value, why, expr)

    def told_ordering(self, value: Value, expr: ast.expr, why: str) -> None:
        """Code that is not understood gets to know the ordering."""
        raise NotImplementedError

    def layer_strange(self, layer: Value, why: str, at: ast.AST) -> None:
        """The layer reaches code that is not understood."""
        raise NotImplementedError

    def weights_leave(self, weights: Weights, at: ast.AST) -> None:
        """Weights reach code that is not understood."""
        raise NotImplementedError

    def elements(self, value: Seq, expr: ast.expr) -> list[ast.expr]:
        """The expression of each item; where they are not written here, ``expr`` stands for all of them."""
        written = expr.elts if isinstance(expr, ast.Tuple | ast.List) else []
        if len(written) == len(value.items) and not any(isinstance(e, ast.Starred) for e in written):
            return list(written)
        self.spread.add(self.place(expr).key)
        return [expr] * len(value.items)

    def stays(self, node: int, why: str, at: ast.AST) -> None:
        self.graph.pin(node, self.because(why, at))

    def unwritten(self, nodes: list[int] | None, at: ast.AST) -> None:
        for node in nodes or ():
            self.stays(node, "this shape is changed item by item", at)

    def veto(self, node: ast.AST, why: str) -> None:
        """Not understood in this context: no other context that shares the text of ``node`` may change it."""
        if self.graph.muted:
            return
        parts: list[ast.AST] = []
        if isinstance(node, ast.Call):
            parts = [*node.args, *(k.value for k in node.keywords)]
        elif isinstance(node, ast.Subscript):
            parts = [node.slice]
        parts += [e for part in parts if isinstance(part, ast.Tuple | ast.List) for e in part.elts]
        because = self.because(why, node)
        for part in (node, *(p for p in parts if isinstance(p, ast.Constant | ast.UnaryOp | ast.Name | ast.Attribute))):
            self.vetoes.setdefault(self.place(part).key, because)

    def given_away(self, function: Function) -> None:
        """Code that is not understood may call it."""
        raise NotImplementedError

    def leave(self, model: Model, why: str, expr: ast.AST) -> None:
        """The model reaches code that cannot be seen: it keeps its contract, unless the user lets go of it."""
        model.observed.append(why)
        because = self.because(why, expr, "KM906")
        model.left.append(because)
        if self.known.model_inputs == "keep":
            for tensor in (*model.inputs, *model.outputs):
                if isinstance(tensor, Array):
                    self.graph.pin(tensor.node, because)

    def taken_apart(self, model: Model, because: Because) -> None:
        """What happens to the model reaches into it: no layer may be added, and what flows through it stays."""
        model.observed.append(because.text)
        for tensor in (*model.inputs, *model.outputs, *(t for edge in model.edges for t in edge)):
            if isinstance(tensor, Array):
                self.graph.pin(tensor.node, because)

    def opaque(self, values: Iterable[tuple[Value, ast.expr]], node: ast.expr, why: str) -> Value:
        """An operation that is not understood: its operands stay as they are, and so does its result."""
        if not self.graph.muted and _MAPS.match(called(node)):
            self.unfollowed_maps.append(self.place(node))
        self.veto(node, why)
        values = list(values)
        kind = None
        for value, expr in values:
            if isinstance(value, Model) and _by_number(values, node):
                self.taken_apart(value, self.because(f"{why} may take layers by number", expr, "KM906"))
            self.leak(value, expr, why)
            for item in value.items if isinstance(value, Seq) else [value]:
                if isinstance(item, Array) and item.kind != "numpy":
                    kind = item.kind
        if kind:
            tensor = self.new_array(None, self.place(node), kind=kind)
            self.graph.pin(tensor.node, self.because(why, node))
            return tensor
        return Unknown(why, self.place(node))

    def goal(self, node: int, because: Because) -> None:
        """A channels-first layer of this script."""
        if not self.graph.muted:
            self.entry.has_first = True
            self.graph.goal(node, because)

    def event(self, what: str, array: Array, node: ast.AST, marked: Iterable[Axis] = ()) -> None:
        if not self.graph.muted:
            self.events.append(Event(what, list(marked), array.node, array.ref, self.place(node)))

    def as_shape(self, value: Value, expr: ast.AST) -> Seq | None:
        raise NotImplementedError

    # -- axis numbers ------------------------------------------------------------------------------

    def axis_use(self, expr: ast.expr, value: Value, node: int, ref: AxesRef, index: int) -> None:
        """``value`` (written at ``expr``) names the axis ``index`` of an array at ``node``."""
        if self.graph.muted:
            return
        if isinstance(value, Pair):
            self._paired_axis(expr, value, node, ref, index)
            return
        origin = value.origin if isinstance(value, Const) else None
        negative = isinstance(value, Const) and isinstance(value.value, int) and value.value < 0
        self.axis_uses.append(AxisUse(self.place(expr), origin, node, ref, index, negative, self.guards))

    def _paired_axis(self, expr: ast.expr, value: Pair, node: int, ref: AxesRef, index: int) -> None:
        def rule() -> None:
            axes = ref.axes
            after = value.after.value if isinstance(value.after, Const) else None
            if axes is None or not isinstance(after, int):
                self.graph.pin(value.node, self.because("an axis depends on the ordering", expr))
                return
            new = order_to_last(axes).index(index)
            if not -len(axes) <= after < len(axes):
                text = f"the other ordering would use axis {after} of {letters(axes)}"
                self.graph.pin(value.node, self.because(text, expr, "KM902"))
                return
            if moves(axes):
                self.graph.tie(node, value.node)
            elif after % len(axes) != index:
                self.graph.pin(value.node, self.because(f"axis {after} on {letters(axes)}", expr))
                return
            if after % len(axes) != new:
                text = f"the other ordering would use axis {after} of {letters(axes)}, not the same axis"
                self.graph.pin(value.node, self.because(text, expr, "KM902"))

        self.later(rule)

    def site(self, nodes: Sequence[int], at: ast.AST | Place, make: Any, cost: float = 1.0) -> None:
        """``make`` says what the source at ``at`` becomes, once it is known which nodes flip."""
        self.graph.site(Site(tuple(nodes), self.place(at).key, self._here(self.guarded(make)), cost))

    def guarded(self, make: Any) -> Any:
        """In a branch on the ordering: no edits once the other branch is the one that runs."""
        guards = self.guards
        if not guards:
            return make

        def guarded(flipped: Callable[[int], bool]) -> list[Edit]:
            return [] if any(flipped(g) for g in guards) else make(flipped)

        return guarded


def dim_of(value: Value) -> Dim | None:
    if isinstance(value, Const) and isinstance(value.value, int) and value.value >= 0:
        return Dim(value.value)
    return value.dim if isinstance(value, SymInt) else None


def _by_place(hints: dict[tuple[Any, ...], Any]) -> dict[tuple[Any, ...], Any]:
    """What is known of the arrays of each place, where all contexts agree (None: they do not)."""
    found: dict[tuple[Any, ...], Any] = {}
    for key, axes in hints.items():
        labels = [label for label, _ in axes]
        known = found.setdefault(key[:PLACE], axes)
        if known is not None and [label for label, _ in known] != labels:
            found[key[:PLACE]] = None
    return found


def called(node: ast.AST) -> str:
    """The last name of the function that a call calls."""
    function = node.func if isinstance(node, ast.Call) else None
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _by_number(values: Sequence[tuple[Value, ast.expr]], node: ast.AST) -> bool:
    """Is a call given a number by position, or something that it calls a layer?"""
    if not isinstance(node, ast.Call):
        return False
    numbers = {id(expr) for value, expr in values if isinstance(value, Const) and type(value.value) is int}
    return any(id(arg) in numbers for arg in node.args) or any("layer" in (k.arg or "") for k in node.keywords)


def short(node: ast.AST, limit: int = 40) -> str:
    """An expression as text for a message. Its node keeps the text: most messages are made again and again."""
    known: dict[int, str] = node.__dict__.setdefault("short", {})
    if limit not in known:
        text = ast.unparse(node)
        known[limit] = text if len(text) <= limit else text[: limit - 3] + "..."
    return known[limit]
