"""What the README, the CI script and the hooks say is what there is."""

from __future__ import annotations

import re
import shlex
import subprocess
from importlib import import_module
from pathlib import Path

import pytest

from kmigrate.cli import COMMANDS, cli

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
    assert second.endswith(".venv/bin/python -m pytest -n auto --dist worksteal\n")


def test_ci_runs_the_readmes_test_command() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    (extraction,) = re.findall(r"^command=(\$\(.*\))$", script, re.MULTILINE)
    done = subprocess.run(["bash", "-c", f"echo {extraction}"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == blocks("sh")[1].strip()


def test_the_usage_lines_name_options_that_exist() -> None:
    for line in blocks("sh")[2].splitlines():
        words = shlex.split(line.partition(" -- ")[0], comments=True)  # behind it stand those of the script
        assert words[0] == "kmigrate"
        module, name = COMMANDS.get(words[1], ("kmigrate.cli", "cli"))
        command = getattr(import_module(module), name)
        options = {name for parameter in command.params for name in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options


@pytest.mark.parametrize(
    "name", ["README.md", "CONTRIBUTING.md", *sorted(str(p.relative_to(ROOT)) for p in (ROOT / "docs").glob("*.md"))]
)
def test_paths_and_links_lead_somewhere(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    # `kmigrate/...` and the like in prose; in docs/facts.md other paths are those of Keras
    ours = re.findall(r"`((?:kmigrate|codemods|tests|fixtures|docs|\.ci)/[\w./-]*)`", text)
    missing = [path for path in ours if not (ROOT / path).exists()]
    links = re.findall(r"\]\(([^):]+)\)", text)
    missing += [link for link in links if not ((ROOT / name).parent / link).exists()]
    assert missing == []


def test_the_facts_that_code_cites_exist() -> None:
    facts = (ROOT / "docs" / "facts.md").read_text(encoding="utf-8")
    numbers = {int(n) for n in re.findall(r"^(\d+)\. ", facts, re.MULTILINE)}
    sections = set(re.findall(r"^##+ ([\d.]+) ", facts, re.MULTILINE))
    assert sorted(numbers) == list(range(1, len(numbers) + 1))
    files = [file for folder in ("kmigrate", "codemods", "tests") for file in (ROOT / folder).rglob("*.py")]
    cited, of_sections = set(), set()
    for file in files:
        text = file.read_text(encoding="utf-8")
        cited |= {int(n) for n in re.findall(r"docs/facts\.md, (\d+)\)", text)}
        for found in re.findall(r"docs/facts\.md, sections? ([\d.]+(?: and [\d.]+)?)", text):
            of_sections |= {section.rstrip(".") for section in found.split(" and ")}
    assert cited and cited <= numbers
    assert of_sections and all(any(s.startswith(wanted) for s in sections) for wanted in of_sections)
    cited_by_design = {
        int(n) for n in re.findall(r"\(.*?\bfact (\d+)", (ROOT / "docs" / "design.md").read_text("utf-8"))
    }
    assert cited_by_design and cited_by_design <= numbers


def test_hooks() -> None:
    yaml = pytest.importorskip("yaml")
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    options = {name for parameter in cli.params for name in parameter.opts}
    assert [hook["id"] for hook in hooks] == ["kmigrate", "kmigrate-write"]
    for hook in hooks:
        command, *given = hook["entry"].split()
        # With an option first, no staged file can be taken for a command by its name.
        assert command == "kmigrate"
        assert given
        assert set(given) <= options
        assert hook["require_serial"] is True
        assert hook["language"] == "python"
