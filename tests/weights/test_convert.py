"""What is written, asked and refused, without any Keras."""

from __future__ import annotations

import json
import marshal
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from kmigrate.cli import main
from kmigrate.weights.convert import Request
from kmigrate.weights.error import WeightsError
from tests.weights.files import FOLDER, Recorded, arrays, converted, write_h5

LENET = Recorded("keras122", "lenet")
BARE = Recorded("keras122", "lenet_weights")
KERAS2 = Recorded("keras231", "lenet")
FIRST = {"data_format": "channels_first"}


def layer(class_name: str, name: str, **config: Any) -> dict[str, Any]:
    return {"class_name": class_name, "config": {"name": name, **config}}


def sequential(*layers: dict[str, Any]) -> dict[str, Any]:
    """As Keras 2 saves it."""
    return {"class_name": "Sequential", "config": {"name": "s", "layers": list(layers)}, "keras_version": "2.2.4"}


def status(*arguments: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(["weights", *arguments])
    return int(end.value.code or 0)


# -- kernels and rows


def test_a_kernel_of_keras_1_is_transposed_and_the_rest_is_kept(tmp_path: Path) -> None:
    converted(LENET.request(tmp_path / "new.h5", flatten="permute"))
    old, new = arrays(LENET.path), arrays(tmp_path / "new.h5")
    kernel = "model_weights/convolution2d_1/convolution2d_1_W:0"
    np.testing.assert_array_equal(new[kernel], old[kernel].transpose(2, 3, 1, 0))
    rows = "model_weights/dense_1/dense_1_W:0"
    np.testing.assert_array_equal(new[rows], old[rows])
    assert list(new) == list(old)


def test_rows_move_where_flatten_reads_the_new_order(tmp_path: Path) -> None:
    outcome = converted(LENET.request(tmp_path / "new.h5", flatten="reorder"))
    rows = "model_weights/dense_1/dense_1_W:0"
    old, new = arrays(LENET.path)[rows], arrays(tmp_path / "new.h5")[rows]
    np.testing.assert_array_equal(new, old.reshape(5, 4, 2, 7).transpose(1, 2, 0, 3).reshape(40, 7))
    assert outcome.plan.reordered == ["dense_1"]


def test_a_kernel_of_theano_is_turned_only_for_another_backend(tmp_path: Path) -> None:
    theano = Recorded("keras122-theano", "lenet")
    kernel = "model_weights/convolution2d_1/convolution2d_1_W"
    old = arrays(theano.path)[kernel].transpose(2, 3, 1, 0)
    converted(theano.request(tmp_path / "same.h5"))
    np.testing.assert_array_equal(arrays(tmp_path / "same.h5")[kernel], old)
    converted(theano.request(tmp_path / "other.h5", to_backend="tensorflow"))
    np.testing.assert_array_equal(arrays(tmp_path / "other.h5")[kernel], old[::-1, ::-1])


@pytest.mark.parametrize("size, said", [([3, 3], False), ([2, 3], True)])
def test_padding_that_theano_does_otherwise_is_told_of(tmp_path: Path, size: list[int], said: bool) -> None:
    model = sequential(
        layer("Conv2D", "c", filters=2, kernel_size=size, padding="same", batch_input_shape=[None, 3, 8, 8], **FIRST)
    )
    weights = {"c": {"c/kernel:0": np.zeros((*size, 3, 2)), "c/bias:0": np.zeros(2)}}
    write_h5(tmp_path / "old.h5", weights, keras_version="2.1.3", backend="theano", model_config=model)
    outcome = converted(Request(str(tmp_path / "old.h5"), str(tmp_path / "new.h5"), target="keras3"))
    assert any("c pads otherwise in Theano" in note for note in outcome.notes) == said


def test_a_whole_model_is_written_as_one(tmp_path: Path) -> None:
    converted(LENET.request(tmp_path / "new.h5", flatten="permute"))
    with h5py.File(tmp_path / "new.h5") as file:
        layers = json.loads(file.attrs["model_config"])["config"]
        assert layers[0]["config"]["batch_input_shape"] == [None, 12, 10, 3]
        assert {entry["config"].get("dim_ordering", "tf") for entry in layers} == {"tf"}
        kinds = [entry["class_name"] for entry in layers]
        assert kinds[3:6] == ["Permute", "Flatten", "Dense"]
        assert layers[3]["config"]["dims"] == [3, 1, 2]
        assert file.attrs["keras_version"] == "1.2.2"
        names = [name.decode() for name in file["model_weights"].attrs["layer_names"]]
        assert names == [entry["config"]["name"] for entry in layers]


def test_a_functional_model_is_written_with_its_axes(tmp_path: Path) -> None:
    converted(Recorded("keras231", "unet").request(tmp_path / "new.h5"))
    with h5py.File(tmp_path / "new.h5") as file:
        layers = json.loads(file.attrs["model_config"])["config"]["layers"]
    joins = [entry["config"] for entry in layers if entry["class_name"] == "Concatenate"]
    assert [join["axis"] for join in joins] == [3, 3]
    assert {entry["config"].get("data_format", "channels_last") for entry in layers} == {"channels_last"}


# -- which of the two programs


def new_program(*between: dict[str, Any]) -> dict[str, Any]:
    """A migrated LeNet: what stands between its last map and its first Dense layer."""
    last = {"data_format": "channels_last"}
    return sequential(
        layer("Conv2D", "a", filters=4, kernel_size=[3, 2], batch_input_shape=[None, 12, 10, 3], **last),
        layer("MaxPooling2D", "b", pool_size=[2, 2], **last),
        layer("Conv2D", "c", filters=5, kernel_size=[2, 3], **last),
        *between,
        layer("Dense", "e", units=7),
        layer("Dense", "f", units=3),
    )


@pytest.mark.parametrize("permuted", [True, False])
def test_a_permute_before_flatten_is_noticed(tmp_path: Path, permuted: bool) -> None:
    (tmp_path / "new.json").write_text(
        json.dumps(new_program(*[layer("Permute", "p", dims=[3, 1, 2])] * permuted, layer("Flatten", "d")))
    )
    request = BARE.request(tmp_path / "new.h5", architecture=str(tmp_path / "new.json"), flatten="auto")
    outcome = converted(request)
    assert outcome.plan.reordered == ([] if permuted else ["e"])
    assert any("p is taken for" in note for note in outcome.notes) == permuted


def test_both_models_are_matched_by_their_order(tmp_path: Path) -> None:
    """The old one is in the file; the new one has other names."""
    (tmp_path / "new.json").write_text(json.dumps(new_program(layer("Flatten", "d"))))
    request = LENET.request(tmp_path / "new.h5", architecture=str(tmp_path / "new.json"), target="keras3")
    assert converted(request).plan.reordered == ["dense_1"]
    assert set(arrays(tmp_path / "new.h5")) >= {"a/a/kernel:0", "e/e/bias:0"}


def test_a_flatten_that_moved_the_channel_itself_leaves_the_rows(tmp_path: Path) -> None:
    """Keras 2.2 and later, under a global setting of channels-first; asked where only the new model is known."""
    (tmp_path / "new.json").write_text(json.dumps(new_program(layer("Flatten", "d"))))
    given = {"architecture": str(tmp_path / "new.json")}
    bare = Recorded("keras231", "lenet_weights")
    with pytest.raises(WeightsError, match="--flatten permute for the first"):
        converted(bare.request(tmp_path / "new.h5", flatten="auto", **given))
    assert converted(bare.request(tmp_path / "a.h5", flatten="permute", **given)).plan.reordered == []
    assert converted(bare.request(tmp_path / "b.h5", flatten="reorder", **given)).plan.reordered == ["e"]


def generator(shape: list[int], **last: Any) -> dict[str, Any]:
    return sequential(
        layer("Dense", "a", units=24, batch_input_shape=[None, 2]),
        layer("BatchNormalization", "n", axis=-1),
        layer("Reshape", "r", target_shape=shape),
        layer("Conv2D", "c", filters=5, kernel_size=[2, 2], **last),
    )


def test_columns_move_where_a_reshape_makes_the_map(tmp_path: Path) -> None:
    """Also the statistics of BatchNormalization in between."""
    rng = np.random.default_rng(0)
    weights = {
        "a": {"a/kernel:0": rng.normal(size=(2, 24)), "a/bias:0": rng.normal(size=24)},
        "n": {f"n/{name}:0": rng.normal(size=24) for name in ("gamma", "beta", "moving_mean", "moving_variance")},
        "c": {"c/kernel:0": rng.normal(size=(2, 2, 4, 5)), "c/bias:0": rng.normal(size=5)},
    }
    write_h5(
        tmp_path / "old.h5",
        weights,
        keras_version="2.2.4",
        backend="tensorflow",
        model_config=generator([4, 2, 3], **FIRST),
    )
    (tmp_path / "new.json").write_text(json.dumps(generator([2, 3, 4], data_format="channels_last")))
    request = Request(
        str(tmp_path / "old.h5"), str(tmp_path / "new.h5"), architecture=str(tmp_path / "new.json"), target="keras3"
    )
    converted(request)
    new = arrays(tmp_path / "new.h5")
    order = np.arange(24).reshape(4, 2, 3).transpose(1, 2, 0).ravel()
    np.testing.assert_array_equal(new["a/a/kernel:0"], weights["a"]["a/kernel:0"][:, order])
    np.testing.assert_array_equal(new["a/a/bias:0"], weights["a"]["a/bias:0"][order])
    np.testing.assert_array_equal(new["n/n/moving_mean:0"], weights["n"]["n/moving_mean:0"][order])
    np.testing.assert_array_equal(new["c/c/kernel:0"], weights["c"]["c/kernel:0"])


def test_the_standard_deviations_of_early_keras_become_variances(tmp_path: Path) -> None:
    early = Recorded("keras105", "resnet")
    converted(early.request(tmp_path / "new.h5", target="keras3"))
    name = "batchnormalization_1"
    old = arrays(early.path)[f"{name}/{name}_running_std:0"].astype(np.float64)
    new = arrays(tmp_path / "new.h5")[f"{name}/{name}/moving_variance:0"]
    np.testing.assert_allclose(np.sqrt(new + 1e-6), old + 1e-6, rtol=1e-6)


# -- what is asked


def test_the_backend_is_asked_where_the_file_does_not_say_it(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="--from-backend theano or --from-backend tensorflow"):
        converted(LENET.request(tmp_path / "new.h5", from_backend="auto", target="keras3"))
    converted(KERAS2.request(tmp_path / "new.h5", from_backend="auto", target="keras3"))


def test_the_version_is_asked_where_statistics_depend_on_it(tmp_path: Path) -> None:
    early = Recorded("keras105", "resnet")
    with pytest.raises(WeightsError, match="say --source-keras"):
        converted(early.request(tmp_path / "new.h5", source_keras="auto", target="keras3"))


def test_the_order_of_features_is_asked_where_the_new_model_is_not_known(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"the rows of dense_1 move\?.*--flatten permute"):
        converted(LENET.request(tmp_path / "new.h5", flatten="auto"))
    converted(Recorded("keras122", "unet").request(tmp_path / "new.h5", flatten="auto"))  # no Dense layer


def test_the_model_is_asked_where_the_file_has_weights_alone(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="give the model by --script"):
        converted(BARE.request(tmp_path / "new.h5", architecture=""))


# -- what is refused


@pytest.mark.parametrize("keep", [0, 5, 100, 3000])
def test_a_truncated_file_is_refused(tmp_path: Path, keep: int, capsys: pytest.CaptureFixture[str]) -> None:
    cut = tmp_path / "cut.h5"
    cut.write_bytes(Path(LENET.path).read_bytes()[:keep])
    assert status(str(cut), str(tmp_path / "new.h5")) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: {cut}: ") and said.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["cut.h5"]


def test_a_foreign_file_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["images"] = np.zeros(3)
    with pytest.raises(WeightsError, match=r"not a weight file of Keras.*it holds images"):
        converted(Request(str(tmp_path / "other.h5"), str(tmp_path / "new.h5")))
    (tmp_path / "model.pkl").write_bytes(b"\x80\x04K\x01.")
    with pytest.raises(WeightsError, match="a pickle, which is not opened"):
        converted(Request(str(tmp_path / "model.pkl"), str(tmp_path / "new.h5")))


def test_a_mismatch_names_the_layer_and_both_shapes(tmp_path: Path) -> None:
    text = (FOLDER / "keras122" / "lenet_weights.json").read_text().replace('"nb_filter": 5', '"nb_filter": 6')
    (tmp_path / "other.json").write_text(text)
    with pytest.raises(WeightsError, match=r"convolution2d_2_W:0 has the shape \(5, 4, 2, 3\), .* \(6, 4, 2, 3\)"):
        converted(BARE.request(tmp_path / "new.h5", architecture=str(tmp_path / "other.json")))
    assert not (tmp_path / "new.h5").exists()


def test_no_file_is_written_over(tmp_path: Path) -> None:
    there = tmp_path / "new.h5"
    there.write_text("precious")
    with pytest.raises(WeightsError, match="is there already"):
        converted(LENET.request(there))
    assert there.read_text() == "precious"
    before = Path(LENET.path).read_bytes()
    with pytest.raises(WeightsError, match="never written over"):
        converted(Request(LENET.path, LENET.path))
    assert Path(LENET.path).read_bytes() == before


def test_nothing_is_left_where_the_conversion_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*given: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr("kmigrate.weights.writing._write_legacy", full)
    with pytest.raises(WeightsError, match="No space left"):
        converted(LENET.request(tmp_path / "new.h5"))
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_mixes_both_layouts_is_refused(tmp_path: Path) -> None:
    mixed = sequential(
        layer(
            "Conv2D",
            "c",
            filters=2,
            kernel_size=[2, 2],
            batch_input_shape=[None, 3, 8, 8],
            data_format="channels_first",
        ),
        layer("MaxPooling2D", "p", pool_size=[2, 2], data_format="channels_last"),
    )
    weights = {"c": {"c/kernel:0": np.zeros((2, 2, 3, 2)), "c/bias:0": np.zeros(2)}}
    write_h5(tmp_path / "old.h5", weights, keras_version="2.2.4", backend="tensorflow", model_config=mixed)
    with pytest.raises(WeightsError, match="mixes channels-first and channels-last"):
        converted(Request(str(tmp_path / "old.h5"), str(tmp_path / "new.h5")))


def test_code_in_a_model_file_is_not_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A Lambda layer: what it does to the order of features is not known, and its code is not run to find out."""
    witness = tmp_path / "witness"
    code = compile(f"open({str(witness)!r}, 'w')", "x", "exec")
    function = [marshal.dumps(code).hex(), None, None]
    model = sequential(
        layer("Conv2D", "c", filters=2, kernel_size=[2, 2], batch_input_shape=[None, 3, 8, 8], **FIRST),
        layer("Lambda", "evil", function=function, function_type="lambda", output_shape=None),
        layer("Flatten", "f"),
        layer("Dense", "d", units=2),
    )
    weights = {
        "c": {"c/kernel:0": np.zeros((2, 2, 3, 2)), "c/bias:0": np.zeros(2)},
        "evil": {},
        "f": {},
        "d": {"d/kernel:0": np.zeros((98, 2)), "d/bias:0": np.zeros(2)},
    }
    write_h5(tmp_path / "old.h5", weights, keras_version="2.2.4", backend="tensorflow", model_config=model)
    assert status(str(tmp_path / "old.h5"), str(tmp_path / "new.h5"), "--flatten", "permute") == 2
    assert "evil (Lambda) is code, which is not run" in capsys.readouterr().err
    assert status("--show", str(tmp_path / "old.h5")) == 0
    assert "evil hold marshalled Python code, which is not run" in capsys.readouterr().out
    assert not witness.exists()


# -- show


def test_show_needs_no_model(capsys: pytest.CaptureFixture[str]) -> None:
    assert status("--show", BARE.path) == 0
    said = capsys.readouterr().out
    assert "Keras version: not said, so Keras 1" in said
    assert "layout: channels_first (where the number of filters stands in the kernels)" in said
    assert "convolution2d_1_W:0 (4, 3, 3, 2)" in said
    assert status("--show", KERAS2.path) == 0
    assert (
        "Keras version: 2.3.1\nbackend: tensorflow\nlayout: channels_first (the architecture" in capsys.readouterr().out
    )
