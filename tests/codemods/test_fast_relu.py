from __future__ import annotations

import pytest

from kmigrate.rewriting import RewriteError
from tests.editing import changed


@pytest.mark.parametrize(
    ("source", "kind", "args", "after"),
    [
        ("K.relu(x, alpha=0.)", "Call", {"drop": "alpha"}, "K.relu(x)"),
        ("K.relu( x, 0. )", "Call", {"drop": 1}, "K.relu( x )"),
        ("LeakyReLU(0)", "Call", {"layer": "Activation", "slope": 0}, "Activation('relu')"),
        ("LeakyReLU(alpha=0, name='a')", "Call", {"layer": "L.Activation", "slope": "alpha"}, None),
        ("K.relu(x, .1)", "Call", {"callee": "tf.nn.leaky_relu"}, "tf.nn.leaky_relu(x, .1)"),
        ("lambda x: K.relu(x)", "Lambda", {"string": "relu"}, "'relu'"),
    ],
)
def test_one_call(source: str, kind: str, args: dict, after: str | None) -> None:
    expected = after or "L.Activation('relu', name='a')"
    text = "y = f({})  # why\n"
    assert changed(text.format(source), (source, kind, "fast_relu", args)) == text.format(expected)


@pytest.mark.parametrize(
    ("source", "args", "after"),
    [
        ("K.relu(x) - a * K.relu(-x)", {"slope": ["right", "left"], "keyword": "alpha"}, "K.relu(x, alpha=a)"),
        ("K.relu( x ) - .1*K.relu(-x)", {"slope": ["right", "left"]}, "K.relu( x, .1 )"),
        ("relu(x) - 0 * relu(-x)", {"slope": None}, "relu(x)"),
        (
            "nn.relu(x) - nn.relu(-x) / 5.5",
            {"slope": "1.0 / 5.5", "keyword": "alpha", "attribute": "leaky_relu"},
            "nn.leaky_relu(x, alpha=1.0 / 5.5)",
        ),
    ],
)
def test_both_halves_become_one_call(source: str, args: dict, after: str) -> None:
    text = "y = {}  # why\n"
    made = changed(text.format(source), (source, "BinOp", "fast_relu", {"call": ["left"], **args}))
    assert made == text.format(after)


def test_a_function_keeps_its_signature_docstring_and_surroundings() -> None:
    before = """\
        # copied
        def relu(x, alpha=0.):  # from Keras
            '''Doc.'''
            n = K.relu(-x)
            return K.relu(x) - alpha * n

        y = relu(x)
        """
    after = (
        "# copied\ndef relu(x, alpha=0.):  # from Keras\n    '''Doc.'''\n    return K.relu(x, alpha=alpha)\n"
        "\ny = relu(x)\n"
    )
    source = (
        "def relu(x, alpha=0.):  # from Keras\n    '''Doc.'''\n    n = K.relu(-x)\n    return K.relu(x) - alpha * n"
    )
    edit = (source, "FunctionDef", "fast_relu", {"body": ["return K.relu(x, alpha=alpha)"]})
    assert changed(before, edit) == after


def test_an_argument_that_is_not_there() -> None:
    with pytest.raises(RewriteError, match="no argument alpha"):
        changed("y = K.relu(x)\n", ("K.relu(x)", "Call", "fast_relu", {"drop": "alpha"}))


@pytest.mark.parametrize(
    ("source", "make", "after"),
    [
        (
            "tf.maximum( a*x , x )",
            {
                "call": "tf.nn.leaky_relu",
                "args": [[None, {"path": ["argument 1"]}], ["alpha", {"path": ["argument 0", "left"]}]],
            },
            "tf.nn.leaky_relu(x, alpha=a)",
        ),
        (
            "tf.where(x > 0, x, (a) * x)",
            {
                "call": "relu",
                "args": [[None, {"path": ["argument 0", "left"]}], ["s", {"path": ["argument 2", "left"]}]],
            },
            "relu(x, s=a)",
        ),
        (
            "K.relu(x + y, alpha=1 + b)",
            {"product": [{"path": ["keyword alpha"]}, {"path": ["argument 0"]}]},
            "(1 + b) * (x + y)",
        ),
        ("partial(K.relu, alpha=0)", {"path": ["argument 0"]}, "K.relu"),
        ("K.relu(x)", {"call": "m", "args": [[None, {"call": "r", "args": []}], [None, {"text": "6."}]]}, "m(r(), 6.)"),
    ],
)
def test_compose(source: str, make: dict, after: str) -> None:
    text = "y = f({})  # why\n"
    kind = "Call"
    assert changed(text.format(source), (source, kind, "fast_relu", {"make": make})) == text.format(after)


def test_an_augmented_assignment_becomes_a_plain_one() -> None:
    source = "x -= a * n"
    make = {"call": "leaky", "args": [[None, {"path": ["target"]}], [None, {"path": ["value", "left"]}]]}
    edit = (source, "AugAssign", "fast_relu", {"make": make})
    assert changed("x -= a * n; y = x  # why\n", edit) == "x = leaky(x, a); y = x  # why\n"


def test_statements_go_whatever_is_put_before_them() -> None:
    before = """\
        def f(x):
            x = g(x)
            # above
            n = relu(-x)
            with s():
                m = n
                return m
        """
    function = "def f(x):\n    x = g(x)\n    # above\n    n = relu(-x)\n    with s():\n        m = n\n        return m"
    gone = (function, "FunctionDef", "fast_relu", {"without": [[1], [2, 0]]})
    after = "def f(x):\n    x = g(x)\n    # above\n    with s():\n        return m\n"
    assert changed(before, gone) == after
    more = ("x = g(x)", "stmt", "imports", {"where": "after", "text": "import h"})
    assert changed(before, gone, more) == after.replace("    # above", "    import h\n    # above")
