"""What becomes of each layer's arrays: from the old form, in the order of the new model, to the target's form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from kmigrate.verify import weightmap
from kmigrate.weights import derive, forms
from kmigrate.weights.architecture import Architecture
from kmigrate.weights.error import WeightsError
from kmigrate.weights.features import Features, Leaf, follow
from kmigrate.weights.forms import Form
from kmigrate.weights.places import assign
from kmigrate.weights.reading import Checkpoint, Stored
from kmigrate.weights.shapes import NotKnown, Shape, sizes, spatial

_TIED = {"Dense", "LSTM", "GRU", "SimpleRNN", "Bidirectional", "PReLU", "BatchNormalization", "LayerNormalization"}
_BY_ROWS_ONLY = {"Highway", "MaxoutDense", "SReLU", "ParametricSoftplus"}  # carried over if nothing moves


@dataclass
class Step:
    """One layer with weights."""

    old: Leaf
    new: Leaf
    stored: list[Stored]
    source: Form
    target: Form
    entries: list[tuple[np.ndarray, Shape] | None]  # by `weightmap.reordered`
    columns: np.ndarray | None = None  # for each unit of a Dense layer, the old one
    untouched: bool = False

    def run(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """The new file's arrays from the old file's."""
        if self.untouched:
            return list(arrays)
        return forms.encode(self.new.layer, self.target, self.modern(arrays))

    def left_out(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray] | None:
        """What the new model would get without this layer's map; None where that makes no difference."""
        values = np.concatenate([array.ravel() for array in arrays])
        wanted = self.modern(arrays)
        sizes = np.cumsum([array.size for array in wanted])
        found = [part.reshape(a.shape) for part, a in zip(np.split(values, sizes[:-1]), wanted)]
        return None if all(np.array_equal(a, b) for a, b in zip(found, wanted)) else found

    def modern(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        """The arrays of Keras 3 in the order of the new model."""
        found = forms.decode(self.old.layer, self.source, arrays)
        found = [a if e is None else weightmap.reordered(a, *e) for a, e in zip(found, self.entries, strict=True)]
        if self.columns is not None:
            found = [array[..., self.columns] for array in found]
        return found


@dataclass
class Plan:
    """The conversion of one file."""

    old: Architecture
    new: Architecture
    steps: list[Step]
    generation: int  # of the target
    before: Features  # what a walk through each model found
    after: Features
    notes: list[str] = field(default_factory=list)

    @property
    def reordered(self) -> list[str]:
        """The layers whose arrays come in another order of features, beyond the shapes of kernels."""
        return [s.old.name for s in self.steps if s.columns is not None or any(e is not None for e in s.entries)]


@dataclass(frozen=True)
class Facts:
    """What the file itself does not say."""

    from_backend: str = "auto"  # auto, theano, tensorflow
    to_backend: str = "auto"
    source_keras: str = "auto"
    flatten: str = "auto"  # auto, permute, reorder


def pair(
    models: Sequence[tuple[str, Architecture]], facts: Facts, generation: int
) -> tuple[Architecture, Architecture, list[str]]:
    """The old and the new model from what was given: named architectures, each old or new by its own settings.

    ``generation`` is that of the Keras that the old model was for. Raises WeightsError where the user has to
    choose.
    """
    old: Architecture | None = None
    new: Architecture | None = None
    for name, model in models:
        found = derive.orders(model)
        if len(found) > 1:
            raise WeightsError(f"{name}: the model mixes channels-first and channels-last layers")
        if "channels_last" in found:
            new = new or model
        else:
            old = old or model
    notes: list[str] = []
    if old is None and new is None:
        raise WeightsError("no architecture is known: give --script or --architecture")
    if old is None:
        assert new is not None
        old = _original(new, facts, generation)
        kept = derive.permuted_features(new)
        if kept:
            notes.append(
                f"{', '.join(kept)} is taken for what keeps the old order of features, so nothing is permuted there"
            )
    if new is None:
        new = _derived(old, facts, notes)
    return old, new, notes


def _original(new: Architecture, facts: Facts, generation: int) -> Architecture:
    """The old model of which only the new one is known."""
    if generation == 1 or facts.flatten == derive.REORDER:
        return derive.to_first(new)
    moving = derive.to_first(new, moving_flatten=True)
    if facts.flatten == "auto":
        name = _moving_rows(derive.to_first(new), new)
        if name:
            raise WeightsError(
                f"did Flatten before {name} move the channel last in the old program (Keras 2.2 and later do where the "
                "global setting is channels-first), or do the rows move now? Say --flatten permute for the first, "
                "--flatten reorder for the second, or give the old architecture"
            )
    return moving


def _moving_rows(old: Architecture, new: Architecture) -> str:
    """The first layer that reads features whose order differs; empty if none does."""
    before, entries, _ = _mapped(old, new)
    kinds = ("Dense", "LSTM", "GRU", "SimpleRNN", "Bidirectional")
    for leaf, (rows, _columns) in zip(before.leaves, entries):
        if leaf.layer.core.kind in kinds and any(row is not None for row in rows):
            return leaf.name
    return ""


def _derived(old: Architecture, facts: Facts, notes: list[str]) -> Architecture:
    if not derive.orders(old):
        notes.append("the model has no layer of images: nothing has a layout")
        return old
    choice = facts.flatten
    new = derive.to_last(old, derive.REORDER if choice == "auto" else choice)
    if choice == "auto":
        name = _moving_rows(old, new)
        if name:
            raise WeightsError(
                f"does the new program keep the order of features by a Permute layer before Flatten, or do the rows of "
                f"{name} move? Give --script with the new program, or say --flatten permute or --flatten reorder"
            )
    return new


_Entry = tuple[list[tuple[np.ndarray, Shape] | None], np.ndarray | None]


def _mapped(old: Architecture, new: Architecture) -> tuple[Features, list[_Entry], Features]:
    """What reaches the leaves of both models, and how the arrays of each are reordered between them."""
    try:
        before = follow(old)
        after = follow(new, before)
    except NotKnown as error:
        raise WeightsError(f"{error}") from None
    _align(before, after)
    columns = _columns(before, after)
    if columns:
        after = follow(new, before, columns)
        _align(before, after)
        if _columns(before, after):
            raise WeightsError("the features that reach the layers of images differ between the old and the new model")
    entries = []
    for old_leaf, new_leaf in zip(before.leaves, after.leaves):
        kind = old_leaf.layer.core.kind
        if kind in _TIED and (old_leaf.ids is None or new_leaf.ids is None):
            why = old_leaf.why or new_leaf.why or "something that is not followed"
            raise WeightsError(f"the order of the features that reach {old_leaf.name} is not known: {why}")
        if kind in _BY_ROWS_ONLY and not _same(old_leaf, new_leaf):
            raise WeightsError(f"the features that reach {old_leaf.name} ({kind}) move, which is not supported")
        entries.append((_rows(old_leaf, new_leaf), columns.get(_unit_key(before, old_leaf))))
    return before, entries, after


def _same(old: Leaf, new: Leaf) -> bool:
    return old.ids is not None and new.ids is not None and np.array_equal(old.ids, new.ids)


def _rows(old: Leaf, new: Leaf) -> list[tuple[np.ndarray, Shape] | None]:
    if not old.shapes or not new.shapes:
        return [None] * len(old.shapes or new.shapes)
    try:
        mapping = weightmap.build([old.described()], [new.described()])
    except ValueError as error:
        raise WeightsError(str(error)) from None
    if mapping.problems:
        raise WeightsError(mapping.problems[0])
    return list(mapping.entries)


def _align(before: Features, after: Features) -> None:
    """The leaves of both in the same order: by name, or one by one where the names differ."""
    names = [leaf.path for leaf in before.leaves]
    if sorted(names) == sorted(leaf.path for leaf in after.leaves):
        by_path = {leaf.path: leaf for leaf in after.leaves}
        after.leaves = [by_path[path] for path in names]
    old = [(leaf.name, leaf.layer.core.kind) for leaf in before.leaves]
    new = [(leaf.name, leaf.layer.core.kind) for leaf in after.leaves]
    for i, (one, other) in enumerate(zip(old, new)):
        if one[1] != other[1]:
            raise WeightsError(
                f"layer {i + 1} with weights is {one[0]} ({one[1]}), and {other[0]} ({other[1]}) in the new model"
            )
        for a, b in zip(before.leaves[i].shapes, after.leaves[i].shapes):
            if int(np.prod(a)) != int(np.prod(b)):
                raise WeightsError(f"{one[0]}: an array has the shape {a}, and {b} in the new model")
    if len(old) != len(new):
        raise WeightsError(f"the old model has {len(old)} layers with weights, the new one {len(new)}")


def _unit_key(features: Features, leaf: Leaf) -> str:
    dense = [other for other in features.leaves if other.layer.core.kind == "Dense"]
    return f"Dense {features.numbers[leaf.path]} call 1" if leaf in dense else ""


def _columns(before: Features, after: Features) -> dict[str, np.ndarray]:
    """Dense layers whose units come in another order, since a layer of images gets them in another."""
    found: dict[str, np.ndarray] = {}
    pairs = [(key, before.images[key], after.images[key]) for key in before.images if key in after.images]
    for key, olds, news in pairs:
        for old, new in zip(olds, news):
            if old.shape != new.shape or np.array_equal(old, new):
                continue
            maker = _maker(before, old, new)
            if maker is None:
                raise WeightsError(f"the features that reach {key} differ between the old and the new model")
            name, base, size = maker
            order = np.arange(size)
            inside = new.ravel() >= base
            order[new.ravel()[inside] - base] = old.ravel()[inside] - base
            if not np.array_equal(np.sort(order), np.arange(size)):
                raise WeightsError(f"the features that reach {key} differ between the old and the new model")
            found.setdefault(name, order)
    return found


def _maker(features: Features, old: np.ndarray, new: np.ndarray) -> tuple[str, int, int] | None:
    """The Dense layer all of whose units these are (and zeros from padding)."""
    for name, entry in features.trace["generators"].items():
        base, size = int(entry["base"]), int(np.prod(entry["shape"] or [1]))
        for ids in (old, new):
            if not np.all(((ids >= base) & (ids < base + size)) | (ids == 0)):
                break
        else:
            return (name, base, size) if name.startswith("Dense ") else None
    return None


def make(
    checkpoint: Checkpoint, old: Architecture, new: Architecture, target: str, facts: Facts, notes: Sequence[str] = ()
) -> Plan:
    """How to convert ``checkpoint``; ``target`` is same or keras3. Raises WeightsError for every mismatch."""
    before, entries, after = _mapped(old, new)
    befores = before.leaves
    stored = assign(checkpoint, old, befores)
    generation = checkpoint.generation if target == "same" else 3
    source = Form(checkpoint.generation, deviation=_deviation(checkpoint, befores, target, facts))
    rotations = _rotations(checkpoint, befores, target, facts)
    padded = [leaf.name for leaf in befores if rotations[0] != rotations[1] and _padded_otherwise(leaf)]
    if padded:
        text = (
            "pads otherwise in Theano ('same' with an even kernel or strides), so predictions differ from the old ones"
        )
        notes = [*notes, f"{', '.join(padded)} {text}"]
    steps = []
    for leaf, (rows, columns), other, own in zip(befores, entries, after.leaves, stored, strict=True):
        form = replace(source, count=len(own), rotated=rotations[0])
        form = _checked(checkpoint, leaf, own, form)
        if not rows:
            rows = [None] * len(own)
        kept = generation == form.generation
        goal = replace(form, rotated=rotations[1]) if kept else Form(generation, rotated=rotations[1])
        same = kept and columns is None and all(row is None for row in rows) and _as_stored(leaf, form, goal)
        step = Step(leaf, other, own, form, goal, rows, columns, same)
        if target == "keras3" and leaf.layer.core.kind in (*_BY_ROWS_ONLY, "LocallyConnected1D", "LocallyConnected2D"):
            raise WeightsError(f"{leaf.name}: Keras 3 has no {leaf.layer.core.kind}")
        steps.append(step)
    return Plan(old, new, steps, generation, before, after, list(notes))


def _padded_otherwise(leaf: Leaf) -> bool:
    """Does 'same' mean another function in Theano than in TensorFlow?"""
    layer = leaf.layer.core
    count = spatial(layer.kind)
    if not count or layer.config.get("padding") != "same" or not forms.turned(layer.kind):
        return False
    kernel, strides = sizes(layer.config["kernel_size"], count), sizes(layer.config.get("strides"), count)
    return any(size % 2 == 0 for size in kernel) or any(step > 1 and size > 1 for step, size in zip(strides, kernel))


def _as_stored(leaf: Leaf, source: Form, target: Form) -> bool:
    """Do the stored arrays stay as they are, where no feature moves?"""
    kind = leaf.layer.core.kind
    if kind.startswith("LocallyConnected"):
        return False
    inner = leaf.layer.core.inner
    spacious = forms.turned(kind) or (inner is not None and forms.turned(inner.kind))
    if spacious and source.rotated != target.rotated:
        return False
    return source.generation > 1 or spatial(kind) < 2


def _checked(checkpoint: Checkpoint, leaf: Leaf, stored: list[Stored], form: Form) -> Form:
    """The form that the stored shapes fit; raises WeightsError with both shapes where there is none."""
    if not leaf.shapes:
        return form
    options = [form]
    if form.generation == 1 and leaf.layer.core.kind == "Conv1D":
        options.append(replace(form, old_conv1d=True))
    actual = [s.shape for s in stored]
    expected: list[Shape] = []
    for option in options:
        expected = forms.stored_shapes(leaf.layer, option, leaf.shapes)
        if actual == expected or (leaf.layer.core.kind == "Highway" and sorted(actual) == sorted(expected)):
            return option
    expected = forms.stored_shapes(leaf.layer, form, leaf.shapes)
    if len(actual) != len(expected):
        raise WeightsError(
            f"{checkpoint.path}: {leaf.name} has {len(actual)} arrays in the file, and {len(expected)} in the model"
        )
    for one, shape, wanted in zip(stored, actual, expected):
        if shape != wanted:
            raise WeightsError(
                f"{checkpoint.path}: {leaf.name}: {one.name} has the shape {shape}, the model expects {wanted}"
            )
    return form


def _rotations(checkpoint: Checkpoint, leaves: Sequence[Leaf], target: str, facts: Facts) -> tuple[bool, bool]:
    """Are the kernels of the old and of the new file as Theano convolves?"""
    backend = facts.from_backend if facts.from_backend != "auto" else checkpoint.backend
    goal = facts.to_backend
    if goal == "auto":
        goal = "tensorflow" if target == "keras3" else backend
    kernels = any(forms.turned(leaf.layer.core.kind) for leaf in leaves)
    if not backend and not goal:
        return False, False
    if not backend and kernels:
        raise WeightsError(
            f"{checkpoint.path}: the file does not say whether Theano or TensorFlow trained it, and Theano's kernels "
            "are rotated: say --from-backend theano or --from-backend tensorflow"
        )
    return backend == "theano", goal == "theano"


def _deviation(checkpoint: Checkpoint, leaves: Sequence[Leaf], target: str, facts: Facts) -> bool:
    """Does BatchNormalization keep a standard deviation there? Only Keras up to 1.0.6 did."""
    if checkpoint.generation > 1 or not any(leaf.layer.core.kind == "BatchNormalization" for leaf in leaves):
        return False
    version = facts.source_keras if facts.source_keras != "auto" else checkpoint.keras_version
    numbers = tuple(int(part) for part in version.split(".") if part.isdecimal())
    if len(numbers) < 2 or (numbers == (1, 0)):
        if target == "same":
            return False
        raise WeightsError(
            f"{checkpoint.path}: the statistics of BatchNormalization mean something else up to Keras 1.0.6, and the "
            "file does not say its version: say --source-keras, e.g. 1.2"
        )
    return numbers < (1, 0, 7) and numbers != (1, 0)
