"""What lies around a file: its project's modules, who imports whom, stated versions, keras.json.

All reading of other files that the analysis needs is here; files are read at most once in a run.
"""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from kmigrate.discovery import SKIPPED
from kmigrate.keras_api import versions
from kmigrate.keras_api.versions import VersionRange, project_root
from kmigrate.syntax import parse

MAX_FILES = 2_000  # of a project, that are searched for importers
MAX_TOGETHER = 150  # files that are analysed as one; what is larger is looked at file by file
MAX_BYTES = 2_000_000  # of these files
LIBRARIES = frozenset(("keras", "tensorflow", "tf_keras", "numpy", "scipy", "cv2", "sklearn", "matplotlib"))
MAIN = re.compile(rb"^if\s+__name__\s*==", re.MULTILINE)
DYNAMIC = re.compile(
    rb"\b(?:import_module|__import__|load_source|run_path|run_module)\(\s*(?:[rub]?([\"'])([\w.]*)\1)?"
)
_STATEMENT = (
    rb"[ \t]*(?:from[ \t]+(?P<base>\.*[\w.]*)[ \t]+import[ \t]+(?P<names>\([^)]*\)|[^\n]*)"
    rb"|import[ \t]+(?P<modules>[^\n]*))"
)
IMPORT = re.compile(rb"^" + _STATEMENT, re.MULTILINE)
IMPORT_IN_NOTEBOOK = re.compile(rb"(?:^|\")" + _STATEMENT, re.MULTILINE)


class Group(NamedTuple):
    """Files that belong to one program, or to programs that share modules."""

    entries: list[str]  # the scripts: nothing imports them, or they say what to do when they are run
    files: list[str]
    locked: dict[str, str]  # files that must not be edited, and why
    alone: bool  # too many to be looked at together: a file on its own


class Project:
    """The Python files around those that were given. Paths are as they are shown to the user.

    ``given`` are the paths of all files that may be edited. ``texts`` are what files are taken to say instead of what
    is in them.
    """

    def __init__(self, given: Iterable[str], texts: Mapping[str, str] | None = None) -> None:
        self._texts = texts or {}
        self._given = {Path(os.path.realpath(path)): path for path in given}

    # -- kmigrate.layout.files.Modules ---------------------------------------------------------------

    def find(self, importer: str, entry: str, name: str, level: int) -> str | None:
        """The file of the module that an import statement names, if it is the project's."""
        file = _module(_real(importer), _real(entry).parent, name, level)
        return None if file is None else self._shown(file)

    def library(self, importer: str) -> str | None:
        """The package that a file lies in, where that is a library's own sources; else None."""
        file = _real(importer)
        root = _root(file)
        return ".".join(file.relative_to(root).parts[:-1]) if root is not None and _is_library(file) else None

    def text(self, path: str) -> str | None:
        """The text of a file, None where it cannot be read or decoded."""
        if path in self._texts:
            return self._texts[path]
        from kmigrate.source import SourceError, SourceFile

        try:
            return SourceFile.from_bytes(_read(_real(path)), path).text
        except SourceError:
            return None

    def _shown(self, file: Path) -> str:
        if file in self._given:
            return self._given[file]
        inside = os.path.relpath(file)
        return str(file) if inside.startswith("..") else inside

    # -- programs ------------------------------------------------------------------------------------

    def groups(self, candidates: Sequence[str]) -> list[Group]:
        """The candidates with all files that import them or are imported, each file in one group."""
        result: list[Group] = []
        seen: set[Path] = set()
        for path in candidates:
            file = _real(path)
            if file not in seen:
                members = _closure({file}, *_edges(_folder_of(file)))
                seen |= members
                result.append(self._group(file, members))
        placed = {path for group in result for path in group.files}
        return result + [self._alone(_real(path)) for path in candidates if path not in placed]

    def _group(self, start: Path, members: set[Path]) -> Group:
        if len(members) > MAX_TOGETHER or sum(len(_read(m)) for m in members) > MAX_BYTES:
            return self._alone(start)
        forward, backward = _edges(_folder_of(start))
        readable = {m for m in members if m.suffix == ".py" and self._parses(m)}
        entries = {m for m in readable if not (backward.get(m, set()) & readable) or MAIN.search(_read(m))}
        reached = _closure(entries, forward)
        for file in sorted(readable):  # modules that import each other
            if file not in reached:
                entries.add(file)
                reached |= _closure({file}, forward)
        locked: dict[Path, str] = {m: "it was not given" for m in readable if m not in self._given}
        show = self._shown
        for file in sorted(members):
            seen, how = _unseen(file)
            if file not in readable:
                seen = forward.get(file, set())
                how = "a notebook, imports it" if file.suffix == ".ipynb" else "which is not Python 3, imports it"
            for other in (_closure(seen, forward) if seen is not None else members) - {file}:
                locked[other] = f"`{show(file)}`, {how}"
        return Group(
            [show(e) for e in sorted(entries)],
            [show(m) for m in sorted(readable)],
            {show(m): why for m, why in locked.items()},
            alone=False,
        )

    def _parses(self, file: Path) -> bool:
        """By its shown path, under which the analysis finds the tree that was parsed here."""
        path = self._shown(file)
        text = self.text(path)
        if text is None:
            return False
        try:
            parse(text, path)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
        return True

    def _alone(self, file: Path) -> Group:
        path = self._shown(file)
        return Group([path], [path], {}, alone=True)


