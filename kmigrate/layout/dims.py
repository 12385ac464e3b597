"""Sizes of axes: products of integers and named unknowns, compared by value."""

from __future__ import annotations

from typing import NamedTuple


class Dim(NamedTuple):
    """``factor`` times the product of the named unknowns; equal terms are equal sizes."""

    factor: int
    unknowns: tuple[str, ...] = ()

    def times(self, other: Dim) -> Dim:
        return Dim(self.factor * other.factor, tuple(sorted(self.unknowns + other.unknowns)))

    @property
    def value(self) -> int | None:
        """The number, where no unknown is in it."""
        return None if self.unknowns else self.factor

    def __str__(self) -> str:
        names = list(self.unknowns) if self.factor == 1 and self.unknowns else [str(self.factor), *self.unknowns]
        return "*".join(names)


ONE = Dim(1)


def product(sizes: list[Dim | None]) -> Dim | None:
    """The product; None where a size is not known at all."""
    result = ONE
    for size in sizes:
        if size is None:
            return None
        result = result.times(size)
    return result
