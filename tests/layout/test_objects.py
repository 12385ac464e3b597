"""Objects that change under branches, classes and decorators: run before and after, whichever way the branch goes."""

from __future__ import annotations

import pytest

from kmigrate.plan import Plan, Status
from tests.layout.converting import convert, statuses
from tests.mock_keras import difference, run

HEAD = """\
import functools
import numpy as np
from keras import backend as K
from keras.layers import *
from keras.models import Model, Sequential
K.set_image_data_format('channels_first')
flag = np.argmax(FLAG) == 1
x = np.random.RandomState(0).rand(5, 3, 8, 6)
"""
MODEL = """\
i = Input((3, 8, 6))
h = Conv2D(4, (3, 3), padding='same')(i)
model = Model(i, GlobalMaxPooling2D()(h))
"""
FIT = "model.compile('sgd', 'mse')\nmodel.fit(x, np.ones((5, 4)))\np = model.predict(x)\n"
WAYS = ("[0, 1]", "[1, 0]")


def same(text: str, version: tuple[int, ...] = (2, 1, 3)) -> tuple[str, Plan]:
    """Converted, and computing the same, with either value of ``flag``."""
    text = text.replace("FLAG", WAYS[0])
    new, plan = convert(text, source_keras=".".join(map(str, version)), flatten="permute")
    for way in WAYS:
        logs = [run(t.replace(WAYS[0], way), version, "th") for t in (text, new)]
        assert difference(*logs) is None, new
        assert logs[0].events
    return new, plan


