"""What depends on the ordering: right in both worlds, or left alone with a reason."""

from __future__ import annotations

import ast

import pytest

from kmigrate.layout.interpret.machine import Interpreter
from kmigrate.plan import Status
from tests.layout.converting import IMAGES, codes, convert, statuses
from tests.mock_keras import difference, run

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
        pytest.param("x = np.load(f'x_{K.image_data_format()}.npy')", "KM902", id="the name of a file, in an f-string"),
        pytest.param("y = {K.image_data_format(): 3}", "KM902", id="a key"),
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


# -- branches that do more than choose values ------------------------------------------------------------


def branch(first: str, last: str, test: str = FIRST) -> str:
    """An ``if`` on the ordering with these bodies."""
    bodies = [body.replace("\n", "\n    ") for body in (first, last)]
    return f"if {test}:\n    {bodies[0]}\nelse:\n    {bodies[1]}"


BOTH_WAYS = [
    pytest.param(
        branch("model.add(BatchNormalization(axis=1))", "model.add(BatchNormalization(axis=3))"), id="a layer in each"
    ),
    pytest.param(
        branch(
            "model.add(ZeroPadding2D((1, 1)))\nfor k in range(2):\n    model.add(BatchNormalization(axis=1))",
            "model.add(ZeroPadding2D((1, 1)))\nfor k in range(2):\n    model.add(BatchNormalization(axis=-1))",
        ),
        id="a loop in each",
    ),
    pytest.param(
        branch(
            "print('first')\naxis = 1\nmodel.add(BatchNormalization(axis=axis))",
            "axis = 3\nprint('last')\nmodel.add(BatchNormalization(axis=axis))",
        ),
        id="talk in each",
    ),
    pytest.param(
        branch("axis = 1", "raise ValueError").replace(
            "else:", "elif K.image_data_format() == 'channels_last':\n    axis = 3\nelse:"
        )
        + "\nmodel.add(BatchNormalization(axis=axis))",
        id="a chain",
    ),
    pytest.param(
        "class Config:\n    pass\nc = Config()\n"
        + branch("c.axis = 1", "c.axis = 3")
        + "\nmodel.add(BatchNormalization(axis=c.axis))",
        id="an attribute",
    ),
    pytest.param(
        "c = {}\n" + branch("c['axis'] = 1", "c['axis'] = 3") + "\nmodel.add(BatchNormalization(axis=c['axis']))",
        id="an item",
    ),
    pytest.param(
        "axis = 0\ndef choose():\n    global axis\n    "
        + branch("axis = 1", "axis = 3").replace("\n", "\n    ")
        + "\nchoose()\nmodel.add(BatchNormalization(axis=axis))",
        id="a global",
    ),
    pytest.param(
        f"def axis():\n    if {FIRST}:\n        return 1\n    return 3\nmodel.add(BatchNormalization(axis=axis()))",
        id="an early return",
    ),
    pytest.param(
        "def axis(form=None):\n    if form is None:\n        form = K.image_data_format()\n"
        "    if form not in {'channels_first', 'channels_last'}:\n        raise ValueError(form)\n"
        "    if form == 'channels_first':\n        number = 1\n    elif form == 'channels_last':\n        number = 3\n"
        "    return number\nmodel.add(BatchNormalization(axis=axis()))",
        id="a default that is resolved",
    ),
    pytest.param(
        branch("size = model.output_shape[1]", "size = model.output_shape[3]") + "\nmodel.add(Conv2D(size, (1, 1)))",
        id="a size that is read",
    ),
    pytest.param(
        branch("n, c, h, w = model.output_shape", "n, h, w, c = model.output_shape")
        + "\nmodel.add(Conv2D(c, (1, 1)))\nmodel.add(AveragePooling2D((h, w)))",
        id="an unpacked shape",
    ),
    pytest.param(
        branch(
            "if model.output_shape[1] != 8:\n    model.add(Conv2D(8, (1, 1)))",
            "if model.output_shape[-1] != 8:\n    model.add(Conv2D(8, (1, 1)))",
        ),
        id="a size that is asked for",
    ),
]


