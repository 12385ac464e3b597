from __future__ import annotations

import io

import pytest

from kmigrate.report.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_one_line_is_written_over_and_cleared(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = Terminal()
    monkeypatch.setattr("sys.stderr", stderr)
    progress = Progress()
    for text in ("before: call 12", "after", "after"):
        progress(text)
    assert stderr.getvalue() == "\rbefore: call 12\rafter          "
    progress.clear()
    assert stderr.getvalue().endswith("\r     \r")
    progress.clear()


def test_nothing_is_shown_where_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = io.StringIO()
    monkeypatch.setattr("sys.stderr", stderr)
    progress = Progress()
    progress("before")
    progress.clear()
    assert stderr.getvalue() == ""
