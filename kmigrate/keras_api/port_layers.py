"""What layers of old Keras need besides renaming to compute the same in Keras 3.

Sources: docs/facts.md, sections 2 and 3 (the section is named beside each rule).
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from kmigrate.keras_api import signatures, versions
from kmigrate.keras_api.draft import MISSING, Draft
from kmigrate.keras_api.orderings import DATA_FORMATS

if TYPE_CHECKING:
    from kmigrate.keras_api.port import Context

ORDERINGS = {**DATA_FORMATS, "default": None}
FORMATS = repr(ORDERINGS)

# Layers whose arguments need nothing else are not listed; these cannot be written today (yet).
NO_COUNTERPART = {
    "LocallyConnected1D": "Keras 3 has no locally connected layers",
    "LocallyConnected2D": "Keras 3 has no locally connected layers",
    "SReLU": "Keras 3 has no SReLU",
    "ParametricSoftplus": "Keras 3 has no ParametricSoftplus",
    "Highway": "Keras 3 has no Highway layer",
    "MaxoutDense": "Keras 3 has no MaxoutDense",
    "Merge": "a Merge layer of several Sequential models is not ported",
    "CuDNNLSTM": "Keras 3 has no CuDNNLSTM",
    "CuDNNGRU": "Keras 3 has no CuDNNGRU",
    "Recurrent": "custom recurrent layers are not ported",
    "ConvRecurrent2D": "custom recurrent layers are not ported",
}
RENAMED = {"TimeDistributedDense": "Dense", "ThresholdedReLU": "ReLU"}

# (3) mode of merge() -> function and layer of Keras 3.
MERGES = {
    "sum": ("add", "Add"),
    "mul": ("multiply", "Multiply"),
    "concat": ("concatenate", "Concatenate"),
    "ave": ("average", "Average"),
    "max": ("maximum", "Maximum"),
    "dot": ("dot", "Dot"),
    "cos": ("dot", "Dot"),
}

# (2.3) version -> epsilon and momentum that BatchNormalization had if none was given.
NORMALIZATION = (
    ((1, 0, 0), 1e-6, 0.9),
    ((1, 0, 7), 1e-6, 0.99),
    ((1, 0, 8), 1e-5, 0.99),
    ((1, 2, 0), 1e-3, 0.99),  # as in Keras 3
)

_RECURRENT = ("LSTM", "GRU", "SimpleRNN", "ConvLSTM2D")
_KERAS3_MOMENTS = (1e-3, 0.99)


def layer(draft: Draft, context: Context) -> None:
    """Every layer: what is common, then the layer's own rule."""
    name = draft.api.name
    if name in NO_COUNTERPART and not (name == "Merge" and _merge_layer(draft, context)):
        context.problem(draft.call, NO_COUNTERPART[name])
        return
    draft.name = RENAMED.get(name, draft.name)
    _inputs(draft, context)
    _ordering(draft, context)
    _initializers(draft, context)
    for name in ("activation", "recurrent_activation"):
        activation(draft, context, name)
    rule = RULES.get(draft.api.name)
    if rule is not None:
        rule(draft, context)
    if draft.has("activity_regularizer") and draft.literal("activity_regularizer") is not None:
        context.note(draft.call, "activity regularizers are divided by the batch size in Keras 3")  # 4.2
    if draft.literal("weights") is None:
        draft.drop("weights")
    if draft.has("weights") and draft.api.name != "Embedding":
        context.problem(draft.call, "initial weights= of a layer are not ported")


def _inputs(draft: Draft, context: Context) -> None:
    """input_dim with input_length, batch_input_shape: Keras 3 takes input_shape only."""
    if draft.api.name == "InputLayer":
        draft.rename("input_shape", "shape")
        draft.rename("batch_input_shape", "batch_shape")
        return
    if draft.has("input_length") and draft.api.name != "Embedding":
        dim = draft.place("input_dim") if draft.has("input_dim") else "None"
        shape = f"({draft.place('input_length')}, {dim})"
        draft.drop("input_length", "input_dim")
        draft.set("input_shape", shape)
    elif draft.has("input_dim") and draft.api.name in (*_RECURRENT, "Conv1D"):
        shape = f"(None, {draft.place('input_dim')})"
        draft.drop("input_dim")
        draft.set("input_shape", shape)
    if draft.has("batch_input_shape"):
        node = draft.node("batch_input_shape")
        if isinstance(node, (ast.Tuple, ast.List)) and _is_none(node.elts[0] if node.elts else None):
            draft.set("batch_input_shape", f"{draft.place('batch_input_shape')}[1:]")
            draft.rename("batch_input_shape", "input_shape")
        else:
            context.problem(draft.call, "a fixed batch size (batch_input_shape) is not ported")


