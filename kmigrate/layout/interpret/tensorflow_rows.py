"""Rows for TensorFlow's own functions."""

from __future__ import annotations

from kmigrate.layout.interpret.along_operations import along, for_each_axis, picked, split, squeezed, unstacked
from kmigrate.layout.interpret.dataset_operations import of_slices
from kmigrate.layout.interpret.layout_operations import of_tensorflow, tensorflow_bias
from kmigrate.layout.interpret.numpy_rows import Rows, rows
from kmigrate.layout.interpret.operations import (
    along_last,
    chosen,
    concatenation,
    creation,
    elementwise,
    expand_dims,
    gradients,
    permutation,
    placeholder,
    rank_of,
    reduction,
    reshape,
    same_numbers,
    shape_tuple,
    vector,
)
from kmigrate.layout.interpret.outside_operations import file_source, harmless
from kmigrate.layout.interpret.positional_operations import PRODUCTS, decoded, last_images, one_hot, product

_UNARY = "abs square sqrt rsqrt exp log sign negative sigmoid tanh sin cos floor ceil round is_nan log1p softplus"
_BINARY = (
    "maximum minimum add subtract multiply divide equal not_equal greater greater_equal less less_equal "
    "logical_and logical_or logical_not truediv div mod squared_difference"
)
_REDUCE = "mean sum max min prod any all logsumexp"


def _math(names: str, operation: object) -> Rows:
    """Under ``tensorflow`` and ``tensorflow.math``."""
    return {**rows("tensorflow", names, operation), **rows("tensorflow.math", names, operation)}  # type: ignore[arg-type]


TENSORFLOW: Rows = {
    **_math(_UNARY, elementwise(0)),
    **_math(_BINARY, elementwise()),
    **_math("pow", elementwise(0, 1)),
    **rows("tensorflow", "cast clip_by_value identity stop_gradient zeros_like ones_like to_float to_int32",
           elementwise(0)),
    "tensorflow.where": chosen,
    **rows("tensorflow.nn", "relu relu6 sigmoid tanh elu selu softplus softsign leaky_relu dropout swish silu",
           elementwise(0)),
    **_math(" ".join(f"reduce_{name}" for name in _REDUCE.split()), reduction(keep_at=2)),
    **_math("argmax argmin arg_max", reduction(by_order=True, default=0, others="output_type dimension")),
    "tensorflow.concat": concatenation(),
    "tensorflow.stack": concatenation(new=True),
    "tensorflow.unstack": unstacked(),
    "tensorflow.split": split(lengths=True),
    "tensorflow.reshape": reshape(),
    "tensorflow.transpose": permutation(),
    "tensorflow.expand_dims": expand_dims(),
    "tensorflow.squeeze": squeezed(),
    "tensorflow.reverse": along(1),
    **_math("cumsum cumprod", along(default=0)),
    "tensorflow.roll": along(2, names=("shift",), plain=1),
    "tensorflow.tile": for_each_axis(1, "tile"),
    "tensorflow.pad": for_each_axis(1, "pad"),
    "tensorflow.gather": picked(2, default=0),
    "tensorflow.one_hot": one_hot,
    **rows("tensorflow", "matmul linalg.matmul", product(PRODUCTS["matmul"])),
    **rows("tensorflow.nn", "softmax log_softmax l2_normalize", along_last()),
    "tensorflow.nn.conv2d": of_tensorflow(2, ((2, "strides"), (5, "dilations")), "new", 4),
    **rows("tensorflow.nn", "max_pool max_pool2d avg_pool avg_pool2d",
           of_tensorflow(2, ((1, "ksize"), (2, "strides")), "same", 4)),
    "tensorflow.nn.bias_add": tensorflow_bias,
    **rows("tensorflow", "zeros ones random.normal random.uniform random_normal random_uniform truncated_normal",
           creation(kind="graph")),
    "tensorflow.fill": creation(kind="graph"),
    "tensorflow.placeholder": placeholder,
    **rows("tensorflow", "constant convert_to_tensor Variable", same_numbers("graph")),
    "tensorflow.gradients": gradients,
    "tensorflow.shape": shape_tuple,
    "tensorflow.rank": rank_of,
    **rows("tensorflow", "range linspace", vector),
    **rows("tensorflow.image", "flip_left_right flip_up_down random_flip_left_right random_flip_up_down "
           "adjust_brightness adjust_contrast adjust_hue adjust_saturation random_brightness random_contrast "
           "random_hue random_saturation per_image_standardization convert_image_dtype", last_images()),
    **rows("tensorflow.image", "resize resize_images resize_bilinear resize_nearest_neighbor resize_bicubic "
           "resize_with_pad resize_image_with_crop_or_pad resize_with_crop_or_pad central_crop crop_to_bounding_box "
           "pad_to_bounding_box rot90", last_images("size")),
    "tensorflow.image.rgb_to_grayscale": last_images("grey"),
    **rows("tensorflow.image", "decode_jpeg decode_png decode_image decode_bmp", decoded),
    **rows("tensorflow.io", "decode_jpeg decode_png decode_image", decoded),
    **rows("tensorflow", "read_file io.read_file", file_source),
    "tensorflow.data.Dataset.from_tensor_slices": of_slices,
    **rows("tensorflow", "set_random_seed random.set_seed Session InteractiveSession ConfigProto GPUOptions "
           "global_variables_initializer initialize_all_variables get_default_graph Graph name_scope variable_scope "
           "train.AdamOptimizer train.RMSPropOptimizer train.GradientDescentOptimizer get_default_session "
           "reset_default_graph compat.v1.disable_eager_execution executing_eagerly", harmless),
}  # fmt: skip
