"""Correct conversions are EQUIVALENT; each with one edit undone or one mistake planted is DIFFERENT."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kmigrate.verify import Certificate, Verdict
from tests.verify.planted import PAIRS
from tests.verify.programs import (
    CLASSIFIER,
    CLASSIFIER_EDITS,
    GENERATOR,
    GENERATOR_EDITS,
    SEGMENTER,
    SEGMENTER_EDITS,
    convert,
)

pytestmark = pytest.mark.verify
Check = Callable[..., Certificate]

PROGRAMS = {
    "classifier": (CLASSIFIER, CLASSIFIER_EDITS, "keras3"),
    "segmenter": (SEGMENTER, SEGMENTER_EDITS, "tf_keras"),
    "generator": (GENERATOR, GENERATOR_EDITS, "keras3"),
}
PLANTED = {
    "pooling on other axes": ("MaxPooling2D((2, 1)", "MaxPooling2D((1, 2)"),
    "pooling left": (
        'MaxPooling2D((2, 1), padding="valid", data_format="channels_last"',
        'MaxPooling2D((2, 1), padding="valid", data_format="channels_first"',
    ),
    "reshaped, not transposed": ("x = x.transpose(0, 2, 3, 1)", "x = x.reshape(24, 8, 8, 8)"),
    "height and width swapped": ("x.transpose(0, 2, 3, 1)", "x.transpose(0, 3, 2, 1)"),
    "slope changed": ("negative_slope=0.1", "negative_slope=0.11"),
    "padding swapped": ("((1, 0), (0, 2))", "((0, 1), (2, 0))"),
    "same padding turned explicit": (
        'strides=2, padding="same"',
        'strides=2, padding="valid"',
    ),
    "operands swapped": ("[a, b]", "[b, a]"),
    "validation data not normalised alike": ("val = x[16:] * 2", "val = x[16:].transpose(0, 2, 1, 3) * 2"),
    "other epsilon": ("BatchNormalization(axis=3)", "BatchNormalization(axis=3, epsilon=1e-5)"),
    "more epochs": ("epochs=3", "epochs=4"),
    "other batches": ("epochs=3", "epochs=3, batch_size=8"),
    "other initial weights": ("layers.Dense(5,", 'layers.Dense(5, kernel_initializer="he_normal",'),
    "frozen": ("layers.Dense(5,", "layers.Dense(5, trainable=False,"),
    "more dropout": ("layers.Flatten()", "layers.Flatten()(layers.Dropout(0.5)(a)); a = layers.Activation('linear')"),
    "other momentum": ("BatchNormalization(axis=3)", "BatchNormalization(axis=3, momentum=0.9)"),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_correct_conversion_is_equivalent(name: str, check: Check) -> None:
    before, edits, stack = PROGRAMS[name]
    full = {"float32": True, "ambient_check": True} if name == "classifier" else {}
    found = check(before, convert(before, edits), stack, same_weights=True, **full)
    assert found.verdict is Verdict.EQUIVALENT, str(found)
    assert all(figure.error < 1e-12 for model in found.models for figure in model.figures)
    assert all(model.self_control > 1e-3 for model in found.models)
    if full:  # its Flatten follows keras.json, before and after
        assert any("depend on keras.json" in note for note in found.notes)
        assert 1e-9 < max(found.models[0].float32.values()) < 1e-2


@pytest.mark.parametrize(
    ("name", "edit"),
    [(name, edit) for name, (_, edits, _) in PROGRAMS.items() for edit in edits],
)
def test_an_undone_edit_is_different(name: str, edit: str, check: Check) -> None:
    before, edits, stack = PROGRAMS[name]
    found = check(before, convert(before, edits, without=edit), stack, same_weights=True)
    assert found.verdict is Verdict.DIFFERENT, str(found)


@pytest.mark.parametrize("mistake", PLANTED)
def test_a_planted_mistake_is_different(mistake: str, check: Check) -> None:
    right = convert(CLASSIFIER, CLASSIFIER_EDITS)
    old, new = PLANTED[mistake]
    assert old in right
    found = check(CLASSIFIER, right.replace(old, new), same_weights=True)
    assert found.verdict is Verdict.DIFFERENT, str(found)


def test_the_diverging_layer_and_its_lines_are_named(check: Check) -> None:
    found = check(CLASSIFIER, convert(CLASSIFIER, CLASSIFIER_EDITS, without="normalisation"))
    diverges = found.models[0].diverges
    assert diverges is not None
    assert (diverges.kind, diverges.before, diverges.after) == ("BatchNormalization", "p.py:15", "p.py:16")
    assert diverges.before_text == diverges.after_text == "a = layers.BatchNormalization(axis=1)(a)"
    assert f"- {diverges.before_text}" in found.summary()


def test_dense_rows_may_follow_the_features_where_nobody_keeps_the_weights(check: Check) -> None:
    after = convert(CLASSIFIER, CLASSIFIER_EDITS, without="flatten")
    found = check(CLASSIFIER, after)
    assert found.verdict is Verdict.EQUIVALENT, str(found)
    assert "in another order" in found.reason
    keeping = 'model.save_weights("w.weights.h5")\n'
    assert check(CLASSIFIER + keeping, after + keeping).verdict is Verdict.DIFFERENT


def test_the_bias_bug_of_keras_is_not_blamed_on_the_conversion(check: Check) -> None:
    found = check(CLASSIFIER, convert(CLASSIFIER, CLASSIFIER_EDITS))
    assert any("adds it along the width" in note for note in found.notes)


def test_a_conversion_that_leans_on_keras_json_is_different(check: Check) -> None:
    old = ', data_format="channels_last")(inputs)\na = layers.Batch'
    before = CLASSIFIER.replace("layers.Flatten()", "layers.GlobalMaxPooling2D(data_format='channels_first')")
    found = check(before, convert(before, {**CLASSIFIER_EDITS, "flatten": ("a", "a")}), ambient_check=True)
    assert found.verdict is Verdict.EQUIVALENT, str(found)
    leaning = convert(before, {**CLASSIFIER_EDITS, "flatten": ("a", "a")}).replace(old, ")(inputs)\na = layers.Batch")
    found = check(before, leaning, ambient_check=True)
    assert found.verdict is Verdict.DIFFERENT
    assert "keras.json" in found.reason


FORCED = 'import keras\nkeras.config.set_dtype_policy("float32")\n'


def test_a_program_that_forces_float32_is_judged_against_its_own_noise(check: Check) -> None:
    pair = PAIRS["normalisation"]
    found = check(FORCED + pair.before, FORCED + pair.after, steps=2, samples=4)
    assert found.verdict is Verdict.EQUIVALENT, str(found)
    assert any("forces float32: judged against its own noise" in note for note in found.notes)
    predictions = next(figure for figure in found.models[0].figures if figure.check == "predictions")
    assert predictions.noise is not None
    assert 1e-9 < predictions.noise < 1e-5
    wrong = FORCED + pair.planted("BatchNormalization on another axis")
    assert check(FORCED + pair.before, wrong, steps=2, samples=4).verdict is Verdict.DIFFERENT


@pytest.mark.parametrize("mode", ["graph", "jit"])
def test_compiled_steps_compute_the_same(mode: str, check: Check) -> None:
    """benchmarks/verify_fixtures.py does it for all fixtures."""
    pair = PAIRS["normalisation"]
    found = check(pair.before, pair.after, steps=2, samples=4, mode=mode)
    assert found.verdict is Verdict.EQUIVALENT, str(found)
    assert {"gradient", "weights", "later predictions"} <= {figure.check for figure in found.models[0].figures}
