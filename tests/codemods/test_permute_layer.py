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
