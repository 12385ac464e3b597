"""Unified diffs that `git apply` and `patch -p1` take, byte for byte in the file's encoding."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence


def unified(path: str, before: bytes, after: bytes, headings: Sequence[tuple[int, str]] = ()) -> bytes:
    """The diff of one file; its name is relative to the working folder where that is possible.

    ``headings`` name what begins at a line, e.g. the cells of a notebook: each hunk says in which it begins.
    """
    from difflib import diff_bytes, unified_diff

    name = _quoted(_relative(path))
    lines = diff_bytes(
        unified_diff,
        _lines(before),
        _lines(after),
        _header(b"a/", name),
        _header(b"b/", name),
        lineterm=b"\n",
    )
    if headings:
        lines = (_headed(line, headings) for line in lines)
    return b"".join(line if line.endswith(b"\n") else line + b"\n\\ No newline at end of file\n" for line in lines)


def _headed(line: bytes, headings: Sequence[tuple[int, str]]) -> bytes:
    found = re.match(rb"@@ -(\d+)(?:,(\d+))? \+\S+ @@", line)
    if found is None:
        return line
    last = int(found[1]) + int(found[2] or 1) - 4  # behind the context that a hunk ends with
    names = [name for start, name in headings if start <= last]
    return found[0] + f" {names[-1]}\n".encode() if names else line


def _lines(data: bytes) -> list[bytes]:
    """Lines as git sees them: they end at LF alone."""
    lines = [line + b"\n" for line in data.split(b"\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines


def _relative(path: str) -> str:
    absolute = os.path.abspath(path)
    inside = absolute.startswith(os.path.join(os.getcwd(), ""))
    # git refuses names with `..`; outside the working folder the full path is the clearest name.
    name = os.path.relpath(absolute) if inside else os.path.splitdrive(absolute)[1].lstrip(os.sep)
    return name.replace(os.sep, "/")


def _quoted(name: str) -> bytes:
    """Names with quotes, backslashes or control characters in C style, as git writes them."""
    data = os.fsencode(name)
    if not any(byte < 0x20 or byte in b'"\\\x7f' for byte in data):
        return data
    return b"".join(
        b"\\%03o" % byte if byte < 0x20 or byte == 0x7F else b"\\" + bytes([byte]) if byte in b'"\\' else bytes([byte])
        for byte in data
    )


def _header(prefix: bytes, name: bytes) -> bytes:
    if b"\\" in name:
        return b'"' + prefix + name + b'"'
    # A trailing tab ends a name that has blanks.
    return prefix + name + (b"\t" if b" " in name else b"")


def coloured(diff: bytes, encoding: str) -> str:
    """The diff as text for a terminal."""
    import click

    colours = {"@@ ": "cyan", "+": "green", "-": "red"}
    lines = []
    for line in diff.decode(encoding, "replace").split("\n"):
        if line.startswith(("--- ", "+++ ")):
            line = click.style(line, bold=True)
        elif colour := colours.get(line[:3]) or colours.get(line[:1]):
            line = click.style(line.removesuffix("\r"), fg=colour)
        lines.append(line)
    return "\n".join(lines)
