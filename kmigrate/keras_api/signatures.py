"""Which argument of a Keras call is which, for Keras 1 to 3.

Parameters go by their Keras 3 name wherever there is one with the same meaning. ``samples_per_epoch``
and its like keep their name, for ``steps_per_epoch`` counts something else.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

from kmigrate.keras_api import tables
from kmigrate.keras_api.names import Api

Argument = ast.expr | tuple[ast.expr, ...]


class _NoDefault:
    """The type of `NO_DEFAULT`."""

    def __repr__(self) -> str:
        return "NO_DEFAULT"


NO_DEFAULT = _NoDefault()

# Old spelling -> Keras 3 parameter, by module ('layers') or by name ('layers.Embedding'), which goes first.
# Sources: keras/legacy/interfaces.py of Keras 2.3.1 and the recorded signatures.
RENAMES: dict[str, dict[str, str]] = {
    "layers": {
        "nb_filter": "filters",
        "filter_length": "kernel_size",
        "border_mode": "padding",
        "subsample": "strides",
        "subsample_length": "strides",
        "atrous_rate": "dilation_rate",
        "dim_ordering": "data_format",
        "init": "kernel_initializer",
        "inner_init": "recurrent_initializer",
        "inner_activation": "recurrent_activation",
        "beta_init": "beta_initializer",
        "gamma_init": "gamma_initializer",
        "W_regularizer": "kernel_regularizer",
        "U_regularizer": "recurrent_regularizer",
        "b_regularizer": "bias_regularizer",
        "W_constraint": "kernel_constraint",
        "b_constraint": "bias_constraint",
        "bias": "use_bias",
        "output_dim": "units",
        "dropout_W": "dropout",
        "dropout_U": "recurrent_dropout",
        "p": "rate",
        "sigma": "stddev",
        "pool_length": "pool_size",
        "stride": "strides",
        "length": "size",
        "input_dtype": "dtype",
        "concat_axis": "axis",
        "dot_axes": "axes",
    },
    "layers.Embedding": {
        "output_dim": "output_dim",
        "init": "embeddings_initializer",
        "W_regularizer": "embeddings_regularizer",
        "W_constraint": "embeddings_constraint",
    },
    "layers.PReLU": {"init": "alpha_initializer"},
    "layers.LeakyReLU": {"alpha": "negative_slope"},
    # one old argument for two new ones
    "layers.SeparableConv2D": {"init": "init"},
    "models": {
        "input": "inputs",
        "output": "outputs",
        "nb_epoch": "epochs",
        "max_q_size": "max_queue_size",
        "nb_worker": "workers",
        "pickle_safe": "use_multiprocessing",
    },
    "optimizers": {"lr": "learning_rate"},
    "callbacks.ReduceLROnPlateau": {"epsilon": "min_delta"},
    "regularizers.l1": {"l": "l1"},
    "regularizers.l2": {"l": "l2"},
    "constraints.max_norm": {"m": "max_value"},
    "constraints.MaxNorm": {"m": "max_value"},
    "constraints.MinMaxNorm": {"low": "min_value", "high": "max_value"},
    "utils.to_categorical": {"y": "x", "nb_classes": "num_classes"},
    "utils.normalize": {"a": "x"},
    "preprocessing.image": {"dim_ordering": "data_format", "X": "x"},
    "applications": {"dim_ordering": "data_format"},
    "backend": {
        "dim_ordering": "data_format",
        "border_mode": "padding",
        "stride": "strides",
        "filter_dilation": "dilation_rate",
        "nb_classes": "num_classes",
        "dim": "axis",
        "X": "x",
        "std": "stddev",
        "low": "minval",
        "high": "maxval",
    },
    # these two kept 'std'-like names for what they are
    "backend.random_uniform_variable": {"low": "low", "high": "high"},
}

# Spelled one by one, one tuple today.
GROUPS: dict[str, tuple[str, ...]] = {
    "nb_row": ("nb_row", "nb_col"),
    "nb_col": ("nb_row", "nb_col"),
    "kernel_dim1": ("kernel_dim1", "kernel_dim2", "kernel_dim3"),
    "kernel_dim2": ("kernel_dim1", "kernel_dim2", "kernel_dim3"),
    "kernel_dim3": ("kernel_dim1", "kernel_dim2", "kernel_dim3"),
}
_GROUPED = "kernel_size"

# Taken through **kwargs by every class of a module, in some version.
COMMON: dict[str, frozenset[str]] = {
    "layers": frozenset(
        [
            "name",
            "trainable",
            "dtype",
            "input_dtype",
            "input_shape",
            "batch_input_shape",
            "batch_size",
            "input_dim",
            "input_length",
            "weights",
            "dynamic",
        ]
    ),
    "optimizers": frozenset(
        [
            "lr",
            "learning_rate",
            "decay",
            "clipnorm",
            "clipvalue",
            "global_clipnorm",
            "name",
            "weight_decay",
            "jit_compile",
        ]
    ),
    "models": frozenset(("name", "show_accuracy", "trainable", "class_mode")),
    "callbacks": frozenset(("epsilon", "period", "save_freq")),
    "backend": frozenset(("name",)),
}
_RECURRENT = frozenset(
    [
        "return_sequences",
        "return_state",
        "go_backwards",
        "stateful",
        "unroll",
        "consume_less",
        "implementation",
        "time_major",
    ]
)
_RECURRENT_LAYERS = frozenset(["LSTM", "GRU", "SimpleRNN", "ConvLSTM2D", "RNN", "Recurrent", "CuDNNLSTM", "CuDNNGRU"])

# Keras 3 name -> class of Keras 1 that has its signature (where the spelling has none of its own).
KERAS1_NAMES: dict[str, str] = {
    "Conv1D": "Convolution1D",
    "Conv2D": "Convolution2D",
    "Conv3D": "Convolution3D",
    "Conv2DTranspose": "Deconvolution2D",
    "SeparableConv2D": "SeparableConvolution2D",
    "AtrousConv1D": "AtrousConvolution1D",
    "AtrousConv2D": "AtrousConvolution2D",
}

# Keras 2 had these with the signature of Keras 1 (legacy/layers.py).
_KEPT_AS_THEY_WERE = frozenset(("merge", "Merge", "MaxoutDense", "Highway"))

# Names whose Keras 1 spelling is told by a third positional argument that is no tuple: Keras 2 takes at
# most two otherwise (legacy/interfaces.py: conv2d_args_preprocessor).
_COUNTED = frozenset(("Conv2D", "Conv2DTranspose", "SeparableConv2D", "LocallyConnected2D", "ConvLSTM2D"))
_COUNTED_3D = frozenset(("Conv3D",))

# Which data_format is no ambient one: 1-D layers are channels-last by definition up to Keras 2.
LITERAL_LAST = frozenset(
    [
        "Conv1D",
        "SeparableConv1D",
        "MaxPooling1D",
        "AveragePooling1D",
        "GlobalMaxPooling1D",
        "GlobalAveragePooling1D",
        "ZeroPadding1D",
        "Conv1DTranspose",
        "DepthwiseConv1D",
        "LocallyConnected1D",
        "UpSampling1D",
        "Cropping1D",
    ]
)


class Parameter(NamedTuple):
    """One parameter of a recorded signature."""

    spelled: str
    name: str  # in Keras 3
    default: Any  # NO_DEFAULT if it must be given or is not a literal
    positional: bool


@dataclass
class Bound:
    """The arguments of one call by their Keras 3 names.

    ``generation`` is what the spelling tells: 1 (Keras 1, which Keras 2 still takes), 2 (Keras 2 or 3),
    3 (Keras 3 only) or 0 (nothing). ``kernel_size`` given as nb_row and nb_col is a tuple of two nodes;
    their keywords are under 'nb_row' and 'nb_col'. ``unknown`` are keywords that no version has, and
    ``extra`` positional arguments that the signature has no place for.
    """

    generation: int = 0
    args: dict[str, Argument] = field(default_factory=dict)
    keywords: dict[str, ast.keyword] = field(default_factory=dict)
    positions: dict[str, int] = field(default_factory=dict)
    star: bool = False
    unknown: list[str] = field(default_factory=list)
    extra: list[ast.expr] = field(default_factory=list)

    def node(self, name: str) -> ast.expr | None:
        """The argument, if it is one expression."""
        value = self.args.get(name)
        return value if isinstance(value, ast.expr) else None


def release(api: Api, generation: int, version: tuple[int, ...] | None = None) -> str:
    """The table that describes ``api`` best."""
    if generation == 1:
        return "keras_1_0_5" if version and version < (1, 0, 6) else "keras_1_2_2"
    if generation == 3:
        return "keras_3"
    if api.flavour != "keras":
        return "tf_keras"
    if version and version >= (2, 3):
        return "keras_2_3_1"
    return "keras_2_1_6" if version and version < (2, 2) else "keras_2_2_4"


def renamed(api: Api, spelled: str) -> str:
    """The Keras 3 name of a parameter."""
    home = api.module[6:]
    for table in (api.key, f"{home}.{api.spelled}", home):
        name = RENAMES.get(table, {}).get(spelled)
        if name is not None:
            return name
    return spelled


@cache
def parameters(api: Api, release_name: str) -> tuple[Parameter, ...] | None:
    """The signature of ``api`` in a release, or None if it has none there."""
    home = api.module[6:]
    first, last = (api.key, f"{home}.{api.spelled}")
    spellings = (last, first) if release_name.startswith("keras_1") else (first, last)
    for key in (*spellings, f"{home}.{KERAS1_NAMES.get(api.name, api.name)}"):
        text = tables.signature(release_name, key)
        if text is not None:
            return None if text == "*args, **kwargs" else tuple(_parse(api, text))
    return None


def _parse(api: Api, text: str) -> list[Parameter]:
    definition = ast.parse(f"def f({text}): pass").body[0]
    assert isinstance(definition, ast.FunctionDef)
    spec = definition.args
    defaults = [None] * (len(spec.args) - len(spec.defaults)) + list(spec.defaults)
    found = [_parameter(api, arg.arg, default, True) for arg, default in zip(spec.args, defaults, strict=True)]
    found += [
        _parameter(api, arg.arg, default, False) for arg, default in zip(spec.kwonlyargs, spec.kw_defaults, strict=True)
    ]
    return found


def _parameter(api: Api, spelled: str, default: ast.expr | None, positional: bool) -> Parameter:
    value: Any = NO_DEFAULT
    if default is not None:
        try:
            value = ast.literal_eval(default)
        except ValueError:
            value = None if spelled in ("dim_ordering", "data_format") else NO_DEFAULT
    if spelled == "dim_ordering" and value == "default":
        value = None
    return Parameter(spelled, _GROUPED if spelled in GROUPS else renamed(api, spelled), value, positional)


_GENERATIONS = {
    1: ("keras_1_0_5", "keras_1_2_2"),
    2: ("keras_2_1_6", "keras_2_2_4", "keras_2_3_1", "tf_keras"),
    3: ("keras_3",),
}


@cache
def _spellings(api: Api) -> dict[int, frozenset[str]]:
    """The keywords that the generations 1, 2 and 3 have for ``api`` by name."""
    return {
        generation: frozenset(one.spelled for name in releases for one in parameters(api, name) or ())
        for generation, releases in _GENERATIONS.items()
    }


def keyword_generation(api: Api, spelled: str) -> int:
    """What one keyword tells of the generation: 1, 2 (or later), 3, or 0."""
    through = spelled in _RECURRENT and api.name in _RECURRENT_LAYERS
    if through or spelled in COMMON.get(api.module[6:], ()):  # taken through **kwargs before it was written out
        return 0
    known = _spellings(api)
    old, middle, new = (spelled in known[n] for n in (1, 2, 3))
    if old:
        return 0 if middle or new else 1
    if middle:
        return 2
    if new:
        return 3 if known[2] else 2
    if spelled in GROUPS or (renamed(api, spelled) != spelled and spelled not in ("lr", "alpha", "l")):
        return 1
    return 0


def spelling_generation(api: Api, call: ast.Call) -> int:
    """The generation that the spelling of a call implies (see `Bound`)."""
    told = [keyword_generation(api, word.arg) for word in call.keywords if word.arg]
    if 1 in told:
        return 1
    if any(told):
        return max(told)
    if api.in_tensorflow:
        return 2
    return _positional_generation(api, call.args) or _name_generation(api)


@cache
def _name_generation(api: Api) -> int:
    """What the name alone tells: `merge` is Keras 1, `concatenate` Keras 2 or later."""
    old, middle, new = (
        any(parameters(api, name) is not None for name in releases) for releases in _GENERATIONS.values()
    )
    if (old and not middle and not new) or api.name in _KEPT_AS_THEY_WERE:
        return 1
    if not old and middle:
        return 2
    return 3 if new and not old and not middle else 0


def _positional_generation(api: Api, args: list[ast.expr]) -> int:
    if any(isinstance(arg, ast.Starred) for arg in args):
        return 0
    if api.name in _COUNTED | _COUNTED_3D and len(args) >= 2:
        if isinstance(args[1], (ast.Tuple, ast.List)):
            return 2
        third = args[2] if len(args) > 2 else None
        return 1 if third is not None and not isinstance(third, (ast.Tuple, ast.List)) else 0
    second = args[1] if len(args) > 1 else None
    if api.name in ("Dense", "LSTM", "GRU", "SimpleRNN") and isinstance(second, ast.Constant):
        return 1 if second.value in _INITIALIZERS else 3
    if api.name == "BatchNormalization" and args and isinstance(args[0], ast.Constant):
        return 1 if isinstance(args[0].value, float) else 2
    return 0


_INITIALIZERS = frozenset(
    [
        "uniform",
        "normal",
        "lecun_uniform",
        "glorot_uniform",
        "glorot_normal",
        "he_uniform",
        "he_normal",
        "orthogonal",
        "identity",
        "zero",
        "one",
        "zeros",
        "ones",
    ]
)


def bind(api: Api, call: ast.Call, generation: int | None = None, version: tuple[int, ...] | None = None) -> Bound:
    """Name the arguments of a call.

    ``generation`` says which Keras the program is for, where that is known: it decides the order of
    positional arguments. Keywords are understood in every spelling.
    """
    told = spelling_generation(api, call)
    bound = Bound(generation=told)
    order = _order(api, told, generation, version)
    spec = parameters(api, order)
    if spec is None:
        spec = next(filter(None, (parameters(api, name) for name in _nearest(order))), None)
    if spec is None:  # no version's signature is recorded: every keyword may be one
        bound.star = any(isinstance(arg, ast.Starred) for arg in call.args) or any(
            word.arg is None for word in call.keywords
        )
        bound.args = {word.arg: word.value for word in call.keywords if word.arg is not None}
        bound.keywords = {word.arg: word for word in call.keywords if word.arg is not None}
        return bound
    named: dict[str, ast.expr] = {}
    positional = [one for one in spec if one.positional]
    for index, arg in enumerate(call.args):
        if isinstance(arg, ast.Starred):
            bound.star = True
            break
        if index >= len(positional):
            bound.extra.append(arg)
            continue
        named[positional[index].spelled] = arg
        bound.positions.setdefault(positional[index].name, index)
    for word in call.keywords:
        if word.arg is None:
            bound.star = True
            continue
        if not _is_keyword(api, word.arg):
            bound.unknown.append(word.arg)
        named[word.arg] = word.value
        bound.keywords[word.arg if word.arg in GROUPS else renamed(api, word.arg)] = word
    _collect(api, named, bound)
    return bound


def _order(api: Api, told: int, generation: int | None, version: tuple[int, ...] | None) -> str:
    """The release whose positional order a call has."""
    if generation == 1 and told >= 2:  # keywords that Keras 1 did not have
        generation = 2
    if told == 1 and generation != 3 and not api.in_tensorflow:  # Keras 2 takes such calls too
        generation = 1
    return release(api, generation or told or 2, version)


def _nearest(order: str) -> tuple[str, ...]:
    """The releases after one, then those before it."""
    place = tables.RELEASES.index(order)
    return tables.RELEASES[place:] + tables.RELEASES[:place][::-1]


def _is_keyword(api: Api, spelled: str) -> bool:
    home = api.module[6:]
    return (
        any(spelled in names for names in _spellings(api).values())
        or spelled in GROUPS
        or renamed(api, spelled) != spelled
        or spelled in COMMON.get(home, ())
        or (api.name in _RECURRENT_LAYERS and spelled in _RECURRENT)
    )


def _collect(api: Api, named: dict[str, ast.expr], bound: Bound) -> None:
    for spelled, value in named.items():
        group = GROUPS.get(spelled)
        if group is None:
            bound.args[renamed(api, spelled)] = value
        elif all(part in named for part in group):
            bound.args[_GROUPED] = tuple(named[part] for part in group)
        else:
            bound.args[spelled] = value


# Taken by Keras 3 through **kwargs, beside its signature.
_KERAS3_TAKES = {
    "layers": ("name", "trainable", "dtype", "input_shape", "input_dim", "batch_input_shape", "autocast"),
    "layers.LeakyReLU": ("alpha",),
    "optimizers": ("name", "weight_decay", "clipnorm", "clipvalue", "global_clipnorm", "jit_compile"),
    "models": ("name", "trainable"),
}


def keras3_takes(api: Api, spelled: str) -> bool:
    """Is ``spelled`` a keyword of Keras 3's own, for a name that it has?"""
    spec = parameters(api, "keras_3")
    taken = (*_KERAS3_TAKES.get(api.module[6:], ()), *_KERAS3_TAKES.get(api.key, ()))
    return spec is None or spelled in taken or any(one.spelled == spelled for one in spec)


