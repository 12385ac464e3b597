"""Notebooks: one program, and back into the bytes around it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from kmigrate.notebook import Notebook, NotebookError, order_problem

IMPORTS = "%matplotlib inline\nimport numpy as np\nfrom keras import layers, models\n!pip install keras"
DATA = "x = np.zeros((16, 3, 17, 19))  # \u00e9\nx.shape"
MODEL = """\
model = models.Sequential()
model.add(layers.Conv2D(4, 3, data_format="channels_first", input_shape=(3, 17, 19)))
model.add(layers.GlobalAveragePooling2D(data_format="channels_first"))"""
USE = "%%time\nprint(model.predict(x))\n"


def cell(text: str, count: int | None = None, kind: str = "code", whole: bool = False) -> dict:
    source = text if whole else text.splitlines(keepends=True)
    if kind != "code":
        return {"cell_type": kind, "metadata": {}, "source": source}
    outputs = [{"name": "stdout", "output_type": "stream", "text": ["source: [1, 2]\n"]}]
    return {"cell_type": "code", "execution_count": count, "metadata": {"a": {}}, "outputs": outputs, "source": source}


def notebook(
    *texts: str, counts: list[int | None] | None = None, indent: int | None = 1, end: str = "\n", **meta
) -> bytes:
    counts = counts or list(range(1, len(texts) + 1))
    cells = [cell("# Title\n", kind="markdown")]
    cells += [cell(text, count) for text, count in zip(texts, counts, strict=True)]
    data = {
        "cells": cells,
        "metadata": {"language_info": {"name": "python", **meta}},
        "nbformat": 4,
        "nbformat_minor": 2,
    }
    return (json.dumps(data, indent=indent, ensure_ascii=False) + end).encode()


def sources(data: bytes) -> list[str]:
    return ["".join(c["source"]) for c in json.loads(data)["cells"]]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


ALL = (IMPORTS, DATA, MODEL, USE)


@pytest.mark.parametrize("indent", [None, 1, 4])
@pytest.mark.parametrize("end", ["", "\n", "\r\n\t "])
def test_a_notebook_is_converted_and_its_other_bytes_stay(kmigrate, indent: int | None, end: str) -> None:
    before = notebook(*ALL, indent=indent, end=end)
    Path("n.ipynb").write_bytes(before)
    status, _, err = kmigrate("--write", ".")
    assert status == 0, err
    after = Path("n.ipynb").read_bytes()
    assert "n.ipynb:cell 4:1: model: done\n" in err
    changed = [(a, b) for a, b in zip(sources(before), sources(after), strict=True) if a != b]
    assert [a for a, _ in changed] == [DATA, MODEL]
    assert changed[0][1] == "x = np.zeros((16, 17, 19, 3))  # \u00e9\nx.shape"
    assert changed[1][1] == MODEL.replace("channels_first", "channels_last").replace("(3, 17, 19)", "(17, 19, 3)")
    expected = before
    for old, new in changed:
        for a, b in zip(old.splitlines(keepends=True), new.splitlines(keepends=True), strict=True):
            expected = expected.replace(
                json.dumps(a, ensure_ascii=False).encode(), json.dumps(b, ensure_ascii=False).encode()
            )
    assert after == expected
    assert kmigrate("--check", ".").status == 0


def test_git_applies_the_diff_whose_hunks_name_the_cells(kmigrate) -> None:
    Path("n.ipynb").write_bytes(notebook(*ALL))
    subprocess.run(["git", "init", "-q", "."], check=True)
    diff = kmigrate("n.ipynb").out
    heads = [line for line in diff.decode().splitlines() if line.startswith("@@")]
    assert [line.split(" @@ ")[1] for line in heads] == ["cell 3", "cell 4"]
    subprocess.run(["git", "apply", "-"], input=diff, check=True)
    applied = Path("n.ipynb").read_bytes()
    Path("n.ipynb").write_bytes(notebook(*ALL))
    kmigrate("--write", "n.ipynb")
    assert Path("n.ipynb").read_bytes() == applied


@pytest.mark.parametrize(
    "text", [*ALL, "", "\n", "x = 1\n\n", "%%bash\nls\n", "a\n", "f?", "x = !ls\n", "%pip install x\n"]
)
def test_what_is_not_changed_comes_back(text: str) -> None:
    for texts in ((text,), (text, text), ("a = 1", text, "b = 2\n", text)):
        data = notebook(*texts)
        found = Notebook(data)
        compile(found.program, "n", "exec")
        assert found.with_program(found.program) == data


def test_places() -> None:
    found = Notebook(notebook("a = 1\nb = 2", "", "%%html\n<p>\n", "c = 3\n"))
    lines = found.program.splitlines()
    assert [found.place(lines.index(text) + 1) for text in ("a = 1", "b = 2", "c = 3")] == [(2, 1), (2, 2), (5, 1)]


@pytest.mark.parametrize(
    ("texts", "counts", "problem"),
    [
        pytest.param(("x = 1", "y = 2"), [2, 1], "cell 2 as [2], cell 3 as [1]", id="another order"),
        pytest.param(("x = 1", "y = 2"), [1, 1], "cell 2 as [1], cell 3 as [1]", id="run twice"),
        pytest.param(("x = 1", "y = 2", "z = 3"), [3, None, 4], None, id="one not run"),
        pytest.param(("x = 1", "x = x + 1"), [None, None], "`x` is defined in cells 2 and 3", id="a name twice"),
        pytest.param(("x = 1", "x = x + 1"), [1, 2], None, id="a name twice, run in order"),
        pytest.param(("x = 1\nprint(x)", "x = 2\nprint(x)"), [None, None], None, id="each for itself"),
        pytest.param(("import a", "import a\na.b()"), [None, None], None, id="imports"),
        pytest.param(
            ("def f(): pass", "f()", "def f(): return 1"), [None] * 3, "`f` is defined in cells 2", id="function"
        ),
    ],
)
def test_the_order_of_the_cells(texts, counts, problem: str | None) -> None:
    found = order_problem(Notebook(notebook(*texts, counts=counts)))
    assert (found is None) if problem is None else (found is not None and problem in found)


def test_cells_out_of_order_are_left_alone_unless_somebody_says_how_they_are_run(kmigrate) -> None:
    data = notebook(*ALL, counts=[1, 4, 3, 5])
    Path("n.ipynb").write_bytes(data)
    status, _, err = kmigrate("--write", "--strict", ".")
    assert status == 3
    assert "n.ipynb:0:0: KM911 its cells were run in another order" in err
    assert Path("n.ipynb").read_bytes() == data
    assert kmigrate("--write", "--strict", "--cell-order", "top-down", ".").status == 0
    assert Path("n.ipynb").read_bytes() != data


@pytest.mark.parametrize(
    "magic", ["%run other.py", "%pylab", "%env KERAS_BACKEND=theano", "%%cython\nx = 1", "%time f()"]
)
def test_a_magic_that_may_do_anything_leaves_the_notebook_alone(kmigrate, magic: str) -> None:
    data = notebook(magic, *ALL)
    Path("n.ipynb").write_bytes(data)
    assert "KM911 what `" in kmigrate("--write", ".").err
    assert Path("n.ipynb").read_bytes() == data


def test_what_a_magic_gives_is_not_known(kmigrate) -> None:
    data = notebook(IMPORTS, "x = !ls", MODEL, USE)
    Path("n.ipynb").write_bytes(data)
    kmigrate("--write", ".")
    assert sources(Path("n.ipynb").read_bytes())[2] == "x = !ls"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{",
        b'{"worksheets": [], "nbformat": 3}',
        b'{"cells": 1}',
        b"\xff",
        b"\xef\xbb\xbf{}",
        b"[" * 100_000,
    ],
)
def test_what_is_no_notebook_is_an_error(kmigrate, data: bytes) -> None:
    with pytest.raises(NotebookError):
        Notebook(data)
    Path("n.ipynb").write_bytes(data + b"keras")
    status, _, err = kmigrate("--write", ".")
    assert (status, err.count("KM905")) == (2, 1)
    assert Path("n.ipynb").read_bytes() == data + b"keras"


def test_notebooks_of_other_languages_are_not_looked_at(kmigrate) -> None:
    Path("n.ipynb").write_bytes(notebook("library(keras)\nx <- 1 %>% f", name="R"))
    assert kmigrate("--check", "--strict", ".").status == 0


def test_sources_in_one_string_stay_so(kmigrate) -> None:
    cells = [cell(text, i + 1, whole=True) for i, text in enumerate(ALL)]
    data = json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}).encode()
    Path("n.ipynb").write_bytes(data)
    assert kmigrate("--write", ".").status == 0
    after = json.loads(Path("n.ipynb").read_bytes())
    assert "channels_last" in after["cells"][2]["source"]
    assert b"\\u00e9" in Path("n.ipynb").read_bytes()


def test_stdin_may_be_a_notebook(kmigrate) -> None:
    status, out, _ = kmigrate("-", "--stdin-filename", "n.ipynb", stdin=notebook(*ALL))
    assert status == 0
    assert "channels_last" in sources(out)[3]


def test_json_names_the_cells(kmigrate) -> None:
    Path("n.ipynb").write_bytes(notebook(*ALL))
    (file,) = json.loads(kmigrate("--format", "json", ".").out)["files"]
    assert {(edit["cell"], edit["line"]) for edit in file["edits"]} == {(3, 1), (4, 2), (4, 3)}
    assert [(model["cell"], model["line"]) for model in file["models"]] == [(4, 1)]
