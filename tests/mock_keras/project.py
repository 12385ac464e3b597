"""Modules of a program's own, for a run under the mock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

Import = Callable[..., Any]


def own_modules(texts: Mapping[str, str], builtins: dict[str, Any], other: Import) -> Import:
    """An ``__import__`` that runs ``texts`` (dotted name: text; packages by their own name) and asks ``other``
    for the rest."""
    packages = {name.rpartition(".")[0] for name in texts if "." in name}
    loaded: dict[str, ModuleType] = {}

    def module(name: str) -> ModuleType:
        if name in loaded:
            return loaded[name]
        parent, _, last = name.rpartition(".")
        above = module(parent) if parent else None
        made = loaded[name] = ModuleType(name)
        made.__dict__["__builtins__"] = builtins
        if name in packages:
            made.__path__ = []
        made.__package__ = name if name in packages else parent
        exec(compile(texts.get(name, ""), f"<{name}>", "exec"), made.__dict__)
        if above is not None:
            setattr(above, last, made)
        return made

    def load(name: str, globals_: Any = None, locals_: Any = None, fromlist: Any = (), level: int = 0) -> Any:
        if level:
            base = globals_["__package__"].split(".")
            name = ".".join([*base[: len(base) - level + 1], *([name] if name else [])])
        if name not in texts and name not in packages:
            return other(name, globals_, locals_, fromlist, level)
        found = module(name)
        for inner in fromlist or ():
            if f"{name}.{inner}" in texts:
                module(f"{name}.{inner}")
        return found if fromlist else module(name.split(".")[0])

    return load
