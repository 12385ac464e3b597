"""A run that writes several files is killed at each of its steps; the next one must mend what it left."""

from __future__ import annotations

import itertools
import json
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from kmigrate import journal
from kmigrate.discovery import JOURNAL, find
from kmigrate.journal import JournalError, half_done, mend
from kmigrate.writing import Change, WriteError, write

OLD = {"a.py": b"old a", "sub/b.py": b"old b", "sub/c.py": b"old c"}
NEW = {name: data.replace(b"old", b"new") for name, data in OLD.items()}
# What Python reports to audit hooks before it happens: every step at which a process can die and leave a trace.
STEPS = ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.chmod", "os.chown")


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    restart(tmp_path)
    return tmp_path


def restart(root: Path) -> None:
    for name, data in OLD.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(data)
        (root / name).chmod(0o640)


def content(root: Path) -> dict[str, bytes]:
    return {name: (root / name).read_bytes() for name in OLD}


def changes(root: Path) -> list[Change]:
    return [Change(str(root / name), OLD[name], NEW[name]) for name in OLD]


def traces(root: Path) -> list[str]:
    return [str(path) for path in root.rglob("*") if path.is_file() and str(path.relative_to(root)) not in OLD]


def killed(action: Callable[[], object], step: int, root: Path) -> bool:
    """Run ``action`` in a process that dies before its step number ``step`` below ``root``; did it get there?"""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) in (0, 9)
        return os.waitstatus_to_exitcode(status) == 9
    code = 1
    try:
        count = itertools.count()

        def hook(event: str, arguments: tuple[object, ...]) -> None:
            if event in STEPS and str(arguments[0]).startswith(str(root)) and next(count) == step:
                os._exit(9)

        sys.addaudithook(hook)
        action()
        code = 0
    finally:
        os._exit(code)


def mend_all() -> list[str | None]:
    return [mend(folder) for folder in find(["."]).unfinished]


def test_all_are_written_and_nothing_is_left_behind(tree: Path) -> None:
    assert write(changes(tree)) == [str(tree / name) for name in OLD]
    assert content(tree) == NEW
    assert traces(tree) == []
    assert {stat.S_IMODE((tree / name).stat().st_mode) for name in OLD} == {0o640}


def test_a_run_that_is_killed_at_any_step_is_completed_or_has_written_nothing(tree: Path) -> None:
    met = set()
    for step in itertools.count():
        restart(tree)
        if not killed(lambda: write(changes(tree)), step, tree):
            break
        between = content(tree)
        said = mend_all()
        after = content(tree)
        assert after in (OLD, NEW), step
        assert traces(tree) == [], step
        assert {stat.S_IMODE((tree / name).stat().st_mode) for name in OLD} == {0o640}, step
        if between not in (OLD, NEW):
            assert after == NEW
            assert any("completed: a.py, sub/b.py, sub/c.py" in str(text) for text in said), said
        met.add((between == NEW, between == OLD, after == NEW))
        assert mend_all() == []
        write([Change(str(tree / name), after[name], NEW[name]) for name in OLD])
        assert content(tree) == NEW
    assert step > 30
    # nothing written; only staged; all staged and agreed; between two files; all written
    assert met == {(False, True, False), (False, True, True), (False, False, True), (True, False, True)}


def test_mending_may_be_killed_at_any_step_too(tree: Path) -> None:
    between = [step for step in range(80) if (restart(tree), cut_between(tree, step))[1]]
    assert len(between) == 2
    for writing, step in itertools.product(between, range(100)):
        restart(tree)
        killed(lambda: write(changes(tree)), writing, tree)
        mended = not killed(mend_all, step, tree)
        mend_all()
        assert content(tree) == NEW
        assert traces(tree) == []
        if mended:
            assert step > 10
            break


def cut_between(root: Path, step: int) -> bool:
    """Does a run that dies at this step leave some files new and some old? Leaves no journal."""
    killed(lambda: write(changes(root)), step, root)
    between = content(root) not in (OLD, NEW)
    mend_all()
    return between


@pytest.fixture
def halfway(tree: Path) -> Path:
    """A run that has replaced the first file only."""
    for step in itertools.count():
        restart(tree)
        assert killed(lambda: write(changes(tree)), step, tree)
        if content(tree) == {**OLD, "a.py": NEW["a.py"]}:
            return tree
        mend_all()


