"""Let TensorFlow compute channels-first programs on any device, in any dtype, exactly.

Most CPUs have no NCHW kernels in TensorFlow, often only in the backward pass. The wrappers of the
ops are replaced: transpose, channels-last op, transpose back; the gradient follows by itself.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

# op -> its channels-last format; the image is the first argument
_OPS: dict[str, str] = {
    "conv2d": "NHWC",
    "conv3d": "NDHWC",
    "depthwise_conv2d_native": "NHWC",
    "max_pool": "NHWC",
    "max_pool_v2": "NHWC",
    "avg_pool": "NHWC",
    "avg_pool3d": "NDHWC",
    "max_pool3d": "NDHWC",
}
# transposed convolutions: (sizes, filter, out_backprop, ...)
_BACKPROP: dict[str, str] = {
    "conv2d_backprop_input": "NHWC",
    "conv2d_backprop_input_v2": "NHWC",
    "conv3d_backprop_input_v2": "NDHWC",
}
_LISTS = ("ksize", "strides", "dilations")
_FIRST = {"NCHW", "NCDHW"}


def _to_last(values: Any) -> list[Any]:
    values = list(values)
    return [values[0], *values[2:], values[1]]


def _last_arguments(bound: dict[str, Any], last: str) -> dict[str, Any]:
    """The arguments of the channels-last op that stand for those of the channels-first one."""
    bound = dict(bound, data_format=last)
    for name in _LISTS:
        value = bound.get(name)
        if value is not None and not hasattr(value, "dtype") and len(value) >= 4:
            bound[name] = _to_last(value)
    pads = bound.get("explicit_paddings")
    if pads:
        pairs = [pads[i : i + 2] for i in range(0, len(pads), 2)]
        bound["explicit_paddings"] = [p for pair in _to_last(pairs) for p in pair]
    return bound


def _bind(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    return {**dict(zip(names, args, strict=False)), **kwargs}


def _code_owner(function: Callable[..., Any]) -> Callable[..., Any]:
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    return function


def needed(tf: Any) -> bool:
    """Does TensorFlow lack channels-first kernels on this device? (The backward pass is where they are missing.)"""
    image, kernel = tf.ones((1, 2, 4, 4)), tf.ones((3, 3, 2, 2))
    try:
        with tf.GradientTape() as tape:
            tape.watch(kernel)
            total = tf.reduce_sum(tf.nn.conv2d(image, kernel, 1, "SAME", data_format="NCHW"))
        tape.gradient(total, kernel)
    except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError):
        return True
    return False


def install(tf: Any) -> None:
    """Patch TensorFlow's op wrappers in this process."""
    from tensorflow.python.ops import gen_nn_ops

    replaced: dict[Any, Any] = {}
    for name, last in _OPS.items():
        original = getattr(gen_nn_ops, name)
        replaced[original] = _image_op(tf, original, last, pool3d=name == "max_pool3d")
    for name, last in _BACKPROP.items():
        original = getattr(gen_nn_ops, name)
        replaced[original] = _transposed_op(tf, original, last)
    original = gen_nn_ops.leaky_relu
    replaced[original] = _leaky(tf, original)
    for module_name, module in list(sys.modules.items()):
        if module is None or not module_name.startswith("tensorflow"):
            continue
        if not (module_name.startswith(("tensorflow.python.ops", "tensorflow._api"))):
            continue
        for attribute, value in list(vars(module).items()):
            try:
                new = replaced.get(value)
            except TypeError:  # unhashable
                continue
            if new is not None:
                setattr(module, attribute, new)


def _perms(rank: int) -> tuple[list[int], list[int]]:
    return [0, *range(2, rank), 1], [0, rank - 1, *range(1, rank - 1)]


