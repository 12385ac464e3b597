"""Edits are made where they should be, and every other byte stays."""

from __future__ import annotations

import ast
import random
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmigrate.rewriting import RewriteError, apply
from tests.editing import changed, edit

SETTING = {"keyword": "data_format", "value": "channels_last"}
BEFORE = {"where": "before", "text": "model.add(Permute((3, 1, 2)))"}
AFTER = {"where": "after", "text": "after()"}
FLATTEN = "model.add(Flatten())"


def inserted(text: str, *edits: dict[str, str]) -> str:
    return changed(text, *((FLATTEN, "stmt", "permute_layer", e) for e in edits))


# nothing to do, and what cannot be done


def test_no_edits_return_the_text_itself() -> None:
    text = "not python at all ("
    assert apply(text, []) is text


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("\fx = (1, 2)\n", id="form feed before code"),
        pytest.param("y = 1\rx = (1, 2)\r", id="carriage returns alone"),
    ],
)
def test_text_that_libcst_does_not_print_back_is_refused(text: str) -> None:
    with pytest.raises(RewriteError, match=r"does not print|libcst cannot parse"):
        apply(text, [edit(text, "(1, 2)", "Tuple", "shape_order", {"order": [1, 0]})])


@pytest.mark.parametrize(
    "end", ["\n\n  \n\n", "\n\t\n\n    ", "\r\n\r\n  \r\n\r\n", "  \n \n\n", "\n\n\x0c\n  \n", "\n"]
)
@pytest.mark.parametrize("code", ["x = (1, 2)", "def f():\n    return (1, 2)", "x = (1, 2)  # text"])
def test_blanks_at_the_end_of_a_file_stay(code: str, end: str) -> None:
    if "\r" in end:
        code = code.replace("\n", "\r\n")
    text = code + end
    new = apply(text, [edit(text, "(1, 2)", "Tuple", "shape_order", {"order": [1, 0]})])
    assert new == text.replace("(1, 2)", "(2, 1)")


def test_indentation_that_libcst_refuses_is_refused() -> None:
    text = "def f():\n\tif x:\n        \ty = (1, 2)\n"
    with pytest.raises(RewriteError, match="libcst cannot parse"):
        apply(text, [edit(text, "(1, 2)", "Tuple", "shape_order", {"order": [1, 0]})])


@pytest.mark.parametrize(
    ("kind", "codemod", "args", "message"),
    [
        ("Call", "axis_number", {"value": 1}, "no Call stands at"),
        ("arguments", "axis_number", {"value": 1}, "no edit can name"),
        ("Tuple", "no_such_codemod", {}, "there is no codemod"),
        ("Tuple", "indexing", {"indices": [0]}, "has no operation for Tuple"),
        ("Tuple", "shape_order", {"order": [0, 1, 2]}, "has 2 parts"),
        ("Tuple", "shape_order", {"order": [0, 0]}, "has 2 parts"),
    ],
)
def test_a_plan_that_does_not_fit_is_refused(kind: str, codemod: str, args: dict, message: str) -> None:
    text = "x = (1, 2)\n"
    made = edit(text, "(1, 2)", "Tuple", codemod, args)
    made = type(made)(**(made.__dict__ | {"kind": kind}))
    with pytest.raises(RewriteError, match=message):
        apply(text, [made])


def test_edits_that_contradict_each_other_are_refused() -> None:
    first = ("f(x)", "Call", "layout_setting", SETTING)
    second = ("f(x)", "Call", "layout_setting", SETTING | {"value": "channels_first"})
    with pytest.raises(RewriteError, match="two edits give data_format"):
        changed("f(x)\n", first, second)


@pytest.mark.parametrize(
    ("text", "source", "where"),
    [
        ('"""Doc."""\nx = 1\n', '"""Doc."""', "before"),
        ("from __future__ import division\nx = 1\n", "from __future__ import division", "before"),
        ('"""Doc."""\nfrom __future__ import division\n', '"""Doc."""', "after"),
    ],
)
def test_nothing_comes_before_docstrings_and_future_imports(text: str, source: str, where: str) -> None:
    with pytest.raises(RewriteError, match="no statement can stand before"):
        changed(text, (source, "stmt", "imports", {"where": where, "text": "import a"}))


def test_nothing_comes_beside_an_elif() -> None:
    text = "if a:\n    b\nelif c:\n    d\n"
    source = "elif c:"
    with pytest.raises(RewriteError, match="elif"):
        changed(text, (source, "stmt", "ambient", {"where": "before", "text": "x()"}))


