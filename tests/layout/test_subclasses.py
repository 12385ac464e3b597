"""Classes of the program over classes of Keras, partial functions, dispatch by name: run before and after."""

from __future__ import annotations

import pytest

from kmigrate.plan import Plan, Status
from tests.layout.converting import convert, statuses
from tests.mock_keras import difference, run

HEAD = """\
import functools
import numpy as np
from keras import backend as K
from keras.callbacks import Callback
from keras.layers import *
from keras.models import Model, Sequential
from keras.utils import Sequence
K.set_image_data_format('channels_first')
x = np.zeros((5, 3, 8, 6))
x[:, 1] = np.arange(6)
x[:, 2, 3] = -1.5
y = np.ones((5, 4))
"""
BUILD = """\
i = Input((3, 8, 6))
h = Conv2D(4, (3, 3), padding='same')(i)
{layer}
model = Model(i, GlobalMaxPooling2D()(h))
model.compile('sgd', 'mse')
"""
FIT = "model.fit(x, y)\np = model.predict(x)\n"


def same(text: str, version: tuple[int, ...] = (2, 1, 3)) -> tuple[str, Plan]:
    new, plan = convert(text, source_keras=".".join(map(str, version)), flatten="permute")
    logs = [run(t, version, "th") for t in (text, new)]
    assert difference(*logs) is None, new
    assert logs[0].events
    return new, plan


LAYERS = {
    "by axis": (
        "class Own(Layer):\n    def __init__(self, axis=1, **keywords):\n        self.axis = axis\n"
        "        super(Own, self).__init__(**keywords)\n"
        "    def call(self, x, mask=None):\n        return x - K.mean(x, axis=self.axis, keepdims=True)\n"
        "    def compute_output_shape(self, input_shape):\n        return input_shape\n",
        "h = Own(name='own')(h)",
    ),
    "slices": (
        "class Own(Layer):\n    def call(self, x):\n        return x[:, :2]\n"
        "    def compute_output_shape(self, s):\n        return (s[0], 2, s[2], s[3])\n",
        "h = Conv2D(4, 1)(Own()(h))",
    ),
    "build reads the shape": (
        "class Own(Layer):\n    def build(self, input_shape):\n        self.channels = input_shape[1]\n"
        "        super(Own, self).build(input_shape)\n"
        "    def call(self, x):\n        return x * float(self.channels)\n",
        "h = Own()(h)",
    ),
    "layers within": (
        "class Own(Layer):\n    def __init__(self, n):\n        super().__init__()\n"
        "        self.conv = Conv2D(n, (3, 3), padding='same')\n        self.bn = BatchNormalization(axis=1)\n"
        "    def call(self, x):\n        return self.bn(self.conv(x))\n",
        "h = Own(4)(h)",
    ),
    "taken out": (
        "class Own(Layer):\n    def call(self, x):\n        return x + 1.0\n",
        "own = Own()\nh = own(h)\npart = Model(i, own.output)\nq = part.predict(x)[:, 1]",
    ),
}


@pytest.mark.parametrize(("define", "use"), LAYERS.values(), ids=LAYERS)
def test_layers_of_the_program(define: str, use: str) -> None:
    _, plan = same(HEAD + define + BUILD.format(layer=use) + FIT)
    assert set(statuses(plan)) <= {Status.DONE, Status.BORDERS}


KEPT = {
    "unknown call": "class Own(Layer):\n    def call(self, x):\n        return strange(x)\n",
    "no call": "class Own(Layer):\n    pass\n",
    "unknown base": "class Own(Strange):\n    def call(self, x):\n        return x\n",
    "another shape": (
        "class Own(Layer):\n    def call(self, x):\n        return x\n"
        "    def compute_output_shape(self, s):\n        return strange(s)\n"
    ),
    "weights like the map": (
        "class Own(Layer):\n    def build(self, s):\n        self.w = self.add_weight(shape=s[1:], name='w')\n"
        "    def call(self, x):\n        return x * self.w\n"
    ),
    "a vector along the width": (
        "class Own(Layer):\n    def build(self, s):\n        self.w = self.add_weight(shape=(s[3],), name='w')\n"
        "    def call(self, x):\n        return x * self.w\n"
    ),
}


@pytest.mark.parametrize("define", KEPT.values(), ids=KEPT)
def test_layers_that_are_not_understood(define: str) -> None:
    text = HEAD + define + BUILD.format(layer="h = Own()(h)") + FIT
    new, plan = convert(text, source_keras="2.1.3")
    assert (new, statuses(plan)) == (text, [Status.LEFT_ALONE])


