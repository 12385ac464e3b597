"""Relus written with maxima, absolute values, conditions, clips and temporaries, and what only looks like them."""

from __future__ import annotations

import textwrap

import pytest

from kmigrate.keras_api.versions import VersionRange
from kmigrate.options import Options
from tests.relu.test_finder import HEADER, fast, found

IMPORTS = f"{HEADER}from functools import partial\nfrom keras import ops\nimport theano.tensor as T\n"
UNSAFE = Options(unsafe_fixes=True)


def line(text: str, options: Options | None = None, version: VersionRange | None = None) -> str:
    """What ``y = text`` becomes."""
    return fast(f"{IMPORTS}y = {text}\n", options, version).removeprefix(f"{IMPORTS}y = ").rstrip("\n")


def block(text: str, options: Options | None = None) -> str:
    text = textwrap.dedent(text).strip("\n") + "\n"
    return fast(IMPORTS + text, options).removeprefix(IMPORTS)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("tf.maximum(A * x, x)", "tf.nn.leaky_relu(x, alpha=A)"),
        ("tf.maximum(x, x * .2)", "tf.nn.leaky_relu(x, alpha=.2)"),
        ("tf.math.maximum((x), (A*(x)))", "tf.nn.leaky_relu(x, alpha=A)"),
        ("tf.maximum(x, A * x, name='leak')", "tf.nn.leaky_relu(x, alpha=A, name='leak')"),
        ("tf.maximum(tf.constant(.2) * x, x)", "tf.nn.leaky_relu(x, alpha=.2)"),
        ("tf.compat.v1.maximum(A * x, x)", "tf.compat.v1.nn.leaky_relu(x, alpha=A)"),
        ("K.maximum(A * x, x)", "K.relu(x, alpha=A)"),
        ("ops.maximum(A * x, x)", "ops.leaky_relu(x, negative_slope=A)"),
        ("ops.maximum(x / 8, x)", "ops.leaky_relu(x, negative_slope=1.0 / 8)"),
        ("tf.where(x > 0, x, A * x)", "tf.nn.leaky_relu(x, alpha=A)"),
        ("tf.where(0. < x, x, x * A)", "tf.nn.leaky_relu(x, alpha=A)"),
        ("tf.where(x >= 0, x, A * x)", "tf.nn.leaky_relu(x, alpha=A)"),
        ("tf.where(x < 0, A * x, x)", "tf.nn.leaky_relu(x, alpha=A)"),
        ("tf.where(tf.less_equal(x, 0.), A * x, x)", "tf.nn.leaky_relu(x, alpha=A)"),
        ("ops.where(ops.greater(x, 0), x, A * x)", "ops.leaky_relu(x, negative_slope=A)"),
        ("K.switch(K.greater(x, 0), x, A * x)", "K.relu(x, alpha=A)"),
        (
            "tf.minimum(tf.nn.relu(x), 4.) - A * tf.nn.relu(-x)",
            "tf.minimum(tf.nn.leaky_relu(x, alpha=A), 4.)",
        ),
        ("K.relu(x) - A * K.relu(-x) - A * K.relu(-z)", "K.relu(x, alpha=A) - A * K.relu(-z)"),
        ("K.clip(K.relu(x), 0., 4.) - A * K.relu(-x)", "K.minimum(K.relu(x, alpha=A), 4.)"),
        (
            "ops.clip(ops.relu(x), 0, 6) - .1 * ops.relu(-x)",
            "ops.minimum(ops.leaky_relu(x, negative_slope=.1), 6)",
        ),
    ],
)
def test_constant_slope(before: str, after: str) -> None:
    assert line(before) == after
    (edit,) = found(f"{IMPORTS}y = {before}\n")[0]
    assert edit.code == "KM202"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("tf.maximum(x, 0.)", "tf.nn.relu(x)"),
        ("tf.maximum(0., tf.matmul(x, w) + b)", "tf.nn.relu(tf.matmul(x, w) + b)"),
        ("K.maximum(0., x)", "K.relu(x)"),
        ("ops.maximum(x, 0.0)", "ops.relu(x)"),
        ("T.maximum(x, 0.)", "T.nnet.relu(x)"),
        ("Activation(lambda x: K.maximum(x, 0))", "Activation(lambda x: K.relu(x))"),
        ("Dense(3, activation=lambda t: tf.maximum(0, t))", "Dense(3, activation=lambda t: tf.nn.relu(t))"),
        ("0.5 * (x + tf.abs(x))", "tf.nn.relu(x)"),
        ("(K.abs(x) + x) / 2", "K.relu(x)"),
        (".5 * x + ops.abs(x) * .5", "ops.relu(x)"),
        ("tf.where(x > 0, x, 0.)", "tf.nn.relu(x)"),
        ("tf.where(x > 0, x, tf.zeros_like(x))", "tf.nn.relu(x)"),
    ],
)
def test_slope_zero(before: str, after: str) -> None:
    assert line(before) == after
    assert {e.code for e in found(f"{IMPORTS}y = {before}\n")[0]} == ({"KM204"} if before != after else set())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("tf.nn.leaky_relu(x, alpha=0.)", "tf.nn.relu(x)"),
        ("tf.nn.leaky_relu(x, 0, name='u')", "tf.nn.relu(x, name='u')"),
        ("ops.leaky_relu(x, negative_slope=ZERO)", "ops.relu(x)"),
        ("keras.activations.leaky_relu(x, 0.)", "keras.activations.relu(x)"),
        ("partial(K.relu, alpha=0.)", "K.relu"),
        ("tf.where(x > 0, x, 0. * x)", "tf.nn.relu(x)"),
        ("T.nnet.relu(x, alpha=0)", "T.nnet.relu(x)"),
        ("Activation(LeakyReLU(0.))", "Activation('relu')"),
    ],
)
def test_calls_with_slope_zero(before: str, after: str) -> None:
    assert line(before) == after
    edits = found(f"{IMPORTS}y = {before}\n")[0]
    assert {e.code for e in edits} == {"KM201"} and all(e.neutral for e in edits)


