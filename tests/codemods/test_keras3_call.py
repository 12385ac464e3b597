from __future__ import annotations

from typing import Any

import pytest

from kmigrate.rewriting.error import RewriteError
from tests.editing import changed


def arguments(**changes: Any) -> dict[str, Any]:
    return {"value": [], "keyword": [], "remove": [], "add": []} | changes


@pytest.mark.parametrize(
    ("call", "changes", "after"),
    [
        ("f(8, 3, 5)", {"value": [[1, "(__1__, __2__)"]], "remove": [2]}, "f(8, (3, 5))"),
        ("f(8, 3, 5, a=1)", {"value": [[1, "(__1__, __2__)"]], "remove": [2]}, "f(8, (3, 5), a=1)"),
        ("f(8, a = 1, )", {"keyword": [[1, "b"]]}, "f(8, b = 1, )"),
        ("f(8, 'x')", {"keyword": [[1, "how"]]}, "f(8, how='x')"),
        ("f(a=1, b=2)", {"remove": [1]}, "f(a=1)"),
        ("f(a=1, b=2)", {"remove": [1, 0]}, "f()"),
        ("f()", {"add": [["axis", "-1"]]}, "f(axis=-1)"),
        ("f(x, **more)", {"add": [["axis", "-1"]]}, "f(x, axis=-1, **more)"),
        ("f(x if y else z)", {"value": [[0, "g(__0__)"]]}, "f(g(x if y else z))"),
        ("f(x + y)", {"value": [[0, "__0__ * 2"]]}, "f((x + y) * 2)"),
        ("f(n)", {"value": [[0, "__0__ + (__0__ >= 1)"]]}, "f(n + (n >= 1))"),
        ("f(8, 3, 5,\n  a=1)", {"value": [[1, "(__1__, __2__)"]], "remove": [2]}, "f(8, (3, 5),\n  a=1)"),
    ],
)
def test_arguments(call: str, changes: dict[str, Any], after: str) -> None:
    made = changed(f"x = {call}\n", (call, "Call", "keras3_call", arguments(**changes)))
    assert made == f"x = {after}\n"


@pytest.mark.parametrize(
    ("call", "template", "after"),
    [
        ("K.sqrt(a + b)", "ops.sqrt(ops.maximum(__0__, 0))", "ops.sqrt(ops.maximum(a + b, 0))"),
        ("K.int_shape(a + b)", "tuple(__0__.shape)", "tuple((a + b).shape)"),
        ("m.go(g, n=2)", "helper(__self__, __0__, n=__1__)", "helper(m, g, n=2)"),
        ("d.load()", "first(__call__)", "first(d.load())"),
    ],
)
def test_whole_calls(call: str, template: str, after: str) -> None:
    made = changed(f"x = {call}\n", (call, "Call", "keras3_call", {"template": template}))
    assert made == f"x = {after}\n"


def test_nested_calls_are_both_changed() -> None:
    text = "x = f(1, g(2, 3))\n"
    outer = ("f(1, g(2, 3))", "Call", "keras3_call", {"template": "h(__1__)"})
    inner = ("g(2, 3)", "Call", "keras3_call", arguments(remove=[1]))
    assert changed(text, outer, inner) == "x = h(g(2))\n"


def test_a_template_that_is_no_expression() -> None:
    with pytest.raises(RewriteError):
        changed("f(1)\n", ("f(1)", "Call", "keras3_call", {"template": "if"}))
