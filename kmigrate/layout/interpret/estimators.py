"""Keras models as estimators of scikit-learn: a function builds the model, ``fit`` feeds it."""

from __future__ import annotations

import ast

from kmigrate.layout.axes import BATCH, Axis, moves
from kmigrate.layout.interpret.calls import Call
from kmigrate.layout.interpret.state import short
from kmigrate.layout.interpret.subclasses import Subclasses
from kmigrate.layout.values import Array, Estimator, Function, Model, SymInt, Unknown, Value

WRAPPERS = ("KerasClassifier", "KerasRegressor")
SEARCHES = frozenset(
    f"sklearn.{home}.{name}"
    for home in ("model_selection", "grid_search")
    for name in ("GridSearchCV", "RandomizedSearchCV")
)
# Attributes that hold no array of the program, and those that lead to the estimator that won.
RESULTS = frozenset(
    "best_params_ best_score_ best_index_ cv_results_ grid_scores_ sk_params classes_ n_classes_".split()
)
WINNERS = ("best_estimator_", "estimator")


class Estimators(Subclasses):
    """``KerasClassifier(build_fn=...)``, also inside of a search over its parameters."""

    def make_estimator(self, call: Call) -> Value:
        build = call.get(0, "build_fn", "model")
        if build is None or not isinstance(build[0], Function) or call.star:
            return self.opaque(call.all(), call.node, f"`{short(call.node)}` is not understood")
        return Estimator(build[0])

    def make_search(self, call: Call) -> Value:
        estimator = call.get(0, "estimator")
        if estimator is None or not isinstance(estimator[0], Estimator) or call.star:
            return self.opaque(call.all(), call.node, f"`{short(call.node)}` is not understood")
        return estimator[0]

    def built(self, estimator: Estimator, at: ast.expr) -> Model | None:
        """The model, built with parameters that the estimator may set as it likes; None where it is not known."""
        if estimator.model is None:
            function = estimator.build
            args = function.node.args
            names = [a.arg for a in (*args.posonlyargs, *args.args, *args.kwonlyargs)]
            made = ast.copy_location(ast.Call(func=at, args=[], keywords=[]), at)
            unknown: dict[str, tuple[Value, ast.expr]] = {
                n: (Unknown(f"the parameter `{n}` of an estimator", self.place(at)), at) for n in names
            }
            self.spread.add(self.place(at).key)
            value = self.enter(function, Call(made, [], unknown, False))
            if isinstance(value, Model):
                estimator.model = value
            else:
                self.leak(value, at, "what an estimator is built of is not understood")
        return estimator.model

    def estimator_attribute(self, estimator: Estimator, name: str, expr: ast.Attribute) -> Value | None:
        if name in RESULTS:
            return Unknown(f"`{short(expr)}`", self.place(expr))
        if name in WINNERS:
            return estimator
        return self.built(estimator, expr) if name == "model" else None

    def estimator_method(self, estimator: Estimator, name: str, call: Call) -> Value:
        model = self.built(estimator, call.node)
        x, y = call.get(0, "X", "x"), call.get(1, "y")
        if model is None or x is None or name not in ("fit", "predict", "predict_proba", "score"):
            if model is not None:
                self.leave(model, f"`{short(call.node)}` is not understood", call.node)
            return self.opaque(call.all(), call.node, f"`{short(call.node)}` is not understood")
        model.fed = True
        self.feed(*x, model.inputs)
        if y is not None:
            self._labels(model, y)
        if name == "fit":
            return estimator
        if name == "score":
            return SymInt(self.name_of("score", call.node))
        if name == "predict_proba":
            return self._predicted(model, "predict", call.node)
        return self.new_array([Axis(BATCH)], self.place(call.node))

    def _labels(self, model: Model, y: tuple[Value, ast.expr]) -> None:
        """Labels may be turned into vectors on the way: fine where no output has a channel to move."""
        self.leak(*y, "the labels of an estimator")
        for out in model.outputs:
            if isinstance(out, Array):
                self.pin_if(out, moves, "an estimator compares it with labels", y[1])
