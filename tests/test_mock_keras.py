"""Each layer of the mock against the layer of Keras 3, in both layouts."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

from tests.mock_keras.base import Layer
from tests.mock_keras.models import input_tensor
from tests.mock_keras.modules import importer
from tests.mock_keras.world import World

pytestmark = pytest.mark.verify

MAPS, CUBES, STEPS = (2, 7, 8, 3), (2, 5, 6, 4, 3), (2, 9, 3)
FIRST, LAST = "channels_first", "channels_last"

# Layers with a setting: what they are made with, and the shape of their input (channels last).
# No width may be the number of filters: there Keras 3 itself goes wrong in channels-first (docs/facts.md, 10).
LAYOUT: list[tuple[str, tuple[Any, ...], dict[str, Any], tuple[int, ...]]] = [
    ("Conv1D", (4, 3), {"padding": "same"}, STEPS),
    ("Conv2D", (5, (3, 2)), {"padding": "same", "strides": 2}, MAPS),
    ("Conv2D", (4, 3), {"dilation_rate": 2, "activation": "tanh", "use_bias": False}, MAPS),
    ("Conv3D", (2, (2, 3, 1)), {}, CUBES),
    ("Conv2DTranspose", (4, 3), {"strides": 2, "padding": "same"}, MAPS),
    ("Conv2DTranspose", (2, (2, 3)), {"strides": (2, 1)}, MAPS),
    ("SeparableConv2D", (5, 3), {"padding": "same", "depth_multiplier": 2}, MAPS),
    ("DepthwiseConv2D", ((3, 2),), {"depth_multiplier": 2}, MAPS),
    ("MaxPooling1D", (2,), {}, STEPS),
    ("MaxPooling2D", ((2, 3),), {"strides": 2, "padding": "same"}, MAPS),
    ("AveragePooling2D", (3,), {"padding": "same", "strides": 2}, MAPS),
    ("AveragePooling2D", (2,), {}, MAPS),
    ("AveragePooling3D", (2,), {}, CUBES),
    ("GlobalMaxPooling2D", (), {}, MAPS),
    ("GlobalAveragePooling2D", (), {"keepdims": True}, MAPS),
    ("GlobalAveragePooling1D", (), {}, STEPS),
    ("ZeroPadding2D", (((1, 2), (0, 3)),), {}, MAPS),
    ("ZeroPadding3D", ((1, 0, 2),), {}, CUBES),
    ("Cropping2D", (((1, 0), (2, 1)),), {}, MAPS),
    ("UpSampling2D", ((2, 3),), {}, MAPS),
    ("SpatialDropout2D", (0.5,), {}, MAPS),
    ("Flatten", (), {}, MAPS),
    ("ConvLSTM2D", (3, (3, 2)), {"padding": "same"}, (2, 4, 6, 5, 2)),
    ("ConvLSTM2D", (3, 2), {"return_sequences": True}, (2, 3, 6, 5, 2)),
]
# Layers without one.
OTHERS: list[tuple[str, tuple[Any, ...], dict[str, Any], tuple[int, ...]]] = [
    ("Activation", ("elu",), {}, MAPS),
    ("Activation", ("softmax",), {}, MAPS),
    ("Activation", ("softplus",), {}, MAPS),
    ("BatchNormalization", (), {}, MAPS),
    ("BatchNormalization", (), {"axis": 1}, MAPS),
    ("LayerNormalization", (), {"axis": 2}, MAPS),
    ("GroupNormalization", (3,), {}, (2, 7, 8, 6)),
    ("GroupNormalization", (2,), {"axis": 1}, (2, 4, 8, 6)),
    ("UnitNormalization", (), {"axis": 1}, MAPS),
    ("Softmax", (1,), {}, MAPS),
    ("LeakyReLU", (), {}, MAPS),
    ("LeakyReLU", (), {"negative_slope": 0.1}, MAPS),
    ("ELU", (), {}, MAPS),
    ("ReLU", (), {"max_value": 0.5}, MAPS),
    ("PReLU", (), {}, MAPS),
    ("PReLU", (), {"shared_axes": [1, 2]}, MAPS),
    ("Dropout", (0.5,), {}, MAPS),
    ("GaussianNoise", (0.5,), {}, MAPS),
    ("Dense", (4,), {"activation": "relu"}, (2, 6)),
    ("Dense", (4,), {}, MAPS),
    ("Reshape", ((8, 21),), {}, MAPS),
    ("Reshape", ((-1, 6),), {}, MAPS),
    ("Permute", ((3, 1, 2),), {}, MAPS),
    ("RepeatVector", (3,), {}, (2, 6)),
    ("SimpleRNN", (4,), {"return_sequences": True}, STEPS),
]


@pytest.fixture(scope="module")
def keras() -> Any:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    found = pytest.importorskip("keras")
    if found.__version__ < "3":
        pytest.skip("needs Keras 3")
    return found


def mock(name: str, args: tuple[Any, ...], given: dict[str, Any], ordering: str = "tf") -> tuple[Layer, World]:
    world = World((3, 0, 0), ordering)
    made = getattr(importer(world)("keras.layers", fromlist=(name,)), name)(*args, **given)
    return made, world


def numbers(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.RandomState(3).uniform(-2, 2, shape)


def real(keras: Any, layer: Layer, name: str, args: Any, given: dict[str, Any], x: np.ndarray) -> np.ndarray:
    """What the layer of Keras computes with the mock's weights. XLA has all ops on all devices."""
    import tensorflow as tf

    made = getattr(keras.layers, name)(*args, dtype="float64", **given)
    made.build(x.shape) if not isinstance(x, list) else None
    if layer.weights:
        made.set_weights(_weights(layer, made))
    apply = tf.function(made, jit_compile=True) if given.get("data_format") == FIRST or "3D" in name else made
    return np.asarray(apply(tf.constant(x)))


