"""What ``from keras.layers import *`` brings in."""

from __future__ import annotations

from functools import cache

from kmigrate.keras_api import tables
from kmigrate.keras_api.names import FLAVOURS, MODULES, NAMES


@cache
def exported(module: str) -> frozenset[str]:
    """The names of the Keras API that any version has in ``module``; none for other modules."""
    flavour = max((f for f in FLAVOURS if module == f or module.startswith(f + ".")), key=len, default=None)
    if flavour is None:
        return frozenset()
    homes = MODULES.get(module[len(flavour) + 1 :], ())
    names: set[str] = set()
    for home in homes:
        names |= tables.names_of(home) | set(NAMES.get(home, {}))
    return frozenset(name for name in names if not name.startswith("_"))
