"""Scripts in which nothing can change: they are not run again for what others need, unless a shared text changes."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from kmigrate import pipeline
from kmigrate.layout.interpret.machine import Interpreter
from kmigrate.options import Options
from kmigrate.pipeline import Result
from kmigrate.plan import Status

COMMON = """\
import numpy as np

def load(name):
    return np.load(name)
"""
FIRST = """\
from common import load
from keras.layers import Conv2D
from keras.models import Sequential

images = load('images.npy')
print(images.mean(axis=-1))
model = Sequential([Conv2D(4, (3, 3), data_format='channels_first', input_shape=(3, 6, 5))])
model.predict(images)
"""
PLAIN = """\
from common import load
from keras.layers import Dense
from keras.models import Sequential

model = Sequential([Dense(4, input_dim=6)])
model.predict(load('rows.npy'))
"""


@pytest.fixture
def ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The scripts of each run."""
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    found: list[list[str]] = []
    real = Interpreter.run

    def run(self: Interpreter) -> None:
        found.append([entry.source.path for entry in self.entries])
        real(self)

    monkeypatch.setattr(Interpreter, "run", run)
    return found


def convert(**files: str) -> dict[str, Result]:
    for name, text in files.items():
        Path(f"{name}.py").write_text(textwrap.dedent(text))
    return {result.path: result for result in pipeline.run(["."], Options(source_keras="2.1.3"))}


def test_a_script_without_channels_first_layers_is_run_until_version_and_orderings_are_known(
    ran: list[list[str]],
) -> None:
    results = convert(common=COMMON, first=FIRST, plain=PLAIN)
    both = ["first.py", "plain.py"]
    settled = ran.index(["first.py"])
    assert ran[:settled] == [both] * settled and settled <= 2
    assert both not in ran[settled:]
    assert [m.status for m in results["first.py"].plan.models] == [Status.BORDERS]
    assert [m.status for m in results["plain.py"].plan.models] == [Status.NOTHING]


@pytest.mark.parametrize(
    ("rows", "edited"), [("print(middle(load('rows.npy')).sum())", False), ("print(load('rows.npy').sum())", True)]
)
def test_an_edit_of_a_file_that_it_loads_must_suit_it(ran: list[list[str]], rows: str, edited: bool) -> None:
    """Where rows and images go through one function, axis 1 in it is not always the channel."""
    common = COMMON + "\ndef middle(a):\n    return a.mean(axis=1)\n"
    model = FIRST.replace("import load", "import load, middle").replace("print(images.mean(axis=-1))", "")
    first = "import numpy as np\n" + model + "x = np.zeros((9, 3, 6, 5))\nprint(middle(x).sum())\nmodel.predict(x)\n"
    plain = PLAIN.replace("import load", "import load, middle") + rows + "\n"
    results = convert(common=common, first=first, plain=plain)
    both = ["first.py", "plain.py"]
    assert both in ran[ran.index(["first.py"]) :]  # they were looked at together again
    assert [m.status for m in results["first.py"].plan.models] == [Status.BORDERS]
    new = results["common.py"].new_text if "common.py" in results else None
    assert (new is not None and "axis=3" in new) is edited


def test_a_model_that_both_build_is_answered_for_with_all_that_is_known(ran: list[list[str]]) -> None:
    common = (
        COMMON
        + """
from keras.layers import Conv2D
from keras.models import Sequential

def net(form):
    return Sequential([Conv2D(4, (3, 3), data_format=form, input_shape=(6, 6, 6))])
"""
    )
    scripts = {
        name: "import numpy as np\nfrom common import load, net\n"
        f"net('channels_{name}').predict(load('{name}.npy'))\nprint(load('{name}.npy').mean(axis=-1))\n"
        for name in ("first", "last")
    }
    convert(common=common, **scripts)
    assert ["first.py"] not in ran
