"""What comes from outside the program, goes there, or draws by chance: files, plots, images, generators."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kmigrate.layout.axes import Axis, channel_at
from kmigrate.layout.graph import AxesRef
from kmigrate.layout.interpret.calls import Call, Operation
from kmigrate.layout.interpret.rows import holds_array, refused
from kmigrate.layout.interpret.state import dim_of, short
from kmigrate.layout.values import (
    Array,
    Batches,
    Const,
    Seq,
    SymInt,
    Tool,
    Unknown,
    Value,
)

if TYPE_CHECKING:
    from kmigrate.layout.interpret.machine import Interpreter


def file_source(run: Interpreter, call: Call) -> Value:
    """Data from a file keeps its layout."""
    return run.source_array(run.place(call.node), f"`{short(call.node)}` reads a file, which stays as it is")


def sink(run: Interpreter, call: Call) -> Value:
    """What is written keeps its layout."""
    for value, expr in call.all():
        run.leak(value, expr, f"`{short(call.node)}` writes it")
    return Const(None)


def shown(run: Interpreter, call: Call) -> Value:
    for value, expr in call.all():
        run.show(value, expr)
    return Const(None)


def harmless(run: Interpreter, call: Call) -> Value:
    """Takes no arrays, but perhaps shapes, and gives nothing that has a layout."""
    for value, expr in call.all():
        plain = isinstance(value, Seq) and all(isinstance(i, Const | SymInt | Unknown) for i in value.items)
        if not plain:
            run.leak(value, expr, f"`{short(call.node)}`")
    return Unknown(f"`{short(call.node)}`", run.place(call.node))


def scalar(run: Interpreter, call: Call) -> Value:
    """A number that is not about arrays (``K.epsilon()``)."""
    harmless(run, call)
    return SymInt(run.name_of("number", call.node))


def random_generator(run: Interpreter, call: Call) -> Value:
    return Tool("random", run.graph.node(), False)


def shuffled(run: Interpreter, call: Call) -> Value:
    """In place along axis 0."""
    for value, expr in call.positional:
        if isinstance(value, Array):
            run.pin_if(value, lambda axes: channel_at(axes) == 0, f"`{short(call.node)}` shuffles the channels", expr)
    return Const(None)


def shuffled_together(run: Interpreter, call: Call) -> Value:
    """``sklearn.utils.shuffle(x, y)``: the same arrays in another order along axis 0."""
    made: list[Value] = []
    for value, expr in call.positional:
        array = run.as_array(value, expr)
        if array is None or array.axes is None:
            return refused(run, call)
        run.pin_if(array, lambda axes: channel_at(axes) == 0, f"`{short(call.node)}` shuffles the channels", expr)
        made.append(Array(array.node, array.ref, array.kind, run.place(call.node)))
    return made[0] if len(made) == 1 else Seq("list", made)


def permuted(run: Interpreter, call: Call) -> Value:
    """``np.random.permutation``: of a number, or of an array along axis 0."""
    value, expr = call.positional[0] if call.positional else (Unknown("nothing"), call.node)
    if isinstance(value, Array):
        shuffled(run, call)
        return run.elementwise([(value, expr)], call.node)
    return run.new_array([Axis(size=dim_of(value))], run.place(call.node))


def split_rows(run: Interpreter, call: Call) -> Value:
    """``train_test_split``: two parts of each array, along axis 0."""
    parts: list[Value] = []
    if any(holds_array(v) for k, (v, _) in call.keywords.items() if k != "stratify"):
        return refused(run, call)
    for value, expr in call.positional:
        array = run.as_array(value, expr)
        if array is None or array.axes is None:
            return run.opaque(call.positional, call.node, f"`{short(call.node)}` splits arrays of unknown rank")
        run.pin_if(array, lambda axes: channel_at(axes) == 0, f"`{short(call.node)}` splits the channels", expr)
        for _ in range(2):
            axes = [array.axes[0].resized(run.name_of(f"part{len(parts)}", call.node)), *array.axes[1:]]
            parts.append(Array(array.node, AxesRef(axes), array.kind, run.place(call.node)))
    return Seq("list", parts)


def tool(name: str) -> Operation:
    """A library object whose methods have rows of their own."""

    def operation(run: Interpreter, call: Call) -> Value:
        for value, expr in call.all():
            run.leak(value, expr, f"`{short(call.node)}`")
        return Tool(name, run.graph.node(), False)

    return operation


def numbered_rows(run: Interpreter, call: Call) -> Value:
    """``KFold(...).split(x, y)``: vectors of row numbers, two for each fold; only lengths are read."""
    for value, expr in call.all():
        if isinstance(value, Array):
            run.pin_if(value, lambda axes: channel_at(axes) == 0, f"`{short(call.node)}` counts channels", expr)
    rows: list[Value] = [run.new_array([Axis(size=run.name_of("rows", call.node))], run.place(call.node))
                         for _ in range(2)]  # fmt: skip
    return Batches(Seq("tuple", rows))


def image_source(rank: int | None = None, alike: bool = False) -> Operation:
    """An image from a file, or made by a library that knows nothing of Keras: it keeps its layout.

    ``alike``: it has as many axes as the image that is given, but for a last axis of length 1, which OpenCV drops.
    """

    def operation(run: Interpreter, call: Call) -> Value:
        if alike:
            return image_source(_colours(run, call))(run, call)
        for value, expr in call.all():
            run.leak(value, expr, f"`{short(call.node)}` works on it as it lies")
        axes = None if rank is None else [Axis() for _ in range(rank)]
        return run.source_array(run.place(call.node), f"`{short(call.node)}` gives it as it lies", axes)

    return operation


def _colours(run: Interpreter, call: Call) -> int | None:
    """How many axes a picture like the given one has, where that is known."""
    axes = next((v.axes for v, _ in call.all()[:1] if isinstance(v, Array)), None)
    if axes is None or len(axes) not in (2, 3):
        return None
    size = axes[-1].size
    return len(axes) if len(axes) == 2 or (size is not None and size.value not in (None, 1)) else None


def image_read(run: Interpreter, call: Call) -> Value:
    """``cv2.imread``: rows, columns and colours, unless a flag says otherwise."""
    plain = len(call.positional) == 1 and not call.keywords
    return image_source(3 if plain else None)(run, call)


def weight_file(run: Interpreter, call: Call) -> Value:
    """``h5py.File(name)``: what is read from it lies as in the file."""
    made = harmless(run, call)
    if isinstance(made, Unknown):
        made.file = True
    return made
