"""Checkpoints written by real old Keras, converted: the new model predicts what the old program did.

`record_checkpoints.py` made them. Theano computed in float64, the others in float32; here it is float64.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kmigrate.verify import Server
from kmigrate.weights.proof import Runner
from tests.weights.files import RECORDED, Recorded, converted

pytestmark = pytest.mark.verify


def _how(recorded: Recorded) -> tuple[str, str, str]:
    """Target, what becomes of Flatten, and the new name: Keras 3 reads both formats and both orders of features."""
    if recorded.name == "rare":
        return "same", "reorder", "new.h5"  # layers that Keras 3 does not have
    if recorded.keras == "keras231":
        return "keras3", "permute" if recorded.name == "lenet" else "reorder", "new.weights.h5"
    return ("same" if recorded.name == "vgg" else "keras3"), "reorder", "new.h5"


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda recorded: f"{recorded.keras}-{recorded.name}")
def test_the_new_model_predicts_what_the_old_program_did(
    recorded: Recorded, tmp_path: Path, servers: dict[str, Server]
) -> None:
    target, flatten, name = _how(recorded)
    request = recorded.request(tmp_path / name, target=target, flatten=flatten)
    outcome = converted(request)
    with Runner(servers["keras3"]) as runner:
        found = runner.predict(request, request.new, outcome.plan, recorded.predictions, control=99)
    assert found["error"] is None
    with np.load(recorded.predictions) as data:
        wanted = data["y"]
    exact = "theano" in recorded.keras  # 1.0.5 gives float32 values as float64
    assert found["loaded_by_keras"] == (target == "keras3")
    np.testing.assert_allclose(found["new"][0], wanted, rtol=0, atol=1e-12 if exact else 1e-5)
    assert found["difference"] < 1e-12
    assert found["unseen"] == []  # any one layer's map left out is seen
