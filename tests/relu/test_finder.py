"""Slow relus are found in all their forms, and nothing that only looks like one."""

from __future__ import annotations

import ast
import runpy
import textwrap
from pathlib import Path

import pytest

from kmigrate.keras_api.versions import LAST_TF_KERAS, VersionRange
from kmigrate.options import Options
from kmigrate.plan import Diagnostic, Edit
from kmigrate.relu import find
from kmigrate.rewriting import apply
from kmigrate.syntax import Lines
from tests.resolving import dotted

FIXTURES = Path(__file__).parents[2] / "fixtures" / "relu"
HEADER = """\
import numpy as np
import tensorflow as tf
import torch.nn.functional as F
import keras
from keras import backend as K
from keras.layers import Activation, Conv2D, Dense, Lambda, LeakyReLU
A = 0.1
ZERO = 0.
DOUBLE = 2.0
"""


def found(
    text: str, options: Options | None = None, version: VersionRange | None = None
) -> tuple[list[Edit], list[Diagnostic]]:
    tree = ast.parse(text)
    return find(tree, dotted(tree), Lines(text).span, "a.py", options or Options(), version)


def fast(text: str, options: Options | None = None, version: VersionRange | None = None) -> str:
    after = apply(text, found(text, options, version)[0])
    assert found(after, options, version)[0] == [], "a second run changes something"
    return after


def body(text: str) -> str:
    return fast(HEADER + text + "\n").removeprefix(HEADER).rstrip("\n")


