"""Layers taken out of models, and graphs that are evaluated: run before and after."""

from __future__ import annotations

import pytest

from kmigrate.plan import Plan, Status
from tests.layout.converting import codes, convert, statuses
from tests.mock_keras import difference, run

HEAD = """\
import numpy as np
from keras import backend as K
from keras.layers import *
from keras.models import Model, Sequential
K.set_image_data_format('channels_first')
x = np.zeros((5, 3, 8, 6))
x[:, 1] = np.arange(6)
x[:, 2, 3] = -1.5
"""
SEQUENTIAL = """\
model = Sequential()
model.add(Conv2D(4, (3, 3), input_shape=(3, 8, 6), name='first'))
model.add(Activation('tanh'))
model.add(MaxPooling2D((2, 2), name='pool'))
model.add(GlobalMaxPooling2D())
"""
FUNCTIONAL = """\
i = Input((3, 8, 6))
h = Conv2D(4, (3, 3), name='first')(i)
h = MaxPooling2D((2, 2), name='pool')(Activation('tanh')(h))
model = Model(i, GlobalMaxPooling2D()(h))
"""
WITH_TOP = SEQUENTIAL.replace("GlobalMaxPooling2D()", "Flatten()") + "model.add(Dense(4))\n"
FIT = "model.compile('sgd', 'mse')\nmodel.fit(x, np.ones((5, 4)))\n"


def same(text: str, version: tuple[int, ...] = (2, 1, 3), reorder: bool = False) -> tuple[str, Plan]:
    policy = "auto" if reorder else "permute"
    new, plan = convert(text, source_keras=".".join(map(str, version)), flatten=policy)
    logs = [run(t, version, "th", reorder) for t in (text, new)]
    assert difference(*logs) is None, new
    assert logs[0].events
    return new, plan


USES = {
    "by number": "part = Model(model.input, model.layers[2].output)\np = part.predict(x)[:, 1]\n",
    "from behind": "part = Model(model.input, model.layers[-2].output)\np = part.predict(x).mean(axis=1)\n",
    "by name": "part = Model(model.input, model.get_layer('pool').output)\nnp.save('p.npy', part.predict(x))\n",
    "by index": "part = Model(model.input, model.get_layer(index=1).output)\np = part.predict(x)\n",
    "in a dictionary": (
        "named = dict([(l.name, l) for l in model.layers])\n"
        "part = Model(model.input, named['first'].output)\np = part.predict(x)[0, 2]\n"
    ),
    "in a dictionary by comprehension": (
        "named = {l.name: l.output for l in model.layers}\n"
        "part = Model(model.input, named['pool'])\np = part.predict(x)[0, 2]\n"
    ),
    "one of some": (
        "for name in ['first', 'pool']:\n    part = Model(model.input, model.get_layer(name).output)\n"
        "    p = part.predict(x).mean(axis=1)\n"
    ),
    "shapes": "n, c, h, w = model.layers[2].output_shape\nq = x[:, :c, :h, :w]\n",
    "shape of the input": "c = model.layers[0].input_shape[1]\nq = np.zeros((2, c)) + x.shape[1]\n",
    "frozen": "for layer in model.layers[:2]:\n    layer.trainable = False\n    print(layer.name)\n",
    "all frozen": "for layer in model.layers:\n    layer.trainable = False\n",
    "counted": "print(len(model.layers))\nif len(model.layers) > 2:\n    x = x[:, ::-1]\n",
    "weights go over": (
        "other = Sequential([Conv2D(4, (3, 3), input_shape=(3, 8, 6)), GlobalMaxPooling2D()])\n"
        "other.layers[0].set_weights(model.get_layer('first').get_weights())\np = other.predict(x)\n"
    ),
    "kernels of Keras 2": "w = model.get_layer('first').get_weights()[0]\nnp.save('w.npy', w[:, :, 1])\n",
    "called again": (
        "j = Input((3, 9, 7))\nother = Model(j, GlobalMaxPooling2D()(model.get_layer('first')(j)))\n"
        "p = other.predict(np.zeros((2, 3, 9, 7)))\n"
    ),
    "linear at the end": "model.get_layer('first').activation = K.sigmoid if False else None\n",
}


