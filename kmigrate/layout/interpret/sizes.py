"""How long a spatial axis is behind a layer, where numbers tell."""

from __future__ import annotations

from kmigrate.layout.dims import Dim
from kmigrate.layout.values import Const, Layer, Seq, Value


def behind(layer: Layer, size: Dim | None, k: int, rank: int) -> Dim | None:
    """The size of the ``k``-th of ``rank`` spatial axes behind ``layer``; None where it is not known."""
    name = layer.api.name
    if size is None or size.value is None or not name[0].isupper():  # a backend function has other defaults
        return None
    made = _behind(layer, size.value, k, rank)
    return Dim(made) if made is not None and made > 0 else None


def _behind(layer: Layer, size: int, k: int, rank: int) -> int | None:
    name = layer.api.name
    if name.startswith("ZeroPadding"):
        ends = _ends(layer, "padding", k, rank, 1)
        return None if ends is None else size + sum(ends)
    if name.startswith("Cropping"):
        ends = _ends(layer, "cropping", k, rank, None)
        return None if ends is None else size - sum(ends)
    if name.startswith("UpSampling"):
        factor = number(layer, "size", k, 2)
        return None if factor is None else size * factor
    mode = padding(layer)
    pooling = "Pooling" in name
    window = number(layer, "pool_size", k, 2) if pooling else number(layer, "kernel_size", k, None)
    stride = number(layer, "strides", k, window if pooling else 1)
    if window is None or not stride or mode is None:  # Keras refuses a stride of 0
        return None
    if "Transpose" in name:
        if "output_shape" in layer.values or "output_padding" in layer.values or "dilation_rate" in layer.values:
            return None
        return size * stride + (max(window - stride, 0) if mode == "valid" else 0)
    dilation = number(layer, "dilation_rate", k, 1)
    if dilation is None:
        return None
    span = size if mode == "same" else size - (window - 1) * dilation
    return -(-span // stride) if span > 0 else None


def padding(layer: Layer) -> str | None:
    given = layer.values.get("padding")
    mode = "valid" if given is None else (given[0].value if isinstance(given[0], Const) else None)
    return mode if mode in ("valid", "same") else None


def number(layer: Layer, name: str, k: int, default: int | None) -> int | None:
    """The ``k``-th number of an argument that has one for each spatial axis, or one for all."""
    given = layer.values.get(name)
    if given is None or (isinstance(given[0], Const) and given[0].value is None):
        return default
    value = given[0]
    if isinstance(value, Seq) and value.fixed and k < len(value.items):
        value = value.items[k]
    return _plain(value)


def _plain(value: Value) -> int | None:
    return value.value if isinstance(value, Const) and type(value.value) is int else None


def _ends(layer: Layer, name: str, k: int, rank: int, default: int | None) -> tuple[int, int] | None:
    """What is added or cut at both ends of an axis: 1, (1, 2), ((1, 0), (2, 3)), or in Keras 1 (1, 0, 2, 3)."""
    given = layer.values.get(name)
    if given is None:
        return None if default is None else (default, default)
    value = given[0]
    whole = _plain(value)
    if whole is not None:
        return (whole, whole)
    if not isinstance(value, Seq) or not value.fixed:
        return None
    items: list[Value] = value.items
    if (rank == 1 and len(items) == 2) or (rank == 2 and len(items) == 4):
        items = items[2 * k : 2 * k + 2]
        ends = [_plain(i) for i in items]
    elif len(items) == rank:
        item = items[k]
        if isinstance(item, Seq):
            ends = [_plain(i) for i in item.items] if item.fixed and len(item.items) == 2 else [None, None]
        else:
            ends = [_plain(item)] * 2
    else:
        return None
    first, last = ends
    return None if first is None or last is None else (first, last)
