"""The re-check: the rewritten program is interpreted like the old one, and both must do the same.

Each thing that the old program does with arrays (a layer, a reduction, an index, a fit) must be done
by the new one, in the same order, on the same axes in the order that the solution gave them. This
finds a missed site even where nothing can be executed.
"""

from __future__ import annotations

from dataclasses import replace

from kmigrate.layout.analysis import Program, settled
from kmigrate.layout.axes import Axis, last, moves
from kmigrate.layout.dims import Dim
from kmigrate.layout.interpret.state import GIVEN_AWAY, Event, Source, WorkLimit
from kmigrate.syntax import Lines, parse


def recheck(before: Program, text: str) -> str | None:
    """What the new text does differently; None if nothing."""
    planner = before.planner
    if planner is None:
        return None
    old = planner.run
    known = replace(old.known, hints={}, shapes=tuple(_shape(ref.axes) for ref in old.source_refs))
    source = Source(before.path, Lines(text), parse(text, before.path))
    try:
        new = settled(source, known)
    except (WorkLimit, RecursionError):
        return "the new program cannot be followed to its end"
    if len(new.events) != len(old.events):
        return _first_missing(old.events, new.events)
    flipped = planner.graph.is_flipped
    for a, b in zip(old.events, new.events, strict=True):
        problem = _compare(a, b, flipped(a.node))
        if problem is not None:
            return f"line {b.line}: {problem}"
    return None


def _shape(axes: list[Axis] | None) -> tuple[Dim | None, ...] | None:
    """Sizes that are numbers: names of unknowns belong to one run."""
    if axes is None:
        return None
    return tuple(a.size if a.size is not None and a.size.value is not None else None for a in axes)


def _first_missing(old: list[Event], new: list[Event]) -> str:
    for a, b in zip(old, new, strict=False):
        if a.what != b.what:
            return f"line {b.line}: {b.what!r} where {a.what!r} was"
    return f"{len(new)} operations on arrays where {len(old)} were"


def _compare(a: Event, b: Event, flipped: bool) -> str | None:
    if a.what != b.what:
        return f"{b.what!r} where {a.what!r} was"
    marked = sorted(map(_name, b.marked))
    wanted = sorted(map(_name, last(a.marked) if flipped else a.marked))
    if marked != wanted:
        return f"{a.what} {' '.join(marked)} instead of {' '.join(wanted)}"
    axes, found = a.ref.axes, b.ref.axes
    if axes is None or found is None:
        return None if axes is found or a.what == GIVEN_AWAY else f"{a.what}: the rank is known only before or only after"
    expected = last(axes) if flipped and moves(axes) else list(axes)
    if [_name(x) for x in expected] != [_name(x) for x in found]:
        return f"{a.what} on {' '.join(map(_name, found))} instead of {' '.join(map(_name, expected))}"
    for x, y in zip(expected, found, strict=True):
        if x.size is not None and y.size is not None and None not in (x.size.value, y.size.value) and x.size != y.size:
            return f"{a.what}: size {y.size} where {x.size} was, on {' '.join(map(_name, found))}"
    return None


def _name(axis: Axis) -> str:
    """The axis in letters; within a flattened one, axes of size 1 do not count."""
    if axis.parts:
        solid = [_name(part) for part in axis.parts if part.size is None or part.size.value != 1]
        return f"({''.join(solid)})"
    return repr(axis)
