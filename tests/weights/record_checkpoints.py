"""Write the checkpoints of this folder with a real old Keras: eight architectures and a model of rarer layers.

    PYTHON record_checkpoints.py NAME [ARCHITECTURE...]      in a Python that has the old Keras

NAME is keras105, keras122, keras122-theano or keras231: Keras 1.0.5 on TensorFlow 0.12.1, 1.2.2 on TensorFlow 1.4.1 or
Theano 1.0.5, 2.3.1 on TensorFlow 1.15.5, each with h5py 2.10 (Python 3.6, or 3.7 for 2.3.1). KERAS_BACKEND and a
private HOME must be set. Every model is channels-first and has random weights. ``checkpoints/NAME/ARCHITECTURE.h5`` is
the whole model, from Keras 1.2 on, else its weights with the architecture in ``.json`` beside; ``.npz`` has random
inputs and what the model predicts for them; ``lenet_weights.h5`` has weights alone. Theano computes in float64.
"""

from __future__ import print_function

import os
import sys

import numpy as np

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "checkpoints")
NAME = sys.argv[1]
OLD = NAME == "keras105"
THEANO = NAME.endswith("theano")
TWO = NAME == "keras231"

if THEANO:
    home = os.path.join(os.environ["HOME"], ".keras")
    if not os.path.isdir(home):
        os.makedirs(home)
    with open(os.path.join(home, "keras.json"), "w") as settings:
        settings.write('{"floatx": "float64", "epsilon": 1e-07, "backend": "theano", "image_dim_ordering": "th"}')
    os.environ["THEANO_FLAGS"] = "floatX=float64"
    import theano.ifelse
elif OLD:
    import tensorflow as tf
    from tensorflow.python.ops import control_flow_ops

    tf.python.control_flow_ops = control_flow_ops

import keras
from keras import backend as K
from keras import layers as L
from keras.models import Model, Sequential

if TWO:
    K.set_image_data_format("channels_first")
elif not OLD:
    K.set_image_dim_ordering("th")

FIRST = {} if TWO else {"dim_ordering": "th"}


