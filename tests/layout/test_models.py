"""Models: how they are built, joined, fed and saved, and what becomes of the order of their features."""

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
FEED = "model.fit(np.zeros((5, 3, 8, 6)), np.ones((5, 2)))\n"
PERMUTE = "model.add(Permute((3, 1, 2)))"


def test_a_model_that_is_channels_last() -> None:
    text = HEAD + "model = Sequential([Conv2D(4, 3, data_format='channels_last', input_shape=(8, 6, 3))])\n"
    new, plan = convert(text, source_keras="2.1.3")
    assert (new, statuses(plan)) == (text, [Status.NOTHING])


@pytest.mark.parametrize(
    "build",
    [
        pytest.param(SEQUENTIAL, id="add"),
        pytest.param(
            "model = Sequential([Conv2D(4, 3, input_shape=(3, 8, 6)), Flatten(), Dense(2)])\n", id="list of layers"
        ),
        pytest.param(
            "layers = [Conv2D(4, 3, input_shape=(3, 8, 6)), Flatten()]\nlayers.append(Dense(2))\n"
            "model = Sequential(layers)\n",
            id="list that grows",
        ),
        pytest.param(
            "model = Sequential()\nfor layer in [Conv2D(4, 3, input_shape=(3, 8, 6)), Flatten(), Dense(2)]:\n"
            "    model.add(layer)\n",
            id="loop over layers",
        ),
        pytest.param("i = Input((3, 8, 6))\nmodel = Model(i, Dense(2)(Flatten()(Conv2D(4, 3)(i))))\n", id="functional"),
        pytest.param(
            "def build(shape):\n    i = Input(shape)\n    return Model(i, Dense(2)(Flatten()(Conv2D(4, 3)(i))))\n"
            "model = build((3, 8, 6))\n",
            id="function",
        ),
        pytest.param(
            "base = Sequential([Conv2D(4, 3, input_shape=(3, 8, 6))])\n"
            "model = Sequential()\nmodel.add(base)\nmodel.add(Flatten())\nmodel.add(Dense(2))\n",
            id="model in a model",
        ),
        pytest.param(
            "class Net(object):\n    def __init__(self, shape):\n        self.net = self.build(shape)\n"
            "    def build(self, shape):\n        net = Sequential()\n"
            "        net.add(Conv2D(4, 3, input_shape=shape))\n        net.add(Flatten())\n"
            "        net.add(Dense(2))\n        return net\n"
            "model = Net((3, 8, 6)).net\n",
            id="class",
        ),
    ],
)
def test_ways_to_build(build: str) -> None:
    new, plan = convert(HEAD + build + FEED, source_keras="2.1.3", flatten="reorder")
    expected = (HEAD + build + FEED).replace("channels_first", "channels_last")
    assert new == expected.replace("(3, 8, 6)", "(8, 6, 3)").replace("(5, 3, 8, 6)", "(5, 8, 6, 3)")
    assert set(statuses(plan)) == {Status.DONE}


@pytest.mark.parametrize(
    "feed",
    [
        pytest.param("model.fit(x, y)", id="fit"),
        pytest.param("model.fit(x=x, y=y, validation_data=(x, y))", id="keywords"),
        pytest.param("model.train_on_batch(x, y)", id="train_on_batch"),
        pytest.param("print(model.evaluate(x, y))", id="evaluate"),
        pytest.param("p = model.predict(x)", id="predict"),
        pytest.param("for k in range(5):\n    p = model.predict(x[k][np.newaxis])", id="one by one"),
        pytest.param("for k in range(2):\n    model.train_on_batch(x[k:k + 2], y[k:k + 2])", id="slices"),
        pytest.param(
            "def batches():\n    while True:\n        for k in range(2):\n            yield x[k:k + 2], y[k:k + 2]\n"
            "model.fit_generator(batches(), 2)",
            id="generator",
        ),
        pytest.param("data = [x, y]\nmodel.fit(data[0], data[1])", id="list of arrays"),
        pytest.param("data = [x, y]\nmodel.fit(*data)", id="starred"),
        pytest.param("data = {'x': x, 'y': y}\nmodel.fit(**data)", id="double starred"),
    ],
)
def test_ways_to_feed(feed: str) -> None:
    """The array is written channels-last; nothing is transposed."""
    data = f"x = np.zeros((5, 3, 8, 6))\ny = np.ones((5, 2))\n{feed}\n"
    new, plan = convert(HEAD + SEQUENTIAL + data, source_keras="2.1.3", flatten="reorder")
    assert data.replace("(5, 3, 8, 6)", "(5, 8, 6, 3)") in new
    assert statuses(plan) == [Status.DONE]


