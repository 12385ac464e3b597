"""What a dotted path means in Keras, whatever version and flavour it was written for.

The tables list only what differs from Keras 3: a name that is not listed in a known module keeps
its spelling. Sources: the package sources of Keras 1.0.5, 1.2.2, 2.1.6, 2.2.4 and 2.3.1, and the
installed Keras 3 and tf_keras; tests compare them.
"""

from __future__ import annotations

from typing import NamedTuple


class Api(NamedTuple):
    """One name of the Keras API.

    ``module`` is the module of Keras 3 or, for what Keras 3 dropped, of Keras 2 ('keras.layers');
    ``name`` is the name there ('Conv2D', 'cifar10.load_data', 'vgg16.preprocess_input',
    'Model.fit'); ``spelled`` is the name in the source ('Convolution2D').
    """

    module: str
    name: str
    spelled: str
    flavour: str

    @property
    def key(self) -> str:
        """Module and name in one, without 'keras.': 'layers.Conv2D'."""
        return f"{self.module[6:]}.{self.name}"

    @property
    def in_tensorflow(self) -> bool:
        """Is it TensorFlow's own Keras, which never took Keras 1 calls?"""
        return self.flavour.startswith("tensorflow.")


# Prefix of a path -> flavour. The longest prefix counts.
FLAVOURS = {
    "keras": "keras",
    "keras.api": "keras",
    "keras.src": "keras",
    "keras._tf_keras.keras": "tensorflow.keras",
    "tf_keras": "tf_keras",
    "tf_keras.src": "tf_keras",
    "tf_keras.api._v2.keras": "tf_keras",
    "tensorflow.keras": "tensorflow.keras",
    "tensorflow.compat.v1.keras": "tensorflow.keras",
    "tensorflow.compat.v2.keras": "tensorflow.keras",
    "tensorflow._api.v2.keras": "tensorflow.keras",
    "tensorflow.python.keras": "tensorflow.python.keras",
    "tensorflow.contrib.keras": "tensorflow.contrib.keras",
    "tensorflow.contrib.keras.api.keras": "tensorflow.contrib.keras",
    "tensorflow.contrib.keras.python.keras": "tensorflow.contrib.keras",
}

# Historical module -> modules of today that its names are looked up in, the last one being where
# names without an entry of their own belong. '' is the package itself.
MODULES: dict[str, tuple[str, ...]] = {
    "": ("models", "layers"),
    "engine": ("models", "utils", "layers"),
    "engine.base_layer": ("layers",),
    "engine.functional": ("models",),
    "engine.input_layer": ("layers",),
    "engine.input_spec": ("layers",),
    "engine.network": ("models",),
    "engine.saving": ("models",),
    "engine.sequential": ("models",),
    "engine.topology": ("models", "utils", "layers"),
    "engine.training": ("models",),
    "initializations": ("initializers",),
    "legacy.layers": ("layers",),
    "objectives": ("losses",),
    "datasets.data_utils": ("utils",),
    "callbacks.callbacks": ("callbacks",),
    "callbacks.tensorboard_v1": ("callbacks",),
    "callbacks.tensorboard_v2": ("callbacks",),
    "backend.common": ("backend",),
    "backend.load_backend": ("backend",),
    "backend.tensorflow_backend": ("backend",),
    "backend.theano_backend": ("backend",),
    "backend.cntk_backend": ("backend",),
    "optimizers.legacy": ("optimizers",),
    "optimizers.experimental": ("optimizers",),
    "preprocessing.image": ("preprocessing.image",),
    "preprocessing.sequence": ("preprocessing.sequence",),
    "preprocessing.text": ("preprocessing.text",),
    "optimizers.schedules": ("optimizers.schedules",),
    "wrappers.scikit_learn": ("wrappers.scikit_learn",),
    "saving": ("models", "utils", "saving"),
    **{
        f"layers.{old}": ("layers",)
        for old in [
            "core",
            "convolutional",
            "pooling",
            "local",
            "recurrent",
            "recurrent_v2",
            "normalization",
            "normalization_v2",
            "embeddings",
            "noise",
            "advanced_activations",
            "wrappers",
            "convolutional_recurrent",
            "merge",
            "cudnn_recurrent",
            "dense_attention",
            "experimental",
            "experimental.preprocessing",
        ]
    },
    **{
        f"utils.{old}": ("utils",)
        for old in [
            "np_utils",
            "generic_utils",
            "vis_utils",
            "visualize_util",
            "data_utils",
            "io_utils",
            "layer_utils",
            "conv_utils",
            "test_utils",
            "multi_gpu_utils",
            "training_utils",
            "losses_utils",
            "metrics_utils",
        ]
    },
    **{
        today: (today,)
        for today in [
            "layers",
            "models",
            "optimizers",
            "callbacks",
            "losses",
            "metrics",
            "regularizers",
            "constraints",
            "initializers",
            "activations",
            "utils",
            "backend",
            "applications",
            "datasets",
            "preprocessing",
            "ops",
            "random",
            "mixed_precision",
        ]
    },
}


