"""Deliberate mistakes in the rules, one at a time: the runs under the mock must find each of them.

The re-check is off here: it finds many of them too, and this is about the mock and the generator.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import Any

import pytest

import kmigrate.layout
from kmigrate.keras_api import versions
from kmigrate.layout import axes, setter
from kmigrate.layout.graph import LayoutGraph
from kmigrate.layout.interpret import axis_layers, operations
from kmigrate.layout.interpret.machine import Interpreter
from kmigrate.layout.planning import Planner
from kmigrate.layout.values import Array
from tests.generated import generate
from tests.generated.outcome import check

MOST = 600  # programs that may be needed to find one mistake

Patch = pytest.MonkeyPatch
Mistake = Callable[[Patch], None]
MISTAKES: dict[str, Mistake] = {}


def mistake(function: Mistake) -> Mistake:
    MISTAKES[function.__name__] = function
    return function


# -- tools ----------------------------------------------------------------------------------------


def everywhere(patch: Patch, original: Any, replacement: Any) -> None:
    """Replace a function in each module that has imported it."""
    found = pkgutil.walk_packages(kmigrate.layout.__path__, "kmigrate.layout.")
    for module in [importlib.import_module(m.name) for m in found]:
        for name, value in list(vars(module).items()):
            if value is original:
                patch.setattr(module, name, replacement)


def without(patch: Patch, method: str, part: str, only: Callable[..., bool] = lambda *a, **k: True) -> None:
    """While ``method`` of the interpreter runs, its ``part`` (a method) does nothing."""
    whole, piece = getattr(Interpreter, method), getattr(Interpreter, part)

    def run(self: Any, *args: Any, **keywords: Any) -> Any:
        if not only(*args, **keywords):
            return whole(self, *args, **keywords)
        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(Interpreter, part, lambda *a, **k: None)
            return whole(self, *args, **keywords)

    assert piece is not None
    patch.setattr(Interpreter, method, run)


def nothing(*_args: Any, **_keywords: Any) -> None:
    """Do nothing."""


def no_edits(*_args: Any, **_keywords: Any) -> list[Any]:
    return []


# -- the algebra ----------------------------------------------------------------------------------


@mistake
def channel_and_width_swapped(patch: Patch) -> None:
    def order(found: Any) -> list[int]:
        at, positions = axes.channel_at(found), list(range(len(found)))
        if at is not None:
            positions[at], positions[-1] = positions[-1], positions[at]
        return positions

    everywhere(patch, axes.order_to_last, order)


@mistake
def permutation_not_inverted(patch: Patch) -> None:
    everywhere(patch, axes.inverse, list)


@mistake
def memory_order_never_changes(patch: Patch) -> None:
    original = axes.memory_order
    everywhere(patch, original, lambda found, flipped: original(found, False))


@mistake
def nothing_broadcasts(patch: Patch) -> None:
    patch.setattr(Interpreter, "_alignment", nothing)


@mistake
def operands_are_not_tied(patch: Patch) -> None:
    original = Interpreter.broadcast

    def broadcast(self: Any, *args: Any) -> Any:
        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(LayoutGraph, "tie", nothing)
            return original(self, *args)

    patch.setattr(Interpreter, "broadcast", broadcast)


@mistake
def joined_arrays_are_not_tied(patch: Patch) -> None:
    original = Interpreter.join_axes

    def join(self: Any, a: Any, b: Any, node: Any) -> None:
        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(LayoutGraph, "tie", nothing)
            original(self, a, b, node)

    patch.setattr(Interpreter, "join_axes", join)


# -- axes -----------------------------------------------------------------------------------------


@mistake
def axis_is_one_off(patch: Patch) -> None:
    original = Planner._axis_edit
    patch.setattr(Planner, "_axis_edit", lambda self, node, use, old, new: original(self, node, use, old, new - 1))


@mistake
def axis_edit_is_lost(patch: Patch) -> None:
    original = Planner._axes

    def lose(self: Any) -> bool:
        count = len(self.edits)
        done = original(self)
        del self.edits[count : count + 1]
        return done

    patch.setattr(Planner, "_axes", lose)


@mistake
def normalization_axis_is_left(patch: Patch) -> None:
    without(patch, "_normalization", "axis_use")


@mistake
def normalization_without_axis_is_left(patch: Patch) -> None:
    without(patch, "_normalization", "site", lambda layer, *_: "axis" not in layer.values)


@mistake
def concat_axis_is_left(patch: Patch) -> None:
    without(patch, "concatenate_tensors", "axis_use")


@mistake
def concat_without_axis_is_left(patch: Patch) -> None:
    without(patch, "concatenate_tensors", "site")


@mistake
def softmax_along_the_width_is_left(patch: Patch) -> None:
    patch.setattr(axis_layers, "PLAIN_ACTIVATIONS", axis_layers.PLAIN_ACTIVATIONS | {"softmax"})


@mistake
def reduction_axis_is_left(patch: Patch) -> None:
    without(patch, "reduce", "axis_use")


@mistake
def new_axis_is_left(patch: Patch) -> None:
    without(patch, "new_axis", "axis_use")


@mistake
def array_concat_axis_is_left(patch: Patch) -> None:
    without(patch, "concatenate", "axis_use", lambda *given: not given[4])


@mistake
def stack_axis_is_left(patch: Patch) -> None:
    without(patch, "concatenate", "axis_use", lambda *given: given[4])


@mistake
def shared_axes_are_left(patch: Patch) -> None:
    without(patch, "_prelu", "axis_use")


# -- shapes and indices ---------------------------------------------------------------------------


@mistake
def index_edit_is_lost(patch: Patch) -> None:
    patch.setattr(Interpreter, "_index_edit", no_edits)


@mistake
def written_shape_is_left(patch: Patch) -> None:
    patch.setattr(Interpreter, "display_site", nothing)


@mistake
def shape_given_as_arguments_is_left(patch: Patch) -> None:
    patch.setattr(Interpreter, "argument_site", nothing)


@mistake
def unpacked_shape_is_left(patch: Patch) -> None:
    patch.setattr(Interpreter, "unpack_shape", nothing)


@mistake
def shape_read_is_left(patch: Patch) -> None:
    without(patch, "shape_index", "axis_use")


@mistake
def shape_slice_is_left(patch: Patch) -> None:
    without(patch, "shape_slice", "site")


@mistake
def random_numbers_are_drawn_in_the_new_shape(patch: Patch) -> None:
    original: Any = Interpreter.filled
    patch.setattr(Interpreter, "filled", lambda self, *args: original(self, *args[:3], False))


@mistake
def transpose_is_left(patch: Patch) -> None:
    original = operations.transposed

    def left(run: Any, operand: Any, perm: Any, node: Any, kind: str) -> Any:
        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(Interpreter, "site", nothing)
            return original(run, operand, perm, node, kind)

    patch.setattr(operations, "transposed", left)


@mistake
def permute_layer_is_left(patch: Patch) -> None:
    without(patch, "_permute", "site")


# -- layers and models ----------------------------------------------------------------------------


@mistake
def features_are_never_kept(patch: Patch) -> None:
    patch.setattr(Planner, "_flatten_policy", nothing)


@mistake
def flatten_always_moves_the_channel(patch: Patch) -> None:
    patch.setattr(Interpreter, "_flatten_answer", lambda *_: True)


@mistake
def flatten_never_moves_the_channel(patch: Patch) -> None:
    patch.setattr(Interpreter, "_flatten_answer", lambda *_: False)


@mistake
def setting_literal_is_left(patch: Patch) -> None:
    patch.setattr(Interpreter, "setting_literal", nothing)


@mistake
def ordering_is_not_stated(patch: Patch) -> None:
    everywhere(patch, setter.setter_edits, no_edits)


@mistake
def setter_reaches_layers_in_all_versions(patch: Patch) -> None:
    patch.setattr(versions, "setter_reaches_layers", lambda version: True)


@mistake
def cifar_does_the_opposite(patch: Patch) -> None:
    original = versions.cifar_follows_ambient
    patch.setattr(versions, "cifar_follows_ambient", lambda version: not original(version))


@mistake
def lambda_output_shape_is_left(patch: Patch) -> None:
    original = Interpreter._lambda

    def left(self: Any, layer: Any, *rest: Any) -> Any:
        layer.values.pop("output_shape", None)
        return original(self, layer, *rest)

    patch.setattr(Interpreter, "_lambda", left)


@mistake
def losses_are_not_read(patch: Patch) -> None:
    patch.setattr(Interpreter, "_loss", nothing)


@mistake
def targets_are_not_tied(patch: Patch) -> None:
    original = Interpreter.feed

    def feed(self: Any, value: Any, expr: Any, tensors: Any) -> None:
        if not any(tensors is model.outputs for model in self.models):
            original(self, value, expr, tensors)

    patch.setattr(Interpreter, "feed", feed)


@mistake
def predictions_are_not_tied(patch: Patch) -> None:
    original = Interpreter._predicted

    def predicted(self: Any, *rest: Any) -> Any:
        made = original(self, *rest)
        return Array(self.graph.node(), made.ref, made.kind, made.place) if isinstance(made, Array) else made

    patch.setattr(Interpreter, "_predicted", predicted)


@mistake
def batches_are_not_tied(patch: Patch) -> None:
    patch.setattr(Interpreter, "feed_batch", nothing)


# -- what is not understood -----------------------------------------------------------------------


@mistake
def unknown_code_is_forgotten(patch: Patch) -> None:
    patch.setattr(Interpreter, "leak", nothing)


@mistake
def stores_are_forgotten(patch: Patch) -> None:
    patch.setattr(Interpreter, "_put", nothing)


@mistake
def sources_may_flip(patch: Patch) -> None:
    original = Interpreter.source_array

    def source(self: Any, *args: Any, **keywords: Any) -> Any:
        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(LayoutGraph, "pin", nothing)
            return original(self, *args, **keywords)

    patch.setattr(Interpreter, "source_array", source)


@mistake
def contradictory_branches_are_believed(patch: Patch) -> None:
    patch.setattr(Interpreter, "pair", lambda self, now, after, node, at: now)


@mistake
def constants_are_edited_whoever_reads_them(patch: Patch) -> None:
    original = Planner._axes

    def careless(self: Any) -> bool:
        self.run.loads.clear()
        return original(self)

    patch.setattr(Planner, "_axes", careless)


# -- the test -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(MISTAKES))
def test_the_mistake_is_found(name: str, monkeypatch: Patch) -> None:
    MISTAKES[name](monkeypatch)
    for seed in range(MOST):
        outcome = check(generate(seed), recheck=False)
        if outcome.problem and not outcome.problem.startswith("crash"):
            return
    pytest.fail(f"no program of {MOST} shows it")


def test_the_list_of_mistakes_is_long() -> None:
    assert len(MISTAKES) >= 30