@pytest.mark.parametrize(
    "use",
    [
        "model.save('m.h5')",
        "model.save_weights('w.h5')",
        "model.load_weights('w.h5')",
        "open('m.json', 'w').write(model.to_json())",
        "w = model.get_weights()",
        "from keras.callbacks import ModelCheckpoint\nmodel.fit(np.zeros((5, 3, 8, 6)), np.ones((5, 2)),"
        " callbacks=[ModelCheckpoint('m.h5')])",
    ],
)
def test_features_keep_their_order_where_others_know_it(use: str) -> None:
    new, plan = convert(HEAD + SEQUENTIAL + FEED + use + "\n", source_keras="2.1.3")
    assert PERMUTE in new
    assert statuses(plan) == [Status.BORDERS]


@pytest.mark.parametrize(
    ("policy", "saved", "kept"),
    [
        ("auto", False, False),
        ("auto", True, True),
        ("permute", False, True),
        ("permute", True, True),
        ("reorder", False, False),
        ("reorder", True, False),
    ],
)
def test_flatten_policy(policy: str, saved: bool, kept: bool) -> None:
    text = HEAD + SEQUENTIAL + FEED + ("model.save('m.h5')\n" if saved else "")
    new, _ = convert(text, source_keras="2.1.3", flatten=policy)
    assert (PERMUTE in new) is kept


@pytest.mark.parametrize(("version", "kept"), [("1.2.2", True), ("2.1.3", True), ("2.2.4", False), ("3.5", False)])
def test_flatten_itself_moves_the_channels_from_some_version_on(version: str, kept: bool) -> None:
    new, _ = convert(HEAD + SEQUENTIAL + FEED + "model.save('m.h5')\n", source_keras=version)
    assert (PERMUTE in new) is kept
    assert "channels_last" in new


def test_the_version_is_asked_where_it_decides() -> None:
    _, plan = convert(HEAD + SEQUENTIAL + FEED + "model.save('m.h5')\n")
    assert (plan.edits, statuses(plan)) == ([], [Status.ASKED])
    assert "KM903" in codes(plan)


def test_old_weights_are_told_of() -> None:
    _, plan = convert(HEAD + SEQUENTIAL + FEED + "model.load_weights('w.h5')\n", source_keras="2.1.3")
    assert codes(plan) == {"KM152"}
    (said,) = {found.message for found in plan.diagnostics}
    assert "`kmigrate weights w.h5 w_last.h5 --script " in said
    _, plan = convert(HEAD + SEQUENTIAL + FEED + "model.load_weights(name())\n", source_keras="2.1.3")
    assert any("`kmigrate weights OLD.h5 NEW.h5 --script " in found.message for found in plan.diagnostics)


def test_a_permute_is_not_put_into_a_loop_over_layers() -> None:
    """The statement that adds Flatten adds the others too."""
    build = "model = Sequential()\nfor layer in layers:\n    model.add(layer)\n"
    text = HEAD + "layers = [Conv2D(4, 3, input_shape=(3, 8, 6)), Flatten(), Dense(2)]\n" + build + FEED
    new, plan = convert(text, source_keras="2.1.3", flatten="permute")
    assert (new, statuses(plan)) == (text, [Status.LEFT_ALONE])
    assert "KM907" in codes(plan)


def test_a_method_that_nothing_calls_keeps_its_contract() -> None:
    text = HEAD + (
        "class Net(object):\n    def __init__(self):\n        self.net = Sequential()\n"
        "        self.net.add(Conv2D(4, 3, input_shape=(3, 8, 6)))\n"
        "        self.net.add(GlobalMaxPooling2D())\n"
        "    def train(self, x, y):\n        self.net.fit(x, y)\n"
        "    def predict(self, x):\n        return self.net.predict(x)\n"
        "net = Net()\nnet.train(np.zeros((5, 3, 8, 6)), np.ones((5, 4)))\n"
    )
    new, _ = convert(text, source_keras="2.1.3")
    assert "return self.net.predict(np.transpose(x, (0, 2, 3, 1)))" in new
    assert "net.train(np.zeros((5, 8, 6, 3)), np.ones((5, 4)))" in new


@pytest.mark.parametrize(
    ("end", "code"),
    [
        pytest.param(FEED + "print(model.layers[0].output)\n", "KM901", id="layers by number"),
        pytest.param(FEED + "strange(model, 2)\n", "KM906", id="given away with a number"),
    ],
)
def test_models_that_are_taken_apart(end: str, code: str) -> None:
    _, plan = convert(HEAD + SEQUENTIAL + end, source_keras="2.1.3")
    assert (plan.edits, statuses(plan)) == ([], [Status.LEFT_ALONE])
    assert code in codes(plan)


