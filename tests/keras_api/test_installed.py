"""The tables against the installed Keras 3 and tf_keras, and ported programs run there."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import textwrap
from importlib.util import find_spec
from pathlib import Path

import pytest

from kmigrate.keras_api import helpers, port_backend, port_layers, port_training, tables
from kmigrate.keras_api.port import port
from kmigrate.keras_api.versions import Version
from tests.resolving import dotted

pytestmark = [
    pytest.mark.verify,
    pytest.mark.skipif(
        find_spec("tensorflow") is None or find_spec("tf_keras") is None, reason="needs the extra `verify`"
    ),
]


def run(code: str, folder: Path) -> str:
    """What a program prints."""
    program = folder / "program.py"
    program.write_text(textwrap.dedent(code))
    environment = os.environ | {
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "",
        "HOME": str(folder),
        "KERAS_HOME": str(folder),
        "TF_ENABLE_ONEDNN_OPTS": "1",  # the CPU has no other convolution for channels-first
    }
    done = subprocess.run([sys.executable, program.name], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


LIVE = """
    import inspect, json
    import keras, tf_keras
    wanted = json.load(open("wanted.json"))
    found = {}
    for package in (keras, tf_keras):
        for key in wanted:
            value = package
            for part in key.split("."):
                value = getattr(value, part, None)
            if value is None:
                continue
            try:
                names = list(inspect.signature(value.__init__ if inspect.isclass(value) else value).parameters)
            except (TypeError, ValueError):
                continue
            found[package.__name__ + "/" + key] = [n for n in names if n != "self"]
    print(json.dumps(found))