NEAR_MISSES = {
    "antirectifier": "y = K.concatenate([K.relu(x), K.relu(-x)])",
    "two bumps": "y = 10 * (K.relu(-x) + K.relu(x - 1))",
    "two scales": "y = 2. * tf.nn.relu(x) - A * tf.nn.relu(-x)",
    "two named scales": "y = beta * tf.nn.relu(x) - A * tf.nn.relu(-x)",
    "absolute value": "y = tf.nn.relu(x) + tf.nn.relu(-x)",
    "wrong sign": "y = K.relu(x) + A * K.relu(-x)",
    "other operand": "y = K.relu(x) - A * K.relu(-z)",
    "same operand": "y = K.relu(x) - A * K.relu(x)",
    "concatenated relu": "y = K.relu(x) - A * F.relu(-x)",
    "three terms": "y = z + K.relu(x) - A * K.relu(-x)",
    "slope is a tensor": "y = K.relu(x) - alphas * K.relu(-x)",
    "slope is an attribute (PReLU)": "y = K.relu(x) - self.alpha * K.relu(-x)",
    "slope is an array": "w = np.ones(3)\ny = K.relu(x) - w * K.relu(-x)",
    "slope above one": "y = K.relu(x) - 2. * K.relu(-x)",
    "named slope above one": "y = K.relu(x) - DOUBLE * K.relu(-x)",
    "slope below zero": "y = K.relu(x) - (-0.1) * K.relu(-x)",
    "slope that changes": "B = 0.1\nB = f(B)\ny = K.relu(x) - B * K.relu(-x)",
    "slope that a function changes": ("B = 0.1\ndef f():\n    global B\n    B = 3\ny = K.relu(x) - B * K.relu(-x)"),
    "slope hidden by a parameter": "def f(x, A):\n    return K.relu(x) - A * K.relu(-x)",
    "slope hidden in a lambda": "f = lambda x, A: K.relu(x) - A * K.relu(-x)",
    "slope hidden in a comprehension": "y = [K.relu(x) - A * K.relu(-x) for A in alphas]",
    "parameter that gets a tensor": ("def f(x, a=0.1):\n    return K.relu(x) - a * K.relu(-x)\ny = f(x, tensor)"),
    "parameter that is bound again": ("def f(x, a=0.1):\n    a = K.variable(a)\n    return K.relu(x) - a * K.relu(-x)"),
    "parameter of a partial": ("def f(x, a=0.1):\n    return K.relu(x) - a * K.relu(-x)\ng = partial(f, a=tensor)"),
    "operand evaluated twice": "y = K.relu(Dense(3)(x)) - A * K.relu(-Dense(3)(x))",
    "operand with a walrus": "y = K.relu((z := x)) - A * K.relu(-(z := x))",
    "maximum (relu6)": "y = K.relu(x, alpha=0., max_value=6)",
    "maximum by position": "y = K.relu(x, 0., 6.)",
    "maximum in both halves": "y = K.relu(x, max_value=6) - A * K.relu(-x)",
    "threshold": "y = keras.activations.relu(x, alpha=0., threshold=1.)",
    "slope of K.relu is a tensor": "y = K.relu(x, alpha=alphas)",
    "slope of K.relu not known": "def f(x, alpha=0.):\n    return K.relu(x, alpha=alpha)",
    "plain relu": "y = K.relu(x)",
    "arguments in a tuple": "y = K.relu(*xs)",
    "other library's leaky relu": "y = F.leaky_relu(x, 0.)",
    "numpy function of that name": "def relu(x):\n    return np.maximum(x, 0)\ny = relu(x) - A * relu(-x)",
    "attribute of something else": "y = net.relu(x) - A * net.relu(-x)",
    "shadowed backend": "def f(K, x):\n    return K.relu(x, alpha=0.)",
    "shadowed layer": "def f(LeakyReLU):\n    return LeakyReLU(0)",
    "LeakyReLU with its default": "y = LeakyReLU()(x)",
    "LeakyReLU with a slope": "y = LeakyReLU(0.3)(x)",
    "LeakyReLU as custom object": "m = keras.models.load_model('m', custom_objects={'L': LeakyReLU(0)})",
    "pass-through": ("def relu(x, alpha=0., max_value=None):\n    return K.relu(x, alpha=alpha, max_value=max_value)"),
    "lambda for another argument": "y = Activation(lambda x: K.relu(x - 1, alpha=A))",
    "function given to a stranger": "y = conv(x, activation=lambda t: K.relu(t))",
    "maximum with a slope above one": "y = K.maximum(2. * x, x)",
    "copy that clips from below": (
        "def relu(x, alpha=0., max_value=None):\n    n = K.relu(-x)\n    x = K.relu(x)\n"
        "    if max_value is not None:\n        x = K.clip(x, 1., max_value)\n"
        "    x -= alpha * n\n    return x"
    ),
    "copy that adds": (
        "def relu(x, alpha=0.):\n    n = K.relu(-x)\n    x = K.relu(x)\n    x += alpha * n\n    return x"
    ),
    "copy that takes the halves in the wrong order": (
        "def relu(x, alpha=0.):\n    x = K.relu(x)\n    n = K.relu(-x)\n    x -= alpha * n\n    return x"
    ),
    "copy whose slope nobody gives": ("def lrelu(x, a):\n    n = K.relu(-x)\n    x = K.relu(x)\n    return x - a * n"),
    "slope of a function that is handed on": (
        "def f(x, a):\n    return K.relu(x) - a * K.relu(-x)\ny = f(x, .1)\nz = apply(f)"
    ),
    "slope from a circle of calls": (
        "def f(x, a):\n    return K.relu(x) - a * K.relu(-x)\ndef g(x, b):\n    return f(x, b) + g(x, b)"
    ),
    "copy that is called with an array": (
        "def relu(x, alpha=0.):\n    n = tf.nn.relu(-x)\n    x = tf.nn.relu(x)\n    x -= alpha * n\n"
        "    return x\ny = relu(x, np.ones(3))"
    ),
    "copy on one line": "def relu(x, alpha=0.): n = K.relu(-x); x = K.relu(x); x -= alpha * n; return x",
}


@pytest.mark.parametrize("text", NEAR_MISSES.values(), ids=NEAR_MISSES)
def test_near_misses_stay(text: str) -> None:
    assert body(text) == text


