"""Programs that were once converted wrongly or refused without need, made as small as they go."""

from __future__ import annotations

import textwrap
from typing import Any

import pytest

from kmigrate.layout.recheck import recheck
from kmigrate.plan import Status
from tests.generated import Program
from tests.generated.outcome import Outcome, check
from tests.layout.converting import applied, codes, convert, program, statuses


def outcome(text: str, version: tuple[int, ...], ordering: str = "tf", **options: Any) -> Outcome:
    options = {"source_keras": ".".join(map(str, version)), "flatten": "permute", **options}
    return check(Program(textwrap.dedent(text), version, ordering, False, options["flatten"] == "auto", options))


HEAD = """
from keras import backend as K
from keras.layers import Conv2D, Dense, Flatten, Input, Reshape
from keras.models import Model, Sequential
import numpy as np
K.set_image_data_format('channels_first')
"""


def test_a_reshape_to_one_axis_keeps_the_order_of_its_features_as_a_flatten_does() -> None:
    text = """
    net = Sequential([
        Conv2D(3, 3, input_shape=(4, 6, 9)),
        Reshape((-1,)),
        Dense(4),
    ])
    net.predict(np.load('x_2_4_6_9.npy'))
    """
    found = outcome(HEAD + textwrap.dedent(text), (2, 2, 4))
    assert found.converted and not found.problem
    assert "Permute((3, 1, 2)),\n    Reshape((-1,))," in (found.after or "")


def test_the_output_shape_of_a_deconvolution() -> None:
    text = """
    from keras import backend as K
    from keras.layers import Convolution2D, Deconvolution2D, Input
    from keras.models import Model
    import numpy as np
    K.set_image_dim_ordering('th')
    inputs = Input((3, 5, 6))
    t = Convolution2D(2, 3, 3, border_mode='same')(inputs)
    t = Deconvolution2D(4, 2, 2, output_shape=(None, 4, 10, 12), subsample=(2, 2))(t)
    pred = Model(inputs, t).predict(np.load('x_2_3_5_6.npy'))
    """
    found = outcome(text, (1, 2, 2))
    assert found.converted and not found.problem
    assert "output_shape=(None, 10, 12, 4)" in (found.after or "")


def test_a_branch_that_reshapes_to_the_other_order_is_no_transpose() -> None:
    text = """
    x = np.load('x_3_220.npy')
    if K.image_data_format() == 'channels_first':
        x = x.reshape(3, 2, 10, 11)
    else:
        x = x.reshape(3, 10, 11, 2)
    net = Sequential([Conv2D(2, 1, input_shape=x.shape[1:])])
    net.predict(x)
    """
    assert not outcome(HEAD + textwrap.dedent(text), (2, 0, 8)).problem


def test_what_is_asked_of_an_array_before_it_is_known_to_be_one() -> None:
    text = """
    from helpers import load_images
    x = load_images('x_4_1_10_9.npy')
    assert x.shape[1] == 1
    net = Sequential([Conv2D(2, 3, input_shape=(1, 10, 9))])
    net.predict(x)
    """
    assert not outcome(HEAD + textwrap.dedent(text), (2, 0, 8)).problem


@pytest.mark.parametrize("source", ["np.load('x_3_2_8_9.npy')", "np.zeros((3, 2, 8, 9)) + np.load('x_3_2_8_9.npy')"])
@pytest.mark.parametrize(("now", "after"), [("(0, 2, 3)", "(0, 1, 2)"), ("1", "3")])
def test_axes_that_depend_on_the_ordering(source: str, now: str, after: str) -> None:
    text = f"""
    x = {source}
    if K.image_data_format() == 'channels_first':
        axes = {now}
    else:
        axes = {after}
    x = x - x.mean(axis=axes, keepdims=True)
    x = x.astype('float32')
    net = Sequential([Conv2D(2, 1, input_shape=(2, 8, 9))])
    net.predict(x)
    """
    assert not outcome(HEAD + textwrap.dedent(text), (2, 2, 4)).problem


def test_numbers_stored_through_a_mask() -> None:
    text = """
    x = np.load('x_3_8_9_2.npy').transpose(0, 3, 1, 2)
    x[x < 1.5] = 0
    net = Sequential([Conv2D(2, 3, input_shape=(2, 8, 9))])
    net.predict(x)
    """
    found = outcome(HEAD + textwrap.dedent(text), (2, 2, 4))
    assert found.converted and not found.problem
    assert "\nx[x < 1.5] = 0\n" in (found.after or "")


