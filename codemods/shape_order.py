"""Shapes are written in channels-last order.

## What it does
Reorders the numbers of a shape: of a tuple or list, or of a call that takes them one by one.

## Why
A channels-last model takes `(rows, columns, channels)` where a channels-first one took
`(channels, rows, columns)`.

## Example
```python
model.add(Convolution2D(32, 3, 3, input_shape=(1, 28, 28)))
X = X.reshape(n, 1, 28, 28)
```
becomes
```python
model.add(Convolution2D(32, 3, 3, input_shape=(28, 28, 1)))
X = X.reshape(n, 28, 28, 1)
```

## Fix safety
Safe as part of a whole model. A reshape is reordered only where the axes that move have size 1;
elsewhere it stays, and a transpose follows.

## References
https://numpy.org/doc/stable/reference/generated/numpy.reshape.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import libcst as cst

from kmigrate.codemods import Stage, operation
from kmigrate.rewriting.callrecord import CallRecord
from kmigrate.rewriting.expressions import Site, pick

CODES = {"KM102": "shape in channels-last order"}


@operation(Stage.NODE, "Tuple", "List", needs=("order",))
def reorder(node: cst.Tuple | cst.List, args: Mapping[str, Any], site: Site) -> cst.BaseExpression:
    """``{order}``: part i becomes the old part order[i]; commas, blanks and comments stay in place."""
    return node.with_changes(elements=pick(list(node.elements), list(args["order"]), "the shape"))


@operation(Stage.CALL, "Call", needs=("order", "first"))
def reorder_arguments(record: CallRecord, args: Mapping[str, Any]) -> None:
    """``{order, first}``: the same for the positional arguments from ``first`` on."""
    record.permute(args["first"], list(args["order"]))


@operation(Stage.WRAP, "expr", needs=("text",))
def reordered(node: cst.BaseExpression, args: Mapping[str, Any], site: Site) -> cst.BaseExpression:
    """``{text}``: the shape is put together anew where it is read, for it must stay where it is written."""
    return site.expression(args["text"])
