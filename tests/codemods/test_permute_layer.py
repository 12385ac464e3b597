from __future__ import annotations

import pytest

from tests.editing import changed


def test_statement() -> None:
    args = {"where": "before", "text": "model.add(Permute((3, 1, 2)))"}
    text = "model.add(Flatten())\nmodel.add(Dense(9))\n"
    assert changed(text, ("model.add(Flatten())", "stmt", "permute_layer", args)) == (
        "model.add(Permute((3, 1, 2)))\nmodel.add(Flatten())\nmodel.add(Dense(9))\n"
    )


@pytest.mark.parametrize(
    ("text", "source", "kind", "after"),
    [
        ("y = Flatten()(x)", "x", "Name", "y = Flatten()(layers.Permute((3, 1, 2))(x))"),
        ("y = f(a) + b", "f(a)", "Call", "y = layers.Permute((3, 1, 2))(f(a)) + b"),
        ("y = (a + b) * c", "a + b", "BinOp", "y = layers.Permute((3, 1, 2))(a + b) * c"),
    ],
)
def test_around(text: str, source: str, kind: str, after: str) -> None:
    args = {"callee": "layers.Permute", "dims": [3, 1, 2]}
    assert changed(text + "\n", (source, kind, "permute_layer", args)) == after + "\n"


def test_around_one_axis() -> None:
    args = {"callee": "Permute", "dims": [1]}
    assert changed("f(x)\n", ("x", "Name", "permute_layer", args)) == "f(Permute((1,))(x))\n"


@pytest.mark.parametrize("text", ["f(conv(9, strides=2), x)\n", "f(conv(9, input_shape=s)(input_shape), x)\n"])
def test_what_is_not_named_stays(text: str) -> None:
    assert changed(text, ("x", "Name", "permute_layer", {"name": "x_last"})) == text.replace(", x)", ", x_last)")


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("m.add(Conv(9))\n", "m.add(Conv(9))\n"),
        ("m.add(Conv(9, input_shape=(3, 8, 6)))\n", "m.add(Conv(9))\n"),
        ("m.add(Conv(9, input_shape=(3, 8, 6), name='a'))\n", "m.add(Conv(9, name='a'))\n"),
    ],
)
def test_drop(text: str, after: str) -> None:
    source = text[len("m.add(") : -2]
    assert changed(text, (source, "Call", "permute_layer", {"drop": "input_shape"})) == after
