"""Layout inference: which arrays, shapes and axes are channels-first, and what to change."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kmigrate.layout.analysis import Program
    from kmigrate.layout.files import Files
    from kmigrate.layout.interpret.machine import Interpreter
    from kmigrate.options import Options


def analyse(files: Files, options: Options, interpreter: type[Interpreter] | None = None) -> Program:
    """Infer the layouts of the programs that `files` holds, and plan their conversion.

    ``interpreter`` runs them (by default the plain one, which remembers no values).

    Raises RecursionError or MemoryError where they are too much for this machine.
    """
    from kmigrate.layout.analysis import analyse_files
    from kmigrate.project import Surroundings

    path = files.entries[0].path
    around = Surroundings(None if path in ("-", "<stdin>") else Path(path))
    return analyse_files(files, options, around, *([interpreter] if interpreter else []))
