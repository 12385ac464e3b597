"""Keras layers on a channels-first map, as Keras 1, 2 and 3 spell them."""

from __future__ import annotations

import pytest

from kmigrate.plan import Plan, Status
from tests.layout.converting import codes, convert, statuses

FUNCTIONAL = """\
import keras
import numpy as np
from keras import backend as K
from keras.layers import *
from keras.models import Model
{setter}
i = Input(shape=(3, 16, 12))
x = {convolution}(i)
{body}
model = Model(i, GlobalAveragePooling2D()(x))
model.fit(np.zeros((5, 3, 16, 12)), np.ones((5, 4)))
"""
GENERATIONS = {
    1: ("1.2.2", "K.set_image_dim_ordering('th')", "Convolution2D(4, 3, 3, border_mode='same')"),
    2: ("2.1.6", "K.set_image_data_format('channels_first')", "Conv2D(4, (3, 3), padding='same')"),
    3: ("3.5", "keras.config.set_image_data_format('channels_first')", "Conv2D(4, 3, padding='same')"),
}


def layer(generation: int, body: str) -> tuple[str, Plan]:
    """The new text of ``body``; the setter above it becomes channels-last unless the model is left alone."""
    version, setter, convolution = GENERATIONS[generation]
    text = FUNCTIONAL.format(setter=setter, convolution=convolution, body=body)
    new, plan = convert(text, source_keras=version)
    lines = new.splitlines()
    return "\n".join(lines[8:-2]), plan


UNCHANGED = [
    (1, "x = Dropout(.5)(x)"),
    (1, "x = ZeroPadding2D((1, 2))(x)"),
    (1, "x = merge([x, x], mode='sum')"),
    (1, "x = AtrousConvolution2D(4, 3, 3, atrous_rate=(2, 2))(x)"),
    (2, "x = Activation('relu')(x)"),
    (2, "x = LeakyReLU(.2)(x)"),
    (2, "x = SeparableConv2D(4, 3)(x)"),
    (2, "x = Conv2DTranspose(4, 3, strides=2)(x)"),
    (2, "x = Cropping2D(((1, 0), (2, 3)))(x)"),
    (2, "x = UpSampling2D((2, 3))(x)"),
    (2, "x = SpatialDropout2D(.3)(x)"),
    (2, "x = GaussianNoise(.1)(x)"),
    (2, "x = add([x, x])"),
    (2, "x = Conv2D(4, 3, activation=lambda t: t * K.sigmoid(t))(x)"),
    (2, "d = Dense(5)(GlobalMaxPooling2D()(x))\nd = BatchNormalization(axis=1)(d)"),
    (3, "x = DepthwiseConv2D(3)(x)"),
    (2, "x = GlobalAveragePooling2D(keepdims=True)(x)"),
    (2, "x = Lambda(lambda ts: ts[0] + ts[1])([x, x])"),
    (2, "x = Lambda(K.sigmoid)(x)"),
    (2, "y = MaxPooling2D(2)(x)\nx = Lambda(lambda ts: K.gradients(K.sum(ts[1]), ts[0]), lambda s: s[0])([x, y])"),
    (1, "y = merge([x, i], mode=lambda ts: [ts[0] * 2], output_shape=lambda shapes: shapes[0])"),
    (1, "x = merge([x, x], mode=lambda ts: ts[0] * ts[1], output_shape=lambda shapes: shapes[0])"),
    (1, "a = GlobalAveragePooling2D()(x)\nb = merge([a, a], mode='cos', dot_axes=1)"),
    (1, "a = GlobalAveragePooling2D()(x)\nb = Highway()(MaxoutDense(5)(a))"),
    (1, "x = Merge(mode='sum')([x, x])"),
    (2, "a = GlobalAveragePooling2D()(x)\nb = dot([a, a], axes=1)"),
    (2, "x = Lambda(lambda t: K.spatial_2d_padding(t, ((1, 1), (2, 2))))(x)"),
    (2, "x = Lambda(lambda t: K.pool2d(t, (2, 2), strides=(2, 2)))(x)"),
    (2, "x = Lambda(lambda t: K.conv2d(t, K.ones((3, 3, 4, 4)), padding='same'))(x)"),
    (2, "x = Lambda(lambda t: K.bias_add(t, K.ones((4,))))(x)"),
    (2, "x = Lambda(lambda t: t / (K.sum(t) + K.epsilon()))(x)"),
    (3, "x = ReLU()(x)"),
]

