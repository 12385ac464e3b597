"""What a weight file holds, for `kmigrate weights --show`: no model is needed."""

from __future__ import annotations

from collections.abc import Iterator

from kmigrate.keras_api.orderings import DATA_FORMATS
from kmigrate.weights.reading import H5, KERAS, Checkpoint, Group

_FORMS = {H5: "HDF5 (.h5)", KERAS: ".keras", "weights.h5": "Keras 3 (.weights.h5)"}


def lines(checkpoint: Checkpoint) -> Iterator[str]:
    """Version, backend, layers, shapes, and the layout that they tell."""
    version = checkpoint.keras_version or ("not said, so Keras 1" if checkpoint.generation == 1 else "not said")
    yield f"{checkpoint.path}: {_FORMS[checkpoint.form]}, {'a whole model' if checkpoint.whole else 'weights'}"
    yield f"Keras version: {version}"
    yield f"backend: {checkpoint.backend or 'not said'}"
    yield f"layout: {layout(checkpoint)}"
    if marshalled(checkpoint):
        yield f"code: {', '.join(marshalled(checkpoint))} hold marshalled Python code, which is not run"
    width = max((len(group.name) for group in checkpoint.groups), default=0)
    for group in checkpoint.groups:
        shapes = "  ".join(f"{stored.name} {_shape(stored.shape)}" for stored in group.weights)
        yield f"  {group.name:{width}}  {shapes or '-'}"
    total = sum(_count(group) for group in checkpoint.groups)
    yield f"{total:,} values in {sum(bool(group.weights) for group in checkpoint.groups)} layers"


def _shape(shape: tuple[int, ...]) -> str:
    return "(" + ", ".join(map(str, shape)) + ")"


def _count(group: Group) -> int:
    total = 0
    for stored in group.weights:
        size = 1
        for n in stored.shape:
            size *= n
        total += size
    return total


def layout(checkpoint: Checkpoint) -> str:
    """Channels-first or channels-last, and why; where nothing tells, that."""
    found = _settings(checkpoint.config)
    if found:
        names = sorted(found)
        return f"{' and '.join(names)} (the architecture in the file says so)"
    if checkpoint.generation > 1:
        return "not told: the kernels of Keras 2 and 3 have the same shape in both"
    votes = {vote for group in checkpoint.groups for vote in [_vote(group)] if vote}
    if len(votes) == 1:
        return f"{votes.pop()} (where the number of filters stands in the kernels)"
    return "not told by the shapes" if not votes else "the shapes contradict each other"


def _settings(config: object) -> set[str]:
    found: set[str] = set()
    if isinstance(config, dict):
        for key, value in config.items():
            if key in ("data_format", "dim_ordering") and value and config.get("name", "").find("flatten") < 0:
                found.add(DATA_FORMATS.get(str(value), str(value)))
            else:
                found |= _settings(value)
    elif isinstance(config, list):
        for part in config:
            found |= _settings(part)
    return found


def _vote(group: Group) -> str:
    """What a kernel of Keras 1 says: it begins with the number of filters, or ends with it."""
    kernels = [s.shape for s in group.weights if len(s.shape) in (4, 5)]
    biases = [s.shape for s in group.weights if len(s.shape) == 1]
    if len(kernels) != 1 or len(biases) != 1:
        return ""
    first, last = kernels[0][0] == biases[0][0], kernels[0][-1] == biases[0][0]
    return "" if first == last else ("channels_first" if first else "channels_last")


def marshalled(checkpoint: Checkpoint) -> list[str]:
    """The names of layers whose configuration holds code."""
    found: list[str] = []

    def walk(node: object) -> None:
        if isinstance(node, dict):
            config = node.get("config")
            code = isinstance(config, dict) and "lambda" in (config.get("function_type"), config.get("mode_type"))
            if node.get("class_name") in ("Lambda", "Merge") and isinstance(config, dict):
                function = config.get("function")
                if code or isinstance(function, list) or (isinstance(function, dict) and "code" in str(function)):
                    found.append(str(config.get("name") or node.get("name")))
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(checkpoint.config)
    return found
