"""What models, optimizers, losses, callbacks and utilities of old Keras need besides renaming.

Sources: docs/facts.md, sections 3 and 4 (the section is named beside each rule).
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

from kmigrate.keras_api.draft import MISSING, Draft

if TYPE_CHECKING:
    from kmigrate.keras_api.port import Context


class OldDefaults(NamedTuple):
    """The defaults of an optimizer in Keras 1 and 2; Keras 3's own are not listed."""

    values: tuple[tuple[str, str], ...]
    keras3: tuple[tuple[str, str], ...]
    exact: str | None = None  # the helper that has the old formula
    differs: str | None = None


# (4.1) Epsilon was 1e-8 in Keras 1 and K.epsilon(), 1e-7, in Keras 2: see _epsilon.
OPTIMIZERS = {
    "SGD": OldDefaults((("learning_rate", "0.01"),), (("learning_rate", "0.01"),)),
    "RMSprop": OldDefaults(
        (("learning_rate", "0.001"), ("rho", "0.9")),
        (("learning_rate", "0.001"), ("rho", "0.9")),
        "Keras1RMSprop",
        "RMSprop adds epsilon inside the square root in Keras 3 (2e-3 of the weights in 12 steps)",
    ),
    "Adagrad": OldDefaults(
        (("learning_rate", "0.01"), ("initial_accumulator_value", "0.0")),
        (("learning_rate", "0.001"), ("initial_accumulator_value", "0.1")),
        "Keras1Adagrad",
        "Adagrad adds epsilon inside the square root in Keras 3 (3e-4 of the weights in 12 steps)",
    ),
    "Adadelta": OldDefaults((("learning_rate", "1.0"), ("rho", "0.95")), (("learning_rate", "0.001"), ("rho", "0.95"))),
    "Adam": OldDefaults((("learning_rate", "0.001"),), (("learning_rate", "0.001"),)),
    "Adamax": OldDefaults((("learning_rate", "0.002"),), (("learning_rate", "0.001"),)),
    "Nadam": OldDefaults(
        (("learning_rate", "0.002"),),
        (("learning_rate", "0.001"),),
        "Keras1Nadam",
        "Nadam has another schedule in Keras 3 (1e-2 of the weights in 12 steps)",
    ),
}
_NO_EPSILON = ("SGD",)
_KERAS3_EPSILON = "1e-07"


def _epsilon(context: Context) -> str:
    return "1e-08" if context.version < (2,) else "1e-07"


def _old_defaults(name: str, context: Context) -> list[tuple[str, str]]:
    """The defaults that must be written out."""
    old = OPTIMIZERS[name]
    written = [pair for pair in old.values if pair not in old.keras3]
    if name not in _NO_EPSILON and _epsilon(context) != _KERAS3_EPSILON:
        written.append(("epsilon", _epsilon(context)))
    return written


def optimizer(draft: Draft, context: Context) -> None:
    """(4.1)"""
    name = draft.api.name
    if name not in OPTIMIZERS:
        context.problem(draft.call, f"the optimizer {name} is not ported")
        return
    if context.version >= (3,):
        return
    for parameter, value in _old_defaults(name, context):
        draft.default(parameter, value)
    if draft.literal("epsilon") is None:
        draft.set("epsilon", "1e-07")
    draft.rename("clipnorm", "global_clipnorm")
    schedule = draft.literal("schedule_decay") if draft.has("schedule_decay") else MISSING
    if draft.has("schedule_decay") and context.numerics != "exact":
        draft.drop("schedule_decay")
        if schedule != 0.004:
            context.note(draft.call, "schedule_decay of Nadam is fixed in Keras 3")
    if draft.has("decay"):
        if draft.literal("decay") != 0:
            default = dict(OPTIMIZERS[name].values)["learning_rate"]
            rate = draft.place("learning_rate") if draft.has("learning_rate") else default
            decay = draft.place("decay")
            draft.set(
                "learning_rate",
                f"{context.keras()}.optimizers.schedules.InverseTimeDecay({rate}, 1, {decay})",
            )
        draft.drop("decay")
    _formula(draft, context, name)


def _formula(draft: Draft, context: Context, name: str) -> None:
    old = OPTIMIZERS[name]
    if old.exact and context.numerics == "exact":
        draft.module, draft.name = "", context.helper(old.exact)
    elif old.differs:
        context.note(draft.call, old.differs)


