"""A journal, so that several files are replaced together: all of them or none, whenever the run is killed.

Each folder with a file to replace gets a folder ``.kmigrate-journal``, which git ignores, with

- ``lock``, held as long as the run lives, so that a dead run is told from one that is still at work;
- ``N.new`` and ``N.old``, both versions of its Nth file;
- ``part``, the names and digests of these files, and where the other folders of the run are;
- ``commit``, in the first of the folders only. Before it stands there, no file has been replaced.

A later run that finds such a folder brings the files into one state again (`mend`) and removes it. A part names
files of its own folder only, so a journal that came with somebody's repository can reach nothing outside it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

try:
    import fcntl
except ImportError:  # no locks on this system: two runs at once are not told apart
    fcntl = None  # type: ignore[assignment]

from kmigrate.discovery import JOURNAL

PATIENCE = 10.0  # seconds to wait for another run, which needs a fraction of one to write
VERSION = 1


class JournalError(Exception):
    """The journal of a folder cannot be used or mended; its files are as they were."""

    def __init__(self, folder: str, message: str) -> None:
        super().__init__(f"{folder}: {message}")
        self.folder = folder
        self.message = message


class Item(NamedTuple):
    """One file to replace: its name in its folder, and the digests of both versions."""

    name: str
    before: str
    after: str


class Part:
    """The journal of one folder, as long as this process holds its lock."""

    def __init__(self, folder: str, descriptor: int) -> None:
        self.folder = folder
        self._descriptor = descriptor
        self.id = ""
        self.folders: list[str] = []
        self.items: list[Item] = []

    def inner(self, name: str) -> str:
        """The path of a file of the journal."""
        return os.path.join(self.folder, JOURNAL, name)

    def versions(self, number: int) -> tuple[str, str, str]:
        """The paths of a file, of its new version and of its old version."""
        return (
            os.path.join(self.folder, self.items[number].name),
            self.inner(f"{number}.new"),
            self.inner(f"{number}.old"),
        )

    def describe(self, folders: Sequence[str], identity: str) -> None:
        """Write down what is about to be done; the new and old versions are there."""
        self.id, self.folders = identity, list(folders)
        data = {
            "version": VERSION,
            "id": identity,
            "folders": [os.path.relpath(folder, self.folder) for folder in folders],
            "files": self.items,
        }
        self._put("part", json.dumps(data))

    def commit(self) -> None:
        """From here on, whoever finds the journal completes what it says."""
        self._put("commit", self.id)

    def committed(self) -> bool:
        with contextlib.suppress(OSError), open(self.inner("commit"), encoding="ascii") as file:
            return file.read() == self.id
        return False

    def load(self) -> bool:
        """Read what was described; False where the run did not come as far."""
        try:
            with open(self.inner("part"), encoding="utf-8") as file:
                data = json.load(file)
        except FileNotFoundError:
            return False
        except (OSError, ValueError) as error:
            raise self.unreadable(str(error)) from error
        try:
            self.id = str(data["id"])
            self.folders = [os.path.realpath(os.path.join(self.folder, folder)) for folder in data["folders"]]
            self.items = [Item(*map(str, item)) for item in data["files"]]
            known = data["version"] == VERSION
        except (KeyError, TypeError) as error:
            raise self.unreadable("it is damaged") from error
        if not known:
            raise self.unreadable("another version of kmigrate wrote it")
        if self.folder not in self.folders or any(os.path.basename(i.name) != i.name for i in self.items):
            raise self.unreadable("it speaks of files that are not its own")
        return True

    def unreadable(self, why: str) -> JournalError:
        where = os.path.join(self.folder, JOURNAL)
        return JournalError(
            self.folder,
            f"a run was cut off here, and its journal cannot be read ({why}): see whether the files are "
            f"as they should be ({where} has the old and new ones), then remove that folder",
        )

    def _put(self, name: str, text: str) -> None:
        write_through(self.inner(f"{name}.tmp"), text.encode())
        os.replace(self.inner(f"{name}.tmp"), self.inner(name))
        sync_folder(os.path.join(self.folder, JOURNAL))

    def remove(self) -> None:
        """The folder is as if no run had been here."""
        path = os.path.join(self.folder, JOURNAL)
        with contextlib.suppress(FileNotFoundError):
            for name in sorted(os.listdir(path), key=lambda name: name == "lock"):  # the lock is held to the end
                os.unlink(os.path.join(path, name))
        with contextlib.suppress(OSError):  # another run may have its lock there already
            os.rmdir(path)
        self.close()

    def close(self) -> None:
        """Give the lock back."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def write_through(path: str, data: bytes) -> None:
    """Write a file, and have it on disk."""
    with open(path, "xb" if path.endswith((".new", ".old")) else "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(path: str) -> None:
    """Have the names of a folder on disk, where the system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@contextlib.contextmanager
def opened(folders: Iterable[str]) -> Iterator[list[Part]]:
    """New journals in these folders, in their order; they are the caller's to remove.

    Raises:
        JournalError: one cannot be made, or a run that was cut off has left one (see `mend`).
    """
    parts: list[Part] = []
    try:
        for folder in sorted(folders):
            try:
                part = _acquire(folder, create=True)
                assert part is not None
                if set(os.listdir(os.path.join(folder, JOURNAL))) - {"lock"}:
                    part.close()
                    raise JournalError(folder, "a run was cut off here: run kmigrate once more")
                parts.append(part)
                write_through(part.inner(".gitignore"), b"*\n")
            except OSError as error:
                raise JournalError(folder, error.strerror or str(error)) from error
    except BaseException:
        for part in parts:
            with contextlib.suppress(OSError):
                part.remove()
        raise
    try:
        yield parts
    finally:
        for part in parts:
            part.close()


def half_done(folder: str) -> bool:
    """Was a run cut off here while it replaced files? One that is at work is waited for.

    Raises:
        JournalError, OSError: that cannot be found out.
    """
    with _found(folder) as (_, committed):
        return committed


def mend(folder: str) -> str | None:
    """Bring the files that a cut off run was to write into one state; says what was done.

    All get their new text, or, where one that still had its old text was edited since, all keep or regain the old.

    Raises:
        JournalError: they cannot be brought into one state; nothing was changed.
        OSError: a file cannot be written; the journal stays.
    """
    with _found(folder) as (parts, committed):
        if not parts:
            return None  # somebody else was faster
        if not committed:
            discard(parts)
            return f"{_shown(folder)}: removed what a run that was cut off had left"
        files = [_File(part, number) for part in parts for number in range(len(part.items))]
        names = ", ".join(_shown(file.path) for file in files)
        if all(file.can_be_new() for file in files):
            complete(parts)
            said = f"a run that was cut off has been completed: {names}"
        elif all(file.can_be_old() for file in files):
            edited = ", ".join(_shown(file.path) for file in files if not file.can_be_new())
            restore(parts)
            said = f"a run that was cut off has been undone, for {edited} changed since: {names}"
        else:
            raise JournalError(
                folder,
                f"a run was cut off while it wrote {names}, and some of them changed since: bring them into one state "
                f"by hand (the old versions are in {JOURNAL} beside them), then remove {JOURNAL}",
            )
        discard(parts)
        return said


@contextlib.contextmanager
def _found(folder: str) -> Iterator[tuple[list[Part], bool]]:
    """The journals, locked, of the run that left one in ``folder``, and whether it may have replaced files."""
    folder = os.path.realpath(folder)
    members = _members(folder)
    parts = [part for name in members if (part := _acquire(name, create=False)) is not None]
    try:
        mine = next((part for part in parts if part.folder == folder), None)
        if mine is None or not mine.load():
            yield ([] if mine is None else [mine]), False
            return
        if sorted({folder, *mine.folders}) != members:
            raise JournalError(folder, "another run of kmigrate is writing here")
        together = [mine, *(part for part in parts if part is not mine and part.load() and part.id == mine.id)]
        together.sort(key=lambda part: mine.folders.index(part.folder))
        yield together, together[0].folder == mine.folders[0] and together[0].committed()
    finally:
        for part in parts:
            part.close()


class _File:
    """How a file stands, and which of its two versions it can have without losing what is in it."""

    def __init__(self, part: Part, number: int) -> None:
        self.item = part.items[number]
        self.path, new, old = part.versions(number)
        self.now = _digest_of(self.path)
        self.staged = _digest_of(new) == self.item.after
        self.kept = _digest_of(old) == self.item.before

    def can_be_new(self) -> bool:
        if self.now == self.item.before:
            return self.staged
        return self.now == self.item.after or not self.staged  # edited after it was replaced

    def can_be_old(self) -> bool:
        if self.now == self.item.after:
            return self.kept
        return self.now == self.item.before or self.staged  # edited before it was replaced


def complete(parts: Sequence[Part]) -> None:
    """Put the new versions in the place of all files that have their old one."""
    for part in parts:
        for number, item in enumerate(part.items):
            path, new, _ = part.versions(number)
            if _digest_of(path) == item.before:
                os.replace(new, path)
    _sync(parts)


def restore(parts: Sequence[Part]) -> None:
    """Put the old versions back in the place of all files that were replaced."""
    for part in parts:
        for number, item in enumerate(part.items):
            path, new, old = part.versions(number)
            if _digest_of(path) == item.after and not os.path.lexists(new):
                os.replace(old, path)
    _sync(parts)


def _sync(parts: Sequence[Part]) -> None:
    for part in parts:
        sync_folder(part.folder)


def discard(parts: Sequence[Part]) -> None:
    """All files are in one state: what the journal says counts no more, and then it goes."""
    for part in parts:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(part.inner("commit"))
    _sync(parts)
    for part in parts:
        part.remove()


def _members(folder: str) -> list[str]:
    """The folders of the run that left a journal here, in the order in which they are locked."""
    part = Part(folder, -1)
    found = part.load()
    return sorted({folder, *part.folders}) if found else [folder]


def _acquire(folder: str, create: bool) -> Part | None:
    """Lock the journal of a folder; None where there is none and none is to be made."""
    path = os.path.join(folder, JOURNAL)
    deadline = time.monotonic() + PATIENCE
    while True:
        if create:
            with contextlib.suppress(FileExistsError):
                os.mkdir(path, 0o700)
        try:
            status = os.lstat(path)
            _check(folder, status)
            descriptor = os.open(os.path.join(path, "lock"), os.O_RDWR | os.O_CREAT, 0o600)
        except FileNotFoundError:
            if not create:
                return None
            descriptor = -1  # another run has just removed it
        if descriptor >= 0:
            if _lock(descriptor) and _is_at(descriptor, os.path.join(path, "lock")):
                return Part(folder, descriptor)
            os.close(descriptor)
        if time.monotonic() > deadline:
            raise JournalError(folder, "another run of kmigrate is writing here")
        time.sleep(0.02)


def _check(folder: str, status: os.stat_result) -> None:
    if not stat.S_ISDIR(status.st_mode):
        raise JournalError(folder, f"{JOURNAL} is not a folder of kmigrate's: remove it")
    if hasattr(os, "geteuid") and status.st_uid != os.geteuid():
        raise JournalError(
            folder, f"another user's run was cut off here, or is at work: only they can mend it ({JOURNAL})"
        )


def _lock(descriptor: int) -> bool:
    if fcntl is None:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # a file system without locks
    return True


def _is_at(descriptor: int, path: str) -> bool:
    """Whoever had the lock may have removed the file meanwhile."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def _digest_of(path: str) -> str | None:
    """None where there is no such file, or none of the usual kind."""
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return None
        with open(path, "rb") as file:
            return digest(file.read())
    except FileNotFoundError:
        return None


def _shown(path: str) -> str:
    """Relative to the working directory where that is shorter."""
    with contextlib.suppress(ValueError):
        return min(path, os.path.relpath(path), key=len)
    return path
