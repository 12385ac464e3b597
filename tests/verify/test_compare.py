"""The comparison of two recorded runs, without running anything."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

from kmigrate.verify import compare, log, weightmap
from kmigrate.verify.certificate import Verdict
from kmigrate.verify.correspond import FIRST_TO_LAST, IDENTITY, distance, l2, match

RNG = np.random.default_rng(3)
KERNEL, ROWS = RNG.normal(size=(3, 3, 2, 4)), RNG.normal(size=(24, 5))
IMAGES, LABELS = RNG.normal(size=(6, 2, 5, 4)), np.eye(5)[[0, 1, 2, 3, 4, 0]]
SCORES = RNG.normal(size=(6, 5))


def layer(kind: str, shapes: list[list[int]], **more: Any) -> dict[str, Any]:
    return {"name": kind.lower(), "class": kind, "where": "p.py:1", "shapes": shapes, "axis": None, **more}


def setting(kind: str, **settings: Any) -> dict[str, Any]:
    return {"name": kind.lower(), "class": kind, "where": "p.py:1", "settings": settings}


def run(last: bool = False) -> dict[str, Any]:
    """A recorded run of a model with a convolution and a Dense layer."""
    images = np.moveaxis(IMAGES, 1, -1) if last else IMAGES
    entries: list[None] = [None, None]
    model = {
        "name": "m",
        "where": "p.py:1",
        "layers": [layer("Conv2D", [[3, 3, 2, 4]]), layer("Dense", [[24, 5]])],
        "settings": [
            setting("Conv2D", kernel_initializer="HeNormal(seed=None)", trainable=True),
            setting("Dropout", rate=0.25),
            setting("Dropout", rate=0.5),
        ],
        "map": {"entries": entries, "problems": [], "identity": True},
        "values": [KERNEL, ROWS],
        "predictions": [SCORES],
        "projection": [KERNEL * 2, ROWS * 3],
        "gradient": [KERNEL * 4, ROWS * 5],
        "loss": 1.25,
        "final": {"steps": 5, "weights": [KERNEL + 1, ROWS - 1], "predictions": [SCORES * 2]},
        "activations": [
            {"name": "conv", "class": "Conv2D", "where": "p.py:3", "value": images},
            {"name": "pool", "class": "MaxPooling2D", "where": "p.py:4", "value": images * 2},
        ],
    }
    fit = {
        "kind": "fit",
        "where": "p.py:9",
        "model": 0,
        "arguments": {"epochs": 3, "batch_size": 32, "class_weight": None},
        "data": {"x": [images], "y": [LABELS]},
        "results": {"losses": np.arange(5.0)},
    }
    return copy.deepcopy({"models": [model], "events": [fit], "keeps_weights": False})


def test_a_run_and_its_counterpart_are_equivalent() -> None:
    found = compare.compare(run(), run(last=True))
    assert found.verdict is Verdict.EQUIVALENT
    assert {f.check for f in found.figures} == {
        "inputs",
        "labels",
        "losses",
        "predictions",
        "gradient of the outputs",
        "gradient",
        "loss",
        "weights",
        "later predictions",
    }


@pytest.mark.parametrize(
    ("path", "check"),
    [
        (("models", 0, "predictions", 0), "predictions"),
        (("models", 0, "gradient", 1), "gradient"),
        (("models", 0, "final", "weights", 0), "weights"),
        (("models", 0, "final", "predictions", 0), "later predictions"),
        (("events", 0, "data", "x", 0), "inputs"),
        (("events", 0, "data", "y", 0), "labels"),
        (("events", 0, "results", "losses"), "losses"),
    ],
)
@pytest.mark.parametrize("size", [1e-3, 3e-7])
def test_each_check_sees_its_own_difference(path: tuple[Any, ...], check: str, size: float) -> None:
    after = run(last=True)
    node: Any = after
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = node[path[-1]] + size * np.abs(node[path[-1]]).max()
    found = compare.compare(run(), after)
    assert [f.check for f in found.figures if not f.passed] == [check]
    assert found.verdict is (Verdict.DIFFERENT if size > compare.INACCURATE else Verdict.INACCURATE)
    assert check in found.reason


@pytest.mark.parametrize(
    ("argument", "value"), [("epochs", 9), ("batch_size", 4), ("class_weight", {"0": 2.0}), ("initial_epoch", 1)]
)
def test_another_argument_of_training_is_different(argument: str, value: Any) -> None:
    after = run(last=True)
    was = after["events"][0]["arguments"].get(argument)
    after["events"][0]["arguments"][argument] = value
    found = compare.compare(run(), after)
    assert found.verdict is Verdict.DIFFERENT
    assert found.reason == f"fit at p.py:9 / p.py:9: {argument} is {was!r}, then {value!r}"


@pytest.mark.parametrize(
    ("number", "name", "value", "message"),
    [
        (2, "rate", 0.9, "m: dropout (Dropout, p.py:1 / p.py:1): rate is 0.5, then 0.9"),
        (0, "kernel_initializer", "Zeros()", "kernel_initializer is 'HeNormal(seed=None)', then 'Zeros()'"),
        (0, "trainable", False, "trainable is True, then False"),
    ],
)
def test_another_setting_of_a_layer_is_different(number: int, name: str, value: Any, message: str) -> None:
    after = run(last=True)
    after["models"][0]["settings"][number]["settings"][name] = value
    found = compare.compare(run(), after)
    assert found.verdict is Verdict.DIFFERENT
    assert message in found.reason


def test_layers_that_a_conversion_adds_are_no_difference_but_a_dropout_is_one() -> None:
    after = run(last=True)
    settings = after["models"][0]["settings"]
    settings.insert(1, setting("Permute", trainable=True))
    assert compare.compare(run(), after).verdict is Verdict.EQUIVALENT
    del settings[-1]
    assert compare.compare(run(), after).reason == "m: 2 Dropout layers, then 1"


def test_the_first_layer_that_differs_is_named() -> None:
    after = run(last=True)
    after["models"][0]["predictions"] = [SCORES + 1]
    after["models"][0]["activations"][1]["value"] = after["models"][0]["activations"][1]["value"] + 1
    after["models"][0]["activations"].insert(
        1, {"name": "permute", "class": "Permute", "where": "p.py:7", "value": SCORES}
    )
    assert str(compare.compare(run(), after).models[0].diverges) == "pool (MaxPooling2D), p.py:4 / p.py:4"


def test_one_input_has_one_correspondence() -> None:
    before, after = run(), run(last=True)
    before["events"] *= 2
    after["events"] = [after["events"][0], run()["events"][0]]  # the second time channels-first again
    assert compare.compare(before, after).verdict is Verdict.DIFFERENT


def test_calls_that_are_missing_or_others_are_different() -> None:
    after = run(last=True)
    after["events"][0]["kind"] = "train_on_batch"
    assert "call 1" in compare.compare(run(), after).reason
    after["events"] = []
    assert compare.compare(run(), after).reason == "1 calls before, 0 after"


def test_what_leaves_through_a_file_keeps_its_layout() -> None:
    saved = {"kind": "save", "name": "out.npy", "where": "p.py:12", "data": {"x": [IMAGES]}, "results": {}}
    moved = {**saved, "data": {"x": [np.moveaxis(IMAGES, 1, -1)]}}
    before, after = run(), run(last=True)
    before["events"].append(saved)
    after["events"].append(moved)
    assert "saved values in out.npy" in compare.compare(before, after).reason


def test_reordered_weights_pass_only_where_nobody_keeps_them() -> None:
    before, after = run(), run(last=True)
    order = np.argsort(RNG.random(24))
    index = np.arange(ROWS.size).reshape(ROWS.shape)[order].ravel()
    model = after["models"][0]
    model["map"]["entries"] = [None, {"index": index, "shape": list(ROWS.shape)}]
    for weights in (model["projection"], model["gradient"], model["final"]["weights"]):
        weights[1] = weights[1][order]
    found = compare.compare(before, after)
    assert found.verdict is Verdict.EQUIVALENT
    assert "in another order" in found.reason
    assert compare.compare(before, after, same_weights=True).verdict is Verdict.DIFFERENT
    before["keeps_weights"] = True
    assert "dense needs them in another order" in compare.compare(before, after).reason


def test_distances() -> None:
    assert distance(np.array([1.0, np.nan]), np.array([1.0, np.nan])) == 0
    assert distance(np.array([1.0, np.nan]), np.array([np.nan, 1.0])) == float("inf")
    assert distance(np.zeros((2, 3)), np.zeros((3, 2))) == float("inf")
    assert distance(np.array([]), np.array([])) == 0
    assert l2([np.zeros(2)], [np.zeros(2)]) == 0
    assert l2([np.zeros(2)], [np.ones(2)]) == float("inf")
    square = RNG.normal(size=(2, 3, 3, 3))
    assert match(square, square).how == IDENTITY
    assert match(square, np.moveaxis(square, 1, -1)).how == FIRST_TO_LAST
    assert match(square, square.transpose(0, 1, 3, 2)).error > 0.1


def test_dense_rows_follow_the_features() -> None:
    first = np.arange(1, 25).reshape(4, 3, 2)  # ids of a C, H, W map
    last = np.moveaxis(first, 0, -1)
    before = [layer("Dense", [[24, 5], [5]], ids=first.ravel())]
    after = [layer("Dense", [[24, 5], [5]], ids=last.ravel())]
    rows, bias = RNG.normal(size=(24, 5)), RNG.normal(size=5)
    moved = weightmap.build(before, after).apply([rows, bias])
    features = RNG.normal(size=24)
    np.testing.assert_allclose(
        features.reshape(4, 3, 2).transpose(1, 2, 0).ravel() @ moved[0], features @ rows, rtol=1e-12
    )
    assert moved[1] is bias


def test_slopes_may_share_axes() -> None:
    first = np.arange(1, 25).reshape(4, 3, 2)
    last = np.moveaxis(first, 0, -1)
    before = [layer("PReLU", [[4, 1, 1]], ids=first, shared=[2, 3])]
    after = [layer("PReLU", [[1, 1, 4]], ids=last, shared=[1, 2])]
    slopes = RNG.normal(size=(4, 1, 1))
    found = weightmap.build(before, after)
    assert not found.problems
    np.testing.assert_array_equal(found.apply([slopes])[0].ravel(), slopes.ravel())
    before = [layer("PReLU", [[4, 1, 2]], ids=first, shared=[2])]
    after = [layer("PReLU", [[1, 2, 4]], ids=last, shared=[1])]
    slopes = RNG.normal(size=(4, 1, 2))
    np.testing.assert_array_equal(weightmap.build(before, after).apply([slopes])[0], np.moveaxis(slopes, 0, -1))


def test_a_normalisation_over_another_axis_is_a_problem_not_a_reordering() -> None:
    first = np.arange(1, 65).reshape(4, 4, 4)
    last = np.moveaxis(first, 0, -1)
    before = [layer("BatchNormalization", [[4]] * 4, ids=first) | {"axis": 1}]
    after = [layer("BatchNormalization", [[4]] * 4, ids=last) | {"axis": 3}]
    assert weightmap.build(before, after).identity
    assert not weightmap.build(before, after).problems
    after[0]["axis"] = 1
    assert weightmap.build(before, after).problems == [
        "the features that reach batchnormalization (BatchNormalization) differ"
    ]


def test_layers_that_do_not_correspond_have_no_map() -> None:
    with pytest.raises(ValueError, match="layers with weights differ"):
        weightmap.build([layer("Dense", [[2, 3]])], [layer("Conv2D", [[1, 1, 2, 3]])])
    with pytest.raises(ValueError, match="has shape"):
        weightmap.build([layer("Conv2D", [[3, 3, 2, 4]])], [layer("Conv2D", [[3, 3, 4, 2]])])


def test_a_log_survives_its_file(tmp_path: Any) -> None:
    tree = {"a": [np.arange(3), {"b": None, "c": "x"}], "d": np.float64(2.5), "e": np.array(["t"])}
    log.dump(tree, tmp_path / "log")
    back = log.load(tmp_path / "log")
    assert back["a"][1] == {"b": None, "c": "x"}
    assert back["d"] == 2.5
    assert back["e"] == ["t"]
    np.testing.assert_array_equal(back["a"][0], np.arange(3))


def test_training_that_diverges_in_both_runs_is_not_compared_after_it() -> None:
    before, after = run(), run(last=True)
    for one, huge in ((before, 1e200), (after, 3e200)):
        one["models"][0]["final"]["weights"][0] = KERNEL * huge
        one["events"][0]["results"]["losses"] = np.array([1.0, 2.0, huge, np.nan])
    found = compare.compare(before, after)
    assert found.verdict is Verdict.EQUIVALENT
    assert "diverges" in found.models[0].remark
    assert "weights" not in {f.check for f in found.figures}


def test_training_that_diverges_in_one_run_only_is_different() -> None:
    after = run(last=True)
    after["models"][0]["final"]["weights"][0] = KERNEL * 1e200
    assert compare.compare(run(), after).verdict is Verdict.DIFFERENT


def test_a_difference_within_the_programs_own_noise_is_none() -> None:
    noisy, after = run(), run(last=True)
    for one in (noisy, after):
        one["models"][0]["predictions"] = [SCORES * (1 + 1e-7)]
    after["models"][0]["activations"][1]["value"] = after["models"][0]["activations"][1]["value"] + 1e-5
    found = compare.compare(run(), after)
    assert found.verdict is Verdict.INACCURATE
    noise = compare.compare(run(), noisy)
    assert compare.loud(noise) is None
    judged = compare.against_noise(found, noise, 1e-8)
    assert judged.verdict is Verdict.EQUIVALENT
    assert found.models[0].diverges is not None
    assert judged.models[0].diverges is None
    (figure,) = [figure for figure in judged.figures if figure.check == "predictions"]
    assert figure.noise == pytest.approx(1e-7)
    assert figure.tolerance == pytest.approx(1e-6)
    assert {figure.tolerance for figure in judged.figures if figure.check == "inputs"} == {1e-10}
    (loss,) = [figure for figure in judged.figures if figure.check == "loss"]
    assert loss.tolerance == pytest.approx(1e-7)  # at least one unit in the last place
    after["models"][0]["predictions"] = [SCORES * (1 + 1e-4)]
    assert compare.against_noise(compare.compare(run(), after), noise, 1e-8).verdict is Verdict.DIFFERENT


def test_noise_that_is_too_large_to_judge_by() -> None:
    noisy = run()
    noisy["models"][0]["gradient"] = [value * 1.01 for value in noisy["models"][0]["gradient"]]
    loud = compare.loud(compare.compare(run(), noisy))
    assert loud is not None
    assert loud.check == "gradient"


def test_the_coarsest_float_type_is_what_a_program_forces() -> None:
    one = run()
    assert compare.forced(one) == ""
    one["models"][0]["values"][0] = KERNEL.astype("float32")
    assert compare.forced(one) == "float32"
    one["models"][0]["activations"][0]["value"] = IMAGES.astype("float16")
    assert compare.forced(one) == "float16"


@pytest.mark.parametrize(
    ("check", "size", "verdict"),
    [
        ("weights", 1e-4, Verdict.INACCURATE),
        ("weights", 1e-2, Verdict.DIFFERENT),
        ("gradient", 1e-4, Verdict.DIFFERENT),
    ],
)
def test_in_float32_steps_blow_up_rounding_but_a_gradient_does_not(check: str, size: float, verdict: Verdict) -> None:
    after = run(last=True)
    model = after["models"][0]
    values = model["final"]["weights"] if check == "weights" else model["gradient"]
    values[:] = [value * (1 + size) for value in values]
    noise = compare.compare(run(), run())
    found = compare.against_noise(compare.compare(run(), after), noise, 1e-7)
    assert [figure.check for figure in found.figures if not figure.passed] == [check]
    assert found.verdict is verdict