@pytest.mark.parametrize("where", [".", "sub", "sub/b.py", "a.py"])
def test_it_is_found_from_each_of_its_paths(halfway: Path, where: str) -> None:
    for folder in find([where]).unfinished:
        mend(folder)
    assert content(halfway) == NEW
    assert traces(halfway) == []


def test_a_file_that_was_edited_before_it_was_replaced_keeps_the_edit_and_the_others_go_back(halfway: Path) -> None:
    (halfway / "sub/c.py").write_bytes(b"by hand")
    (said,) = [text for text in mend_all() if text]
    assert said == "a run that was cut off has been undone, for sub/c.py changed since: a.py, sub/b.py, sub/c.py"
    assert content(halfway) == {**OLD, "sub/c.py": b"by hand"}
    assert traces(halfway) == []
    assert stat.S_IMODE((halfway / "a.py").stat().st_mode) == 0o640


def test_undoing_may_be_killed_too(halfway: Path) -> None:
    (halfway / "sub/c.py").write_bytes(b"by hand")
    for step in range(100):
        if not killed(mend_all, step, halfway):
            break
        assert content(halfway)["sub/c.py"] == b"by hand"
    mend_all()
    assert content(halfway) == {**OLD, "sub/c.py": b"by hand"}
    assert traces(halfway) == []


def test_a_file_that_was_edited_after_it_was_replaced_keeps_the_edit_and_the_others_go_on(halfway: Path) -> None:
    (halfway / "a.py").write_bytes(b"new a, by hand")
    assert "completed" in str(mend_all()[0])
    assert content(halfway) == {**NEW, "a.py": b"new a, by hand"}
    assert traces(halfway) == []


def test_edits_on_both_sides_are_left_to_the_user(halfway: Path) -> None:
    (halfway / "a.py").write_bytes(b"new a, by hand")
    (halfway / "sub/c.py").write_bytes(b"old c, by hand")
    before = content(halfway)
    with pytest.raises(JournalError, match="bring them into one state by hand"):
        mend(str(halfway))
    assert content(halfway) == before
    assert (halfway / JOURNAL / "0.old").read_bytes() == OLD["a.py"]


def test_a_checkout_of_the_old_files_is_respected(halfway: Path) -> None:
    (halfway / "a.py").write_bytes(OLD["a.py"])
    assert "undone" in str(mend_all()[0])
    assert content(halfway) == OLD


def test_a_project_that_moved_meanwhile_is_mended_where_it_is(halfway: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moved = halfway.parent / "moved"
    halfway.rename(moved)
    monkeypatch.chdir(moved)
    mend_all()
    assert content(moved) == NEW


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"version": 1}', b"\xff\xfe"])
def test_a_damaged_journal_is_not_acted_on(halfway: Path, data: bytes) -> None:
    (halfway / JOURNAL / "part").write_bytes(data)
    before = content(halfway)
    with pytest.raises(JournalError, match="cannot be read"):
        mend(str(halfway))
    assert content(halfway) == before
    assert (halfway / JOURNAL / "0.old").exists()


def test_a_journal_reaches_no_file_outside_its_folder(halfway: Path) -> None:
    """One may come with somebody's repository."""
    outside = halfway.parent / "outside.py"
    outside.write_bytes(OLD["a.py"])
    part = halfway / JOURNAL / "part"
    data = json.loads(part.read_text())
    data["files"][0][0] = "../outside.py"
    part.write_text(json.dumps(data))
    with pytest.raises(JournalError, match="not its own"):
        mend(str(halfway))
    assert outside.read_bytes() == OLD["a.py"]


def test_a_link_in_a_journal_is_not_followed(halfway: Path) -> None:
    secret = halfway.parent / "secret"
    secret.write_bytes(NEW["sub/b.py"])
    staged = halfway / "sub" / JOURNAL / "0.new"
    staged.unlink()
    staged.symlink_to(secret)
    mend_all()
    assert not (halfway / "sub/b.py").is_symlink()


def test_a_journal_of_another_user_is_not_touched(halfway: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal.os, "geteuid", lambda: os.getuid() + 1)
    with pytest.raises(JournalError, match="another user"):
        mend(str(halfway))
    with pytest.raises(WriteError, match="another user"):
        write([Change(str(halfway / "a.py"), NEW["a.py"], b"x")])


