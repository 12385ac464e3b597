"""Names of old Keras become those of Keras 3.

## What it does
Renames what has another name today (`Convolution2D`, `keras.layers.core.Dense`,
`K.image_dim_ordering`), rewrites the imports accordingly, and translates the strings 'th' and 'tf'
where they are compared with the ordering.

## Why
Keras 3 has neither the old modules nor most of the old names.

## Example
```python
from keras.layers.convolutional import Convolution2D
if K.image_dim_ordering() == 'th':
    shape = (3, 32, 32)
```
becomes
```python
from keras.layers import Conv2D
if K.image_data_format() == 'channels_first':
    shape = (3, 32, 32)
```

## Fix safety
Safe: only names that resolve to Keras through the imports are renamed. Where the new name is taken in
the file, the import keeps the old one (`import Conv2D as Convolution2D`).

## References
https://keras.io/guides/migrating_to_keras_3/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import libcst as cst

from kmigrate.codemods import Stage, operation
from kmigrate.rewriting.error import RewriteError
from kmigrate.rewriting.expressions import Site, replace_string

CODES = {"KM301": "name or module of Keras 3"}


@operation(Stage.NODE, "Constant", needs=("value",))
def string(node: cst.BaseExpression, args: Mapping[str, Any], site: Site) -> cst.BaseExpression:
    """``{value}``: the literal gets this content."""
    return replace_string(node, args["value"], site)


@operation(Stage.NODE, "Name", "Attribute", needs=("text",))
def name(node: cst.BaseExpression, args: Mapping[str, Any], site: Site) -> cst.BaseExpression:
    """``{text}``: the dotted name becomes this one."""
    return site.expression(args["text"]).with_changes(lpar=node.lpar, rpar=node.rpar)


@operation(Stage.NODE, "Attribute", needs=("attr",))
def attribute(node: cst.Attribute, args: Mapping[str, Any], site: Site) -> cst.Attribute:
    """``{attr}``: another attribute of the same thing."""
    return node.with_changes(attr=cst.Name(args["attr"]))


@operation(Stage.NODE, "Import", "ImportFrom", needs=("text",))
def statement(node: cst.BaseSmallStatement, args: Mapping[str, Any], site: Site) -> cst.BaseSmallStatement:
    """``{text}``: the import becomes this one."""
    line = cst.parse_statement(args["text"], site.table.module.config_for_parsing)
    if not isinstance(line, cst.SimpleStatementLine):
        raise RewriteError(f"the plan gives {args['text']!r}, which is no import")
    new = cst.ensure_type(line.body[0], (cst.Import, cst.ImportFrom))  # type: ignore[arg-type]
    return new.with_changes(semicolon=node.semicolon)


@operation(Stage.INSERT, "stmt", needs=("where", "text"))
def beside(args: Mapping[str, Any], site: Site) -> tuple[str, str]:
    """``{where, text}``: code before or after this statement."""
    return args["where"], args["text"]
