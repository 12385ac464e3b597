"""What the versions of Keras do differently about layout, and which version a program is for.

A version is a tuple, (1, 2, 2). Multi-backend Keras ends at 2.3; the numbers 2.4 to 2.15 stand for
tf.keras of TensorFlow 2 (also as tf_keras), and 3 for Keras 3.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from kmigrate.keras_api import signatures
from kmigrate.keras_api.names import Api

Version = tuple[int, ...]

FIRST: Version = (1, 0, 0)
_OPEN = 99  # stands for the last release there will be
LATEST: Version = (3, _OPEN)
LAST_KERAS1: Version = (1, 2, 2)
LAST_MULTI_BACKEND: Version = (2, 3, 1)
LAST_TF_KERAS: Version = (2, 15, 99)


class Release(NamedTuple):
    """How Keras treats the layout from one version on (docs/facts.md, section 2.1)."""

    since: Version
    ordering: str  # the default: 'th' or 'tf'
    layers_read_ambient: str  # 'never', 'definition' (import keras) or 'construction'
    config_key: str | None  # which key of keras.json counts
    setter: str | None  # the function that changes the setting
    cifar_follows: bool
    image_generator: str  # when ImageDataGenerator reads it: 'never', 'import' or 'construction'


_OLD, _NEW = "set_image_dim_ordering", "set_image_data_format"

RELEASES: tuple[Release, ...] = (
    Release((1, 0, 0), "th", "never", None, None, False, "never"),
    Release((1, 0, 4), "th", "definition", None, _OLD, False, "import"),
    Release((1, 0, 6), "th", "definition", "image_dim_ordering", _OLD, False, "import"),
    Release((1, 0, 7), "th", "construction", "image_dim_ordering", _OLD, False, "construction"),
    Release((1, 1, 0), "tf", "construction", "image_dim_ordering", _OLD, True, "construction"),
    Release((2, 0, 0), "tf", "construction", "image_data_format", _NEW, True, "construction"),
    Release((2, 3, 0), "tf", "construction", "image_data_format", _NEW, True, "never"),
    Release((2, 4, 0), "tf", "construction", "image_data_format", _NEW, True, "construction"),
)  # fmt: skip


def release(version: Version) -> Release:
    """The row of the table that a version belongs to."""
    return max((row for row in RELEASES if row.since <= version), default=RELEASES[0])


def default_ordering(version: Version) -> str:
    """'th' or 'tf': the ordering where nothing sets one."""
    return release(version).ordering


def setter_reaches_layers(version: Version) -> bool:
    """Does K.set_image_dim_ordering / set_image_data_format change the layers made after it?"""
    return release(version).layers_read_ambient == "construction"


def keras_json_key(version: Version) -> str | None:
    """The key of keras.json that sets the ordering, if one does."""
    return release(version).config_key


def cifar_follows_ambient(version: Version) -> bool:
    """Does cifar10.load_data() follow the setting? Else it is (n, 3, 32, 32)."""
    return release(version).cifar_follows


def image_generator_reads_ambient_at(version: Version) -> str:
    """'never', 'import' (of keras.preprocessing.image) or 'construction'."""
    return release(version).image_generator


def setter_name(version: Version) -> str | None:
    """The backend function that sets the ordering, as the version itself calls it."""
    return release(version).setter


def flatten_moves_channels(version: Version, explicit: str | None, ambient: str) -> bool:
    """Does Flatten put the channels last before it flattens? (docs/facts.md, section 2.2)

    ``explicit`` is its data_format argument, ``ambient`` the setting when it is made; both as
    'channels_first' or 'th'.
    """
    first = ("channels_first", "th")
    if version < (2, 1, 6):
        return False
    if version < (2, 2):
        return explicit in first
    return (explicit if explicit is not None else ambient) in first


def relu_is_slow(version: Version, alpha_nonzero: bool, max_value: bool = False) -> bool:
    """Does K.relu compute the negative part apart, on TensorFlow? (docs/facts.md, section 7)"""
    if version < (1, 0, 7):
        return True
    if version < (2, 1, 3):
        return alpha_nonzero
    return version >= (2, 2, 3) and alpha_nonzero and max_value


def one_dimensional_follow_ambient(version: Version) -> bool:
    """Do Conv1D and its like follow the setting? Before Keras 3 they are channels-last."""
    return version >= (3,)


# --- which version is it? ---------------------------------------------------------------------


class VersionRange(NamedTuple):
    """The versions that a program may be for, both ends included, and what tells so."""

    low: Version = FIRST
    high: Version = LATEST
    why: tuple[str, ...] = ()

    def narrowed(self, other: VersionRange) -> VersionRange:
        """Both together; where they contradict, this one counts and the reason says so."""
        low, high = max(self.low, other.low), min(self.high, other.high)
        if (low, high) == (self.low, self.high):
            return self
        if low > high:
            return self._replace(why=(*self.why, *(f"contradicted by {why}" for why in other.why)))
        return VersionRange(low, high, (*self.why, *other.why))

    def agree(self, question: str, *args: object) -> object | None:
        """The answer of a function of this module (by name) that all versions in the range give, or None."""
        function = globals()[question]
        answers = {function(version, *args) for version in self.breakpoints()}
        return answers.pop() if len(answers) == 1 else None

    def likeliest(self) -> Version:
        """The version to take a program for, where several are possible.

        What may be for Keras 1 or 2 is for 2: programs for Keras 1 show its spelling.
        """
        for version in ((2, 2, 4), LAST_KERAS1):
            if self.low <= version <= self.high:
                return version
        return self.high if self.high < (2,) else self.low

    def breakpoints(self) -> list[Version]:
        """One version of the range for each stretch in which nothing in this module changes."""
        inside = [point for point in _BREAKPOINTS if self.low < point <= self.high]
        return [self.low, *inside]

    def __str__(self) -> str:
        low, high = (
            ".".join("x" if part == _OPEN else str(part) for part in version) for version in (self.low, self.high)
        )
        return f"Keras {low}" if low == high else f"Keras {low} to {high}"


_BREAKPOINTS: tuple[Version, ...] = tuple(
    sorted(
        {row.since for row in RELEASES}
        | {(2, 1, 3), (2, 1, 6), (2, 2, 0), (2, 2, 3), (3, 0, 0)}  # Flatten, relu, 1-D layers
    )
)

# Name -> first and last version that has it (from the sources of 1.0.0 to 2.3.1 and of Keras 3; a name
# that is not here but in only some of the recorded releases is bounded by those).
LIFETIMES: dict[str, tuple[Version, Version]] = {
    "backend.image_dim_ordering": ((1, 0, 4), (2, 2, 5)),
    "backend.set_image_dim_ordering": ((1, 0, 4), (2, 2, 5)),
    "backend.image_data_format": ((2, 0, 0), LATEST),
    "backend.set_image_data_format": ((2, 0, 0), LATEST),
    "layers.merge": (FIRST, (2, 1, 6)),
    "layers.Merge": (FIRST, (2, 1, 6)),
    "layers.SReLU": (FIRST, LAST_KERAS1),
    "layers.ParametricSoftplus": (FIRST, LAST_KERAS1),
    "layers.TimeDistributedDense": (FIRST, LAST_KERAS1),
    "layers.MaxoutDense": (FIRST, LAST_MULTI_BACKEND),
    "layers.Highway": (FIRST, LAST_MULTI_BACKEND),
    "layers.AtrousConvolution2D": ((1, 0, 6), LAST_MULTI_BACKEND),
    "layers.AtrousConvolution1D": ((1, 1, 0), LAST_MULTI_BACKEND),
    "layers.SeparableConvolution2D": ((1, 0, 6), LATEST),
    "layers.LocallyConnected1D": ((1, 0, 6), LAST_TF_KERAS),
    "layers.LocallyConnected2D": ((1, 0, 6), LAST_TF_KERAS),
    "layers.Deconvolution2D": ((1, 0, 7), LAST_MULTI_BACKEND),
    "layers.Cropping1D": ((1, 0, 8), LATEST),
    "layers.Cropping2D": ((1, 0, 8), LATEST),
    "layers.Cropping3D": ((1, 0, 8), LATEST),
    "layers.SpatialDropout2D": ((1, 0, 8), LATEST),
    "layers.SpatialDropout3D": ((1, 0, 8), LATEST),
    "layers.SpatialDropout1D": ((1, 1, 2), LATEST),
    "layers.Bidirectional": ((1, 0, 8), LATEST),
    "layers.GlobalAveragePooling1D": ((1, 1, 0), LATEST),
    "layers.GlobalAveragePooling2D": ((1, 1, 0), LATEST),
    "layers.GlobalMaxPooling1D": ((1, 1, 0), LATEST),
    "layers.GlobalMaxPooling2D": ((1, 1, 0), LATEST),
    "layers.ConvLSTM2D": ((1, 1, 2), LATEST),
    "callbacks.CSVLogger": ((1, 1, 2), LATEST),
    "callbacks.LambdaCallback": ((1, 1, 2), LATEST),
    "callbacks.ReduceLROnPlateau": ((1, 1, 2), LATEST),
    "models.load_model": ((1, 0, 7), LATEST),
    "optimizers.Nadam": ((1, 0, 5), LATEST),
    "regularizers.l1l2": (FIRST, LAST_KERAS1),
    "regularizers.activity_l1": (FIRST, LAST_KERAS1),
    "regularizers.activity_l2": (FIRST, LAST_KERAS1),
    "regularizers.activity_l1l2": (FIRST, LAST_KERAS1),
    "regularizers.WeightRegularizer": (FIRST, (1, 1, 2)),
    "regularizers.ActivityRegularizer": (FIRST, (1, 1, 2)),
    "utils.plot": (FIRST, LAST_KERAS1),
    "utils.plot_model": ((2, 0, 0), LATEST),
    # SeparableConv1D, DepthwiseConv2D and ReLU came late in Keras 2
    "layers.SeparableConv1D": ((2, 1, 3), LATEST),
    "layers.DepthwiseConv2D": ((2, 1, 5), LATEST),
    "layers.Softmax": ((2, 1, 3), LATEST),
    "layers.ReLU": ((2, 2, 0), LATEST),
}

# Recorded release -> the versions that it stands for.
_SPANS: dict[str, tuple[Version, Version]] = {
    "keras_1_0_5": (FIRST, (1, 0, 5)),
    "keras_1_2_2": ((1, 0, 6), LAST_KERAS1),
    "keras_2_1_6": ((2, 0, 0), (2, 1, 6)),
    "keras_2_2_4": ((2, 2, 0), (2, 2, 5)),
    "keras_2_3_1": ((2, 3, 0), LAST_MULTI_BACKEND),
    "tf_keras": ((2, 4, 0), LAST_TF_KERAS),
    "keras_3": ((3, 0, 0), LATEST),
}

# Flavour of the imports -> versions.
_FLAVOURS: dict[str, tuple[Version, Version]] = {
    "tensorflow.contrib.keras": ((2, 0, 0), (2, 1, 6)),
    "tensorflow.python.keras": ((2, 4, 0), LAST_TF_KERAS),
    "tensorflow.keras": ((2, 4, 0), LATEST),
    "tf_keras": ((2, 4, 0), LAST_TF_KERAS),
}


def of_use(api: Api, call: ast.Call | None = None) -> VersionRange:
    """The versions that have a name, and take the spelling of a call to it."""
    if api.flavour in _FLAVOURS:
        low, high = _FLAVOURS[api.flavour]
        return VersionRange(low, high, (f"{api.flavour} is imported",))
    found = VersionRange()
    key = f"{api.module[6:]}.{api.spelled}"
    if key in LIFETIMES:
        low, high = LIFETIMES[key]
        found = VersionRange(low, high, (f"uses {api.spelled}",))
    elif api.module in ("keras.ops", "keras.random"):
        found = VersionRange((3, 0, 0), LATEST, (f"uses {api.module}.{api.name}",))
    elif api.spelled == api.name:
        spans = [span for name, span in _SPANS.items() if signatures.parameters(api, name) is not None]
        if spans:
            found = VersionRange(min(spans)[0], max(high for _, high in spans), (f"uses {api.spelled}",))
    for word in call.keywords if call is not None else ():
        if word.arg is not None:
            found = found.narrowed(_of_keyword(api, word.arg))
    return found


def _of_keyword(api: Api, spelled: str) -> VersionRange:
    told = signatures.keyword_generation(api, spelled)
    why = (f"uses {api.spelled}({spelled}=)",)
    if told == 1:  # Keras 2 still takes it
        return VersionRange(FIRST, LAST_MULTI_BACKEND, why)
    if api.name == "Flatten" and spelled == "data_format":
        return VersionRange((2, 1, 6), LATEST, why)
    if told == 2:
        return VersionRange((2, 0, 0), LATEST, why)
    return VersionRange((3, 0, 0), LATEST, why) if told == 3 else VersionRange()


_PIN = re.compile(
    r"""(?<![\w.\-/])keras(?:\[[^\]]*\])?["']?\s*(?:[=:]\s*["'])?\s*
    (?P<spec>(?:===?|=|<=|>=|<|>|~=|!=|\^|~)\s*v?\d[\w.*]*(?:\s*,\s*(?:==|<=|>=|<|>|~=|!=)\s*\d[\w.*]*)*)""",
    re.IGNORECASE | re.VERBOSE,
)
_LOCKED = re.compile(
    r"""(?:"keras"\s*:\s*\{[^{}]*?"version"\s*:\s*"==|name\s*=\s*"keras"\s*\n\s*version\s*=\s*")(?P<version>[\d.]+)""",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"(===?|=|<=|>=|<|>|~=|!=|\^|~)\s*v?(\d[\w.*]*)")

_DEPENDENCY_FILES = (
    "requirements*.txt",
    "requirements/*.txt",
    "setup.py",
    "setup.cfg",
    "pyproject.toml",
    "environment*.yml",
    "environment*.yaml",
    "Pipfile",
    "Pipfile.lock",
    "poetry.lock",
)
_ROOT_MARKS = ("pyproject.toml", "setup.py", ".git")


def project_root(path: Path) -> Path | None:
    """The nearest folder at or above ``path`` that holds pyproject.toml, setup.py or .git."""
    start = path if path.is_dir() else path.parent
    for folder in (start, *start.parents):
        if any((folder / mark).exists() for mark in _ROOT_MARKS):
            return folder
    return None


def of_option(option: str) -> VersionRange:
    """`--source-keras 1.2` -> 1.2.0 to 1.2.99. Raises ValueError for anything but a version."""
    if not re.fullmatch(r"\d+(\.\d+){0,2}", option):
        raise ValueError(f"--source-keras takes a version such as 1.2 or 2.1.6, not {option!r}")
    low, high = _prefix(option)
    if low > LATEST:
        raise ValueError(f"--source-keras {option}: there is no such Keras that kmigrate knows")
    return VersionRange(low, high, (f"--source-keras {option}",))


def of_text(text: str, where: str) -> VersionRange:
    """What a requirements, setup, environment or lock file says of Keras."""
    found = VersionRange()
    for line in _lines(text):
        if pin := _PIN.search(line):
            for sign, number in _CLAUSE.findall(pin["spec"]):
                low, high = _clause(sign, number)
                found = found.narrowed(VersionRange(low, high, (f"{where} says {pin.group().strip()}",)))
    if lock := _LOCKED.search(text):
        low, high = _prefix(lock["version"])
        found = found.narrowed(VersionRange(low, high, (f"{where} says keras {lock['version']}",)))
    return found._replace(why=tuple(dict.fromkeys(found.why)))


def _lines(text: str) -> Iterator[str]:
    for line in text.splitlines():
        yield line.split("#", 1)[0]


def _prefix(number: str) -> tuple[Version, Version]:
    """The versions that begin with ``number``."""
    parts = tuple(int(part) for part in re.findall(r"\d+", number)[:3])
    low = parts + (0,) * (3 - len(parts))
    return low, low if len(parts) == 3 else parts + (99,) * (3 - len(parts))


def _clause(sign: str, number: str) -> tuple[Version, Version]:
    low, high = _prefix(number)
    if sign in ("==", "===", "="):
        return low, high
    if sign == ">=":
        return low, LATEST
    if sign == ">":
        return (*high[:2], high[2] + 1), LATEST
    if sign == "<=":
        return FIRST, high
    if sign == "<":
        return FIRST, _before(low)
    if sign in ("~=", "~"):
        given = re.findall(r"\d+", number)
        kept = max(1, len(given) - 1) if sign == "~=" or len(given) > 2 else len(given)
        return low, _prefix(".".join(given[:kept]))[1]
    if sign == "^":
        return low, _prefix(number.split(".")[0])[1]
    return FIRST, LATEST  # != tells too little


def _before(version: Version) -> Version:
    """A version just below a bound that is excluded."""
    major, minor, patch = version
    if patch:
        return major, minor, patch - 1
    return (major, minor - 1, 99) if minor else (major - 1, 99, 99)


def of_project(path: Path) -> VersionRange:
    """What the dependency files beside a program and in its project's root say."""
    folder = path if path.is_dir() else path.parent
    found = VersionRange()
    for place in dict.fromkeys((folder, project_root(path) or folder)):
        for pattern in _DEPENDENCY_FILES:
            for file in sorted(place.glob(pattern)):
                found = found.narrowed(of_text(_read(file), file.name))
        found = found.narrowed(_brought(place))
    return found


def _brought(root: Path) -> VersionRange:
    """A project that holds Keras itself, as the examples and tests of Keras do."""
    said = re.search(r"""^__version__ = ["'](\d+)\.(\d+)\.(\d+)""", _read(root / "keras" / "__init__.py"), re.MULTILINE)
    if said is None:
        return VersionRange()
    version = (int(said[1]), int(said[2]), int(said[3]))
    if not FIRST <= version <= LATEST:
        return VersionRange()
    return VersionRange(version, version, (f"the project holds Keras {'.'.join(map(str, version))}",))


def keras_json(path: Path) -> tuple[Path, dict[str, str]] | None:
    """The project's own keras.json (beside the program, in the root, or in .keras there)."""
    folder = path if path.is_dir() else path.parent
    for place in dict.fromkeys((folder, project_root(path) or folder)):
        for file in (place / "keras.json", place / ".keras" / "keras.json"):
            if file.is_file():
                pairs = re.findall(r'"(\w+)"\s*:\s*"?([\w.\-]+)"?', _read(file))
                return file, dict(pairs)
    return None


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def stated(path: Path) -> VersionRange:
    """What the dependency files and the keras.json around a program say."""
    found = of_project(path)
    config = keras_json(path)
    return found if config is None else found.narrowed(_of_config(*config))


def infer(declared: VersionRange, uses: Iterable[tuple[Api, ast.Call | None]], said: bool = False) -> VersionRange:
    """The versions that a program may be for: what is ``declared``, and the names that it uses (with their calls).

    What is declared for keras says nothing of tf.keras, unless the user ``said`` it.
    """
    bounds = VersionRange()
    flavours = set()
    for api, call in uses:
        flavours.add(api.flavour)
        bounds = bounds.narrowed(of_use(api, call))
    if flavours and "keras" not in flavours and not said:
        return bounds
    return declared.narrowed(bounds)


def _of_config(file: Path, keys: dict[str, str]) -> VersionRange:
    why = (f"{file.name} has image_dim_ordering",)
    if "image_dim_ordering" in keys and "image_data_format" not in keys:
        return VersionRange(FIRST, LAST_KERAS1, why)
    if "image_data_format" in keys:
        return VersionRange((2, 0, 0), LATEST, (f"{file.name} has image_data_format",))
    return VersionRange()
