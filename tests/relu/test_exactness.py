"""The table of the documentation of `fast_relu`: how exact each form is, against what the tool makes of it.

Forms are converted by the tool, run in TensorFlow on arrays that hypothesis draws, and compared in four
number formats, with their gradients. Each row says where a form may differ at all.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any, NamedTuple

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from kmigrate.keras_api.versions import LATEST, VersionRange
from kmigrate.options import Options
from kmigrate.relu.forms import Exactness
from kmigrate.relu.module import REASONS
from tests.relu.test_finder import fast, found

pytestmark = pytest.mark.verify
HEADER = """\
import tensorflow as tf
from keras import ops
from tf_keras import backend as K
from tf_keras.backend import maximum
"""
DTYPES = ("float16", "bfloat16", "float32", "float64")
#: What forms that round differently may differ by, relative to the input; float64 has a slope in float32.
ROUNDING = {"float16": 2**-8, "bfloat16": 2**-5, "float32": 2**-21, "float64": 2**-21}
KINK, SIX, INFINITY = (0.0,), (6.0,), (math.inf, -math.inf)
UNSAFE = Options(unsafe_fixes=True)
TODAY = VersionRange((2, 4, 0), LATEST)


class Row(NamedTuple):
    """A form with the slope ``A``, and at which inputs its value and gradient may differ."""

    form: str
    exactness: Exactness
    values: tuple[float, ...] = ()
    gradients: tuple[float, ...] = ()
    nan: bool = False  # may the value or gradient at nan differ?


EQUAL, AT_ZERO, AT_CLIP, ROUNDED = Exactness.EQUAL, Exactness.AT_ZERO, Exactness.AT_CLIP, Exactness.ROUNDING
ROWS = [
    # slope zero
    Row("tf.nn.relu(x) - 0. * tf.nn.relu(-x)", EQUAL, (-math.inf,), (-math.inf,)),
    Row("ops.relu(x) - 0. * ops.relu(-x)", EQUAL, (-math.inf,), (-math.inf,)),
    Row("K.relu(x, alpha=0.)", EQUAL),
    Row("tf.nn.leaky_relu(x, alpha=0.)", EQUAL, INFINITY, INFINITY, nan=True),
    Row("ops.leaky_relu(x, 0.)", EQUAL, INFINITY, INFINITY, nan=True),
    Row("tf.where(x > 0, x, tf.zeros_like(x))", EQUAL, nan=True),
    Row("tf.maximum(x, 0.)", AT_ZERO, (), KINK, nan=True),
    Row("tf.maximum(0., x)", AT_ZERO, (), KINK, nan=True),
    Row("K.maximum(x, 0.)", AT_ZERO, (), KINK, nan=True),
    Row("ops.maximum(x, 0.)", AT_ZERO, (), KINK, nan=True),
    Row("0.5 * (x + tf.abs(x))", AT_ZERO, INFINITY, (*KINK, *INFINITY), nan=True),
    Row("K.abs(x) / 2 + x / 2", AT_ZERO, INFINITY, (*KINK, *INFINITY), nan=True),
    # a slope
    Row("tf.nn.relu(x) - A * tf.nn.relu(-x)", AT_ZERO, (), KINK, nan=True),
    Row("-A * K.relu(-x) + K.relu(x)", AT_ZERO, (), KINK, nan=True),
    Row("ops.relu(x) - A * ops.relu(-x)", AT_ZERO, (), KINK, nan=True),
    Row("tf.nn.relu(x) - tf.nn.relu(-x) / 8", AT_ZERO, (), KINK, nan=True),
    Row("tf.maximum(A * x, x)", AT_ZERO, (), (*KINK, *INFINITY), nan=True),
    Row("tf.maximum(x, x * A)", AT_ZERO, (), (*KINK, *INFINITY), nan=True),
    Row("maximum(A * x, x)", AT_ZERO, (), (*KINK, *INFINITY), nan=True),
    Row("ops.maximum(x / 4, x)", AT_ZERO, (), (*KINK, *INFINITY), nan=True),
    Row("tf.where(x > 0, x, A * x)", EQUAL, nan=True),
    Row("ops.where(x <= 0, A * x, x)", EQUAL, nan=True),
    Row("tf.where(x >= 0, x, A * x)", AT_ZERO, (), KINK, nan=True),
    Row("ops.where(x < 0, A * x, x)", AT_ZERO, (), KINK, nan=True),
    Row(".5 * (1 + A) * x + .5 * (1 - A) * tf.abs(x)", ROUNDED, INFINITY, (*KINK, *INFINITY), nan=True),
    Row("((1 + A) * x + (1 - A) * K.abs(x)) / 2", ROUNDED, INFINITY, (*KINK, *INFINITY), nan=True),
    Row("tf.nn.relu(x) - tf.nn.relu(-x) / 5.5", ROUNDED, (), KINK, nan=True),
    # a maximum
    Row("tf.clip_by_value(tf.nn.relu(x), 0., 4.)", EQUAL, nan=True),
    Row("K.clip(K.relu(x), 0., 4.)", EQUAL, nan=True),
    Row("ops.clip(ops.relu(x), 0, 4)", EQUAL, nan=True),
    Row("tf.clip_by_value(tf.nn.relu(x), 0., 6.)", AT_CLIP, (), SIX, nan=True),
    Row("tf.minimum(tf.nn.relu(x), 6.)", AT_CLIP, (), SIX, nan=True),
    Row("tf.clip_by_value(x, 0., 6.)", AT_CLIP, (), (*KINK, *SIX), nan=True),
    Row("ops.minimum(ops.relu(x), 6)", AT_CLIP, (), SIX, nan=True),
    Row("K.clip(K.relu(x), 0., 4.) - A * K.relu(-x)", AT_ZERO, (), KINK, nan=True),
    Row("tf.minimum(tf.nn.relu(x), 6.) - A * tf.nn.relu(-x)", AT_ZERO, (), KINK, nan=True),
    Row("K.relu(x, alpha=A, max_value=4.)", AT_ZERO, (), KINK, nan=True),
]
SPECIAL = (0.0, -0.0, 4.0, 6.0, 1.0, -1.0, math.inf, -math.inf, math.nan)
floats = st.floats(-64, 64, width=16, allow_subnormal=False)
drawn = st.lists(floats.map(lambda v: v if v == 0 or abs(v) >= 2**-9 else 2**-9), min_size=23, max_size=23)


@cache
def converted(form: str, options: Options) -> str:
    """What the tool makes of a form, as an expression."""
    after = fast(f"{HEADER}A = 0.1\ny = {form}\n", options, TODAY).splitlines()
    return after[-1].removeprefix("y = ")


@cache
def names() -> dict[str, Any]:
    pytest.importorskip("tensorflow")
    pytest.importorskip("tf_keras")
    found: dict[str, Any] = {}
    exec(HEADER + "from tf_keras.backend import relu\n", found)
    return found


def run(code: str, x: Any, slope: float) -> tuple[Any, Any]:
    """The value and the gradient of an expression."""
    tf = names()["tf"]
    tensor = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(tensor)
        y = eval(code, {**names(), "x": tensor, "A": slope})
    assert y.dtype == tensor.dtype
    # as float64, which holds all of them
    return tf.cast(y, "float64").numpy(), tf.cast(tape.gradient(y, tensor), "float64").numpy()


@pytest.mark.parametrize("row", ROWS, ids=[row.form for row in ROWS])
@given(values=drawn, slope=st.sampled_from((0.1, 0.2, 1 / 3, 0.25, 1.0)))
@settings(max_examples=4, deadline=None, phases=[Phase.explicit, Phase.generate])
def test_rows(row: Row, values: list[float], slope: float) -> None:
    import numpy as np

    tf = names()["tf"]
    after = converted(row.form, UNSAFE)
    assert after != row.form
    for dtype in DTYPES:
        if dtype == "float64" and row.exactness is not ROUNDED:
            slope = 0.25  # others are ROUNDING there: TensorFlow keeps the slope in float32
        x = np.array([*SPECIAL, *values])
        tensor = tf.cast(tf.constant(x), dtype)
        old, new = (run(code, tensor, slope) for code in (row.form, after))
        for what, before, now, apart in zip(("value", "gradient"), old, new, (row.values, row.gradients)):
            equal = (before == now) | (np.isnan(before) & np.isnan(now))
            if row.exactness is ROUNDED:
                scale = np.abs(x) if what == "value" else 1.0
                with np.errstate(invalid="ignore"):
                    equal |= np.abs(before - now) <= ROUNDING[dtype] * scale
            allowed = np.isin(x, apart) | (np.isnan(x) & row.nan)
            assert (equal | allowed).all(), (what, dtype, after, x[~equal & ~allowed], before[~equal], now[~equal])


@pytest.mark.parametrize("row", ROWS, ids=[row.form for row in ROWS])
def test_what_is_said(row: Row) -> None:
    """The reason that the user reads is that of the row; only rounding and clip points must be asked for."""
    text = f"{HEADER}A = 0.1\ny = {row.form}\n"
    edits = [e for e in found(text, UNSAFE, TODAY)[0] if e.codemod == "fast_relu"]
    assert any(REASONS[row.exactness].split(";")[0] in edit.reason for edit in edits)
    assert all(edit.neutral == (row.exactness is EQUAL) for edit in edits)
    asked = row.exactness in (AT_CLIP, ROUNDED)
    safe = converted(row.form, Options())
    assert (safe != converted(row.form, UNSAFE)) == asked


def test_a_slope_in_float64_is_kept_in_float32() -> None:
    """Why such a slope must be asked for where a program says float64."""
    import numpy as np

    x = np.array([-3.0, 2.0])
    old, _ = run("tf.nn.relu(x) - .1 * tf.nn.relu(-x)", x, 0.1)
    new, _ = run("tf.nn.leaky_relu(x, alpha=.1)", x, 0.1)
    assert 0 < abs(old - new).max() < 1e-8
