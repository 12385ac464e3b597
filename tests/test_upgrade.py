"""`--target keras3`: layout first, then Keras 3; a file as a whole or not at all."""

from __future__ import annotations

import ast
import textwrap
from pathlib import Path

import pytest

from kmigrate import pipeline
from kmigrate.discovery import Candidate
from kmigrate.options import Options
from kmigrate.pipeline import Result

KERAS3 = Options(target="keras3")


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No project around the files."""
    monkeypatch.chdir(tmp_path)


def upgraded(source: str, options: Options = KERAS3) -> Result:
    (result,) = pipeline.convert([Candidate("a.py", textwrap.dedent(source).encode())], options)
    if result.new is not None:
        ast.parse(result.new_text or "")
        (again,) = pipeline.convert([Candidate("a.py", result.new.raw)], options)
        assert again.new is None, "a second run changes something"
    return result


def said(result: Result, code: str) -> list[tuple[int, str]]:
    return [(d.line, d.message) for d in result.diagnostics if d.code == code]


MNIST = """\
    import numpy as np
    from keras.models import Sequential
    from keras.layers.core import Activation, Dense, Flatten
    from keras.layers.convolutional import Convolution2D

    images = np.zeros((8, 1, 28, 28))
    model = Sequential()
    model.add(Convolution2D(8, 3, 3, input_shape=(1, 28, 28)))
    model.add(Flatten())
    model.add(Dense(10, init='uniform'))
    model.compile('sgd', 'mse')
    model.fit(images, np.zeros((8, 10)), nb_epoch=3)
