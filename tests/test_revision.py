from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from kmigrate.revision import Difference, RevisionError, differences


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One commit; then a file changes, one goes, one comes, and others are none of our business."""
    folder = tmp_path / "repository"
    (folder / "sub").mkdir(parents=True)
    for name in ("same.py", "changes.py", "goes.py", "sub/changes.py", "notes.txt"):
        (folder / name).write_text(f"# {name}\n")
    (folder / ".gitignore").write_text("ignored.py\n")
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "one")
    for name in ("changes.py", "sub/changes.py", "notes.txt", "ignored.py", "comes.py"):
        (folder / name).write_text("new\n")
    (folder / "goes.py").unlink()
    monkeypatch.chdir(folder)
    return folder


def test_what_changed_went_and_came(repository: Path) -> None:
    assert differences("HEAD", ["."]) == [
        Difference("changes.py", b"# changes.py\n", b"new\n"),
        Difference("comes.py", None, b"new\n"),
        Difference("goes.py", b"# goes.py\n", None),
        Difference("sub/changes.py", b"# sub/changes.py\n", b"new\n"),
    ]


def test_only_what_lies_under_the_paths(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [one.path for one in differences("HEAD", ["sub"])] == ["sub/changes.py"]
    monkeypatch.chdir(repository / "sub")
    assert [one.path for one in differences("HEAD", ["changes.py"])] == ["changes.py"]
    assert differences("HEAD", ["../same.py"]) == []


def test_committed_changes_count_too(repository: Path) -> None:
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "two")
    assert differences("HEAD", ["."]) == []
    assert len(differences("HEAD~1", ["."])) == 4


@pytest.mark.parametrize("revision", ["nowhere", "--output=x", "HEAD:changes.py"])
def test_a_revision_that_is_none(revision: str, repository: Path) -> None:
    with pytest.raises(RevisionError, match="git knows no"):
        differences(revision, ["."])
    assert not (repository / "x").exists()


def test_no_repository(tmp_path: Path) -> None:
    with pytest.raises(RevisionError, match="not a git repository"):
        differences("HEAD", [str(tmp_path)])
