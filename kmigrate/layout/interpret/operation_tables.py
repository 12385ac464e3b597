"""The tables: dotted name of a library function -> the kind of operation that it is, and where its arguments stand.

One more function is one more row.
"""

from __future__ import annotations

from kmigrate.layout.interpret.calls import Operation
from kmigrate.layout.interpret.operations import (
    along_last,
    anything,
    cast_number,
    chosen,
    concatenation,
    copied_sequence,
    counted,
    creation,
    elementwise,
    enumerated,
    expand_dims,
    file_source,
    flattened,
    harmless,
    length,
    like,
    mapping,
    moved_axes,
    number,
    permutation,
    permuted,
    random_dimensions,
    random_generator,
    reduction,
    reshape,
    same_numbers,
    shape_tuple,
    shown,
    shuffled,
    sink,
    split_rows,
    stacked_rows,
    to_array,
    vector,
    zipped,
)


def _rows(prefix: str, names: str, operation: Operation) -> dict[str, Operation]:
    return {f"{prefix}.{name}": operation for name in names.split()}


RANDOM: dict[str, Operation] = {
    **_rows("random", "rand randn", random_dimensions),
    **_rows("random", "random random_sample ranf sample standard_normal", creation(0, ordered=True)),
    **_rows(
        "random",
        "uniform normal randint integers poisson binomial beta gamma laplace random_integers",
        creation(2, ordered=True),
    ),
    "random.poisson": creation(1, ordered=True),
    "random.shuffle": shuffled,
    "random.permutation": permuted,
    **_rows("random", "seed set_state get_state", harmless),
    **_rows("random", "RandomState default_rng", random_generator),
    "random.choice": harmless,
}

_UNARY = (
    "abs absolute fabs sqrt exp expm1 exp2 log log2 log10 log1p square negative sign sin cos tan tanh sinh cosh "
    "arctan floor ceil rint trunc isnan isinf isfinite logical_not nan_to_num float16 float32 float64 "
    "uint8 int8 int16 int32 int64 reciprocal ascontiguousarray copy conj real"
)
_BINARY = (
    "add subtract multiply divide true_divide floor_divide mod remainder power maximum minimum fmax fmin "
    "logical_and logical_or logical_xor greater greater_equal less less_equal equal not_equal arctan2 hypot "
    "isclose where heaviside"
)
_REDUCE = "mean sum max min amax amin std var prod any all median average nanmean nansum nanmax nanmin nanstd ptp"

NUMPY: dict[str, Operation] = {
    **_rows("numpy", _UNARY, elementwise(0)),
    **_rows("numpy", _BINARY, elementwise()),
    "numpy.where": chosen,
    **_rows("numpy", "round around round_", elementwise(0)),
    "numpy.clip": elementwise(0, 1, 2),
    **_rows("numpy", _REDUCE, reduction()),
    **_rows("numpy", "argmax argmin nanargmax nanargmin", reduction(by_order=True)),
    **_rows("numpy", "zeros ones empty ndarray full", creation()),
    **_rows("numpy", "zeros_like ones_like empty_like full_like", like),
    **_rows("numpy", "array asarray asanyarray asfarray", to_array),
    "numpy.reshape": reshape(),
    "numpy.transpose": permutation(),
    "numpy.swapaxes": moved_axes("swapaxes"),
    "numpy.moveaxis": moved_axes("moveaxis"),
    "numpy.rollaxis": moved_axes("rollaxis"),
    "numpy.expand_dims": expand_dims(),
    "numpy.concatenate": concatenation(),
    "numpy.stack": concatenation(new=True),
    **_rows("numpy", "vstack row_stack", stacked_rows),
    "numpy.ravel": flattened(keep_first=False),
    "numpy.shape": shape_tuple,
    **_rows("numpy", "load loadtxt genfromtxt fromfile", file_source),
    **_rows("numpy", "save savez savez_compressed savetxt", sink),
    **_rows("numpy", "arange linspace", vector),
    **_rows("numpy", "eye identity", harmless),
    **_rows("numpy", "seterr set_printoptions finfo iinfo dtype", harmless),
    **{f"numpy.{name}": operation for name, operation in RANDOM.items()},
}

BUILTINS_TABLE: dict[str, Operation] = {
    "builtins.len": length,
    "builtins.range": counted,
    **_rows("builtins", "int float", cast_number),
    "builtins.round": elementwise(0),
    "builtins.abs": elementwise(0),
    **_rows("builtins", "sum min max bool ord hash id", number),
    "builtins.tuple": copied_sequence("tuple"),
    **_rows("builtins", "list sorted reversed set frozenset", copied_sequence("list")),
    "builtins.dict": mapping,
    "builtins.zip": zipped,
    "builtins.enumerate": enumerated,
    "builtins.print": shown,
    **_rows("builtins", "exec eval execfile globals locals vars __import__", anything),
    **_rows("builtins", "str repr format isinstance hasattr callable type open input raw_input chr dir "
            "issubclass exit quit bytes", harmless),
}  # fmt: skip

