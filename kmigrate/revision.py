"""What the files of a project were in a git revision."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


class RevisionError(Exception):
    """There is no such revision, or no repository; the message is for the user."""


@dataclass(frozen=True)
class Difference:
    """A Python file that is not what it was; None where it is not there."""

    path: str  # as it is shown to the user
    before: bytes | None
    after: bytes | None


def differences(revision: str, paths: Sequence[str]) -> list[Difference]:
    """The Python files under ``paths`` that differ between a revision and the working tree, new ones included.

    Raises RevisionError.
    """
    folder = paths[0] if os.path.isdir(paths[0]) else os.path.dirname(paths[0]) or "."
    root = os.fsdecode(_git(folder, "rev-parse", "--show-toplevel")).rstrip("\n")
    commit = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", revision + "^{commit}").decode().strip()
    within = [os.path.relpath(os.path.realpath(path), os.path.realpath(root)) for path in paths]
    if any(path.startswith("..") for path in within):
        raise RevisionError(f"the paths are not all in {root}")
    tracked = _git(root, "diff", "--name-only", "--no-renames", "-z", commit, "--", *within)
    new = _git(root, "ls-files", "--others", "--exclude-standard", "-z", "--", *within)
    names = sorted({os.fsdecode(name) for name in (tracked + new).split(b"\0") if name.endswith(b".py")})
    return [Difference(_shown(Path(root, name)), _at(root, commit, name), _now(Path(root, name))) for name in names]


def _shown(path: Path) -> str:
    inside = os.path.relpath(path)
    return str(path) if inside.startswith("..") else inside


def _at(root: str, commit: str, name: str) -> bytes | None:
    """A file's contents in a commit, with the line ends that a checkout gives it."""
    if not _git(root, "ls-tree", "-z", commit, "--", name):
        return None
    return _git(root, "cat-file", "--filters", f"{commit}:{name}")


def _now(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RevisionError(f"{path}: {error.strerror or error}") from error


def _git(folder: str, *arguments: str) -> bytes:
    command = ["git", "-C", folder, "--literal-pathspecs", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except OSError as error:
        raise RevisionError(f"git can't be run: {error.strerror}") from error
    if done.returncode:
        said = os.fsdecode(done.stderr).strip().splitlines()
        raise RevisionError(said[-1] if said else f"git knows no {arguments[-1].removesuffix('^{commit}')}")
    return done.stdout
