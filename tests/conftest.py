"""A stand-in for the analysis, so that the shell is tested apart from layout inference; TensorFlow for all tests."""

from __future__ import annotations

import ast
import io
import sys
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from kmigrate import layout
from kmigrate.layout.analysis import Program
from kmigrate.layout.files import Files
from kmigrate.plan import Edit, ModelReport, Plan, Status
from kmigrate.verify import Server


def analyse_settings(files: Files, options: object) -> Program:
    """Each string 'channels_first' is a setting to change, each name `strange` a model left alone."""
    plan = Plan()
    for source in files.entries:
        path, lines = source.path, source.lines
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Constant) and node.value == "channels_first":
                place = (node.lineno, node.col_offset + 1)
                args = {"value": "channels_last"}
                plan.edits.append(
                    Edit(path, *lines.span(node), "Constant", "layout_setting", args, "set", "KM101", *place)
                )
                plan.models.append(ModelReport("model", path, node.lineno, Status.DONE))
            if isinstance(node, ast.Name) and node.id == "strange":
                reasons = ("strange() is not understood",)
                plan.models.append(ModelReport("odd", path, node.lineno, Status.LEFT_ALONE, reasons))
    return Program(files.entries[0].path, plan, files.entries[0].tree, files=files)


@pytest.fixture
def settings_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use the stand-in."""
    monkeypatch.setattr(layout, "analyse", analyse_settings)


class Outcome(NamedTuple):
    status: int
    out: bytes
    err: str


@pytest.fixture
def kmigrate(monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]) -> Callable[..., Outcome]:
    """Run the command line in this process."""
    from kmigrate.cli import main

    def run(*arguments: object, stdin: bytes = b"") -> Outcome:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as exit:
            main([str(argument) for argument in arguments])
        out, err = capsysbinary.readouterr()
        return Outcome(int(exit.value.code or 0), out, err.decode())

    return run


@pytest.fixture(scope="session")
def servers() -> Iterator[dict[str, Server]]:
    """One process for each stack, started when it is first used; every run is a fork of it."""
    found = {stack: Server(stack) for stack in ("keras3", "tf_keras")}
    yield found
    for server in found.values():
        server.close()
