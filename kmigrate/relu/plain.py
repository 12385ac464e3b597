"""The plain relu of Keras up to 1.0.6, which computes the negative half too on TensorFlow (opt-in: KM206)."""

from __future__ import annotations

import ast

from kmigrate.keras_api import names
from kmigrate.relu.library import BACKEND, Function
from kmigrate.relu.module import Module

_REASON = "up to Keras 1.0.6 'relu' computes the negative half too; values and gradients are equal, saved models too"
_NO_TENSORFLOW = "left as it is: tf.nn.relu is TensorFlow's alone: say --source-backend tensorflow"
_CODE = "KM206"


class Plain:
    """Plans edits in ``module`` if `--select` asks for them and the version is known to be such an old one."""

    def __init__(self, module: Module) -> None:
        self.module = module
        version = module.version
        old = version is not None and version.agree("relu_is_slow", False) is True
        self.is_on = old and module.options.wants(_CODE, module.path)

    def layer(self, node: ast.Call, api: names.Api) -> None:
        """``Activation('relu')`` and ``activation='relu'`` of a layer."""
        if not self.is_on:
            return
        given = [k.value for k in node.keywords if k.arg == "activation"]
        given += node.args[:1] if api.name == "Activation" else []
        for value in given:
            if isinstance(value, ast.Constant) and value.value == "relu":
                self._replace(value)

    def call(self, node: ast.Call, known: Function) -> None:
        """``K.relu(x)``."""
        if self.is_on and known.library is BACKEND and len(node.args) == 1 and not node.keywords:
            self._replace(node.func)

    def _replace(self, node: ast.expr) -> None:
        name = self.module.tensorflow(_CODE)
        if name is not None:
            self.module.add(node, {"make": {"text": f"{name}.nn.relu"}}, _CODE, _REASON, neutral=True)
        elif all(d.code != _CODE for d in self.module.diagnostics):  # once is enough
            self.module.say(node, _CODE, _NO_TENSORFLOW)
