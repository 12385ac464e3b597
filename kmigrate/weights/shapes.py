"""The shape of what each layer gives, and of its weights, from its configuration (names and shapes of Keras 3).

Shapes are without the batch. A size that a model leaves open (None) is `OPEN` here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from kmigrate.weights.architecture import Layer, spatial

Shape = tuple[int, ...]
OPEN = 64  # divisible often enough for pooling and upsampling to give the same size again
RECURRENT = {"LSTM": 4, "GRU": 3, "SimpleRNN": 1}  # gates
SAME = {
    "Activation", "Softmax", "ReLU", "LeakyReLU", "ELU", "PReLU", "ThresholdedReLU", "BatchNormalization",
    "LayerNormalization", "Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "GaussianNoise",
    "GaussianDropout", "AlphaDropout", "ActivityRegularization", "Masking", "InputLayer", "Highway", "SReLU",
    "ParametricSoftplus", "Rescaling",
}  # fmt: skip
ELEMENTWISE = {"Add", "Multiply", "Average", "Maximum", "Minimum", "Subtract"}


class NotKnown(Exception):
    """What a layer gives cannot be told from its configuration."""


def sizes(value: Any, count: int, default: int = 1) -> tuple[int, ...]:
    """A setting as one number for each dimension."""
    if value is None:
        value = default
    if isinstance(value, int):
        return (value,) * count
    return tuple(int(v) for v in value)


def pairs(value: Any, count: int) -> tuple[tuple[int, int], ...]:
    """Paddings or croppings: (before, after) for each dimension, from every form that Keras took."""
    if isinstance(value, dict):
        names = ("top", "bottom", "left", "right")
        value = [value.get(f"{name}_pad", value.get(f"{name}_crop", 0)) for name in names]
    if isinstance(value, int):
        return ((value, value),) * count
    value = list(value)
    if count == 2 and len(value) == 4 and all(isinstance(v, int) for v in value):
        return ((value[0], value[1]), (value[2], value[3]))  # Keras 1.2
    if count == 1 and len(value) == 2 and all(isinstance(v, int) for v in value):
        return ((value[0], value[1]),)
    return tuple((v, v) if isinstance(v, int) else (int(v[0]), int(v[1])) for v in value)


def is_first(layer: Layer) -> bool:
    """Is the layer's own setting channels-first?"""
    return bool(layer.config.get("data_format") == "channels_first")


def image(layer: Layer, shape: Shape) -> tuple[Shape, int, Shape]:
    """``shape`` as (what comes before the image, channels, spatial sizes)."""
    count = spatial(layer.kind)
    if len(shape) < count + 1:
        raise NotKnown(f"{layer.name} ({layer.kind}) gets a value of {len(shape)} axes")
    head, rest = shape[: len(shape) - count - 1], shape[len(shape) - count - 1 :]
    return (head, rest[0], rest[1:]) if is_first(layer) else (head, rest[-1], rest[:-1])


def _together(layer: Layer, head: Shape, channels: int, places: Sequence[int]) -> Shape:
    return (*head, channels, *places) if is_first(layer) else (*head, *places, channels)


