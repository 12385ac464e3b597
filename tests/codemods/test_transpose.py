from __future__ import annotations

import pytest

from kmigrate.rewriting.error import RewriteError
from tests.editing import changed

LAST = [0, 2, 3, 1]


@pytest.mark.parametrize(
    ("text", "source", "kind", "numpy", "after"),
    [
        ("X = f()", "f()", "Call", "np", "X = np.transpose(f(), (0, 2, 3, 1))"),
        ("X = f()", "f()", "Call", None, "X = f().transpose(0, 2, 3, 1)"),
        ("X = a - (b + c)", "b + c", "BinOp", "np", "X = a - np.transpose(b + c, (0, 2, 3, 1))"),
        ("X = a - (b + c)", "b + c", "BinOp", None, "X = a - (b + c).transpose(0, 2, 3, 1)"),
        ("X = a - b", "a - b", "BinOp", None, "X = (a - b).transpose(0, 2, 3, 1)"),
        ("X = -w ** 2", "w ** 2", "BinOp", None, "X = -(w ** 2).transpose(0, 2, 3, 1)"),
        ("X = (a\n     + b)", "a\n     + b", "BinOp", "np", "X = np.transpose(a\n     + b, (0, 2, 3, 1))"),
        ("f(*a)", "a", "Name", "np", "f(*np.transpose(a, (0, 2, 3, 1)))"),
        ("X = (yield a)", "yield a", "Yield", "np", "X = np.transpose((yield a), (0, 2, 3, 1))"),
        ("return_ = 'a' 'b'", "'a' 'b'", "Constant", None, "return_ = ('a' 'b').transpose(0, 2, 3, 1)"),
    ],
)
def test_insert(text: str, source: str, kind: str, numpy: str | None, after: str) -> None:
    args = {"action": "insert", "perm": LAST, "numpy": numpy}
    assert changed(text + "\n", (source, kind, "transpose", args)) == after + "\n"


@pytest.mark.parametrize(
    ("text", "source", "operand", "after"),
    [
        ("X = Y.transpose(0, 2)", "Y.transpose(0, 2)", "func", "X = Y"),
        ("X = (a + b).transpose(p)", "(a + b).transpose(p)", "func", "X = a + b"),
        ("X = a - (b + c).transpose(p)", "(b + c).transpose(p)", "func", "X = a - (b + c)"),
        ("X = (Y.transpose(p))[0]", "Y.transpose(p)", "func", "X = Y[0]"),
        ("X = np.transpose(a + b, p)", "np.transpose(a + b, p)", "arg", "X = a + b"),
        ("X = np.transpose(a + b, p) * 2", "np.transpose(a + b, p)", "arg", "X = (a + b) * 2"),
        ("f(np.transpose(a + b, p))", "np.transpose(a + b, p)", "arg", "f(a + b)"),
        ("X = np.transpose(a +\n b, p)", "np.transpose(a +\n b, p)", "arg", "X = (a +\n b)"),
        ("y = Permute((2, 1))(x)", "Permute((2, 1))(x)", "arg", "y = x"),
    ],
)
def test_remove(text: str, source: str, operand: str, after: str) -> None:
    args = {"action": "remove", "operand": operand}
    assert changed(text + "\n", (source, "Call", "transpose", args)) == after + "\n"


