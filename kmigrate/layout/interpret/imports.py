"""Import statements: the project's modules are run where they are imported, libraries are names."""

from __future__ import annotations

import ast

from kmigrate.layout.interpret.library import Library
from kmigrate.layout.interpret.state import DEPTH_LIMIT
from kmigrate.layout.values import Const, Module, ProjectModule, Scope, Seq, Unknown, Value


class Imports(Library):
    """``import`` and ``from ... import``."""

    def run_Import(self, stmt: ast.Import) -> None:
        for alias in stmt.names:
            found = self._package(alias.name, stmt)
            if found is not None:
                top, inner = found
                self.scope.names[alias.asname or alias.name.split(".")[0]] = inner if alias.asname else top
            else:
                dotted = alias.name if alias.asname else alias.name.split(".")[0]
                self.scope.names[alias.asname or dotted] = Module(dotted)

    def run_ImportFrom(self, stmt: ast.ImportFrom) -> None:
        base = self._module(stmt.module or "", stmt.level, stmt)
        for alias in stmt.names:
            if alias.name == "*":
                self._star(stmt, base)
                continue
            self.scope.names[alias.asname or alias.name] = self._imported(stmt, base, alias.name)

    def _imported(self, stmt: ast.ImportFrom, base: ProjectModule | None, name: str) -> Value:
        if base is not None and name in base.scope.names:
            return base.scope.names[name]
        inner = self._module(f"{stmt.module}.{name}" if stmt.module else name, stmt.level, stmt)
        if inner is not None:
            return inner
        if base is not None:
            return Unknown(base.why or f"`{name}`, which `{base.path}` does not define", self.place(stmt))
        library = self.files.absolute(self.source.path, stmt.module or "", stmt.level)
        if library is not None:
            return Module(f"{library}.{name}")
        if stmt.level or stmt.module is None:
            return Unknown(f"`{name}` of another module of the project", self.place(stmt))
        return Module(f"{stmt.module}.{name}")

    def _star(self, stmt: ast.ImportFrom, base: ProjectModule | None) -> None:
        from kmigrate.keras_api.stars import exported

        if base is None:
            module = self.files.absolute(self.source.path, stmt.module or "", stmt.level) if stmt.level else stmt.module
            if module:
                self.scope.names.update({name: Module(f"{module}.{name}") for name in exported(module)})
            return
        names = base.scope.names
        listed = names.get("__all__")
        public = {item.value for item in listed.items if isinstance(item, Const)} if isinstance(listed, Seq) else None
        for name, value in list(names.items()):
            if name in public if public is not None else not name.startswith("_"):
                self.scope.names[name] = value

    # -- the project's modules -----------------------------------------------------------------------

    def _package(self, dotted: str, stmt: ast.stmt) -> tuple[ProjectModule, ProjectModule] | None:
        """``import a.b.c``: the modules a and a.b.c, each being an attribute of the one above it."""
        if self.files.find(self.source.path, self.entry.source.path, dotted, 0) is None:
            return None
        parts = dotted.split(".")
        chain: list[ProjectModule] = []
        for i, part in enumerate(parts):
            name = ".".join(parts[: i + 1])
            module = self._module(name, 0, stmt) or self.entry.loaded.setdefault(name, ProjectModule(name, Scope()))
            if chain:
                chain[-1].scope.names[part] = module
            chain.append(module)
        return chain[0], chain[-1]

    def _module(self, name: str, level: int, stmt: ast.stmt) -> ProjectModule | None:
        """The module of the project that has this name here; None where it is a library's."""
        path = self.files.find(self.source.path, self.entry.source.path, name, level)
        if path is None:
            return None
        known = self.entry.loaded.get(path)
        return self._load(path, name, stmt) if known is None else known

    def _load(self, path: str, name: str, stmt: ast.stmt) -> ProjectModule:
        module = self.entry.loaded[path] = ProjectModule(path, Scope())
        source = self.files.load(path)
        if source is None or self.depth >= DEPTH_LIMIT:
            module.why = f"`{path}` cannot be read as Python 3"
            if "keras" in self.files.texts.get(path, "keras").lower():
                self.entry.unread.append(self.because(f"{module.why} and may use Keras", stmt, "KM904"))
            return module
        saved = {name: getattr(self, name) for name in _OF_ONE_RUN}
        self.source, self.scope, self.statement = source, module.scope, None
        self.guards, self.alternate, self.walled, self.context = (), (), (), self.outermost
        self.loops, self.returns, self.yields = 0, [], []
        self.exits, self.stored = [], list[set[int]]()
        self.depth += 1
        self.importing = self.importing or stmt
        muted, self.graph.muted = self.graph.muted, False  # it is run once, whichever branch imports it
        module.scope.names["__name__"] = Const(name)
        module.scope.names["__file__"] = Unknown("__file__")
        try:
            self.run_block(source.tree.body)
        finally:
            self.graph.muted = muted
            for attribute, value in saved.items():
                setattr(self, attribute, value)
        return module


_OF_ONE_RUN = (
    "source", "scope", "statement", "guards", "alternate", "walled", "context", "loops", "returns", "yields", "exits",
    "stored", "depth", "importing",
)  # fmt: skip
