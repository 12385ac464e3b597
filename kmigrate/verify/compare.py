"""Decide from two recorded runs whether they computed the same. Pure: no I/O, no Keras.

Five checks, because no single one sees every bug: (a) the data fed to the models, (b) predictions
under random weights, (c) loss and gradient of one step, (d) weights and predictions after a few
steps of the script's own optimizer, (e) the settings that a short training without randomness cannot
show (`kmigrate.verify.settings`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from typing import Any

import numpy as np

from kmigrate.verify.certificate import Divergence, Figure, ModelFigures, Verdict
from kmigrate.verify.correspond import IDENTITY, MOVES, data_tolerance, distance, l2, match, move, possible
from kmigrate.verify.settings import changed_arguments, changed_layers
from kmigrate.verify.tolerances import (
    GRADIENT,
    INACCURATE,
    LATER,
    LOUD,
    LOUD_GRADIENT,
    NOISE,
    PREDICTIONS,
    STEPPED,
    WEIGHTS,
)
from kmigrate.verify.weightmap import WeightMap

FLOATS = {"float16": 2.0**-10, "float32": 2.0**-23}  # and their units in the last place, coarsest first
DATA_NAMES = {"x": "inputs", "y": "labels", "sample_weight": "sample weights"}
AFTER_STEPS = ("weights", "later predictions", "losses", "metrics", "outputs", "saved values")
DATA = frozenset(DATA_NAMES.values())
EXPLODED = 1e12  # beyond this a training is lost, and rounding has grown with it
PICTURE = "a picture"  # what is shown, or saved as one
_LEVELS = 16  # a picture of fewer holds classes
_SUMMED, _SUMS = 10, 1e-12  # fingerprints add up the rounding of a sample
REORDERED = "reordered to follow the features"


@dataclass
class Comparison:
    """Figures of one pair of runs."""

    models: list[ModelFigures] = field(default_factory=list)
    events: list[Figure] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)  # the runs do not correspond at all

    @property
    def figures(self) -> list[Figure]:
        """All of them."""
        return [*self.events, *(f for model in self.models for f in model.figures)]

    @property
    def verdict(self) -> Verdict:
        """EQUIVALENT, INACCURATE or DIFFERENT; whether anything was compared is the caller's question."""
        failed = [f for f in self.figures if not f.passed]
        if self.problems or any(f.error > _gross(f) for f in failed):
            return Verdict.DIFFERENT
        return Verdict.INACCURATE if failed else Verdict.EQUIVALENT

    @property
    def reason(self) -> str:
        """The first things that are wrong, or what was found equal."""
        if self.problems:
            return "; ".join(self.problems[:3])
        for figure in self.figures:
            if not figure.passed:
                return f"{figure.check} {figure.detail}".strip() + f" differ by {figure.error:.1e}"
        worst = max((f.error for f in self.figures), default=0.0)
        text = f"{len(self.figures)} comparisons, largest difference {worst:.1e}"
        moved = [model.name for model in self.models if model.weights == REORDERED]
        return text + (f"; the weights of {', '.join(moved)} are in another order" if moved else "")


def compare(before: dict[str, Any], after: dict[str, Any], same_weights: bool = False) -> Comparison:
    """The figures of ``after`` against ``before``, both as `kmigrate.verify.log` reads them.

    ``same_weights`` refuses a model that needs its weights in another order; so does a program that
    loads or saves them.
    """
    result = Comparison()
    for old, new in zip(before["models"], after["models"], strict=False):
        if "map_error" in new:  # the run ended there
            result.problems.append(f"{old['name']}: {new['map_error']}")
            return result
    moves = _Moves()
    _events(before, after, moves, result)
    for number, (old, new) in enumerate(zip(before["models"], after["models"], strict=False)):
        result.models.append(_model(number, old, new, same_weights or bool(before["keeps_weights"]), result))
    if len(before["models"]) != len(after["models"]):
        result.problems.append(f"{len(before['models'])} models are used before, {len(after['models'])} after")
    return result