@cache
def _unseen(file: Path) -> tuple[set[Path] | None, str]:
    """The modules that a file imports in a way that is not followed (None: it may be any), and how."""
    found: set[Path] = set()
    data = _read(file)
    for match in DYNAMIC.finditer(data):
        if match[2] is None:
            return None, "which imports modules by names that it computes, may import it"
        found |= {f for f in [_module(file, file.parent, match[2].decode(), 0)] if f is not None}
    found |= {other for name, level in _imported_names(file) for other in _suspects(file, name, level)}
    return found, "which has a path of its own to it, may import it"


def _suspects(importer: Path, name: str, level: int) -> list[Path]:
    """Files of the project that a name may mean although they lie elsewhere: the path may be set to find them."""
    if level or not name or name.split(".")[0] in LIBRARIES | sys.stdlib_module_names:
        return []
    if _module(importer, importer.parent, name, 0) is not None:
        return []
    return list(_by_tail(_folder_of(importer)).get(name, ()))


@cache
def _by_tail(where: tuple[Path, bool]) -> dict[str, list[Path]]:
    """The files of a project by every dotted name that some folder on the path would give them."""
    found: dict[str, list[Path]] = {}
    folder, deep = where
    for file in _python_files(folder) if deep else ():
        if file.suffix == ".py":
            parts = file.relative_to(folder).with_suffix("").parts
            parts = parts[:-1] if parts[-1] == "__init__" else parts
            for i in range(1, len(parts)):
                found.setdefault(".".join(parts[i:]), []).append(file)
    return found


def _closure(start: Iterable[Path], *edges: Mapping[Path, set[Path]]) -> set[Path]:
    """All files that are reached from ``start``."""
    found = set(start)
    todo = list(found)
    while todo:
        file = todo.pop()
        new = {other for each in edges for other in each.get(file, ())} - found
        found |= new
        todo.extend(new)
    return found


def _folder_of(file: Path) -> tuple[Path, bool]:
    """Where the files that may import ``file`` lie, and whether folders below it count."""
    root = _root(file)
    return (root, True) if root is not None else (file.parent, False)


@cache
def _edges(where: tuple[Path, bool]) -> tuple[dict[Path, set[Path]], dict[Path, set[Path]]]:
    """For each file what it imports, and by whom it is imported; found by the words of the import statements."""
    folder, deep = where
    files = _python_files(folder) if deep else tuple(Path(f) for f in sorted(folder.glob("*.py")))
    forward: dict[Path, set[Path]] = {}
    backward: dict[Path, set[Path]] = {}
    todo = list(files)
    while todo:
        file = todo.pop()
        if file in forward:
            continue
        forward[file] = _words(file) - {file}
        for other in forward[file]:
            backward.setdefault(other, set()).add(file)
            todo.append(other)
    return forward, backward


def _words(file: Path) -> set[Path]:
    """The project's files that the import statements of a file may load, at first sight."""
    found: set[Path] = set(_unseen(file)[0] or ())
    for name, level in _imported_names(file):
        module_file = _module(file, file.parent, name, level)
        if module_file is not None:
            found.add(module_file)
            found |= _packages(module_file, name)
    return found


@cache
def _imported_names(file: Path) -> tuple[tuple[str, int], ...]:
    """The names in the import statements of a file, with the number of dots before them."""
    found: dict[tuple[str, int], None] = {}
    data = _read(file)
    if file.suffix == ".ipynb":
        matches = IMPORT_IN_NOTEBOOK.finditer(data.replace(b"\\n", b"\n"))
    else:
        matches = IMPORT.finditer(data)
    for match in matches:
        base, names, modules = match["base"], match["names"], match["modules"]
        if modules is not None:
            parts = re.findall(rb"([\w.]+)(?:\s+as\s+\w+)?", modules.split(b"#")[0])
            wanted = [(name.decode(errors="replace"), 0) for name in parts]
        else:
            dotted = base.lstrip(b".")
            level, module = len(base) - len(dotted), dotted.decode(errors="replace")
            inner = [word.decode(errors="replace") for word in re.findall(rb"\w+", names)]
            wanted = [(module, level)] if module or level else []
            wanted += [(f"{module}.{word}" if module else word, level) for word in inner]
        found.update(dict.fromkeys(wanted))
    return tuple(found)


