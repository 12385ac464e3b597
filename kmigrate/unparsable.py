"""Why a file is no Python of today."""

from __future__ import annotations

import re
import sys
import warnings

from kmigrate.plan import Diagnostic
from kmigrate.python2 import construct
from kmigrate.source import SourceError, SourceFile
from kmigrate.syntax import parse

_NEWLINE = re.compile(r"\r\n|\r|\n")


def unparsable(source: SourceFile) -> Diagnostic | None:
    """What is wrong with a file that cannot be parsed (KM401 for Python 2, KM905, KM908), or None."""
    try:
        _refuse_nul(source)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parse(source.text, str(source.path))
    except SourceError as error:
        return Diagnostic(error.path, error.line, error.column, "KM905", error.message)
    except SyntaxError as error:
        return _syntax_error(error, source)
    except (RecursionError, MemoryError):
        return Diagnostic(str(source.path), 0, 0, "KM908", "nested too deeply")
    return None


def _refuse_nul(source: SourceFile) -> None:
    """Some Pythons parse up to a NUL, some raise ValueError, some SyntaxError."""
    before, nul, _ = source.text.partition("\0")
    if nul:
        lines = _NEWLINE.split(before)
        raise SourceError(str(source.path), len(lines), len(lines[-1]) + 1, "a NUL character")


def _syntax_error(error: SyntaxError, source: SourceFile) -> Diagnostic:
    path, number, column = str(source.path), error.lineno or 0, max(error.offset or 0, 1)
    lines = _NEWLINE.split(source.text)
    python2 = construct(error, lines[number - 1]) if 0 < number <= len(lines) else None
    if python2:
        message = f"this is Python 2 ({python2}); convert it to Python 3 first"
        return Diagnostic(path, number, column, "KM401", message)
    version = ".".join(map(str, sys.version_info[:2]))
    return Diagnostic(path, number, column, "KM905", f"not Python as of {version}: {error.msg}")
