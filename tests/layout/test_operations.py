"""Array operations: one row for each kind of table row, in a program whose images become channels-last.

``x`` is made as (9, 3, 8, 6) above each body and fed to a channels-first convolution below it.
"""

from __future__ import annotations

import pytest

from kmigrate.plan import Status
from tests.layout.converting import IMAGES, around, convert, statuses

UNCHANGED = [
    "x = x / 255.",
    "x = np.sqrt(x) + 1",
    "x = np.clip(x, 0, 1)",
    "x = x.astype('float32').copy()",
    "x -= x.mean()",
    "x = (x - np.min(x)) / np.max(x)",
    "x = np.maximum(x, 0)",
    "x = np.where(x > 0, x, 0)",
    "labels = np.zeros((9, 4)).mean(axis=1)",
    "print(x.shape[0], len(x))",
    "x = x[1:]",
    "x = x[::2]",
    "x = x[np.random.permutation(9)]",
    "a, b = x[:5], x[5:]",
    "x = np.concatenate([x, x], axis=0)",
    "x = np.vstack([x, x])",
    "x = np.array([image for image in x])",
    "x = np.array([x[0], x[1]])",
    "z = np.zeros_like(x)\nx = x + z",
    "z = np.zeros((2,) + x.shape[1:])",
    "np.random.shuffle(x)",
    "x = np.flip(x)",
    "m = np.linalg.norm(x)",
    "m = np.allclose(x, x[:1])",
    "p = np.pad(x, 1, 'constant')",
    "x = np.append(x, x, 0)",
    "a, b, c = np.split(x, 3)",
    "m = sum([x, x]) / 2",
    "x = np.asarray(x)",
    "mask = np.load('mask.npy')",
    "for i in range(9):\n    x[i] /= 2",
]

