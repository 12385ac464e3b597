"""How an array of the after-run corresponds to one of the before-run: identity, or the channels moved to the end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

IDENTITY = "identity"
FIRST_TO_LAST = "first-to-last"
AFTER_TIME = "first-to-last after time"  # each image of a sequence

MOVES = (IDENTITY, FIRST_TO_LAST, AFTER_TIME)

_AXIS = {FIRST_TO_LAST: 1, AFTER_TIME: 2}  # of the channels before; axis 0 is the batch
_LEAST_AXES = {FIRST_TO_LAST: 3, AFTER_TIME: 5}


def move(array: np.ndarray, how: str) -> np.ndarray:
    """The before-array ``array`` in the layout of the after-run (axis 0 is the batch)."""
    return np.moveaxis(array, _AXIS[how], -1) if how in _AXIS else array


def came_from(shape: tuple[int, ...], how: str) -> tuple[int, ...]:
    """The shape that `move` turned into ``shape``."""
    axis = _AXIS.get(how, len(shape) - 1)
    return (*shape[:axis], shape[-1], *shape[axis:-1])


def possible(axes: int) -> list[str]:
    """How an array of so many axes may correspond."""
    return [IDENTITY, *(how for how, least in _LEAST_AXES.items() if axes >= least)]


def distance(a: np.ndarray, b: np.ndarray) -> float:
    """Largest difference, relative to the largest value; infinite where NaNs or shapes disagree."""
    if a.shape != b.shape:
        return float("inf")
    if a.size == 0:
        return 0.0
    x, y = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    odd = ~(np.isfinite(x) & np.isfinite(y))
    if odd.any() and not np.array_equal(x[odd], y[odd], equal_nan=True):
        return float("inf")
    if odd.all():
        return 0.0
    scale = max(float(np.abs(x[~odd]).max()), 1e-300)
    return float(np.abs(x[~odd] - y[~odd]).max()) / scale


def l2(a: list[np.ndarray], b: list[np.ndarray]) -> float:
    """Norm of the difference over all tensors together, relative to the norm of ``a``."""
    if len(a) != len(b) or any(x.shape != y.shape for x, y in zip(a, b, strict=True)):
        return float("inf")
    top = sum(float(np.sum((x.astype(np.float64) - y) ** 2)) for x, y in zip(a, b, strict=True))
    bottom = sum(float(np.sum(x.astype(np.float64) ** 2)) for x in a)
    if not (np.isfinite(top) and np.isfinite(bottom)):
        same = all(np.array_equal(x, y, equal_nan=True) for x, y in zip(a, b, strict=True))
        return 0.0 if same else float("inf")
    return float(np.sqrt(top / bottom)) if bottom > 0 else (0.0 if top == 0 else float("inf"))


@dataclass(frozen=True)
class Match:
    """The best of the correspondences, and how far the arrays are apart under it."""

    how: str
    error: float

    @property
    def exact(self) -> bool:
        """Equal element by element."""
        return self.error == 0.0


def match(before: np.ndarray, after: np.ndarray) -> Match:
    """Identity unless moving the channels to the end fits better."""
    found = Match(IDENTITY, distance(before, after))
    for how in possible(before.ndim)[1:]:
        if found.error > 0:
            moved = distance(move(before, how), after)
            if moved < found.error:
                found = Match(how, moved)
    return found


def data_tolerance(array: np.ndarray) -> float:
    """What rounding in the script's own arithmetic may do to the data that it feeds.

    Sums over an image set run in another order after the axes move; in float32 that alone
    changes a mean by up to 1e-5. Both runs then get the before-run's data, so that nothing of
    this reaches the other checks.
    """
    if array.dtype.kind in "biu":
        return 0.0
    return 1e-10 if array.dtype.itemsize >= 8 else 1e-4
