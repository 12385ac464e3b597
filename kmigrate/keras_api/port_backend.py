"""The functions of keras.backend that Keras 3 no longer has, as operations of keras.ops.

Sources: docs/facts.md, section 6. Parameters are those of Keras 2.3.1.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from kmigrate.keras_api.draft import Draft

if TYPE_CHECKING:
    from kmigrate.keras_api.port import Context

# What keras.backend of Keras 3 still has.
KEPT = frozenset(
    (
        "backend",
        "clear_session",
        "epsilon",
        "floatx",
        "get_uid",
        "image_data_format",
        "is_keras_tensor",
        "set_epsilon",
        "set_floatx",
        "set_image_data_format",
    )
)

# Function -> operation and new names of its parameters; the order is the same.
OPERATIONS: dict[str, tuple[str, dict[str, str]]] = {
    **{name: (name, {}) for name in ("sum", "mean", "max", "min", "prod", "var", "std", "any", "all")},
    **{
        name: (name, {})
        for name in (
            *("abs", "square", "exp", "log", "round", "sign", "sin", "cos", "tanh", "sigmoid", "softplus"),
            *("softsign", "elu", "cast", "squeeze", "logsumexp", "cumsum", "cumprod", "transpose", "shape"),
        )
    },
    **{
        name: (name, {"x": "x1", "y": "x2"})
        for name in (
            *("maximum", "minimum", "equal", "not_equal", "greater", "greater_equal", "less", "less_equal"),
            "dot",
        )
    },
    "pow": ("power", {"x": "x1", "a": "x2"}),
    "permute_dimensions": ("transpose", {"pattern": "axes"}),
    "reshape": ("reshape", {"shape": "newshape"}),
    "tile": ("tile", {"n": "repeats"}),
    "repeat_elements": ("repeat", {"rep": "repeats"}),
    "stack": ("stack", {"x": "x"}),
    "pack": ("stack", {"x": "x"}),
    "one_hot": ("one_hot", {"indices": "x"}),
    "reverse": ("flip", {"axes": "axis"}),
    "stop_gradient": ("stop_gradient", {"variables": "variable"}),
    "in_top_k": ("in_top_k", {}),
}

# Function -> expression. {x} is an argument, {axis=-1} one with the old default; `ops.` and `keras.` are
# names that the port provides, and `keras1_...` are helpers.
TEMPLATES: dict[str, str] = {
    "function": "keras1_function({inputs}, {outputs})",
    "concatenate": "ops.concatenate({tensors}, axis={axis=-1})",
    "argmax": "ops.argmax({x}, axis={axis=-1})",
    "argmin": "ops.argmin({x}, axis={axis=-1})",
    "softmax": "ops.softmax({x}, axis={axis=-1})",
    "expand_dims": "ops.expand_dims({x}, {axis=-1})",
    "clip": "ops.clip({x}, {min_value}, {max_value})",
    "sqrt": "ops.sqrt(ops.maximum({x}, 0))",
    "flatten": "ops.reshape({x}, (-1,))",
    "batch_flatten": "keras1_batch_flatten({x})",
    "gather": "ops.take({reference}, {indices}, axis=0)",
    "repeat": "ops.repeat(ops.expand_dims({x}, 1), {n}, axis=1)",
    "l2_normalize": "ops.normalize({x}, axis={axis=-1}, order=2)",
    "hard_sigmoid": "keras1_hard_sigmoid({x})",
    "resize_images": "keras1_resize_images({x}, {height_factor}, {width_factor}, {data_format})",
    "spatial_2d_padding": "keras1_spatial_2d_padding({x}, {padding=(1, 1)}, {data_format=None})",
    "count_params": "keras1_count_params({x})",
    "int_shape": "tuple({x}.shape)",
    "ndim": "len({x}.shape)",
    "dtype": "keras.backend.standardize_dtype({x}.dtype)",
    "eval": "ops.convert_to_numpy({x})",
    "get_value": "ops.convert_to_numpy({x})",
    "set_value": "{x}.assign({value})",
    "zeros": "ops.zeros({shape}, dtype={dtype=None})",
    "ones": "ops.ones({shape}, dtype={dtype=None})",
    "zeros_like": "ops.zeros_like({x})",
    "ones_like": "ops.ones_like({x})",
    "arange": "ops.arange({start}, {stop=None}, {step=1}, dtype={dtype='int32'})",
    "constant": "ops.convert_to_tensor({value}, dtype={dtype=keras.config.floatx()})",
    "variable": "keras.Variable({value}, dtype={dtype=keras.config.floatx()})",
    "categorical_crossentropy": ("ops.categorical_crossentropy({target}, {output}, from_logits={from_logits=False})"),
    "binary_crossentropy": "ops.binary_crossentropy({target}, {output}, from_logits={from_logits=False})",
    "sparse_categorical_crossentropy": (
        "ops.sparse_categorical_crossentropy({target}, {output}, from_logits={from_logits=False})"
    ),
    "random_normal": (
        "keras.random.normal({shape}, mean={mean=0.0}, stddev={stddev=1.0}, dtype={dtype=None}, seed={seed=None})"
    ),
    "random_uniform": (
        "keras.random.uniform({shape}, minval={minval=0.0}, maxval={maxval=1.0}, dtype={dtype=None}, seed={seed=None})"
    ),
    "gradients": "keras1_gradients({loss}, {variables})",
    "switch": "ops.where({condition}, {then_expression}, {else_expression})",
    "bias_add": "ops.add({x}, {bias})",
    "dropout": "keras.random.dropout({x}, {level}, noise_shape={noise_shape=None}, seed={seed=None})",
}
_RANDOM = ("random_normal", "random_uniform", "dropout")

_HOLE = re.compile(r"\{(\w+)(?:=((?:[^{}])*))?\}")
_OPTIONAL = re.compile(r", \w+=\{(\w+)=None\}")


def function(draft: Draft, context: Context) -> None:
    """A call of a backend function."""
    name = draft.api.name
    if name in KEPT:
        _kept(draft, context)
    elif name == "relu":
        _relu(draft, context)
    elif name == "function" and draft.has("updates"):
        context.problem(draft.call, "K.function with updates is not ported")
    elif name == "learning_phase" and _among_inputs(draft.call, context):
        draft.template = f"{context.helper('keras1_learning_phase')}()"
    elif name in _GRAPH:
        _GRAPH[name](draft, context)
    elif name in ("pool2d", "conv2d"):
        _image_operation(draft, context)
    elif name in OPERATIONS:
        operation, renames = OPERATIONS[name]
        draft.drop("name")
        draft.module, draft.name = "keras.ops", operation
        for old, new in renames.items():
            draft.rename(old, new)
    elif name in TEMPLATES:
        draft.template = filled(draft, TEMPLATES[name], context)
        if name in _RANDOM:
            context.note(draft.call, f"{draft.api.spelled} draws other numbers in Keras 3")
    else:
        context.problem(draft.call, f"K.{draft.api.spelled} is not ported")


def _among_inputs(call: ast.Call, context: Context) -> bool:
    """Does it stand in the list of what `K.function` takes?"""
    values = context.parent(call)
    outer = context.parent(values) if isinstance(values, (ast.List, ast.Tuple)) else None
    return isinstance(outer, ast.Call) and bool(outer.args) and outer.args[0] is values


def _kept(draft: Draft, context: Context) -> None:
    if draft.api.spelled == "set_image_dim_ordering":
        context.translate(draft)
    elif draft.api.spelled == "image_dim_ordering" and not context.compared(draft.call):
        owner = context.expression(draft.call.func, "keras.backend", "image_data_format")
        draft.template = f"{{'channels_first': 'th', 'channels_last': 'tf'}}[{owner}()]"


def _relu(draft: Draft, context: Context) -> None:
    """(7) Clipped first, the leak subtracted after: activations.relu does the same."""
    if not any(draft.has(name) for name in ("alpha", "max_value", "threshold")):
        draft.module, draft.name = "keras.ops", "relu"
        return
    draft.module = "keras.activations"
    draft.rename("alpha", "negative_slope")


def _placeholder(draft: Draft, context: Context) -> None:
    """K.placeholder(shape) with its batch size, or K.placeholder(ndim=4)"""
    draft.drop("name")
    if draft.literal("sparse") is False:
        draft.drop("sparse")
    if draft.has("ndim") and not draft.has("shape"):
        ndim = draft.literal("ndim")
        if isinstance(ndim, int):
            draft.drop("ndim")
            draft.set("shape", repr((None,) * ndim))
    if not draft.has("shape") or draft.has("ndim") or draft.has("sparse"):
        context.problem(draft.call, "K.placeholder without a shape is not ported")
        return
    dtype = f", dtype={draft.place('dtype')}" if draft.has("dtype") else ""
    draft.template = f"{context.keras()}.Input(batch_shape={draft.place('shape')}{dtype})"


def _set_phase(draft: Draft, context: Context) -> None:
    """Outside of fit, Keras 3 runs models in the test phase anyway."""
    if draft.literal("value") not in (0, False) or context.trains:
        context.problem(
            draft.call, "K.set_learning_phase has no counterpart: Keras 3 takes training= where a model runs"
        )
        return
    draft.template = "None"
    context.note(draft.call, "K.set_learning_phase(0) is gone: Keras 3 runs models in the test phase but in fit")


def _variable(draft: Draft, context: Context) -> None:
    """A number that nothing assigns to is a sum's start: a Variable of Keras 3 does not add to tensors of models."""
    value = draft.literal("value")
    if isinstance(value, (int, float)) and not draft.has("dtype") and not context.assigns_variables(draft.call):
        draft.template = draft.place("value")
    else:
        draft.template = filled(draft, TEMPLATES["variable"], context)


