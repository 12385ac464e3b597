from __future__ import annotations

from dataclasses import replace

import pytest

from kmigrate.options import Options
from kmigrate.pipeline import Result
from kmigrate.plan import Assumption, Diagnostic, Edit, ModelReport, Status
from kmigrate.report.diff import unified
from kmigrate.report.text import closing, details, sentence
from kmigrate.source import SourceFile


def result(*models: ModelReport, changed: bool = False) -> Result:
    made = Result("a.py", SourceFile.from_bytes(b"x", "a.py"))
    if changed:
        made.new = SourceFile.from_bytes(b"y", "a.py")
    made.plan.models = list(models)
    return made


@pytest.mark.parametrize(
    ("status", "reasons", "expected"),
    [
        (Status.NOTHING, (), "nothing to do"),
        (Status.DONE, (), "done"),
        (Status.DONE, ("convert w.h5 first",), "done: convert w.h5 first"),
        (Status.BORDERS, ("line 7",), "done, with transposes at line 7"),
        (Status.BORDERS, (), "done, with transposes at line 3, line 9"),
        (
            Status.LEFT_ALONE,
            ("f() is not understood", "g() too"),
            "left alone because f() is not understood; g() too",
        ),
        (Status.ASKED, ("say --ordering",), "not known, say which: say --ordering"),
    ],
)
def test_the_answer_for_a_model(status: Status, reasons: tuple[str, ...], expected: str) -> None:
    made = result(ModelReport("model", "a.py", 5, status, reasons), changed=True)
    for line, codemod, action in (
        (9, "transpose", "insert"),
        (4, "transpose", "remove"),
        (3, "permute_layer", None),
    ):
        args = {"action": action} if action else {}
        made.plan.edits.append(Edit("a.py", 0, 1, "Call", codemod, args, "because", "KM105", line, 1))
    assert details([made]) == [f"a.py:5: model: {expected}"]


def test_diagnostics_stand_in_the_order_of_lines_and_follow_select_and_ignore() -> None:
    made = result(changed=True)
    made.plan.diagnostics = [Diagnostic("a.py", n, 1, code, "m") for n, code in ((9, "KM151"), (2, "KM152"))]
    made.plan.assumptions = [Assumption("ordering", "th", "the input shape says so")]
    assumed = "a.py: assumed channels-first (--ordering th): the input shape says so"
    assert details([made]) == ["a.py:2:1: KM152 m", "a.py:9:1: KM151 m", assumed]
    assert details([replace(made, options=Options(ignore=("KM151",)))]) == ["a.py:2:1: KM152 m", assumed]
    assert details([replace(made, options=Options(select=("KM2",)))]) == [assumed]


def test_what_a_diagnostic_says_is_not_said_again() -> None:
    said = (4, "KM901", "f() is not understood"), (8, "KM902", "mixed"), (2, "KM902", "mixed"), (2, "KM902", "bad")
    reasons = tuple(f"{code} line {line}: {text}" for line, code, text in said)
    made = result(ModelReport("m", "a.py", 1, Status.LEFT_ALONE, reasons))
    made.plan.diagnostics = [Diagnostic("a.py", line, 1, code, text) for line, code, text in said]
    assert details([made])[-1] == "a.py:1: m: left alone: see KM901 at line 4, KM902 at lines 2, 8"
    hidden = details([replace(made, options=Options(ignore=("KM901",)))])
    assert hidden[-1] == "a.py:1: m: left alone because KM901 line 4: f() is not understood; see KM902 at lines 2, 8"
    made.plan.models = [ModelReport("m", "a.py", 1, Status.ASKED, reasons[:1])]
    assert details([made])[-1] == "a.py:1: m: not known, say which: see KM901 at line 4"


def test_a_dropped_rewrite_is_told_once() -> None:
    made = result(ModelReport("m", "a.py", 1, Status.LEFT_ALONE, ("the rewrite was dropped",)))
    made.error = Diagnostic("a.py", 0, 0, "KM900", "the rewrite was dropped")
    assert details([made]) == ["a.py:0:0: KM900 the rewrite was dropped", "a.py:1: m: left alone: see KM900"]


def test_relus_are_told_for_no_model_tells_of_them() -> None:
    made = result(ModelReport("m", "a.py", 1, Status.NOTHING), changed=True)
    edit = Edit("a.py", 0, 1, "Call", "fast_relu", {}, "the slope is 0", "KM201", 7, 3)
    made.plan.edits = [edit, edit, replace(edit, codemod="imports", line=2)]
    made.plan.diagnostics = [Diagnostic("a.py", 9, 1, "KM153", "m")]
    assert details([made]) == [
        "a.py:7:3: KM201 the slope is 0",
        "a.py:9:1: KM153 m",
        "a.py:1: m: nothing to do about its layout",
    ]


@pytest.mark.parametrize(
    ("assumption", "expected"),
    [
        (
            Assumption("source-keras", "Keras 1.0.7 to 1.2.2", "calls are spelled as in Keras 1; uses merge"),
            "assumed Keras 1.0.7 to 1.2.2 (--source-keras): calls are spelled as in Keras 1; uses merge",
        ),
        (Assumption("ordering", "tf", "a file says so"), "assumed channels-last (--ordering tf): a file says so"),
        (Assumption("ordering", "th", "--ordering says so"), "assumed channels-first: --ordering says so"),
    ],
)
def test_an_assumption_is_a_sentence(assumption: Assumption, expected: str) -> None:
    assert sentence(assumption) == expected


def test_an_error_is_told_whatever_is_selected() -> None:
    made = result()
    made.error = Diagnostic("a.py", 1, 1, "KM905", "m")
    assert details([replace(made, options=Options(select=("KM2",)))]) == ["a.py:1:1: KM905 m"]


def test_what_rests_on_nothing_is_not_told() -> None:
    made = result()
    made.plan.assumptions = [Assumption("ordering", "th", "the input shape says so")]
    assert details([made]) == []


def test_closing_line() -> None:
    left = result(ModelReport("m", "a.py", 1, Status.LEFT_ALONE, ("why",)))
    noted = result()
    noted.plan.diagnostics = [Diagnostic("a.py", 0, 0, "KM908", "too large")]
    failed = result()
    failed.error = Diagnostic("a.py", 1, 1, "KM905", "m")
    changed = result(changed=True)
    results = [left, noted, failed, changed, changed, result()]
    counts = "2 with something left alone, 1 failed, 1 with nothing to do"
    assert closing(results, None) == f"6 Python files with Keras code: 2 would change, {counts}"
    assert closing(results, ["a.py"]) == f"6 Python files with Keras code: 1 written, 1 not written, {counts}"
    assert closing([result()], []) == "1 Python file with Keras code: 1 with nothing to do"


def test_a_diff_of_files_without_a_final_newline() -> None:
    assert unified("a.py", b"x\ny", b"x\nz").endswith(
        b" x\n-y\n\\ No newline at end of file\n+z\n\\ No newline at end of file\n"
    )
    assert unified("a.py", b"x", b"") == b"--- a/a.py\n+++ b/a.py\n@@ -1 +0,0 @@\n-x\n\\ No newline at end of file\n"