def test_nothing_to_put_in_the_place_of_a_transpose() -> None:
    with pytest.raises(RewriteError, match="no plain first argument"):
        changed("f(*a)\n", ("f(*a)", "Call", "transpose", {"action": "remove", "operand": "arg"}))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x.transpose(0, 2,3, 1)", "x.transpose(0, 2,3, 1)"),
        ("x.transpose(0, 3,1,  2)", "x.transpose(0, 2,3,  1)"),
        ("x.transpose((0,3,1,2))", "x.transpose((0,2,3,1))"),
        ("x.transpose(*p)", "x.transpose((0, 2, 3, 1))"),
        ("np.transpose(x, [0, 3,1,2])", "np.transpose(x, [0, 2,3,1])"),
        ("np.transpose(x, axes=(0,3,1,2))", "np.transpose(x, axes=(0,2,3,1))"),
        ("np.transpose(x, p)", "np.transpose(x, (0, 2, 3, 1))"),
        ("np.transpose(x)", "np.transpose(x, (0, 2, 3, 1))"),
        ("K.permute_dimensions(x, pattern=(0, 3, 1, 2))", "K.permute_dimensions(x, pattern=(0, 2, 3, 1))"),
        ("tf.transpose(x, perm=[0, 3, 1, 2])", "tf.transpose(x, perm=[0, 2, 3, 1])"),
        ("np.rollaxis(x, 3, 1)", "np.transpose(x, (0, 2, 3, 1))"),
        ("x.swapaxes(1, 3)", "x.transpose(0, 2, 3, 1)"),
        ("np.swapaxes(x, 1, 3)", "np.transpose(x, (0, 2, 3, 1))"),
    ],
)
def test_change(before: str, after: str) -> None:
    args = {"action": "change", "perm": LAST}
    assert changed(f"{before}\n", (before, "Call", "transpose", args)) == f"{after}\n"


def test_change_where_the_array_stands_is_said() -> None:
    args = {"action": "change", "perm": LAST, "operand": "func"}
    assert changed("x.transpose(p)\n", ("x.transpose(p)", "Call", "transpose", args)) == ("x.transpose((0, 2, 3, 1))\n")


@pytest.mark.parametrize(
    ("numpy", "line"), [("np", "X = np.transpose(X, (0, 2, 3, 1))"), (None, "X = X.transpose(0, 2, 3, 1)")]
)
def test_statement(numpy: str | None, line: str) -> None:
    text = "def f():\n    X = load()  # raw\n    return X\n"
    args = {"action": "after", "name": "X", "perm": LAST, "numpy": numpy}
    assert changed(text, ("X = load()", "stmt", "transpose", args)) == (
        f"def f():\n    X = load()  # raw\n    {line}\n    return X\n"
    )


GOES = "x = x.T"


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("x = x.T\ny = x\n", "y = x\n"),
        ("y = x\nx = x.T  # turned\n", "y = x\n"),
        ("y = x\nx = x.T", "y = x\n"),
        (
            "def f(x):\n    # first\n    x = x.T\n\n    # then\n    return x\n",
            "def f(x):\n    # first\n\n    # then\n    return x\n",
        ),
        ("if y:\n    z = 1\n    # last\n    x = x.T\n\n\nz = 2\n", "if y:\n    z = 1\n    # last\n\n\nz = 2\n"),
        (
            "for x in y:\n    # only\n    x = x.T  # turned\nz = 2\n",
            "for x in y:\n    # only\n    pass  # turned\nz = 2\n",
        ),
        ("y = 1\r\nx = x.T\r\nz = 2\r\n", "y = 1\r\nz = 2\r\n"),
        ("y = x\nx = x.T;\nz = 2\n", "y = x\nz = 2\n"),
        ("if y:\n    x = x.T;  # turned\nz = 2\n", "if y:\n    pass;  # turned\nz = 2\n"),
    ],
)
def test_a_statement_of_which_nothing_is_left(text: str, after: str) -> None:
    assert changed(text, (GOES, "stmt", "transpose", {"action": "drop"})) == after


def test_two_such_statements_that_are_all_of_a_block() -> None:
    text = "def f(x, y):\n    x = x.T\n    y = y.T\n"
    drop = ("stmt", "transpose", {"action": "drop"})
    assert changed(text, (GOES, *drop), ("y = y.T", *drop)) == "def f(x, y):\n    pass\n"


def test_a_statement_among_others_on_a_line_does_not_go() -> None:
    with pytest.raises(RewriteError, match="a line with others"):
        changed("x = x.T; y = 1\n", (GOES, "stmt", "transpose", {"action": "drop"}))
