"""Models that leave what is seen: Permute layers at their edges, or another contract (docs/design.md, 8)."""

from __future__ import annotations

import pytest

from kmigrate.plan import Status
from tests.layout.converting import codes, convert, statuses
from tests.mock_keras import difference, run

HEAD = """\
import numpy as np
from keras import backend as K
from keras.layers import *
from keras.models import Model, Sequential
K.set_image_data_format('channels_first')
"""
SEQUENTIAL = """\
model = Sequential()
model.add(Conv2D(4, (3, 3), input_shape=(3, 8, 6)))
model.add(Flatten())
model.add(Dense(2))
model.compile('sgd', 'mse')
"""
FIRST = "model.add(Permute((2, 3, 1), input_shape=(3, 8, 6)))\nmodel.add(Conv2D(4, (3, 3)))\n"
FEED = "model.fit(np.zeros((5, 3, 8, 6)), np.ones((5, 2)))\n"
INPUT = "i = Input((3, 8, 6))\n"
CONV = "Conv2D(4, (3, 3), padding='same')"


def body(text: str) -> str:
    """What comes behind HEAD."""
    return text.split("\n", HEAD.count("\n"))[-1]


def build(lines: str, **options: str) -> str:
    """The new lines of a function that makes a model for callers that are not seen."""
    text = HEAD + "def build():\n" + "".join(f"    {line}\n" for line in (INPUT + lines).splitlines())
    new, _ = convert(text, **{"source_keras": "2.1.3", **options})
    return "".join(line.removeprefix("    ") + "\n" for line in body(new).splitlines()[1:])


def untouched(lines: str, **options: str) -> bool:
    return build(lines, **options) == INPUT + lines


# -- where no layer can stand -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(f"x = strange and i\nh = {CONV}(x)\nreturn Model(i, h)\n", id="one of two, by a word"),
        pytest.param(f"h = {CONV}(i if strange() else strange(i))\nreturn Model(i, h)\n", id="one of two"),
        pytest.param(
            f"x = i\nh = {CONV}(x)\nreturn Model(x, h), strange(x)\n", id="given to code that may make layers"
        ),
        pytest.param(f"ends = [{CONV}(i)]\nends.sort()\nreturn Model(i, ends)\n", id="outputs in a list"),
        pytest.param(
            "if K.image_data_format() == 'channels_first':\n    h = Conv2D(4, (3, 3))(i)\nelse:\n"
            "    h = Conv2D(4, (3, 3))(i)\nreturn Model(i, h)\n",
            id="branches on the ordering",
        ),
        pytest.param(f"model = Model(i, {CONV}(i))\nmodel.layers.pop()\nreturn model\n", id="layers popped"),
        pytest.param(f"m = Model(i, {CONV}(i))\nm.layers[1].trainable = False\nreturn m\n", id="a layer by number"),
        pytest.param(f"m = Model(i, {CONV}(i))\nstrange(m, layer=k)\nreturn m\n", id="given away with a layer"),
        pytest.param(f"m = Model(i, [{CONV}(i), Conv2D(2, 1, name='map')(i)])\nreturn m\n", id="outputs known by name"),
    ],
)
def test_no_layer_is_added(lines: str) -> None:
    assert "Permute" not in build(lines)


TAIL = (
    "x = Conv2D({filters}, (3, 3), padding='same')(i)\nx = Reshape(({item}, {h} * {w}))(x)\nx = Permute((2, 1))(x)\n"
    "return Model(i, Activation('softmax')(x))\n"
)
CALL = "x = np.random.rand(5, 3, 8, 6)\ny = np.ones((5, 48, 4))\n"


