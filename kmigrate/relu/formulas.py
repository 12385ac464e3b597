"""Plan the fast call for relus that are written out as formulas, in one expression or over several statements."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from kmigrate.relu import forms
from kmigrate.relu.forms import Exactness, Form
from kmigrate.relu.library import ACTIVATIONS, BACKEND, PYTHON, TENSORFLOW, Function
from kmigrate.relu.module import REASONS, Module
from kmigrate.relu.terms import Reader, Term

Block = Sequence[ast.stmt]
_SIX = 6.0
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
#: What an expression that becomes a call may be.
_FORMULAS = (ast.BinOp, ast.Call)
#: What gives names another meaning inside.
_INNER = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.NamedExpr, ast.JoinedStr)
_SAYS_RELU = re.compile("re_?lu|leak|rectif")
_CANDIDATES = 12  # of one statement
_LEVELS = 6  # of operators above a relu or an absolute value in a formula


class _Fast(NamedTuple):
    """What a form becomes."""

    template: dict[str, Any]
    code: str
    what: str
    exactness: Exactness


class Formulas:
    """Plans edits in ``module``."""

    def __init__(self, module: Module) -> None:
        self.module = module

    def expression(self, node: ast.expr) -> bool:
        """Plan the edit of ``node`` if it is a relu; True if that takes in all of ``node``."""
        if not self._may_be(node):
            return False
        form = self._form(Reader(self.module.constants.number, self.module.function).read(node))
        fast = self._fast(node, form) if form is not None else None
        if fast is None:
            return False
        self.module.add(node, {"make": fast.template}, fast.code, _reason(fast), neutral=_neutral(fast))
        return form is not None and (form.clipped is None or fast.template["call"].endswith("relu6"))

    def has_part(self, node: ast.AST) -> bool:
        """Is a relu, a maximum or the like called in ``node``?"""
        return any(isinstance(n, ast.Call) and self.module.function(n.func) is not None for n in ast.walk(node))

    def function(self, node: ast.FunctionDef) -> set[ast.AST]:
        """Plan edits for relus over several statements of a function; gives the statements that they take in."""
        dropped: list[list[int]] = []
        taken: set[ast.AST] = set()
        code, reason = "", ""
        for path, block in _blocks(node.body):
            parts = [self.has_part(statement) for statement in block]
            for last in range(len(block) - 1, 0, -1):
                window = _window(block, last) if block[last] not in taken else None
                if window is None or not any(parts[window.start : last + 1]):
                    continue
                fast = None
                for first in reversed(window):  # as few statements as will do
                    fast = fast or self._window(node, block, range(first, last), last, parts_only=True)
                    fast = fast or self._window(node, block, range(first, last), last, parts_only=False)
                if fast is None:
                    continue
                used, made = fast
                dropped += [[*path, i] for i in used]
                taken |= {block[i] for i in used} | {block[last]}
                code, reason = made.code, _reason(made)
        if dropped:
            self.module.add(node, {"without": sorted(dropped)}, code, reason)
        return taken

    # over several statements

    def _window(
        self, function: ast.FunctionDef, block: Block, window: range, last: int, parts_only: bool
    ) -> tuple[list[int], _Fast] | None:
        """The temporaries that go, by their places in ``block``, and what the last statement becomes.

        ``parts_only``: products of a number and something else are no temporaries of a formula.
        """
        env: dict[str, tuple[Term, set[int]]] = {}
        for i in window:
            statement = block[i]
            term, used = self._read(statement, env)
            env.pop(_target(statement), None)
            if self._is_part(term) or (not parts_only and self._is_product(term)):
                env[_target(statement)] = (term.elsewhere(), used | {i})
        for changed in _candidates(block[last]) if env else ():
            if self._is_form(changed):
                continue
            term, used = self._read(changed, env)
            form = self._form(term) if used and not _is_lost(term) else None
            if form is None or not self._can_go(function, block, sorted(used), last, changed):
                continue
            fast = self._fast(changed, form)
            if fast is not None:
                self.module.add(changed, {"make": fast.template}, fast.code, _reason(fast), neutral=_neutral(fast))
                return sorted(used), fast
        return None

    def _is_form(self, node: ast.expr | ast.stmt) -> bool:
        """Is it a relu without the statements before it?"""
        if not isinstance(node, ast.expr) or not self._may_be(node):
            return False
        return self._form(Reader(self.module.constants.number, self.module.function).read(node)) is not None

    def _is_part(self, term: Term) -> bool:
        """Can it be a part of a formula: a number, or something with a relu or an absolute value in it?"""
        parts = list(forms.within(term))
        if any(t.kind in ("loud", "lost") for t in parts):
            return False
        leaves = [t.node for t in parts if t.kind == "opaque"]
        return any(t.known is not None for t in parts) or all(
            n is not None and self.module.is_scalar(n) for n in leaves
        )

    def _is_product(self, term: Term) -> bool:
        known = [self._is_part(part) for part in term.parts]
        return term.kind in ("mul", "div") and any(known) and not _is_lost(term.elsewhere())

    def _read(self, statement: ast.stmt | ast.expr, env: Mapping[str, tuple[Term, set[int]]]) -> tuple[Term, set[int]]:
        """What a statement computes, and which temporaries it uses, with those behind them."""
        module = self.module
        terms = {name: term for name, (term, _) in env.items()}
        reader = Reader(module.constants.number, module.function, terms)
        value = _value(statement) if isinstance(statement, ast.stmt) else statement
        assert value is not None
        term = reader.read(value, ("value",) if isinstance(statement, ast.AugAssign) else ())
        if isinstance(statement, ast.AugAssign):
            target = statement.target
            assert isinstance(target, ast.Name)
            left = reader.read(ast.copy_location(ast.Name(target.id, ast.Load()), target), ("target",))
            kind = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div"}[type(statement.op)]
            term = Term(kind, (left, term))
        used = {i for name in reader.used for i in env[name][1]}
        return term, used

    def _can_go(
        self, function: ast.FunctionDef, block: Block, used: list[int], last: int, changed: ast.expr | ast.stmt
    ) -> bool:
        """Is what these statements bind read nowhere else than in ``changed``, and does nothing stand between them?"""
        if used != list(range(used[0], last)):
            return False
        lines = [s.lineno for s in block]
        if len(set(lines)) != len(lines):
            return False  # several on one line
        own = {n for place in (*(block[i] for i in used), changed) for n in ast.walk(place)}
        final = block[last]
        beside = set(ast.walk(final)) - own
        names = {_target(block[i]) for i in used}
        kept = {_target(final)} if isinstance(final, (ast.Assign, ast.AugAssign)) else set()
        nested = {n for f in ast.walk(function) if f is not function and isinstance(f, _SCOPES) for n in ast.walk(f)}
        loops = any(isinstance(n, (ast.For, ast.While, ast.AsyncFor)) for n in ast.walk(function))
        for node in ast.walk(function):
            if isinstance(node, (ast.Global, ast.Nonlocal)) and names & set(node.names):
                return False
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("locals", "vars", "eval", "exec"):
                return False
            if not isinstance(node, ast.Name) or node.id not in names or node in own:
                continue
            if not isinstance(node.ctx, ast.Load):
                changes = isinstance(node.ctx, ast.Del) or isinstance(self.module.constants.parent(node), ast.AugAssign)
                if loops or (changes and node.lineno > final.lineno and node.id not in kept):
                    return False
                continue
            if node in nested or node in beside or loops or (node.lineno > final.lineno and node.id not in kept):
                return False
        return True

    # what a formula is, and becomes

    def _may_be(self, node: ast.expr) -> bool:
        """A cheap test, before anything is looked at closely."""
        known = self.module.function(node.func) if isinstance(node, ast.Call) else None
        if isinstance(node, ast.Call):
            return known is not None and known.kind in ("max", "min", "clip", "where")
        level: list[ast.expr] = [node]
        for _ in range(_LEVELS):
            below: list[ast.expr] = []
            for inner in level:
                if isinstance(inner, ast.BinOp):
                    below += (inner.left, inner.right)
                elif isinstance(inner, ast.UnaryOp):
                    below.append(inner.operand)
                elif isinstance(inner, ast.Call):
                    found = self.module.function(inner.func)
                    if found is not None and found.kind in ("relu", "abs", "min", "clip"):
                        return True
            level = below
        return False

    def _form(self, term: Term) -> Form | None:
        return forms.recognise(term, self.module.is_scalar)

    def _fast(self, node: ast.expr | ast.stmt, form: Form) -> _Fast | None:
        """The call that ``form`` becomes, if it may."""
        if form.function.library is PYTHON:
            form = self._in_tensorflow(node, form)
            if form.function.library is PYTHON:
                return None
        if form.slope is not None:
            return self._leaky(node, form)
        if form.clipped is not None or form.maximum is not None:
            return self._bounded(node, form)
        if (form.integer or _is_hinge(form.x)) and not self._is_activation(node):
            return None  # tf.nn.relu of integers does not run everywhere; a loss gains nothing
        if form.function.library is BACKEND and self._plain_is_slow(form.written):
            return None
        if form.function.library is ACTIVATIONS or not self.module.allows(node, form.exactness, "KM204"):
            return None
        template = self._relu(form, "KM204")
        return _Fast(template, "KM204", "this is a relu", form.exactness) if template else None

    def _leaky(self, node: ast.expr | ast.stmt, form: Form) -> _Fast | None:
        module, library = self.module, form.function.library
        slope = form.slope
        assert slope is not None
        expression = forms.written(slope) if isinstance(slope, Term) else ast.Constant(slope)
        values = module.constants.values(expression)
        if values is None or any(not 0 <= v <= 1 for v in values):
            return None
        if not any(values) and module.constants.number(expression) is not None:
            if form.maximum is not None or form.exactness is Exactness.ROUNDING:
                return None
            relu = self._relu(form, "KM201")  # 0 * x is nan at infinity, and a relu is not
            return _Fast(relu, "KM201", "the slope is 0, so this is a plain relu", form.exactness) if relu else None
        exactness = module.exactness(form.exactness, form.function, values)
        if not module.allows(node, exactness, "KM202"):
            return None
        leaf: Any = _leaf(slope) if isinstance(slope, Term) else {"text": repr(slope)}
        x = _leaf(form.x)
        tensorflow = module.tensorflow_for(form.written) if library is BACKEND else None
        if tensorflow is not None or (library is TENSORFLOW and module.old_tensorflow):
            made = self._in_old_tensorflow(form, tensorflow, x, leaf)
        else:
            function = module.called(form.written, f"{form.function.root}.{library.leaky}", "KM202")
            made = _call(function, (None, x), (library.slope, leaf)) if function else None
        if made and form.maximum is not None:
            minimum = self._minimum(form)
            made = _call(minimum, (None, made), (None, _leaf(form.maximum))) if minimum else None
        if not made:
            return None
        self._label(form, made)
        return _Fast(made, "KM202", "one call instead of several", exactness)

    def _in_old_tensorflow(self, form: Form, tensorflow: str | None, x: Any, slope: Any) -> dict[str, Any] | None:
        """A leaky relu in a TensorFlow that may be too old for the function: a maximum."""
        module = self.module
        if not module.old_tensorflow:
            return _call(f"{tensorflow}.nn.leaky_relu", (None, x), ("alpha", slope))
        if form.function.kind == "max":
            return None  # it is one already
        maximum = f"{form.function.root}.maximum"
        name = f"{tensorflow}.maximum" if tensorflow else module.called(form.written, maximum, "KM202")
        return _call(name, (None, {"product": [slope, x]}), (None, x)) if name else None

    def _bounded(self, node: ast.expr | ast.stmt, form: Form) -> _Fast | None:
        """A clip becomes a minimum, which is equal; or relu6, which differs at the bound."""
        module, library = self.module, form.function.library
        assert form.maximum is not None
        six = form.maximum.number == _SIX and module.options.unsafe_fixes
        function = library.relu6 and f"{form.function.root}.{library.relu6}"
        if six and function:
            name = module.called(form.written, function, "KM205")
            made = name and _call(name, (None, _leaf(form.x)))
            if made:
                self._label(form, made)
                return _Fast(made, "KM205", "relu6 does this in one pass", Exactness.AT_CLIP)
        if six and library is BACKEND and not module.relu_may_be_slow(form.written, maximum=True):
            made = self._relu(form, "KM205")
            if made:
                made["args"].append(["max_value", _leaf(form.maximum)])
                return _Fast(made, "KM205", "relu6 does this in one pass", Exactness.AT_CLIP)
        if form.clipped is None or form.function.kind != "clip":
            return None
        minimum = self._minimum(form)
        if minimum is None or form.clipped.path is None:
            return None
        made = _call(minimum, (None, _leaf(form.clipped)), (None, _leaf(form.maximum)))
        self._label(form, made)
        return _Fast(made, "KM205", "a relu is never below 0", Exactness.EQUAL)

    def _minimum(self, form: Form) -> str | None:
        name = form.function.library.minimum
        return name and self.module.called(form.written, f"{form.function.root}.{name}", "KM205")

    def _relu(self, form: Form, code: str) -> dict[str, Any] | None:
        target = f"{form.function.root}.{form.function.library.relu}"
        name = self.module.called(form.written, target, code)
        if name is None:
            return None
        made = _call(name, (None, _leaf(form.x)))
        self._label(form, made)
        return made

    def _label(self, form: Form, made: dict[str, Any]) -> None:
        """Keep the ``name=`` of an operation."""
        if form.label is not None and form.label.label is not None:
            made["args"].append(["name", {"path": list(form.label.label)}])

    def _plain_is_slow(self, function: ast.expr) -> bool:
        version = self.module.version
        return version is not None and version.agree("relu_is_slow", False) is True

    def _in_tensorflow(self, node: ast.AST, form: Form) -> Form:
        """Python's ``abs`` works on arrays too; in a relu under a scope of TensorFlow it is one of tensors."""
        above_all = list(self.module.constants.ancestors(node))
        function = next((a for a in above_all if isinstance(a, _SCOPES)), None)
        if not _SAYS_RELU.search(getattr(function, "name", "").lower()):
            return form
        for above in above_all:
            for item in above.items if isinstance(above, ast.With) else ():
                scope = item.context_expr
                path = self.module.dotted.get(scope.func) if isinstance(scope, ast.Call) else None
                if path is not None and path.startswith("tensorflow.") and path.endswith("scope"):
                    assert isinstance(scope, ast.Call)
                    return replace(form, function=Function(TENSORFLOW, "abs", "tensorflow"), written=scope.func)
        return form

    def _is_activation(self, node: ast.AST) -> bool:
        """Does this stand in a function that says it is a relu, or that a layer uses as one?"""
        constants = self.module.constants
        for scope in constants.ancestors(node):
            if isinstance(scope, ast.FunctionDef):
                return "relu" in scope.name.lower()
            if isinstance(scope, ast.Lambda):
                above = constants.parent(scope)
                if isinstance(above, ast.keyword):
                    return above.arg == "activation"
                if isinstance(above, ast.Assign):
                    return "relu" in ast.unparse(above.targets[0]).lower()
                api = self.module.api(above.func) if isinstance(above, ast.Call) else None
                return api is not None and api.key in ("layers.Activation", "layers.Lambda")
        return False