def _same(names: str) -> dict[str, str]:
    return {name: name for name in names.split()}


# Module of today -> {spelling: name of Keras 3}. What Keras 3 lacks keeps its last name.
NAMES: dict[str, dict[str, str]] = {
    "layers": {
        "Convolution1D": "Conv1D",
        "Convolution2D": "Conv2D",
        "Convolution3D": "Conv3D",
        "AtrousConvolution1D": "Conv1D",
        "AtrousConvolution2D": "Conv2D",
        "AtrousConv1D": "Conv1D",
        "AtrousConv2D": "Conv2D",
        "Deconvolution2D": "Conv2DTranspose",
        "Deconvolution3D": "Conv3DTranspose",
        "Deconv2D": "Conv2DTranspose",
        "Deconv3D": "Conv3DTranspose",
        "Convolution1DTranspose": "Conv1DTranspose",
        "Convolution2DTranspose": "Conv2DTranspose",
        "Convolution3DTranspose": "Conv3DTranspose",
        "SeparableConvolution1D": "SeparableConv1D",
        "SeparableConvolution2D": "SeparableConv2D",
        "BatchNormalizationV1": "BatchNormalization",
        "BatchNormalizationV2": "BatchNormalization",
        **{
            short.format(n): full.format(n)
            for n in (1, 2, 3)
            for short, full in (
                ("MaxPool{}D", "MaxPooling{}D"),
                ("AvgPool{}D", "AveragePooling{}D"),
                ("GlobalMaxPool{}D", "GlobalMaxPooling{}D"),
                ("GlobalAvgPool{}D", "GlobalAveragePooling{}D"),
            )
        },
    },
    "models": {
        **_same("Model Sequential Network load_model save_model clone_model model_from_json"),
        **_same("model_from_yaml model_from_config"),
        "Container": "Model",
        "Functional": "Model",
    },
    "optimizers": {
        "sgd": "SGD",
        "rmsprop": "RMSprop",
        "adagrad": "Adagrad",
        "adadelta": "Adadelta",
        "adam": "Adam",
        "adamax": "Adamax",
        "nadam": "Nadam",
    },
    "losses": {
        **dict.fromkeys(("mse", "MSE"), "mean_squared_error"),
        **dict.fromkeys(("mae", "MAE"), "mean_absolute_error"),
        **dict.fromkeys(("mape", "MAPE"), "mean_absolute_percentage_error"),
        **dict.fromkeys(("msle", "MSLE"), "mean_squared_logarithmic_error"),
        **dict.fromkeys(("kld", "KLD", "kullback_leibler_divergence"), "kl_divergence"),
        **dict.fromkeys(("cosine", "cosine_proximity"), "cosine_similarity"),
        "logcosh": "log_cosh",
        "huber_loss": "huber",
    },
    "regularizers": {
        "l1l2": "l1_l2",
        "L1L2Regularizer": "L1L2",
        "WeightRegularizer": "L1L2",
        "ActivityRegularizer": "L1L2",
        "activity_l1": "l1",
        "activity_l2": "l2",
        "activity_l1l2": "l1_l2",
    },
    "constraints": {"maxnorm": "max_norm", "nonneg": "non_neg", "unitnorm": "unit_norm"},
    "initializers": {
        "uniform": "random_uniform",
        "normal": "random_normal",
        "zero": "zeros",
        "one": "ones",
    },
    "utils": {
        "plot": "plot_model",
        "get_source_inputs": "get_source_inputs",
        "CustomObjectScope": "CustomObjectScope",
        "custom_object_scope": "custom_object_scope",
        "get_custom_objects": "get_custom_objects",
        "register_keras_serializable": "register_keras_serializable",
        "serialize_keras_object": "serialize_keras_object",
        "deserialize_keras_object": "deserialize_keras_object",
    },
    "backend": {
        "set_image_dim_ordering": "set_image_data_format",
        "image_dim_ordering": "image_data_format",
        "lesser": "less",
        "lesser_equal": "less_equal",
        "deconv2d": "conv2d_transpose",
    },
}
NAMES["metrics"] = NAMES["losses"]

