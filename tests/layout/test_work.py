"""Recursion, values that grow, and plans with many conflicts."""

from __future__ import annotations

import pytest

from kmigrate.layout.interpret.machine import Interpreter
from kmigrate.plan import Status
from tests.layout.converting import codes, convert, program, statuses

HEAD = """\
import numpy as np
from keras.layers import Activation, Conv2D, Dense, Flatten, Input
from keras.models import Model
depth = int(input())
data = np.zeros((8, 3, 6, 5))
"""
MODEL = """
image = x = Input((3, 6, 5))
x = Conv2D(8, 3, data_format="channels_first")(x)
model = Model(image, Dense(10)(Flatten()(x)))
"""
MOVED = MODEL.replace("(3, 6, 5)", "(6, 5, 3)").replace("channels_first", "channels_last")


@pytest.mark.parametrize(
    ("argument", "use"),
    [("a", "np.mean(a, axis=1)"), ("a * 2", "np.mean(a, axis=1)"), ("a[:, :, ::2]", "a[:, 1]")],
)
def test_a_recursion_that_nothing_known_ends_is_not_edited_for_some_of_its_depths(argument: str, use: str) -> None:
    walk = f"def walk(a, d):\n    if d:\n        walk({argument}, d - 1)\n    print({use}.sum())\nwalk(data, depth)\n"
    new, plan = convert(HEAD + walk + MODEL + "model.predict(data)\n" * 4, source_keras="2.1.3")
    assert statuses(plan) == [Status.BORDERS]
    assert walk in new
    assert MOVED in new
    assert new.count("model.predict(np.transpose(data, (0, 2, 3, 1)))") == 4


def test_a_recursion_that_constants_end_is_followed_to_its_end() -> None:
    stack = (
        "def stack(x, d):\n    if d > 0:\n        return Activation('relu')(stack(x, d - 1))\n"
        "    return Conv2D(8, 3, data_format='channels_first')(x)\n"
    )
    body = MODEL.replace('Conv2D(8, 3, data_format="channels_first")(x)', "stack(x, 12)")
    new, plan = convert(HEAD + stack + body + "model.predict(data)\n", source_keras="2.1.3")
    assert statuses(plan) == [Status.DONE]
    assert "data_format='channels_last'" in new


def test_a_walk_through_folders_does_not_stop_the_conversion() -> None:
    load = """\
def load(path, level=0):
    found = []
    for name in os.listdir(path):
        if os.path.isdir(name):
            found += [item for item in load(os.path.join(path, name), level + 1)]
            found.extend(load(name))
        else:
            with open(name) as file:
                found.append(file.read())
    return found
names = load(".")
"""
    new, plan = convert("import os\n" + HEAD + load + MODEL + "model.predict(data)\n", source_keras="2.1.3")
    assert statuses(plan) == [Status.DONE]
    assert load in new


@pytest.mark.parametrize(
    "line",
    [
        "t = (1, 2)\n" + "t = t + t\n" * 60,
        "t = [1]\n" + "t = t * 60\n" * 60,
        "t = [1]\n" + "t += t\n" * 60,
        "t = [1]\n" + "t.extend(t)\n" * 60,
    ],
)
def test_a_sequence_that_doubles_is_not_followed_for_ever(line: str) -> None:
    _, plan = convert(HEAD + line + MODEL + "model.predict(data)\n", source_keras="2.1.3")
    assert statuses(plan) == [Status.DONE] or codes(plan) == {"KM908"}


@pytest.mark.parametrize(
    "line",
    [
        "n = 3\n" + "n = n * n\n" * 60,
        "n = 3\n" + "n = n ** 60\n" * 10,
        "n = 1 << 60 << 60 << 60 << 60 << 60 << 60\n" + "n = n << 64\n" * 60,
        "s = 'a'\n" + "s = s + s\n" * 60,
        "s = 'a' * 9000\n" + "s = s * 9000\n" * 9,
        "s = b'%99999999999d' % 1\n",
    ],
)
def test_numbers_and_texts_that_grow_are_no_longer_computed(line: str) -> None:
    _, plan = convert(HEAD + line + MODEL + "model.predict(data)\n", source_keras="2.1.3")
    assert statuses(plan) == [Status.DONE]


