"""Old scripts and what the port makes of them, as text."""

from __future__ import annotations

import ast
import textwrap

import pytest

from kmigrate.keras_api.port import Port, port
from kmigrate.keras_api.versions import Version
from tests.resolving import dotted

KERAS1: Version = (1, 2, 2)


def ported(source: str, version: Version = KERAS1, ordering: str = "tf", **how: object) -> Port:
    source = textwrap.dedent(source)
    tree = ast.parse(source)
    return port(source, tree, dotted(tree), version, ordering, **how)  # type: ignore[arg-type]


def lines(source: str, version: Version = KERAS1, ordering: str = "tf", **how: object) -> list[str]:
    """The ported text without the ordering, which `test_the_ordering_is_stated` is about."""
    result = ported(source, version, ordering, **{"state_ordering": False, **how})
    assert result.problems == []
    text = result.text()
    ast.parse(text)
    return text.splitlines()


def line(source: str, *arguments: object, **how: object) -> str:
    """The last line of the ported text."""
    return lines(source, *arguments, **how)[-1]  # type: ignore[arg-type]


MNIST = """
    from keras.datasets import mnist
    from keras.models import Sequential
    from keras.layers.core import Dense, Dropout, Activation, Flatten
    from keras.layers.convolutional import Convolution2D, MaxPooling2D
    from keras.utils import np_utils

    (X_train, y_train), (X_test, y_test) = mnist.load_data()
    X_train = X_train.reshape(X_train.shape[0], 1, 28, 28)
    Y_train = np_utils.to_categorical(y_train, 10)

    model = Sequential()
    model.add(Convolution2D(32, 3, 3,
                            border_mode='valid',
                            input_shape=(1, 28, 28)))  # the first one
    model.add(Activation('relu'))
    model.add(MaxPooling2D(pool_size=(2, 2)))
    model.add(Dropout(p=0.25))
    model.add(Flatten())
    model.add(Dense(10, init='uniform'))
    model.compile(loss='categorical_crossentropy', optimizer='adadelta', metrics=['accuracy'])
    model.fit(X_train, Y_train, batch_size=128, nb_epoch=12)
"""


def test_a_convolutional_network_of_keras_1_0_8() -> None:
    assert lines(MNIST, (1, 0, 8), "th", state_ordering=True) == textwrap.dedent("""
    from keras.datasets import mnist
    import keras
    from keras.models import Sequential
    from keras.layers import Dense, Dropout, Activation, Flatten
    from keras.layers import Conv2D, MaxPooling2D
    from keras import utils as np_utils
    keras.backend.set_image_data_format('channels_first')

    (X_train, y_train), (X_test, y_test) = mnist.load_data()
    X_train = X_train.reshape(X_train.shape[0], 1, 28, 28)
    Y_train = np_utils.to_categorical(y_train, 10)

    model = Sequential()
    model.add(Conv2D(32, (3, 3),
                            padding='valid',
                            input_shape=(1, 28, 28)))  # the first one
    model.add(Activation('relu'))
    model.add(MaxPooling2D(pool_size=(2, 2)))
    model.add(Dropout(rate=0.25))
    model.add(Flatten(data_format='channels_last'))
    model.add(Dense(10, kernel_initializer='random_uniform'))
    model.compile(loss='categorical_crossentropy', """
    """optimizer=keras.optimizers.Adadelta(learning_rate=1.0, epsilon=1e-08), metrics=['acc'])
    model.fit(X_train, Y_train, batch_size=128, epochs=12)
    """.rstrip()).splitlines()  # fmt: skip