CHANGED = [
    (1, "x = MaxPooling2D((2, 2), dim_ordering='th')(x)", "x = MaxPooling2D((2, 2), dim_ordering='tf')(x)"),
    (1, "x = BatchNormalization(mode=0, axis=1)(x)", "x = BatchNormalization(mode=0, axis=3)(x)"),
    (1, "x = merge([x, i], mode='concat', concat_axis=1)", "x = merge([x, i], mode='concat', concat_axis=3)"),
    (
        1,
        "x = Deconvolution2D(4, 3, 3, output_shape=(None, 4, 18, 14))(x)",
        "x = Deconvolution2D(4, 3, 3, output_shape=(None, 18, 14, 4))(x)",
    ),
    (2, "x = BatchNormalization(axis=1)(x)", "x = BatchNormalization(axis=3)(x)"),
    (2, "x = BatchNormalization(axis=-3)(x)", "x = BatchNormalization(axis=-1)(x)"),
    (2, "x = Softmax(axis=1)(x)", "x = Softmax(axis=3)(x)"),
    (2, "x = PReLU(shared_axes=[2, 3])(x)", "x = PReLU(shared_axes=[1, 2])(x)"),
    (2, "x = concatenate([x, i], axis=1)", "x = concatenate([x, i], axis=3)"),
    (2, "x = Concatenate(axis=1)([x, x])", "x = Concatenate(axis=3)([x, x])"),
    (2, "x = Lambda(lambda t: t[:, :2])(x)", "x = Lambda(lambda t: t[:, :, :, :2])(x)"),
    (
        2,
        "x = Lambda(lambda t: K.mean(t, axis=1, keepdims=True))(x)",
        "x = Lambda(lambda t: K.mean(t, axis=3, keepdims=True))(x)",
    ),
    (2, "x = Permute((1, 3, 2))(x)", "x = Permute((2, 1, 3))(x)"),
    (2, "x = Reshape((4, 16, 12))(x)", "x = Reshape((16, 12, 4))(x)"),
    (3, "x = BatchNormalization(axis=1)(x)", "x = BatchNormalization(axis=3)(x)"),
    (3, "x = GroupNormalization(2, axis=1)(x)", "x = GroupNormalization(2, axis=3)(x)"),
    (3, "x = UnitNormalization(axis=1)(x)", "x = UnitNormalization(axis=3)(x)"),
    (1, "x = SReLU(shared_axes=[2, 3])(x)", "x = SReLU(shared_axes=[1, 2])(x)"),
    (1, "x = Merge(mode='concat', concat_axis=1)([x, i])", "x = Merge(mode='concat', concat_axis=3)([x, i])"),
    (2, "x = Dropout(.5, noise_shape=(None, 4, 1, 1))(x)", "x = Dropout(.5, noise_shape=(None, 1, 1, 4))(x)"),
    (
        2,
        "s = Reshape((1, 4, 16, 12))(x)\nx = TimeDistributed(Conv2D(4, 3))(s)\nx = ConvLSTM2D(4, (3, 3))(x)",
        "s = Reshape((1, 16, 12, 4))(x)\nx = TimeDistributed(Conv2D(4, 3))(s)\nx = ConvLSTM2D(4, (3, 3))(x)",
    ),
    (
        2,
        "x = Lambda(lambda ts: K.concatenate(ts, axis=1))([x, i])",
        "x = Lambda(lambda ts: K.concatenate(ts, axis=3))([x, i])",
    ),
    (
        2,
        "x = Lambda(lambda t, n: t[:, :n], arguments={'n': 2})(x)",
        "x = Lambda(lambda t, n: t[:, :, :, :n], arguments={'n': 2})(x)",
    ),
    (
        2,
        "x = Lambda(lambda t: t[:, :2], output_shape=lambda s: (s[0], 2, s[2], s[3]))(x)",
        "x = Lambda(lambda t: t[:, :, :, :2], output_shape=lambda s: (s[0], s[1], s[2], 2))(x)",
    ),
    (
        1,
        "x = merge([x, x], mode=lambda ts: ts[0] * ts[1], output_shape=(4, 16, 12))",
        "x = merge([x, x], mode=lambda ts: ts[0] * ts[1], output_shape=(16, 12, 4))",
    ),
    (
        2,
        "x = ZeroPadding2D(((1, 0), (2, 3)))(x)\nx = Reshape((4, 17 * 17))(x)\nx = Reshape((4, 17, 17))(x)",
        "x = ZeroPadding2D(((1, 0), (2, 3)))(x)\nx = Reshape((17 * 17, 4))(x)\nx = Reshape((17, 17, 4))(x)",
    ),
    (
        2,
        "x = Conv2DTranspose(4, 3, strides=2, padding='same')(x)\nx = Reshape((4, 32, 24))(x)",
        "x = Conv2DTranspose(4, 3, strides=2, padding='same')(x)\nx = Reshape((32, 24, 4))(x)",
    ),
    (
        2,
        "x = Lambda(lambda t: K.resize_images(t, 2, 2, 'channels_first'))(x)",
        "x = Lambda(lambda t: K.resize_images(t, 2, 2, 'channels_last'))(x)",
    ),
    (
        2,
        "x = Lambda(lambda t: K.repeat_elements(t, 2, axis=2))(x)",
        "x = Lambda(lambda t: K.repeat_elements(t, 2, axis=1))(x)",
    ),
    (
        2,
        "x = Lambda(lambda t: K.expand_dims(t))(x)\nx = Lambda(lambda t: K.squeeze(t, -1))(x)",
        "x = Lambda(lambda t: K.expand_dims(t, axis=3))(x)\nx = Lambda(lambda t: K.squeeze(t, -2))(x)",
    ),
    (3, "x = Conv2D(4, 3, data_format='channels_first')(x)", "x = Conv2D(4, 3, data_format='channels_last')(x)"),
    (3, "x = keras.ops.mean(x, axis=1, keepdims=True)", "x = keras.ops.mean(x, axis=3, keepdims=True)"),
    (3, "x = keras.ops.concatenate([x, x], axis=1)", "x = keras.ops.concatenate([x, x], axis=3)"),
    (3, "x = x[:, :2]", "x = x[:, :, :, :2]"),
]

