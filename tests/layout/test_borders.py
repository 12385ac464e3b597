"""Where a transpose stands that a literal cannot save: once, outside loops, and never in a pair that cancels."""

from __future__ import annotations

import pytest

from kmigrate.plan import Plan, Status
from tests.layout.converting import convert, statuses

TEXT = """\
import numpy as np
from keras.layers import *
from keras.models import Sequential
{body}
model = Sequential()
model.add(Conv2D(4, (3, 3), data_format='channels_first', input_shape=(3, 8, 6)))
model.add(GlobalMaxPooling2D(data_format='channels_first'))
{end}
"""
IN, OUT = "(0, 2, 3, 1)", "(0, 3, 1, 2)"


def changed(body: str, end: str = "model.fit(x, np.ones((5, 4)))") -> tuple[str, Plan]:
    """The new text of body and end, without the model between them."""
    new, plan = convert(TEXT.format(body=body, end=end), source_keras="2.1.3")
    lines = new.splitlines()[3:]
    at = lines.index("model = Sequential()")
    return "\n".join(lines[:at] + lines[at + 3 :]), plan


def test_no_border_where_data_is_channels_last() -> None:
    """The transpose that made it channels-first goes."""
    new, plan = changed("x = np.load('x.npy').transpose(0, 3, 1, 2)")
    assert new == "x = np.load('x.npy')\nmodel.fit(x, np.ones((5, 4)))"
    assert statuses(plan) == [Status.DONE]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("x = np.load('x.npy')", f"x = np.transpose(np.load('x.npy'), {IN})", id="a file"),
        pytest.param("x = strange()", f"x = np.transpose(strange(), {IN})", id="an unknown function"),
        pytest.param("x = strange()\nx = x / 255.", f"x = strange()\nx = np.transpose(x / 255., {IN})", id="later"),
        pytest.param(
            "x = strange()[:, 0]\nx = x.reshape(5, 3, 8, 6)",
            f"x = strange()[:, 0]\nx = np.transpose(x.reshape(5, 3, 8, 6), {IN})",
            id="a reshape of what is not known",
        ),
        pytest.param(
            "x = np.load('x.npy')\nfor i in range(len(x)):\n    x[i] /= x[i].max()",
            f"x = np.load('x.npy')\nfor i in range(len(x)):\n    x[i] /= x[i].max()\nx = np.transpose(x, {IN})",
            id="behind a loop",
        ),
        pytest.param(
            "x = np.zeros((5, 3, 8, 6))\nfor i in range(5):\n    x[i] = strange(i)",
            f"x = np.zeros((5, 3, 8, 6))\nfor i in range(5):\n    x[i] = strange(i)\nx = np.transpose(x, {IN})",
            id="filled in a loop",
        ),
        pytest.param(
            "x = []\nfor i in range(5):\n    x.append(strange(i))\nx = np.array(x)",
            f"x = []\nfor i in range(5):\n    x.append(strange(i))\nx = np.transpose(np.array(x), {IN})",
            id="a list that grows in a loop",
        ),
        pytest.param(
            "x = np.array([strange(i) for i in range(5)])",
            f"x = np.transpose(np.array([strange(i) for i in range(5)]), {IN})",
            id="a comprehension",
        ),
    ],
)
def test_behind_the_source(before: str, after: str) -> None:
    new, plan = changed(before)
    assert new.startswith(after + "\nmodel.fit(x, ")
    assert statuses(plan) == [Status.BORDERS]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("x = np.load('x.npy')\nstrange(x)", id="unknown code reads it"),
        pytest.param("x = np.zeros((5, 3, 8, 6))\nnp.save('x.npy', x)", id="it is written to a file"),
    ],
)
def test_two_readers_need_one_transpose(body: str) -> None:
    new, plan = changed(body)
    assert new.count("np.transpose") == 1
    assert statuses(plan) == [Status.BORDERS]


def test_before_a_loop_that_feeds() -> None:
    new, _ = changed(
        "x = np.load('x.npy')", "for step in range(9):\n    model.train_on_batch(x[step:step + 1], np.ones((1, 4)))"
    )
    assert new.startswith(f"x = np.transpose(np.load('x.npy'), {IN})\nfor step")
    assert new.count("transpose") == 1


def test_before_a_loop_even_if_others_read_the_array_too() -> None:
    new, _ = changed(
        "x = np.load('x.npy')\nnp.save('copy.npy', x)",
        "for step in range(9):\n    model.train_on_batch(x, np.ones((5, 4)))",
    )
    loop = new.split("for step")[1]
    assert "transpose" not in loop
    assert new.count("transpose") == 2


def test_what_a_model_predicts_is_transposed_back_for_files() -> None:
    text = """\
        import numpy as np
        from keras.layers import *
        from keras.models import Sequential
        model = Sequential([Conv2D(3, 3, padding='same', data_format='channels_first', input_shape=(3, 8, 6))])
        p = model.predict(np.zeros((5, 3, 8, 6)))
        np.save('p.npy', p)
    """
    new, plan = convert(text, source_keras="2.1.3")
    assert new.count("transpose") == 1
    assert f"np.transpose(model.predict(np.zeros((5, 8, 6, 3))), {OUT})" in new or f"np.transpose(p, {OUT})" in new
    assert statuses(plan) == [Status.BORDERS]


@pytest.mark.parametrize(
    "source",
    [
        "np.rollaxis(np.load('x.npy'), 3, 1)",
        "np.moveaxis(np.load('x.npy'), -1, 1)",
        "np.transpose(np.load('x.npy'), (0, 3, 1, 2))",
        "np.load('x.npy').transpose((0, 3, 1, 2))",
    ],
)
def test_no_pair_that_cancels(source: str) -> None:
    new, plan = changed(f"x = {source}")
    assert new.startswith("x = np.load('x.npy')\n")
    assert statuses(plan) == [Status.DONE]


def test_in_a_function_that_nothing_here_calls() -> None:
    new, _ = changed(
        "x = np.zeros((5, 3, 8, 6))",
        "model.fit(x, np.ones((5, 4)))\ndef ask(images):\n    return model.predict(images)",
    )
    assert f"return model.predict(np.transpose(images, {IN}))" in new
    assert "x = np.zeros((5, 8, 6, 3))" in new


@pytest.mark.parametrize(
    "feed",
    [
        pytest.param("parts = [x, q]\nmodel.fit(np.concatenate(parts), np.ones((10, 4)))", id="concatenated"),
        pytest.param("data = [q]\nmodel.fit(data, np.ones((5, 4)))", id="fed"),
        pytest.param("data = {'x': q, 'y': np.ones((5, 4))}\nmodel.fit(**data)", id="spread"),
        pytest.param("data = [q, np.ones((5, 4))]\nmodel.fit(*data)", id="starred"),
        pytest.param("held = (q, np.ones((5, 4)))\nmodel.fit(x, np.ones((5, 4)), validation_data=held)", id="held out"),
    ],
)
def test_a_name_of_several_arrays_is_never_transposed(feed: str) -> None:
    """``np.transpose`` of a list, or of a dict, would be something else."""
    text = TEXT.format(body="x = np.zeros((5, 3, 8, 6))\nq = np.load('q.npy')\nnp.save('r.npy', q)", end=feed)
    new, _ = convert(text, source_keras="2.1.3")
    for name in ("parts", "data", "held"):
        assert f"np.transpose({name}" not in new
        assert f"np.transpose(*{name}" not in new