def test_setters_do_not_reach_the_layers_of_1_0_5() -> None:
    text = "\n".join(lines(MNIST, (1, 0, 5), "th"))
    assert "input_shape=(1, 28, 28),\n                        data_format='channels_first'))" in text
    assert "MaxPooling2D(pool_size=(2, 2), data_format='channels_first')" in text


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (
            "Convolution2D(8, 3, 5, dim_ordering='th', subsample=(2, 2))",
            "Conv2D(8, (3, 5), data_format='channels_first', strides=(2, 2))",
        ),
        ("Convolution2D(nb_filter=8, nb_row=3, nb_col=3)", "Conv2D(filters=8, kernel_size=(3, 3))"),
        ("Convolution2D(8, 3, nb_col=3)", "Conv2D(8, (3, 3))"),
        ("Convolution2D(8, 3, 3, 'he_uniform', 'relu')",
         "Conv2D(8, (3, 3), kernel_initializer='he_uniform', activation='relu')"),
        ("Convolution2D(8, 3, 3, dim_ordering=order)",
         "Conv2D(8, (3, 3), data_format={'th': 'channels_first', 'tf': 'channels_last', 'default': None}"
         ".get(order, order))"),
        ("Convolution2D(8, 3, 3, dim_ordering='default')", "Conv2D(8, (3, 3))"),
        ("AtrousConvolution2D(8, 3, 3, atrous_rate=(2, 2))", "Conv2D(8, (3, 3), dilation_rate=(2, 2))"),
        ("Convolution3D(8, 3, 3, 3, weights=None)", "Conv3D(8, (3, 3, 3))"),
        ("SeparableConvolution2D(8, 3, 3, init='zero')",
         "SeparableConv2D(8, (3, 3), depthwise_initializer='zeros', pointwise_initializer='zeros')"),
        ("Deconvolution2D(8, 3, 3, (None, 8, 9, 9))", "Conv2DTranspose(8, (3, 3))"),
        ("MaxPooling2D((2, 2), border_mode='same')", "MaxPooling2D((2, 2), padding='same')"),
        ("AveragePooling2D()", "AveragePooling2D(pool_size=(2, 2))"),
        ("ZeroPadding2D((1, 2, 3, 4))", "ZeroPadding2D(((1, 2), (3, 4)))"),
        ("BatchNormalization(1e-5, 0, 1)", "BatchNormalization(epsilon=1e-5, axis=1)"),
        ("BatchNormalization(mode=0, axis=1)", "BatchNormalization(axis=1)"),
        ("Dense(9, W_regularizer='l2', bias=False, input_dim=4)",
         "Dense(9, kernel_regularizer='l2', use_bias=False, input_dim=4)"),
        ("TimeDistributedDense(9)", "Dense(9)"),
        ("GaussianNoise(sigma=0.1)", "GaussianNoise(stddev=0.1)"),
        ("LeakyReLU(alpha=0.1)", "LeakyReLU(negative_slope=0.1)"),
        ("merge([a, b], mode='concat', concat_axis=1)", "concatenate([a, b], axis=1)"),
        ("merge([a, b])", "add([a, b])"),
        ("merge([a, b], 'ave', name='m')", "average([a, b], name='m')"),
        ("Merge(mode='mul')([a, b])", "Multiply()([a, b])"),
        ("merge([a, b], mode=lambda x: x[0], output_shape=(3,))",
         "Lambda(lambda x: x[0], output_shape=(3,))([a, b])"),
        ("Input((3, 8, 8), name='x')", "Input((3, 8, 8), name='x')"),
        ("Flatten()", "Flatten()"),
    ],
)  # fmt: skip
def test_layers(call: str, expected: str) -> None:
    assert line(f"from keras.layers import *\nx = {call}") == "x = " + expected


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ((1, 0, 5), "BatchNormalization(epsilon=1e-06, momentum=0.9)"),
        ((1, 0, 7), "BatchNormalization(epsilon=1e-06)"),
        ((1, 1, 2), "BatchNormalization(epsilon=1e-05)"),
        ((1, 2, 0), "BatchNormalization()"),
    ],
)
def test_old_defaults_of_batch_normalization(version: Version, expected: str) -> None:
    source = "from keras.layers import BatchNormalization\nx = BatchNormalization()"
    assert line(source, version) == "x = " + expected


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("SGD(0.1, 0.9, 1e-6, True)",
         "SGD(keras.optimizers.schedules.InverseTimeDecay(0.1, 1, 1e-6), 0.9, True)"),
        ("SGD(lr=0.1, decay=0., momentum=0.9)", "SGD(learning_rate=0.1, momentum=0.9)"),
        ("Adam(lr=1e-5)", "Adam(learning_rate=1e-5, epsilon=1e-08)"),
        ("Adadelta()", "Adadelta(learning_rate=1.0, epsilon=1e-08)"),
        ("Adam(1e-3, clipnorm=1.)", "Adam(1e-3, global_clipnorm=1., epsilon=1e-08)"),
        ("RMSprop(0.001, 0.9, 1e-6)", "RMSprop(0.001, 0.9, epsilon=1e-6)"),
    ],
)  # fmt: skip
def test_optimizers(call: str, expected: str) -> None:
    assert line(f"from keras.optimizers import *\nx = {call}") == "x = " + expected


