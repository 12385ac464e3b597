"""What old scripts expect of their surroundings, and training loops of a script's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kmigrate.options import Options
from kmigrate.prepare import Side, prepare
from kmigrate.source import SourceFile
from kmigrate.verify import Certificate, Verdict
from kmigrate.verify.child.old_numpy import compiled

Check = Callable[..., Certificate]


def test_slices_count_in_whole_numbers() -> None:
    names = {"kmigrate_whole": lambda value: int(value), "x": [1, 2, 3, 4, 5], "n": 5 * 0.5}
    exec(compiled(b"y = x[:n], x[1:], x[::-1]\n", "p.py"), names)
    assert names["y"] == ([1, 2], [2, 3, 4, 5], [5, 4, 3, 2, 1])


@pytest.mark.verify
def test_names_and_slices_of_old_numpy(check: Check) -> None:
    text = """
import numpy as np
import keras
x = np.arange(20).reshape(5, 4).astype(np.float)
split = len(x) * 0.5
keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)]).predict(x[split:])
"""
    assert check(text, text, old=True).verdict is Verdict.EQUIVALENT
    assert "slice indices must be integers" in check(text, text).reason


@pytest.mark.verify
def test_what_is_not_ported_is_no_verdict_even_where_it_is_caught(check: Check) -> None:
    text = """
import numpy as np
import keras
try:
    kmigrate_not_ported('p.py:3: K.gradients is not ported')
except:
    pass
keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)]).predict(np.ones((2, 4)))
"""
    found = check(text, text)
    assert found.verdict is Verdict.NOT_VERIFIED
    assert "the port to Keras 3 leaves p.py:3: K.gradients is not ported" in found.reason


FUNCTION = """
from keras.models import Sequential
from keras.layers import Convolution2D
from keras import backend as K
import numpy as np
K.set_image_dim_ordering('th')
m = Sequential([Convolution2D(2, 3, 3, input_shape=(3, 8, 9))])
look = K.function([m.layers[0].input, K.learning_phase()], [m.layers[0].output])
maps = look([np.random.RandomState(0).rand(2, 3, 8, 9), 0])[0]
assert maps.shape == (2, 2, 6, 7)
"""


@pytest.mark.verify
def test_backend_functions_are_recorded(check: Check, tmp_path: Path) -> None:
    side = Side.of(SourceFile.from_bytes(FUNCTION.encode(), tmp_path / "p.py"))
    (ported,) = prepare(side, side, [], Options(source_keras="1.2")).before
    text = ported.raw.decode()
    found = check(text, text)
    assert found.verdict is Verdict.EQUIVALENT, str(found)
    assert len(found.models) == 1
    native = FUNCTION.replace("Convolution2D(2, 3, 3", "Conv2D(2, (3, 3)").replace("Convolution", "Conv")
    found = check(native, native, "tf_keras")
    assert found.verdict is Verdict.EQUIVALENT, str(found)
    assert len(found.models) == 1


TAPE = """
import numpy as np
import tensorflow as tf
import keras
from keras import layers
x = np.random.default_rng(0).normal(size=(4, 8, 8, 8)).astype('float32')
model = keras.Sequential([keras.Input((8, 8, 8)), layers.Conv2D(3, 3, data_format='channels_first')])
optimizer = keras.optimizers.SGD(0.01)
while True:
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(tf.reduce_sum(model(x, training=True), axis=1)))
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
"""
TAPE_LAST = TAPE.replace("'float32')", "'float32').transpose(0, 2, 3, 1)").replace("channels_first", "channels_last")


@pytest.mark.verify
def test_a_training_loop_of_the_scripts_own_is_cut_and_recorded(check: Check) -> None:
    found = check(TAPE, TAPE_LAST.replace("axis=1", "axis=3"), max_events=4)
    assert found.verdict is Verdict.EQUIVALENT, str(found)
    assert "cut after 4 calls" in found.notes
    assert {"weights", "later predictions"} <= {figure.check for figure in found.models[0].figures}
    found = check(TAPE, TAPE_LAST, max_events=4)  # the loss sums over another axis
    assert found.verdict is Verdict.DIFFERENT


LOOP = """
import numpy as np
import keras
from keras import layers
x = np.random.default_rng(0).normal(size=(24, 8, 8, 8)).astype('float32')
model = keras.Sequential([keras.Input((8, 8, 8)), layers.Conv2D(8, 3, padding='same', data_format='channels_first')])
model.compile('sgd', 'mse')
for i in range(100):
    batch = x[i % 3 * 8: i % 3 * 8 + 4 + i % 2]
    model.train_on_batch(batch, batch)
    assert model.predict(batch).shape == batch.shape
model.predict(x)
"""


@pytest.mark.verify
def test_loops_are_cut_and_what_follows_them_is_not(check: Check) -> None:
    last = LOOP.replace("'float32')", "'float32').transpose(0, 2, 3, 1)").replace("channels_first", "channels_last")
    found = check(LOOP, last, steps=2)
    assert found.verdict is Verdict.EQUIVALENT, str(found)
    assert {note for note in found.notes if "loops are cut" in note} == {
        "loops are cut: at p.py:10 train_on_batch is done 2 times",
        "loops are cut: at p.py:11 predict is done 4 times",
    }
    found = check(LOOP, last.replace("predict(x)", "predict(x[:, ::-1])"), steps=2)
    assert found.verdict is Verdict.DIFFERENT


@pytest.mark.verify
def test_a_model_for_so_many_samples_gets_them(check: Check) -> None:
    text = """
import numpy as np
import keras
inputs = keras.Input(batch_shape=(30, 4))
outputs = keras.layers.Lambda(lambda t: t * np.arange(30).reshape(30, 1))(keras.layers.Dense(3)(inputs))
model = keras.Model(inputs, outputs)
model.compile('sgd', 'mse')
model.fit(np.arange(80.).reshape(20, 4) / 80, np.ones((20, 3)), batch_size=30)
"""
    found = check(text, text, steps=2)
    assert found.verdict is Verdict.EQUIVALENT, str(found)