CHANGED = [
    # reductions
    ("m = x.mean(axis=1)", "m = x.mean(axis=3)"),
    ("m = x.sum(1)", "m = x.sum(3)"),
    ("m = x.mean(axis=(0, 2, 3), keepdims=True)", "m = x.mean(axis=(0, 1, 2), keepdims=True)"),
    ("m = np.mean(x, axis=-1)", "m = np.mean(x, axis=-2)"),
    ("m = np.max(np.max(x, axis=3), axis=2)", "m = np.max(np.max(x, axis=2), axis=1)"),
    ("m = np.argmax(x, axis=1)", "m = np.argmax(x, axis=3)"),
    # new arrays
    ("z = np.ones((9, 3, 8, 6))\nx = x * z", "z = np.ones((9, 8, 6, 3))\nx = x * z"),
    ("z = np.full((9, 3, 8, 6), .5)\nx = x + z", "z = np.full((9, 8, 6, 3), .5)\nx = x + z"),
    ("z = np.zeros((4,) + x.shape[2:])", "z = np.zeros((4,) + x.shape[1:3])"),
    # random numbers come in memory order: one channel may move in place
    ("x = np.random.rand(9, 3, 8, 6)", "x = np.transpose(np.random.rand(9, 3, 8, 6), (0, 2, 3, 1))"),
    ("x = np.random.uniform(-1, 1, (9, 1, 8, 6)) + x", "x = np.random.uniform(-1, 1, (9, 8, 6, 1)) + x"),
    # axes that come and change places
    ("x = np.expand_dims(x[:, 0], 1) + x", "x = np.expand_dims(x[:, :, :, 0], 3) + x"),
    ("p = x.transpose(0, 2, 3, 1)\nx = p.transpose(0, 3, 1, 2)", "p = x.transpose(0, 2, 3, 1)\nx = p"),
    ("p = np.moveaxis(x, 1, -1)", "p = x"),
    ("p = np.rollaxis(x, 1, 4)", "p = x"),
    ("p = np.swapaxes(x, 1, 3)", "p = np.transpose(x, (0, 2, 1, 3))"),
    ("p = np.squeeze(x[:, :1], axis=1)", "p = np.squeeze(x[:, :, :, :1], axis=3)"),
    # along axes that are named, or one that is not
    ("x = np.flip(x, axis=1)", "x = np.flip(x, axis=3)"),
    ("x = np.flip(x, (2, 3))", "x = np.flip(x, (1, 2))"),
    ("x = np.roll(x, 1, axis=2)", "x = np.roll(x, 1, axis=1)"),
    ("x = np.cumsum(x, axis=-1)", "x = np.cumsum(x, axis=-2)"),
    ("x = np.sort(x)", "x = np.sort(x, axis=2)"),
    ("x = np.repeat(x[:, :1], 3, axis=1)", "x = np.repeat(x[:, :, :, :1], 3, axis=3)"),
    ("x = np.take(x, [2, 1, 0], axis=1)", "x = np.take(x, [2, 1, 0], axis=3)"),
    ("x = np.rot90(x, 2, (2, 3))", "x = np.rot90(x, 2, (1, 2))"),
    ("a, b, c = np.split(x, 3, axis=1)", "a, b, c = np.split(x, 3, axis=3)"),
    ("a, b = np.array_split(x, [4], 2)", "a, b = np.array_split(x, [4], 1)"),
    ("g = np.gradient(x, axis=2)", "g = np.gradient(x, axis=1)"),
    ("q = np.percentile(x, 50, axis=1)", "q = np.percentile(x, 50, axis=3)"),
    ("m = np.linalg.norm(x, axis=1, keepdims=True)", "m = np.linalg.norm(x, axis=3, keepdims=True)"),
    ("x = np.append(x[:, :2], x[:, 2:], axis=1)", "x = np.append(x[:, :, :, :2], x[:, :, :, 2:], axis=3)"),
    # one item for each axis
    (
        "p = np.pad(x, ((0, 0), (0, 0), (1, 2), (3, 4)), 'constant')",
        "p = np.pad(x, ((0, 0), (1, 2), (3, 4), (0, 0)), 'constant')",
    ),
    ("x = np.tile(x[:, :1], (1, 3, 1, 1))", "x = np.tile(x[:, :, :, :1], (1, 1, 1, 3))"),
    # letters for axes
    ("m = np.einsum('nchw->nc', x)", "m = np.einsum('nhwc->nc', x)"),
    # reshapes
    ("x = x.reshape(9, 3, 8, 6)", "x = x.reshape(9, 8, 6, 3)"),
    ("x = np.reshape(x, (-1, 3, 8, 6))", "x = np.reshape(x, (-1, 8, 6, 3))"),
    ("x = x.reshape((9, 3, 48)).reshape((9, 3, 8, 6))", "x = x.reshape((9, 48, 3)).reshape((9, 8, 6, 3))"),
    ("x = x.reshape(9, 144).reshape(9, 3, 8, 6)", "x = x.reshape(9, 144).reshape(9, 8, 6, 3)"),
    # joining
    (
        "x = np.concatenate((x[:, 1:], x[:, :1]), axis=1)",
        "x = np.concatenate((x[:, :, :, 1:], x[:, :, :, :1]), axis=3)",
    ),
    # indexing
    ("r = x[:, 0]", "r = x[:, :, :, 0]"),
    ("r = x[:, 0, :, :]", "r = x[:, :, :, 0]"),
    ("x[:, 1] = 0", "x[:, :, :, 1] = 0"),
    ("x[:, 1, 2:4] = 1", "x[:, 2:4, :, 1] = 1"),
    ("x[0, 2, 3, 4] = 5", "x[0, 3, 4, 2] = 5"),
    ("x = x[:, ::-1]", "x = x[:, :, :, ::-1]"),
    ("x = x[:, :, ::-1]", "x = x[:, ::-1, :, :]"),
    ("x = x[..., ::-1]", "x = x[:, :, ::-1, :]"),
    # shapes
    ("n, c, h, w = x.shape", "n, h, w, c = x.shape"),
    ("h, w = x.shape[2:]", "h, w = x.shape[1:3]"),
    ("h, w = x.shape[-2:]", "h, w = x.shape[1:3]"),
    ("c = x.shape[1]", "c = x.shape[3]"),
    ("c = x.shape[-3]", "c = x.shape[-1]"),
    # loops
    ("for c in range(3):\n    x[:, c] -= c", "for c in range(3):\n    x[:, :, :, c] -= c"),
    ("for image in x:\n    image[0] = 1", "for image in x:\n    image[:, :, 0] = 1"),
    # broadcasting
    (
        "x = x - np.array([1., 2., 3.]).reshape((1, 3, 1, 1))",
        "x = x - np.array([1., 2., 3.]).reshape((1, 1, 1, 3))",
    ),
    ("x = x - np.array([1., 2., 3.])[:, None, None]", "x = x - np.array([1., 2., 3.])[None, None, :]"),
    ("x = x * np.ones((3, 8, 6))", "x = x * np.ones((8, 6, 3))"),
    ("x = x * np.ones((1, 1, 8, 6))", "x = x * np.ones((1, 8, 6, 1))"),
]