def _gross(figure: Figure) -> float:
    """From where on a failed check is another function, not a loss of accuracy."""
    if figure.noise is None:
        return INACCURATE
    return max(INACCURATE, NOISE**2 * figure.noise, STEPPED if figure.check in AFTER_STEPS else 0.0)


def worst(comparisons: list[Comparison]) -> Comparison:
    """Comparisons of the same two programs with several seeds as one: of each figure the largest.

    If one of them is DIFFERENT, the first such.
    """
    first = next((one for one in comparisons if one.verdict is Verdict.DIFFERENT), None)
    if first is not None or len(comparisons) == 1:
        return first or comparisons[0]
    result = replace(comparisons[0], events=_largest([one.events for one in comparisons]), models=[])
    for same in zip(*(one.models for one in comparisons), strict=True):
        shown = next((model for model in same if model.diverges or model.remark), same[0])
        result.models.append(replace(shown, figures=_largest([model.figures for model in same])))
    return result


def _largest(lists: list[list[Figure]]) -> list[Figure]:
    """Figures of the same checks as one list."""
    found: dict[tuple[str, str], Figure] = {}
    for figure in (figure for figures in lists for figure in figures):
        key = figure.check, figure.detail
        if key not in found or figure.error > found[key].error:
            found[key] = figure
    return list(found.values())


def forced(run: dict[str, Any]) -> str:
    """The coarsest float type that the program's models compute in, if it is not float64; else empty."""
    found = {str(value.dtype) for model in run["models"] for value in _computed(model)}
    return next((name for name in FLOATS if name in found), "")


def _computed(model: dict[str, Any]) -> list[np.ndarray]:
    return [*model.get("values", []), *(a["value"] for a in model.get("activations", []))]


def against_noise(found: Comparison, noise: Comparison, least: float) -> Comparison:
    """``found``, judged by how far the before-run is from itself with its inputs moved by ``least``.

    That is one unit in the last place, and counts as noise where less is seen (a loss is a single number).
    """
    models = []
    for number, model in enumerate(found.models):
        figures = _allowed(model.figures, noise.models[number].figures, least)
        diverges = None if all(figure.passed for figure in figures) else model.diverges
        models.append(replace(model, figures=figures, diverges=diverges))
    return replace(found, events=_allowed(found.events, noise.events, least), models=models)


def _allowed(figures: list[Figure], noise: list[Figure], least: float) -> list[Figure]:
    def key(figure: Figure) -> tuple[str, str]:
        return figure.check, figure.detail.partition(" / ")[0]  # by the line in the before-program

    own: dict[tuple[str, str], float] = {}
    for figure in noise:
        own[key(figure)] = max(figure.error, own.get(key(figure), 0.0))
    result = []
    for figure in figures:
        if figure.check in DATA:
            result.append(figure)
        else:
            error = max(least, own.get(key(figure), 0.0))
            result.append(replace(figure, noise=error, tolerance=max(figure.tolerance, NOISE * error)))
    return result


def loud(noise: Comparison) -> Figure | None:
    """A figure of the program's own noise that is too large to judge by."""
    limits = {"predictions": LOUD, "loss": LOUD, "gradient of the outputs": LOUD_GRADIENT, "gradient": LOUD_GRADIENT}
    return next((f for f in noise.figures if f.check in limits and not f.error <= limits[f.check]), None)


def exceptional(model: dict[str, Any]) -> float:
    """What the deliberate mistake changed in the predictions of a control run's model."""
    if "mutated" not in model:
        return 0.0
    pairs = zip(model["predictions"], model["mutated"], strict=True)
    return max((distance(a, b) for a, b in pairs), default=0.0)


class _Moves:
    """One correspondence for each input of each model; arrays that fit both ways leave it open."""

    def __init__(self) -> None:
        self.fixed: dict[tuple[int, str, int], str] = {}

    def check(self, key: tuple[int, str, int], before: np.ndarray, after: np.ndarray) -> tuple[str, float]:
        found = match(before, after)
        if key in self.fixed and self.fixed[key] != found.how:
            how = self.fixed[key]
            return how, distance(move(before, how), after)
        others = [how for how in possible(before.ndim) if how != found.how]
        ambiguous = any(distance(move(before, other), after) == found.error for other in others)
        if not ambiguous and np.isfinite(found.error):
            self.fixed[key] = found.how
        return found.how, found.error


