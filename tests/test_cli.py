from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from kmigrate import __version__, commands, extra, pipeline, proof
from kmigrate.options import Options
from kmigrate.verify import Certificate, Verdict

pytestmark = pytest.mark.usefixtures("settings_only")

FIRST = b"import keras\nx = 'channels_first'\n"
LAST = b"import keras\nx = 'channels_last'\n"
DIFF = b"--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,2 @@\n import keras\n-x = 'channels_first'\n+x = 'channels_last'\n"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make(name: str, data: bytes = FIRST) -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


# What is shown and written


def test_the_default_shows_the_diff_and_writes_nothing(kmigrate) -> None:
    path = make("a.py")
    status, out, err = kmigrate("a.py")
    assert (status, out) == (0, DIFF)
    assert "a.py:2: model: done\n" in err
    assert err.endswith("1 Python file with Keras code: 1 would change\n")
    assert path.read_bytes() == FIRST


def test_write(kmigrate) -> None:
    path = make("a.py")
    path.chmod(0o755)
    status, out, err = kmigrate("--write", "a.py")
    assert (status, out) == (0, b"")
    assert err.endswith("1 Python file with Keras code: 1 written\n")
    assert path.read_bytes() == LAST
    assert stat.S_IMODE(path.stat().st_mode) == 0o755


def test_a_second_run_has_nothing_to_do_and_touches_nothing(kmigrate) -> None:
    path = make("a.py")
    kmigrate("--write", "a.py")
    before = path.stat().st_mtime_ns
    status, out, err = kmigrate("--write", "a.py")
    assert (status, out) == (0, b"")
    assert err == "1 Python file with Keras code: 1 with nothing to do\n"
    assert path.stat().st_mtime_ns == before


def test_check_only_tells(kmigrate) -> None:
    path = make("a.py")
    status, out, err = kmigrate("--check", "a.py")
    assert (status, out) == (1, b"")
    assert "1 would change" in err
    assert path.read_bytes() == FIRST
    make("a.py", LAST)
    assert kmigrate("--check", "a.py").status == 0


def test_strict_tells_what_was_left_alone_by_its_status(kmigrate) -> None:
    make("a.py", b"import keras\nstrange()\n")
    status, _, err = kmigrate("a.py")
    assert status == 0
    assert "a.py:2: odd: left alone because strange() is not understood\n" in err
    assert err.endswith("1 Python file with Keras code: 1 with something left alone\n")
    assert kmigrate("--strict", "a.py").status == 3
    make("b.py")
    assert kmigrate("--strict", "--check", ".").status == 1
    make("c.py", b"keras (")
    assert kmigrate("--strict", "--check", ".").status == 2


def test_a_tree_without_keras(kmigrate) -> None:
    make("a.py", b"x = 1\n")
    make("b.py", b"y = (\n")
    assert kmigrate(".") == (0, b"", "nothing to do: no Keras code in 2 Python files\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["gone.py"], "gone.py: error: no such file or folder\n", id="missing"),
        pytest.param(["empty"], "empty: error: no Python files in this folder\n", id="no Python files"),
        pytest.param(["broken.py"], "broken.py:2:5: KM905 not Python as of ", id="syntax"),
        pytest.param(["old.py"], "old.py:2:1: KM401 this is Python 2 (a print statement)", id="python 2"),
        pytest.param(["bytes.py"], "bytes.py:1:10: KM905 byte 0xe9 is not utf-8", id="undecodable"),
    ],
)
def test_an_error_is_one_message_and_the_others_go_on(kmigrate, arguments, message: str) -> None:
    make("broken.py", b"import keras\nx = (\n")
    make("old.py", b"import keras\nprint 'x'\n")
    make("bytes.py", b"keras = '\xe9'\n")
    os.mkdir("empty")
    make("a.py")
    status, out, err = kmigrate(*arguments, "a.py")
    assert (status, out) == (2, DIFF)
    assert err.startswith(message)
    assert err.count(arguments[0]) == 1


@pytest.mark.parametrize("data", [b"import keras\nx = (\n", b"import keras\nprint 'x'\n", b"keras = '\xe9'\n"])
def test_a_file_that_does_not_parse_is_never_emptied(kmigrate, data: bytes) -> None:
    path = make("a.py", data)
    assert kmigrate("--write", "a.py").status == 2
    assert path.read_bytes() == data