def test_formulas_that_changed_are_said_or_brought_along() -> None:
    source = "from keras.optimizers import RMSprop\nx = RMSprop()"
    assert "RMSprop adds epsilon" in ported(source).notes[0].message
    exact = ported(source, numerics="exact")
    assert exact.notes == []
    assert exact.text().splitlines()[-1] == "x = Keras1RMSprop(epsilon=1e-08)"
    assert "class Keras1RMSprop(keras.optimizers.RMSprop):" in exact.text()


SEQUENTIAL = "from keras.models import Sequential\nmodel = Sequential()\n"


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("model.fit(x, y, 32, nb_epoch=3, show_accuracy=True)", "model.fit(x, y, 32, epochs=3)"),
        ("model.fit(x, y)", "model.fit(x, y, epochs=10)"),
        ("model.fit(x, y, nb_epoch=1, validation_data=[a, b])",
         "model.fit(x, y, epochs=1, validation_data=tuple([a, b]))"),
        ("model.fit_generator(g(), 80, 2, validation_data=h(), nb_val_samples=8)",
         "keras1_fit_generator(model, g(), 80, validation_samples=8, epochs=2, validation_data=h())"),
        ("model.train_on_batch(x, y, w)", "model.train_on_batch(x, y, class_weight=w)"),
        ("model.predict_classes(x, verbose=0)", "keras1_predict_classes(model, x, verbose=0)"),
        ("model.predict_proba(x)", "model.predict(x)"),
        ("model.compile('sgd', 'mse', ['accuracy'])", "model.compile('sgd', 'mse', metrics=['acc'])"),
        ("model.compile(loss='binary_crossentropy', optimizer='sgd', metrics=['accuracy'])",
         "model.compile(loss='binary_crossentropy', optimizer='sgd', "
         "metrics=[keras.metrics.BinaryAccuracy(name='acc')])"),
        ("model.save_weights('w.h5')", "model.save_weights('w.weights.h5')"),
        ("model.optimizer.lr.set_value(1)", "model.optimizer.learning_rate.set_value(1)"),
    ],
)  # fmt: skip
def test_models(call: str, expected: str) -> None:
    assert line(SEQUENTIAL + call) == expected


def test_functional_models_and_models_from_functions() -> None:
    source = """
        from keras.models import Model
        def build(a, b):
            return Model(input=a, output=b)
        net = build(1, 2)
        net.fit(x, y)
    """
    assert lines(source)[-3:] == [
        "    return Model(inputs=a, outputs=b)",
        "net = build(1, 2)",
        "net.fit(x, y, epochs=10)",
    ]


def test_what_is_no_keras_model_is_left_alone() -> None:
    source = "import keras\nfrom sklearn.svm import SVC\nclassifier = SVC()\nclassifier.fit(x, y)"
    assert line(source) == "classifier.fit(x, y)"