def _events(before: dict[str, Any], after: dict[str, Any], moves: _Moves, result: Comparison) -> None:
    for index, (old, new) in enumerate(zip(before["events"], after["events"], strict=False)):
        where = f"{old['kind']} at {old['where']} / {new['where']}"
        if old["kind"] != new["kind"] or old.get("model") != new.get("model"):
            result.problems.append(f"call {index + 1} is {where}")
            return
        changes = changed_arguments(old.get("arguments", {}), new.get("arguments", {}))
        result.problems += [f"{where}: {change}" for change in changes]
        _data(old, new, where, moves, result)
        _results(old, new, where, result)
    counts = len(before["events"]), len(after["events"])
    if counts[0] != counts[1] and not result.problems:
        result.problems.append(f"{counts[0]} calls before, {counts[1]} after")


def _data(old: dict[str, Any], new: dict[str, Any], where: str, moves: _Moves, result: Comparison) -> None:
    for name in old["data"]:
        pair = old["data"][name], new["data"].get(name, [])
        check = DATA_NAMES.get(name, name)
        if len(pair[0]) != len(pair[1]):
            result.problems.append(f"{where}: {len(pair[0])} {check}, then {len(pair[1])}")
            continue
        for i, (a, b) in enumerate(zip(*pair, strict=True)):
            numbers = [run.get("whole", {}).get(name) or [] for run in (old, new)]
            whole = [side[i] if i < len(side) else None for side in numbers]
            if old["kind"] == "save":  # what leaves the program keeps its layout
                error = max(distance(a, b), _samples(IDENTITY, *whole))
                result.events.append(Figure("saved values", error, _saved(old, a), f"in {old.get('name')}"))
                continue
            how, error = moves.check((int(old.get("model", -1)), name, i), a, b)
            shapes = "" if a.shape == b.shape else f", {a.shape} / {b.shape}"
            result.events.append(Figure(check, error, data_tolerance(a), f"of {where}{shapes}"))
            if whole[0] is not None:
                tolerance = max(_SUMMED * data_tolerance(a), _SUMS)
                result.events.append(Figure(check, _samples(how, *whole), tolerance, f"of {where}, all samples"))


def _samples(how: str, before: list[np.ndarray] | None, after: list[np.ndarray] | None) -> float:
    """How far the fingerprints of all samples are apart (`kmigrate.verify.child.arrays.fingerprints`)."""
    if before is None or after is None:
        return 0.0 if before is after else float("inf")
    return distance(before[list(MOVES).index(how)], after[0])


def _saved(event: dict[str, Any], values: np.ndarray) -> float:
    """Rounding may change the whole numbers of a picture by one."""
    if event.get("name") != PICTURE or values.dtype.kind not in "iu" or values.max(initial=0) <= _LEVELS:
        return LATER
    return 1.01 / float(values.max())


def _results(old: dict[str, Any], new: dict[str, Any], where: str, result: Comparison) -> None:
    if "losses" in old["results"] and "losses" in new["results"]:
        losses = np.asarray(old["results"]["losses"], dtype=np.float64)
        lost = np.flatnonzero(~(np.abs(losses) < EXPLODED))
        sane = slice(None, int(lost[0]) if lost.size else None)
        error = distance(losses[sane], np.asarray(new["results"]["losses"])[sane])
        result.events.append(Figure("losses", error, LATER, f"of {where}"))
    if "metrics" in old["results"] and "metrics" in new["results"] and sane == slice(None, None):
        error = distance(np.asarray(old["results"]["metrics"]), np.asarray(new["results"]["metrics"]))
        result.events.append(Figure("metrics", error, LATER, f"of {where}"))
    if "outputs" in old["results"]:
        result.events.append(
            Figure(
                "outputs",
                _moved(old["results"]["outputs"], new["results"].get("outputs", [])),
                LATER,
                f"of {where}",
            )
        )


