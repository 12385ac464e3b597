"""The program's own layout setting becomes channels-last, or is added.

## What it does
Changes the argument of `K.set_image_dim_ordering(...)`, `K.set_image_data_format(...)` and their
like. Where the program relied on an ordering from outside (an old default, a keras.json), the call
is added once, behind the imports.

## Why
Layers without a setting of their own follow the global one. A converted program says which it
needs, so that it does not depend on the machine it runs on.

## Example
```python
K.set_image_dim_ordering('th')
```
becomes
```python
K.set_image_dim_ordering('tf')
```

## Fix safety
Safe as part of a whole program. Where code that kmigrate cannot see makes layers under the same
setting, the setting is left alone and the layers get their own.

## References
https://keras.io/api/utils/config_utils/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import libcst as cst

from kmigrate.codemods import Stage, operation
from kmigrate.rewriting.expressions import Site, replace_string

CODES = {"KM107": "global layout setting becomes channels-last"}


@operation(Stage.NODE, "Constant", needs=("value",))
def change(node: cst.BaseExpression, args: Mapping[str, Any], site: Site) -> cst.BaseExpression:
    """``{value}``: the literal gets this content."""
    return replace_string(node, args["value"], site)


@operation(Stage.INSERT, "stmt", needs=("where", "text"))
def statement(args: Mapping[str, Any], site: Site) -> tuple[str, str]:
    """``{where, text}``: the statement ``text`` before or after this one."""
    return args["where"], args["text"]
