from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from kmigrate import writing
from kmigrate.writing import Change, WriteError, write


def change(path: Path, after: bytes) -> Change:
    return Change(str(path), path.read_bytes(), after)


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "a.py"
    path.write_bytes(b"old\r\n")
    return path


def test_bytes_are_written_as_they_are(script: Path) -> None:
    assert write([change(script, b"new\r\n\xff\x00")]) == [str(script)]
    assert script.read_bytes() == b"new\r\n\xff\x00"
    assert os.listdir(script.parent) == ["a.py"]


def test_the_file_is_replaced_in_one_step_and_not_overwritten(script: Path) -> None:
    with open(script, "rb") as reader:
        write([change(script, b"new")])
        assert reader.read() == b"old\r\n"


@pytest.mark.parametrize("mode", [0o644, 0o755, 0o600, 0o664])
def test_the_mode_is_kept(script: Path, mode: int) -> None:
    script.chmod(mode)
    write([change(script, b"new")])
    assert stat.S_IMODE(script.stat().st_mode) == mode


def test_a_link_stays_a_link_and_its_target_is_written(script: Path, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    link = tmp_path / "sub" / "link.py"
    link.symlink_to("../a.py")
    write([change(link, b"new")])
    assert link.is_symlink()
    assert script.read_bytes() == b"new"


def test_nothing_is_written_where_nothing_changes(script: Path) -> None:
    before = script.stat()
    assert write([change(script, b"old\r\n")]) == []
    assert (script.stat().st_ino, script.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_file_that_changed_meanwhile_is_not_overwritten(script: Path) -> None:
    stale = change(script, b"new")
    script.write_bytes(b"edited by hand")
    with pytest.raises(WriteError, match="changed since it was read"):
        write([stale])
    assert script.read_bytes() == b"edited by hand"


def test_all_are_staged_before_the_first_is_replaced(script: Path, tmp_path: Path) -> None:
    gone = Change(str(tmp_path / "gone.py"), b"", b"new")
    with pytest.raises(WriteError, match="No such file"):
        write([change(script, b"new"), gone])
    assert script.read_bytes() == b"old\r\n"
    assert os.listdir(tmp_path) == ["a.py"]


def test_a_failure_midway_leaves_all_as_they_were(script: Path, tmp_path: Path, monkeypatch) -> None:
    other = tmp_path / "b.py"
    other.write_bytes(b"old")
    changes = [change(script, b"new"), change(other, b"new")]
    real_replace = os.replace

    def full_disk(source, target):
        if str(target).endswith("b.py"):
            raise OSError(28, "No space left on device")
        real_replace(source, target)

    monkeypatch.setattr(writing.os, "replace", full_disk)
    with pytest.raises(WriteError, match="No space left"):
        write(changes)
    assert script.read_bytes() == b"old\r\n"
    assert other.read_bytes() == b"old"
    assert sorted(os.listdir(tmp_path)) == ["a.py", "b.py"]


def test_a_failed_write_leaves_no_trace(script: Path, monkeypatch) -> None:
    def broken(descriptor):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(writing.os, "fsync", broken)
    with pytest.raises(WriteError, match="Input/output error"):
        write([change(script, b"new")])
    assert script.read_bytes() == b"old\r\n"
    assert os.listdir(script.parent) == ["a.py"]


def test_a_read_only_file_is_respected(script: Path, monkeypatch) -> None:
    monkeypatch.setattr(writing.os, "access", lambda path, mode: False)
    with pytest.raises(WriteError, match="is read-only"):
        write([change(script, b"new")])
    assert script.read_bytes() == b"old\r\n"