BRANCHES = {
    "attribute": (
        "class C(object):\n    axis = 2\n    def __init__(self):\n        if flag:\n            self.axis = 1\n"
        "x = x - x.mean(axis=C().axis, keepdims=True)\n"
    ),
    "attribute in both": (
        "class C(object):\n    def __init__(self):\n        if flag:\n            self.axis = 1\n"
        "        else:\n            self.axis = 3\nx = x - x.mean(axis=C().axis, keepdims=True)\n"
    ),
    "attribute before an early return": (
        "class C(object):\n    def __init__(self):\n        self.axis = 2\n        self.set()\n    def set(self):\n"
        "        if flag:\n            self.axis = 1\n            return\n        self.axis = 3\n"
        "x = x - x.mean(axis=C().axis, keepdims=True)\n"
    ),
    "attribute behind an early return": (
        "class C(object):\n    axis = 2\n    def set(self):\n        if flag:\n            return\n"
        "        self.axis = 1\nc = C()\nc.set()\nx = x - x.mean(axis=c.axis, keepdims=True)\n"
    ),
    "global behind a return in a loop": (
        "axis = 2\ndef choose():\n    global axis\n    for k in range(2):\n        if flag:\n            return k\n"
        "    axis = 1\nchoose()\nx = x - x.mean(axis=axis, keepdims=True)\n"
    ),
    "attribute of a class": (
        "class C(object):\n    axis = 2\nif flag:\n    C.axis = 1\nx = x - x.mean(axis=C.axis, keepdims=True)\n"
    ),
    "dictionary": "d = {'axis': 2}\nif flag:\n    d['axis'] = 1\nx = x - x.mean(axis=d['axis'], keepdims=True)\n",
    "key that may be missing": (
        "d = {}\nif flag:\n    d['axis'] = 1\nx = x - x.mean(axis=d.get('axis', 2), keepdims=True)\n"
    ),
    "update of a dictionary": (
        "d = {'axis': 2}\nd.update({'axis': 1} if flag else {})\nx = x - x.mean(axis=d['axis'], keepdims=True)\n"
    ),
    "key that is not known": (
        "d = {'axis': 2}\nd['ax' + 'is' * int(flag)] = 1\nx = x - x.mean(axis=d['axis'], keepdims=True)\n"
    ),
    "list": "d = [2]\nif flag:\n    d[0] = 1\nx = x - x.mean(axis=d[0], keepdims=True)\n",
    "list that grows": (
        "d = [x.mean(axis=(2, 3), keepdims=True)]\nif flag:\n    d.append(x[:, ::-1])\nx = x + d[-1]\n"
    ),
    "global": (
        "axis = 2\ndef choose():\n    global axis\n    if flag:\n        axis = 1\nchoose()\n"
        "x = x - x.mean(axis=axis, keepdims=True)\n"
    ),
    "nonlocal": (
        "def shift(a):\n    axis = 2\n    def choose():\n        nonlocal axis\n        axis = 1 if flag else 3\n"
        "    choose()\n    return a - a.mean(axis=axis, keepdims=True)\nx = shift(x)\n"
    ),
    "one of two functions": (
        "def mean(a):\n    return a.mean(axis=1, keepdims=True)\ndef last(a):\n    return a[:, -1:]\n"
        "f = mean if flag else last\nx = x - f(x)\n"
    ),
    "sizes that differ": (
        "y = x[:, :1] if flag else x[:, ::2]\nx = x + y.reshape(5, -1, 8, 6).mean(axis=1, keepdims=True)\n"
    ),
    "what a break skips": (
        "class C(object):\n    axis = 2\nc = C()\nfor k in range(2):\n    if flag:\n        break\n"
        "    c.axis = 1\nx = x - x.mean(axis=c.axis, keepdims=True)\n"
    ),
    "what a break in a long loop skips": (
        "class C(object):\n    axis = 1\nc = C()\nfor k in range(int(flag) + 1):\n    if flag:\n        c.axis = 2\n"
        "        break\n    c.axis = 1\nx = x - x.mean(axis=c.axis, keepdims=True)\n"
    ),
    "what a continue skips": (
        "class C(object):\n    axis = 2\nc = C()\nfor k in range(1):\n    if flag:\n        c.axis = 3\n"
        "        continue\n    c.axis = 1\nx = x - x.mean(axis=c.axis, keepdims=True)\n"
    ),
    "what a raise skips": (
        "class C(object):\n    axis = 2\nc = C()\ndef choose():\n    if flag:\n        c.axis = 3\n"
        "        raise ValueError\n    c.axis = 1\ntry:\n    choose()\nexcept ValueError:\n    pass\n"
        "x = x - x.mean(axis=c.axis, keepdims=True)\n"
    ),
    "what an exception skips": (
        "class C(object):\n    axis = 2\nc = C()\ntry:\n    [1][int(flag)]\n    c.axis = 1\nexcept IndexError:\n"
        "    pass\nx = x - x.mean(axis=c.axis, keepdims=True)\n"
    ),
    "break": (
        "class C(object):\n    axis = 2\nc = C()\nfor k in range(int(flag)):\n    c.axis = 1\n    if k == 0:\n"
        "        break\nx = x - x.mean(axis=c.axis, keepdims=True)\n"
    ),
    "exception": (
        "class C(object):\n    axis = 2\nc = C()\ntry:\n    [1][int(flag)]\nexcept IndexError:\n    c.axis = 1\n"
        "x = x - x.mean(axis=c.axis, keepdims=True)\n"
    ),
}


@pytest.mark.parametrize("before", ["", MODEL + "model.predict(x)\n"], ids=["", "fed before"])
@pytest.mark.parametrize("body", BRANCHES.values(), ids=BRANCHES)
def test_what_branches_do_to_objects(body: str, before: str) -> None:
    """Fed before too, ``x`` would be channels-last from where it is made, were the body not known to depend on it."""
    _, plan = same(HEAD + before + body + ("" if before else MODEL) + FIT)
    assert statuses(plan) == [Status.BORDERS]


MODELS = {
    "layer under a branch": (
        "model = Sequential()\nmodel.add(Conv2D(4, (3, 3), input_shape=(3, 8, 6)))\n"
        "if flag:\n    model.add(MaxPooling2D((2, 2)))\nmodel.add(GlobalMaxPooling2D())\n"
    ),
    "layers in a loop": (
        "model = Sequential()\nmodel.add(Conv2D(4, (3, 3), input_shape=(3, 8, 6)))\n"
        "for k in range(int(flag)):\n    model.add(Conv2D(4, 3, padding='same'))\nmodel.add(GlobalMaxPooling2D())\n"
    ),
    "one of two layers": (
        "i = Input((3, 8, 6))\npool = MaxPooling2D() if flag else AveragePooling2D()\n"
        "model = Model(i, GlobalMaxPooling2D()(pool(Conv2D(4, (3, 3))(i))))\n"
    ),
}


