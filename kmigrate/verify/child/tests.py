"""Scripts that are tests: their functions are called one after another, as pytest would, without pytest.

What a test asserts of a training is not expected to hold after a few steps, so failed assertions are passed over.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any


class _Raises:
    """`with pytest.raises(...)`: what is raised within is passed over."""

    def __enter__(self) -> _Raises:
        return self

    def __exit__(self, kind: Any, value: Any, trace: Any) -> bool:
        return kind is not None and issubclass(kind, Exception)


class _Mark:
    """`pytest.mark`: of parametrize the values are kept, all else changes nothing."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _parametrize if name == "parametrize" else _unchanged


def _unchanged(*args: Any, **kwargs: Any) -> Any:
    if len(args) == 1 and not kwargs and callable(args[0]):
        return args[0]
    return lambda function: function


def _parametrize(names: Any, values: Any, **kwargs: Any) -> Callable[[Any], Any]:
    wanted = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)

    def mark(function: Any) -> Any:
        rows = [dict(zip(wanted, value if len(wanted) > 1 else [value], strict=False)) for value in values]
        before = getattr(function, "kmigrate_rows", [{}])
        function.kmigrate_rows = [{**one, **other} for one in before for other in rows]
        return function

    return mark


def _main(*args: Any, **kwargs: Any) -> int:
    """`pytest.main([__file__])`."""
    run(vars(sys.modules["__main__"]) if not _caller() else _caller())
    return 0


def _caller() -> dict[str, Any]:
    """The names of the script that called `pytest.main`."""
    return sys._getframe(2).f_globals if sys._getframe(2).f_globals.get("__name__") == "__main__" else {}


def table() -> dict[str, Any]:
    """What there is of pytest."""
    return {
        "main": _main,
        "mark": _Mark(),
        "raises": lambda *args, **kwargs: _Raises(),
        "fixture": _unchanged,
        "approx": lambda value, **kwargs: value,
    }


def run(names: dict[str, Any]) -> int:
    """Call the tests among the names of a script; gives how many there were."""
    found = list(_tests(names))
    for test in found:
        try:
            test()
        except AssertionError:
            continue
    return len(found)


def _tests(names: dict[str, Any]) -> Iterator[Callable[[], Any]]:
    for name, value in list(names.items()):
        if isinstance(value, type) and (name.startswith("Test") or hasattr(value, "assertEqual")):
            yield from _methods(value)
        elif name.startswith("test_") and callable(value):
            yield from _rows(value)


def _methods(cls: type) -> Iterator[Callable[[], Any]]:
    for name in dir(cls):
        if name.startswith("test"):
            made = cls(name) if hasattr(cls, "assertEqual") else cls()
            for step in ("setUp", "setup_method"):
                if hasattr(made, step):
                    getattr(made, step)()
            yield from _rows(getattr(made, name))


def _rows(test: Any) -> Iterator[Callable[[], Any]]:
    for row in getattr(test, "kmigrate_rows", [{}]):
        yield lambda row=row: test(**row)  # type: ignore[misc]
