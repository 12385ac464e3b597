"""The re-check: the rewritten program is interpreted like the old one, and both must do the same.

Each thing that the old program does with arrays (a layer, a reduction, an index, a fit) must be done
by the new one, in the same order, on the same axes in the order that the solution gave them. This
finds a missed site even where nothing can be executed.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from kmigrate.layout.analysis import Program, settled
from kmigrate.layout.axes import SPATIAL, Axis, last, letters, moves
from kmigrate.layout.files import Files
from kmigrate.layout.interpret.state import GIVEN_AWAY, SIZE, Event, WorkLimit
from kmigrate.plan import Edit


class Problem(NamedTuple):
    """What a new program does differently, and the node of the old one that is concerned, where it is known."""

    text: str
    node: int | None = None


class Item(NamedTuple):
    """An item of a shape that is reordered: of which one, and its place before and after."""

    display: int
    before: int
    after: int


def recheck(before: Program, texts: Mapping[str, str]) -> Problem | None:
    """What the program does differently with new ``texts`` of its files; None if nothing."""
    planner, files = before.planner, before.files
    if planner is None or files is None:
        return None
    old = planner.run
    known = replace(old.known, hints={}, numbers=frozenset(), shapes=old.outside.shapes())
    try:
        new = settled(files.with_texts(texts), known)
    except (WorkLimit, RecursionError):
        return Problem("the new program cannot be followed to its end")
    if len(new.events) != len(old.events):
        return _first_missing(old.events, new.events)
    for before_ref, after_ref in old.outside.pairs(new.outside):
        if not _same_source(before_ref.axes, after_ref.axes):
            text = f"an array from outside would have to be {letters(after_ref.axes)}, not {letters(before_ref.axes)}"
            return Problem(text)
    flipped = planner.graph.is_flipped
    found = next(_problems(old.events, new.events, flipped), None)
    if found is not None and found[1].what == SIZE:
        items = _items(files, before.plan.edits)
        found = next(_problems(_reordered(old.events, items), new.events, flipped), None)
    if found is None:
        return None
    problem, a, b = found
    return Problem(f"line {b.line}: {problem}", a.node)


def _problems(old: list[Event], new: list[Event], flipped: Callable[[int], bool]) -> Iterator[tuple[str, Event, Event]]:
    for a, b in zip(old, new, strict=True):
        problem = _compare(a, b, flipped(a.node))
        if problem is not None:
            yield problem, a, b


def _items(files: Files, edits: Sequence[Edit]) -> dict[int, Item]:
    """By the identity of each expression in what the edits reorder."""
    orders = {(e.path, e.start, e.end, e.kind): e.args for e in edits if e.codemod == "shape_order"}
    found: dict[int, Item] = {}
    for path in {path for path, *_ in orders}:
        source = files.sources[path]
        for node in ast.walk(source.tree) if source is not None else ():
            if not isinstance(node, ast.Tuple | ast.List | ast.Call):
                continue
            args = orders.get((path, *source.lines.span(node), type(node).__name__))  # type: ignore[union-attr]
            if args is None or "order" not in args:
                continue
            parts = node.args[args.get("first", 0) :] if isinstance(node, ast.Call) else node.elts
            for i, part in enumerate(parts[: len(args["order"])]):
                item = Item(id(node), i, args["order"].index(i))
                found.update((id(inner), item) for inner in ast.walk(part))
    return found


def _reordered(events: Sequence[Event], items: Mapping[int, Item]) -> list[Event]:
    """Where sizes are read within a shape that is reordered, they are read in the new order."""
    made: list[Event] = []
    run: list[tuple[Item, Event]] = []  # reads in one evaluation of one shape
    for event in events:
        item = items.get(id(event.place.node)) if event.what == SIZE else None
        if run and (item is None or item.display != run[-1][0].display or item.before < run[-1][0].before):
            made += [read for _, read in sorted(run, key=lambda each: each[0].after)]
            run = []
        if item is None:
            made.append(event)
        else:
            run.append((item, event))
    return made + [read for _, read in sorted(run, key=lambda each: each[0].after)]


def _same_source(a: list[Axis] | None, b: list[Axis] | None) -> bool:
    """What comes from outside keeps its layout; axes that are not known prove nothing."""
    if a is None or b is None:
        return True
    alike = dict.fromkeys(SPATIAL, "S")
    pairs = [(alike.get(x.label or "", x.label), alike.get(y.label or "", y.label)) for x, y in zip(a, b, strict=False)]
    return len(a) == len(b) and all(x is None or y is None or x == y for x, y in pairs)


def _first_missing(old: list[Event], new: list[Event]) -> Problem:
    for a, b in zip(old, new, strict=False):
        if a.what != b.what:
            return Problem(f"line {b.line}: {b.what!r} where {a.what!r} was", a.node)
    return Problem(f"{len(new)} operations on arrays where {len(old)} were")


def _compare(a: Event, b: Event, flipped: bool) -> str | None:
    if a.what != b.what:
        return f"{b.what!r} where {a.what!r} was"
    marked = sorted(map(_name, b.marked))
    wanted = sorted(map(_name, last(a.marked) if flipped else a.marked))
    if marked != wanted:
        return f"{a.what} {' '.join(marked)} instead of {' '.join(wanted)}"
    axes, found = a.ref.axes, b.ref.axes
    if axes is None or found is None:
        known = "the rank is known only before or only after"
        return None if axes is found or a.what == GIVEN_AWAY else f"{a.what}: {known}"
    expected = last(axes) if flipped and moves(axes) else list(axes)
    if a.what == GIVEN_AWAY:
        why = f"{letters(found)} instead of {letters(expected)} goes outside"
        return None if _same_source(expected, found) else why
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
