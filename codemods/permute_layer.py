"""Permute layers keep what a later layer sees.

## What it does
Adds a `Permute` layer before a layer that depends on the order of its input's axes, most often
`Flatten`, and at the edges of a model that other code feeds: behind its input, before its output.
A `Permute` layer that would move nothing any more goes away, unless layers are taken by number.

## Why
`Flatten` reads a map in memory order. After channels-first maps the features come out channel by
channel, after channels-last maps pixel by pixel, and a `Dense` layer behind it, with its saved
weights, knows the old order only.

## Example
```python
model.add(Flatten())
model.add(Dense(128))
```
becomes
```python
model.add(Permute((3, 1, 2)))
model.add(Flatten())
model.add(Dense(128))
```

A model that other code feeds takes channels-first arrays as before:

```python
model.add(Conv2D(32, (3, 3), input_shape=(3, 64, 64)))
```
becomes
```python
model.add(Permute((2, 3, 1), input_shape=(3, 64, 64)))
model.add(Conv2D(32, (3, 3)))
```

## Fix safety
Safe: no weight changes. `--model-inputs flip` does without the layers at the edges, and the code that feeds the
model must then feed it channels-last. `--flatten reorder` does without the layer and changes the order of the
rows of the Dense layer's weights instead.

## References
https://keras.io/api/layers/reshaping_layers/permute/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import libcst as cst

from kmigrate.codemods import Stage, operation
from kmigrate.rewriting.callrecord import CallRecord
from kmigrate.rewriting.expressions import Site, as_argument, bare, plain_blank

CODES = {"KM106": "Permute layer added, or taken away"}
# Edits with ``edge`` do not keep the order of features (kmigrate/proof.py).


@operation(Stage.INSERT, "stmt", action="drop")
def gone(args: Mapping[str, Any], site: Site) -> tuple[str, str]:
    """A Permute layer that would move nothing goes away with its statement."""
    return "gone", ""


@operation(Stage.WRAP, "Call", action="remove")
def removed(node: cst.Call, args: Mapping[str, Any], site: Site) -> cst.BaseExpression:
    """The call of such a layer gives way to its tensor."""
    return node.args[0].value


@operation(Stage.INSERT, "stmt", needs=("where", "text"))
def statement(args: Mapping[str, Any], site: Site) -> tuple[str, str]:
    """``{where, text}``: the statement ``text`` before or after this one."""
    return args["where"], args["text"]


@operation(Stage.WRAP, "expr", needs=("callee", "dims"))
def around(node: cst.BaseExpression, args: Mapping[str, Any], site: Site) -> cst.Call:
    """``{callee, dims}``: the tensor goes through ``callee(dims)``."""
    layer = cst.Call(site.expression(args["callee"]), [cst.Arg(site.numbers(args["dims"]))])
    return cst.Call(layer, [cst.Arg(as_argument(bare(node)))])


@operation(Stage.WRAP, "Name", needs=("name",))
def renamed(node: cst.BaseExpression, args: Mapping[str, Any], site: Site) -> cst.BaseExpression:
    """``{name}``: the tensor behind a Permute layer, which has a name of its own, is read here."""
    return site.expression(args["name"])


@operation(Stage.CALL, "Call", needs=("drop",))
def drop(record: CallRecord, args: Mapping[str, Any]) -> None:
    """``{drop}``: a keyword that the Permute layer before this layer has taken over."""
    argument = record.keyword(args["drop"])
    if argument is not None:
        record.remove(argument)


@operation(Stage.NODE, "List", needs=("at", "back", "text"))
def element(node: cst.List, args: Mapping[str, Any], site: Site) -> cst.List:
    """``{at, back, text}``: a new part ``text`` of a list of layers, with ``back`` old parts behind it.

    Several insertions into one list are made in the order of ``at``, so counting from the end holds.
    """
    parts = list(node.elements)
    place = len(parts) - args["back"]
    model = parts[place - 1] if place > 0 else parts[0]
    comma = _plain(model.comma)
    new = cst.Element(site.expression(args["text"]), comma=comma)
    if place == len(parts):
        new = new.with_changes(comma=parts[-1].comma)
        before = parts[-2].comma if len(parts) > 1 else cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
        parts[-1] = parts[-1].with_changes(comma=_plain(before))
    parts.insert(place, new)
    return node.with_changes(elements=parts)


def _plain(comma: cst.Comma | cst.MaybeSentinel) -> cst.Comma:
    """The comma and the line break behind it, without a comment that belongs to its own line."""
    if not isinstance(comma, cst.Comma):
        return cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    return comma.with_changes(whitespace_after=plain_blank(comma.whitespace_after))
