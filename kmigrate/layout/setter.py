"""The statement that says the new ordering, where the old one came from outside the source."""

from __future__ import annotations

import ast

from kmigrate.layout.graph import Because
from kmigrate.layout.interpret.machine import Interpreter
from kmigrate.layout.interpret.state import Entry
from kmigrate.plan import Edit


def setter_problem(run: Interpreter, entry: Entry) -> Because | None:
    """Why the new ordering cannot be stated in a script, or None."""
    path = entry.source.path
    if why := run.files.locks(path):
        return Because(f"`{path}` would have to state the new ordering, but {why}", path, 0, 0, "KM904")
    if _anchor(entry) is None:
        return Because("the new ordering cannot be stated before something reads it", path, 0, 0, "KM907")
    return None


def setter_edits(run: Interpreter, entry: Entry, flipped: bool) -> list[Edit]:
    """One call of the setter behind the imports; none where layers state their ordering themselves."""
    if not flipped or not entry.used or run.known.separate_loaders:
        return []
    anchor = _anchor(entry)
    if anchor is None:
        return []
    flavour = next((api.flavour for api, _ in run.bounds if api.module == "keras.layers"), "keras")
    backend, needed = _backend_name(entry, flavour, anchor)
    call = "set_image_dim_ordering('tf')" if run.keras1() else "set_image_data_format('channels_last')"
    text = f"{backend}.{call}"
    if needed:
        text = f"{needed}\n{text}"
    why = run.known.ordering_why.get(entry.source.path, "")
    reason = f"states the new ordering; the old one was not in the file: {why}"
    args = {"where": "after", "text": text}
    return [run.edit(anchor, "ambient", "KM107", args, reason, kind="stmt")]


def _anchor(entry: Entry) -> ast.stmt | None:
    """The last import at the top of the script, before anything that reads the ordering."""
    reads = {place.line for place in entry.reads if place.path == entry.source.path}
    anchor: ast.stmt | None = None
    for stmt in entry.source.tree.body:
        if any(stmt.lineno <= line <= (stmt.end_lineno or stmt.lineno) for line in reads):
            break
        if isinstance(stmt, ast.Import | ast.ImportFrom):
            anchor = stmt
        elif not isinstance(stmt, ast.Expr | ast.Assign):
            break
    return anchor


def _backend_name(entry: Entry, flavour: str, anchor: ast.stmt) -> tuple[str, str | None]:
    """What the backend module is called here, and the import it needs if it has no name yet."""
    package = None
    for stmt in entry.source.tree.body:
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
    taken = {node.id for node in ast.walk(entry.source.tree) if isinstance(node, ast.Name)}
    name = "K" if "K" not in taken else "keras_backend"
    return name, f"from {flavour} import backend as {name}"
