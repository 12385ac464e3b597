"""Generators of images, which follow the setting or say their own layout."""

from __future__ import annotations

import pytest

from kmigrate.plan import Status
from tests.layout.converting import convert, statuses

PROGRAM = """\
import numpy as np
from keras import backend as K
from keras.layers import Conv2D, GlobalAveragePooling2D
from keras.models import Sequential
from keras.preprocessing.image import ImageDataGenerator
K.set_image_data_format('channels_first')
model = Sequential()
model.add(Conv2D(4, (3, 3), input_shape=(3, 8, 6)))
model.add(GlobalAveragePooling2D())
model.compile('sgd', 'mse')
images = ImageDataGenerator({arguments})
model.fit_generator(images.flow(np.zeros((9, 3, 8, 6)), np.zeros((9, 4))), 3)
"""


@pytest.mark.parametrize("arguments", ["", "horizontal_flip=True", "preprocessing_function=None"])
def test_images_of_a_generator_follow_the_setting(arguments: str) -> None:
    text = PROGRAM.format(arguments=arguments)
    new, plan = convert(text, source_keras="2.1.3")
    wanted = {"channels_first": "channels_last", "(3, 8, 6)": "(8, 6, 3)", "(9, 3, 8, 6)": "(9, 8, 6, 3)"}
    for old, last in wanted.items():
        text = text.replace(old, last)
    assert (new, statuses(plan)) == (text, [Status.DONE])


def test_a_generator_says_its_own_layout() -> None:
    text = PROGRAM.format(arguments="data_format='channels_first'")
    new, plan = convert(text, source_keras="2.1.3")
    assert "ImageDataGenerator(data_format='channels_last')" in new
    assert statuses(plan) == [Status.DONE]


def test_a_function_that_sees_the_images_keeps_their_layout() -> None:
    """It is called with one image of a batch, where no transpose can stand."""
    text = PROGRAM.format(arguments="preprocessing_function=lambda image: image[::-1]")
    new, plan = convert(text, source_keras="2.1.3")
    assert (new, statuses(plan)) == (text, [Status.LEFT_ALONE])
