"""Build a model in today's Keras from an architecture that an old one saved: for predictions, not for training."""

from __future__ import annotations

import inspect
from typing import Any

from kmigrate.verify.child import old_layers
from kmigrate.verify.child.stack import Stack
from kmigrate.weights.architecture import Architecture, Layer
from kmigrate.weights.features import Features, _given
from kmigrate.weights.shapes import ELEMENTWISE, is_first, pairs, sizes, spatial


class CannotBuild(Exception):
    """Today's Keras has no layer that computes the same."""


_NOT_NEEDED = ("initializer", "regularizer", "constraint")
_SKIP = {
    "name", "trainable", "dtype", "batch_shape", "input_shape", "batch_input_shape", "weights", "layer", "seed",
    "kwargs", "args", "self", "activity_regularizer", "input_dtype", "noise_shape",
}  # fmt: skip


class Builder:
    """Makes the layers and models of one architecture; ``shapes`` are what reaches its layers with weights."""

    def __init__(self, stack: Stack, generation: int, features: Features, allow_code: bool) -> None:
        self.stack, self.keras, self.generation, self.allow_code = stack, stack.keras, generation, allow_code
        self.old = old_layers.make(stack.keras, stack.tf)
        self.shapes = {leaf.path: leaf.input_shape for leaf in features.leaves}
        self.layers: dict[tuple[str, ...], Any] = {}

        @stack.keras.saving.register_keras_serializable("kmigrate")  # Bidirectional makes its layer twice
        def hard_sigmoid(x: Any) -> Any:
            """As it was up to Keras 2."""
            return stack.keras.ops.clip(0.2 * x + 0.5, 0.0, 1.0)

        self.hard_sigmoid = hard_sigmoid

    def model(self, model: Architecture, path: tuple[str, ...] = ()) -> Any:
        """The model; its layers are in ``self.layers`` by their path."""
        made: dict[str, Any] = {}
        values: dict[Any, Any] = {}
        fed_words = {
            source[0] for call in model.calls for source in call.inputs if model[call.layer].core.kind == "Embedding"
        }
        for name, number, index in model.inputs:
            shape = _given(model[name])
            dtype = "int32" if name in fed_words else None
            values[name, number, index] = self.keras.Input(batch_shape=(None, *shape), dtype=dtype, name=name)
        for call in model.calls:
            if (call.layer, call.number, 0) in values:
                continue
            layer = model[call.layer]
            if call.layer not in made:
                own = (*path, call.layer)
                made[call.layer] = self.model(layer.model, own) if layer.model is not None else self.layer(layer, own)
                self.layers[own] = made[call.layer]
            given = [values[source] for source in call.inputs]
            found = made[call.layer](given if len(given) > 1 or self._joins(layer) else given[0])
            for index, result in enumerate(found if isinstance(found, list | tuple) else [found]):
                values[call.layer, call.number, index] = result
        own_name = path[-1] if path else None
        if model.sequential:
            order = [made[layer.name] for layer in model.layers if layer.name in made]
            return self.keras.Sequential([values[model.inputs[0]], *order], name=own_name)
        outputs = [values[value] for value in model.outputs]
        return self.keras.Model(
            [values[v] for v in model.inputs], outputs if len(outputs) > 1 else outputs[0], name=own_name
        )

    @staticmethod
    def _joins(layer: Layer) -> bool:
        return layer.kind in ELEMENTWISE or layer.kind in ("Concatenate", "Dot")

    def layer(self, layer: Layer, path: tuple[str, ...]) -> Any:
        """One layer; raises CannotBuild."""
        kind, config = layer.kind, dict(layer.config)
        if kind == "TimeDistributed" and layer.inner is not None:
            return self.keras.layers.TimeDistributed(self.layer(layer.inner, path), name=layer.name)
        if kind == "Bidirectional" and layer.inner is not None:
            mode = config.get("merge_mode", "concat")
            return self.keras.layers.Bidirectional(self.layer(layer.inner, path), merge_mode=mode, name=layer.name)
        if kind == "Lambda":
            return self._lambda(layer)
        cls = self.old.get(kind) or getattr(self.keras.layers, kind, None)
        if kind == "ThresholdedReLU":
            return self.keras.layers.ReLU(threshold=float(config.get("theta", 1.0)), name=layer.name)
        if cls is None or (kind == "BatchNormalization" and config.get("mode")):
            raise CannotBuild(f"{layer.name} is a {kind} that today's Keras does not have")
        self._adapt(layer, config, path)
        known = inspect.signature(cls.__init__).parameters
        arguments = {
            key: self._value(key, value)
            for key, value in config.items()
            if key in known and key not in _SKIP and not key.endswith(_NOT_NEEDED)
        }
        return cls(**arguments, name=layer.name, trainable=layer.trainable)

    def _adapt(self, layer: Layer, config: dict[str, Any], path: tuple[str, ...]) -> None:
        """What the old version did by default and today's does otherwise."""
        kind, count = layer.kind, spatial(layer.kind)
        if kind == "GRU":
            config.setdefault("reset_after", False)
        for key in ("padding", "cropping"):
            if kind.startswith(("ZeroPadding", "Cropping")) and key in config:
                found = pairs(config[key], count)
                config[key] = found[0] if count == 1 else found
        if kind.startswith(("Max", "Average")) and kind.endswith("1D"):
            config["strides"] = config.get("strides") or None
        if kind.endswith("Transpose") and config.get("output_shape"):
            config["output_padding"] = self._output_padding(layer, self.shapes[path])
        if kind == "Dot" and isinstance(config.get("axes"), list):
            axes = config["axes"]
            config["axes"] = axes[0] if len(set(map(str, axes))) == 1 else axes
        config.pop("output_shape", None)

    @staticmethod
    def _output_padding(layer: Layer, shape: tuple[int, ...]) -> Any:
        config, count = layer.config, spatial(layer.kind)
        wanted = list(config["output_shape"])[-count - 1 :]
        wanted = wanted[1:] if is_first(layer) else wanted[:-1]
        places = shape[1:] if is_first(layer) else shape[:-1]
        kernel, strides = sizes(config["kernel_size"], count), sizes(config.get("strides"), count)
        same = config.get("padding") == "same"
        plain = [n * s if same else n * s + max(k - s, 0) for n, k, s in zip(places, kernel, strides)]
        if plain == wanted:
            return None
        least = [(n - 1) * s + k - (2 * (k // 2) if same else 0) for n, k, s in zip(places, kernel, strides)]
        return tuple(w - n for w, n in zip(wanted, least))

    def _value(self, key: str, value: Any) -> Any:
        if key.endswith("activation") and value == "hard_sigmoid" and self.generation < 3:
            return self.hard_sigmoid
        return tuple(value) if isinstance(value, list) and not any(isinstance(v, list) for v in value) else value

    def _lambda(self, layer: Layer) -> Any:
        if not self.allow_code:
            raise CannotBuild(f"{layer.name} holds code, which is not run without --allow-code")
        try:
            from keras.src.utils.python_utils import func_load

            function = layer.config["function"]
            code = func_load(function[0], function[1], function[2])
        except Exception as error:
            raise CannotBuild(f"the code of {layer.name} does not run in this Python ({error})") from None
        return self.keras.layers.Lambda(code, name=layer.name)
