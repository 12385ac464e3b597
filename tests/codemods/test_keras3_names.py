from __future__ import annotations

import pytest

from kmigrate.rewriting.error import RewriteError
from tests.editing import changed


@pytest.mark.parametrize(
    ("text", "source", "kind", "args", "after"),
    [
        ("x = Old(1)", "Old", "Name", {"text": "New"}, "x = New(1)"),
        ("x = K.mean(y)", "K.mean", "Attribute", {"text": "ops.mean"}, "x = ops.mean(y)"),
        ("x = (K.mean)(y)", "K.mean", "Attribute", {"text": "ops.mean"}, "x = (ops.mean)(y)"),
        ("s = x._keras_shape[1]", "x._keras_shape", "Attribute", {"attr": "shape"}, "s = x.shape[1]"),
        ("if a == 'th': pass", "'th'", "Constant", {"value": "channels_first"},
         "if a == 'channels_first': pass"),
        ('if a == "th": pass', '"th"', "Constant", {"value": "channels_first"},
         'if a == "channels_first": pass'),
        ("import a.b as c; x = 1  # one", "import a.b as c", "Import", {"text": "import a as c"},
         "import a as c; x = 1  # one"),
        ("from a.b import (\n    c,  # gone\n)", "from a.b import (\n    c,  # gone\n)", "ImportFrom",
         {"text": "from a import c"}, "from a import c"),
    ],
)  # fmt: skip
def test_names(text: str, source: str, kind: str, args: dict[str, str], after: str) -> None:
    assert changed(text + "\n", (source, kind, "keras3_names", args)) == after + "\n"


def test_code_beside_a_statement() -> None:
    after = {"where": "after", "text": "import b\n\n\ndef f():\n    pass"}
    assert changed("import a\nx = 1\n", ("import a", "stmt", "keras3_names", after)) == (
        "import a\nimport b\n\n\ndef f():\n    pass\nx = 1\n"
    )


def test_an_import_that_is_none() -> None:
    with pytest.raises(RewriteError):
        changed("import a\n", ("import a", "Import", "keras3_names", {"text": "if a: pass"}))
