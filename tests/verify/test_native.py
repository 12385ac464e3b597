"""What runs in an old interpreter, as far as that can be seen without one; docs/legacy.md says how to try it there."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from kmigrate.verify import Certificate, Verdict, VerifyOptions, log
from kmigrate.verify.native import harness, verify_natively

HARNESS = Path(harness.__file__)
JOB = {"seeds": [0], "work": ".", "reference": "", "values": "", "maps": "", "steps": 5, "samples": 16}


class Source:
    def __init__(self, path: Path) -> None:
        self.path, self.raw = path, path.read_bytes()


@pytest.fixture
def recorder() -> harness.Recorder:
    return harness.Recorder(JOB, None, None)


def layer(ordering: str = "") -> Any:
    return SimpleNamespace(dim_ordering=ordering)


def test_old_pythons_read_the_file() -> None:
    text = HARNESS.read_text()
    tree = ast.parse(text, feature_version=(3, 5))
    new = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr | ast.Nonlocal | ast.AnnAssign)]
    assert not new, f"line {new[0].lineno}"
    assert not any(args.kwonlyargs for args in ast.walk(tree) if isinstance(args, ast.arguments))
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not any((name or "").startswith("kmigrate") for name in imported)


@pytest.mark.parametrize("python", ["python2.7", "python3.5", "python3.6"])
def test_an_old_python_compiles_it(python: str, tmp_path: Path) -> None:
    found = shutil.which(python)
    if found is None or subprocess.run([found, "--version"], capture_output=True, check=False).returncode:
        pytest.skip(f"no {python}")
    shutil.copy(HARNESS, tmp_path)
    subprocess.run([found, "-m", "py_compile", str(tmp_path / "harness.py")], check=True)


def test_its_logs_are_those_of_the_other_runs(tmp_path: Path) -> None:
    tree = {"a": [np.arange(3.0), {"b": None}], "c": np.float64(1.5), "d": "x"}
    harness.dump(tree, str(tmp_path / "one"))
    log.dump(tree, tmp_path / "two")
    one, two = log.load(tmp_path / "one"), harness.load(str(tmp_path / "two"))
    assert json.dumps(one, default=list) == json.dumps(two, default=list)


def test_kernels_of_keras_1_are_transposed_where_the_layout_changes(recorder: harness.Recorder) -> None:
    first = np.random.default_rng(0).normal(size=(5, 2, 3, 4))  # out, in, height, width
    last = first.transpose(2, 3, 1, 0)

    def carried(value: np.ndarray, to: Any, was_first: bool) -> np.ndarray:
        where = recorder.entry(to, was_first, value.shape, None)
        return value if where is None else value.ravel()[where["index"]].reshape(where["shape"])

    np.testing.assert_array_equal(carried(first, layer("tf"), True), last)
    np.testing.assert_array_equal(carried(last, layer("th"), False), first)
    for ordering, was_first, value in (("th", True, first), ("tf", False, last), ("", False, last)):
        assert recorder.entry(layer(ordering), was_first, value.shape, None) is None
    deep = np.random.default_rng(1).normal(size=(5, 2, 3, 4, 6))
    np.testing.assert_array_equal(carried(deep, layer("tf"), True), deep.transpose(2, 3, 4, 1, 0))


def test_rows_follow_the_features(recorder: harness.Recorder) -> None:
    rows = np.arange(12.0).reshape(4, 3)
    index = np.arange(12).reshape(4, 3)[[2, 0, 3, 1]].ravel()
    where = recorder.entry(layer(), False, rows.shape, {"index": index, "shape": [4, 3]})
    np.testing.assert_array_equal(rows.ravel()[where["index"]].reshape(where["shape"]), rows[[2, 0, 3, 1]])


def test_data_correspond_as_they_are_or_with_the_channels_moved() -> None:
    first = np.random.default_rng(0).normal(size=(2, 3, 3, 3))
    assert harness.corresponding(first, first)[1] == 0
    moved, error = harness.corresponding(first, np.moveaxis(first, 1, -1))
    assert error == 0
    np.testing.assert_array_equal(moved, np.moveaxis(first, 1, -1))
    assert harness.corresponding(first, first.transpose(0, 1, 3, 2))[1] > 0.1


def test_an_interpreter_without_keras_is_not_verified(tmp_path: Path) -> None:
    script = tmp_path / "p.py"
    script.write_text("print('no model')\n")
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 'ImportError: No module named keras'\nexit 1\n")
    python.chmod(0o755)
    known = Certificate(Verdict.EQUIVALENT, "because", stack="keras3")
    found = verify_natively(str(python), [Source(script)], [Source(script)], known, VerifyOptions(), entry=script)
    assert found.verdict is Verdict.NOT_VERIFIED
    assert "No module named keras" in found.reason
    assert found.notes == ["on keras3 it is EQUIVALENT: because"]
