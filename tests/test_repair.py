"""Python 2 under `--target keras3`."""

from __future__ import annotations

import ast
import textwrap
from pathlib import Path

import pytest

from kmigrate import pipeline
from kmigrate.discovery import Candidate
from kmigrate.options import Options
from kmigrate.repair import repaired, shows_python2

KERAS3 = Options(target="keras3")


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def repair(source: str) -> str:
    found = repaired(textwrap.dedent(source), "a.py")
    assert found is not None
    ast.parse(found[0])
    return found[0]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("print 'loss', x\n", "print('loss', x)\n"),
        ("print 'x'  # no newline at the end", "print('x')  # no newline at the end"),
        ("for i in xrange(3): print i\n", "for i in range(3): print(i)\n"),
        ("x = map(f, y)\nprint x\n", "x = list(map(f, y))\nprint(x)\n"),
        ("x = zip(a, b)[0]\nprint x\n", "x = list(zip(a, b))[0]\nprint(x)\n"),
        ("x = range(3)\nprint x\n", "x = list(range(3))\nprint(x)\n"),
        ("import cPickle as pickle\n", "import pickle as pickle\n"),
        ("print 1\r\nx = 1\r\n", "print(1)\r\nx = 1\r\n"),
        ("try: f()\nexcept IOError, e: print e\n", "try: f()\nexcept IOError as e: print(e)\n"),
    ],
)
def test_fissix_repairs(before: str, after: str) -> None:
    assert repair(before) == after


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("x = 7 / 2", "x = 7 // 2"),
        ("x = len(a) / 2", "x = len(a) // 2"),
        ("x = a.shape[0] / n", "x = a.shape[0] // n"),
        ("x = a[:k / 2]", "x = a[:k // 2]"),
        ("x = np.zeros((k / 2, 3))", "x = np.zeros((k // 2, 3))"),
        ("x = a.reshape(k / 2, 3)", "x = a.reshape(k // 2, 3)"),
        ("for i in range(k / 2): pass", "for i in range(k // 2): pass"),
        ("n /= 2", "n //= 2"),
        ("x = (n + 1) / 2 / 2", "x = (n + 1) // 2 // 2"),
        ("x = a / 255.", "x = a / 255."),
        ("x = k / 2", "x = k / 2"),
        ("x = n / 2.0", "x = n / 2.0"),
        ("x = f(n) / 2", "x = f(n) / 2"),
        ("a /= 255", "a /= 255"),
        ("x = np.arange(0, 1, k / 2)", "x = np.arange(0, 1, k / 2)"),
    ],
)
def test_divisions_of_whole_numbers(line: str, expected: str) -> None:
    """`k` is a parameter, `n` a constant."""
    source = f"import numpy as np\nn = 8\ndef f(k):\n    a = np.zeros(3)\n    {line}\nprint n\n"
    assert repair(source).splitlines()[4].strip() == expected


def test_divisions_that_may_be_of_whole_numbers_are_said() -> None:
    found = repaired("def half(k):\n    return k / 2\nprint half(3)\n", "a.py")
    assert found is not None
    assert [(d.line, d.code) for d in found[1]] == [(2, "KM403")]
    assert "`k / 2`" in found[1][0].message


def test_true_division_is_kept() -> None:
    source = "from __future__ import division\nx = 7 / 2\nprint x\n"
    assert "x = 7 / 2" in repair(source)


@pytest.mark.parametrize(
    ("text", "old"),
    [
        ("for i in xrange(3): print(i)\n", True),
        ("import cPickle\n", True),
        ("from __future__ import print_function\nx = 1 / 2\n", True),
        ("from __future__ import print_function, division\nx = 1 / 2\n", False),
        ("x = 1 / 2\nprint(x)\n", False),
    ],
)
def test_files_that_parse_may_show_python_2(text: str, old: bool) -> None:
    assert shows_python2(text) == old


PROGRAM = b"""\
from keras.models import Sequential
from keras.layers.core import Dense
size = 9
model = Sequential()
model.add(Dense(size / 2, input_dim=3, init='uniform'))
print 'built', model
"""


def test_a_program_in_python_2_is_repaired_and_ported() -> None:
    (result,) = pipeline.convert([Candidate("a.py", PROGRAM)], KERAS3)
    assert result.error is None and result.new_text is not None
    assert result.new_text.splitlines()[-2:] == [
        "model.add(Dense(size // 2, input_dim=3, kernel_initializer='random_uniform'))",
        "print('built', model)",
    ]
    (again,) = pipeline.convert([Candidate("a.py", result.new.raw)], KERAS3)  # type: ignore[union-attr]
    assert again.new is None


def test_the_other_target_reports_it() -> None:
    (result,) = pipeline.convert([Candidate("a.py", PROGRAM)], Options())
    assert result.new is None and result.error is not None and result.error.code == "KM401"


def test_a_module_in_python_2_belongs_to_the_program(tmp_path: Path) -> None:
    Path("net.py").write_bytes(PROGRAM)
    Path("train.py").write_bytes(b"from net import model\nmodel.fit(x, y, nb_epoch=3)\n")
    results = pipeline.run(["."], KERAS3)
    assert {Path(r.path).name: r.error for r in results if r.error} == {}


def test_what_is_neither_stays() -> None:
    data = b"import keras\nprint 'a' b c\n"
    (result,) = pipeline.convert([Candidate("a.py", data)], KERAS3)
    assert result.new is None and result.error is not None