@pytest.mark.parametrize("build", MODELS.values(), ids=MODELS)
def test_models_under_branches(build: str) -> None:
    _, plan = same(HEAD + build + FIT)
    assert statuses(plan) == [Status.BORDERS]


def test_a_model_with_or_without_a_top() -> None:
    """What comes out of it is a map or a vector: not followed."""
    text = (HEAD + "model = Sequential()\nmodel.add(Conv2D(4, (3, 3), input_shape=(3, 8, 6)))\n").replace("FLAG", "[0]")
    top = "if flag:\n    model.add(Flatten())\n    model.add(Dense(4))\n"
    new, plan = convert(text + top + "np.save('p.npy', model.predict(x))\n", source_keras="2.1.3")
    assert new == text + top + "np.save('p.npy', model.predict(x))\n"
    assert statuses(plan) == [Status.LEFT_ALONE]


@pytest.mark.parametrize("tail", ["GlobalMaxPooling2D()(h)", "Dense(2)(Flatten()(h))"])
def test_an_input_that_is_not_known(tail: str) -> None:
    """What a function that cannot be seen makes keeps its layout, also behind a Flatten."""
    text = HEAD.replace("FLAG", "[0]") + (
        f"i = strange()\nh = Conv2D(4, (3, 3))(i)\nmodel = Model(i, {tail})\nmodel.fit(x, np.ones((5, 2)))\n"
    )
    new, plan = convert(text, source_keras="2.1.3")
    assert (new, statuses(plan)) == (text, [Status.LEFT_ALONE])


def test_a_dictionary_with_keys_that_are_not_known_is_given_on() -> None:
    text = (HEAD + MODEL).replace("FLAG", "[0]") + "d = {'a': 1}\nd[input()] = 2\nstrange(d)\ndict(**d)\n" + FIT
    _, plan = convert(text, source_keras="2.1.3")
    assert statuses(plan) == [Status.BORDERS]


CLASSES = {
    "property": (
        "class C(object):\n    @property\n    def shape(self):\n        return (3, 8, 6)\n    @classmethod\n"
        "    def make(cls):\n        return cls()\n    @staticmethod\n    def up(a):\n        return a[:, ::-1]\n"
        "c = C.make()\nx = C.up(c.up(x))\ni = Input(c.shape)\n"
    ),
    "three classes": (
        "class A(object):\n    def __init__(self, shape):\n        self.shape = shape\n"
        "class B(A):\n    def __init__(self, **keywords):\n        super(B, self).__init__(**keywords)\n"
        "class C(B):\n    def __init__(self, *a, **keywords):\n        super().__init__(*a, **keywords)\n"
        "i = Input(C(shape=(3, 8, 6)).shape)\n"
    ),
    "two bases": (
        "class A(object):\n    def shape(self):\n        return (3, 8, 6)\n"
        "class B(A):\n    pass\nclass M(A):\n    def shape(self):\n        return super(M, self).shape()\n"
        "class C(B, M):\n    pass\ni = Input(C().shape())\n"
    ),
    "decorator": (
        "def checked(f):\n    @functools.wraps(f)\n    def g(*a, **k):\n        return f(*a, **k)\n    return g\n"
        "@checked\ndef make(shape, name=None):\n    return Input(shape, name=name)\ni = make((3, 8, 6), name='i')\n"
    ),
    "with": (
        "class Shapes(object):\n    def __enter__(self):\n        return (3, 8, 6)\n"
        "    def __exit__(self, *a):\n        pass\nwith Shapes() as shape:\n    i = Input(shape)\n"
    ),
    "decorator with arguments": (
        "def sized(shape):\n    def deco(f):\n        return lambda: f(shape)\n    return deco\n"
        "@sized((3, 8, 6))\ndef make(shape):\n    return Input(shape)\ni = make()\n"
    ),
}


@pytest.mark.parametrize("body", CLASSES.values(), ids=CLASSES)
def test_classes_and_decorators(body: str) -> None:
    new, plan = same(HEAD + body + MODEL.split("\n", 1)[1] + FIT)
    assert statuses(plan) == [Status.BORDERS]
    assert "(8, 6, 3)" in new