_BACKEND_ELEMENTWISE = (
    "abs square sqrt exp log round sign cast cast_to_floatx relu sigmoid tanh softplus softsign elu hard_sigmoid "
    "stop_gradient maximum minimum equal not_equal greater greater_equal less less_equal lesser lesser_equal "
    "pow binary_crossentropy ones_like zeros_like identity leaky_relu selu relu6 gelu swish silu "
    "add subtract multiply divide negative log1p where logical_and logical_or logical_not"
)

BACKEND: dict[str, Operation] = {
    **_rows("backend", _BACKEND_ELEMENTWISE, elementwise()),
    "backend.relu": elementwise(0),
    "backend.pow": elementwise(0),
    "backend.cast": elementwise(0),
    "backend.binary_crossentropy": elementwise(0, 1),
    "backend.clip": elementwise(0),
    "backend.dropout": elementwise(0),
    **_rows("backend", "mean sum max min std var prod any all logsumexp", reduction(keep_at=2)),
    **_rows("backend", "argmax argmin", reduction(by_order=True)),
    "backend.concatenate": concatenation(default=-1),
    "backend.stack": concatenation(new=True),
    "backend.reshape": reshape(),
    "backend.permute_dimensions": permutation(),
    "backend.expand_dims": expand_dims(),
    "backend.flatten": flattened(keep_first=False),
    "backend.batch_flatten": flattened(keep_first=True),
    "backend.softmax": along_last(),
    "backend.l2_normalize": along_last(),
    **_rows("backend", "int_shape shape", shape_tuple),
    **_rows("backend", "epsilon floatx learning_phase ndim count_params set_floatx set_epsilon clear_session "
            "set_session get_session set_learning_phase backend manual_variable_initialization", harmless),
}  # fmt: skip

OPS: dict[str, Operation] = {
    **{name.replace("numpy.", "ops."): operation for name, operation in NUMPY.items() if "random" not in name},
    **_rows("ops", _BACKEND_ELEMENTWISE, elementwise()),
    **_rows("ops", "relu relu6 sigmoid leaky_relu elu cast clip", elementwise(0)),
    "ops.softmax": along_last(),
    "ops.convert_to_numpy": same_numbers("numpy"),
    "ops.convert_to_tensor": same_numbers("graph"),
    "ops.shape": shape_tuple,
    "ops.flip": harmless,
}
del OPS["ops.flip"]

TENSORFLOW: dict[str, Operation] = {
    **_rows("tensorflow", "abs square sqrt exp sign maximum minimum add subtract multiply divide cast identity "
            "stop_gradient where equal greater less negative pow sigmoid tanh", elementwise()),
    **_rows("tensorflow", "cast pow clip_by_value identity", elementwise(0)),
    "tensorflow.where": chosen,
    **_rows("tensorflow.nn", "relu relu6 sigmoid tanh elu selu softplus leaky_relu crelu", elementwise(0)),
    **_rows("tensorflow.math", "abs square sqrt exp log maximum minimum add subtract multiply divide sigmoid tanh",
            elementwise()),
    **_rows("tensorflow", "reduce_mean reduce_sum reduce_max reduce_min reduce_prod", reduction(keep_at=2)),
    **_rows("tensorflow.math", "reduce_mean reduce_sum reduce_max reduce_min reduce_prod", reduction(keep_at=2)),
    "tensorflow.concat": concatenation(),
    "tensorflow.stack": concatenation(new=True),
    "tensorflow.reshape": reshape(),
    "tensorflow.transpose": permutation(),
    "tensorflow.expand_dims": expand_dims(),
    "tensorflow.nn.softmax": along_last(),
    **_rows("tensorflow", "set_random_seed Session ConfigProto GPUOptions global_variables_initializer", harmless),
}  # fmt: skip

OTHERS: dict[str, Operation] = {
    "sklearn.model_selection.train_test_split": split_rows,
    "sklearn.cross_validation.train_test_split": split_rows,
    **_rows("random", "seed random randint uniform choice shuffle", harmless),
}

# Modules whose functions take no arrays of ours in ways that matter.
HARMLESS_MODULES = frozenset(
    "os sys time argparse logging glob json math datetime warnings re pathlib shutil tempfile "
    "gc subprocess getpass platform configparser ConfigParser __future__ typing string".split()
)

TABLE: dict[str, Operation] = {**NUMPY, **BUILTINS_TABLE, **TENSORFLOW, **OTHERS}

# Methods of arrays: those of the table that take the array first, and their own.
METHODS: dict[str, Operation] = {
    **{name: reduction(axis_at=1) for name in ("mean", "sum", "max", "min", "std", "var", "prod", "any", "all", "ptp")},
    **{name: reduction(by_order=True) for name in ("argmax", "argmin")},
    **{name: elementwise(0) for name in ("astype", "copy", "round", "conj", "numpy")},
    "clip": elementwise(0, 1, 2),
    **{name: flattened(keep_first=False) for name in ("flatten", "ravel")},
    "swapaxes": moved_axes("swapaxes", "func"),
}
