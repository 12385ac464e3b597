from __future__ import annotations

import pytest

from tests.editing import changed


def added(text: str, *names: str) -> str:
    return changed(text + "\n", *((text, "ImportFrom", "imports", {"add": n}) for n in names)).rstrip("\n")


@pytest.mark.parametrize("text", ["from a import Permute", "from a import (b, Permute,)", "from a import *"])
def test_noop(text: str) -> None:
    assert added(text, "Permute") == text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("from a import z", "from a import z, Permute"),
        ("from a import c, a", "from a import c, a, Permute"),
        ("from a import Dense, Reshape", "from a import Dense, Permute, Reshape"),
        ("from a import b, z", "from a import Permute, b, z"),
        ("from a import (c, a)", "from a import (c, a, Permute)"),
        ("from a import Permute as P, A", "from a import Permute as P, A, Permute"),
        ("from a import c, \\\n    a", "from a import c, \\\n    a, \\\n    Permute"),
        (
            "from a import (\n    C,\n    Z,  # zed\n)",
            "from a import (\n    C,\n    Permute,\n    Z,  # zed\n)",
        ),
        (
            "from a import (\n    A,\n    C,  # see\n)",
            "from a import (\n    A,\n    C,  # see\n    Permute,\n)",
        ),
        (
            "from a import (\n    A,\n    C  # see\n)",
            "from a import (\n    A,\n    C,  # see\n    Permute\n)",
        ),
        (
            "from a import (c, d,\n               a)",
            "from a import (c, d,\n               a,\n               Permute)",
        ),
        ("from a import (\n    z\n)", "from a import (\n    z,\n    Permute\n)"),
    ],
)
def test_add(before: str, after: str) -> None:
    assert added(before, "Permute") == after
    assert added(after, "Permute") == after


def test_several_names() -> None:
    assert added("from a import z, b", "Permute", "Activation") == "from a import z, b, Activation, Permute"


def test_statement() -> None:
    args = {"where": "after", "text": "from keras.layers import Permute"}
    assert changed("import a; import b\n", ("import a", "stmt", "imports", args)) == (
        "import a; from keras.layers import Permute; import b\n"
    )
