"""A notebook is run as the program that its cells make."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kmigrate import pipeline, proof
from kmigrate.discovery import Candidate
from kmigrate.options import Options
from kmigrate.verify import Server, Verdict

pytestmark = pytest.mark.verify

CELLS = [
    "%matplotlib inline\nimport numpy as np\nfrom keras import layers, models",
    "x = np.random.rand(24, 3, 11, 13)\ny = np.random.rand(24, 2)",
    "model = models.Sequential()\n"
    "model.add(layers.Conv2D(4, 3, data_format='channels_first', input_shape=(3, 11, 13)))\n"
    "model.add(layers.GlobalAveragePooling2D(data_format='channels_first'))\n"
    "model.add(layers.Dense(2))\n"
    "model.compile('sgd', 'mse')",
    "%%time\nmodel.fit(x, y, epochs=1)",
]


def test_a_notebook_is_verified(tmp_path: Path, servers: dict[str, Server]) -> None:
    cells = [
        {"cell_type": "code", "execution_count": i, "metadata": {}, "outputs": [], "source": text}
        for i, text in enumerate(CELLS, start=1)
    ]
    data = json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}).encode()
    path = tmp_path / "n.ipynb"
    path.write_bytes(data)
    options = Options(source_keras="3")
    (result,) = pipeline.convert([Candidate(str(path), data)], options)
    assert result.source is not None and result.new is not None, result.diagnostics
    certificate = proof.prove(result.source, result.new, options, result.plan, servers=servers)
    assert certificate.verdict is Verdict.EQUIVALENT, certificate.summary()
