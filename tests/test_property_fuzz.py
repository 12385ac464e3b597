"""Mutated fixtures: no crash, the result parses, and a second run changes nothing.

KMIGRATE_FUZZ says how many (10,000 for a night), KMIGRATE_SEED where to begin.
"""

from __future__ import annotations

import ast
import os
import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from kmigrate import pipeline
from kmigrate.discovery import Candidate
from kmigrate.options import Options

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
COUNT = int(os.environ.get("KMIGRATE_FUZZ", "30"))
SEED = int(os.environ.get("KMIGRATE_SEED", "0"))
PIECE = re.compile(r"\w+|\s+|.", re.DOTALL)


def lines(text: str, rng: random.Random) -> str:
    """A line is lost, doubled or moved."""
    parts = text.splitlines(keepends=True)
    at = rng.randrange(len(parts))
    line = parts[at] if rng.random() < 0.3 else parts.pop(at)
    if rng.random() < 0.5:
        parts.insert(rng.randrange(len(parts) + 1), line)
    return "".join(parts)


def pieces(text: str, rng: random.Random) -> str:
    """A word or sign is lost, doubled, or becomes another one of the text."""
    parts = PIECE.findall(text)
    at = rng.randrange(len(parts))
    parts[at] = rng.choice(["", parts[at] * 2, rng.choice(parts)])
    return "".join(parts)


def numbers(text: str, rng: random.Random) -> str:
    found = list(re.finditer(r"\b\d+\b", text))
    if not found:
        return text
    match = rng.choice(found)
    return text[: match.start()] + rng.choice(["0", "1", "-1", "3", "None", "x", "10**9"]) + text[match.end() :]


def names(text: str, rng: random.Random) -> str:
    """All uses of a name become another name."""
    found = sorted(set(re.findall(r"\b[A-Za-z_]\w+\b", text)))
    old, new = rng.choice(found), rng.choice([*found, "unknown", "None"])
    return re.sub(rf"\b{old}\b", new, text)


def settings(text: str, rng: random.Random) -> str:
    pairs = [("'th'", "'tf'"), ("channels_first", "channels_last"), ("axis=1", "axis=-1"), ("(1, ", "(None, ")]
    old, new = rng.choice(pairs)
    return text.replace(old, new, rng.randint(1, 3))


def newlines(text: str, rng: random.Random) -> str:
    at = rng.randrange(len(text))
    return text[:at] + rng.choice(["\r\n", "\r", "\x0c", "\t", "\u2028", " # kmigrate: ignore\n", "\\\n"]) + text[at:]


MUTATIONS: list[Callable[[str, random.Random], str]] = [lines, pieces, numbers, names, settings, newlines]


def mutant(seed: int) -> tuple[str, str]:
    """A fixture and what became of it; most of them parse."""
    rng = random.Random(seed)
    paths = sorted(FIXTURES.rglob("before.py"))
    path = rng.choice(paths)
    before = path.read_bytes().decode()
    for _ in range(20):
        text = before
        for _ in range(rng.choice([1, 1, 2, 4])):
            text = rng.choice(MUTATIONS)(text, rng)
        try:
            ast.parse(text)
        except (SyntaxError, ValueError):
            continue
        break
    return str(path.relative_to(FIXTURES)), text


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(SEED, SEED + COUNT))
def test_no_crash_and_a_second_run_has_nothing_to_do(seed: int, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    name, text = mutant(seed)
    result = convert(text)
    told = [d.message for d in result.diagnostics if d.code == "KM900"]
    assert not [message for message in told if message.startswith("internal error")], (name, told)
    if result.new_text is not None:
        ast.parse(result.new_text)
        again = convert(result.new_text)
        assert again.error is None, name
        assert again.new_text is None, name


def convert(text: str) -> pipeline.Result:
    (result,) = pipeline.convert([Candidate("a.py", text.encode())], Options())
    return result