def test_a_run_at_work_is_not_mended_away(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "PATIENCE", 0.05)
    with journal.opened([str(tree)]) as (part,):
        for action in (mend, half_done):
            with pytest.raises(JournalError, match="another run of kmigrate is writing here"):
                action(str(tree))
        with pytest.raises(WriteError, match="another run"):
            write(changes(tree))
        part.remove()
    assert content(tree) == OLD
    assert traces(tree) == []


def test_two_runs_at_once_wait_for_each_other(tree: Path) -> None:
    """Each child writes a file of its own; both share a folder."""
    names = [f"f{number}.py" for number in range(8)]
    for name in names:
        (tree / name).write_bytes(b"old")
    children = []
    for name in names:
        child = os.fork()
        if not child:
            code = 1
            try:
                for _ in range(5):
                    write([Change(str(tree / name), b"old", b"new"), Change(str(tree / "sub/b.py"), b"", b"")])
                    write([Change(str(tree / name), b"new", b"old")])
                write([Change(str(tree / name), b"old", b"new")])
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * len(names)
    assert {(tree / name).read_bytes() for name in names} == {b"new"}
    assert not (tree / JOURNAL).exists()


def test_git_does_not_see_it(halfway: Path) -> None:
    for folder in (halfway, halfway / "sub"):
        assert (folder / JOURNAL / ".gitignore").read_bytes() == b"*\n"


def test_a_file_in_its_place_is_reported(tree: Path) -> None:
    (tree / JOURNAL).write_bytes(b"")
    with pytest.raises(WriteError, match="not a folder of kmigrate's"):
        write(changes(tree))
    assert content(tree) == OLD


@pytest.mark.parametrize("fails", ["rename", "unlink"])
def test_a_failure_midway_is_undone(tree: Path, monkeypatch: pytest.MonkeyPatch, fails: str) -> None:
    real = os.replace

    def full_disk(source: str, target: str) -> None:
        if target == str(tree / "sub/b.py") and source.endswith(".new"):
            raise OSError(28, "No space left on device")
        real(source, target)

    monkeypatch.setattr(journal.os, "replace", full_disk)
    if fails == "unlink":  # undoing fails as well: the journal stays

        def broken(source: str, target: str) -> None:
            if source.endswith(".old"):
                raise OSError(5, "Input/output error")
            full_disk(source, target)

        monkeypatch.setattr(journal.os, "replace", broken)
    with pytest.raises(WriteError) as caught:
        write(changes(tree))
    monkeypatch.undo()
    os.chdir(tree)
    if fails == "unlink":
        assert "run kmigrate --write again" in caught.value.message
        mend_all()
        assert content(tree) == NEW
    else:
        assert "No space left" in caught.value.message
        assert content(tree) == OLD
    assert traces(tree) == []


# On the command line


def test_the_next_run_completes_it_and_says_so(halfway: Path, kmigrate) -> None:
    status, _, err = kmigrate("--write", "sub")
    assert status == 0
    assert "a run that was cut off has been completed: a.py, sub/b.py, sub/c.py\n" in err
    assert content(halfway) == NEW


@pytest.mark.parametrize("option", ["--check", "--strict"])
def test_a_run_that_only_looks_changes_nothing(halfway: Path, kmigrate, option: str) -> None:
    before = content(halfway)
    status, _, err = kmigrate(option, "sub/b.py")
    assert status == 2
    assert "a run that wrote files here was cut off: `kmigrate --write` completes or undoes it" in err
    assert content(halfway) == before


def test_what_wrote_nothing_does_not_disturb_a_run_that_only_looks(tree: Path, kmigrate) -> None:
    assert killed(lambda: write(changes(tree)), 8, tree)
    assert find(["."]).unfinished
    assert kmigrate("--check", ".").status == 0


def test_one_message_where_it_cannot_be_mended(halfway: Path, kmigrate) -> None:
    (halfway / JOURNAL / "part").write_bytes(b"{")
    status, out, err = kmigrate("--write", "a.py")
    assert (status, out) == (2, b"")
    assert len(err.splitlines()) == 1
    assert "Traceback" not in err
