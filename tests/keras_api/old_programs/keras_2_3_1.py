"""A program for Keras 2: `train()` is five steps of each optimizer, from the same weights."""

import numpy as np
from keras.layers import Activation, BatchNormalization, Conv2D, Dense, Flatten, Input, MaxPooling2D
from keras.models import Model
from keras.optimizers import SGD, Adadelta, Adagrad, Adam, Adamax, Nadam, RMSprop
from keras.regularizers import l2
from keras.utils import np_utils

OPTIMIZERS = [
    ("sgd", lambda: SGD(lr=0.05, momentum=0.9, decay=0.01, nesterov=True)),
    ("clipped", lambda: SGD(0.05, 0.9, clipnorm=0.1)),
    ("adam", lambda: Adam()),
    ("rmsprop", lambda: RMSprop()),
    ("adagrad", lambda: Adagrad()),
    ("adadelta", lambda: Adadelta()),
    ("adamax", lambda: Adamax()),
    ("nadam", lambda: Nadam()),
]


def wave(shape, start):
    size = int(np.prod(shape))
    return (0.4 * np.sin(start + 1.7 * np.arange(size))).reshape(shape).astype("float32")


def build(optimizer):
    inputs = Input(shape=(8, 6, 3))
    h = Conv2D(4, (3, 3), padding="same", kernel_regularizer=l2(0.01))(inputs)
    h = BatchNormalization()(h)
    h = Activation("relu")(h)
    h = MaxPooling2D()(h)
    h = Flatten()(h)
    h = Dense(7, activation="hard_sigmoid")(h)
    outputs = Dense(3, activation="softmax")(h)
    model = Model(input=inputs, output=outputs)
    model.set_weights([wave(w.shape, i) + (1 if i in (2, 5) else 0) for i, w in enumerate(model.get_weights())])
    model.compile(loss="categorical_crossentropy", optimizer=optimizer)
    return model


def train():
    x = wave((12, 8, 6, 3), 5)
    y = np_utils.to_categorical(np.arange(12) % 3, 3)
    losses = {}
    for name, make in OPTIMIZERS:
        model = build(make())
        losses[name] = [float(model.train_on_batch(x, y)) for step in range(5)]
    return losses