"""


def test_recorded_signatures_are_those_of_the_installed_ones(tmp_path: Path) -> None:
    """New parameters may follow in a later release; old ones keep their places."""
    import json

    modules = ("layers", "optimizers", "callbacks", "regularizers", "constraints", "losses", "metrics", "ops")
    wanted = [f"{module}.{name}" for module in modules for name in sorted(tables.names_of(module))]
    (tmp_path / "wanted.json").write_text(json.dumps(wanted))
    found: dict[str, list[str]] = json.loads(run(LIVE, tmp_path))
    compared = 0
    for place, names in found.items():
        package, key = place.split("/")
        text = tables.signature("keras_3" if package == "keras" else "tf_keras", key)
        assert text is not None, f"{place} is not recorded"
        definition = ast.parse(f"def f({text}): pass").body[0]
        assert isinstance(definition, ast.FunctionDef)
        recorded = [arg.arg for arg in definition.args.args]
        plain = [name for name in names if name in recorded]
        assert plain == recorded, place
        compared += 1
    assert compared > 500


def test_the_port_writes_no_name_that_keras_3_lacks(tmp_path: Path) -> None:
    operations = [f"ops.{operation}" for operation, _ in port_backend.OPERATIONS.values()]
    written = "\n".join([*port_backend.TEMPLATES.values(), *helpers.HELPERS.values()])
    written += "\n".join(port_layers._OLD_INITIALIZERS.values()).replace("initializers.", "keras.initializers.")
    import re

    paths = set(re.findall(r"\b((?:keras|ops)\.[\w.]+\w)", written)) | set(operations)
    paths |= {f"keras.backend.{name}" for name in port_backend.KEPT}
    paths |= {f"keras.layers.{name}" for pair in port_layers.MERGES.values() for name in pair}
    paths |= {f"keras.optimizers.{name}" for name in port_training.OPTIMIZERS}
    code = f"""
        import keras
        from keras import ops
        for path in {sorted(paths)!r}:
            value = {{"keras": keras, "ops": ops}}[path.split(".")[0]]
            for part in path.split(".")[1:]:
                value = getattr(value, part)
    """
    run(code, tmp_path)


CONVOLUTIONS = """
    import numpy as np
    from keras.models import Sequential, Model
    from keras.layers import *
    from keras.layers.advanced_activations import PReLU, ThresholdedReLU
    from keras.layers.recurrent import LSTM, GRU
    from keras.utils import np_utils
    from keras.callbacks import EarlyStopping, ReduceLROnPlateau
    from keras.regularizers import l2, activity_l2
    from keras.constraints import maxnorm
    from keras import backend as K

    x = np.random.rand(8, 3, 12, 10)
    y = np_utils.to_categorical(np.arange(8) % 3, nb_classes=3)
    model = Sequential([
        ZeroPadding2D((1, 1), input_shape=(3, 12, 10)),
        Convolution2D(4, 3, 3, init='he_normal', W_regularizer=l2(l=0.01), W_constraint=maxnorm(m=2)),
        BatchNormalization(mode=0, axis=1), BatchNormalization(mode=2, axis=1),
        ZeroPadding2D((1, 2, 3, 4)), AtrousConvolution2D(4, 3, 3, atrous_rate=(2, 2)),
        SeparableConvolution2D(4, 3, 3, init='uniform', border_mode='same'),
        GaussianNoise(sigma=0.1), SpatialDropout2D(p=0.1), Cropping2D(((1, 1), (1, 1))),
        GaussianDropout(p=0.1), PReLU(), ThresholdedReLU(theta=0.1), ELU(), LeakyReLU(alpha=0.2),
        AveragePooling2D(), MaxPooling2D((2, 2), border_mode='same')])
    model.add(Flatten())
    model.add(RepeatVector(3))
    model.add(LSTM(5, return_sequences=True, consume_less='gpu', dropout_W=0.1))
    model.add(Bidirectional(GRU(5, return_sequences=True)))
    model.add(TimeDistributed(Dense(4, activity_regularizer=activity_l2(0.01))))
    model.add(Convolution1D(4, 2, border_mode='same', subsample_length=1))
    model.add(MaxPooling1D(pool_length=2, stride=1))
    model.add(Flatten())
    model.add(Dense(output_dim=3, bias=True, activation='hard_sigmoid'))
    model.compile('rmsprop', 'binary_crossentropy', metrics=['accuracy'])
    history = model.fit(x, y, 4, nb_epoch=1, verbose=0, validation_data=[x, y],
                        callbacks=[EarlyStopping(patience=3), ReduceLROnPlateau(epsilon=0.1)])
    print(sorted(history.history))
    model.save_weights('weights.h5', overwrite=True)
    model.load_weights('weights.h5')
    print(model.predict_classes(x, verbose=0).shape, model.predict_proba(x, verbose=0).shape)


    def batches():
        while True:
            yield x[:4], y[:4]


    model.fit_generator(batches(), samples_per_epoch=8, nb_epoch=1, verbose=0,
                        validation_data=batches(), nb_val_samples=4)
    print(len(model.evaluate_generator(batches(), val_samples=8)), model.layers[0].name)

    inputs = Input((3, 12, 10))
    a = Convolution2D(4, 3, 3, border_mode='same', activation=lambda t: K.relu(t, alpha=0.1))(inputs)
    b = merge([a, a], mode='concat', concat_axis=1)
    c = merge([b, b], mode=lambda pair: pair[0] - pair[1], output_shape=lambda shapes: shapes[0])
    d = Lambda(lambda t: K.concatenate([K.mean(t, axis=1, keepdims=True), K.sqrt(K.abs(t))], 1))(c)
    net = Model(input=inputs, output=Activation('sigmoid')(d))


    def loss(true, found):
        return K.mean(K.square(K.batch_flatten(true) - K.batch_flatten(found)), axis=-1)


    net.compile('adadelta', loss)
    print(net.predict(x, verbose=0).shape, d._keras_shape, K.int_shape(c)[1:], K.image_dim_ordering())
    print(np.isfinite(net.train_on_batch(x, np.zeros((8, 9, 12, 10)))))
