"""Every row of the tables has an example in `rows.py`, which meets the row, and does the same before and after."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from kmigrate.layout.interpret import operation_tables
from kmigrate.plan import Status
from tests.layout import rows
from tests.layout.converting import convert, statuses
from tests.mock_keras import difference, run

# x is fed before and behind the example, so that it is channels-last there (see docs/design.md, 4: costs).
ARRAYS = """\
import collections, copy, functools, itertools, operator, random
import numpy as np
{imports}
from keras.layers import Conv2D, GlobalAveragePooling2D
from keras.models import Sequential
x = np.load('x_4_3_6_8.npy')
model = Sequential()
model.add(Conv2D(2, (3, 3), data_format='channels_first', input_shape=(3, 6, 8)))
model.add(GlobalAveragePooling2D(data_format='channels_first'))
model.predict(x)
{body}
model.predict(x)
"""
MAPS = """\
import numpy as np
from keras import backend as K
from keras.layers import Conv2D, Input, Lambda
from keras.models import Model
K.set_image_data_format('channels_first')
i = Input((3, 7, 8))
t = Conv2D(4, (3, 3))(i)
t = Lambda(lambda t: {body})(t)
model = Model(i, t)
model.predict(np.load('x_2_3_7_8.npy'))
"""
TABLES: dict[str, dict[str, Any]] = {
    "": operation_tables.TABLE, "backend": operation_tables.BACKEND, "ops": operation_tables.OPS,
    "method": operation_tables.METHODS, "keras": operation_tables.KERAS,
}  # fmt: skip
EXAMPLES = {
    "": {**rows.STATEMENTS, **rows.LIBRARIES}, "backend": rows.BACKEND, "ops": rows.OPS, "method": rows.METHODS,
    "keras": rows.KERAS,
}  # fmt: skip
VERSIONS = {"ops": (3, 0, 0)}
# These keep the model as it is: their features are a result, or they work by position on what cannot be transposed.
LEFT = frozenset(
    f"backend.{name}"
    for name in "function arange batch_flatten conv1d flatten categorical_crossentropy count_params dot reshape "
    "sparse_categorical_crossentropy".split()
)  # fmt: skip


@pytest.fixture(scope="module")
def watched() -> Iterator[set[str]]:
    """The names of the rows that are met."""
    found: set[str] = set()
    kept = {kind: dict(table) for kind, table in TABLES.items()}
    for table in TABLES.values():
        for name, operation in list(table.items()):

            def seen(run: Any, call: Any, name: str = name, operation: Any = operation) -> Any:
                found.add(name)
                return operation(run, call)

            table[name] = seen
    yield found
    for kind, table in kept.items():
        TABLES[kind].update(table)


@pytest.fixture
def met(watched: set[str]) -> set[str]:
    watched.clear()
    return watched


def program(kind: str, name: str) -> str:
    text = EXAMPLES[kind][name]
    top = name.split(".", 1)[0]
    if kind == "backend":
        return MAPS.format(body=text.format(f=f"K.{name[8:]}"))
    imports = {"": f"import {top}", "ops": "import keras", "method": "", "keras": "import keras"}[kind]
    if top in ("numpy", "builtins"):
        imports = ""
    if top == "tensorflow":
        imports = "import tensorflow as tf"
    spelled = {"numpy": f"np.{name[6:]}", "tensorflow": f"tf.{name[11:]}", "ops": f"keras.{name}"}.get(top, name)
    return ARRAYS.format(body=text.format(f=spelled), imports=imports)


def named(kind: str) -> list[str]:
    return sorted(TABLES[kind])


@pytest.mark.parametrize("kind", TABLES)
def test_each_row_has_an_example(kind: str) -> None:
    assert set(TABLES[kind]) - set(EXAMPLES[kind]) == set()
    assert set(EXAMPLES[kind]) - set(TABLES[kind]) == set()


CASES = [(kind, name) for kind in TABLES for name in named(kind) if name in EXAMPLES[kind]]


@pytest.mark.parametrize(("kind", "name"), CASES, ids=[f"{k or 'library'}-{n}" for k, n in CASES])
def test_a_row(kind: str, name: str, met: set[str]) -> None:
    text = program(kind, name)
    version = VERSIONS.get(kind, (2, 1, 6))
    new, plan = convert(text, source_keras=".".join(map(str, version)), flatten="permute")
    assert name in met
    if kind == "backend" and name in LEFT:
        assert plan.edits == []
    else:
        poisoned = "may read or set any name" in str(plan.diagnostics)
        assert set(statuses(plan)) <= {Status.DONE, Status.BORDERS} or poisoned, plan.models
    before = run(text, version, "tf")
    if any(words in before.error for words in ("has no attribute", "was removed", "o module", "is not defined")):
        return  # not in this numpy, or a library that is not there: only read
    assert difference(before, run(new, version, "tf")) is None, new
