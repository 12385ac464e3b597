"""`--strict` with a baseline: old code passes, new code does not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("settings_only")

STRANGE = b"import keras\nstrange()\n"
BASE = ("--strict", "--baseline", "known.json")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("old.py").write_bytes(STRANGE)
    Path("python2.py").write_bytes(b"import keras\nprint 'x'\n")


def test_old_code_passes_and_new_code_does_not(kmigrate) -> None:
    assert kmigrate("--strict", ".").status == 2
    assert kmigrate(*BASE, "--update-baseline", ".").status == 0
    status, _, err = kmigrate(*BASE, ".")
    assert status == 0
    assert "left alone because" not in err
    assert "KM401" not in err
    Path("new.py").write_bytes(STRANGE)
    status, _, err = kmigrate(*BASE, ".")
    assert status == 3
    assert "new.py:2: odd: left alone because" in err
    assert "old.py:2: odd: left alone" not in err


def test_what_is_known_may_move_but_not_grow(kmigrate) -> None:
    kmigrate(*BASE, "--update-baseline", ".")
    Path("old.py").write_bytes(b"import keras\n\n# more\n\nstrange()\n")
    assert kmigrate(*BASE, ".").status == 0
    Path("old.py").write_bytes(b"import keras\nstrange()\nstrange()\n")
    assert kmigrate(*BASE, ".").status == 3


def test_what_holds_no_longer_is_named_and_removed(kmigrate) -> None:
    kmigrate(*BASE, "--update-baseline", ".")
    Path("old.py").write_bytes(b"import keras\n")
    assert "1 of its entries hold no longer" in kmigrate(*BASE, ".").err
    kmigrate(*BASE, "--update-baseline", "old.py")
    left = json.loads(Path("known.json").read_text())["left_alone"]
    assert {entry["path"] for entry in left} == {"python2.py"}


def test_a_baseline_counts_from_its_own_folder(kmigrate, monkeypatch) -> None:
    kmigrate(*BASE, "--update-baseline", ".")
    Path("sub").mkdir()
    monkeypatch.chdir("sub")
    assert kmigrate("--strict", "--baseline", "../known.json", "..").status == 0


@pytest.mark.parametrize("text", ["", "[]", '{"version": 2, "left_alone": []}', '{"version": 1}'])
def test_what_is_no_baseline_is_an_error(kmigrate, text: str) -> None:
    assert kmigrate(*BASE, ".").status == 2
    Path("known.json").write_text(text)
    status, out, err = kmigrate(*BASE, ".")
    assert (status, out) == (2, b"")
    assert err.startswith("Error: known.json: ")
    assert kmigrate("--update-baseline", ".").status == 2
