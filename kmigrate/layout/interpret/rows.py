"""What the rows of the tables of operations share: which arguments of a call they know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kmigrate.layout.interpret.calls import Call
from kmigrate.layout.interpret.shapes import Operand
from kmigrate.layout.interpret.state import short
from kmigrate.layout.values import Array, Const, Seq, Unknown, Value

if TYPE_CHECKING:
    from kmigrate.layout.interpret.machine import Interpreter

# Keywords that change nothing about axes.
NEUTRAL = frozenset("dtype name casting subok copy seed mode kind anti_aliasing preserve_range validate_shape".split())
ARRAY = ("x", "a", "X", "m", "arr", "ary", "A", "array", "input", "input_tensor", "tensor", "value", "image", "images",
         "logits", "features", "data", "v", "filt", "params")  # fmt: skip


def strange(call: Call, positions: int, *names: str) -> bool:
    """Does the call have arguments that a row does not know? Then it is not the operation that the row is about."""
    known = NEUTRAL.union(names, ARRAY)
    return call.star or len(call.positional) > positions or any(name not in known for name in call.keywords)


def first(call: Call) -> Operand | None:
    """The array that a function works on."""
    return call.get(0, *ARRAY)


def known(run: Interpreter, operand: Operand | None) -> Array | None:
    """The operand as an array whose axes are known."""
    array = None if operand is None else run.as_array(*operand)
    return array if array is not None and array.axes is not None else None


def refused(run: Interpreter, call: Call, why: str = "") -> Value:
    """What the row does not understand: all that goes in stays as it is, and so does what comes out."""
    return run.opaque(call.all(), call.node, f"`{short(call.node)}`{f': {why}' if why else ''}")


def is_none(given: Operand | None) -> bool:
    return given is None or (isinstance(given[0], Const) and given[0].value is None)


def is_one(item: Value) -> bool:
    return isinstance(item, Const) and item.value == 1


def holds_array(value: Value, depth: int = 3) -> bool:
    """Is it an array, or does it hold one?"""
    if isinstance(value, Array):
        return True
    if isinstance(value, Unknown):
        return value.array is not None
    return isinstance(value, Seq) and depth > 0 and any(holds_array(item, depth - 1) for item in value.items)


def integer(given: Operand | None) -> int | None:
    value = None if given is None else given[0]
    return value.value if isinstance(value, Const) and type(value.value) is int else None
