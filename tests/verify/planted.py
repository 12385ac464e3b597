"""Small pairs of programs that are equivalent, each with mistakes that change no shape.

The first mistake of each pair is made with all seeds, the others with a few. Images are square, there are as many
channels as rows, and as many filters (so that Keras 3 adds biases along the width, which verification corrects).
Data are drawn from numpy's generator, so each seed has its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field

_HEAD = """
import keras
import numpy as np
from keras import layers

x = np.random.normal(size=(4, 4, 4, 4)) + np.arange(4).reshape((4, 1, 1))  # images
"""
_CLASSES = "y = np.eye(3)[np.random.permutation([0, 1, 2, 0])]\n"
_PREDICT = "model.predict(x, verbose=0)\n"
_KEEP = 'model.save_weights("w.weights.h5")\n'  # else rows of a Dense layer may be in another order
_COMPILE = 'model.compile("sgd", "categorical_crossentropy")\n'
_TRAIN = f"""
{_COMPILE}
model.train_on_batch(x, y)
model.train_on_batch(x, y)
"""
_SETTING = ("channels_first", "channels_last")
_IMAGES = ("# images", "\nx = np.transpose(x, (0, 2, 3, 1))")


@dataclass(frozen=True)
class Pair:
    """A program, the replacements that convert it, and those that then plant a mistake each."""

    before: str
    edits: tuple[tuple[str, str], ...]
    mistakes: dict[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def after(self) -> str:
        """The program converted."""
        return _replaced(self.before, *self.edits)

    def planted(self, mistake: str) -> str:
        """The program converted with one mistake."""
        return _replaced(self.after, self.mistakes[mistake])


def _replaced(text: str, *edits: tuple[str, str]) -> str:
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new)
    return text


def _sequential(*lines: str, head: str = "", tail: str = _PREDICT) -> str:
    body = "".join(f"    {line},\n" for line in lines)
    return f"{_HEAD}{_CLASSES}{head}\nmodel = keras.Sequential([\n    keras.Input((4, 4, 4)),\n{body}])\n{tail}"


_CONV = 'layers.Conv2D(4, 3, padding="same", activation="tanh", data_format="channels_first")'
_POOLED = 'layers.GlobalAveragePooling2D(data_format="channels_first")'
_DENSE = 'layers.Dense(3, activation="softmax")'
_FLATTEN = ("layers.Flatten()", "layers.Permute((3, 1, 2)), layers.Flatten()")

PAIRS = {
    "flatten": Pair(
        _sequential(_CONV, "layers.Flatten()", _DENSE, tail=_PREDICT + _KEEP),
        (_SETTING, _IMAGES, _FLATTEN),
        {
            "no Permute before Flatten": ("layers.Permute((3, 1, 2)), ", ""),
            "Permute of the wrong axes": ("Permute((3, 1, 2))", "Permute((3, 2, 1))"),
        },
    ),
    "normalisation": Pair(
        _sequential(_CONV, "layers.BatchNormalization(axis=1)", _POOLED, _DENSE, tail=_TRAIN),
        (_SETTING, _IMAGES, ("axis=1", "axis=3")),
        {
            "BatchNormalization on another axis": ("axis=3", "axis=1"),
            "another epsilon": ("axis=3", "axis=3, epsilon=1e-5"),
            "another momentum": ("axis=3", "axis=3, momentum=0.9"),
        },
    ),
    "concatenation": Pair(
        f"""{_HEAD}{_CLASSES}
inputs = keras.Input((4, 4, 4))
a = {_CONV}(inputs)
a = layers.Concatenate(axis=1)([a, inputs])
a = layers.Flatten()(a)
model = keras.Model(inputs, {_DENSE}(a))
{_PREDICT}{_KEEP}""",
        (_SETTING, _IMAGES, ("Flatten()(a)", "Flatten()(layers.Permute((3, 1, 2))(a))"), ("axis=1", "axis=3")),
        {"concatenation on another axis": ("axis=3", "axis=1"), "operands swapped": ("[a, inputs]", "[inputs, a]")},
    ),
    "pooling": Pair(
        _sequential('layers.MaxPooling2D(2, data_format="channels_first")', "layers.Flatten()", _DENSE),
        (_SETTING, _IMAGES, _FLATTEN),
        {"pooling on the wrong axes": ("channels_last", "channels_first")},
    ),
    "transposed data": Pair(
        _sequential(_CONV, _POOLED, _DENSE),
        (_SETTING, _IMAGES),
        {
            "reshaped, not transposed": ("np.transpose(x, (0, 2, 3, 1))", "np.reshape(x, (4, 4, 4, 4))"),
            "height and width swapped": ("(0, 2, 3, 1)", "(0, 3, 2, 1)"),
        },
    ),
    "channel mean": Pair(
        _sequential(_CONV, _POOLED, _DENSE, head="x -= x.mean(axis=(0, 2, 3), keepdims=True)\n"),
        (_SETTING, _IMAGES, ("axis=(0, 2, 3)", "axis=(0, 1, 2)")),
        {"channel mean on the wrong axes": ("axis=(0, 1, 2)", "axis=(0, 2, 3)")},
    ),
    "broadcast mean": Pair(
        _sequential(_CONV, _POOLED, _DENSE, head="x -= np.array([1.0, 2.0, 3.0, 5.0]).reshape((4, 1, 1))\n"),
        (_SETTING, _IMAGES, ("5.0]).reshape((4, 1, 1))", "5.0]).reshape((1, 1, 4))")),
        {"mean along the height": ("5.0]).reshape((1, 1, 4))", "5.0]).reshape((4, 1, 1))")},
    ),
    "RGB to BGR": Pair(
        _sequential(_CONV, _POOLED, _DENSE, head="x = x[:, ::-1]\n"),
        (_SETTING, _IMAGES, ("x[:, ::-1]", "x[:, :, :, ::-1]")),
        {"rows reversed, not channels": ("x[:, :, :, ::-1]", "x[:, ::-1]")},
    ),
    "segmentation": Pair(
        f"""{_HEAD}
