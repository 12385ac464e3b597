"""The graph of a model from its saved architecture: Keras 1, 2 and 3, Sequential and functional, nested and shared.

A value is named by the layer that makes it, which of its calls, and which of its outputs.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from kmigrate.weights.error import WeightsError
from kmigrate.weights.spelling import layer_kind, modern_config

Value = tuple[str, int, int]


def spatial(kind: str) -> int:
    """How many spatial dimensions a layer of images has; 0 for other layers."""
    found = re.search(r"([123])D", kind)
    return int(found.group(1)) if found else 0


_MODELS = ("Sequential", "Model", "Functional", "Container")
_WRAPPERS = ("TimeDistributed", "Bidirectional")


@dataclass
class Layer:
    """A layer; ``inner`` is what a wrapper wraps, ``model`` a model that is used as a layer."""

    name: str
    kind: str  # its class, in the name of Keras 3
    config: dict[str, Any]  # in the names of Keras 3
    inner: Layer | None = None
    model: Architecture | None = None
    raw: dict[str, Any] = field(default_factory=dict)

    @property
    def trainable(self) -> bool:
        """May it be trained? A nested model keeps its arrays in another order if a part may not."""
        return bool(self.config.get("trainable", True))

    @property
    def core(self) -> Layer:
        """Itself, or what TimeDistributed wraps: the layer that has the weights."""
        return self.inner.core if self.kind == "TimeDistributed" and self.inner is not None else self


@dataclass(frozen=True)
class Call:
    """One use of a layer."""

    layer: str
    number: int  # which of the layer's calls
    inputs: tuple[Value, ...]


@dataclass
class Architecture:
    """Layers in the order in which Keras lists them, and their calls in an order in which they can run."""

    name: str
    sequential: bool
    generation: int
    layers: list[Layer]
    calls: list[Call]
    inputs: list[Value]
    outputs: list[Value]
    trainable: bool = True

    def __getitem__(self, name: str) -> Layer:
        return next(layer for layer in self.layers if layer.name == name)

    def leaves(self) -> Iterator[Layer]:
        """All layers that are no models, those of nested models in their place, each once."""
        for layer in self.layers:
            model = layer.core.model
            if model is not None:
                yield from model.leaves()
            else:
                yield layer


def parse(text: str | bytes | dict[str, Any], what: str) -> Architecture:
    """The architecture in the JSON that Keras saved; raises WeightsError with ``what`` the file is called."""
    try:
        data = text if isinstance(text, dict) else json.loads(text)
        generation = _generation(data)
        model = _model(data["class_name"], data["config"], generation, what)
        if generation == 1:
            _complete(model)
        return model
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise WeightsError(f"{what}: no architecture that Keras saved ({type(error).__name__}: {error})") from None


def _complete(model: Architecture) -> None:
    """Keras 1.0 does not save the setting of ZeroPadding2D and UpSampling2D: it is that of the others, or 'th'."""
    images = [layer.core for layer in model.leaves() if spatial(layer.core.kind) > 1]
    said = {layer.config["data_format"] for layer in images if layer.config.get("data_format")}
    for layer in images:
        if not layer.config.get("data_format"):
            layer.config["data_format"] = said.copy().pop() if len(said) == 1 else "channels_first"


def _generation(data: dict[str, Any]) -> int:
    """Of the spelling: 1, 2 or 3."""
    if "registered_name" in data or "module" in data:
        return 3
    version = str(data.get("keras_version", ""))
    if version[:1].isdecimal():
        return int(version.partition(".")[0])
    text = json.dumps(data["config"])
    return 1 if any(f'"{old}"' in text for old in ("nb_filter", "output_dim", "dim_ordering", "border_mode")) else 2


def _model(class_name: str, config: Any, generation: int, what: str) -> Architecture:
    if class_name not in _MODELS:
        raise WeightsError(f"{what}: a {class_name} tells no graph: only Sequential and functional models do")
    if class_name == "Sequential":
        return _sequential(config, generation, what)
    return _functional(config, generation, what)


def _layer(record: dict[str, Any], generation: int, what: str) -> Layer:
    class_name, config = record["class_name"], record["config"]
    if class_name in _MODELS:
        model = _model(class_name, config, generation, what)
        name = record.get("name") or model.name
        own = {"trainable": model.trainable}
        return Layer(name, "Functional" if class_name != "Sequential" else class_name, own, model=model, raw=record)
    kind = layer_kind(class_name, config)
    inner = None
    if kind in _WRAPPERS:
        inner = _layer(config["layer"], generation, what)
    name = config.get("name") or record.get("name")
    layer = Layer(str(name), kind, modern_config(class_name, config), inner, raw=record)
    if class_name.startswith("Atrous"):
        layer.config["strides"] = layer.config.get("strides") or 1
    return layer


def _sequential(config: Any, generation: int, what: str) -> Architecture:
    records = config["layers"] if isinstance(config, dict) else config
    name = config.get("name", "sequential") if isinstance(config, dict) else "sequential"
    layers: list[Layer] = []
    for record in records:
        if record["class_name"] == "Merge" and record["config"].get("layers"):
            raise WeightsError(
                f"{what}: a Sequential that begins with Merge: give the architecture as a functional model"
            )
        layers.append(_layer(record, generation, what))
    trainable = bool(config.get("trainable", True)) if isinstance(config, dict) else True
    return _chain(name, layers, generation, what, trainable)


def _chain(name: str, layers: list[Layer], generation: int, what: str, trainable: bool = True) -> Architecture:
    """A Sequential model; its input stands in its first layer or in one of its own."""
    first = layers[0]
    if first.kind != "InputLayer":
        shape = _input_shape(first)
        if shape is None:
            raise WeightsError(f"{what}: the first layer {first.name} does not tell the shape of its input")
        entry = Layer(f"{first.name}_input", "InputLayer", {"batch_shape": shape}, raw={})
        layers = [entry, *layers]
    calls = [Call(layer.name, 0, ((before.name, 0, 0),)) for before, layer in pairwise(layers)]
    calls.insert(0, Call(layers[0].name, 0, ()))
    return Architecture(
        name, True, generation, layers, calls, [(layers[0].name, 0, 0)], [(layers[-1].name, 0, 0)], trainable
    )


def _input_shape(layer: Layer) -> Any:
    if layer.model is not None:
        entry = layer.model[layer.model.inputs[0][0]]
        return entry.config.get("batch_shape")
    for config in (layer.config, layer.inner.config if layer.inner else {}):
        if config.get("batch_shape") is not None:
            return config["batch_shape"]
        if config.get("input_dim") is not None and layer.kind != "Embedding":
            return [None, *([config["input_length"]] if config.get("input_length") else []), config["input_dim"]]
    return [None, layer.config.get("input_length")] if layer.kind == "Embedding" else None


def _functional(config: dict[str, Any], generation: int, what: str) -> Architecture:
    layers = [_layer(record, generation, what) for record in config["layers"]]
    wanted: list[Call] = []
    for layer, record in zip(layers, config["layers"], strict=True):
        layer.name = record.get("name") or layer.name
        nodes = record.get("inbound_nodes") or []
        if not nodes:
            wanted.append(Call(layer.name, 0, ()))
        for number, node in enumerate(nodes):
            wanted.append(Call(layer.name, number, tuple(_sources(node))))
    outputs = [_value(v) for v in _values(config["output_layers"])]
    wanted = _numbered(wanted, [source for call in wanted for source in call.inputs] + outputs)
    return Architecture(
        config.get("name", "model"),
        False,
        generation,
        layers,
        _runnable(wanted, what),
        [_value(v) for v in _values(config["input_layers"])],
        outputs,
        bool(config.get("trainable", True)),
    )


def _numbered(calls: list[Call], used: list[Value]) -> list[Call]:
    """Keras 1.0 counts the call by which a nested model was made, too."""
    highest: dict[str, int] = {}
    for name, number, _ in used:
        highest[name] = max(highest.get(name, 0), number)
    count = Counter(call.layer for call in calls)
    return [
        replace(call, number=call.number + max(highest.get(call.layer, 0) + 1 - count[call.layer], 0)) for call in calls
    ]


def _values(found: Any) -> list[Any]:
    """Keras 3 writes one value bare."""
    if isinstance(found, dict):
        return [leaf for part in found.values() for leaf in _values(part)]
    if found and isinstance(found[0], str):
        return [found]
    return list(found)


def _value(data: Any) -> Value:
    return (str(data[0]), int(data[1]), int(data[2]))


def _sources(node: Any) -> Iterator[Value]:
    """The tensors that a node takes, in order."""
    if isinstance(node, dict):
        if node.get("class_name") == "__keras_tensor__":
            yield _value(node["config"]["keras_history"])
            return
        for part in node.values():
            yield from _sources(part)
    elif isinstance(node, list | tuple):
        if len(node) >= 3 and isinstance(node[0], str) and isinstance(node[1], int) and isinstance(node[2], int):
            yield _value(node)
            return
        for part in node:
            yield from _sources(part)


def _runnable(calls: list[Call], what: str) -> list[Call]:
    """The calls, each after those that it takes from."""
    done: set[tuple[str, int]] = set()
    ordered: list[Call] = []
    rest = calls
    while rest:
        later = []
        for call in rest:
            if all(source[:2] in done for source in call.inputs):
                ordered.append(call)
                done.add((call.layer, call.number))
            else:
                later.append(call)
        if len(later) == len(rest):
            raise WeightsError(f"{what}: the layer {rest[0].layer} takes what no layer gives")
        rest = later
    return ordered


def keras_order(model: Architecture) -> list[str]:
    """The names of the layers in the order in which Keras lists those of a functional model: by depth.

    Layers of equal depth stand as a walk back from the outputs meets them (Keras 1.0.5 to 3, `Model.layers`).
    """
    calls = {(call.layer, call.number): call for call in model.calls}
    depth: dict[str, int] = {}
    met: dict[str, int] = {}
    node_depth: dict[tuple[str, int], int] = {}

    stack: list[tuple[tuple[str, int], int]] = []
    order: list[tuple[str, int]] = []
    seen: set[tuple[str, int]] = set()

    def visit(start: tuple[str, int]) -> None:
        stack.append((start, 0))
        while stack:
            node, child = stack.pop()
            if child == 0:
                if node in seen:
                    continue
                seen.add(node)
                met.setdefault(node[0], len(met))
            sources = calls[node].inputs
            if child < len(sources):
                stack.append((node, child + 1))
                stack.append((sources[child][:2], 0))
            else:
                order.append(node)

    for output in model.outputs:
        visit(output[:2])
    for node in reversed(order):
        own = max(node_depth.setdefault(node, 0), depth.get(node[0], 0))
        node_depth[node] = depth[node[0]] = own
        for source in calls[node].inputs:
            node_depth[source[:2]] = max(node_depth.get(source[:2], 0), own + 1)
    for value in model.inputs:
        depth.setdefault(value[0], 0)
        met.setdefault(value[0], len(met))
    names = [name for name in depth if name in met]
    return sorted(names, key=lambda name: (-depth[name], met[name]))