def counted(arguments: str, lines: str) -> str:
    """A function with arguments that callers give who are not seen."""
    text = HEAD + f"def build({arguments}):\n" + "".join(f"    {line}\n" for line in (INPUT + lines).splitlines())
    new, _ = convert(text, source_keras="2.1.3", model_inputs="keep")
    called = "x = np.random.RandomState(1).rand(5, 3, 8, 6)\nmodel = build(4)\nnp.save('p.npy', model.predict(x))\n"
    logs = [run(each + called, (2, 1, 3), "th") for each in (text, new)]
    assert logs[0].events
    assert difference(*logs) is None
    return "" if new == text else new


def test_a_number_of_classes_that_callers_give() -> None:
    new = counted("classes", TAIL.format(filters="classes", item="classes", h=8, w=6))
    assert "Reshape((8 * 6, classes))(x)\n    return" in new  # the transpose of Permute is not needed any more
    new = counted("classes", TAIL.format(filters="2 * classes", item="classes * 2", h=8, w=6))
    assert "Reshape((8 * 6, classes * 2))" in new


@pytest.mark.parametrize(
    ("arguments", "filters", "item"),
    [
        ("classes, other=None", "classes", "other or classes"),
        ("classes", "classes", "classes if classes else 1"),
        ("classes", "classes + 0", "classes"),
    ],
)
def test_numbers_that_may_differ(arguments: str, filters: str, item: str) -> None:
    new = counted(arguments, TAIL.format(filters=filters, item=item, h=8, w=6))
    assert "Reshape((8 * 6" not in new


def test_layers_are_found_by_name_when_weights_are_loaded_so() -> None:
    lines = f"m = Model(i, Flatten()({CONV}(i)))\nm.load_weights('w.h5', by_name=True)\nreturn m\n"
    assert "Permute((2, 3, 1))(i)" in build(lines, source_keras="1.0.8")


def test_layers_are_counted_when_weights_are_loaded_up_to_keras_1_1() -> None:
    lines = f"m = Model(i, Flatten()({CONV}(i)))\nm.load_weights('w.h5')\nreturn m\n"
    assert untouched(lines, source_keras="1.0.7")
    assert "Permute((2, 3, 1))(i)" in build(lines, source_keras="1.1.2")


def test_a_statement_that_adds_every_layer() -> None:
    text = HEAD + (
        "layers = [Conv2D(4, 3, input_shape=(3, 8, 6)), Flatten(), Dense(2)]\n"
        "model = Sequential()\nfor layer in layers:\n    model.add(layer)\n"
    )
    new, plan = convert(text, source_keras="2.1.3")
    assert (new, statuses(plan)) == (text, [Status.LEFT_ALONE])


def test_an_input_that_is_no_image() -> None:
    lines = "j = Input((7,))\nh = Dense(3)(j)\nreturn Model(j, h)\n"
    assert untouched(lines)


# -- where one stands -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param(
            f"h = Flatten()({CONV}(i))\nreturn Model(i, h)\n",
            f"h = Flatten()(Permute((3, 1, 2))({CONV}(Permute((2, 3, 1))(i))))\nreturn Model(i, h)\n",
            id="one layer takes it",
        ),
        pytest.param(
            f"h = Add()([{CONV}(i), Conv2D(4, 1)(i)])\nreturn Model(i, h)\n",
            "i_last = Permute((2, 3, 1))(i)\n"
            f"h = Add()([{CONV}(i_last), Conv2D(4, 1)(i_last)])\nreturn Model(i, Permute((3, 1, 2))(h))\n",
            id="several layers take it",
        ),
        pytest.param(
            f"x = i\nfor n in range(3):\n    x = {CONV}(x)\nreturn Model(i, x)\n",
            f"x = Permute((2, 3, 1))(i)\nfor n in range(3):\n    x = {CONV}(x)\n"
            "return Model(i, Permute((3, 1, 2))(x))\n",
            id="another name",
        ),
        pytest.param(
            f"def block(t):\n    return {CONV}(t)\nh = block(block(i))\nreturn Model(i, h)\n",
            f"def block(t):\n    return {CONV}(t)\nh = block(block(Permute((2, 3, 1))(i)))\n"
            "return Model(i, Permute((3, 1, 2))(h))\n",
            id="a helper",
        ),
        pytest.param(
            f"ends = i\nh = {CONV}(i)\nreturn Model(inputs=[ends], outputs=[h])\n",
            f"ends = i\nh = {CONV}(Permute((2, 3, 1))(i))\n"
            "return Model(inputs=[ends], outputs=[Permute((3, 1, 2))(h)])\n",
            id="a name for the model",
        ),
        pytest.param(
            f"base = Model(i, {CONV}(i))\nreturn Model(base.input, Conv2D(2, 1)(base.output))\n",
            f"base = Model(i, {CONV}(Permute((2, 3, 1))(i)))\n"
            "return Model(base.input, Permute((3, 1, 2))(Conv2D(2, 1)(base.output)))\n",
            id="a model on a model",
        ),
        pytest.param(
            f"h = {CONV}(i)\nrows = Model(i, h).output_shape[2]\nreturn Model(i, MaxPooling2D(rows)(h))\n",
            f"h = {CONV}(Permute((2, 3, 1))(i))\nrows = Model(i, h).output_shape[1]\n"
            "return Model(i, Permute((3, 1, 2))(MaxPooling2D(rows)(h)))\n",
            id="a model that only tells a size",
        ),
    ],
)
def test_functional(lines: str, expected: str) -> None:
    assert build(lines) == INPUT + expected