@pytest.mark.parametrize(
    ("before", "after", "unsafe"),
    [
        ("tf.clip_by_value(tf.nn.relu(x), 0., 4.)", "tf.minimum(tf.nn.relu(x), 4.)", None),
        ("tf.clip_by_value(tf.nn.relu(x), 0, 6)", "tf.minimum(tf.nn.relu(x), 6)", "tf.nn.relu6(x)"),
        ("K.clip(K.relu(x), 0., 3.)", "K.minimum(K.relu(x), 3.)", None),
        ("ops.clip(ops.relu(x), 0, 6)", "ops.minimum(ops.relu(x), 6)", "ops.relu6(x)"),
        ("tf.clip_by_value(tf.maximum(x, 0.), 0., 2)", "tf.minimum(tf.nn.relu(x), 2)", None),
        ("tf.minimum(tf.maximum(x, 0.), 6.)", "tf.minimum(tf.nn.relu(x), 6.)", "tf.nn.relu6(x)"),
        ("tf.minimum(6., tf.nn.relu(x))", "tf.minimum(6., tf.nn.relu(x))", "tf.nn.relu6(x)"),
        ("tf.clip_by_value(x, 0., 6.)", "tf.clip_by_value(x, 0., 6.)", "tf.nn.relu6(x)"),
    ],
)
def test_maximum(before: str, after: str, unsafe: str | None) -> None:
    assert line(before) == after
    assert line(before, UNSAFE) == (unsafe or after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (".5 * (1 + A) * x + .5 * (1 - A) * tf.abs(x)", "tf.nn.leaky_relu(x, alpha=A)"),
        ("((1 - A) * tf.abs(x) + (1 + A) * x) / 2.", "tf.nn.leaky_relu(x, alpha=A)"),
        ("0.6 * x + 0.4 * K.abs(x)", "K.relu(x, alpha=0.2)"),
        ("tf.nn.relu(x) - tf.nn.relu(-x) / 5.5", "tf.nn.leaky_relu(x, alpha=1.0 / 5.5)"),
        ("T.maximum(A * x, x)", "T.nnet.relu(x, alpha=A)"),
        ("T.switch(T.gt(x, 0), x, A * x)", "T.nnet.relu(x, alpha=A)"),
    ],
)
def test_what_differs_by_rounding_is_asked_for(before: str, after: str) -> None:
    text = f"{IMPORTS}y = {before}\n"
    assert line(before, UNSAFE) == after and "up to rounding" in found(text, UNSAFE)[0][0].reason
    edits, diagnostics = found(text)
    assert not edits and ["--unsafe-fixes" in d.message for d in diagnostics] == [True]