# The last axis by default is the width of a channels-first map: kept, and said.
WIDTH = [
    (1, "x = BatchNormalization(mode=2)(x)", "x = BatchNormalization(mode=2, axis=2)(x)"),
    (1, "x = merge([x, x], mode='concat')", "x = merge([x, x], mode='concat', concat_axis=2)"),
    (2, "x = BatchNormalization()(x)", "x = BatchNormalization(axis=2)(x)"),
    (2, "x = BatchNormalization(axis=-1)(x)", "x = BatchNormalization(axis=-2)(x)"),
    (2, "x = Concatenate()([x, x])", "x = Concatenate(axis=2)([x, x])"),
    (3, "x = LayerNormalization()(x)", "x = LayerNormalization(axis=2)(x)"),
]

LEFT = [
    (1, "x = BatchNormalization(mode=1)(x)"),
    (1, "x = merge([x, x], mode='dot')"),
    (1, "x = Convolution2D(4, 3, 3, W_constraint=maxnorm(2))(x)"),
    (1, "x = Convolution2D(4, 3, 3, activation='softmax')(x)"),
    (1, "x = Highway()(x)"),
    (2, "x = Activation('softmax')(x)"),
    (2, "x = Conv2D(4, 3, activation='softmax')(x)"),
    (2, "x = Conv2DTranspose(4, 3, activation=K.softmax)(x)"),
    (2, "x = PReLU(shared_axes=(-2, -1))(x)"),
    (2, "x = Dropout(.5, noise_shape=noise)(x)"),
    (2, "x = LocallyConnected2D(4, 3)(x)"),
    (2, "x = Lambda(K.softmax)(x)"),
    (2, "x = Lambda(lambda t: t[:, :2], arguments=unheard)(x)"),
    (2, "x = ConvLSTM2D(4, (3, 3))(Reshape((1, 4, 16, 12))(x))\nx = Unheard()(x)"),
    (2, "x = Lambda(lambda t: K.dot(t, K.ones((12, 12))))(x)"),
    (2, "x = Dense(5)(x)"),
    (2, "x = TimeDistributed(Dense(5))(x)"),
    (2, "x = Unheard(4)(x)"),
    (2, "x = Lambda(unheard)(x)"),
    (3, "x = Conv2D(4, 3, activation='softmax')(x)"),
]


def names(rows: list) -> list[str]:
    return [f"{row[0]}: {row[1]}" for row in rows]


@pytest.mark.parametrize(("generation", "body"), UNCHANGED, ids=names(UNCHANGED))
def test_the_setting_is_all_that_changes(generation: int, body: str) -> None:
    new, plan = layer(generation, body)
    assert new == body
    assert statuses(plan) == [Status.DONE]


@pytest.mark.parametrize(("generation", "body", "after"), CHANGED, ids=names(CHANGED))
def test_axes_and_shapes(generation: int, body: str, after: str) -> None:
    new, plan = layer(generation, body)
    assert new == after
    assert (statuses(plan), plan.diagnostics) == ([Status.DONE], [])


@pytest.mark.parametrize(("generation", "body", "after"), WIDTH, ids=names(WIDTH))
def test_the_width_stays_the_width(generation: int, body: str, after: str) -> None:
    new, plan = layer(generation, body)
    assert new == after
    assert codes(plan) == {"KM151"}