def test_a_file_that_cannot_be_written_is_an_error_and_the_others_go_on(kmigrate, monkeypatch) -> None:
    stuck, path = make("a.py"), make("b.py")
    real_replace = os.replace

    def refuse(source, target):
        if str(target).endswith("a.py"):
            raise PermissionError(13, "Permission denied")
        real_replace(source, target)

    monkeypatch.setattr(os, "replace", refuse)
    status, _, err = kmigrate("--write", ".")
    assert status == 2
    assert "a.py: error: Permission denied\n" in err
    assert err.endswith("2 Python files with Keras code: 1 written, 1 not written\n")
    assert (stuck.read_bytes(), path.read_bytes()) == (FIRST, LAST)


# The diff


@pytest.mark.skipif(shutil.which("git") is None, reason="git applies the diff")
@pytest.mark.parametrize(
    ("name", "data"),
    [
        pytest.param("a.py", FIRST, id="plain"),
        pytest.param("a.py", FIRST.replace(b"\n", b"\r\n"), id="crlf"),
        pytest.param("a.py", FIRST.rstrip(b"\n"), id="no final newline"),
        pytest.param("a.py", b"\xef\xbb\xbf" + FIRST, id="bom"),
        pytest.param("a.py", b"# coding: latin-1\n# \xe9\n" + FIRST + b"# \xe9\n", id="latin-1"),
        pytest.param("a.py", b"# \x1b \x0c\n" + FIRST, id="control characters"),
        pytest.param("pkg/my model é.py", FIRST, id="blanks and accents in the name"),
        pytest.param('pkg/a"b\\c.py', FIRST, id="quotes in the name"),
    ],
)
def test_git_applies_the_diff_and_gets_what_write_writes(kmigrate, name: str, data: bytes) -> None:
    subprocess.run(["git", "init", "-q", "."], check=True)
    path = make(name, data)
    diff = kmigrate(".").out
    subprocess.run(["git", "apply", "-"], input=diff, check=True)
    applied = path.read_bytes()
    make(name, data)
    kmigrate("--write", ".")
    assert applied == path.read_bytes() == data.replace(b"channels_first", b"channels_last")


@pytest.mark.skipif(shutil.which("git") is None, reason="git applies the diff")
@pytest.mark.parametrize("above", [True, False])
def test_the_diff_applies_where_it_was_made(kmigrate, here: Path, monkeypatch, above: bool) -> None:
    subprocess.run(["git", "init", "-q", "."], check=True)
    path = here / make("sub/deep/a.py")
    monkeypatch.chdir(here / "sub")
    diff = kmigrate(here / "sub" if above else "deep").out
    assert diff.startswith(b"--- a/deep/a.py\n")
    subprocess.run(["git", "apply", "-"], input=diff, check=True)
    assert path.read_bytes() == LAST


def test_a_file_outside_the_working_folder_is_named_in_full(kmigrate, here: Path, monkeypatch) -> None:
    make("a.py")
    os.mkdir("sub")
    monkeypatch.chdir("sub")
    assert kmigrate("../a.py").out.startswith(b"--- a/" + os.fsencode(here)[1:] + b"/a.py\n")


def test_the_diff_is_coloured_on_a_terminal_alone() -> None:
    from kmigrate.report.diff import coloured

    text = coloured(DIFF.replace(b"\n", b"\r\n"), "utf-8")
    assert "\x1b[31m-x = 'channels_first'\x1b[0m\n\x1b[32m+x" in text
    assert "\x1b[1m--- a/a.py" in text


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="no terminals here")
@pytest.mark.parametrize("wanted", [True, False])
def test_a_terminal_gets_colours_unless_it_declines(kmigrate, monkeypatch, wanted: bool) -> None:
    make("a.py")
    monkeypatch.delenv("NO_COLOR", raising=False)
    if not wanted:
        monkeypatch.setenv("NO_COLOR", "1")
    controller, terminal = os.openpty()
    with os.fdopen(terminal, "w") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        assert kmigrate("a.py").status == 0
        stdout.write("end")
        stdout.flush()
        out = os.read(controller, 10_000)
    os.close(controller)
    assert (b"\x1b[31m-x = 'channels_first'\x1b[0m" in out) is wanted
    assert b"+x = 'channels_last'" in out


