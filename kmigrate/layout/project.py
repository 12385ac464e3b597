"""What else in the project sees a file: whom it imports and who imports it.

One file is one program for now. So a file that others import keeps what they may rely on, and the
ambient ordering stays where another module may build layers under it.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path

from kmigrate.keras_api.versions import project_root

MAX_FILES = 2_000
SKIPPED = frozenset((".git", ".hg", "__pycache__", "node_modules", ".venv", "venv", ".tox", "build", "dist"))


def keras_modules(tree: ast.Module, path: str) -> list[tuple[ast.stmt, str]]:
    """The imports of project modules, with their files, that use Keras themselves."""
    folder = Path(path).parent
    found: list[tuple[ast.stmt, str]] = []
    for stmt in ast.walk(tree):
        if isinstance(stmt, ast.Import):
            names = [alias.name for alias in stmt.names]
            base = folder
        elif isinstance(stmt, ast.ImportFrom):
            base = folder
            for _ in range(max(stmt.level - 1, 0)):
                base = base.parent
            names = [stmt.module] if stmt.module else [alias.name for alias in stmt.names]
            if stmt.module:
                names += [f"{stmt.module}.{alias.name}" for alias in stmt.names]
        else:
            continue
        for name in names:
            file = _file(base, name, path)
            if file is not None and b"keras" in _read(file).lower():
                found.append((stmt, str(file)))
                break
    return found


def _file(base: Path, name: str, path: str) -> Path | None:
    """The file of a module of the project: below the importing file's folder or its project's root."""
    parts = name.split(".")
    if parts[0] in ("keras", "tensorflow", "numpy"):
        return None
    root = project_root(Path(path))
    for folder in dict.fromkeys((base, root or base)):
        module = folder.joinpath(*parts)
        for file in (module.with_suffix(".py"), module / "__init__.py"):
            if file.is_file():
                return file
    return None


def importers(path: str) -> list[str]:
    """Files of the project (without a project: of the folder) that import this one, by its module name."""
    file = Path(path)
    root = project_root(file)
    stem = file.parent.name if file.stem == "__init__" else file.stem
    own = os.path.realpath(file)
    found = []
    for other in _python_files(root) if root is not None else sorted(map(str, file.parent.glob("*.py"))):
        data = _read(Path(other))
        if stem.encode() in data and _imports(data, stem) and os.path.realpath(other) != own:
            found.append(other)
    return found


def _imports(data: bytes, stem: str) -> bool:
    """Is there an import of a module of this name? A file that cannot be read is taken to have one."""
    line = re.compile(rb"^[ \t]*(?:from|import)[ \t][^\n#]*\b" + re.escape(stem.encode()) + rb"\b", re.MULTILINE)
    if line.search(data) is None:
        return False
    try:
        tree = ast.parse(data)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return True
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names += [node.module or "", *(alias.name for alias in node.names)]
    return any(name.rpartition(".")[2] == stem for name in names)


def _python_files(root: Path) -> Iterator[str]:
    count = 0
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in SKIPPED)
        for name in sorted(files):
            if name.endswith(".py"):
                count += 1
                if count > MAX_FILES:
                    return
                yield os.path.join(folder, name)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""