def test_generators_of_keras_2() -> None:
    source = SEQUENTIAL + "model.fit_generator(g, steps_per_epoch=5, epochs=2, workers=4)"
    assert line(source, (2, 2, 4)) == "model.fit(g, steps_per_epoch=5, epochs=2)"


BACKEND = "from keras import backend as K\n"


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("K.mean(x, axis=1)", "ops.mean(x, axis=1)"),
        ("K.concatenate([a, b])", "ops.concatenate([a, b], axis=-1)"),
        ("K.permute_dimensions(x, (0, 2, 3, 1))", "ops.transpose(x, (0, 2, 3, 1))"),
        ("K.permute_dimensions(x, pattern=p)", "ops.transpose(x, axes=p)"),
        ("K.expand_dims(x, dim=1)", "ops.expand_dims(x, 1)"),
        ("K.sqrt(x + y)", "ops.sqrt(ops.maximum(x + y, 0))"),
        ("K.relu(x)", "ops.relu(x)"),
        ("K.relu(x, alpha=0.1)", "activations.relu(x, negative_slope=0.1)"),
        ("K.int_shape(a + b)", "tuple((a + b).shape)"),
        ("K.argmax(x)", "ops.argmax(x, axis=-1)"),
        ("K.categorical_crossentropy(p, t)", "ops.categorical_crossentropy(t, p, from_logits=False)"),
        ("K.set_image_dim_ordering('th')", "K.set_image_data_format('channels_first')"),
        ("K.image_dim_ordering() == 'th'", "K.image_data_format() == 'channels_first'"),
        ("K.image_dim_ordering() in {'tf', 'th'}",
         "K.image_data_format() in {'channels_last', 'channels_first'}"),
        ("K.image_dim_ordering()",
         "{'channels_first': 'th', 'channels_last': 'tf'}[K.image_data_format()]"),
        ("K.epsilon()", "K.epsilon()"),
    ],
)  # fmt: skip
def test_backend_functions(call: str, expected: str) -> None:
    assert line(f"{BACKEND}z = {call}") == "z = " + expected


def test_cross_entropy_changed_its_order_in_2_0_7() -> None:
    call = f"{BACKEND}z = K.binary_crossentropy(a, b)"
    assert line(call, (2, 0, 6)) == "z = ops.binary_crossentropy(b, a, from_logits=False)"
    assert line(call, (2, 0, 7)) == "z = ops.binary_crossentropy(a, b, from_logits=False)"


@pytest.mark.parametrize(
    ("version", "call", "expected"),
    [
        ((1, 1, 0), "EarlyStopping('loss', 3)", "EarlyStopping('loss', patience=4)"),
        ((2, 0, 8), "EarlyStopping(patience=0)", "EarlyStopping(patience=0)"),
        ((2, 0, 8), "EarlyStopping(patience=n)", "EarlyStopping(patience=n + (n >= 1))"),
        ((2, 0, 9), "EarlyStopping(patience=3)", "EarlyStopping(patience=3)"),
        ((1, 2, 2), "ReduceLROnPlateau(epsilon=0.1)", "ReduceLROnPlateau(min_delta=0.1, patience=11)"),
        ((1, 2, 2), "ModelCheckpoint('a.hdf5')", "ModelCheckpoint('a.h5')"),
        ((1, 2, 2), "ModelCheckpoint('a.hdf5', save_weights_only=True)",
         "ModelCheckpoint('a.weights.h5', save_weights_only=True)"),
    ],
)  # fmt: skip
def test_callbacks(version: Version, call: str, expected: str) -> None:
    assert line(f"from keras.callbacks import *\nx = {call}", version) == "x = " + expected


