"""`kmigrate.migrate`, for programs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import kmigrate

PROGRAM = """\
from keras import backend as K
f = lambda x: K.relu(x, alpha=0.)
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_text_is_converted_and_nothing_is_written(tmp_path: Path) -> None:
    done = kmigrate.migrate(PROGRAM, path="a.py")
    assert done.changed
    assert done.text == PROGRAM.replace(", alpha=0.", "")
    assert [edit.code for edit in done.edits] == ["KM201"]
    assert done.diff.startswith("--- a/a.py\n+++ b/a.py\n")
    assert done.error is None
    assert list(tmp_path.iterdir()) == []


def test_nothing_to_do() -> None:
    done = kmigrate.migrate("x = 1\r\n")
    assert (done.text, done.changed, done.diff, done.edits) == ("x = 1\r\n", False, "", ())


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("import keras\nx = (", "KM905"),
        ("import keras\nprint 'x'\n", "KM401"),
        ("# coding: latin-1\n# keras \u20ac\n", "KM905"),
        ("# coding: nonsense\n# keras\n", "KM905"),
    ],
)
def test_what_cannot_be_converted_comes_back_with_the_reason(text: str, code: str) -> None:
    done = kmigrate.migrate(text)
    assert done.error is not None
    assert (done.error.code, done.text, done.changed) == (code, text, False)


def test_a_text_with_a_cookie() -> None:
    text = "# coding: latin-1\n# \xe9\n" + PROGRAM
    assert kmigrate.migrate(text).text == text.replace(", alpha=0.", "")


def test_options_are_those_of_the_command_line() -> None:
    assert not kmigrate.migrate(PROGRAM, ignore=["KM2"]).changed
    with pytest.raises(TypeError, match="orderin"):
        kmigrate.migrate(PROGRAM, orderin="th")


def test_the_package_says_that_it_is_typed_and_is_imported_when_it_is_used() -> None:
    assert (Path(kmigrate.__file__).parent / "py.typed").exists()
    code = "import sys, kmigrate; assert 'kmigrate.api' not in sys.modules; kmigrate.nonsense"
    root = str(Path(kmigrate.__file__).parents[1])
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False)
    assert "AttributeError: module 'kmigrate' has no attribute 'nonsense'" in done.stderr
