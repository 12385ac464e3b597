"""One call that several rules change: they edit its record, and one printer writes it.

Arguments that no rule touches keep their source nodes and so every byte.
"""

from __future__ import annotations

import libcst as cst

from kmigrate.rewriting.error import RewriteError
from kmigrate.rewriting.expressions import Site, as_argument, replace_string


class CallRecord:
    """The parts of one call: ``callee`` and ``args``, in source nodes."""

    def __init__(self, call: cst.Call, site: Site) -> None:
        self.callee: cst.BaseExpression = call.func
        self.args: list[cst.Arg] = list(call.args)
        self.site = site
        self._call = call
        self._written: dict[str, str] = {}  # what a rule has set, to notice contradictions

    # reading

    def positional(self, index: int) -> cst.Arg:
        """Raises RewriteError if the call has no such plain positional argument."""
        plain = index < len(self.args) and all(a.keyword is None and a.star == "" for a in self.args[: index + 1])
        if not plain:
            raise RewriteError(f"the call has no positional argument {index}")
        return self.args[index]

    def keyword(self, name: str) -> cst.Arg | None:
        return next((a for a in self.args if a.keyword is not None and a.keyword.value == name), None)

    # editing

    def set_callee(self, callee: cst.BaseExpression) -> None:
        self._claim("", self._source(callee))
        self.callee = callee

    def set_keyword(self, name: str, value: cst.BaseExpression) -> None:
        """Give ``name`` the value: in its place if it is there, else as the last keyword."""
        self._claim(name, self._source(value))
        old = self.keyword(name)
        if old is None:
            self._insert(cst.Arg(as_argument(value), cst.Name(name), equal=self._equal_sign()))
            return
        if isinstance(value, cst.SimpleString) and isinstance(old.value, cst.SimpleString):
            value = replace_string(old.value, str(value.evaluated_value), self.site)
        self.replace(old, old.with_changes(value=as_argument(value)))

    def set_positional(self, index: int, value: cst.BaseExpression) -> None:
        """Raises RewriteError if the call has no such plain positional argument."""
        self._claim(str(index), self._source(value))
        old = self.positional(index)
        self.replace(old, old.with_changes(value=as_argument(value)))

    def append(self, value: cst.BaseExpression) -> None:
        """Add a positional argument behind the positional ones."""
        behind = next((i for i, a in enumerate(self.args) if a.keyword or a.star == "**"), len(self.args))
        self._insert(cst.Arg(as_argument(value)), behind)

    def remove(self, arg: cst.Arg) -> None:
        """Take ``arg`` (one of `args`) away, with its comma."""
        index = self._index(arg)
        del self.args[index]
        if index < len(self.args) or not self.args:
            return
        last = self.args[-1]  # it ends the call now, and takes over how the call ended
        if isinstance(last.comma, cst.Comma) and _comment(last.comma.whitespace_after):
            closing = _last_line(arg.whitespace_after_arg)
            comma = last.comma
            if isinstance(arg.comma, cst.Comma):
                closing = _last_line(arg.comma.whitespace_after)
            after = cst.ensure_type(comma.whitespace_after, cst.ParenthesizedWhitespace)
            blank = after.with_changes(last_line=closing or after.last_line)
            self.args[-1] = last.with_changes(comma=comma.with_changes(whitespace_after=blank))
            return
        self.args[-1] = last.with_changes(comma=arg.comma, whitespace_after_arg=arg.whitespace_after_arg)

    def permute(self, first: int, order: list[int]) -> None:
        """Reorder the positional arguments from ``first`` on; commas and blanks stay in place."""
        old = self.args[first : first + len(order)]
        if len(old) != len(order) or any(a.keyword or a.star == "**" for a in old):
            raise RewriteError(f"the call has no {len(order)} positional arguments from {first} on")
        self._claim(f"order {first}", str(order))
        for place, source in zip(old, order):
            new = place.with_changes(
                value=old[source].value,
                star=old[source].star,
                whitespace_after_star=old[source].whitespace_after_star,
            )
            self.replace(place, new)

    def replace(self, old: cst.Arg, new: cst.Arg) -> None:
        """Put ``new`` in the place of ``old``, which is one of `args`."""
        self.args[self._index(old)] = new

    # printing

    def print(self) -> cst.Call:
        if self.args or not self._call.args:
            return self._call.with_changes(func=self.callee, args=self.args)
        return self._call.with_changes(func=self.callee, args=(), whitespace_before_args=cst.SimpleWhitespace(""))

    def _insert(self, new: cst.Arg, index: int | None = None) -> None:
        """Add ``new`` at ``index`` (by default before any ``**kwargs``, else last)."""
        if index is None:
            index = next((i for i, a in enumerate(self.args) if a.star == "**"), len(self.args))
        gap = self._gap(index)
        if index < len(self.args):
            self.args.insert(index, new.with_changes(comma=cst.Comma(whitespace_after=gap)))
            return
        if not self.args:
            self._forget_blanks()
            self.args.append(new)
            return
        last = self.args[-1]
        if isinstance(last.comma, cst.Comma):  # a trailing comma: the new argument gets one too
            closing = last.comma.whitespace_after
            comma = last.comma.with_changes(whitespace_after=_keep_comments(closing, gap))
            self.args[-1] = last.with_changes(comma=comma)
            end = cst.Comma(whitespace_before=last.comma.whitespace_before, whitespace_after=_without_comments(closing))
            self.args.append(new.with_changes(comma=end, whitespace_after_arg=last.whitespace_after_arg))
            return
        closing = last.whitespace_after_arg
        self.args[-1] = last.with_changes(
            comma=cst.Comma(whitespace_after=_keep_comments(closing, gap)),
            whitespace_after_arg=cst.SimpleWhitespace(""),
        )
        self.args.append(new.with_changes(whitespace_after_arg=_without_comments(closing)))

    def _gap(self, index: int) -> cst.BaseParenthesizableWhitespace:
        """The blanks between a new argument at ``index`` and the one beside it, in this call's style."""
        before = [a.comma.whitespace_after for a in self.args[:-1] if isinstance(a.comma, cst.Comma)]
        if index and before:
            return _without_comments(before[min(index, len(before)) - 1])
        opening = self._call.whitespace_before_args
        if isinstance(opening, cst.ParenthesizedWhitespace) and self.args:
            return _without_comments(opening)
        return before[0] if before else cst.SimpleWhitespace(" ")

    def _forget_blanks(self) -> None:
        if isinstance(self._call.whitespace_before_args, cst.SimpleWhitespace):
            self._call = self._call.with_changes(whitespace_before_args=cst.SimpleWhitespace(""))

    def _equal_sign(self) -> cst.AssignEqual:
        for arg in self.args:
            if isinstance(arg.equal, cst.AssignEqual):
                return arg.equal
        tight = cst.SimpleWhitespace("")
        return cst.AssignEqual(whitespace_before=tight, whitespace_after=tight)

    def _index(self, arg: cst.Arg) -> int:
        return next(i for i, a in enumerate(self.args) if a is arg)

    def _source(self, node: cst.BaseExpression) -> str:
        return self.site.table.print(node, [])

    def _claim(self, part: str, value: str) -> None:
        if self._written.setdefault(part, value) != value:
            name = part or "the name"
            raise RewriteError(f"two edits give {name} of one call as {self._written[part]} and as {value}")


