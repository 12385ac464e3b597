"""What lies around a file: its project's stated versions, its keras.json, whom it imports and who imports it.

All reading of other files that the analysis needs is here; files are read at most once in a run.
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from kmigrate.discovery import SKIPPED
from kmigrate.keras_api import versions
from kmigrate.keras_api.versions import VersionRange, project_root

MAX_FILES = 2_000  # of a project, that are searched for importers
LIBRARIES = frozenset(("keras", "tensorflow", "tf_keras", "numpy", "scipy", "cv2", "sklearn", "matplotlib"))


class Surroundings:
    """What can be known of the files around one file. Without a path (stdin) nothing is known."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.root = None if path is None else project_root(path)

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
        for stmt, files in _imports(tree, self.path, self.root):
            using = [file for file in files if b"keras" in _read(file).lower()]
            if using:
                found.append((stmt, str(using[0])))
        return found

    def importers(self) -> list[str]:
        """Files of the project (without a project: of the folder) that import this one."""
        if self.path is None:
            return []
        own = Path(os.path.realpath(self.path))
        stem = (own.parent.name if own.stem == "__init__" else own.stem).encode()
        others = _python_files(self.root) if self.root is not None else tuple(sorted(own.parent.glob("*.py")))
        return [str(other) for other in others if other != own and stem in _read(other) and own in _imported(other)]


@cache
def _imported(path: Path) -> frozenset[Path]:
    """The project files that a file imports; of one that does not parse, none can be told."""
    try:
        tree = ast.parse(_read(path))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    return frozenset(Path(os.path.realpath(f)) for _, files in _imports(tree, path, project_root(path)) for f in files)


def _imports(tree: ast.Module, path: Path, root: Path | None) -> Iterator[tuple[ast.stmt, list[Path]]]:
    """Each import statement with the files of the project that it may load."""
    for stmt in ast.walk(tree):
        base = path.parent
        if isinstance(stmt, ast.Import):
            names = [alias.name for alias in stmt.names]
        elif isinstance(stmt, ast.ImportFrom):
            for _ in range(max(stmt.level - 1, 0)):
                base = base.parent
            inner = [alias.name for alias in stmt.names]
            names = [stmt.module, *(f"{stmt.module}.{name}" for name in inner)] if stmt.module else inner
        else:
            continue
        folders = [base] if isinstance(stmt, ast.ImportFrom) and stmt.level else [base, root or base]
        files = [file for name in names for folder in dict.fromkeys(folders) for file in _files(folder, name)]
        if files:
            yield stmt, files


def _files(folder: Path, name: str) -> list[Path]:
    """The file of a module below a folder, if it is there."""
    parts = name.split(".")
    if parts[0] in LIBRARIES:
        return []
    module = folder.joinpath(*parts)
    return [file for file in (module.with_suffix(".py"), module / "__init__.py") if _is_file(file)]


@cache
def _is_file(path: Path) -> bool:
    return path.is_file()


@cache
def _python_files(root: Path) -> tuple[Path, ...]:
    found: list[Path] = []
    for folder, folders, files in os.walk(os.path.realpath(root)):
        folders[:] = sorted(name for name in folders if name not in SKIPPED)
        found += [Path(folder, name) for name in sorted(files) if name.endswith(".py")]
        if len(found) > MAX_FILES:
            break
    return tuple(found[:MAX_FILES])


@cache
def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
