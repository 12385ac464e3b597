"""The private copy of a program that a run works in."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

_SKIP = {
    ".git",
    ".hg",
    "__pycache__",
    "node_modules",
    ".venv",
    "venv",
    ".tox",
    ".mypy_cache",
    ".pytest_cache",
}
_LARGE = 64 << 20
_TOTAL = 512 << 20


class Source(Protocol):
    """What is needed of a source file: `kmigrate.source.SourceFile` has it."""

    @property
    def path(self) -> Path:
        """Where the file is, or would be."""

    @property
    def raw(self) -> bytes:
        """Its contents."""


class Place(NamedTuple):
    """The folder whose copy a program runs in, and the folder that it is started in."""

    root: Path
    folder: Path


@dataclass(frozen=True)
class Program:
    """One side of a verification: files in memory, laid over a folder on disk."""

    files: dict[str, bytes]  # path in the working copy -> contents
    entry: str
    root: Path | None
    folder: str = "."  # where it is run, in the working copy

    @classmethod
    def of(cls, sources: Sequence[Source], entry: Path, place: Place | None = None) -> Program:
        """The program of ``sources`` that is started by ``entry``, by default in its folder."""
        root, folder = place or Place(entry.parent, entry.parent)
        base = Path(os.path.realpath(root))

        def relative(path: Path) -> str:
            found = os.path.relpath(_real(path), base)
            if found.startswith(".."):
                raise ValueError(f"{path} is outside {base}")
            return Path(found).as_posix()

        files = {relative(source.path): source.raw for source in sources}
        cwd = Path(os.path.relpath(os.path.realpath(folder), base)).as_posix()
        return cls(files, relative(entry), base if base.is_dir() else None, cwd)

    @property
    def search_path(self) -> list[str]:
        """Where the script finds modules of its project: beside it, in each folder above, and in src."""
        folders = [parent.as_posix() for parent in Path(self.entry).parents]
        return [*folders, "src"]

    def line(self, place: str) -> str:
        """The text at ``file:line``; empty for a file that was not given."""
        name, _, number = place.rpartition(":")
        lines = self.files.get(name, b"").decode(errors="replace").splitlines()
        return lines[int(number) - 1].strip() if number.isdecimal() and int(number) <= len(lines) else ""

    def stage(self, work: Path, notes: list[str]) -> None:
        """Copy the folder to ``work`` and write the files over it."""
        work.mkdir(parents=True)
        total = 0
        if self.root is not None:
            for folder, folders, names in os.walk(self.root):
                folders[:] = [f for f in sorted(folders) if f not in _SKIP]
                for name in sorted(names):
                    path = Path(folder, name)
                    target = work / path.relative_to(self.root)
                    try:
                        size = path.stat().st_size
                        if not path.is_file() or size > _LARGE or total + size > _TOTAL:
                            notes.append(f"{path.relative_to(self.root)} is not copied: too large")
                            continue
                        total += size
                        target.parent.mkdir(parents=True, exist_ok=True)
                        shutil.copyfile(path, target)
                    except OSError as error:
                        notes.append(f"{path.relative_to(self.root)} is not copied: {error.strerror}")
        for relative, raw in self.files.items():
            target = work / relative
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(raw)


def _real(path: Path) -> Path:
    """The path without links in the folders; the file itself may be one."""
    return Path(os.path.realpath(path.parent), path.name)


def hashes(sources: Sequence[Source]) -> dict[str, str]:
    """SHA-256 of each file, by the path that was given."""
    return {Path(source.path).as_posix(): hashlib.sha256(source.raw).hexdigest() for source in sources}