# statements that are inserted


def test_the_comment_above_a_statement_stays_above() -> None:
    text = "a = 1\n\n# flat from here on\nmodel.add(Flatten())  # rows\nb = 2\n"
    assert inserted(text, BEFORE, AFTER) == (
        "a = 1\n\n# flat from here on\nmodel.add(Permute((3, 1, 2)))\nmodel.add(Flatten())  # rows\nafter()\nb = 2\n"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "a = 1; model.add(Flatten())  # c\n",
            "a = 1; model.add(Permute((3, 1, 2))); model.add(Flatten()); after()  # c\n",
            id="last of a line",
        ),
        pytest.param(
            "model.add(Flatten());b = 1;\n",
            "model.add(Permute((3, 1, 2))); model.add(Flatten()); after();b = 1;\n",
            id="first of a line",
        ),
        pytest.param(
            "model.add(Flatten());\n",
            "model.add(Permute((3, 1, 2)))\nmodel.add(Flatten());\nafter()\n",
            id="semicolon behind",
        ),
        pytest.param(
            "if x: model.add(Flatten())\nelse: y\n",
            "if x: model.add(Permute((3, 1, 2))); model.add(Flatten()); after()\nelse: y\n",
            id="suite on the line",
        ),
        pytest.param(
            "for a in b:\n\tif x:\n\t\tmodel.add(Flatten())\n",
            "for a in b:\n\tif x:\n\t\tmodel.add(Permute((3, 1, 2)))\n\t\tmodel.add(Flatten())\n\t\tafter()\n",
            id="tabs",
        ),
        pytest.param(
            "a\r\nmodel.add(Flatten())\r\nb\n",
            "a\r\nmodel.add(Permute((3, 1, 2)))\r\nmodel.add(Flatten())\r\nafter()\r\nb\n",
            id="line ends",
        ),
        pytest.param(
            "if x:\n  model.add(Flatten())",
            "if x:\n  model.add(Permute((3, 1, 2)))\n  model.add(Flatten())\n  after()",
            id="no newline at the end",
        ),
    ],
)
def test_a_statement_is_inserted(text: str, expected: str) -> None:
    assert inserted(text, BEFORE, AFTER) == expected


def test_a_statement_comes_before_and_after_a_block() -> None:
    text = "x\n\n# why\n@deco\ndef f():\n    return 1\n\n\ny\n"
    first = ("def f():", "stmt", "ambient", {"where": "before", "text": "a()"})
    second = ("def f():", "stmt", "ambient", {"where": "after", "text": "b()"})
    assert changed(text, first, second) == ("x\n\n# why\na()\n@deco\ndef f():\n    return 1\nb()\n\n\ny\n")


def test_imports_come_before_what_uses_them() -> None:
    source = "import keras"
    last = (source, "stmt", "permute_layer", {"where": "after", "text": "m.add(P())"})
    middle = (source, "stmt", "ambient", {"where": "after", "text": "K.set()"})
    first = (source, "stmt", "imports", {"where": "after", "text": "from keras import K"})
    assert changed("import keras\n", last, middle, first) == (
        "import keras\nfrom keras import K\nK.set()\nm.add(P())\n"
    )


def test_a_block_may_end_with_a_semicolon() -> None:
    text = "if x:\n    y = 1;\nz\n"
    assert changed(text, ("if x:", "stmt", "ambient", {"where": "after", "text": "a()"})) == (
        "if x:\n    y = 1;\na()\nz\n"
    )


# nested and repeated edits


def test_edits_within_edits() -> None:
    call = "f(x[:, 0], shape=(1, 2, 3))"
    assert changed(
        f"Y = {call}\n",
        ("x[:, 0]", "Subscript", "indexing", {"indices": [0, None, None, 1]}),
        ("(1, 2, 3)", "Tuple", "shape_order", {"order": [1, 2, 0]}),
        (call, "Call", "layout_setting", SETTING),
        (call, "Call", "axis_number", {"keyword": "axis", "value": -1}),
        (call, "Call", "transpose", {"action": "insert", "perm": [0, 2, 1], "numpy": "np"}),
    ) == ("Y = np.transpose(f(x[:, :, :, 0], shape=(2, 3, 1), axis=-1, data_format='channels_last'), (0, 2, 1))\n")


