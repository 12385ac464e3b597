"""Find relus that compute more than they need, and plan the fast form that means the same.

This needs no layout: it looks at single expressions and functions. What each form becomes, and how
exact that is, is in the documentation of the codemod `fast_relu`.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

from kmigrate.keras_api import names
from kmigrate.keras_api.versions import VersionRange
from kmigrate.options import Options
from kmigrate.plan import Diagnostic, Edit
from kmigrate.relu import copied, sums
from kmigrate.relu.forms import Exactness
from kmigrate.relu.formulas import Formulas
from kmigrate.relu.library import ACTIVATIONS, BACKEND, TENSORFLOW, Function
from kmigrate.relu.module import REASONS, Module, SpanOf, no_import
from kmigrate.relu.plain import Plain

_SLOPES = ("alpha", "negative_slope")
_ZERO = "the slope is 0, so this is a plain relu; values and gradients are equal"
_AT_ZERO = f"{REASONS[Exactness.AT_ZERO]}, where it becomes the slope"
_SLOW = (
    "left as it is: up to Keras 2.1.2 K.relu with a slope computes both halves apart, and only "
    "TensorFlow's own functions are faster there: --source-backend tensorflow uses them"
)
_COUNTED = "left as it is: the program asks for layers by their automatic names or their class, or for a slope"


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
    finder = _Finder(Module(tree, dotted, span, path, options, version))
    finder.run()
    edits = [e for e in finder.module.edits if options.wants(e.code, e.path)]
    return edits, [d for d in finder.module.diagnostics if options.wants(d.code, d.path)]


class _Finder:
    def __init__(self, module: Module) -> None:
        self.module = module
        self.formulas = Formulas(module)
        self.plain = Plain(module)
        self.done: set[ast.AST] = set()  # what an edit has taken in already

    def run(self) -> None:
        """Plan all edits."""
        for node in ast.walk(self.module.tree):  # outer nodes come first
            if node in self.done or isinstance(node, ast.JoinedStr):  # whose quotes may not stand in it
                self.done.update(ast.iter_child_nodes(node))
            elif isinstance(node, ast.FunctionDef):
                if self.formulas.has_part(node) and not self.copied_function(node):
                    self.done |= self.formulas.function(node)
            elif isinstance(node, ast.BinOp):
                if not self.written_out(node) and self.formulas.expression(node):
                    self.done.update(ast.iter_child_nodes(node))
            elif isinstance(node, ast.Call):
                self.call(node)

    # the forms

    def call(self, node: ast.Call) -> None:
        known = self.module.function(node.func)
        if known is not None and known.kind in ("max", "min", "clip", "where"):
            if self.formulas.expression(node):
                self.done.update(ast.iter_child_nodes(node))
        elif known is not None and known.kind == "relu" and known.library is not TENSORFLOW:
            self.plain.call(node, known)
            self.relu_call(node)
        elif known is not None and known.kind == "leaky":
            self.leaky_call(node)
        elif self.module.dotted.get(node.func) == "functools.partial":
            self.partial(node)
        else:
            api = self.module.api(node.func)
            if api is not None and api.module == "keras.layers":
                self.plain.layer(node, api)
                if api.name == "LeakyReLU":
                    self.leaky_layer(node)
                self.activation_lambdas(node, api)

    def relu_call(self, node: ast.Call) -> None:
        """``K.relu(x, alpha=...)``, with no maximum or with a number for one."""
        known = self.module.function(node.func)
        where = self.slope_argument(node)
        if known is None or where is None:
            if known is not None and known.library is BACKEND:
                self.bounded_call(node)
            return
        slope = _argument(node, where)
        if self.module.constants.number(slope) == 0:
            self.module.add(node, {"drop": where}, "KM201", _ZERO, neutral=True)
            return
        values = self.module.constants.values(slope)
        if known.library is BACKEND and values is not None and all(0 <= v <= 1 for v in values):
            self.slow_relu(node, slope)

    def slow_relu(self, node: ast.Call, slope: ast.expr) -> None:
        module = self.module
        if not module.relu_may_be_slow(node.func):
            return
        can = not module.old_tensorflow or sums.is_quiet(node.args[0])
        tensorflow = module.tensorflow_for(node.func) if can else None
        reason = f"K.relu computes both halves apart in this version; {_AT_ZERO}"
        if tensorflow is not None and not module.old_tensorflow:
            module.add(node, {"callee": f"{tensorflow}.nn.leaky_relu"}, "KM202", reason)
        elif tensorflow is not None:
            where = self.slope_argument(node)
            step = f"argument {where}" if isinstance(where, int) else f"keyword {where}"
            x = {"path": ["argument 0"]}
            args = [[None, {"product": [{"path": [step]}, x]}], [None, x]]
            module.add(node, {"make": {"call": f"{tensorflow}.maximum", "args": args}}, "KM202", reason)
        elif all(d.message != _SLOW for d in module.diagnostics):  # once is enough
            module.say(node, "KM202", _SLOW)

    def bounded_call(self, node: ast.Call) -> None:
        """``K.relu(x, alpha=a, max_value=m)``, where only one of the two is fast."""
        module = self.module
        given = dict(zip(("x", "alpha", "max_value"), [f"argument {i}" for i in range(len(node.args))]))
        given |= {k.arg: f"keyword {k.arg}" for k in node.keywords if k.arg is not None}
        if given.keys() != {"x", "alpha", "max_value"} or len(node.args) + len(node.keywords) != 3:
            return
        values = {n: _argument(node, int(s[9:]) if s.startswith("a") else n) for n, s in given.items() if n != "x"}
        slopes, bound = module.constants.values(values["alpha"]), module.constants.number(values["max_value"])
        version = module.version
        if slopes is None or not all(0 < a <= 1 for a in slopes) or bound is None or bound <= 0:
            return
        slow = version is not None and version.agree("relu_is_slow", True, True) is True
        alone = version is not None and version.agree("relu_is_slow", True) is False
        target = f"{module.dotted[node.func].rpartition('.')[0]}.minimum"
        if not slow or not alone or isinstance(node.args[0] if node.args else None, ast.Starred):
            return
        name = module.called(node.func, target, "KM205")
        if name is None:
            return
        parts = {n: {"path": [step]} for n, step in given.items()}
        relu = {"call": ast.unparse(node.func), "args": [[None, parts["x"]], ["alpha", parts["alpha"]]]}
        make = {"call": name, "args": [[None, relu], [None, parts["max_value"]]]}
        reason = f"with a slope and a maximum K.relu computes both halves apart; {_AT_ZERO}"
        module.add(node, {"make": make}, "KM205", reason)

    def leaky_call(self, node: ast.Call) -> None:
        """``tf.nn.leaky_relu(x, alpha=0)`` and its like."""
        module = self.module
        known = module.function(node.func)
        others = [k for k in node.keywords if k.arg == "name"]
        where = self.slope_argument(node, ignored=others)
        if known is None or where is None or module.constants.number(_argument(node, where)) != 0:
            return
        name = module.called(node.func, f"{known.root}.{known.library.relu}", "KM201")
        if name is not None:
            module.add(node, {"drop": where, "callee": name}, "KM201", _ZERO, neutral=True)

    def partial(self, node: ast.Call) -> None:
        """``partial(K.relu, alpha=0)``."""
        if len(node.args) != 1 or len(node.keywords) != 1 or not self.module.is_relu(node.args[0]):
            return
        keyword = node.keywords[0]
        if keyword.arg in _SLOPES and self.module.constants.number(keyword.value) == 0:
            self.module.add(node, {"make": {"path": ["argument 0"]}}, "KM201", _ZERO, neutral=True)

    def leaky_layer(self, node: ast.Call) -> None:
        """``LeakyReLU(0)``."""
        module = self.module
        where = self.slope_argument(node, first=0)
        if where is None or module.constants.number(_argument(node, where)) != 0:
            return
        if self.is_activation(node) and len(node.args) + len(node.keywords) == 1:
            module.add(node, {"string": "relu"}, "KM201", _ZERO, neutral=True)
            return
        if self.is_custom_object(node):
            return
        if module.counts_layers():
            module.say(node, "KM201", _COUNTED)
            return
        layer = module.activation_name(node)
        if layer is None:
            module.say(node, "KM201", no_import("Activation"))
            return
        reason = f"{_ZERO}; the layer's class in saved models and its automatic name change"
        module.add(node, {"layer": layer, "slope": where}, "KM201", reason, neutral=True)

    def activation_lambdas(self, node: ast.Call, api: names.Api) -> None:
        """``Activation(lambda x: K.relu(x, alpha=0.))`` and ``activation=lambda ...`` of a layer."""
        given = [k.value for k in node.keywords if k.arg == "activation"]
        if api.name == "Activation" and node.args:
            given.append(node.args[0])
        for value in given:
            if isinstance(value, ast.Lambda) and self.is_zero_relu(value):
                self.module.add(value, {"string": "relu"}, "KM201", _ZERO, neutral=True)
                self.done.update(ast.iter_child_nodes(value))

    def written_out(self, node: ast.BinOp) -> bool:
        """``relu(x) - a * relu(-x)``, planned such that the call of ``relu(x)`` keeps every byte; True if it was."""
        module = self.module
        form = sums.recognise(node, module.is_relu)
        if form is None or form.slope_path is None:
            return False
        known = module.function(form.relu)
        values = module.constants.values(form.slope)
        if known is None or values is None or any(not 0 <= v <= 1 for v in values):
            return False
        if module.constants.number(form.slope) == 0:
            module.add(node, {"call": form.call, "slope": None}, "KM201", _ZERO, neutral=True)
            self.done.update(ast.iter_child_nodes(node))
            return True
        exactness = module.exactness(Exactness.AT_ZERO, known, values)
        library = known.library
        if (library is TENSORFLOW and module.old_tensorflow) or exactness is not Exactness.AT_ZERO:
            return False
        if library is BACKEND and module.tensorflow_for(form.relu) is not None:
            return False
        attribute = None
        if library.leaky != library.relu:
            attribute = library.leaky.rpartition(".")[2]
            if module.called(form.relu, f"{known.root}.{library.leaky}", "KM202") is None:
                self.done.update(ast.iter_child_nodes(node))
                return True
        args = {"call": form.call, "slope": form.slope_path, "keyword": library.slope, "attribute": attribute}
        module.add(node, args, "KM202", f"one call instead of two halves; {_AT_ZERO}")
        self.done.update(ast.iter_child_nodes(node))
        return True

    def copied_function(self, node: ast.FunctionDef) -> bool:
        """``def relu(x, alpha=0., max_value=None)`` as in the backend of Keras 1; True if it is one."""
        module = self.module
        method = isinstance(module.constants.parent(node), ast.ClassDef)
        copy = copied.recognise(node, self.is_copied_relu, method=method)
        if copy is None or not _is_block(node):
            return False
        known = module.function(copy.relu)
        assert known is not None
        tensorflow = known.library is TENSORFLOW
        body = self.tensorflow_body(copy, known) if tensorflow else _backend_body(copy)
        slope = copy.slope
        values = module.constants.parameter(node, slope) if isinstance(slope, str) else [slope]
        if body is None or values is None or any(not 0 <= v <= 1 for v in values):
            return False
        if not module.allows(node, module.exactness(Exactness.AT_ZERO, known, values), "KM203"):
            return True
        module.add(node, {"body": body}, "KM203", f"both halves are computed apart; {_AT_ZERO}")
        self.done.update(ast.iter_child_nodes(node))
        return True

    def tensorflow_body(self, copy: copied.Copy, known: Function) -> list[str] | None:
        """None if the function calls its relu or clip by a bare name."""
        module = self.module
        if not isinstance(copy.relu, ast.Attribute):
            return None
        value = f"{ast.unparse(copy.relu.value)}.leaky_relu({copy.x}, {copy.slope})"
        if module.old_tensorflow:
            maximum = module.called(copy.relu, f"{known.root}.maximum", "KM203")
            if maximum is None:
                return None
            value = f"{maximum}({copy.slope} * {copy.x}, {copy.x})"
        if isinstance(copy.slope, str):
            value += f" if {copy.slope} else {ast.unparse(copy.relu)}({copy.x})"
        if copy.maximum is None:
            return [f"return {value}"]
        if not isinstance(copy.clip, ast.Attribute):
            return None
        minimum = f"{ast.unparse(copy.clip.value)}.minimum({copy.x}, {copy.maximum})"
        return [f"{copy.x} = {value}", f"return {copy.x} if {copy.maximum} is None else {minimum}"]

    # what names mean

    def is_copied_relu(self, function: ast.expr) -> bool:
        known = self.module.function(function)
        return known is not None and known.kind == "relu" and known.library in (TENSORFLOW, BACKEND)

    def is_zero_relu(self, function: ast.Lambda) -> bool:
        """Is it ``lambda x: relu(x, alpha=0)``?"""
        args, body = function.args, function.body
        named = [*args.posonlyargs, *args.args]
        others = (*args.kwonlyargs, *args.defaults, args.vararg, args.kwarg)
        if len(named) != 1 or any(others) or not isinstance(body, ast.Call) or not body.args:
            return False
        known, where = self.module.function(body.func), self.slope_argument(body)
        takes_slope = known is not None and known.library in (BACKEND, ACTIVATIONS) and known.kind == "relu"
        operand = body.args[0]
        plain = isinstance(operand, ast.Name) and operand.id == named[0].arg
        if not takes_slope or not plain or where is None:
            return False
        return self.module.constants.number(_argument(body, where)) == 0

    def slope_argument(
        self, node: ast.Call, first: int = 1, ignored: list[ast.keyword] | None = None
    ) -> str | int | None:
        """Where the slope stands (keyword or position), if it is the only argument of consequence."""
        if any(isinstance(a, ast.Starred) for a in node.args):
            return None
        keywords = [k.arg for k in node.keywords if k not in (ignored or ())]
        slopes = [k for k in keywords if k in _SLOPES]
        if first == 1 and len(slopes) != len(keywords):
            return None  # a maximum, a threshold
        if None in keywords or len(slopes) + max(len(node.args) - first, 0) != 1 or len(node.args) < first:
            return None
        return slopes[0] if slopes else first

    def is_activation(self, node: ast.AST) -> bool:
        """Is this the activation that a Keras layer is given?"""
        parent = self.module.constants.parent(node)
        call = parent
        if isinstance(parent, ast.keyword):
            call = self.module.constants.parent(parent) if parent.arg == "activation" else None
        api = self.module.api(call.func) if isinstance(call, ast.Call) else None
        if api is None or api.module != "keras.layers":
            return False
        return isinstance(parent, ast.keyword) or (api.name == "Activation" and call.args[0] is node)  # type: ignore[union-attr]

    def is_custom_object(self, node: ast.AST) -> bool:
        for above in self.module.constants.ancestors(node):
            if isinstance(above, ast.keyword) and above.arg == "custom_objects":
                return True
            if isinstance(above, ast.Assign) and "custom_objects" in ast.unparse(above.targets[0]):
                return True
        return False


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
