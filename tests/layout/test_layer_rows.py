"""Each family of layers, before and after the change under the mock: both compute the same."""

from __future__ import annotations

import pytest

from kmigrate.layout.interpret.layers import ELEMENTWISE_LAYERS
from kmigrate.layout.interpret.making_layers import LAYOUT_LAYERS
from kmigrate.plan import Status
from tests.layout.converting import convert, statuses
from tests.mock_keras import difference, run

PROGRAM = """\
import numpy as np
from keras import backend as K
from keras.layers import *
from keras.models import Model
{setter}
i = Input({shape})
x = i
{body}
model = Model(i, x)
model.predict(np.load('x_3_{name}.npy'))
"""
MAP, CUBE, STEPS, FRAMES = (3, 7, 8), (3, 5, 6, 7), (3, 9), (2, 3, 7, 8)
SHAPES = {1: STEPS, 2: MAP, 3: CUBE}
ARGUMENTS = {
    "Conv": "4, 3", "SeparableConv": "4, 3", "DepthwiseConv": "3", "MaxPooling": "2", "AveragePooling": "2",
    "SpatialDropout": "0.5", "LocallyConnected": "4, 3",
}  # fmt: skip

# body -> the shape of its input; Keras 3 where not said otherwise
BODIES: list[tuple[str, tuple[int, ...], str]] = [
    ("x = ConvLSTM2D(4, 3, padding='same', return_sequences=True)(x)\nx = ConvLSTM2D(2, (2, 3))(x)", FRAMES, "3.0"),
    ("x = TimeDistributed(Conv2D(4, 3))(x)\nx = TimeDistributed(GlobalAveragePooling2D())(x)", FRAMES, "3.0"),
    ("x = Conv2D(4, 3)(x)\nx = GroupNormalization(2, axis=1)(x)", MAP, "3.0"),
    ("x = Conv2D(4, 3)(x)\nx = UnitNormalization(axis=1)(x)", MAP, "3.0"),
    ("x = Conv2D(4, 3)(x)\nx = UnitNormalization()(x)", MAP, "3.0"),
    ("x = Conv2D(4, 3)(x)\nx = LayerNormalization(axis=1)(x)", MAP, "3.0"),
    ("x = Conv2D(4, 3)(x)\nx = Softmax(axis=1)(x)", MAP, "3.0"),
    ("x = Conv2D(4, 3)(x)\nx = PReLU(shared_axes=[2, 3])(x)", MAP, "3.0"),
    ("x = ZeroPadding2D(((1, 0), (2, 3)))(x)\nx = Conv2D(4, 3)(x)\nx = Reshape((4, -1))(x)", MAP, "3.0"),
    ("x = Cropping2D(((1, 0), (2, 1)))(x)\nx = Conv2D(4, 3)(x)\nx = Reshape((4, 4 * 3))(x)", MAP, "3.0"),
    ("x = Conv2DTranspose(4, 3, strides=2)(x)\nx = Reshape((4, 15 * 17))(x)", MAP, "3.0"),
    ("x = Conv2D(4, 3, dilation_rate=2)(x)\nx = Reshape((4, 3 * 4))(x)", MAP, "3.0"),
    ("x = Conv2D(4, 3)(x)\nx = GlobalMaxPooling2D(keepdims=True)(x)", MAP, "3.0"),
    ("x = Conv2D(4, 3)(x)\nx = Dropout(.5, noise_shape=(None, 4, 1, 1))(x)", MAP, "2.1.6"),
    ("a = Conv2D(4, 3)(x)\nb = Conv2D(4, 3)(x)\nx = Lambda(lambda t: t[0] - t[1][:, ::-1])([a, b])", MAP, "2.1.6"),
    ("a = Conv2D(4, 3)(x)\nx = Lambda(lambda t, n: t[:, :n] * n, arguments={'n': 2})(a)", MAP, "2.1.6"),
    ("a = Conv2D(4, 3)(x)\nb = GlobalMaxPooling2D()(a)\nc = GlobalAveragePooling2D()(a)\nx = Dot(axes=1)([b, c])",
     MAP, "2.1.6"),
    ("a = Convolution2D(4, 3, 3)(x)\nb = Convolution2D(4, 3, 3)(x)\nx = merge([a, b], mode='concat', concat_axis=1)",
     MAP, "1.2.2"),
    ("a = Convolution2D(4, 3, 3)(x)\nx = merge([a, a], mode=lambda t: t[0] * t[1][:, :1], output_shape=(4, 5, 6))",
     MAP, "1.2.2"),
    ("a = Convolution2D(4, 3, 3)(x)\nb = GlobalMaxPooling2D()(a)\nx = merge([b, b], mode='dot', dot_axes=1)",
     MAP, "1.2.2"),
    ("x = Convolution2D(4, 3, 3)(x)\nx = Deconvolution2D(2, 3, 3, output_shape=(None, 2, 7, 8))(x)", MAP, "1.2.2"),
]  # fmt: skip


def layers() -> list[tuple[str, tuple[int, ...], str]]:
    """A program for each layer that has a layout of its own, or none."""
    made = []
    for name, (rank, kind) in LAYOUT_LAYERS.items():
        if not name[0].isupper() or kind in ("recurrent", "local") or name == "SeparableConv1D":
            continue
        family = next((a for family, a in ARGUMENTS.items() if name.startswith(family)), "")
        if name in ("DepthwiseConv1D", "Conv1DTranspose", "Conv3DTranspose"):
            continue  # not in the mock
        made.append((f"x = {name}({family})(x)", SHAPES[rank], "3.0"))
    needs = {"ActivityRegularization": "", "Masking": "0.", "ThresholdedReLU": "1."}
    for name in sorted(ELEMENTWISE_LAYERS - {"AlphaDropout", "ActivityRegularization", "ThresholdedReLU"}):
        given = needs.get(name, "0.5" if "Dropout" in name or "Noise" in name else "")
        made.append((f"x = Conv2D(4, 3)(x)\nx = {name}({given})(x)", MAP, "3.0"))
    return made


CASES = [*layers(), *BODIES]


@pytest.mark.parametrize(("body", "shape", "version"), CASES, ids=[body.replace("\n", "; ") for body, _, _ in CASES])
def test_both_compute_the_same(body: str, shape: tuple[int, ...], version: str) -> None:
    setter = {
        "1": "K.set_image_dim_ordering('th')",
        "2": "K.set_image_data_format('channels_first')",
        "3": "import keras\nkeras.config.set_image_data_format('channels_first')",
    }[version[0]]
    text = PROGRAM.format(setter=setter, shape=shape, body=body, name="_".join(map(str, shape)))
    new, plan = convert(text, source_keras=version, flatten="permute")
    assert set(statuses(plan)) <= {Status.DONE, Status.BORDERS}, plan.models
    numbers = tuple(map(int, version.split(".")))
    before = run(text, numbers, "tf")
    assert difference(before, run(new, numbers, "tf")) is None, new