ZERO_SLOPE = [
    ("K.relu(x, alpha=0.)", "K.relu(x)"),
    ("K.relu(x, 0.)", "K.relu(x)"),
    ("K.relu(x, alpha=ZERO)", "K.relu(x)"),
    ("K.relu(\n    x,  # map\n    alpha=0.,\n)", "K.relu(\n    x,  # map\n)"),
    ("keras.activations.relu(x, 0)", "keras.activations.relu(x)"),
    ("keras.activations.relu(x, negative_slope=0.0)", "keras.activations.relu(x)"),
    ("LeakyReLU(0)(x)", "Activation('relu')(x)"),
    ("LeakyReLU(alpha=0.)(x)", "Activation('relu')(x)"),
    ("LeakyReLU(negative_slope=0.0, name='a')(x)", "Activation('relu', name='a')(x)"),
    ("LeakyReLU(name='a', alpha=0.)(x)", "Activation('relu', name='a')(x)"),
    ("keras.layers.LeakyReLU(0)(x)", "keras.layers.Activation('relu')(x)"),
    ("lambda: LeakyReLU(0.0)", "lambda: Activation('relu')"),
    ("Dense(3, activation=LeakyReLU(0.))(x)", "Dense(3, activation='relu')(x)"),
    ("Activation(lambda x: K.relu(x, alpha=0.))", "Activation('relu')"),
    ('Activation(lambda x: K.relu(x, 0), name="a")', 'Activation("relu", name="a")'),
    ("Activation(activation=lambda x: K.relu(x, alpha=0.))", "Activation(activation='relu')"),
    ("Dense(3, activation=lambda t: K.relu(t, alpha=0.))", "Dense(3, activation='relu')"),
    ("Lambda(lambda t: K.relu(t, alpha=0.0))", "Lambda(lambda t: K.relu(t))"),
    ("conv(x, activation=lambda t: K.relu(t, alpha=0.0))", "conv(x, activation=lambda t: K.relu(t))"),
    ("K.relu(x) - 0. * K.relu(-x)", "K.relu(x)"),
    ("tf.nn.relu(x) - ZERO * tf.nn.relu(-x)", "tf.nn.relu(x)"),
    ("Activation(lambda x: K.relu(x) - 0 * K.relu(-x))", "Activation(lambda x: K.relu(x))"),
]


@pytest.mark.parametrize(("before", "after"), ZERO_SLOPE)
def test_zero_slope(before: str, after: str) -> None:
    text = f"{HEADER}y = {before}\n"
    assert fast(text) == f"{HEADER}y = {after}\n"
    edits, diagnostics = found(text)
    assert {e.code for e in edits} == {"KM201"} and all(e.neutral for e in edits) and not diagnostics


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("K.relu(x) - A * K.relu(-x)", "K.relu(x, alpha=A)"),
        ("K.relu(x) - K.relu(-x) * A", "K.relu(x, alpha=A)"),
        ("-A * K.relu(-x) + K.relu(x)", "K.relu(x, alpha=A)"),
        ("-(A * K.relu(-x)) + K.relu(x)", "K.relu(x, alpha=A)"),
        ("K.relu(x) + (-A) * K.relu(-x)", "K.relu(x, alpha=A)"),
        ("K.relu(x) - A * K.relu(-1 * x)", "K.relu(x, alpha=A)"),
        ("K.relu(-x) - .2 * K.relu(x)", "K.relu(-x, alpha=.2)"),
        ("K.relu( x[:,0] ) - 1. * K.relu(-x[:, 0])", "K.relu( x[:,0], alpha=1. )"),
        ("tf.nn.relu(x) - A * tf.nn.relu(-x)", "tf.nn.leaky_relu(x, alpha=A)"),
        ("tf.nn.relu(x) - (1 / 5.5) * tf.nn.relu(-x)", "tf.nn.leaky_relu(x, alpha=1 / 5.5)"),
        ("tf.nn.relu(x) - tf.nn.relu(-x) / 8", "tf.nn.leaky_relu(x, alpha=1.0 / 8)"),
        ("tf.nn.relu(x) + tf.nn.relu(-x) * (-A)", "tf.nn.leaky_relu(x, alpha=A)"),
        ("keras.ops.relu(x) - A * keras.ops.relu(-x)", "keras.ops.leaky_relu(x, negative_slope=A)"),
        ("keras.activations.relu(x) - A * keras.activations.relu(-x)", "keras.activations.relu(x, A)"),
        ("(K.relu(x)\n     - A * K.relu(-x))", "K.relu(x, alpha=A)"),
        ("b + (K.relu(x) - A * K.relu(-x)) ** 2", "b + K.relu(x, alpha=A) ** 2"),
        ("tf.identity(tf.nn.relu(x) - A * tf.nn.relu(-x))", "tf.identity(tf.nn.leaky_relu(x, alpha=A))"),
    ],
)
def test_written_out(before: str, after: str) -> None:
    text = f"{HEADER}y = {before}\n"
    assert fast(text) == f"{HEADER}y = {after}\n"
    edits, _ = found(text)
    assert [e.code for e in edits] == ["KM202"] and not edits[0].neutral
    assert "gradient differs only at exactly 0" in edits[0].reason


