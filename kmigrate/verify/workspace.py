"""The temporary folder in which runs have folders of their own."""

from __future__ import annotations

import tempfile
from pathlib import Path


class Workspace:
    """``folder`` is there until `close`."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="kmigrate-", ignore_cleanup_errors=True)
        self.folder = Path(self._folder.name).resolve()
        self._count = 0

    def new_run(self) -> Path:
        """A fresh folder for one run."""
        self._count += 1
        folder = self.folder / f"run{self._count}"
        for name in ("home/.keras", "tmp"):
            (folder / name).mkdir(parents=True)
        return folder

    def close(self) -> None:
        """Remove all working copies."""
        self._folder.cleanup()


def places(run: Path) -> dict[str, str]:
    """What a job says of the folder of its run."""
    return {
        "sandbox": str(run),
        "work": str(run / "work"),
        "home": str(run / "home"),
        "tmp": str(run / "tmp"),
        "output": str(run / "output.txt"),
        "log": str(run / "log"),
    }
