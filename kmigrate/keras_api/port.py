"""Source-to-source port of a Keras 1 or 2 script to Keras 3: same layout, same numerics.

The tables are in port_layers, port_training and port_backend; this module resolves the calls, lets the
rules change their drafts, and turns the result into edits. What is not understood is a `PortProblem`:
a program with problems is not the same program, and must not be taken for it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from kmigrate.keras_api import (
    helpers,
    names,
    port_backend,
    port_layers,
    port_training,
    signatures,
    starred,
    tables,
    versions,
)
from kmigrate.keras_api.draft import Draft, incomplete_groups
from kmigrate.keras_api.names import Api
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

    With ``problems`` it is not the same program. ``notes`` say what differs in value.
    """

    source: str
    edits: list[Edit] = field(default_factory=list)
    problems: list[PortProblem] = field(default_factory=list)
    notes: list[PortProblem] = field(default_factory=list)

    def text(self) -> str:
        """The ported source. Raises RewriteError as `kmigrate.rewrite.apply` does."""
        from kmigrate.rewrite import apply

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
) -> Port:
    """Port one file.

    ``dotted`` names the imported Names and Attributes of ``tree``; ``version`` is the Keras that the
    program is for; ``ordering`` is 'th' or 'tf', what layers without a setting of their own had there.
    ``state_ordering`` writes that down where the file never says it (for the program's entry file only).
    ``numerics='exact'`` brings the old optimizer formulas along as small classes.
    """
    if ordering not in ("th", "tf"):
        raise ValueError(f"the ordering is 'th' or 'tf', not {ordering!r}")
    result = Port(text)
    if version < (3,):
        Context(result, tree, dotted, version, ordering, path, state_ordering, numerics).run()
    return result


# Calls whose positional order is that of an older version (facts/legacy-keras.md, 4.3 and 6).
def _bound_as(api: Api, version: Version) -> tuple[int, Version]:
    if api.key == "callbacks.EarlyStopping" and version < (1, 1, 1):
        return 1, (1, 0, 5)
    if api.key.startswith("backend.") and api.key.endswith("crossentropy") and version < (2, 0, 7):
        return 1, (1, 2, 2)
    return (1 if version < (2,) else 2), version


_LAYER_BASES = ("Layer", "Wrapper", "Recurrent", "ConvRecurrent2D")
# Modules of which today's TensorFlow still has what Keras 3 dropped.
_IN_TENSORFLOW = ("keras.preprocessing.image", "keras.preprocessing.text", "keras.preprocessing.sequence")
# Modules whose functions are written with the module's name: ops.mean.
_BY_MODULE = ("keras.ops", "keras.activations", "keras.random")
_NAME_IN_TEMPLATE = re.compile(r"\b(ops|keras)\.|\b(keras1_\w+|Keras1\w+)")

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
        self._taken = _names_in(tree)
        self._helpers: set[str] = set()
        self._needed: dict[tuple[str, str], str] = {}  # (module, name) -> name in this file
        self._needs_keras = False
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

    def helper(self, name: str) -> str:
        """The name of a helper's function, which the program then has."""
        self._helpers.add(name)
        self.keras()
        return name

    def keras(self) -> str:
        """The name of the package in this file."""
        self._needs_keras = True
        return "keras"

    def name(self, module: str, name: str) -> str:
        """An expression for a name of Keras 3 that this file may not have yet."""
        if not module:
            return name
        if module in _BY_MODULE:
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
        port_layers._translated(draft)

    def compared(self, call: ast.Call) -> bool:
        """Translate the strings that the ordering is compared with; False if it is used otherwise."""
        parent = self._parents.get(call)
        constants = port_backend.compares_ordering(parent, call) if isinstance(parent, ast.Compare) else []
        for constant in constants:
            self._edit(constant, "Constant", {"value": port_layers.ORDERINGS[str(constant.value)]}, "KM301")
        return bool(constants)

    # --- the run

    def run(self) -> None:
        self._foreign()
        if not any(_of_keras(node) for node in ast.walk(self.tree)):
            return
        self._receivers = Receivers(self.tree, self._apis)
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                self._call(node)
            elif isinstance(node, ast.ClassDef):
                self._class(node)
            elif isinstance(node, ast.Attribute):
                self._attribute(node)
        imports = _Imports(self)
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
        generation, version = _bound_as(api, self.version)
        bound = signatures.bind(api, call, generation, version)
        draft = Draft(api, call, bound)
        if not self._bindable(draft):
            return
        if rule is not None:
            rule(draft, self)
        if "." not in api.name or api.module in ("keras.datasets", "keras.applications"):
            self._targets[call.func] = (draft.module, draft.name)
        args = draft.edits()
        if args is None:
            return
        if draft.template is not None and "__call__" not in draft.template:
            self._gone.add(call.func)
        self._edit(call, "Call", args, "KM302")

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
        for word in call.keywords if self.version < (2,) else ():
            if word.arg is None and not self._harmless(word.value, call, draft.api):
                self.problem(call, f"the arguments of {what} in ** are not known")
        return not bound.extra

    def _harmless(self, value: ast.expr, call: ast.Call, api: Api) -> bool:
        """Are all arguments that ``**value`` may hold the same in Keras 3?"""
        words = starred.words(self.tree, self._parents, value, call)
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
        if kind is None or func.attr not in port_training.METHODS:
            return None
        return names.method(kind, func.attr), port_training.METHODS[func.attr]

    def _class(self, node: ast.ClassDef) -> None:
        bases = [api for base in node.bases if (api := self._apis.get(base)) is not None]
        layers = any(api.module == "keras.layers" and api.flavour == "keras" for api in bases)
        if layers and self.version < (2,):
            self.problem(node, f"the layer {node.name} is written for Keras 1 and is not ported")

    def _attribute(self, node: ast.Attribute) -> None:
        if node in self._dotted:
            return
        if node.attr == "_keras_shape":
            self._edit(node, "Attribute", {"attr": "shape"}, "KM301")
        elif node.attr == "lr" and isinstance(node.value, ast.Attribute) and node.value.attr == "optimizer":
            self._edit(node, "Attribute", {"attr": "learning_rate"}, "KM301")
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

    def _rename(self, imports: _Imports) -> None:
        inner = {id(self_) for node in self._apis for self_ in _inside(node)}
        for node, path in self._dotted.items():
            if id(node) in inner or node in self._gone:
                continue
            api = self._apis.get(node)
            if api is None:
                self._module_name(node, path)
            elif api.flavour == "keras":
                self._use(node, api, imports)

    def _use(self, node: ast.expr, api: Api, imports: _Imports) -> None:
        target = self.target_of(node, api)
        if target is None:
            if node not in self._targets or api.module != "keras.layers":
                self._missing(node, api)
            return
        if isinstance(node, ast.Name):
            text = imports.bound(node.id, target) or self.name(*target)
        else:
            text = self.expression(node, *target)
        if text != ast.unparse(node):
            self._edit(node, type(node).__name__, {"text": text}, "KM301")

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
                self._edit(node, "Attribute", {"text": text}, "KM301")

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
        known = self._brought.get((module, name)) or self._needed.get((module, name))
        if known is None:
            known = name if name not in self._taken else f"keras_{name}"
            self._needed[module, name] = known
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

    def _edit(self, node: ast.AST, kind: str, args: Mapping[str, Any], code: str) -> None:
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


