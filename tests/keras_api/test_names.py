"""Paths of all versions and flavours."""

from __future__ import annotations

import subprocess
import sys

import pytest

from kmigrate.keras_api.names import Api, method, module, resolve
from kmigrate.keras_api.stars import exported


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("keras.layers.Dense", "keras.layers.Dense"),
        ("keras.layers.core.Dense", "keras.layers.Dense"),
        ("keras.layers.convolutional.Convolution2D", "keras.layers.Conv2D"),
        ("keras.layers.advanced_activations.LeakyReLU", "keras.layers.LeakyReLU"),
        ("keras.layers.normalization.BatchNormalization", "keras.layers.BatchNormalization"),
        ("keras.layers.Deconvolution2D", "keras.layers.Conv2DTranspose"),
        ("keras.layers.AvgPool2D", "keras.layers.AveragePooling2D"),
        ("keras.layers.merge", "keras.layers.merge"),
        ("keras.layers.merge.concatenate", "keras.layers.concatenate"),
        ("keras.engine.topology.Layer", "keras.layers.Layer"),
        ("keras.engine.topology.Container", "keras.models.Model"),
        ("keras.engine.Input", "keras.layers.Input"),
        ("keras.engine.training.Model", "keras.models.Model"),
        ("keras.Input", "keras.layers.Input"),
        ("keras.Model", "keras.models.Model"),
        ("keras.objectives.mse", "keras.losses.mean_squared_error"),
        ("keras.regularizers.l1l2", "keras.regularizers.l1_l2"),
        ("keras.constraints.maxnorm", "keras.constraints.max_norm"),
        ("keras.initializations.uniform", "keras.initializers.random_uniform"),
        ("keras.optimizers.sgd", "keras.optimizers.SGD"),
        ("keras.utils.np_utils.to_categorical", "keras.utils.to_categorical"),
        ("keras.utils.visualize_util.plot", "keras.utils.plot_model"),
        ("keras.backend.set_image_dim_ordering", "keras.backend.set_image_data_format"),
        ("keras.backend.common.image_dim_ordering", "keras.backend.image_data_format"),
        ("keras.datasets.cifar10.load_data", "keras.datasets.cifar10.load_data"),
        ("keras.applications.VGG16", "keras.applications.VGG16"),
        ("keras.applications.vgg16.VGG16", "keras.applications.VGG16"),
        ("keras.applications.vgg16.preprocess_input", "keras.applications.vgg16.preprocess_input"),
        ("keras.preprocessing.image.ImageDataGenerator", "keras.preprocessing.image.ImageDataGenerator"),
        ("tensorflow.keras.layers.Conv2D", "keras.layers.Conv2D"),
        ("tensorflow.contrib.keras.python.keras.layers.Conv2D", "keras.layers.Conv2D"),
        ("tf_keras.src.layers.Conv2D", "keras.layers.Conv2D"),
    ],
)
def test_every_path_leads_to_the_name_of_today(path: str, expected: str) -> None:
    api = resolve(path)
    assert api is not None
    assert f"{api.module}.{api.name}" == expected


@pytest.mark.parametrize(
    ("path", "flavour"),
    [
        ("keras.layers.Dense", "keras"),
        ("tensorflow.keras.layers.Dense", "tensorflow.keras"),
        ("tensorflow.compat.v1.keras.layers.Dense", "tensorflow.keras"),
        ("tensorflow.python.keras.layers.Dense", "tensorflow.python.keras"),
        ("tensorflow.contrib.keras.layers.Dense", "tensorflow.contrib.keras"),
        ("tf_keras.layers.Dense", "tf_keras"),
    ],
)
def test_the_flavour_is_kept(path: str, flavour: str) -> None:
    api = resolve(path)
    assert api is not None and api.flavour == flavour


@pytest.mark.parametrize(
    "path",
    ["numpy.mean", "torch.nn.Conv2d", "keras", "keras.layers", "keras.layers.core", "keras.backend",
     "keras.datasets.mnist", "keras.__version__", "keras.nowhere.Dense", "kerastuner.Tuner", ""],
)  # fmt: skip
def test_modules_and_other_libraries_are_no_names(path: str) -> None:
    assert resolve(path) is None


def test_modules_have_a_module_of_today() -> None:
    assert module("keras.layers.core") == "keras.layers"
    assert module("keras.utils.np_utils") == "keras.utils"
    assert module("keras.objectives") == "keras.losses"
    assert module("keras.datasets.mnist") == "keras.datasets.mnist"
    assert module("keras") == "keras"
    assert module("keras.layers.Dense") is None
    assert module("numpy") is None


def test_names_that_are_not_listed_keep_their_spelling() -> None:
    assert resolve("keras.layers.SomethingNew") == Api("keras.layers", "SomethingNew", "SomethingNew", "keras")


def test_star_imports_bring_old_and_new_names() -> None:
    brought = exported("keras.layers")
    assert {"Dense", "Convolution2D", "Conv2D", "merge", "Concatenate"} <= brought
    assert "Sequential" in exported("keras.models")
    assert exported("numpy") == frozenset()


def test_methods_are_named_by_their_class() -> None:
    assert method("Sequential", "fit").key == "models.Sequential.fit"
    with pytest.raises(ValueError, match="Thing"):
        method("Thing", "fit")


def test_names_need_no_tables() -> None:
    code = (
        "import sys; from kmigrate.keras_api.names import resolve; resolve('keras.layers.core.Dense');"
        "print(sorted(m for m in sys.modules if m.startswith('kmigrate.keras_api')))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "['kmigrate.keras_api', 'kmigrate.keras_api.names']"
