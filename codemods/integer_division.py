"""Divisions of whole numbers in Python 2 become those of Python 3.

## What it does
With `--target keras3`, in a file that is written in Python 2 (or parses as Python 3 and uses what only Python 2 has):
`/` between whole numbers becomes `//`, and so does `/` in a place that takes a whole number only (an index, a slice,
the size of an array, an argument of `range`). fissix does the rest of the repair; it leaves divisions alone.

## Why
`7 / 2` is 3 in Python 2 and 3.5 in Python 3. In a shape that is an error today, elsewhere it is another number.

## Example
```python
half = len(images) / 2
train, test = images[:half], images[half:]
```
becomes
```python
half = len(images) // 2
train, test = images[:half], images[half:]
```

## Fix safety
Safe: only where both sides are whole numbers by what the file says, or a fraction would be an error. Other divisions
by a whole number stay; where it is not known what they divide, KM403 says so.

## References
https://peps.python.org/pep-0238/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import libcst as cst

from kmigrate.codemods import Stage, operation
from kmigrate.rewriting.error import RewriteError
from kmigrate.rewriting.expressions import Site

CODES = {"KM402": "division of whole numbers"}


@operation(Stage.NODE, "BinOp", floor=True)
def divide(node: cst.BaseExpression, args: Mapping[str, Any], site: Site) -> cst.BaseExpression:
    """``{floor: True}``: ``/`` becomes ``//``."""
    if not isinstance(node, cst.BinaryOperation) or not isinstance(node.operator, cst.Divide):
        raise RewriteError("the plan divides where nothing is divided")
    old = node.operator
    return node.with_changes(operator=cst.FloorDivide(old.whitespace_before, old.whitespace_after))


@operation(Stage.NODE, "AugAssign", floor=True)
def divide_in_place(node: cst.AugAssign, args: Mapping[str, Any], site: Site) -> cst.AugAssign:
    """``{floor: True}``: ``/=`` becomes ``//=``."""
    old = node.operator
    return node.with_changes(operator=cst.FloorDivideAssign(old.whitespace_before, old.whitespace_after))