# Standard input


def test_stdin_is_shown_as_a_diff_under_its_name(kmigrate) -> None:
    status, out, err = kmigrate("--diff", "-", "--stdin-filename", "a.py", stdin=FIRST)
    assert (status, out) == (0, DIFF)
    assert "a.py:2: model: done" in err


def test_stdin_is_written_to_stdout(kmigrate, here: Path) -> None:
    crlf = FIRST.replace(b"\n", b"\r\n")
    for options in ([], ["--write"], ["--stdin-filename", "b.py"]):
        status, out, _ = kmigrate(*options, "-", stdin=crlf)
        assert (status, out) == (0, LAST.replace(b"\n", b"\r\n"))
    assert list(here.iterdir()) == []


def test_stdin_is_written_to_a_file(kmigrate, here: Path) -> None:
    assert kmigrate("-", "--output-file", "out", stdin=FIRST)[:2] == (0, b"")
    assert (here / "out").read_bytes() == LAST


@pytest.mark.parametrize(
    ("data", "expected"),
    [(b"x = 1\r\n", 0), (LAST, 0), (b"import keras\nx = (\n", 2), (b"keras \xe9", 2), (b"", 0)],
)
def test_stdin_comes_back_where_nothing_changes(kmigrate, data: bytes, expected: int) -> None:
    status, out, _ = kmigrate("--write", "-", stdin=data)
    assert (status, out) == (expected, data)


def test_stdin_comes_back_even_after_a_crash(kmigrate, monkeypatch) -> None:
    def crash(candidates, options, given):
        raise SystemError("boom")

    monkeypatch.setattr(pipeline, "convert", crash)
    status, out, err = kmigrate("--write", "-", stdin=FIRST)
    assert (status, out) == (2, FIRST)
    assert "SystemError: boom" in err


def test_the_diff_is_shown_beside_what_else_is_done(kmigrate) -> None:
    path = make("a.py")
    assert kmigrate("--check", "--diff", "a.py")[:2] == (1, DIFF)
    assert kmigrate("--write", "--diff", "a.py")[:2] == (0, DIFF)
    assert path.read_bytes() == LAST


def test_check_of_stdin(kmigrate) -> None:
    assert kmigrate("--check", "-", stdin=FIRST)[:2] == (1, b"")
    assert kmigrate("--check", "-", stdin=LAST)[:2] == (0, b"")


# Options and commands


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--nonsense", "a.py"],
        ["--write", "--check", "a.py"],
        ["--check", "--verify", "a.py"],
        ["-", "a.py"],
        ["--stdin-filename", "b.py", "a.py"],
        ["--ordering", "tensorflow", "a.py"],
        ["--source-keras", "new", "a.py"],
        ["--target", "keras9", "a.py"],
        ["--select", "KM777", "a.py"],
        ["--ignore", "", "a.py"],
        ["verify", "a.py"],
        ["verify", "a.py", "gone.py"],
        ["rule", "KM777"],
    ],
)
def test_bad_usage_is_status_2_and_changes_nothing(kmigrate, arguments: list[str]) -> None:
    path = make("a.py")
    status, out, err = kmigrate(*arguments)
    assert (status, out) == (2, b"")
    assert "Error: " in err
    assert path.read_bytes() == FIRST


def test_options_reach_the_analysis(kmigrate, monkeypatch) -> None:
    seen = []
    monkeypatch.setattr(pipeline, "convert", lambda candidates, options, given: seen.append(options) or [])
    make("a.py")
    chosen = "--ordering th --source-keras 1.2 --source-backend theano --flatten permute --select km1,KM201"
    kmigrate(*chosen.split(), "--ignore", "KM104", "--ignore", "KM2", "a.py")
    (options,) = seen
    assert (options.ordering, options.source_keras, options.source_backend) == ("th", "1.2", "theano")
    assert (options.target, options.flatten) == ("same", "permute")
    assert (options.select, options.ignore) == (("KM1", "KM201"), ("KM104", "KM2"))