def test_an_input_whose_shape_is_not_known() -> None:
    lines = f"j = Input(shape)\nh = {CONV}(j)\nreturn Model(j, h)\n"
    wanted = f"j = Input(shape)\nh = {CONV}(Permute((2, 3, 1))(j))\nreturn Model(j, Permute((3, 1, 2))(h))\n"
    assert build(lines) == INPUT + wanted


@pytest.mark.parametrize(
    "end",
    [
        pytest.param("", id="nothing feeds it"),
        pytest.param("def get():\n    return model\n", id="returned to callers"),
        pytest.param(FEED + "strange(model)\n", id="given to unknown code"),
        pytest.param("model.fit_generator(strange(), 9)\n", id="fed by a generator that is not known"),
    ],
)
def test_sequential(end: str) -> None:
    new, plan = convert(HEAD + SEQUENTIAL + end, source_keras="2.1.3", flatten="permute")
    assert FIRST in new
    assert statuses(plan) == [Status.BORDERS]


def test_a_list_of_layers() -> None:
    text = HEAD + "model = Sequential([Conv2D(4, 3, batch_input_shape=(None, 3, 8, 6)), Flatten()])\n"
    new, _ = convert(text, source_keras="2.1.3")
    layers = "Permute((2, 3, 1), batch_input_shape=(None, 3, 8, 6)), Conv2D(4, 3), Permute((3, 1, 2)), Flatten()"
    assert f"Sequential([{layers}])" in new


def test_an_input_of_a_sequential_model() -> None:
    text = HEAD + "model = Sequential([Input((3, 8, 6)), Conv2D(4, 3), MaxPooling2D()])\n"
    new, _ = convert(text, source_keras="3.5")
    layers = "Input((3, 8, 6)), Permute((2, 3, 1)), Conv2D(4, 3), MaxPooling2D(), Permute((3, 1, 2))"
    assert f"Sequential([{layers}])" in new


def test_the_end_of_a_sequential_model() -> None:
    text = HEAD + "def build():\n    m = Sequential()\n    m.add(Conv2D(4, 3, input_shape=(3, 8, 6)))\n    return m\n"
    new, _ = convert(text, source_keras="2.1.3")
    assert "    m.add(Conv2D(4, 3))\n    m.add(Permute((3, 1, 2)))\n    return m\n" in new


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("model.compile('sgd', 'categorical_crossentropy')", id="a loss along the last axis"),
        pytest.param("model.fit(x, np.ones((5, 4)))", id="targets of another rank"),
    ],
)
def test_an_output_that_must_stay(line: str) -> None:
    text = HEAD + f"x = np.zeros((5, 3, 8, 6))\n{INPUT}h = {CONV}(i)\nmodel = Model(i, h)\n{line}\n"
    new, plan = convert(text + "model.fit(x, strange(5))\n", source_keras="2.1.3")
    assert "model = Model(i, Permute((3, 1, 2))(h))" in new
    assert "x = np.zeros((5, 8, 6, 3))" in new
    assert statuses(plan) == [Status.BORDERS]


