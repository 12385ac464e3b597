"""One module under search: what its names mean, how new names get into it, and what was planned for it."""

from __future__ import annotations

import ast
import re
import struct
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any

from kmigrate.keras_api import names
from kmigrate.keras_api.versions import VersionRange
from kmigrate.options import Options
from kmigrate.plan import Diagnostic, Edit
from kmigrate.relu import library
from kmigrate.relu.constants import Constants
from kmigrate.relu.forms import Exactness
from kmigrate.relu.library import BACKEND, PYTHON, THEANO, Function

Place = ast.expr | ast.stmt
SpanOf = Callable[[ast.AST], tuple[int, int]]

#: tf.nn.leaky_relu came with TensorFlow 1.4, a little before this version of Keras.
_LEAKY_IN_TENSORFLOW = (2, 0, 9)
#: Keras ran on Theano by default before this version.
_TENSORFLOW_BY_DEFAULT = (1, 1, 0)
#: Names that Keras makes for layers by counting them.
_COUNTED_NAME = re.compile(r"(leaky_?re_?lu|activation)(_\d+)?")

REASONS = {
    Exactness.EQUAL: "values and gradients are equal",
    Exactness.AT_ZERO: "values are equal; the gradient differs only at exactly 0",
    Exactness.AT_CLIP: "values are equal; the gradient differs at exactly 0 and at the bound, where it becomes 0",
    Exactness.ROUNDING: "values are equal up to rounding; the gradient differs more at exactly 0",
}
_UNSAFE = "left as it is: the fast form is equal only up to rounding; --unsafe-fixes converts it"


