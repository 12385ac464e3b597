"""The documentation site is built strictly from the repository."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from kmigrate.codes import CODES

pytest.importorskip("mkdocs")
ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


def test_each_code_has_a_page_with_what_the_terminal_says(site: Path, kmigrate) -> None:
    for code, entry in CODES.items():
        page = (site / "rules" / code / "index.html").read_text(encoding="utf-8")
        assert f"{code} {entry.name}" in page
        assert f"--ignore {code}" in page
    assert "What it does" in (site / "rules" / "KM103" / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "message",
    [
        "The Conv2D op currently only supports the NHWC tensor format on the CPU",
        "has no attribute 'set_image_dim_ordering'",
        "Negative dimension size caused by subtracting",
    ],
)
def test_messages_that_people_search_for_are_there(site: Path, message: str) -> None:
    page = (site / "errors" / "index.html").read_text(encoding="utf-8")
    assert message.replace("'", "&#39;") in page or message in page


def test_the_example_of_the_errors_page_is_what_comes_out(kmigrate, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    shown = text.split("```diff\n")[1].split("```")[0].splitlines()
    before = [line[1:] for line in shown if line[0] in " -"]
    after = [line[1:] for line in shown if line[0] in " +"]
    head = "import numpy as np\nfrom keras import backend as K\nfrom keras.models import Sequential\n"
    tail = "model.add(Flatten())\nmodel.add(Dense(10))\nmodel.compile('sgd', 'mse')\nmodel.predict(x)\n"
    Path("a.py").write_text(head + "\n".join(before) + "\n" + tail, encoding="utf-8")
    assert kmigrate("--write", "--target", "keras3", "a.py").status == 0
    assert Path("a.py").read_text(encoding="utf-8") == head + "\n".join(after) + "\n" + tail
