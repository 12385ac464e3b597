"""Arguments of old Keras calls become those of Keras 3, with the same meaning.

## What it does
Renames arguments (`nb_filter`, `border_mode`, `nb_epoch`), gives by keyword what has another place
today, joins what is one tuple today (`3, 3` to `(3, 3)`), drops what means nothing any more, and writes
out defaults that changed (`epsilon`, `momentum`, `epochs`).

## Why
Keras 3 refuses most of the old spelling, and takes some of it with another meaning:
`Conv2D(32, 3, 3)` is a kernel of 3 with strides of 3 there.

## Example
```python
model.add(Convolution2D(32, 3, 3, border_mode='same', dim_ordering='th'))
model.fit(X, y, nb_epoch=20)
```
becomes
```python
model.add(Conv2D(32, (3, 3), padding='same', data_format='channels_first'))
model.fit(X, y, epochs=20)
```

## Fix safety
Safe where the old meaning is known; calls that are not understood are left alone and reported.

## References
https://keras.io/guides/migrating_to_keras_3/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import libcst as cst

from kmigrate.codemods import Stage, operation
from kmigrate.rewriting.callrecord import CallRecord
from kmigrate.rewriting.error import RewriteError
from kmigrate.rewriting.expressions import Site, as_argument, as_primary

CODES = {
    "KM302": "arguments of Keras 3",
    "KM303": "old default or definition written out",
}


@operation(Stage.CALL, "Call", needs=("value", "keyword", "remove", "add"))
def arguments(record: CallRecord, args: Mapping[str, Any]) -> None:
    """``{value: [[i, template]], keyword: [[i, name]], remove: [i], add: [[name, template]]}``.

    Arguments are counted as they stand in the source; ``__0__`` in a template is the first one.
    """
    old = list(record.args)
    now = dict(enumerate(old))
    for index, template in args["value"]:
        new = now[index].with_changes(value=as_argument(_filled(template, old, record.site)))
        record.replace(now[index], new)
        now[index] = new
    for index, name in args["keyword"]:
        new = now[index].with_changes(keyword=cst.Name(name), equal=now[index].equal if now[index].keyword else _EQUAL)
        record.replace(now[index], new)
        now[index] = new
    for index in args["remove"]:
        _hand_on_comma(now, index, record)
        record.remove(now[index])
        _follow(now, record)
    for name, template in args["add"]:
        record.set_keyword(name, _filled(template, old, record.site))


@operation(Stage.WRAP, "Call", needs=("template",))
def replaced(node: cst.Call, args: Mapping[str, Any], site: Site) -> cst.BaseExpression:
    """``{template}``: the call becomes this expression of its arguments.

    ``__self__`` stands for what the method is of, ``__call__`` for the whole call.
    """
    owner = node.func.value if isinstance(node.func, cst.Attribute) else None
    return _filled(args["template"], list(node.args), site, owner, node)


_TIGHT = cst.SimpleWhitespace("")
_EQUAL = cst.AssignEqual(whitespace_before=_TIGHT, whitespace_after=_TIGHT)


def _hand_on_comma(now: dict[int, cst.Arg], index: int, record: CallRecord) -> None:
    """A line break behind an argument that goes stays, behind the one before it."""
    place = next(i for i, a in enumerate(record.args) if a is now[index])
    gone = record.args[place].comma
    if place and isinstance(gone, cst.Comma) and isinstance(gone.whitespace_after, cst.ParenthesizedWhitespace):
        before = record.args[place - 1]
        if isinstance(before.comma, cst.Comma) and isinstance(before.comma.whitespace_after, cst.SimpleWhitespace):
            record.replace(before, before.with_changes(comma=gone))
            _follow(now, record)


def _follow(now: dict[int, cst.Arg], record: CallRecord) -> None:
    """Find the arguments again after the record renewed some of them (with another comma)."""
    by_value = {id(a.value): a for a in record.args}
    for index in list(now):
        same = by_value.get(id(now[index].value))
        if same is None:
            del now[index]
        else:
            now[index] = same


def _filled(
    template: str,
    arguments: list[cst.Arg],
    site: Site,
    owner: cst.BaseExpression | None = None,
    call: cst.Call | None = None,
) -> cst.BaseExpression:
    """The template with the argument's expressions in their places."""
    values = {f"__{index}__": argument.value for index, argument in enumerate(arguments)}
    if owner is not None:
        values["__self__"] = owner
    if call is not None:
        values["__call__"] = call
    made = site.expression(template).visit(_Fill(values))
    if not isinstance(made, cst.BaseExpression):
        raise RewriteError(f"the plan gives {template!r}, which is no expression")
    return made


class _Fill(cst.CSTTransformer):
    def __init__(self, values: dict[str, cst.BaseExpression]) -> None:
        super().__init__()
        self.values = values
        self.open: set[int] = set()
        self.owners: set[int] = set()
        self.used: set[str] = set()

    def visit_Arg(self, node: cst.Arg) -> None:
        self.open.add(id(node.value))

    def visit_Element(self, node: cst.Element) -> None:
        self.open.add(id(node.value))

    def visit_Attribute(self, node: cst.Attribute) -> None:
        self.owners.add(id(node.value))

    def leave_Name(self, original_node: cst.Name, updated_node: cst.Name) -> cst.BaseExpression:
        value = self.values.get(original_node.value)
        if value is None:
            return updated_node
        if original_node.value in self.used:  # a node may stand once in a tree
            value = value.deep_clone()
        self.used.add(original_node.value)
        if id(original_node) in self.open:
            return as_argument(value)
        alone = isinstance(value, cst.BaseNumber) and id(original_node) not in self.owners
        return value if alone else as_primary(value)
