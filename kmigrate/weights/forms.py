"""How each version of Keras keeps a layer's arrays, against Keras 3: `decode` and `encode`.

Sources: measured against Keras 1.0.5, 1.2.2 (TensorFlow, Theano) and 2.3.1. In between stand the arrays of Keras 3,
with the shapes of `shapes.weights`.

- Keras 1 'th' keeps kernels (out, in, h, w), 'tf' (h, w, in, out); Theano's are rotated by half a turn.
- Keras 1 keeps the gates of LSTM and GRU as single arrays (`consume_less='gpu'`: together).
- Up to 1.0.6 running_std of BatchNormalization is a standard deviation with epsilon inside, later a variance.
- LocallyConnected2D unrolls its patches in the order of its setting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kmigrate.weights.architecture import Layer
from kmigrate.weights.shapes import Shape, is_first, sizes, spatial

_Arrays = list[np.ndarray]
_GATES = {"LSTM": (0, 2, 1, 3), "GRU": (0, 1, 2), "ConvLSTM2D": (0, 2, 1, 3)}  # kept as i c f o, z r h


@dataclass(frozen=True)
class Form:
    """Whose arrays: the generation of Keras, and what differs within it."""

    generation: int
    rotated: bool = False  # kernels as Theano convolves
    deviation: bool = False  # BatchNormalization keeps a standard deviation (up to 1.0.6)
    count: int = 0  # how many arrays the layer has there; 0: as many as it has by default
    old_conv1d: bool = False  # 1.0.5: (out, in, length, 1)


class Unknown(Exception):
    """The arrays of this layer are not known in that form."""


def turned(kind: str) -> bool:
    """Does Theano rotate the kernels of this layer?"""
    return spatial(kind) > 0 and kind.startswith(("Conv", "Separable", "Depthwise"))


def decode(layer: Layer, form: Form, arrays: Sequence[np.ndarray]) -> _Arrays:
    """The arrays of Keras 3 from those of ``form``, which are in the order of the layer's own setting."""
    layer = layer.core
    found = list(arrays)
    if layer.kind == "Bidirectional" and layer.inner is not None:
        half = len(found) // 2
        return decode(layer.inner, form, found[:half]) + decode(layer.inner, form, found[half:])
    if form.rotated and turned(layer.kind):
        found = [_rotated(layer, form, array) for array in found]
    if layer.kind.startswith("LocallyConnected") and is_first(layer):
        found[0] = _patches(layer, found[0], to_last=True)
        if len(found) > 1 and form.generation < 3 and spatial(layer.kind) == 2:
            found[1] = _local_bias(found[1], to_last=True)
        return found
    if form.generation == 1:
        return _decode1(layer, form, found)
    return found