# What is not understood, or works on the right-most axes by position: the transpose follows it.
FOLLOWED = [
    "x * np.linspace(0, 1, 6)",
    "x * np.ones((8, 6))",
    "x - np.array([[[1.]], [[2.]], [[3.]]])",
    "np.dot(x, np.eye(6))",
    "np.dot(x, np.ones((6, 6)))",
    "np.fliplr(x)",
    "np.hstack([x[:, 2:], x[:, :2]])",
    "np.array(x, ndmin=5)[0]",
    "np.einsum('nchw,wv', x, np.ones((6, 6)))",
    "x @ np.eye(6)",
    "np.apply_along_axis(np.cumsum, 1, x)",
]


@pytest.mark.parametrize("body", UNCHANGED, ids=UNCHANGED)
def test_no_line_changes(body: str) -> None:
    new, plan = around(body, IMAGES)
    assert new == body
    assert statuses(plan) == [Status.DONE]


@pytest.mark.parametrize(("before", "after"), CHANGED, ids=[before for before, _ in CHANGED])
def test_the_same_axes_are_meant(before: str, after: str) -> None:
    new, plan = around(before, IMAGES)
    assert new == after
    assert plan.diagnostics == []


@pytest.mark.parametrize("expression", FOLLOWED, ids=FOLLOWED)
def test_what_works_by_position_stays(expression: str) -> None:
    new, plan = around(f"x = {expression}", IMAGES)
    assert new == f"x = np.transpose({expression}, (0, 2, 3, 1))"
    assert statuses(plan) == [Status.BORDERS]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("f = np.where(x[0] > .5)\nprint(f[0].sum())", id="where gives indices"),
        pytest.param("np.add(x, np.arange(6), out=x)", id="out"),
        pytest.param("z = np.zeros((9, 3, 8, 6))\nnp.clip(x, 0, 1, z)\nx = z", id="out by position"),
        pytest.param("x.sort()", id="in place"),
        pytest.param("x.fill(2)", id="in place on all"),
        pytest.param("x.shape = (9, 3, 48)\nx.shape = (9, 3, 8, 6)", id="a shape that is set"),
        pytest.param("print(np.argmax(x))", id="a position in memory"),
        pytest.param("print(x.tobytes())", id="bytes"),
        pytest.param("f = x.reshape(9 * 3, 8, 6)\nnp.save('f.npy', f)", id="merged axes"),
        pytest.param("i = [2, 1, 0]\nx[:, i] = 0", id="a list of channels"),
        pytest.param("m = np.average(x, 1, np.arange(6) + np.zeros((9, 3, 8, 6)))", id="weights"),
        pytest.param("m = np.sum(x, axis=1, where=np.arange(6) > 2)", id="where"),
        pytest.param("f = x.flatten('F')\nnp.save('f.npy', f)", id="columns first"),
        pytest.param("f = np.reshape(x, (9, 3, 48), order='F')\nnp.save('f.npy', f)", id="reshape, columns first"),
        pytest.param("m = np.squeeze(x[k:]).mean(axis=1)\nnp.save('m.npy', m)", id="axes that may go"),
        pytest.param("f = np.cumsum(x)\nnp.save('f.npy', f)", id="in memory order"),
        pytest.param("p = ((0, 0), (1, 0), (0, 0), (0, 0))\nz = np.pad(x, p, 'constant')", id="pads elsewhere"),
    ],
)
def test_lines_that_cannot_be_rewritten_keep_their_array(body: str) -> None:
    """The array stays as it is there, and is transposed once behind, or nothing is converted."""
    new, plan = around(body, IMAGES)
    assert body in new or new == body
    assert Status.DONE not in statuses(plan)


@pytest.mark.parametrize(("version", "left"), [("1.2.2", True), ("2.1.3", False)])
def test_kernels_of_backend_convolutions_lie_like_the_maps_in_keras_1(version: str, left: bool) -> None:
    """See docs/facts.md, 4."""
    text = (
        "import numpy as np\nfrom keras import backend as K\n"
        "from keras.layers import GlobalAveragePooling2D, Input, Lambda\nfrom keras.models import Model\n"
        "i = Input((3, 8, 6))\nt = Lambda(lambda t: K.conv2d(t, K.ones((3, 3, 3, 3))))(i)\n"
        "model = Model(i, GlobalAveragePooling2D()(t))\nmodel.predict(np.zeros((9, 3, 8, 6)))\n"
    )
    new, _ = convert(text, source_keras=version, ordering="th")
    assert (new == text) is left
