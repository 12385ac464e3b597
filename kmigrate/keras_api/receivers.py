"""Which expressions of a file hold a Keras model or an ImageDataGenerator, told by name.

Imports do not tell what ``model.fit`` is of. This is a flow-insensitive guess from assignments,
returns and uses; it serves the port only, layout inference has its own values.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

from kmigrate.keras_api.names import Api

_MAKERS = {
    "models.Sequential": "Sequential",
    "models.Model": "Model",
    "models.load_model": "Model",
    "models.clone_model": "Model",
    "models.model_from_json": "Model",
    "models.model_from_config": "Model",
    "models.model_from_yaml": "Model",
    "preprocessing.image.ImageDataGenerator": "ImageDataGenerator",
}
# Methods that only a Keras model has, and keywords that only they take.
_TELLING_METHODS = frozenset(
    ("fit_generator", "evaluate_generator", "predict_generator", "train_on_batch", "predict_classes")
)
_TELLING_WORDS = frozenset(
    (
        "nb_epoch",
        "epochs",
        "samples_per_epoch",
        "steps_per_epoch",
        "nb_val_samples",
        "val_samples",
        "optimizer",
    )
)


# What these make has methods `fit` and `predict` of its own.
_OTHER_LIBRARIES = frozenset(
    ("sklearn", "xgboost", "lightgbm", "statsmodels", "hmmlearn", "catboost", "torch", "tflearn", "lasagne", "nolearn")
)


class Receivers:
    """Kinds of expressions: 'Model', 'Sequential' or 'ImageDataGenerator'; 'other' for what is none of Keras.

    ``dotted`` are the paths of imported names, of all libraries.
    """

    def __init__(
        self, tree: ast.Module, apis: Mapping[ast.expr, Api], dotted: Mapping[ast.expr, str] | None = None
    ) -> None:
        self._apis = apis
        self._dotted = dotted or {}
        self._classes = _others(tree, apis)
        self._texts: dict[str, str] = {}
        self._functions: dict[str, list[str | None]] = {}
        assigned = [node for node in ast.walk(tree) if isinstance(node, ast.Assign)]
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
        for _ in range(4):  # what functions return may come from functions
            before = (len(self._texts), len(self._functions))
            for assignment in assigned:
                self._assign(assignment)
            for function in functions:
                self._returns(function)
            if before == (len(self._texts), len(self._functions)):
                break
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                self._use(node, node.func)

    def kind(self, node: ast.expr) -> str | None:
        """What an expression holds, as far as its text tells."""
        if isinstance(node, ast.Call):
            return (self._called(node) or [None])[0]
        text = _text(node)
        return None if text is None else self._texts.get(text)

    def _called(self, call: ast.Call) -> list[str | None] | None:
        api = self._apis.get(call.func)
        if api is not None:
            kind = _MAKERS.get(api.key)
            if kind is None and api.module == "keras.applications" and api.name[:1].isupper():
                kind = "Model"
            if kind is None and api.module == "keras.wrappers.scikit_learn":
                kind = "other"
            return [kind] if kind else None
        path = self._dotted.get(call.func, "")
        if path and path.split(".")[0] in _OTHER_LIBRARIES:
            return ["other"]
        if isinstance(call.func, ast.Name) and call.func.id in self._classes:
            return ["other"]
        if isinstance(call.func, ast.Name):
            return self._functions.get(call.func.id)
        return self._functions.get(call.func.attr) if isinstance(call.func, ast.Attribute) else None

    def _kinds(self, value: ast.expr) -> list[str | None]:
        if isinstance(value, (ast.Tuple, ast.List)):
            return [self.kind(element) for element in value.elts]
        if isinstance(value, ast.Call):
            return self._called(value) or []
        return [self.kind(value)]

    def _assign(self, node: ast.Assign) -> None:
        kinds = self._kinds(node.value)
        for target in node.targets:
            targets = target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]
            for one, kind in zip(targets, kinds):
                self._hold(one, kind)

    def _returns(self, function: ast.FunctionDef) -> None:
        for node in ast.walk(function):
            if isinstance(node, ast.Return) and node.value is not None:
                kinds = self._kinds(node.value)
                if any(kinds):
                    self._functions[function.name] = kinds

    def _hold(self, node: ast.expr, kind: str | None) -> None:
        text = _text(node)
        if text is None or kind is None:
            return
        known = self._texts.get(text)
        self._texts[text] = kind if known in (None, kind) else "other" if "other" in (known, kind) else "Model"

    def _use(self, call: ast.Call, func: ast.Attribute) -> None:
        words = {word.arg for word in call.keywords}
        telling = func.attr in _TELLING_METHODS or (
            func.attr in ("fit", "compile", "evaluate", "predict") and words & _TELLING_WORDS
        )
        if telling and self.kind(func.value) is None:
            self._hold(func.value, "Model")
        elif func.attr == "add" and call.args and isinstance(call.args[0], ast.Call):
            api = self._apis.get(call.args[0].func)
            if api is not None and api.module == "keras.layers" and self.kind(func.value) is None:
                self._hold(func.value, "Sequential")


def _others(tree: ast.Module, apis: Mapping[ast.expr, Api]) -> set[str]:
    """The classes of the file that are no models of Keras."""
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    models = {
        node.name for node in classes for base in node.bases if (api := apis.get(base)) and api.module == "keras.models"
    }
    bases = {node.name: {base.id for base in node.bases if isinstance(base, ast.Name)} for node in classes}
    for _ in classes:
        models |= {name for name, above in bases.items() if above & models}
    return {node.name for node in classes} - models


def _text(node: ast.expr) -> str | None:
    """'model', 'self.model', "nets['a']": the text of what may be assigned to."""
    return ast.unparse(node) if isinstance(node, (ast.Name, ast.Attribute, ast.Subscript)) else None
