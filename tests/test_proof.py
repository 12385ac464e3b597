from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kmigrate import extra, layout, proof
from kmigrate.options import Options
from kmigrate.plan import Edit, Plan
from kmigrate.source import SourceFile
from kmigrate.syntax import Lines, parse
from kmigrate.verify import Certificate, Verdict

TEXT = "a = 'channels_first'\nb = 'channels_first'\n"
BOTH = TEXT.replace("first", "last")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list:
    """What verification is asked to do."""
    made = []

    def verify(before, after, **how):
        made.append((before, after, how))
        return Certificate(Verdict.EQUIVALENT, "because")

    monkeypatch.setattr(proof, "verify", verify)
    return made


def edits(codemod: str = "layout_setting", neutral: bool = False) -> list[Edit]:
    nodes = [statement.value for statement in parse(TEXT, "a.py").body]
    args = {"value": "channels_last"}
    spans = [Lines(TEXT).span(node) for node in nodes]
    return [
        Edit("a.py", *span, "Constant", codemod, args, "r", "KM101", n, 5, neutral=neutral)
        for n, span in enumerate(spans, start=1)
    ]


def source(text: str, name: str = "a.py") -> SourceFile:
    return SourceFile.from_bytes(text.encode(), name)


def test_a_conversion_is_compared_also_with_one_edit_undone(calls: list) -> None:
    proof.prove(source(TEXT), source(BOTH), Options(), Plan(edits()))
    ((before, after, how),) = calls
    assert (before[0].raw, after[0].raw) == (TEXT.encode(), BOTH.encode())
    ((undone,), *_) = how["undone"]
    assert undone.raw.count(b"channels_last") == undone.raw.count(b"channels_first") == 1
    assert (how["entry"], how["entry_after"]) == (Path("a.py"), None)


def test_edits_that_change_no_value_are_not_undone(calls: list) -> None:
    proof.prove(source(TEXT), source(BOTH), Options(), Plan(edits(neutral=True)))
    assert not list(calls[0][2]["undone"])
    assert not calls[0][2]["options"].at_zero


def test_relus_are_not_undone_and_may_differ_at_zero(calls: list) -> None:
    proof.prove(source(TEXT), source(BOTH), Options(), Plan(edits("fast_relu")))
    assert not list(calls[0][2]["undone"])
    assert calls[0][2]["options"].at_zero


def test_the_only_edit_is_not_undone_for_that_is_the_old_program(calls: list) -> None:
    (first, second) = edits()
    plan = Plan([first, replace(second, neutral=True)])
    proof.prove(source(TEXT), source(BOTH), Options(), plan)
    assert not list(calls[0][2]["undone"])


def test_a_program_that_cannot_be_prepared_is_not_verified(calls: list, monkeypatch: pytest.MonkeyPatch) -> None:
    def analyse(*args: object) -> None:
        raise KeyError("odd")

    monkeypatch.setattr(layout, "analyse", analyse)
    found = proof.prove(source(TEXT), source(BOTH), Options())
    assert found.verdict is Verdict.NOT_VERIFIED
    assert found.reason == "the programs could not be prepared: KeyError: 'odd'"
    assert calls == []


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extra, "find_spec", lambda name: None if name in ("numpy", "tf_keras") else name)
    assert extra.missing() == "verifying needs numpy, tf_keras: pip install 'kmigrate[verify]'"
    monkeypatch.setattr(extra, "find_spec", lambda name: name)
    assert extra.missing() == ""


@pytest.mark.parametrize(("ordering", "expected"), [("auto", None), ("th", "channels_first"), ("tf", "channels_last")])
def test_two_files_are_compared_as_they_are(calls: list, ordering: str, expected: str | None) -> None:
    proof.prove(source(TEXT), source(BOTH, "b.py"), Options(ordering=ordering))
    how = calls[0][2]
    assert (how["entry"], how["entry_after"]) == (Path("a.py"), Path("b.py"))
    assert not list(how["undone"])
    assert how["options"].ordering == expected


@pytest.mark.parametrize(("args", "keeps"), [({"where": "before"}, True), ({"where": "before", "edge": True}, False)])
def test_a_layer_at_an_edge_says_nothing_of_weights(args: dict[str, Any], keeps: bool) -> None:
    edit = Edit("a.py", 0, 1, "stmt", "permute_layer", args, "why", "KM106", 1, 1)
    assert proof.keeps_weights(Plan([edit])) is keeps