def test_arrays_are_transposed_rather_than_models() -> None:
    text = HEAD + SEQUENTIAL + "x = np.load('x.npy')\nfor k in range(9):\n    model.fit(x, np.ones((5, 2)))\n"
    new, _ = convert(text, source_keras="2.1.3")
    assert "x = np.transpose(np.load('x.npy'), (0, 2, 3, 1))" in new


@pytest.mark.parametrize(
    ("imports", "expected"),
    [
        pytest.param(
            "from keras.layers import Input\nfrom keras.layers.convolutional import Conv2D\n",
            "from keras.layers import Input, Permute\nfrom keras.layers.convolutional import Conv2D\n",
            id="beside the input",
        ),
        pytest.param(
            "from keras.engine import Input\nfrom keras.layers import Conv2D\n",
            "from keras.engine import Input\nfrom keras.layers import Conv2D, Permute\n",
            id="beside the layers",
        ),
        pytest.param(
            "from keras.engine import Input\nfrom keras.layers.convolutional import Conv2D\n",
            "from keras.layers import Permute\nfrom keras.engine import Input\n"
            "from keras.layers.convolutional import Conv2D\n",
            id="of its own",
        ),
        pytest.param(
            "from keras.layers import Input, Conv2D, Permute as P\n",
            "from keras.layers import Input, Conv2D, Permute as P\n",
            id="another name",
        ),
    ],
)
def test_imports(imports: str, expected: str) -> None:
    head = "from keras.models import Model\n"
    text = (
        head
        + imports
        + ("i = Input((3, 8, 6))\nmodel = Model(i, Conv2D(4, (3, 3), data_format='channels_first')(i))\n")
    )
    new, _ = convert(text, source_keras="2.1.3")
    assert new.startswith(head + expected + "i = Input")
    assert ("(P((2, 3, 1))(i))" if " as P" in imports else "(Permute((2, 3, 1))(i))") in new


def test_names_of_modules() -> None:
    text = "import keras\ni = keras.Input((3, 8, 6))\nh = keras.layers.Conv2D(4, 3, data_format='channels_first')(i)\n"
    new, _ = convert(text + "model = keras.models.Model(i, h)\n", source_keras="2.3")
    assert "(keras.layers.Permute((2, 3, 1))(i))" in new
    assert "keras.models.Model(i, keras.layers.Permute((3, 1, 2))(h))" in new


# -- another contract -------------------------------------------------------------------------------------


def test_a_contract_that_changes() -> None:
    lines = f"h = {CONV}(i)\nreturn Model(i, h)\n"
    assert build(lines, model_inputs="flip") == INPUT.replace("3, 8, 6", "8, 6, 3") + lines
    _, plan = convert(HEAD + INPUT + f"model = Model(i, {CONV}(i))\n", source_keras="2.1.3", model_inputs="flip")
    (said,) = [d for d in plan.diagnostics if d.code == "KM155"]
    assert "its input is N H W C now, its output is N H W C now" in said.message


def test_a_model_that_is_saved_whole() -> None:
    _, plan = convert(HEAD + SEQUENTIAL + FEED + "model.save('m.h5')\n", source_keras="2.1.3")
    (said,) = [d for d in plan.diagnostics if d.code == "KM155"]
    assert said.message == "the model is saved whole: its input is N H W C now, for all that load it"
    _, plan = convert(HEAD + SEQUENTIAL + "model.save('m.h5')\n", source_keras="2.1.3")
    assert "KM155" not in codes(plan)
