"""Each edit says why, in one line, with the evidence and its place."""

from __future__ import annotations

import pytest

from tests.layout.converting import convert

TEXT = """\
import numpy as np
from keras import backend as K
from keras.layers import *
from keras.models import Model
K.set_image_data_format('channels_first')
x = np.load('x.npy')
i = Input((3, 8, 6))
h = Conv2D(4, (3, 3))(i)
h = BatchNormalization(axis=1)(h)
h = Lambda(lambda t: t[:, :2])(h)
model = Model(i, Dense(2)(Flatten()(h)))
model.fit(x, np.ones((5, 2)))
"""


@pytest.fixture(scope="module")
def reasons() -> dict[str, str]:
    _, plan = convert(TEXT, source_keras="2.1.3", flatten="permute")
    return {edit.code: edit.reason for edit in plan.edits}


@pytest.mark.parametrize(
    ("code", "parts"),
    [
        pytest.param("KM101", ["'channels_first' to 'channels_last'"], id="setting"),
        pytest.param("KM102", ["C H W to H W C", "`Conv2D` at line 8", "line 5"], id="shape"),
        pytest.param("KM103", ["axis 1 to 3", "N C H W", "`Conv2D` at line 8"], id="axis"),
        pytest.param("KM104", ["N C H W to N H W C"], id="index"),
        pytest.param("KM105", ["`x` is N C H W"], id="transpose"),
        pytest.param("KM106", ["`Flatten` keeps the order N C H W"], id="permute"),
    ],
)
def test_the_evidence_is_named(reasons: dict[str, str], code: str, parts: list[str]) -> None:
    for part in parts:
        assert part in reasons[code]


def test_all_edits_of_a_model_are_one_group() -> None:
    _, plan = convert(TEXT, source_keras="2.1.3")
    assert len({edit.group for edit in plan.edits}) == 1


def test_edits_know_their_place() -> None:
    _, plan = convert(TEXT, source_keras="2.1.3")
    lines = TEXT.splitlines()
    for edit in plan.edits:
        assert TEXT.encode()[edit.start : edit.end].decode().split("\n")[0] in lines[edit.line - 1]


def test_an_unsaid_ordering_says_where_it_comes_from() -> None:
    text = TEXT.replace("K.set_image_data_format('channels_first')\n", "")
    text = text.replace("Conv2D(4, (3, 3))", "Convolution2D(4, 3, 3)")
    _, plan = convert(text, source_keras="1.0.8")
    (setter,) = [edit for edit in plan.edits if edit.code == "KM107"]
    assert "3 channel(s) first" in setter.reason or "default" in setter.reason
    assert plan.assumptions[0].what == "ordering"


def test_a_refusal_names_its_line() -> None:
    _, plan = convert(TEXT.replace("h = Lambda", "h = Activation('softmax')(h)\nh = Lambda"), source_keras="2.1.3")
    assert plan.edits == []
    assert any("line 10" in reason and "softmax" in reason for reason in plan.models[0].reasons)
