"""Source-to-source port of a Keras 1 or 2 script to Keras 3: same layout, same numerics.

The tables are in port_layers, port_training and port_backend; this module resolves the calls, lets the
rules change their drafts, and turns the result into edits. What is not understood is a `PortProblem`:
a program with problems is not the same program, and must not be taken for it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from kmigrate.keras_api import (
    double_star,
    names,
    port_backend,
    port_layers,
    port_training,
    signatures,
    tables,
    versions,
)
from kmigrate.keras_api.draft import Draft, incomplete_groups
from kmigrate.keras_api.names import Api
from kmigrate.keras_api.port_imports import BY_MODULE, Imports, of_keras
from kmigrate.keras_api.receivers import Receivers
from kmigrate.keras_api.versions import Version
from kmigrate.plan import Edit
from kmigrate.syntax import Lines


class PortProblem(NamedTuple):
    """Something that is not ported, or (as a note) ported with other numerics."""

    line: int
    column: int
    message: str


@dataclass
class Port:
    """The port of one file.

    With ``problems`` it is not the same program. ``notes`` say what differs in value. ``old`` is a piece of
    the file that Keras 3 does not take, which shows that it is no program for Keras 3 already.
    """

    source: str
    old: str = ""
    edits: list[Edit] = field(default_factory=list)
    problems: list[PortProblem] = field(default_factory=list)
    notes: list[PortProblem] = field(default_factory=list)

    def text(self) -> str:
        """The ported source. Raises RewriteError as `kmigrate.rewriting.apply` does."""
        from kmigrate.rewriting import apply

        return apply(self.source, self.edits)


def port(
    text: str,
    tree: ast.Module,
    dotted: Mapping[ast.expr, str],
    version: Version,
    ordering: str,
    *,
    path: str = "",
    state_ordering: bool = True,
    numerics: str = "default",
    sets_first: bool = False,
) -> Port:
    """Port one file.

    ``dotted`` names the imported Names and Attributes of ``tree``; ``version`` is the Keras that the
    program is for; ``ordering`` is 'th' or 'tf', what layers without a setting of their own had there.
    ``state_ordering`` writes that down where the file never says it (for the program's entry file only).
    ``sets_first``: another file of the program may set the ordering to 'th'.
    ``numerics='exact'`` brings the old optimizer formulas along as small classes.
    """
    if ordering not in ("th", "tf"):
        raise ValueError(f"the ordering is 'th' or 'tf', not {ordering!r}")
    result = Port(text)
    if version < (3,):
        context = Context(result, tree, dotted, version, ordering, path, state_ordering, numerics)
        context.first_possible |= sets_first
        context.run()
    return result


# Calls whose positional order is that of an older version (docs/facts.md, sections 4.3 and 6).
def _bound_as(api: Api, call: ast.Call, version: Version) -> tuple[int, Version]:
    if api.key == "optimizers.Adam" and signatures.means_old_position(api, call.args):
        return 2, (2, 3, 1)  # amsgrad
    if api.key == "callbacks.EarlyStopping" and version < (1, 1, 1):
        return 1, (1, 0, 5)
    if api.key.startswith("backend.") and api.key.endswith("crossentropy") and version < (2, 0, 7):
        return 1, (1, 2, 2)
    return (1 if version < (2,) else 2), version


_LAYER_BASES = ("Layer", "Wrapper", "Recurrent", "ConvRecurrent2D")
# Modules of which today's TensorFlow still has what Keras 3 dropped.
_IN_TENSORFLOW = ("keras.preprocessing.image", "keras.preprocessing.text", "keras.preprocessing.sequence")
_NAME_IN_TEMPLATE = re.compile(r"\b(ops|keras)\.|\b(keras1_\w+|Keras1\w+)")

# Arguments of layers and optimizers that Keras 3 lacks, or takes in another sense.
_OLD_WORDS = frozenset(("lr", "decay", "nb_filter", "border_mode", "subsample", "init", "dim_ordering", "output_dim"))

_SETTERS = ("set_image_data_format",)


class Context:
    """The port of one file under way; rules use its public methods."""

    def __init__(
        self,
        result: Port,
        tree: ast.Module,
        dotted: Mapping[ast.expr, str],
        version: Version,
        ordering: str,
        path: str,
        state_ordering: bool,
        numerics: str,
    ) -> None:
        self.result = result
        self.tree = tree
        self.version = version
        self.ordering = ordering
        self.numerics = numerics
        self._path = path
        self._state_ordering = state_ordering
        self._lines = Lines(result.source)
        self._dotted = dotted
        self._apis = {node: api for node, path in dotted.items() if (api := names.resolve(path)) is not None}
        self._parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
        self.taken = _names_in(tree)
        self._keras_is_bound = any(
            isinstance(node, ast.Name) and node.id == "keras" and not isinstance(node.ctx, ast.Load)
            for node in ast.walk(tree)
        )
        self.helpers_used: set[str] = set()
        self.needed: dict[tuple[str, str], str] = {}  # (module, name) -> name in this file
        self.needs_keras = False
        self._targets: dict[ast.expr, tuple[str, str]] = {}  # callee -> what it becomes
        self._gone: set[ast.expr] = set()  # callees inside a call that is replaced whole
        self.stated: str | None = None  # the statement that says the ordering
        self._brought = dict(self._brought_in())
        self._stars = {
            names.module(node.module)
            for node in tree.body
            if isinstance(node, ast.ImportFrom) and node.module and node.names[0].name == "*" and not node.level
        }
        self.first_possible = ordering == "th" or self._sets_first()
        self.generator_format = self._generator_format()
        self.saves_weights = any(
            isinstance(node, ast.Attribute) and node.attr == "save_weights" for node in ast.walk(tree)
        ) or any(api.name == "ModelCheckpoint" for api in self._apis.values())

    # --- what rules use

    def problem(self, node: ast.AST, message: str) -> None:
        self.result.problems.append(_at(node, message))

    def note(self, node: ast.AST, message: str) -> None:
        self.result.notes.append(_at(node, message))

    def shows_age(self, node: ast.AST) -> None:
        """Something is spelled as Keras 3 does not take it."""
        self.result.old = self.result.old or f"line {node.lineno}: {ast.unparse(node)}"  # type: ignore[attr-defined]

    def helper(self, name: str) -> str:
        """The name of a helper's function, which the program then has."""
        if name in self.taken:
            self.problem(self.tree.body[0], f"the file has a {name} of its own")
        self.helpers_used.add(name)
        self.keras()
        return name

    def keras(self) -> str:
        """The name of the package in this file."""
        if self._keras_is_bound:
            self.problem(self.tree.body[0], "keras is something else than the package in this file")
        self.needs_keras = True
        return "keras"

    def name(self, module: str, name: str) -> str:
        """An expression for a name of Keras 3 that this file may not have yet."""
        if not module:
            return name
        if module in BY_MODULE:
            return f"{self._needs('keras', module.rpartition('.')[2])}.{name}"
        return self._needs(module, name)

    def names_in(self, template: str) -> str:
        """Provide the names ``ops``, ``keras`` and those of helpers that a template uses."""

        def provided(found: re.Match[str]) -> str:
            if found[1] == "ops":
                return self._needs("keras", "ops") + "."
            return f"{self.keras()}." if found[1] else self.helper(found[2])

        return _NAME_IN_TEMPLATE.sub(provided, template)

    def expression(self, node: ast.expr, module: str, name: str) -> str:
        """How to write a name of Keras 3 in the place of ``node``: from the same root, if it has one."""
        root = _root(node)
        held = names.module(self._dotted.get(root, "")) if isinstance(node, ast.Attribute) else None
        if held is not None and f"{module}.{name}".startswith(held + "."):
            assert isinstance(root, ast.Name)
            return root.id + f"{module}.{name}"[len(held) :]
        return self.name(module, name)

    def keras3(self, draft: Draft) -> Api:
        """What the callee is in Keras 3."""
        return Api(draft.module, draft.name, draft.name, "keras")

    def translate(self, draft: Draft) -> None:
        """dim_ordering -> data_format."""
        port_layers.translated(draft)

    def parent(self, node: ast.AST) -> ast.AST | None:
        """What a node stands in."""
        return self._parents.get(node)

    def assigns_variables(self, call: ast.Call) -> bool:
        """Is a variable made in a class, or may something in the file assign to it?"""
        above = self._parents.get(call)
        while above is not None and not isinstance(above, ast.ClassDef):
            above = self._parents.get(above)
        setters = (
            "set_value",
            "update",
            "update_add",
            "update_sub",
            "assign",
            "batch_set_value",
            "moving_average_update",
        )
        return above is not None or any(isinstance(n, ast.Attribute) and n.attr in setters for n in ast.walk(self.tree))

    def is_plain(self, node: ast.expr) -> bool:
        """Does the port leave an expression as it is written?"""
        return not any(part in self._dotted for part in ast.walk(node))

    @property
    def trains(self) -> bool:
        """Does the file train a model itself?"""
        methods = ("fit", "fit_generator", "train_on_batch")
        return any(isinstance(node, ast.Attribute) and node.attr in methods for node in ast.walk(self.tree))

    def compared(self, call: ast.Call) -> bool:
        """Translate the strings that the ordering is compared with; False if it is used otherwise."""
        parent = self._parents.get(call)
        constants = port_backend.compares_ordering(parent, call) if isinstance(parent, ast.Compare) else []
        for constant in constants:
            self.edit(constant, "Constant", {"value": port_layers.ORDERINGS[str(constant.value)]}, "KM301")
        return bool(constants)

    # --- the run

    def run(self) -> None:
        self._foreign()
        if not any(of_keras(node) for node in ast.walk(self.tree)):
            return
        self._receivers = Receivers(self.tree, self._apis, self._dotted)
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                self._call(node)
            elif isinstance(node, ast.ClassDef):
                self._class(node)
            elif isinstance(node, ast.Attribute):
                self._attribute(node)
        imports = Imports(self)
        self._rename(imports)
        self._state()
        imports.write()
        self.result.problems.sort()
        self.result.notes.sort()

    def _call(self, call: ast.Call) -> None:
        api = self._apis.get(call.func)
        rule: Callable[[Draft, Context], None] | None
        if api is not None:
            if api.flavour != "keras":
                return
            rule = _rule(api)
        elif isinstance(call.func, ast.Attribute):
            found = self._method(call.func)
            if found is None:
                return
            api, rule = found
        else:
            return
        generation, version = _bound_as(api, call, self.version)
        bound = signatures.bind(api, call, generation, version)
        draft = Draft(api, call, bound)
        if not self._bindable(draft):
            return
        if rule is not None:
            rule(draft, self)
        if "." not in api.name or api.module in ("keras.datasets", "keras.applications"):
            self._targets[call.func] = (draft.module, draft.name)
        if draft.spelled_as_before():
            self.shows_age(call)
        args = draft.edits()
        if args is None:
            return
        if draft.template is not None and "__call__" not in draft.template:
            self._gone.add(call.func)
        self.edit(call, "Call", args, "KM302")

    def _bindable(self, draft: Draft) -> bool:
        bound, call = draft.bound, draft.call
        what = draft.api.spelled
        for name in [*bound.unknown, *incomplete_groups(bound)]:
            self.problem(call, f"{what}({name}=) is not known")
        if bound.extra:
            self.problem(call, f"{what} takes fewer positional arguments")
        if any(isinstance(arg, ast.Starred) for arg in call.args):
            self.problem(call, f"the arguments of {what} in *args are not known")
            return False
        checked = self.version < (2,) or draft.api.module == "keras.optimizers"  # Keras 3 takes decay and drops it
        for word in call.keywords if checked else ():
            if word.arg is None and not self._harmless(word.value, call, draft.api):
                self.problem(call, f"the arguments of {what} in ** are not known")
        return not bound.extra

    def _harmless(self, value: ast.expr, call: ast.Call, api: Api) -> bool:
        """Are all arguments that ``**value`` may hold the same in Keras 3?"""
        words = double_star.words(self.tree, self._parents, value, call)
        known = signatures.parameters(api, "keras_3") or ()
        same = {one.name for one in known} | {"name", "trainable", "input_shape"}
        return words is not None and words <= same and all(signatures.renamed(api, w) == w for w in words)

    def _method(self, func: ast.Attribute) -> tuple[Api, Callable[[Draft, Context], None] | None] | None:
        kind = self._receivers.kind(func.value)
        if kind == "ImageDataGenerator":
            if func.attr in ("flow", "flow_from_directory", "fit"):
                return names.method(kind, func.attr), None
            return None
        if kind is None and "model" in (_last_name(func.value) or "").lower():
            kind = "Model"
        if kind in (None, "other") or func.attr not in port_training.METHODS:
            return None
        return names.method(kind, func.attr), port_training.METHODS[func.attr]

    def _class(self, node: ast.ClassDef) -> None:
        """A layer of the program's own: Keras 2 renamed one method, and weights are made by add_weight."""
        bases = [api for base in node.bases if (api := self._apis.get(base)) is not None]
        self._base_arguments(node, bases)
        if not any(api.module == "keras.layers" and api.flavour == "keras" for api in bases) or self.version >= (2,):
            return
        why = _not_portable(node)
        if why or any(api.name != "Layer" for api in bases):
            what = why or f"a subclass of {bases[0].name}"
            self.problem(node, f"the layer {node.name} is written for Keras 1 and is not ported: {what}")
            return
        for method in node.body:
            if isinstance(method, ast.FunctionDef) and method.name == "get_output_shape_for":
                alias = "compute_output_shape = get_output_shape_for"
                self.edit(method, "stmt", {"where": "after", "text": alias}, "KM301")

    def _base_arguments(self, node: ast.ClassDef, bases: list[Api]) -> None:
        """What a class hands to the constructor of a layer or optimizer by position may mean something else."""
        if not any(a.module in ("keras.layers", "keras.optimizers") and a.name not in _LAYER_BASES for a in bases):
            return
        for call in ast.walk(node):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "__init__":
                own = not isinstance(call.func.value, ast.Call)  # Conv2D.__init__(self, ...)
                made = ast.copy_location(ast.Call(call.func, call.args[own:], call.keywords), call)
                if any(Draft(a, made, signatures.bind(a, made, 2, self.version)).spelled_as_before() for a in bases):
                    self.shows_age(call)
                words = {word.arg for word in call.keywords} & _OLD_WORDS
                if len(call.args) - own > 1 or words:
                    self.problem(call, f"the arguments of {node.name}'s base class are not ported")

    def _attribute(self, node: ast.Attribute) -> None:
        if node in self._dotted:
            return
        if node.attr == "_keras_shape":
            self.shows_age(node)
            self.edit(node, "Attribute", {"attr": "shape"}, "KM301")
        elif node.attr == "lr" and isinstance(node.value, ast.Attribute) and node.value.attr == "optimizer":
            self.edit(node, "Attribute", {"attr": "learning_rate"}, "KM301")
        elif node.attr == "input" and (text := first_input(node)) is not None and self.is_plain(node):
            self.edit(node, "Attribute", {"text": text}, "KM301")
        elif node.attr in ("output_shape", "input_shape") and not self._receivers.kind(node.value):
            if self._is_layer(node.value):
                self.problem(node, f"Keras 3's layers have no {node.attr}")

    def _is_layer(self, node: ast.expr) -> bool:
        """`model.layers[3]`, `model.get_layer('x')`."""
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute):
            return node.value.attr == "layers"
        return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get_layer"

    def _foreign(self) -> None:
        """TensorFlow's own Keras runs on tf_keras as it is; the port is for the other one."""
        flavours = {api.flavour: node for node, api in self._apis.items() if api.flavour != "keras"}
        for flavour, node in flavours.items():
            self.problem(node, f"{flavour} is not ported")

    # --- names

    def target(self, api: Api) -> tuple[str, str] | None:
        """Where Keras 3 has a name that is used as it is, or None."""
        if api.flavour != "keras":
            return None
        module, name = api.module, api.name
        if module == "keras.backend":
            return port_backend.reference(name)
        if module == "keras.layers":
            name = port_layers.RENAMED.get(name, name)
        if "." in name:  # keras.datasets.mnist.load_data
            sub, _, last = name.rpartition(".")
            return f"{module}.{sub}", last
        if tables.signature("keras_3", f"{module[6:]}.{name}") is not None:
            return module, name
        if module in _IN_TENSORFLOW and _tensorflow_has(module, name):
            return f"tensorflow.{module}", name
        if module in ("keras.applications", "keras.ops", "keras.random", "keras.optimizers.schedules"):
            return module, name
        return None

    def target_of(self, node: ast.expr, api: Api) -> tuple[str, str] | None:
        """What a use of a name becomes: as its call's rule says, else the same thing."""
        chosen = self._targets.get(node)
        if chosen is None or chosen == (api.module, api.name):
            return self.target(api)
        return chosen

    def uses(self, path: str) -> list[tuple[ast.Name, Api]]:
        """The plain names that stand for an imported path and are still there after the port."""
        return [
            (node, api)
            for node, api in self._apis.items()
            if isinstance(node, ast.Name) and self._dotted[node] == path and node not in self._gone
        ]

    def _rename(self, imports: Imports) -> None:
        inner = {id(self_) for node in self._apis for self_ in _inside(node)}
        for node, path in self._dotted.items():
            if id(node) in inner or node in self._gone:
                continue
            api = self._apis.get(node)
            if api is None:
                self._module_name(node, path)
            elif api.flavour == "keras":
                self._use(node, api, imports)

    def _use(self, node: ast.expr, api: Api, imports: Imports) -> None:
        target = self.target_of(node, api)
        if (
            self._dotted[node] == f"keras.{api.name}"
            and api.name in names.AT_THE_ROOT
            and target in (None, self.target(api))
        ):
            return
        if self.target(api) is None or self._is_elsewhere(node, api):
            self.shows_age(node)
        if target is None:
            if node not in self._targets or api.module != "keras.layers":
                self._missing(node, api)
            return
        if isinstance(node, ast.Name):
            text = imports.bound(node.id, target) or self.name(*target)
        else:
            text = self.expression(node, *target)
        if text != ast.unparse(node):
            self.edit(node, type(node).__name__, {"text": text}, "KM301")

    def _is_elsewhere(self, node: ast.expr, api: Api) -> bool:
        """Does Keras 3 have the thing under another name, or in another module?"""
        home = self._dotted[node].rpartition(".")[0]
        if isinstance(node, ast.Attribute) and names.module(home) not in (None, home):
            return True
        return api.spelled != api.name and tables.signature("keras_3", f"{api.module[6:]}.{api.spelled}") is None

    def _missing(self, node: ast.expr, api: Api) -> None:
        reported = any(problem.line == node.lineno for problem in self.result.problems)
        if not reported:
            self.problem(node, f"Keras 3 has no {api.key} and the port no replacement")

    def _module_name(self, node: ast.expr, path: str) -> None:
        """`keras.objectives` by itself, or a call on what it has that is not resolved."""
        if not isinstance(node, ast.Attribute) or names.module(path) is None:
            return
        parent = self._parents.get(node)
        if isinstance(parent, ast.Attribute) and parent in self._dotted:
            return
        module = names.module(path)
        assert module is not None
        if path.startswith("keras") and module != path:
            package, _, last = module.rpartition(".")
            text = self.expression(node, package, last)
            if text != ast.unparse(node):
                self.shows_age(node)
                self.edit(node, "Attribute", {"text": text}, "KM301")

    def _brought_in(self) -> Iterator[tuple[tuple[str, str], str]]:
        """What the imports at the top give already, and keep under the same name."""
        for node in self.tree.body:
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                for alias in node.names:
                    api = names.resolve(f"{node.module}.{alias.name}")
                    target = self.target(api) if api is not None else None
                    if target is not None and (alias.asname or alias.name == target[1]):
                        yield target, alias.asname or alias.name

    def _needs(self, module: str, name: str) -> str:
        if module in self._stars and tables.signature("keras_3", f"{module[6:]}.{name}") is not None:
            return name
        known = self._brought.get((module, name)) or self.needed.get((module, name))
        if known is None:
            known = name if name not in self.taken else f"keras_{name}"
            self.needed[module, name] = known
        return known

    # --- the ordering

    def _setter_calls(self) -> Iterator[ast.Call]:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                api = self._apis.get(node.func)
                if api is not None and api.module == "keras.backend" and api.name in _SETTERS:
                    yield node

    def _sets_first(self) -> bool:
        for call in self._setter_calls():
            value = call.args[0] if call.args else (call.keywords[0].value if call.keywords else None)
            if not (isinstance(value, ast.Constant) and value.value in ("tf", "channels_last")):
                return True
        return False

    def _generator_format(self) -> str | None:
        """What an ImageDataGenerator without a setting took, where that was not the ambient (2.1)."""
        when = versions.image_generator_reads_ambient_at(self.version)
        if when == "construction":
            return None
        if (2, 3) <= self.version < (2, 4):
            return "channels_last"
        return port_layers.ORDERINGS[self.ordering]

    def _state(self) -> None:
        """Say the ordering once where the file never does."""
        said = any(
            isinstance(statement, ast.Expr) and statement.value in set(self._setter_calls())
            for statement in self.tree.body
        )
        if self._state_ordering and not said:
            self.stated = f"{self.keras()}.backend.set_image_data_format({port_layers.ORDERINGS[self.ordering]!r})"
        else:
            self.stated = None

    # --- edits

    def _above(self, node: ast.AST) -> Iterator[ast.AST]:
        while (above := self._parents.get(node)) is not None:
            yield above
            node = above

    def edit(self, node: ast.AST, kind: str, args: Mapping[str, Any], code: str) -> None:
        if _has_quotes(args) and any(isinstance(above, ast.JoinedStr) for above in self._above(node)):
            self.problem(node, "what stands in a format string is not ported: assign it to a name before")
        codemod = "keras3_call" if kind == "Call" else "keras3_names"
        start, end = self._lines.span(node)
        self.result.edits.append(
            Edit(
                self._path,
                start,
                end,
                kind,
                codemod,
                args,
                "Keras 3",
                code,
                node.lineno,  # type: ignore[attr-defined]
                node.col_offset + 1,  # type: ignore[attr-defined]
            )
        )


