"""The statement that says the new ordering, where the old one came from outside the source."""

from __future__ import annotations

import ast

from kmigrate.layout.interpret.machine import Interpreter
from kmigrate.plan import Edit


def setter_edits(run: Interpreter, flipped: bool) -> list[Edit]:
    """One call of the setter behind the imports; none where layers state their ordering themselves."""
    if not flipped or not run.implied_used or run.known.separate_loaders:
        return []
    anchor = _anchor(run)
    if anchor is None:
        return []
    flavour = next((api.flavour for api, _ in run.bounds if api.module == "keras.layers"), "keras")
    backend, needed = _backend_name(run, flavour, anchor)
    call = "set_image_dim_ordering('tf')" if run.keras1() else "set_image_data_format('channels_last')"
    text = f"{backend}.{call}"
    if needed:
        text = f"{needed}\n{text}"
    reason = f"states the new ordering; the old one was not in the file: {run.known.ordering_why}"
    args = {"where": "after", "text": text}
    return [run.edit(anchor, "ambient", "KM107", args, reason, kind="stmt")]


def _anchor(run: Interpreter) -> ast.stmt | None:
    """The last import at the top of the module, before anything that reads the ordering."""
    uses = {place.line for place in run.uses_ambient}
    anchor: ast.stmt | None = None
    for stmt in run.source.tree.body:
        if isinstance(stmt, ast.Import | ast.ImportFrom):
            anchor = stmt
        elif not isinstance(stmt, ast.Expr | ast.Assign) or any(
            stmt.lineno <= line <= (stmt.end_lineno or stmt.lineno) for line in uses
        ):
            break
    return anchor


def _backend_name(run: Interpreter, flavour: str, anchor: ast.stmt) -> tuple[str, str | None]:
    """What the backend module is called here, and the import it needs if it has no name yet."""
    package = None
    for stmt in run.source.tree.body:
        if stmt.lineno > anchor.lineno:
            break
        if isinstance(stmt, ast.ImportFrom) and stmt.module == flavour:
            for alias in stmt.names:
                if alias.name == "backend":
                    return alias.asname or "backend", None
        if isinstance(stmt, ast.Import):
            for alias in stmt.names:
                if alias.name == f"{flavour}.backend" and alias.asname:
                    return alias.asname, None
                if alias.name == flavour and (alias.asname or "." not in flavour):
                    package = alias.asname or alias.name
    if package is not None:
        return f"{package}.backend", None
    name = "K" if run.scope.module().lookup("K") is None else "keras_backend"
    return name, f"from {flavour} import backend as {name}"