def test_recurrent_layers_keep_their_gates() -> None:
    source = "from keras.layers import LSTM, GRU\nx = LSTM(4, consume_less='gpu')\ny = GRU(4)"
    found = lines(source, (2, 2, 4))
    assert found[-2:] == [
        "x = LSTM(4, recurrent_activation=keras1_hard_sigmoid)",
        "y = GRU(4, recurrent_activation=keras1_hard_sigmoid, reset_after=False)",
    ]
    assert lines(source, (2, 3, 1))[-2:] == ["x = LSTM(4)", "y = GRU(4, reset_after=False)"]


def test_one_dimensional_layers_never_follow_the_setting() -> None:
    source = "from keras.layers import Convolution1D, GlobalMaxPooling1D, UpSampling1D\n"
    calls = "x = [Convolution1D(4, 3), GlobalMaxPooling1D(), UpSampling1D(length=2)]"
    assert line(source + calls, KERAS1, "th") == (
        "x = [Conv1D(4, 3, data_format='channels_last'), GlobalMaxPooling1D(data_format='channels_last'), "
        "UpSampling1D(size=2)]"
    )
    assert line(source + calls) == "x = [Conv1D(4, 3), GlobalMaxPooling1D(), UpSampling1D(size=2)]"


def test_loaders_of_keras_1_0_ignore_the_setting() -> None:
    source = "from keras.datasets import cifar10\nx = cifar10.load_data()"
    assert line(source, (1, 0, 8)) == "x = keras1_channels_first(cifar10.load_data())"
    assert line(source, (1, 1, 0)) == "x = cifar10.load_data()"


def test_the_ordering_is_stated_where_the_file_never_says_it() -> None:
    silent = "from keras.layers import Dense\nx = Dense(3)"
    assert "keras.backend.set_image_data_format('channels_first')" in ported(silent, KERAS1, "th").text()
    assert "keras.backend.set_image_data_format('channels_last')" in ported(silent, KERAS1, "tf").text()
    says = f"{BACKEND}K.set_image_dim_ordering('th')\n"
    assert ported(says, KERAS1, "th").text().count("set_image_data_format") == 1


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from keras.layers.core import Dense, Flatten", "from keras.layers import Dense, Flatten"),
        ("from keras.utils import np_utils", "from keras import utils as np_utils"),
        ("import keras.backend as K", "import keras.backend as K"),
        ("import keras.layers.core as core", "import keras.layers as core"),
        ("from keras.engine import Layer, Model", "from keras.layers import Layer\nfrom keras.models import Model"),
        ("from keras import objectives", "from keras import losses as objectives"),
        ("from keras.layers import Convolution2D as C", "from keras.layers import Conv2D as C"),
        ("from keras.preprocessing.image import ImageDataGenerator",
         "from tensorflow.keras.preprocessing.image import ImageDataGenerator"),
        ("from keras.layers import *", "from keras.layers import *"),
        ("from keras.layers.core import *", "from keras.layers import *"),
        ("import keras", "import keras"),
    ],
)  # fmt: skip
def test_imports(source: str, expected: str) -> None:
    assert "\n".join(lines(source)) == expected


def test_a_name_that_is_taken_keeps_the_old_one() -> None:
    source = """
        from keras.layers import Convolution2D
        def Conv2D(n):
            return Convolution2D(n, 3, 3)
    """
    assert lines(source)[1:] == [
        "from keras.layers import Conv2D as Convolution2D",
        "def Conv2D(n):",
        "    return Convolution2D(n, (3, 3))",
    ]


def test_imports_within_functions() -> None:
    source = """
        '''A module.'''
        def build():
            from keras.layers.core import Dense
            return Dense(4, activation='hard_sigmoid', init='one')
    """
    found = lines(source)
    assert found[2] == "import keras"
    assert found[-2:] == [
        "    from keras.layers import Dense",
        "    return Dense(4, activation=keras1_hard_sigmoid, kernel_initializer='ones')",
    ]


def test_tensorflows_own_keras_is_not_ported() -> None:
    result = ported("from tensorflow.keras.layers import Dense\nx = Dense(4)\n", (2, 4, 0))
    assert result.edits == [] and result.problems