@pytest.mark.parametrize("layers", BOTH_WAYS)
def test_branches_that_are_right_both_ways_stay(layers: str) -> None:
    text = program("", layers)
    new, plan = convert(text, source_keras="2.1.3")
    assert new == flipped(text)
    assert statuses(plan) == [Status.DONE]


@pytest.mark.parametrize("layers", BOTH_WAYS)
def test_a_branch_that_goes_wrong_is_noticed(layers: str) -> None:
    """One number of the other branch is wrong."""
    if "!= 8" in layers:
        return  # any of the sizes would be asked to the same end
    wrong = layers.replace("n, h, w, c =", "n, h, c, w =")
    for form in ("axis = {}", "axis={}", "return {}", "number = {}", "'] = {}", "output_shape[{}]"):
        for right, other in (("3", "2"), ("-1", "-2")):
            wrong = wrong.replace(form.format(right), form.format(other))
    assert wrong != layers
    stays(program("", wrong), "KM902")


@pytest.mark.parametrize(
    "layers",
    [
        pytest.param(branch("model.add(Conv2D(4, (3, 3)))", "model.add(Conv2D(4, (3, 1)))"), id="another kernel"),
        pytest.param(branch("model.add(MaxPooling2D((2, 2)))", "model.add(AveragePooling2D((2, 2)))"), id="a layer"),
        pytest.param(branch("model.add(MaxPooling2D((2, 2)))", "pass"), id="no layer"),
        pytest.param(
            branch("model.add(BatchNormalization(axis=1))", "model.add(BatchNormalization(axis=1))\nn = 3"),
            id="the axis of one ordering in both",
        ),
        pytest.param(
            branch("model.add(BatchNormalization(axis=1))\nn = 2", "model.add(BatchNormalization(axis=1))\nn = 3"),
            id="the axis of one ordering in both, written alike",
        ),
        pytest.param(
            "def put(items, n):\n    items.append(n)\n    return n\nkept = []\n"
            + branch("a = put(kept, 4)", "a = put(kept, 8)")
            + "\nmodel.add(Conv2D(kept[0], (1, 1)))",
            id="a list that a function changes",
        ),
        pytest.param(
            f"def f():\n    for i in range(3):\n        if {FIRST}:\n            return 4\n    return 8\n"
            "model.add(Conv2D(f(), (1, 1)))",
            id="a return from a loop",
        ),
        pytest.param(branch("model.load_weights('a.h5')", "model.load_weights('b.h5')"), id="other weights"),
        pytest.param(
            branch("size = model.output_shape[1]", "size = model.output_shape[1]")
            + "\nmodel.add(Conv2D(size, (1, 1)))",
            id="a size of one ordering in both",
        ),
        pytest.param(
            f"size = model.output_shape[1] if {FIRST} else model.output_shape[1]\nmodel.add(Conv2D(size, (1, 1)))",
            id="a choice between equal texts",
        ),
        pytest.param(branch("model.add(BatchNormalization(axis=1))", "raise ValueError"), id="raises"),
    ],
)
def test_branches_that_differ_are_left_alone(layers: str) -> None:
    text = program("", layers)
    new, plan = convert(text, source_keras="2.1.3")
    assert new == text
    assert statuses(plan) == [Status.LEFT_ALONE]


PICTURES = """\
import numpy as np
from keras import backend as K
from keras.layers import *
from keras.models import Sequential
K.set_image_data_format('channels_first')
x = np.zeros((5, 3, 20, 16))
{body}
model = Sequential()
model.add(Conv2D(4, (3, 3), input_shape=(3, 20, 16)))
model.add(GlobalMaxPooling2D())
model.fit(x, np.ones((5, 4)))
"""
INDICES = [
    ("x[:, 0, :, :] -= 103.9\nx[:, 1] -= 116.8", "x[:, :, :, 0] -= 103.9\nx[..., 1] -= 116.8"),
    ("x = x[:, ::-1, :, :]", "x = x[:, :, :, ::-1]"),
    ("x[:, 0] = x[:, 0] * 2", "x[..., 0] = x[..., 0] * 2"),
    ("x = x[:, :, :10]\nx = x[:, :, :, 1:]", "x = x[:, :10]\nx = x[:, :, 1:]"),
]