"""


def test_a_program_gets_its_layout_and_then_keras_3() -> None:
    result = upgraded(MNIST)
    assert result.new_text == textwrap.dedent("""\
        import numpy as np
        from keras.models import Sequential
        from keras.layers import Activation, Dense, Flatten
        from keras.layers import Conv2D

        images = np.zeros((8, 28, 28, 1))
        model = Sequential()
        model.add(Conv2D(8, (3, 3), input_shape=(28, 28, 1), data_format='channels_last'))
        model.add(Flatten())
        model.add(Dense(10, kernel_initializer='random_uniform'))
        model.compile('sgd', 'mse')
        model.fit(images, np.zeros((8, 10)), epochs=3)
    """)
    assert result.ported
    assert [(a.what, a.value) for a in result.plan.assumptions] == [
        ("ordering", "th"),
        ("source-keras", "Keras 1.2.2"),
    ]


def test_the_default_target_leaves_the_version() -> None:
    result = upgraded(MNIST, Options())
    assert "Convolution2D(8, 3, 3" in (result.new_text or "") and not result.ported


def test_a_model_that_stays_channels_first_says_so_once() -> None:
    source = MNIST.replace("model.add(Flatten())", "model.add(Dense(4))\n    model.add(Flatten())")
    text = upgraded(source).new_text or ""
    assert text.count("set_image_data_format('channels_first')") == 1
    assert "Flatten(data_format='channels_last')" in text  # of Keras 1, which did not move the channels


def test_a_program_for_keras_3_stays_as_it_is() -> None:
    """Defaults that are pinned for older versions are its own here."""
    source = """
        import keras
        model = keras.Sequential([keras.layers.Dense(3), keras.layers.LSTM(4), keras.layers.LeakyReLU(alpha=0.1)])
        model.compile(keras.optimizers.RMSprop(learning_rate=0.1, momentum=0.9), 'mse')
        model.fit(x, y, callbacks=[keras.callbacks.EarlyStopping(patience=3)])
    """
    assert upgraded(source).new is None


@pytest.mark.parametrize(
    ("line", "old"),
    [
        ("keras.optimizers.SGD(lr=0.1)", True),
        ("keras.utils.np_utils.to_categorical(y)", True),
        ("keras.layers.Dense(8, init='zero')", True),
        ("keras.backend.mean(x)", True),
        ("model.fit_generator(g, epochs=3)", True),
        ("keras.optimizers.SGD(0.1)", False),
        ("keras.utils.to_categorical(y)", False),
        ("keras.layers.Conv2D(8, (3, 3))", False),
        ("keras.layers.Convolution2D(8, (3, 3))", False),
        ("keras.backend.floatx()", False),
        ("model.fit(g, epochs=3)", False),
    ],
)
def test_what_shows_that_a_file_is_not_for_keras_3(line: str, old: bool) -> None:
    source = f"import keras\nmodel = keras.Sequential([keras.layers.GRU(3)])\n{line}\n"
    result = upgraded(source)
    assert ("reset_after=False" in (result.new_text or "")) == old


def test_the_user_may_say_that_it_is_old() -> None:
    source = "import keras\nkeras.layers.GRU(3)\n"
    assert upgraded(source).new is None
    result = pipeline.convert([Candidate("a.py", source.encode())], Options(target="keras3", source_keras="2.2"))[0]
    assert "reset_after=False" in (result.new_text or "")


def test_a_file_is_ported_as_a_whole_or_not_at_all() -> None:
    source = MNIST + "    from keras.layers import Highway\n    Highway()\n"
    result = upgraded(source)
    assert "Convolution2D(8, 3, 3, input_shape=(28, 28, 1)" in (result.new_text or "")
    assert not result.ported
    assert said(result, "KM910") == [(14, "Keras 3 has no Highway layer")]


def test_what_differs_is_said_at_the_line_of_the_old_file() -> None:
    source = MNIST.replace("'sgd'", "'rmsprop'").replace("Flatten())", "Flatten())\n    model.add(Activation('relu'))")
    result = upgraded(source, Options(target="keras3", flatten="permute"))
    ((line, message),) = said(result, "KM351")
    assert textwrap.dedent(source).splitlines()[line - 1] == "model.compile('rmsprop', 'mse')"
    assert "epsilon inside the square root" in message
    exact = upgraded(source, Options(target="keras3", numerics="exact"))
    assert said(exact, "KM351") == []
    assert "class Keras1RMSprop(keras.optimizers.RMSprop):" in (exact.new_text or "")


def test_what_depends_on_the_version_is_said() -> None:
    source = MNIST + "    from keras.callbacks import EarlyStopping\n    EarlyStopping(patience=2)\n"
    result = upgraded(source, Options(target="keras3", source_keras="2"))
    ((line, message),) = [one for one in said(result, "KM352") if one[0] == 14]
    assert "Keras 2.0.0" in message and "--source-keras" in message
    assert line == 14
    exactly = upgraded(source, Options(target="keras3", source_keras="2.2.4"))
    assert said(exactly, "KM352") == []


def test_what_is_no_keras_stays() -> None:
    source = """
        from keras.models import Sequential
        from keras.layers.core import Dense
        from sklearn.linear_model import LogisticRegression
        import lasagne.layers

        class Model(object):
            def fit(self, x, nb_epoch): pass

        def conv(Convolution2D):
            return Convolution2D(8, 3, 3)

        net = Sequential([Dense(3, init='zero')])
        model = LogisticRegression(C=1.0)
        model.fit(x, y)
        own_model = Model()
        own_model.fit(x, nb_epoch=3)
        Model(input=1, output=2)
        lasagne.layers.DenseLayer(net, nb_filter=3)
    """
    before = textwrap.dedent(source).splitlines()
    after = (upgraded(source).new_text or "").splitlines()
    changed = [line for line in before if line not in after]
    assert changed == ["from keras.layers.core import Dense", "net = Sequential([Dense(3, init='zero')])"]


def test_rules_of_the_port_go_together() -> None:
    assert not upgraded(MNIST, Options(target="keras3", ignore=("KM302",))).ported
    assert not upgraded(MNIST, Options(target="keras3", select=("KM1",))).ported
    assert upgraded(MNIST, Options(target="keras3", select=("KM3",))).ported


def test_where_the_ordering_is_asked_for_nothing_is_ported() -> None:
    source = """
        from keras.models import Sequential
        from keras.layers import Convolution2D
        model = Sequential([Convolution2D(8, 3, 3, input_shape=(p, q, r))])
    """
    result = upgraded(source)
    assert said(result, "KM903") and result.new is None
