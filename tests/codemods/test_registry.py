from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

from kmigrate import codemods
from kmigrate.codes import CODES

SECTIONS = ["## What it does", "## Why", "## Example", "## Fix safety", "## References"]


@pytest.mark.parametrize("name", codemods.names())
def test_each_codemod_is_documented_and_registered(name: str) -> None:
    module = import_module(f"kmigrate.codemods.{name}")
    assert codemods.REGISTRY[name]
    places = [(module.__doc__ or "").find(section) for section in SECTIONS]
    assert -1 not in places and places == sorted(places)
    for code in module.CODES:
        assert codemods.documentation(code) == (module.__doc__ or "").strip()


@pytest.mark.parametrize("code", [c for c in CODES if "KM101" <= c <= "KM107" or c.startswith("KM20")])
def test_each_code_of_an_edit_has_its_codemod(code: str) -> None:
    assert codemods.documentation(code)


def test_no_documentation() -> None:
    assert codemods.documentation("KM999") is None


def test_documentation_is_read_without_libcst() -> None:
    code = (
        "import sys; from kmigrate import codemods\n"
        "assert 'channels' in codemods.documentation('KM104')\n"
        "assert 'libcst' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
