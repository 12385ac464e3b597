"""Scripts that misbehave do no harm and end in a clear verdict."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from kmigrate.verify import Certificate, Verdict, runner

pytestmark = pytest.mark.verify
Check = Callable[..., Certificate]

USE = """
import keras, numpy as np
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
model.predict(np.random.rand(5, 4))
"""


def same(check: Check, text: str, **options: object) -> Certificate:
    return check(text, text, **options)


def test_an_endless_loop_hits_the_limit(check: Check) -> None:
    found = same(check, "while True: pass", wall=2)
    assert found.verdict is Verdict.NOT_VERIFIED
    assert "time limit of 2 s" in found.reason


def test_memory_is_limited(check: Check) -> None:
    found = same(check, "import time\nb = bytearray(2 << 30)\ntime.sleep(60)", memory=1800 << 20)
    assert found.verdict is Verdict.NOT_VERIFIED
    assert "memory limit" in found.reason


def test_an_endless_training_loop_is_cut(check: Check) -> None:
    text = USE + "while True: model.predict(np.random.rand(5, 4))"
    found = same(check, text, max_events=5)
    assert found.verdict is Verdict.EQUIVALENT, str(found)
    assert "cut after 5 calls" in found.notes


@pytest.mark.parametrize(
    "line",
    [
        "import socket; socket.create_connection(('127.0.0.1', 9))",
        "import subprocess; subprocess.run(['true'])",
        "import os; os.system('true')",
        "import os; os.fork()",
        "import os; os.kill(os.getppid(), 9)",
        "import os; os.chdir('/')",
        "open('{outside}', 'w')",
        "import os; os.mkdir('{outside}')",
    ],
)
def test_harm_is_blocked(line: str, check: Check, tmp_path: Path) -> None:
    outside = tmp_path.parent / (tmp_path.name + "-outside")
    found = same(check, line.format(outside=outside))
    assert found.verdict is Verdict.NOT_VERIFIED
    assert "not allowed in a verification run" in found.reason
    assert not outside.exists()


def test_the_home_directory_is_private(check: Check) -> None:
    name = ".kmigrate-isolation-test"
    found = same(check, USE + f"open(__import__('os').path.expanduser('~/{name}'), 'w').write('x')")
    assert found.verdict is Verdict.EQUIVALENT, str(found)
    assert not os.path.exists(os.path.expanduser(f"~/{name}"))


def test_the_working_copy_is_private(check: Check, tmp_path: Path) -> None:
    (tmp_path / "data.txt").write_text("mine")
    found = same(check, USE + "open('data.txt', 'a').write(str(len(open('data.txt').read())))")
    assert found.verdict is Verdict.EQUIVALENT, str(found)
    assert (tmp_path / "data.txt").read_text() == "mine"


@pytest.mark.parametrize("line", ["import sys; sys.exit(3)", "import os; os._exit(0)", "input('name? ')"])
def test_ends_of_a_script(line: str, check: Check) -> None:
    found = same(check, USE + line)
    assert found.verdict is Verdict.EQUIVALENT, str(found)


def test_a_script_that_fails_before_is_not_verified(check: Check) -> None:
    found = same(check, USE + "1 / 0")
    assert found.verdict is Verdict.NOT_VERIFIED
    assert "ZeroDivisionError" in found.reason
    assert "p.py:5" in found.reason


def test_a_script_that_fails_only_after_is_different(check: Check) -> None:
    found = check(USE, USE + "1 / 0")
    assert found.verdict is Verdict.DIFFERENT
    assert "ZeroDivisionError" in found.traceback or "ZeroDivisionError" in found.reason
    assert found.verdict.exit_status == 1


@pytest.mark.parametrize(
    "text",
    ["print('no model')", "import keras\nkeras.Sequential([keras.layers.Dense(3)])"],
)
def test_nothing_run_is_not_verified(text: str, check: Check) -> None:
    found = same(check, text)
    assert found.verdict is Verdict.NOT_VERIFIED
    assert "no model was used" in found.reason


def test_a_blind_comparison_is_not_verified(check: Check) -> None:
    text = USE.replace("Dense(3)", "Dense(3), keras.layers.Rescaling(0.0)")
    found = same(check, text)
    assert found.verdict is Verdict.NOT_VERIFIED
    assert "is not seen" in found.reason


def test_missing_data_gets_the_shape_of_the_models_input(check: Check) -> None:
    text = USE.replace("np.random.rand(5, 4)", "np.load('x.npy')")
    assert same(check, text).verdict is Verdict.EQUIVALENT
    found = same(check, "import numpy as np\nx, y = np.load('x.npy').nothing")
    assert found.verdict is Verdict.NOT_VERIFIED
    assert "data missing: x.npy" in found.reason


def test_the_cause_of_a_failure_in_a_graph_is_named() -> None:
    message = (
        "Graph execution error:\n\nDetected at node gradient_tape/Resize defined at (most recent call last):\n"
        "<stack traces unavailable>\nDetected unsupported operations when compiling: ResizeGrad\n\t[[step]]"
    )
    error = {"type": "InvalidArgumentError", "message": message, "where": "p.py:9"}
    said = runner._failure("before", error)
    expected = "Detected unsupported operations when compiling: ResizeGrad (p.py:9)"
    assert said == f"before fails: InvalidArgumentError: {expected}"
