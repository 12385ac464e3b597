"""What git has not got of the files that are about to be written."""

from __future__ import annotations

import os
from collections.abc import Sequence

SECONDS = 10  # for one answer of git


def unsaved(paths: Sequence[str]) -> list[str]:
    """The paths whose contents git could not give back: changed since they were staged or committed, or never added.

    Files outside of any repository are not among them, and none is where there is no git.
    """
    folders: dict[str, list[str]] = {}
    for path in paths:
        folders.setdefault(os.path.dirname(os.path.realpath(path)), []).append(path)
    return [path for folder, some in folders.items() for path in _unsaved(folder, some)]


def _unsaved(folder: str, paths: Sequence[str]) -> list[str]:
    import subprocess

    names = {os.path.basename(os.path.realpath(path)): path for path in paths}
    command = [
        "git",
        "--no-optional-locks",
        "-c",
        "status.relativePaths=true",
        "status",
        "--porcelain",
        "-z",
        "--ignored",
    ]
    try:
        done = subprocess.run(
            [*command, "--", *(f":(literal){name}" for name in names)],
            cwd=folder,
            capture_output=True,
            timeout=SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return []
    # In -z output paths are those of the repository: the last part is the name in this folder.
    changed = {os.fsdecode(entry[3:]).rpartition("/")[2] for entry in done.stdout.split(b"\0") if entry[1:2] != b" "}
    return [path for name, path in names.items() if name in changed]
