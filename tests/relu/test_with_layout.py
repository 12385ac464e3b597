"""Relu and layout edits of one program, one line and one call go together."""

from __future__ import annotations

import pytest

from kmigrate import pipeline
from kmigrate.discovery import Candidate
from kmigrate.options import Options

PROGRAM = """\
import numpy as np
from keras import backend as K
from keras.layers import Activation, Convolution2D, Dense, Flatten, Lambda, LeakyReLU, MaxPooling2D
from keras.models import Sequential

model = Sequential()
model.add({first})
model.add({second})
model.add(MaxPooling2D((2, 2), dim_ordering='th'))
model.add(Flatten())
model.add(Dense(10, activation='softmax'))
model.compile(loss='categorical_crossentropy', optimizer='sgd')
x = np.zeros((6, 1, 28, 28))
model.fit(x, np.zeros((6, 10)))
"""
FIRST = "Convolution2D(8, 3, 3, dim_ordering='th', input_shape=(1, 28, 28)"


def converted(first: str, second: str = "Activation('relu')") -> tuple[str, str]:
    """The two lines after a run with the layout that everything else needs."""
    text = PROGRAM.format(first=first, second=second)
    (result,) = pipeline.convert([Candidate("a.py", text.encode())], Options(source_keras="1.2"))
    assert result.error is None, result.error
    assert result.new_text is not None
    assert "np.zeros((6, 28, 28, 1))" in result.new_text
    lines = [line for line in result.new_text.splitlines() if line.startswith("model.add(")]
    return lines[0].removeprefix("model.add(")[:-1], lines[1].removeprefix("model.add(")[:-1]


CONVOLUTION = "Convolution2D(8, 3, 3, dim_ordering='tf', input_shape=(28, 28, 1)"


@pytest.mark.parametrize(
    ("activation", "after"),
    [
        ("lambda t: K.relu(t, alpha=0.)", "'relu'"),
        ("LeakyReLU(0.)", "'relu'"),
        ("lambda t: K.relu(t) - .1 * K.relu(-t)", "lambda t: K.relu(t, alpha=.1)"),
        ("lambda t: K.maximum(.1 * t, t)", "lambda t: K.relu(t, alpha=.1)"),
        ("lambda t: K.maximum(t, 0)", "lambda t: K.relu(t)"),
    ],
)
def test_one_call(activation: str, after: str) -> None:
    assert converted(f"{FIRST}, activation={activation})")[0] == f"{CONVOLUTION}, activation={after})"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Lambda(lambda t: K.maximum(.1 * t[:, :4], t[:, :4]))", "Lambda(lambda t: K.relu(t[:, :, :, :4], alpha=.1))"),
        (
            "Lambda(lambda t: K.relu(t[:, :4]) - .1 * K.relu(-t[:, :4]))",
            "Lambda(lambda t: K.relu(t[:, :, :, :4], alpha=.1))",
        ),
        ("Lambda(lambda t: K.clip(K.relu(t[:, :4]), 0, 3))", "Lambda(lambda t: K.minimum(K.relu(t[:, :, :, :4]), 3))"),
        ("Lambda(lambda t: K.maximum(t[:, :4], 0.))", "Lambda(lambda t: K.relu(t[:, :, :, :4]))"),
        ("LeakyReLU(0)", "Activation('relu')"),
    ],
)
def test_one_line(before: str, after: str) -> None:
    first, second = converted(f"{FIRST})", before)
    assert (first, second) == (f"{CONVOLUTION})", after)


def test_what_the_layout_leaves_alone() -> None:
    text = PROGRAM.format(first=f"{FIRST}, activation=lambda t: K.maximum(t, 0.))", second="strange(9)")
    (result,) = pipeline.convert([Candidate("a.py", text.encode())], Options(source_keras="1.2"))
    assert result.new_text == text.replace("K.maximum(t, 0.)", "K.relu(t)")
