from __future__ import annotations

import json

import pytest

from kmigrate.options import Options
from kmigrate.prepare import KERAS3, TF_KERAS, Prepared, Side, prepare
from kmigrate.source import SourceFile

KERAS1 = """from keras.layers import Convolution2D, Flatten
from keras.models import Sequential
model = Sequential()
model.add(Convolution2D(4, 3, 3, border_mode='same', input_shape=(3, 20, 24)))
"""
KERAS2 = KERAS1.replace("4, 3, 3, border_mode", "4, (3, 3), padding")
EITHER = """import keras
model = keras.Sequential([keras.layers.MaxPooling2D((2, 2), input_shape=(9, 9, 9))])
"""


def prepared(text: str, after: str | None = None, **options: str) -> Prepared:
    files = [SourceFile.from_bytes(t.encode(), "p.py") for t in (text, text if after is None else after)]
    before, after_ = (Side.of(file) for file in files)
    return prepare(before, after_, [], Options(**options))


@pytest.mark.parametrize(
    ("text", "stack"),
    [
        (KERAS1, KERAS3),  # as a port
        (KERAS2, TF_KERAS),
        (EITHER, TF_KERAS),
        (EITHER + "keras.ops.relu(1)", KERAS3),
        (EITHER.replace("import keras", "from tensorflow import keras"), TF_KERAS),
    ],
)
def test_the_version_chooses_the_stack(text: str, stack: str) -> None:
    ready = prepared(text)
    assert ready.stack == stack
    assert (ready.before[0].raw == text.encode()) is (text is not KERAS1)


@pytest.mark.parametrize(
    ("version", "stack", "ported"),
    [
        ("1.0.5", KERAS3, True),
        ("1.2", KERAS3, True),
        ("2.1", KERAS3, True),
        ("2.3", TF_KERAS, False),
        ("3", KERAS3, False),
    ],
)
def test_the_version_that_is_said_counts(version: str, stack: str, ported: bool) -> None:
    ready = prepared(EITHER, source_keras=version)
    assert (ready.stack, "ported" in ready.source_keras) == (stack, ported)


def test_both_sides_are_ported_for_one_version_and_ordering() -> None:
    ready = prepared(KERAS1, KERAS1.replace("(3, 20, 24)", "(20, 24, 3)"), source_keras="1.0.5")
    assert ready.source_keras == "1.0.5, ported to Keras 3"
    assert ready.ordering_text.startswith("th")
    for (file,) in (ready.before, ready.after):
        assert b"padding='same'" in file.raw
        assert b"set_image_data_format('channels_first')" in file.raw


@pytest.mark.parametrize(("ordering", "expected"), [("th", "channels_first"), ("tf", "channels_last")])
def test_the_ordering_that_is_said_counts(ordering: str, expected: str) -> None:
    ready = prepared(EITHER, ordering=ordering)
    assert (ready.ordering, ready.ordering_text) == (expected, f"{expected} (--ordering says so)")
    ready = prepared(KERAS1.replace("(3, 20, 24)", "(9, 9, 9)"), ordering=ordering)
    assert f"set_image_data_format('{expected}')".encode() in ready.before[0].raw


def test_what_is_not_ported_stops_the_program_where_it_runs() -> None:
    ready = prepared(KERAS1 + "if 0:\n    from keras.engine.training import slice_X\n    slice_X([1])\n")
    assert b"    kmigrate_not_ported('p.py:7: " in ready.before[0].raw
    assert any("not ported, so it must not run: p.py:7" in note for note in ready.notes)


def test_where_the_version_is_a_guess_it_is_said_how_to_name_it() -> None:
    assert "--source-keras 3" in prepared(EITHER).advice
    assert prepared(EITHER, source_keras="2.3").advice == ""


def test_of_a_notebook_its_program_runs() -> None:
    cells = [{"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": text}
             for text in ("%matplotlib inline\n" + KERAS1, "model.summary()")]  # fmt: skip
    notebook = json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}).encode()
    side = Side.of(SourceFile.from_bytes(notebook, "p.ipynb"))
    (file,) = prepare(side, side, [], Options(source_keras="1.2")).before
    assert file.path.name == "p.ipynb"
    text = file.raw.decode()
    compile(text, "p.ipynb", "exec")
    assert "padding='same'" in text and "model.summary()" in text
