"""`kmigrate rule` and `kmigrate rules`: what is known of the codes."""

from __future__ import annotations

import click


@click.command("rule")
@click.argument("code")
def rule(code: str) -> int:
    """Explain CODE: the summary, what to do, and the documentation of the codemod that makes the edit."""
    from kmigrate.codemods import documentation
    from kmigrate.codes import CODES

    code = code.upper()
    if code not in CODES:
        raise click.BadParameter(f"there is no {code}; `kmigrate rules` lists the codes", param_hint="CODE")
    entry = CODES[code]
    parts = [f"{code} {entry.name}", entry.summary, entry.advice, documentation(code)]
    click.echo("\n\n".join(part for part in parts if part))
    return 0


@click.command("rules")
def rules() -> int:
    """List all codes."""
    from kmigrate.codes import CODES

    width = max(len(entry.name) for entry in CODES.values())
    for code, entry in CODES.items():
        click.echo(f"{code}  {entry.name:{width}}  {entry.summary}")
    return 0