def _of_keras(node: ast.AST) -> bool:
    """Does the node import multi-backend Keras?"""
    if isinstance(node, ast.Import):
        return any(alias.name.split(".")[0] == "keras" for alias in node.names)
    return isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").split(".")[0] == "keras"


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


@dataclass
class _Statement:
    """An import statement on its way: what it brings in, by module."""

    node: ast.Import | ast.ImportFrom
    plain: list[tuple[str, str | None]] = field(default_factory=list)  # import a.b as c
    froms: dict[str, list[tuple[str, str | None]]] = field(default_factory=dict)
    changed: bool = False

    def lines(self) -> list[str]:
        made = []
        if self.plain:
            made.append("import " + ", ".join(_alias(*one) for one in self.plain))
        for module, brought in self.froms.items():
            made.append(_from(module, brought))
        return made


class _Imports:
    """The imports of Keras, old and new."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._bound: dict[tuple[str, tuple[str, str]], str] = {}  # (old name, target) -> new name
        self.statements = [
            made
            for node in ast.walk(context.tree)
            if isinstance(node, (ast.Import, ast.ImportFrom)) and (made := self._statement(node)) is not None
        ]
        self.statements.sort(key=lambda one: one.node.lineno)

    def bound(self, old: str, target: tuple[str, str]) -> str | None:
        """The name that the imports give to what ``old`` meant."""
        return self._bound.get((old, target))

    def _statement(self, node: ast.Import | ast.ImportFrom) -> _Statement | None:
        made = _Statement(node)
        if isinstance(node, ast.Import):
            for alias in node.names:
                module = names.module(alias.name) if alias.name.split(".")[0] == "keras" else None
                new = alias.name if module is None else module
                made.plain.append((new, alias.asname))
                made.changed = made.changed or new != alias.name
            return made if _of_keras(node) else None
        if not _of_keras(node) or node.module is None:
            return None
        for alias in node.names:
            self._alias(made, node.module, alias)
        old_names = [(alias.name, alias.asname) for alias in node.names]
        made.changed = made.froms != {node.module: old_names}
        return made

    def _alias(self, made: _Statement, home: str, alias: ast.alias) -> None:
        path = f"{home}.{alias.name}"
        if alias.name == "*":
            _put(made, names.module(home) or home, ("*", None))
            return
        module = names.module(path)
        api = names.resolve(path)
        if module is not None and (api is None or not self.context.uses(path)):
            package, _, last = module.rpartition(".")
            held = alias.asname or alias.name
            _put(made, package, (last, held if held != last else None))
            return
        if api is None:
            _put(made, home, (alias.name, alias.asname))
            return
        found = [self.context.target_of(node, api) for node, _ in self.context.uses(path)]
        targets = list(dict.fromkeys(target for target in found if target is not None))
        if not found and (unused := self.context.target(api)) is not None:
            targets = [unused]
        for target in targets:
            self._bring(made, alias, target)

    def _bring(self, made: _Statement, alias: ast.alias, target: tuple[str, str]) -> None:
        module, name = target
        old = alias.asname or alias.name
        if not module:
            return
        if module in _BY_MODULE and name != alias.name:
            self._bound[old, target] = self.context.name(module, name)
            return
        free = name not in self.context._taken or name == alias.name
        new = alias.asname or (name if free else alias.name)
        self._bound[old, target] = new
        self.context._needed.setdefault(target, new)
        _put(made, module, (name, new if new != name else None))

    def write(self) -> None:
        context = self.context
        held = {
            (module, name)
            for one in self.statements
            if one.node in context.tree.body
            for module, brought in one.froms.items()
            for name, _ in brought
        }
        needed: dict[str, list[tuple[str, str | None]]] = {}
        for (module, name), local in context._needed.items():
            if (module, name) not in held:
                needed.setdefault(module, []).append((name, local if local != name else None))
        for one in self.statements:  # an import that is there takes what is needed of its module
            for module, brought in one.froms.items():
                if module in needed and one.node in context.tree.body and brought[0][0] != "*":
                    for wanted in needed.pop(module):
                        _put(one, module, wanted)
                    one.changed = True
        extra = [_from(module, brought) for module, brought in needed.items()]
        if context._needs_keras and not self._has_keras():
            extra.insert(0, "import keras")
        body = [helpers.HELPERS[name].strip("\n") for name in helpers.in_order(context._helpers)]
        if context.stated is not None:
            body.insert(0, context.stated)
        for one in self.statements:
            self._replace(one)
        self._insert(extra, body)

    def _has_keras(self) -> bool:
        return any(
            (module == "keras" or module.startswith("keras.")) and asname is None
            for one in self.statements
            if one.node in self.context.tree.body
            for module, asname in one.plain
        )

    def _replace(self, one: _Statement) -> None:
        if not one.changed:
            return
        first, *rest = one.lines() or ["import keras"]
        kind = type(one.node).__name__
        self.context._edit(one.node, kind, {"text": first}, "KM301")
        for line in rest:
            self.context._edit(one.node, "stmt", {"where": "after", "text": line}, "KM301")

    def _insert(self, imports: Sequence[str], body: Sequence[str]) -> None:
        if not imports and not body:
            return
        keras = [one.node for one in self.statements if one.node in self.context.tree.body]
        if not keras:
            self._insert_before([*imports, *body])
            return
        for line in imports:
            self.context._edit(keras[0], "stmt", {"where": "after", "text": line}, "KM301")
        if body:
            last = _end_of_imports(self.context.tree.body, keras[0])
            code = "\n\n\n".join(body)
            self.context._edit(last, "stmt", {"where": "after", "text": code}, "KM303")

    def _insert_before(self, lines: Sequence[str]) -> None:
        for statement in self.context.tree.body:
            docstring = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
            future = isinstance(statement, ast.ImportFrom) and statement.module == "__future__"
            if not docstring and not future:
                for line in lines:
                    self.context._edit(statement, "stmt", {"where": "before", "text": line}, "KM303")
                return


def _put(made: _Statement, module: str, brought: tuple[str, str | None]) -> None:
    known = made.froms.setdefault(module, [])
    if brought not in known:
        known.append(brought)


def _alias(name: str, asname: str | None) -> str:
    return f"{name} as {asname}" if asname else name


def _from(module: str, brought: Sequence[tuple[str, str | None]]) -> str:
    listed = ", ".join(_alias(*one) for one in brought)
    line = f"from {module} import {listed}"
    if len(line) <= 100:
        return line
    rows: list[str] = []
    for one in brought:
        item = _alias(*one) + ","
        if rows and len(rows[-1]) + len(item) < 90:
            rows[-1] += " " + item
        else:
            rows.append("    " + item)
    return f"from {module} import (\n" + "\n".join(rows) + "\n)"


def _end_of_imports(body: Sequence[ast.stmt], first: ast.stmt) -> ast.stmt:
    """The last of the imports that stand together with ``first``."""
    last = first
    for statement in body[body.index(first) :]:
        if not isinstance(statement, (ast.Import, ast.ImportFrom)):
            break
        last = statement
    return last


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
