"""Replace files: all prepared first, then each in one step; several together or not at all."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from kmigrate import journal
from kmigrate.journal import Item, JournalError, Part


class WriteError(Exception):
    """A file could not be replaced; all are as they were, or the message says otherwise."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path
        self.message = message


class Change(NamedTuple):
    """New bytes for a file, and those they were made from."""

    path: str
    before: bytes
    after: bytes


class _Staged(NamedTuple):
    change: Change
    part: Part
    number: int

    @property
    def target(self) -> str:
        return self.part.versions(self.number)[0]


def write(changes: Sequence[Change]) -> list[str]:
    """Write the changes, all or none, and return the paths of the files that were replaced.

    Every new file is complete on disk before the first old one is replaced. A link stays a link
    and its target is written; the permissions stay; a file that would not change is not touched.
    A run that is killed in between leaves a journal, from which the next one completes it (`journal.mend`).

    Raises:
        WriteError: a file changed since it was read, or cannot be written.
    """
    wanted = [change for change in changes if change.after != change.before]
    if not wanted:
        return []
    targets = [os.path.realpath(change.path) for change in wanted]
    for change, target in zip(wanted, targets, strict=True):
        if targets.count(target) > 1:
            raise WriteError(change.path, "is to be written twice")
        if not os.path.exists(target):
            raise WriteError(change.path, "No such file or directory")
    folders = sorted({os.path.dirname(target) for target in targets})
    try:
        with journal.opened(folders) as parts:
            _write(wanted, targets, {part.folder: part for part in parts})
    except JournalError as error:
        raise WriteError(error.folder, error.message) from error
    return [change.path for change in wanted]


def _write(changes: Sequence[Change], targets: Sequence[str], parts: dict[str, Part]) -> None:
    staged: list[_Staged] = []
    try:
        for change, target in zip(changes, targets, strict=True):
            with _explained(change.path):
                staged.append(_stage(change, target, parts[os.path.dirname(target)], alone=len(changes) == 1))
        if len(staged) > 1:
            _describe(list(parts.values()))
        for item in staged:  # staging takes its time; from here on it is a matter of moments
            with _explained(item.change.path):
                _unchanged(item.change, item.target)
        if len(staged) > 1:
            parts[min(parts)].commit()
        _replace(staged)
    except BaseException:
        _withdraw(staged, parts)
        raise
    for folder in parts:
        journal.sync_folder(folder)
    journal.discard(list(parts.values()))


def _describe(parts: list[Part]) -> None:
    identity = os.urandom(16).hex()
    folders = [part.folder for part in parts]
    for part in parts:
        part.describe(folders, identity)


def _replace(staged: Sequence[_Staged]) -> None:
    for item in staged:
        target, new, _ = item.part.versions(item.number)
        with _explained(item.change.path):
            os.replace(new, target)


def _withdraw(staged: Sequence[_Staged], parts: dict[str, Part]) -> None:
    """Undo what was done so far. Where that fails too, the journal stays, for the next run."""
    try:
        if len(staged) > 1:
            journal.restore(list(parts.values()))
        journal.discard(list(parts.values()))
    except OSError as error:
        names = ", ".join(item.change.path for item in staged)
        raise WriteError(
            staged[0].change.path,
            f"{error.strerror or error}, while a failed write of {names} was undone: run kmigrate --write again",
        ) from error


def _stage(change: Change, target: str, part: Part, alone: bool) -> _Staged:
    """Both versions go into the journal (where several files are written: one alone is replaced in one step)."""
    status = os.stat(target)
    _unchanged(change, target)
    # Replacing needs no permission on the old file, but whoever took that away meant it.
    if not os.access(target, os.W_OK):
        raise WriteError(change.path, "is read-only")
    item = Item(os.path.basename(target), journal.digest(change.before), journal.digest(change.after))
    part.items.append(item)
    number = len(part.items) - 1
    _, new, old = part.versions(number)
    for path, data in ((new, change.after), (old, change.before))[: 1 if alone else 2]:
        journal.write_through(path, data)
        with contextlib.suppress(PermissionError, AttributeError):
            os.chown(path, status.st_uid, status.st_gid)
        os.chmod(path, stat.S_IMODE(status.st_mode))
    return _Staged(change, part, number)


def _unchanged(change: Change, target: str) -> None:
    with open(target, "rb") as file:
        if file.read() != change.before:
            raise WriteError(change.path, "changed since it was read; nothing was written")


@contextlib.contextmanager
def _explained(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise WriteError(path, error.strerror or str(error)) from error