def test_a_model_of_the_program() -> None:
    define = (
        "class Net(Model):\n    def __init__(self):\n        super(Net, self).__init__()\n"
        "        self.conv = Conv2D(4, (3, 3))\n        self.pool = GlobalMaxPooling2D()\n"
        "    def call(self, x):\n        h = self.conv(x)\n        h = h - K.mean(h, axis=1, keepdims=True)\n"
        "        return self.pool(h)\nmodel = Net()\nmodel.compile('sgd', 'mse')\n"
    )
    new, plan = same(HEAD + define + FIT)
    assert statuses(plan) == [Status.DONE]
    assert "axis=3" in new
    assert "np.zeros((5, 8, 6, 3))" in new


FEEDS = {
    "batches by number": (
        "class Data(Sequence):\n    def __init__(self, x, y):\n        self.x, self.y = x, y\n"
        "    def __len__(self):\n        return 2\n    def __getitem__(self, k):\n"
        "        batch = self.x[k * 2:k * 2 + 2]\n        return batch[:, ::-1], self.y[k * 2:k * 2 + 2]\n"
        "model.fit_generator(Data(x, y), 2)\n"
    ),
    "an iterator of its own": (
        "class Data(object):\n    def __init__(self, it):\n        self.it = it\n    def __iter__(self):\n"
        "        return self\n    def __next__(self):\n        return next(self.it)\n"
        "def locked(f):\n    def g(*a, **k):\n        return Data(f(*a, **k))\n    return g\n"
        "@locked\ndef batches(x):\n    while True:\n        for k in range(2):\n"
        "            yield x[k:k + 2, ::-1], y[k:k + 2]\nmodel.fit_generator(batches(x), 2)\n"
    ),
    "callback": (
        "class Watch(Callback):\n    def __init__(self, x):\n        self.x = x\n"
        "    def on_epoch_end(self, epoch, logs=None):\n        p = self.model.predict(self.x[:, ::-1])\n"
        "        np.save('p.npy', p)\nmodel.fit(x, y, callbacks=[Watch(x)])\n"
    ),
    "partial": "fit = functools.partial(model.fit, x)\nfit(y)\n",
}


@pytest.mark.parametrize("feed", FEEDS.values(), ids=FEEDS)
def test_what_feeds_models(feed: str) -> None:
    new, plan = same(HEAD + BUILD.format(layer="") + feed)
    assert statuses(plan) == [Status.DONE]
    assert "np.zeros((5, 8, 6, 3))" in new


def test_a_callback_that_reads_the_validation_data() -> None:
    feed = (
        "class Watch(Callback):\n    def on_epoch_end(self, epoch, logs=None):\n"
        "        self.model.predict(self.validation_data[0])\nmodel.fit(x, y, callbacks=[Watch()])\n"
    )
    text = HEAD + BUILD.format(layer="") + feed
    new, plan = convert(text, source_keras="2.1.3")
    assert (new, statuses(plan)) == (text, [Status.LEFT_ALONE])


WRAPPERS = {
    "partial layer": "conv = functools.partial(Conv2D, kernel_size=(3, 3), padding='same')\nh = conv(4)(h)",
    "partial layer with its ordering": (
        "conv = functools.partial(Conv2D, kernel_size=(3, 3), data_format='channels_first')\nh = conv(4)(h)"
    ),
    "partial function": (
        "def block(n, h, axis=1):\n    return BatchNormalization(axis=axis)(Conv2D(n, (3, 3))(h))\n"
        "h = functools.partial(block, 4)(h)\nh = functools.partial(block, 4, axis=1)(h=h)"
    ),
    "dictionary of functions": (
        "def one(h):\n    return MaxPooling2D()(h)\ndef two(h):\n    return BatchNormalization(axis=1)(h)\n"
        "h = {'one': one, 'two': two}[['one', 'two'][np.argmax([0, 1])]](h)"
    ),
    "reduce": "h = functools.reduce(lambda t, layer: layer(t), [Conv2D(4, 1), BatchNormalization(axis=1)], h)",
    "map": "h = Add()(list(map(lambda n: Conv2D(4, n, padding='same')(h), [1, 3])))",
    "getattr": "class P(object):\n    axis = 1\nh = BatchNormalization(axis=getattr(P(), 'axis'))(h)",
    "getattr with a default": "class P(object):\n    pass\nh = BatchNormalization(axis=getattr(P(), 'axis', 1))(h)",
    "setattr": "class P(object):\n    pass\nq = P()\nsetattr(q, 'axis', 1)\nh = BatchNormalization(axis=q.axis)(h)",
    "type": "axis = 1 if type([]) in (list, tuple) else 2\nh = BatchNormalization(axis=axis)(h)",
    "list of layers": "for layer in [Conv2D(4, 1), BatchNormalization(axis=1)] * 2:\n    h = layer(h)",
}