def test_slopes_that_float32_rounds_are_asked_for_in_float64() -> None:
    double = IMPORTS + "K.set_floatx('float64')\n"
    text = "y = tf.nn.relu(x) - .1 * tf.nn.relu(-x)\n"
    assert fast(double + text) == double + text
    assert fast(double + text, UNSAFE) == double + "y = tf.nn.leaky_relu(x, alpha=.1)\n"
    exact = text.replace(".1", ".125")
    assert fast(double + exact) == double + "y = tf.nn.leaky_relu(x, alpha=.125)\n"


def test_on_theano_the_backend_rounds_otherwise() -> None:
    header = "from keras import backend as K\n"
    text = f"{header}y = K.relu(x) - .1 * K.relu(-x)\n"
    old = VersionRange((1, 0, 0), (1, 0, 8))
    for options, version in ((Options(source_backend="theano"), None), (Options(), old)):
        edits, diagnostics = found(text, options, version)
        assert not edits and "up to rounding" in diagnostics[0].message
    assert "tf.maximum(.1 * x, x)" in fast(text, Options(source_backend="tensorflow"), old)
    zero = f"{header}y = K.maximum(x, 0.)\n"
    assert fast(zero, Options(source_backend="theano")) == f"{header}y = K.relu(x)\n"


def test_tensorflow_is_imported_where_the_user_says_that_it_is_there() -> None:
    header = "from keras import backend as K\n"
    options = Options(source_backend="tensorflow")
    after = f"import tensorflow as tf\n{header}y = tf.maximum(.2 * x, x)\n"
    for form in ("K.relu(x, .2)", "K.relu(x) - .2 * K.relu(-x)"):
        assert fast(f"{header}y = {form}\n", options, VersionRange((1, 2, 0), (1, 2, 2))) == after
    taken = f"{header}tf = 3\ny = K.relu(x, .2)\n"
    assert found(taken, options, VersionRange((1, 2, 0), (1, 2, 2)))[0] == []


def test_one_run_is_enough_where_the_backend_is_slow() -> None:
    options, version = Options(source_backend="tensorflow"), VersionRange((2, 0, 9), (2, 1, 2))
    assert line("K.relu(x) - A * K.relu(-x)", options, version) == "tf.nn.leaky_relu(x, alpha=A)"
    assert line("K.maximum(x, A * x)", options, version) == "tf.nn.leaky_relu(x, alpha=A)"


def test_slope_and_maximum_of_the_backend() -> None:
    after = VersionRange((2, 2, 3), (2, 3, 1))
    assert line("K.relu(x, alpha=.1, max_value=6.)", None, after) == "K.minimum(K.relu(x, alpha=.1), 6.)"
    assert line("K.relu(x, A, 4)", None, after) == "K.minimum(K.relu(x, alpha=A), 4)"
    for version in (None, VersionRange((2, 1, 3), (2, 2, 2)), VersionRange((1, 2, 2), (1, 2, 2))):
        assert line("K.relu(x, alpha=.1, max_value=6.)", None, version) == "K.relu(x, alpha=.1, max_value=6.)"
    for text in ("K.relu(x, alpha=.1, max_value=m)", "K.relu(x, alpha=a, max_value=6.)", "K.relu(x, max_value=6.)"):
        assert line(text, None, after) == text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            """
            def lrelu(x, leak=0.2, name="lrelu"):
                with tf.variable_scope(name):
                    f1 = 0.5 * (1 + leak)
                    f2 = 0.5 * (1 - leak)
                    return f1 * x + f2 * abs(x)
            """,
            """
            def lrelu(x, leak=0.2, name="lrelu"):
                with tf.variable_scope(name):
                    return tf.nn.leaky_relu(x, alpha=leak)
            """,
            id="factors of an absolute value",
        ),
        pytest.param(
            """
            def block(x):
                h = conv(x)
                # the negative half
                negative = tf.nn.relu(-h)
                h = tf.nn.relu(h)

                h -= 0.1 * negative
                return conv(h)
            """,
            """
            def block(x):
                h = conv(x)
                # the negative half

                h = tf.nn.leaky_relu(h, alpha=0.1)
                return conv(h)
            """,
            id="as in the old backend",
        ),
        pytest.param(
            """
            def net(x, a=.1):
                x = conv(x)
                scaled = a * x
                y = tf.maximum(scaled, x)
                return conv(y)
            """,
            """
            def net(x, a=.1):
                x = conv(x)
                y = tf.nn.leaky_relu(x, alpha=a)
                return conv(y)
            """,
            id="scaled input",
        ),
        pytest.param(
            """
            def net(x):
                p = K.relu(x)
                n = K.relu(-x)
                y = p - .1 * n
                q = K.relu(y)
                m = K.relu(-y)
                return q - .2 * m
            """,
            """
            def net(x):
                y = K.relu(x, alpha=.1)
                return K.relu(y, alpha=.2)
            """,
            id="twice",
        ),
        pytest.param(
            """
            def net(x):
                h = 2 * x
                y = tf.maximum(h, 0.)
                return y
            """,
            """
            def net(x):
                h = 2 * x
                y = tf.nn.relu(h)
                return y
            """,
            id="what is no part of it stays",
        ),
        pytest.param(
            """
            def relu(x, alpha=0.):
                n = K.relu(-x)
                x = K.relu(x)
                x -= alpha * n
            """,
            """
            def relu(x, alpha=0.):
                x = K.relu(x, alpha=alpha)
            """,
            id="without an end",
        ),
    ],
)
def test_temporaries(before: str, after: str) -> None:
    assert block(before, UNSAFE) == textwrap.dedent(after).strip("\n") + "\n"