def _moved(before: list[np.ndarray], after: list[np.ndarray]) -> float:
    if len(before) != len(after):
        return float("inf")
    return max((match(a, b).error for a, b in zip(before, after, strict=True)), default=0.0)


def _model(
    number: int, old: dict[str, Any], new: dict[str, Any], same_weights: bool, result: Comparison
) -> ModelFigures:
    model = ModelFigures(old["name"] or f"model {number + 1}", old["where"], new["where"])
    if "predictions" not in old or "predictions" not in new:
        result.problems.append(f"{model.name} could not be run")
        return model
    result.problems += [f"{model.name}: {change}" for change in changed_layers(old["settings"], new["settings"])]
    mapping = WeightMap.from_plain(new["map"])
    model.weights = "as they are" if mapping.identity else REORDERED
    if same_weights and not mapping.identity:
        first = next(layer["name"] for layer, moved in _layers_moved(new, mapping) if moved)
        result.problems.append(f"{model.name}: old weights don't fit, {first} needs them in another order")
    add = model.figures.append
    add(Figure("predictions", _moved(old["predictions"], new["predictions"]), PREDICTIONS))
    for name, check in (("projection", "gradient of the outputs"), ("gradient", "gradient")):
        if name in old and len(old[name]) == len(mapping.entries):
            add(Figure(check, l2(mapping.apply(old[name]), new.get(name, [])), GRADIENT))
    if "loss" in old:
        add(Figure("loss", distance(np.array([old["loss"]]), np.array([new.get("loss", np.nan)])), GRADIENT))
    if "final" in old and "final" in new:
        steps = f"after {old['final']['steps']} steps"
        if exploded(old["final"]["weights"]) and exploded(new["final"]["weights"]):
            model.remark = f"its training diverges in both runs: not compared {steps}"
        else:
            expected = mapping.apply(old["final"]["weights"])
            add(Figure("weights", l2(expected, new["final"]["weights"]), WEIGHTS, steps))
            found = _moved(old["final"]["predictions"], new["final"]["predictions"])
            add(Figure("later predictions", found, LATER, steps))
    elif "final" in old or "final" in new:
        result.problems.append(f"{model.name} is trained in one of the runs only")
    if any(not f.passed for f in model.figures):
        model.diverges = first_difference(old["activations"], new["activations"])
        if not model.diverges and mapping.problems:
            model.remark = mapping.problems[0]
    return model


def exploded(weights: list[np.ndarray]) -> bool:
    """Are some of them no numbers any more, or beyond all measure?"""
    return any(not (np.abs(w) < EXPLODED).all() for w in weights)


def _layers_moved(model: dict[str, Any], mapping: WeightMap) -> list[tuple[dict[str, Any], bool]]:
    """Each layer, and whether one of its weights is reordered."""
    found, start = [], 0
    for layer in model["layers"]:
        stop = start + len(layer["shapes"])
        found.append((layer, any(entry is not None for entry in mapping.entries[start:stop])))
        start = stop
    return found


def first_difference(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> Divergence | None:
    """The first layer, in the order of the calls, whose output differs; layers pair by their classes."""
    kinds = [a["class"] for a in before], [a["class"] for a in after]
    for block in SequenceMatcher(None, *kinds, autojunk=False).get_matching_blocks():
        for i in range(block.size):
            old, new = before[block.a + i], after[block.b + i]
            if _layer_distance(old["value"], new["value"]) > 1e-7:
                return Divergence(old["name"], old["class"], old["where"], new["where"])
    return None


def _layer_distance(old: np.ndarray, new: np.ndarray) -> float:
    """Flat features may stand in another order: their values, sorted, decide."""
    if old.ndim == 2 and old.shape == new.shape:
        return distance(np.sort(old, axis=1), np.sort(new, axis=1))
    return match(old, new).error
