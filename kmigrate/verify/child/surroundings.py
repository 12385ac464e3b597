"""Stand-ins for what a script expects around it: modules that are not installed, a user at the keyboard."""

from __future__ import annotations

import builtins
import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
import types
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from kmigrate.verify.child import images, leaving, sounds, tests
from kmigrate.verify.child.data import Data

# plotting, progress and logging: what they return decides nothing
_OPTIONAL = {
    "matplotlib",
    "pylab",
    "mpl_toolkits",
    "seaborn",
    "cv2",
    "PIL",
    "skimage",
    "IPython",
    "tqdm",
    "pydot",
    "pydot_ng",
    "graphviz",
    "wandb",
    "theano",
    "sklearn",
    "librosa",
    "imageio",
    "visdom",
    "tensorboardX",
    "tensorboard",
}


class Stub:
    """Swallows calls and attributes of a module that is not installed; refuses to be a number."""

    def __init__(self, name: str) -> None:
        self.__dict__["_stub"] = name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Stub(f"{self._stub}.{name}")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._stub.rpartition(".")[2] in leaving.SHOWING:
            leaving.picture(*args, **kwargs)
        return Stub(self._stub + "()")

    def __setattr__(self, name: str, value: Any) -> None:
        del name, value

    def __getitem__(self, key: Any) -> Stub:
        del key
        return self

    def __setitem__(self, key: Any, value: Any) -> None:
        del key, value

    def __iter__(self) -> Iterator[Stub]:
        return iter((self, self))  # figure, axes = plt.subplots()

    def __enter__(self) -> Stub:
        return self

    def __exit__(self, *args: Any) -> None:
        del args

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        del args, kwargs
        raise FileNotFoundError(f"data missing: {self._stub} is not installed here, and its value is needed")

    def __str__(self) -> str:
        return self._stub

    def __format__(self, how: str) -> str:
        return self._stub

    def _same(self, *args: Any) -> Stub:
        """Arithmetic on what is not known is not known either."""
        del args
        return self

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __neg__ = _same


class _Optional(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """The last finder: optional modules that are not installed are stubbed."""

    def __init__(self, data: Data) -> None:
        self.data = data
        self.tables = {**images.functions(data), **_tables()}

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: Any = None) -> Any:
        del path, target
        if fullname.partition(".")[0] in _OPTIONAL or fullname in self.tables:
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> Any:
        self.data.note(f"{spec.name.partition('.')[0]} is not installed: stubbed")
        return self.module(spec.name)

    def module(self, name: str) -> Any:
        """The stand-in for a module."""
        module = types.ModuleType(name)
        module.__dict__.update(self.tables.get(name, {}))
        module.__getattr__ = lambda attribute: self._attribute(name, attribute)  # type: ignore[method-assign]
        return module

    def exec_module(self, module: Any) -> None:
        del module

    def _attribute(self, module: str, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        full = f"{module}.{name}"
        return importlib.import_module(full) if full in self.tables else Stub(full)


def _plain(iterable: Any = (), *args: Any, **kwargs: Any) -> Any:
    del args, kwargs
    return iterable


def _shuffled(*arrays: Any, random_state: Any = None, **kwargs: Any) -> Any:
    """sklearn.utils.shuffle: in one order that every run has."""
    order = np.random.RandomState(0).permutation(len(arrays[0]))
    found = [np.asarray(array)[order] for array in arrays]
    return found[0] if len(found) == 1 else found


def _split(*arrays: Any, test_size: Any = 0.25, **kwargs: Any) -> list[Any]:
    """sklearn.model_selection.train_test_split, likewise."""
    count = len(arrays[0])
    tests = max(int(count * test_size) if isinstance(test_size, float) else int(test_size or count // 4), 1)
    order = np.random.RandomState(0).permutation(count)
    return [part for array in arrays for part in (np.asarray(array)[order[tests:]], np.asarray(array)[order[:tests]])]


def _tables() -> dict[str, dict[str, Any]]:
    """For each module: what of it is more than swallowed."""
    split = {"train_test_split": _split}
    return {
        "tqdm": {"tqdm": _plain, "trange": range},
        "sklearn.utils": {"shuffle": _shuffled},
        "sklearn.model_selection": split,
        "sklearn.cross_validation": split,
        **sounds.table(),
        "pytest": tests.table(),
    }


def install(data: Data) -> None:
    """Optional modules, pictures that are missing, the keyboard, and ways to end the process without a word."""
    finder = _Optional(data)
    _pictures(finder.tables)
    sys.meta_path.append(finder)
    sys.modules["pytest"] = finder.module("pytest")  # the real one would run the script once more

    def no_input(prompt: object = "") -> str:
        del prompt
        data.note("input() answered with an empty line")
        return ""

    builtins.input = no_input

    def leave(code: int = 0) -> None:
        raise SystemExit(code)

    os._exit = leave  # type: ignore[assignment]


def _pictures(tables: dict[str, dict[str, Any]]) -> None:
    """Where a library for pictures is installed, missing pictures are made up nevertheless."""
    for module_name, names in (("cv2", ["imread"]), ("PIL.Image", ["open"]), ("skimage.io", ["imread"])):
        if importlib.util.find_spec(module_name.partition(".")[0]) is None:
            continue
        module = importlib.import_module(module_name)
        for name in names:
            setattr(module, name, _or_made_up(getattr(module, name), tables[module_name][name], module))


def _or_made_up(original: Any, made_up: Any, module: Any) -> Any:
    def read(file: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(file, str | os.PathLike) or os.path.isfile(file):
            return original(file, *args, **kwargs)
        found = made_up(file, *args, **kwargs)
        return module.fromarray(found.values) if hasattr(module, "fromarray") else found

    return read
