"""Where a program's images come from and what it does to them before they are fed."""

from __future__ import annotations

from tests.generated import wild
from tests.generated.draft import Draft
from tests.generated.sources import SOURCES, Shape
from tests.generated.steps import ANY_RANK, STEPS


def images(d: Draft, name: str) -> Shape:
    """Writes statements that make the channels-first array ``name``; gives its shape."""
    shape = [d.count, d.pick([1, 2, 3, 3, 4, 5]), *(d.rng.randint(6, 11) for _ in range(d.rank))]
    if d.chance(0.12):
        shape[1:] = [6] * (d.rank + 1)  # sizes that hide a mistake from shape checks
    if d.setting == "implied":
        shape[1] = d.pick([1, 2, 3, 3, 4])
        shape[2:] = [max(s, 7) for s in shape[2:]]
    sources = SOURCES if d.rank == 2 else SOURCES[:3]
    shape = d.rng.choice(sources)(d, name, shape)
    for _ in range(d.rng.randint(0, 4)):
        step = d.rng.choice(STEPS if d.rank == 2 else ANY_RANK)
        shape = step(d, name, shape)
        if d.wild and d.rank == 2:
            shape = wild.step(d, name, shape)
    return shape
