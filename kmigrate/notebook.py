"""A notebook as one program: its code cells one after the other, and back into the very bytes around them.

In the program, lines of IPython (magics, ``!``, ``?``) and ``from __future__`` of later cells are statements that only
mark their place, and so is the beginning of each cell. Nothing but the source of changed cells is written anew.
"""

from __future__ import annotations

import ast
import contextlib
import json
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()
_CELL = "'kmigrate:cell:{}'"
_MAGIC = "'kmigrate:magic:{}'"
_VALUE = "kmigrate_value({})"
_LINE = re.compile(
    r"(?P<indent>[ \t]*)(?P<target>[\w.\[\]'\", ]+?=(?!=)[ \t]*)?(?P<what>%%?|!|\?)(?P<rest>.*)", re.DOTALL
)
_HELP = re.compile(r"[ \t]*[\w.]+\?{1,2}\s*\Z")
_FUTURE = re.compile(r"from[ \t]+__future__[ \t]+import\b[^(]*\Z")
#: Magics that change nothing that a layout depends on.
_LINE_MAGICS = frozenset(
    "alias autoreload autosave cd colors conda config env load_ext ls lsmagic matplotlib mkdir pip precision psource "
    "pwd reload_ext set_env tensorboard tensorflow_version timeit unload_ext watermark who whos xmode".split()
)
_PYTHON_CELLS = frozenset(("capture", "time"))
_OTHER_CELLS = frozenset("bash cmd file html javascript js latex markdown script sh svg system writefile".split())


class NotebookError(Exception):
    """The file is no notebook that can be read."""


class Cell(NamedTuple):
    """A code cell: its number in the notebook (from 1), where its source stands in the file, and what it is."""

    number: int
    start: int
    end: int
    text: str
    run: int | None  # the number of its run


