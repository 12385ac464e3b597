"""Functions of a backend that have a layout of their own: convolutions, pooling, padding, resizing, biases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kmigrate.keras_api.names import resolve
from kmigrate.layout.axes import BATCH, CHANNEL, SPATIAL, Axis, moves
from kmigrate.layout.graph import AxesRef
from kmigrate.layout.interpret.along_operations import per_axis
from kmigrate.layout.interpret.calls import Call, Operation
from kmigrate.layout.interpret.rows import first, is_none, is_one, known, refused
from kmigrate.layout.interpret.shapes import Operand
from kmigrate.layout.interpret.state import short
from kmigrate.layout.interpret.worlds import FIRST_NAMES
from kmigrate.layout.values import Array, Const, Value

if TYPE_CHECKING:
    from kmigrate.layout.interpret.machine import Interpreter


def of_maps(kernel: bool = False) -> Operation:
    """``K.conv2d`` and its like: as the layer of that kind, but with the kernel (at position 1) given.

    Kernels of Keras 1 lie like the maps, later ones always in one way.
    """

    def operation(run: Interpreter, call: Call) -> Value:
        api = resolve(run.dotted.get(call.node.func, ""))
        operand = first(call)
        array = None if operand is None else run.as_array(*operand)
        if api is None or array is None or call.star:
            run.may_read_ambient(call)
            return refused(run, call)
        layer = run.make_layer(api, call)
        made = run.map_layer(layer, array, call.node)
        if kernel and (run.known.version is None or run.known.version.low < (2,)):
            run.pin_if(array, moves, f"in Keras 1 the kernel of `{short(call.node)}` lies like the maps", call.node)
        made.kind = array.kind
        return made

    return operation


def with_bias(run: Interpreter, call: Call) -> Value:
    """``K.bias_add(x, bias)``: a number for each channel."""
    api = resolve(run.dotted.get(call.node.func, ""))
    operand, bias = first(call), call.get(1, "bias")
    array, vector = known(run, operand), known(run, bias)
    if api is None or array is None or array.axes is None or call.star:
        run.may_read_ambient(call)
        return refused(run, call)
    unknown = bias is not None and vector is None
    if (vector is not None and len(vector.axes or ()) != 1) or unknown:
        run.pin_if(array, moves, f"the axes of the bias in `{short(call.node)}`", call.node)
    if len(array.axes) < 3:
        return Array(array.node, array.ref, array.kind, run.place(call.node), sources=(array,))
    layer = run.make_layer(api, call)
    is_first, setting, why = run.setting(layer)
    spatial = SPATIAL[3 - (len(array.axes) - 2) :]
    order = [BATCH, CHANNEL, *spatial] if is_first else [BATCH, *spatial, CHANNEL]
    layer.setting = setting
    if run.conform(array, order, layer, call.node):
        run.graph.tie(array.node, setting)
        if is_first:
            run.goal(array.node, run.because(why, call.node, "KM101"))
    run.event("bias", array, call.node)
    return Array(array.node, array.ref, array.kind, run.place(call.node), sources=(array,))


# -- TensorFlow's own functions: channels-last unless they say otherwise -----------------------------------


def of_tensorflow(spatial: int, window_at: tuple[tuple[int, str], ...], channels: str, format_at: int) -> Operation:
    """``tf.nn.conv2d(x, kernel, strides, padding, data_format='NCHW')``.

    ``window_at``: the arguments with an item for each axis. ``channels``: 'new' behind a convolution, or 'same'.
    """

    def operation(run: Interpreter, call: Call) -> Value:
        operand = first(call)
        array = None if operand is None else run.as_array(*operand)
        given = call.get(format_at, "data_format")
        setting = _tensorflow_setting(run, given)
        if array is None or setting is None or call.star:
            return refused(run, call)
        is_first, node = setting
        labels = SPATIAL[3 - spatial :]
        order = [BATCH, CHANNEL, *labels] if is_first else [BATCH, *labels, CHANNEL]
        wanted = run.new_array([Axis(label) for label in order], run.place(call.node), node)
        run.join_axes(wanted, array, call.node)
        run.event(f"map of {spatial}", array, call.node)
        if array.axes is None or len(array.axes) != len(order):
            return refused(run, call)
        if is_first:
            run.goal(array.node, run.because(f"`{short(call.node.func)}` is channels-first", call.node, "KM101"))
        for at, name in window_at:
            window = call.get(at, name)
            if window is None or isinstance(window[0], Const) or not hasattr(window[0], "items"):
                continue
            if len(window[0].items) != len(order):  # for the rows and columns alone
                continue
            if per_axis(run, array, *window, call.node, name, is_one) is None:
                run.pin_if(array, moves, f"`{name}` of `{short(call.node)}`", call.node)
        axes = [Axis(a.role, run.name_of(label, call.node)) for a, label in zip(array.axes, order, strict=True)]
        axes[0] = array.axes[0]
        if channels == "same":
            at_channel = order.index(CHANNEL)
            axes[at_channel] = array.axes[at_channel]
        return Array(array.node, AxesRef(axes), array.kind, run.place(call.node), sources=(array,))

    return operation


def _tensorflow_setting(run: Interpreter, given: Operand | None) -> tuple[bool, int] | None:
    """Is it channels-first, and the node of that; None where it is not known."""
    if is_none(given):
        return False, run.graph.node()
    assert given is not None
    value = given[0]
    if not isinstance(value, Const) or value.value not in (*FIRST_NAMES, *FIRST_NAMES.values()):
        return None
    if value.origin is None:
        node = run.graph.node()
        run.graph.pin(node, run.because("its ordering is computed", given[1]))
    else:
        node = run.setting_node(value)
    return value.value in FIRST_NAMES, node


def tensorflow_bias(run: Interpreter, call: Call) -> Value:
    """``tf.nn.bias_add(x, bias, data_format)``."""
    array = known(run, first(call))
    setting = _tensorflow_setting(run, call.get(2, "data_format"))
    if array is None or array.axes is None or setting is None or call.star:
        return refused(run, call)
    is_first, node = setting
    if len(array.axes) < 3:
        return Array(array.node, array.ref, array.kind, run.place(call.node), sources=(array,))
    spatial = SPATIAL[3 - (len(array.axes) - 2) :]
    order = [BATCH, CHANNEL, *spatial] if is_first else [BATCH, *spatial, CHANNEL]
    wanted = run.new_array([Axis(label) for label in order], run.place(call.node), node)
    run.join_axes(wanted, array, call.node)
    if is_first:
        run.goal(array.node, run.because("`tf.nn.bias_add` is channels-first", call.node, "KM101"))
    run.event("bias", array, call.node)
    return Array(array.node, array.ref, array.kind, run.place(call.node), sources=(array,))
