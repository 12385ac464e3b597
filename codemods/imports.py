"""Imports that other edits need.

## What it does
Adds a name to a `from ... import ...` that is there, in its style, or adds an import statement.

## Why
A `Permute` or `Activation` that an edit writes must be known to the file.

## Example
```python
from keras.layers import Dense, Flatten
```
becomes
```python
from keras.layers import Dense, Flatten, Permute
```

## Fix safety
Safe: only names that the file does not use for something else are added.

## References
https://docs.python.org/3/reference/simple_stmts.html#the-import-statement
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import libcst as cst

from kmigrate.codemods import Stage, operation
from kmigrate.rewriting.expressions import Site, plain_blank

CODES: dict[str, str] = {}


@operation(Stage.NODE, "ImportFrom", "stmt", needs=("add",))
def add_name(node: cst.ImportFrom, args: Mapping[str, Any], site: Site) -> cst.ImportFrom:
    """``{add}``: one more name; in its place if the names are sorted, else last."""
    name: str = args["add"]
    if isinstance(node.names, cst.ImportStar):
        return node
    names = list(node.names)
    if any(n.evaluated_name == name and n.asname is None for n in names):
        return node
    index = _place(names, name)
    gap = _gap(node, names, index)
    if index < len(names):
        names.insert(index, cst.ImportAlias(cst.Name(name), comma=cst.Comma(whitespace_after=gap)))
        return node.with_changes(names=names)
    last = names[-1]
    names[-1] = last.with_changes(comma=cst.Comma(whitespace_after=gap))
    new = cst.ImportAlias(cst.Name(name))
    if isinstance(last.comma, cst.Comma):
        new = new.with_changes(comma=_plain(last.comma))
        names[-1] = last.with_changes(comma=_commented(last.comma, gap))
    elif node.rpar is not None and _has_comment(node.rpar.whitespace_before):
        names[-1] = last.with_changes(comma=_commented(cst.Comma(whitespace_after=node.rpar.whitespace_before), gap))
        node = node.with_changes(rpar=_plain_paren(node.rpar))
    return node.with_changes(names=[*names, new])


@operation(Stage.INSERT, "stmt", needs=("where", "text"))
def statement(args: Mapping[str, Any], site: Site) -> tuple[str, str]:
    """``{where, text}``: the import ``text`` before or after this statement."""
    return args["where"], args["text"]


def _place(names: Sequence[cst.ImportAlias], name: str) -> int:
    """Where ``name`` belongs: by the order of the names if two or more are in one, else the end."""
    for key in (str, str.lower):
        keys = [key(str(n.evaluated_name)) for n in names]
        if len(keys) > 1 and keys == sorted(keys):
            return sum(k < key(name) for k in keys)
    return len(names)


def _gap(node: cst.ImportFrom, names: Sequence[cst.ImportAlias], index: int) -> cst.BaseParenthesizableWhitespace:
    """The blanks after a comma as this import has them at that place."""
    between = [n.comma.whitespace_after for n in names[:-1] if isinstance(n.comma, cst.Comma)]
    if between:
        return plain_blank(between[min(max(index, 1), len(between)) - 1])
    if node.lpar is not None and isinstance(node.lpar.whitespace_after, cst.ParenthesizedWhitespace):
        return plain_blank(node.lpar.whitespace_after)
    return cst.SimpleWhitespace(" ")


def _has_comment(blank: cst.BaseParenthesizableWhitespace) -> bool:
    return isinstance(blank, cst.ParenthesizedWhitespace) and (
        blank.first_line.comment is not None or any(line.comment for line in blank.empty_lines)
    )


def _plain(comma: cst.Comma) -> cst.Comma:
    return comma.with_changes(whitespace_after=plain_blank(comma.whitespace_after))


def _plain_paren(paren: cst.RightParen) -> cst.RightParen:
    return paren.with_changes(whitespace_before=plain_blank(paren.whitespace_before))


def _commented(comma: cst.Comma, gap: cst.BaseParenthesizableWhitespace) -> cst.Comma:
    """A comma that keeps the comments behind it and goes on as ``gap`` does."""
    after = comma.whitespace_after
    if not _has_comment(after):
        return comma.with_changes(whitespace_after=gap)
    if isinstance(after, cst.ParenthesizedWhitespace) and isinstance(gap, cst.ParenthesizedWhitespace):
        after = after.with_changes(indent=gap.indent, last_line=gap.last_line)
    return comma.with_changes(whitespace_after=after)
