"""Let a checkout's `codemods/` be imported as `kmigrate.codemods`, and nothing else beside it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType


class SiblingFinder:
    """Finds the one package ``name`` in ``folder``; its submodules follow by its ``__path__``."""

    def __init__(self, name: str, folder: str) -> None:
        self._name = name
        self._folder = folder

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._name:
            return None
        return PathFinder.find_spec(fullname, [os.path.dirname(self._folder)], target)
