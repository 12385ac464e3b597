"""`kmigrate weights`: convert a weight file, or show what it holds."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import click

from kmigrate.cli_options import keras_version

_BACKENDS = click.Choice(["auto", "theano", "tensorflow"])


@click.command("weights")
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="[NEW]", required=False)
@click.option("--show", is_flag=True, help="Only show what OLD holds: layers, shapes, versions, layout.")
@click.option("--script", metavar="FILE", default="", help="A program that builds the model: it is run up to there.")
@click.option("--architecture", metavar="FILE", default="", help="The model's architecture: a .json, or a whole model.")
@click.option("--target", type=click.Choice(["same", "keras3"]), default="same", help="The Keras that loads NEW.")
@click.option(
    "--from-backend",
    type=_BACKENDS,
    default="auto",
    help="The backend that wrote OLD, where the file does not say it: Theano's kernels are rotated.",
)
@click.option(
    "--to-backend",
    type=_BACKENDS,
    default="auto",
    help="The backend that loads NEW; auto: that of OLD, or TensorFlow with --target keras3.",
)
@click.option(
    "--source-keras",
    metavar="VERSION",
    default="auto",
    callback=keras_version,
    help="The Keras that wrote OLD, where the file does not say it, e.g. 1.2.",
)
@click.option(
    "--flatten",
    type=click.Choice(["auto", "permute", "reorder"]),
    default="auto",
    help="Does the new program keep the order of features at Flatten? Needed where its model is not given.",
)
@click.option("--allow-code", is_flag=True, help="Run the Python code that a model file holds (Lambda layers).")
@click.option(
    "--prove/--no-prove",
    default=None,
    help="Predict with old and new weights and compare; without it, where that can run.",
)
def command(old: str, new: str | None, show: bool, **choices: Any) -> int:
    """Convert OLD, the weights of a channels-first model, into NEW for the channels-last one.

    OLD is a .h5 file of Keras 1 or 2 (weights or a whole model), or a .weights.h5 or .keras file of Keras 3. It is
    only read, and NEW must not be there yet. The model comes from OLD itself, or from --script or --architecture; it
    may be the old one, the new one, or one of each. From a whole model of Keras 1 or 2, NEW is a whole model, too,
    where the target is the same Keras.

    Exit status: 0 written, 1 not written, for the predictions differ, 2 an error.
    """
    if show == bool(new):
        raise click.UsageError("Say OLD and NEW, or --show and one file.")
    from kmigrate.commands import ERROR, OK, PENDING, say

    if find_spec("h5py") is None:
        say("error: weight files need h5py: pip install 'kmigrate[weights]'")
        return ERROR
    from kmigrate.weights.convert import Differ
    from kmigrate.weights.error import WeightsError

    try:
        if new is None:
            _show(old)
        else:
            _convert(old, new, choices)
    except WeightsError as error:
        say(f"error: {error}")
        return PENDING if isinstance(error, Differ) else ERROR
    return OK


def _show(path: str) -> None:
    from kmigrate.weights import show
    from kmigrate.weights.reading import open_checkpoint

    with open_checkpoint(path) as checkpoint:
        for line in show.lines(checkpoint):
            click.echo(line)


def _convert(old: str, new: str, choices: dict[str, Any]) -> None:
    from kmigrate.commands import say
    from kmigrate.weights.convert import Request, convert
    from kmigrate.weights.plan import Facts
    from kmigrate.weights.proof import Runner

    facts = Facts(**{name: choices.pop(name) for name in Facts.__dataclass_fields__})
    request = Request(old, new, facts=facts, **choices)
    with Runner(source_keras=facts.source_keras) as runner, _progress(old) as progress:
        outcome = convert(request, runner.script, runner.prove, progress)
    for note in [*runner.notes, *outcome.notes]:
        say(f"{old}: {note}")
    if outcome.plan.reordered:
        say(f"{old}: the order of the features changes in {', '.join(outcome.plan.reordered)}")
    if outcome.proof:
        say(f"{new}: {outcome.proof}")
    say(f"{new}: written, {len(outcome.plan.steps)} layers")


@contextmanager
def _progress(path: str) -> Iterator[Callable[[str, int], None]]:
    """A progress bar on a terminal; what is done is counted in bytes of the old file."""
    if not sys.stderr.isatty() or not os.path.isfile(path):
        yield lambda name, size: None
        return
    with click.progressbar(length=os.path.getsize(path), label=path, file=sys.stderr) as bar:
        yield lambda name, size: bar.update(size)
