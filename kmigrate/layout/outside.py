"""Arrays that a program gets from outside: which of the rewritten program is which of the old one.

The new text stands at other lines, and its arrays may be met in another order. So they go by what the text
says of them, and those that it says the same of by their order.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from kmigrate.layout.dims import Dim
from kmigrate.layout.graph import AxesRef

if TYPE_CHECKING:
    from kmigrate.layout.values import Place

#: Sizes that are numbers (names of unknowns belong to one run); None where the rank is not known.
Shape = tuple[Dim | None, ...] | None


class Outside:
    """The arrays from outside that one run met."""

    def __init__(self) -> None:
        self._refs: list[tuple[Place, AxesRef]] = []
        self._met: dict[str, int] = {}  # how often, by name; counted only where another run's are known

    def add(self, place: Place, ref: AxesRef) -> None:
        self._refs.append((place, ref))

    def by_name(self) -> dict[str, list[AxesRef]]:
        """Each array under its names, exact and loose."""
        found: dict[str, list[AxesRef]] = {}
        for place, ref in self._refs:
            for name in dict.fromkeys(_names(place)):
                found.setdefault(name, []).append(ref)
        return found

    def shapes(self) -> dict[str, list[Shape]]:
        return {name: [_shape(ref) for ref in refs] for name, refs in self.by_name().items()}

    def shape_of_next(self, place: Place, shapes: Mapping[str, Sequence[Shape]]) -> Shape:
        """What another run found out about the array that this one meets at ``place`` and adds now."""
        if not shapes:
            return None
        names = dict.fromkeys(_names(place))
        name = next((name for name in names if name in shapes), "")
        met = self._met.get(name, 0)
        self._met.update((name, self._met.get(name, 0) + 1) for name in names)
        return shapes[name][met] if name and met < len(shapes[name]) else None

    def pairs(self, other: Outside) -> Iterator[tuple[AxesRef, AxesRef]]:
        """Each array with the one of the other run that the text says the same of."""
        mine, others = self.by_name(), other.by_name()
        exact = {_names(place)[0] for place, _ in self._refs}
        for name, refs in mine.items():
            theirs = others.get(name, [])
            if name in exact or len(refs) == len(theirs):
                yield from zip(refs, theirs)


def _names(place: Place) -> tuple[str, str]:
    """What gives the array: the whole expression, or only what is called there, for an edit may stand within."""
    node = place.node
    exact = f"{place.path}: {ast.dump(node)}"
    return exact, f"{place.path}: {ast.dump(node.func)}()" if isinstance(node, ast.Call) else exact


def _shape(ref: AxesRef) -> Shape:
    if ref.axes is None:
        return None
    return tuple(a.size if a.size is not None and a.size.value is not None else None for a in ref.axes)