def test_a_command_is_taken_by_its_very_name_alone(kmigrate) -> None:
    make("verify/a.py")
    make("rules", FIRST)
    assert b"+x = 'channels_last'" in kmigrate("./verify").out
    assert b"+x = 'channels_last'" in kmigrate("--ordering", "th", "rules").out
    assert b"KM101" in kmigrate("rules").out
    assert kmigrate("verify").status == 2


def test_version_and_help(kmigrate) -> None:
    for option in ("-v", "--version"):
        assert kmigrate(option)[:2] == (0, f"kmigrate {__version__}\n".encode())
    for arguments in (["--help"], ["-h"], ["verify", "--help"], ["rule", "--help"]):
        status, out, _ = kmigrate(*arguments)
        assert status == 0
        assert out.startswith(b"Usage: kmigrate")


def test_shells_complete_options(kmigrate, monkeypatch) -> None:
    monkeypatch.setenv("_KMIGRATE_COMPLETE", "bash_source")
    assert b"_KMIGRATE_COMPLETE=bash_complete" in kmigrate().out
    monkeypatch.setenv("_KMIGRATE_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "kmigrate --stdin-f")
    monkeypatch.setenv("COMP_CWORD", "1")
    assert kmigrate().out == b"plain,--stdin-filename\n"


def test_every_code_has_documentation(kmigrate) -> None:
    from kmigrate.codes import CODES

    listed = kmigrate("rules").out.decode()
    for code, entry in CODES.items():
        assert f"{code}  {entry.name}" in listed
        status, out, _ = kmigrate("rule", code.lower())
        assert status == 0
        assert entry.summary in out.decode()


def test_an_interrupt_is_status_130(kmigrate, monkeypatch) -> None:
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(commands, "convert", interrupt)
    assert kmigrate("a.py").status == 130


def test_an_output_that_is_closed_early_is_no_error() -> None:
    make("a.py", FIRST + b"\nx = 'channels_first'" * 20_000)
    command = [sys.executable, "-m", "kmigrate", "--help"]
    environment = {**os.environ, "PYTHONPATH": str(Path(commands.__file__).parents[1])}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        err = process.stderr.read()
    assert (process.returncode, err) == (0, b"")


# Verification


@pytest.fixture
def said() -> list[Options]:
    """The options that reached verification."""
    return []


@pytest.fixture
def given() -> list[dict]:
    """How verification was to be done."""
    return []


@pytest.fixture
def verdict(monkeypatch, said, given):
    """Let verification come to a verdict without running anything."""

    def choose(name: str) -> list[tuple[bytes, bytes]]:
        calls = []

        def prove(old, new, changes, options, servers, how):
            calls.append((old.files[0].raw, new.files[0].raw))
            said.append(options)
            given.append(how)
            return Certificate(Verdict[name], "because")

        monkeypatch.setattr(proof, "_prove", prove)
        monkeypatch.setattr(extra, "missing", lambda: "")
        return calls

    return choose


STATUS = {"EQUIVALENT": 0, "EQUIVALENT_EXCEPT_AT_0": 0, "DIFFERENT": 1, "INACCURATE": 3, "NOT_VERIFIED": 3}


@pytest.mark.parametrize("name", STATUS)
def test_only_what_is_verified_is_written(kmigrate, verdict, name: str) -> None:
    calls = verdict(name)
    path = make("a.py")
    status, _, err = kmigrate("--write", "--verify", "a.py")
    assert status == STATUS[name]
    assert f"a.py: {Verdict[name].value}: because\n" in err
    assert calls == [(FIRST, LAST)]
    assert path.read_bytes() == (LAST if status == 0 else FIRST)
    assert err.endswith("1 written\n" if status == 0 else "1 not written\n")


@pytest.mark.parametrize(("name", "is_written"), [("NOT_VERIFIED", True), ("DIFFERENT", False), ("INACCURATE", False)])
def test_allow_unverified_lets_pass_what_was_not_verified_alone(kmigrate, verdict, name, is_written) -> None:
    verdict(name)
    path = make("a.py")
    status, _, _ = kmigrate("--write", "--verify", "--allow-unverified", "a.py")
    assert (status == 0) is is_written
    assert path.read_bytes() == (LAST if is_written else FIRST)


def test_nothing_is_run_where_nothing_changes(kmigrate, verdict) -> None:
    calls = verdict("DIFFERENT")
    make("a.py", LAST)
    assert kmigrate("--write", "--verify", "a.py").status == 0
    assert calls == []


@pytest.mark.parametrize("name", STATUS)
def test_the_verify_command(kmigrate, verdict, name: str) -> None:
    calls = verdict(name)
    make("a.py")
    make("b.py", LAST)
    assert kmigrate("verify", "a.py", "b.py")[:2] == (
        STATUS[name],
        f"{Verdict[name].value}: because\n".encode(),
    )
    assert calls == [(FIRST, LAST)]


@pytest.mark.parametrize("command", [["--verify", "a.py"], ["verify", "a.py", "b.py"]])
def test_what_is_said_of_the_source_reaches_verification(kmigrate, verdict, said, command: list[str]) -> None:
    verdict("EQUIVALENT")
    make("a.py")
    make("b.py", LAST)
    kmigrate(*command, "--source-keras", "1.2", "--ordering", "th", "--source-backend", "theano")
    (options,) = said
    assert (options.source_keras, options.ordering, options.source_backend) == ("1.2", "th", "theano")


@pytest.mark.parametrize("command", [["--verify", "a.py"], ["verify", "a.py", "b.py"]])
def test_what_stands_behind_two_hyphens_is_for_the_script(kmigrate, verdict, given, command: list[str]) -> None:
    verdict("EQUIVALENT")
    make("a.py")
    make("b.py", LAST)
    assert kmigrate(*command, "--data", "mine:data", "--", "--epochs", "2").status == 0
    (how,) = given
    assert tuple(how["argv"]) == ("--epochs", "2")
    assert how["own_data"] == ("mine:data", os.getcwd())
    assert kmigrate(*command, "--data", "mine").status == 2


@pytest.mark.parametrize("command", [["--write", "--verify", "a.py"], ["verify", "a.py", "b.py"]])
def test_without_its_extra_verification_says_what_to_install(kmigrate, verdict, monkeypatch, command) -> None:
    calls = verdict("EQUIVALENT")
    monkeypatch.setattr(extra, "missing", lambda: "verifying needs numpy: pip install 'kmigrate[verify]'")
    path = make("a.py")
    make("b.py", LAST)
    status, out, err = kmigrate(*command)
    assert (status, out, calls) == (2, b"", [])
    assert err == "error: verifying needs numpy: pip install 'kmigrate[verify]'\n"
    assert path.read_bytes() == FIRST


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\xff", "b.py:1:1: byte 0xff is not utf-8: invalid start byte"),
        (b"x = (\n", "b.py:1:5: not Python as of "),
        (b"x = 1\nprint 'x'\n", "b.py:2:1: this is Python 2"),
        (b"x\0y", "b.py:1:2: a NUL character"),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_the_verify_command_explains_what_is_no_python(kmigrate, verdict, data, message, first: bool) -> None:
    calls = verdict("EQUIVALENT")
    make("a.py")
    make("b.py", data)
    status, out, err = kmigrate("verify", *(["b.py", "a.py"] if first else ["a.py", "b.py"]))
    assert (status, out, calls) == (2, b"", [])
    assert err.startswith(f"error: {message}")
    assert err.count("\n") == 1


def test_the_files_of_a_program_are_written_together_or_not_at_all(kmigrate, monkeypatch) -> None:
    for name in ("a.py", "b.py", "c.py"):
        make(name)
    convert = pipeline.convert

    def two_programs(*args, **kwargs):
        results = convert(*args, **kwargs)
        for result in results:
            result.program = int(result.path == "c.py")
        make("b.py", LAST + b"# edited meanwhile\n")
        return results

    monkeypatch.setattr(pipeline, "convert", two_programs)
    status, _, err = kmigrate("--write", ".")
    assert status == 2
    assert "b.py: error: changed since it was read; nothing was written\n" in err
    assert err.endswith("1 written, 2 not written\n")
    assert [Path(name).read_bytes() for name in ("a.py", "c.py")] == [FIRST, LAST]
