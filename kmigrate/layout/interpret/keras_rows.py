"""Rows for the Keras backend, keras.ops, and functions of Keras that are about arrays."""

from __future__ import annotations

from kmigrate.layout.interpret.along_operations import (
    along,
    for_each_axis,
    picked,
    sequence_of_one,
    split,
    squeezed,
    times_as_long,
)
from kmigrate.layout.interpret.evaluation import EVALUATION
from kmigrate.layout.interpret.keras_operations import classes, rank_normalized
from kmigrate.layout.interpret.layout_operations import of_maps, with_bias
from kmigrate.layout.interpret.numpy_rows import NUMPY, Rows, rows
from kmigrate.layout.interpret.operations import (
    along_last,
    concatenation,
    creation,
    crossentropy,
    elementwise,
    expand_dims,
    flattened,
    gradients,
    one_of_two,
    permutation,
    placeholder,
    rank_of,
    reduction,
    reshape,
    same_numbers,
    shape_tuple,
    vector,
)
from kmigrate.layout.interpret.outside_operations import harmless, scalar
from kmigrate.layout.interpret.positional_operations import PRODUCTS, one_hot, product, turned

ELEMENTWISE = (
    "abs square sqrt exp log round sign sin cos cast_to_floatx sigmoid tanh softplus softsign elu hard_sigmoid "
    "stop_gradient maximum minimum equal not_equal greater greater_equal less less_equal "
    "ones_like zeros_like identity selu relu6 gelu swish silu linear "
    "add subtract multiply divide negative log1p where logical_and logical_or logical_not"
)

BACKEND: Rows = {
    **EVALUATION,
    **rows("backend", ELEMENTWISE, elementwise()),
    **rows("backend", "relu pow cast clip dropout leaky_relu", elementwise(0)),
    "backend.binary_crossentropy": elementwise(0, 1),
    "backend.switch": elementwise(0, 1, 2),
    **rows("backend", "in_train_phase in_test_phase", one_of_two),
    **rows("backend", "mean sum max min std var prod any all logsumexp", reduction(keep_at=2)),
    **rows("backend", "argmax argmin", reduction(by_order=True, default=-1)),
    "backend.concatenate": concatenation(default=-1),
    "backend.stack": concatenation(new=True),
    "backend.reshape": reshape(),
    "backend.permute_dimensions": permutation(),
    "backend.transpose": turned,
    "backend.expand_dims": expand_dims(default=-1),
    "backend.squeeze": squeezed(),
    "backend.flatten": flattened(keep_first=False),
    "backend.batch_flatten": flattened(keep_first=True),
    "backend.softmax": along_last(),
    "backend.l2_normalize": along_last(),
    **rows("backend", "categorical_crossentropy sparse_categorical_crossentropy", crossentropy),
    **rows("backend", "cumsum cumprod", along(default=0)),
    "backend.reverse": along(1, keyword="axes"),
    "backend.repeat_elements": along(2, names=("rep",), plain=1, length=times_as_long),
    "backend.repeat": sequence_of_one,
    "backend.tile": for_each_axis(1, "tile"),
    "backend.gather": picked(None, default=0),
    "backend.one_hot": one_hot,
    "backend.dot": product(PRODUCTS["dot"]),
    "backend.batch_dot": product(PRODUCTS["batch_dot"], 1),
    **rows("backend", "conv1d conv2d conv3d conv2d_transpose depthwise_conv2d", of_maps(kernel=True)),
    **rows("backend", "pool2d pool3d resize_images resize_volumes spatial_2d_padding spatial_3d_padding", of_maps()),
    "backend.bias_add": with_bias,
    **rows("backend", "zeros ones random_normal random_uniform random_binomial truncated_normal",
           creation(kind="graph")),
    **rows("backend", "random_normal_variable random_uniform_variable", creation(kind="graph")),
    "backend.placeholder": placeholder,
    **rows("backend", "variable constant", same_numbers("graph")),
    **rows("backend", "eval get_value", same_numbers("numpy")),
    "backend.gradients": gradients,
    "backend.arange": vector,
    **rows("backend", "int_shape shape", shape_tuple),
    "backend.ndim": rank_of,
    **rows("backend", "epsilon learning_phase count_params", scalar),
    **rows("backend", "floatx set_floatx set_epsilon clear_session name_scope "
            "set_session get_session set_learning_phase backend manual_variable_initialization get_uid reset_uids "
            "is_keras_tensor is_sparse dtype", harmless),
}  # fmt: skip

# What keras.ops lacks of numpy's functions, and of the backend's.
_NOT_IN_OPS = frozenset(
    "alltrue around array_equal array_equiv asanyarray asarray ascontiguousarray asfarray bool_ column_stack copysign "
    "delete errstate finfo fix float16 float32 float64 float_power frombuffer fromfile fromstring genfromtxt gradient "
    "iinfo int16 int32 int64 int8 invert load loadtxt memmap ndarray product remainder rint rollaxis round_ row_stack "
    "save savetxt savez savez_compressed set_printoptions seterr sometrue uint8 cast_to_floatx "
    "linear".split()
)

OPS: Rows = {
    **{
        name.replace("numpy.", "ops.", 1): operation
        for name, operation in NUMPY.items()
        if name.count(".") == 1 and name[6:] not in _NOT_IN_OPS
    },
    **rows("ops", " ".join(set(ELEMENTWISE.split()) - _NOT_IN_OPS - {"identity"}), elementwise()),
    **rows("ops", "relu relu6 sigmoid leaky_relu elu cast clip hard_sigmoid hard_silu celu log_sigmoid rsqrt",
           elementwise(0)),
    **rows("ops", "softmax log_softmax", along_last()),
    "ops.norm": NUMPY["numpy.linalg.norm"],
    "ops.logsumexp": reduction(keep_at=2),
    "ops.one_hot": one_hot,
    "ops.convert_to_numpy": same_numbers("numpy"),
    "ops.convert_to_tensor": same_numbers("graph"),
    "ops.shape": shape_tuple,
    "ops.split": split(),
}  # fmt: skip

# Functions of Keras by the module and name of today.
KERAS: Rows = {
    "utils.to_categorical": classes,
    "utils.normalize": rank_normalized,
    "applications.decode_predictions": harmless,
    **rows("utils", "set_random_seed Progbar", harmless),
}
