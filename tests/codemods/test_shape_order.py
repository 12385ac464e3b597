from __future__ import annotations

import pytest

from kmigrate.rewriting.error import RewriteError
from tests.editing import changed

LAST = [1, 2, 0]


def test_noop() -> None:
    text = "f(( 1,  # one\n   2,3, ))\n"
    assert changed(text, (text[2:-2], "Tuple", "shape_order", {"order": [0, 1, 2]})) == text


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        ("Tuple", "(1, rows, cols)", "(rows, cols, 1)"),
        ("Tuple", "(1,rows, cols, )", "(rows,cols, 1, )"),
        ("List", "[3, 224, 224]", "[224, 224, 3]"),
        ("Tuple", "3, 32, 48", "32, 48, 3"),
        ("Tuple", "((3), *a, 48)", "(*a, 48, (3))"),
        ("Tuple", "(1,  # channels\n    rows,\n    cols)", "(rows,  # channels\n    cols,\n    1)"),
    ],
)
def test_literal(kind: str, before: str, after: str) -> None:
    assert changed(f"x = {before}\n", (before, kind, "shape_order", {"order": LAST})) == f"x = {after}\n"


def test_arguments() -> None:
    args = {"order": LAST, "first": 1}
    call = "X.reshape(n,  1, rows,cols)"
    assert changed(call + "\n", (call, "Call", "shape_order", args)) == "X.reshape(n,  rows, cols,1)\n"
    call = "X.reshape(n, *size, a,\n          order='C')"
    expected = "X.reshape(n, a, *size,\n          order='C')\n"
    assert changed(call + "\n", (call, "Call", "shape_order", {"order": [1, 0], "first": 1})) == expected


def test_arguments_that_are_not_there() -> None:
    with pytest.raises(RewriteError, match="no 3 positional arguments from 1"):
        changed("f(1, 2, 3)\n", ("f(1, 2, 3)", "Call", "shape_order", {"order": LAST, "first": 1}))
    with pytest.raises(RewriteError, match="no 3 positional arguments from 0"):
        changed("f(1, 2, a=3)\n", ("f(1, 2, a=3)", "Call", "shape_order", {"order": LAST, "first": 0}))