class Module:
    """The module and the edits for it."""

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
        self.edits: list[Edit] = []
        self.diagnostics: list[Diagnostic] = []

    @cached_property
    def constants(self) -> Constants:
        return Constants(self.tree)

    # what names mean

    def api(self, function: ast.expr) -> names.Api | None:
        path = self.dotted.get(function)
        return names.resolve(path) if path is not None else None

    def function(self, function: ast.expr) -> Function | None:
        """The function that relus are written with that this expression names."""
        if isinstance(function, ast.Name) and function.id == "abs" and self.is_bound("abs", 0):
            return Function(PYTHON, "abs", "")
        return library.function(self.dotted.get(function))

    def is_relu(self, function: ast.expr) -> bool:
        known = library.function(self.dotted.get(function))
        return known is not None and known.kind == "relu"

    def is_scalar(self, node: ast.expr) -> bool:
        """Is this always a number, though not always the same?"""
        return self.constants.values(node) is not None

    @cached_property
    def uses_float64(self) -> bool:
        return any("float64" in (getattr(node, "attr", ""), getattr(node, "value", "")) for node in ast.walk(self.tree))

    # the program's stack

    @property
    def on_theano(self) -> bool:
        """Does its Keras run on Theano? There a leaky relu is computed with the absolute value."""
        if self.options.source_backend != "auto":
            return self.options.source_backend == "theano"
        old = self.version is not None and self.version.high < _TENSORFLOW_BY_DEFAULT
        return old and self.tensorflow_name() is None

    @property
    def old_tensorflow(self) -> bool:
        """May its TensorFlow lack tf.nn.leaky_relu?"""
        return self.version is not None and self.version.high < _LEAKY_IN_TENSORFLOW

    def tensorflow_for(self, function: ast.expr) -> str | None:
        """What TensorFlow is called here, where it must do what K.relu with a slope does slowly."""
        if not self.relu_may_be_slow(function):
            return None
        sure = self.version is not None and self.version.low >= _LEAKY_IN_TENSORFLOW
        return self.tensorflow("KM202") if sure or self.options.source_backend == "tensorflow" else None

    def tensorflow(self, code: str) -> str | None:
        """What TensorFlow is called here; plans its import where the user says that the program is for it."""
        name, backend = self.tensorflow_name(), self.options.source_backend
        if backend == "theano" or name is not None or backend != "tensorflow" or not self.is_bound("tf", 0):
            return name if backend != "theano" else None
        imports = [s for s in self.tree.body if isinstance(s, (ast.Import, ast.ImportFrom))]
        keras = [s for s in imports if "keras" in ast.unparse(s) and not getattr(s, "level", 0)]
        if not keras:
            return None
        self.add_import(keras[0], "stmt", {"where": "before", "text": "import tensorflow as tf"}, code)
        return "tf"

    def relu_may_be_slow(self, function: ast.expr, maximum: bool = False) -> bool:
        """May K.relu with a slope compute both halves apart?"""
        api = self.api(function)
        if api is None or api.flavour != "keras":
            return False
        return self.version is None or self.version.agree("relu_is_slow", True, maximum) is not False

    def tensorflow_name(self) -> str | None:
        """The name under which the module has imported tensorflow itself."""
        for statement in self.tree.body:
            if isinstance(statement, ast.Import):
                for alias in statement.names:
                    name = alias.asname or alias.name
                    if alias.name == "tensorflow" and self.is_bound(name, 1):
                        return name
        return None

    def exactness(self, found: Exactness, known: Function, slopes: Iterable[float] = ()) -> Exactness:
        """How exact a form with these slopes is, where it becomes the leaky relu of a library."""
        if any(slopes):
            if known.library is THEANO or (known.library is BACKEND and self.on_theano):
                return Exactness.ROUNDING
            if self.uses_float64 and any(_single(slope) != slope for slope in slopes):
                return Exactness.ROUNDING  # TensorFlow keeps the slope in float32
        return found

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

    def called(self, function: ast.expr, target: str, code: str) -> str | None:
        """How to call the function ``target`` in the place of ``function``; plans an import where it takes one.

        None, with a diagnostic, if that cannot be.
        """
        name = library.spelled(function, target, self.dotted)
        if name is not None:
            return name
        module, _, new = target.rpartition(".")
        if isinstance(function, ast.Name) and self.dotted.get(function) == target:
            return function.id
        if isinstance(function, ast.Name) and self.import_beside(function, module, new, code):
            return new
        tensorflow = self.tensorflow_name() if target.startswith("tensorflow.") else None
        if tensorflow is not None:
            return f"{tensorflow}{target[len('tensorflow') :]}"
        self.say(function, code, no_import(new))
        return None

    def import_beside(self, name: ast.Name, module: str, new: str, code: str) -> bool:
        """Plan ``from module import new`` where ``name`` comes from; False if that cannot be."""
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

    def counts_layers(self) -> bool:
        """Does the program name layers as Keras numbers them, or ask for the class LeakyReLU or a layer's slope?"""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                if _COUNTED_NAME.fullmatch(node.value.lower()) and node.value != "activation":
                    return True
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("isinstance", "issubclass"):
                if any(self._is_leaky_class(n) for a in node.args[1:] for n in ast.walk(a)):
                    return True
            if isinstance(node, ast.Compare) and any(map(self._is_leaky_class, (node.left, *node.comparators))):
                return True
            if isinstance(node, ast.Attribute) and node.attr in ("alpha", "negative_slope"):
                if getattr(node.value, "id", "") != "self":
                    return True
        return False

    def _is_leaky_class(self, node: ast.AST) -> bool:
        api = self.api(node) if isinstance(node, (ast.Name, ast.Attribute)) else None
        return api is not None and api.name == "LeakyReLU"

    # results

    def allows(self, node: Place, exactness: Exactness, code: str) -> bool:
        """May a form that is so exact be converted? Says so if not."""
        if exactness in (Exactness.EQUAL, Exactness.AT_ZERO) or self.options.unsafe_fixes:
            return True
        self.say(node, code, _UNSAFE)
        return False

    def add_import(self, statement: ast.stmt, kind: str, args: dict[str, Any], code: str) -> None:
        edit = self._edit(statement, kind, "imports", args, code, "a name that another edit needs")
        if all((e.start, e.codemod, e.args) != (edit.start, "imports", args) for e in self.edits):
            self.edits.append(edit)

    def add(self, node: Place, args: dict[str, Any], code: str, reason: str, *, neutral: bool = False) -> None:
        self.edits.append(self._edit(node, type(node).__name__, "fast_relu", args, code, reason, neutral))

    def _edit(
        self,
        node: Place,
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

    def say(self, node: Place, code: str, message: str) -> None:
        self.diagnostics.append(Diagnostic(self.path, node.lineno, node.col_offset + 1, code, message))


def no_import(name: str) -> str:
    return f"left as it is: {name} cannot be imported here under its name"


def _single(value: float) -> float:
    """``value`` in float32."""
    return float(struct.unpack("f", struct.pack("f", value))[0])
