"""All layers by name."""

from __future__ import annotations

from tests.mock_keras.base import Layer
from tests.mock_keras.plain import (
    Activation,
    BatchNormalization,
    Concatenate,
    Dense,
    Flatten,
    Lambda,
    LayerNormalization,
    Merge,
    Permute,
    PReLU,
    Recurrent,
    RepeatVector,
    Reshape,
    Same,
    Softmax,
    TimeDistributed,
    Unit,
)  # fmt: skip
from tests.mock_keras.rare import ConvLSTM, Dot, GroupNormalization, UnitNormalization
from tests.mock_keras.spatial import (
    Conv,
    ConvTranspose,
    Cropping,
    DepthwiseConv,
    GlobalPooling,
    Pooling,
    SeparableConv,
    SpatialDropout,
    UpSampling,
    ZeroPadding,
)  # fmt: skip


def _table() -> dict[str, type[Layer]]:
    table: dict[str, type[Layer]] = {}
    for n in (1, 2, 3):
        table |= {f"Conv{n}D": Conv, f"Conv{n}DTranspose": ConvTranspose, f"SpatialDropout{n}D": SpatialDropout}
        table |= {f"ZeroPadding{n}D": ZeroPadding, f"Cropping{n}D": Cropping, f"UpSampling{n}D": UpSampling}
        for kind in ("Max", "Average"):
            table |= {f"{kind}Pooling{n}D": Pooling, f"Global{kind}Pooling{n}D": GlobalPooling}
    table |= {"ConvLSTM2D": ConvLSTM}
    table |= {"SeparableConv2D": SeparableConv, "DepthwiseConv2D": DepthwiseConv}
    table |= dict.fromkeys(["Dropout", "GaussianNoise", "GaussianDropout", "Masking"], Same)
    table |= dict.fromkeys(["LeakyReLU", "ELU", "ReLU", "ThresholdedReLU"], Unit)
    table |= dict.fromkeys(["LSTM", "GRU", "SimpleRNN"], Recurrent)
    table |= dict.fromkeys(["Add", "Multiply", "Average", "Maximum", "Minimum", "Subtract"], Merge)
    classes = [PReLU, Softmax, Activation, BatchNormalization, LayerNormalization, Flatten, Reshape, Permute, Dense,
               RepeatVector, Lambda, TimeDistributed, Concatenate, GroupNormalization,
               UnitNormalization, Dot]  # fmt: skip
    return table | {c.__name__: c for c in classes}


LAYERS = _table()
KERAS1_NAMES = {
    **{f"Convolution{n}D": f"Conv{n}D" for n in (1, 2, 3)},
    "Deconvolution2D": "Conv2DTranspose",
    "AtrousConvolution2D": "Conv2D",
    "SeparableConvolution2D": "SeparableConv2D",
}
