"""Programs of several files: each script is run with its modules, and has a verdict of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kmigrate import pipeline, proof
from kmigrate.options import Options
from kmigrate.source import SourceFile
from kmigrate.verify import Certificate, Server, Verdict

pytestmark = pytest.mark.verify
PROGRAMS = Path(__file__).parents[2] / "fixtures" / "programs"
QUICK = {"float32": False, "ambient_check": False}
Prove = Callable[..., dict[str, Certificate]]


@pytest.fixture
def prove(servers: dict[str, Server]) -> Prove:
    def run(folder: Path, **how: object) -> dict[str, Certificate]:
        changed = [result for result in pipeline.run([str(folder)], Options()) if result.new is not None]
        changes = [proof.Change(r.source, r.new, r.plan) for r in changed if r.source and r.new]
        found = proof.prove_program(changes, changed[0].entries, Options(), servers=servers, **{**QUICK, **how})
        return {Path(entry).name: certificate for entry, certificate in found.items()}

    return run


def test_each_script_has_a_verdict(prove: Prove) -> None:
    found = prove(PROGRAMS / "two_scripts" / "before", ambient_check=True)
    assert {name: one.verdict for name, one in found.items()} == {
        "look.py": Verdict.EQUIVALENT,
        "train.py": Verdict.EQUIVALENT,
    }, "\n".join(map(str, found.values()))
    assert all("one edit undone" in one.runs for one in found.values())


def test_an_edit_that_one_file_lacks_is_seen(servers: dict[str, Server]) -> None:
    folder = PROGRAMS / "two_scripts" / "before"
    files = [result for result in pipeline.run([str(folder)], Options()) if result.new is not None]
    changes = [
        proof.Change(r.source, r.source if Path(r.path).name == "look.py" else r.new, r.plan)
        for r in files
        if r.source and r.new
    ]
    found = proof.prove_program(changes, files[0].entries, Options(), servers=servers, **QUICK)
    verdicts = {Path(entry).name: one.verdict for entry, one in found.items()}
    assert verdicts == {"look.py": Verdict.DIFFERENT, "train.py": Verdict.EQUIVALENT}


MODULE = """
from keras import layers
import keras

def net():
    return keras.Sequential([
        keras.Input((3, 8, 9)),
        layers.Conv2D(4, 3, data_format='channels_first'),
        layers.ReLU(),
    ])

def other():
    return layers.MaxPooling2D(data_format='channels_first')
"""
SCRIPT = """
import os, sys
import numpy as np
from package.net import net

assert __name__ == '__main__' and sys.argv[1:] == ['--name', 'x'], sys.argv
assert open('notes.txt').read() == 'mine'
np.save('out.npy', net().predict(np.random.rand(6, 3, 8, 9)))
"""


def test_arguments_relative_paths_and_modules_in_folders(
    prove: Prove, servers: dict[str, Server], tmp_path: Path
) -> None:
    for folder in ("package", "scripts"):
        (tmp_path / folder).mkdir()
    (tmp_path / "setup.py").touch()
    (tmp_path / "package" / "__init__.py").touch()
    module, script = tmp_path / "package" / "net.py", tmp_path / "scripts" / "run.py"
    module.write_text(MODULE)
    script.write_text(SCRIPT)
    (script.parent / "notes.txt").write_text("mine")
    new = MODULE.replace("first'),\n", "last'),\n").replace("(3, 8, 9)", "(8, 9, 3)")
    after = SCRIPT.replace("6, 3, 8, 9)", "6, 3, 8, 9).transpose(0, 2, 3, 1)")
    after = after.replace("net().predict(", "np.moveaxis(net().predict(").replace("3, 1)))", "3, 1)), -1, 1))")

    def certificate(**texts: str) -> Certificate:
        changes = [
            proof.Change(SourceFile.read(path), SourceFile.from_bytes(text.encode(), path), pipeline.Plan())
            for path, text in ((module, texts["module"]), (script, texts["script"]))
        ]
        found = proof.prove_program(changes, [str(script)], Options(), servers=servers, argv=("--name", "x"), **QUICK)
        return found[str(script)]

    found = certificate(module=new, script=after)
    assert found.verdict is Verdict.EQUIVALENT, str(found)
    found = certificate(module=new, script=SCRIPT)
    assert found.verdict is Verdict.DIFFERENT
    found = certificate(module=MODULE.replace("MaxPooling2D(", "MaxPooling2D(3, "), script=SCRIPT)
    assert found.verdict is Verdict.NOT_VERIFIED
    assert "what changed does not run here: package/net.py:13" in found.reason
