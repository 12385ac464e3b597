"""Objects that change: what a branch does to them is undone, and joined with what the other branch does.

Names are joined by the statements that branch (machine.py); here are the objects that names share.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

from kmigrate.layout.values import Array, Class, Dict, Instance, Layer, Model, Scope, Seq, Unknown, Value, birth

# What of an object changes while the program runs.
FIELDS: dict[type, tuple[str, ...]] = {
    Instance: ("attributes", "calls"),
    Class: ("members",),
    Dict: ("items", "maybe", "open"),
    Seq: ("items", "place", "axes", "nodes", "fixed"),
    Model: ("inputs", "outputs", "top", "layers", "counted"),
    Layer: ("calls", "name"),
    Scope: ("names",),
}
Left = dict[int, tuple[Any, dict[str, Any]]]  # objects by identity, and their state
T = TypeVar("T")


class Frame(NamedTuple):
    """A branch being run: when it began, and what it changed, as that was before."""

    start: int
    changed: Left


def state_of(owner: Any) -> dict[str, Any]:
    return {name: _copy(getattr(owner, name)) for name in FIELDS[type(owner)]}


def put_back(owner: Any, state: dict[str, Any]) -> None:
    for name, value in state.items():
        setattr(owner, name, _copy(value))


def _copy(value: Any) -> Any:
    return type(value)(value) if isinstance(value, list | dict | set) else value


class WaysOut(NamedTuple):
    """Where the body of a function, of a loop or of a try statement that is being run is left early."""

    depth: int  # its frame
    worlds: object  # the branches on the ordering that it is run in: those within it are paired, not joined
    left: list[Left]  # what objects were at each of these places


class Heap:
    """The objects that were changed, for each branch being run."""

    frames: list[Frame]
    ways_out: Mapping[str, WaysOut] = MappingProxyType({})  # by the statement that leaves: return, break, ...

    def touch(self, owner: Any) -> None:
        """``owner`` is about to change. What was made in this branch is seen by no other one."""
        if self.frames:
            frame = self.frames[-1]
            if owner.born < frame.start and id(owner) not in frame.changed:
                frame.changed[id(owner)] = (owner, state_of(owner))

    def branch(self, action: Callable[[], T]) -> tuple[T, Left]:
        """Runs one of several ways on; all objects are then as before, and what it made of them is given."""
        self.frames.append(Frame(birth(), {}))
        try:
            result = action()
        finally:
            changed = self.frames.pop().changed
            left: Left = {}
            for key, (owner, before) in changed.items():
                left[key] = (owner, state_of(owner))
                put_back(owner, before)
        return result, left

    def with_exits(self, how: str, body: Callable[[], T], worlds: object, at: ast.AST, at_once: bool = False) -> T:
        """Runs a body that may be left early: what stands behind such a place has not happened there.

        ``at_once``: it may also be left before it does anything.
        """
        outer, out = self.ways_out, WaysOut(len(self.frames), worlds, [])
        self.ways_out = {**outer, how: out}
        try:
            result, left = self.branch(body)
        finally:
            self.ways_out = outer
        self.rejoin([*out.left, left, *([{}] if at_once else [])], at)
        return result

    def goes_out(self, how: str, worlds: object) -> None:
        """A statement that leaves a body early."""
        out = self.ways_out.get(how)
        if out is not None and out.worlds == worlds:
            start = self.frames[out.depth].start
            changed = {key: owner for frame in self.frames[out.depth :] for key, (owner, _) in frame.changed.items()}
            out.left.append({key: (owner, state_of(owner)) for key, owner in changed.items() if owner.born < start})

    def rejoin(self, ways: list[Left], at: ast.AST) -> None:
        """One of these ways was gone: each object is what any of them left."""
        for key, (owner, _) in {key: item for left in ways for key, item in left.items()}.items():
            self.touch(owner)
            now = state_of(owner)
            states = [left[key][1] if key in left else now for left in ways]
            merged = states[0]
            for other in states[1:]:
                merged = self._merged(owner, merged, other, at)
            put_back(owner, merged)

    def _merged(self, owner: Any, a: dict[str, Any], b: dict[str, Any], at: ast.AST) -> dict[str, Any]:
        if isinstance(owner, Seq):
            return self._merged_list(a, b, at)
        if isinstance(owner, Model):
            return self._merged_model(a, b, at)
        if isinstance(owner, Layer):
            return {"calls": _union(a["calls"], b["calls"]), "name": a["name"] if a["name"] == b["name"] else None}
        (field,) = FIELDS[type(owner)][:1]
        names: dict[Any, Value] = {}
        for name in {**a[field], **b[field]}:
            mine, other = a[field].get(name), b[field].get(name)
            if isinstance(owner, Instance):  # what is not set on the object is looked up in its class
                mine = mine if mine is not None else self.class_member(owner.cls, name)
                other = other if other is not None else self.class_member(owner.cls, name)
            if mine is None or other is None:
                names[name] = mine or other
            else:
                names[name] = self.join(mine, other, at)
        if isinstance(owner, Dict):
            some = (set(a["items"]) ^ set(b["items"])) | a["maybe"] | b["maybe"]
            extra = [s["open"] for s in (a, b) if s["open"] is not None]
            found = extra[0] if extra else None
            if len(extra) == 2:
                found = self.join(extra[0], extra[1], at)
            return {"items": names, "maybe": some, "open": found}
        if isinstance(owner, Instance):
            return {field: names, "calls": [*a["calls"], *(c for c in b["calls"] if c not in a["calls"])]}
        return {field: names}

    def _merged_list(self, a: dict[str, Any], b: dict[str, Any], at: ast.AST) -> dict[str, Any]:
        if a["items"] == b["items"]:
            return a if a["fixed"] else b
        for state in (a, b):
            self.unwritten(state["nodes"], at)
        plain = {"place": None, "axes": None, "nodes": None}
        if len(a["items"]) == len(b["items"]) and a["fixed"] and b["fixed"]:
            items = [self.join(x, y, at) for x, y in zip(a["items"], b["items"], strict=True)]
            return {"items": items, "fixed": True, **plain}
        return {"items": _union(a["items"], b["items"]), "fixed": False, **plain}

    def _merged_model(self, a: dict[str, Any], b: dict[str, Any], at: ast.AST) -> dict[str, Any]:
        merged = {"layers": _union(a["layers"], b["layers"]), "counted": a["counted"] and b["counted"]}
        merged["counted"] &= a["layers"] == b["layers"]
        tops = a["top"], b["top"]
        merged["top"] = self.join(*tops, at) if all(isinstance(top, Array) for top in tops) else None
        for field in ("inputs", "outputs"):
            x, y = a[field], b[field]
            if x and y and len(x) == len(y):
                merged[field] = [self.join(p, q, at) for p, q in zip(x, y, strict=True)]
            elif x and y:
                for tensor in (*x, *y):
                    if isinstance(tensor, Array):
                        self.stays(tensor.node, "a model has one or another number of inputs or outputs", at)
                merged[field] = [Unknown("a tensor of a model that is one of several")]
            else:
                merged[field] = x or y
        return merged

    # -- filled in by the interpreter ---------------------------------------------------------------

    def join(self, a: Value, b: Value, at: ast.AST) -> Value:
        raise NotImplementedError

    def class_member(self, cls: Class, name: str) -> Value | None:
        raise NotImplementedError

    def stays(self, node: int, why: str, at: ast.AST) -> None:
        raise NotImplementedError

    def unwritten(self, nodes: list[int] | None, at: ast.AST) -> None:
        """The display of a shape says no longer what it holds."""
        raise NotImplementedError


def _union(a: list[Any], b: list[Any]) -> list[Any]:
    known = {id(item) for item in a}
    return [*a, *(item for item in b if id(item) not in known)]
