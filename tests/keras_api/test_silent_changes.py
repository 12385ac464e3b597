"""Old calls that Keras 3 takes without a word and with another meaning: each is rewritten."""

from __future__ import annotations

from pathlib import Path

import pytest

from kmigrate import pipeline
from kmigrate.discovery import Candidate
from kmigrate.options import Options

# Imports that say nothing of the version, the call, and what it becomes for Keras 1.2.2, 2.2.4 and 2.3.1.
CALLS = [
    ("Conv2D(32, 3, 3)", ("Conv2D(32, (3, 3))",) * 3),
    ("Conv2D(32, 3, 3, activation='relu')", ("Conv2D(32, (3, 3), activation='relu')",) * 3),
    ("BatchNormalization(1e-5)", ("BatchNormalization(epsilon=1e-5)",) * 3),
    (
        "SGD(.01, .9, 1e-6, True)",
        (
            "SGD(keras.optimizers.schedules.InverseTimeDecay(.01, 1, 1e-6), .9, True)",
            "SGD(keras.optimizers.schedules.InverseTimeDecay(.01, 1, 1e-6), .9, True)",
            None,
        ),
    ),
    (
        "RMSprop(.001, .9, 1e-8)",
        ("RMSprop(.001, .9, epsilon=1e-8)", "RMSprop(.001, .9, epsilon=1e-8)", None),
    ),
    (
        "Adagrad(.01, 1e-8)",
        ("Adagrad(.01, epsilon=1e-8, initial_accumulator_value=0.0)",) * 2,
    ),
    ("Adam(.001, .9, .999, True)", (None, "Adam(.001, .9, .999, amsgrad=True)", "Adam(.001, .9, .999, amsgrad=True)")),
    (
        "Adam(decay=1e-4)",
        (
            "Adam(epsilon=1e-08, learning_rate=keras.optimizers.schedules.InverseTimeDecay(0.001, 1, 1e-4))",
            "Adam(learning_rate=keras.optimizers.schedules.InverseTimeDecay(0.001, 1, 1e-4))",
        ),
    ),
    ("SGD(clipnorm=1.)", ("SGD(global_clipnorm=1.)",) * 3),
]
IMPORTS = "import keras\nfrom keras.layers import BatchNormalization, Conv2D\nfrom keras.optimizers import *\n"


def converted(call: str, **options: str) -> str | None:
    """The last line of a program of this call."""
    data = f"{IMPORTS}x = {call}\n".encode()
    (result,) = pipeline.convert([Candidate("a.py", data)], Options(target="keras3", **options))  # type: ignore[arg-type]
    assert result.error is None
    return None if result.new_text is None else result.new_text.splitlines()[-1].removeprefix("x = ")


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("call", "expected"), CALLS)
def test_each_is_rewritten(call: str, expected: tuple[str | None, ...]) -> None:
    for version, text in zip(("1.2.2", "2.2.4", "2.3.1"), expected):
        if text is not None:
            assert converted(call, source_keras=version) == text


@pytest.mark.parametrize("call", [call for call, _ in CALLS if "clipnorm" not in call])
def test_each_is_noticed_where_nothing_else_tells_the_version(call: str) -> None:
    """`clipnorm` says nothing: Keras 3 means the norm of each variable."""
    assert converted(call, ordering="tf") not in (None, call)


@pytest.mark.parametrize(
    "call",
    [
        *("Conv2D(32, (3, 3))", "Conv2D(32, 3)", "BatchNormalization(1)", "SGD(.01, .9, True)"),
        *("RMSprop(.001, .9, .5)", "Adagrad(.01, .1)", "Adam(.001, .9, .999, 1e-8)", "SGD(clipnorm=1.)"),
    ],
)
def test_what_keras_3_means_too_stays(call: str) -> None:
    assert converted(call) is None