def pictures(first: str, last: str) -> str:
    return PICTURES.format(body=branch(first, last))


@pytest.mark.parametrize(("first", "last"), INDICES)
def test_an_index_in_both_layouts(first: str, last: str) -> None:
    text = pictures(first, last)
    new, plan = convert(text, source_keras="2.1.3")
    assert statuses(plan) == [Status.DONE]
    assert branch(first, last) in new


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("x[:, 0, :, :] -= 103.9", "x[:, 0, :, :] -= 103.9"),
        ("x[:, 0, :, :] -= 103.9", "x[:, :, :, 1] -= 103.9"),
        ("x[:, 0, :, :] -= 103.9", "x[:, :, :, 0] -= 104.9"),
        ("x[:, 0, :, :] -= 103.9", "x[:, :, :, 0] += 103.9"),
        ("x[:, 0, :, :] -= 103.9", "x[:, :, 0, :] -= 103.9"),
        ("x = x[:, ::-1, :, :]", "x = x[:, :, ::-1, :]"),
        ("x = x[:, ::-1, :, :]", "x = x[:, ::-1, :, :]"),
        ("x = x[:, ::-1, :, :]", "pass"),
        ("x[:, 0] = x[:, 0] * 2", "x[..., 0] = x[..., 1] * 2"),
        ("x = x[:, :, :10]", "x = x[:, :11]"),
    ],
)
def test_an_index_that_takes_something_else(first: str, last: str) -> None:
    text = pictures(first, last)
    new, plan = convert(text, source_keras="2.1.3")
    assert new == text
    assert statuses(plan) == [Status.LEFT_ALONE]


def test_items_under_two_keys_are_not_one_index() -> None:
    layers = "c = {'a': 1, 'b': 2}\n" + branch("c['a'] = 8", "c['b'] = 8") + "\nmodel.add(Conv2D(c['a'], (1, 1)))"
    new, plan = convert(program("", layers), source_keras="2.1.3")
    assert new == program("", layers)
    assert statuses(plan) == [Status.LEFT_ALONE]


# -- convolutions outside of models -------------------------------------------------------------------

LAYER = """\
from keras import backend as K
from keras.engine.topology import Layer

class Blur(Layer):
    def __init__(self, form='{form}', **kwargs):
        self.form = form
        super(Blur, self).__init__(**kwargs)

    def call(self, x):
        return {call}
"""


@pytest.mark.parametrize(
    ("text", "status"),
    [
        pytest.param("from keras import backend as K\ndef mean(x):\n    return K.mean(x)\n", None, id="no convolution"),
        pytest.param(
            LAYER.format(form="tf", call="strange.conv2d(x, self.kernel, data_format=self.form)"),
            Status.LEFT_ALONE,
            id="not followed",
        ),
        pytest.param(
            "from keras.layers import Conv2D\ndef block(x):\n    return Conv2D(3, 3, data_format='channels_last')(x)\n",
            Status.NOTHING,
            id="says last",
        ),
        pytest.param(
            "from keras.layers import Conv2D\ndef block(x):\n    return Conv2D(3, 3)(x)\n", Status.NOTHING, id="default"
        ),
        pytest.param(
            "from keras.layers import Conv2D\ndef block(x, form):\n    return Conv2D(3, 3, data_format=form)(x)\n",
            Status.ASKED,
            id="told from outside",
        ),
        pytest.param(
            "from keras.layers import Conv2D\n"
            "def block(x):\n    return Conv2D(3, 3, data_format='channels_first')(x)\n",
            Status.LEFT_ALONE,
            id="first, for callers that are not seen",
        ),
    ],
)
def test_convolutions_outside_of_a_model_have_an_answer(text: str, status: Status | None) -> None:
    new, plan = convert(text, source_keras="2.1.3")
    assert new == text
    assert statuses(plan) == ([] if status is None else [status])


