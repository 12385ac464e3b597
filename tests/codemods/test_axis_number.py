from __future__ import annotations

import pytest

from tests.editing import changed


@pytest.mark.parametrize(
    ("text", "source", "kind", "value", "after"),
    [
        ("f(axis=1)", "1", "Constant", 1, "f(axis=1)"),
        ("f(axis=1)", "1", "Constant", 3, "f(axis=3)"),
        ("f(axis=1)", "1", "Constant", -1, "f(axis=-1)"),
        ("f(axis=-1)", "-1", "UnaryOp", 2, "f(axis=2)"),
        ("f(axis=( 1 ))", "1", "Constant", 2, "f(axis=2)"),
        ("x.sum(axis)", "axis", "Name", 2, "x.sum(2)"),
        ("a = channel_axis()", "channel_axis()", "Call", -1, "a = -1"),
        ("x = axis ** 2", "axis", "Name", -1, "x = (-1) ** 2"),
        ("x = 2 * axis", "axis", "Name", -1, "x = 2 * (-1)"),
        ("x = axis.bit_length()", "axis", "Name", 3, "x = (3).bit_length()"),
        ("assert-1 in x", "-1", "UnaryOp", 3, "assert(3) in x"),
        ("x = b if(a)else(c)", "a", "Name", 3, "x = b if(3)else(c)"),
    ],
)
def test_number(text: str, source: str, kind: str, value: int, after: str) -> None:
    assert changed(text + "\n", (source, kind, "axis_number", {"value": value})) == after + "\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("BatchNormalization()", "BatchNormalization(axis=2)"),
        ("BatchNormalization(axis=1)", "BatchNormalization(axis=2)"),
        ("BatchNormalization(axis = 1, name='b')", "BatchNormalization(axis = 2, name='b')"),
        ("BatchNormalization(name='b')", "BatchNormalization(name='b', axis=2)"),
    ],
)
def test_keyword(before: str, after: str) -> None:
    args = {"keyword": "axis", "value": 2}
    assert changed(f"y = {before}(x)\n", (before, "Call", "axis_number", args)) == f"y = {after}(x)\n"
    assert changed(f"y = {after}(x)\n", (after, "Call", "axis_number", args)) == f"y = {after}(x)\n"