def encode(layer: Layer, form: Form, arrays: Sequence[np.ndarray]) -> _Arrays:
    """The inverse of `decode`; raises Unknown for what that version did not have."""
    layer = layer.core
    found = list(arrays)
    if layer.kind == "Bidirectional" and layer.inner is not None:
        half = len(found) // 2
        own = Form(form.generation, form.rotated, form.deviation, form.count // 2)
        return encode(layer.inner, own, found[:half]) + encode(layer.inner, own, found[half:])
    if layer.kind.startswith("LocallyConnected"):
        if is_first(layer):
            found[0] = _patches(layer, found[0], to_last=False)
            if len(found) > 1 and form.generation < 3 and spatial(layer.kind) == 2:
                found[1] = _local_bias(found[1], to_last=False)
    elif form.generation == 1:
        found = _encode1(layer, form, found)
    if form.rotated and turned(layer.kind):
        found = [_rotated(layer, form, array) for array in found]
    return found


def _decode1(layer: Layer, form: Form, found: _Arrays) -> _Arrays:
    kind, first = layer.kind, is_first(layer)
    if kind in _GATES and len(found) > 3:
        return _joined(layer, found, first)
    if kind == "BatchNormalization" and form.deviation:
        epsilon = float(layer.config.get("epsilon", 1e-6))
        return [*found[:-1], (found[-1] + epsilon) ** 2 - epsilon]
    if kind == "Highway" and len(found) == 4 and found[1].ndim == 1:  # up to 1.0.5: W, b, W_carry, b_carry
        return [found[0], found[2], found[1], found[3]]
    if kind == "Conv1D":
        kernel = found[0][:, :, :, 0].transpose(2, 1, 0) if form.old_conv1d else found[0][:, 0]
        return [kernel, *found[1:]]
    if spatial(kind) and kind != "Conv1D":
        return [_modern_kernel(kind, array, first) for array in found]
    return found


def _encode1(layer: Layer, form: Form, found: _Arrays) -> _Arrays:
    kind, first = layer.kind, is_first(layer)
    if kind in _GATES and form.count != 3:
        return _separate(layer, found, first)
    if kind == "BatchNormalization" and form.deviation:
        epsilon = float(layer.config.get("epsilon", 1e-6))
        return [*found[:-1], np.sqrt(found[-1] + epsilon) - epsilon]
    if kind == "Conv1D":
        kernel = found[0].transpose(2, 1, 0)[..., np.newaxis] if form.old_conv1d else found[0][:, np.newaxis]
        return [kernel, *found[1:]]
    if spatial(kind) and kind != "Conv1D":
        return [_old_kernel(kind, array, first) for array in found]
    return found


def _modern_kernel(kind: str, kernel: np.ndarray, first: bool) -> np.ndarray:
    """Keras 1 to Keras 3; biases stay."""
    if kernel.ndim < 4:
        return kernel
    if first:  # (out, in, h, w) -> (h, w, in, out)
        kernel = kernel.transpose(*range(2, kernel.ndim), 1, 0)
    return np.swapaxes(kernel, -1, -2) if kind.endswith("Transpose") else kernel


def _old_kernel(kind: str, kernel: np.ndarray, first: bool) -> np.ndarray:
    if kernel.ndim < 4:
        return kernel
    if kind.endswith("Transpose"):
        kernel = np.swapaxes(kernel, -1, -2)
    return kernel.transpose(kernel.ndim - 1, kernel.ndim - 2, *range(kernel.ndim - 2)) if first else kernel


def _rotated(layer: Layer, form: Form, array: np.ndarray) -> np.ndarray:
    """A kernel by half a turn in its spatial axes; biases stay."""
    count = spatial(layer.kind)
    if array.ndim < count + 2:
        return array
    if form.generation > 1:
        axes = tuple(range(count))
    elif count == 1:
        axes = (2,) if form.old_conv1d else (0,)
    else:
        axes = tuple(range(2, 2 + count)) if is_first(layer) else tuple(range(count))
    return np.flip(array, axes)


def _joined(layer: Layer, found: _Arrays, first: bool) -> _Arrays:
    """W, U, b of each gate as Keras 3's three arrays."""
    gates = _GATES[layer.kind]
    groups = [found[i : i + 3] for i in range(0, len(found), 3)]
    if layer.kind == "ConvLSTM2D":
        groups = [[_modern_kernel(layer.kind, array, first) for array in group] for group in groups]
    return [np.concatenate([groups[gate][part] for gate in gates], axis=-1) for part in range(3)]


def _separate(layer: Layer, found: _Arrays, first: bool) -> _Arrays:
    gates = _GATES[layer.kind]
    parts = [np.split(array, len(gates), axis=-1) for array in found]
    kept: _Arrays = []
    for gate in range(len(gates)):
        group = [part[gates.index(gate)] for part in parts]
        if layer.kind == "ConvLSTM2D":
            group = [_old_kernel(layer.kind, array, first) for array in group]
        kept += group
    return kept


def _patches(layer: Layer, kernel: np.ndarray, to_last: bool) -> np.ndarray:
    """The rows of a locally connected kernel: patches as (in, h, w), or as (h, w, in)."""
    size = sizes(layer.config["kernel_size"], spatial(layer.kind))
    places, rows, filters = kernel.shape
    channels = rows // int(np.prod(size))
    if spatial(layer.kind) == 1:
        return kernel
    if to_last:
        return np.moveaxis(kernel.reshape(places, channels, *size, filters), 1, -2).reshape(kernel.shape)
    return np.moveaxis(kernel.reshape(places, *size, channels, filters), -2, 1).reshape(kernel.shape)


def _local_bias(bias: np.ndarray, to_last: bool) -> np.ndarray:
    """Keras up to 2.3 *reshapes* (row, column, filter) to (filter, row, column) where it is channels-first."""
    rows, columns, filters = bias.shape
    if to_last:
        return bias.reshape(filters, rows, columns).transpose(1, 2, 0)
    return bias.transpose(2, 0, 1).reshape(rows, columns, filters)


def stored_shapes(layer: Layer, form: Form, shapes: Sequence[Shape]) -> list[Shape]:
    """The shapes that ``form`` has for arrays of these shapes in Keras 3."""
    return [array.shape for array in encode(layer, form, [np.broadcast_to(np.float32(0), s) for s in shapes])]