def test_names_are_written_from_their_own_root() -> None:
    source = "import keras\nx = keras.layers.convolutional.Convolution2D(8, 3, 3)"
    assert line(source) == "x = keras.layers.Conv2D(8, (3, 3))"


def test_nested_calls_are_all_ported() -> None:
    source = """
        from keras.layers import Dense, Activation
        from keras.regularizers import l2
        from keras import backend as K
        x = Dense(4, W_regularizer=l2(l=0.1), activation=lambda t: K.relu(t, alpha=0.1))
    """
    assert line(source) == (
        "x = Dense(4, kernel_regularizer=l2(l2=0.1), activation=lambda t: activations.relu(t, negative_slope=0.1))"
    )


@pytest.mark.parametrize(
    "source",
    [
        f"{BACKEND}f = K.function([a], [b], updates=[(c, d)])",
        f"{BACKEND}phase = K.learning_phase()",
        f"{BACKEND}f = K.rnn(a, b, c)",
        "from keras.layers import MaxoutDense\nx = MaxoutDense(4)",
        "from keras.layers import Merge\nx = Merge([a, b], mode='sum')",
        "from keras.layers import merge\nx = merge([a, b], mode=how)",
        "from keras.layers import Convolution2D\nx = Convolution2D(8, 3, 3, **options)",
        "from keras.layers import Convolution2D\nx = Convolution2D(*sizes)",
        "from keras.layers import Convolution2D\nx = Convolution2D(8, 3, 3, colour=1)",
        "from keras.layers import Dense\nx = Dense(4, weights=w)",
        "from keras.layers import Layer\nclass Mine(Layer):\n    def build(self, s):\n        self.updates = []",
        "from keras.layers import BatchNormalization\nx = BatchNormalization(mode=1)",
        "from tensorflow.contrib.keras.layers import Dense\nx = Dense(4)",
        SEQUENTIAL + "model.compile('sgd', 'cosine_proximity')",
    ],
)
def test_what_is_not_understood_is_said(source: str) -> None:
    result = ported(source)
    assert result.problems
    assert all(problem.line >= 1 and problem.message for problem in result.problems)


def test_harmless_keywords_in_stars_are_no_problem() -> None:
    source = """
        from keras.layers import Convolution2D
        def conv(n, **more):
            return Convolution2D(n, 3, 3, **more)
        x = conv(8, input_shape=(3, 9, 9))
    """
    assert line(source) == "x = conv(8, input_shape=(3, 9, 9))"
    assert ported(source.replace("input_shape=(3, 9, 9)", "border_mode='same'")).problems


def test_keras_3_and_other_libraries_stay_as_they_are() -> None:
    source = "from keras.layers import Conv2D\nx = Conv2D(8, 3, 2)\n"
    assert ported(source, (3, 0, 0)).edits == []
    other = "from torch.nn import Conv2d, Linear as Dense\nx = Dense(3, bias=True)\n"
    assert ported(other).text() == other


def test_porting_twice_changes_nothing_more() -> None:
    once = ported(MNIST, (1, 0, 8), "th").text()
    tree = ast.parse(once)
    assert port(once, tree, dotted(tree), (3, 0, 0), "th").text() == once


def test_an_ordering_that_is_none() -> None:
    with pytest.raises(ValueError, match="channels_first"):
        ported("import keras", ordering="channels_first")


GRAPH = "from keras import backend as K\nfrom keras.layers import Input, Layer\n"


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("f = K.function([model.input], [model.output])", "f = keras1_function([model.input], [model.output])"),
        ("f = K.function([model.layers[0].input, K.learning_phase()], [model.output])",
         "f = keras1_function([model.inputs[0], keras1_learning_phase()], [model.output])"),
        ("x = model.layers[0].input", "x = model.inputs[0]"),
        ("g = K.gradients(loss, x)[0]", "g = keras1_gradients(loss, x)[0]"),
        ("x = K.placeholder((1, 3, 8, 8))", "x = keras.Input(batch_shape=(1, 3, 8, 8))"),
        ("x = K.placeholder(ndim=4)", "x = keras.Input(batch_shape=(None, None, None, None))"),
        ("loss = K.variable(0.)", "loss = 0."),
        ("K.set_learning_phase(0)", "None"),
    ],
)  # fmt: skip
def test_graphs_of_keras_1(call: str, expected: str) -> None:
    assert line(GRAPH + call) == expected


