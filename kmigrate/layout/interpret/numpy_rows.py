"""Rows for numpy, and for arrays' own methods."""

from __future__ import annotations

from kmigrate.layout.interpret.along_operations import (
    ALL,
    along,
    appended,
    for_each_axis,
    gradient,
    joined_by_rank,
    other_length,
    picked,
    quarter_turns,
    split,
    squeezed,
    times_as_long,
)
from kmigrate.layout.interpret.calls import Operation
from kmigrate.layout.interpret.operations import (
    broadcast_to,
    chosen,
    compared,
    concatenation,
    creation,
    elementwise,
    expand_dims,
    flattened,
    grids,
    like,
    moved_axes,
    norm,
    permutation,
    random_dimensions,
    rank_of,
    reduction,
    reshape,
    shape_tuple,
    to_array,
    vector,
    without_order,
)
from kmigrate.layout.interpret.outside_operations import (
    file_source,
    harmless,
    permuted,
    random_generator,
    shuffled,
    sink,
)
from kmigrate.layout.interpret.positional_operations import PRODUCTS, contraction, einsum, product

Rows = dict[str, Operation]


def rows(prefix: str, names: str, operation: Operation) -> Rows:
    """One row for each of the names."""
    return {f"{prefix}.{name}": operation for name in names.split()}


RANDOM: Rows = {
    **rows("random", "rand randn", random_dimensions),
    **rows("random", "random random_sample ranf sample standard_normal", creation(0, ordered=True)),
    **rows(
        "random",
        "uniform normal randint integers binomial beta gamma laplace random_integers truncated_normal",
        creation(2, ordered=True),
    ),
    **rows("random", "poisson exponential", creation(1, ordered=True)),
    "random.shuffle": shuffled,
    "random.permutation": permuted,
    **rows("random", "seed set_state get_state", harmless),
    **rows("random", "RandomState default_rng", random_generator),
    "random.choice": harmless,
}

UNARY = (
    "abs absolute fabs sqrt exp expm1 exp2 log log2 log10 log1p square negative sign sin cos tan tanh sinh cosh "
    "arcsin arccos arctan arcsinh arccosh arctanh deg2rad rad2deg floor ceil rint trunc fix isnan isinf isfinite "
    "signbit logical_not invert nan_to_num float16 float32 float64 uint8 int8 int16 int32 int64 reciprocal "
    "ascontiguousarray copy conj real round around round_ cbrt sinc bool_"
)
BINARY = (
    "add subtract multiply divide true_divide floor_divide mod fmod remainder power maximum minimum fmax fmin "
    "logical_and logical_or logical_xor bitwise_and bitwise_or bitwise_xor greater greater_equal less less_equal "
    "equal not_equal arctan2 hypot isclose heaviside copysign logaddexp float_power"
)
REDUCE = (
    "mean sum max min amax amin std var prod product any all alltrue sometrue median nanmean nansum nanmax nanmin "
    "nanstd nanvar nanmedian ptp count_nonzero average"
)

