"""Attributes: of arrays, of the program's classes and their instances, of library objects."""

from __future__ import annotations

import ast

from kmigrate.layout.interpret.indexing import ArrayOps
from kmigrate.layout.interpret.state import short
from kmigrate.layout.values import (
    Array,
    Choice,
    Class,
    Const,
    Estimator,
    Function,
    Instance,
    Layer,
    Method,
    Model,
    Module,
    Pair,
    Parent,
    ProjectModule,
    Seq,
    SymInt,
    Unknown,
    Value,
)

MAX_BASES = 20


class Objects(ArrayOps):
    """Attribute access and the order in which classes are asked."""

    def attribute(self, owner: Value, name: str, expr: ast.Attribute) -> Value:
        if isinstance(owner, Module):
            return Module(f"{owner.dotted}.{name}")
        if isinstance(owner, ProjectModule):
            found = owner.scope.names.get(name)
            return found if found is not None else Unknown(owner.why or f"`{short(expr)}`", self.place(expr))
        if isinstance(owner, Array):
            return self._array_attribute(owner, name, expr)
        if isinstance(owner, Instance | Class | Parent):
            found = self.member(owner, name, expr)
            if found is None and isinstance(owner, Parent):
                found = self.above_in_library(owner, name)
            return found if found is not None else Unknown(f"the attribute `{name}`", self.place(expr))
        if isinstance(owner, Model):
            return self.model_attribute(owner, name, expr)
        if isinstance(owner, Layer):
            return self.layer_attribute(owner, name, expr)
        if isinstance(owner, Estimator):
            known = self.estimator_attribute(owner, name, expr)
            return known if known is not None else Method(owner, name)
        if isinstance(owner, Choice):
            return self._any_attribute(owner, name, expr)
        if isinstance(owner, Unknown):
            if owner.array is not None:
                return self._array_attribute(owner.array, name, expr)
            return (
                Method(owner, name)
                if name in ("reshape", "transpose", "astype")
                else Unknown(f"`{short(expr)}`", self.place(expr), file=owner.file)
            )
        if isinstance(owner, Pair) and not (
            isinstance(owner.now, Const | Seq) and isinstance(owner.after, Const | Seq)
        ):
            self.graph.pin(owner.node, self.because(f"`{short(expr)}` depends on the ordering", expr))
            return Unknown(f"`{short(expr)}`", self.place(expr))
        return Method(owner, name)

    def _array_attribute(self, array: Array, name: str, expr: ast.Attribute) -> Value:
        if name in ("shape", "_keras_shape"):
            return self.shape_of(array, expr)
        if name == "ndim":
            return Const(len(array.axes)) if array.axes is not None else SymInt(self.name_of("ndim", expr))
        if name in ("dtype", "name", "size", "nbytes", "itemsize"):
            return SymInt(self.name_of(name, expr))
        if name == "T":
            if array.axes is not None and len(array.axes) < 2:
                return array
            if array.axes is not None:
                return self.turned(self.consume(array, expr.value, f"`{short(expr.value)}`"), expr.value, expr)
            return self.opaque([(array, expr.value)], expr, f"`{short(expr)}`")
        return Method(array, name)

    def model_attribute(self, model: Model, name: str, expr: ast.Attribute) -> Value:
        raise NotImplementedError

    def _any_attribute(self, owner: Choice, name: str, expr: ast.Attribute) -> Value:
        """An attribute of one of several objects."""
        found: list[Value] = []
        for option in owner.options:
            one = self.layer_attribute(option, name, expr) if isinstance(option, Array) else None
            found.append(self.attribute(option, name, expr) if one is None else one)
        if all(isinstance(one, Method) for one in found):
            return Choice(found)
        value = found[0]
        for other in found[1:]:
            value = self.join(value, other, expr)
        return value

    def estimator_attribute(self, estimator: Estimator, name: str, expr: ast.Attribute) -> Value | None:
        raise NotImplementedError

    def above_in_library(self, parent: Parent, name: str) -> Value | None:
        raise NotImplementedError

    def layer_attribute(self, layer: Layer | Array, name: str, expr: ast.Attribute) -> Value:
        raise NotImplementedError

    # -- classes of the program -----------------------------------------------------------------------

    def member(self, owner: Instance | Class | Parent, name: str, at: ast.expr) -> Value | None:
        """``owner.name``; None where it is not known."""
        if isinstance(owner, Instance) and name in owner.attributes:
            return owner.attributes[name]
        if isinstance(owner, Parent):
            return self._bound(self._above(owner, name), owner.owner, name, at)
        if isinstance(owner, Instance) and name == "__class__":
            return owner.cls
        if isinstance(owner, Instance) and name == "__dict__":
            for value in owner.attributes.values():
                self.read_unseen(value, at)
        cls = owner.cls if isinstance(owner, Instance) else owner
        return self._bound(self.class_member(cls, name), owner, name, at)

    def _bound(self, found: Value | None, owner: Value, name: str, at: ast.expr) -> Value | None:
        """A function found in a class, as what it is there: a method, a property, ..."""
        if not isinstance(found, Function) or isinstance(found.node, ast.Lambda):
            return Method(owner, name, found) if isinstance(found, Function) and isinstance(owner, Instance) else found
        words = {d.id for d in found.node.decorator_list if isinstance(d, ast.Name)}
        if "staticmethod" in words:
            return found
        if "classmethod" in words:
            return Method(owner.cls if isinstance(owner, Instance) else owner, name, found)
        if not isinstance(owner, Instance):
            return found
        if "property" in words:
            return self.call_property(found, owner, at)
        return Method(owner, name, found)

    def call_property(self, function: Function, owner: Instance, at: ast.expr) -> Value:
        raise NotImplementedError

    def _above(self, parent: Parent, name: str) -> Value | None:
        """The member that the classes behind ``parent.cls`` in the order of its object have."""
        own = parent.owner.cls if isinstance(parent.owner, Instance) else parent.owner
        order = self.resolution(own) if isinstance(own, Class) else []
        if parent.cls in order:
            order = order[order.index(parent.cls) + 1 :]
        for cls in order:
            if name in cls.members:
                return cls.members[name]
        return None

    def class_member(self, cls: Class, name: str) -> Value | None:
        for above in self.resolution(cls):
            if name in above.members:
                return above.members[name]
        return None

    def resolution(self, cls: Class) -> list[Class]:
        """The class and the program's classes above it, in the order in which they are asked for a member."""
        found: list[Class] = []

        def visit(one: Class, depth: int) -> None:
            if one in found:  # a class comes behind all that are made from it
                found.remove(one)
            found.append(one)
            for base in one.bases if depth < MAX_BASES else ():
                if isinstance(base, Class):
                    visit(base, depth + 1)

        visit(cls, 0)
        return found

    def library_bases(self, cls: Class) -> list[Value]:
        """What else its classes are made from, but for ``object``."""
        bases = [base for one in self.resolution(cls) for base in one.bases if not isinstance(base, Class)]
        return [b for b in bases if not (isinstance(b, Module) and b.dotted == "builtins.object")]

    def join(self, a: Value, b: Value, at: ast.AST) -> Value:
        raise NotImplementedError
