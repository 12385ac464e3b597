"""Programs of several files: scripts, the project's modules that they import, and what must not be edited."""

from __future__ import annotations

import shutil
import textwrap
from pathlib import Path

import pytest

from kmigrate import pipeline
from kmigrate.layout.interpret.machine import Interpreter
from kmigrate.layout.values import Const
from kmigrate.options import Options
from kmigrate.pipeline import Result
from kmigrate.plan import Status
from tests.mock_keras import difference, run

FIXTURES = Path(__file__).parents[2] / "fixtures" / "programs"
CASES = sorted(folder.name for folder in FIXTURES.iterdir())


def texts(folder: Path) -> dict[str, str]:
    return {str(f.relative_to(folder)): f.read_text(encoding="utf-8") for f in sorted(folder.rglob("*.py"))}


def modules(files: dict[str, str]) -> dict[str, str]:
    names = {path.removesuffix(".py").replace("/", "."): text for path, text in files.items()}
    return {name.removesuffix(".__init__"): text for name, text in names.items()}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def convert(files: dict[str, str], *given: str, **options: str) -> dict[str, Result]:
    """Write the files into the project and convert what is given (everything by default)."""
    for path, text in files.items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(textwrap.dedent(text))
    results = pipeline.run(given or ["."], Options(**options))
    return {result.path: result for result in results}


def said(results: dict[str, Result]) -> str:
    return "\n".join(str(d) for r in results.values() for d in r.diagnostics)


# -- the fixtures ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
def test_every_file_is_converted(project: Path, name: str) -> None:
    shutil.copytree(FIXTURES / name / "before", project, dirs_exist_ok=True)
    before, after = texts(FIXTURES / name / "before"), texts(FIXTURES / name / "after")
    results = {result.path: result for result in pipeline.run(["."], Options())}
    assert not said({p: r for p, r in results.items() if r.error})
    assert {**before, **{path: r.new_text for path, r in results.items() if r.new}} == after


@pytest.mark.parametrize("name", CASES)
def test_a_second_run_changes_nothing(project: Path, name: str) -> None:
    shutil.copytree(FIXTURES / name / "after", project, dirs_exist_ok=True)
    results = pipeline.run(["."], Options())
    assert [result.path for result in results if result.new] == []


@pytest.mark.parametrize("name", CASES)
def test_it_computes_the_same(name: str) -> None:
    before, after = texts(FIXTURES / name / "before"), texts(FIXTURES / name / "after")
    words = {
        word for text in before.values() for line in text.splitlines() if "import" in line for word in line.split()
    }
    scripts = [path for path in before if "/" not in path and path.removesuffix(".py") not in words]
    assert scripts
    for script in scripts:
        logs = [run(files[script], ordering="tf", modules=modules(files)) for files in (before, after)]
        assert not logs[0].error
        assert logs[0].events
        assert difference(*logs) is None


# -- which files may be edited ---------------------------------------------------------------------------

CONFIG = """\
SHAPE = (1, 28, 20)
"""
NET = """\
from keras.layers import Conv2D, GlobalMaxPooling2D
from keras.models import Sequential
from config import SHAPE

def net():
    model = Sequential()
    model.add(Conv2D(4, (3, 3), data_format='channels_first', input_shape=SHAPE))
    model.add(GlobalMaxPooling2D(data_format='channels_first'))
    model.compile('sgd', 'mse')
    return model
"""
TRAIN = """\
import numpy as np
import net
net.net().fit(np.zeros((9, 1, 28, 20)), np.zeros((9, 4)))
"""
ALL = {"config.py": CONFIG, "net.py": NET, "train.py": TRAIN}


def test_a_literal_is_edited_in_the_file_that_has_it(project: Path) -> None:
    results = convert(ALL)
    assert results["config.py"].new_text == "SHAPE = (28, 20, 1)\n"
    assert "channels_first" not in str(results["net.py"].new_text)
    assert "np.zeros((9, 28, 20, 1))" in str(results["train.py"].new_text)
    assert [m.status for m in results["net.py"].plan.models] == [Status.DONE]
    assert len({result.program for result in results.values()}) == 1


def test_a_file_that_was_not_given_is_named_and_nothing_changes(project: Path) -> None:
    results = convert(ALL, "config.py", "net.py")
    assert not any(result.new for result in results.values())
    assert "KM904 `train.py` would have to change at line 3, but it was not given" in said(results)
    assert [m.status for m in results["net.py"].plan.models] == [Status.LEFT_ALONE]


OLD = "from keras import backend as K\nprint K.image_data_format()\n"


