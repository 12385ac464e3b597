"""Convolutions that belong to no model of their file: custom layers, losses, tests. They get an answer of their own."""

from __future__ import annotations

from collections.abc import Iterable

from kmigrate.layout.graph import Because
from kmigrate.layout.interpret.machine import Interpreter
from kmigrate.layout.interpret.making_layers import LAYOUT_LAYERS, takes_layout
from kmigrate.layout.interpret.state import short
from kmigrate.layout.values import Place
from kmigrate.plan import Status

NAME = "layers outside of a model"
UNKNOWN = ("KM902", "KM903")  # reasons that say of a layer that its layout is not known
# What takes a layout and is no convolution, pooling or padding.
OTHERS = frozenset("Flatten Bidirectional TimeDistributed RNN Wrapper set_image_data_format bias_add".split())

FROM_ELSEWHERE = frozenset("load_model model_from_json model_from_yaml model_from_config from_config".split())


def loose(run: Interpreter, with_models: Iterable[str]) -> dict[str, list[Place]]:
    """Files without a model -> the places where they make layers, or call functions, that have a layout."""
    found: dict[str, list[Place]] = {}
    known = set(with_models)
    for api, call in run.bounds:
        home = api.module in ("keras.layers", "keras.backend") and api.name not in OTHERS
        place = run.place(call)
        if place.path not in known and (api.name in LAYOUT_LAYERS or (home and takes_layout(api))):
            found.setdefault(place.path, []).append(place)
    for place in run.unfollowed_maps:
        if place.path not in known:
            found.setdefault(place.path, []).append(place)
    return found


def verdict(
    run: Interpreter, path: str, places: list[Place], settled: str | None
) -> tuple[Status, list[Because]] | None:
    """The answer for the convolutions of one file, and why; None where they were changed along with others."""
    graph = run.graph
    if settled is not None:
        return Status.NOTHING, [Because(settled, path, 0)]
    goals = [node for node, because in graph.goals if because.path == path]
    stay = {graph.root(node) for node in goals if not graph.is_flipped(node)}
    if goals and not stay:
        return None
    lines = {line for place in places for line in range(place.line, _end(place) + 1)}
    pins = [because for node, because in graph.pins if graph.root(node) in stay]
    pins += [b for _, b in graph.pins if b.code in UNKNOWN and b.path == path and b.line in lines]
    for place in run.unfollowed_maps:
        if place.path == path:
            text = f"`{short(place.node)}` is not followed: which layout it has is not known"
            pins.append(run.because(text, place))
    if not pins and not stay:
        return Status.NOTHING, [Because("every convolution of this file is channels-last", path, 0)]
    if not pins:
        pins = [
            Because("what its channels-first layers are applied to is not followed", path, places[0].line, 1, "KM901")
        ]
    asked = any(because.code == "KM903" for because in pins)
    return (Status.ASKED if asked else Status.LEFT_ALONE), list(dict.fromkeys(pins))


def says_nothing(run: Interpreter) -> bool:
    """Is there nothing in a program that has a layout: no layer, no function, no setting, no model from elsewhere?"""
    ambient = any(entry.ambients or entry.reads for entry in run.entries)
    brought = any("applications" in api.module or api.name in FROM_ELSEWHERE for api, _ in run.bounds)
    return not (run.graph.goals or ambient or brought or loose(run, ()))


def _end(place: Place) -> int:
    return getattr(place.node, "end_lineno", None) or place.line