y = np.zeros((4, 4, 4, 4))
classes = np.random.randint(0, 4, size=(4, 4, 4))
for k in range(4):
    y[:, k] = classes == k
# labels
model = keras.Sequential([
    keras.Input((4, 4, 4)),
    layers.Conv2D(4, 3, padding="same", data_format="channels_first"),
    layers.Softmax(axis=1),
])
model.compile("sgd", "mse")
model.fit(x, y, verbose=0)
model.predict(x, verbose=0)
""",
        (_SETTING, _IMAGES, ("# labels", "y = y.transpose(0, 2, 3, 1)"), ("Softmax(axis=1)", "Softmax(axis=3)")),
        {
            "softmax on another axis": ("Softmax(axis=3)", "Softmax(axis=1)"),
            "labels reshaped, not transposed": ("y.transpose(0, 2, 3, 1)", "y.reshape(4, 4, 4, 4)"),
        },
    ),
    "validation data": Pair(
        _sequential(
            _CONV, _POOLED, _DENSE, head="val = x * 2  # val\n",
            tail=_COMPILE + "model.fit(x, y, verbose=0, validation_data=(val, y))\n",
        ),
        (_SETTING, ("val = x", "val = np.transpose(x, (0, 2, 3, 1))"), ("# val", "\nx = x.transpose(0, 2, 3, 1)")),
        {"no transpose of the validation data": ("np.transpose(x, (0, 2, 3, 1))", "x")},
    ),
    "activations": Pair(
        _sequential(
            'layers.Conv2D(4, 3, padding="same", strides=2, data_format="channels_first")',
            "layers.LeakyReLU(negative_slope=0.2)", _POOLED, _DENSE,
        ),
        (_SETTING, _IMAGES),
        {
            "slope lost": ("layers.LeakyReLU(negative_slope=0.2)", "layers.ReLU()"),
            "slope changed": ("negative_slope=0.2", "negative_slope=0.21"),
            "padding changed": (
                'layers.Conv2D(4, 3, padding="same",',
                'layers.ZeroPadding2D(1, data_format="channels_last"), layers.Conv2D(4, 3, padding="valid",',
            ),
        },
    ),
    "padding": Pair(
        _sequential(
            'layers.ZeroPadding2D(((1, 0), (0, 1)), data_format="channels_first")', "layers.PReLU(shared_axes=[2, 3])",
            'layers.Conv2D(4, 2, data_format="channels_first")', "layers.Flatten()", _DENSE,
        ),
        (_SETTING, _IMAGES, _FLATTEN, ("shared_axes=[2, 3]", "shared_axes=[1, 2]")),
        {"paddings swapped": ("((1, 0), (0, 1))", "((0, 1), (1, 0))")},
    ),
    "generator": Pair(
        """
import keras
import numpy as np
from keras import layers

z = np.random.normal(size=(4, 5))
net = keras.Sequential([
    keras.Input((5,)),
    layers.Dense(4 * 4 * 4, activation="tanh"),
    layers.Reshape((4, 4, 4)),
    layers.Conv2D(4, 3, padding="same", data_format="channels_first"),
])
np.save("images.npy", net.predict(z, verbose=0))
""",
        (
            _SETTING,
            ("Reshape((4, 4, 4))", "Reshape((4, 4, 4)), layers.Permute((2, 3, 1))"),
            ("net.predict(z, verbose=0)", "net.predict(z, verbose=0).transpose(0, 3, 1, 2)"),
        ),
        {
            "reshaped, not permuted": (", layers.Permute((2, 3, 1))", ""),
            "saved in another layout": (".transpose(0, 3, 1, 2)", ""),
        },
    ),
}  # fmt: skip
