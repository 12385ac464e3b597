"""Tell Python 2 from a mere mistake, by what Python 3's parser stumbled over."""

from __future__ import annotations

import re

_MESSAGES = {
    "Missing parentheses in call to 'print'": "a print statement",
    "Missing parentheses in call to 'exec'": "an exec statement",
    "multiple exception types must be parenthesized": "`except A, name:`",
    "leading zeros in decimal integer literals": "an octal number with a bare leading zero",
}
_LINES = (
    (re.compile(r"\s*print\b\s*[^\s(=.\[,:]"), "a print statement"),
    (re.compile(r"\s*exec\b\s*[^\s(=.\[,:]"), "an exec statement"),
    (re.compile(r"\s*except\b[^:#]*,\s*\w+\s*:"), "`except A, name:`"),
    (re.compile(r"\s*raise\s+[\w.]+\s*,"), "`raise A, message`"),
    (re.compile(r"[^'\"#]*`"), "backquotes"),
    (re.compile(r"[^'\"#]*<>"), "`<>`"),
    (re.compile(r".*\b(?:\d+|0[xX][\da-fA-F]+)[lL]\b"), "a number that ends in L"),
    (re.compile(r".*\b[uU][rR]['\"]"), "a ur'' string"),
    (re.compile(r"\s*def\s+\w+\s*\((?:[^()=:]*,)?\s*\(\s*\w+\s*,"), "a parameter in parentheses"),
    (re.compile(r".*\blambda\s*(?:[^():]*,)?\s*\(\s*\w+\s*,"), "a parameter in parentheses"),
)


def construct(error: SyntaxError, line: str) -> str | None:
    """Name the Python 2 construct in ``line``, where ``error`` was found; None if it is none."""
    for message, name in _MESSAGES.items():
        if message in (error.msg or ""):
            return name
    return next((name for pattern, name in _LINES if pattern.match(line)), None)