def optimizer_string(name: str, node: ast.expr, context: Context) -> str | None:
    """optimizer='adadelta' as an object, where the old defaults were others."""
    found = next((one for one in OPTIMIZERS if one.lower() == name.lower()), None)
    if found is None:
        return None
    written = _old_defaults(found, context)
    old = OPTIMIZERS[found]
    exact = old.exact if context.numerics == "exact" else None
    if old.differs and not exact:
        context.note(node, old.differs)
    if not written and not exact:
        return None
    callee = context.helper(exact) if exact else f"{context.keras()}.optimizers.{found}"
    return f"{callee}({', '.join(f'{key}={value}' for key, value in written)})"


# (4.2) Loss names that Keras 3 rejects.
_LOSS_NAMES = {"kullback_leibler_divergence": "kl_divergence", "logcosh": "log_cosh"}
_OTHER_LOSSES = {
    "cosine_proximity": "cosine_proximity has another scale and sign in Keras 3",
    "cosine": "cosine has another scale and sign in Keras 3",
}
# (4.2) The keys of a history: up to 2.2 the full name, whatever was given.
_METRIC_NAMES = {
    "accuracy": "acc",
    "mse": "mean_squared_error",
    "mae": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error",
    "msle": "mean_squared_logarithmic_error",
}
_GONE_METRICS = ("precision", "recall", "fmeasure", "fbeta_score", "matthews_correlation")


def compile_model(draft: Draft, context: Context) -> None:
    """(3, 4.2)"""
    if context.version >= (3,):
        return
    draft.drop("class_mode", "show_accuracy")
    if draft.literal("sample_weight_mode") is None:
        draft.drop("sample_weight_mode")
    for name in ("sample_weight_mode", "target_tensors"):
        if draft.has(name):
            context.problem(draft.call, f"compile({name}=) is not ported")
    value = draft.literal("optimizer")
    node = draft.node("optimizer")
    if isinstance(value, str) and node is not None:
        text = optimizer_string(value, node, context)
        if text is not None:
            draft.set("optimizer", text)
    loss = draft.literal("loss")
    if isinstance(loss, str):
        if loss in _LOSS_NAMES:
            draft.set("loss", repr(_LOSS_NAMES[loss]))
        elif loss in _OTHER_LOSSES:
            context.problem(draft.call, _OTHER_LOSSES[loss])
        elif loss in ("hinge", "squared_hinge"):
            context.note(draft.call, "hinge losses take labels of 0 and 1 as -1 and 1 in Keras 3")
    _metrics(draft, context, loss)


def _metrics(draft: Draft, context: Context, loss: object) -> None:
    """The same numbers under the same key of the history."""
    value = draft.literal("metrics")
    node = draft.node("metrics")
    if isinstance(node, (ast.List, ast.Tuple)) and isinstance(value, (list, tuple)):
        if any(one in _GONE_METRICS for one in value):
            context.problem(draft.call, "Keras 3 has no precision, recall or f-score function")
            return
        new = [_metric(one, loss, context) for one in value]
        if new != [repr(one) for one in value]:
            draft.set("metrics", f"[{', '.join(new)}]")


def _metric(name: object, loss: object, context: Context) -> str:
    if name in ("accuracy", "acc") and loss == "binary_crossentropy" and context.version >= (1, 0, 6):
        key = "acc" if context.version < (2, 3) else name
        return f"{context.keras()}.metrics.BinaryAccuracy(name={key!r})"
    if context.version < (2, 3) and isinstance(name, str):
        return repr(_METRIC_NAMES.get(name, name))
    return repr(name)


def fit(draft: Draft, context: Context) -> None:
    """(3) Ten epochs were the default of Keras 1, and of Sequential up to 2.0."""
    draft.drop("show_accuracy", "max_queue_size", "workers", "use_multiprocessing")
    sequential = draft.api.name.startswith("Sequential.")
    if context.version < (2,) or (sequential and context.version < (2, 1)):
        draft.default("epochs", "10")
    _validation(draft)


def _validation(draft: Draft) -> None:
    """Keras 3 wants a tuple."""
    if isinstance(draft.node("validation_data"), ast.List):
        draft.set("validation_data", f"tuple({draft.place('validation_data')})")


