"""Small data sets in place of those of ``keras.datasets``, which would be downloaded."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from kmigrate.verify.child.data import Data


def install(datasets: Any, data: Data, ordering: Callable[[], str]) -> None:
    """Replace the loaders of ``keras.datasets`` by small, seeded, non-constant data."""

    def sizes(train: int, test: int) -> tuple[int, int]:
        return (train, test) if data.real_sizes else (97, 41)

    def gray(name: str) -> Callable[..., Any]:
        def load_data(*args: Any, **kwargs: Any) -> Any:
            del args, kwargs
            data.note(f"{name}.load_data() gives synthetic images")
            n, m = sizes(60000, 10000)
            return (
                (data.images(name, (n, 28, 28)), data.labels(name, n, 10).astype("uint8")),
                (data.images(name + "t", (m, 28, 28)), data.labels(name + "t", m, 10).astype("uint8")),
            )

        return load_data

    def colour(name: str, classes: int) -> Callable[..., Any]:
        def load_data(*args: Any, **kwargs: Any) -> Any:
            del args, kwargs
            data.note(f"{name}.load_data() gives synthetic images")
            parts = []
            for count, part in zip(sizes(50000, 10000), ("", "t"), strict=True):
                x = data.images(name + part, (count, 3, 32, 32))
                if ordering() == "channels_last":
                    x = x.transpose(0, 2, 3, 1)
                parts.append((x, data.labels(name + part, count, classes).reshape(-1, 1).astype("uint8")))
            return tuple(parts)

        return load_data

    def words(name: str, classes: int) -> Callable[..., Any]:
        def load_data(*args: Any, num_words: int | None = None, **kwargs: Any) -> Any:
            del args, kwargs
            rng = data.random(name, 5)
            parts = []
            for count in sizes(25000, 25000):
                rows = [list(rng.integers(1, num_words or 9000, size=rng.integers(5, 60))) for _ in range(count)]
                x = np.empty(count, dtype=object)
                x[:] = rows
                parts.append((x, rng.integers(0, classes, size=count)))
            data.note(f"{name}.load_data() gives synthetic texts")
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
    table = {name: _own_first(data, name, loader) for name, loader in table.items()}
    for name, loader in table.items():
        module = getattr(datasets, name, None)
        if module is not None:
            module.load_data = loader
    # the API repeats these modules under other names
    for path, module in list(sys.modules.items()):
        if ".datasets." in path and path.rsplit(".", 1)[1] in table and hasattr(module, "load_data"):
            module.load_data = table[path.rsplit(".", 1)[1]]  # type: ignore[attr-defined]


def _own_first(data: Data, name: str, loader: Callable[..., Any]) -> Callable[..., Any]:
    """A loader that gives what the user's function has for the data set's name."""

    def load_data(*args: Any, **kwargs: Any) -> Any:
        found = data.given(name)
        return loader(*args, **kwargs) if found is None else found

    return load_data
