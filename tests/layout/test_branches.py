"""What depends on the ordering: right in both worlds, or left alone with a reason."""

from __future__ import annotations

import pytest

from kmigrate.plan import Status
from tests.layout.converting import codes, convert, statuses

PROGRAM = """\
import numpy as np
from keras import backend as K
from keras.layers import *
from keras.models import Sequential
K.set_image_data_format('channels_first')
{body}
model = Sequential()
model.add(Conv2D(4, (3, 3), input_shape={shape}))
{layers}
model.add(GlobalMaxPooling2D())
model.fit(np.zeros((5, 3, 20, 16)), np.ones((5, 4)))
"""
FIRST = "K.image_data_format() == 'channels_first'"


def program(body: str, layers: str = "", shape: str = "(3, 20, 16)") -> str:
    return PROGRAM.format(body=body, layers=layers, shape=shape)


def flipped(text: str) -> str:
    """The text after the conversion that only the ambient and the data need."""
    text = text.replace("set_image_data_format('channels_first')", "set_image_data_format('channels_last')")
    text = text.replace("np.zeros((5, 3, 20, 16))", "np.zeros((5, 20, 16, 3))")
    return text.replace("input_shape=(3, 20, 16)", "input_shape=(20, 16, 3)")


def stays(text: str, code: str) -> None:
    new, plan = convert(text, source_keras="2.1.3")
    assert new == text
    assert code in codes(plan)


@pytest.mark.parametrize(
    "layers",
    [
        "model.add(Conv2D({n}, (3, 3)))",
        "model.add(Conv2D(4, ({n}, {n})))",
        "model.add(Conv2D(4, (3, 3), strides={n}))",
        "model.add(Conv2D(4, (3, 3), use_bias={n} > 1))",
        "model.add(Dropout(1 / {n}))",
        "model.add(UpSampling2D(({n}, 1)))",
        "for i in range({n}):\n    model.add(Conv2D(4, (3, 3)))",
        "i = 0\nwhile i < {n}:\n    model.add(Conv2D(4, (3, 3)))\n    i += 1",
        "if {n} > 1:\n    model.add(Conv2D(4, (3, 3)))\nelse:\n    model.add(Conv2D(4, (3, 3), strides=(2, 2)))",
        "model.fit(np.ones((5, 3, 20, 16)), np.ones((5, 4)), epochs={n})",
        "model.compile({{1: 'sgd', 2: 'adam'}}[{n}], 'mse')",
        "model.fit(np.zeros((5, 3, 20, 16)) * {n}, np.ones((5, 4)))",
        "d = np.zeros((5, 3, 20, 16))\nd *= {n}\nmodel.fit(d, np.ones((5, 4)))",
        "model.fit(np.zeros((5, 3, 22, 16))[:, :, {n}:20 + {n}], np.ones((5, 4)))",
        "model.fit(np.clip(np.zeros((5, 3, 20, 16)), 0, {n}), np.ones((5, 4)))",
        "model.fit(load({n}), np.ones((5, 4)))",
    ],
)
@pytest.mark.parametrize(
    "number",
    [
        f"2 if {FIRST} else 1",
        "{'channels_first': 2, 'channels_last': 1}[K.image_data_format()]",
        f"[1, 2][{FIRST}]",
        f"1 + int({FIRST})",
        f"{FIRST} and 2 or 1",
        "2 if K.image_data_format() in ('th', 'channels_first') else 1",
        "2 if K.image_data_format().lower().startswith('channels_f') else 1",
    ],
)
def test_no_setting_flips_that_changes_another_number(number: str, layers: str) -> None:
    text = program(f"n = {number}", layers.format(n="n"))
    new, plan = convert(text, source_keras="2.1.3")
    assert new == text
    assert statuses(plan) == [Status.LEFT_ALONE]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param("d = load('x.h5', K.image_data_format())", "KM901", id="given to what is not known"),
        pytest.param("n = 2 if K.image_data_format() is 'channels_first' else 3", "KM901", id="is"),
        pytest.param("x = np.load('x_%s.npy' % K.image_data_format())", "KM902", id="the name of a file"),
        pytest.param("x = K.image_data_format()[9]", "KM901", id="a letter of it"),
        pytest.param("open('a_' + K.image_data_format())", "KM902", id="another file"),
    ],
)
def test_what_is_told_the_ordering_keeps_it(body: str, code: str) -> None:
    stays(program(body), code)


@pytest.mark.parametrize(
    "body",
    [
        "print(K.image_data_format(), 'is %s' % K.image_data_format())",
        "assert K.image_data_format() in {'channels_first', 'channels_last'}",
        "if K.image_data_format() not in ('channels_first', 'channels_last'):\n    raise ValueError",
        "if K.image_data_format() is None:\n    raise ValueError",
        "import warnings\nwarnings.warn('using ' + K.image_data_format())",
        "assert K.image_data_format().lower() in ('channels_first', 'channels_last')",
    ],
)
def test_what_is_the_same_in_both_worlds_does_not_hold_it(body: str) -> None:
    text = program(body)
    new, plan = convert(text, source_keras="2.1.3")
    assert new == flipped(text)
    assert statuses(plan) == [Status.DONE]


@pytest.mark.parametrize(
    "body",
    [
        f"first = {FIRST}\naxis = 1 if first else -1",
        f"axis = {FIRST} and 1 or 3",
        f"axis = [3, 1][{FIRST}]",
        f"first = {FIRST} and True\nif not first:\n    axis = 3\nelse:\n    axis = 1",
        "axis = {'channels_first': 1, 'channels_last': 3}[K.image_data_format()]",
        "axis = {'channels_first': 1}.get(K.image_data_format(), 3)",
        "axis = 1 if K.image_data_format().lower() == 'channels_first' else 3",
    ],
)
def test_an_axis_may_follow_the_setting_in_many_ways(body: str) -> None:
    text = program(body, "model.add(BatchNormalization(axis=axis))")
    new, plan = convert(text, source_keras="2.1.3")
    assert new == flipped(text)
    assert statuses(plan) == [Status.DONE]


def test_a_literal_that_others_are_told_stays() -> None:
    text = """\
    import numpy as np
    from keras.layers import *
    from keras.models import Sequential
    form = 'channels_first'
    images = load(form)
    model = Sequential()
    model.add(Conv2D(4, (3, 3), input_shape=(3, 20, 16), data_format=form))
    model.add(GlobalMaxPooling2D(data_format=form))
    model.fit(images, np.ones((5, 4)))
    """
    new, plan = convert(text, source_keras="2.1.3")
    assert "form = 'channels_first'" in new
    assert statuses(plan) == [Status.LEFT_ALONE]
    assert statuses(convert(text.replace("load(form)", "load('channels_first')"))[1]) == [Status.BORDERS]
