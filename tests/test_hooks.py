"""The hooks under the real pre-commit, in a git repository of their own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

yaml = pytest.importorskip("yaml")
pytest.importorskip("pre_commit")
if shutil.which("git") is None:
    pytest.skip("pre-commit needs git", allow_module_level=True)

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = b"""\
import numpy as np
from keras import models
from layers import first

model = models.Sequential([first((3, 17, 19))])
print(model.predict(np.zeros((16, 3, 17, 19))))
"""
LAYERS = b"""\
from keras import layers

def first(shape):
    return layers.Conv2D(4, 3, data_format="channels_first", input_shape=shape)
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With the two hooks, run by this Python instead of an environment that pre-commit would build."""
    here = tmp_path / "repository"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("PRE_COMMIT_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"):
        monkeypatch.delenv(name, raising=False)
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    for hook in hooks:
        command, *options = hook["entry"].split()
        assert command == "kmigrate"
        hook.update(language="system", entry=" ".join([sys.executable, "-m", "kmigrate", *options]))
        hook["stages"] = ["pre-commit" if hook["id"] == "kmigrate" else "manual"]
    config = {"repos": [{"repo": "local", "hooks": hooks}]}
    Path(".pre-commit-config.yaml").write_text(json.dumps(config), encoding="utf-8")
    Path("pyproject.toml").write_text('[tool.kmigrate]\nexclude = ["vendor/"]\n', encoding="utf-8")
    Path("train.py").write_bytes(SCRIPT)
    Path("layers.py").write_bytes(LAYERS)
    Path("vendor").mkdir()
    Path("vendor/old.py").write_bytes(LAYERS)
    git("init", "-q", ".")
    git("add", ".pre-commit-config.yaml", "pyproject.toml")
    return here


def git(*arguments: str) -> str:
    identity = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.invalid"]
    done = subprocess.run(["git", *identity, *arguments], capture_output=True, text=True, check=True)
    return done.stdout


def pre_commit(*arguments: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "pre_commit", "run", "--color", "never", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(os.environ))
    return done.returncode, done.stdout + done.stderr


def test_a_staged_program_is_shown_and_not_changed(repository: Path) -> None:
    git("add", "train.py", "layers.py")
    status, said = pre_commit("kmigrate")
    assert status == 1
    assert '+    return layers.Conv2D(4, 3, data_format="channels_last", input_shape=shape)' in said
    assert "2 would change" in said
    assert (Path("train.py").read_bytes(), Path("layers.py").read_bytes()) == (SCRIPT, LAYERS)


def test_half_a_program_is_left_alone(repository: Path) -> None:
    git("add", "train.py")
    status, said = pre_commit("--hook-stage", "manual", "kmigrate-write")
    assert status == 0, said
    git("add", "layers.py")
    assert pre_commit("--hook-stage", "manual", "kmigrate-write", "--files", "layers.py")[0] == 0
    assert (Path("train.py").read_bytes(), Path("layers.py").read_bytes()) == (SCRIPT, LAYERS)


def test_a_program_is_written_and_then_passes(repository: Path) -> None:
    git("add", "train.py", "layers.py")
    status, said = pre_commit("--hook-stage", "manual", "kmigrate-write")
    assert (status, "files were modified by this hook" in said) == (1, True)
    assert b"channels_last" in Path("layers.py").read_bytes()
    git("add", "train.py", "layers.py")
    assert pre_commit("--hook-stage", "manual", "kmigrate-write")[0] == 0
    assert pre_commit("kmigrate")[0] == 0


def test_what_is_excluded_is_passed_by(repository: Path) -> None:
    git("add", "vendor/old.py")
    assert pre_commit("kmigrate")[0] == 0
