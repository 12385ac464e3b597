"""From candidates to results: analyse each program, rewrite what the plan says, check the outcome.

One file's failure is that file's result; the others go on. libcst is imported (by `rewriting`) only
when a file changes.
"""

from __future__ import annotations

import contextlib
import gc
import os
import re
import sys
import traceback
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from kmigrate import layout, rewriting
from kmigrate.discovery import Candidate, find
from kmigrate.layout import Analysis
from kmigrate.layout.recheck import recheck
from kmigrate.options import Options
from kmigrate.plan import Diagnostic, Plan, Status
from kmigrate.python2 import construct
from kmigrate.source import SourceError, SourceFile
from kmigrate.syntax import Lines, parse

_NEWLINE = re.compile(r"\r\n|\r|\n")


@dataclass
class Result:
    """What became of one file; ``new`` is the file as it would be, None if nothing changes.

    ``error`` says why the file could not be read, parsed, analysed or rewritten.
    """

    path: str
    source: SourceFile | None = None
    new: SourceFile | None = None
    plan: Plan = field(default_factory=Plan)
    error: Diagnostic | None = None
    program: int = 0  # files with one number belong together: their changes are written together

    @property
    def new_text(self) -> str | None:
        """The new text of a file with one cell."""
        return None if self.new is None else self.new.cells[0].text

    @property
    def diagnostics(self) -> list[Diagnostic]:
        """All that is to be said of the file, in the order of its lines."""
        errors = [self.error] if self.error else []
        return sorted([*self.plan.diagnostics, *errors], key=lambda d: (d.line, d.column, d.code))


def run(paths: Sequence[str], options: Options) -> list[Result]:
    """Look at ``paths`` and convert what concerns Keras in them; writes nothing."""
    found = find(paths)
    errors = [Result(p.path, error=Diagnostic(p.path, 0, 0, "KM905", p.message)) for p in found.problems]
    return errors + convert(found.candidates, options)


def convert(candidates: Iterable[Candidate], options: Options) -> list[Result]:
    """Convert each file on its own, in order."""
    with warnings.catch_warnings(), _rare_collections():
        # Old code is full of "\d" in plain strings: not ours to report.
        warnings.simplefilter("ignore", SyntaxWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        results = [_convert(candidate, options) for candidate in candidates]
        for number, result in enumerate(results):
            result.program = number
        return results


@contextlib.contextmanager
def _rare_collections() -> Iterator[None]:
    """Syntax trees are many small objects that stay: looking through them for garbage takes 40 % of the time."""
    thresholds = gc.get_threshold()
    gc.set_threshold(200_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)


def unparsable(source: SourceFile) -> Diagnostic | None:
    """Why a file is no Python, or None."""
    try:
        _refuse_nul(source)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for cell in source.cells:
                parse(cell.text, str(source.path))
    except SourceError as error:
        return Diagnostic(error.path, error.line, error.column, "KM905", error.message)
    except SyntaxError as error:
        return _syntax_error(error, Result(str(source.path), source))
    except (RecursionError, MemoryError):
        return Diagnostic(str(source.path), 0, 0, "KM908", "nested too deeply")
    return None


def _convert(candidate: Candidate, options: Options) -> Result:
    result = Result(candidate.path)
    try:
        result.source = SourceFile.from_bytes(candidate.data, candidate.path)
        analysis = _analyse(result.source, options)
        result.plan = analysis.plan
        result.new = _rewrite(result.source, analysis, options)
    except SourceError as error:
        result.error = Diagnostic(error.path, error.line, error.column, "KM905", error.message)
    except SyntaxError as error:
        result.error = _syntax_error(error, result)
    except rewriting.RewriteError as error:
        _drop(result, f"the rewrite was dropped: {error}")
    except RecursionError:
        _drop(result, "nested too deeply", "KM908")
    except MemoryError:
        _drop(result, "too large: memory ran out", "KM908")
    except Exception as error:
        _drop(result, f"internal error: {type(error).__name__}: {error} ({_where(error)})")
    return result


def _analyse(source: SourceFile, options: Options) -> Analysis:
    """What the analysis of layouts decides, and the relus, which need no layout."""
    _refuse_nul(source)
    analysis = layout.analyse([source], options)
    if b"relu" in source.raw.lower():
        from kmigrate import relu

        program = analysis.programs[0]
        span = Lines(source.cells[0].text).span
        edits, diagnostics = relu.find(program.tree, program.dotted, span, program.path, options, program.version)
        analysis.plan.edits += edits
        analysis.plan.diagnostics += diagnostics
    return analysis


def _rewrite(source: SourceFile, analysis: Analysis, options: Options) -> SourceFile | None:
    """The new file, checked: it does the same, and the same analysis has nothing left to do on it."""
    edits = analysis.plan.edits
    if not edits:
        return None
    texts = [rewriting.apply(cell.text, [edit for edit in edits if edit.cell == cell.index]) for cell in source.cells]
    new = SourceFile.from_bytes(source.with_cells(texts), source.path)
    if new.raw == source.raw:
        return None
    for program in analysis.programs:
        if program.plan.edits and (problem := recheck(program, texts[0])):
            raise rewriting.RewriteError(f"the new program would not do the same: {problem}")
    again = _analyse(new, _settled(options)).plan.edits
    if again:
        raise rewriting.RewriteError(f"a second run would change line {again[0].line} of it ({again[0].code})")
    return new


def _settled(options: Options) -> Options:
    """The options for a second run: what the new text says of its ordering needs no help."""
    return replace(options, ordering="auto")


def _drop(result: Result, message: str, code: str = "KM900") -> None:
    """Take back what was planned: the file stays as it is, and no model counts as done."""
    result.new = None
    result.error = Diagnostic(result.path, 0, 0, code, message)
    result.plan.edits = []
    result.plan.models = [
        replace(model, status=Status.LEFT_ALONE, reasons=(message,))
        if model.status in (Status.DONE, Status.BORDERS)
        else model
        for model in result.plan.models
    ]


def _refuse_nul(source: SourceFile) -> None:
    """Some Pythons parse up to a NUL, some raise ValueError, some SyntaxError."""
    for cell in source.cells:
        before, nul, _ = cell.text.partition("\0")
        if nul:
            lines = _NEWLINE.split(before)
            raise SourceError(str(source.path), len(lines), len(lines[-1]) + 1, "a NUL character")


def _syntax_error(error: SyntaxError, result: Result) -> Diagnostic:
    assert result.source is not None
    number, column = error.lineno or 0, max(error.offset or 0, 1)
    lines = _NEWLINE.split(result.source.cells[0].text)
    python2 = construct(error, lines[number - 1]) if 0 < number <= len(lines) else None
    if python2:
        message = f"this is Python 2 ({python2}); convert it to Python 3 first"
        return Diagnostic(result.path, number, column, "KM401", message)
    version = ".".join(map(str, sys.version_info[:2]))
    return Diagnostic(result.path, number, column, "KM905", f"not Python as of {version}: {error.msg}")


def _where(error: Exception) -> str:
    """The last place of ours before it was raised, for a report of the bug."""
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(root)]
    return f"{os.path.relpath(frames[-1].filename, root)}:{frames[-1].lineno}"
