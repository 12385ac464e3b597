"""Rewrite channels-first Keras programs to channels-last, and prove that they compute the same."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kmigrate.api import Migration, migrate

__all__ = ["Migration", "__version__", "migrate"]
__version__ = "0.1.0"

_HERE = os.path.dirname(os.path.abspath(__file__))
_SIBLING = os.path.join(os.path.dirname(_HERE), "codemods")

if not os.path.isdir(os.path.join(_HERE, "codemods")) and os.path.isfile(os.path.join(_SIBLING, "__init__.py")):
    # Only in a checkout: there `kmigrate.codemods` is the folder next to this one. Installed packages
    # map it themselves, and putting the parent folder on __path__ would make every neighbour importable.
    from kmigrate._checkout import SiblingFinder

    if not any(isinstance(finder, SiblingFinder) for finder in sys.meta_path):
        # First, for another checkout may be installed for editing, and would give its own.
        sys.meta_path.insert(0, SiblingFinder("kmigrate.codemods", _SIBLING))


def __getattr__(name: str) -> object:
    """The Python interface is imported when it is used: the command line has no need of it."""
    if name in ("Migration", "migrate"):
        from kmigrate import api

        return getattr(api, name)
    raise AttributeError(f"module 'kmigrate' has no attribute {name!r}")