def _is_small(value: object) -> bool:
    """An epsilon, not a momentum nor the start of an accumulator."""
    return isinstance(value, float) and 0 < value < 1e-3


# Optimizer -> position at which Keras 3 has something else, and what tells that the old argument is meant there.
_TELLING_POSITIONS: dict[str, tuple[int, Callable[[object], bool]]] = {
    "SGD": (2, lambda value: isinstance(value, (int, float)) and not isinstance(value, bool)),  # decay; nesterov
    "RMSprop": (2, _is_small),  # epsilon; momentum
    "Adagrad": (1, _is_small),  # epsilon; initial_accumulator_value
    "Adam": (3, lambda value: isinstance(value, bool)),  # amsgrad; epsilon
}


def means_old_position(api: Api, args: list[ast.expr]) -> bool:
    """Does a positional argument make sense only where older versions had it? (docs/facts.md, section 4.1)"""
    if api.module != "keras.optimizers" or api.name not in _TELLING_POSITIONS:
        return False
    index, tells = _TELLING_POSITIONS[api.name]
    found = args[index] if len(args) > index else None
    return isinstance(found, ast.Constant) and tells(found.value)


def spelled_parameter(api: Api, parameter: str, generation: int, version: tuple[int, ...] | None = None) -> str | None:
    """How a generation spells a parameter in this call, or None if it has no such keyword.

    ``spelled_parameter(Conv2D, 'data_format', 1)`` is 'dim_ordering'.
    """
    spec = parameters(api, release(api, generation, version))
    for one in spec or ():
        if one.name == parameter and one.spelled not in GROUPS:
            return one.spelled
    common = COMMON.get(api.module[6:], frozenset())
    return parameter if parameter in common else None


def default_of(api: Api, parameter: str, generation: int, version: tuple[int, ...] | None = None) -> Any:
    """The default of a parameter (its Keras 3 name) as a Python value, or `NO_DEFAULT`.

    A ``data_format`` that comes from the ambient setting is None; layers that have no such argument
    but are channels-last by definition say so.
    """
    if parameter == "data_format" and api.name in LITERAL_LAST and generation < 3:
        return "channels_last"
    for one in parameters(api, release(api, generation, version)) or ():
        if one.name == parameter:
            return one.default
    return NO_DEFAULT
