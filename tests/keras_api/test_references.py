"""Migrated programs train as the real old Keras trained them (tests/keras_api/record_references.py)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from kmigrate import pipeline
from kmigrate.discovery import Candidate
from kmigrate.options import Options

pytestmark = [
    pytest.mark.verify,
    pytest.mark.skipif(not find_spec("keras"), reason="needs the extra `verify`"),
]
np = pytest.importorskip("numpy")
OLD = Path(__file__).parent / "old_programs"
VERSIONS = {"keras_1_2_2": "1.2.2"}
CLOSE = 1e-5
#: Optimizers whose formula Keras 3 changed -> how far the losses of five steps may be off without --numerics exact.
CHANGED = {"rmsprop": 1e-4, "adagrad": 1e-4, "nadam": 2e-2}

Losses = dict[str, dict[str, dict[str, list[float]]]]


@pytest.fixture(scope="module")
def losses(tmp_path_factory: pytest.TempPathFactory) -> Losses:
    """By program, numerics and optimizer: the losses of five steps on Keras 3."""
    folder = tmp_path_factory.mktemp("migrated")
    modules = []
    for name, version in VERSIONS.items():
        for numerics in ("default", "exact"):
            options = Options(target="keras3", source_keras=version, numerics=numerics)
            data = (OLD / f"{name}.py").read_bytes()
            (result,) = pipeline.convert([Candidate(str(folder / "a.py"), data)], options)
            assert result.ported, result.diagnostics
            module = f"{name}_{numerics}"
            (folder / f"{module}.py").write_text(result.new_text or "")
            modules.append(module)
    code = (
        "import importlib, json, sys\n"
        "print(json.dumps({name: importlib.import_module(name).train() for name in sys.argv[1:]}))"
    )
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_HOME": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", code, *modules], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    return {name: {how: told[f"{name}_{how}"] for how in ("default", "exact")} for name in VERSIONS}


def off(found: list[float], recorded: Any) -> float:
    """The largest relative difference of a loss, from the recorded run that is nearest."""
    return min(float(np.max(np.abs(np.array(found) / run - 1))) for run in recorded)


def recorded(name: str) -> dict[str, Any]:
    with np.load(OLD / f"{name}.npz") as data:
        return dict(data)


@pytest.mark.parametrize("name", VERSIONS)
def test_losses_are_those_of_the_old_version(name: str, losses: Losses) -> None:
    distances = {optimizer: off(losses[name]["exact"][optimizer], runs) for optimizer, runs in recorded(name).items()}
    assert len(distances) == 8
    assert {optimizer: d for optimizer, d in distances.items() if not d < CLOSE} == {}


@pytest.mark.parametrize("name", VERSIONS)
def test_without_the_old_formulas_only_what_is_said_differs(name: str, losses: Losses) -> None:
    for optimizer, runs in recorded(name).items():
        distance = off(losses[name]["default"][optimizer], runs)
        if optimizer in CHANGED:
            assert 0 < distance < CHANGED[optimizer], optimizer
        else:
            assert distance < CLOSE, optimizer


@pytest.mark.parametrize("name", VERSIONS)
def test_what_differs_is_said(name: str) -> None:
    options = Options(target="keras3", source_keras=VERSIONS[name])
    data = (OLD / f"{name}.py").read_bytes()
    (result,) = pipeline.convert([Candidate("a.py", data)], options)
    said = " ".join(d.message.lower() for d in result.diagnostics if d.code == "KM351")
    assert all(optimizer in said for optimizer in CHANGED)


def test_the_losses_are_sensitive() -> None:
    """Another optimizer, version or clipping is far off, so that agreement says something."""
    first = recorded("keras_1_2_2")
    assert off(list(first["sgd"][0]), first["clipped"]) > 100 * CLOSE
    assert off(list(first["adam"][0]), first["adamax"]) > 100 * CLOSE
    assert off(list(first["adam"][0]), first["rmsprop"]) > 100 * CLOSE