def test_comments_and_other_edits_of_the_statements_stay() -> None:
    text = """
        def f(x):
            n = K.relu(-x)  # below
            # above
            return K.relu(x) - .1 * n  # both
        """
    after = """
        def f(x):
            # above
            return K.relu(x, alpha=.1)  # both
        """
    assert (
        block(text.replace("f(x)", "f(self, x, y, z)"))
        == textwrap.dedent(after.replace("f(x)", "f(self, x, y, z)")).strip("\n") + "\n"
    )


NEAR_MISSES = {
    "maximum of two tensors": "y = tf.maximum(x, z)",
    "maximum of another tensor": "y = tf.maximum(A * z, x)",
    "maximum with a slope above one": "y = tf.maximum(2. * x, x)",
    "maximum with a slope below zero": "y = tf.maximum(-A * x, x)",
    "maximum with an unknown slope": "y = tf.maximum(slope * x, x)",
    "maximum with a trained slope": "y = tf.maximum(self.alpha * x, x)",
    "maximum of a call made twice": "y = tf.maximum(A * conv(x), conv(x))",
    "maximum with another bound": "y = tf.maximum(x, 1.)",
    "maximum with an integer, perhaps of integers": "y = tf.maximum(x, 0)",
    "hinge loss": "y = K.mean(K.maximum(1. - t * p, 0.))",
    "hinge of two scores": "y = K.maximum(0., n - p + 1.)",
    "contrastive loss": "y = K.square(tf.maximum(margin - d, 0.))",
    "maximum with a name by position": "y = tf.maximum(x, 0., 'a')",
    "maximum with a named zero, perhaps an integer": "y = tf.maximum(x, ZERO)",
    "maximum of numbers": "y = tf.maximum(A, 0.)",
    "maximum of numpy": "y = np.maximum(x, 0.)",
    "leaky maximum of numpy": "y = np.maximum(A * x, x)",
    "maximum of Python": "y = max(x, 0.)",
    "maximum of three": "y = K.maximum(x, K.maximum(z, A * x))",
    "minimum, not maximum": "y = tf.minimum(A * x, x)",
    "minimum with zero": "y = tf.minimum(x, 0.)",
    "minimum of another bound": "y = tf.minimum(tf.nn.relu(x), z)",
    "clip from below zero": "y = tf.clip_by_value(tf.nn.relu(x), -1., 4.)",
    "clip to another bound": "y = tf.clip_by_value(x, 0., 1.)",
    "clip by a tensor": "y = K.clip(K.relu(x), 0., z)",
    "condition on another value": "y = tf.where(z > 0, x, A * x)",
    "condition at another threshold": "y = tf.where(x > 1, x, A * x)",
    "condition the other way round": "y = tf.where(x > 0, A * x, x)",
    "condition with other branches": "y = tf.where(x > 0, x, A * z)",
    "condition on equality": "y = tf.where(x == 0, x, A * x)",
    "condition with an exponential (ELU)": "y = tf.where(x > 0, x, A * (K.exp(x) - 1))",
    "condition of numpy": "y = np.where(x > 0, x, A * x)",
    "thresholded relu": "y = x * K.cast(K.greater(x, 1.), K.floatx())",
    "absolute value alone": "y = .5 * tf.abs(x)",
    "absolute value with other factors": "y = .6 * x + .5 * tf.abs(x)",
    "absolute value of something else": "y = .5 * (x + tf.abs(z))",
    "difference from the absolute value": "y = .5 * (x - tf.abs(x))",
    "trained absolute-value form (PReLU)": "y = K.relu(x) + self.alphas * (x - K.abs(x)) * .5",
    "absolute value of Python": "y = .5 * (x + abs(x))",
    "concatenated relu": "y = tf.concat([tf.nn.relu(x), tf.nn.relu(-x)], 3)",
    "negative relu": "y = -tf.nn.relu(-x)",
    "two libraries": "y = tf.nn.relu(x) - A * K.relu(-x)",
    "shifted halves": "y = tf.nn.relu(x) - A * tf.nn.relu(1 - x)",
    "hard sigmoid": "y = K.clip(.2 * x + .5, 0., 1.)",
    "SReLU": "y = tl + K.minimum(K.relu(x - tl), tr) - A * K.relu(-(x - tl)) + al * K.relu(x - tr)",
    "slope given by a lambda's default": "f = lambda x, a=.1: K.maximum(a * x, x)",
    "another name for an inner operation": "y = tf.clip_by_value(tf.nn.relu(x, name='r'), 0., z)",
    "leaky relu with its default slope": "y = tf.nn.leaky_relu(x)",
    "leaky relu with a slope": "y = tf.nn.leaky_relu(x, alpha=.2)",
    "layer with a maximum": "y = keras.layers.ReLU(max_value=6., negative_slope=A)(x)",
    "layer with a trained slope": "y = keras.layers.PReLU()(x)",
    "partial with a slope": "f = partial(K.relu, alpha=A)",
    "partial of something else": "f = partial(conv, alpha=0.)",
    "torch": "y = F.relu(x) - A * F.relu(-x)",
}