def test_slope_with_a_default() -> None:
    text = "def leaky(x, leak=0.2):\n    return tf.nn.relu(x) - leak * tf.nn.relu(-x)\ny = leaky(x, leak=A)"
    assert body(text) == text.replace("tf.nn.relu(x) - leak * tf.nn.relu(-x)", "tf.nn.leaky_relu(x, alpha=leak)")


def test_slope_that_all_calls_give() -> None:
    text = (
        "def leaky(x, leak):\n    return tf.nn.relu(x) - leak * tf.nn.relu(-x)\n"
        "def outer(x, a=.2):\n    return leaky(x, a)\ny = leaky(x, A)"
    )
    assert body(text) == text.replace("tf.nn.relu(x) - leak * tf.nn.relu(-x)", "tf.nn.leaky_relu(x, alpha=leak)")


def test_functions_imported_by_name() -> None:
    text = "from tensorflow.nn import relu\ny = relu(x) - 0.3 * relu(-x)\n"
    assert fast(text) == "from tensorflow.nn import relu, leaky_relu\ny = leaky_relu(x, alpha=0.3)\n"
    taken = "from tensorflow.nn import relu\nleaky_relu = 3\ny = relu(x) - 0.3 * relu(-x)\n"
    edits, diagnostics = found(taken)
    assert not edits and "leaky_relu cannot be imported" in diagnostics[0].message


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("from keras.layers import LeakyReLU", "from keras.layers import LeakyReLU, Activation"),
        (
            "from keras.layers.advanced_activations import LeakyReLU",
            "from keras.layers.advanced_activations import LeakyReLU\nfrom keras.layers import Activation",
        ),
        (
            "from keras.layers.core import Dense, Flatten\nfrom keras.layers.advanced_activations import LeakyReLU",
            "from keras.layers.core import Activation, Dense, Flatten\n"
            "from keras.layers.advanced_activations import LeakyReLU",
        ),
        (
            "from tensorflow.keras.layers import Dense, LeakyReLU",
            "from tensorflow.keras.layers import Activation, Dense, LeakyReLU",
        ),
    ],
)
def test_activation_is_imported_once(before: str, after: str) -> None:
    calls = "\nm.add(LeakyReLU(0))\nm.add(LeakyReLU(0.))\n"
    expected = "\nm.add(Activation('relu'))\nm.add(Activation('relu'))\n"
    assert fast(before + calls) == after + expected


def test_activation_under_another_name() -> None:
    text = "from keras.layers import LeakyReLU, Activation as Act\nm.add(LeakyReLU(0))\n"
    assert fast(text).endswith("m.add(Act('relu'))\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Activation = 3\nm.add(LeakyReLU(0))", "Activation cannot be imported"),
        ("m.add(LeakyReLU(0))\nm.get_layer('leaky_re_lu_1')", "automatic names"),
        ("m.add(LeakyReLU(0))\nm.get_layer('activation_2')", "automatic names"),
        ("m.add(LeakyReLU(0))\nx = isinstance(layer, (int, LeakyReLU))", "their class"),
        ("m.add(LeakyReLU(0))\nx = type(layer) is LeakyReLU", "their class"),
        ("act = LeakyReLU(0)\nm.add(act)\nprint(act.alpha)", "slope"),
    ],
)
def test_a_layer_that_must_keep_its_class(text: str, message: str) -> None:
    edits, diagnostics = found(f"from keras.layers import LeakyReLU\n{text}\n")
    assert not edits and [d.code for d in diagnostics] == ["KM201"] and message in diagnostics[0].message


SLOW = "y = K.relu(x, alpha=0.1)\nz = K.relu(x, .2)"


