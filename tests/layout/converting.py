"""Convert a text as the pipeline does: analyse, rewrite, re-check."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kmigrate import rewriting
from kmigrate.layout.analysis import Program, analyse
from kmigrate.layout.recheck import recheck
from kmigrate.options import Options
from kmigrate.plan import Edit, Plan, Status
from kmigrate.project import Surroundings


def program(text: str, path: str = "-", **options: Any) -> Program:
    """The analysis of ``text``; the path "-" has no project around it."""
    around = Surroundings(None if path == "-" else Path(path))
    return analyse(textwrap.dedent(text), path, Options(**options), around)


def applied(text: str, edits: Sequence[Edit]) -> str:
    """The text after the edits."""
    return rewriting.apply(text, edits) if edits else text


def convert(text: str, path: str = "-", **options: Any) -> tuple[str, Plan]:
    """The new text and the plan. Raises AssertionError where the re-check finds the new program different."""
    text = textwrap.dedent(text)
    found = program(text, path, **options)
    new = applied(text, found.plan.edits)
    if found.plan.edits:
        problem = recheck(found, {found.path: new})
        assert problem is None, f"{problem.text}\n{new}"
    return new, found.plan


def statuses(plan: Plan) -> list[Status]:
    return [model.status for model in plan.models]


def codes(plan: Plan) -> set[str]:
    """The codes of all that is said."""
    return {diagnostic.code for diagnostic in plan.diagnostics}


IMAGES = """\
import numpy as np
from keras import backend as K
from keras.layers import *
from keras.models import Model, Sequential

x = np.zeros((9, 3, 8, 6))
{body}
model = Sequential()
model.add(Conv2D(4, (3, 3), data_format={first}, input_shape=(3, 8, 6)))
model.add(GlobalAveragePooling2D(data_format={first}))
model.compile('sgd', 'mse')
model.fit(x, np.ones((9, 4)))
"""


def around(body: str, template: str, **options: Any) -> tuple[str, Plan]:
    """The new text of ``body``, which stands in a program whose images and layers become channels-last."""
    text = template.format(body=body, first="'channels_first'")
    head, tail = template.split("{body}")[0].count("\n"), template.split("{body}")[1].count("\n") - 1
    new, plan = convert(text, **options)
    lines = new.splitlines()
    return "\n".join(lines[head : len(lines) - tail]), plan