@pytest.mark.parametrize("use", [u for k, u in USES.items() if k != "linear at the end"])
@pytest.mark.parametrize("build", [SEQUENTIAL, FUNCTIONAL], ids=["sequential", "functional"])
def test_layers_of_a_model(build: str, use: str) -> None:
    new, plan = same(HEAD + build + FIT + use)
    assert set(statuses(plan)) <= {Status.DONE, Status.BORDERS}
    assert "channels_last" in new


def test_a_layer_that_is_given_another_activation() -> None:
    text = HEAD + SEQUENTIAL + FIT + USES["linear at the end"]
    new, plan = convert(text, source_keras="2.1.3")
    assert (new, statuses(plan)) == (text, [Status.LEFT_ALONE])


FETCHES = {
    "activations": "look = K.function([model.input], [model.layers[0].output])\nmaps = look([x])[0]\nq = maps[0, 1]\n",
    "with a phase": (
        "look = K.function([model.layers[0].input, K.learning_phase()], [model.layers[2].output])\n"
        "maps = look([x, 0])[0]\nnp.save('q.npy', maps[:, 2])\n"
    ),
    "gradients": (
        "loss = K.mean(model.get_layer('first').output[:, 1, :, :])\n"
        "grads = K.gradients(loss, model.input)[0]\ngrads = grads / (K.sqrt(K.mean(K.square(grads))) + 1e-5)\n"
        "step = K.function([model.input], [loss, grads])\nimage = np.zeros((2, 3, 8, 6))\nimage[:, 1, 3] = 2.0\n"
        "for k in range(3):\n    value, g = step([image])\n    image = image + g * 0.1\n"
        "np.save('q.npy', image[0].transpose(1, 2, 0))\n"
    ),
    "placeholder": (
        "p = K.placeholder((2, 3, 8, 6))\nloss = K.mean(p, axis=(2, 3))\n"
        "f = K.function([p], [loss])\nq = f([x[:2]])[0][:, 1]\n"
    ),
    "variable": (
        "mean = K.variable(x.mean(axis=0))\nf = K.function([model.input], [model.input - K.get_value(mean)])\n"
        "q = f([x])[0][:, 1]\n"
    ),
    "features": "look = K.function([model.input], [K.batch_flatten(model.layers[2].output)])\nq = look([x])[0]\n",
}


@pytest.mark.parametrize("use", FETCHES.values(), ids=FETCHES)
def test_evaluated_graphs(use: str) -> None:
    new, plan = same(HEAD + SEQUENTIAL + FIT + use)
    assert "channels_last" in new or use is FETCHES["features"]
    assert Status.LEFT_ALONE not in statuses(plan) or use is FETCHES["features"]


def test_a_model_that_only_a_function_feeds() -> None:
    use = "look = K.function([model.input], [model.layers[0].output])\nmaps = look([x])[0]\nq = maps[0, 1]\n"
    text = HEAD + SEQUENTIAL + use
    new, plan = convert(text, source_keras="2.1.3")
    assert statuses(plan) == [Status.DONE]
    assert "maps[0, :, :, 1]" in new


SURGERY = {
    "pop": "model.pop()\nmodel.add(Dense(4))\n",
    "pop of the list": "model.layers.pop()\nmodel.outputs = [model.layers[-1].output]\nmodel.add(Dense(4))\n",
}


@pytest.mark.parametrize("surgery", SURGERY.values(), ids=SURGERY)
def test_a_top_is_replaced(surgery: str) -> None:
    _, plan = same(HEAD + WITH_TOP + surgery + FIT, reorder=True)
    assert statuses(plan) == [Status.DONE]


@pytest.mark.parametrize("index", ["3", "-3", "k"])
def test_no_layer_is_put_in_where_it_would_shift_others(index: str) -> None:
    """Flatten is the fourth layer: a Permute before it shifts those from 3 on, and those before it from behind."""
    text = HEAD + WITH_TOP + FIT + f"k = int(input())\nmodel.layers[{index}].trainable = False\nmodel.save('m.h5')\n"
    new, plan = convert(text, source_keras="2.1.3")
    assert (new, statuses(plan)) == (text, [Status.LEFT_ALONE])
    assert "KM907" in codes(plan)


@pytest.mark.parametrize("index", ["2", "-2", "0", "-1"])
def test_a_layer_is_put_in_where_it_shifts_none(index: str) -> None:
    text = HEAD + WITH_TOP + FIT + f"model.layers[{index}].trainable = False\nmodel.save('m.h5')\n"
    new, plan = convert(text, source_keras="2.1.3")
    assert statuses(plan) == [Status.BORDERS]
    assert "model.add(Permute((3, 1, 2)))" in new


