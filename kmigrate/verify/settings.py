"""Settings that a few steps with given weights and without dropout cannot show: compared as they are."""

from __future__ import annotations

from typing import Any

# layers that draw random numbers; each lets everything through while it is checked
RANDOM = (
    "Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "GaussianNoise", "GaussianDropout",
    "AlphaDropout",
)  # fmt: skip


def changed_arguments(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Arguments of one call that differ."""
    return [
        f"{name} is {before.get(name)!r}, then {after.get(name)!r}"
        for name in {**before, **after}
        if before.get(name) != after.get(name)
    ]


def changed_layers(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[str]:
    """Settings of layers that differ. Layers pair by their class and order; a conversion may add and replace some."""
    found = []
    for kind in dict.fromkeys(layer["class"] for layer in [*before, *after]):
        olds, news = ([layer for layer in side if layer["class"] == kind] for side in (before, after))
        if len(olds) != len(news):
            if kind in RANDOM:
                found.append(f"{len(olds)} {kind} layers, then {len(news)}")
            continue
        for old, new in zip(olds, news, strict=True):
            places = " / ".join(place for place in (old["where"], new["where"]) if place)
            for change in changed_arguments(old["settings"], new["settings"]):
                found.append(f"{old['name']} ({kind}, {places}): {change}")
    return found
