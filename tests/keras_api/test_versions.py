"""The table of versions, and how a program's version is found."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from kmigrate.keras_api import names, versions
from kmigrate.keras_api.names import Api
from kmigrate.keras_api.versions import LATEST, VersionRange, infer, of_option, of_text, stated

OLD, MIDDLE, NEW = (1, 0, 5), (1, 2, 2), (2, 2, 4)


def use(path: str, call: str | None = None) -> tuple[Api, ast.Call | None]:
    found = names.resolve(path)
    assert found is not None
    node = ast.parse(call, mode="eval").body if call else None
    assert node is None or isinstance(node, ast.Call)
    return found, node


@pytest.mark.parametrize(
    ("version", "ordering", "reaches", "json", "cifar", "generator", "setter"),
    [
        ((1, 0, 0), "th", False, None, False, "never", None),
        ((1, 0, 5), "th", False, None, False, "import", "set_image_dim_ordering"),
        ((1, 0, 6), "th", False, "image_dim_ordering", False, "import", "set_image_dim_ordering"),
        ((1, 0, 8), "th", True, "image_dim_ordering", False, "construction", "set_image_dim_ordering"),
        ((1, 1, 0), "tf", True, "image_dim_ordering", True, "construction", "set_image_dim_ordering"),
        ((1, 2, 2), "tf", True, "image_dim_ordering", True, "construction", "set_image_dim_ordering"),
        ((2, 1, 6), "tf", True, "image_data_format", True, "construction", "set_image_data_format"),
        ((2, 3, 1), "tf", True, "image_data_format", True, "never", "set_image_data_format"),
        ((2, 15, 0), "tf", True, "image_data_format", True, "construction", "set_image_data_format"),
        ((3, 5, 0), "tf", True, "image_data_format", True, "construction", "set_image_data_format"),
    ],
)
def test_who_reads_the_ambient_setting(
    version: versions.Version,
    ordering: str,
    reaches: bool,
    json: str | None,
    cifar: bool,
    generator: str,
    setter: str | None,
) -> None:
    assert versions.default_ordering(version) == ordering
    assert versions.setter_reaches_layers(version) is reaches
    assert versions.keras_json_key(version) == json
    assert versions.cifar_follows_ambient(version) is cifar
    assert versions.image_generator_reads_ambient_at(version) == generator
    assert versions.setter_name(version) == setter


@pytest.mark.parametrize(
    ("version", "explicit", "ambient", "moves"),
    [
        ((1, 2, 2), None, "th", False),
        ((2, 1, 5), None, "channels_first", False),
        ((2, 1, 6), None, "channels_first", False),
        ((2, 1, 6), "channels_first", "channels_last", True),
        ((2, 2, 0), None, "channels_first", True),
        ((2, 2, 0), "channels_last", "channels_first", False),
        ((2, 2, 0), None, "channels_last", False),
        ((3, 0, 0), None, "channels_first", True),
    ],
)
def test_flatten(version: versions.Version, explicit: str | None, ambient: str, moves: bool) -> None:
    assert versions.flatten_moves_channels(version, explicit, ambient) is moves


@pytest.mark.parametrize(
    ("version", "slope", "limit", "slow"),
    [
        ((1, 0, 6), False, False, True),
        ((1, 0, 7), False, False, False),
        ((2, 1, 2), True, False, True),
        ((2, 1, 3), True, False, False),
        ((2, 3, 1), True, True, True),
        ((3, 0, 0), True, True, True),
        ((3, 0, 0), True, False, False),
    ],
)
def test_slow_relu(version: versions.Version, slope: bool, limit: bool, slow: bool) -> None:
    assert versions.relu_is_slow(version, slope, limit) is slow


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("keras==1.2.2", (1, 2, 2), (1, 2, 2)),
        ("Keras>=1.0,<2", (1, 0, 0), (1, 99, 99)),
        ("keras ~= 2.2", (2, 2, 0), (2, 99, 99)),
        ("  - keras=2.1.6", (2, 1, 6), (2, 1, 6)),
        ("install_requires=['numpy', 'keras>=2.0.4'],", (2, 0, 4), LATEST),
        ('keras = "^2.2"', (2, 2, 0), (2, 99, 99)),
        ("keras==2.1.*", (2, 1, 0), (2, 1, 99)),
        ('"keras": {\n "hashes": ["sha256:1"],\n "version": "==2.2.4"\n}', (2, 2, 4), (2, 2, 4)),
        ('name = "keras"\nversion = "2.3.1"', (2, 3, 1), (2, 3, 1)),
    ],
)
def test_what_a_dependency_file_says(text: str, low: versions.Version, high: versions.Version) -> None:
    found = of_text(text, "requirements.txt")
    assert (found.low, found.high) == (low, high)
    assert found.why[0].startswith("requirements.txt says ")


@pytest.mark.parametrize(
    "text", ["keras", "keras-applications==1.0.8", "tf-keras==2.15", "tensorflow==2.3  # not keras==1.0", ""]
)
def test_what_says_nothing_of_keras(text: str) -> None:
    assert of_text(text, "requirements.txt") == VersionRange()


def test_the_option_decides() -> None:
    assert of_option("1.2")[:2] == ((1, 2, 0), (1, 2, 99))
    assert of_option("2.1.6")[:2] == ((2, 1, 6), (2, 1, 6))
    with pytest.raises(ValueError, match="old"):
        of_option("old")


def test_names_and_keywords_bound_the_version() -> None:
    spelled_old = infer(VersionRange(), [use("keras.layers.Convolution2D", "f(8, 3, 3, border_mode='same')")])
    assert spelled_old.high == versions.LAST_MULTI_BACKEND  # Keras 2 takes it too
    setter = infer(VersionRange(), [use("keras.backend.set_image_dim_ordering", "f('th')")])
    assert (setter.low, setter.high) == ((1, 0, 4), (2, 2, 5))
    assert infer(VersionRange(), [use("keras.layers.TimeDistributedDense")]).high == versions.LAST_KERAS1
    assert infer(VersionRange(), [use("keras.layers.Conv2D", "f(8, (3, 3), padding='same')")]).low == (2, 0, 0)
    assert infer(VersionRange(), [use("keras.layers.Flatten", "f(data_format='channels_first')")]).low == (2, 1, 6)
    assert infer(VersionRange(), [use("keras.ops.mean")]).low == (3, 0, 0)
    assert infer(VersionRange(), [use("tensorflow.keras.layers.Dense")]).low == (2, 4, 0)
    assert infer(VersionRange(), [use("tensorflow.contrib.keras.layers.Dense")]).high == (2, 1, 6)


def test_files_beside_the_program_and_in_its_project(tmp_path: Path) -> None:
    (tmp_path / "setup.py").write_text("setup(install_requires=['keras<2.0'])")
    program = tmp_path / "scripts" / "train.py"
    program.parent.mkdir()
    program.write_text("import keras")
    assert versions.project_root(program) == tmp_path
    assert stated(program).high == (1, 99, 99)
    (program.parent / "requirements.txt").write_text("Keras==1.0.5\n")
    assert stated(program)[:2] == ((1, 0, 5), (1, 0, 5))
    only_tensorflow = infer(stated(program), [use("tensorflow.keras.layers.Dense")])
    assert only_tensorflow.low == (2, 4, 0)  # keras==1.0.5 says nothing of tf.keras
    said = infer(of_option("2.1"), [use("tensorflow.keras.layers.Dense")], said=True)
    assert said.low == (2, 1, 0)  # but the user is believed


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("__version__ = '1.0.5'\n", (1, 0, 5)),
        ('from . import x\n__version__ = "2.2.4"\n', (2, 2, 4)),
        ("version = '1.0.5'\n", None),
        ("__version__ = '0.3.1'\n", None),  # before Keras 1
    ],
)
def test_a_project_that_holds_keras_itself(tmp_path: Path, text: str, version: tuple[int, ...] | None) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "examples").mkdir()
    (tmp_path / "keras").mkdir()
    (tmp_path / "keras" / "__init__.py").write_text(text)
    found = stated(tmp_path / "examples" / "net.py")
    assert found[:2] == ((version, version) if version else VersionRange()[:2])


def test_keras_json_of_the_project(tmp_path: Path) -> None:
    program = tmp_path / "train.py"
    assert versions.keras_json(program) is None
    (tmp_path / "keras.json").write_text('{"image_dim_ordering": "th", "epsilon": 1e-07, "backend": "theano"}')
    found = versions.keras_json(program)
    assert found is not None and found[1]["image_dim_ordering"] == "th"
    assert stated(program).high == versions.LAST_KERAS1


def test_contradictions_keep_the_first_and_say_so() -> None:
    declared = VersionRange((1, 2, 2), (1, 2, 2), ("requirements.txt",))
    both = declared.narrowed(VersionRange((2, 0, 0), LATEST, ("uses padding=",)))
    assert both[:2] == declared[:2]
    assert "contradicted by uses padding=" in both.why


def test_a_range_answers_where_its_versions_agree() -> None:
    assert VersionRange((1, 0, 0), (1, 0, 8)).agree("default_ordering") == "th"
    assert VersionRange((1, 0, 0), (1, 2, 2)).agree("default_ordering") is None
    assert VersionRange((1, 1, 0), (2, 1, 5)).agree("flatten_moves_channels", None, "th") is False
    assert VersionRange((1, 1, 0), (2, 3, 1)).agree("flatten_moves_channels", None, "th") is None
    assert str(VersionRange((1, 2, 2), (1, 2, 2))) == "Keras 1.2.2"
