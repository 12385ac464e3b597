"""What is left alone, byte for byte, with the code that says why."""

from __future__ import annotations

from pathlib import Path

import pytest

from kmigrate.plan import Status
from tests.layout.converting import IMAGES, around, codes, convert, statuses

HEAD = """\
import numpy as np
from keras import backend as K
from keras.layers import *
from keras.models import Model, Sequential
K.set_image_data_format('channels_first')
x = np.zeros((5, 3, 8, 6))
"""
MODEL = """\
i = Input((3, 8, 6))
h = Conv2D(4, (3, 3), padding='same')(i)
{layer}
model = Model(i, GlobalMaxPooling2D()(h))
model.fit(x, np.ones((5, 4)))
"""
TAIL = """\
i = Input((3, 8, 6))
h = Conv2D(4, (3, 3), padding='same')(i)
{layer}
model.fit(x, np.ones((5, 4)))
"""

LAYERS = {
    "softmax over the width": ("h = Activation('softmax')(h)", "KM901"),
    "softmax in a convolution": ("h = Conv2D(4, 3, activation='softmax')(h)", "KM901"),
    "Dense on a map": ("h = Dense(4)(h)", "KM901"),
    "channels for steps": ("h = TimeDistributed(Dense(5))(h)", "KM901"),
    "a layer that is not known": ("h = Swirl(4)(h)", "KM901"),
    "mixed layouts": ("h = MaxPooling2D(data_format='channels_last')(h)", "KM902"),
    "a Lambda that is not known": ("h = Lambda(swirl)(h)", "KM901"),
    "an axis that is not known": ("h = BatchNormalization(axis=int(input()))(h)", "KM901"),
    "a setting that is not known": ("h = Conv2D(4, 3, data_format=input())(h)", "KM903"),
    "an order that is not known": ("h = Permute(tuple(map(int, input())))(h)", "KM901"),
    "weights": ("h = Conv2D(4, 3, weights=[np.zeros((3, 3, 4, 4)), np.zeros(4)])(h)", "KM901"),
    "channels that are split": ("h = Reshape((2, 2, 8, 6))(h)\nh = Lambda(lambda t: t[:, 1])(h)", "KM105"),
    "branches with two models": (
        "if K.image_data_format() == 'channels_first':\n    h = MaxPooling2D()(h)\n"
        "else:\n    h = AveragePooling2D()(h)",
        "KM901",
    ),
}
TAILS = {
    "layers by number": ("model = Model(i, GlobalMaxPooling2D()(h))\nprint(model.layers[1].output)", "KM901"),
    "given away with a number": ("model = Model(i, GlobalMaxPooling2D()(h))\nstrange(model, 2)", "KM906"),
    "exec": ("model = Model(i, GlobalMaxPooling2D()(h))\nexec(input())", "KM901"),
}


@pytest.mark.parametrize(("layer", "code"), LAYERS.values(), ids=LAYERS)
def test_layers(layer: str, code: str) -> None:
    text = HEAD + MODEL.format(layer=layer)
    new, plan = convert(text, source_keras="2.1.3")
    assert new == text
    assert set(statuses(plan)) <= {Status.LEFT_ALONE, Status.ASKED}
    assert code in codes(plan)


@pytest.mark.parametrize(("layer", "code"), TAILS.values(), ids=TAILS)
def test_uses(layer: str, code: str) -> None:
    text = HEAD + TAIL.format(layer=layer)
    new, plan = convert(text, source_keras="2.1.3")
    assert new == text
    assert statuses(plan) == [Status.LEFT_ALONE]
    assert code in codes(plan)


