"""Watch the calls of layers (and, in Keras 3, of op nodes) during one pass through a model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from kmigrate.verify.child import arrays
from kmigrate.verify.child.stack import KERAS3, Stack

Watcher = Callable[[Any, list[Any], list[Any], Callable[[list[Any]], Any]], None]


class Hooks:
    """Patched ``__call__`` methods that report leaf calls while somebody watches."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.watcher: Watcher | None = None
        self.adjust: Callable[[Any, Callable[[], Any]], None] | None = None
        classes = [stack.layer_class]
        if stack.name == KERAS3:
            classes.append(stack.operation_class)
        for cls in classes:
            cls.__call__ = self._wrap(cls.__call__)

    @contextmanager
    def watching(self, watcher: Watcher) -> Iterator[None]:
        """Report the calls within to ``watcher``."""
        self.watcher = watcher
        try:
            yield
        finally:
            self.watcher = None

    def _wrap(self, original: Callable[..., Any]) -> Callable[..., Any]:
        hooks = self

        def __call__(layer: Any, *args: Any, **kwargs: Any) -> Any:
            watcher, adjust = hooks.watcher, hooks.adjust
            if adjust is not None and not isinstance(layer, hooks.stack.model_class):
                hooks.adjust = None
                try:
                    adjust(layer, lambda: original(layer, *args, **kwargs))
                    return original(layer, *args, **kwargs)
                finally:
                    hooks.adjust = adjust
            if watcher is None or isinstance(layer, hooks.stack.model_class):
                return original(layer, *args, **kwargs)
            hooks.watcher = None  # what a leaf does inside is its own business
            try:
                result = original(layer, *args, **kwargs)
                inputs = hooks.leaves((args, kwargs))
                outputs = hooks.leaves(result)

                def run(values: list[Any]) -> Any:
                    floatx = hooks.stack.keras.backend.floatx()
                    new = [hooks.stack.tf.convert_to_tensor(v.astype(floatx)) for v in values]
                    replaced = hooks.replace((args, kwargs), iter(new))
                    return original(layer, *replaced[0], **replaced[1])

                if inputs and outputs:
                    watcher(layer, inputs, outputs, run)
            finally:
                hooks.watcher = watcher
            return result

        return __call__

    @contextmanager
    def adjusting(self, adjust: Callable[[Any, Callable[[], Any]], None]) -> Iterator[None]:
        """Let ``adjust`` change the weights of each leaf; what follows sees the layer as changed."""
        self.adjust = adjust
        try:
            yield
        finally:
            self.adjust = None

    def leaves(self, tree: Any) -> list[Any]:
        """The tensors in nested arguments."""
        return [leaf for leaf in arrays.flatten(tree) if isinstance(leaf, self.stack.tf.Tensor)]

    def replace(self, tree: Any, new: Iterator[Any]) -> Any:
        """Nested arguments with their tensors replaced."""
        leaves = [next(new) if isinstance(leaf, self.stack.tf.Tensor) else leaf for leaf in arrays.flatten(tree)]
        return arrays.rebuild(tree, leaves)
