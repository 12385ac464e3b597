from __future__ import annotations

import pytest

from tests.editing import changed

KEYWORD = {"keyword": "data_format", "value": "channels_last"}


def with_keyword(text: str, call: str | None = None) -> str:
    return changed(text, (call or text.strip(), "Call", "layout_setting", KEYWORD))


@pytest.mark.parametrize("text", ["f(data_format='channels_last')\n", 'f(a, data_format = "channels_last", **k)\n'])
def test_noop(text: str) -> None:
    assert with_keyword(text) == text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("f(x, dim_ordering='th')\n", "f(x, dim_ordering='tf')\n"),
        ('f(x, dim_ordering="th" )\n', 'f(x, dim_ordering="tf" )\n'),
        ("f(x, dim_ordering=u'th')\n", "f(x, dim_ordering=u'tf')\n"),
        ("f(x, dim_ordering=('th'))\n", "f(x, dim_ordering=('tf'))\n"),
    ],
)
def test_literal(before: str, after: str) -> None:
    source = next(s for s in ("u'th'", "'th'", '"th"') if s in before)
    assert changed(before, (source, "Constant", "layout_setting", {"value": "tf"})) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("f()", "f(data_format='channels_last')", id="no arguments"),
        pytest.param("f( )", "f(data_format='channels_last')", id="blank"),
        pytest.param("f(a, b)", "f(a, b, data_format='channels_last')", id="plain"),
        pytest.param("f(a,b)", "f(a,b,data_format='channels_last')", id="tight"),
        pytest.param("f(a, b,)", "f(a, b, data_format='channels_last',)", id="trailing comma"),
        pytest.param('f("a")', 'f("a", data_format="channels_last")', id="quotes"),
        pytest.param("f(a = 1)", "f(a = 1, data_format = 'channels_last')", id="spaced equals"),
        pytest.param("f(a, **k)", "f(a, data_format='channels_last', **k)", id="before kwargs"),
        pytest.param("f(*a)", "f(*a, data_format='channels_last')", id="after args"),
        pytest.param("f(data_format='th')", "f(data_format='channels_last')", id="there already"),
        pytest.param("f(\n    a,\n    b\n)", "f(\n    a,\n    b,\n    data_format='channels_last'\n)", id="one a line"),
        pytest.param(
            "f(\n    a,\n    b,\n)",
            "f(\n    a,\n    b,\n    data_format='channels_last',\n)",
            id="comma on last",
        ),
        pytest.param("f(\n    a)", "f(\n    a,\n    data_format='channels_last')", id="single on its line"),
        pytest.param("f(a,\n  b, c)", "f(a,\n  b, c, data_format='channels_last')", id="several on last line"),
        pytest.param(
            "f(a, b,\n  c=1,\n  d=2)", "f(a, b,\n  c=1,\n  d=2,\n  data_format='channels_last')", id="hanging"
        ),
        pytest.param(
            "f(a,\n  b,  # bee\n  **k)",
            "f(a,\n  b,  # bee\n  data_format='channels_last',\n  **k)",
            id="comment",
        ),
        pytest.param(
            "f(\n    a,\n    b  # bee\n)",
            "f(\n    a,\n    b,  # bee\n    data_format='channels_last'\n)",
            id="comment on last",
        ),
        pytest.param(
            "f(\n    a,\n    b,  # bee\n    # c,\n)",
            "f(\n    a,\n    b,  # bee\n    # c,\n    data_format='channels_last',\n)",
            id="comment below last",
        ),
    ],
)
def test_keyword(before: str, after: str) -> None:
    text = f"m.add({before})\n"
    result = with_keyword(text, before)
    assert result == f"m.add({after})\n"
    assert with_keyword(result, after) == result
