"""Which argument is which, in all generations."""

from __future__ import annotations

import ast

import pytest

from kmigrate.keras_api import names, signatures
from kmigrate.keras_api.names import Api
from kmigrate.keras_api.signatures import NO_DEFAULT, Bound, bind, default_of, spelled_parameter


def api(path: str) -> Api:
    found = names.resolve(path)
    assert found is not None, path
    return found


def bound(path: str, call: str, **how: object) -> Bound:
    node = ast.parse(call, mode="eval").body
    assert isinstance(node, ast.Call)
    return bind(api(path), node, **how)  # type: ignore[arg-type]


def texts(result: Bound) -> dict[str, object]:
    return {
        name: tuple(map(ast.unparse, value)) if isinstance(value, tuple) else ast.unparse(value)
        for name, value in result.args.items()
    }


CONV = "keras.layers.Convolution2D"


@pytest.mark.parametrize(
    ("path", "call", "generation", "expected"),
    [
        (CONV, "f(32, 3, 3)", 1, {"filters": "32", "kernel_size": ("3", "3")}),
        (CONV, "f(32, (3, 3))", 2, {"filters": "32", "kernel_size": "(3, 3)"}),
        (CONV, "f(32, 3)", 0, {"filters": "32", "kernel_size": "3"}),
        (
            CONV,
            "f(nb_filter=8, nb_row=3, nb_col=5, border_mode='same', subsample=(2, 2), dim_ordering='th')",
            1,
            {"filters": "8", "kernel_size": ("3", "5"), "padding": "'same'", "strides": "(2, 2)",
             "data_format": "'th'"},
        ),
        ("keras.layers.Conv2D", "f(32, 3, 3)", 1, {"filters": "32", "kernel_size": ("3", "3")}),
        ("tensorflow.keras.layers.Conv2D", "f(8, 3, 2)", 2, {"filters": "8", "kernel_size": "3", "strides": "2"}),
        ("keras.layers.Conv3D", "f(8, 3, 4, 5)", 1, {"filters": "8", "kernel_size": ("3", "4", "5")}),
        ("keras.layers.Convolution1D", "f(8, 3, border_mode='same')", 1,
         {"filters": "8", "kernel_size": "3", "padding": "'same'"}),
        ("keras.layers.Dense", "f(10, 'uniform', 'relu')", 1,
         {"units": "10", "kernel_initializer": "'uniform'", "activation": "'relu'"}),
        ("keras.layers.Dense", "f(10, 'relu')", 3, {"units": "10", "activation": "'relu'"}),
        ("keras.layers.BatchNormalization", "f(1e-5)", 1, {"epsilon": "1e-05"}),
        ("keras.layers.BatchNormalization", "f(axis=1)", 0, {"axis": "1"}),
        ("keras.layers.BatchNormalization", "f(mode=0, axis=1)", 1, {"mode": "0", "axis": "1"}),
        ("keras.layers.Dropout", "f(p=0.5)", 1, {"rate": "0.5"}),
        ("keras.layers.Embedding", "f(9, 4, 'uniform', 7)", 0,
         {"input_dim": "9", "output_dim": "4", "embeddings_initializer": "'uniform'"}),
        ("keras.layers.MaxPooling1D", "f(pool_length=3, stride=2)", 1, {"pool_size": "3", "strides": "2"}),
        ("keras.layers.merge", "f([a, b], mode='concat', concat_axis=1)", 1,
         {"inputs": "[a, b]", "mode": "'concat'", "axis": "1"}),
        ("keras.layers.concatenate", "f([a, b], 1)", 2, {"inputs": "[a, b]", "axis": "1"}),
        ("keras.layers.Deconvolution2D", "f(8, 3, 3, (None, 8, 14, 14))", 1,
         {"filters": "8", "kernel_size": ("3", "3"), "output_shape": "(None, 8, 14, 14)"}),
        ("keras.models.Model", "f(input=a, output=b)", 1, {"inputs": "a", "outputs": "b"}),
        ("keras.models.Model", "f(a, b)", 0, {"inputs": "a", "outputs": "b"}),
        ("keras.optimizers.SGD", "f(0.1, 0.9, 1e-6, True)", 0,
         {"learning_rate": "0.1", "momentum": "0.9", "decay": "1e-06", "nesterov": "True"}),
        ("keras.backend.mean", "f(x, 1, True)", 0, {"x": "x", "axis": "1", "keepdims": "True"}),
        ("keras.backend.expand_dims", "f(x, dim=1)", 1, {"x": "x", "axis": "1"}),
        ("keras.regularizers.l2", "f(l=0.1)", 2, {"l2": "0.1"}),
    ],
)  # fmt: skip
def test_arguments_are_named(path: str, call: str, generation: int, expected: dict[str, object]) -> None:
    result = bound(path, call)
    if path == "keras.layers.Embedding":  # the fourth one has no common place in all generations
        assert expected.items() <= texts(result).items()
        return
    assert texts(result) == expected
    assert result.unknown == [] and result.extra == []
    if path != "keras.regularizers.l2":
        assert result.generation == generation