# What Keras 3's package itself has, beside its modules.
AT_THE_ROOT = frozenset(
    (
        *("Input", "Layer", "Model", "Sequential", "Variable", "KerasTensor", "Function", "Operation", "InputSpec"),
        *("Initializer", "Loss", "Metric", "Optimizer", "Regularizer", "DTypePolicy", "StatelessScope"),
    )
)

# A function of Keras 1 where later versions have a module.
_ALSO_FUNCTIONS = ("layers.merge",)
_METHOD_OWNERS = ("Model", "Sequential", "ImageDataGenerator")


def _split(dotted: str) -> tuple[str, str] | None:
    """Flavour and the path behind the flavour's prefix."""
    parts = dotted.split(".")
    for size in range(min(len(parts), 5), 0, -1):
        flavour = FLAVOURS.get(".".join(parts[:size]))
        if flavour is not None:
            return flavour, ".".join(parts[size:])
    return None


def module(dotted: str) -> str | None:
    """The module of Keras 3 that a module's path means ('keras.layers'), or None for any other path.

    The package itself is 'keras'; modules that hold functions of their own are 'keras.datasets.mnist',
    'keras.applications.vgg16'.
    """
    found = _split(dotted)
    if found is None:
        return None
    rest = found[1]
    if not rest:
        return "keras"
    if rest in MODULES:
        return "keras." + MODULES[rest][-1]
    head, _, tail = rest.rpartition(".")
    if head in ("datasets", "applications") and tail.islower():
        return "keras." + rest
    return None


def resolve(dotted: str) -> Api | None:
    """The Keras name that a dotted path means, or None (not Keras, or a module)."""
    found = _split(dotted)
    if found is None:
        return None
    flavour, rest = found
    if not rest or (module(dotted) is not None and rest not in _ALSO_FUNCTIONS):
        return None
    home, _, spelled = rest.rpartition(".")
    searched = MODULES.get(home)
    if searched is None:
        return _in_submodule(flavour, home, spelled)
    for today in searched:
        name = NAMES.get(today, {}).get(spelled)
        if name is not None:
            return Api("keras." + today, name, spelled, flavour)
    if not home and not spelled[:1].isupper():  # keras.__version__ and modules that are not known
        return None
    return Api("keras." + searched[-1], spelled, spelled, flavour)


def _in_submodule(flavour: str, home: str, spelled: str) -> Api | None:
    """keras.datasets.mnist.load_data, keras.applications.vgg16.VGG16."""
    package, _, sub = home.rpartition(".")
    if package == "datasets":
        return Api("keras.datasets", f"{sub}.{spelled}", f"{sub}.{spelled}", flavour)
    if package == "applications":
        name = spelled if spelled[:1].isupper() else f"{sub}.{spelled}"
        return Api("keras.applications", name, name, flavour)
    return None


def method(owner: str, name: str, flavour: str = "keras") -> Api:
    """A method of Model, Sequential or ImageDataGenerator: ``method('Sequential', 'fit')``."""
    if owner not in _METHOD_OWNERS:
        raise ValueError(f"no methods are known of {owner!r}: say one of {_METHOD_OWNERS}")
    home = "keras.preprocessing.image" if owner == "ImageDataGenerator" else "keras.models"
    return Api(home, f"{owner}.{name}", name, flavour)
