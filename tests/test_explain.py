"""`kmigrate explain FILE[:LINE]`: what was inferred, and why a line was edited or not."""

from __future__ import annotations

from pathlib import Path

import pytest

PROGRAM = """\
import numpy as np
from keras.layers import Conv2D, Dense, Flatten, Input
from keras.models import Model

AXIS = 1
data = np.zeros((8, 3, 6, 5))
table = np.zeros((4, 5))
data -= data.mean(axis=AXIS, keepdims=True)
table = table.mean(axis=1)
data = np.maximum(data, 0)
image = x = Input((3, 6, 5))
x = Conv2D(8, 3, data_format="channels_first")(x)
model = Model(image, Dense(10)(Flatten()(x)))
model.predict(data)
if AXIS == 2:
    data = data[:, 0]
count = 3
"""


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "a.py"
    path.write_text(PROGRAM)
    return path


@pytest.fixture
def explained(script: Path, kmigrate):
    def explain(line: int) -> str:
        status, out, err = kmigrate("explain", f"a.py:{line}", "--source-keras", "2.1.3")
        assert (status, err) == (0, "")
        return out.decode().split(f"a.py:{line}: ", 1)[1]

    return explain


def test_a_line_that_is_edited(explained) -> None:
    said = explained(6)
    assert "data: array N C H W (8x3x6x5) becomes N H W C\n" in said
    assert "(8, 3, 6, 5): shape N C H W (8x3x6x5) becomes N H W C\n" in said
    assert "evidence\n    `Conv2D` at line 12 is 'channels_first', which it meets\n" in said
    assert "`data` may be transposed here for 4: it is not\n" in said
    assert "edit at column 17: KM102 shape N C H W to N H W C" in said
    assert "no edit" not in said


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (7, "nothing channels-first reaches it"),
        (10, "its values change their layout, and the text is right for both"),
        (16, "it was not run: no call reaches it, or the constants above rule it out"),
        (17, "nothing here has a layout"),
        (4, "no code begins here"),
    ],
)
def test_a_line_that_is_not_edited_says_why(explained, line: int, why: str) -> None:
    assert f"  no edit: {why}\n" in explained(line)


def test_what_holds_a_value_is_named_with_its_place(script: Path, explained) -> None:
    script.write_text(PROGRAM.replace("data = np.maximum(data, 0)", "data = unheard_of(data)"))
    said = explained(10)
    assert "unheard_of(data): array N C H W (?x3x6x5) stays\n" in said
    assert "what holds them\n    KM105 a.py:10: `unheard_of` is not known\n" in said
    assert "`data` may be transposed here for 4: it is\n" in said
    assert "edit at column 8: KM105" in said


def test_every_context_of_a_line_is_shown(script: Path, explained) -> None:
    script.write_text(
        PROGRAM + "def mean(a):\n    return a.mean(axis=1)\nprint(mean(table))\nprint(mean(np.zeros((2, 3, 6, 5))))\n"
    )
    said = explained(19)
    assert " a: array ? (4): no channel that could move; array ? ? ? ? (2x3x6x5): no channel that could move\n" in said


def test_a_file_is_told_by_its_lines(script: Path, kmigrate) -> None:
    status, out, _ = kmigrate("explain", "a.py", "--source-keras", "2.1.3")
    text = out.decode()
    assert status == 0
    assert "a.py:13: model: done\n" in text
    assert "a.py:12: x = Conv2D" in text
    assert "KM101 'channels_first' to 'channels_last'" in text
    assert "a.py:17:" not in text  # nothing to tell
    assert len(text.splitlines()) < 60


def test_the_answers_are_those_of_a_run(script: Path, kmigrate) -> None:
    _, out, _ = kmigrate("explain", "a.py", "--source-keras", "2.1.3")
    _, diff, _ = kmigrate("a.py", "--source-keras", "2.1.3")
    edited = [line for line in diff.decode().splitlines() if line.startswith("-") and not line.startswith("---")]
    blocks = out.decode().split("\n\n")[1:]
    told = [block for block in blocks if "  edit at column" in block]
    assert len(told) >= len(edited) > 3
    assert {line[1:].strip() for line in edited} <= {block.split(": ", 1)[1].splitlines()[0] for block in told}


def test_a_module_of_a_program_is_explained_with_what_imports_it(tmp_path: Path, monkeypatch, kmigrate) -> None:
    monkeypatch.chdir(tmp_path)
    Path("setup.py").write_text("")
    Path("shapes.py").write_text("SHAPE = (3, 6, 5)\n")
    Path("main.py").write_text(
        "from shapes import SHAPE\n" + PROGRAM.replace("Input((3, 6, 5))", "Input(SHAPE)").replace("AXIS", "AX")
    )
    status, out, _ = kmigrate("explain", "shapes.py:1", "main.py", "--source-keras", "2.1.3")
    assert status == 0
    assert b"edit at column 9: KM102" in out
    status, out, _ = kmigrate("explain", "main.py:12", "--source-keras", "2.1.3")
    assert status == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.py:99"], "a.py: error: it has no line 99, only 18\n"),
        (["a.py:0"], "it has no line 0"),
        (["b.py"], "there is no file 'b.py'"),
        (["."], "there is no file '.'"),
        (["broken.py:1"], "KM905"),
        ([], "Missing argument"),
    ],
)
def test_errors(script: Path, kmigrate, arguments: list[str], message: str) -> None:
    Path("broken.py").write_text("import keras (\n")
    status, out, err = kmigrate("explain", *arguments)
    assert (status, out) == (2, b"")
    assert message.removeprefix("KM905") in err
    assert "Traceback" not in err


def test_a_file_without_keras_has_nothing_to_tell(tmp_path: Path, monkeypatch, kmigrate) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.py").write_text("x = 1\n")
    status, out, err = kmigrate("explain", "a.py:1")
    assert (status, err) == (0, "")
    assert b"no edit: nothing here has a layout" in out


def test_what_is_left_alone_for_its_size_says_so(script: Path, kmigrate, monkeypatch) -> None:
    from kmigrate.layout.interpret import state

    monkeypatch.setattr(state, "WORK_LIMIT", 5)
    status, out, _ = kmigrate("explain", "a.py:12")
    assert status == 0
    assert b"no edit: the program needs more steps than one run may take" in out


def test_the_plain_run_remembers_nothing() -> None:
    from kmigrate.layout.interpret.machine import Interpreter

    assert "had" not in vars(Interpreter) and "eval" not in vars(Interpreter)