@pytest.mark.parametrize(
    ("call", "why"),
    [
        ("f = K.function([x], [y], updates=z)", "updates"),
        ("K.set_learning_phase(1)", "training="),
        ("K.set_learning_phase(0)\nmodel.fit(x, y)", "training="),
        ("x = K.placeholder()", "without a shape"),
    ],
)
def test_graphs_that_are_not_ported(call: str, why: str) -> None:
    (problem,) = ported(GRAPH + call).problems
    assert why in problem.message


def test_a_variable_that_is_assigned_to_stays_one() -> None:
    text = ported(GRAPH + "rate = K.variable(0.1)\nK.set_value(rate, 0.2)").text()
    assert "rate = keras.Variable(0.1, dtype=keras.config.floatx())" in text


LAYER = (
    GRAPH
    + """class Twice(Layer):
    def get_output_shape_for(self, input_shape):
        return input_shape

    def call(self, x, mask=None):
        return K.concatenate([x, x], axis=1)
"""
)


def test_a_layer_without_state_gets_the_new_name_of_its_method() -> None:
    text = ported(LAYER).text()
    assert "        return input_shape\n    compute_output_shape = get_output_shape_for\n\n    def call" in text


def test_a_layer_with_weights_of_keras_1_is_not_ported() -> None:
    source = LAYER + "\n    def build(self, shape):\n        self.trainable_weights = []\n"
    (problem,) = ported(source).problems
    assert "self.trainable_weights" in problem.message


def test_an_old_name_that_becomes_several() -> None:
    source = """
        from keras.layers import merge as join
        x = join([a, b], mode='sum')
        y = join([a, b], mode='concat')
    """
    assert lines(source)[1:] == [
        "from keras.layers import add as join, concatenate",
        "x = join([a, b])",
        "y = concatenate([a, b])",
    ]
    both_taken = textwrap.dedent(source) + "add = concatenate = 3\n"
    assert "y = keras_concatenate([a, b])" in lines(both_taken)


def test_a_constant_is_of_keras_type() -> None:
    source = "import keras\nfrom keras import backend as K\nx = K.constant([1, 2])\n"
    assert line(source) == "x = ops.convert_to_tensor([1, 2], dtype=keras.config.floatx())"


def test_the_name_of_a_model_is_a_keyword_in_keras_3() -> None:
    assert line("from keras.models import Model\nm = Model(x, y, 'net')\n") == "m = Model(x, y, name='net')"


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("from keras.optimizers import Adam\no = Adam(**{'decay': .1})\n", "in ** are not known"),
        (
            "from keras.optimizers import SGD\nclass S(SGD):\n    def __init__(self):\n"
            "        super().__init__(.01, .9, 1e-6, True)\n",
            "base class",
        ),
        ("from keras.layers import LSTM\ndef keras1_hard_sigmoid(x): pass\nm = LSTM(3)\n", "of its own"),
        ("from keras.optimizers import SGD\nkeras = 3\no = SGD(.1, decay=.1)\n", "something else"),
        ("from keras.layers import Dense\nprint(f'{Dense(3, init=\"uniform\")}')\n", "format string"),
    ],
)
def test_what_would_be_another_program_is_a_problem(source: str, why: str) -> None:
    result = ported(source, (2, 2, 4))
    assert any(why in problem.message for problem in result.problems)
    assert result.old or "keras1_hard" in source or "Adam" in source
