"""What "before" and "after" are when they run: as they are, on tf_keras, or ported from an old spelling."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from kmigrate import layout
from kmigrate.keras_api import names, signatures, versions
from kmigrate.layout.files import Files

if TYPE_CHECKING:
    from kmigrate.layout.analysis import Program
    from kmigrate.options import Options
    from kmigrate.source import SourceFile

KERAS3, TF_KERAS = "keras3", "tf_keras"
_FORMATS = {"th": "channels_first", "tf": "channels_last"}


class NotRunnable(Exception):
    """The programs can't be brought to a Keras that runs here."""


@dataclass(frozen=True)
class File:
    """A file as it runs."""

    path: Path
    raw: bytes


@dataclass
class Prepared:
    """The files to run, on which stack, and what was assumed about them."""

    before: File
    after: File
    undone: File | None
    stack: str
    ordering: str | None  # ambient of both runs; None: the library's default
    ordering_text: str = ""
    source_keras: str = ""
    notes: list[str] = field(default_factory=list)
    advice: str = ""  # where the programs do not run


def prepare(before: SourceFile, after: SourceFile, undone: SourceFile | None, options: Options) -> Prepared:
    """Decide how the programs run, from one analysis of ``before``; raises NotRunnable."""
    program = _analyse(before, options)
    version = program.version
    ordering, why = _ordering(program, options)
    # up to 2.1, Flatten kept the order of channels-first features, which tf_keras and Keras 3 do not
    if version.high < (2, 2) or (version.low < (2, 4) and _spelled_as_keras1(program)):
        return _ported(before, after, undone, options, program, ordering, why)
    stack = KERAS3 if version.low >= (3,) else TF_KERAS
    doubt = stack == TF_KERAS and version.high >= (3,)
    return Prepared(
        _as_it_is(before),
        _as_it_is(after),
        _as_it_is(undone) if undone else None,
        stack,
        _FORMATS[ordering] if ordering and why else None,
        f"{_FORMATS[ordering]} ({why})" if ordering and why else "",
        str(version) if version.why else "",
        advice="it ran as a program for Keras 2; if it is for Keras 3, say --source-keras 3" if doubt else "",
    )


def _analyse(source: SourceFile, options: Options) -> Program:
    try:
        path = str(source.path)
        return layout.analyse(Files({path: source.cells[0].text}, [path]), options)
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise NotRunnable(f"{source.path} can't be read: {error}") from error


def _ordering(program: Program, options: Options) -> tuple[str | None, str]:
    """The ambient ordering, 'th' or 'tf', and why, where the program does not say it."""
    if options.ordering != "auto":
        return options.ordering, "--ordering says so"
    why = next((a.why for a in program.plan.assumptions if a.what == "ordering"), "")
    return program.ordering, why


def _spelled_as_keras1(program: Program) -> bool:
    """Does a call need the Keras 2 that still took the spelling of Keras 1?"""
    for node in ast.walk(program.tree):
        path = program.dotted.get(node.func) if isinstance(node, ast.Call) else None
        api = names.resolve(path) if path else None
        if api is not None and isinstance(node, ast.Call) and signatures.spelling_generation(api, node) == 1:
            return True
    return False


def _as_it_is(source: SourceFile) -> File:
    return File(source.path, source.raw)


def _ported(
    before: SourceFile,
    after: SourceFile,
    undone: SourceFile | None,
    options: Options,
    program: Program,
    ordering: str | None,
    why: str,
) -> Prepared:
    """All of them as Keras 3 programs, for one version and ordering."""
    low, high = program.version.low, program.version.high
    last = versions.LAST_KERAS1
    version = last if low <= last <= high else (high if high < (2,) else low)
    ordering = ordering or versions.default_ordering(version)
    notes: list[str] = []

    def ported(source: SourceFile) -> File:
        own = program if source is before else _analyse(source, options)
        return _port(source, own, version, ordering, notes)

    return Prepared(
        ported(before),
        ported(after),
        ported(undone) if undone else None,
        KERAS3,
        "channels_last",  # a port says its ordering itself
        ordering + (f" ({why})" if why else ""),
        f"{'.'.join(map(str, version))}, ported to Keras 3",
        notes,
    )


def _port(source: SourceFile, program: Program, version: versions.Version, ordering: str, notes: list[str]) -> File:
    from kmigrate.keras_api.port import port
    from kmigrate.rewriting.error import RewriteError

    text = source.cells[0].text
    result = port(text, program.tree, program.dotted, version, ordering, path=str(source.path), numerics="exact")
    if result.problems:
        first = result.problems[0]
        raise NotRunnable(f"the port to Keras 3 leaves {source.path}:{first.line}: {first.message}")
    try:
        text = result.text()
    except RewriteError as error:
        raise NotRunnable(f"the port to Keras 3 of {source.path} fails: {error}") from error
    notes += [f"port: line {note.line}: {note.message}" for note in result.notes]
    return File(source.path, source.with_cells([text]))
