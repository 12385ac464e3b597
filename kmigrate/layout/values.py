"""What the abstract interpreter computes with. Everything not listed here is `Unknown`, never a guess."""

from __future__ import annotations

import ast
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kmigrate.layout.dims import Dim
from kmigrate.layout.graph import AxesRef

if TYPE_CHECKING:
    from kmigrate.keras_api.names import Api
    from kmigrate.keras_api.signatures import Bound
    from kmigrate.layout.axes import Axis
    from kmigrate.layout.graph import Because


Key = tuple[str, int, int, int, int]  # a file and a span in it
birth = itertools.count(1).__next__  # which of two objects that can change was made first


class Value:
    """Base of all abstract values."""

    __slots__ = ()


@dataclass(eq=False)
class Place:
    """An expression or statement of the program, and how deep in loops it stands."""

    path: str
    node: ast.AST
    loops: int = 0
    once: bool = False  # a display that its module evaluates once

    @property
    def key(self) -> Key:
        node: Any = self.node
        return (self.path, node.lineno, node.col_offset, node.end_lineno, node.end_col_offset)

    @property
    def line(self) -> int:
        return self.node.lineno  # type: ignore[attr-defined]


@dataclass(eq=False)
class Unknown(Value):
    """Not understood. Used as an array, it becomes one whose layout stays (``array``)."""

    why: str
    place: Place | None = None
    array: Array | None = None
    definitions: list[tuple[Place, str]] = field(default_factory=list)
    cls: Class | None = None  # of an instance of a class over a library's
    file: bool = False  # it comes as it is from a file of weights
    made: tuple[Any, ...] | None = None  # names the one evaluation that gives it, where there is only one


@dataclass(eq=False)
class Const(Value):
    """A literal; ``origin`` is where it is written, which is what gets edited."""

    value: Any
    origin: Place | None = None
    node: int | None = None  # the layout site, where the literal is used as a layout setting


@dataclass(eq=False)
class SymInt(Value):
    """An integer that is not known as a number."""

    dim: Dim
    by_use: bool = False  # nothing but its use as a size says so: where it is not used, it may be None or a list


@dataclass(eq=False)
class OrderingName(Value):
    """The ambient setting read as a string; ``node`` flips when the setting does."""

    name: str  # 'th' | 'tf' | 'channels_first' | 'channels_last'
    node: int


@dataclass(eq=False)
class OrderingTest(Value):
    """A comparison of an ordering: its truth before; after a flip of ``node`` the opposite."""

    truth: bool
    node: int


@dataclass(eq=False)
class Pair(Value):
    """A value that depends on the ordering: ``now``, and ``after`` once ``node`` has flipped."""

    now: Value
    after: Value
    node: int


@dataclass(eq=False)
class Seq(Value):
    """A tuple or list. As a shape, each item has an axis and the node that says whether it moves."""

    kind: str  # 'tuple' | 'list'
    items: list[Value]
    place: Place | None = None  # the display it was written as
    axes: list[Axis] | None = None
    nodes: list[int] | None = None
    fixed: bool = True  # False: a list that grew in a loop, its length is not known
    born: int = field(default_factory=birth)


@dataclass(eq=False)
class Dict(Value):
    items: dict[Any, Value]
    maybe: set[Any] = field(default_factory=set)  # keys that may be missing
    open: Value | None = None  # what stands under keys that are not known
    born: int = field(default_factory=birth)

    @property
    def values(self) -> list[Value]:
        return [*self.items.values(), *([] if self.open is None else [self.open])]


@dataclass(eq=False)
class Array(Value):
    """An array or symbolic tensor. ``derivation`` names how it was made, to compare two branches."""

    node: int
    ref: AxesRef
    kind: str = "numpy"  # 'numpy' | 'tensor' (between Keras layers) | 'graph' (backend expressions)
    place: Place | None = None
    derivation: tuple[Any, ...] | None = None
    maker: Layer | Model | None = None  # the layer, or the model, whose call made a tensor
    sources: tuple[Array, ...] = ()  # the tensors it was made from
    doubtful: bool = False  # nothing but its use says that it is an array at all
    inlet: Inlet | None = None  # of the input of a model: how the program reads it
    inner: Array | None = None  # of the input of a model: what layers take
    reads: tuple[Place, ...] = ()  # of the input of a model: the expressions that it came through

    @property
    def axes(self) -> list[Axis] | None:
        return self.ref.axes


@dataclass(eq=False)
class Inlet:
    """One ``Input`` in the source: behind it a Permute layer may stand, if all that reads it can go through it."""

    place: Place  # the call that makes it
    statement: ast.stmt | None
    tensors: list[Array] = field(default_factory=list)  # one for each context that it is made in
    taken: list[tuple[Place, ...]] = field(default_factory=list)  # the reads that led to each layer behind it
    loose: set[Array] = field(default_factory=set)  # values of reads that nothing but a layer was seen to take
    followers: dict[int, set[int]] = field(default_factory=dict)  # expression -> those that read what it gives
    broken: bool = False  # it is read in a way in which no layer can stand


@dataclass(eq=False)
class Module(Value):
    """An imported module, class or function outside the project, by its dotted name."""

    dotted: str


@dataclass(eq=False)
class ProjectModule(Value):
    """A module of the project, with the names that running it leaves; ``why`` where it cannot be run."""

    path: str
    scope: Scope
    why: str = ""


@dataclass(eq=False)
class Function(Value):
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    scope: Scope
    path: str
    defaults: list[Value | None] = field(default_factory=list)
    kw_defaults: list[Value | None] = field(default_factory=list)
    decorated: bool = False
    cls: Class | None = None  # whose method it is