def fit_generator(draft: Draft, context: Context) -> None:
    """(3) Keras 1 counted samples, later versions count batches."""
    draft.drop("max_queue_size", "workers", "use_multiprocessing", "show_accuracy")
    _validation(draft)
    counted = draft.has("samples_per_epoch")
    if not counted:
        _rename_method(draft)
        return
    helper = context.helper("keras1_fit_generator")
    arguments = [draft.place("generator"), draft.place("samples_per_epoch")]
    if draft.has("nb_val_samples"):
        arguments.append(f"validation_samples={draft.place('nb_val_samples')}")
    rest = draft.arguments("generator", "samples_per_epoch", "nb_val_samples")
    draft.template = f"{helper}(__self__, {', '.join([*arguments, *([rest] if rest else [])])})"


def _rename_method(draft: Draft) -> None:
    """model.fit_generator(g, ...) -> model.fit(g, ...)."""
    method = draft.api.spelled.replace("_generator", "")
    generator = draft.place("generator")
    rest = draft.arguments("generator")
    draft.template = f"__self__.{method}({generator}{', ' + rest if rest else ''})"


def use_generator(draft: Draft, context: Context) -> None:
    """evaluate_generator and predict_generator (3)"""
    draft.drop("max_queue_size", "workers", "use_multiprocessing")
    if not draft.has("val_samples"):
        _rename_method(draft)
        return
    steps = context.helper("keras1_steps")
    method = draft.api.spelled.replace("_generator", "")
    counted = f"{steps}({draft.place('generator')}, {draft.place('val_samples')})"
    draft.template = f"(lambda batches: __self__.{method}(batches[0], steps=batches[1]))({counted})"


def predict_classes(draft: Draft, context: Context) -> None:
    draft.name = "Model.predict"
    draft.template = f"{context.helper('keras1_predict_classes')}(__self__, {draft.arguments()})"


def predict_proba(draft: Draft, context: Context) -> None:
    draft.name = "Model.predict"
    draft.template = f"__self__.predict({draft.arguments()})"


def train_on_batch(draft: Draft, context: Context) -> None:
    """(4.3) The third argument was class_weight in Sequential up to 2.1, sample_weight in Model."""
    draft.drop("show_accuracy", "accuracy", "reset_metrics")


def evaluate(draft: Draft, context: Context) -> None:
    draft.drop("show_accuracy", "max_queue_size", "workers", "use_multiprocessing")


def load_weights(draft: Draft, context: Context) -> None:
    """Old files are another matter (KM152); here only the call."""
    if draft.literal("by_name") is False:
        draft.drop("by_name")
    draft.drop("reshape")
    if context.saves_weights and draft.has("filepath"):
        draft.set("filepath", f"{context.helper('keras1_saved_file')}({draft.place('filepath')})")


def save_weights(draft: Draft, context: Context) -> None:
    """(4.3) Keras 3 takes *.weights.h5 only."""
    value = draft.literal("filepath")
    if isinstance(value, str) and not value.endswith(".weights.h5"):
        draft.set("filepath", repr(value.rsplit(".", 1)[0] + ".weights.h5"))
        context.note(draft.call, "Keras 3 saves weights as .weights.h5 only")
    elif value is MISSING:
        draft.set("filepath", f"{context.helper('keras1_file')}({draft.place('filepath')}, '.weights.h5')")


def early_stopping(draft: Draft, context: Context) -> None:
    """(4.3) Up to 2.0.8 patience p >= 1 was p + 1 of today."""
    if context.version < (2, 0, 9):
        _one_more_patience(draft)


def reduce_on_plateau(draft: Draft, context: Context) -> None:
    """(4.3) The same up to 2.1.5."""
    if context.version < (2, 1, 6):
        draft.default("patience", "10")
        _one_more_patience(draft)


def _one_more_patience(draft: Draft) -> None:
    if not draft.has("patience"):
        return
    node, place = draft.node("patience"), draft.place("patience")
    value = draft.literal("patience") if node is not None else int(place)
    if isinstance(value, int):
        if value >= 1:
            draft.set("patience", repr(value + 1))
    else:
        draft.set("patience", f"{place} + ({place} >= 1)")


def checkpoint(draft: Draft, context: Context) -> None:
    """(4.3)"""
    if draft.literal("period") == 1:
        draft.drop("period")
    if draft.has("period"):
        context.problem(draft.call, "ModelCheckpoint(period=) is not ported")
    value = draft.literal("filepath")
    weights = draft.literal("save_weights_only") is True
    wanted = ".weights.h5" if weights else ".h5"
    if isinstance(value, str) and not value.endswith((wanted, ".keras")):
        draft.set("filepath", repr(value.rsplit(".", 1)[0] + wanted))
    elif value is MISSING:
        draft.set("filepath", f"{context.helper('keras1_file')}({draft.place('filepath')}, {wanted!r})")
    if context.version < (2, 0, 9):
        context.note(draft.call, "{epoch} in a checkpoint's name counted from zero up to Keras 2.0.8")


