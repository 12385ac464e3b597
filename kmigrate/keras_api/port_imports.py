"""The import statements of a ported file: old ones brought to Keras 3, new ones added once."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kmigrate.keras_api import helpers, names

if TYPE_CHECKING:
    from kmigrate.keras_api.port import Context

# Modules whose functions are written with the module's name: ops.mean.
BY_MODULE = ("keras.ops", "keras.activations", "keras.random")


def of_keras(node: ast.AST) -> bool:
    """Does the node import multi-backend Keras?"""
    if isinstance(node, ast.Import):
        return any(alias.name.split(".")[0] == "keras" for alias in node.names)
    return isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").split(".")[0] == "keras"


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


class Imports:
    """The imports of Keras, old and new."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._bound: dict[tuple[str, tuple[str, str]], str] = {}  # (old name, target) -> new name
        self._locals: dict[str, tuple[str, str]] = {}  # new name -> target
        self.statements = [
            made
            for node in ast.walk(context.tree)
            if isinstance(node, (ast.Import, ast.ImportFrom)) and (made := self._statement(node)) is not None
        ]
        self.statements.sort(key=lambda one: one.node.lineno)
        for one in self.statements:
            if _is_old(one.node):
                context.shows_age(one.node)

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
            return made if of_keras(node) else None
        if not of_keras(node) or node.module is None:
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
            self._bring(made, home, alias, target)

    def _bring(self, made: _Statement, home: str, alias: ast.alias, target: tuple[str, str]) -> None:
        module, name = target
        old = alias.asname or alias.name
        if not module:
            return
        if home == "keras" and name == alias.name and name in names.AT_THE_ROOT:
            module = home
        if module in BY_MODULE and name != alias.name:
            self._bound[old, target] = self.context.name(module, name)
            return
        free = name not in self.context.taken or name == alias.name
        new = alias.asname or (name if free else alias.name)
        if self._locals.setdefault(new, target) != target:  # merge became several functions
            new = name if free and self._locals.setdefault(name, target) == target else f"keras_{name}"
        self._bound[old, target] = new
        self.context.needed.setdefault(target, new)
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
        for (module, name), local in context.needed.items():
            if (module, name) not in held:
                needed.setdefault(module, []).append((name, local if local != name else None))
        for one in self.statements:  # an import that is there takes what is needed of its module
            for module, brought in one.froms.items():
                if module in needed and one.node in context.tree.body and brought[0][0] != "*":
                    for wanted in needed.pop(module):
                        _put(one, module, wanted)
                    one.changed = True
        extra = [_from(module, brought) for module, brought in needed.items()]
        if context.needs_keras and not self._has_keras() and not self._emptied():
            extra.insert(0, "import keras")
        body = [helpers.HELPERS[name].strip("\n") for name in helpers.in_order(context.helpers_used)]
        if context.stated is not None:
            body.insert(0, context.stated)
        elif body:
            body[0] = "\n\n" + body[0]
        for one in self.statements:
            self._replace(one)
        self._insert(extra, body)

    def _emptied(self) -> bool:
        """Does an import among the first bring nothing any more? It becomes `import keras`."""
        body = self.context.tree.body
        first = next((one.node for one in self.statements if one.node in body), None)
        if first is None:
            return False
        together = body[body.index(first) : body.index(_end_of_imports(body, first)) + 1]
        return any(one.changed and not one.lines() for one in self.statements if one.node in together)

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
        self.context.edit(one.node, kind, {"text": first}, "KM301")
        for line in rest:
            self.context.edit(one.node, "stmt", {"where": "after", "text": line}, "KM301")

    def _insert(self, imports: Sequence[str], body: Sequence[str]) -> None:
        if not imports and not body:
            return
        keras = [one.node for one in self.statements if one.node in self.context.tree.body]
        if not keras:
            self._insert_before([*imports, *body])
            return
        for line in imports:
            self.context.edit(keras[0], "stmt", {"where": "after", "text": line}, "KM301")
        if body:
            last = _end_of_imports(self.context.tree.body, keras[0])
            code = "\n\n\n".join(body)
            self.context.edit(last, "stmt", {"where": "after", "text": code}, "KM303")

    def _insert_before(self, lines: Sequence[str]) -> None:
        for statement in self.context.tree.body:
            docstring = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
            future = isinstance(statement, ast.ImportFrom) and statement.module == "__future__"
            if not docstring and not future:
                for line in lines:
                    self.context.edit(statement, "stmt", {"where": "before", "text": line}, "KM303")
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


def _is_old(node: ast.Import | ast.ImportFrom) -> bool:
    """Is a module named that Keras 3 has elsewhere?"""
    if isinstance(node, ast.Import):
        paths = [alias.name for alias in node.names if alias.name.split(".")[0] == "keras"]
    else:
        paths = [f"{node.module}.{alias.name}" for alias in node.names if alias.name != "*"] + [str(node.module)]
    return any(names.module(path) not in (None, path) for path in paths)


def _end_of_imports(body: Sequence[ast.stmt], first: ast.stmt) -> ast.stmt:
    """The last of the imports that stand together with ``first``."""
    last = first
    for statement in body[body.index(first) :]:
        if not isinstance(statement, (ast.Import, ast.ImportFrom)):
            break
        last = statement
    return last
