"""Arguments as each version of Keras spells them, by their names in Keras 3."""

from __future__ import annotations

import re
from typing import Any

# Keras 1 -> 3. Keras 2 took both, Keras 3 takes its own only.
OLD = {
    "nb_filter": "filters", "border_mode": "padding", "subsample": "strides", "subsample_length": "strides",
    "filter_length": "kernel_size", "atrous_rate": "dilation_rate", "dim_ordering": "data_format",
    "bias": "use_bias", "init": "kernel_initializer", "output_dim": "units", "p": "rate", "sigma": "stddev",
    "W_regularizer": "kernel_regularizer", "b_regularizer": "bias_regularizer", "W_constraint": "kernel_constraint",
    "concat_axis": "axis", "length": "size", "pool_length": "pool_size", "stride": "strides",
    "batch_input_shape": "batch_shape",
}  # fmt: skip
NEUTRAL = {
    "name", "trainable", "dtype", "kernel_initializer", "bias_initializer", "kernel_regularizer", "bias_regularizer",
    "activity_regularizer", "kernel_constraint", "weights", "epsilon", "momentum", "center", "scale", "seed",
    "gamma_initializer", "beta_initializer", "interpolation", "noise_shape",
}  # fmt: skip

NEW_NAMES = {"filters", "kernel_size", "data_format", "units", "use_bias", "dilation_rate"}
MAIN = {"Zero": "padding", "Crop": "cropping", "UpSa": "size"}


def positional(name: str, args: tuple[Any, ...], version: tuple[int, ...], keywords: dict[str, Any]) -> dict[str, Any]:
    """Positional arguments of the layer ``name`` (in Keras 3), by name."""
    return dict(zip(_order(name, args, version, keywords), args, strict=False))


def _order(name: str, args: tuple[Any, ...], version: tuple[int, ...], keywords: dict[str, Any]) -> list[str]:
    rank = int(match[1]) if (match := re.search(r"(\d)D", name)) else 0
    if "Conv" in name and "LSTM" not in name:
        if "Depthwise" in name:
            return ["kernel_size", "strides", "padding"]
        sizes = args[1:]
        old = version < (2,) or (version < (3,) and rank == 2 and len(args) > 2 and isinstance(args[2], int))
        if old and rank > 1 and sizes and isinstance(sizes[0], int):
            kernel = [f"kernel{i}" for i in range(rank)]
            extra = ["output_shape"] if name == "Conv2DTranspose" else ["kernel_initializer", "activation", "weights"]
            return ["filters", *kernel, *extra, "padding", "strides", "data_format"]
        if version < (2,):
            return ["filters", "kernel_size", "kernel_initializer", "activation", "weights", "padding", "strides"]
        return ["filters", "kernel_size", "strides", "padding"]
    if name.startswith(("Global", "Spatial")):
        return ["rate" if name.startswith("Spatial") else "data_format", "data_format"]
    if "Pooling" in name:
        return ["pool_size", "strides", "padding", "data_format"]
    if name[:4] in MAIN:
        return [MAIN[name[:4]], "data_format"]
    return {
        "Dense": ["units", "activation"] if version >= (2,) else ["units", "kernel_initializer", "activation"],
        "BatchNormalization": ["axis"] if version >= (3,) else (["epsilon", "mode", "axis"] if version < (2,) else []),
        "Lambda": ["function", "output_shape"],
        "Concatenate": ["axis"],
        "ConvLSTM2D": ["filters", "kernel_size"],
        "GroupNormalization": ["groups", "axis"],
        "Softmax": ["axis"],
    }.get(name, ["main"])


def named(keywords: dict[str, Any], version: tuple[int, ...]) -> dict[str, Any]:
    """Keyword arguments by their names in Keras 3; a name that the version does not have fails."""
    result = {}
    for name, value in keywords.items():
        new = OLD.get(name, name)
        if version >= (3,) and name in OLD:
            raise TypeError(f"Keras 3 has no argument {name!r}")
        if version < (2,) and name in NEW_NAMES:
            raise TypeError(f"Keras 1 has no argument {name!r}")
        if new == "data_format" and value is not None and value != "default":
            fine = ("th", "tf") if version < (2,) else ("channels_first", "channels_last")
            assert value in fine or (name == "dim_ordering" and version < (3,)), f"{name}={value!r}"
        result[new] = value
    return result


def many(value: Any, rank: int) -> tuple[int, ...]:
    return (value,) * rank if isinstance(value, int) else tuple(value)


def pairs(value: Any, rank: int) -> list[tuple[int, int]]:
    return [(v, v) if isinstance(v, int) else tuple(v) for v in many(value, rank)]
