"""Relu and layout edits of one program, one line and one call go together."""

from __future__ import annotations

from pathlib import Path

import pytest

from kmigrate import pipeline
from kmigrate.discovery import Candidate
from kmigrate.options import Options

HEAD = """\
import numpy as np
from keras import backend as K
from keras.layers import Activation, Convolution2D, Dense, Flatten, Lambda, LeakyReLU, MaxPooling2D
from keras.models import Sequential

model = Sequential()
model.add(MaxPooling2D((2, 2), dim_ordering='th', input_shape=(1, 96, 96)))
"""
TAIL = """\
model.add(Flatten())
model.add(Dense(10, activation='softmax'))
model.compile(loss='categorical_crossentropy', optimizer='sgd')
x = np.zeros((6, 1, 96, 96))
model.fit(x, np.zeros((6, 10)))
"""
ACTIVATIONS = [
    ("lambda t: K.relu(t, alpha=0.)", "'relu'"),
    ("LeakyReLU(0.)", "'relu'"),
    ("lambda t: K.relu(t) - .1 * K.relu(-t)", "lambda t: K.relu(t, alpha=.1)"),
    ("lambda t: K.maximum(.1 * t, t)", "lambda t: K.relu(t, alpha=.1)"),
    ("lambda t: K.maximum(t, 0)", "lambda t: K.relu(t)"),
]
LAYERS = [
    ("Lambda(lambda t: K.maximum(.1 * t[:, :4], t[:, :4]))", "Lambda(lambda t: K.relu(t[:, :, :, :4], alpha=.1))"),
    (
        "Lambda(lambda t: K.relu(t[:, :4]) - .1 * K.relu(-t[:, :4]))",
        "Lambda(lambda t: K.relu(t[:, :, :, :4], alpha=.1))",
    ),
    ("Lambda(lambda t: K.clip(K.relu(t[:, :4]), 0, 3))", "Lambda(lambda t: K.minimum(K.relu(t[:, :, :, :4]), 3))"),
    ("Lambda(lambda t: K.maximum(t[:, :4], 0.))", "Lambda(lambda t: K.relu(t[:, :, :, :4]))"),
    ("LeakyReLU(0)", "Activation('relu')"),
]


def program(old: bool) -> str:
    """Convolutions with the activations, each followed by one of the layers."""
    ordering = "th" if old else "tf"
    lines = [
        f"model.add(Convolution2D(8, 3, 3, dim_ordering='{ordering}', activation={activation[not old]}))\n"
        f"model.add({layer[not old]})\n"
        for activation, layer in zip(ACTIVATIONS, LAYERS)
    ]
    text = "".join([HEAD, *lines, TAIL])
    return text if old else text.replace("1, 96, 96", "96, 96, 1").replace("='th'", "='tf'")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The project around a file is read: here that would be all of this one."""
    monkeypatch.chdir(tmp_path)


def converted(text: str) -> pipeline.Result:
    (result,) = pipeline.convert([Candidate("a.py", text.encode())], Options(source_keras="1.2"))
    assert result.error is None, result.error
    return result


def test_one_program() -> None:
    """What is a relu and has a layout is right in both; nothing is left for a second run."""
    assert converted(program(old=True)).new_text == program(old=False)


def test_what_the_layout_leaves_alone() -> None:
    text = program(old=True).replace("model.add(Flatten())", "model.add(strange(9))")
    assert "dim_ordering='th', activation='relu'" in (converted(text).new_text or "")