def one_of_many(number: int) -> str:
    """A model with a helper that is called on its images and on a table: text that two contexts share."""
    return f"""
def mean{number}(a):
    return np.mean(a, axis=1)
data{number} = np.zeros((8, 3, 6, 5))
print(mean{number}(np.ones((4, 5))))
print(mean{number}(data{number}))
{MODEL.replace("model", f"model{number}")}
model{number}.predict(data{number})
"""


def test_many_conflicts_of_models_that_have_nothing_in_common_are_all_settled() -> None:
    text = HEAD + "".join(one_of_many(number) for number in range(30))
    _, plan = convert(text, source_keras="2.1.3")
    assert statuses(plan) == [Status.BORDERS] * 30


def test_a_plan_that_takes_too_many_rounds_is_given_up_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    from kmigrate.layout import planning

    monkeypatch.setattr(planning, "MIN_ROUNDS", 1)
    monkeypatch.setattr(planning, "PLANNING_LIMIT", 1)
    text = HEAD + one_of_many(0)
    new, plan = convert(text, source_keras="2.1.3")
    assert (new, statuses(plan), codes(plan)) == (text, [Status.LEFT_ALONE], {"KM908"})


@pytest.mark.parametrize("feeds", ["model.predict(np.load('a.npy'))\n" * 300, None])
def test_no_number_of_transposes_is_dearer_than_a_layer_that_stays(feeds: str | None) -> None:
    loops = "".join(f"{'    ' * i}for i{i} in range(depth):\n" for i in range(5)) + " " * 20
    _, plan = convert(HEAD + MODEL + (feeds or f"{loops}model.predict(np.load('a.npy'))\n"), source_keras="2.1.3")
    assert statuses(plan) == [Status.BORDERS]


# -- what is run again ----------------------------------------------------------------------------------


def runs(monkeypatch: pytest.MonkeyPatch, text: str, **options: str) -> list[int]:
    """The steps of each run that the analysis of a text takes."""
    found: list[int] = []
    real = Interpreter.run

    def run(self: Interpreter) -> None:
        real(self)
        found.append(self.steps)

    monkeypatch.setattr(Interpreter, "run", run)
    program(text, **options)
    monkeypatch.setattr(Interpreter, "run", real)
    return found


RANKS = "a = np.load('a.npy')\nb = a.mean(axis=-1)\n"  # its rank is found out behind this: by the model


def test_a_program_without_channels_first_layers_is_not_run_again_for_the_ranks_of_arrays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    last = HEAD + RANKS + MOVED
    assert (
        len(runs(monkeypatch, last + "model.predict(a)\n", source_keras="2.1.3")) == 2
    )  # the second knows the version
    first = HEAD + RANKS + MODEL
    assert len(runs(monkeypatch, first + "model.predict(a)\n", source_keras="2.1.3")) > 2


def test_whether_a_script_follows_any_ordering_is_seen_in_one_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """It starts from what the runs before it found out, for they took the program for channels-first too."""
    text = (
        HEAD.replace("Conv2D, ", "Convolution2D, ")
        + RANKS
        + """
shape, axis = ((9, 6, 5), 1) if K.image_dim_ordering() == "th" else ((6, 5, 9), 3)
image = Input(shape)
model = Model(image, BatchNormalization(axis=axis)(Convolution2D(8, 3, 3)(image)))
model.predict(a)
"""
    )
    head = "from keras import backend as K\nfrom keras.layers import BatchNormalization\n"
    trials: list[bool] = []
    real = Interpreter.run
    monkeypatch.setattr(Interpreter, "run", lambda self: trials.append(self.known.trial) or real(self))
    plan = program(head + text).plan
    assert statuses(plan) == [Status.ASKED]  # the array would have to be transposed
    assert (trials.count(True), trials.count(False) > 1) == (1, True)
