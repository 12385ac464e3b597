"""The machine formats: valid by their schemas, true to the text, and their fixes give what `--write` gives."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from urllib.parse import unquote

import pytest

jsonschema = pytest.importorskip("jsonschema")
ROOT = Path(__file__).resolve().parents[1]

PROGRAM = """\
import numpy as np
from keras import layers, models, backend as K

x = np.zeros((16, 3, 17, 19))  # é
model = models.Sequential()
model.add(layers.Conv2D(4, 3, data_format="channels_first", input_shape=(3, 17, 19)))
model.add(layers.Lambda(lambda t: K.relu(t, alpha=0.)))
model.add(layers.GlobalAveragePooling2D(data_format="channels_first"))
print(model.predict(x))
"""
MIXED = PROGRAM.replace('Pooling2D(data_format="channels_first")', 'Pooling2D(data_format="channels_last")')


TEXT = {
    "type": "object",
    "required": ["text"],
    "additionalProperties": False,
    "properties": {"text": {"type": "string"}},
}
REGION = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        key: {"type": "integer", "minimum": 1} for key in ("startLine", "startColumn", "endLine", "endColumn")
    },
}
ARTIFACT = {
    "type": "object",
    "required": ["uri"],
    "additionalProperties": False,
    "properties": {"uri": {"type": "string", "pattern": r"^(file:///)?[\w./~%-]+$"}},
}
LOCATIONS = {
    "type": "array",
    "items": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "physicalLocation": {
                "type": "object",
                "required": ["artifactLocation"],
                "additionalProperties": False,
                "properties": {"artifactLocation": ARTIFACT, "region": REGION},
            }
        },
    },
}
REPLACEMENT = {
    "type": "object",
    "required": ["deletedRegion"],
    "additionalProperties": False,
    "properties": {"deletedRegion": REGION, "insertedContent": TEXT},
}
CHANGE = {
    "type": "object",
    "required": ["artifactLocation", "replacements"],
    "additionalProperties": False,
    "properties": {
        "artifactLocation": ARTIFACT,
        "replacements": {"type": "array", "minItems": 1, "items": REPLACEMENT},
    },
}
FIX = {
    "type": "object",
    "required": ["artifactChanges"],
    "additionalProperties": False,
    "properties": {"description": TEXT, "artifactChanges": {"type": "array", "minItems": 1, "items": CHANGE}},
}
RESULT = {
    "type": "object",
    "required": ["message"],
    "additionalProperties": False,
    "properties": {
        "ruleId": {"type": "string"},
        "ruleIndex": {"type": "integer", "minimum": 0},
        "level": {"enum": ["none", "note", "warning", "error"]},
        "message": TEXT,
        "locations": LOCATIONS,
        "fixes": {"type": "array", "uniqueItems": True, "items": FIX},
    },
}
#: The part of SARIF 2.1.0 that is used, in our words and with nothing else allowed.
SARIF = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool", "results"],
                "properties": {
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "type": "object",
                                "required": ["name", "rules"],
                                "properties": {
                                    "rules": {
                                        "type": "array",
                                        "uniqueItems": True,
                                        "items": {
                                            "type": "object",
                                            "required": ["id"],
                                            "additionalProperties": False,
                                            "properties": {
                                                "id": {"type": "string"},
                                                "name": {"type": "string"},
                                                "shortDescription": TEXT,
                                                "help": TEXT,
                                            },
                                        },
                                    }
                                },
                            }
                        },
                    },
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "results": {"type": "array", "items": RESULT},
                },
            },
        },
    },
}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def tree() -> None:
    Path("deep dir").mkdir()
    Path("deep dir/a,b.py").write_bytes(PROGRAM.encode())
    Path("crlf.py").write_bytes(PROGRAM.replace("\n", "\r\n").encode())
    Path("bare.py").write_bytes(PROGRAM.rstrip("\n").encode())
    Path("broken.py").write_bytes(b"import keras\nx = (\n")
    Path("old.py").write_bytes(b"import keras\nprint 'x'\n")
    Path("mixed.py").write_bytes(MIXED.encode())


def test_json_is_valid_by_the_documented_schema(kmigrate, tree) -> None:
    schema = json.loads((ROOT / "docs" / "kmigrate.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    status, out, err = kmigrate("--format", "json", ".", "gone.py")
    data = json.loads(out)
    jsonschema.validate(data, schema)
    assert status == 2
    assert err.splitlines()[-1].startswith("6 Python files with Keras code: ")
    files = {file["path"]: file for file in data["files"]}
    assert {path: file["status"] for path, file in files.items()} == {
        "deep dir/a,b.py": "changed",
        "crlf.py": "changed",
        "bare.py": "changed",
        "broken.py": "failed",
        "old.py": "failed",
        "mixed.py": "changed" if files["mixed.py"]["diff"] else "left alone",
    }
    assert data["errors"] == [{"path": "gone.py", "message": "no such file or folder"}]
    lines = PROGRAM.splitlines()
    edits = {
        (e["code"], lines[e["line"] - 1][e["column"] - 1 : e["end_column"] - 1]) for e in files["crlf.py"]["edits"]
    }
    assert ("KM102", "(3, 17, 19)") in {(code, text) for code, text in edits} or any(c == "KM101" for c, _ in edits)
    assert all(edit["reason"] for file in files.values() for edit in file["edits"])
    assert data["statistics"]["KM905"] == data["statistics"]["KM401"] == 1


def test_json_of_nothing(kmigrate) -> None:
    Path("a.py").write_bytes(b"x = 1\n")
    assert json.loads(kmigrate("--format", "json", ".").out)["files"] == []
    assert json.loads(kmigrate("--format", "json", "-", stdin=b"x = 1\n").out)["files"][0]["status"] == "nothing to do"


def replaced(text: str, replacements: list[dict]) -> str:
    """The text after the replacements of a SARIF fix."""
    lines = re.findall(r"[^\r\n]*(?:\r\n|\r|\n|\Z)", text)
    starts = [sum(map(len, lines[:i])) for i in range(len(lines) + 1)]
    for each in reversed(replacements):
        region = each["deletedRegion"]
        start = starts[region["startLine"] - 1] + region["startColumn"] - 1
        end = starts[region["endLine"] - 1] + region["endColumn"] - 1
        text = text[:start] + each["insertedContent"]["text"] + text[end:]
    return text


def test_sarif_is_valid_and_its_fixes_are_what_is_written(kmigrate, tree) -> None:
    status, out, _ = kmigrate("--format", "sarif", ".", "gone.py")
    log = json.loads(out)
    jsonschema.Draft7Validator(SARIF).validate(log)
    if official := os.environ.get("SARIF_SCHEMA"):  # the file of OASIS, where somebody has it
        jsonschema.Draft7Validator(json.loads(Path(official).read_text(encoding="utf-8"))).validate(log)
    assert status == 2
    (run,) = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert all(rules[result["ruleIndex"]] == result["ruleId"] for result in run["results"])
    assert {result["level"] for result in run["results"]} >= {"error", "warning"}
    fixed = {}
    for result in run["results"]:
        for fix in result.get("fixes", ()):
            for change in fix["artifactChanges"]:
                path = unquote(change["artifactLocation"]["uri"])
                text = Path(path).read_bytes().decode()
                assert path not in fixed
                fixed[path] = replaced(text, change["replacements"])
    kmigrate("--write", ".")
    assert {"deep dir/a,b.py", "crlf.py", "bare.py"} <= fixed.keys()
    assert {path: Path(path).read_bytes().decode() for path in fixed} == fixed


def test_github_annotations(kmigrate, tree) -> None:
    status, out, _ = kmigrate("--check", "--format", "github", ".", "gone%.py")
    assert status == 2
    lines = out.decode().splitlines()
    assert "::error file=gone%25.py,title=kmigrate::no such file or folder" in lines
    assert any(line.startswith("::warning file=deep dir/a%2Cb.py,line=6,col=") for line in lines)
    assert any(
        re.match(r"::error file=broken.py,line=2,col=5,title=kmigrate KM905::KM905 not Python", x) for x in lines
    )
    assert all(re.match(r"::(error|warning|notice) file=", line) for line in lines)


@pytest.mark.parametrize("name", ["text", "json"])
def test_the_output_goes_to_a_file(kmigrate, tree, name: str) -> None:
    shown = kmigrate("--format", name, "crlf.py")
    kept = kmigrate("--format", name, "crlf.py", "--output-file", "out")
    assert (kept.status, kept.out) == (shown.status, b"")
    assert Path("out").read_bytes() == shown.out != b""
    status, _, err = kmigrate("--output-file", "gone/out", "crlf.py")
    assert (status, "gone/out: No such file or directory" in err) == (2, True)


@pytest.mark.parametrize("name", ["text", "sarif", "github"])
def test_statistics(kmigrate, tree, name: str) -> None:
    err = kmigrate("--statistics", "--format", name, ".").err
    counts = {m[2]: int(m[1]) for m in re.finditer(r"^ *(\d+)  (KM\d{3})  \S+$", err, re.MULTILINE)}
    assert counts["KM905"] == 1
    assert list(counts.values()) == sorted(counts.values(), reverse=True)