class Notebook:
    """A parsed notebook. ``program`` is all its code; ``refusal`` is why that is not what was run, or None."""

    def __init__(self, raw: bytes) -> None:
        """Raises NotebookError."""
        try:
            self._file = raw.decode("utf-8")
            data = json.loads(self._file)
        except (ValueError, RecursionError) as error:
            raise NotebookError(f"this is no notebook: {error}") from error
        if not isinstance(data, dict) or not isinstance(data.get("cells"), list):
            raise NotebookError("this is no notebook of format 4: open and save it in Jupyter")
        self._ascii = raw.isascii() and "\\u" in self._file
        self.refusal: str | None = None
        self.cells = list(_cells(self._file)) if _is_python(data) else []
        self._magics: list[str] = []
        self._starts: list[int] = []  # the first line of each cell in the program
        self.plain: list[str] = []  # the cells as Python
        self.program = self._joined()

    def place(self, line: int) -> tuple[int, int]:
        """The number of the cell and the line in it, for a line of the program."""
        at = max((i for i, start in enumerate(self._starts) if start <= line), default=0)
        return self.cells[at].number, max(line - self._starts[at] + 1, 1)

    def headings(self) -> list[tuple[int, str]]:
        """The line of the file where the source of each cell begins, and its name."""
        return [(self._file.count("\n", 0, cell.start) + 1, f"cell {cell.number}") for cell in self.cells]

    def with_program(self, program: str) -> bytes:
        """The file with a changed program. Raises NotebookError where the cells cannot be told apart."""
        texts = self._split(program)
        parts, at = [], 0
        for cell, text in zip(self.cells, texts, strict=True):
            parts.append(self._file[at : cell.start])
            old = self._file[cell.start : cell.end]
            parts.append(old if text == cell.text else self._source(old, text))
            at = cell.end
        return "".join([*parts, self._file[at:]]).encode("utf-8")

    # -- the program -----------------------------------------------------------------------------------

    def _joined(self) -> str:
        parts: list[str] = []
        line = 1
        for i, cell in enumerate(self.cells):
            text = self._plain(cell, first=i == 0)
            if i:
                mark = ("" if not parts or parts[-1].endswith("\n") else "\n") + _CELL.format(i) + "\n"
                parts.append(mark)
                line += mark.count("\n")
            self._starts.append(line)
            self.plain.append(text)
            parts.append(text)
            line += text.count("\n")
        return "".join(parts)

    def _split(self, program: str) -> list[str]:
        """The texts of the cells in a program that was made from this one."""
        texts = []
        rest = program
        for i in range(1, len(self.cells)):
            before, mark, rest = rest.partition(f"{_CELL.format(i)}\n")
            if not mark:
                raise NotebookError(f"the beginning of cell {self.cells[i].number} was lost")
            texts.append(before)
        if self.cells:
            texts.append(rest)
        for i, cell in enumerate(self.cells[:-1]):  # a newline was put behind a last line without one
            if not cell.text.endswith("\n") and texts[i].endswith("\n"):
                texts[i] = texts[i][:-1]
        found = [self._restored(text) for text in texts]
        if "'kmigrate:" in "".join(found):
            raise NotebookError("a mark of kmigrate's own was moved")
        return found

    def _restored(self, text: str) -> str:
        for i, magic in enumerate(self._magics):
            mark = _MAGIC.format(i)
            text = text.replace(_VALUE.format(mark), magic, 1).replace(mark, magic, 1)
        return text

    def _mark(self, original: str) -> str:
        self._magics.append(original)
        return _MAGIC.format(len(self._magics) - 1)

    def _refuse(self, cell: Cell, what: str) -> None:
        self.refusal = self.refusal or f"what `{what.strip()[:60]}` in cell {cell.number} does is not known"

    def _plain(self, cell: Cell, first: bool) -> str:
        """The text of a cell as Python; as it is, where it is Python."""
        if not cell.text.strip() or (_parses(cell.text) and (first or "__future__" not in cell.text)):
            return cell.text
        lines = cell.text.splitlines(keepends=True)
        head = next((i for i, line in enumerate(lines) if line.strip()), 0)
        if lines[head].startswith("%%"):
            words = lines[head][2:].split()
            name = words[0] if words else ""
            if name not in _PYTHON_CELLS:
                if name not in _OTHER_CELLS:
                    self._refuse(cell, lines[head])
                body = cell.text.rstrip("\n")
                return self._mark(body) + cell.text[len(body) :]
        return "".join(self._line(cell, line, first) for line in lines)

    def _line(self, cell: Cell, line: str, first: bool) -> str:
        body = line.rstrip("\r\n")
        end = line[len(body) :]
        if _HELP.match(body) or (not first and _FUTURE.match(body)):
            indent = body[: len(body) - len(body.lstrip())]
            return indent + self._mark(body[len(indent) :]) + end
        match = _LINE.fullmatch(body)
        if match is None or _parses(body.strip()):
            return line
        rest = match["rest"]
        name = rest.split()[0] if rest.split() else ""
        if (
            match["what"] in ("%", "%%")
            and not match["target"]
            and (
                name not in (_LINE_MAGICS | _PYTHON_CELLS)
                or (name == "time" and match["what"] == "%")
                or "KERAS" in rest
            )
        ):
            self._refuse(cell, body)
        if match["target"]:  # what it gives is not known
            value = body[match.end("target") :]
            return f"{match['indent']}{match['target']}{_VALUE.format(self._mark(value))}{end}"
        return match["indent"] + self._mark(body[len(match["indent"]) :]) + end

    # -- the file --------------------------------------------------------------------------------------

    def _source(self, old: str, text: str) -> str:
        """A source in JSON, in the manner of the old one, whose lines keep their very letters."""
        if not old.startswith("["):
            return self._literal(text)
        literals: dict[str, str] = {}
        spaces: list[str] = []
        at, i = 1, 1
        while True:
            i = _space(old, at)
            if old[i] == "]":
                break
            spaces.append(old[at:i])
            value, end = _DECODER.raw_decode(old, i)
            literals.setdefault(value, old[i:end])
            at = _space(old, end)
            if old[at] == ",":
                at += 1
            else:
                at = end
                break
        tail = old[at:]
        first = spaces[0] if spaces else ""
        between = spaces[1] if len(spaces) > 1 else first or " "
        lines = text.splitlines(keepends=True) if "\x0c" not in text else re.findall(r"[^\n]*\n|[^\n]+\Z", text)
        made = [literals.get(line) or self._literal(line) for line in lines]
        return "[" + first + f",{between}".join(made) + tail

    def _literal(self, text: str) -> str:
        return json.dumps(text, ensure_ascii=self._ascii)


