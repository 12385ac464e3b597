"""`kmigrate verify`: compare two versions of a program by running them."""

from __future__ import annotations

import json
from typing import Any

import click

from kmigrate.cli_options import about_the_source, options_for


@click.command("verify")
@click.argument("before", type=click.Path(exists=True, dir_okay=False))
@click.argument("after", type=click.Path(exists=True, dir_okay=False))
@about_the_source
@click.option("--seeds", type=click.IntRange(1, 100), default=1, help="Run both so often, with other weights.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    help="A summary, or the whole certificate (docs/certificate.md).",
)
@click.pass_context
def command(context: click.Context, before: str, after: str, seeds: int, form: str, **choices: Any) -> int:
    """Run BEFORE and AFTER, two versions of a program, and compare what they compute.

    Exit status: 0 EQUIVALENT (also EXCEPT AT 0), 1 DIFFERENT, 2 an error, 3 INACCURATE or NOT VERIFIED.
    """
    from kmigrate import proof
    from kmigrate.commands import ERROR, lacking, program_file

    files = [program_file(before), program_file(after)]
    old, new = files
    if old is None or new is None or lacking():
        return ERROR
    certificate = proof.prove(old, new, options_for(context, before), seeds=seeds)
    click.echo(json.dumps(certificate.to_json(), indent=2) if form == "json" else certificate.summary())
    return certificate.verdict.exit_status
