"""The process that runs programs, where it does not answer."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from kmigrate.verify import Server, server

JOB = {"wall": 1}
PYTHON = sys.executable  # before a test replaces it


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for Python, which gets its text from the test."""
    path = tmp_path / "python"
    monkeypatch.setattr(server.sys, "executable", str(path))
    return path


def write(path: Path, text: str) -> None:
    path.write_text(f"#!{PYTHON}\n{text}\n")
    path.chmod(0o755)


def message(start: float) -> str:
    with Server("keras3", start=start) as running, pytest.raises(RuntimeError) as error:
        running.run(dict(JOB))
    return str(error.value)


def test_tensorflow_has_a_limit_for_its_start(fake: Path) -> None:
    write(fake, "import time; time.sleep(60)")
    assert message(0.5) == "TensorFlow's start took more than 0.5 s"


def test_a_start_that_fails_says_why(fake: Path) -> None:
    write(fake, "raise ImportError('no tensorflow')")
    assert message(30) == "ImportError: no tensorflow"


def test_an_answer_that_never_comes_ends_the_run(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_GRACE", -0.5)
    write(fake, "import time; print('ready', flush=True); time.sleep(60)")
    assert message(30) == "a run took more than 0.5 s"


def test_an_interrupt_leaves_no_process_and_no_files(fake: Path) -> None:
    write(fake, "import time; print('ready', flush=True); time.sleep(60)")

    def tick() -> None:
        raise KeyboardInterrupt

    with Server("keras3") as running, pytest.raises(KeyboardInterrupt):
        running.run({"wall": 60}, tick)
    assert running._process is None
    assert not running.folder.exists()