def test_slow_backend_relu_by_version() -> None:
    old, new = VersionRange((2, 0, 9), (2, 1, 2)), VersionRange((2, 1, 3), (2, 2, 0))
    keras1 = VersionRange((1, 2, 2), (1, 2, 2))
    fast_form = "y = tf.nn.leaky_relu(x, alpha=0.1)\nz = tf.nn.leaky_relu(x, .2)\n"
    assert fast(f"{HEADER}{SLOW}\n", version=old) == HEADER + fast_form
    everywhere = "y = tf.maximum(0.1 * x, x)\nz = tf.maximum(.2 * x, x)\n"  # TensorFlow has leaky_relu since 1.4
    assert fast(f"{HEADER}{SLOW}\n", Options(source_backend="tensorflow"), keras1) == HEADER + everywhere
    for version in (None, keras1):
        edits, diagnostics = found(f"{HEADER}{SLOW}\n", version=version)
        assert not edits and [d.code for d in diagnostics] == ["KM202"]
    assert found(f"{HEADER}{SLOW}\n", version=new) == ([], [])
    in_tensorflow = HEADER.replace("from keras import", "from tensorflow.keras import")
    assert found(f"{in_tensorflow}{SLOW}\n") == ([], [])


KERAS1 = VersionRange((1, 0, 0), (1, 2, 2))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("tf.nn.relu(x) - A * tf.nn.relu(-x)", "tf.maximum(A * x, x)"),
        ("tf.nn.relu(x + 1) - (A + .1) * tf.nn.relu(-(x + 1))", "tf.maximum((A + .1) * (x + 1), x + 1)"),
        ("tf.where(x > 0, x, A * x)", "tf.maximum(A * x, x)"),
        ("tf.maximum(A * x, x)", "tf.maximum(A * x, x)"),
    ],
)
def test_no_tensorflow_function_that_an_old_one_lacks(before: str, after: str) -> None:
    assert fast(f"{HEADER}y = {before}\n", version=KERAS1) == f"{HEADER}y = {after}\n"


COPY = '''
def relu(x, alpha=0., max_value=None):
    """Rectified linear unit."""
    # the negative part
    negative_part = tf.nn.relu(-x)
    x = tf.nn.relu(x)
    if max_value is not None:
        x = tf.clip_by_value(x, tf.cast(0., dtype=_FLOATX),
                             tf.cast(max_value, dtype=_FLOATX))
    if isinstance(alpha, (tuple, list, np.ndarray)) or np.isscalar(alpha):
        alpha = tf.constant(alpha, dtype=_FLOATX)
    x -= alpha * negative_part
    return x


y = relu(x, .1)'''


def test_copied_backend_function() -> None:
    assert (
        body(COPY)
        == '''
def relu(x, alpha=0., max_value=None):
    """Rectified linear unit."""
    x = tf.nn.leaky_relu(x, alpha) if alpha else tf.nn.relu(x)
    return x if max_value is None else tf.minimum(x, max_value)


y = relu(x, .1)'''
    )
    edits, _ = found(HEADER + COPY + "\n")
    assert [e.code for e in edits] == ["KM203"] and "at exactly 0" in edits[0].reason


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            """
            def relu(x, alpha=0., max_value=None):
                if alpha != 0.:
                    negative_part = K.relu(-x)
                x = K.relu(x)
                if max_value is not None:
                    max_value = _to_tensor(max_value, x.dtype.base_dtype)
                    zero = _to_tensor(0., x.dtype.base_dtype)
                    x = K.clip(x, zero, max_value)
                if alpha != 0.:
                    alpha = _to_tensor(alpha, x.dtype.base_dtype)
                    x -= alpha * negative_part
                return x
            """,
            """
            def relu(x, alpha=0., max_value=None):
                return K.relu(x, alpha=alpha, max_value=max_value)
            """,
            id="of Keras 1.2",
        ),
        pytest.param(
            """
            def lrelu(x, a=.2):
            \tn = tf.nn.relu(-x)

            \tp = tf.nn.relu(x)
            \treturn p - tf.constant(a) * n
            """,
            """
            def lrelu(x, a=.2):
            \treturn tf.nn.leaky_relu(x, a) if a else tf.nn.relu(x)
            """,
            id="without maximum",
        ),
        pytest.param(
            """
            class Net:
                def relu(self, x, alpha=0.01, max_value=None):
                    dtype = tf.float32
                    n = tf.nn.relu(-x)
                    x = tf.nn.relu(x)
                    x -= tf.constant(alpha, dtype=dtype) * n
                    return x
            """,
            """
            class Net:
                def relu(self, x, alpha=0.01, max_value=None):
                    return tf.nn.leaky_relu(x, alpha) if alpha else tf.nn.relu(x)
            """,
            id="method with an idle maximum",
        ),
        pytest.param(
            """
            def lrelu(x):
                n = tf.nn.relu(-x)
                x = tf.nn.relu(x)
                x -= 0.1 * n
                return x
            """,
            """
            def lrelu(x):
                return tf.nn.leaky_relu(x, 0.1)
            """,
            id="slope written in",
        ),
    ],
)
def test_other_copies(before: str, after: str) -> None:
    assert body(textwrap.dedent(before).strip("\n")) == textwrap.dedent(after).strip("\n")