def _reason(fast: _Fast) -> str:
    return f"{fast.what}; {REASONS[fast.exactness]}"


def _neutral(fast: _Fast) -> bool:
    return fast.exactness is Exactness.EQUAL


def _call(function: str, *args: tuple[str | None, Any]) -> dict[str, Any]:
    return {"call": function, "args": [[keyword, leaf] for keyword, leaf in args]}


def _leaf(term: Term) -> dict[str, Any]:
    """The node in the source where that can be; else its text."""
    if term.path is not None and all(t.path is not None for t in forms.within(term)):
        return {"path": list(term.path)}
    return {"text": ast.unparse(ast.fix_missing_locations(forms.written(term)))}


def _blocks(body: Block, path: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], Block]]:
    """The statements of a function and of with statements in it, each with its place."""
    yield path, body
    for i, statement in enumerate(body):
        if isinstance(statement, ast.With):
            yield from _blocks(statement.body, (*path, i))


def _window(block: Block, last: int) -> range | None:
    """The plain assignments right before statement ``last``, which must be one that gives a value."""
    if _value(block[last]) is None:
        return None
    first = last
    while first and isinstance(block[first - 1], (ast.Assign, ast.AugAssign)) and _value(block[first - 1]) is not None:
        first -= 1
    return range(max(first, last - 8), last) if first < last else None