def load_img(draft: Draft, context: Context) -> None:
    if draft.has("grayscale"):
        grey = draft.literal("grayscale")
        place = draft.place("grayscale")
        draft.drop("grayscale")
        if grey is MISSING:
            draft.set("color_mode", f"'grayscale' if {place} else 'rgb'")
        elif grey:
            draft.set("color_mode", "'grayscale'")


def image_generator(draft: Draft, context: Context) -> None:
    """(2.1, 4.4)"""
    if draft.has("shear_range") and context.version < (2, 1, 3) and draft.literal("shear_range") != 0:
        draft.set("shear_range", f"{draft.place('shear_range')} * 57.29577951308232")  # radians to degrees
    if draft.has("data_format"):
        context.translate(draft)
    elif context.generator_format is not None:
        draft.set("data_format", repr(context.generator_format))
    if context.version < (3,):
        context.note(draft.call, "ImageDataGenerator draws other augmentations in Keras 3")


def with_format(draft: Draft, context: Context) -> None:
    """img_to_array and its like: only the setting's name changed."""
    if draft.has("data_format"):
        context.translate(draft)


def cifar(draft: Draft, context: Context) -> None:
    """(2.1) Always channels-first up to 1.0.8."""
    if context.version < (1, 1):
        draft.template = f"{context.helper('keras1_channels_first')}(__call__)"


def mnist(draft: Draft, context: Context) -> None:
    """The name of the cached file is not the old one."""
    draft.drop("path")


def input_tensor(draft: Draft, context: Context) -> None:
    if draft.literal("dtype") is None:
        draft.drop("dtype")


def initializer_function(draft: Draft, context: Context) -> None:
    if draft.bound.generation == 1 or context.version < (2,):
        context.problem(draft.call, "an initialisation function of Keras 1 is not ported")


METHODS = {
    "compile": compile_model,
    "fit": fit,
    "evaluate": evaluate,
    "fit_generator": fit_generator,
    "evaluate_generator": use_generator,
    "predict_generator": use_generator,
    "predict_classes": predict_classes,
    "predict_proba": predict_proba,
    "train_on_batch": train_on_batch,
    "test_on_batch": train_on_batch,
    "load_weights": load_weights,
    "save_weights": save_weights,
}


# By key of the Api.
def kernels(draft: Draft, context: Context) -> None:
    """convert_all_kernels_in_model."""
    draft.module, draft.name = "", context.helper("keras1_convert_kernels")


def test_data(draft: Draft, context: Context) -> None:
    """get_test_data; Keras 2 renamed three of its arguments."""
    given = []
    for old, new, default in (
        ("nb_train", "num_train", "1000"),
        ("nb_test", "num_test", "500"),
        ("input_shape", "input_shape", "(10,)"),
        ("output_shape", "output_shape", "(2,)"),
        ("classification", "classification", "True"),
        ("nb_class", "num_classes", "2"),
    ):
        name = next((name for name in (old, new) if draft.has(name)), None)
        given.append(default if name is None else draft.place(name))
    draft.template = f"{context.helper('keras1_test_data')}({', '.join(given)})"


def data_format(draft: Draft, context: Context) -> None:
    """normalize_data_format: what is given, or the setting."""
    draft.template = f"({draft.place('value')} or {context.keras()}.backend.image_data_format())"


RULES = {
    "utils.normalize_data_format": data_format,
    "backend.normalize_data_format": data_format,
    "utils.get_test_data": test_data,
    "utils.convert_all_kernels_in_model": kernels,
    "callbacks.EarlyStopping": early_stopping,
    "callbacks.ReduceLROnPlateau": reduce_on_plateau,
    "callbacks.ModelCheckpoint": checkpoint,
    "preprocessing.image.ImageDataGenerator": image_generator,
    "preprocessing.image.load_img": load_img,
    "preprocessing.image.img_to_array": with_format,
    "preprocessing.image.array_to_img": with_format,
    "datasets.cifar10.load_data": cifar,
    "datasets.cifar100.load_data": cifar,
    "datasets.mnist.load_data": mnist,
    "layers.Input": input_tensor,
}
