from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from kmigrate import proof, review
from kmigrate.options import Options
from kmigrate.verify import Certificate, Verdict

DOCS = Path(__file__).parents[1] / "docs"
MODEL = """import keras


def build():
    return keras.Sequential([keras.layers.Conv2D(4, 3, {}input_shape=(8, 8, 3))])
"""
TRAIN = "from model import build\n\nbuild().predict([])\n"
OTHER = "import keras\n\nkeras.Sequential()\n"


def git(*arguments: str) -> None:
    identity = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A script with a module, another script, and a file without Keras, all committed."""
    monkeypatch.chdir(tmp_path)
    files = {"model.py": MODEL.format(""), "train.py": TRAIN, "other.py": OTHER, "setup.py": "NAME = 'x'\n"}
    for name, text in files.items():
        Path(name).write_text(text)
    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "one")
    return tmp_path


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What is run: for each program its files before and after."""
    made = []

    def verify(before, after, **how):
        names = [{str(source.path): source.raw for source in side} for side in (before, after)]
        made.append({"before": names[0], "after": names[1], "entry": str(how["entry"])})
        return Certificate(Verdict.EQUIVALENT, "because")

    monkeypatch.setattr(proof, "verify", verify)
    return made


def since(revision: str = "HEAD") -> dict[str, Certificate]:
    return review.prove_since(revision, ["."], lambda path: Options(source_keras="3"))


def test_a_changed_module_is_verified_by_the_script_that_loads_it(project: Path, calls: list[dict[str, Any]]) -> None:
    new = MODEL.format("padding='same', ")
    (project / "model.py").write_text(new)
    assert list(since()) == ["train.py"]
    (call,) = calls
    assert call["entry"] == "train.py"
    assert call["before"]["model.py"].decode() == MODEL.format("")
    assert call["after"]["model.py"].decode() == new


def test_what_has_nothing_to_do_with_keras_is_not_run(project: Path, calls: list[dict[str, Any]]) -> None:
    (project / "setup.py").write_text("NAME = 'y'\n")
    assert since() == {}
    assert calls == []


def test_a_new_script_has_nothing_to_be_compared_with(project: Path, calls: list[dict[str, Any]]) -> None:
    (project / "new.py").write_text(OTHER)
    found = since()
    assert {name: str(one.verdict.value) for name, one in found.items()} == {"new.py": "NOT VERIFIED"}
    assert found["new.py"].reason == "it is not in HEAD"
    assert calls == []


def test_a_module_that_is_gone_is_there_in_the_run_before(project: Path, calls: list[dict[str, Any]]) -> None:
    (project / "model.py").unlink()
    (project / "train.py").write_text(OTHER)
    assert list(since()) == ["train.py"]
    (call,) = calls
    assert set(call["before"]) == {"model.py", "train.py"}
    assert set(call["after"]) == {"train.py"}


@pytest.mark.usefixtures("project")
def test_the_command(calls: list[dict[str, Any]], kmigrate: Any) -> None:
    done = kmigrate("verify", "--since", "HEAD")
    assert (done.status, done.out) == (0, b"nothing to verify: no program with Keras code changed since HEAD\n")
    Path("other.py").write_text(OTHER + "x = 1\n")
    done = kmigrate("verify", "--since", "HEAD", "--source-keras", "3")
    assert (done.status, done.out) == (0, b"other.py: EQUIVALENT: because\n")
    done = kmigrate("verify", "--since", "HEAD", "--format", "json")
    assert json.loads(done.out)["other.py"]["verdict"] == "EQUIVALENT"
    assert len(calls) == 2
    done = kmigrate("verify", "--since", "nowhere")
    assert (done.status, done.out, done.err) == (2, b"", "error: git knows no nowhere\n")
    done = kmigrate("verify", "other.py")
    assert done.status == 2
    assert "Say two files, BEFORE and AFTER, or a revision with --since." in done.err


def test_a_conversion_that_is_verified_brings_its_certificates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: list[dict[str, Any]], kmigrate: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("train.py").write_text(
        "from keras.layers import Conv2D\nfrom keras.models import Sequential\n\n"
        "model = Sequential()\n"
        "model.add(Conv2D(4, 3, data_format='channels_first', input_shape=(3, 8, 8)))\n"
        "model.compile('sgd', 'mse')\n"
    )
    done = kmigrate("--verify", "--format", "json", "--source-keras", "3", "train.py")
    assert calls
    data = json.loads(done.out)
    assert data["certificates"]["train.py"]["verdict"] == "EQUIVALENT"
    Draft202012Validator(json.loads((DOCS / "kmigrate.schema.json").read_text())).validate(data)
    Draft202012Validator(json.loads((DOCS / "certificate.schema.json").read_text())).validate(
        data["certificates"]["train.py"]
    )