@pytest.mark.parametrize("text", NEAR_MISSES.values(), ids=NEAR_MISSES)
def test_near_misses_stay(text: str) -> None:
    assert fast(f"{IMPORTS}{text}\n") == f"{IMPORTS}{text}\n"


KEPT = {
    "a half that is used again": "n = K.relu(-x)\ny = K.relu(x) - A * n\nreturn y + n",
    "a half that a function takes along": "n = K.relu(-x)\ny = K.relu(x) - A * n\nreturn lambda: n * y",
    "a half of an earlier round": "for i in k:\n    z = n\n    n = K.relu(-x)\n    y = K.relu(x) - A * n\nreturn y",
    "a half that is global": "global n\nn = K.relu(-x)\nreturn K.relu(x) - A * n",
    "something between": "n = K.relu(-x)\nx = conv(x)\nreturn K.relu(x) - A * n",
    "a call between": "n = K.relu(-x)\nprint(x)\nreturn K.relu(x) - A * n",
    "the plain half first": "x = K.relu(x)\nn = K.relu(-x)\nx -= A * n\nreturn x",
    "the half of another value": "n = K.relu(-z)\nreturn K.relu(x) - A * n",
    "a half that the same statement uses again": "n = K.relu(-x)\nreturn K.concatenate([K.relu(x) - A * n, n])",
    "a half that a lambda hides": "n = K.relu(-x)\nreturn Lambda(lambda n: K.relu(x) - A * n)",
    "a half in an index": "n = K.relu(-x)\ny = K.relu(x) - A * w[n]\nreturn y",
    "statements on one line": "n = K.relu(-x); y = K.relu(x) - A * n\nreturn y",
    "a half that is deleted": "n = K.relu(-x)\ny = K.relu(x) - A * n\ndel n\nreturn y",
    "a half that is changed after": "n = K.relu(-x)\ny = K.relu(x) - A * n\nn += 1.\nreturn y",
    "a half among the locals": "n = K.relu(-x)\ny = K.relu(x) - A * n\nreturn locals(), y",
    "a half in a format string": "n = K.relu(-x)\ny = f'{K.relu(x) - A * n}'\nreturn y",
    "a branch between": "n = K.relu(-x)\nif k:\n    x = z\nreturn K.relu(x) - A * n",
}


