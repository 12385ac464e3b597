"""The state of one run: which Keras it plays, the setting, the layers made so far, and the log."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np

FIRST = ("th", "channels_first")
LAST = ("tf", "channels_last")


@dataclass
class World:
    version: tuple[int, ...] = (2, 2, 4)
    ordering: str = "tf"  # what keras.json or the version's default says; a setter changes it
    reorder: bool = False  # Dense layers behind a Flatten know their features by what they are, not where
    layers: int = 0  # with weights, made so far
    models: int = 0
    made: int = 0  # layers of all kinds
    feeds: int = 0
    events: list[tuple[str, str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.initial = self.ordering

    @property
    def first(self) -> bool:
        return self.ordering == "th"

    @property
    def default_first(self) -> bool:
        """What a layer without a setting of its own takes."""
        return self.initial == "th" if self.version < (1, 0, 7) else self.first

    def set_ordering(self, name: str) -> None:
        assert name in FIRST + LAST, f"ordering {name!r}"
        assert (name in ("th", "tf")) == (self.version < (2,)) or (2,) <= self.version < (2, 3), name
        self.ordering = "th" if name in FIRST else "tf"

    def log(self, kind: str, slot: str, value: Any) -> None:
        """``slot`` names a place (an input of a model, ...) whose values all have one layout."""
        self.events.append((kind, slot, np.array(value, dtype=float)))


def numbers(seed: str, *shape: int) -> np.ndarray:
    """Numbers that depend on the seed's text and the shape alone; no two are equal."""
    return np.random.RandomState(zlib.crc32(seed.encode()) % 2**31).uniform(-1.0, 1.0, shape)
