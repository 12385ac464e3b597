"""Options that several commands share."""

from __future__ import annotations

from typing import Any

import click


def codes(ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Split at commas; each must be a code or the beginning of one."""
    if not values:
        return ()
    from kmigrate.codes import CODES

    prefixes = tuple(part.strip().upper() for value in values for part in value.split(","))
    for prefix in prefixes:
        if not prefix or not any(code.startswith(prefix) for code in CODES):
            raise click.BadParameter(f"no code begins with {prefix!r}; `kmigrate rules` lists them")
    return prefixes


def keras_version(ctx: click.Context, parameter: click.Parameter, value: str) -> str:
    parts = value.split(".")
    if value != "auto" and not (len(parts) <= 3 and all(part.isdecimal() for part in parts)):
        raise click.BadParameter("say a version such as 1.2, or auto")
    return value


ARGV = "kmigrate.argv"  # in a context: the arguments of the script that is verified


def _function(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None and not value.rpartition(":")[0]:
        raise click.BadParameter("say a function as module:function, or file.py:function")
    return value


def _together(*options: Any) -> Any:
    """A decorator that adds them all, in this order."""

    def add(function: Any) -> Any:
        for option in reversed(options):
            function = option(function)
        return function

    return add


#: The options that say how programs run when they are verified.
about_the_runs = _together(
    click.option(
        "--data",
        metavar="MODULE:FUNCTION",
        callback=_function,
        help="For verification: gives the contents of a data file that is missing, by its name.",
    ),
    click.option(
        "--seeds",
        type=click.IntRange(1, 100),
        default=1,
        help="For verification: run both programs so often, each time with other weights.",
    ),
    click.option(
        "--mode",
        type=click.Choice(["eager", "graph", "jit"]),
        default="eager",
        help="For verification: steps run as they are, as TensorFlow graphs, or compiled by XLA.",
    ),
    click.option(
        "--device",
        type=click.Choice(["auto", "cpu", "gpu"]),
        default="auto",
        help="For verification: where to run.",
    ),
    click.option(
        "--legacy-python",
        type=click.Path(exists=True, dir_okay=False),
        help="For verification: a Python with the old Keras of the programs, which runs both as well.",
    ),
    click.option("--bench", is_flag=True, help="For verification: measure the speed before and after, too."),
)


#: The options that say what a program does not.
about_the_source = _together(
    click.option(
        "--ordering",
        type=click.Choice(["auto", "th", "tf"]),
        default="auto",
        help="The default layout (th: channels-first), where nothing in the program tells it.",
    ),
    click.option(
        "--source-keras",
        metavar="VERSION",
        default="auto",
        callback=keras_version,
        help="The Keras that it was written for, e.g. 1.2.",
    ),
    click.option(
        "--source-backend",
        type=click.Choice(["auto", "tensorflow", "theano"]),
        default="auto",
        help="The backend that it was written for.",
    ),
)