@pytest.mark.parametrize(("generation", "body"), LEFT, ids=names(LEFT))
def test_left_alone(generation: int, body: str) -> None:
    _, plan = layer(generation, body)
    assert plan.edits == []
    assert statuses(plan) == [Status.LEFT_ALONE]
    assert "KM901" in codes(plan)


def test_one_dimensional_layers_follow_the_setting_from_keras_3_on() -> None:
    text = """\
        import numpy as np
        from keras import backend as K
        from keras.layers import Conv1D, Dense, GlobalMaxPooling1D
        from keras.models import Sequential
        K.set_image_data_format('channels_first')
        model = Sequential([Conv1D(4, 3, input_shape=(3, 40)), GlobalMaxPooling1D(), Dense(2)])
        model.fit(np.zeros((5, 3, 40)), np.ones((5, 2)))
    """
    _, old = convert(text, source_keras="2.2.4")
    new, _ = convert(text, source_keras="3.5")
    assert old.edits == []
    assert "input_shape=(40, 3)" in new
    assert "np.zeros((5, 40, 3))" in new


@pytest.mark.parametrize("inner", ["Flatten()", "Conv2D(4, 3)"], ids=["flatten", "convolution"])
def test_layers_for_each_step(inner: str) -> None:
    """In TimeDistributed the axes of a Permute count the steps too."""
    text = f"""\
        import numpy as np
        from keras import backend as K
        from keras.layers import *
        from keras.models import Sequential
        K.set_image_data_format('channels_first')
        model = Sequential()
        model.add(TimeDistributed(Conv2D(4, 3), input_shape=(2, 3, 8, 9)))
        model.add(TimeDistributed({inner}))
        model.add(TimeDistributed(Flatten()))
        model.add(LSTM(4))
        model.fit(np.zeros((5, 2, 3, 8, 9)), np.ones((5, 4)))
    """
    new, _ = convert(text, source_keras="2.1.3", flatten="permute")
    assert "input_shape=(2, 8, 9, 3)" in new
    assert "model.add(Permute((1, 4, 2, 3)))" in new


def test_two_models_are_merged_by_a_layer() -> None:
    text = """\
        import numpy as np
        from keras import backend as K
        from keras.layers import *
        from keras.models import Sequential
        K.set_image_dim_ordering('th')
        left, right = Sequential(), Sequential()
        left.add(Convolution2D(4, 3, 3, input_shape=(3, 8, 9)))
        right.add(Convolution2D(5, 3, 3, input_shape=(3, 8, 9)))
        model = Sequential()
        model.add(Merge([left, right], mode='concat', concat_axis=1))
        model.add(GlobalAveragePooling2D())
        model.compile('sgd', 'mse')
        model.fit([np.zeros((5, 3, 8, 9)), np.zeros((5, 3, 8, 9))], np.ones((5, 9)))
    """
    new, plan = convert(text, source_keras="1.2.2")
    assert "concat_axis=3" in new
    assert new.count("input_shape=(8, 9, 3)") == new.count("np.zeros((5, 8, 9, 3))") == 2
    assert set(statuses(plan)) == {Status.DONE}


def test_a_model_for_each_step() -> None:
    text = """\
        import numpy as np
        from keras import backend as K
        from keras.layers import *
        from keras.models import Sequential
        K.set_image_data_format('channels_first')
        inner = Sequential()
        inner.add(Conv2D(4, (3, 3), input_shape=(3, 8, 9)))
        inner.add(GlobalAveragePooling2D())
        model = Sequential()
        model.add(TimeDistributed(inner, input_shape=(2, 3, 8, 9)))
        model.add(LSTM(4))
        model.fit(np.zeros((5, 2, 3, 8, 9)), np.ones((5, 4)))
    """
    new, _ = convert(text, source_keras="2.1.3")
    assert "input_shape=(8, 9, 3)" in new
    assert "input_shape=(2, 8, 9, 3)" in new
    assert "np.zeros((5, 2, 8, 9, 3))" in new


def test_given_weights_keep_the_order_of_features() -> None:
    text = """\
        import numpy as np
        from keras import backend as K
        from keras.layers import *
        from keras.models import Sequential
        K.set_image_data_format('channels_first')
        model = Sequential()
        model.add(Conv2D(4, (3, 3), input_shape=(3, 8, 9)))
        model.add(Flatten())
        model.add(Dense(5, weights=[np.load('w.npy'), np.zeros(5)]))
        model.fit(np.zeros((5, 3, 8, 9)), np.ones((5, 5)))
    """
    new, _ = convert(text, source_keras="2.1.3")
    assert "model.add(Permute((3, 1, 2)))" in new