def test_one_number_for_all_broadcasts_as_it_stands() -> None:
    text = """
    x = np.ones((4, 1, 6, 9))
    mean = x.mean(axis=(0, 2, 3))
    x = x - mean[:, np.newaxis, np.newaxis]
    net = Sequential([Conv2D(2, 3, input_shape=(1, 6, 9))])
    net.predict(x)
    """
    found = outcome(HEAD + textwrap.dedent(text), (2, 2, 4))
    assert found.converted and not found.problem


def test_a_branch_that_reshapes_what_is_given_to_unknown_code() -> None:
    text = """
    from helpers import blurred
    x = np.zeros((4, 2, 6, 10)) + np.arange(10)
    if K.image_data_format() == 'channels_first':
        x = x.reshape(4, 2, 6, 10)
    else:
        x = x.reshape(4, 6, 10, 2)
    x = blurred(x)
    net = Sequential([Conv2D(2, 1, input_shape=(2, 6, 10))])
    net.predict(x)
    """
    assert not outcome(HEAD + textwrap.dedent(text), (2, 0, 8)).problem


NET = """
x = np.load('x_4_3_8_9.npy') * 2
net = Sequential([Conv2D(2, 3, input_shape=(3, 8, 9))])
net.compile('sgd', 'mse')
net.predict(x)
net.predict(x[:2])
"""

