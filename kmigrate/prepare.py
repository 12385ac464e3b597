"""What "before" and "after" are when they run: as they are, on tf_keras, or ported from an old spelling."""

from __future__ import annotations

import ast
import contextlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from kmigrate import layout
from kmigrate.keras_api import names, signatures, versions
from kmigrate.keras_api.orderings import DATA_FORMATS
from kmigrate.layout.files import Files
from kmigrate.project import Project
from kmigrate.source import SourceFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from kmigrate.layout.analysis import Program
    from kmigrate.layout.files import Source
    from kmigrate.options import Options

KERAS3, TF_KERAS = "keras3", "tf_keras"
_SETTER = re.compile(r"\bset_image_(dim_ordering|data_format)\b")


class NotRunnable(Exception):
    """The programs can't be brought to a Keras that runs here."""


@dataclass(frozen=True)
class File:
    """A file as it runs."""

    path: Path
    raw: bytes


@dataclass(frozen=True)
class Side:
    """A program: its entry script, and what its files are where they are not what the disk holds."""

    entry: str
    files: tuple[SourceFile, ...]

    @classmethod
    def of(cls, script: SourceFile) -> Side:
        """The program of a script, with its modules as they are on the disk."""
        return cls(str(script.path), (script,))


@dataclass
class Prepared:
    """The files to run, on which stack, and what was assumed about them."""

    before: list[File]
    after: list[File]
    undone: Iterator[list[File]]  # made as they are needed; what cannot run is left out
    stack: str
    ordering: str | None  # ambient of both runs; None: the library's default
    ordering_text: str = ""
    source_keras: str = ""
    notes: list[str] = field(default_factory=list)
    old: bool = False  # ported
    advice: str = ""  # where the programs do not run
    native_ordering: str | None = None  # what the program before starts from, in the Keras that it is for


def prepare(before: Side, after: Side, undone: Iterable[Side], options: Options) -> Prepared:
    """Decide how the programs run, from one analysis of ``before``; raises NotRunnable."""
    program = analyse(before, options)
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
        (_as_it_is(side) for side in undone),
        stack,
        DATA_FORMATS[ordering] if ordering and why else None,
        f"{DATA_FORMATS[ordering]} ({why})" if ordering and why else "",
        str(version) if version.why else "",
        advice="it ran as a program for Keras 2; if it is for Keras 3, say --source-keras 3" if doubt else "",
        native_ordering=DATA_FORMATS[ordering] if ordering and why else None,
    )


def analyse(side: Side, options: Options) -> Program:
    """A script with the modules of the project that it loads; raises NotRunnable."""
    try:
        texts = {str(source.path): source.text for source in side.files}
        modules = None if side.entry in ("-", "<stdin>") else Project(texts)
        return layout.analyse(Files(texts, [side.entry], modules), options)
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise NotRunnable(f"{side.entry} can't be read: {error}") from error


def loaded(program: Program) -> list[str]:
    """The paths of the script and of the project's modules that it loads, those that cannot be read included."""
    assert program.files is not None
    return list(program.files.sources)


def _ordering(program: Program, options: Options) -> tuple[str | None, str]:
    """The ambient ordering, 'th' or 'tf', and why, where the program does not say it."""
    if options.ordering != "auto":
        return options.ordering, "--ordering says so"
    why = next((a.why for a in program.plan.assumptions if a.what == "ordering"), "")
    return program.ordering, why


def _spelled_as_keras1(program: Program) -> bool:
    """Does a call need the Keras 2 that still took the spelling of Keras 1?"""
    for source in _sources(program):
        for node in ast.walk(source.tree):
            path = program.dotted.get(node.func) if isinstance(node, ast.Call) else None
            api = names.resolve(path) if path else None
            if api is not None and isinstance(node, ast.Call) and signatures.spelling_generation(api, node) == 1:
                return True
    return False


def _sources(program: Program) -> list[Source]:
    """The files of a program that are Python 3."""
    assert program.files is not None
    return [source for source in program.files.sources.values() if source is not None]


def _as_it_is(side: Side) -> list[File]:
    return [File(source.path, _running(source, source.text)) for source in side.files]


def _running(source: SourceFile, text: str) -> bytes:
    """The bytes that run: of a notebook its program."""
    if source.notebook is not None:
        return SourceFile.encoded(text, str(source.path))
    return source.with_text(text)


def _ported(
    before: Side,
    after: Side,
    undone: Iterable[Side],
    options: Options,
    program: Program,
    ordering: str | None,
    why: str,
) -> Prepared:
    """All of them as Keras 3 programs, for one version and ordering."""
    version = program.version.likeliest()
    ordering = ordering or versions.default_ordering(version)
    notes: list[str] = []

    def ported(side: Side) -> list[File]:
        own = program if side is before else analyse(side, options)
        given = {str(source.path): source for source in side.files}
        assert own.files is not None
        setting = any(_SETTER.search(own.files.texts[source.path]) for source in _sources(own))
        files = []
        for source in _sources(own):
            file = given.get(source.path) or SourceFile.read(source.path)
            entry = source.path == side.entry
            raw = _port(file, source.tree, own, version, ordering, notes, entry, setting)
            if raw != file.raw or source.path in given:
                files.append(File(file.path, raw))
        return files

    return Prepared(
        ported(before),
        ported(after),
        _possible(undone, ported),
        KERAS3,
        "channels_last",  # a port says its ordering itself
        ordering + (f" ({why})" if why else ""),
        f"{'.'.join(map(str, version))}, ported to Keras 3",
        notes,
        native_ordering=DATA_FORMATS[ordering] if why else None,
        old=True,
    )


def _possible(undone: Iterable[Side], ported: Callable[[Side], list[File]]) -> Iterator[list[File]]:
    for side in undone:
        with contextlib.suppress(NotRunnable):
            yield ported(side)


def _port(
    source: SourceFile,
    tree: ast.Module,
    program: Program,
    version: versions.Version,
    ordering: str,
    notes: list[str],
    entry: bool,
    setting: bool,
) -> bytes:
    """A file of a program as Keras 3 reads it; the entry says the ordering."""
    from kmigrate.keras_api.imported import completed
    from kmigrate.keras_api.port import port
    from kmigrate.keras_api.traps import traps
    from kmigrate.rewriting.error import RewriteError

    text = source.text
    dotted = completed(tree, program.dotted)  # of functions that nothing calls, too
    result = port(
        text,
        tree,
        dotted,
        version,
        ordering,
        path=str(source.path),
        state_ordering=entry,
        numerics="exact",
        sets_first=setting,
    )
    result.edits += traps(tree, text, str(source.path), result.problems)
    notes += [f"not ported, so it must not run: {source.path}:{p.line}: {p.message}" for p in result.problems]
    try:
        text = result.text()
    except RewriteError as error:
        raise NotRunnable(f"the port to Keras 3 of {source.path} fails: {error}") from error
    if entry and text == source.text:  # it leaves Keras to its modules, and they follow the setting
        text = _stating(text, tree, f"keras.backend.set_image_data_format({DATA_FORMATS[ordering]!r})")
    place = "" if entry else f"{source.path}, "
    notes += [f"port: {place}line {note.line}: {note.message}" for note in result.notes]
    return _running(source, text)


def _stating(text: str, tree: ast.Module, setter: str) -> str:
    """A script that says the ordering first."""
    head = [node for node in tree.body[:1] if ast.get_docstring(tree) is not None]
    head += [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
    lines = text.split("\n")
    at = max((node.end_lineno or 0 for node in head), default=0)
    return "\n".join([*lines[:at], "import keras", setter, *lines[at:]])
