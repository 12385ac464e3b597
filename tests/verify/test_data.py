"""What a script asks for and does not find is made up: small, never constant, and of a shape that its model takes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from kmigrate.verify import Certificate, Verdict
from kmigrate.verify.child.data import Data, function, ramped
from kmigrate.verify.child.images import Picture, gray, resized

Check = Callable[..., Certificate]

MODEL = """
import os, glob, pickle
import numpy as np
import keras
from keras import layers
model = keras.Sequential([
    keras.Input((12, 16, 3)), layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(4, activation='softmax')])
model.compile('sgd', '{loss}')
"""
SPARSE = MODEL.format(loss="sparse_categorical_crossentropy")
PROGRAMS = {
    "pictures": SPARSE
    + """
import cv2
from PIL import Image
from matplotlib import pyplot as plt
a = cv2.cvtColor(cv2.resize(cv2.imread('in/cat.jpg'), (16, 12)), cv2.COLOR_BGR2RGB)
b = np.array(Image.open('dog.png').convert('RGB').resize((16, 12)))
c = [np.array(Image.open(os.path.join('imgs', name)).resize((16, 12))) for name in sorted(os.listdir('imgs'))]
d = [cv2.resize(cv2.imread(name), (16, 12)) for name in glob.glob('more/*.jpg')]
assert len(c) > 2 and len(d) > 2 and all(os.path.exists(name) for name in glob.glob('more/*.jpg'))
plt.imshow(a); plt.show(); cv2.imshow('a', a); cv2.waitKey(0)
model.fit(np.stack([a, b] + c + d) / 255., np.arange(len(c + d) + 2) % 4)
""",
    "arrays": SPARSE
    + """
import h5py, scipy.io
with open('labels.pkl', 'rb') as file:
    y = pickle.load(file)
model.fit(np.load('x_train.npy') / 255., y)
model.predict(h5py.File('more.h5', 'r')['images'])
model.predict(scipy.io.loadmat('more.mat')['X'])
model.predict(np.load('all.npz')['x'])
""",
    "folders": MODEL.format(loss="categorical_crossentropy")
    + """
from keras.preprocessing.image import img_to_array, load_img
from keras.src.legacy.preprocessing.image import ImageDataGenerator
flow = ImageDataGenerator(rescale=1. / 255).flow_from_directory('data/train', target_size=(12, 16), batch_size=5)
model.fit(flow, steps_per_epoch=flow.samples // 5)
model.predict(img_to_array(load_img('x.jpg', target_size=(12, 16)))[np.newaxis])
""",
}


@pytest.mark.verify
@pytest.mark.parametrize("name", PROGRAMS)
def test_missing_data_are_made_up(name: str, check: Check) -> None:
    found = check(PROGRAMS[name], PROGRAMS[name])
    assert found.verdict is Verdict.EQUIVALENT, str(found)
    flipped = PROGRAMS[name].replace(
        "keras.Input((12, 16, 3)),", "keras.Input((12, 16, 3)), layers.Lambda(lambda t: t[:, :, :, ::-1]),"
    )
    assert check(PROGRAMS[name], flipped).verdict is Verdict.DIFFERENT


@pytest.mark.verify
def test_the_user_may_give_the_data(check: Check, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("import numpy as np\ndef data(name): return np.arange(12.).reshape(3, 4)\n")
    text = """
import keras, numpy as np
x = np.load('far/away.npy')
assert x.shape == (3, 4) and x[2, 3] == 11
keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)]).predict(x)
"""
    found = check(text, text, own_data=("mine.py:data", str(tmp_path)))
    assert found.verdict is Verdict.EQUIVALENT, str(found)
    assert any("--data" in note for note in found.notes)


@pytest.mark.verify
def test_tests_are_called(check: Check) -> None:
    text = """
import keras, numpy as np, pytest

@pytest.mark.parametrize('units', [3, 5])
def test_net(units):
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(units)]).predict(np.ones((2, 4)))
    assert units == 3
"""
    assert len(check(text, text).models) == 2
    assert len(check(text, text + "\nif __name__ == '__main__':\n    pytest.main([__file__])\n").models) == 2


@pytest.mark.verify
def test_what_a_module_offers_is_fed(check: Check) -> None:
    text = """
from keras import Sequential, layers, Input

def get_model(units=3):
    return Sequential([Input((3, 8, 9)), layers.Conv2D(units, 3, data_format='channels_first')])

def other(units):
    raise ValueError
"""
    found = check(text, text.replace("(3, 8, 9)", "(8, 9, 3)").replace("first", "last"))
    assert found.verdict is Verdict.EQUIVALENT, str(found)
    assert len(found.models) == 1
    assert check(text, text.replace("units, 3,", "units, 3, dilation_rate=(1, 2),")).verdict is not Verdict.EQUIVALENT


def test_made_up_values_tell_axes_and_directions_apart() -> None:
    values = ramped(np.random.default_rng(0), (16, 3, 8, 8))
    means = [values.mean(axis=tuple(a for a in range(4) if a != axis)) for axis in (1, 2, 3)]
    assert all(mean[-1] - mean[0] > 0.05 for mean in means)
    assert Data(0).array("x.npy").min() < 0 < Data(0).array("x.npy").max()
    assert np.array_equal(Data(0).array("x.npy"), Data(0).array("x.npy"))
    assert not np.array_equal(Data(0).array("x.npy"), Data(0).array("y.npy"))


def test_pictures_have_the_sizes_that_the_libraries_give() -> None:
    picture = Picture(Data(0).picture("a.png"))
    assert picture.size == (np.asarray(picture).shape[1], np.asarray(picture).shape[0])
    assert np.asarray(picture.resize((16, 12))).shape == (12, 16, 3)
    assert np.asarray(picture.convert("L")).shape == np.asarray(picture).shape[:2]
    assert resized(np.arange(12).reshape(3, 4), 6, 8)[::2, ::2].tolist() == np.arange(12).reshape(3, 4).tolist()
    assert gray(np.full((2, 2, 3), 200, "uint8")).shape == (2, 2)


def test_a_function_of_a_file_or_a_module(tmp_path: Path) -> None:
    (tmp_path / "given_data.py").write_text("def f(name): return name + '!'\n")
    assert function("given_data.py:f", str(tmp_path))("a") == "a!"
    assert function("given_data:f", str(tmp_path))("b") == "b!"
