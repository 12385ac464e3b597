"""Two runs compared: each value must be equal, as it is or with its channel moved to the end."""

from __future__ import annotations

import numpy as np

from tests.mock_keras.run import Log

TOLERANCE = 1e-8  # of the largest


def difference(before: Log, after: Log) -> str | None:
    """The first thing that the second run does differently; None if nothing.

    What leaves the program (files, unknown code, prints, losses) must be the same. What models are fed and
    compute, and what the program's names hold, may have its channel last: one choice for each input or output.
    """
    if before.error:
        return f"the program itself fails: {before.error}"
    if after.error:
        return after.error
    moved: dict[str, set[int | None]] = {}
    for a, b in zip(before.events, after.events):
        if a[:2] != b[:2]:
            return f"{b[0]} {b[1]} where {a[0]} {a[1]} was"
        fits = ways(a[2], b[2])
        fits &= moved.get(a[1], fits) if a[1] else {None}
        if not fits:
            return f"{a[0]} {a[1]}: another value (shape {a[2].shape} before, {b[2].shape} after)"
        moved[a[1]] = fits
    if len(before.events) != len(after.events):
        return f"{len(after.events)} events where {len(before.events)} were"
    floor = max((float(np.max(np.abs(v), initial=0.0)) for v in before.names.values()), default=0.0)
    for name, value in before.names.items():
        if name not in after.names:
            return f"the name {name} is gone"
        if not ways(value, after.names[name], floor):  # what is left of a mean that was taken away is noise
            return f"the name {name}: another value (shape {value.shape} before, {after.names[name].shape} after)"
    return None


def ways(a: np.ndarray, b: np.ndarray, floor: float = 1e-3) -> set[int | None]:
    """How ``b`` can be ``a``: as it is (None), or with this axis moved to the end."""
    if sorted(a.shape) != sorted(b.shape):
        return set()
    found: set[int | None] = set()
    found.update([None] if same(a, b, floor) else [])
    found.update(k for k in range(a.ndim - 1) if same(np.moveaxis(a, k, -1), b, floor))
    return found


def same(a: np.ndarray, b: np.ndarray, floor: float = 1e-3) -> bool:
    if a.shape != b.shape:
        return False
    largest = float(np.max(np.abs(a), initial=0.0, where=np.isfinite(a)))
    return bool(np.allclose(a, b, rtol=0.0, atol=TOLERANCE * max(largest, floor), equal_nan=True))
