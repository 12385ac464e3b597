"""Rewrite channels-first Keras programs to channels-last, and prove that they compute the same."""

from __future__ import annotations

import os
import sys

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
