"""What CONTRIBUTING asks of a codemod and of a fixture; whoever forgets a step finds it here."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from importlib import import_module
from pathlib import Path

import pytest

from kmigrate import codemods
from kmigrate.codes import CODES

ROOT = Path(__file__).parents[2]
SECTIONS = ["## What it does", "## Why", "## Example", "## Fix safety", "## References"]
# Codes that are said of a model or file, and stand for no edit.
SAID = {"KM151", "KM152", "KM153", "KM154", "KM155", "KM156", "KM351", "KM352", "KM401", "KM403"}
# Kind of fixture -> the test that runs each of its folders, and what files a folder may hold.
FIXTURES = {
    "layout": ("tests/layout/test_fixtures.py", [{"before.py", "after.py"}, {"before.py", "leave.txt"}]),
    "relu": ("tests/relu/test_finder.py", [{"before.py", "after.py"}]),
    "programs": ("tests/layout/test_programs.py", [{"before", "after"}]),
}
BESIDE = {"requirements.txt", "keras.json"}  # what the analysis reads around a program
FOLDERS = sorted(folder for folder in ROOT.glob("fixtures/*/*") if folder.name != "__pycache__")


def codes_of(name: str) -> dict[str, str]:
    return dict(import_module(f"kmigrate.codemods.{name}").CODES)


@pytest.mark.parametrize("name", codemods.names())
def test_each_codemod_is_documented_and_registered(name: str) -> None:
    module = import_module(f"kmigrate.codemods.{name}")
    assert codemods.REGISTRY[name]
    places = [(module.__doc__ or "").find(section) for section in SECTIONS]
    assert -1 not in places and places == sorted(places)
    for code in module.CODES:
        assert codemods.documentation(code) == (module.__doc__ or "").strip()


@pytest.mark.parametrize("name", codemods.names())
def test_each_codemod_has_a_test_of_its_own(name: str) -> None:
    path = ROOT / "tests" / "codemods" / f"test_{name}.py"
    assert path.is_file(), f"{path.relative_to(ROOT)} is missing"
    assert f'"{name}"' in path.read_text(encoding="utf-8"), f"{path.relative_to(ROOT)} makes no edit of {name}"


@pytest.mark.parametrize("name", codemods.names())
def test_each_code_of_a_codemod_is_described(name: str) -> None:
    for code in codes_of(name):
        assert code in CODES, f"kmigrate/codes.py does not describe {code}"


def test_each_code_of_an_edit_has_one_codemod() -> None:
    owned = Counter(code for name in codemods.names() for code in codes_of(name))
    edits = {code for code in CODES if code.startswith(("KM1", "KM2", "KM3", "KM4"))} - SAID
    assert edits == set(owned), "kmigrate/codes.py and the CODES of the codemods name different codes"
    assert set(owned.values()) == {1}, "two codemods have the same code"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: f"{folder.parent.name}-{folder.name}")
def test_each_fixture_is_run_by_a_test(folder: Path) -> None:
    assert folder.parent.name in FIXTURES, f"no test runs fixtures/{folder.parent.name}/: name it in FIXTURES here"
    test, wanted = FIXTURES[folder.parent.name]
    assert f'"fixtures" / "{folder.parent.name}"' in (ROOT / test).read_text(encoding="utf-8"), f"{test} runs it not"
    files = {file.name for file in folder.iterdir() if file.name != "__pycache__"}
    assert files - BESIDE in wanted, f"{folder.relative_to(ROOT)} holds {sorted(files)}; {test} takes {wanted}"


def test_no_documentation() -> None:
    assert codemods.documentation("KM999") is None


def test_documentation_is_read_without_libcst() -> None:
    code = (
        "import sys; from kmigrate import codemods\n"
        "assert 'channels' in codemods.documentation('KM104')\n"
        "assert 'libcst' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
