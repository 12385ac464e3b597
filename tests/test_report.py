from __future__ import annotations

import pytest

from kmigrate.options import Options
from kmigrate.pipeline import Result
from kmigrate.plan import Assumption, Diagnostic, Edit, ModelReport, Status
from kmigrate.report.diff import unified
from kmigrate.report.text import closing, details
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
        (Status.ASKED, ("say --ordering",), "not known, say which, because say --ordering"),
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
    assert details([made], Options()) == [f"a.py:5: model: {expected}"]


def test_diagnostics_stand_in_the_order_of_lines_and_follow_select_and_ignore() -> None:
    made = result(changed=True)
    made.plan.diagnostics = [Diagnostic("a.py", n, 1, code, "m") for n, code in ((9, "KM151"), (2, "KM152"))]
    made.plan.assumptions = [Assumption("ordering", "th", "the input shape says so")]
    assumed = "a.py: assumed ordering = th, for the input shape says so"
    assert details([made], Options()) == ["a.py:2:1: KM152 m", "a.py:9:1: KM151 m", assumed]
    assert details([made], Options(ignore=("KM151",))) == ["a.py:2:1: KM152 m", assumed]
    assert details([made], Options(select=("KM2",))) == [assumed]


def test_an_error_is_told_whatever_is_selected() -> None:
    made = result()
    made.error = Diagnostic("a.py", 1, 1, "KM905", "m")
    assert details([made], Options(select=("KM2",))) == ["a.py:1:1: KM905 m"]


def test_what_rests_on_nothing_is_not_told() -> None:
    made = result()
    made.plan.assumptions = [Assumption("ordering", "th", "the input shape says so")]
    assert details([made], Options()) == []


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
