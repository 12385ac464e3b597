"""The certificate as JSON is what docs/certificate.schema.json says."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from kmigrate.verify import Certificate, Divergence, Figure, ModelFigures, Verdict
from tests.verify.planted import PAIRS

DOCS = Path(__file__).parents[2] / "docs"
SCHEMA = json.loads((DOCS / "certificate.schema.json").read_text())


def checked(certificate: Certificate) -> dict[str, Any]:
    """As it is written and read again."""
    data = json.loads(json.dumps(certificate.to_json(), allow_nan=False))
    Draft202012Validator(SCHEMA).validate(data)
    return data


def test_infinities_are_texts_and_no_field_is_lost() -> None:
    figure = Figure("weights", math.inf, 1e-8, "after 5 steps")
    model = ModelFigures("m", "a.py:1", "a.py:2", [figure], Divergence("bn", "BatchNormalization", "a.py:3", ""))
    data = checked(Certificate(Verdict.DIFFERENT, "why", models=[model], events=[Figure("inputs", 0.0, 0.0)]))
    shown = data["models"][0]["figures"][0]
    assert shown.pop("passed") is False
    assert shown == {"check": "weights", "error": "inf", "tolerance": 1e-8, "detail": "after 5 steps", "noise": None}
    assert data["models"][0]["diverges"]["layer"] == "bn"
    shown = {entry.name for entry in fields(Certificate) if entry.repr}
    assert set(data) == shown | {"schema", "kmigrate", "tolerances"}


def test_the_schema_refuses_what_is_no_certificate() -> None:
    data = checked(Certificate(Verdict.NOT_VERIFIED, "why"))
    for change in ({"schema": 2}, {"verdict": "EQUAL"}, {"before": {"a.py": "12"}}, {"more": 1}):
        assert not Draft202012Validator(SCHEMA).is_valid({**data, **change}), change


def test_every_field_is_documented() -> None:
    text = (DOCS / "certificate.md").read_text()
    for name in [*SCHEMA["properties"], *SCHEMA["$defs"]["figure"]["properties"]]:
        assert f"`{name}`" in text, name


@pytest.mark.verify
def test_a_real_one(check: Callable[..., Certificate]) -> None:
    pair = PAIRS["normalisation"]
    data = checked(check(pair.before, pair.after, seeds=2, steps=2, samples=4))
    assert data["verdict"] == "EQUIVALENT"
    assert data["seeds"] == [0, 1]
    (model,) = data["models"]
    assert {f["check"] for f in model["figures"]} >= {"predictions", "gradient", "loss", "weights", "later predictions"}
    assert model["self_control"] > data["tolerances"]["seen"]
    assert set(data["versions"]) == {"keras", "tensorflow", "numpy", "python"}
    assert set(data["runs"]) == {"before", "after", "before again"}
    wrong = pair.planted("BatchNormalization on another axis")
    (model,) = checked(check(pair.before, wrong, steps=2, samples=4))["models"]
    assert model["diverges"]["before_text"] == model["diverges"]["after_text"] != ""
    assert model["diverges"]["kind"] == "BatchNormalization"
