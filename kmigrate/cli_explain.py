"""`kmigrate explain`: what the analysis found out about a file, or about one line of it."""

from __future__ import annotations

import os
from typing import Any

import click

from kmigrate.cli import options_for
from kmigrate.cli_options import about_the_source


def _place(ctx: click.Context, parameter: click.Parameter, value: str) -> tuple[str, int | None]:
    """A file, and a line where its name is followed by one."""
    path, colon, number = value.rpartition(":")
    line = None
    if colon and number.isdecimal() and not os.path.exists(value):
        value, line = path, int(number)
    if not os.path.isfile(value):
        raise click.BadParameter(f"there is no file {value!r}")
    return value, line


@click.command("explain")
@click.argument("place", metavar="FILE[:LINE]", callback=_place)
@click.argument("paths", nargs=-1, metavar="[PATHS]...", type=click.Path(exists=True))
@about_the_source
@click.pass_context
def command(context: click.Context, place: tuple[str, int | None], paths: tuple[str, ...], **choices: Any) -> int:
    """Show what was inferred for FILE, or for one LINE of it.

    The values and their layouts, the evidence, what holds a value as it is, where a transpose may stand, the edits,
    and why there is none. PATHS are what else a run of kmigrate was given: it may edit only what it is given.
    """
    from kmigrate import pipeline
    from kmigrate.commands import ERROR, OK, program_file, say
    from kmigrate.discovery import Candidate, find
    from kmigrate.layout.explain import explain as facts_of
    from kmigrate.plan import Diagnostic
    from kmigrate.report.explanation import lines

    path, line = place
    source = program_file(path)
    if source is None:
        return ERROR
    text = source.text
    last = text.count("\n") + 1
    if line is not None and not 1 <= line <= last:
        say(f"{path}: error: it has no line {line}, only {last}")
        return ERROR
    found = find([path, *paths])
    for problem in found.problems:
        say(f"{problem.path}: error: {problem.message}")
    if found.problems:
        return ERROR
    own = found.files[0]
    candidates = found.candidates
    if own not in {candidate.path for candidate in candidates}:
        candidates = [Candidate(own, source.raw), *candidates]
    program = pipeline.examine(own, candidates, found.files, options_for(context, path))
    if isinstance(program, Diagnostic):
        say(f"error: {program}")
        return ERROR
    facts = facts_of(program, own, text, line)
    for said in lines(facts, program.plan.assumptions, whole=line is None):
        click.echo(said)
    return OK
