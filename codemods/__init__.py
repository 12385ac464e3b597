"""One kind of edit a file: what it does is its docstring, and how is libcst code under a decorator.

A new codemod is a new file here; nothing else lists it. This package imports no libcst itself.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


class Stage(Enum):
    """When an operation runs at its node, and what its function takes and returns."""

    NODE = "node"  # (node, args, site) -> node: changes within the node
    CALL = "call"  # (record, args) -> None: changes the record of a call
    WRAP = "wrap"  # (node, args, site) -> node: something else takes the node's place
    INSERT = "insert"  # (args, site) -> (where, source): a statement "before" or "after" the node


@dataclass(frozen=True)
class Operation:
    """A function of a codemod and the edits that are its business."""

    stage: Stage
    kinds: tuple[str, ...]  # `ast` class names, or "expr" for any expression
    needs: frozenset[str]  # names that must be among the edit's arguments
    fixed: Mapping[str, Any]  # values that arguments of the edit must have
    function: Callable[..., Any]

    def takes(self, kind: str, args: Mapping[str, Any]) -> bool:
        named = kind in self.kinds or ("expr" in self.kinds and kind != "stmt")
        return named and self.needs <= args.keys() and all(args.get(k) == v for k, v in self.fixed.items())


REGISTRY: dict[str, list[Operation]] = {}


def operation(stage: Stage, *kinds: str, needs: tuple[str, ...] = (), **fixed: Any) -> Callable[[Function], Function]:
    """Register the decorated function; the first operation of a codemod that takes an edit makes it."""

    def register(function: Function) -> Function:
        codemod = function.__module__.rpartition(".")[2]
        made = Operation(stage, kinds, frozenset(needs), fixed, function)
        REGISTRY.setdefault(codemod, []).append(made)
        return function

    return register


def names() -> list[str]:
    """The codemods that are there, by file name."""
    return sorted(m.name for m in iter_modules([str(Path(__file__).parent)]) if not m.name.startswith("_"))


def documentation(code: str) -> str | None:
    """The user documentation of the codemod that makes the edits ``code``, read without importing it."""
    for name in names():
        tree = ast.parse((Path(__file__).parent / f"{name}.py").read_text(encoding="utf-8"))
        for statement in tree.body:
            if not isinstance(statement, (ast.Assign, ast.AnnAssign)) or statement.value is None:
                continue
            target = statement.target if isinstance(statement, ast.AnnAssign) else statement.targets[0]
            if ast.unparse(target) == "CODES" and code in ast.literal_eval(statement.value):
                return ast.get_docstring(tree)
    return None