@pytest.mark.parametrize("layer", WRAPPERS.values(), ids=WRAPPERS)
def test_ways_to_call(layer: str) -> None:
    new, plan = same(HEAD + BUILD.format(layer=layer) + FIT)
    assert statuses(plan) == [Status.DONE]
    assert "channels_last" in new


ESTIMATOR = """\
from keras.wrappers.scikit_learn import KerasClassifier
from sklearn.model_selection import GridSearchCV
def make(filters=4, axis=1):
    model = Sequential()
    model.add(Conv2D(filters, (3, 3), input_shape=(3, 8, 6)))
    model.add(BatchNormalization(axis=1))
    model.add(GlobalMaxPooling2D())
    model.compile('sgd', 'mse')
    return model
clf = KerasClassifier(make)
"""
ESTIMATES = {
    "fit": "clf.fit(x, y)\np = clf.predict_proba(x)\n",
    "its model": "clf.fit(x, y)\np = clf.model.predict(x[:, ::-1])\n",
    "search": (
        "grid = GridSearchCV(clf, {'filters': [4]})\ngrid.fit(x, y)\n"
        "p = grid.best_estimator_.model.predict(x)\nq = grid.predict_proba(x)\n"
    ),
}


@pytest.mark.parametrize("use", ESTIMATES.values(), ids=ESTIMATES)
def test_estimators(use: str) -> None:
    new, plan = same(HEAD + ESTIMATOR + use)
    assert statuses(plan) == [Status.DONE]
    assert "np.zeros((5, 8, 6, 3))" in new


@pytest.mark.parametrize(
    "use",
    [
        pytest.param("strange(clf)\nclf.fit(x, y)\n", id="given away"),
        pytest.param("clf.fit(x, y)\nclf.strange(x)\n", id="unknown method"),
        pytest.param("clf.fit(strange(), y)\nmake().fit(x, y)\nstrange([clf])\n", id="given away in a list"),
    ],
)
def test_estimators_that_leave(use: str) -> None:
    text = HEAD + ESTIMATOR + use
    new, plan = convert(text, source_keras="2.1.3")
    assert (new, set(statuses(plan))) == (text, {Status.LEFT_ALONE})


def test_a_map_that_an_estimator_compares_with_labels_keeps_its_layout() -> None:
    text = HEAD + ESTIMATOR.replace("    model.add(GlobalMaxPooling2D())\n", "") + "clf.fit(x, strange(y))\n"
    new, plan = convert(text, source_keras="2.1.3")
    assert "model.add(Permute((3, 1, 2)))" in new
    assert statuses(plan) == [Status.BORDERS]


def test_a_parameter_of_an_estimator_is_not_its_default() -> None:
    """The axis that normalises may be set by a search: not followed."""
    text = HEAD + ESTIMATOR.replace("(axis=1))", "(axis=axis))") + ESTIMATES["fit"]
    new, plan = convert(text, source_keras="2.1.3")
    assert (new, statuses(plan)) == (text, [Status.LEFT_ALONE])


NORMED = """\
class Normed(Layer):
    def __init__(self, axis=-1, **options):
        self.axis = axis
        super().__init__(**options)
    def call(self, t):
        return t / (1 + K.sum(K.abs(t), axis=self.axis, keepdims=True))
"""


def normed(use: str) -> tuple[str, Plan]:
    return same(HEAD + NORMED + BUILD.format(layer=f"n = Normed(axis=1)\nh = n(h)\n{use}") + FIT)


def test_the_axis_of_an_own_layer_changes_where_it_is_written() -> None:
    new, plan = normed("h = Normed(-3)(h)\ng = Normed()(GlobalMaxPooling2D()(h))")
    assert statuses(plan)[0] is Status.DONE
    assert "n = Normed(axis=3)" in new and "h = Normed(-1)(h)" in new and NORMED in new


@pytest.mark.parametrize(
    "use",
    [
        "q = x.reshape(5, 3, 4, 2, 6).sum(axis=n.axis)",
        "q = x.reshape(5, 3, 4, 2, 6).sum(axis=n.__dict__['axis'])",
        "q = [x.reshape(5, 3, 4, 2, 6).sum(axis=getattr(n, k)) for k in dir(n) if k == 'axis'][0]",
        "import copy\nq = x.reshape(5, 3, 4, 2, 6).sum(axis=copy.copy(n).axis)",
        "q = 1.0 * n.axis",
    ],
)
def test_an_axis_of_an_own_layer_that_others_read_stays(use: str) -> None:
    new, _ = normed(use)
    assert "n = Normed(axis=1)" in new
