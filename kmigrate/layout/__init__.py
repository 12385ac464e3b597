"""Layout inference: which arrays, shapes and axes are channels-first, and what to change."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kmigrate.layout.analysis import Program
    from kmigrate.layout.files import Files
    from kmigrate.options import Options


def analyse(files: Files, options: Options) -> Program:
    """Infer the layouts of the programs that `files` holds, and plan their conversion.

    Raises RecursionError or MemoryError where they are too much for this machine.
    """
    from kmigrate.layout.analysis import analyse_files
    from kmigrate.project import Surroundings

    path = files.entries[0].path
    return analyse_files(files, options, Surroundings(None if path in ("-", "<stdin>") else Path(path)))
