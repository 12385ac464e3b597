"""kmigrate for users of ``libcst.tool``; its own command line never loads this.

python -m libcst.tool codemod -x kmigrate.codemods._command.Migrate FILES
"""

from __future__ import annotations

import argparse

import libcst as cst
from libcst.codemod import CodemodCommand, CodemodContext

from kmigrate.discovery import Candidate
from kmigrate.options import Options
from kmigrate.pipeline import convert


class Migrate(CodemodCommand):
    """Converts one file, as ``kmigrate FILE`` does; what was left alone comes as warnings."""

    DESCRIPTION = "Rewrite channels-first Keras programs to channels-last."

    @staticmethod
    def add_args(parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--ordering", choices=["auto", "th", "tf"], default="auto")
        parser.add_argument("--source-keras", default="auto")

    def __init__(self, context: CodemodContext, ordering: str = "auto", source_keras: str = "auto") -> None:
        super().__init__(context)
        self.options = Options(ordering=ordering, source_keras=source_keras)

    def transform_module_impl(self, tree: cst.Module) -> cst.Module:
        path = self.context.filename or "<string>"
        [result] = convert([Candidate(path, tree.bytes)], self.options)
        for diagnostic in result.diagnostics:
            self.warn(str(diagnostic))
        return tree if result.new is None else cst.parse_module(result.new.raw)
