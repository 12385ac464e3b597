"""Layout settings of layers become channels-last.

## What it does
Changes the layout that a layer, a backend function or a loader is told to use: `'th'` becomes
`'tf'`, `'channels_first'` becomes `'channels_last'`. Where a layer relied on an ordering that
came from outside the program, the setting is added to the call.

## Why
Channels-last is what TensorFlow computes on; channels-first convolutions are slower there, and on
most CPUs they do not run at all.

## Example
```python
model.add(Convolution2D(32, 3, 3, dim_ordering='th'))
```
becomes
```python
model.add(Convolution2D(32, 3, 3, dim_ordering='tf'))
```

## Fix safety
Safe as part of a whole model: kmigrate changes the shapes, axes and data of the model with it, or
nothing at all. Kernels of Keras 1 models are stored in another order afterwards.

## References
https://keras.io/api/layers/convolution_layers/convolution2d/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import libcst as cst

from kmigrate.codemods import Stage, operation
from kmigrate.rewriting.callrecord import CallRecord
from kmigrate.rewriting.expressions import Site, replace_string

CODES = {"KM101": "layout setting becomes channels-last"}


@operation(Stage.NODE, "Constant", needs=("value",))
def change(node: cst.BaseExpression, args: Mapping[str, Any], site: Site) -> cst.BaseExpression:
    """``{value}``: the literal gets this content."""
    return replace_string(node, args["value"], site)


@operation(Stage.CALL, "Call", needs=("keyword", "value"))
def set_keyword(record: CallRecord, args: Mapping[str, Any]) -> None:
    """``{keyword, value}``: the call says so, with a keyword that it has or gets."""
    record.set_keyword(args["keyword"], record.site.string(args["value"]))
