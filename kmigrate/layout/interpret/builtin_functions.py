"""Python's own functions on what the interpreter knows: types, attributes by name, partial functions."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from kmigrate.keras_api.names import resolve
from kmigrate.layout.interpret.calls import Call, Operation
from kmigrate.layout.interpret.state import short
from kmigrate.layout.values import (
    Array,
    Class,
    Const,
    Dict,
    Function,
    Instance,
    Layer,
    Model,
    Module,
    Partial,
    ProjectModule,
    Seq,
    SymInt,
    Unknown,
    Value,
)

if TYPE_CHECKING:
    from kmigrate.layout.interpret.machine import Interpreter

# Python's own types, as far as values are known by them.
TYPES: dict[str, tuple[type, ...]] = {"int": (int,), "float": (float,), "str": (str,), "bool": (bool,)}
CONTAINERS = frozenset(("list", "tuple", "dict"))
# Layers that no other known layer is made from.
FINAL = frozenset("BatchNormalization Dropout Dense Flatten Activation MaxPooling2D AveragePooling2D Reshape".split())


def type_of(run: Interpreter, call: Call) -> Value:
    value = call.positional[0][0] if len(call.positional) == 1 else None
    if isinstance(value, Seq):
        return Module(f"builtins.{value.kind}")
    if isinstance(value, Dict):
        return Module("builtins.dict")
    if isinstance(value, Instance):
        return value.cls
    if isinstance(value, Array) and value.kind == "numpy":
        return Module("numpy.ndarray")
    return Unknown("a type", run.place(call.node))


def is_instance(run: Interpreter, call: Call) -> Value:
    """Looks at no numbers; the answer where it is known."""
    if len(call.positional) == 2:
        value, classes = call.positional[0][0], call.positional[1][0]
        answers = [_belongs(run, value, c) for c in (classes.items if isinstance(classes, Seq) else [classes])]
        if any(a is True for a in answers):
            return Const(True)
        if all(a is False for a in answers):
            return Const(False)
    return Unknown("a test of a type", run.place(call.node))


def _belongs(run: Interpreter, value: Value, cls: Value) -> bool | None:
    if isinstance(cls, Class) and isinstance(value, Instance):
        if cls in run.resolution(value.cls):
            return True
        return None if run.library_bases(value.cls) else False
    if not isinstance(cls, Module):
        return None
    name = cls.dotted.removeprefix("builtins.")
    if isinstance(value, Layer):
        api = resolve(cls.dotted)
        if api is not None and api.name == value.api.name:
            return True
        return False if api is not None and api.name in FINAL else None
    if name not in TYPES and name not in CONTAINERS:
        return None
    if isinstance(value, Seq):
        return name == value.kind
    if isinstance(value, Dict):
        return name == "dict"
    if isinstance(value, Const) and value.value is not None and name in TYPES:
        return isinstance(value.value, TYPES[name])
    if isinstance(value, Array | Layer | Model | Instance | Function):
        return False
    if isinstance(value, SymInt) and value.by_use:
        return None
    return False if isinstance(value, Const | SymInt) and name in CONTAINERS else None


def asked(run: Interpreter, call: Call) -> Value:
    """``hasattr``, ``callable``, ``id``: nothing of an array is seen."""
    return Unknown(f"`{short(call.node)}`", run.place(call.node))


def get_attribute(run: Interpreter, call: Call) -> Value:
    """``getattr(owner, 'name', default)``."""
    if len(call.positional) < 2:
        return run.opaque(call.all(), call.node, f"`{short(call.node)}`")
    (owner, expr), (name, _) = call.positional[:2]
    default = call.get(2, "default")
    if isinstance(name, Const) and isinstance(name.value, str):
        made = ast.copy_location(ast.Attribute(value=expr, attr=name.value, ctx=ast.Load()), call.node)
        found = run.attribute(owner, name.value, made)
        if default is not None and isinstance(owner, Instance | Class) and isinstance(found, Unknown):
            return default[0]
        if default is not None and not isinstance(owner, Instance | Class | Module):
            return run.join(found, default[0], call.node)
        return found
    if isinstance(owner, ProjectModule):
        options = [v for v in owner.scope.names.values() if isinstance(v, Function | Class)]
        if options:
            return run.any_of(options, call.node)
    return run.opaque(call.all(), call.node, f"`{short(call.node)}` is not known")


def set_attribute(run: Interpreter, call: Call) -> Value:
    """``setattr(owner, name, value)``."""
    if len(call.positional) == 3:
        (owner, expr), (name, _), (value, at) = call.positional
        if isinstance(name, Const) and isinstance(name.value, str):
            made = ast.copy_location(ast.Attribute(value=expr, attr=name.value, ctx=ast.Store()), call.node)
            run.set_attribute(owner, made, value, at)
            return Const(None)
        if isinstance(owner, Instance):  # any of its attributes
            run.touch(owner)
            for key, mine in list(owner.attributes.items()):
                owner.attributes[key] = run.join(mine, value, call.node)
            run.leak(value, at, f"`{short(call.node)}`")
            return Const(None)
    return run.opaque(call.all(), call.node, f"`{short(call.node)}`")


def partial(run: Interpreter, call: Call) -> Value:
    """``functools.partial(function, ...)``."""
    if not call.positional or call.star:
        return run.opaque(call.all(), call.node, f"`{short(call.node)}`")
    function = call.positional[0][0]
    if isinstance(function, Module) and len(call.positional) > 1:
        return run.opaque(call.all(), call.node, f"`{short(call.node)}` gives a library function its first arguments")
    if isinstance(function, Unknown):
        return run.opaque(call.all(), call.node, f"`{short(call.positional[0][1])}` is not known")
    return Partial(function, call.positional[1:], call.keywords)


BUILTIN_FUNCTIONS: dict[str, Operation] = {
    "builtins.type": type_of,
    "builtins.isinstance": is_instance,
    **{f"builtins.{name}": asked for name in ("hasattr", "callable", "id", "issubclass")},
    "builtins.getattr": get_attribute,
    "builtins.setattr": set_attribute,
    "functools.partial": partial,
}
