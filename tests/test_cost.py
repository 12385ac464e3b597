"""What each path through the program imports, for imports are most of what a small run costs (docs/design.md, 10)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

PROBE = """
import os, sys
from kmigrate.cli import main
try:
    main({arguments!r})
finally:
    sys.stdout.flush()
    print(*sorted(sys.modules), file=sys.stderr)
"""

LAST = b"""\
from keras import layers, models

model = models.Sequential([layers.Conv2D(4, 3, input_shape=(17, 19, 3)), layers.Flatten(), layers.Dense(2)])
"""

FIRST = b"""\
import numpy as np
from keras import layers, models

x = np.zeros((16, 3, 17, 19))
model = models.Sequential(
    [
        layers.Conv2D(4, 3, data_format="channels_first", input_shape=(3, 17, 19)),
        layers.GlobalAveragePooling2D(data_format="channels_first"),
        layers.Dense(2),
    ]
)
print(model.predict(x))
"""

SHELL = {"kmigrate", "kmigrate._checkout", "kmigrate.cli", "kmigrate.cli_options", "kmigrate.config"}
SEARCH = SHELL | {"kmigrate.commands", "kmigrate.discovery", "kmigrate.gitignore", "kmigrate.settings"}
NEVER = {"tensorflow", "keras", "numpy", "libcst.matchers", "libcst.codemod", "rich", "jinja2", "networkx"}
NEVER |= {"multiprocessing.pool", "concurrent.futures.process", "asyncio"}
ONLY_TO_CHANGE = {"libcst", "kmigrate.rewriting.transform", "kmigrate.codemods", "difflib"}
TOML = {"tomllib", "tomli"}
ONLY_TO_ANALYSE = {
    "kmigrate.pipeline",
    "kmigrate.layout",
    "kmigrate.options",
    "kmigrate.keras_api",
    "kmigrate.verify",
}


def imported(folder: Path, *arguments: str) -> set[str]:
    command = [sys.executable, "-c", PROBE.format(arguments=list(arguments))]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return set(done.stderr.splitlines()[-1].split())


def own(modules: set[str]) -> set[str]:
    return {name for name in modules if name.partition(".")[0] == "kmigrate"}


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version(tmp_path: Path, option: str) -> None:
    modules = imported(tmp_path, option)
    assert own(modules) == SHELL
    assert modules & (NEVER | ONLY_TO_CHANGE | {"pathspec", "dataclasses", "tempfile"}) == set()


def test_no_keras(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.py").write_bytes(b"import torch\n")
    modules = imported(tmp_path, ".")
    assert own(modules) == SEARCH
    assert modules & (NEVER | ONLY_TO_CHANGE | ONLY_TO_ANALYSE | {"pathspec", "dataclasses", "tempfile"}) == set()


def test_no_keras_and_a_gitignore(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.py").write_bytes(b"import torch\n")
    (tmp_path / ".gitignore").write_bytes(b"build/\n")
    modules = imported(tmp_path, ".")
    assert own(modules) == SEARCH
    assert "pathspec" in modules
    assert modules & (NEVER | ONLY_TO_CHANGE | ONLY_TO_ANALYSE) == set()


@pytest.mark.parametrize("options", [[], ["--check"], ["--write"], ["--write", "--verify"]])
def test_nothing_to_do(tmp_path: Path, options: list[str]) -> None:
    (tmp_path / "a.py").write_bytes(LAST)
    modules = imported(tmp_path, *options, "a.py")
    assert "kmigrate.layout" in modules
    assert modules & (NEVER | ONLY_TO_CHANGE | {"pathspec", "tempfile", "kmigrate.verify"}) == set()


@pytest.mark.parametrize("options", [[], ["--check"], ["--write"]])
def test_one_file_changed(tmp_path: Path, options: list[str]) -> None:
    (tmp_path / "a.py").write_bytes(FIRST)
    modules = imported(tmp_path, *options, "a.py")
    assert "libcst" in modules
    assert modules & (NEVER | {"pathspec", "kmigrate.verify"}) == set()
    assert ("difflib" in modules) is (options == [])
    assert ("kmigrate.writing" in modules) is (options == ["--write"])


def test_verification_leaves_keras_to_its_child_processes() -> None:
    code = "import sys, kmigrate.verify; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & {"tensorflow", "tf_keras", "keras", "libcst"}


def cpu(compiled: Path, *arguments: str) -> float:
    """The processor time of a Python process, in seconds; modules are compiled once, as when installed."""
    resource = pytest.importorskip("resource")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": str(compiled)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime) + (after.ru_stime - before.ru_stime)


@pytest.mark.parametrize(
    ("arguments", "data", "budget"),
    [
        pytest.param(["--version"], b"", 7, id="version"),
        pytest.param(["--help"], b"", 7, id="help"),
        pytest.param([], b"import torch\n", 7, id="no Keras"),
        pytest.param([], LAST, 13, id="nothing to do"),
        pytest.param([], FIRST, 35, id="one file changed"),
    ],
)
def test_processor_time_as_a_multiple_of_python_itself(
    tmp_path: Path, arguments: list[str], data: bytes, budget: int
) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "a.py").write_bytes(data)
    command = [tmp_path / "compiled", "-m", "kmigrate", *arguments, str(tmp_path / "tree")]
    cpu(*command)
    # The least of several runs: what other processes do to the caches is not our cost.
    least = min(cpu(tmp_path / "compiled", "-c", "pass") for _ in range(4))
    assert min(cpu(*command) for _ in range(4)) <= budget * least
