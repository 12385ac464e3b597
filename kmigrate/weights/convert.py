"""`kmigrate weights`: read, map, prove and write one file."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field

from kmigrate.weights import plan as planning
from kmigrate.weights.architecture import Architecture, parse
from kmigrate.weights.error import WeightsError
from kmigrate.weights.plan import Facts, Plan
from kmigrate.weights.reading import H5, KERAS, WEIGHTS_H5, Checkpoint, open_checkpoint
from kmigrate.weights.writing import Progress, replacing, saved_config, write


class Differ(WeightsError):
    """The new weights do not predict what the old ones did."""


@dataclass(frozen=True)
class Request:
    """What the user asked for."""

    old: str
    new: str
    target: str = "same"  # same, keras3
    architecture: str = ""
    script: str = ""
    facts: Facts = field(default_factory=Facts)
    prove: bool | None = None  # None: where it can run
    allow_code: bool = False


@dataclass
class Outcome:
    """What was done, for the report."""

    plan: Plan
    notes: list[str]
    proof: str = ""
    same: bool | None = None  # what the proof found; None: it was not run


Prove = Callable[[Request, Checkpoint, Plan, str], tuple[bool | None, str]]


Script = Callable[[Request], Architecture]  # the model that the request's script builds


def architectures(request: Request, checkpoint: Checkpoint, script: Script) -> list[tuple[str, Architecture]]:
    """The models that are known: the file's own, that of ``--architecture``, that which ``script`` builds."""
    found: list[tuple[str, Architecture]] = []
    if checkpoint.config is not None:
        found.append((request.old, parse(checkpoint.config, request.old)))
    if request.architecture:
        found.append((request.architecture, _architecture(request.architecture)))
    if request.script:
        found.append((request.script, script(request)))
    for _, model in found:
        _shared_alphas(checkpoint, model)
    if not found:
        raise WeightsError(
            f"{request.old}: the file holds weights alone: give the model by --script (the migrated program) or "
            "--architecture (a .json of Keras, or a whole model)"
        )
    return found


def _shared_alphas(checkpoint: Checkpoint, model: Architecture) -> None:
    """Keras 1 does not save over which axes a PReLU shares its slopes; their shape tells it."""
    stored = {group.name: group.weights[0].shape for group in checkpoint.groups if len(group.weights) == 1}
    for layer in model.layers:
        shape = stored.get(layer.name, ())
        if model.generation == 1 and layer.kind == "PReLU" and not layer.config.get("shared_axes"):
            layer.config["shared_axes"] = [axis + 1 for axis, size in enumerate(shape) if size == 1]


def _architecture(path: str) -> Architecture:
    if path.endswith((".h5", ".hdf5", ".keras")):
        with open_checkpoint(path) as other:
            if other.config is None:
                raise WeightsError(f"{path}: the file holds weights alone, no architecture")
            return parse(other.config, path)
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise WeightsError(f"{path}: {error}") from None
    try:
        data = json.loads(text)
        if isinstance(data, str):  # json.dump(model.to_json(), file)
            data = json.loads(data)
    except ValueError as error:
        raise WeightsError(f"{path}: not JSON ({error})") from None
    return parse(data, path)


def make_plan(request: Request, checkpoint: Checkpoint, script: Script) -> Plan:
    """How ``request`` is carried out; raises WeightsError."""
    old, new, notes = planning.pair(architectures(request, checkpoint, script), request.facts, checkpoint.generation)
    return planning.make(checkpoint, old, new, request.target, request.facts, notes)


def check_names(request: Request, checkpoint: Checkpoint) -> None:
    """Raises WeightsError where the new name stands for a format that is not written from this file."""
    name = request.new
    if name.endswith(".keras"):
        raise WeightsError(
            f"{name}: no .keras file is written: call it .weights.h5, and save the model after loading it"
        )
    three = request.target == "keras3" or checkpoint.generation == 3
    if name.endswith(".weights.h5") and not three:
        raise WeightsError(f"{name}: .weights.h5 is a name for Keras 3: call it .h5, or say --target keras3")
    if checkpoint.form in (KERAS, WEIGHTS_H5) and not name.endswith(".h5"):
        raise WeightsError(f"{name}: call it .weights.h5")
    if os.path.abspath(name) == os.path.abspath(request.old):
        raise WeightsError(f"{name}: the old file is never written over")
    if os.path.lexists(name):
        raise WeightsError(f"{name}: is there already, and no file is written over")


def convert(request: Request, script: Script, prove: Prove, progress: Progress) -> Outcome:
    """Convert the file; it appears under its new name only when it is complete and nothing spoke against it.

    Raises WeightsError; the old file is only read.
    """
    with open_checkpoint(request.old) as checkpoint:
        check_names(request, checkpoint)
        plan = make_plan(request, checkpoint, script)
        notes = list(plan.notes)
        whole = checkpoint.whole and checkpoint.form == H5 and plan.generation == checkpoint.generation
        config = None
        if whole:
            if not _complete(plan.new):
                whole = False
                notes.append("weights alone are written: the new model is known from another Keras")
            else:
                config = saved_config(checkpoint.config, plan.new)
        elif checkpoint.whole:
            notes.append("weights alone are written: build the model with the migrated program and load them")
        if whole and checkpoint.has_optimizer:
            notes.append("the state of the optimizer is not converted: training starts it anew")
        outcome = Outcome(plan, notes)
        with replacing(request.new) as temporary:
            write(checkpoint, plan, temporary, whole, config, progress)
            if request.prove is not False:
                outcome.same, outcome.proof = prove(request, checkpoint, plan, temporary)
                if outcome.same is False:
                    raise Differ(f"{request.new} is not written: {outcome.proof}")
                if outcome.same is None and request.prove:
                    raise WeightsError(f"{request.new} is not written, for nothing is proved: {outcome.proof}")
        return outcome


def _complete(model: Architecture) -> bool:
    """Was the new model made from the file's own architecture, so that it can be written in its spelling?"""
    return all(layer.raw or layer.kind == "InputLayer" for layer in model.layers) and model.generation < 3
