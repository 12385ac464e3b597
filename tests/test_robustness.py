"""Files that are odd, hostile or too much: one clear message, the right exit status, and no byte lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
RELU = b"from keras import backend as K\nf = lambda x: K.relu(x, alpha=0.)\n"
DONE = RELU.replace(b", alpha=0.", b"")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


LEGAL = {
    "a byte order mark": b"\xef\xbb\xbf" + RELU,
    "latin-1 by its cookie": b"# -*- coding: latin-1 -*-\n# \xe9\n" + RELU + b"# \xff\n",
    "crlf": RELU.replace(b"\n", b"\r\n"),
    "cr": RELU.replace(b"\n", b"\r"),
    "mixed newlines": b"a = 1\r\nb = 2\rc = 3\n" + RELU,
    "no final newline": RELU.rstrip(b"\n"),
    "form feeds": b"\x0c\na = 1\n\x0c\n" + RELU + b"\x0c",
    "tabs and blanks": b"if 1:\n\ta = 1\n\tif 2:\n\t    b = 2\n" + RELU + b"x = 1 \t\n",
    "a backslash at the end of a line": b"a = 1 + \\\n    2\n" + RELU,
    "unusual blanks": "# \u00a0\u2028\u3000\n".encode() + RELU,
    "2,000 elif": RELU
    + b"a = 0\nif a == 0:\n    pass\n"
    + b"".join(b"elif a == %d:\n    pass\n" % i for i in range(2000)),
}


@pytest.mark.parametrize("name", LEGAL)
def test_what_is_legal_is_converted_or_left_with_a_word_and_keeps_all_else(kmigrate, name: str) -> None:
    data = LEGAL[name]
    Path("a.py").write_bytes(data)
    status, _, err = kmigrate("--write", "a.py")
    new = Path("a.py").read_bytes()
    if new == data:
        assert status == 2 or "left alone" in err
        assert err.count(" KM9") == 1, err
    else:
        assert (status, new) == (0, data.replace(b", alpha=0.", b""))


REFUSED = {
    "utf-16": RELU.decode().encode("utf-16"),
    "a cookie that does not fit": b"# coding: ascii\n# \xe9\n" + RELU,
    "nul": b"a = '\0'\n" + RELU,
    "Python 2": b"print 'x'\n" + RELU,
    "not Python": b"<html>" + RELU,
    "5,000 nested brackets": RELU + b"x = " + b"(" * 5000 + b"1" + b")" * 5000 + b"\n",
    "3,000 operators": RELU + b"x = " + b"-" * 3000 + b"1\n",
    "tabs that contradict": b"if 1:\n        a = 1\n\tb = 2\n" + RELU,
    "an unknown cookie": b"# coding: klingon\n" + RELU,
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_one_error_and_the_next_file_is_converted(kmigrate, name: str) -> None:
    Path("a.py").write_bytes(REFUSED[name])
    Path("b.py").write_bytes(RELU)
    status, _, err = kmigrate("--write", "a.py", "b.py")
    told = [line for line in err.splitlines() if line.startswith("a.py:")]
    assert Path("a.py").read_bytes() == REFUSED[name]
    assert Path("b.py").read_bytes() == DONE
    assert "Traceback" not in err
    if b"\0" in REFUSED[name] and not told:  # in UTF-16 no word of Keras is found: no Keras code
        assert name == "utf-16"
    else:
        assert (status, len(told)) == (2, 1), err


def test_an_empty_file_and_one_of_blanks(kmigrate) -> None:
    for data in (b"", b"\n\n", b"\xef\xbb\xbf", b"# keras"):
        Path("a.py").write_bytes(data)
        assert kmigrate("--write", "a.py").status == 0
        assert Path("a.py").read_bytes() == data


def test_a_large_generated_file(kmigrate) -> None:
    data = RELU + b"".join(b"x%d = [%d, 'abcdefghij', 1.5]\n" % (i, i) for i in range(12_000))
    Path("a.py").write_bytes(data)
    assert kmigrate("--write", "a.py").status in (0, 2)
    assert Path("a.py").read_bytes() in (data, data.replace(b", alpha=0.", b""))


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="no links here")
def test_links_in_a_circle(kmigrate) -> None:
    Path("sub").mkdir()
    os.symlink("..", "sub/up")
    os.symlink("a.py", "b.py")
    os.symlink("c.py", "c.py")
    Path("a.py").write_bytes(RELU)
    status, _, err = kmigrate("--write", ".")
    assert status == 0, err
    assert Path("a.py").read_bytes() == DONE
    assert Path("b.py").is_symlink()


def test_a_file_that_changes_while_it_is_read_is_not_overwritten(kmigrate, monkeypatch) -> None:
    from kmigrate import pipeline

    convert = pipeline.convert
    Path("a.py").write_bytes(RELU)

    def slow(*arguments, **options):
        results = convert(*arguments, **options)
        Path("a.py").write_bytes(b"# new\n" + RELU)
        return results

    monkeypatch.setattr(pipeline, "convert", slow)
    status, _, err = kmigrate("--write", "a.py")
    assert (status, "a.py: error: changed since it was read" in err) == (2, True)
    assert Path("a.py").read_bytes() == b"# new\n" + RELU


def test_a_full_disk_is_one_error(kmigrate, monkeypatch) -> None:
    Path("a.py").write_bytes(RELU)

    def full(descriptor, *arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    status, _, err = kmigrate("--write", "a.py")
    assert (status, "No space left on device" in err, "Traceback" in err) == (2, True, False)
    assert Path("a.py").read_bytes() == RELU
    assert [path.name for path in Path().iterdir()] == ["a.py"]


@pytest.mark.skipif(os.name == "nt", reason="no such signals here")
def test_ctrl_c_ends_with_130_and_nothing_half_written() -> None:
    for i in range(30):
        Path(f"a{i}.py").write_bytes(RELU)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "kmigrate", "--write", "."]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as process:
        time.sleep(0.6)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode in (0, 130, -signal.SIGINT)
    if process.returncode == 130:
        assert b"Traceback" not in err
    assert {path.read_bytes() for path in Path().glob("*.py")} <= {RELU, DONE}
