"""A recorded run as two files: JSON for the tree, npz for the arrays in it.

Never pickle: what a verified script leaves behind is read by the parent and must not be able to
run code there.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

_MARK = "$array"


def numbered(path: Path, number: int) -> Path:
    """Where the log of the run with the ``number``-th seed is; runs of one seed have but one."""
    return path.with_name(f"{path.name}{number or ''}")


def dump(tree: Any, path: Path) -> None:
    """Write ``tree`` (dicts, lists, scalars, arrays) to ``path``.json and ``path``.npz."""
    arrays: dict[str, np.ndarray] = {}

    def plain(node: Any) -> Any:
        if isinstance(node, dict):
            return {str(key): plain(value) for key, value in node.items()}
        if isinstance(node, list | tuple):
            return [plain(value) for value in node]
        if isinstance(node, np.generic):
            return plain(node.item())
        if isinstance(node, np.ndarray):
            if node.dtype.kind not in "biufc":
                return [str(value) for value in node.ravel()[:64]]
            name = f"a{len(arrays)}"
            arrays[name] = node
            return {_MARK: name}
        if node is None or isinstance(node, bool | int | float | str):
            return node
        return str(node)

    text = json.dumps(plain(tree))
    np.savez(path.with_suffix(".npz"), **arrays)  # type: ignore[arg-type]
    path.with_suffix(".json").write_text(text, encoding="utf-8")


def load(path: Path) -> Any:
    """The tree that `dump` wrote to ``path``."""
    with np.load(path.with_suffix(".npz"), allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}

    def full(node: Any) -> Any:
        if isinstance(node, dict):
            return arrays[node[_MARK]] if _MARK in node else {key: full(value) for key, value in node.items()}
        if isinstance(node, list):
            return [full(value) for value in node]
        return node

    return full(json.loads(path.with_suffix(".json").read_text(encoding="utf-8")))
