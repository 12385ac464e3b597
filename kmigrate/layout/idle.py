"""Scripts of a program in which nothing can change: they need not be run again because of what other scripts do."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from kmigrate.layout.interpret.machine import Interpreter
from kmigrate.layout.interpret.state import Entry
from kmigrate.layout.loose import loose
from kmigrate.layout.outcome import Outcome
from kmigrate.plan import Diagnostic, ModelReport


@dataclass
class Idle:
    """Such scripts, and what is to be said of them."""

    entries: list[Entry]
    loads: frozenset[str]  # all files that they run: an edit of one of these must suit them too
    reports: list[ModelReport]
    diagnostics: list[Diagnostic]
    dotted: dict[ast.expr, str]


def idle_scripts(run: Interpreter, asked: Collection[str]) -> Idle | None:
    """The scripts of a run that make no layer that is channels-first, and have nothing ``asked`` about them.

    None where there are none, or where an answer is about them and others: a model or a layer of a shared file.
    """
    entries = [entry for entry in run.entries if not entry.has_first and entry.source.path not in asked]
    others = [entry for entry in run.entries if entry not in entries]
    if not entries or not others:
        return None
    scripts = {entry.source.path for entry in entries}
    models = [model for model in run.models if model.entry in scripts]
    rest = [model for model in run.models if model.entry not in scripts]
    loads, elsewhere = _loads(entries), _loads(others)
    outside = loose(run, {model.place.path for model in run.models})
    if {model.place.key for model in models} & {
        model.place.key for model in rest
    } or outside.keys() & loads & elsewhere:
        return None
    answers = Outcome(run).of_models(models, {path: at for path, at in outside.items() if path not in elsewhere})
    if answers is None:
        return None
    reports, diagnostics = answers
    notes = [note for note in run.notes if note.path not in elsewhere]
    return Idle(entries, loads, reports, [*diagnostics, *notes], run.dotted)


def _loads(entries: Iterable[Entry]) -> frozenset[str]:
    """The files that scripts run."""
    return frozenset(path for entry in entries for path in (entry.source.path, *entry.loaded))
