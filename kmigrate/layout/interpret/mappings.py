"""Dictionaries: keys are constants; what stands under other keys may stand under any."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import TYPE_CHECKING

from kmigrate.layout.interpret.comprehensions import Comprehensions
from kmigrate.layout.interpret.state import short
from kmigrate.layout.values import Array, Const, Dict, Layer, NameOf, Seq, Unknown, Value

if TYPE_CHECKING:
    from kmigrate.layout.interpret.calls import Call


class Mappings(Comprehensions):
    """What programs do with dictionaries."""

    def store_item(self, owner: Dict, key: Value | None, value: Value, at: ast.AST) -> None:
        """``owner[key] = value``."""
        if key is not None and not isinstance(key, Const):
            self.differs(key, at)
        self.touch(owner)
        if isinstance(key, Const | NameOf):
            owner.items[written(key)] = value
            owner.maybe.discard(written(key))
        else:
            owner.open = value if owner.open is None else self.join(owner.open, value, at)

    def found_item(self, owner: Dict, key: Value | None, expr: ast.expr) -> Value | None:
        """``owner[key]``; None where it is not there."""
        if isinstance(key, Const | NameOf):
            found = owner.items.get(written(key))
            unnamed = [v for k, v in owner.items.items() if isinstance(k, Layer | Array)]
            if found is None and unnamed:  # names that Keras makes are not known
                found = self.one_of(unnamed, expr)
            if owner.open is not None:
                return owner.open if found is None else self.join(found, owner.open, expr)
            return found
        return self.one_of(owner.values, expr)

    def one_of(self, values: Sequence[Value], expr: ast.AST) -> Value | None:
        """Any of the values."""
        if not values:
            return None
        found = values[0]
        for other in values[1:]:
            found = self.join(found, other, expr)
        return found

    def mapping_method(self, owner: Dict, name: str, call: Call) -> Value:
        at = call.node
        sides = self.sides(call.positional[0][0], at) if call.positional else None
        if name == "get" and sides is not None:
            now, after = (self.mapping_method(owner, name, _with_key(call, side)) for side in sides[:2])
            return self.pair(now, after, sides.node, at)
        self.touch(owner)
        if name in ("get", "pop", "setdefault") and call.positional:
            key = call.positional[0][0]
            given = call.get(1, "default")
            default = given[0] if given else Const(None)
            found = self.found_item(owner, key, at)
            known = isinstance(key, Const) and found is not None
            if found is None:
                found = default
            elif not isinstance(key, Const) or key.value in owner.maybe or key.value not in owner.items:
                found = self.join(found, default, at)
            if name == "setdefault" and not known:
                self.store_item(owner, key, default, at)
            elif name == "pop" and isinstance(key, Const):
                owner.items.pop(key.value, None)
            return found
        if name == "update" and not call.star and all(isinstance(v, Dict) for v, _ in call.positional):
            for value, _ in call.positional:
                self.spread_into(owner, value, at)
            for word, (value, _) in call.keywords.items():
                self.store_item(owner, Const(word), value, at)
            return Const(None)
        closed = owner.open is None and not owner.maybe
        if name in ("values", "itervalues"):
            return Seq("list", owner.values, fixed=closed)
        if name in ("items", "iteritems"):
            pairs: list[Value] = [Seq("tuple", [read(k), v]) for k, v in owner.items.items()]
            if owner.open is not None:
                pairs.append(Seq("tuple", [Unknown("a key"), owner.open]))
            return Seq("list", pairs, fixed=closed)
        if name in ("keys", "iterkeys"):
            keys: list[Value] = [read(k) for k in owner.items]
            return Seq("list", keys if owner.open is None else [*keys, Unknown("a key")], fixed=closed)
        if name == "copy":
            return Dict(dict(owner.items), set(owner.maybe), owner.open)
        for value, expr in call.all():
            self.leak(value, expr, f"`{short(call.node)}`")
        self.leak(owner, call.node, f"`{short(call.node)}`")
        owner.items, owner.open = {}, Unknown(f"an item of a dictionary after `{short(call.node)}`", self.place(at))
        return Unknown(f"`{short(call.node)}`", self.place(call.node))

    def spread_into(self, owner: Dict, value: Value, at: ast.AST) -> None:
        """``{**value}``, ``owner.update(value)``."""
        self.touch(owner)
        if not isinstance(value, Dict):
            owner.open = Unknown("an item of a dictionary that is not known", self.place(at))
            return
        for name, item in value.items.items():
            if name in value.maybe and name in owner.items:
                item = self.join(owner.items[name], item, at)
            elif name in value.maybe:
                owner.maybe.add(name)
            else:
                owner.maybe.discard(name)
            owner.items[name] = item
        if value.open is not None:
            self.store_item(owner, None, value.open, at)


def written(key: Const | NameOf) -> object:
    return key.value if isinstance(key, Const) else key.layer


def read(key: object) -> Value:
    return NameOf(key) if isinstance(key, Layer | Array) else Const(key)


def _with_key(call: Call, key: Value) -> Call:
    return type(call)(call.node, [(key, call.positional[0][1]), *call.positional[1:]], call.keywords, call.star)