@pytest.mark.parametrize(
    "helper",
    [
        pytest.param("def f(a):\n    return a - a.mean(axis=1, keepdims=True)", id="axis"),
        pytest.param("def f(a, axis=1):\n    return a - a.mean(axis=axis, keepdims=True)", id="default"),
        pytest.param("def f(a):\n    a[:, 1] = 0\n    return a", id="index"),
        pytest.param("def f(a):\n    a[:, 1] -= 3\n    return a", id="in place"),
        pytest.param("def f(a):\n    return a[:, ::-1]", id="slice"),
        pytest.param("def f(a):\n    n, c, h, w = a.shape\n    return a * c", id="unpacked shape"),
    ],
)
@pytest.mark.parametrize("other", ["np.load('q.npy')", "strange()"], ids=["file", "unknown"])
def test_one_text_for_two_layouts(helper: str, other: str) -> None:
    """A helper that also gets an array which stays channels-first must not be rewritten for the other one."""
    text = HEAD + helper + f"\nx = f(x)\nnp.save('q.npy', f({other}))\n" + MODEL.format(layer="")
    new, _ = convert(text, source_keras="2.1.3")
    assert helper in new


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(
            "q = np.load('q.npy')\nfor k in range(9):\n    z = q\n    if strange(k):\n"
            "        z = q.transpose(0, 3, 1, 2)\n        break",
            id="break",
        ),
        pytest.param(
            "q = np.load('q.npy')\nfor k in range(strange()):\n    z = q\n    if strange(k):\n"
            "        z = q.transpose(0, 3, 1, 2)\n        continue",
            id="continue",
        ),
        pytest.param(
            "q = np.load('q.npy')\nz = q\nk = 9\nwhile k > strange():\n    if strange(k):\n"
            "        z = q.transpose(0, 3, 1, 2)\n        break\n    k -= 1",
            id="while",
        ),
    ],
)
def test_names_keep_what_they_hold_at_a_break(lines: str) -> None:
    text = HEAD + lines + "\n" + MODEL.format(layer="").replace("fit(x,", "fit(z,") + "strange(model, 2)\n"
    new, plan = convert(text, source_keras="2.1.3")
    assert (new, statuses(plan)) == (text, [Status.LEFT_ALONE])


def test_kernels_of_keras_1() -> None:
    text = (HEAD + MODEL.format(layer="h = Convolution2D(4, 3, 3, weights=[w, b])(h)")).replace(
        "set_image_data_format('channels_first')", "set_image_dim_ordering('th')"
    )
    new, plan = convert(text, source_keras="1.2.2")
    assert new == text
    assert "KM901" in codes(plan)


def test_another_file_imports_this_one(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "main.py").write_text("import network\nnetwork.model.predict(data())\n")
    path = tmp_path / "network.py"
    text = HEAD + MODEL.format(layer="")
    path.write_text(text)
    new, plan = convert(text, str(path), source_keras="2.1.3")
    assert new == text
    assert codes(plan) == {"KM904"}


def test_too_much_work_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    from kmigrate.layout.interpret import state

    monkeypatch.setattr(state, "WORK_LIMIT", 50)
    text = HEAD + MODEL.format(layer="")
    new, plan = convert(text)
    assert new == text
    assert codes(plan) == {"KM908"}


@pytest.mark.parametrize(
    "body",
    [
        "n = 3\nfor i in range(60):\n    n = n * n",
        "s = 'x'\nfor i in range(60):\n    s = s + s",
        "s = [1]\nfor i in range(60):\n    s = s + s",
        "s = [1]\nfor i in range(60):\n    s += s",
        "s = [1]\nfor i in range(60):\n    s.extend(s)",
        "s = [1]\nfor i in range(60):\n    s = [s, s]\nprint(s)",
        "import sys\nn = len(sys.argv)\nfor i in range(60):\n    n = n * n + n",
        "import sys\nn = len(sys.argv)\nfor a in sys.argv:\n for b in a:\n  for c in b:\n   n = n + n * n",
        "d = {}\nfor i in range(60):\n    d = {'a': d, 'b': d}\nprint(d)",
        "t = ()\nfor i in range(60):\n    t = t + t + (1,)",
    ],
)
def test_what_loops_double_does_not_fill_the_memory(body: str) -> None:
    _, plan = around(body, IMAGES)
    assert statuses(plan) == [Status.DONE], plan.diagnostics