@pytest.mark.parametrize(("other", "left"), [(OLD, True), ("print('no model here')\n", False)])
def test_a_module_in_python_2_may_set_the_ordering(project: Path, other: str, left: bool) -> None:
    train = """\
        import numpy as np
        import other
        from keras.layers import Conv2D, GlobalAveragePooling2D
        from keras.models import Sequential
        model = Sequential([Conv2D(4, (3, 3), input_shape=(3, 28, 20)), GlobalAveragePooling2D()])
        model.predict(np.zeros((9, 3, 28, 20)))
    """
    results = convert({"other.py": other, "train.py": train}, ordering="th", source_keras="2.1.3")
    assert (results["train.py"].new_text is None) is left
    assert ("KM904 `other.py` cannot be read as Python 3 and may use Keras" in said(results)) is left


def test_a_script_alone_says_nothing_of_keras(project: Path) -> None:
    assert convert(ALL, "train.py", "config.py") == {}


@pytest.mark.parametrize(
    ("files", "given"),
    [
        pytest.param({}, ["net.py", "train.py"], id="not given"),
        pytest.param({"old.py": "from config import SHAPE\nprint SHAPE\n"}, ["."], id="imported by Python 2"),
        pytest.param(
            {"look.ipynb": '{"cells": [{"cell_type": "code", "source": ["from config import SHAPE\\n", "SHAPE"]}]}'},
            ["."],
            id="imported by a notebook",
        ),
        pytest.param(
            {"other.py": "import config\nimport strange\nstrange.use(config.SHAPE)\n"}, ["."], id="used in unknown ways"
        ),
    ],
)
def test_a_shape_that_must_stay_is_reordered_where_it_is_used(
    project: Path, files: dict[str, str], given: list[str]
) -> None:
    results = convert({**ALL, **files}, *given)
    assert results.get("config.py") is None or results["config.py"].new is None
    assert "input_shape=SHAPE[1:] + SHAPE[:1]" in str(results["net.py"].new_text)


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("old.py", "from train import x\nprint x\n", "`old.py`, which is not Python 3, imports it"),
        (
            "look.ipynb",
            '{"cells": [{"cell_type": "code", "source": ["from train import x\\n", "x.mean()"]}]}',
            "`look.ipynb`, a notebook, imports it",
        ),
    ],
)
def test_what_reads_the_data_cannot_be_followed(project: Path, name: str, text: str, why: str) -> None:
    train = "import numpy as np\nimport net\nx = np.zeros((9, 1, 28, 20))\nnet.net().fit(x, np.zeros((9, 4)))\n"
    results = convert({**ALL, "train.py": train, name: text})
    assert not any(result.new for result in results.values())
    assert f"but {why}" in said(results)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("other.py", "import importlib\nm = importlib.import_module('net').net()\nm.predict(x)\n"),
        ("other.py", "import net as n, importlib, sys\nm = importlib.import_module(sys.argv[1]).net()\n"),
        ("tools/other.py", "from deep.net import net\nnet().predict(x)\n"),
    ],
    ids=["by a literal name", "by a computed name", "by a path of its own"],
)
def test_a_module_that_is_imported_in_ways_that_are_not_followed_is_not_edited(
    project: Path, name: str, text: str
) -> None:
    files = {**ALL, name: text}
    if "deep" in text:
        files = {f"lib/deep/{path}": content for path, content in ALL.items()} | {name: text}
    results = convert(files)
    assert not any(result.new for path, result in results.items() if path.endswith("net.py")), said(results)
    assert "may import it" in said(results)


def test_the_only_module_of_that_name_is_meant_where_the_path_is_set(project: Path) -> None:
    other = "import sys\nsys.path.append('../lib')\nimport numpy as np\nfrom net import net\n"
    files = {f"lib/{path}": content for path, content in ALL.items()}
    results = convert({**files, "tools/other.py": other + "print(net().predict(np.ones((2, 1, 28, 20))))\n"})
    assert "np.ones((2, 28, 20, 1))" in str(results["tools/other.py"].new_text)


def test_an_ignored_file_is_not_edited(project: Path) -> None:
    results = convert({**ALL, ".gitignore": "train.py\n"})
    assert not any(result.new for result in results.values())
    assert "`train.py` would have to change at line 3, but it was not given" in said(results)


def test_scripts_that_share_nothing_do_not_hold_each_other(project: Path) -> None:
    other = NET.replace("from config import SHAPE", "SHAPE = (1, 9, 9)") + "unknown(net())\n"
    results = convert({**ALL, "other.py": other})
    assert results["net.py"].new is not None
    assert results["other.py"].new is None


