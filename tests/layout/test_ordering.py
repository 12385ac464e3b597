"""The ambient ordering: set, tested, implied, or told; and what the versions make of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from kmigrate.plan import Status
from tests.layout.converting import codes, convert, statuses

IMPLIED = """\
import numpy as np
from keras.layers import *
from keras.models import Sequential

model = Sequential()
model.add(Convolution2D(4, 3, 3, input_shape=(3, 20, 16)))
model.add(Flatten())
model.add(Dense(4))
model.fit(np.zeros((5, 3, 20, 16)), np.ones((5, 4)))
"""
# The numbers say nothing of which is the channel.
UNCLEAR = IMPLIED.replace("3, 20, 16", "11, 13, 12")
SET = """\
import numpy as np
from keras import backend as K
from keras.layers import *
from keras.models import Sequential
K.set_image_data_format('channels_first')
{body}
model = Sequential()
model.add(Conv2D(4, (3, 3), input_shape={shape}))
model.add(BatchNormalization(axis={axis}))
model.add(GlobalMaxPooling2D())
model.fit(np.zeros((5, 3, 20, 16)), np.ones((5, 4)))
"""


def body(text: str, shape: str = "(3, 20, 16)", axis: str = "1") -> str:
    return SET.format(body=text, shape=shape, axis=axis)


@pytest.mark.parametrize(
    "setter",
    [
        "K.set_image_data_format('channels_first')",
        "K.set_image_dim_ordering('th')",
        "keras.backend.set_image_data_format('channels_first')",
        "keras.config.set_image_data_format('channels_first')",
        "K.common.set_image_dim_ordering('th')",
        "first = 'channels_first'\nK.set_image_data_format(first)",
        "import keras.backend as B\nB.set_image_data_format('channels_first')",
    ],
)
def test_the_setter_is_what_changes(setter: str) -> None:
    text = "import keras\n" + body("").replace("K.set_image_data_format('channels_first')", setter)
    new, plan = convert(text, source_keras="2.2.4")
    assert setter.replace("channels_first", "channels_last").replace("'th'", "'tf'") in new
    assert "set_image" in new and new.count("set_image") == 1
    assert statuses(plan) == [Status.DONE]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            body(
                "if K.image_data_format() == 'channels_first':\n    shape, axis = (3, 20, 16), 1\n"
                "else:\n    shape, axis = (20, 16, 3), -1",
                "shape",
                "axis",
            ),
            id="both branches",
        ),
        pytest.param(
            body(
                "shape = (3, 20, 16) if K.image_data_format() == 'channels_first' else (20, 16, 3)\n"
                "axis = 3 if K.image_data_format() != 'channels_first' else 1",
                "shape",
                "axis",
            ),
            id="ternaries",
        ),
        pytest.param(
            body(
                "def axis_of():\n    if K.image_data_format() == 'channels_first':\n        return 1\n    else:\n"
                "        return 3",
                "(3, 20, 16)",
                "axis_of()",
            ),
            id="helper",
        ),
    ],
)
def test_branches_that_are_right_stay(text: str) -> None:
    new, plan = convert(text, source_keras="2.1.3")
    expected = text.replace("set_image_data_format('channels_first')", "set_image_data_format('channels_last')")
    expected = expected.replace("np.zeros((5, 3, 20, 16))", "np.zeros((5, 20, 16, 3))")
    assert new == expected.replace("input_shape=(3, 20, 16)", "input_shape=(20, 16, 3)")
    assert statuses(plan) == [Status.DONE]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param(
            body("axis = 1 if K.image_data_format() == 'channels_first' else 2", axis="axis"), "KM902", id="wrong axis"
        ),
        pytest.param(
            body("axis = 1 if K.image_data_format() == 'channels_first' else 5", axis="axis"), "KM902", id="no axis"
        ),
        pytest.param(
            body("shape = (3, 20, 16) if K.image_data_format() == 'channels_first' else (16, 20, 3)", "shape"),
            "KM902",
            id="other shape",
        ),
        pytest.param(
            body(
                "if K.image_data_format() == 'channels_first':\n    axis = 1\nelse:\n    raise ValueError", axis="axis"
            ),
            "KM902",
            id="raises",
        ),
        pytest.param(body("assert K.image_data_format() == 'channels_first'"), "KM902", id="assert"),
        pytest.param(
            body("if K.image_data_format() == 'channels_first' and len(strange()) > 2:\n    pass"),
            "KM901",
            id="one of two conditions",
        ),
        pytest.param(body("K.set_image_data_format(strange())"), "KM903", id="set from outside"),
        pytest.param(body("K._IMAGE_DATA_FORMAT = 'channels_first'"), "KM903", id="private attribute"),
    ],
)
def test_branches_that_are_not_right(text: str, code: str) -> None:
    new, plan = convert(text, source_keras="2.1.3")
    assert new == text
    assert code in codes(plan)


def test_a_half_renamed_test_is_told_of() -> None:
    text = body("axis = 1 if K.image_data_format() == 'th' else -1", axis="axis")
    _, plan = convert(text, source_keras="2.1.3")
    assert "KM902" in codes(plan)


def test_a_reshape_of_pixels_in_both_branches_is_no_transpose() -> None:
    """Under the other ordering the same numbers would be another picture (docs/facts.md, 8)."""
    reshape = (
        "x = np.load('rows.npy')\nif K.image_data_format() == 'channels_first':\n    x = x.reshape(5, 3, 20, 16)\n"
        "else:\n    x = x.reshape(5, 20, 16, 3)"
    )
    text = body(reshape).replace("model.fit(np.zeros((5, 3, 20, 16))", "model.fit(x")
    new, plan = convert(text, source_keras="2.1.3")
    assert (new, statuses(plan)) == (text, [Status.LEFT_ALONE])


# -- an ordering that nothing says ------------------------------------------------------------------------


def test_evidence_of_the_shape() -> None:
    new, plan = convert(IMPLIED, source_keras="1.2.2")
    assert "input_shape=(20, 16, 3)" in new
    assert "K.set_image_dim_ordering('tf')" in new
    assert "3 channel(s) first" in plan.assumptions[0].why


@pytest.mark.parametrize(
    ("version", "stated"),
    [
        pytest.param("1.0.5", "dim_ordering='tf'", id="setters reach no layer"),
        pytest.param("1.0.8", "K.set_image_dim_ordering('tf')", id="default th"),
        pytest.param("auto", "dim_ordering='tf'", id="version not known"),
    ],
)
def test_the_new_ordering_is_stated(version: str, stated: str) -> None:
    new, plan = convert(IMPLIED, source_keras=version)
    assert stated in new
    assert statuses(plan) == [Status.DONE]


def test_a_default_decides_where_the_shape_does_not() -> None:
    first, _ = convert(UNCLEAR, source_keras="1.0.8")
    last, plan = convert(UNCLEAR, source_keras="1.2.2")
    assert "input_shape=(13, 12, 11)" in first
    assert (last, statuses(plan)) == (UNCLEAR, [Status.NOTHING])


def test_otherwise_it_is_asked_and_told() -> None:
    new, plan = convert(UNCLEAR)
    assert (new, statuses(plan)) == (UNCLEAR, [Status.ASKED])
    assert codes(plan) == {"KM903"}
    told, _ = convert(UNCLEAR, ordering="th")
    assert "input_shape=(13, 12, 11)" in told
    assert convert(UNCLEAR, ordering="tf")[0] == UNCLEAR


def test_a_conflict_with_what_is_told() -> None:
    new, plan = convert(IMPLIED, ordering="tf")
    assert new == IMPLIED
    assert "KM902" in codes(plan)


@pytest.mark.parametrize(
    ("rest", "status", "code"),
    [
        pytest.param("", Status.ASKED, "KM903", id="default not known"),
        pytest.param("2.1.3", Status.LEFT_ALONE, "KM902", id="default is channels-last"),
    ],
)
def test_some_layers_say_it_and_the_others_do_not(rest: str, status: Status, code: str) -> None:
    """The input shape fits the layers that say their ordering, and proves nothing for the others (docs/facts.md, 6)."""
    text = IMPLIED.replace("input_shape", "dim_ordering='th', input_shape")
    text = text.replace("Flatten()", "MaxPooling2D()").replace("model.add(Dense(4))\n", "")
    new, plan = convert(text, source_keras=rest or "auto")
    assert (new, statuses(plan)) == (text, [status])
    assert code in codes(plan)


# -- what lies around the file ----------------------------------------------------------------------------


def project(folder: Path, **files: str) -> str:
    (folder / ".git").mkdir()
    for name, text in files.items():
        (folder / name.replace("_", ".", 1)).write_text(text)
    path = folder / "train.py"
    path.write_text(UNCLEAR)
    return str(path)


def test_keras_json_in_the_project(tmp_path: Path) -> None:
    path = project(tmp_path, keras_json='{"image_dim_ordering": "th", "backend": "theano"}')
    new, plan = convert(UNCLEAR, path, source_keras="1.2.2")
    assert "input_shape=(13, 12, 11)" in new
    assert "keras.json" in plan.assumptions[0].why


@pytest.mark.parametrize(("pinned", "changed"), [("keras==1.0.8", True), ("keras==2.1.3", False)])
def test_requirements_of_the_project(tmp_path: Path, pinned: str, changed: bool) -> None:
    path = project(tmp_path, requirements_txt=pinned + "\n")
    new, _ = convert(UNCLEAR, path)
    assert ("(13, 12, 11)" in new) is changed


ASSERTED = """\
import numpy as np
from keras import backend as K
from keras.layers import Convolution2D, GlobalMaxPooling2D
from keras.models import Sequential
{statement}
model = Sequential()
model.add(Convolution2D(4, 3, 3, input_shape=(30, 40, 50)))
model.add(GlobalMaxPooling2D())
model.fit(np.zeros((5, 30, 40, 50)), np.ones((5, 4)))
"""


@pytest.mark.parametrize(
    "statement",
    [
        "assert K.image_dim_ordering() == 'th', 'change keras.json'",
        "assert 'tf' != K.image_dim_ordering()",
        "if K.image_dim_ordering() != 'th':\n    raise ValueError('channels-first only')",
    ],
)
def test_an_ordering_that_the_program_asserts(statement: str) -> None:
    """It stays as it is, for else the program would stop there; the layers state the new one."""
    new, plan = convert(ASSERTED.format(statement=statement), source_keras="1.2.2")
    assert statement in new
    assert "Convolution2D(4, 3, 3, input_shape=(40, 50, 30), dim_ordering='tf')" in new
    assert "np.zeros((5, 40, 50, 30))" in new
    assert statuses(plan) == [Status.DONE]


@pytest.mark.parametrize(
    "statement",
    [
        "assert K.image_dim_ordering() == 'tf'",
        "assert K.image_dim_ordering() in ('th', 'tf')",
        "if K.image_dim_ordering() == 'th':\n    raise ValueError('channels-last only')",
        "if K.image_dim_ordering() != 'th':\n    print('slow')",
        "if input():\n    assert K.image_dim_ordering() == 'th'",
        "def old():\n    assert K.image_dim_ordering() == 'th'",
        "def old(x):\n    if x:\n        return\n    assert K.image_dim_ordering() == 'th'\nold(input())",
    ],
)
def test_what_does_not_assert_channels_first(statement: str) -> None:
    text = ASSERTED.format(statement=statement)
    new, plan = convert(text, source_keras="1.2.2")
    assert (new, statuses(plan)) == (text, [Status.NOTHING])
