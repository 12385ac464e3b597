"""The recorded signatures of Keras 1 to 3, looked up by release."""

from __future__ import annotations

import importlib
from functools import cache

# Release -> the table that its own one is a difference to (see tests/keras_api/record_signatures.py).
_BASE: dict[str, str | None] = {
    "keras_1_0_5": "keras_1_2_2",
    "keras_1_2_2": None,
    "keras_2_1_6": "keras_2_2_4",
    "keras_2_2_4": "keras_2_3_1",
    "keras_2_3_1": None,
    "tf_keras": "keras_3",
    "keras_3": None,
}
RELEASES = tuple(_BASE)
# Declared as (*args, **kwargs); Keras 1's is that of its base, Container (engine/topology.py).
_HIDDEN = {
    ("keras_1_2_2", "models.Model"): "input, output, name=None",
    ("keras_2_3_1", "models.Model"): "inputs, outputs, name=None",
    ("keras_3", "models.Model"): "inputs, outputs, *, name=None",
}


@cache
def _table(release: str) -> dict[str, str | None]:
    table: dict[str, str | None] = importlib.import_module(f"{__name__}.{release}").SIGNATURES
    return table | {key: text for (home, key), text in _HIDDEN.items() if home == release}


def signature(release: str, key: str) -> str | None:
    """The parameter list of 'layers.Conv2D' in a release, as source text; None if it is not there."""
    table: str | None = release
    while table is not None:
        rows = _table(table)
        if key in rows:
            return rows[key]
        table = _BASE[table]
    return None


def names_of(module: str) -> frozenset[str]:
    """All names that any release has in a module of today ('layers')."""
    prefix = module + "."
    keys = {key[len(prefix) :] for release in RELEASES for key in _table(release) if key.startswith(prefix)}
    return frozenset(key for key in keys if "." not in key)
