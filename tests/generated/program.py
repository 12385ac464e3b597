"""A whole program: data, one or two models, training, and what becomes of the predictions."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from tests.generated import data, tails
from tests.generated.draft import Draft
from tests.generated.network import Network


@dataclass
class Program:
    """``ordering`` is what the program ran under; ``reorder`` whether Dense rows may move with their features."""

    text: str
    version: tuple[int, ...]
    ordering: str
    implied: bool
    reorder: bool
    options: dict[str, Any] = field(default_factory=dict)


def generate(seed: int, wild: bool = False) -> Program:
    """``wild``: with statements that few programs have, on the images."""
    rng = random.Random(seed)
    d = Draft(rng, wild)
    reorder = d.chance(0.4)
    body = _body(d)
    options: dict[str, Any] = {"flatten": "auto" if reorder else "permute"}
    implied = d.setting == "implied"
    if not (d.version in ((2, 2, 4), (3, 0, 0)) and d.chance(0.3)):
        options["source_keras"] = ".".join(map(str, d.version))
    ordering = "tf"
    if implied or d.version < (1, 1):
        ordering = "th"
    if implied and d.version >= (1, 1):
        options["ordering"] = "th"
    return Program(body, d.version, ordering, implied, reorder, options)


def _body(d: Draft) -> str:
    main = d.chance(0.25)
    d.indent = "    " if main else ""
    shape = data.images(d, "x")
    _model(d, "model", "x", shape, main)
    if d.chance(0.15) and d.rank == 2:
        again = [*shape]
        _model(d, "other", "x", again, main)
    lines = _head(d)
    if main:
        lines += ["", "", "def main():", *d.lines, "", "", "if __name__ == '__main__':", "    main()"]
    else:
        lines += ["", *d.lines]
    return "\n".join(lines) + "\n"


def _head(d: Draft) -> list[str]:
    """Imports, the setting, constants and functions."""
    keras = ["import numpy as np"]
    if d.uses_backend:
        keras.append("from keras import backend as K")
    if d.style == "module":
        keras.append("from keras import layers")
    for module, names in sorted(d.imports.items()):
        keras.append(f"from {module} import {', '.join(sorted(names))}")
    d.rng.shuffle(keras)
    lines = [*keras, ""]
    constants = [f"{name} = {text}" for name, text in d.constants.items()]
    setter = d.setter()
    if d.setting == "setter name":
        constants = [c for c in constants if not c.startswith("ORDERING =")]
    lines += [*setter, *constants] if d.chance(0.5) else [*constants, *setter]
    for text in d.helpers.values():
        lines += ["", "", *text.rstrip("\n").split("\n")]
    return lines


def _model(d: Draft, name: str, x: str, shape: list[int], inside: bool) -> None:
    kind = d.pick(["add", "add", "list", "functional", "functional", "functional"])
    function = d.chance(0.3) and kind != "list"
    outer, lines = d.indent, d.lines
    if function:
        d.lines, d.indent = [], "    "
    variable = d.name("net" if kind != "functional" else "t")
    net = Network(d, shape[1:], kind, variable)
    inputs = ""
    text = _input_shape(d, x, shape, function)
    if kind == "functional":
        inputs = d.name("inputs")
        call = d.layer("Input")
        d.use("keras.models", "Model")
        d.add(f"{inputs} = {call}({d.pick(['', 'shape='])}{text})", f"{variable} = {inputs}")
    else:
        d.use("keras.models", "Sequential")
        if kind == "add":
            d.add(f"{variable} = Sequential()")
        net.first_argument = f"input_shape={text}"
    net.add_conv()
    for _ in range(d.rng.randint(1, 6)):
        net.step()
    tail = tails.add(net)
    if kind == "functional":
        d.add(f"{variable} = {_model_call(d, inputs, variable)}")
    elif kind == "list":
        inner = f",\n{d.indent}    ".join(net.listed)
        d.add(f"{variable} = Sequential([\n{d.indent}    {inner},\n{d.indent}])")
    if function:
        d.add(f"return {variable}")
        builder = d.name("build")
        d.helper(builder, "\n".join([f"def {builder}():", *d.lines]) + "\n")
        d.lines, d.indent = lines, outer
        d.add(f"{name} = {builder}()")
    else:
        d.add(f"{name} = {variable}")
        if d.chance(0.5):
            d.lines.pop()
            name = variable
    tails.train(d, name, x, shape, tail)


def _model_call(d: Draft, inputs: str, outputs: str) -> str:
    if d.old:
        return d.pick([f"Model({inputs}, {outputs})", f"Model(input={inputs}, output={outputs})"])
    return d.pick([f"Model({inputs}, {outputs})", f"Model(inputs={inputs}, outputs={outputs})"])


def _input_shape(d: Draft, x: str, shape: list[int], function: bool) -> str:
    text = d.shape_text(shape[1:])
    form = d.rng.random()
    if d.setting == "implied":
        return text
    if form < 0.2:
        name = d.name("INPUT_SHAPE")
        d.constants[name] = str(tuple(shape[1:]))
        return name
    if form < 0.35 and not function:
        return f"{x}.shape[1:]"
    if form < 0.45 and d.setting in ("branch", "setter") and d.rank == 2:
        c, h, w = shape[1:]
        name = d.name("input_shape")
        d.add(f"if {d.query()} == {d.first_name!r}:", f"    {name} = ({c}, {h}, {w})")
        d.add("else:", f"    {name} = ({h}, {w}, {c})")
        return name
    return text