@pytest.mark.parametrize("text", KEPT.values(), ids=KEPT)
def test_temporaries_that_stay(text: str) -> None:
    function = "def f(x, z, k):\n" + textwrap.indent(text, "    ") + "\n"
    assert fast(IMPORTS + function) == IMPORTS + function


ELSEWHERE = {
    "a slope that another name's call gives": "act = leaky\ny = act(x, 2.)",
    "a slope that a call out of a container gives": "acts = {'leaky': leaky}\ny = acts['leaky'](x, slopes)",
}


@pytest.mark.parametrize("text", ELSEWHERE.values(), ids=ELSEWHERE)
def test_slopes_given_to_a_function_under_another_name(text: str) -> None:
    text = f"{IMPORTS}def leaky(x, a=.2):\n    return tf.maximum(a * x, x)\n{text}\n"
    assert fast(text) == text


def test_constants_that_may_be_bound_again_unseen() -> None:
    use = "y = tf.nn.relu(x) - ZERO * tf.nn.relu(-x)\n"
    assert fast(f"{IMPORTS}from settings import *\n{use}").endswith(use)
    assert fast(f"{IMPORTS}exec(open('settings.py').read())\n{use}").endswith(use)
    assert fast(f"{IMPORTS}from keras.layers import *\n{use}").endswith("y = tf.nn.relu(x)\n")


def test_format_strings_stay() -> None:
    text = f"{IMPORTS}print(f'{{Activation(LeakyReLU(0))}} {{tf.maximum(A * x, x)}}')\n"
    assert fast(text) == text


def test_absolute_value_of_python_in_a_scope_of_tensorflow() -> None:
    relu = "def {}(x):\n    with tf.{}:\n        return .5 * (x + abs(x))\n"
    text = IMPORTS + relu.format("my_relu", "name_scope('a')")
    assert fast(text).endswith("return tf.nn.relu(x)\n")
    for text in (relu.format("my_relu", "Session()"), relu.format("mean_error", "name_scope('a')")):
        assert fast(IMPORTS + text) == IMPORTS + text


def test_names_that_must_be_imported() -> None:
    text = "from keras.backend import maximum\ny = maximum(.1 * x, x)\n"
    assert fast(text) == "from keras.backend import maximum, relu\ny = relu(x, alpha=.1)\n"
    taken = "from keras.backend import maximum\nrelu = 3\ny = maximum(.1 * x, x)\n"
    edits, diagnostics = found(taken)
    assert not edits and "relu cannot be imported" in diagnostics[0].message
    with_module = "import tensorflow as tf\nfrom tensorflow import maximum\ny = maximum(x, 0.)\n"
    assert fast(with_module).endswith("y = tf.nn.relu(x)\n")


PLAIN = """\
from keras import backend as K
from keras.layers import Activation, Dense
model.add(Activation('relu'))
model.add(Activation("relu", name='relu'))
model.add(Dense(3, activation='relu'))
y = K.relu(x)
"""


def test_plain_relu_of_the_first_versions_is_opt_in() -> None:
    old = VersionRange((1, 0, 0), (1, 0, 6))
    asked = Options(select=("KM206",), source_backend="tensorflow")
    assert fast(PLAIN, asked, old) == (
        "import tensorflow as tf\nfrom keras import backend as K\nfrom keras.layers import Activation, Dense\n"
        "model.add(Activation(tf.nn.relu))\nmodel.add(Activation(tf.nn.relu, name='relu'))\n"
        "model.add(Dense(3, activation=tf.nn.relu))\ny = tf.nn.relu(x)\n"
    )
    imported = f"import tensorflow\n{PLAIN}"
    assert "activation=tensorflow.nn.relu" in fast(imported, Options(select=("KM206", "KM2")), old)
    for options, version in (
        (Options(source_backend="tensorflow"), old),
        (Options(select=("KM2",), source_backend="tensorflow"), old),
        (asked, VersionRange((1, 0, 0), (1, 0, 7))),
        (asked, VersionRange((1, 2, 2), (1, 2, 2))),
        (asked, None),
    ):
        assert found(PLAIN, options, version) == ([], [])
    edits, diagnostics = found(PLAIN, Options(select=("KM206",)), old)
    assert not edits and ["--source-backend tensorflow" in d.message for d in diagnostics] == [True]
