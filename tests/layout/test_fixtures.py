"""Whole scripts: fixtures/layout/<trap>/before.py becomes after.py, or leave.txt names why it is left alone."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from kmigrate import pipeline
from kmigrate.discovery import Candidate
from kmigrate.layout.analysis import Program, analyse
from kmigrate.layout.recheck import recheck
from kmigrate.options import Options
from kmigrate.plan import Status
from kmigrate.project import Surroundings
from tests.layout.converting import applied
from tests.mock_keras import difference, run

FOLDER = Path(__file__).parents[2] / "fixtures" / "layout"
CASES = sorted(folder for folder in FOLDER.iterdir() if (folder / "before.py").exists())
CONVERTED = [folder for folder in CASES if (folder / "after.py").exists()]
LEFT = [folder for folder in CASES if (folder / "leave.txt").exists()]
# For the mock: the version a script is for, where its calls do not tell, and data under names that give a shape.
VERSIONS = {"moving_flatten": (2, 2, 4), "keras3_functional": (3, 5), "captured_defaults": (1, 0, 5)}
REORDERED = {"layer_surgery"}  # no Permute layer may be put in: the weights of the mock go with the features
REPLACED = {
    "vgg_npload": ("'images.npy'", "'images_4_3_36_28.npy'"),
    "captured_defaults": ("K.set_image_dim_ordering('tf')\n", ""),  # the mock's layers would heed it
}


def converted(path: Path, data: bytes | None = None) -> pipeline.Result:
    (result,) = pipeline.convert([Candidate(str(path), path.read_bytes() if data is None else data)], Options())
    return result


@functools.cache
def program(folder: Path) -> Program:
    path = folder / "before.py"
    return analyse(path.read_text(), str(path), Options(), Surroundings(path))


def test_each_case_says_what_is_expected() -> None:
    assert sorted(CONVERTED + LEFT) == CASES


@pytest.mark.parametrize("folder", CONVERTED, ids=lambda folder: folder.name)
def test_a_second_run_changes_nothing(folder: Path) -> None:
    result = converted(folder / "before.py", (folder / "after.py").read_bytes())
    assert (result.error, result.new) == (None, None)


@pytest.mark.parametrize("folder", LEFT, ids=lambda folder: folder.name)
def test_left_alone(folder: Path) -> None:
    result = converted(folder / "before.py")
    assert (result.error, result.new) == (None, None)
    assert {m.status for m in result.plan.models} <= {Status.LEFT_ALONE, Status.ASKED}
    assert (folder / "leave.txt").read_text().strip() in {d.code for d in result.diagnostics}


@pytest.mark.parametrize("folder", CONVERTED, ids=lambda folder: folder.name)
def test_converted(folder: Path) -> None:
    result = converted(folder / "before.py")
    assert result.error is None
    assert result.new_text == (folder / "after.py").read_text()
    assert {m.status for m in result.plan.models} <= {Status.DONE, Status.BORDERS}


@pytest.mark.parametrize("folder", CONVERTED, ids=lambda folder: folder.name)
def test_both_compute_the_same(folder: Path) -> None:
    """With the order of features kept, so that the same weights fit."""
    path = folder / "before.py"
    before = path.read_text()
    version = VERSIONS.get(folder.name, (1, 2, 2) if "Convolution2D" in before else (2, 1, 3))
    reorder = folder.name in REORDERED
    options = Options(flatten="auto" if reorder else "permute", source_keras=".".join(map(str, version)))
    after = applied(before, analyse(before, str(path), options, Surroundings(path)).plan.edits)
    assert after != before
    old, new = REPLACED.get(folder.name, ("", ""))
    logs = [run(text.replace(old, new) if old else text, version, "th", reorder) for text in (before, after)]
    assert logs[0].events
    assert difference(*logs) is None


EDITS = [(folder, i) for folder in CONVERTED for i in range(len(program(folder).plan.edits))]


@pytest.mark.parametrize(("folder", "index"), EDITS, ids=[f"{folder.name}-{i}" for folder, i in EDITS])
def test_the_recheck_sees_each_missing_edit(folder: Path, index: int) -> None:
    before = program(folder)
    edits = list(before.plan.edits)
    edit = edits.pop(index)
    text = (folder / "before.py").read_text()
    if edit.codemod == "imports":  # without the import nothing runs; the re-check is about layouts
        assert edit.args["add"] == "Permute"
        return
    assert recheck(before, {before.path: applied(text, edits)}) is not None, (
        f"{edit.codemod} at line {edit.line}: {dict(edit.args)}"
    )


@pytest.mark.parametrize("folder", CONVERTED, ids=lambda folder: folder.name)
def test_the_recheck_agrees_with_the_whole(folder: Path) -> None:
    before = program(folder)
    new = applied((folder / "before.py").read_text(), before.plan.edits)
    assert recheck(before, {before.path: new}) is None


@pytest.mark.parametrize("folder", CONVERTED, ids=lambda folder: folder.name)
def test_each_edit_says_why(folder: Path) -> None:
    for edit in program(folder).plan.edits:
        assert edit.reason and "\n" not in edit.reason and len(edit.reason) < 200
