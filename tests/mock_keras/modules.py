"""The modules that a script can import, made anew for each run."""

from __future__ import annotations

import builtins
import functools
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from tests.mock_keras import datasets, tensorflow
from tests.mock_keras.backend import LOSSES, backend, ops
from tests.mock_keras.base import ACTIVATIONS, Layer
from tests.mock_keras.layers import KERAS1_NAMES, LAYERS
from tests.mock_keras.models import input_tensor
from tests.mock_keras.subclassing import Batches, Callback, Estimator, Search, classes
from tests.mock_keras.world import World

STUBS = ("optimizers", "regularizers", "constraints", "initializers", "callbacks", "matplotlib", "matplotlib.pyplot")
ABSENT = ("scipy", "cv2", "PIL", "skimage", "imageio", "h5py", "tqdm", "pylab", "pickle")
MERGE_MODES = {"sum": "Add", "mul": "Multiply", "ave": "Average", "max": "Maximum", "concat": "Concatenate"}


class Anything(ModuleType):
    """A module whose members take everything and do nothing, but log the arrays they get."""

    def __init__(self, name: str, world: World) -> None:
        super().__init__(name)
        self._world = world
        self.__path__: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)

        def call(*args: Any, **_: Any) -> str:
            for value in args:
                if isinstance(value, np.ndarray):
                    self._world.log("unknown", "", value)
            return name

        return call


def importer(world: World) -> Callable[..., Any]:
    """An ``__import__`` for one run."""
    known = _modules(world)

    def load(name: str, globals_: Any = None, locals_: Any = None, fromlist: Any = (), level: int = 0) -> Any:
        top = name.split(".", 1)[0]
        if top in ABSENT:
            raise ImportError(f"no module {name!r} here")
        if top not in ("keras", "numpy", "helpers", "sklearn", "matplotlib", "tensorflow"):
            return builtins.__import__(name, globals_, locals_, fromlist, level)
        if name.startswith("numpy."):
            return builtins.__import__(name, globals_, locals_, fromlist, level) if fromlist else known["numpy"]
        if name not in known:
            raise ImportError(f"no module {name!r} in Keras {'.'.join(map(str, world.version))}")
        return known[name] if fromlist else known[top]

    return load


def _modules(world: World) -> dict[str, ModuleType]:
    known: dict[str, ModuleType] = {}

    def module(name: str, members: dict[str, Any]) -> ModuleType:
        made = known.setdefault(name, ModuleType(name))
        made.__dict__.update(members)
        made.__dict__.setdefault("__path__", [])
        if "." in name:
            parent, _, last = name.rpartition(".")
            setattr(known[parent], last, made)
        return made

    layers = _layers(world)
    own = classes(world)
    models = {"Model": own["Model"], "Sequential": own["Sequential"]}
    layers["Layer"] = own["Layer"]
    module("keras", {"__version__": ".".join(map(str, world.version))})
    module("keras.layers", layers)
    module("keras.models", models)
    module("keras.backend", backend(world))
    for name in STUBS:
        if "matplotlib" not in name:
            known[f"keras.{name}"] = Anything(f"keras.{name}", world)
            setattr(known["keras"], name, known[f"keras.{name}"])
        else:
            known[name] = Anything(name, world)
    known["keras.callbacks"].Callback = Callback  # type: ignore[attr-defined]
    module("keras.activations", dict(ACTIVATIONS))
    module("keras.losses", {**LOSSES})
    module("keras.utils", {"to_categorical": datasets.to_categorical, "Sequence": Batches})
    module("keras.datasets", {})
    module("keras.datasets.mnist", {"load_data": datasets.load_mnist})
    module("keras.datasets.cifar10", {"load_data": datasets.load_cifar10(world)})
    module("keras.preprocessing", {})
    generator = functools.partial(datasets.ImageDataGenerator, world)
    module("keras.preprocessing.image", {"ImageDataGenerator": generator})
    if world.version >= (3,):
        setter = {"set_image_data_format": world.set_ordering}
        module(
            "keras.config",
            {**setter, "image_data_format": lambda: "channels_first" if world.first else "channels_last"},
        )
        known["keras.ops"] = known["keras"].ops = ops()  # type: ignore[attr-defined,assignment]
        known["keras"].__dict__.update(models, Input=layers["Input"])
        del known["keras.preprocessing"], known["keras.preprocessing.image"], known["keras"].preprocessing
    else:
        module("keras.utils.np_utils", {"to_categorical": datasets.to_categorical})
        parts = ["core", "convolutional", "pooling", "normalization", "advanced_activations", "recurrent"]
        for part in parts + ["merge"] * (world.version >= (2,)):
            module(f"keras.layers.{part}", layers)
    for name, made in tensorflow.modules().items():
        known[name] = made
    module("numpy", _numpy(world))
    module("helpers", datasets.library(world))
    module("sklearn", {})
    searched = {"train_test_split": datasets.train_test_split, "GridSearchCV": Search}
    module("sklearn.model_selection", searched)
    module("keras.wrappers", {})
    module("keras.wrappers.scikit_learn", {"KerasClassifier": Estimator, "KerasRegressor": Estimator})
    return known


def _numpy(world: World) -> dict[str, Any]:
    def save(file: Any, value: Any) -> None:
        world.log("save", "", value)

    def save_several(file: Any, *values: Any) -> None:
        for value in values:
            world.log("save", "", value)

    several = dict.fromkeys(("savez", "savez_compressed", "savetxt"), save_several)
    return {**np.__dict__, "load": datasets.of_name, "save": save, **several}


def _layers(world: World) -> dict[str, Any]:
    def maker(name: str) -> Callable[..., Layer]:
        return functools.partial(LAYERS[name], world, name)

    def joined(name: str) -> Callable[..., Any]:
        def join(inputs: Any, *args: Any, **keywords: Any) -> Any:
            return LAYERS[name](world, name, *args, **keywords)(inputs)

        return join

    def merge(
        inputs: Any, mode: Any = "sum", concat_axis: int = -1, dot_axes: int = -1, output_shape: Any = None
    ) -> Any:
        if callable(mode):
            return LAYERS["Lambda"](world, "Lambda", mode, output_shape)(inputs)
        if mode == "dot":
            return LAYERS["Dot"](world, "Dot")(inputs)
        extra = {"axis": concat_axis} if mode == "concat" else {}
        return LAYERS[MERGE_MODES[mode]](world, MERGE_MODES[mode], **extra)(inputs)

    def new_input(shape: Any = None, batch_shape: Any = None, name: Any = None, dtype: Any = None) -> Any:
        return input_tensor(shape if shape is not None else batch_shape[1:])

    table: dict[str, Any] = {name: maker(name) for name in LAYERS}
    if world.version < (3,):
        table |= {old: maker(new) for old, new in KERAS1_NAMES.items()}
    if world.version < (2,):
        for name in list(table):
            if name.startswith(("Conv", "DepthwiseConv", "SeparableConv")) and not name.startswith(
                ("Convolution", "SeparableConvolution")
            ):
                del table[name]
        table["merge"] = merge
    else:
        for name in ("Add", "Multiply", "Average", "Maximum", "Minimum", "Subtract", "Concatenate"):
            table[name.lower()] = joined(name)
    table["Input"] = new_input
    return table