def _is_none(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _ordering(draft: Draft, context: Context) -> None:
    """dim_ordering -> data_format, and what layers took by themselves (2.1, 0.5)."""
    now = signatures.parameters(context.keras3(draft), "keras_3") or ()
    takes = any(one.name == "data_format" for one in now)
    one_dimensional = draft.api.name in signatures.LITERAL_LAST
    if draft.has("data_format"):
        translated(draft)
    elif not takes:
        return
    elif one_dimensional:
        if context.first_possible:
            draft.set("data_format", "'channels_last'")
    elif draft.api.name != "Flatten" and not versions.setter_reaches_layers(context.version):
        draft.set("data_format", repr(ORDERINGS[context.ordering]))


def translated(draft: Draft) -> None:
    node = draft.node("data_format")
    spelled = draft.bound.keywords.get("data_format")
    if spelled is not None and spelled.arg == "data_format":
        return
    value = draft.literal("data_format")
    if isinstance(value, str) and value in ORDERINGS:
        if ORDERINGS[value] is None:
            draft.drop("data_format")
        else:
            draft.set("data_format", repr(ORDERINGS[value]))
    elif node is not None and value is MISSING:
        place = draft.place("data_format")
        draft.set("data_format", f"{FORMATS}.get({place}, {place})")


def _initializers(draft: Draft, context: Context) -> None:
    """Spelled the old way or drawn from another distribution (3)."""
    if draft.has("init"):  # SeparableConvolution2D: one for both kernels
        value = draft.literal("init")
        text = _initializer(value, context) if isinstance(value, str) else None
        place = text or draft.place("init")
        draft.drop("init")
        draft.set("depthwise_initializer", place)
        draft.set("pointwise_initializer", place)
    for name in [one for one in draft.bound.args if one.endswith("_initializer")]:
        value = draft.literal(name)
        text = _initializer(value, context) if isinstance(value, str) else None
        if text is not None:
            draft.set(name, text)
        elif value is MISSING and draft.bound.generation == 1:
            node = draft.node(name)
            if isinstance(node, (ast.Lambda, ast.Name)):  # Keras 1: init(shape, name=None)
                context.problem(draft.call, "an initialisation function of Keras 1 is not ported")
    if draft.api.name in _RECURRENT and context.version < (2,):
        draft.default("recurrent_initializer", _initializer("orthogonal", context) or "'orthogonal'")


# (3) Keras 1's normal was not truncated, and orthogonal had a gain.
_OLD_INITIALIZERS = {
    "he_normal": "initializers.VarianceScaling(2.0, 'fan_in', 'untruncated_normal')",
    "glorot_normal": "initializers.VarianceScaling(1.0, 'fan_avg', 'untruncated_normal')",
    "orthogonal": "initializers.Orthogonal(1.1)",
}
_INITIALIZER_NAMES = {"uniform": "random_uniform", "normal": "random_normal", "zero": "zeros", "one": "ones"}


def _initializer(value: str, context: Context) -> str | None:
    if context.version < (2,) and value in _OLD_INITIALIZERS:
        return f"{context.keras()}.{_OLD_INITIALIZERS[value]}"
    new = _INITIALIZER_NAMES.get(value)
    return repr(new) if new else None


def activation(draft: Draft, context: Context, name: str) -> None:
    """hard_sigmoid has another formula in Keras 3 (3)."""
    if draft.literal(name) == "hard_sigmoid" and context.version < (3,):
        draft.set(name, context.helper("keras1_hard_sigmoid"))


def _batch_normalization(draft: Draft, context: Context) -> None:
    """(2.3)"""
    mode = draft.literal("mode") if draft.has("mode") else 0
    draft.drop("mode")
    if mode == 2:
        draft.module, draft.name = "", context.helper("Keras1BatchStatistics")
    elif mode != 0:
        context.problem(draft.call, "BatchNormalization(mode=1) or a mode that is no number is not ported")
    old = max(row for row in NORMALIZATION if row[0] <= max(context.version, (1, 0, 0)))
    for parameter, value, now in zip(("epsilon", "momentum"), old[1:], _KERAS3_MOMENTS, strict=True):
        if value != now:
            draft.default(parameter, repr(value))
    if context.version < (1, 0, 7):
        context.note(draft.call, "BatchNormalization before Keras 1.0.7 adds epsilon twice (1e-6 of the result)")
    elif (2, 1, 3) <= context.version < (3,):
        context.note(draft.call, "moving statistics of BatchNormalization differ in Keras 2.1.3 to 2.3.1")


def _flatten(draft: Draft, context: Context) -> None:
    """(2.2) Keras 3 moves the channels last where its setting is channels_first."""
    if not draft.has("data_format") and context.first_possible:
        if not versions.flatten_moves_channels(context.version, None, "channels_first"):
            draft.set("data_format", "'channels_last'")


def _recurrent(draft: Draft, context: Context) -> None:
    """(3)"""
    draft.drop("consume_less", "implementation")
    forget = draft.literal("forget_bias_init") if draft.has("forget_bias_init") else None
    if draft.has("forget_bias_init"):
        draft.drop("forget_bias_init")
        if forget not in ("one", "ones"):
            draft.set("unit_forget_bias", "False")
            context.note(draft.call, "the forget gate's bias starts at zero")
    gated = draft.api.name in ("LSTM", "GRU", "ConvLSTM2D")
    hard = context.version < ((3,) if draft.api.name == "ConvLSTM2D" else (2, 3))
    if gated and hard and not draft.has("recurrent_activation"):
        draft.set("recurrent_activation", context.helper("keras1_hard_sigmoid"))
    if draft.api.name == "GRU" and context.version < (3,):
        draft.default("reset_after", "False")


def _embedding(draft: Draft, context: Context) -> None:
    rate = draft.literal("dropout") if draft.has("dropout") else 0
    draft.drop("dropout", "input_length")
    if rate != 0:
        context.problem(draft.call, "dropout of an Embedding is not ported")


def _average_pooling(draft: Draft, context: Context) -> None:
    """(3) Keras 3 has no default for the size."""
    draft.default("pool_size", "2" if draft.api.name.endswith("1D") else repr((2,) * int(draft.api.name[-2])))


def _transposed_convolution(draft: Draft, context: Context) -> None:
    """(2.4) Keras 1 was given the output's shape, Keras 3 derives it."""
    if draft.api.spelled not in ("Deconvolution2D", "Deconv2D") or not draft.has("output_shape"):
        return
    strides = draft.literal("strides") if draft.has("strides") else (1, 1)
    if strides in (1, (1, 1), [1, 1]):
        draft.drop("output_shape")  # there is only one size that it can be
    else:
        draft.module, draft.name = "", context.helper("Keras1Deconvolution2D")


def _zero_padding_2d(draft: Draft, context: Context) -> None:
    """(2.4) 1.2 took four numbers, or names."""
    node = draft.node("padding")
    value = draft.literal("padding")
    if isinstance(node, ast.Tuple) and len(node.elts) == 4:
        part = [f"{draft.place('padding')}[{i}]" for i in range(4)]
        if value is not MISSING:
            part = [repr(number) for number in value]
        if context.version < (1, 0, 6):  # read silently as its first two
            draft.set("padding", f"({part[0]}, {part[1]})")
        else:
            draft.set("padding", f"(({part[0]}, {part[1]}), ({part[2]}, {part[3]}))")
    elif isinstance(value, dict):
        top, bottom, left, right = (value.get(f"{side}_pad", 0) for side in ("top", "bottom", "left", "right"))
        draft.set("padding", f"(({top!r}, {bottom!r}), ({left!r}, {right!r}))")
    elif isinstance(node, ast.Dict):
        context.problem(draft.call, "padding by names that are computed is not ported")


def _thresholded(draft: Draft, context: Context) -> None:
    draft.rename("theta", "threshold")
    draft.default("threshold", "1.0")
    context.note(draft.call, "ReLU(threshold=) differs from ThresholdedReLU at the threshold itself")


def _merge_layer(draft: Draft, context: Context) -> bool:
    """`Merge(mode='sum')([a, b])` is a layer like Add; a Merge of models is not."""
    if draft.has("layers"):
        return False
    mode = draft.literal("mode") if draft.has("mode") else "sum"
    if not isinstance(mode, str) or mode not in MERGES:
        return False
    draft.name = MERGES[mode][1]
    _merge_arguments(draft, mode)
    return True


def _merge_arguments(draft: Draft, mode: str) -> None:
    draft.drop("mode", "output_shape", "output_mask", "arguments", "node_indices", "tensor_indices")
    if mode != "concat":
        draft.drop("axis")
    if mode in ("dot", "cos"):
        draft.default("axes", "-1")
        if mode == "cos":
            draft.set("normalize", "True")
    else:
        draft.drop("axes")


def merge(draft: Draft, context: Context) -> None:
    """merge(inputs, mode=...) (3)"""
    mode: Any = draft.literal("mode") if draft.has("mode") else "sum"
    if isinstance(mode, str) and mode in MERGES:
        draft.name = MERGES[mode][0]
        _merge_arguments(draft, mode)
        if mode in ("dot", "cos"):
            context.note(draft.call, f"merge(mode={mode!r}) gave another shape in some versions")
        return
    node = draft.node("mode")
    if isinstance(node, ast.Lambda):
        options = draft.arguments("inputs", "mode", "axis", "axes", "output_mask")
        arguments = f"{draft.place('mode')}, {options}" if options else draft.place("mode")
        draft.template = f"{context.name('keras.layers', 'Lambda')}({arguments})({draft.place('inputs')})"
        return
    context.problem(draft.call, "a merge whose mode is not written out is not ported")


RULES = {
    "merge": merge,
    "BatchNormalization": _batch_normalization,
    "Flatten": _flatten,
    "LSTM": _recurrent,
    "GRU": _recurrent,
    "SimpleRNN": _recurrent,
    "ConvLSTM2D": _recurrent,
    "Embedding": _embedding,
    "AveragePooling1D": _average_pooling,
    "AveragePooling2D": _average_pooling,
    "AveragePooling3D": _average_pooling,
    "Conv2DTranspose": _transposed_convolution,
    "ZeroPadding2D": _zero_padding_2d,
    "ThresholdedReLU": _thresholded,
}
