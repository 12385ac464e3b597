"""The configuration of a layer, as Keras 1, 2 or 3 saved it, in the names of Keras 3.

Source of the old names: the ``get_config`` methods of Keras 1.0.5, 1.2.2 and 2.3.1.
"""

from __future__ import annotations

from typing import Any

from kmigrate.keras_api.orderings import DATA_FORMATS

CLASSES = {
    "Convolution1D": "Conv1D", "Convolution2D": "Conv2D", "Convolution3D": "Conv3D",
    "AtrousConvolution1D": "Conv1D", "AtrousConvolution2D": "Conv2D", "Deconvolution2D": "Conv2DTranspose",
    "Deconvolution3D": "Conv3DTranspose", "SeparableConvolution2D": "SeparableConv2D",
    "TimeDistributedDense": "Dense",
}  # fmt: skip
_MERGES = {
    "sum": "Add", "mul": "Multiply", "ave": "Average", "max": "Maximum", "concat": "Concatenate", "dot": "Dot",
    "cos": "Dot",
}  # fmt: skip
_NAMES = {
    "nb_filter": "filters", "border_mode": "padding", "subsample": "strides", "subsample_length": "strides",
    "filter_length": "kernel_size", "atrous_rate": "dilation_rate", "output_dim": "units", "p": "rate",
    "bias": "use_bias", "pool_length": "pool_size", "stride": "strides", "inner_activation": "recurrent_activation",
    "sigma": "stddev", "batch_input_shape": "batch_shape", "alpha": "negative_slope", "concat_axis": "axis",
    "dot_axes": "axes", "length": "size",
}  # fmt: skip
_OWN = {  # names that mean something else in one class
    "Embedding": {"output_dim": "output_dim"},
    "ELU": {"alpha": "alpha"},
    "ParametricSoftplus": {"alpha": "alpha"},
    "Merge": {"mode": "mode"},
    "ActivityRegularization": {"p": "p"},
}


def layer_kind(class_name: str, config: dict[str, Any]) -> str:
    """The class of Keras 3 that does what the old class did; an unknown name as it is."""
    if class_name == "Merge":
        return _MERGES.get(str(config.get("mode")), "Merge")
    return CLASSES.get(class_name, class_name)


def modern_config(class_name: str, config: dict[str, Any]) -> dict[str, Any]:
    """``config`` with the names of Keras 3; sizes as tuples, one-element axes as numbers."""
    names = {**_NAMES, **_OWN.get(class_name, {})}
    if class_name == "BatchNormalization" and config.get("mode"):
        names["mode"] = "mode"
    found: dict[str, Any] = {}
    for key, value in config.items():
        found[names.get(key, key)] = value
    if "dim_ordering" in found:
        found["data_format"] = DATA_FORMATS.get(found.pop("dim_ordering"))
    if "nb_row" in found:
        found["kernel_size"] = (found.pop("nb_row"), found.pop("nb_col"))
    if "kernel_dim1" in found:
        found["kernel_size"] = tuple(found.pop(f"kernel_dim{n}") for n in (1, 2, 3))
    axis = found.get("axis")
    if isinstance(axis, list | tuple) and len(axis) == 1:
        found["axis"] = axis[0]
    if class_name == "Merge" and config.get("mode") == "cos":
        found["normalize"] = True
    if class_name == "LeakyReLU" and isinstance(found.get("negative_slope"), dict):  # an array of numpy
        found["negative_slope"] = found["negative_slope"].get("value")
    return found
