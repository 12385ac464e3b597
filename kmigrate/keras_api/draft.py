"""One Keras call on its way to Keras 3: what its arguments become.

Rules change a draft by the parameters' Keras 3 names; `Draft.edits` says what that means for the
source: the ``args`` of the codemod keras3_call.
"""

from __future__ import annotations

import ast
from typing import Any

from kmigrate.keras_api import signatures
from kmigrate.keras_api.names import Api
from kmigrate.keras_api.signatures import GROUPS, Bound

MISSING = object()


class Draft:
    """The arguments of one call, by their Keras 3 names."""

    def __init__(self, api: Api, call: ast.Call, bound: Bound) -> None:
        self.api = api
        self.call = call
        self.bound = bound
        self.module, self.name = api.module, api.name  # the callee in Keras 3
        self.template: str | None = None  # the whole call becomes this expression
        self._index = _places(call)
        self._source: dict[str, list[ast.expr]] = {}
        for name, value in bound.args.items():
            self._source[name] = list(value) if isinstance(value, tuple) else [value]
        self._target: dict[str, str] = {name: name for name in self._source}
        self._value: dict[str, str] = {}
        self._added: dict[str, str] = {}
        self._dropped: set[str] = set()

    # reading

    def has(self, name: str) -> bool:
        """Is the argument given, by the source or by a rule?"""
        return (name in self._source and name not in self._dropped) or name in self._added

    def node(self, name: str) -> ast.expr | None:
        """The argument's expression in the source (the first one of a group)."""
        return self._source[name][0] if name in self._source and name not in self._dropped else None

    def literal(self, name: str) -> Any:
        """The argument's value, if it is written as a literal; else `MISSING`."""
        node = self.node(name)
        if node is None:
            return MISSING
        try:
            return ast.literal_eval(node)
        except ValueError:
            return MISSING

    def place(self, name: str) -> str:
        """What stands for the argument in a template."""
        if name in self._value:
            return self._value[name]
        if name in self._added:
            return self._added[name]
        parts = [f"__{self._index[id(node)]}__" for node in self._source[name]]
        return parts[0] if len(parts) == 1 else f"({', '.join(parts)})"

    # changing

    def drop(self, *names: str) -> None:
        for name in names:
            if name in self._source:
                self._dropped.add(name)
            self._added.pop(name, None)

    def rename(self, old: str, new: str) -> None:
        if self.has(old):
            self._target[old] = new

    def set(self, name: str, template: str) -> None:
        """Give an argument this value: a source expression in which ``__0__`` is the first argument."""
        if name in self._source and name not in self._dropped:
            self._value[name] = template
        else:
            self._added[name] = template

    def default(self, name: str, template: str) -> None:
        """Write a default out where the source leaves it."""
        if not self.has(name):
            self.set(name, template)

    def arguments(self, *leave: str) -> str:
        """All arguments as a template without those named; in place where Keras 3 has the same place."""
        given = [name for name in (*self._source, *self._added) if self.has(name) and name not in leave]
        places = dict(zip(self._order(), sorted(self.bound.positions, key=self.bound.positions.__getitem__)))
        written: list[str] = []
        for name in dict.fromkeys(given):
            target = self._target.get(name, name)
            same = not leave and places.get(target) == name and "=" not in "".join(written[-1:])
            written.append(self.place(name) if same else f"{target}={self.place(name)}")
        return ", ".join(written)

    # the result

    def edits(self) -> dict[str, Any] | None:
        """The ``args`` of keras3_call's operations, or None if nothing changes."""
        if self.template is not None:
            return {"template": self.template}
        plan: dict[str, list[Any]] = {"value": [], "keyword": [], "remove": [], "add": []}
        self._positional(plan)
        for name, nodes in self._source.items():
            given = self._keywords(name)
            if name in self._dropped:
                plan["remove"] += given
                continue
            template = self._value.get(name)
            if len(nodes) > 1:
                template = template or self.place(name)
            first = self._index[id(nodes[0])]
            if template is not None:
                plan["value"].append([first, template])
            if given and given[0] == first:
                spelled = self._spelled(first)
                if spelled is not None and spelled != self._target[name]:
                    plan["keyword"].append([first, self._target[name]])
                plan["remove"] += given[1:]
            elif given:  # the first of a group is positional, the rest is not
                plan["remove"] += given
        plan["add"] = [[name, template] for name, template in self._added.items()]
        plan["remove"] = sorted(set(plan["remove"]), reverse=True)
        return plan if any(plan.values()) else None

    def spelled_as_before(self) -> bool:
        """Is a method called that Keras 3 lacks, or are arguments given that it does not take, or not in this sense?"""
        if self.bound.generation == 1 or signatures.means_old_position(self.api, self.call.args):
            return True
        if self.api.module == "keras.models" and "." in self.api.name:
            return self._is_old_method()
        return any(
            word.arg is not None and not signatures.keras3_takes(self.api, word.arg) for word in self.call.keywords
        )

    def _is_old_method(self) -> bool:
        method = self.api._replace(name="Model." + self.api.name.rpartition(".")[2])
        spec = signatures.parameters(method, "keras_3")
        return spec is None or any(
            word.arg is not None and not signatures.keras3_takes(method, word.arg) for word in self.call.keywords
        )

    def _positional(self, plan: dict[str, list[Any]]) -> None:
        """Keep the leading arguments positional as far as Keras 3 has them there."""
        order = self._order()
        names = {id(node): name for name, nodes in self._source.items() for node in nodes}
        kept = 0
        by_keyword = False
        for index, node in enumerate(self.call.args):
            name = names.get(id(node))
            if name is None:
                return
            if name in self._dropped or node is not self._source[name][0]:
                plan["remove"].append(index)
                continue
            target = self._target[name]
            by_keyword = by_keyword or kept >= len(order) or order[kept] != target
            if by_keyword:
                plan["keyword"].append([index, target])
            else:
                kept += 1

    def _order(self) -> list[str]:
        now = Api(self.module, self.name, self.name, "keras")
        spec = signatures.parameters(now, "keras_3") or signatures.parameters(now, "tf_keras") or ()
        return [one.name for one in spec if one.positional]

    def _keywords(self, name: str) -> list[int]:
        return [
            self._index[id(node)] for node in self._source[name] if self._spelled(self._index[id(node)]) is not None
        ]

    def _spelled(self, index: int) -> str | None:
        """The keyword of an argument by its place."""
        return next((word.arg for word in self.call.keywords if self._index[id(word.value)] == index), None)


def _places(call: ast.Call) -> dict[int, int]:
    """The number of each argument, as they stand in the source."""
    nodes: list[ast.expr] = [*call.args, *(word.value for word in call.keywords)]
    nodes.sort(key=lambda node: (node.lineno, node.col_offset))
    return {id(node): index for index, node in enumerate(nodes)}


def incomplete_groups(bound: Bound) -> list[str]:
    """Parts of a kernel size whose other part is missing."""
    return [name for name in bound.args if name in GROUPS]
