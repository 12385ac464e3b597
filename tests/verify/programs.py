"""Small programs, channels-first, with the replacements that convert them.

Images are square, and there are as many channels as rows, so that no mistake shows as a wrong shape.
"""

from __future__ import annotations

CLASSIFIER = """
import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(1)
x = rng.normal(size=(24, 8, 8, 8)) + np.arange(8).reshape((1, 8, 1, 1))  # images
y = np.eye(5)[rng.integers(0, 5, size=24)]
val = x[16:] * 2
x -= x.mean(axis=(0, 2, 3), keepdims=True)
x = x[:, ::-1]

inputs = keras.Input((8, 8, 8))
a = layers.Conv2D(8, 3, padding="same", data_format="channels_first")(inputs)
a = layers.BatchNormalization(axis=1)(a)
a = layers.LeakyReLU(negative_slope=0.1)(a)
b = layers.Conv2D(8, (3, 1), padding="same", activation="relu", data_format="channels_first")(inputs)
a = layers.concatenate([a, b], axis=1)
a = layers.MaxPooling2D((2, 1), padding="valid", data_format="channels_first")(a)
a = layers.ZeroPadding2D(((1, 0), (0, 2)), data_format="channels_first")(a)
a = layers.Conv2D(6, 3, strides=2, padding="same", data_format="channels_first")(a)
a = layers.Flatten()(a)
outputs = layers.Dense(5, activation="softmax")(a)
model = keras.Model(inputs, outputs)
model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
model.fit(x, y, epochs=3, validation_data=(val, y[16:]))
np.save("scores.npy", model.predict(x))
"""

CLASSIFIER_EDITS = {
    "setting": ("channels_first", "channels_last"),
    "data": ("# images", "\nx = x.transpose(0, 2, 3, 1)"),
    "mean": ("axis=(0, 2, 3)", "axis=(0, 1, 2)"),
    "flip": ("[:, ::-1]", "[:, :, :, ::-1]"),
    "normalisation": ("BatchNormalization(axis=1)", "BatchNormalization(axis=3)"),
    "concat": ("[a, b], axis=1", "[a, b], axis=3"),
    "flatten": ("layers.Flatten()(a)", "layers.Flatten()(layers.Permute((3, 1, 2))(a))"),
}

SEGMENTER = """
import numpy as np
from keras import backend as K
from keras.layers import Activation, Conv2D, Conv2DTranspose, Input, Lambda, MaxPooling2D, UpSampling2D
from keras.models import Model

K.set_image_data_format('channels_first')
rng = np.random.RandomState(1)
x = rng.normal(size=(24, 8, 8, 8))
classes = rng.randint(0, 8, size=(24, 8, 8))
y = np.zeros((24, 8, 8, 8))
for k in range(8):
    y[:, k, :, :] = classes == k
x /= x.std(axis=(0, 2, 3)).reshape((1, 8, 1, 1))


def soft(t):
    e = K.exp(t - K.max(t, axis=1, keepdims=True))
    return e / K.sum(e, axis=1, keepdims=True)


def loss(y_true, y_pred):
    return K.mean(K.square(K.sum(y_true * K.log(y_pred + 1e-3), axis=1)))


inputs = Input((8, 8, 8))
t = Conv2D(8, (3, 3), padding='same')(inputs)
t = Activation(lambda z: K.relu(z, alpha=0.2))(t)
skip = t
t = MaxPooling2D((2, 2))(t)
t = Conv2DTranspose(8, (2, 2), strides=(2, 2))(t)
t = Lambda(lambda z: z[0] + z[1][:, ::-1])([t, skip])
t = Conv2D(8, (3, 3), padding='same')(t)
outputs = Lambda(soft)(t)
model = Model(inputs, outputs)
model.compile(optimizer='sgd', loss=loss)
for step in range(3):
    model.train_on_batch(x[:8], y[:8])
model.predict(x)
"""

SEGMENTER_EDITS = {
    "setting": ("'channels_first'", "'channels_last'"),
    "data": ("size=(24, 8, 8, 8))\nclasses", "size=(24, 8, 8, 8)).transpose(0, 2, 3, 1)\nclasses"),
    "labels": ("y[:, k, :, :]", "y[:, :, :, k]"),
    "std": ("axis=(0, 2, 3)", "axis=(0, 1, 2)"),
    "std shape": ("(1, 8, 1, 1)", "(1, 1, 1, 8)"),
    "soft": ("K.max(t, axis=1,", "K.max(t, axis=3,"),
    "soft sum": ("K.sum(e, axis=1,", "K.sum(e, axis=3,"),
    "loss": ("axis=1)))", "axis=3)))"),
    "slice": ("z[1][:, ::-1]", "z[1][:, :, :, ::-1]"),
}

GENERATOR = """
import keras
import numpy as np
from keras import layers, ops

z = np.random.default_rng(2).normal(size=(12, 10))
net = keras.Sequential([
    keras.Input((10,)),
    layers.Dense(4 * 4 * 4),
    layers.Reshape((4, 4, 4)),
    # image
    layers.BatchNormalization(axis=1),
    layers.ReLU(),
    layers.UpSampling2D(2, data_format="channels_first"),
    layers.Conv2D(3, 3, padding="same", data_format="channels_first", activation="tanh"),
    # out
])
images = net.predict(z)
np.save("images.npy", images)
"""

GENERATOR_EDITS = {
    "setting": ("channels_first", "channels_last"),
    "reshape": ("# image", "layers.Permute((2, 3, 1)),"),
    "normalisation": ("axis=1", "axis=-1"),
    "saved": ("net.predict(z)", "net.predict(z).transpose(0, 3, 1, 2)"),
}


def convert(text: str, edits: dict[str, tuple[str, str]], without: str = "") -> str:
    """``text`` with all ``edits`` but one."""
    for name, (old, new) in edits.items():
        assert old in text, name
        if name != without:
            text = text.replace(old, new)
    return text
