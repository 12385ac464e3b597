"""Layout inference: which arrays, shapes and axes are channels-first, and what to change."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from kmigrate.plan import Plan

if TYPE_CHECKING:
    from kmigrate.layout.analysis import Program
    from kmigrate.options import Options
    from kmigrate.source import SourceFile


@dataclass
class Analysis:
    """What is known of some files, each a program of its own."""

    plan: Plan = field(default_factory=Plan)
    trees: dict[str, ast.Module] = field(default_factory=dict)
    dotted: dict[ast.expr, str] = field(default_factory=dict)
    programs: list[Program] = field(default_factory=list)


def analyse(sources: Sequence[SourceFile], options: Options) -> Analysis:
    """Infer the layouts of each file and plan its conversion.

    Raises SyntaxError, ValueError, RecursionError or MemoryError as `ast.parse` does.
    """
    from kmigrate.layout.analysis import analyse as analyse_program
    from kmigrate.project import Surroundings

    result = Analysis()
    for source in sources:
        path = str(source.path)
        around = Surroundings(None if path in ("-", "<stdin>") else Path(path))
        program = analyse_program(source.cells[0].text, path, options, around)
        result.programs.append(program)
        result.trees[program.path] = program.tree
        result.dotted.update(program.dotted)
        for name in ("edits", "diagnostics", "models", "assumptions"):
            getattr(result.plan, name).extend(getattr(program.plan, name))
    return result
