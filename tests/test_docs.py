"""What the README, the CI script and the hooks say is what there is."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from kmigrate.cli import cli

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def test_the_diff_of_the_readme_is_what_comes_out(kmigrate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    (shown,) = blocks("diff")
    assert shown
    (fixture,) = re.findall(r"--verify (fixtures/\S+)", README)
    assert kmigrate(fixture).out.decode() == shown


def test_the_first_screen_has_the_diff_and_two_commands() -> None:
    first, second, *_ = blocks("sh")
    for command in (first, second):
        assert command.startswith("python3 -m venv .venv && .venv/bin/pip install ")
        assert command.count("\n") == 1
    assert ".venv/bin/kmigrate --verify fixtures/" in first
    assert second.endswith(".venv/bin/python -m pytest\n")


def test_ci_runs_the_readmes_test_command() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    (extraction,) = re.findall(r"^command=(\$\(.*\))$", script, re.MULTILINE)
    done = subprocess.run(["bash", "-c", f"echo {extraction}"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == blocks("sh")[1].strip()


def test_the_usage_lines_name_options_that_exist() -> None:
    options = {name for parameter in cli.params for name in parameter.opts}
    for line in blocks("sh")[2].splitlines():
        words = shlex.split(line, comments=True)
        assert words[0] == "kmigrate"
        assert {word for word in words if word.startswith("--")} <= options


def test_hooks() -> None:
    yaml = pytest.importorskip("yaml")
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    options = {name for parameter in cli.params for name in parameter.opts}
    assert [hook["id"] for hook in hooks] == ["kmigrate", "kmigrate-check"]
    for hook in hooks:
        command, *given = hook["entry"].split()
        # With an option first, no staged file can be taken for a command by its name.
        assert command == "kmigrate"
        assert given
        assert set(given) <= options
        assert hook["require_serial"] is True
        assert hook["language"] == "python"
