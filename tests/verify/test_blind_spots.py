"""Mistakes that the first samples, the loss and the predictions of a model do not show."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kmigrate.source import SourceFile
from kmigrate.verify import Certificate, Server, Verdict, VerifyOptions, compare
from kmigrate.verify.runner import Verification
from kmigrate.verify.sandbox import Program

pytestmark = pytest.mark.verify

BEFORE = """
import pickle
import keras
import matplotlib.pyplot as plt
import numpy as np
from keras import layers, ops

rng = np.random.default_rng(1)
x = rng.normal(size=(20, 8, 8, 8)) + np.arange(8).reshape((1, 8, 1, 1)) + 0.1 * np.arange(8) ** 2
films = rng.normal(size=(4, 3, 8, 8, 8))
x = np.concatenate([x, x[:, :, :, ::-1]])  # mirrored


def strongest(y_true, y_pred):
    return ops.mean(ops.max(y_pred, axis=1))


def look(values):
    return model.predict(values)


model = keras.Sequential([
    keras.Input((8, 8, 8)),
    layers.Conv2D(8, 3, padding="same", data_format="channels_first"),
    layers.SpatialDropout2D(0.5, data_format="channels_first"),  # maps
    layers.Dropout(0.5, noise_shape=(40, 8, 1, 1)),
])
model.compile("sgd", "mse", metrics=[strongest])
model.fit(x, x, batch_size=40)
for _ in range(6):
    look(x)
look(x[:, ::-1])  # another place
found = model.predict(x)
np.savez_compressed("a.npz", found.reshape(40, -1))  # compressed
np.savetxt("a.txt", found.reshape(40, -1))  # text
with open("a.pkl", "wb") as file:
    pickle.dump({"features": found.reshape(40, -1)}, file)
plt.imshow(x[0].transpose(1, 2, 0))
head = keras.Sequential([keras.Input((8, 8, 8)), layers.Flatten(), layers.Dense(3)])
head.set_weights([np.ones((512, 3)), np.ones(3)])
head.predict(x)
films_model = keras.Sequential([
    keras.Input((3, 8, 8, 8)),
    layers.TimeDistributed(layers.Conv2D(4, 3, data_format="channels_first")),
    layers.TimeDistributed(layers.GlobalAveragePooling2D(data_format="channels_first")),
    layers.LSTM(2),
])
films_model.predict(films)
"""

EDITS = {
    "setting": ('"channels_first"', '"channels_last"'),
    "data": ("np.arange(8) ** 2\n", "np.arange(8) ** 2\nx = x.transpose(0, 2, 3, 1)\n"),
    "films": ("size=(4, 3, 8, 8, 8))", "size=(4, 3, 8, 8, 8)).transpose(0, 1, 3, 4, 2)"),
    "samples beyond the first": ("x[:, :, :, ::-1]])", "x[:, :, ::-1]])"),
    "metric of fit": ("y_pred, axis=1", "y_pred, axis=3"),
    "noise shape": ("(40, 8, 1, 1)", "(40, 1, 1, 8)"),
    "a helper's other caller": ("look(x[:, ::-1])", "look(x[..., ::-1])"),
    "compressed": ("found.reshape(40, -1))  # compressed", "found.transpose(0, 3, 1, 2).reshape(40, -1))"),
    "text": ("found.reshape(40, -1))  # text", "found.transpose(0, 3, 1, 2).reshape(40, -1))"),
    "pickle": ("found.reshape(40, -1)}", "found.transpose(0, 3, 1, 2).reshape(40, -1)}"),
    "picture": ("x[0].transpose(1, 2, 0)", "x[0]"),
    "flatten": ("layers.Flatten()", "layers.Permute((3, 1, 2)), layers.Flatten()"),
}
MISTAKES = [name for name in EDITS if name not in ("setting", "data", "films")]


def after(without: str = "") -> str:
    text = BEFORE
    for name, (old, new) in EDITS.items():
        assert text.count(old) >= 1, name
        text = text if name == without else text.replace(old, new)
    return text


@pytest.fixture(scope="module")
def compared(
    servers: dict[str, Server], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], compare.Comparison]:
    """The comparison of a text with the one before, which runs once."""
    path = tmp_path_factory.mktemp("spots") / "p.py"

    def program(text: str) -> Program:
        return Program.of([SourceFile.from_bytes(text.encode(), path)], path)

    options = VerifyOptions(steps=2, samples=4)
    verification = Verification(servers["keras3"], options, None, Certificate(Verdict.NOT_VERIFIED, ""))
    logs = verification.before(program(BEFORE))
    return lambda text: verification.compared(logs, program(text))[0]


def test_the_right_conversion_is_equivalent(compared: Callable[[str], compare.Comparison]) -> None:
    found = compared(after())
    assert found.verdict is Verdict.EQUIVALENT, found.reason


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_different(mistake: str, compared: Callable[[str], compare.Comparison]) -> None:
    assert compared(after(mistake)).verdict is Verdict.DIFFERENT


def test_maps_that_drop_together(compared: Callable[[str], compare.Comparison]) -> None:
    wrong = after().replace('data_format="channels_last"),  # maps', 'data_format="channels_first"),')
    found = compared(wrong)
    assert found.verdict is Verdict.DIFFERENT
    assert "SpatialDropout2D" in found.reason and "dropped together" in found.reason
