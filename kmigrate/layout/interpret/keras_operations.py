"""Functions of Keras on labels and features."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kmigrate.layout.axes import BATCH, Axis
from kmigrate.layout.dims import ONE, Dim
from kmigrate.layout.interpret.calls import Call
from kmigrate.layout.interpret.operations import along_last
from kmigrate.layout.interpret.rows import integer, refused, strange
from kmigrate.layout.interpret.state import short
from kmigrate.layout.values import Value

if TYPE_CHECKING:
    from kmigrate.layout.interpret.machine import Interpreter


def classes(run: Interpreter, call: Call) -> Value:
    """``to_categorical``: a row of classes for each label; of arrays of labels, versions make different things."""
    operand = call.get(0, "x", "y")
    count = integer(call.get(1, "num_classes", "nb_classes"))
    array = None if operand is None else run.as_array(*operand)
    if array is not None and array.axes is not None:
        inner = array.axes[1:]
        if any(axis.size != ONE for axis in inner) or len(inner) > 1:
            return refused(run, call, "of labels with several axes")
    size = Dim(count) if count is not None else None
    rows = array.axes[0].size if array is not None and array.axes else None
    return run.new_array([Axis(BATCH, rows), Axis(size=size)], run.place(call.node))


def rank_normalized(run: Interpreter, call: Call) -> Value:
    """``keras.utils.normalize(x, axis, order)``."""
    if strange(call, 3, "axis", "order"):
        return refused(run, call, short(call.node))
    inner = Call(call.node, call.positional[:2], {k: v for k, v in call.keywords.items() if k != "order"}, False)
    return along_last()(run, inner)