def _tensorflow_has(module: str, name: str) -> bool:
    return module.endswith(".text") or tables.signature("tf_keras", f"{module[6:]}.{name}") is not None


def _rule(api: Api) -> Callable[[Draft, Context], None] | None:
    if api.module == "keras.backend":
        return port_backend.function
    own = port_training.RULES.get(api.key)
    if own is not None:
        return own
    if api.module == "keras.layers":
        return None if api.name in ("Input", *_LAYER_BASES) else port_layers.layer
    if api.module == "keras.optimizers":
        return port_training.optimizer
    if api.module == "keras.initializers" and api.spelled in _OLD_INITIALIZERS:
        return port_training.initializer_function
    return None


_OLD_INITIALIZERS = (
    *("uniform", "normal", "lecun_uniform", "glorot_normal", "glorot_uniform", "he_normal", "he_uniform"),
    *("orthogonal", "identity", "zero", "one"),
)


#: What makes weights or updates in a layer of Keras 1; Keras 3 has properties of some of these names.
_LAYER_STATE = (
    *("trainable_weights", "non_trainable_weights", "weights", "updates", "regularizers", "constraints", "losses"),
    *("add_weight", "add_update", "add_loss", "initial_weights", "inbound_nodes", "input_spec"),
)


def _not_portable(node: ast.ClassDef) -> str | None:
    """What in a layer of Keras 1 means something else in Keras 3, if anything does."""
    for part in ast.walk(node):
        if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name) and part.value.id == "self":
            if part.attr in _LAYER_STATE:
                return f"self.{part.attr}"
    return None