def test_one_model_is_left_alone_and_the_other_is_converted() -> None:
    text = """\
        import numpy as np
        from keras.layers import *
        from keras.models import Sequential
        a = Sequential()
        a.add(Conv2D(4, 3, data_format='channels_first', input_shape=(3, 8, 6)))
        a.add(Activation('softmax'))
        a.add(Flatten())
        a.fit(np.zeros((5, 3, 8, 6)), np.ones((5, 96)))
        b = Sequential()
        b.add(Conv2D(4, 3, data_format='channels_first', input_shape=(3, 8, 6)))
        b.add(GlobalMaxPooling2D(data_format='channels_first'))
        b.fit(np.zeros((5, 3, 8, 6)), np.ones((5, 4)))
    """
    new, plan = convert(text, source_keras="2.1.3")
    assert statuses(plan) == [Status.LEFT_ALONE, Status.DONE]
    assert "a.add(Conv2D(4, 3, data_format='channels_first', input_shape=(3, 8, 6)))" in new
    assert "b.add(Conv2D(4, 3, data_format='channels_last', input_shape=(8, 6, 3)))" in new


ELSEWHERE = "from other import wrapped\ni = Input((9,))\nmodel = Model(i, wrapped())\n"


def test_a_model_of_what_is_not_seen_in_a_program_without_any_layout() -> None:
    _, plan = convert(HEAD.replace("K.set_image_data_format('channels_first')\n", "") + ELSEWHERE)
    assert statuses(plan) == [Status.NOTHING]


@pytest.mark.parametrize("line", ["", "MaxPooling2D()\n", "from keras.applications.vgg16 import VGG16\nVGG16()\n"])
def test_a_model_of_what_is_not_seen_may_hold_anything_else(line: str) -> None:
    head = HEAD if not line else HEAD.replace("K.set_image_data_format('channels_first')\n", "")
    _, plan = convert(head + line + ELSEWHERE, source_keras="2.1.3")
    assert Status.LEFT_ALONE in statuses(plan)


def test_a_permute_layer_that_moves_nothing_any_more_goes() -> None:
    tail = "model.add(Reshape((4, 24)))\nmodel.add(Permute((2, 1)))\nmodel.add(Activation('softmax'))\n"
    text = HEAD + SEQUENTIAL.replace("model.add(Flatten())\nmodel.add(Dense(2))\n", tail)
    feed = "model.fit(np.zeros((5, 3, 8, 6)), np.ones((5, 24, 4)))\n"
    new, plan = convert(text + feed, source_keras="2.1.3")
    assert "model.add(Reshape((24, 4)))\nmodel.add(Activation('softmax'))\n" in new
    assert statuses(plan) == [Status.DONE]
    for taken in (
        "print(model.layers[-1].output)\n",
        "print(model.layers[2].name)\n",
        "print(model.history.history['permute_1_loss'])\n",
    ):
        new, _ = convert(text + feed + taken, source_keras="2.1.3")
        assert "Permute" in new
    named = text.replace("Permute((2, 1))", "Permute((2, 1), name='turn')")
    assert "Permute((1, 2), name='turn')" in convert(named + feed, source_keras="2.1.3")[0]


PERMUTED = (
    "i = Input((3, 8, 6))\nx = Reshape((4, 24))(Conv2D(4, 3)(i))\n{turn}model = Model(i, Activation('softmax')(x))\n"
)


@pytest.mark.parametrize(
    "turn",
    [
        "p = Permute((2, 1))\nx = p(x)\nprint(p.output_shape)\n",
        "for layer in [Permute((2, 1))]:\n    x = layer(x)\n",
        "def turned(layer, x):\n    x = layer(x)\n    return x\nx = turned(Permute((2, 1)), x)\n",
    ],
)
def test_a_permute_layer_with_a_name_in_the_program_stays(turn: str) -> None:
    text = HEAD + PERMUTED.format(turn=turn) + "model.fit(np.zeros((5, 3, 8, 6)), np.ones((5, 24, 4)))\n"
    new, plan = convert(text, source_keras="2.1.3")
    assert Status.LEFT_ALONE not in statuses(plan)
    assert turn.replace("(2, 1)", "(1, 2)") in new
    assert "Reshape((24, 4))" in new


@pytest.mark.parametrize(
    ("shape", "use"),
    [
        ("(next(sizes), next(sizes), next(sizes))", ""),
        ("(next(sizes), int(next(sizes)), 6)", ""),
        ("(3, 8, 6)", "x[:, next(sizes) - 1, next(sizes) - 3] = 1\n"),
        ("(3, 8, 6)", "x[:, next(sizes) - 1, next(sizes) - 3:] = 1\n"),
    ],
)
def test_what_takes_the_next_of_something_stays_in_turn(shape: str, use: str) -> None:
    text = HEAD + "sizes = iter((3, 8, 6))\nx = np.zeros((5, 3, 8, 6))\n" + SEQUENTIAL.replace("(3, 8, 6)", shape)
    text = f"{text}{use}model.fit(x, np.ones((5, 2)))\n"
    new, _ = convert(text, source_keras="2.1.3", flatten="permute")
    logs = [run(each, (2, 1, 3), "th") for each in (text, new)]
    assert difference(*logs) is None