def _candidates(statement: ast.stmt) -> Sequence[ast.expr | ast.stmt]:
    """The expressions in a statement that may be formulas, outer ones first; or a statement such as ``x -= ...``."""
    value = _value(statement)
    if isinstance(statement, ast.AugAssign) or value is None:
        return [statement]
    if any(isinstance(n, _INNER) for n in ast.walk(value)):
        return []
    return [n for n in ast.walk(value) if isinstance(n, _FORMULAS)][:_CANDIDATES]


def _value(statement: ast.stmt) -> ast.expr | None:
    """What a plain statement computes: a return, or an assignment to one name."""
    if isinstance(statement, ast.Return):
        return statement.value
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1 and isinstance(statement.targets[0], ast.Name):
        return statement.value
    if isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name):
        return statement.value if isinstance(statement.op, (ast.Add, ast.Sub, ast.Mult, ast.Div)) else None
    return None


def _is_hinge(x: Term) -> bool:
    """Is it a margin, such as ``1 - y * p``, as losses and distances have it?"""
    return x.kind == "sub" or (x.kind == "add" and any(map(_is_hinge, x.parts)))


def _is_lost(term: Term) -> bool:
    """Would what is left read a temporary, or something that an edit of another statement may change?"""
    return any(
        t.kind == "lost"
        or (t.path is None and t.kind == "opaque" and not isinstance(t.node, (ast.Name, ast.Attribute)))
        for t in forms.within(term)
    )


def _target(statement: ast.stmt) -> str:
    target = statement.targets[0] if isinstance(statement, ast.Assign) else getattr(statement, "target", None)
    return target.id if isinstance(target, ast.Name) else ""