"""


@pytest.mark.parametrize("version", [(1, 0, 5), (1, 2, 2)])
def test_a_ported_program_builds_and_trains(version: Version, tmp_path: Path) -> None:
    source = textwrap.dedent(CONVOLUTIONS)
    tree = ast.parse(source)
    result = port(source, tree, dotted(tree), version, "th", numerics="exact")
    assert result.problems == []
    out = run(result.text(), tmp_path).splitlines()
    assert out[0] == "['acc', 'learning_rate', 'loss', 'val_acc', 'val_loss']"
    assert out[1] == "(8,) (8, 3)"
    assert "(8, 9, 12, 10) (None, 9, 12, 10) (8, 12, 10) th" in out
    assert out[-1] == "True"


def test_a_ported_deconvolution_has_the_size_it_was_told(tmp_path: Path) -> None:
    source = textwrap.dedent("""
        import numpy as np
        from keras.models import Sequential
        from keras.layers import Deconvolution2D
        for mode, size in (('valid', (17, 13)), ('valid', (18, 14)), ('same', (16, 12)), ('same', (15, 11))):
            model = Sequential()
            model.add(Deconvolution2D(4, 3, 3, (None, 4) + size, border_mode=mode, subsample=(2, 2),
                                      input_shape=(3, 8, 6)))
            print(model.predict(np.zeros((2, 3, 8, 6)), verbose=0).shape[2:] == size)
    """)
    tree = ast.parse(source)
    result = port(source, tree, dotted(tree), (1, 2, 2), "th")
    assert result.problems == []
    assert run(result.text(), tmp_path).split() == ["True"] * 4


OPTIMIZERS = """
    import keras, numpy as np
    {helpers}

    def steps(optimizer, count=12):
        variable = keras.Variable(np.linspace(-1, 1, 7), dtype="float64")
        optimizer.build([variable])
        for step in range(count):
            optimizer.apply([keras.ops.cos(variable.value * (step + 1)) + 0.3])
        return np.array(variable)

    def by_hand(update, count=12):
        w, state = np.linspace(-1, 1, 7), {{}}
        for step in range(count):
            w = update(w, np.cos(w * (step + 1)) + 0.3, state, step)
        return w

    def rmsprop(w, g, state, step):
        state["a"] = 0.9 * state.get("a", 0) + 0.1 * g * g
        return w - 0.001 * g / (np.sqrt(state["a"]) + 1e-8)

    def adagrad(w, g, state, step):
        state["a"] = state.get("a", 0) + g * g
        return w - 0.01 * g / (np.sqrt(state["a"]) + 1e-8)

    def sgd(w, g, state, step):
        lr = 0.1 / (1 + 0.5 * step)
        state["v"] = 0.9 * state.get("v", 0) - lr * g
        return w + 0.9 * state["v"] - lr * g

    keras.config.set_floatx("float64")
    print(abs(steps({rmsprop}) - by_hand(rmsprop)).max())
    print(abs(steps({adagrad}) - by_hand(adagrad)).max())
    print(abs(steps({sgd}) - by_hand(sgd)).max())
"""


def test_ported_optimizers_take_the_steps_of_keras_1(tmp_path: Path) -> None:
    """The formulas of keras/optimizers.py 1.2.2."""

    def call(source: str) -> str:
        text = f"import keras\nx = keras.optimizers.{source}"
        tree = ast.parse(text)
        result = port(text, tree, dotted(tree), (1, 2, 2), "tf", numerics="exact", state_ordering=False)
        return result.text().splitlines()[-1].removeprefix("x = ")

    code = textwrap.dedent(OPTIMIZERS).format(
        helpers="\n".join(helpers.HELPERS[name] for name in ("Keras1RMSprop", "Keras1Adagrad")),
        rmsprop=call("RMSprop()"),
        adagrad=call("Adagrad()"),
        sgd=call("SGD(lr=0.1, momentum=0.9, decay=0.5, nesterov=True)"),
    )
    distances = [float(line) for line in run(code, tmp_path).split()]
    assert distances[0] < 1e-7 and distances[1] < 1e-7 and distances[2] < 1e-6
