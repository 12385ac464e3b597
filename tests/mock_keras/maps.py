"""Convolution, pooling and their like on channels-last arrays of one to three spatial axes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

Array = np.ndarray
Sizes = Sequence[int]


def _inner(x: Array, parts: Sequence[slice]) -> Array:
    """A part of the maps, of the whole batch; a view."""
    index = (slice(None), *parts)
    return x[index]


def _pads(size: int, window: int, stride: int) -> tuple[int, int]:
    """TensorFlow's 'same' padding."""
    total = max((-(-size // stride) - 1) * stride + window - size, 0)
    return total // 2, total - total // 2


def _windows(x: Array, window: Sizes, strides: Sizes, dilation: Sizes) -> Iterator[tuple[tuple[int, ...], Array]]:
    """For each position in the window: the input as every output sees it there."""
    spans = [(w - 1) * d + 1 for w, d in zip(window, dilation)]
    counts = [(n - s) // t + 1 for n, s, t in zip(x.shape[1:-1], spans, strides)]
    assert all(c > 0 for c in counts), f"a window of {spans} does not fit into {x.shape[1:-1]}"
    for at in itertools.product(*map(range, window)):
        starts = [a * d for a, d in zip(at, dilation)]
        parts = [slice(b, b + (c - 1) * t + 1, t) for b, c, t in zip(starts, counts, strides)]
        yield at, _inner(x, parts)


def _padded(x: Array, window: Sizes, strides: Sizes, dilation: Sizes, padding: str, fill: float = 0.0) -> Array:
    if padding == "valid":
        return x
    assert padding == "same", f"padding {padding!r}"
    spans = [(w - 1) * d + 1 for w, d in zip(window, dilation)]
    pads = [_pads(n, s, t) for n, s, t in zip(x.shape[1:-1], spans, strides)]
    return np.pad(x, [(0, 0), *pads, (0, 0)], constant_values=fill)


def conv(x: Array, kernel: Array, strides: Sizes, padding: str, dilation: Sizes) -> Array:
    """``kernel`` is (*window, channels in, channels out)."""
    assert x.shape[-1] == kernel.shape[-2], f"{x.shape[-1]} channels for a kernel of {kernel.shape[-2]}"
    window = kernel.shape[:-2]
    x = _padded(x, window, strides, dilation, padding)
    return sum(part @ kernel[at] for at, part in _windows(x, window, strides, dilation))


def depthwise(x: Array, kernel: Array, strides: Sizes, padding: str, dilation: Sizes) -> Array:
    """``kernel`` is (*window, channels in, multiplier)."""
    assert x.shape[-1] == kernel.shape[-2], f"{x.shape[-1]} channels for a kernel of {kernel.shape[-2]}"
    window = kernel.shape[:-2]
    x = _padded(x, window, strides, dilation, padding)
    made = sum(part[..., None] * kernel[at] for at, part in _windows(x, window, strides, dilation))
    return made.reshape((*made.shape[:-2], -1))


def conv_transpose(x: Array, kernel: Array, strides: Sizes, padding: str) -> Array:
    """``kernel`` is (*window, channels out, channels in)."""
    assert x.shape[-1] == kernel.shape[-1], f"{x.shape[-1]} channels for a kernel of {kernel.shape[-1]}"
    window, sizes = kernel.shape[:-2], x.shape[1:-1]
    full = [max((n - 1) * s + w, n * s) for n, s, w in zip(sizes, strides, window)]
    out = np.zeros((len(x), *full, kernel.shape[-2]))
    for at in itertools.product(*map(range, window)):
        parts = [slice(a, a + (n - 1) * s + 1, s) for a, n, s in zip(at, sizes, strides)]
        _inner(out, parts)[...] += x @ kernel[at].T
    if padding == "same":
        starts = [max(w - s, 0) // 2 for w, s in zip(window, strides)]
        out = _inner(out, [slice(b, b + n * s) for b, n, s in zip(starts, sizes, strides)])
    return out


def pool(x: Array, window: Sizes, strides: Sizes, padding: str, kind: str) -> Array:
    ones = [1] * len(window)
    if kind == "max":
        x = _padded(x, window, strides, ones, padding, -np.inf)
        return np.max([part for _, part in _windows(x, window, strides, ones)], axis=0)
    count = _padded(np.ones_like(x), window, strides, ones, padding)
    x = _padded(x, window, strides, ones, padding)
    total = sum(part for _, part in _windows(x, window, strides, ones))
    return np.asarray(total / sum(part for _, part in _windows(count, window, strides, ones)))


def pad(x: Array, amounts: Sequence[Sequence[int]]) -> Array:
    return np.pad(x, [(0, 0), *map(tuple, amounts), (0, 0)])


def crop(x: Array, amounts: Sequence[Sequence[int]]) -> Array:
    parts = [slice(a, n - b) for (a, b), n in zip(amounts, x.shape[1:-1])]
    return _inner(x, parts)


def repeat(x: Array, sizes: Sizes) -> Array:
    for i, size in enumerate(sizes):
        x = np.repeat(x, size, axis=i + 1)
    return x
