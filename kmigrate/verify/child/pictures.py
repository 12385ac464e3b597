"""Keras' own ways to pictures and downloaded files, for those that are missing."""

from __future__ import annotations

import importlib
import json
import os
import sys
from typing import Any

import numpy as np

from kmigrate.verify.child.data import CLASSES, Data
from kmigrate.verify.child.files import missing
from kmigrate.verify.child.images import Picture, gray, resized
from kmigrate.verify.child.stack import KERAS3, Stack

_HOMES = {
    KERAS3: ("keras.src.utils.image_utils", "keras.src.legacy.preprocessing.image", "keras.src.utils.file_utils"),
    "tf_keras": (
        "tf_keras.src.utils.image_utils",
        "tf_keras.src.preprocessing.image",
        "tf_keras.src.utils.data_utils",
    ),
}
_IMAGENET = 1000


def install(stack: Stack, data: Data) -> None:
    """Patch load_img, flow_from_directory and get_file."""
    home, generators, downloads = (importlib.import_module(name) for name in _HOMES[stack.name])
    _everywhere("load_img", home.load_img, _load_img(home.load_img, data))
    _everywhere("get_file", downloads.get_file, _get_file(data))
    generator = generators.ImageDataGenerator
    generator.flow_from_directory = _flow_from_directory(generator.flow_from_directory, data)


def _everywhere(name: str, original: Any, new: Any) -> None:
    """The API has a function in several modules."""
    for module in list(sys.modules.values()):
        if getattr(module, "__dict__", {}).get(name) is original:
            setattr(module, name, new)


def _get_file(data: Data) -> Any:
    """Nothing is downloaded: the path of a file that is not there, but for the names of ImageNet's classes."""

    def get_file(fname: Any = None, origin: Any = None, *args: Any, **kwargs: Any) -> str:
        name = os.path.basename(str(fname or origin))
        data.note(f"{name} is not downloaded")
        path = os.path.join(os.environ["KERAS_HOME"], "datasets", name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if "class_index" in name:
            with open(path, "w", encoding="utf-8") as file:
                json.dump({str(i): [f"n{i:08}", f"class {i}"] for i in range(_IMAGENET)}, file)
        return path

    return get_file


def _load_img(original: Any, data: Data) -> Any:
    def load_img(path: Any, *args: Any, **kwargs: Any) -> Any:
        name = missing(path)
        if name is None:
            return original(path, *args, **kwargs)
        words = [value for value in (*args, *kwargs.values()) if isinstance(value, str | bool)]
        sizes = [value for value in (*args, *kwargs.values()) if isinstance(value, tuple | list)]
        values = data.picture(name)
        if True in words or "grayscale" in words:
            values = gray(values)
        if sizes:
            values = resized(values, int(sizes[0][0]), int(sizes[0][1]))
        return Picture(values, name)

    return load_img


def _flow_from_directory(original: Any, data: Data) -> Any:
    def flow_from_directory(self: Any, directory: Any, *args: Any, **kwargs: Any) -> Any:
        name = missing(directory)
        if name is None:
            return original(self, directory, *args, **kwargs)
        given = dict(zip(("target_size", "color_mode", "classes", "class_mode", "batch_size"), args, strict=False))
        given = {"target_size": (256, 256), "class_mode": "categorical", **given, **kwargs}
        batch = int(given.get("batch_size", 32))
        channels = 1 if given.get("color_mode") == "grayscale" else 3
        known = data.shapes.get(name, {})
        count = len(given.get("classes") or []) or known.get("classes", CLASSES)
        data.used[name] = {"shape": [count], "kind": "folders", "guessed": "classes" not in known}
        data.note(f"made up the pictures in {name}")
        size = tuple(int(s) for s in given["target_size"])
        x = data.images(name, (max(min(batch, 8), 2), *size, channels)).astype("float32")
        if getattr(self, "data_format", "channels_last") == "channels_first":
            x = x.transpose(0, 3, 1, 2)
        y = data.labels(name, len(x), count)
        kinds = {"categorical": np.eye(count)[y], "binary": y.astype("float32"), "sparse": y, "input": x}
        labels = kinds.get(str(given.get("class_mode")))
        flow = self.flow(x, labels, batch_size=min(batch, len(x)), shuffle=False)
        flow.samples = flow.nb_sample = flow.n
        flow.classes, flow.filenames = y, [f"{label}/{i:02}.png" for i, label in enumerate(y)]
        flow.class_indices = {f"class{i}": i for i in range(count)}
        flow.num_classes = flow.nb_class = count
        return flow

    return flow_from_directory
