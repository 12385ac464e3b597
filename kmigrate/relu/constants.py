"""What numbers names stand for, where a module says so once and for all."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from kmigrate.keras_api.stars import exported

Scope = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
#: What may bind names of the module that do not stand in its text.
_UNSEEN = frozenset({"globals", "exec", "execfile"})


class Constants:
    """The numeric constants of one module, and which functions hide them or give defaults."""

    def __init__(self, tree: ast.Module) -> None:
        self._parents = {c: p for p in ast.walk(tree) for c in ast.iter_child_nodes(p)}
        self._bound: dict[ast.AST, set[str]] = {}
        self._counts: dict[str, int] = {}
        for scope in ast.walk(tree):
            if isinstance(scope, (ast.Module, *_SCOPES)):
                for name in _binds(scope):
                    self._counts[name] = self._counts.get(name, 0) + 1
        self._module = self._numbers(tree)
        self._calls: dict[str, list[ast.Call]] = {}
        self._uses: dict[str, int] = {}
        self._aliases: dict[str, set[str]] = {}
        self._indirect: list[ast.Call] = []  # ACTIVATIONS['relu'](x, .2)
        self._asked: list[ast.FunctionDef] = []
        self._collect_calls(tree)

    def parent(self, node: ast.AST) -> ast.AST | None:
        return self._parents.get(node)

    def ancestors(self, node: ast.AST) -> Iterator[ast.AST]:
        above = self._parents.get(node)
        while above is not None:
            yield above
            above = self._parents.get(above)

    def number(self, node: ast.expr) -> float | None:
        """The number that ``node`` always is: a literal, arithmetic of such, or a name for one."""
        if isinstance(node, ast.Constant):
            plain = isinstance(node.value, (int, float)) and not isinstance(node.value, bool)
            return float(node.value) if plain else None  # type: ignore[arg-type]
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
            value = self.number(node.operand)
            if value is None:
                return None
            return -value if isinstance(node.op, ast.USub) else value
        if isinstance(node, ast.BinOp):
            return _arithmetic(node.op, self.number(node.left), self.number(node.right))
        return self._named(node) if isinstance(node, ast.Name) else None

    def parameter(self, function: ast.FunctionDef, name: str) -> list[float] | None:
        """All values that the parameter ``name`` takes: its default and what calls here give it.

        None if one of them is no number, if it has no default and the function is not called here,
        or is handed on, or if the two call each other in circles.
        """
        if function in self._asked or self._is_partial(function.name):
            return None
        args = function.args
        positional = [*args.posonlyargs, *args.args]
        defaults = dict(zip([a.arg for a in reversed(positional)], reversed(args.defaults)))
        defaults |= {a.arg: d for a, d in zip(args.kwonlyargs, args.kw_defaults) if d is not None}
        place = next((i for i, a in enumerate(positional) if a.arg == name), None)
        if isinstance(self.parent(function), ast.ClassDef) and place is not None:
            place -= 1
        calls = self._calls_of(function.name)
        given = [_given(call, name, place) or defaults.get(name) for call in calls]
        if name in defaults:
            given.append(defaults[name])
        elif not calls or self._uses.get(function.name, 0) > len(self._calls.get(function.name, [])):
            return None
        self._asked.append(function)
        try:
            found = [self.values(g) if isinstance(g, ast.expr) else None for g in given]
        finally:
            self._asked.pop()
        return None if None in found else [v for values in found if values for v in values]

    def values(self, node: ast.expr) -> list[float] | None:
        """All numbers that ``node`` can be: as `number`, or a parameter that only takes numbers."""
        value = self.number(node)
        if value is not None:
            return [value]
        if not isinstance(node, ast.Name):
            return None
        for scope in self.ancestors(node):
            if isinstance(scope, _SCOPES) and node.id in self.bound(scope):
                if isinstance(scope, ast.FunctionDef) and self._only_parameter(scope, node.id):
                    return self.parameter(scope, node.id)
                return None
        return None

    def bound(self, scope: ast.AST) -> set[str]:
        """The names that ``scope`` binds itself, parameters included."""
        if scope not in self._bound:
            self._bound[scope] = set(_binds(scope))
        return self._bound[scope]

    def count(self, name: str) -> int:
        """How often the module binds ``name``, in whatever scope."""
        return self._counts.get(name, 0)

    def _named(self, node: ast.Name) -> float | None:
        for scope in self.ancestors(node):
            if isinstance(scope, _SCOPES) and node.id in self.bound(scope):
                return None
            if isinstance(scope, _COMPREHENSIONS) and any(
                isinstance(n, ast.Name) and n.id == node.id and isinstance(n.ctx, ast.Store) for n in ast.walk(scope)
            ):
                return None
        return self._module.get(node.id)

    def _numbers(self, tree: ast.Module) -> dict[str, float]:
        """Names that the module binds once, at its top level, to a number, with nothing unseen after that."""
        if any(getattr(n, "id", "") in _UNSEEN for n in ast.walk(tree)):
            return {}
        counts: dict[str, int] = {}
        for name in _binds(tree):
            counts[name] = counts.get(name, 0) + 1
        for node in ast.walk(tree):
            if isinstance(node, ast.Global):
                counts |= dict.fromkeys(node.names, 2)
        found: dict[str, float] = {}
        self._module = found  # constants may be made of earlier ones
        for statement in tree.body:
            if isinstance(statement, ast.ImportFrom) and any(a.name == "*" for a in statement.names):
                if not exported(statement.module or ""):
                    found.clear()  # it may bind them again
            if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
                target, value = statement.targets[0], statement.value
            elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
                target, value = statement.target, statement.value
            else:
                continue
            number = self.number(value)
            if isinstance(target, ast.Name) and counts.get(target.id) == 1 and number is not None:
                found[target.id] = number
        return found

    def _collect_calls(self, tree: ast.Module) -> None:
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", None) or getattr(node.func, "attr", None)
                if name:
                    self._calls.setdefault(name, []).append(node)
                elif isinstance(node.func, ast.Subscript):
                    self._indirect.append(node)
            elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Name):
                for target in node.targets:
                    other = getattr(target, "id", None) or getattr(target, "attr", None)
                    if other:
                        self._aliases.setdefault(node.value.id, set()).add(other)
            elif isinstance(node, (ast.Name, ast.Attribute)) and isinstance(node.ctx, ast.Load):
                name = node.id if isinstance(node, ast.Name) else node.attr
                self._uses[name] = self._uses.get(name, 0) + 1

    def _calls_of(self, name: str) -> list[ast.Call]:
        """The calls of a function by its name, by another one that it is assigned to, and out of a container."""
        found = list(self._calls.get(name, []))
        if self._uses.get(name, 0) > len(found):
            found += [call for alias in self._aliases.get(name, ()) for call in self._calls.get(alias, [])]
            found += self._indirect
        return found

    def _is_partial(self, name: str) -> bool:
        """Is the function ``name`` handed to functools.partial?"""
        return any(_names(a, name) for call in self._calls.get("partial", []) for a in call.args[:1])

    def _only_parameter(self, function: ast.FunctionDef, name: str) -> bool:
        return list(_binds(function)).count(name) == 1 and name in {
            a.arg for a in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)
        }


_UNCLEAR = object()


def _names(node: ast.expr, name: str) -> bool:
    return name in (getattr(node, "id", None), getattr(node, "attr", None))


def _given(call: ast.Call, name: str, place: int | None) -> object:
    """What a call gives for a parameter: an expression, None (the default), or `_UNCLEAR`."""
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    if any(isinstance(a, ast.Starred) for a in call.args) or any(k.arg is None for k in call.keywords):
        return _UNCLEAR
    return call.args[place] if place is not None and place < len(call.args) else None


def _arithmetic(operator: ast.operator, left: float | None, right: float | None) -> float | None:
    if left is None or right is None:
        return None
    if isinstance(operator, ast.Add):
        return left + right
    if isinstance(operator, ast.Sub):
        return left - right
    if isinstance(operator, ast.Mult):
        return left * right
    return left / right if isinstance(operator, ast.Div) and right else None


def _binds(scope: ast.AST) -> Iterator[str]:
    """Each binding of a name in ``scope`` itself (comprehensions' own names apart), once for each."""
    if isinstance(scope, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
        args = scope.args
        named = [*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg]
        yield from (a.arg for a in named if a is not None)
    body = getattr(scope, "body", [])
    todo: list[ast.AST] = list(body) if isinstance(body, list) else [body]
    while todo:
        node = todo.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
            continue
        if isinstance(node, (ast.Lambda, *_COMPREHENSIONS)):
            continue
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from ((a.asname or a.name).partition(".")[0] for a in node.names)
        elif isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and node.name:
            yield node.name
        elif isinstance(node, ast.MatchMapping) and node.rest:
            yield node.rest
        todo.extend(ast.iter_child_nodes(node))
