"""Carry out the edits of a plan on one text, keeping every other byte.

Importing this module costs nothing; libcst and the codemods are imported by the first `apply`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kmigrate.rewriting.error import RewriteError

if TYPE_CHECKING:
    from kmigrate.plan import Edit

__all__ = ["RewriteError", "apply"]


def apply(text: str, edits: Sequence[Edit]) -> str:
    """Return ``text`` with ``edits`` made.

    The result parses, and differs from ``text`` only inside the spans of the edits and by whole
    statements that the edits insert. The order of ``edits`` does not matter. ``text`` is a
    file's decoded text without its byte order mark.

    Raises:
        RewriteError: libcst cannot parse the text or does not print it back as it was, an edit
            names a node that is not there, two edits contradict each other, or the result
            fails one of the checks.
    """
    if not edits:
        return text
    from kmigrate.rewriting.transform import transform

    return transform(text, edits)
