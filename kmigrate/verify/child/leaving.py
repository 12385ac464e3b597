"""What leaves the program without numpy's own files: pictures that are shown or written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from kmigrate.verify.compare import PICTURE

_CHANNELS = (1, 3, 4)
SHOWING = ("imshow", "imsave", "imwrite", "matshow")

_saved: list[Callable[[str, list[np.ndarray]], None]] = []


def install(saved: Callable[[str, list[np.ndarray]], None]) -> None:
    """``saved`` is told of every picture."""
    _saved[:] = [saved]


def picture(*args: Any, **kwargs: Any) -> None:
    """Stands in for `imshow`, `imsave` and the like: the first array among the arguments left the program.

    Some libraries take channels-first pictures, too, and show the same.
    """
    values = (np.asarray(arg) for arg in (*args, *kwargs.values()) if hasattr(arg, "__array_interface__"))
    for value in values:
        if value.ndim == 3 and value.shape[0] in _CHANNELS and value.shape[2] not in _CHANNELS:
            value = np.moveaxis(value, 0, -1)
        if value.ndim >= 2 and _saved:
            _saved[0](PICTURE, [value])
            return