def _image_op(tf: Any, original: Any, last: str, pool3d: bool) -> Callable[..., Any]:
    code = _code_owner(original)

    def op(*args: Any, **kwargs: Any) -> Any:
        bound = _bind(code, args, kwargs)
        first_name = next(iter(bound))
        image = tf.convert_to_tensor(bound[first_name])
        is_first = _text(bound.get("data_format")) in _FIRST
        if is_first:
            to_last, back = _perms(len(last))
            bound = _last_arguments(bound, last)
            image = tf.transpose(image, to_last)
        bound[first_name] = image
        if pool3d and image.dtype == tf.float64:
            result = _max_pool3d(tf, image, bound)
        else:
            result = original(**bound)
        return tf.transpose(result, back) if is_first else result

    op.__wrapped__ = original  # type: ignore[attr-defined]
    return op


def _transposed_op(tf: Any, original: Any, last: str) -> Callable[..., Any]:
    code = _code_owner(original)

    def op(*args: Any, **kwargs: Any) -> Any:
        bound = _bind(code, args, kwargs)
        if _text(bound.get("data_format")) not in _FIRST:
            return original(*args, **kwargs)
        to_last, back = _perms(len(last))
        bound = _last_arguments(bound, last)
        sizes = tf.convert_to_tensor(bound["input_sizes"])
        if sizes.shape.rank == 1:
            bound["input_sizes"] = tf.gather(sizes, to_last)
        else:
            bound["input_sizes"] = tf.transpose(sizes, to_last)
        bound["out_backprop"] = tf.transpose(tf.convert_to_tensor(bound["out_backprop"]), to_last)
        return tf.transpose(original(**bound), back)

    op.__wrapped__ = original  # type: ignore[attr-defined]
    return op


def _max_pool3d(tf: Any, image: Any, bound: dict[str, Any]) -> Any:
    """Maximum over height and width, then over depth: TensorFlow has no float64 kernel for all three."""
    _, kd, kh, kw, _ = bound["ksize"]
    _, sd, sh, sw, _ = bound["strides"]
    padding = bound["padding"]
    n, d, h, w, c = tf.unstack(tf.shape(image))
    flat = tf.reshape(image, [n * d, h, w, c])
    flat = tf.nn.max_pool2d(flat, [kh, kw], [sh, sw], padding)
    h, w = tf.shape(flat)[1], tf.shape(flat)[2]
    deep = tf.reshape(flat, [n, d, h * w, c])
    deep = tf.nn.max_pool2d(deep, [kd, 1], [sd, 1], padding)
    return tf.reshape(deep, [n, tf.shape(deep)[1], h, w, c])


def _leaky(tf: Any, original: Any) -> Callable[..., Any]:
    """The op keeps its slope in float32, which is visible in float64."""

    def leaky_relu(features: Any, alpha: float = 0.2, name: Any = None) -> Any:
        features = tf.convert_to_tensor(features)
        if features.dtype != tf.float64:
            return original(features, alpha=alpha, name=name)
        return tf.where(features > 0, features, features * float(alpha))

    return leaky_relu


def _text(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value


def fix_keras3_bias(tf: Any, met: list[str]) -> None:
    """Keras 3 guesses the layout of a bias from sizes, and adds it along the width if that equals
    the number of filters. Patched in both runs; ``met`` gets a line when the program meets it."""
    from keras.src.backend.tensorflow import numpy as backend_numpy

    original = backend_numpy.add

    def add(x1: Any, x2: Any) -> Any:
        shape1, shape2 = getattr(x1, "shape", None), getattr(x2, "shape", None)
        if shape1 is None or shape2 is None or len(shape2) < 3 or len(shape1) != len(shape2):
            return original(x1, x2)
        wide = [i for i, size in enumerate(shape2) if size != 1]
        if len(wide) != 1 or getattr(x1, "dtype", 0) != getattr(x2, "dtype", 1):
            return original(x1, x2)
        axis = wide[0]
        if axis != len(shape1) - 1 and shape1[-1] == shape2[axis]:
            text = (
                f"a channels-first map of width {shape1[-1]} gets a bias of as many filters: "
                "Keras 3 adds it along the width (corrected here; outside, the program is miscomputed)"
            )
            if text not in met:
                met.append(text)
        return tf.add(x1, x2)

    backend_numpy.add = add
    # ops call it through the backend module and through a re-export
    from keras.src import backend

    if getattr(backend.numpy, "add", None) is original:
        backend.numpy.add = add
