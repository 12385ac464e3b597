"""Comprehensions: short ones are unrolled, others run once on one item."""

from __future__ import annotations

import ast
from typing import Any

from kmigrate.layout.interpret.operators import Operators
from kmigrate.layout.values import (
    Dict,
    LayerList,
    Scope,
    Seq,
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
            if isinstance(iterable, LayerList) and not self.keyed:
                iterable.model.indexed = True  # what is made of the layers is a list too
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
        pair = ast.copy_location(ast.Tuple(elts=[expr.key, expr.value], ctx=ast.Load()), expr.value)
        outer, self.keyed = self.keyed, True
        pairs = self._comprehension(expr, pair)
        self.keyed = outer
        made = Dict({})
        if isinstance(pairs, Seq):
            for item in pairs.items:
                assert isinstance(item, Seq)
                self.store_item(made, item.items[0], item.items[1], expr)
            if not pairs.fixed:
                made.maybe.update(made.items)
        return made

    keyed = False  # what is listed goes under keys: the order does not matter

    def store_item(self, owner: Dict, key: Value | None, value: Value, at: ast.AST) -> None:
        raise NotImplementedError