UNLIKE = {
    "a half that a zero slope leaves out": """
def f(x, alpha=0.):
    if alpha != 0.:
        n = tf.nn.relu(-x)
        x = tf.nn.relu(x)
        x -= alpha * n
    return x
""",
    "a half that no maximum leaves out": """
def f(x, alpha=0., max_value=None):
    n = tf.nn.relu(-x)
    if max_value is not None:
        x = tf.clip_by_value(tf.nn.relu(x), 0., max_value)
    x -= alpha * n
    return x
""",
    "a slope that is rounded": """
def f(x, alpha=.9):
    alpha = tf.cast(alpha, tf.int32)
    n = tf.nn.relu(-x)
    x = tf.nn.relu(x)
    x -= alpha * n
    return x
""",
}


@pytest.mark.parametrize("text", UNLIKE.values(), ids=UNLIKE)
def test_what_is_no_copy(text: str) -> None:
    assert fast(HEADER + text) == HEADER + text


def test_select_and_ignore() -> None:
    text = f"{HEADER}y = K.relu(x, alpha=0.)\nz = K.relu(x) - A * K.relu(-x)\n"
    assert {e.code for e in found(text, Options(select=("KM201",)))[0]} == {"KM201"}
    assert {e.code for e in found(text, Options(ignore=("KM201",)))[0]} == {"KM202"}
    assert found(text, Options(ignore=("KM2",))) == ([], [])


def test_with_a_layout_edit_on_the_same_call() -> None:
    text = f"{HEADER}Conv2D(3, 3, data_format='channels_first', activation=lambda t: K.relu(t, alpha=0.))\n"
    edits, _ = found(text)
    call = text[text.rindex("Conv2D") : -1]
    start = text.index(call)
    args = {"keyword": "data_format", "value": "channels_last"}
    layout = Edit("a.py", start, start + len(call), "Call", "layout_setting", args, "", "KM101", 1, 1)
    for both in ([layout, *edits], [*edits, layout]):
        assert apply(text, both).endswith("Conv2D(3, 3, data_format='channels_last', activation='relu')\n")


CASES = sorted(p.name for p in FIXTURES.iterdir())
#: What a fixture is converted with, if not with the defaults.
OPTIONS = {
    "absolute_unsafe": Options(unsafe_fixes=True),
    "theano_unsafe": Options(unsafe_fixes=True),
    "plain_of_keras_1_0": Options(select=("KM206",), source_backend="tensorflow"),
}
VERSIONS = {
    "clipped": VersionRange((2, 4, 0), LAST_TF_KERAS),
    "plain_of_keras_1_0": VersionRange((1, 0, 5), (1, 0, 5)),
}
#: Fixtures for libraries that do not run on today's Python.
OLD = {"theano_unsafe", "plain_of_keras_1_0"}


@pytest.mark.parametrize("case", CASES)
def test_fixture(case: str) -> None:
    before = (FIXTURES / case / "before.py").read_text(encoding="utf-8")
    after = fast(before, OPTIONS.get(case), VERSIONS.get(case))
    assert after == (FIXTURES / case / "after.py").read_text(encoding="utf-8")


@pytest.mark.verify
@pytest.mark.parametrize("case", [case for case in CASES if case not in OLD])
def test_fixtures_compute_the_same(case: str) -> None:
    """Each fixture leaves its values and gradients in `results`, by name; inputs have no exact 0."""
    np = pytest.importorskip("numpy")
    pytest.importorskip("tensorflow")
    before, after = (runpy.run_path(str(FIXTURES / case / f"{n}.py"))["results"] for n in ("before", "after"))
    assert before.keys() == after.keys()
    for name in before:
        np.testing.assert_allclose(after[name], before[name], rtol=1e-6, atol=1e-7, err_msg=name)
