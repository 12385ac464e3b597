"""Find relus that compute more than they need, and plan the fast form that means the same.

This needs no layout: it looks at single expressions and functions. What each form becomes, and how
exact that is, is in the documentation of the codemod `fast_relu`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from kmigrate.keras_api import names
from kmigrate.keras_api.versions import VersionRange
from kmigrate.options import Options
from kmigrate.plan import Diagnostic, Edit
from kmigrate.relu import copied, sums
from kmigrate.relu.constants import Constants

_Place = ast.expr | ast.stmt
SpanOf = Callable[[ast.AST], tuple[int, int]]


class _Family(NamedTuple):
    """A plain relu of one library and its leaky form there."""

    leaky: str | None  # name of the leaky function beside it; None: relu itself takes a slope
    slope: str | None  # keyword for the slope; None: give it second (its name depends on the version)


_TENSORFLOW = _Family("leaky_relu", "alpha")
_FAMILIES: dict[tuple[str, str], _Family] = {
    ("keras.backend", "relu"): _Family(None, "alpha"),
    ("keras.activations", "relu"): _Family(None, None),
    ("keras.ops", "relu"): _Family("leaky_relu", "negative_slope"),
}
_TENSORFLOW_RELUS = frozenset(
    f"tensorflow.{module}.relu" for module in ("nn", "compat.v1.nn", "compat.v2.nn", "python.ops.nn")
)
_SLOPES = ("alpha", "negative_slope")
#: Names that Keras makes for layers by counting them.
_COUNTED_NAME = re.compile(r"(leaky_?re_?lu|activation)(_\d+)?")
#: tf.nn.leaky_relu came with TensorFlow 1.4, a little before this version of Keras.
_LEAKY_IN_TENSORFLOW = (2, 0, 9)

_ZERO = "the slope is 0, so this is a plain relu; values and gradients are equal"
_AT_ZERO = "values are equal; the gradient differs only at exactly 0, where it becomes the slope"
_OLD_TENSORFLOW = "left as it is: tf.nn.leaky_relu came with TensorFlow 1.4, and this Keras may run on an older one"
_SLOW = (
    "left as it is: up to Keras 2.1.2 K.relu with a slope computes both halves apart, and only "
    "tf.nn.leaky_relu is faster there: import tensorflow and say --source-backend tensorflow"
)
_COUNTED = "left as it is: the program asks for layers by their automatic names or their class"


def find(
    tree: ast.Module,
    dotted: Mapping[ast.expr, str],
    span: SpanOf,
    path: str,
    options: Options,
    version: VersionRange | None = None,
) -> tuple[list[Edit], list[Diagnostic]]:
    """The relu edits for one module, and what was left alone for a reason that the user can mend.

    Args:
        tree: the module.
        dotted: the full path of each name or attribute that stands for something imported.
        span: UTF-8 start and end of a node, as `syntax.Lines.span`.
        path: the file, for the edits.
        options: `--select` and `--ignore` count here, and `--source-backend`.
        version: the Keras that the program is for; None: not known, so only what is right for all.
    """
    finder = _Finder(tree, dotted, span, path, options, version)
    finder.run()
    edits = [e for e in finder.edits if options.wants(e.code, e.path)]
    return edits, [d for d in finder.diagnostics if options.wants(d.code, d.path)]


class _Finder:
    def __init__(
        self,
        tree: ast.Module,
        dotted: Mapping[ast.expr, str],
        span: SpanOf,
        path: str,
        options: Options,
        version: VersionRange | None,
    ) -> None:
        self.tree, self.dotted, self.span, self.path = tree, dotted, span, path
        self.options, self.version = options, version
        self.constants = Constants(tree)
        self.edits: list[Edit] = []
        self.diagnostics: list[Diagnostic] = []
        self.done: set[ast.AST] = set()  # what an edit has taken in already

    def run(self) -> None:
        """Fill `edits` and `diagnostics`."""
        for node in ast.walk(self.tree):  # outer nodes come first
            if node in self.done:
                self.done.update(ast.iter_child_nodes(node))
            elif isinstance(node, ast.FunctionDef):
                self.copied_function(node)
            elif isinstance(node, ast.BinOp):
                self.written_out(node)
            elif isinstance(node, ast.Call):
                self.call(node)

    # the forms

    def call(self, node: ast.Call) -> None:
        api = self.api(node.func)
        if api is None:
            return
        if api.module == "keras.layers":
            if api.name == "LeakyReLU":
                self.leaky_layer(node)
            self.activation_lambdas(node, api)
        elif (api.module, api.name) in (("keras.backend", "relu"), ("keras.activations", "relu")):
            self.relu_call(node, api)

    def relu_call(self, node: ast.Call, api: names.Api) -> None:
        """``K.relu(x, alpha=...)``, with no maximum."""
        where = self.slope_argument(node)
        if where is None:
            return
        value = self.constants.number(_argument(node, where))
        if value == 0:
            self.add(node, {"drop": where}, "KM201", _ZERO, neutral=True)
        elif value is not None and 0 < value <= 1 and api.name == "relu" and api.module == "keras.backend":
            self.slow_relu(node, api)

    def slow_relu(self, node: ast.Call, api: names.Api) -> None:
        slow = api.flavour == "keras"
        if slow and self.version is not None:
            slow = self.version.agree("relu_is_slow", True) is not False
        if not slow:
            return
        tensorflow = self.tensorflow_name()
        sure = self.version is not None and self.version.low >= _LEAKY_IN_TENSORFLOW
        if tensorflow is not None and (sure or self.options.source_backend == "tensorflow"):
            reason = f"K.relu computes both halves apart in this version; {_AT_ZERO}"
            self.add(node, {"callee": f"{tensorflow}.nn.leaky_relu"}, "KM202", reason)
        elif all(d.message != _SLOW for d in self.diagnostics):  # once is enough
            self.say(node, "KM202", _SLOW)

    def leaky_layer(self, node: ast.Call) -> None:
        """``LeakyReLU(0)``."""
        where = self.slope_argument(node, first=0)
        if where is None or self.constants.number(_argument(node, where)) != 0:
            return
        parent = self.constants.parent(node)
        if isinstance(parent, ast.keyword) and parent.arg == "activation" and self.takes_names(parent):
            if len(node.args) + len(node.keywords) == 1:
                self.add(node, {"string": "relu"}, "KM201", _ZERO, neutral=True)
                return
        if self.is_custom_object(node):
            return
        if self.counts_layers():
            self.say(node, "KM201", _COUNTED)
            return
        layer = self.activation_name(node)
        if layer is None:
            self.say(node, "KM201", _no_import("Activation"))
            return
        reason = f"{_ZERO}; the layer's automatic name changes"
        self.add(node, {"layer": layer, "slope": where}, "KM201", reason, neutral=True)

    def activation_lambdas(self, node: ast.Call, api: names.Api) -> None:
        """``Activation(lambda x: K.relu(x, alpha=0.))`` and ``activation=lambda ...`` of a layer."""
        given = [k.value for k in node.keywords if k.arg == "activation"]
        if api.name == "Activation" and node.args:
            given.append(node.args[0])
        for value in given:
            if isinstance(value, ast.Lambda) and self.is_zero_relu(value):
                self.add(value, {"string": "relu"}, "KM201", _ZERO, neutral=True)

    def written_out(self, node: ast.BinOp) -> None:
        """``relu(x) - a * relu(-x)``."""
        form = sums.recognise(node, lambda f: self.family(f) is not None)
        if form is None:
            return
        values = self.constants.values(form.slope)
        if values is None or any(not 0 <= v <= 1 for v in values):
            return
        if self.constants.number(form.slope) == 0:
            self.add(node, {"call": form.call, "slope": None}, "KM201", _ZERO, neutral=True)
            return
        family = self.family(form.relu)
        assert family is not None
        if family is _TENSORFLOW and self.old_tensorflow():
            self.say(node, "KM202", _OLD_TENSORFLOW)
            return
        if family.leaky is not None and isinstance(form.relu, ast.Name):
            if not self.import_beside(form.relu, family.leaky, "KM202"):
                self.say(node, "KM202", _no_import(family.leaky))
                return
        slope = form.slope_path if form.slope_path is not None else ast.unparse(form.slope)
        args: dict[str, Any] = {"call": form.call, "slope": slope}
        args |= {"keyword": family.slope, "attribute": family.leaky}
        self.add(node, args, "KM202", f"one call instead of two halves; {_AT_ZERO}")

    def copied_function(self, node: ast.FunctionDef) -> None:
        """``def relu(x, alpha=0., max_value=None)`` as in the backend of Keras 1."""
        method = isinstance(self.constants.parent(node), ast.ClassDef)
        copy = copied.recognise(node, lambda f: self.family(f) in (_TENSORFLOW, _BACKEND), method=method)
        if copy is None or not _is_block(node):
            return
        tensorflow = self.family(copy.relu) is _TENSORFLOW
        body = _tensorflow_body(copy) if tensorflow else _backend_body(copy)
        slope = copy.slope
        values = self.constants.parameter(node, slope) if isinstance(slope, str) else [slope]
        if body is None or values is None or any(not 0 <= v <= 1 for v in values):
            return
        if tensorflow and self.old_tensorflow():
            self.say(node, "KM203", _OLD_TENSORFLOW)
            return
        self.add(node, {"body": body}, "KM203", f"both halves are computed apart; {_AT_ZERO}")

    # what names mean

    def api(self, function: ast.expr) -> names.Api | None:
        path = self.dotted.get(function)
        return names.resolve(path) if path is not None else None

    def family(self, function: ast.expr) -> _Family | None:
        if self.dotted.get(function) in _TENSORFLOW_RELUS:
            return _TENSORFLOW
        api = self.api(function)
        return _FAMILIES.get((api.module, api.name)) if api is not None else None

    def is_zero_relu(self, function: ast.Lambda) -> bool:
        """Is it ``lambda x: relu(x, alpha=0)``?"""
        args, body = function.args, function.body
        named = [*args.posonlyargs, *args.args]
        others = (*args.kwonlyargs, *args.defaults, args.vararg, args.kwarg)
        if len(named) != 1 or any(others) or not isinstance(body, ast.Call) or not body.args:
            return False
        api, where = self.api(body.func), self.slope_argument(body)
        known = api is not None and (api.module, api.name) in (_KEYS_WITH_SLOPE)
        operand = body.args[0]
        plain = isinstance(operand, ast.Name) and operand.id == named[0].arg
        return known and plain and where is not None and self.constants.number(_argument(body, where)) == 0

    def slope_argument(self, node: ast.Call, first: int = 1) -> str | int | None:
        """Where the slope stands (keyword or position), if it is the only argument of consequence."""
        if any(isinstance(a, ast.Starred) for a in node.args):
            return None
        keywords = [k.arg for k in node.keywords]
        slopes = [k for k in keywords if k in _SLOPES]
        if first == 1 and len(slopes) != len(keywords):
            return None  # a maximum, a threshold
        if None in keywords or len(slopes) + max(len(node.args) - first, 0) != 1 or len(node.args) < first:
            return None
        return slopes[0] if slopes else first

    def takes_names(self, keyword: ast.keyword) -> bool:
        """Is this ``activation=`` of a Keras layer?"""
        call = self.constants.parent(keyword)
        api = self.api(call.func) if isinstance(call, ast.Call) else None
        return api is not None and api.module == "keras.layers"

    def is_custom_object(self, node: ast.AST) -> bool:
        for above in self.constants.ancestors(node):
            if isinstance(above, ast.keyword) and above.arg == "custom_objects":
                return True
            if isinstance(above, ast.Assign) and "custom_objects" in ast.unparse(above.targets[0]):
                return True
        return False

    def counts_layers(self) -> bool:
        """Does the program name layers as Keras numbers them, or ask for the class LeakyReLU?"""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                if _COUNTED_NAME.fullmatch(node.value.lower()) and node.value != "activation":
                    return True
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("isinstance", "issubclass"):
                if any(self._is_leaky_class(n) for a in node.args[1:] for n in ast.walk(a)):
                    return True
        return False

    def _is_leaky_class(self, node: ast.AST) -> bool:
        api = self.api(node) if isinstance(node, (ast.Name, ast.Attribute)) else None
        return api is not None and api.name == "LeakyReLU"

    def old_tensorflow(self) -> bool:
        return self.version is not None and self.version.high < _LEAKY_IN_TENSORFLOW

    def tensorflow_name(self) -> str | None:
        """The name under which the module has imported tensorflow itself."""
        for statement in self.tree.body:
            if isinstance(statement, ast.Import):
                for alias in statement.names:
                    name = alias.asname or alias.name
                    if alias.name == "tensorflow" and self.is_bound(name, 1):
                        return name
        return None

    # names that edits need

    def activation_name(self, node: ast.Call) -> str | None:
        """How to call Activation in the place of ``LeakyReLU``; plans an import where it takes one."""
        path = self.dotted[node.func]
        package = path[: path.index("layers") + len("layers")]
        if isinstance(node.func, ast.Attribute) and path == f"{package}.LeakyReLU":
            return f"{ast.unparse(node.func.value)}.Activation"
        imports = [s for s in self.tree.body if isinstance(s, ast.ImportFrom) and not s.level]
        imports = [s for s in imports if s.lineno < node.lineno]
        for statement in imports:
            for alias in statement.names:
                api = names.resolve(f"{statement.module}.{alias.name}")
                local = alias.asname or alias.name
                if api is not None and (api.module, api.name) == ("keras.layers", "Activation"):
                    return local if self.is_bound(local, 1) else None
        if not self.is_bound("Activation", 0):
            return None
        if any(s.module == package and s.names[0].name == "*" for s in imports):
            return "Activation"
        for module in (package, f"{package}.core"):
            for statement in imports:
                if statement.module == module:
                    self.add_import(statement, "ImportFrom", {"add": "Activation"}, "KM201")
                    return "Activation"
        for statement in imports:
            if any((a.asname or a.name) == ast.unparse(node.func) for a in statement.names):
                args = {"where": "after", "text": f"from {package} import Activation"}
                self.add_import(statement, "stmt", args, "KM201")
                return "Activation"
        return None

    def import_beside(self, name: ast.Name, new: str, code: str) -> bool:
        """Plan ``from module import new`` where ``name`` comes from; False if that cannot be."""
        module = self.dotted[name].rpartition(".")[0]
        for statement in self.tree.body:
            if not isinstance(statement, ast.ImportFrom) or statement.module != module:
                continue
            if any(a.name == new and a.asname is None for a in statement.names):
                return self.is_bound(new, 1)
            if any((a.asname or a.name) == name.id for a in statement.names):
                if not self.is_bound(new, 0):
                    return False
                self.add_import(statement, "ImportFrom", {"add": new}, code)
                return True
        return False

    def is_bound(self, name: str, times: int) -> bool:
        """Once: by its import, so it means that everywhere. Never: it is free to be imported."""
        return self.constants.count(name) == times

    # results

    def add_import(self, statement: ast.ImportFrom, kind: str, args: dict[str, Any], code: str) -> None:
        edit = self.edit(statement, kind, "imports", args, code, "a name that another edit needs")
        if all((e.start, e.codemod, e.args) != (edit.start, "imports", args) for e in self.edits):
            self.edits.append(edit)

    def add(
        self,
        node: _Place,
        args: dict[str, Any],
        code: str,
        reason: str,
        *,
        neutral: bool = False,
    ) -> None:
        self.edits.append(self.edit(node, type(node).__name__, "fast_relu", args, code, reason, neutral))
        if "drop" not in args and "callee" not in args:
            self.done.update(ast.iter_child_nodes(node))

    def edit(
        self,
        node: _Place,
        kind: str,
        codemod: str,
        args: dict[str, Any],
        code: str,
        reason: str,
        neutral: bool = False,
    ) -> Edit:
        start, end = self.span(node)
        line, column = node.lineno, node.col_offset + 1
        return Edit(self.path, start, end, kind, codemod, args, reason, code, line, column, neutral=neutral)

    def say(self, node: _Place, code: str, message: str) -> None:
        self.diagnostics.append(Diagnostic(self.path, node.lineno, node.col_offset + 1, code, message))


_BACKEND = _FAMILIES["keras.backend", "relu"]
_KEYS_WITH_SLOPE = (("keras.backend", "relu"), ("keras.activations", "relu"))


def _no_import(name: str) -> str:
    return f"left as it is: {name} cannot be imported here under its name"


def _argument(node: ast.Call, where: str | int) -> ast.expr:
    if isinstance(where, int):
        return node.args[where]
    return next(k.value for k in node.keywords if k.arg == where)


def _is_block(node: ast.FunctionDef) -> bool:
    """Has the function several statements, on lines of their own?"""
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    lines = [s.lineno for s in node.body]
    header = max(a.end_lineno or 0 for a in node.args.args)
    return len(body) > 1 and len(set(lines)) == len(lines) and lines[0] > header


def _backend_body(copy: copied.Copy) -> list[str]:
    maximum = f", max_value={copy.maximum}" if copy.maximum else ""
    return [f"return {ast.unparse(copy.relu)}({copy.x}, alpha={copy.slope}{maximum})"]


def _tensorflow_body(copy: copied.Copy) -> list[str] | None:
    """None if the function calls its relu or clip by a bare name."""
    if not isinstance(copy.relu, ast.Attribute):
        return None
    value = f"{ast.unparse(copy.relu.value)}.leaky_relu({copy.x}, {copy.slope})"
    if isinstance(copy.slope, str):
        value += f" if {copy.slope} else {ast.unparse(copy.relu)}({copy.x})"
    if copy.maximum is None:
        return [f"return {value}"]
    if not isinstance(copy.clip, ast.Attribute):
        return None
    minimum = f"{ast.unparse(copy.clip.value)}.minimum({copy.x}, {copy.maximum})"
    return [f"{copy.x} = {value}", f"return {copy.x} if {copy.maximum} is None else {minimum}"]