def conv(filters, size, same=False, stride=1, **more):
    """A two-dimensional convolution in the spelling of the version."""
    if TWO:
        # an explicit format: Flatten follows the setting that is in force, which is channels-last when it is made
        return L.Conv2D(filters, size, padding="same" if same else "valid", strides=stride, **more)
    if THEANO and same and stride > 1 and size != (1, 1):  # its padding is another there than TensorFlow's
        return lambda x: conv(filters, size, stride=stride, **more)(pad((size[0] // 2, size[1] // 2))(x))
    mode = "same" if same else "valid"
    return L.Convolution2D(
        filters, size[0], size[1], border_mode=mode, subsample=(stride, stride), **dict(FIRST, **more)
    )


def dense(units, **more):
    return L.Dense(units, **more)


def pool(size=(2, 2)):
    return L.MaxPooling2D(size) if TWO else L.MaxPooling2D(size, **FIRST)


def up(size=(2, 2)):
    return L.UpSampling2D(size) if TWO else L.UpSampling2D(size, **FIRST)


def pad(size):
    return L.ZeroPadding2D(size) if TWO else L.ZeroPadding2D(size, **FIRST)


def norm(axis=1):
    return L.BatchNormalization(axis=axis)


def flatten():
    """A Flatten that keeps memory order, as all had before Keras 2.2."""
    return L.Flatten(data_format="channels_last") if TWO else L.Flatten()


def join(tensors, mode, axis=1):
    if TWO:
        return L.concatenate(tensors, axis=axis) if mode == "concat" else L.add(tensors)
    return L.merge(tensors, mode=mode, concat_axis=axis)


def model(inputs, outputs):
    return Model(inputs, outputs) if TWO else Model(input=inputs, output=outputs)


def lenet():
    m = Sequential()
    m.add(conv(4, (3, 2), activation="relu", input_shape=(3, 12, 10)))
    m.add(pool())
    m.add(conv(5, (2, 3), activation="tanh"))
    m.add(flatten())
    m.add(dense(7, activation="tanh"))
    m.add(dense(3, activation="softmax"))
    return m


def vgg():
    m = Sequential()
    m.add(L.ZeroPadding2D((1, 1), input_shape=(3, 8, 10), **FIRST))
    m.add(conv(4, (3, 3), activation="relu"))
    m.add(pad((1, 1)))
    m.add(conv(4, (3, 3)))
    m.add(L.PReLU() if OLD else L.PReLU(shared_axes=None))
    m.add(pool())
    m.add(pad((1, 2)))
    m.add(conv(6, (3, 3), activation="relu"))
    m.add(pool((2, 3)))
    m.add(flatten())
    m.add(dense(9, activation="relu"))
    m.add(L.Dropout(0.5))
    m.add(dense(4, activation="softmax"))
    return m


def resnet():
    x = inputs = L.Input(shape=(3, 8, 12))
    x = L.Activation("relu")(norm()(conv(4, (3, 3), same=True)(x)))
    for filters, stride in ((4, 1), (6, 2)):
        short = x
        y = L.Activation("relu")(norm()(conv(filters, (3, 3), same=True, stride=stride)(x)))
        y = norm()(conv(filters, (3, 3), same=True)(y))
        if stride > 1:
            short = conv(filters, (1, 1), same=True, stride=stride)(x)
        x = L.Activation("relu")(join([y, short], "sum"))
    if OLD:
        x = flatten()(L.AveragePooling2D((4, 6), **FIRST)(x))
    else:
        x = L.GlobalAveragePooling2D()(x)
    return model(inputs, dense(3, activation="softmax")(x))


def unet():
    inputs = L.Input(shape=(2, 8, 12))
    a = conv(3, (3, 3), same=True, activation="relu")(inputs)
    b = conv(5, (3, 3), same=True, activation="relu")(pool()(a))
    c = conv(6, (3, 3), same=True, activation="relu")(pool()(b))
    d = conv(5, (3, 3), same=True, activation="relu")(join([up()(c), b], "concat"))
    e = conv(4, (3, 3), same=True, activation="relu")(join([up()(d), a], "concat"))
    return model(inputs, conv(2, (1, 1), activation="sigmoid")(e))


def dcgan():
    m = Sequential()
    m.add(dense(6 * 3 * 4, input_dim=5, activation="tanh"))
    m.add(L.BatchNormalization())
    m.add(L.Reshape((6, 3, 4)))
    m.add(up())
    m.add(conv(5, (5, 3), same=True))
    m.add(norm())
    m.add(L.LeakyReLU(0.2))
    if OLD:
        m.add(up())
    elif TWO:
        m.add(L.Conv2DTranspose(4, (2, 3), padding="valid"))
    else:
        m.add(L.Deconvolution2D(4, 2, 3, output_shape=(None, 4, 7, 10), border_mode="valid", **FIRST))
    m.add(conv(3, (3, 3), same=True, activation="tanh"))
    return m


def crnn():
    m = Sequential()
    m.add(conv(4, (3, 3), same=True, activation="relu", input_shape=(1, 6, 10)))
    m.add(pool())
    m.add(conv(3, (2, 2), activation="relu"))
    m.add(L.Permute((3, 1, 2)))
    m.add(L.Reshape((4, 6)))
    if OLD:
        m.add(L.LSTM(5, return_sequences=True))
        m.add(L.LSTM(4, return_sequences=True, go_backwards=True))
    else:
        m.add(L.Bidirectional(L.LSTM(5, return_sequences=True)))
        m.add(L.GRU(4, return_sequences=True))
    m.add(L.TimeDistributed(dense(3, activation="softmax")))
    return m


def siamese():
    base = Sequential()
    base.add(conv(3, (3, 3), activation="relu", input_shape=(2, 7, 6)))
    if not OLD:  # there it cannot be shared
        base.add(norm())
    base.add(pool())
    if not OLD:
        base.add(norm())
    base.add(flatten())
    base.add(dense(5, activation="tanh"))
    a, b = L.Input(shape=(2, 7, 6)), L.Input(shape=(2, 7, 6))
    return model([a, b], dense(1, activation="sigmoid")(join([base(a), base(b)], "concat")))


def conv3d():
    m = Sequential()
    if TWO:
        m.add(L.Conv3D(3, (3, 2, 3), activation="relu", input_shape=(2, 6, 7, 8)))
        m.add(L.MaxPooling3D((2, 2, 2)))
    else:
        m.add(L.Convolution3D(3, 3, 2, 3, activation="relu", input_shape=(2, 6, 7, 8), **FIRST))
        m.add(L.MaxPooling3D((2, 2, 2), **FIRST))
    m.add(flatten())
    m.add(dense(4, activation="softmax"))
    return m


def rare():
    """Layers that few networks have."""
    image = L.Input(shape=(3, 7, 8))
    words = L.Input(shape=(6,), dtype="int32")
    film = L.Input(shape=(4, 2, 6, 5))
    if TWO:
        x = image if THEANO else L.SeparableConv2D(4, (3, 3), depth_multiplier=2)(image)
        x = L.PReLU(shared_axes=[2, 3])(x)
        x = L.LocallyConnected2D(2, (3, 2), data_format="channels_first")(x)
        t = L.TimeDistributed(L.Conv2D(3, (3, 2), activation="relu"))(film)
        f = L.ConvLSTM2D(2, (2, 3), padding="same")(t)
        w = L.Conv1D(4, 3, activation="relu")(L.Embedding(9, 5)(words))
    else:
        x = image if THEANO else L.SeparableConvolution2D(4, 3, 3, depth_multiplier=2, **FIRST)(image)
        x = L.PReLU(shared_axes=[2, 3])(x)
        if not THEANO:
            x = L.LocallyConnected2D(2, 3, 2, **FIRST)(x)
        t = L.TimeDistributed(L.Convolution2D(3, 3, 2, activation="relu", **FIRST))(film)
        f = L.ConvLSTM2D(2, 3 if THEANO else 2, 3, border_mode="same", **FIRST)(t)
        w = L.Convolution1D(4, 3, activation="relu")(L.Embedding(9, 5)(words))
    w = L.SimpleRNN(3)(w)
    y = join([flatten()(x), flatten()(f), w], "concat")
    y = dense(4)(y)
    if not TWO:
        y = L.MaxoutDense(5, nb_feature=2)(L.Highway()(y))
    return model([image, words, film], y)


def randomise(m, rng):
    for layer in m.layers:
        if hasattr(layer, "layers"):
            randomise(layer, rng)
            continue
        values = []
        for weight in layer.trainable_weights + layer.non_trainable_weights:
            shape = K.get_value(weight).shape
            name = weight.name or ""
            if "std" in name or "variance" in name:
                values.append(rng.uniform(0.5, 1.5, shape))
            elif len(shape) < 2:
                values.append(rng.normal(0, 0.3, shape) + (1.0 if "gamma" in name else 0.0))
            else:
                values.append(rng.normal(0, 1.0 / np.sqrt(max(np.prod(shape) / max(shape), 2.0)), shape))
        if values:
            layer.set_weights(values)


def inputs_of(m, rng):
    found = []
    tensors = m.inputs
    for tensor in tensors:
        shape = K.int_shape(tensor) if hasattr(K, "int_shape") else tensor._keras_shape
        shape = (2,) + tuple(shape[1:])
        whole = "int" in K.dtype(tensor) if hasattr(K, "dtype") else False
        found.append(rng.randint(0, 9, shape) if whole else rng.normal(size=shape))
    return [x.astype(K.floatx()) if x.dtype.kind == "f" else x for x in found]


def main():
    folder = os.path.join(FOLDER, NAME)
    if not os.path.isdir(folder):
        os.makedirs(folder)
    every = [lenet, vgg, resnet, unet, dcgan, crnn, siamese, conv3d, rare]
    if OLD:  # its TensorFlow backend has no 3-D convolution, and the rarer layers came later
        every = every[:-2]
    for number, build in enumerate(every):
        if sys.argv[2:] and build.__name__ not in sys.argv[2:]:
            continue
        rng = np.random.RandomState(number)
        m = build()
        randomise(m, rng)
        x = inputs_of(m, rng)
        y = m.predict(x if len(x) > 1 else x[0])
        base = os.path.join(folder, build.__name__)
        arrays = {"x%d" % i: a for i, a in enumerate(x)}
        np.savez_compressed(base + ".npz", y=y, **arrays)
        if OLD:
            m.save_weights(base + ".h5", overwrite=True)
            with open(base + ".json", "w") as file:
                file.write(m.to_json())
        else:
            m.save(base + ".h5")
            if build is lenet:
                m.save_weights(base + "_weights.h5", overwrite=True)
                with open(base + "_weights.json", "w") as file:
                    file.write(m.to_json())
        print(NAME, keras.__version__, build.__name__, "written")


if __name__ == "__main__":
    main()
