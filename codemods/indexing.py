"""Indices and slices follow their axis to its channels-last place.

## What it does
Reorders what stands in `x[...]`, and writes `:` for axes that are taken whole.

## Why
`x[:, 0]` takes the first channel of channels-first images; of channels-last images it would take
the first row.

## Example
```python
red = x[:, 0, :, :]
```
becomes
```python
red = x[:, :, :, 0]
```

## Fix safety
Safe as part of a whole model.

## References
https://numpy.org/doc/stable/user/basics.indexing.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import libcst as cst

from kmigrate.codemods import Stage, operation
from kmigrate.rewriting.error import RewriteError
from kmigrate.rewriting.expressions import Site

CODES = {"KM104": "index follows its axis"}


@operation(Stage.NODE, "Subscript", needs=("indices",))
def reorder(node: cst.Subscript, args: Mapping[str, Any], site: Site) -> cst.Subscript:
    """``{indices}``: the new list, by numbers of old entries; None is ``:``."""
    wanted: list[int | None] = list(args["indices"])
    old = _entries(node, wanted)
    if not wanted or any(not 0 <= i < len(old) for i in wanted if i is not None):
        raise RewriteError(f"the index has {len(old)} entries; the plan orders them as {wanted}")
    commas = [e.comma for e in old if isinstance(e.comma, cst.Comma)]
    usual = commas[0] if commas else cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    entries = []
    for place, index in enumerate(wanted):
        entry = _whole_axis() if index is None else old[index]
        last = place == len(wanted) - 1
        comma = old[-1].comma if last else usual
        if not last and len(wanted) == len(old):
            comma = old[place].comma
        entries.append(entry.with_changes(comma=comma))
    return node.with_changes(slice=entries)


def _entries(node: cst.Subscript, wanted: Sequence[int | None]) -> list[cst.SubscriptElement]:
    """The old entries; ``x[(i, j)]`` has two, as ``x[i, j]``."""
    slices = list(node.slice)
    only = slices[0].slice
    if len(slices) > 1 or not isinstance(only, cst.Index) or not isinstance(only.value, cst.Tuple):
        return slices
    return [
        cst.SubscriptElement(cst.Index(value=e.value), comma=e.comma)
        for e in only.value.elements
        if isinstance(e, cst.Element)
    ]


def _whole_axis() -> cst.SubscriptElement:
    return cst.SubscriptElement(cst.Slice(lower=None, upper=None))


@operation(Stage.NODE, "Subscript", needs=("text",))
def rewrite(node: cst.Subscript, args: Mapping[str, Any], site: Site) -> cst.Subscript:
    """``{text}``: another slice, such as ``1:3`` for ``2:`` of a shape."""
    new = site.expression(f"x[{args['text']}]")
    assert isinstance(new, cst.Subscript)
    return node.with_changes(slice=new.slice)
