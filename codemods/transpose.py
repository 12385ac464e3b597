"""Transposes of arrays are added, changed or removed.

## What it does
Where a value that stays channels-first (read from a file, say) meets a channels-last model, one
transpose is added. A transpose that the program has already gets its new permutation, and goes
away where nothing is left to move, with its statement if that is all it does.

## Why
The data on disk, or what other code expects, is not kmigrate's to change; so the layout changes at
the border.

## Example
```python
X = np.load('train.npy')
Y = Y.transpose(0, 3, 1, 2)
```
becomes
```python
X = np.load('train.npy').transpose(0, 2, 3, 1)
```

## Fix safety
Safe. The array is a view with other strides afterwards; code that depends on contiguous memory
sees a difference.

## References
https://numpy.org/doc/stable/reference/generated/numpy.transpose.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import libcst as cst

from kmigrate.codemods import Stage, operation
from kmigrate.rewriting.callrecord import CallRecord
from kmigrate.rewriting.error import RewriteError
from kmigrate.rewriting.expressions import Site, as_argument, as_primary, bare

CODES = {"KM105": "transpose added, changed or removed"}

#: How functions that transpose call the permutation.
_PERMUTATION_KEYWORDS = ("axes", "perm", "pattern", "permutation", "dims")
#: Functions that move axes in another way; with a permutation they become ``transpose``.
_OTHER_MOVES = frozenset({"rollaxis", "moveaxis", "swapaxes"})


@operation(Stage.WRAP, "expr", needs=("perm",), action="insert")
def insert(node: cst.BaseExpression, args: Mapping[str, Any], site: Site) -> cst.BaseExpression:
    """``{perm, numpy}``: ``np.transpose(node, perm)``, or ``node.transpose(...)`` without numpy."""
    perm = site.numbers(args["perm"])
    if args.get("numpy"):
        function = cst.Attribute(site.expression(args["numpy"]), cst.Name("transpose"))
        return cst.Call(function, [cst.Arg(as_argument(bare(node))), cst.Arg(perm)])
    method = cst.Attribute(as_primary(node), cst.Name("transpose"))
    return cst.Call(method, [cst.Arg(e.value) for e in perm.elements])


@operation(Stage.WRAP, "Call", action="remove")
def remove(node: cst.Call, args: Mapping[str, Any], site: Site) -> cst.BaseExpression:
    """``{operand}``: the call gives way to its 'arg' (first argument) or its 'func' (the object)."""
    if args["operand"] == "func":
        return cst.ensure_type(node.func, cst.Attribute).value
    if not node.args or node.args[0].star:
        raise RewriteError("the transpose has no plain first argument")
    return node.args[0].value


@operation(Stage.INSERT, "stmt", action="drop")
def drop(args: Mapping[str, Any], site: Site) -> tuple[str, str]:
    """``x = x.transpose(...)``, of which ``x = x`` would be left, goes away."""
    return "gone", ""


@operation(Stage.CALL, "Call", needs=("perm",), action="change")
def change(record: CallRecord, args: Mapping[str, Any]) -> None:
    """``{perm}``: the call's permutation becomes this, in the style in which it is written.

    ``operand`` ('func' or 'arg') says where the array stands, where that cannot be seen.
    """
    perm: list[int] = list(args["perm"])
    if _name(record.callee) in _OTHER_MOVES:
        _become_transpose(record, perm, args.get("operand"))
        return
    keyword = next((k for k in _PERMUTATION_KEYWORDS if record.keyword(k)), None)
    if keyword is not None:
        old = record.keyword(keyword)
        assert old is not None
        record.set_keyword(keyword, _rewritten(old.value, perm, record.site))
        return
    first = _operands(record, args.get("operand"))
    given = record.args[first:]
    if not given:
        record.append(record.site.numbers(perm))
    elif len(given) == 1 and not given[0].star:
        record.set_positional(first, _rewritten(given[0].value, perm, record.site))
    elif len(given) == len(perm) and not any(a.star or a.keyword for a in given):
        for index, number in enumerate(perm, first):
            record.set_positional(index, _number(record.args[index].value, number, record.site))
    else:
        _keep(record, first)
        record.append(record.site.numbers(perm))


@operation(Stage.INSERT, "stmt", needs=("name", "perm", "action"))
def statement(args: Mapping[str, Any], site: Site) -> tuple[str, str]:
    """``{action: 'before'|'after', name, perm, numpy}``: a line that transposes the variable ``name``."""
    name = args["name"]
    perm = ", ".join(map(str, args["perm"]))
    if args.get("numpy"):
        return args["action"], f"{name} = {args['numpy']}.transpose({name}, ({perm}))"
    return args["action"], f"{name} = {name}.transpose({perm})"


def _name(callee: cst.BaseExpression) -> str:
    if isinstance(callee, cst.Attribute):
        return callee.attr.value
    return callee.value if isinstance(callee, cst.Name) else ""


def _operands(record: CallRecord, operand: str | None) -> int:
    """How many positional arguments come before the permutation."""
    if operand is not None:
        return 1 if operand == "arg" else 0
    plain = [a for a in record.args if a.keyword is None]
    if not plain or plain[0].star or isinstance(plain[0].value, (cst.Tuple, cst.List)):
        return 0
    numbers = all(isinstance(a.value, (cst.Integer, cst.UnaryOperation)) for a in plain)
    return 0 if numbers and len(plain) > 1 else 1


def _rewritten(old: cst.BaseExpression, perm: Sequence[int], site: Site) -> cst.Tuple | cst.List:
    """The permutation as a list if it was one, number by number where it is a literal."""
    if isinstance(old, (cst.Tuple, cst.List)) and len(old.elements) == len(perm):
        numbers = [e.with_changes(value=_number(e.value, n, site)) for e, n in zip(old.elements, perm)]
        return old.with_changes(elements=numbers)
    new = site.numbers(list(perm))
    return cst.List(new.elements) if isinstance(old, cst.List) else new


def _number(old: cst.BaseExpression, new: int, site: Site) -> cst.BaseExpression:
    same = isinstance(old, cst.Integer) and old.evaluated_value == new
    return old if same else site.integer(new)


def _become_transpose(record: CallRecord, perm: list[int], operand: str | None) -> None:
    function = cst.ensure_type(record.callee, cst.Attribute)
    first = 1 if operand == "arg" else 0
    if operand is None:  # np.rollaxis(x, 1, 4) has one argument more than x.swapaxes(1, 2)
        plain = [a for a in record.args if a.keyword is None]
        first = 0 if _name(function) == "swapaxes" and len(plain) == 2 else 1
    record.set_callee(function.with_changes(attr=cst.Name("transpose")))
    _keep(record, first)
    if first:
        record.append(record.site.numbers(perm))
    else:
        for number in perm:
            record.append(record.site.integer(number))


def _keep(record: CallRecord, count: int) -> None:
    """Take all arguments away but the first ``count``."""
    while len(record.args) > count:
        record.remove(record.args[-1])