@dataclass(eq=False)
class Class(Value):
    node: ast.ClassDef
    scope: Scope
    path: str
    bases: list[Value]
    members: dict[str, Value]
    born: int = field(default_factory=birth)


@dataclass(eq=False)
class Instance(Value):
    cls: Class
    attributes: dict[str, Value] = field(default_factory=dict)
    calls: list[tuple[Array, Array]] = field(default_factory=list)  # of a layer: what went in, and what came out
    model: Model | None = None  # of a subclass of Keras' Model
    born: int = field(default_factory=birth)


@dataclass(eq=False)
class Method(Value):
    """``owner.name``, to be called."""

    owner: Value
    name: str
    function: Value | None = None


@dataclass(eq=False)
class Parent(Value):
    """``super()``: the object, looked at as one of the classes above ``cls``."""

    owner: Value
    cls: Class


@dataclass(eq=False)
class Choice(Value):
    """One of several things that can be called or have attributes: what it does, any of them may do."""

    options: list[Value]


@dataclass(eq=False)
class Partial(Value):
    """``functools.partial(function, ...)``."""

    function: Value
    positional: list[tuple[Value, ast.expr]]
    keywords: dict[str, tuple[Value, ast.expr]]


@dataclass(eq=False)
class Layer(Value):
    """A Keras layer object with its evaluated arguments and the ambient setting when it was made."""

    api: Api
    bound: Bound
    values: dict[str, tuple[Value, ast.expr]]  # by Keras 3 parameter name
    place: Place
    ambient: Ambient
    callee: ast.expr
    inner: Value | None = None  # what a wrapper (TimeDistributed) wraps
    setting: int | None = None  # the node of its layout, once it was applied
    calls: list[tuple[Value, Array]] = field(default_factory=list)  # what it was applied to, and what came out
    name: str | None = None  # as the program gives it
    born: int = field(default_factory=birth)


@dataclass(eq=False)
class Model(Value):
    """A Keras model under construction or built."""

    kind: str  # 'Sequential' | 'Model'
    place: Place
    name: str = ""
    inputs: list[Value] = field(default_factory=list)
    outputs: list[Value] = field(default_factory=list)
    layers: list[Value] = field(default_factory=list)  # layers, and models that stand for one
    counted: bool = True  # is that all of them, in their order?
    nodes: list[int] = field(default_factory=list)  # of all tensors in it
    observed: list[str] = field(default_factory=list)  # why the order of its features matters to others
    flattens: list[tuple[int, list[Axis]]] = field(default_factory=list)
    indexed: bool = False  # its layers are counted, or taken by numbers that are not known: none may be inserted
    taken: list[tuple[Value, bool]] = field(default_factory=list)  # layers taken by number, and whether from behind
    loads: list[tuple[Place, str]] = field(default_factory=list)  # where weights are loaded, and from which file
    unknown: str = ""  # why its inputs or outputs are not known
    entry: str = ""  # the script that makes it
    fed: bool = False  # does this program give it data?
    born: int = field(default_factory=birth)
    edges: list[tuple[Array, Array]] = field(default_factory=list)  # what callers see, and what the layers see
    top: Array | None = None  # of a Sequential model: what its next layer takes
    left: list[Because] = field(default_factory=list)  # why callers that are not seen may use it
    saved: list[Place] = field(default_factory=list)  # where it is saved whole


@dataclass(eq=False)
class LayerList(Value):
    """``model.layers`` as it is now; an input stands for its own layer."""

    model: Model
    items: list[Value]
    known: frozenset[int] | None  # the indices that are known to be right (None: all)


@dataclass(eq=False)
class NameOf(Value):
    """The name that Keras gives to a layer, or an input, without one. As a key it is the layer itself."""

    layer: Layer | Array


@dataclass(eq=False)
class Weights(Value):
    """The weights of some layers."""

    layers: list[Value]
    why: str


@dataclass(eq=False)
class Fetch(Value):
    """``K.function(inputs, outputs)``."""

    inputs: list[Value]
    outputs: Value


@dataclass(eq=False)
class Estimator(Value):
    """``KerasClassifier(build)``: a model that is built when it is fitted."""

    build: Function
    model: Model | None = None


@dataclass(eq=False)
class Batches(Value):
    """A generator or iterator that yields batches."""

    item: Value


@dataclass(eq=False)
class Tool(Value):
    """A library object with a layout of its own, e.g. ImageDataGenerator."""

    name: str
    node: int
    first: bool


@dataclass(eq=False)
class Ambient:
    """The layout that a layer without its own setting uses, and the nodes that flip with it."""

    first: bool
    layers: int
    loaders: int
    implied: bool  # nothing in the program says it
    place: Place | None = None


class Scope:
    """Names of one function, class or module, and where to look further."""

    __slots__ = ("born", "globals_", "names", "nonlocals", "parent")

    def __init__(self, parent: Scope | None = None) -> None:
        self.born = birth()
        self.names: dict[str, Value] = {}
        self.parent = parent
        self.globals_: set[str] = set()
        self.nonlocals: set[str] = set()

    def home(self, name: str) -> Scope:
        """The scope that an assignment to ``name`` here changes."""
        if name in self.globals_:
            return self.module()
        if name in self.nonlocals:
            scope = self.parent
            while scope is not None:
                if name in scope.names:
                    return scope
                scope = scope.parent
        return self

    def module(self) -> Scope:
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope

    def lookup(self, name: str) -> Value | None:
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.parent
        return None