def test_a_function_that_follows_any_ordering_needs_nothing() -> None:
    text = """\
    from keras import backend as K
    from keras.layers import BatchNormalization, Convolution2D

    def block(x):
        axis = 1 if K.image_dim_ordering() == 'th' else {last}
        return BatchNormalization(axis=axis)(Convolution2D(3, 3, 3)(x))
    """
    _, plan = convert(text.replace("{last}", "-1"), source_keras="1.1")
    assert statuses(plan) == [Status.NOTHING]
    _, plan = convert(text.replace("{last}", "2"), source_keras="1.0.7")
    assert statuses(plan) == [Status.LEFT_ALONE]


# What a branch on the ordering does to images: one of the two goes through the other order of axes and back.
TURNED = [
    ("np.array([turn(t.transpose(1, 2, 0)).transpose(2, 0, 1) for t in d])", "np.array([turn(t) for t in d])"),
    ("turn(np.transpose(d, (0, 2, 3, 1))).transpose((0, 3, 1, 2))", "turn(d)"),
]
NOT_TURNED = [
    ("np.array([turn(t.transpose(1, 2, 0)).transpose(2, 0, 1) for t in d])", "np.array([turn(t) for t in d + 1])"),
    ("np.array([turn(t.transpose(1, 2, 0)).transpose(2, 0, 1) for t in d])", "np.array([turn(t[::-1]) for t in d])"),
    ("turn(d.transpose(0, 2, 3, 1)).transpose(0, 3, 2, 1)", "turn(d)"),
    ("turn(d.transpose(0, 3, 2, 1)).transpose(0, 3, 2, 1)", "turn(d)"),
    ("turn(d.transpose(0, 2, 3, 1))", "turn(d)"),
    ("turn(d)", "turn(d.transpose(0, 2, 3, 1))"),
]
DATA = """\
from keras.datasets import cifar10
def turn(t):
    return t[::-1] * 2
d = cifar10.load_data()[0][0][:5]
if {first}:
    e = {a}
else:
    e = {b}
"""


def turned(a: str, b: str) -> str:
    layers = "f = K.image_data_format()"
    text = program(DATA.format(first=FIRST, a=a, b=b), layers, "e.shape[1:]")
    return text.replace("np.zeros((5, 3, 20, 16))", "e").replace("f = K.image_data_format()\n", "")


@pytest.mark.parametrize(("a", "b"), TURNED)
def test_images_that_are_turned_and_turned_back(a: str, b: str) -> None:
    text = turned(a, b)
    new, plan = convert(text, source_keras="2.1.3")
    assert statuses(plan) == [Status.DONE]
    assert new == flipped(text)
    logs = [run(each, (2, 1, 3), "th") for each in (text, new)]
    assert logs[0].events
    assert difference(*logs) is None


@pytest.mark.parametrize(("a", "b"), NOT_TURNED)
def test_images_that_the_other_branch_turns_in_another_way(a: str, b: str) -> None:
    text = turned(a, b)
    new, plan = convert(text, source_keras="2.1.3")
    if new != text:  # with a transpose more
        assert statuses(plan) == [Status.BORDERS]
        assert difference(*(run(each, (2, 1, 3), "th") for each in (text, new))) is None
    else:
        assert statuses(plan) == [Status.LEFT_ALONE]


