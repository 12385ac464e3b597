"""Data from libraries: datasets, loaders and generators of images, which follow the setting or have their own."""

from __future__ import annotations

import ast

from kmigrate.keras_api.names import Api
from kmigrate.layout.axes import BATCH, CHANNEL, Axis
from kmigrate.layout.dims import Dim
from kmigrate.layout.interpret.calls import Call
from kmigrate.layout.interpret.estimators import Estimators
from kmigrate.layout.interpret.operation_tables import RANDOM, TOOL_METHODS
from kmigrate.layout.interpret.state import short
from kmigrate.layout.interpret.worlds import FIRST_NAMES, OTHER_NAME
from kmigrate.layout.values import (
    Array,
    Batches,
    Const,
    OrderingName,
    Seq,
    Tool,
    Unknown,
    Value,
)

DATASETS: dict[str, tuple[int, int, tuple[int, ...], bool]] = {
    # name: training images, test images, sizes of one (with the channel first), has channels
    "mnist": (60000, 10000, (28, 28), False),
    "fashion_mnist": (60000, 10000, (28, 28), False),
    "cifar10": (50000, 10000, (3, 32, 32), True),
    "cifar100": (50000, 10000, (3, 32, 32), True),
}

# Functions on images of Keras' preprocessing module, in utils too from 2.9 on.
IMAGE_FUNCTIONS = frozenset(("img_to_array", "array_to_img", "load_img", "save_img"))
# Those that name their axes, whatever the setting.
NOT_FOLLOWING = frozenset(
    "load_img random_rotation random_shift random_shear random_zoom random_channel_shift apply_transform flip_axis "
    "transform_matrix_offset_center list_pictures pad_sequences".split()
)


def of_image(first: bool) -> list[str]:
    return [CHANNEL, "H", "W"] if first else ["H", "W", CHANNEL]