def _window(size: int, window: int, stride: int, padding: str, dilation: int = 1) -> int:
    if padding in ("same", "causal"):
        return -(-size // stride)
    return -(-(size - (window - 1) * dilation) // stride)


def _convolution(layer: Layer, shape: Shape) -> Shape:
    config, count = layer.config, spatial(layer.kind)
    head, channels, places = image(layer, shape)
    kernel = sizes(config.get("kernel_size"), count)
    strides, dilation = sizes(config.get("strides"), count), sizes(config.get("dilation_rate"), count)
    padding = config.get("padding", "valid")
    if layer.kind.endswith("Transpose"):
        new = [_transposed(layer, i, n, kernel, strides) for i, n in enumerate(places)]
    else:
        new = [_window(n, k, s, padding, d) for n, k, s, d in zip(places, kernel, strides, dilation)]
    if layer.kind == "DepthwiseConv2D":
        return _together(layer, head, channels * int(config.get("depth_multiplier", 1)), new)
    if layer.kind.startswith("ConvLSTM") and not config.get("return_sequences"):
        head = head[1:]
    return _together(layer, head, int(config["filters"]), new)


def _transposed(layer: Layer, i: int, size: int, kernel: Shape, strides: Shape) -> int:
    given = layer.config.get("output_shape")  # Keras 1: with the batch
    if given:
        found = given[1:] if len(given) == len(kernel) + 2 else given
        return int((found[1:] if is_first(layer) else found[:-1])[i])
    extra = layer.config.get("output_padding")
    if layer.config.get("padding") == "same":
        if extra is None:
            return size * strides[i]
        return (size - 1) * strides[i] + kernel[i] - 2 * (kernel[i] // 2) + sizes(extra, len(kernel))[i]
    plain = size * strides[i] + max(kernel[i] - strides[i], 0)
    return plain if extra is None else (size - 1) * strides[i] + kernel[i] + sizes(extra, len(kernel))[i]


def _pooling(layer: Layer, shape: Shape) -> Shape:
    count = spatial(layer.kind)
    head, channels, places = image(layer, shape)
    if layer.kind.startswith("Global"):
        if layer.config.get("keepdims"):
            return _together(layer, head, channels, [1] * count)
        return (*head, channels)
    window = sizes(layer.config.get("pool_size"), count, 2)
    strides = sizes(layer.config.get("strides"), count) if layer.config.get("strides") else window
    padding = layer.config.get("padding", "valid")
    return _together(layer, head, channels, [_window(n, w, s, padding) for n, w, s in zip(places, window, strides)])


def _resized(layer: Layer, shape: Shape) -> Shape:
    count, config = spatial(layer.kind), layer.config
    head, channels, places = image(layer, shape)
    if layer.kind.startswith("UpSampling"):
        new = [n * f for n, f in zip(places, sizes(config.get("size"), count, 2))]
    elif layer.kind.startswith("ZeroPadding"):
        new = [n + a + b for n, (a, b) in zip(places, pairs(config["padding"], count))]
    else:
        new = [n - a - b for n, (a, b) in zip(places, pairs(config["cropping"], count))]
    return _together(layer, head, channels, new)


def _reshaped(layer: Layer, shape: Shape) -> Shape:
    target = [int(n) if n is not None else -1 for n in layer.config["target_shape"]]
    if -1 in target:
        target[target.index(-1)] = prod(shape) // max(-prod(target), 1)
    return tuple(target)


def _concatenated(layer: Layer, shapes: Sequence[Shape]) -> Shape:
    axis = own_axis(layer.config.get("axis", -1), len(shapes[0]))
    total = sum(shape[axis] for shape in shapes)
    return (*shapes[0][:axis], total, *shapes[0][axis + 1 :])


def own_axis(axis: int, rank: int) -> int:
    """An axis number of Keras, which counts the batch, as one of a shape without it."""
    return axis - 1 if axis > 0 else rank + axis


def _recurrent(layer: Layer, shape: Shape) -> Shape:
    units = int(layer.config["units"])
    return (shape[0], units) if layer.config.get("return_sequences") else (units,)


def _bidirectional(layer: Layer, shape: Shape) -> Shape:
    assert layer.inner is not None
    found = output(layer.inner, [shape])
    mode = layer.config.get("merge_mode", "concat")
    return (*found[:-1], found[-1] * 2) if mode == "concat" else found


def _dot(layer: Layer, shapes: Sequence[Shape]) -> Shape:
    axes = layer.config.get("axes", -1)
    first, second = (axes, axes) if isinstance(axes, int) else (axes[0], axes[1])
    a, b = list(shapes[0]), list(shapes[1])
    del a[own_axis(first, len(a))]
    del b[own_axis(second, len(b))]
    return tuple(a + b) or (1,)


def _lambda(layer: Layer, shape: Shape) -> Shape:
    given = layer.config.get("output_shape")
    if layer.config.get("output_shape_type", "raw") == "raw" and isinstance(given, list | tuple) and given:
        return tuple(OPEN if n is None else int(n) for n in given)
    raise NotKnown(f"{layer.name} ({layer.kind}) is code, which is not run")


_ONE: dict[str, Callable[[Layer, Shape], Shape]] = {
    **dict.fromkeys(
        ("Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose", "Conv3DTranspose", "SeparableConv1D", "SeparableConv2D",
         "DepthwiseConv2D", "ConvLSTM2D", "LocallyConnected1D", "LocallyConnected2D"),
        _convolution,
    ),
    **{
        f"{way}Pooling{n}D": _pooling
        for n in (1, 2, 3)
        for way in ("Max", "Average", "GlobalMax", "GlobalAverage")
    },
    **{f"{what}{n}D": _resized for n in (1, 2, 3) for what in ("UpSampling", "ZeroPadding", "Cropping")},
    **dict.fromkeys(("LSTM", "GRU", "SimpleRNN", "CuDNNLSTM", "CuDNNGRU"), _recurrent),
    "Dense": lambda layer, shape: (*shape[:-1], int(layer.config["units"])),
    "MaxoutDense": lambda layer, shape: (int(layer.config["units"]),),
    "Embedding": lambda layer, shape: (*shape, int(layer.config["output_dim"])),
    "Flatten": lambda layer, shape: (prod(shape),),
    "RepeatVector": lambda layer, shape: (int(layer.config["n"]), *shape),
    "Permute": lambda layer, shape: tuple(shape[d - 1] for d in layer.config["dims"]),
    "Reshape": _reshaped,
    "Bidirectional": _bidirectional,
    "Lambda": _lambda,
}  # fmt: skip


def output(layer: Layer, shapes: Sequence[Shape]) -> Shape:
    """The shape of what ``layer`` gives for inputs of these shapes; raises NotKnown."""
    if layer.kind == "TimeDistributed" and layer.inner is not None:
        return (shapes[0][0], *output(layer.inner, [shapes[0][1:]]))
    if layer.kind in SAME:
        return shapes[0]
    if layer.kind in ELEMENTWISE:
        return max(shapes, key=lambda shape: (len(shape), prod(shape)))
    if layer.kind == "Concatenate":
        return _concatenated(layer, shapes)
    if layer.kind == "Dot":
        return _dot(layer, shapes)
    if layer.kind not in _ONE:
        raise NotKnown(f"{layer.name} is a {layer.kind}, of which nothing is known")
    found = _ONE[layer.kind](layer, shapes[0])
    if any(n <= 0 for n in found):
        raise NotKnown(f"{layer.name} ({layer.kind}) leaves nothing of a value of shape {shapes[0]}")
    return found


def weights(layer: Layer, shape: Shape) -> list[Shape]:
    """The shapes of the layer's arrays in Keras 3 for an input of that shape, [] if it has none; raises NotKnown."""
    layer = layer.core
    config, kind = layer.config, layer.kind
    bias = bool(config.get("use_bias", True))
    if kind == "Dense":
        units = int(config["units"])
        return [(shape[-1], units)] + [(units,)] * bias
    if kind in RECURRENT:
        return _gates(layer, shape, bias)
    if kind == "Bidirectional" and layer.inner is not None:
        return weights(layer.inner, shape) * 2
    if kind == "Embedding":
        return [(int(config["input_dim"]), int(config["output_dim"]))]
    if kind == "BatchNormalization":
        size: Shape = (shape[own_axis(int(config.get("axis", -1)), len(shape))],)
        return [size] * (2 + bool(config.get("scale", True)) + bool(config.get("center", True)))
    if kind == "LayerNormalization":
        axis = config.get("axis", -1)
        axes = [axis] if isinstance(axis, int) else list(axis)
        size = tuple(shape[own_axis(a, len(shape))] for a in axes)
        return [size] * (bool(config.get("scale", True)) + bool(config.get("center", True)))
    if kind == "PReLU":
        shared = config.get("shared_axes") or []
        return [tuple(1 if i + 1 in shared else n for i, n in enumerate(shape))]
    if kind == "Highway":
        squares: list[Shape] = [(shape[-1], shape[-1])] * 2
        return squares + [(shape[-1],)] * 2 * bias
    if kind == "MaxoutDense":
        count, units = int(config["nb_feature"]), int(config["units"])
        own: list[Shape] = [(count, shape[-1], units)]
        return own + [(count, units)] * bias
    if kind in ("SReLU", "ParametricSoftplus"):
        return [shape] * (4 if kind == "SReLU" else 2)
    if spatial(kind) and kind in _ONE and _ONE[kind] is _convolution:
        return _kernels(layer, shape, bias)
    known = kind in _ONE or kind in SAME or kind in ELEMENTWISE or kind in ("Concatenate", "Dot")
    if not known or kind.startswith("CuDNN"):
        raise NotKnown(f"{layer.name} is a {layer.kind}, of whose weights nothing is known")
    return []


def _gates(layer: Layer, shape: Shape, bias: bool) -> list[Shape]:
    units = int(layer.config["units"])
    width = units * RECURRENT[layer.kind]
    after = layer.kind == "GRU" and layer.config.get("reset_after", False)
    found: list[Shape] = [(shape[-1], width), (units, width)]
    if bias:
        found.append((2, width) if after else (width,))
    return found


def _kernels(layer: Layer, shape: Shape, bias: bool) -> list[Shape]:
    config, kind = layer.config, layer.kind
    _, channels, _ = image(layer, shape)
    kernel = sizes(config["kernel_size"], spatial(kind))
    multiplier = int(config.get("depth_multiplier", 1))
    if kind == "DepthwiseConv2D":
        return [(*kernel, channels, multiplier)] + [(channels * multiplier,)] * bias
    filters = int(config["filters"])
    if kind.startswith("Separable"):
        point = (*(1,) * len(kernel), channels * multiplier, filters)
        return [(*kernel, channels, multiplier), point] + [(filters,)] * bias
    if kind.endswith("Transpose"):
        return [(*kernel, filters, channels)] + [(filters,)] * bias
    if kind == "ConvLSTM2D":
        return [(*kernel, channels, 4 * filters), (*kernel, filters, 4 * filters)] + [(4 * filters,)] * bias
    if kind.startswith("LocallyConnected"):
        _, _, places = image(layer, output(layer, [shape]))
        return [(prod(places), prod(kernel) * channels, filters)] + [(*places, filters)] * bias
    return [(*kernel, channels // int(config.get("groups", 1)), filters)] + [(filters,)] * bias