def test_the_order_of_edits_on_one_call_does_not_matter() -> None:
    text = "f(\n    1,  # one\n    2,\n    x=K.relu(t, alpha=0.),\n    **rest\n)\n"
    call = text.rstrip("\n")
    edits = [
        edit(text, call, "Call", "layout_setting", SETTING),
        edit(text, call, "Call", "axis_number", {"keyword": "axis", "value": 3}),
        edit(text, call, "Call", "shape_order", {"order": [1, 0], "first": 0}),
        edit(text, "K.relu(t, alpha=0.)", "Call", "fast_relu", {"drop": "alpha"}),
    ]
    expected = apply(text, edits)
    assert expected == (
        "f(\n    2,  # one\n    1,\n    x=K.relu(t),\n    axis=3,\n    data_format='channels_last',\n    **rest\n)\n"
    )
    for seed in range(24):
        random.Random(seed).shuffle(edits)
        assert apply(text, edits) == expected


def test_an_edit_given_twice_is_made_once() -> None:
    assert inserted("model.add(Flatten())\n", BEFORE, BEFORE).count("Permute") == 1


def test_characters_of_several_bytes_before_an_edit() -> None:
    text = "# é ü 漢字 😀\nname = 'ключ'; shape = (1, 'ß', 2)  # ✓\n"
    assert changed(text, ("(1, 'ß', 2)", "Tuple", "shape_order", {"order": [1, 2, 0]})) == (
        "# é ü 漢字 😀\nname = 'ключ'; shape = ('ß', 2, 1)  # ✓\n"
    )


def test_long_chains() -> None:
    text = "m" + ".add(x)" * 400 + ".add(y, (1, 2))\n"
    assert changed(text, ("(1, 2)", "Tuple", "shape_order", {"order": [1, 0]})).endswith("(2, 1))\n")


def test_importing_rewrite_does_not_import_libcst_and_applying_not_its_matchers() -> None:
    code = (
        "import sys; from kmigrate import rewriting; assert 'libcst' not in sys.modules\n"
        "from tests.editing import changed\n"
        "changed('x = (1, 2)\\n', ('(1, 2)', 'Tuple', 'shape_order', {'order': [1, 0]}))\n"
        "assert 'libcst' in sys.modules\n"
        "assert not {'libcst.matchers', 'libcst.codemod', 'tensorflow'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# any edits on any text

_BLANK = st.sampled_from(["", " ", "  "])
_ATOM = st.sampled_from(["a", "rows", "1", "-1", "x.y", "'é'", "f(b)", "(c + d)", "z[0, :]"])


@st.composite
def _sequence(draw: st.DrawFn) -> str:
    parts = draw(st.lists(_ATOM, min_size=2, max_size=4))
    joined = parts[0]
    for part in parts[1:]:
        joined += draw(_BLANK) + "," + draw(st.sampled_from([" ", "", "\n     ", "  # é\n  "])) + part
    return "(" + draw(_BLANK) + joined + draw(st.sampled_from(["", ",", " ", ",\n"])) + ")"


@st.composite
def _line(draw: st.DrawFn) -> str:
    shape = draw(_sequence())
    form = draw(st.sampled_from(["x = {}", "y=f(a, shape={} ,b=2)", "if q: x = {}; y = 1", "return_ = {}[0]  # ü"]))
    return form.format(shape)


@given(
    st.lists(_line(), min_size=1, max_size=4),
    st.sampled_from(["\n", "\r\n"]),
    st.randoms(use_true_random=False),
)
def test_all_bytes_outside_the_edits_stay(lines: list[str], newline: str, choice: random.Random) -> None:
    text = ("\n".join(lines) + "\n").replace("\n", newline)
    tuples = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Tuple) and isinstance(n.ctx, ast.Load)]
    edits = []
    for node in tuples:
        source = ast.get_source_segment(text, node)
        if source is None or not source.startswith("(") or choice.random() < 0.4:
            continue
        order = list(range(len(node.elts)))
        choice.shuffle(order)
        same = [t for t in tuples if ast.get_source_segment(text, t) == source]
        edits.append((source, order, same.index(node)))
    made = [edit(text, s, "Tuple", "shape_order", {"order": o}, nth) for s, o, nth in edits]
    after = apply(text, made)
    data, result = text.encode(), after.encode()
    position = 0  # the same bytes in the same order, and each edited span as long as it was
    assert len(data) == len(result)
    for start, end in sorted((e.start, e.end) for e in made):
        assert data[position:start] == result[position:start]
        assert sorted(data[start:end]) == sorted(result[start:end])
        position = end
    assert data[position:] == result[position:]
