"""Nested arguments (lists, dicts, tensors, generators) as flat lists of arrays and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from kmigrate.verify.correspond import move, possible

# numbers in one sample above which only so many samples are used
_FEW = ((200_000, 1), (120_000, 2), (40_000, 4))


def flatten(tree: Any) -> list[Any]:
    """The leaves that hold numbers, in a fixed order."""
    if tree is None:
        return []
    if isinstance(tree, list | tuple) and not _is_values(tree):
        return [leaf for part in tree for leaf in flatten(part)]
    if isinstance(tree, dict):
        return [leaf for key in sorted(tree) for leaf in flatten(tree[key])]
    return [tree]


def _is_values(tree: Any) -> bool:
    """Is this a list of plain numbers, as in ``fit([[0, 1], [1, 0]], [1, 0])``?"""
    return bool(tree) and all(isinstance(v, int | float | bool) for v in tree)


def rebuild(tree: Any, leaves: list[Any]) -> Any:
    """``tree`` with its leaves replaced by ``leaves``, which `flatten` would give."""
    rest = iter(leaves)

    def walk(node: Any) -> Any:
        if node is None:
            return None
        if isinstance(node, list | tuple) and not _is_values(node):
            parts = [walk(part) for part in node]
            if isinstance(node, list):
                return parts
            return type(node)(*parts) if hasattr(node, "_fields") else tuple(parts)
        if isinstance(node, dict):
            done = {key: walk(node[key]) for key in sorted(node)}
            return {key: done[key] for key in node}
        return next(rest)

    return walk(tree)


def numeric(value: Any) -> np.ndarray:
    """A leaf as an array."""
    return np.asarray(value)


def map_leaves(tree: Any, change: Callable[[np.ndarray], Any]) -> Any:
    """``tree`` with ``change`` applied to each leaf."""
    return rebuild(tree, [change(numeric(leaf)) for leaf in flatten(tree)])


def is_stream(x: Any) -> bool:
    """A generator, Sequence or dataset rather than arrays."""
    if x is None or isinstance(x, np.ndarray | list | tuple | dict):
        return False
    if hasattr(x, "dtype") and hasattr(x, "shape"):  # Keras' image iterators have a dtype, too
        return False
    return hasattr(x, "__next__") or hasattr(x, "__getitem__") or hasattr(x, "__iter__")


def first_batch(stream: Any) -> tuple[Any, Any, Any]:
    """x, y and sample weights of the stream's first batch."""
    if hasattr(stream, "__next__"):
        batch = next(stream)
    elif hasattr(stream, "__getitem__"):
        batch = stream[0]
    else:
        batch = next(iter(stream))
    if not isinstance(batch, tuple | list):
        return batch, None, None
    parts = [*batch, None, None, None]
    return parts[0], parts[1], parts[2]


def batch_size(tree: Any) -> int:
    """The number of samples."""
    leaves = flatten(tree)
    return int(numeric(leaves[0]).shape[0]) if leaves and numeric(leaves[0]).ndim else 0


def fingerprints(tree: Any) -> list[Any]:
    """For each leaf one number for each sample, for each way in which it may correspond to another run's.

    Equal samples have equal numbers whatever the layout, so that many can be compared without being kept. None for
    what holds no numbers.
    """
    return [_fingerprints(numeric(leaf)) for leaf in flatten(tree)]


def _fingerprints(values: np.ndarray) -> list[np.ndarray] | None:
    if values.dtype.kind not in "biuf" or not values.ndim:
        return None
    weights = np.random.default_rng(0).normal(size=int(np.prod(values.shape[1:])))
    found = []
    for how in possible(values.ndim):
        order = move(values, how)
        parts = [order[i : i + 256] for i in range(0, len(order), 256)]
        numbers = [np.asarray(part, np.float64).reshape(len(part), -1) @ weights for part in parts]
        found.append(np.concatenate(numbers) if numbers else np.zeros(0))
    return found


def small(tree: Any, samples: int) -> int:
    """How many samples of ``tree`` a check uses: fewer where they are large, and one alone only of the largest."""
    total = batch_size(tree)
    each = sum(numeric(leaf).size for leaf in flatten(tree)) / max(total, 1)
    few = next((few for size, few in _FEW if each > size), samples)
    return max(min(few, total), min(total, 1 if few == 1 else 2))
