"""A program being written: its dialect of Keras, how it says its ordering, its lines and constants."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

VERSIONS = [
    (1, 0, 5), (1, 0, 8), (1, 2, 2), (1, 2, 2), (2, 0, 8), (2, 1, 6), (2, 2, 4), (2, 2, 4), (2, 3, 1), (3, 0, 0),
    (3, 0, 0),
]  # fmt: skip


def file(shape: Sequence[int], prefix: str = "x") -> str:
    """The name of a file that holds an array of this shape."""
    return f"'{prefix}_{'_'.join(map(str, shape))}.npy'"


class Draft:
    def __init__(self, rng: random.Random, wild: bool = False) -> None:
        self.rng = rng
        self.wild = wild
        self.version = rng.choice(VERSIONS)
        self.old = self.version < (2,)
        self.rank = rng.choices([2, 3, 1], [90, 7, 3])[0]
        if self.old and self.rank != 2:
            self.rank = 2
        self.setting = self._setting()
        self.indent = ""
        self.lines: list[str] = []
        self.constants: dict[str, str] = {}
        self.helpers: dict[str, str] = {}
        self.names: set[str] = set()
        self.imports: dict[str, set[str]] = {}
        self.follows_cifar = self.version >= (1, 1)
        self.uses_backend = self.setting in ("setter", "setter name", "branch", "mixed setter")
        self.count = rng.randint(3, 5)

    def _setting(self) -> str:
        kinds = ["literal", "literal", "name"]
        if self.version >= (1, 0, 7):
            kinds += ["setter", "setter", "setter name", "branch", "mixed setter"]
        kinds += ["implied"] * (3 if self.version < (1, 1) else 1)
        if self.rank == 1:
            kinds = ["literal", "name"]
        return self.rng.choice(kinds)

    # -- chance -----------------------------------------------------------------------------------

    def chance(self, probability: float) -> bool:
        return self.rng.random() < probability

    def pick(self, options: Sequence[Any]) -> Any:
        return self.rng.choice(options)

    # -- text -------------------------------------------------------------------------------------

    def add(self, *lines: str) -> None:
        self.lines += [f"{self.indent}{line}" for line in lines]

    def name(self, base: str) -> str:
        name, k = base, 2
        while name in self.names:
            name, k = f"{base}{k}", k + 1
        self.names.add(name)
        return name

    def constant(self, base: str, value: Any) -> str:
        """The value as it is, or a name for it that is set at the top."""
        text = repr(value)
        for name, known in self.constants.items():
            if known == text and name.startswith(base) and self.chance(0.8):
                return name
        if not self.chance(0.3):
            return text
        name = self.name(base)
        self.constants[name] = text
        return name

    def helper(self, name: str, text: str) -> str:
        """A function of the program, written once."""
        self.names.add(name)
        self.helpers[name] = text
        return name

    def use(self, module: str, name: str) -> str:
        self.imports.setdefault(module, set()).add(name)
        return name

    # -- Keras ------------------------------------------------------------------------------------

    def layer(self, name: str) -> str:
        """The name under which a layer is called here."""
        if self.style == "module":
            return f"layers.{name}"
        return self.use("keras.layers", name)

    @property
    def style(self) -> str:
        if not hasattr(self, "_style"):
            self._style = "module" if not self.old and self.chance(0.2) else "names"
        return self._style

    @property
    def first_name(self) -> str:
        return "th" if self.old else "channels_first"

    @property
    def keyword(self) -> str:
        return "dim_ordering" if self.old else "data_format"

    def ordering(self) -> list[str]:
        """The setting as an argument of a layer, if it is given there."""
        if self.setting == "literal" or (self.setting == "mixed setter" and self.chance(0.4)):
            return [f"{self.keyword}={self.first_name!r}"]
        if self.setting == "name":
            self.constants.setdefault("ORDERING", repr(self.first_name))
            self.names.add("ORDERING")
            return [f"{self.keyword}=ORDERING"]
        return []

    def setter(self) -> list[str]:
        """The statements that set the ordering."""
        if self.setting not in ("setter", "setter name", "branch", "mixed setter"):
            return []
        call = "K.set_image_dim_ordering" if self.old else "K.set_image_data_format"
        if self.setting == "setter name":
            return [f"ORDERING = {self.first_name!r}", f"{call}(ORDERING)"]
        return [f"{call}({self.first_name!r})"]

    def backend(self, name: str) -> str:
        """A function of the backend, or of keras.ops in Keras 3."""
        if self.version >= (3,):
            self.use("keras", "ops")
            return f"ops.{ {'permute_dimensions': 'transpose'}.get(name, name) }"
        self.uses_backend = True
        return f"K.{name}"

    def query(self) -> str:
        self.uses_backend = True
        return "K.image_dim_ordering()" if self.old else "K.image_data_format()"

    def shape_text(self, shape: Sequence[int]) -> str:
        """A shape as a tuple of numbers and names."""
        bases = {2: ["CHANNELS", "ROWS", "COLS"], 1: ["CHANNELS", "STEPS"], 3: ["CHANNELS", "DEPTH", "ROWS", "COLS"]}
        parts = [self.constant(b, s) for b, s in zip(bases[self.rank], shape)]
        return f"({', '.join(parts)})"
