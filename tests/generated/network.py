"""The layers of one model, up to where its maps become something else."""

from __future__ import annotations

from collections.abc import Callable

from tests.generated.draft import Draft


class Network:
    """Layers put one behind another; ``shape`` is that of the maps, channels first."""

    def __init__(self, d: Draft, shape: list[int], kind: str, variable: str) -> None:
        self.d = d
        self.shape = list(shape)
        self.kind = kind  # 'add' | 'list' | 'functional'
        self.x = variable
        self.listed: list[str] = []
        self.first_argument = ""
        self.indent = ""

    # -- putting layers ----------------------------------------------------------------------------

    def put(self, layer: str) -> None:
        if self.first_argument:
            inner = "" if layer.endswith("()") else ", "
            layer = f"{layer[:-1]}{inner}{self.first_argument})"
            self.first_argument = ""
        if self.kind == "add":
            self.d.add(f"{self.indent}{self.x}.add({layer})")
        elif self.kind == "list":
            self.listed.append(layer)
        else:
            self.d.add(f"{self.indent}{self.x} = {layer}({self.x})")

    def call(self, name: str, *args: str, layout: bool = False) -> str:
        """The text of a layer."""
        extra = self.d.ordering() if layout else []
        keywords = [a for a in (*args, *extra) if "=" in a.split("(")[0]]
        plain = [a for a in args if a not in keywords]
        return f"{self.d.layer(name)}({', '.join([*plain, *keywords])})"

    # -- convolutions ------------------------------------------------------------------------------

    def window(self, most: int = 3) -> list[int]:
        return [self.d.rng.randint(1, min(most, s)) for s in self.shape[1:]]

    def conv(self, filters: int | None = None, same: bool | None = None, activation: str | None = None,
             window: list[int] | None = None) -> str:  # fmt: skip
        d, rank = self.d, self.d.rank
        filters = filters or d.rng.randint(2, 6)
        window = window or self.window()
        same = d.chance(0.6) if same is None else same
        strides = [1] * rank
        if d.chance(0.15) and min(self.shape[1:]) > 5 and not same:
            strides = [d.rng.randint(1, 2) for _ in range(rank)]
        args = [d.constant("FILTERS", filters)]
        if d.old:
            args += [str(w) for w in window]
        else:
            args.append(str(window[0]) if len(set(window)) == 1 and d.chance(0.5) else self.tuple_of(window))
        if strides != [1] * rank:
            args.append(f"{'subsample' if d.old else 'strides'}={self.tuple_of(strides)}")
        if same or d.chance(0.2):
            args.append(f"{'border_mode' if d.old else 'padding'}={'same' if same else 'valid'!r}")
        if activation is None and d.chance(0.4):
            activation = d.pick(["relu", "relu", "tanh", "elu"])
        if activation:
            args.append(f"activation={activation!r}")
        name = f"Convolution{rank}D" if d.old else f"Conv{rank}D"
        made = self.call(name, *args, layout=True)
        spans = self.shape[1:] if same else [s - w + 1 for s, w in zip(self.shape[1:], window)]
        self.shape = [filters, *(-(-s // t) for s, t in zip(spans, strides))]
        return made

    @staticmethod
    def tuple_of(values: list[int]) -> str:
        return f"({', '.join(map(str, values))}{',' if len(values) == 1 else ''})"

    # -- one layer of each kind --------------------------------------------------------------------

    def step(self) -> None:
        self.d.rng.choice(STEPS)(self)

    def add_conv(self) -> None:
        self.put(self.conv())

    def add_pool(self) -> None:
        d, rank = self.d, self.d.rank
        if min(self.shape[1:]) < 4:
            return
        size = [d.rng.randint(1, 2) for _ in range(rank)]
        kind = d.pick(["Max", "Average"])
        args = [self.tuple_of(size) if rank > 1 else str(size[0])]
        if d.chance(0.5) and rank > 1:
            args[0] = f"pool_size={args[0]}"
        self.put(self.call(f"{kind}Pooling{rank}D", *args, layout=True))
        self.shape[1:] = [s // t for s, t in zip(self.shape[1:], size)]

    def add_padding(self) -> None:
        d, rank = self.d, self.d.rank
        amounts = [d.rng.randint(0, 2) for _ in range(rank)]
        self.put(self.call(f"ZeroPadding{rank}D", self.tuple_of(amounts) if rank > 1 else str(amounts[0]), layout=True))
        self.shape[1:] = [s + 2 * a for s, a in zip(self.shape[1:], amounts)]

    def add_cropping(self) -> None:
        d = self.d
        if d.rank != 2 or min(self.shape[1:]) < 6:
            return
        self.put(self.call("Cropping2D", "((1, 0), (0, 2))", layout=True))
        self.shape = [self.shape[0], self.shape[1] - 1, self.shape[2] - 2]

    def add_upsampling(self) -> None:
        if max(self.shape[1:]) > 8 or self.d.rank != 2:
            return
        size = [self.d.rng.randint(1, 2) for _ in range(2)]
        self.put(self.call("UpSampling2D", f"size={self.tuple_of(size)}", layout=True))
        self.shape[1:] = [s * t for s, t in zip(self.shape[1:], size)]

    def add_normalization(self) -> None:
        d = self.d
        axis = d.pick(["axis=1"] * 5 + ["", "", "axis=-1", "axis=2", f"axis={-1 - d.rank}"])
        if axis == "axis=1" and d.chance(0.4):
            axis = f"axis={d.constant('BN_AXIS', 1)}"
        if d.setting in ("branch", "setter") and d.chance(0.3):
            name = d.name("bn_axis")
            d.add(f"{self.indent}{name} = 1 if {d.query()} == {d.first_name!r} else {d.pick(['-1', '3'])}")
            axis = f"axis={name}"
            if d.rank != 2:
                axis = "axis=1"
        self.put(self.call("BatchNormalization", *([axis] if axis else [])))

    def add_activation(self) -> None:
        d = self.d
        if d.chance(0.7):
            self.put(self.call("Activation", repr(d.pick(["relu", "tanh", "sigmoid", "elu"]))))
        elif d.chance(0.7) and d.version < (3,):
            d.uses_backend = True
            body = d.pick(["K.relu(t, alpha=0.1)", "K.maximum(t, 0.2 * t)", "t * K.sigmoid(t)"])
            self.put(self.call("Activation", f"lambda t: {body}"))
        elif d.version >= (2,) and d.chance(0.5):
            self.put(self.call("Activation", "'softmax'"))

    def add_unit(self) -> None:
        d = self.d
        kind = d.rng.randrange(4)
        if kind == 0:
            self.put(self.call("LeakyReLU", "0.2"))
        elif kind == 1:
            self.put(self.call("Dropout", "0.5"))
        elif kind == 2 and d.version >= (1, 2):
            axes = list(range(2, d.rank + 2))
            self.put(self.call("PReLU", *([f"shared_axes={axes}"] if d.chance(0.6) else [])))
        elif kind == 3 and (d.version >= (1, 0, 8)):
            self.put(self.call(f"SpatialDropout{d.rank}D", "0.3", layout=True))

    def add_lambda(self) -> None:
        d = self.d
        c, *inner = self.shape
        mean, total = d.backend("mean"), d.backend("max")
        bodies = [
            "t * 2 - 1",
            f"t - {mean}(t, axis=1, keepdims=True)",
            f"t - {mean}(t, axis={tuple(range(2, d.rank + 2))}, keepdims=True)",
            f"t / (1 + {total}(t, axis=-1, keepdims=True))",
            "t[:, ::-1]",
        ]
        shapes: list[list[int]] = [self.shape] * len(bodies)
        if c > 1 and d.rank == 2:
            bodies += ["t[:, :1]", "t[:, 1:, :, :]"]
            shapes += [[1, *inner], [c - 1, *inner]]
        k = d.rng.randrange(len(bodies))
        self.shape = list(shapes[k])
        extra = [f"output_shape={tuple(self.shape)}"] if d.chance(0.25) else []
        self.put(self.call("Lambda", f"lambda t: {bodies[k]}", *extra))

    def add_rare_conv(self) -> None:
        d = self.d
        if d.rank != 2:
            return
        kind = d.rng.randrange(3)
        filters = d.rng.randint(2, 5)
        if kind == 0 and d.version >= (1, 0, 6):
            name = "SeparableConvolution2D" if d.old else "SeparableConv2D"
            window = "3, 3" if d.old else "(3, 3)"
            same = "border_mode='same'" if d.old else "padding='same'"
            self.put(self.call(name, str(filters), *window.split("|"), same, layout=True))
            self.shape[0] = filters
        elif kind == 1 and d.version >= (2, 1, 6):
            self.put(self.call("DepthwiseConv2D", "3", "padding='same'", layout=True))
        elif kind == 2 and not d.old and max(self.shape[1:]) < 9:
            self.put(self.call("Conv2DTranspose", str(filters), "2", "strides=2", "padding='same'", layout=True))
            self.shape = [filters, *(2 * s for s in self.shape[1:])]
        elif kind == 2 and d.version >= (1, 0, 7) and d.old and max(self.shape[1:]) < 9:
            self.shape = [filters, *(2 * s for s in self.shape[1:])]
            out = (None, *self.shape)
            self.put(self.call("Deconvolution2D", str(filters), "2", "2", f"output_shape={out}", "subsample=(2, 2)",
                               layout=True))  # fmt: skip

    def add_loop(self) -> None:
        """A loop that builds layers."""
        d = self.d
        if self.kind == "list":
            return
        d.add(f"{self.indent}for n in ({d.rng.randint(2, 4)}, {d.rng.randint(2, 4)}):")
        self.indent += "    "
        filters = int(d.lines[-1].rsplit(", ", 1)[1][:-2])
        text = self.conv(filters, same=True, window=[3] * d.rank)
        start = text.index("(") + 1
        stop = text.index(",", start)
        self.put(f"{text[:start]}n{text[stop:]}")
        if d.chance(0.5):
            self.put(self.call("BatchNormalization", "axis=1"))
        self.indent = self.indent[:-4]

    def add_helper(self) -> None:
        """A function that builds layers, with the axis as a default argument."""
        d = self.d
        if self.kind == "list":
            return
        filters, k = d.rng.randint(2, 5), len(d.helpers)
        lines, indent, x, kind, shape = d.lines, d.indent, self.x, self.kind, self.shape
        outer = self.indent
        name = f"block{k}"
        d.lines, d.indent, self.indent = [], "", "    "
        self.x = "m" if kind == "add" else "t"
        text = self.conv(filters, same=True, window=[3] * d.rank)
        start, stop = text.index("(") + 1, text.index(",")
        self.put(f"{text[:start]}n{text[stop:]}")
        axis = d.pick([1, 1, -1, 2])
        self.put(self.call("BatchNormalization", "axis=axis"))
        if kind == "functional" and d.chance(0.4):
            d.add("    s = t")
            self.put(self.call("Activation", "'relu'"))
            d.add(f"    t = {self.joining('Add', ['t', 's'])}")
        tail = ["    return t"] if kind == "functional" else []
        body = "\n".join([*d.lines, *tail])
        d.lines, d.indent, self.x, self.indent = lines, indent, x, outer
        d.helper(name, f"def {name}({'m' if kind == 'add' else 't'}, n, axis={axis}):\n{body}\n")
        first = self.first_argument
        self.first_argument = ""
        assert not first
        call = f"{name}({self.x}, {filters}{d.pick(['', f', {axis}', f', axis={axis}'])})"
        d.add(f"{self.indent}{self.x} = {call}" if kind == "functional" else f"{self.indent}{call}")
        self.shape = [filters, *shape[1:]]

    # -- several tensors ---------------------------------------------------------------------------

    def joining(self, name: str, tensors: list[str], axis: str = "") -> str:
        d, parts = self.d, f"[{', '.join(tensors)}]"
        if d.old:
            mode = {"Add": "sum", "Concatenate": "concat", "Multiply": "mul", "Maximum": "max"}[name]
            extra = f", concat_axis={axis}" if axis else ""
            return f"{d.layer('merge')}({parts}, mode={mode!r}{extra})"
        if d.chance(0.5):
            return f"{d.layer(name)}({f'axis={axis}' if axis else ''})({parts})"
        return f"{d.layer(name.lower())}({parts}{f', axis={axis}' if axis else ''})"

    def add_residual(self) -> None:
        if self.kind != "functional":
            return
        d = self.d
        side = d.name("shortcut")
        d.add(f"{self.indent}{side} = {self.x}")
        self.put(self.conv(self.shape[0], same=True))
        d.add(f"{self.indent}{self.x} = {self.joining(d.pick(['Add', 'Add', 'Multiply', 'Maximum']), [self.x, side])}")

    def add_concat(self) -> None:
        if self.kind != "functional":
            return
        d = self.d
        side, before = d.name("branch"), list(self.shape)
        made = self.conv(same=True)
        d.add(f"{self.indent}{side} = {made}({self.x})")
        axis = d.constant("CONCAT_AXIS", d.pick([1, 1, 1, -1 - d.rank]))
        d.add(f"{self.indent}{self.x} = {self.joining('Concatenate', [self.x, side], axis)}")
        self.shape = [before[0] + self.shape[0], *before[1:]]

    def add_comprehension(self) -> None:
        """Several convolutions side by side."""
        d = self.d
        if self.kind != "functional":
            return
        towers, before = d.name("towers"), list(self.shape)
        text = self.conv(3, same=True, window=[1] * d.rank)
        start, stop = text.index("(") + 1, text.index(",")
        d.add(f"{self.indent}{towers} = [{text[:start]}n{text[stop:]}({self.x}) for n in (2, 3)]")
        parts = f"{towers} + [{self.x}]"
        if d.old:
            d.add(f"{self.indent}{self.x} = {d.layer('merge')}({parts}, mode='concat', concat_axis=1)")
        else:
            d.add(f"{self.indent}{self.x} = {d.layer('concatenate')}({parts}, axis=1)")
        self.shape = [5 + before[0], *self.shape[1:]]

    def add_spread(self) -> None:
        """Keyword arguments from a dictionary."""
        d = self.d
        name = d.name("COMMON")
        same = "border_mode" if d.old else "padding"
        pairs = [f"'{same}': 'same'"]
        if d.setting in ("literal", "name"):
            pairs.append(f"'{d.keyword}': {d.first_name!r}")
        d.constants[name] = f"{{{', '.join(pairs)}}}"
        filters = d.rng.randint(2, 4)
        kernel = ", ".join(["3"] * d.rank) if d.old else "3"
        layer = f"{'Convolution' if d.old else 'Conv'}{d.rank}D"
        self.put(f"{d.layer(layer)}({filters}, {kernel}, **{name})")
        self.shape[0] = filters

    def add_normalization_of_config(self) -> None:
        d = self.d
        name = d.name("PARAMS")
        d.constants[name] = "{'axis': 1}"
        self.put(self.call("BatchNormalization", f"axis={name}['axis']"))

    def add_shape_read(self) -> None:
        """Numbers of the maps, read from the tensor."""
        d = self.d
        if self.kind != "functional" or d.rank != 2:
            return
        read = f"{self.x}.shape" if d.version >= (2, 4) else f"K.int_shape({self.x})"
        d.uses_backend |= d.version < (2, 4)
        rows = d.name("rows")
        if d.chance(0.5):
            d.add(f"{self.indent}{rows} = {read}[2]")
            self.put(self.call("Lambda", f"lambda t: t * {rows}"))
        else:
            c, h = d.name("ch"), d.name("high")
            d.add(f"{self.indent}_, {c}, {h}, _ = {read}")
            self.put(self.call("Lambda", f"lambda t: t * {c} - {h}"))

    def add_width_concat(self) -> None:
        """Along the last axis, by default: the width."""
        if self.kind != "functional" or self.shape[-1] > 8:
            return
        self.d.add(f"{self.indent}{self.x} = {self.joining('Concatenate', [self.x, self.x])}")
        self.shape[-1] *= 2

    def add_unet(self) -> None:
        d = self.d
        if self.kind != "functional" or d.rank != 2 or min(self.shape[1:]) < 4 or any(s % 2 for s in self.shape[1:]):
            return
        side, before = d.name("skip"), list(self.shape)
        d.add(f"{self.indent}{side} = {self.x}")
        self.put(self.call("MaxPooling2D", "(2, 2)", layout=True))
        self.shape[1:] = [s // 2 for s in self.shape[1:]]
        self.put(self.conv(same=True))
        self.put(self.call("UpSampling2D", "(2, 2)", layout=True))
        d.add(f"{self.indent}{self.x} = {self.joining('Concatenate', [self.x, side], '1')}")
        self.shape = [self.shape[0] + before[0], *before[1:]]


Step = Callable[[Network], None]
STEPS: list[Step] = [
    *[Network.add_conv] * 4, *[Network.add_pool] * 3, *[Network.add_normalization] * 4, Network.add_padding,
    Network.add_cropping, Network.add_upsampling, *[Network.add_activation] * 2, *[Network.add_unit] * 2,
    Network.add_lambda, Network.add_rare_conv, Network.add_loop, Network.add_helper, *[Network.add_residual] * 2,
    *[Network.add_concat] * 2, Network.add_width_concat, Network.add_unet, Network.add_comprehension,
    Network.add_spread, Network.add_normalization_of_config, Network.add_shape_read,
]  # fmt: skip