def order_problem(notebook: Notebook) -> str | None:
    """Why the cells may not have been run as they stand, or None."""
    run = [cell for cell in notebook.cells if cell.text.strip()]
    counted = [(cell, cell.run) for cell in run if cell.run is not None]
    for (a, first), (b, second) in pairwise(counted):
        if first >= second:
            return (
                f"its cells were run in another order than they stand: cell {a.number} as [{first}], "
                f"cell {b.number} as [{second}]"
            )
    if len(counted) == len(run):
        return None
    bound: dict[str, list[Cell]] = {}
    read: set[str] = set()
    for cell, plain in zip(notebook.cells, notebook.plain, strict=True):
        with contextlib.suppress(SyntaxError, ValueError, RecursionError, MemoryError):
            own, needed = _names(ast.parse(plain))
            read |= needed
            for name in own:
                bound.setdefault(name, []).append(cell)
    for name, cells in bound.items():
        if len(cells) > 1 and name in read:
            numbers = " and ".join(str(cell.number) for cell in cells[:2])
            return f"`{name}` is defined in cells {numbers}, and not all cells say when they were run"
    return None


def _names(tree: ast.Module) -> tuple[set[str], set[str]]:
    """The names that a cell binds, imports aside, and those that it reads and may not have bound before."""
    bound: set[str] = set()
    needed: set[str] = set()
    imported: set[str] = set()
    for statement in tree.body:
        names = [node for node in ast.walk(statement) if isinstance(node, ast.Name)]
        needed |= {n.id for n in names if isinstance(n.ctx, ast.Load)} - bound - imported
        bound |= {n.id for n in names if isinstance(n.ctx, ast.Store)}
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            bound.add(statement.name)
        if isinstance(statement, ast.Import | ast.ImportFrom):
            imported |= {(alias.asname or alias.name).split(".")[0] for alias in statement.names}
    return bound, needed


def _is_python(data: dict[str, Any]) -> bool:
    metadata: Any = data.get("metadata")
    if not isinstance(metadata, dict):
        return True
    info, kernel = metadata.get("language_info"), metadata.get("kernelspec")
    language = (info.get("name") if isinstance(info, dict) else None) or (
        kernel.get("language") if isinstance(kernel, dict) else None
    )
    return language is None or str(language).lower() in ("python", "ipython")


def _parses(text: str) -> bool:
    try:
        ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    assert match is not None
    return match.end()


def _members(text: str, at: int) -> Iterator[tuple[str, int, int]]:
    """Key, start and end of each member of the object that begins at ``at``."""
    at = _space(text, at + 1)
    while text[at] != "}":
        key, at = _DECODER.raw_decode(text, at)
        start = _space(text, _space(text, at) + 1)
        _, end = _DECODER.raw_decode(text, start)
        yield key, start, end
        at = _space(text, end)
        if text[at] == ",":
            at = _space(text, at + 1)


def _cells(text: str) -> Iterator[Cell]:
    """The code cells of a file that is valid JSON."""
    start = next(start for key, start, _ in _members(text, _space(text, 0)) if key == "cells")
    at, number = _space(text, start + 1), 0
    while text[at] != "]":
        value, end = _DECODER.raw_decode(text, at)
        number += 1
        if isinstance(value, dict) and value.get("cell_type") == "code":
            for key, first, last in _members(text, at):
                source = value.get("source")
                joined = "".join(source) if isinstance(source, list) else source
                if key == "source" and isinstance(joined, str):
                    count = value.get("execution_count")
                    yield Cell(number, first, last, joined, count if isinstance(count, int) else None)
        at = _space(text, end)
        if text[at] == ",":
            at = _space(text, at + 1)
