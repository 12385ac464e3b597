"""The scripts of fixtures/layout compute the same after their conversion, and not without one of its edits."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.verify_fixtures import CASES, staged
from kmigrate import pipeline, proof
from kmigrate.options import Options
from kmigrate.source import SourceFile
from kmigrate.verify import Server, Verdict

pytestmark = pytest.mark.verify
MAIN = ("mnist_cnn_th", "cifar10_leaky_th", "unet_k2", "keras3_functional", "vgg_npload")
EQUIVALENT = {"cifar10_leaky_th": Verdict.EQUIVALENT_EXCEPT_AT_0}
WALL = 60


def converted(script: Path) -> pipeline.Result:
    (result,) = pipeline.run([str(script)], Options())
    return result


@pytest.mark.parametrize("name", CASES)
def test_the_conversion_computes_the_same(name: str, tmp_path: Path, servers: dict[str, Server]) -> None:
    script = staged(name, tmp_path)
    plan = converted(script).plan
    before = SourceFile.read(script)
    after = SourceFile.from_bytes((tmp_path / "after.py").read_bytes(), script)
    found = proof.prove(before, after, Options(), plan, servers=servers, float32=False, wall=WALL)
    assert found.verdict is EQUIVALENT.get(name, Verdict.EQUIVALENT), str(found)


@pytest.mark.parametrize("name", MAIN)
def test_an_undone_edit_is_seen(name: str, tmp_path: Path, servers: dict[str, Server]) -> None:
    """Two of them; benchmarks/undone_edits.py tries all."""
    result = converted(staged(name, tmp_path))
    assert result.source is not None
    edits = proof.effective(result.plan)
    for edit in (edits[0], edits[-1]):
        after = proof.without(result.source, result.plan, edit)
        assert after is not None
        found = proof.prove_undone(result.source, after, Options(), result.plan, servers)
        assert found.verdict is Verdict.DIFFERENT, f"{edit.line} {edit.codemod}: {found}"