_GRAPH = {
    "placeholder": _placeholder,
    "set_learning_phase": _set_phase,
    "variable": _variable,
}


def _image_operation(draft: Draft, context: Context) -> None:
    """Kernels of Keras 1 lie otherwise in 'th'; pooling has another default for its strides."""
    if draft.has("data_format"):
        context.translate(draft)
    draft.drop("image_shape", "filter_shape")
    if draft.api.name == "conv2d":
        if context.version < (2,):
            context.problem(draft.call, "K.conv2d of Keras 1 is not ported: its kernels lie in another order")
        draft.module, draft.name = "keras.ops", "conv"
        draft.rename("x", "inputs")
        return
    mode = draft.literal("pool_mode") if draft.has("pool_mode") else "max"
    if mode not in ("max", "avg"):
        context.problem(draft.call, "K.pool2d with a mode that is computed is not ported")
        return
    draft.drop("pool_mode")
    draft.default("strides", "(1, 1)")
    draft.rename("x", "inputs")
    draft.module, draft.name = "keras.ops", "max_pool" if mode == "max" else "average_pool"


def filled(draft: Draft, template: str, context: Context) -> str:
    """The template with the call's arguments; what is not given and None by default is left out."""

    def optional(found: re.Match[str]) -> str:
        return found.group() if draft.has(found[1]) else ""

    def value(found: re.Match[str]) -> str:
        name, default = found[1], found[2]
        if draft.has(name):
            return draft.place(name)
        if default is None:
            context.problem(draft.call, f"K.{draft.api.spelled} without {name} is not understood")
            return "None"
        return str(default)

    text = _HOLE.sub(value, _OPTIONAL.sub(optional, template))
    return context.names_in(text)


def reference(name: str) -> tuple[str, str] | None:
    """Module and name of a backend function that is not called here, if Keras 3 has the same function."""
    if name in KEPT:
        return "keras.backend", name
    if name in OPERATIONS and not OPERATIONS[name][1]:
        return "keras.ops", OPERATIONS[name][0]
    return None


def compares_ordering(node: ast.Compare, call: ast.Call) -> list[ast.Constant]:
    """The strings 'th' and 'tf' that a comparison holds against ``call``, if it compares nothing else."""
    others: list[ast.expr] = [part for part in (node.left, *node.comparators) if part is not call]
    found: list[ast.Constant] = []
    for part in others:
        elements = part.elts if isinstance(part, (ast.Tuple, ast.List, ast.Set)) else [part]
        for element in elements:
            if not (isinstance(element, ast.Constant) and element.value in ("th", "tf")):
                return []
            found.append(element)
    return found
