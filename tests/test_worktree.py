"""A warning where git could not give back what is overwritten."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from kmigrate.worktree import unsaved

pytestmark = [
    pytest.mark.usefixtures("settings_only"),
    pytest.mark.skipif(shutil.which("git") is None, reason="it asks git"),
]
FIRST = b"import keras\nx = 'channels_first'\n"


def git(*arguments: str) -> None:
    identity = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.invalid"]
    subprocess.run(["git", *identity, *arguments], capture_output=True, check=True)


@pytest.fixture(autouse=True)
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("saved.py", "staged.py", "changed.py", "sub dir/deep.py", "new.py", "ignored.py"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(FIRST)


def test_files_that_git_has_are_not_named_and_others_are(kmigrate) -> None:
    git("init", "-q", ".")
    git("add", "saved.py", "staged.py", "changed.py", "sub dir/deep.py")
    git("commit", "-q", "-m", "all")
    Path(".gitignore").write_text("ignored.py\n")
    Path("staged.py").write_bytes(FIRST + b"# more\n")
    git("add", "staged.py")
    Path("changed.py").write_bytes(FIRST + b"# more\n")
    Path("sub dir/deep.py").write_bytes(FIRST + b"# more\n")
    expected = ["changed.py", "new.py", "ignored.py", "sub dir/deep.py"]
    paths = ["saved.py", "staged.py", *expected]
    assert sorted(unsaved(paths)) == sorted(expected)
    status, _, err = kmigrate("--write", *paths)
    assert status == 0
    warned = {line.split(":")[0] for line in err.splitlines() if ": warning: " in line}
    assert warned == set(expected)
    assert all(b"channels_last" in Path(path).read_bytes() for path in paths)


def test_outside_of_a_repository_nothing_is_said(kmigrate, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert "warning" not in kmigrate("--write", "new.py").err


def test_without_git_nothing_is_said(monkeypatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert unsaved(["new.py"]) == []