def test_a_setting_that_layers_no_longer_follow_still_says_what_it_said() -> None:
    """Before Keras 1.0.7 no setter reaches a layer, so layers get an argument, and the branch runs as before."""
    text = turned(*TURNED[0]).replace("K.set_image_data_format('channels_first')\n", "")
    text = text.replace("image_data_format", "image_dim_ordering").replace("channels_first", "th")
    text = text.replace("Conv2D(4, (3, 3),", "Convolution2D(4, 3, 3,")
    new, plan = convert(text, source_keras="1.0.5", ordering="th")
    assert statuses(plan) == [Status.BORDERS]
    assert "dim_ordering='tf'" in new
    assert "K.image_dim_ordering() == 'th'" in new
    assert "Permute((2, 3, 1), input_shape=e.shape[1:])" in new


def test_what_reads_alike_in_both_layouts_needs_no_edit_in_a_branch() -> None:
    a = "turn(d[:3, :, :, :])"
    text = turned(a, a.replace("* 2", "")) + "k = np.zeros((5, 5, 5))\n"
    new, plan = convert(text, source_keras="2.1.3")
    assert (new, statuses(plan)) == (flipped(text), [Status.DONE])


@pytest.mark.parametrize("test", ["classes is not None", "isinstance(classes, list)", "classes"])
def test_what_is_a_number_only_where_it_is_used_as_one(test: str) -> None:
    """It may be None, or a list, where it is not: both branches are looked at."""
    layers = (
        f"classes = number()\nif {test}:\n    model.add(BatchNormalization(axis=1))\n"
        "    model.add(Conv2D(classes, 1))\nelse:\n    model.add(BatchNormalization(axis=1))"
    )
    new, _ = convert("from other import number\n" + program("", layers), source_keras="2.1.3")
    assert new.count("BatchNormalization(axis=3)") == 2


LIBRARY = """\
from keras import backend as K
from keras.layers import Activation, BatchNormalization, Convolution2D, Input
from keras.models import Model

def block(x, filters, axis):
    x = Convolution2D(filters, 3, 3)(x)
    return Activation('relu')(BatchNormalization(axis=axis)(x))

def net(rows, columns):
    if K.image_dim_ordering() == 'th':
        shape, axis = (3, rows, columns), 1
    else:
        shape, axis = (rows, columns, 3), 3
    image = Input(shape)
    return Model(image, {output})
"""


@pytest.mark.parametrize(
    ("output", "status"),
    [
        ("block(block(image, 8, axis), 8, axis)", Status.NOTHING),
        ("Convolution2D(8, 3, 3)(image)", Status.ASKED),  # who calls the block gives it what nobody sees
    ],
)
def test_a_helper_gets_its_arguments_from_the_function_that_calls_it(output: str, status: Status) -> None:
    """Nothing here calls `net`; that it calls `block`, which stands above it, is known all the same."""
    text = LIBRARY.replace("{output}", output)
    new, plan = convert(text)
    assert (new, set(statuses(plan))) == (text, {status})


def test_helpers_that_call_each_other_are_all_looked_at() -> None:
    text = """\
    from keras.layers import Convolution2D

    def down(x, n):
        return up(Convolution2D(3, 3, 3, dim_ordering='tf')(x), n - 1) if n else x

    def up(x, n):
        return down(Convolution2D(3, 3, 3, dim_ordering='th')(x), n - 1)
    """
    _, plan = convert(text, source_keras="1.1")
    assert statuses(plan) == [Status.LEFT_ALONE]


def test_of_a_setting_that_is_last_already_only_one_branch_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """It never becomes another one; what the other branch would do, however strange, holds nothing."""
    text = IMAGES.format(
        first="'channels_first'",
        body="""\
FORMAT = 'channels_last'
if FORMAT == 'channels_first':
    x = strange(x)
else:
    x = x * 2
y = strange(x) if FORMAT != 'channels_last' else x
""",
    )
    run: list[str] = []
    real = Interpreter.run_statement
    monkeypatch.setattr(
        Interpreter, "run_statement", lambda self, stmt: run.append(ast.unparse(stmt)) or real(self, stmt)
    )
    new, plan = convert(text, source_keras="2.1.3")
    assert statuses(plan) == [Status.DONE]
    assert "strange(x)" not in run and "x = x * 2" in run
    assert "np.zeros((9, 8, 6, 3))" in new
