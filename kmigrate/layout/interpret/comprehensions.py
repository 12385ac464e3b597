"""Comprehensions: short ones are unrolled, others run once on one item."""

from __future__ import annotations

import ast
from typing import Any

from kmigrate.layout.interpret.operators import Operators
from kmigrate.layout.interpret.state import short
from kmigrate.layout.values import (
    Scope,
    Seq,
    Unknown,
    Value,
)


class Comprehensions(Operators):
    """List, set, dict comprehensions and generator expressions."""

    def eval_ListComp(self, expr: ast.ListComp) -> Value:
        return self._comprehension(expr, expr.elt)

    eval_GeneratorExp = eval_SetComp = eval_ListComp

    def _comprehension(self, expr: Any, element: ast.expr) -> Value:
        outer, self.scope = self.scope, Scope(self.scope)
        try:
            generator = expr.generators[0]
            iterable = self.eval(generator.iter)
            simple = len(expr.generators) == 1 and not generator.ifs
            items = self.unrolled(iterable) if simple else None
            if items is not None:
                made = []
                for item in items:
                    self.assign(generator.target, item, None, None)
                    made.append(self.eval(element))
                return Seq("list", made)
            self.loops += 1
            self.assign(generator.target, self.item_of(iterable, generator.iter), None, None)
            for more in expr.generators[1:]:
                self.assign(more.target, self.item_of(self.eval(more.iter), more.iter), None, None)
            for g in expr.generators:
                for condition in g.ifs:
                    self.differs(self.eval(condition), condition)
            value = self.eval(element)
            self.loops -= 1
            return Seq("list", [value], fixed=False)
        finally:
            self.scope = outer

    def eval_DictComp(self, expr: ast.DictComp) -> Value:
        value = self._comprehension(expr, expr.value)
        self.leak(value, expr, f"`{short(expr)}`")
        return Unknown(f"`{short(expr)}`", self.place(expr))
