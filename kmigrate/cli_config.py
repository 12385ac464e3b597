"""`kmigrate config`: what is in force for a path, and where each value comes from."""

from __future__ import annotations

import json
import os
from typing import Any

import click


@click.command("config")
@click.argument("path", default=".", type=click.Path(exists=True))
@click.option("--config", metavar="FILE", help="Use this configuration, not the one that stands above PATH.")
@click.option("--isolated", is_flag=True, help="Use no configuration.")
@click.pass_context
def command(context: click.Context, path: str, config: str | None, isolated: bool) -> int:
    """Show the configuration in force for PATH, as TOML, with the place that each value comes from."""
    from kmigrate.cli import cli
    from kmigrate.config import CALL_ONLY, Configs

    real = os.path.realpath(path)
    found = Configs(cli.params, config, isolated).above(real if os.path.isdir(real) else os.path.dirname(real))
    chosen = {} if found is None else {**found.values, **found.choices(real)}
    # A default is what a call without options has.
    defaults = cli.make_context("kmigrate", ["."]).params
    click.echo(f"# {found.path if found is not None else 'no configuration: these are the defaults'}")
    for parameter in cli.params:
        name = parameter.name
        if name is None or name in CALL_ONLY:
            continue
        value, key = chosen.get(name, defaults[name]), name.replace("_", "-")
        where = "default"
        if found is not None and name in chosen:
            overridden = value != found.values.get(name, defaults[name])
            where = os.path.basename(found.path) + (", overrides" if overridden else "")
        said = f"# {key} is not set" if value is None else f"{key} = {_toml(value)}"
        click.echo(f"{said}  # {where}")
    if found is not None:
        for key, patterns in (("exclude", found.exclude), ("include", found.include)):
            if patterns:
                click.echo(f"{key} = {_toml(patterns)}  # {os.path.basename(found.path)}")
        if found.ignores:
            click.echo("[per-file-ignores]")
            for pattern, codes in found.ignores.items():
                click.echo(f"{_toml(pattern)} = {_toml(codes)}  # {os.path.basename(found.path)}")
    return 0


def _toml(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
