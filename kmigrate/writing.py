"""Replace files: all prepared first, then each in one step, and only where something changed."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterator, Sequence
from typing import NamedTuple


class WriteError(Exception):
    """A file could not be replaced; it is as it was. ``written`` names those replaced before it."""

    def __init__(self, path: str, message: str, written: Sequence[str] = ()) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path
        self.message = message
        self.written = tuple(written)


class Change(NamedTuple):
    """New bytes for a file, and those they were made from."""

    path: str
    before: bytes
    after: bytes


class _Staged(NamedTuple):
    change: Change
    target: str
    temporary: str


def write(changes: Sequence[Change]) -> list[str]:
    """Write the changes and return the paths of the files that were replaced.

    Every new file is complete on disk before the first old one is replaced. A link stays a link
    and its target is written; the permissions stay; a file that would not change is not touched.

    Raises:
        WriteError: a file changed since it was read, or cannot be written.
    """
    staged: list[_Staged] = []
    written: list[str] = []
    try:
        for change in changes:
            if change.after != change.before:
                with _explained(change.path, written):
                    staged.append(_stage(change))
        for item in staged:
            with _explained(item.change.path, written):
                os.replace(item.temporary, item.target)
            written.append(item.change.path)
    finally:
        for item in staged[len(written) :]:
            with contextlib.suppress(OSError):
                os.unlink(item.temporary)
    return written


@contextlib.contextmanager
def _explained(path: str, written: Sequence[str]) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise WriteError(path, error.strerror or str(error), written) from error


def _stage(change: Change) -> _Staged:
    target = os.path.realpath(change.path)
    with open(target, "rb") as file:
        if file.read() != change.before:
            raise WriteError(change.path, "changed since it was read; nothing was written")
        status = os.fstat(file.fileno())
    # Replacing needs no permission on the old file, but whoever took that away meant it.
    if not os.access(target, os.W_OK):
        raise WriteError(change.path, "is read-only")
    descriptor, temporary = tempfile.mkstemp(dir=os.path.dirname(target), prefix=".kmigrate-")
    try:
        with open(descriptor, "wb") as file:
            file.write(change.after)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(PermissionError, AttributeError):
            os.chown(temporary, status.st_uid, status.st_gid)
        os.chmod(temporary, stat.S_IMODE(status.st_mode))
    except BaseException:
        os.unlink(temporary)
        raise
    return _Staged(change, target, temporary)
