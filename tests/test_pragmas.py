"""What `# kmigrate:` comments do: from the comment to the converted program."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from kmigrate import pipeline
from kmigrate.discovery import Candidate
from kmigrate.options import Options
from kmigrate.plan import Status
from kmigrate.pragmas import read, with_layouts

MODEL = """\
import numpy as np
from keras import layers, models

x = np.zeros((16, 3, 17, 19))
y = np.ones((16, 3, 17, 19))
model = models.Sequential()
model.add(layers.Conv2D(4, 3, data_format="channels_first", input_shape=(3, 17, 19)))
model.add(layers.GlobalAveragePooling2D(data_format="channels_first"))
model.add(layers.Dense(2))
print(model.predict(x.mean(axis=1, keepdims=True) + y))
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Away from the checkout, whose files would all be looked through."""
    monkeypatch.chdir(tmp_path)


def convert(text: str, **options) -> pipeline.Result:
    (result,) = pipeline.convert([Candidate("a.py", textwrap.dedent(text).encode())], Options(**options))
    assert result.error is None, result.error
    return result


def said(result: pipeline.Result, code: str) -> list[tuple[int, str]]:
    return [(d.line, d.message) for d in result.diagnostics if d.code == code]


# Reading


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("x = 1  # kmigrate: ignore\n", {1: ()}, id="all codes"),
        pytest.param("x = 1  # kmigrate: ignore[KM104, km2]\n", {1: ("KM104", "KM2")}, id="some codes"),
        pytest.param("x = 1  # noqa  # kmigrate: ignore[KM1]  # why\n", {1: ("KM1",)}, id="among others"),
        pytest.param("x = f(\n    1,  # kmigrate: ignore[KM1]\n)\n", {2: ("KM1",)}, id="inside"),
        pytest.param("x = f(\n    1,\n)  # kmigrate: ignore[KM1]\n", dict.fromkeys((1, 2, 3), ("KM1",)), id="end"),
        pytest.param("def f(\n    a):  # kmigrate: ignore\n    pass\n", {1: (), 2: ()}, id="the head of a definition"),
        pytest.param("x = '# kmigrate: ignore'\n", {}, id="a string"),
        pytest.param("x = 1\r\ny = 2  # kmigrate: ignore\r\n", {2: ()}, id="crlf"),
        pytest.param("x = 1\n\x0cy = 2  # kmigrate: ignore\n", {2: ()}, id="form feed"),
    ],
)
def test_ignores(text: str, expected: dict[int, tuple[str, ...]]) -> None:
    assert {line: found[0].codes for line, found in read(text).ignores.items()} == expected


@pytest.mark.parametrize(
    ("comment", "message"),
    [
        ("ignroe", "`ignroe` is not understood; there are skip-file, ignore"),
        ("ignore[KM7]", "no code begins with 'KM7'"),
        ("ignore[]", "no code begins with ''"),
        ("ordering=first", "the ordering is th or tf, not first"),
        ("layout=NCHX", "a layout is made of the letters"),
        ("layout=NCCW", "a layout is made of the letters"),
    ],
)
def test_a_comment_that_is_wrong_is_named(comment: str, message: str) -> None:
    ((line, text),) = said(convert(f"import keras\nx = 1  # kmigrate: {comment}\n"), "KM156")
    assert line == 2
    assert message in text


def test_layouts_are_rewritten_by_their_number() -> None:
    text = "a = 1  # kmigrate: layout=NCHW\r\n\x0cb = 'layout=NCHW'  # x # kmigrate: layout=CHW\r\n"
    assert with_layouts(text, {1: "HWC"}) == text.replace("layout=CHW", "layout=HWC")


# Ignoring


def test_without_comments_the_model_is_converted() -> None:
    assert convert(MODEL).plan.models[0].status is Status.DONE


def test_an_ignored_layer_leaves_its_model_alone() -> None:
    marked = MODEL.replace("17, 19)))", "17, 19)))  # kmigrate: ignore[KM101]")
    result = convert(marked)
    assert result.new is None
    assert [m.status for m in result.plan.models] == [Status.LEFT_ALONE]
    assert any(line == 7 and "a comment at line 7 says to ignore that" in text for line, text in said(result, "KM909"))
    assert said(result, "KM156") == []


def test_an_ignored_line_of_data_becomes_a_border() -> None:
    marked = MODEL.replace("y = np.ones((16, 3, 17, 19))", "y = np.ones((16, 3, 17, 19))  # kmigrate: ignore")
    result = convert(marked)
    assert [m.status for m in result.plan.models] == [Status.BORDERS]
    assert "y = np.ones((16, 3, 17, 19))  # kmigrate: ignore\n" in result.new_text
    assert "transpose" in result.new_text
    assert said(result, "KM156") == []


@pytest.mark.parametrize("comment", ["ignore", "ignore[KM104]", "ignore[KM2]"])
def test_a_comment_that_ignores_nothing_is_named(comment: str) -> None:
    marked = MODEL.replace("model.add(layers.Dense(2))", f"model.add(layers.Dense(2))  # kmigrate: {comment}")
    ((line, text),) = said(convert(marked), "KM156")
    assert line == 9
    assert text.startswith("nothing here is ignored")


def test_a_comment_for_a_rule_that_is_off_anyway_is_not_named() -> None:
    marked = MODEL.replace("model.add(layers.Dense(2))", "model.add(layers.Dense(2))  # kmigrate: ignore[KM2]")
    assert said(convert(marked, ignore=("KM2",)), "KM156") == []


def test_an_ignored_relu_stays_and_the_others_go() -> None:
    text = """\
    from keras import backend as K
    a = lambda x: K.relu(x, alpha=0.)  # kmigrate: ignore[KM201]
    b = lambda x: K.relu(x, alpha=0.)
    """
    result = convert(text)
    assert "a = lambda x: K.relu(x, alpha=0.)  # kmigrate" in result.new_text
    assert "b = lambda x: K.relu(x)\n" in result.new_text
    assert said(result, "KM156") == []


def test_a_diagnostic_is_silenced() -> None:
    text = MODEL.replace("model.add(layers.Dense", "model.add(layers.Flatten())\nmodel.add(layers.Dense")
    text = text.replace('model.add(layers.GlobalAveragePooling2D(data_format="channels_first"))\n', "")
    (_,) = said(convert(text), "KM153")
    silenced = convert(text.replace("layers.Flatten())", "layers.Flatten())  # kmigrate: ignore[KM153]"))
    assert (said(silenced, "KM153"), said(silenced, "KM156")) == ([], [])


def test_a_file_is_skipped() -> None:
    result = convert("# kmigrate: skip-file\n" + MODEL)
    assert result.new is None
    assert [m.status for m in result.plan.models] == [Status.LEFT_ALONE]
    relu = "# kmigrate: skip-file\nfrom keras import backend as K\nb = lambda x: K.relu(x, alpha=0.)\n"
    assert convert(relu).new is None


# Hints

ORDERING = """\
from keras import layers, models
n = size()
model = models.Sequential([layers.Conv2D(4, 3, input_shape=shape()), layers.GlobalAveragePooling2D()])
"""


def test_the_ordering_of_a_file() -> None:
    assert [m.status for m in convert(ORDERING).plan.models] == [Status.NOTHING]
    assert [m.status for m in convert("# kmigrate: ordering=th\n" + ORDERING).plan.models] == [Status.LEFT_ALONE]
    assert [m.status for m in convert("# kmigrate: ordering=tf\n" + ORDERING).plan.models] == [Status.NOTHING]


def test_an_ordering_that_the_program_contradicts_is_refused() -> None:
    text = "from keras import layers, models\nm = models.Sequential([layers.Conv2D(4, 3, input_shape=(3, 64, 64))])\n"
    result = convert("# kmigrate: ordering=tf\n" + text)
    assert result.new is None
    ((_, message),) = set(said(result, "KM902"))
    assert message.startswith("`# kmigrate: ordering=tf` contradicts the program: ")


UNKNOWN = """\
import numpy as np
from keras import layers, models
x = np.load("x.npy"){comment}
x = x / 255
m = x.mean(axis=(2, 3))
model = models.Sequential()
model.add(layers.Conv2D(4, 3, data_format="channels_first", input_shape=(3, 17, 19)))
model.add(layers.GlobalAveragePooling2D(data_format="channels_first"))
print(model.predict(np.maximum(x, 0)))
"""


def test_a_layout_is_followed_and_the_comment_with_it() -> None:
    result = convert(UNKNOWN.format(comment="  # kmigrate: layout=NCHW"))
    assert [m.status for m in result.plan.models] == [Status.BORDERS]
    (line,) = [line for line in result.new_text.splitlines() if "kmigrate:" in line]
    assert line in (
        'x = np.transpose(np.load("x.npy"), (0, 2, 3, 1))  # kmigrate: layout=NHWC',
        'x = np.load("x.npy").transpose(0, 2, 3, 1)  # kmigrate: layout=NHWC',
        'x = np.load("x.npy")  # kmigrate: layout=NCHW',
    )
    assert convert(result.new_text).new is None


@pytest.mark.parametrize("layout", ["CHW", "NCDHW"])
def test_a_layout_that_the_program_contradicts_is_named_and_held_back(layout: str) -> None:
    result = convert(MODEL.replace("19))\ny", f"19))  # kmigrate: layout={layout}\ny"))
    ((line, message),) = said(result, "KM156")
    assert line == 4
    assert message.startswith(f"`# kmigrate: layout={layout}` contradicts what is known")
    assert f"x = np.zeros((16, 3, 17, 19))  # kmigrate: layout={layout}\n" in (result.new_text or MODEL)
