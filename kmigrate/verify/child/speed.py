"""How long the models of a script take for a training step and a prediction, once the script is done."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from kmigrate.verify.child import arrays
from kmigrate.verify.child.methods import Methods
from kmigrate.verify.child.record import Recorder

_WARM = 3  # calls that are not timed: the first ones trace and compile


def measure(recorder: Recorder, methods: Methods, count: int) -> list[dict[str, Any]]:
    """``count`` durations in seconds of each kind for each model, on the batches that the script gave it."""
    found = []
    step, predict = methods.original["train_on_batch"], methods.original["predict_on_batch"]
    with recorder.working():
        for entry, model in zip(recorder.models, recorder.objects, strict=True):
            if "_x" not in entry:
                continue
            row = {"name": entry["name"], "batch": arrays.batch_size(entry["_x"]), "training step": []}
            if "_batch" in entry:
                x, y, weight = entry["_batch"]
                row["training step"] = _times(lambda: step(model, x, y, sample_weight=weight), count)  # noqa: B023
            row["prediction"] = _times(lambda: predict(model, entry["_x"]), count)  # noqa: B023
            found.append(row)
    return found


def _times(call: Callable[[], Any], count: int) -> list[float]:
    for _ in range(_WARM):
        call()
    found = []
    for _ in range(count):
        start = time.perf_counter()
        call()
        found.append(time.perf_counter() - start)
    return found
