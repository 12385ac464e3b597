"""Sizes of axes: products of integers and named unknowns, compared by value."""

from __future__ import annotations

from hashlib import blake2b
from typing import NamedTuple


class Dim(NamedTuple):
    """``factor`` times the product of the named unknowns; equal terms are equal sizes."""

    factor: int
    unknowns: tuple[str, ...] = ()

    def times(self, other: Dim) -> Dim:
        factor, unknowns = self.factor * other.factor, tuple(sorted(self.unknowns + other.unknowns))
        if len(unknowns) > MAX_UNKNOWNS or factor.bit_length() > MAX_BITS:
            return named(str(Dim(factor, unknowns)))
        return Dim(factor, unknowns)

    @property
    def value(self) -> int | None:
        """The number, where no unknown is in it."""
        return None if self.unknowns else self.factor

    def __str__(self) -> str:
        names = list(self.unknowns) if self.factor == 1 and self.unknowns else [str(self.factor), *self.unknowns]
        return "*".join(names)


ONE = Dim(1)
# Loops make terms that double in each round; what is larger gets a short name, equal for equal terms.
MAX_UNKNOWNS, MAX_BITS, MAX_NAME = 16, 128, 160


def named(text: str) -> Dim:
    """An unknown size that this text stands for; equal texts are equal sizes."""
    return Dim(1, (text if len(text) <= MAX_NAME else f"#{blake2b(text.encode(), digest_size=16).hexdigest()}",))


def product(sizes: list[Dim | None]) -> Dim | None:
    """The product; None where a size is not known at all."""
    result = ONE
    for size in sizes:
        if size is None:
            return None
        result = result.times(size)
    return result