NUMPY: Rows = {
    **rows("numpy", UNARY, elementwise(0)),
    **rows("numpy", BINARY, elementwise()),
    "numpy.where": chosen,
    "numpy.clip": elementwise(0, 1, 2),
    **rows("numpy", "allclose array_equal array_equiv testing.assert_allclose testing.assert_array_equal "
           "testing.assert_almost_equal testing.assert_array_almost_equal", compared),
    **rows("numpy", REDUCE, reduction()),
    **rows("numpy", "argmax argmin nanargmax nanargmin", reduction(by_order=True)),
    **rows("numpy", "percentile quantile nanpercentile", reduction(2, others="q interpolation method")),
    "numpy.linalg.norm": norm,
    **rows("numpy", "unique histogram bincount", without_order),
    # new arrays
    **rows("numpy", "zeros ones empty ndarray full", creation()),
    **rows("numpy", "zeros_like ones_like empty_like full_like", like),
    **rows("numpy", "array asarray asanyarray asfarray", to_array),
    "numpy.broadcast_to": broadcast_to,
    "numpy.meshgrid": grids,
    **rows("numpy", "arange linspace logspace", vector),
    # the order of axes
    "numpy.reshape": reshape(),
    "numpy.transpose": permutation(),
    "numpy.swapaxes": moved_axes("swapaxes"),
    "numpy.moveaxis": moved_axes("moveaxis"),
    "numpy.rollaxis": moved_axes("rollaxis"),
    "numpy.rot90": quarter_turns,
    "numpy.ravel": flattened(keep_first=False),
    # axes that come and go
    "numpy.expand_dims": expand_dims(),
    "numpy.squeeze": squeezed(),
    "numpy.stack": concatenation(new=True),
    # along axes
    "numpy.concatenate": concatenation(),
    **rows("numpy", "vstack row_stack", joined_by_rank(lambda rank: 0 if rank > 1 else None)),
    "numpy.hstack": joined_by_rank(lambda rank: 1 if rank > 1 else 0),
    "numpy.dstack": joined_by_rank(lambda rank: 2 if rank > 2 else None),
    "numpy.column_stack": joined_by_rank(lambda rank: 1 if rank > 1 else None),
    "numpy.append": appended,
    **rows("numpy", "cumsum cumprod", along()),
    **rows("numpy", "sort argsort", along(default=-1)),
    "numpy.flip": along(default=ALL),
    "numpy.fliplr": along(None, default=1, keyword=""),
    "numpy.flipud": along(None, default=0, keyword=""),
    "numpy.roll": along(2, names=("shift",), plain=1),
    "numpy.repeat": along(2, names=("repeats",), plain=1, length=times_as_long),
    "numpy.diff": along(2, default=-1, names=("n",), plain=1, length=other_length),
    "numpy.delete": along(2, names=("obj",), plain=1, length=other_length),
    "numpy.take": picked(),
    "numpy.gradient": gradient,
    "numpy.split": split(),
    "numpy.array_split": split(),
    "numpy.vsplit": split(0),
    "numpy.hsplit": split(1),
    "numpy.dsplit": split(2),
    "numpy.pad": for_each_axis(1, "pad"),
    "numpy.tile": for_each_axis(1, "tile"),
    # by position
    "numpy.dot": product(PRODUCTS["dot"]),
    "numpy.matmul": product(PRODUCTS["matmul"]),
    "numpy.outer": product(PRODUCTS["outer"]),
    "numpy.tensordot": contraction,
    "numpy.einsum": einsum,
    # reading and writing
    "numpy.shape": shape_tuple,
    "numpy.ndim": rank_of,
    **rows("numpy", "load loadtxt genfromtxt fromfile memmap frombuffer fromstring", file_source),
    **rows("numpy", "save savez savez_compressed savetxt", sink),
    **rows("numpy", "eye identity diag seterr errstate set_printoptions finfo iinfo dtype", harmless),
    **{f"numpy.{name}": operation for name, operation in RANDOM.items()},
}  # fmt: skip

METHODS: Rows = {
    **{name: reduction(axis_at=1) for name in ("mean", "sum", "max", "min", "std", "var", "prod", "any", "all", "ptp")},
    **{name: reduction(by_order=True) for name in ("argmax", "argmin")},
    **{name: elementwise(0) for name in ("astype", "copy", "round", "conj", "numpy")},
    "clip": elementwise(0, 1, 2),
    **{name: flattened(keep_first=False) for name in ("flatten", "ravel")},
    "swapaxes": moved_axes("swapaxes", "func"),
    "squeeze": squeezed(),
    **{name: along() for name in ("cumsum", "cumprod")},
    "argsort": along(default=-1),
    "repeat": along(2, names=("repeats",), plain=1, length=times_as_long),
    "take": picked(),
    "dot": product(PRODUCTS["dot"]),
}