KEPT = {
    "rows of Dense": "np.save('w.npy', model.layers[4].get_weights()[0])\n",
    "rows from elsewhere": "model.layers[4].set_weights([np.load('w.npy'), np.load('b.npy')])\n",
    "rows handed on": "strange(model.layers[4].get_weights())\n",
    "unknown attribute": "model.layers[0].strange = 1\n",
    "unknown method": "model.layers[0].strange(1)\n",
    "given away": "strange(model.layers[1])\n",
    "unknown layers": "model.layers.insert(0, strange())\n",
}


@pytest.mark.parametrize("use", KEPT.values(), ids=KEPT)
def test_what_is_not_followed_stays(use: str) -> None:
    text = HEAD + WITH_TOP + FIT + use
    new, plan = convert(text, source_keras="2.1.3")
    assert (new, statuses(plan)) == (text, [Status.LEFT_ALONE])


def test_kernels_of_keras_1_that_are_read() -> None:
    text = (HEAD + SEQUENTIAL + FIT + "w = model.layers[0].get_weights()[0]\nnp.save('w.npy', w[:, 1])\n").replace(
        "set_image_data_format('channels_first')", "set_image_dim_ordering('th')"
    )
    text = text.replace("Conv2D(4, (3, 3)", "Convolution2D(4, 3, 3")
    new, plan = convert(text, source_keras="1.2.2")
    assert (new, statuses(plan)) == (text, [Status.LEFT_ALONE])


def test_weights_from_a_file_layer_by_layer() -> None:
    """As `load_weights`: the file is to be converted first."""
    load = (
        "import h5py\nf = h5py.File('w.h5')\nfor k in range(f.attrs['n']):\n    if k >= len(model.layers):\n"
        "        break\n    g = f['layer_{}'.format(k)]\n"
        "    weights = [g['param_{}'.format(p)] for p in range(g.attrs['m'])]\n"
        "    model.layers[k].set_weights(weights)\n"
    )
    more = "model.add(Activation('tanh'))\n" * 9
    build = SEQUENTIAL.replace("model.add(GlobalMax", more + "model.add(GlobalMax")
    text = (HEAD + build + load + FIT).replace(
        "set_image_data_format('channels_first')", "set_image_dim_ordering('th')"
    )
    new, plan = convert(text.replace("Conv2D(4, (3, 3)", "Convolution2D(4, 3, 3"), source_keras="1.2.2")
    assert statuses(plan) == [Status.DONE]
    assert codes(plan) == {"KM152"}
    assert "input_shape=(8, 6, 3)" in new


def test_a_function_that_is_made_again_in_a_loop() -> None:
    use = (
        "for k in range(70):\n    look = K.function([model.input], [model.get_layer('pool').output])\n"
        "    q = look([x])[0].mean(axis=1)\n"
    )
    _, plan = same(HEAD + SEQUENTIAL + FIT + use)
    assert statuses(plan) == [Status.DONE]


def test_switches_of_pooling() -> None:
    """The gradient of what was pooled, taken inside the model: a layer gives the only tensor of a list."""
    build = (
        "def where(tensors):\n    before, after = tensors\n    return K.gradients(K.sum(after), before)\n"
        "i = Input((3, 8, 6))\nh = Conv2D(4, (3, 3), padding='same')(i)\np = MaxPooling2D((2, 2))(h)\n"
        "w = Lambda(where, output_shape=lambda shapes: shapes[0])([h, p])\n"
        "h = Multiply()([UpSampling2D((2, 2))(p), w])\nmodel = Model(i, GlobalMaxPooling2D()(h))\n"
    )
    _, plan = same(HEAD + build + FIT)
    assert statuses(plan) == [Status.DONE]


def test_a_layer_that_gives_several_tensors_is_not_followed() -> None:
    build = (
        "i = Input((3, 8, 6))\nh = Conv2D(4, (3, 3))(i)\nw = Lambda(lambda t: K.gradients(K.sum(t), [t, i]))(h)\n"
        "model = Model(i, GlobalMaxPooling2D()(w))\n"
    )
    text = HEAD + build + FIT
    new, plan = convert(text, source_keras="2.1.3")
    assert (new, statuses(plan)) == (text, [Status.LEFT_ALONE])