class Data(Estimators):
    """Datasets, loaders, generators."""

    def may_read_ambient(self, call: Call) -> None:
        raise NotImplementedError

    def _dataset(self, name: str, call: Call) -> Value:
        known = DATASETS.get(name)
        if known is None:
            return Unknown(f"`{short(call.node)}`", self.place(call.node))
        train, test, sizes, channels = known
        ambient = self.ambient
        follows = self.known.cifar_follows
        first = ambient.first if follows else True
        pairs: list[Value] = []
        for n in (train, test):
            labels = of_image(first) if channels else ["H", "W"]
            order = sizes if not channels or first else (*sizes[1:], sizes[0])
            axes = [
                Axis(BATCH, Dim(n)),
                *(Axis(label, Dim(s)) for label, s in zip(labels, order, strict=True)),
            ]
            images = self.new_array(axes, self.place(call.node))
            if channels and first:
                if follows:
                    self.graph.tie(images.node, ambient.loaders)
                else:
                    text = f"{name} is channels-first in this version whatever the setting"
                    self.graph.pin(images.node, self.because(text, call.node, "KM105"))
            label_axes = [Axis(BATCH, Dim(n))] + ([Axis(size=Dim(1))] if channels else [])
            pairs.append(Seq("tuple", [images, self.new_array(label_axes, self.place(call.node))]))
        return Seq("tuple", pairs)

    def _preprocessing(self, api: Api, call: Call) -> Value:
        name = api.name.rsplit(".", 1)[-1]
        if name == "ImageDataGenerator":
            setting = self._loader_setting(call, call.get(None, "data_format", "dim_ordering"))
            if setting is None:
                return self.opaque(call.all(), call.node, f"`{short(call.node)}`")
            first, node = setting
            function = call.get(None, "preprocessing_function")
            if function is not None and not (isinstance(function[0], Const) and function[0].value is None):
                self.graph.pin(node, self.because("`preprocessing_function` sees the images", call.node))
            return Tool("ImageDataGenerator", node, first)
        if name == "img_to_array":
            return self._image_array(call, call.get(1, "data_format", "dim_ordering"))
        if name in ("array_to_img", "save_img"):
            at = 1 if name == "save_img" else 0
            given = call.get(at, "x", "img")
            self._image_written(call, given, call.get(at + 1, "data_format", "dim_ordering"))
            return Unknown(f"`{short(call.node)}`", self.place(call.node))
        if name not in NOT_FOLLOWING:
            self.may_read_ambient(call)
        return self.opaque(call.all(), call.node, f"`{short(call.node)}` (not in the tables)")

    def _loader_setting(self, call: Call, given: tuple[Value, ast.expr] | None) -> tuple[bool, int] | None:
        """Does a loader give channels-first, and the node of that; None where it is not known."""
        first, node = self.ambient.first, self.ambient.loaders
        if given is None or (isinstance(given[0], Const) and given[0].value in (None, "default")):
            self.reads_ambient(call.node)
            if self.ambient.implied and self.known.separate_loaders:
                node = self.graph.node()
                self.explicit_argument(call.node, node)
            return first, node
        value = given[0]
        if isinstance(value, OrderingName):
            return value.name in FIRST_NAMES, value.node
        if not isinstance(value, Const) or value.value not in OTHER_NAME:
            return None
        return value.value in FIRST_NAMES, self.setting_node(value) if value.origin else node

    def _image_array(self, call: Call, given: tuple[Value, ast.expr] | None) -> Value:
        """``img_to_array``: an image as the setting has it."""
        setting = self._loader_setting(call, given)
        for value, expr in call.all():
            if setting is None or given is None or expr is not given[1]:
                self.leak(value, expr, f"`{short(call.node)}`")
        if setting is None:
            return self.opaque(call.all(), call.node, f"`{short(call.node)}`")
        image = self.new_array([Axis(label) for label in of_image(setting[0])], self.place(call.node))
        self.graph.tie(image.node, setting[1])
        return image

    def _image_written(
        self, call: Call, image: tuple[Value, ast.expr] | None, given: tuple[Value, ast.expr] | None
    ) -> None:
        """``array_to_img``, ``save_img``: they take an image as the setting has it."""
        setting = self._loader_setting(call, given)
        if setting is None or image is None or call.star:
            self.opaque(call.all(), call.node, f"`{short(call.node)}`")
            return
        wanted = self.new_array([Axis(label) for label in of_image(setting[0])], self.place(call.node), setting[1])
        array = self.as_array(*image)
        if array is not None:
            self.join_axes(wanted, self.consume(array, image[1], f"`{short(image[1])}`"), call.node)

    def _preprocess_input(self, call: Call) -> Value:
        """``preprocess_input``: colours of images as the setting has them."""
        given = call.get(0, "x")
        array = None if given is None else self.as_array(*given)
        if array is not None and array.axes is None:
            self.bind_rank(array, self.rank_hint(call.node) or 0)
        setting = self._loader_setting(call, call.get(1, "data_format", "dim_ordering"))
        if given is None or array is None or array.axes is None or len(array.axes) not in (3, 4) or setting is None:
            self.may_read_ambient(call)
            return self.opaque(call.all(), call.node, f"`{short(call.node)}`: the rank is not known")
        labels = [BATCH, *of_image(setting[0])][4 - len(array.axes) :]
        used = self.consume(array, given[1], f"`{short(given[1])}`")
        wanted = self.new_array([Axis(label) for label in labels], self.place(call.node), setting[1])
        self.join_axes(wanted, used, call.node)
        self.event("preprocess", used, call.node)
        return Array(used.node, used.ref, used.kind, self.place(call.node))

    def _tool_method(self, tool: Tool, name: str, call: Call) -> Value:
        if tool.name == "random":
            operation = RANDOM.get(f"random.{name}")
            if operation is not None:
                return operation(self, call)  # type: ignore[arg-type]
        if (tool.name, name) in TOOL_METHODS:
            return TOOL_METHODS[tool.name, name](self, call)  # type: ignore[arg-type]
        if tool.name == "ImageDataGenerator":
            if name in ("standardize", "random_transform") and len(call.positional) == 1 and not call.keywords:
                image = self._into_generator(tool, call.positional[0], of_image(tool.first))
                if image is not None:
                    return image
            if name == "fit" and call.positional:
                self._into_generator(tool, call.positional[0])
                return Const(None)
            if name == "flow":
                x, y = call.get(0, "x", "X"), call.get(1, "y")
                if x is not None and call.get(None, "save_to_dir") is None:
                    images = self._into_generator(tool, x)
                    if images is not None:
                        return Batches(images if y is None else Seq("tuple", [images, y[0]]))
            if name in ("flow_from_directory", "flow_from_dataframe"):
                labels = [BATCH, *of_image(tool.first)]
                images = self.new_array([Axis(label) for label in labels], self.place(call.node))
                self.graph.tie(images.node, tool.node)
                mode = call.get(None, "class_mode")
                if mode is not None and isinstance(mode[0], Const) and mode[0].value is None:
                    return Batches(images)
                targets = self.new_array([Axis(BATCH), Axis()], self.place(call.node))
                return Batches(Seq("tuple", [images, targets]))
            self.graph.pin(tool.node, self.because(f"`{short(call.node)}` (not in the tables)", call.node))
        return self.opaque(call.all(), call.node, f"`{short(call.node)}`")

    def _into_generator(
        self, tool: Tool, given: tuple[Value, ast.expr], labels: list[str] | None = None
    ) -> Array | None:
        array = self.as_array(*given)
        if array is None:
            return None
        used = self.consume(array, given[1], f"`{short(given[1])}`")
        labels = labels or [BATCH, *of_image(tool.first)]
        wanted = self.new_array([Axis(label) for label in labels], self.place(given[1]), tool.node)
        self.join_axes(wanted, used, given[1])
        return wanted
