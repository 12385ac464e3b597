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
        self._met: dict[str, list[AxesRef]] = {}
        self._exact: dict[str, None] = {}

    def add(self, place: Place, ref: AxesRef) -> None:
        exact, loose = _names(place)
        self._exact[exact] = None
        for name in dict.fromkeys((exact, loose)):
            self._met.setdefault(name, []).append(ref)

    def shapes(self) -> dict[str, list[Shape]]:
        return {name: [_shape(ref) for ref in refs] for name, refs in self._met.items()}

    def shape_of_next(self, place: Place, shapes: Mapping[str, Sequence[Shape]]) -> Shape:
        """What another run found out about the array that this one meets at ``place``, before it is added."""
        name = next((name for name in _names(place) if name in shapes), None)
        if name is None:
            return None
        met = len(self._met.get(name, ()))
        return shapes[name][met] if met < len(shapes[name]) else None

    def pairs(self, other: Outside) -> Iterator[tuple[AxesRef, AxesRef]]:
        """Each array with the one of the other run that the text says the same of."""
        for name in self._exact:
            yield from zip(self._met[name], other._met.get(name, ()))
        for name, refs in self._met.items():
            others = other._met.get(name, [])
            if name not in self._exact and len(refs) == len(others):
                yield from zip(refs, others)


def _names(place: Place) -> tuple[str, str]:
    """What gives the array: the whole expression, or only what is called there, for an edit may stand within."""
    node = place.node
    exact = f"{place.path}: {ast.dump(node)}"
    return exact, f"{place.path}: {ast.dump(node.func)}()" if isinstance(node, ast.Call) else exact


def _shape(ref: AxesRef) -> Shape:
    if ref.axes is None:
        return None
    return tuple(a.size if a.size is not None and a.size.value is not None else None for a in ref.axes)
