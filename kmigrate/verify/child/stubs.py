"""Stand-ins for what a script expects around it: data sets, data files, plotting, a user at the keyboard."""

from __future__ import annotations

import builtins
import importlib.abc
import importlib.machinery
import os
import sys
import types
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

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
    "tensorboard",
}


@dataclass
class Data:
    """Which data the script was given in place of what it asked for."""

    seed: int
    shapes: dict[str, dict[str, Any]] = field(default_factory=dict)  # known from an earlier run
    guess: tuple[int, ...] = (16, 3, 37, 29)
    real_sizes: bool = False
    used: dict[str, dict[str, Any]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def ramped(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Values in [0, 1) whose mean depends on the position along every axis, so that no two axes,
    no direction and no channel can be mistaken for another."""
    values = rng.random(shape)
    for axis in range(1, len(shape)):
        size = shape[axis]
        ramp = (np.arange(size) + 1) ** 1.3
        values += (0.4 + 0.2 * axis) * (ramp / ramp.max()).reshape((size,) + (1,) * (len(shape) - axis - 1))
    return values / values.max()


def _images(data: Data, name: str, shape: tuple[int, ...]) -> np.ndarray:
    rng = np.random.default_rng([data.seed, zlib.crc32(name.encode())])
    if len(shape) and shape[0] > 1000:  # the real number of images: repeat a few
        few = (ramped(rng, (97, *shape[1:])) * 255).astype("uint8")
        return np.resize(few, shape)
    return (ramped(rng, shape) * 255).astype("uint8")


def _labels(data: Data, name: str, count: int, classes: int) -> np.ndarray:
    rng = np.random.default_rng([data.seed, zlib.crc32(name.encode()), 1])
    return rng.permutation(np.arange(count) % classes)


def install_datasets(datasets: Any, data: Data, ordering: Callable[[], str]) -> None:
    """Replace the loaders of ``keras.datasets`` by small, seeded, non-constant data."""

    def sizes(train: int, test: int) -> tuple[int, int]:
        return (train, test) if data.real_sizes else (97, 41)

    def gray(name: str) -> Callable[..., Any]:
        def load_data(*args: Any, **kwargs: Any) -> Any:
            del args, kwargs
            data.notes.append(f"{name}.load_data() gives synthetic images")
            n, m = sizes(60000, 10000)
            return (
                (_images(data, name, (n, 28, 28)), _labels(data, name, n, 10).astype("uint8")),
                (_images(data, name + "t", (m, 28, 28)), _labels(data, name + "t", m, 10).astype("uint8")),
            )

        return load_data

    def colour(name: str, classes: int) -> Callable[..., Any]:
        def load_data(*args: Any, **kwargs: Any) -> Any:
            del args, kwargs
            data.notes.append(f"{name}.load_data() gives synthetic images")
            parts = []
            for count, part in zip(sizes(50000, 10000), ("", "t"), strict=True):
                x = _images(data, name + part, (count, 3, 32, 32))
                if ordering() == "channels_last":
                    x = x.transpose(0, 2, 3, 1)
                parts.append((x, _labels(data, name + part, count, classes).reshape(-1, 1).astype("uint8")))
            return tuple(parts)

        return load_data

    def words(name: str, classes: int) -> Callable[..., Any]:
        def load_data(*args: Any, num_words: int | None = None, **kwargs: Any) -> Any:
            del args, kwargs
            rng = np.random.default_rng([data.seed, 5])
            parts = []
            for count in sizes(25000, 25000):
                rows = [list(rng.integers(1, num_words or 9000, size=rng.integers(5, 60))) for _ in range(count)]
                x = np.empty(count, dtype=object)
                x[:] = rows
                parts.append((x, rng.integers(0, classes, size=count)))
            data.notes.append(f"{name}.load_data() gives synthetic texts")
            return tuple(parts)

        return load_data

    table = {
        "mnist": gray("mnist"),
        "fashion_mnist": gray("fashion_mnist"),
        "cifar10": colour("cifar10", 10),
        "cifar100": colour("cifar100", 100),
        "imdb": words("imdb", 2),
        "reuters": words("reuters", 46),
    }
    for name, loader in table.items():
        module = getattr(datasets, name, None)
        if module is not None:
            module.load_data = loader
    # the API repeats these modules under other names
    for path, module in list(sys.modules.items()):
        if ".datasets." in path and path.rsplit(".", 1)[1] in table and hasattr(module, "load_data"):
            module.load_data = table[path.rsplit(".", 1)[1]]  # type: ignore[attr-defined]


def make_file(data: Data, name: str) -> np.ndarray:
    """The contents of the missing data file ``name``."""
    known = data.shapes.get(name)
    shape = tuple(known["shape"]) if known else data.guess
    kind = known["kind"] if known else "values"
    data.used[name] = {"shape": list(shape), "kind": kind, "guessed": known is None}
    rng = np.random.default_rng([data.seed, zlib.crc32(name.encode()), 2])
    if kind == "classes":
        return rng.integers(0, (known or {}).get("classes", 2), size=shape)
    if kind == "one-hot":
        return np.eye(shape[1])[rng.integers(0, shape[1], size=shape[0])]
    if kind == "unit":
        return rng.random(shape)
    return ramped(rng, shape) * 255 - 60


def install_numpy(data: Data, saved: Callable[[str, list[np.ndarray]], None]) -> None:
    """Missing .npy files get synthetic contents; saved arrays are recorded."""
    load, save, savez = np.load, np.save, np.savez

    def fake_load(file: Any, *args: Any, **kwargs: Any) -> Any:
        name = os.fspath(file) if isinstance(file, str | os.PathLike) else None
        if name is None or os.path.exists(name):
            return load(file, *args, **kwargs)
        if not str(name).endswith(".npy"):
            raise FileNotFoundError(f"data missing: {name}")
        return make_file(data, os.path.normpath(str(name)))

    def fake_save(file: Any, arr: Any, *args: Any, **kwargs: Any) -> None:
        if isinstance(file, str | os.PathLike):
            saved(os.path.basename(os.fspath(file)), [np.asarray(arr)])
        save(file, arr, *args, **kwargs)

    def fake_savez(file: Any, *args: Any, **kwds: Any) -> None:
        if isinstance(file, str | os.PathLike):
            arrays = [*args, *(kwds[key] for key in sorted(kwds))]
            saved(os.path.basename(os.fspath(file)), [np.asarray(a) for a in arrays])
        savez(file, *args, **kwds)

    np.load, np.save, np.savez = fake_load, fake_save, fake_savez


class Stub:
    """Swallows calls and attributes of a module that is not installed; refuses to be a number."""

    def __init__(self, name: str) -> None:
        self.__dict__["_stub"] = name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Stub(f"{self._stub}.{name}")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        del args, kwargs
        return Stub(self._stub + "()")

    def __setattr__(self, name: str, value: Any) -> None:
        del name, value

    def __getitem__(self, key: Any) -> Stub:
        del key
        return self

    def __iter__(self) -> Iterator[Stub]:
        return iter((self, self))  # figure, axes = plt.subplots()

    def __enter__(self) -> Stub:
        return self

    def __exit__(self, *args: Any) -> None:
        del args

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        del args, kwargs
        raise FileNotFoundError(f"data missing: {self._stub} is not installed here, and its value is needed")


class _Optional(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """The last finder: optional modules that are not installed are stubbed."""

    def __init__(self, notes: list[str]) -> None:
        self.notes = notes

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: Any = None) -> Any:
        del path, target
        if fullname.partition(".")[0] in _OPTIONAL:
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> Any:
        module = types.ModuleType(spec.name)
        self.notes.append(f"{spec.name} is not installed: stubbed")
        if spec.name.partition(".")[0] == "tqdm":
            module.__dict__.update(tqdm=_plain, trange=range)
        module.__getattr__ = lambda name: _attribute(spec.name, name)  # type: ignore[method-assign]
        return module

    def exec_module(self, module: Any) -> None:
        del module


def _plain(iterable: Any = (), *args: Any, **kwargs: Any) -> Any:
    del args, kwargs
    return iterable


def _attribute(module: str, name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return Stub(f"{module}.{name}")


def install_surroundings(notes: list[str]) -> None:
    """Optional modules, the keyboard, and ways to end the process without a word."""
    sys.meta_path.append(_Optional(notes))

    def no_input(prompt: object = "") -> str:
        del prompt
        notes.append("input() answered with an empty line")
        return ""

    builtins.input = no_input

    def leave(code: int = 0) -> None:
        raise SystemExit(code)

    os._exit = leave  # type: ignore[assignment]
