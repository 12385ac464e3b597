"""As a user would: convert, verify, write, and verify what changed since the last commit."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from kmigrate.options import Options
from kmigrate.review import prove_since
from kmigrate.verify import Server, Verdict

pytestmark = pytest.mark.verify
FIXTURES = Path(__file__).parents[2] / "fixtures"


def test_a_written_conversion_verifies_since_the_commit_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kmigrate: Any, servers: dict[str, Server]
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(FIXTURES / "layout" / "keras3_functional" / "before.py", "train.py")
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "one"]):
        subprocess.run(["git", "-c", "user.name=n", "-c", "user.email=e@example.org", *command], check=True)
    assert kmigrate("--write", ".").status == 0
    found = prove_since("HEAD", ["."], lambda path: Options(), servers=servers, float32=False, ambient_check=False)
    assert {name: one.verdict for name, one in found.items()} == {"train.py": Verdict.EQUIVALENT}
    text = Path("train.py").read_text()
    assert text.count("data_format") > 1
    Path("train.py").write_text(text.replace("axis=-1", "axis=1").replace("axis=3", "axis=1"))
    found = prove_since("HEAD", ["."], lambda path: Options(), servers=servers, float32=False, ambient_check=False)
    assert found["train.py"].verdict is Verdict.DIFFERENT
