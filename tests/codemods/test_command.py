from __future__ import annotations

from unittest.mock import patch

from libcst.codemod import CodemodContext, CodemodTest

from kmigrate.codemods import _command
from kmigrate.discovery import Candidate
from kmigrate.options import Options
from kmigrate.pipeline import Result
from kmigrate.plan import Diagnostic
from kmigrate.source import SourceFile


class TestMigrate(CodemodTest):
    TRANSFORM = _command.Migrate

    def test_changes_what_kmigrate_changes_and_warns(self) -> None:
        result = Result("a.py", new=SourceFile.from_bytes(b"y  =  2\n", "a.py"))
        result.plan.diagnostics.append(Diagnostic("a.py", 1, 1, "KM901", "left"))
        with patch.object(_command, "convert", return_value=[result]) as convert:
            self.assertCodemod(
                "x  =  1\n",
                "y  =  2\n",
                ordering="th",
                context_override=CodemodContext(filename="a.py"),
                expected_warnings=["a.py:1:1: KM901 left"],
            )
        convert.assert_called_once_with([Candidate("a.py", b"x  =  1\n")], Options(ordering="th"))

    def test_leaves_the_rest(self) -> None:
        with patch.object(_command, "convert", return_value=[Result("a.py")]):
            self.assertCodemod("x  =  1\n", "x  =  1\n")