def _comment(blank: cst.BaseParenthesizableWhitespace) -> bool:
    return isinstance(blank, cst.ParenthesizedWhitespace) and (
        blank.first_line.comment is not None or any(line.comment for line in blank.empty_lines)
    )


def _last_line(blank: cst.BaseParenthesizableWhitespace) -> cst.SimpleWhitespace | None:
    return blank.last_line if isinstance(blank, cst.ParenthesizedWhitespace) else None


def _without_comments(blank: cst.BaseParenthesizableWhitespace) -> cst.BaseParenthesizableWhitespace:
    """The same line break and indentation, with neither comments nor empty lines."""
    if not isinstance(blank, cst.ParenthesizedWhitespace):
        return blank
    first = cst.TrailingWhitespace(
        whitespace=cst.SimpleWhitespace(""), newline=cst.Newline(value=blank.first_line.newline.value)
    )
    return blank.with_changes(first_line=first, empty_lines=())


def _keep_comments(
    closing: cst.BaseParenthesizableWhitespace, gap: cst.BaseParenthesizableWhitespace
) -> cst.BaseParenthesizableWhitespace:
    """``gap``, preceded by the comments that stood in ``closing`` (before the closing bracket)."""
    if not _comment(closing):
        return gap
    kept = cst.ensure_type(closing, cst.ParenthesizedWhitespace)
    if isinstance(gap, cst.ParenthesizedWhitespace):
        return kept.with_changes(indent=gap.indent, last_line=gap.last_line)
    return kept