def test_a_script_that_only_reads_numbers_does_not_hold_it(project: Path) -> None:
    results = convert({**ALL, "other.py": "import config\nprint(config.SHAPE[1] * 2)\n"})
    assert results["config.py"].new_text == "SHAPE = (28, 20, 1)\n"
    assert results["other.py"].new_text == "import config\nprint(config.SHAPE[0] * 2)\n"


def test_helpers_called_by_two_scripts_with_images_and_with_vectors(project: Path) -> None:
    """The shared line must not get a transpose that only one of them can bear."""
    helper = "def half(x):\n    x = x / 2.\n    return x\n"
    train = TRAIN.replace("import net", "import net\nfrom helper import half").replace(
        "np.zeros((9, 1, 28, 20))", "half(np.load('x.npy'))"
    )
    vectors = "import numpy as np\nfrom helper import half\nprint(half(np.ones(7)).sum())\n"
    results = convert({**ALL, "helper.py": helper, "train.py": train, "vectors.py": vectors})
    assert "helper.py" not in {path for path, result in results.items() if result.new}
    assert "np.transpose(half(np.load('x.npy')), (0, 2, 3, 1))" in str(results["train.py"].new_text)


def test_a_model_that_the_re_check_refuses_does_not_hold_the_others(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mistake of ours, planted in one of two models of a program: the other one is converted all the same."""
    real = Interpreter.axis_use

    def forgetful(self, expr, value, *rest):
        if not (isinstance(value, Const) and value.value == -3):
            real(self, expr, value, *rest)

    monkeypatch.setattr(Interpreter, "axis_use", forgetful)
    wrong = NET.replace("    model.add(G", "    model.add(BatchNormalization(axis=-3))\n    model.add(G")
    wrong = wrong.replace("import Conv2D", "import BatchNormalization, Conv2D").replace("config", "other")
    train = TRAIN + "import wrong\nwrong.net().fit(np.zeros((9, 1, 28, 20)), np.zeros((9, 4)))\n"
    results = convert({**ALL, "wrong.py": wrong, "other.py": CONFIG, "train.py": train})
    assert {path for path, result in results.items() if result.new} == {"config.py", "net.py", "train.py"}
    assert "KM900 the rewrite was dropped: the new program would not do the same: line 8: along H" in said(results)
    assert str(results["train.py"].new_text).count("np.zeros((9, 28, 20, 1))") == 1


OWN_LAYER = """\
import strange
from keras.layers import Layer

class Own(Layer):
    def call(self, x):
        return strange.scaled(x)
"""
LAST = """\
from keras.layers import Conv2D
from keras.models import Sequential
from layer import Own
model = Sequential([Conv2D(4, (3, 3), data_format={form}, input_shape=(28, 20, 9)), Own()])
"""


@pytest.mark.parametrize(
    ("form", "status"), [("'channels_last'", Status.NOTHING), ("'channels_first'", Status.LEFT_ALONE)]
)
def test_what_one_script_has_channels_first_says_nothing_of_another(project: Path, form: str, status: Status) -> None:
    """A layer that is not understood is no reason where all convolutions of its script are channels-last."""
    first = NET.replace("from config import SHAPE", "from layer import Own\nSHAPE = (1, 28, 20)")
    first = first.replace("    model.add(G", "    model.add(Own())\n    model.add(G") + "net()\n"
    files = {"layer.py": OWN_LAYER, "first.py": first, "other.py": LAST.format(form=form)}
    results = convert(files, source_keras="2.1.3")
    assert not any(result.new for result in results.values())
    assert [m.status for m in results["first.py"].plan.models] == [Status.LEFT_ALONE]
    assert [m.status for m in results["other.py"].plan.models] == [status]


# -- imports ------------------------------------------------------------------------------------------------

BODY = NET.replace("from config import SHAPE\n", "").replace("SHAPE", "{shape}") + (
    "import numpy as np\nnet().fit(np.zeros((9, 1, 28, 20)), np.zeros((9, 4)))\n"
)


@pytest.mark.parametrize(
    ("files", "line", "shape"),
    [
        ({"config.py": CONFIG}, "import config", "config.SHAPE"),
        ({"config.py": CONFIG}, "import config as c", "c.SHAPE"),
        ({"config.py": CONFIG}, "from config import SHAPE as S", "S"),
        ({"config.py": CONFIG}, "from config import *", "SHAPE"),
        ({"config.py": CONFIG + "__all__ = ['SHAPE']\n"}, "from config import *", "SHAPE"),
        ({"pack/__init__.py": "", "pack/config.py": CONFIG}, "from pack import config", "config.SHAPE"),
        ({"pack/__init__.py": "", "pack/config.py": CONFIG}, "import pack.config", "pack.config.SHAPE"),
        ({"pack/__init__.py": "", "pack/config.py": CONFIG}, "import pack.config as c", "c.SHAPE"),
        ({"pack/config.py": CONFIG}, "from pack.config import SHAPE", "SHAPE"),
        ({"pack/__init__.py": "from .config import *\n", "pack/config.py": CONFIG}, "import pack", "pack.SHAPE"),
        ({"a.py": "from b import SHAPE\n", "b.py": "import a\n" + CONFIG}, "import a", "a.SHAPE"),
        ({"config.py": "def shape():\n    return (1, 28, 20)\n"}, "from config import shape", "shape()"),
    ],
)
def test_forms_of_imports(project: Path, files: dict[str, str], line: str, shape: str) -> None:
    results = convert({**files, "train.py": f"{line}\n" + BODY.format(shape=shape)})
    changed = {path: str(result.new_text) for path, result in results.items() if result.new}
    assert any("(28, 20, 1)" in text for path, text in changed.items() if path != "train.py"), said(results)
    assert "np.zeros((9, 28, 20, 1))" in changed["train.py"]


def test_a_script_beside_wins_over_one_above(project: Path) -> None:
    files = {"config.py": "SHAPE = (3, 9, 9)\n", "sub/config.py": CONFIG}
    results = convert({**files, "sub/train.py": "import config\n" + BODY.format(shape="config.SHAPE")})
    assert {path for path, result in results.items() if result.new} == {"sub/config.py", "sub/train.py"}


def test_relative_imports_within_the_sources_of_keras_are_names_of_keras(project: Path) -> None:
    text = NET.replace("from keras.", "from ..").replace("from config import SHAPE", "SHAPE = (1, 28, 20)")
    text += (
        "# a network of keras.applications\nimport numpy as np\nnet().fit(np.zeros((9, 1, 28, 20)), np.zeros((9, 4)))\n"
    )
    results = convert({"keras/__init__.py": "", "keras/applications/net.py": text})
    assert "np.zeros((9, 28, 20, 1))" in str(results["keras/applications/net.py"].new_text)


def test_a_name_that_the_module_lacks_is_not_guessed(project: Path) -> None:
    results = convert({"config.py": "", "train.py": "from config import SHAPE\n" + BODY.format(shape="SHAPE")})
    new = str(results["train.py"].new_text)
    assert "model.add(Permute((2, 3, 1), input_shape=SHAPE))" in new
    assert "np.zeros((9, 1, 28, 20))" in new


def test_the_ordering_of_a_module_that_is_imported(project: Path) -> None:
    setter = "from keras import backend as K\nK.set_image_data_format('channels_first')\n"
    body = BODY.format(shape="(1, 28, 20)").replace("data_format='channels_first', ", "")
    body = body.replace("data_format='channels_first'", "")
    results = convert({"setup.py": setter, "train.py": "import setup\n" + body})
    assert "channels_last" in str(results["setup.py"].new_text)
    assert "input_shape=(28, 20, 1)" in str(results["train.py"].new_text)


def test_the_new_ordering_is_stated_before_a_module_reads_it(project: Path) -> None:
    """The old ordering came from the version; no place for the setter stands before the import of what reads it."""
    net = NET.replace("data_format='channels_first', ", "").replace("data_format='channels_first'", "")
    files = {
        "config.py": CONFIG,
        "net.py": net + "model = net()\n",
        "keras.json": '{"image_data_format": "channels_first"}',
    }
    train = "import net\nimport numpy as np\nnet.model.fit(np.zeros((9, 1, 28, 20)), np.zeros((9, 4)))\n"
    results = convert({**files, "train.py": train}, source_keras="2.2")
    assert not any(result.new for result in results.values())
    (model,) = results["net.py"].plan.models
    assert model.reasons == ("the new ordering cannot be stated before something reads it",)
    train = "import numpy as np\n" + train
    results = convert({**files, "train.py": train}, source_keras="2.2")
    lines = str(results["train.py"].new_text).splitlines()
    assert lines.index("K.set_image_data_format('channels_last')") < lines.index("import net")


def test_one_program_is_too_large_and_is_looked_at_file_by_file(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kmigrate.project.MAX_TOGETHER", 2)
    results = convert({**ALL, "config.py": CONFIG + "import keras\n"})
    assert not any(result.new for result in results.values())
    (model,) = results["net.py"].plan.models
    assert model.status is Status.LEFT_ALONE
