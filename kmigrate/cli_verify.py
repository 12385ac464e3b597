"""`kmigrate verify`: compare two versions of a program by running them."""

from __future__ import annotations

import json
import os
from typing import Any

import click

from kmigrate.cli import options_for
from kmigrate.cli_options import ARGV, about_the_runs, about_the_source


@click.command("verify")
@click.argument("paths", nargs=-1, metavar="(BEFORE AFTER | --since REV [PATHS]...)")
@click.option("--since", metavar="REV", help="Before is this git revision, after the working tree.")
@about_the_source
@about_the_runs
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    help="A summary, or the whole certificate (docs/certificate.md).",
)
@click.pass_context
def command(context: click.Context, paths: tuple[str, ...], since: str | None, form: str, **choices: Any) -> int:
    """Run BEFORE and AFTER, two versions of a program, and compare what they compute.

    With --since, run every script under PATHS (by default the current folder) that loads a file which changed since
    that revision, with all its modules as they were then and as they are now.

    Exit status: 0 EQUIVALENT (also EXCEPT AT 0), 1 DIFFERENT, 2 an error, 3 INACCURATE or NOT VERIFIED.
    """
    missing = next((path for path in paths if not os.path.exists(path)), None)
    if missing is not None:
        raise click.UsageError(f"There is no {missing!r}.")
    if since is None and (len(paths) != 2 or any(map(os.path.isdir, paths))):
        raise click.UsageError("Say two files, BEFORE and AFTER, or a revision with --since.")
    from kmigrate.commands import ERROR, how_to_run, lacking, say
    from kmigrate.report.progress import Progress
    from kmigrate.revision import RevisionError
    from kmigrate.source import SourceError
    from kmigrate.verify import NoDevice

    if lacking():
        return ERROR
    progress = Progress()
    how = how_to_run(choices, context.meta[ARGV], progress)
    try:
        if since is not None:
            return _since(context, since, paths or (".",), form, how)
        return _two(context, paths[0], paths[1], form, how)
    except (RevisionError, SourceError, NoDevice) as error:
        say(f"error: {error}")
    except OSError as error:
        say(f"{error.filename}: error: {error.strerror or error}")
    finally:
        progress.clear()
    return ERROR


def _two(context: click.Context, before: str, after: str, form: str, how: dict[str, Any]) -> int:
    from kmigrate import proof
    from kmigrate.commands import ERROR, program_file

    old, new = program_file(before), program_file(after)
    if old is None or new is None:
        return ERROR
    certificate = proof.prove(old, new, options_for(context, before), **how)
    how["progress"].clear()
    click.echo(json.dumps(certificate.to_json(), indent=2) if form == "json" else certificate.summary())
    return certificate.verdict.exit_status


def _since(context: click.Context, since: str, paths: tuple[str, ...], form: str, how: dict[str, Any]) -> int:
    from kmigrate.commands import gravest
    from kmigrate.review import prove_since

    found = prove_since(since, paths, lambda path: options_for(context, path), **how)
    how["progress"].clear()
    if form == "json":
        click.echo(json.dumps({script: certificate.to_json() for script, certificate in found.items()}, indent=2))
    elif not found:
        click.echo(f"nothing to verify: no program with Keras code changed since {since}")
    for script, certificate in found.items() if form == "text" else ():
        click.echo(f"{script}: {certificate.summary()}")
    return gravest(certificate.verdict.exit_status for certificate in found.values())