def test_the_caller_may_know_the_generation() -> None:
    assert texts(bound("keras.layers.Conv2D", "f(8, 3, 2)", generation=3)) == {
        "filters": "8",
        "kernel_size": "3",
        "strides": "2",
    }
    assert texts(bound("keras.optimizers.Adam", "f(0.1, 0.9, 0.99, 1)", generation=2, version=(2, 3, 1))) == {
        "learning_rate": "0.1",
        "beta_1": "0.9",
        "beta_2": "0.99",
        "amsgrad": "1",
    }


def test_a_name_that_a_release_lacks_is_read_as_the_next_one_has_it() -> None:
    result = bound("keras.layers.SeparableConvolution2D", "f(8, 3, 5)", generation=1, version=(1, 0, 5))
    assert texts(result) == {"filters": "8", "kernel_size": ("3", "5")}


def test_what_is_not_known_is_said() -> None:
    result = bound(CONV, "f(8, 3, 3, colour='red')")
    assert result.unknown == ["colour"]
    assert not result.star
    assert bound(CONV, "f(8, 3, 3, **more)").star
    assert bound(CONV, "f(*sizes)").star
    assert len(bound("keras.layers.Flatten", "f(1, 2, 3)").extra) >= 2


def test_positions_and_keywords_are_told() -> None:
    result = bound(CONV, "f(8, 3, 3, activation='relu')")
    assert result.positions == {"filters": 0, "kernel_size": 1}
    assert result.keywords["activation"].arg == "activation"
    assert isinstance(result.node("activation"), ast.Constant)
    assert result.node("kernel_size") is None


def test_methods_know_the_order_of_their_class() -> None:
    call = ast.parse("f(x, y, w)", mode="eval").body
    assert isinstance(call, ast.Call)
    for owner, third in (("Model", "sample_weight"), ("Sequential", "class_weight")):
        result = bind(names.method(owner, "train_on_batch"), call, 1)
        assert list(result.args) == ["x", "y", third]


@pytest.mark.parametrize(
    ("path", "parameter", "spelled"),
    [
        (CONV, "data_format", ("dim_ordering", "data_format", "data_format")),
        (CONV, "padding", ("border_mode", "padding", "padding")),
        (CONV, "kernel_size", (None, "kernel_size", "kernel_size")),
        ("keras.layers.merge", "axis", ("concat_axis", "concat_axis", None)),
        ("keras.layers.Dropout", "rate", ("p", "rate", "rate")),
        ("keras.layers.Flatten", "data_format", (None, "data_format", "data_format")),
        ("keras.layers.LeakyReLU", "negative_slope", ("alpha", "alpha", "negative_slope")),
        ("keras.layers.Dense", "input_shape", ("input_shape",) * 3),
    ],
)
def test_spelling_of_a_generation(path: str, parameter: str, spelled: tuple[str | None, ...]) -> None:
    found = [spelled_parameter(api(path), parameter, g, (2, 1, 6) if g == 2 else None) for g in (1, 2, 3)]
    assert tuple(found) == spelled


@pytest.mark.parametrize(
    ("path", "parameter", "generation", "value"),
    [
        ("keras.layers.BatchNormalization", "axis", 1, -1),
        ("keras.layers.BatchNormalization", "epsilon", 3, 1e-3),
        ("keras.layers.merge", "axis", 1, -1),
        ("keras.layers.Concatenate", "axis", 3, -1),
        ("keras.layers.Concatenate", "axis", 2, -1),
        (CONV, "data_format", 1, None),
        (CONV, "strides", 2, (1, 1)),
        ("keras.layers.Conv1D", "data_format", 1, "channels_last"),
        ("keras.layers.Conv1D", "data_format", 3, None),
        ("keras.layers.MaxPooling2D", "pool_size", 1, (2, 2)),
        ("keras.backend.concatenate", "axis", 2, -1),
        (CONV, "filters", 1, NO_DEFAULT),
        (CONV, "colour", 1, NO_DEFAULT),
    ],
)
def test_defaults(path: str, parameter: str, generation: int, value: object) -> None:
    assert default_of(api(path), parameter, generation) == value


def test_every_recorded_signature_can_be_read() -> None:
    for release in signatures.tables.RELEASES:
        for module in ("layers", "models", "optimizers", "callbacks", "backend", "utils"):
            for name in signatures.tables.names_of(module):
                found = api(f"keras.{module}.{name}") if names.module(f"keras.{module}.{name}") is None else None
                if found is not None:
                    signatures.parameters(found, release)