# Ways in which an array goes through something that is not followed, or comes back from it.
WAYS = {
    "a star": "first, *rest = x\nnet.predict(np.array(rest))",
    "a function of the library": ("from functools import reduce\nnet.predict(reduce(lambda a, b: a + b, [x, x, x]))"),
    "functions in a list": "for f in [lambda a: a[:, ::-1], np.abs]:\n    x = f(x)\nnet.predict(x)",
    "setdefault": "kept = {}\nkept.setdefault('a', []).append(x[0])\nnp.save('o.npy', kept['a'][0][1])",
    "extend": "many = []\nmany.extend(x)\nmany.extend([x[0], x[1]])\nnet.predict(np.asarray(many))",
    "a class that iterates": (
        "class A:\n    def __iter__(self):\n        for i in x:\n            yield i\n"
        "net.predict(np.asarray(list(A())))"
    ),
    "a decorated function": (
        "import functools\n@functools.lru_cache()\ndef f():\n    return x\nnet.predict(np.asarray(f()))"
    ),
    "a match statement": "match x:\n    case _:\n        r = x\nnet.predict(np.asarray(r))",
    "flat": "r = np.zeros((4, 3, 8, 9))\nr.flat = x.flat\nnet.predict(r)",
    "itertools": "import itertools\nnet.predict(np.asarray(list(itertools.chain.from_iterable([x, x]))))",
    "an exception": (
        "try:\n    raise ValueError(x)\nexcept ValueError as e:\n    r = e.args[0]\nnet.predict(np.asarray(r))"
    ),
    "keyword arguments": "given = dict(x=x, y=np.load('y_4_2_6_7.npy'))\nnet.fit(**given)",
    "positional arguments": "given = (x, np.load('y_4_2_6_7.npy'))\nnet.fit(*given)",
    "tolist": "net.predict(np.array(x.tolist()))",
    "an index vector": "order = np.arange(4)\nnet.predict(x[order[1:3]])",
    "axis by name": (
        "axes = {'channels_first': 1, 'channels_last': 3}\n"
        "net.predict(x / x.sum(axis=axes[K.image_data_format()], keepdims=True))"
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_arrays_that_go_out_of_sight_keep_their_layout(way: str) -> None:
    assert not outcome(HEAD + NET + WAYS[way] + "\n", (2, 1, 3)).problem


def test_arrays_from_outside_are_told_apart_when_they_are_met_in_another_order() -> None:
    text = """
    import cv2

    def make(names):
        images = np.ndarray((9, 1, 8, 6))
        masks = np.ndarray((9, 1, 8, 6))
        for i, name in enumerate(names):
            image = cv2.imread(name + '.tif', 0)
            mask = cv2.imread(name + '_mask.tif', 0)
            image = np.array([image])
            mask = np.array([mask])
            images[i] = image
            masks[i] = mask
        np.save('images.npy', images)
        np.save('masks.npy', masks)

    net = Sequential([Conv2D(3, 3, input_shape=(4, 6, 9))])
    net.predict(np.zeros((2, 4, 6, 9)))
    """
    new, plan = convert(HEAD + textwrap.dedent(text))  # the re-check must know which array is which
    assert statuses(plan) == [Status.DONE] and "input_shape=(6, 9, 4)" in new


def test_an_axis_that_two_contexts_give_and_neither_changes() -> None:
    text = """
    class Shift(Layer):
        def __init__(self, axis=1, **keywords):
            self.axis = axis
            super(Shift, self).__init__(**keywords)
        def call(self, x):
            return x - K.mean(x, axis=self.axis, keepdims=True)
    net = Sequential()
    net.add(Conv2D(3, 3, input_shape=(4, 6, 9)))
    net.add(Shift())
    net.add(Shift(axis=2))
    net.predict(np.load('x_2_4_6_9.npy'))
    """
    found = outcome(HEAD + "from keras.engine import Layer\n" + textwrap.dedent(text), (2, 2, 4))
    assert not found.problem


# The first layer is not known: its output is no input of the model, and it may follow the setting.
UNKNOWN_FIRST = """
from keras import backend as K
from keras.layers import Conv2D, Dense, Flatten
from keras.models import Sequential
from sounds import Spectrogram
{setting}
def build():
    net = Sequential()
    net.add(Spectrogram(n_dft=512, input_shape=(1, 16000)))
    net.add(Conv2D(8, 3{said}))
    net.add(Flatten())
    net.add(Dense(3))
    return net
net = build()
"""


@pytest.mark.parametrize(
    ("setting", "said"),
    [("K.set_image_data_format('channels_first')", ""), ("", ", data_format='channels_first'")],
    ids=["set", "said"],
)
def test_a_model_whose_first_layer_is_not_known(setting: str, said: str) -> None:
    text = UNKNOWN_FIRST.format(setting=setting, said=said)
    new, plan = convert(text, source_keras="2.1.3")
    assert new == text and statuses(plan) == [Status.LEFT_ALONE]


def test_one_text_that_is_several_numbers_in_a_loop_is_no_conflict() -> None:
    text = """
    from keras import backend as K
    from keras.layers import BatchNormalization, Conv2D
    from keras.models import Sequential
    from sounds import Spectrogram
    K.set_image_data_format('channels_first')
    def build(kernels, count):
        axis = 1 if K.image_data_format() == 'channels_first' else -1
        net = Sequential()
        net.add(Spectrogram(n_dft=512, input_shape=(1, 16000)))
        for i in range(count):
            net.add(Conv2D(kernels[i], (3, 3)))
            net.add(BatchNormalization(axis=axis))
        return net
    net = build([3, 4], 2)
    """
    _, plan = convert(text, source_keras="2.0.9")
    assert statuses(plan) == [Status.LEFT_ALONE] and "KM908" not in codes(plan)


@pytest.mark.parametrize(
    "use",
    [
        "from nets import block\ni = Input((3, 8, 8))\nother = Model(i, block(i, 4))",
        "from nets import make\nnet = make(3, 8, 8)\nnet.compile('sgd', 'mse')",
        "from nets import make\nnet = make('a')\nnet.predict(np.zeros((2, 3, 8, 8)))",
    ],
    ids=["layers", "a model", "a model that predicts"],
)
def test_code_that_makes_layers_follows_the_setting(use: str) -> None:
    tail = """
    net2 = Sequential([Conv2D(4, 3, input_shape=(3, 8, 8)), GlobalMaxPooling2D()])
    net2.compile('sgd', 'mse')
    net2.fit(np.zeros((2, 3, 8, 8)), np.ones((2, 4)))
    """
    head = HEAD.replace("Flatten", "Flatten, GlobalMaxPooling2D")
    text = head + use + "\n" + textwrap.dedent(tail)
    new, plan = convert(text, source_keras="2.1.3")
    assert new == text
    assert Status.LEFT_ALONE in statuses(plan)


def test_a_loaded_model_does_not_follow_the_setting() -> None:
    text = HEAD.replace("Model,", "load_model, Model,").replace(
        "Flatten", "Flatten, GlobalMaxPooling2D"
    ) + textwrap.dedent("""
    net = load_model('a.h5')
    net.compile('sgd', 'mse')
    net2 = Sequential([Conv2D(4, 3, input_shape=(3, 8, 8)), GlobalMaxPooling2D()])
    net2.compile('sgd', 'mse')
    net2.fit(np.zeros((2, 3, 8, 8)), np.ones((2, 4)))
    """)
    new, _ = convert(text, source_keras="2.1.3")
    assert "channels_last" in new


def test_a_permute_layer_says_the_rank_of_what_it_takes() -> None:
    text = HEAD.replace("Flatten", "Flatten, GlobalMaxPooling2D") + textwrap.dedent("""
    from sklearn.model_selection import train_test_split
    x, y = np.load('x_10_3_8_6.npy'), np.ones((10, 4))
    a, b, c, d = train_test_split(x, y, test_size=0.3)
    net = Sequential([Conv2D(4, 3, input_shape=x.shape[1:]), GlobalMaxPooling2D()])
    net.compile('sgd', 'mse')
    net.fit(a, c)
    np.save('p.npy', b)
    """)
    found = outcome(text, (2, 2, 4))
    assert found.converted and not found.problem


@pytest.mark.parametrize(
    "lines",
    [
        "t = Flatten()(Permute((2, 1, 3))(Conv2D(4, 3)(i)))",
        "t = Flatten()(Permute((3, 1, 2))(i))\nu = Conv2D(4, 3)(i)",
        "i = Input((7, 9))\nt = Flatten()(Conv1D(4, 3)(i))\nu = Conv2D(4, 3, input_shape=(2, 5, 6))",
    ],
)
def test_a_flatten_that_moves_an_axis_which_is_no_channel(lines: str) -> None:
    text = f"from keras.layers import Conv1D, Permute\ni = Input((4, 7, 9))\n{lines}\nnet = Model(i, t)\n"
    size = "2_7_9" if "Conv1D" in lines else "2_4_7_9"
    found = outcome(HEAD + text + f"net.predict(np.load('x_{size}.npy'))\n", (2, 2, 4))
    assert not found.problem


def test_a_concatenation_of_arrays_that_have_not_one_rank() -> None:
    text = HEAD + textwrap.dedent("""
    x = np.load('x.npy').reshape(10, 3, 8, 6)
    both = np.concatenate((x, np.ones((2, 4))), axis=2)
    net = Sequential([Conv2D(4, 3, input_shape=(3, 8, 6)), Flatten(), Dense(4)])
    net.compile('sgd', 'mse')
    net.fit(x, np.ones((10, 4)))
    """)
    new, plan = convert(text, source_keras="2.1.3")
    assert "np.concatenate((x, " in new and "KM105" in codes(plan) | {e.code for e in plan.edits}


@pytest.mark.parametrize(
    "lines",
    [
        "x = x.reshape(x.shape[0], x.shape[1], x.shape[2], x.shape[3])",
        "x = x * np.ones((x.shape[0], x.shape[1], x.shape[2], x.shape[3] * 1))",
        "def like(y, n=1):\n    return np.ones((len(y), y.shape[1], y.shape[2] * n, n * y.shape[3]))\n"
        "x = x + like(x) * like(x)",
    ],
)
def test_sizes_are_read_in_another_order_where_a_shape_is_reordered(lines: str) -> None:
    text = (
        HEAD
        + f"x = np.ones((5, 3, 8, 6))\n{lines}\n"
        + textwrap.dedent("""
    net = Sequential([Conv2D(4, 3, input_shape=(3, 8, 6)), Flatten(), Dense(4)])
    net.predict(x)
    """)
    )
    found = outcome(text, (2, 2, 4))
    assert found.converted and not found.problem
    assert "transpose" not in (found.after or "")


def test_the_re_check_sees_sizes_that_are_not_read_in_the_order_of_their_shape() -> None:
    text = HEAD + textwrap.dedent("""
    x = np.ones((5, 3, 8, 6))
    y = np.ones((x.shape[0], x.shape[1], x.shape[2], x.shape[3]))
    net = Sequential([Conv2D(4, 3, input_shape=(3, 8, 6)), Flatten(), Dense(4)])
    net.predict(x + y)
    """)
    found = program(text, source_keras="2.2.4")
    after = applied(text, found.plan.edits)
    assert recheck(found, {found.path: after}) is None
    shape = "(x.shape[0], x.shape[1], x.shape[2], x.shape[3])"
    assert shape in after
    for wrong in (
        "(x.shape[0], x.shape[2], x.shape[1], x.shape[3])",
        "(x.shape[0], x.shape[2], x.shape[3], x.shape[1])",
    ):
        assert recheck(found, {found.path: after.replace(shape, wrong)}) is not None