def _packages(file: Path, name: str) -> set[Path]:
    """The ``__init__.py`` of the packages that a module lies in: they run before it."""
    folder = file.parent.parent if file.name == "__init__.py" else file.parent
    found = set()
    for _ in range(name.count(".")):
        init = folder / "__init__.py"
        if _is_file(init):
            found.add(init)
        folder = folder.parent
    return found


def _module(importer: Path, script_folder: Path, name: str, level: int) -> Path | None:
    """The file of a module of the project: looked for beside the script, beside the importer and above."""
    root = _root(importer)
    if _is_library(importer):
        return None
    if level:
        base = importer.parent
        for _ in range(level - 1):
            base = base.parent
        return _file(base, name)
    if name.split(".")[0] in LIBRARIES:
        return None
    folders = [script_folder, importer.parent]
    if root is not None:
        folders += [parent for parent in importer.parents if parent == root or parent.is_relative_to(root)]
        folders += [root / "src"]
    for folder in dict.fromkeys(folders):
        file = _file(folder, name)
        if file is not None:
            return file
    if root is not None and b"sys.path" in _read(importer) and name.split(".")[0] not in sys.stdlib_module_names:
        elsewhere = _by_tail((root, True)).get(name, [])
        if len(elsewhere) == 1:
            return elsewhere[0]
    return None


@cache
def _root(file: Path) -> Path | None:
    root = project_root(file)
    return None if root is None else Path(os.path.realpath(root))


def _is_library(file: Path) -> bool:
    """Is a file one of a library's own sources, in the project of that library?"""
    root = _root(file)
    return root is not None and file.is_relative_to(root) and file.relative_to(root).parts[0] in LIBRARIES


def _file(folder: Path, name: str) -> Path | None:
    module = folder.joinpath(*name.split(".")) if name else folder
    for file in ((module.with_suffix(".py"),) if name else ()) + (module / "__init__.py",):
        if _is_file(file):
            return file
    return None


def _real(path: str) -> Path:
    return Path(os.path.realpath(path))


class Surroundings:
    """What can be known of the files around one file. Without a path (stdin) nothing is known."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path

    def stated_version(self) -> VersionRange:
        """What requirements, keras.json and the like say of the version."""
        return VersionRange() if self.path is None else versions.stated(self.path)

    def keras_json(self) -> tuple[str, dict[str, str]] | None:
        """Name and settings of the keras.json that the project brings."""
        found = None if self.path is None else versions.keras_json(self.path)
        return None if found is None else (found[0].name, found[1])

    def keras_modules(self, tree: ast.Module) -> list[tuple[ast.stmt, str]]:
        """The imports of project modules, with their files, that use Keras themselves."""
        if self.path is None:
            return []
        found: list[tuple[ast.stmt, str]] = []
        for stmt, file in _imports(tree, _real(str(self.path))):
            if b"keras" in _read(file).lower():
                found.append((stmt, str(file)))
        return found

    def importers(self) -> list[str]:
        """Files of the project (without a project: of the folder) that import this one."""
        if self.path is None:
            return []
        own = _real(str(self.path))
        return [str(other) for other in sorted(_edges(_folder_of(own))[1].get(own, ())) if other != own]


def _imports(tree: ast.Module, path: Path) -> Iterator[tuple[ast.stmt, Path]]:
    """Each import statement with a file of the project that it loads."""
    for stmt in ast.walk(tree):
        if isinstance(stmt, ast.Import):
            wanted = [(alias.name, 0) for alias in stmt.names]
        elif isinstance(stmt, ast.ImportFrom):
            base = f"{stmt.module}." if stmt.module else ""
            wanted = [(stmt.module, stmt.level)] if stmt.module else []
            wanted += [(f"{base}{alias.name}", stmt.level) for alias in stmt.names]
        else:
            continue
        for name, level in wanted:
            file = _module(path, path.parent, name, level)
            if file is not None:
                yield stmt, file


def forget() -> None:
    """Files are read at most once in a run: a new run reads them again."""
    for cached in (_edges, _unseen, _by_tail, _imported_names, _is_file, _python_files, _read, _root):
        cached.cache_clear()


@cache
def _is_file(path: Path) -> bool:
    return path.is_file()


@cache
def _python_files(root: Path) -> tuple[Path, ...]:
    """The Python files and notebooks of a project."""
    found: list[Path] = []
    for folder, folders, files in os.walk(os.path.realpath(root)):
        folders[:] = sorted(name for name in folders if name not in SKIPPED)
        found += [Path(folder, name) for name in sorted(files) if name.endswith((".py", ".ipynb"))]
        if len(found) > MAX_FILES:
            break
    return tuple(found[:MAX_FILES])


@cache
def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
