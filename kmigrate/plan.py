"""What the analysis decided: plain data that codemods carry out and reports show.

Nothing here does I/O, imports Keras or knows libcst.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class Status(Enum):
    """The answer that a user gets for each model (docs/design.md, 1)."""

    DONE = "done"
    BORDERS = "done with transposes"
    NOTHING = "nothing to do"
    LEFT_ALONE = "left alone"
    ASKED = "not known, say which"

    @property
    def left(self) -> bool:
        """Was the model not converted although it may be channels-first?"""
        return self in (Status.LEFT_ALONE, Status.ASKED)


@dataclass(frozen=True)
class Edit:
    """One change to one node of one file.

    ``start`` and ``end`` are offsets in the UTF-8 encoding of the cell's decoded text (BOM
    excluded), as `ast` gives them; with ``kind``, the `ast` class name of the node (``"stmt"``
    for any statement), they name the node. ``codemod`` is a module of `kmigrate.codemods`;
    ``args`` is plain data that its docstring describes.
    """

    path: str
    start: int
    end: int
    kind: str
    codemod: str
    args: Mapping[str, Any]
    reason: str
    code: str
    line: int
    column: int
    group: str | None = None  # edits of one group are made together or not at all (one model)
    neutral: bool = False  # undoing this edit alone changes no value (e.g. a zero slope)
    cell: int = 0


@dataclass(frozen=True)
class Diagnostic:
    """``path:line:column: CODE message``; ``line`` and ``column`` count from 1 (0: whole file)."""

    path: str
    line: int
    column: int
    code: str
    message: str
    group: str | None = None

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}: {self.code} {self.message}"


@dataclass(frozen=True)
class ModelReport:
    """What became of one model, and why."""

    name: str
    path: str
    line: int
    status: Status
    reasons: Sequence[str] = ()


@dataclass(frozen=True)
class Assumption:
    """Something the text does not say and the plan rests on, e.g. the ambient ordering."""

    what: str  # "ordering", "source-keras"
    value: str
    why: str


@dataclass
class Plan:
    """All decisions for one program."""

    edits: list[Edit] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    models: list[ModelReport] = field(default_factory=list)
    assumptions: list[Assumption] = field(default_factory=list)
