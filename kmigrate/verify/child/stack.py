"""The Keras that a script gets: Keras 3, or tf_keras under the names of Keras 2 and tf.keras."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import sys
import types
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from kmigrate.keras_api.orderings import DATA_FORMATS

KERAS3 = "keras3"
TF_KERAS = "tf_keras"


@dataclass
class Stack:
    """The imported libraries, and what was said about them."""

    name: str
    tf: Any
    keras: Any
    notes: list[str] = field(default_factory=list)
    bias: list[str] = field(default_factory=list)

    @property
    def layer_class(self) -> Any:
        """The base class of all layers."""
        if self.name == KERAS3:
            return importlib.import_module("keras.src.layers.layer").Layer
        return importlib.import_module("tf_keras.src.engine.base_layer").Layer

    @property
    def operation_class(self) -> Any:
        """The class whose ``__call__`` every layer (and in Keras 3 every op node) goes through."""
        if self.name == KERAS3:
            return importlib.import_module("keras.src.ops.operation").Operation
        return self.layer_class

    @property
    def model_class(self) -> Any:
        """`Model`, under its canonical name."""
        return self.keras.Model

    def forget(self) -> None:
        """Drop the names and graphs that a script made (without Keras 3's collection of garbage, which is slow)."""
        keyword = {"free_memory": False} if self.name == KERAS3 else {}
        self.keras.backend.clear_session(**keyword)

    def versions(self) -> dict[str, str]:
        """What the certificate says about the libraries."""
        numpy = importlib.import_module("numpy")
        name = "keras" if self.name == KERAS3 else "tf_keras"
        return {
            name: self.keras.__version__,
            "tensorflow": self.tf.__version__,
            "numpy": numpy.__version__,
            "python": sys.version.split()[0],
        }


def load(name: str) -> Stack:
    """Import TensorFlow and the Keras called ``name``; nothing is computed yet."""
    keras = importlib.import_module("keras" if name == KERAS3 else "tf_keras")
    return Stack(name, importlib.import_module("tensorflow"), keras)


def set_float(stack: Stack, floatx: str, ordering: str | None) -> None:
    """Fix the float type (the script's own setting is ignored) and the initial ambient ordering."""
    backend = stack.keras.config if stack.name == KERAS3 else stack.keras.backend
    backend.set_floatx(floatx)
    if ordering is not None:
        backend.set_image_data_format(ordering)

    def ignored(value: str) -> None:
        if value != floatx:
            stack.notes.append(f"set_floatx('{value}') is ignored: the check runs in {floatx}")

    for module in list(sys.modules.values()):  # the API repeats the function under several names
        if isinstance(module, types.ModuleType) and "set_floatx" in vars(module):
            module.set_floatx = ignored  # type: ignore[attr-defined]


class _Alias(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Answers `import keras...` with tf_keras, with the module names that Keras 2 had."""

    def __init__(self, keras: Any, gone: dict[str, str]) -> None:
        self.keras, self.gone = keras, gone

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: Any = None) -> Any:
        del path, target
        for prefix in ("tensorflow.keras", "keras"):
            if fullname == prefix or fullname.startswith(prefix + "."):
                rest = fullname[len(prefix) :].lstrip(".")
                if self._resolve(rest) is not None:
                    return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> Any:
        rest = spec.name.removeprefix("tensorflow.").removeprefix("keras").lstrip(".")
        module = types.ModuleType(spec.name)
        target = self._resolve(rest)
        module.__dict__.update({k: v for k, v in vars(target).items() if not k.startswith("__")})
        module.__getattr__ = lambda name: getattr(target, name)  # type: ignore[method-assign]
        if hasattr(target, "__version__"):
            module.__dict__["__version__"] = target.__version__
        return module

    def exec_module(self, module: Any) -> None:
        del module

    def _resolve(self, rest: str) -> Any:
        """The tf_keras module for the rest of a dotted name; what is gone leads to its package."""
        if not rest:
            return self.keras
        first, _, tail = rest.partition(".")
        if rest in self.gone:
            return self._resolve(self.gone[rest])
        try:
            return importlib.import_module(f"tf_keras.{rest}")
        except ImportError:
            pass
        if first in ("layers", "optimizers", "utils") and tail and "." not in tail:
            return importlib.import_module(f"tf_keras.{first}")
        return None


# module paths of Keras 2 that tf_keras does not have
_GONE = {
    "engine": "layers",
    "engine.topology": "layers",
    "engine.training": "models",
    "engine.base_layer": "layers",
    "utils.np_utils": "utils",
    "utils.vis_utils": "utils",
    "utils.generic_utils": "utils",
}


def install_aliases(stack: Stack) -> None:
    """Let `keras` and `tensorflow.keras` mean tf_keras, with the backend functions of Keras 2."""
    if stack.name != TF_KERAS:
        return
    backend = stack.keras.backend
    names = {value: key for key, value in DATA_FORMATS.items()}
    backend.image_dim_ordering = lambda: names[backend.image_data_format()]
    backend.set_image_dim_ordering = lambda value: backend.set_image_data_format(DATA_FORMATS[value])
    for name in [m for m in sys.modules if m == "keras" or m.startswith(("keras.", "tensorflow.keras"))]:
        del sys.modules[name]
    sys.meta_path.insert(0, _Alias(stack.keras, _GONE))
