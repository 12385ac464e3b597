"""A file as bytes, and as text that gives the same bytes back.

The text of a notebook is the program that its cells make (`kmigrate.notebook`).
"""

from __future__ import annotations

import codecs
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kmigrate.notebook import Notebook

_NEWLINE = re.compile(rb"\r\n|\r|\n")
_COOKIE = re.compile(rb"[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_BLANK = re.compile(rb"[ \t\f]*(?:#.*)?\Z")


class SourceError(Exception):
    """The bytes of a file cannot be read as text; ``line`` and ``column`` count from 1 (0: whole file)."""

    def __init__(self, path: str, line: int, column: int, message: str) -> None:
        super().__init__(f"{path}:{line}:{column}: {message}")
        self.path = path
        self.line = line
        self.column = column
        self.message = message


class SourceFile:
    """The bytes of a file and their text, with the newlines of the file."""

    __slots__ = ("bom", "encoding", "notebook", "path", "raw", "text")

    def __init__(
        self, path: Path, raw: bytes, encoding: str, bom: bool, text: str, notebook: Notebook | None = None
    ) -> None:
        self.notebook = notebook
        self.path = path
        self.raw = raw
        self.encoding = encoding
        self.bom = bom
        self.text = text

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> SourceFile:
        """Read a file.

        Raises:
            OSError: it cannot be read.
            SourceError: as `from_bytes`.
        """
        with open(path, "rb") as file:
            return cls.from_bytes(file.read(), path)

    @classmethod
    def from_bytes(cls, data: bytes, name: str | os.PathLike[str]) -> SourceFile:
        """Decode ``data`` as Python does: by its byte order mark, else its encoding cookie, else UTF-8.

        Raises:
            SourceError: unknown or contradictory encoding, undecodable bytes, or text that its
                encoding would not turn back into the same bytes.
        """
        path = str(name)
        if path.endswith(".ipynb"):
            return cls._of_notebook(data, path)
        bom = data.startswith(codecs.BOM_UTF8)
        body = data[len(codecs.BOM_UTF8) :] if bom else data
        encoding = _encoding(body, bom, path)
        kept = True
        try:
            text = body.decode(encoding)
            if encoding != "utf-8":
                text.encode("utf-8")  # positions are counted in UTF-8, which has no lone surrogates
                kept = text.encode(encoding) == body
        except UnicodeDecodeError as error:
            line, column = _position(body, error.start)
            byte = body[error.start : error.start + 1].hex()
            message = f"byte 0x{byte} is not {encoding}: {error.reason}"
            raise SourceError(path, line, column, message) from error
        except (LookupError, UnicodeError) as error:
            raise SourceError(path, 1, 1, f"cannot be read as {encoding}: {error}") from error
        if not kept:
            raise SourceError(path, 1, 1, f"{encoding} does not give the same bytes back")
        return cls(Path(name), data, encoding, bom, text)

    @classmethod
    def _of_notebook(cls, data: bytes, path: str) -> SourceFile:
        from kmigrate.notebook import Notebook, NotebookError

        try:
            notebook = Notebook(data)
        except NotebookError as error:
            raise SourceError(path, 0, 0, str(error)) from error
        return cls(Path(path), data, "utf-8", False, notebook.program, notebook)

    @staticmethod
    def encoded(text: str, name: str) -> bytes:
        """The bytes of a text, in the encoding that its cookie names.

        Raises:
            SourceError: an unknown encoding, or one that lacks a character of the text.
        """
        encoding = _encoding(text.encode("utf-8", "surrogatepass"), False, name)
        try:
            return text.encode(encoding)
        except UnicodeError as error:
            raise SourceError(name, 1, 1, f"cannot be written in {encoding}: {error}") from error

    def with_text(self, text: str) -> bytes:
        """The bytes of the file with another text, in its encoding and with its BOM.

        Raises:
            SourceError: the text has a character that the encoding lacks.
        """
        if self.notebook is not None:
            from kmigrate.notebook import NotebookError

            try:
                return self.notebook.with_program(text)
            except NotebookError as error:
                raise SourceError(str(self.path), 0, 0, str(error)) from error
        try:
            body = text.encode(self.encoding)
        except UnicodeEncodeError as error:
            line, column = _position(text[: error.start].encode("utf-8"), error.start)
            message = f"{error.object[error.start]!r} cannot be written in {self.encoding}"
            raise SourceError(str(self.path), line, column, message) from error
        return codecs.BOM_UTF8 + body if self.bom else body


def _encoding(body: bytes, bom: bool, path: str) -> str:
    """The encoding that the cookie in one of the first two lines names (PEP 263), else UTF-8."""
    for number, line in enumerate(_NEWLINE.split(body, maxsplit=2)[:2], start=1):
        cookie = _COOKIE.match(line)
        if cookie:
            name = _normal_name(cookie[1].decode("ascii"))
            if bom and name != "utf-8":
                raise SourceError(path, number, 1, f"the cookie says {name}, the byte order mark UTF-8")
            try:
                codecs.lookup(name)
            except LookupError as error:
                raise SourceError(path, number, 1, f"unknown encoding {name!r}") from error
            return name
        if not _BLANK.match(line):
            break
    return "utf-8"


def _normal_name(name: str) -> str:
    """As Python's tokenizer: `utf8-unix` and the like, which Emacs writes, are names too."""
    plain = name[:12].lower().replace("_", "-")
    for normal, spellings in (
        ("utf-8", ("utf-8", "utf8")),
        ("iso-8859-1", ("latin-1", "iso-8859-1", "iso-latin-1")),
    ):
        if any(plain == spelling or plain.startswith(f"{spelling}-") for spelling in spellings):
            return normal
    return name


def _position(data: bytes, offset: int) -> tuple[int, int]:
    """Line and column in bytes of ``offset``, both from 1."""
    line, start = 1, 0
    for found in _NEWLINE.finditer(data, 0, offset):
        line, start = line + 1, found.end()
    return line, offset - start + 1
