"""Python 2 files become Python 3, for `--target keras3`: fissix, and then the divisions."""

from __future__ import annotations

import ast
import re
import warnings

from kmigrate.plan import Diagnostic, Edit
from kmigrate.python2_division import Divisions
from kmigrate.syntax import Lines, parse

#: What Python 3 parses and only Python 2 runs, or what says that the file is for Python 2.
_MARKS = re.compile(
    r"^#!.*python2|\bxrange\(|\braw_input\(|\bunicode\(|\.(?:iteritems|itervalues|iterkeys|has_key)\("
    r"|^\s*import (?:cPickle|urllib2|ConfigParser|Queue|StringIO|cStringIO|Tkinter)\b"
    r"|^\s*from (?:urllib2|urlparse|StringIO|cStringIO|itertools import (?:izip|imap|ifilter))\b"
    r"|^from __future__ import (?!.*division).*print_function",
    re.MULTILINE,
)
_TRUE_DIVISION = re.compile(r"^from __future__ import .*\bdivision\b", re.MULTILINE)
#: Of fissix's fixers: rules of taste, and one that looks for files beside this one.
_LEFT_OUT = ("buffer", "idioms", "set_literal", "ws_comma", "import")


def shows_python2(text: str) -> bool:
    """Does a file that parses use what only Python 2 has? (`print_function` without `division` is Python 2's too.)"""
    return _MARKS.search(text) is not None


def repaired(text: str, path: str) -> tuple[str, list[Diagnostic]] | None:
    """The file in Python 3, and what is to be said of it; None where that cannot be done."""
    text, crlf = text.replace("\r\n", "\n"), "\r\n" in text
    if "\r" in text:
        return None
    new = _refactored(text, path)
    if new is None:
        return None
    try:
        tree = parse(new, path)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    said: list[Diagnostic] = []
    if not _TRUE_DIVISION.search(text):
        new, said = _divided(new, tree, path)
    return new.replace("\n", "\r\n") if crlf else new, said


def _refactored(text: str, path: str) -> str | None:
    from fissix.pgen2.parse import ParseError
    from fissix.refactor import RefactoringTool, get_fixers_from_package

    package = "fissix.fixes"
    left_out = {f"{package}.fix_{name}" for name in _LEFT_OUT}
    fixers = [name for name in get_fixers_from_package(package) if name not in left_out]
    try:
        ast.parse(text)
        parses = True
    except (SyntaxError, ValueError):
        parses = False
    # where print is a function already, a statement would be misread
    options = {"print_function": parses}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            tool = RefactoringTool(fixers, options)
            end = "" if text.endswith("\n") else "\n"
            new = str(tool.refactor_string(text + end, path))
        except (ParseError, SyntaxError, ValueError, RecursionError, AttributeError, KeyError):
            return None
    return new.removesuffix(end) if end else new


def _divided(text: str, tree: ast.Module, path: str) -> tuple[str, list[Diagnostic]]:
    divisions = Divisions(tree)
    lines = Lines(text)
    edits = []
    for node in divisions.floor:
        start, end = lines.span(node)
        reason = "a division of whole numbers"
        place = (node.lineno, node.col_offset + 1)
        kind = type(node).__name__
        edits.append(Edit(path, start, end, kind, "integer_division", {"floor": True}, reason, "KM402", *place))
    if edits:
        from kmigrate.rewriting import apply

        text = apply(text, edits)
    said = [
        Diagnostic(
            path,
            node.lineno,
            node.col_offset + 1,
            "KM403",
            f"`{ast.unparse(node)}` was rounded down in Python 2 if both sides are whole numbers: then write `//`",
        )
        for node in divisions.unclear
    ]
    return text, said
