"""Axis numbers follow their axis to its channels-last place.

## What it does
Changes the number of an axis where an operation works along it: `concatenate`, reductions,
`BatchNormalization`, softmax, `expand_dims` and others. Where the number was left to its default,
and the default now means another axis, it is written out.

## Why
In a channels-first map axis 1 is the channels, in a channels-last map it is the rows.

## Example
```python
x = concatenate([a, b], axis=1)
y = BatchNormalization()(x)
```
becomes
```python
x = concatenate([a, b], axis=-1)
y = BatchNormalization(axis=2)(x)
```

## Fix safety
Safe as part of a whole model. `BatchNormalization()` on a channels-first map normalises the width.
That is most often a mistake, but it is what the program computes, so it stays, as the axis number of
the width, and kmigrate says so (KM151).

## References
https://keras.io/api/layers/normalization_layers/batch_normalization/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import libcst as cst

from kmigrate.codemods import Stage, operation
from kmigrate.rewriting.callrecord import CallRecord
from kmigrate.rewriting.expressions import Site

CODES = {"KM103": "axis number follows its axis"}


@operation(Stage.CALL, "Call", needs=("keyword", "value"))
def set_keyword(record: CallRecord, args: Mapping[str, Any]) -> None:
    """``{keyword, value}``: the call gives the axis by a keyword that it has or gets."""
    record.set_keyword(args["keyword"], record.site.integer(args["value"]))


@operation(Stage.NODE, "expr", needs=("value",))
def change(node: cst.BaseExpression, args: Mapping[str, Any], site: Site) -> cst.BaseExpression:
    """``{value}``: the expression becomes this integer."""
    return site.integer(args["value"])
