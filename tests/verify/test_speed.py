"""What is said of the speed, and that it is measured on the programs as they are."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kmigrate.verify import Certificate, Verdict, speed
from tests.verify.planted import PAIRS


def rows(step: list[float], prediction: list[float]) -> list[dict]:
    return [{"name": "m", "batch": 8, "training step": step, "prediction": prediction}]


def test_medians_and_the_spread_of_the_rounds() -> None:
    before = [rows([0.4, 0.4, 9.0], [0.1]), rows([0.6], [0.1])]
    after = [rows([0.2], [0.1]), rows([0.2], [0.1])]
    step, prediction = speed.compared(before, after)
    assert (step.kind, step.before, step.after, step.low) == ("training step", 0.5, 0.2, 2.0)
    assert step.ratio == pytest.approx(2.5)
    assert step.high == pytest.approx(3.0)
    assert prediction.ratio == prediction.low == prediction.high == 1.0
    assert "a training step of 8: 500.0 ms before, 200.0 ms after: 2.50x (2.00 to 3.00" in str(step)


def test_a_model_that_is_not_trained_has_no_training_step() -> None:
    (found,) = speed.compared([rows([], [0.1])], [rows([], [0.2])])
    assert found.kind == "prediction"


@pytest.mark.verify
def test_the_speed_of_a_program(check: Callable[..., Certificate], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "ROUNDS", 2)
    monkeypatch.setattr(speed, "STEPS", 4)
    pair = PAIRS["segmentation"]  # it trains and predicts
    found = check(pair.before, pair.after, steps=2, samples=4, bench=True)
    assert found.verdict is Verdict.EQUIVALENT, str(found)
    assert [(one.kind, one.batch) for one in found.speed] == [("training step", 4), ("prediction", 4)], str(found)
    assert all(one.low <= one.ratio <= one.high and one.after > 0 for one in found.speed)
    assert found.peak("before, timed") > 100 << 20
    assert "peak memory" in found.summary()
