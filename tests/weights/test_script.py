"""The model from a program: what it builds is found, its weights are converted, and the proof runs it."""

from __future__ import annotations

from pathlib import Path

import pytest

from kmigrate.verify import Server
from kmigrate.weights.convert import Request, convert
from kmigrate.weights.error import WeightsError
from kmigrate.weights.plan import Facts
from kmigrate.weights.proof import Runner
from tests.weights.files import FOLDER, Recorded

pytestmark = pytest.mark.verify

# the LeNet of record_checkpoints.py, migrated
LAST = """\
from keras.models import Sequential
from keras.layers import Activation, Convolution2D, Dense, Flatten, MaxPooling2D, Permute

def build():
    model = Sequential()
    model.add(Convolution2D(4, 3, 2, activation='relu', input_shape=(12, 10, 3), dim_ordering='tf'))
    model.add(MaxPooling2D((2, 2), dim_ordering='tf'))
    model.add(Convolution2D(5, 2, 3, activation='tanh', dim_ordering='tf'))
    {permute}model.add(Flatten())
    model.add(Dense(7, activation='tanh'))
    model.add(Dense(3, activation='softmax'))
    return model

other = Sequential([Dense(2, input_dim=3)])
net = build()
net.load_weights('{file}')
raise SystemExit('the script went on')
"""


def run(
    tmp_path: Path, servers: dict[str, Server], permute: str, target: str, file: str = "lenet_weights.h5"
) -> tuple[Runner, Request]:
    (tmp_path / "train.py").write_text(LAST.format(permute=permute, file=file))
    old = Recorded("keras122", "lenet_weights").path
    facts = Facts(from_backend="tensorflow", source_keras="1.2")
    request = Request(
        old, str(tmp_path / "new.h5"), target=target, script=str(tmp_path / "train.py"), facts=facts, prove=True
    )
    return Runner(servers["keras3"], source_keras="1.2"), request


@pytest.mark.parametrize("permuted", [True, False])
def test_the_migrated_program_tells_what_becomes_of_the_rows(
    tmp_path: Path, servers: dict[str, Server], permuted: bool
) -> None:
    permute = "model.add(Permute((3, 1, 2)))\n    " if permuted else ""
    runner, request = run(tmp_path, servers, permute, "keras3" if permuted else "same")
    with runner:
        outcome = convert(request, runner.script, runner.prove, lambda name, size: None)
    assert outcome.same, outcome.proof
    assert len(outcome.plan.reordered) == (0 if permuted else 1)


def test_a_proof_that_fails_leaves_no_file(tmp_path: Path, servers: dict[str, Server], monkeypatch) -> None:
    runner, request = run(tmp_path, servers, "", "keras3")
    from kmigrate.weights import plan

    def unmapped(*given):
        before, entries, after = mapped(*given)
        return before, [([None] * len(rows), columns) for rows, columns in entries], after

    mapped = plan._mapped
    monkeypatch.setattr(plan, "_mapped", unmapped)
    with runner, pytest.raises(WeightsError, match="is not written: the predictions differ by"):
        convert(request, runner.script, runner.prove, lambda name, size: None)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["train.py"]


def test_a_script_that_builds_several_models_is_asked(tmp_path: Path, servers: dict[str, Server]) -> None:
    (tmp_path / "train.py").write_text(
        "from keras.models import Sequential\nfrom keras.layers import Dense\n"
        "a = Sequential([Dense(2, input_dim=3)])\nb = Sequential([Dense(2, input_dim=3)])\n"
    )
    request = Request(
        str(FOLDER / "keras122" / "lenet_weights.h5"), str(tmp_path / "new.h5"), script=str(tmp_path / "train.py")
    )
    with Runner(servers["keras3"], source_keras="1.2") as runner, pytest.raises(WeightsError, match="builds 2 models"):
        convert(request, runner.script, runner.prove, lambda name, size: None)