def _weights(layer: Layer, made: Any) -> list[np.ndarray]:
    own = dict(layer.weights)
    if layer.kind == "BatchNormalization":
        return [own["gamma"], own["beta"], own["mean"], np.full_like(own["mean"], 1 - 1e-3)]
    if layer.kind == "LayerNormalization":
        return [own["gamma"], np.zeros_like(own["gamma"])]
    if layer.kind == "SimpleRNN":
        return [own["kernel"], own["step"], np.zeros(own["step"].shape[0])]
    if layer.kind == "PReLU":  # the mock keeps a number for each element
        return [own["alpha"][tuple(slice(n) for n in made.weights[0].shape)]]
    return [value.reshape(w.shape) for value, w in zip(own.values(), made.weights)]


@pytest.mark.parametrize("row", LAYOUT, ids=lambda row: f"{row[0]}-{'-'.join(map(str, row[2]))}")
def test_a_layer_with_a_setting(keras: Any, row: Any) -> None:
    name, args, given, shape = row
    x = numbers(shape)
    moved = np.moveaxis(x, -1, 2 if "LSTM" in name else 1)
    for setting, value in ((LAST, x), (FIRST, moved)):
        layer, _ = mock(name, args, {**given, "data_format": setting})
        ours = layer(value)
        theirs = real(keras, layer, name, args, {**given, "data_format": setting}, value)
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("row", OTHERS, ids=lambda row: f"{row[0]}-{'-'.join(map(str, row[2]))}")
def test_a_layer_without_a_setting(keras: Any, row: Any) -> None:
    name, args, given, shape = row
    x = numbers(shape)
    layer, _ = mock(name, args, given)
    ours = layer(x)
    np.testing.assert_allclose(ours, real(keras, layer, name, args, given, x), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", ["Add", "Multiply", "Average", "Maximum", "Minimum", "Subtract", "Concatenate"])
def test_a_layer_that_merges(keras: Any, name: str) -> None:
    values = [numbers(MAPS), numbers(MAPS) * 0.5 + 0.1]
    given = {"axis": 1} if name == "Concatenate" else {}
    layer, _ = mock(name, (), given)
    theirs = getattr(keras.layers, name)(dtype="float64", **given)(values)
    np.testing.assert_allclose(layer.run(*values), np.asarray(theirs), rtol=1e-9)


@pytest.mark.parametrize("setting", [FIRST, LAST])
@pytest.mark.parametrize("name", ["Conv2D", "Flatten", "MaxPooling2D"])
def test_a_layer_follows_the_ambient_setting(keras: Any, name: str, setting: str) -> None:
    args = (4, 3) if name == "Conv2D" else ()
    outer = keras.config.image_data_format()
    keras.config.set_image_data_format(setting)
    try:
        theirs = getattr(keras.layers, name)(*args)
        first = theirs.data_format == FIRST
    finally:
        keras.config.set_image_data_format(outer)
    layer, _ = mock(name, args, {}, "th" if setting == FIRST else "tf")
    assert (layer.moved if name == "Flatten" else layer.first) == first  # type: ignore[attr-defined]


def test_losses(keras: Any) -> None:
    from tests.mock_keras.backend import LOSSES

    guess = np.random.RandomState(1).uniform(0.05, 1, (4, 5))
    guess /= guess.sum(axis=-1, keepdims=True)
    truth = np.eye(5)[[0, 3, 2, 2]]
    for name in ("mean_squared_error", "mean_absolute_error", "binary_crossentropy", "categorical_crossentropy"):
        theirs = np.asarray(getattr(keras.losses, name)(truth, guess))
        np.testing.assert_allclose(LOSSES[name](truth, guess), theirs, rtol=1e-5)
    theirs = np.asarray(keras.losses.sparse_categorical_crossentropy(truth.argmax(-1), guess))
    np.testing.assert_allclose(LOSSES["sparse_categorical_crossentropy"](truth.argmax(-1), guess).ravel(), theirs, 1e-5)


def test_a_functional_model(keras: Any) -> None:
    """Shapes are told before data is seen."""
    layer, _ = mock("Conv2D", (4, 3), {"data_format": FIRST})
    assert layer(input_tensor((3, 7, 8))).shape == (None, 4, 5, 6)
    assert keras.layers.Conv2D(4, 3, data_format=FIRST).compute_output_shape((None, 3, 7, 8)) == (None, 4, 5, 6)
