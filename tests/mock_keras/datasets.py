"""Data: the data sets of Keras with a few images each, files by name, and a library nobody knows."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.mock_keras.world import World, numbers

TRAIN, TEST = 5, 3


def images(seed: str, shape: tuple[int, ...]) -> np.ndarray:
    return np.floor(numbers(seed, *shape) * 120 + 128)


def load_mnist() -> Any:
    x, y = images("mnist", (TRAIN, 28, 28)), np.arange(TRAIN) % 10
    test, labels = images("mnist test", (TEST, 28, 28)), np.arange(TEST) % 10
    return (x.astype("uint8"), y), (test.astype("uint8"), labels)


def load_cifar10(world: World) -> Callable[..., Any]:
    def load(label_mode: str = "fine") -> Any:
        parts = []
        for name, count in (("cifar", TRAIN), ("cifar test", TEST)):
            x = images(name, (count, 3, 32, 32)).astype("uint8")
            if world.version >= (1, 1) and not world.first:
                x = x.transpose(0, 2, 3, 1)
            parts.append((x, (np.arange(count) % 10).reshape(-1, 1)))
        return tuple(parts)

    return load


def of_name(name: str) -> np.ndarray:
    """``x_4_3_8_11.npy`` holds numbers of the shape (4, 3, 8, 11)."""
    found = re.findall(r"_(\d+)", str(name))
    assert found, f"a file without a shape in its name: {name}"
    return numbers(f"file {name}", *map(int, found)) * 2 + 2.2


def library(world: World) -> dict[str, Callable[..., Any]]:
    """A module that the analysis has never heard of; all that it gets and gives is channels-first."""

    def blurred(x: Any) -> Any:
        x = np.asarray(x, dtype=float)
        world.log("unknown", "", x)
        return x * (1 + np.arange(x.shape[1]).reshape((-1,) + (1,) * (x.ndim - 2)) / 7)

    def show(*values: Any) -> None:
        for value in values:
            world.log("unknown", "", value)

    return {"load_images": of_name, "blurred": blurred, "show": show}


def to_categorical(y: Any, num_classes: int | None = None, nb_classes: int | None = None) -> np.ndarray:
    y = np.asarray(y, dtype=int).ravel()
    return np.eye(num_classes or nb_classes or int(y.max()) + 1)[y]


class ImageDataGenerator:
    """Scales each channel by a number of its own, so that it matters which axis it takes for the channels."""

    def __init__(self, world: World, **keywords: Any) -> None:
        self.world = world
        given = keywords.get("data_format", keywords.get("dim_ordering"))
        follows = world.version < (2, 3) or world.version >= (2, 4)
        self.first = given in ("th", "channels_first") if given else (world.first and follows)

    def fit(self, x: Any, **_: Any) -> None:
        self._check(np.asarray(x))

    def _check(self, x: np.ndarray) -> np.ndarray:
        assert x.ndim == 4 and x.shape[1 if self.first else 3] in (1, 3, 4), f"images of the shape {x.shape}"
        return x

    def flow(self, x: Any, y: Any = None, batch_size: int = 32, **_: Any) -> Any:
        x = self._check(np.asarray(x, dtype=float))
        scale = 1 + np.arange(x.shape[1 if self.first else 3]) / 10
        x = x * (scale.reshape(-1, 1, 1) if self.first else scale)
        while True:
            for start in range(0, len(x), batch_size):
                part = slice(start, start + batch_size)
                yield x[part] if y is None else (x[part], y[part])


def train_test_split(*arrays: Any, test_size: float = 0.4, **_: Any) -> list[Any]:
    cut = int(len(arrays[0]) * (1 - test_size))
    return [part for a in arrays for part in (a[:cut], a[cut:])]
