"""Classes of Keras that programs make their own classes from."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.mock_keras.models import Model, Sequential, input_tensor
from tests.mock_keras.tensors import Tensor
from tests.mock_keras.world import World


class UserLayer:
    """The base of layers of the program's own, which compute with the backend."""

    world: World
    built = False

    def __init__(self, name: str | None = None, **_: Any) -> None:
        self.name = name or f"own_{self.world.made}"
        self.world.made += 1

    def build(self, input_shape: Any) -> None:
        self.built = True

    def call(self, x: Any) -> Any:
        return x

    def add_weight(self, *args: Any, shape: Any = None, **_: Any) -> np.ndarray:
        shape = next(a for a in (shape, *args) if isinstance(a, tuple | list))
        return 0.5 + np.arange(float(np.prod(shape))).reshape(shape)

    def __call__(self, x: Any) -> Any:
        if not self.built:
            self.build(x.shape)
            self.built = True
        made = self.call(x)
        for name in ("compute_output_shape", "get_output_shape_for"):
            if (stated := getattr(self, name, None)) is not None:
                assert tuple(stated(x.shape))[1:] == made.shape[1:], f"{name} is not {made.shape}"
        self.input, self.output = x, made
        return made


class Callback:
    model: Any = None

    def set_model(self, model: Any) -> None:
        self.model = model


class Batches:
    """``keras.utils.Sequence``."""


def classes(world: World) -> dict[str, type]:
    """Layer, Model, Sequential of one run, to be made and to be subclassed."""

    class MadeModel(Model):
        def __init__(self, *args: Any, **keywords: Any) -> None:
            super().__init__(world, *args, **keywords)

        def __call__(self, x: Any) -> Any:
            own = not self.outputs and hasattr(self, "call")
            return self.call(x) if own else super().__call__(x)

        def _step(self, kind: str, x: Any, y: Any, train: bool) -> float:
            self._build_for(x)
            return super()._step(kind, x, y, train)

        def predict(self, x: Any, *args: Any, **keywords: Any) -> Any:
            self._build_for(x)
            return super().predict(x, *args, **keywords)

        def _build_for(self, x: Any) -> None:
            if not self.outputs:
                tensor: Tensor = input_tensor(np.shape(x)[1:])
                self.inputs, self.outputs = [tensor], [self.call(tensor)]

    class MadeSequential(Sequential):
        def __init__(self, *args: Any, **keywords: Any) -> None:
            super().__init__(world, *args, **keywords)

    made = type("Layer", (UserLayer,), {"world": world})
    return {"Layer": made, "Model": MadeModel, "Sequential": MadeSequential}


class Estimator:
    """``KerasClassifier``: builds its model when it is fitted."""

    def __init__(self, build_fn: Any, **parameters: Any) -> None:
        self.build_fn, self.parameters = build_fn, parameters

    def fit(self, x: Any, y: Any) -> Estimator:
        self.model = self.build_fn(**self.parameters)
        self.model.fit(x, y)
        return self

    def predict_proba(self, x: Any) -> Any:
        return self.model.predict(x)


class Search:
    """``GridSearchCV``: the first of each parameter's values."""

    def __init__(self, estimator: Estimator, param_grid: dict[str, list[Any]], **_: Any) -> None:
        self.estimator, self.grid = estimator, param_grid

    def fit(self, x: Any, y: Any) -> Search:
        self.estimator.parameters.update({name: values[0] for name, values in self.grid.items()})
        self.best_estimator_ = self.estimator.fit(x, y)
        return self

    def predict_proba(self, x: Any) -> Any:
        return self.best_estimator_.predict_proba(x)
