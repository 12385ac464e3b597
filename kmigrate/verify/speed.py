"""What the durations of several interleaved runs say of the speed before and after. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

ROUNDS = 3  # of a run before and one after each; the second round in the other order
STEPS = 15  # of each kind in a run
KINDS = ("training step", "prediction")


@dataclass(frozen=True)
class Speed:
    """Medians in seconds, and the ratio of a round: the median, the least, the largest (above 1: faster after)."""

    model: str
    kind: str  # "training step" or "prediction", of one batch
    batch: int
    before: float
    after: float
    ratio: float
    low: float
    high: float

    def __str__(self) -> str:
        return (
            f"{self.model}, a {self.kind} of {self.batch}: {self.before * 1e3:.1f} ms before, "
            f"{self.after * 1e3:.1f} ms after: {self.ratio:.2f}x ({self.low:.2f} to {self.high:.2f} in {ROUNDS} rounds)"
        )


def compared(before: Sequence[list[dict[str, Any]]], after: Sequence[list[dict[str, Any]]]) -> list[Speed]:
    """The speeds of all models, from what child/speed.py measured in each round."""
    found = []
    for number, (old, new) in enumerate(zip(before[0], after[0], strict=False)):
        for kind in KINDS:
            if not (old[kind] and new[kind]):
                continue
            olds, news = ([one[number][kind] for one in side] for side in (before, after))
            ratios = [median(a) / median(b) for a, b in zip(olds, news, strict=True)]
            was, now = (median(time for times in side for time in times) for side in (olds, news))
            spread = median(ratios), min(ratios), max(ratios)
            found.append(Speed(old["name"], kind, old["batch"], was, now, *spread))
    return found
