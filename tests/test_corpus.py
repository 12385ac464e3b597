"""The counting of benchmarks/corpus.py, on a small corpus of our own."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from benchmarks import corpus

FIRST = """\
from keras import backend as K
from keras.layers import Conv2D
from keras.models import Sequential
import numpy as np

K.set_image_data_format("channels_first")
model = Sequential([Conv2D(4, (3, 3), input_shape=(1, 8, 8))])
model.compile("sgd", "mse")
model.predict(np.zeros((2, 1, 8, 8)))
"""
LAST = FIRST.replace("channels_first", "channels_last").replace("1, 8, 8", "8, 8, 1")

FILES = {
    "first.py": (FIRST, "a", "done"),
    "wrong.py": (LAST, "b", "done"),  # expected to be done, and is not
    "last.py": (LAST, "n", "nothing"),
    "old.py": ("import keras\nprint keras\n", "a", "python2"),
    "plain.py": ("x = 1\n", "n", "not-keras|nothing"),
    "relu.py": ("import keras\ny = keras.layers.LeakyReLU(alpha=0)\n", "n", "nothing"),
    "notes.ipynb": ("{}", "a0", "notebook"),
    "gone.py": (None, "c", "nothing"),
}


@pytest.fixture
def rows(tmp_path: Path) -> list[corpus.Row]:
    with (tmp_path / "rows.tsv").open("w") as listed, (tmp_path / "expected.tsv").open("w") as wanted:
        lines = csv.writer(listed, delimiter="\t")
        answers = csv.writer(wanted, delimiter="\t")
        lines.writerow(["repo", "commit", "path", "parses_py3", "class"])
        answers.writerow(["repo", "path", "commit", "expected", "why"])
        for name, (text, kind, expected) in FILES.items():
            lines.writerow(["some/one", "abc123", f"sub/{name}", "n" if name == "old.py" else "y", kind])
            answers.writerow(["some/one", f"sub/{name}", "abc123", expected, ""])
            if text is not None:
                path = tmp_path / "some+one@abc123def" / "sub" / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
    return corpus.read(tmp_path / "rows.tsv", tmp_path / "expected.tsv")


@pytest.mark.parametrize("alone", [False, True])
def test_each_file_gets_its_answer_and_none_is_written(rows: list[corpus.Row], tmp_path: Path, alone: bool) -> None:
    diffs: list[str] = []
    measured = {Path(row.path).name: row for row in corpus.measure(tmp_path, rows, alone, diffs)}
    assert {name: row.got for name, row in measured.items() if name != "wrong.py"} == {
        "first.py": "done",
        "last.py": "nothing",
        "old.py": "python2",
        "plain.py": "not-keras",
        "relu.py": "relu",
        "notes.ipynb": "notebook",
        "gone.py": "missing",
    }
    assert {name for name, row in measured.items() if not row.ok} == {"wrong.py", "relu.py", "gone.py"}
    assert not measured["relu.py"].same and measured["last.py"].same
    assert {Path(diff.split()[1]).name for diff in diffs} >= {"first.py", "relu.py"}
    assert (tmp_path / "some+one@abc123def" / "sub" / "first.py").read_text() == FIRST


def test_the_table_counts_by_class(rows: list[corpus.Row], tmp_path: Path) -> None:
    lines = corpus.table(corpus.measure(tmp_path, rows))
    assert "   2 of   3  66.7 %  n: byte for byte the same" in lines
    assert "   1 of   2  50.0 %  a and b (Python 3, .py): done as expected" in lines
    assert "   0 of   0     -    a0 (Python 3, .py): rightly done or rightly nothing to do" in lines
    assert "   0 of   1   0.0 %  c: as expected" in lines
    assert "   0 of   8   0.0 %  crashes" in lines


@pytest.mark.parametrize(
    "expected, got, same",
    [
        ("nothing", "nothing", True),
        ("nothing", "asked", False),
        ("nothing|asked", "asked+nothing", True),
        ("done", "borders", False),
        ("done|borders", "borders", True),
        ("left:KM901", "left:KM901,KM906", True),
        ("left:KM902", "left:KM901,KM906", False),
        ("left:KM902", "asked+left:KM902", False),
        ("left:KM902|asked", "asked+left:KM902", True),
        ("left:KM901", "nothing", False),
        ("left:KM901", "left:KM901+nothing", True),
        ("nothing", "unseen", False),
        ("done", "done+relu", True),
    ],
)
def test_what_agrees_with_what_is_expected(expected: str, got: str, same: bool) -> None:
    assert corpus.agrees(expected, got) is same


def test_a_file_that_makes_layers_and_gets_no_answer_is_not_seen(tmp_path: Path) -> None:
    assert corpus.makes_layers("x = layers.Conv2D(8, 3)(x)") and corpus.makes_layers("x = MaxPooling2D((2, 2))(x)")
    assert not corpus.makes_layers("class Conv2D(Layer): pass") and not corpus.makes_layers("f(Conv2D)")


def test_something_is_expected_of_each_file_once() -> None:
    with corpus.EXPECTED.open(newline="") as file:
        lines = list(csv.DictReader(file, delimiter="\t"))
    assert len({(line["repo"], line["commit"], line["path"]) for line in lines}) == len(lines) == 253
    kinds = {"done", "borders", "nothing", "asked", "left", "python2", "notebook", "not-keras"}
    for line in lines:
        assert line["why"] and {part.partition(":")[0] for part in line["expected"].split("|")} <= kinds, line