def first_input(node: ast.expr) -> str | None:
    """`model.layers[0].input` as `model.inputs[0]`: an InputLayer of Keras 3 has no input."""
    if not (isinstance(node, ast.Attribute) and node.attr == "input" and isinstance(node.value, ast.Subscript)):
        return None
    owner, index = node.value.value, node.value.slice
    if isinstance(owner, ast.Attribute) and owner.attr == "layers" and ast.unparse(index) == "0":
        return f"{ast.unparse(owner.value)}.inputs[0]"
    return None


def _has_quotes(args: Any) -> bool:
    """Would an edit with these arguments write a string?"""
    if isinstance(args, str):
        return "'" in args or '"' in args
    parts = args.values() if isinstance(args, Mapping) else args if isinstance(args, (list, tuple)) else ()
    return any(map(_has_quotes, parts))


def _names_in(tree: ast.Module) -> frozenset[str]:
    """All names that the file uses for anything."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)):
            found.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            found.update((alias.asname or alias.name).split(".")[0] for alias in node.names)
    return frozenset(found)


def _root(node: ast.expr) -> ast.expr:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node


def _inside(node: ast.expr) -> Iterator[ast.expr]:
    while isinstance(node, ast.Attribute):
        node = node.value
        yield node


def _last_name(node: ast.expr) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else None


def _at(node: ast.AST, message: str) -> PortProblem:
    return PortProblem(node.lineno, node.col_offset + 1, message)  # type: ignore[attr-defined]
