"""Relus that compute more than they need become fast ones.

## What it does
Leaky and clipped relus that are computed in several steps become one call, wherever they stand: in an
expression, a lambda, a function, or over several statements whose intermediate results nothing else reads.
- KM201: a slope of zero. `LeakyReLU(0)`, `K.relu(x, alpha=0.)`, `relu(x) - 0. * relu(-x)`, also as `activation=`,
  in a lambda or under `functools.partial`, become the plain relu.
- KM202: a constant slope `a`. `relu(x) - a * relu(-x)` in any order, `maximum(a * x, x)`, `where(x > 0, x, a * x)`,
  `.5 * (1 + a) * x + .5 * (1 - a) * abs(x)`, with a maximum or without, become one leaky relu.
- KM203: a function copied from the backend of Keras 1, which computes both halves one after the other, gets a
  short body; its signature stays.
- KM204: `maximum(x, 0.)`, `.5 * (x + abs(x))` and `where(x > 0, x, 0)` become relu.
- KM205: `clip(relu(x), 0, m)` becomes `minimum(relu(x), m)`; `K.relu(x, alpha=a, max_value=m)`, where that computes
  both halves (from Keras 2.2.3 on), becomes `K.minimum(K.relu(x, alpha=a), m)`; relu6 with `--unsafe-fixes`.
- KM206, only with `--select KM206`: up to Keras 1.0.6 the plain `'relu'` computes both halves too on TensorFlow, and
  becomes `tf.nn.relu`. Saved models do not change: they keep the name, which is the same.

The slope must be a number from 0 to 1: a literal, a constant of the module, or a parameter that is only ever given
such numbers. Code written with the Keras backend stays so, with these exceptions: where K.relu with a slope computes
both halves (1.0.7 to 2.1.2), it becomes `tf.nn.leaky_relu` if the file imports tensorflow and, before 2.0.9,
`--source-backend tensorflow` is given; and as `tf.nn.leaky_relu` came with TensorFlow 1.4, code for Keras before
2.0.9 gets `tf.maximum(a * x, x)` instead. What is fast already stays: `K.relu(x, alpha=a)` and `LeakyReLU(a)`
from 2.1.3 on.

## Why
The long form keeps several arrays of the size of its input, for the gradient too. On TensorFlow's CPU
one call takes about a third of its time and less than half of its memory (docs/relu.md).

## Example
```python
model.add(Activation(lambda x: K.relu(x, alpha=0.)))
model.add(LeakyReLU(0))
y = tf.nn.relu(x) - 0.1 * tf.nn.relu(-x)
z = tf.maximum(0.2 * y, y)
```
becomes
```python
model.add(Activation('relu'))
model.add(Activation('relu'))
y = tf.nn.leaky_relu(x, alpha=0.1)
z = tf.nn.leaky_relu(y, alpha=0.2)
```

## Fix safety
What may differ, in float16, bfloat16, float32 and float64, on TensorFlow; all else is equal bit for bit but for the
sign of zeros (`tests/relu/test_exactness.py` tries each row).

| form | becomes | values | gradient | safe |
|---|---|---|---|---|
| `relu(x) - 0 * relu(-x)` | relu | -inf (was nan) | -inf | yes |
| `relu(x, alpha=0)` | relu | equal | equal | yes |
| `leaky_relu(x, 0)`, `LeakyReLU(0)` | relu | infinities, nan | the same | yes |
| `where(x > 0, x, 0)` | relu | nan (was 0) | nan | yes |
| `maximum(x, 0)` | relu | equal | at 0: 1 before, 0 after; nan | yes |
| `.5 * (x + abs(x))` | relu | infinities; overflow | at 0: 1/2 before, 0 after | yes |
| `relu(x) - a * relu(-x)` | leaky relu | equal | at 0: 0 before, a after; nan | yes |
| `maximum(a * x, x)` | leaky relu | equal | at 0: 1 or a before, a after; at infinities; nan | yes |
| `where(x > 0, x, a * x)` | leaky relu | equal | equal | yes |
| `where(x >= 0, x, a * x)` | leaky relu | equal | at 0: 1 before, a after | yes |
| `clip(relu(x), 0, m) - a * relu(-x)` | minimum of a leaky relu | equal | at 0; nan | yes |
| `clip(relu(x), 0, m)` | minimum of a relu | equal | equal | yes |
| `minimum(relu(x), 6)`, `clip(relu(x), 0, 6)` | relu6 | equal | at 6: 1 before, 0 after | no |
| `clip(x, 0, 6)` | relu6 | equal | at 0 and 6: 1 before, 0 after | no |
| `.5 * (1 + a) * x + .5 * (1 - a) * abs(x)` | leaky relu | rounding; infinities | rounding; at 0 | no |
| `relu(x) - relu(-x) / c` | leaky relu | rounding, if c is no power of two | the same | no |
| with a slope, in a file that says float64 (1) | leaky relu | 1e-8 | the same | no |
| with a slope, where Keras runs on Theano | `K.relu`, `T.nnet.relu` | rounding | rounding; at 0 | no |

(1) TensorFlow keeps the slope in float32; slopes that float32 holds, such as 0.25, are safe.
What is not safe is made with `--unsafe-fixes` only, and reported without. A verification of a program with a form
that differs at 0 says EQUIVALENT EXCEPT AT 0. Slopes outside 0 to 1, slopes that are arrays or trained,
and functions of numpy stay as they are, and so does what stands in a format string. Of an array of integers
`keras.ops.maximum(n, 0.)` gives floats, and the relu that it becomes gives integers.
Where `LeakyReLU(0)` becomes `Activation('relu')`, the class in saved
models and the automatic name of the layer change; weights do not.

## References
https://www.tensorflow.org/api_docs/python/tf/nn/leaky_relu
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import libcst as cst

from kmigrate.codemods import Stage, operation
from kmigrate.rewriting.callrecord import CallRecord
from kmigrate.rewriting.error import RewriteError
from kmigrate.rewriting.expressions import PRODUCT, Site, as_argument, as_primary, bare, parenthesised, rank

CODES = {
    "KM201": "leaky relu with slope zero becomes relu",
    "KM202": "slow leaky relu becomes one call",
    "KM203": "copied backend relu gets a fast body",
    "KM204": "relu written as a maximum or the like becomes one call",
    "KM205": "relu with a maximum becomes a faster one",
    "KM206": "plain relu becomes TensorFlow's, up to Keras 1.0.6",
}

#: Step of a path -> field of the libcst node.
_STEPS = {"left": "left", "right": "right", "operand": "expression", "target": "target", "value": "value"}


@operation(Stage.CALL, "Call", needs=("drop",))
def drop_argument(record: CallRecord, args: Mapping[str, Any]) -> None:
    """``{drop, callee}``: take away the argument of that name, or at that position; ``callee`` may rename."""
    record.remove(_argument(record, args["drop"]))
    if args.get("callee"):
        rename(record, args)


@operation(Stage.CALL, "Call", needs=("layer", "slope"))
def to_activation(record: CallRecord, args: Mapping[str, Any]) -> None:
    """``{layer, slope}``: call ``layer`` with 'relu' first instead of the argument ``slope``."""
    slope = _argument(record, args["slope"])
    relu = record.site.string("relu")
    record.set_callee(record.site.expression(args["layer"]))
    if slope is record.args[0]:
        record.replace(slope, slope.with_changes(keyword=None, equal=cst.MaybeSentinel.DEFAULT, value=relu))
        return
    record.remove(slope)
    record.append(relu)


@operation(Stage.CALL, "Call", needs=("callee",))
def rename(record: CallRecord, args: Mapping[str, Any]) -> None:
    """``{callee}``: call this instead, with the same arguments."""
    record.set_callee(record.site.expression(args["callee"]))


@operation(Stage.WRAP, "expr", needs=("string",))
def to_string(node: cst.BaseExpression, args: Mapping[str, Any], site: Site) -> cst.BaseExpression:
    """``{string}``: a string literal instead of the expression."""
    return site.string(args["string"])


@operation(Stage.WRAP, "BinOp", needs=("call",))
def to_one_call(node: cst.BaseExpression, args: Mapping[str, Any], site: Site) -> cst.BaseExpression:
    """``{call, slope, keyword, attribute}``: ``relu(x) - a * relu(-x)`` becomes its ``relu(x)`` with a slope.

    ``call`` and ``slope`` are paths of 'left', 'right' and 'operand' from the node; ``slope`` may
    be source text, or None for a plain relu. ``attribute`` is the function's new name, if any.
    """
    call = cst.ensure_type(_follow(node, args["call"]), cst.Call)
    record = CallRecord(call.with_changes(lpar=(), rpar=()), site)
    if args.get("attribute"):
        record.set_callee(_renamed(call.func, args["attribute"]))
    slope = args.get("slope")
    if slope is not None:
        value = site.expression(slope) if isinstance(slope, str) else bare(_follow(node, slope))
        if args.get("keyword"):
            record.set_keyword(args["keyword"], value)
        else:
            record.append(value)
    return record.print()


@operation(Stage.NODE, "AugAssign", needs=("make",))
def to_assignment(node: cst.AugAssign, args: Mapping[str, Any], site: Site) -> cst.Assign:
    """``{make}``: ``x -= ...`` becomes ``x = ...``, made as `compose` does, with paths from the statement."""
    target = cst.AssignTarget(
        node.target, *(getattr(node.operator, f"whitespace_{side}") for side in ("before", "after"))
    )
    return cst.Assign([target], _made(args["make"], node, site), node.semicolon)


@operation(Stage.WRAP, "expr", needs=("make",))
def compose(node: cst.BaseExpression, args: Mapping[str, Any], site: Site) -> cst.BaseExpression:
    """``{make}``: an expression made of parts of the old one.

    ``make`` is {path} to a part, {text}, {product: two of these}, or {call: the function, args: [keyword or
    None, one of these]}. Steps of a path are 'left', 'right', 'operand', 'comparator', 'target', 'value',
    'argument 0' and 'keyword name'.
    """
    return _made(args["make"], node, site)


@operation(Stage.NODE, "FunctionDef", needs=("without",))
def without(node: cst.FunctionDef, args: Mapping[str, Any], site: Site) -> cst.FunctionDef:
    """``{without}``: the statements at these places go; [1, 0] is the first one in the second of the function."""
    old = cst.ensure_type(site.original, cst.FunctionDef)
    return node.with_changes(body=_without(_block(node), _block(old), args["without"]))


@operation(Stage.NODE, "FunctionDef", needs=("body",))
def replace_body(node: cst.FunctionDef, args: Mapping[str, Any], site: Site) -> cst.FunctionDef:
    """``{body}``: new statements instead of those of the function; its signature and docstring stay."""
    block = cst.ensure_type(node.body, cst.IndentedBlock)
    source = "\n".join(args["body"]) + "\n"
    new = list(cst.parse_module(source, site.table.module.config_for_parsing).body)
    kept = list(block.body[:1]) if node.get_docstring() is not None else []
    first = cst.ensure_type(new[0], cst.SimpleStatementLine)
    blank = [line for line in getattr(block.body[len(kept)], "leading_lines", ()) if line.comment is None]
    new[0] = first.with_changes(leading_lines=blank)
    return node.with_changes(body=block.with_changes(body=[*kept, *new]))


def _argument(record: CallRecord, which: str | int) -> cst.Arg:
    if isinstance(which, int):
        return record.positional(which)
    arg = record.keyword(which)
    if arg is None:
        raise RewriteError(f"the call has no argument {which}")
    return arg


def _follow(node: Any, path: Sequence[str]) -> Any:
    for step in path:
        word, _, rest = step.partition(" ")
        if word == "comparator":
            node = node.comparisons[0].comparator
        elif word == "argument":
            node = node.args[int(rest)].value
        elif word == "keyword":
            node = next(a.value for a in node.args if a.keyword is not None and a.keyword.value == rest)
        else:
            node = getattr(node, _STEPS[word])
    return node


def _made(template: Mapping[str, Any], node: cst.CSTNode, site: Site) -> cst.BaseExpression:
    if "path" in template:
        return bare(_follow(node, template["path"]))
    if "text" in template:
        return site.expression(template["text"])
    if "product" in template:
        sides = [_made(side, node, site) for side in template["product"]]
        left, right = (
            side if side.lpar or rank(side) >= PRODUCT + i else parenthesised(side) for i, side in enumerate(sides)
        )
        return cst.BinaryOperation(left, cst.Multiply(), right)
    tight = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))
    args = []
    for keyword, part in template["args"]:
        value = as_argument(_made(part, node, site))
        args.append(cst.Arg(value, cst.Name(keyword), equal=tight) if keyword else cst.Arg(value))
    return cst.Call(as_primary(site.expression(template["call"])), args)


def _without(block: cst.IndentedBlock, old: cst.IndentedBlock, places: Sequence[Sequence[int]]) -> cst.IndentedBlock:
    """The block without these statements of ``old``, the source; the comments above them go to what follows."""
    now = {_now(block, old, place[0]): place[0] for place in places}
    gone = {i for i, place in now.items() if [place] in [list(p) for p in places]}
    body: list[cst.BaseStatement] = []
    above: list[cst.EmptyLine] = []
    for i, statement in enumerate(block.body):
        if i in gone:
            above += getattr(statement, "leading_lines", ())
            continue
        if i in now:
            inner = [place[1:] for place in places if place[0] == now[i]]
            statement = statement.with_changes(body=_without(_block(statement), _block(old.body[now[i]]), inner))
        if above:
            statement = statement.with_changes(leading_lines=[*above, *getattr(statement, "leading_lines", ())])
            above = []
        body.append(statement)
    return block.with_changes(body=body)


def _now(block: cst.IndentedBlock, old: cst.IndentedBlock, place: int) -> int:
    """Where a statement is now that other edits may have put more before it."""
    if len(block.body) == len(old.body):
        return place
    same = (i for i, statement in enumerate(block.body) if statement is old.body[place])
    found = next(same, None)
    if found is None:
        raise RewriteError("another edit changes a statement that a relu makes needless")
    return found


def _block(node: cst.CSTNode) -> cst.IndentedBlock:
    return cst.ensure_type(getattr(node, "body", None), cst.IndentedBlock)


def _renamed(function: cst.BaseExpression, name: str) -> cst.BaseExpression:
    if isinstance(function, cst.Attribute):
        return function.with_changes(attr=cst.Name(name))
    return cst.Name(name)
