"""A Keras of numpy alone: runs a program in milliseconds and logs what it feeds, predicts, prints and writes.

Exact in both layouts, and strict: a layer asserts the shapes it gets. Weights depend on the order in which
layers are built and on nothing else, so that a program and its conversion get the same ones.
"""

from __future__ import annotations

import builtins
import itertools
import random
import types
from collections.abc import Callable
from typing import Any

import numpy as np

BATCH = 2


class Tensor:
    """A symbolic tensor: an operation on others; computed on zeros at once, which gives its shape."""

    def __init__(self, op: Callable[..., Any] | None, *args: Any, sample: Any = None) -> None:
        self.op, self.args = op, args
        self.sample = op(*[a.sample if isinstance(a, Tensor) else a for a in args]) if op else sample

    @property
    def shape(self) -> tuple[int | None, ...]:
        return (None, *self.sample.shape[1:])

    _keras_shape = shape

    def get_shape(self) -> Any:
        return self.shape

    def value(self, known: dict[int, Any]) -> Any:
        if id(self) not in known:
            assert self.op is not None, "an input that is not fed"
            known[id(self)] = self.op(*[a.value(known) if isinstance(a, Tensor) else a for a in self.args])
        return known[id(self)]

    def __getitem__(self, index: Any) -> Tensor:
        return Tensor(lambda x: x[index], self)


def _operator(name: str) -> Any:
    return lambda self, *others: Tensor(lambda x, *ys: getattr(np.asarray(x), name)(*ys), self, *others)


for _name in "add radd sub rsub mul rmul truediv rtruediv pow neg gt lt ge le abs".split():
    setattr(Tensor, f"__{_name}__", _operator(f"__{_name}__"))


def lifted(op: Callable[..., Any]) -> Callable[..., Any]:
    """A numpy function that takes tensors too, also in a list."""

    def call(*args: Any, **kwargs: Any) -> Any:
        first = args[0]
        if isinstance(first, list | tuple) and any(isinstance(a, Tensor) for a in first):
            return Tensor(lambda *xs: op(list(xs), *args[1:], **kwargs), *first)
        if any(isinstance(a, Tensor) for a in args):
            return Tensor(lambda *xs: op(*xs, **kwargs), *args)
        return op(*args, **kwargs)

    return call


class World:
    """One run: the ambient ordering, the weights given out so far, the log."""

    def __init__(self, first: bool, flatten_moves: bool) -> None:
        self.first, self.flatten_moves = first, flatten_moves
        self.weighted = 0
        self.log: list[tuple[str, Any]] = []

    def weights(self, *shapes: tuple[int, ...]) -> list[np.ndarray]:
        self.weighted += 1
        rng = np.random.RandomState(self.weighted)
        return [rng.uniform(-1, 1, size=shape) for shape in shapes]

    def is_first(self, options: dict[str, Any]) -> bool:
        name = options.get("data_format") or options.get("dim_ordering")
        return self.first if name in (None, "default") else name in ("th", "channels_first")


def softmax(x: Any, axis: int = -1) -> Any:
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


ACTIVATIONS: dict[str, Callable[..., Any]] = {
    "relu": lambda x: np.maximum(x, 0), "sigmoid": lambda x: 1 / (1 + np.exp(-x)), "tanh": np.tanh,
    "linear": lambda x: x, "softmax": softmax, "elu": np.tanh,
}  # fmt: skip


def pair(value: Any, n: int) -> tuple[int, ...]:
    return (value,) * n if isinstance(value, int) else tuple(value)


def windows(x: Any, kernel: tuple[int, ...], strides: tuple[int, ...], padding: str, fill: float) -> Any:
    """For each offset in the kernel, the positions that it sees (channels last)."""
    spatial = x.shape[1:-1]
    if padding == "same":
        totals = [max((-(-n // s) - 1) * s + k - n, 0) for n, k, s in zip(spatial, kernel, strides)]
        x = np.pad(x, [(0, 0), *[(t // 2, t - t // 2) for t in totals], (0, 0)], constant_values=fill)
    out = [(n - k) // s + 1 for n, k, s in zip(x.shape[1:-1], kernel, strides)]
    assert min(out) > 0, f"a kernel {kernel} on {x.shape}"
    for offset in itertools.product(*map(range, kernel)):
        cut = [slice(o, o + (n - 1) * s + 1, s) for o, n, s in zip(offset, out, strides)]
        yield offset, x[(slice(None), *cut)]


class Layer:
    """One class for all: ``kind`` is the Keras 2 name, options have Keras 1 or 2 names."""

    def __init__(self, world: World, kind: str, names: list[str], args: tuple[Any, ...], options: dict[str, Any]):
        self.world, self.kind, self.built = world, kind, False
        self.first = world.is_first(options)
        self.ambient_first = world.first
        self.options = {**dict(zip(names, args)), **options}
        self.output: Any = None

    def get(self, *names: str, default: Any = None) -> Any:
        return next((self.options[n] for n in names if n in self.options), default)

    def __call__(self, x: Any) -> Any:
        if isinstance(x, Model):
            x = x.output
        if isinstance(x, list) and self.kind != "Lambda":
            out = Tensor(lambda *xs: self.run(list(xs)), *x)
        elif self.kind == "Lambda":
            out = self.get("function")(x)
        elif callable(self.get("activation")) and self.kind == "Activation":
            out = self.get("activation")(x)
        else:
            out = Tensor(self.run, x)
        act = self.get("activation")
        if act is not None and self.kind != "Activation":
            out = act(out) if callable(act) else Tensor(ACTIVATIONS[act], out)
        self.output = out
        return out

    @property
    def output_shape(self) -> Any:
        return self.output.shape

    def weights(self, *shapes: tuple[int, ...]) -> list[np.ndarray]:
        if not self.built:
            self.built, self.held = True, self.world.weights(*shapes)
        return self.held

    def run(self, x: Any) -> Any:
        kind, n = self.kind, int(self.kind[-2]) if self.kind.endswith("D") else 0
        if n:
            if kind.endswith("1D") and not self.get("data_format"):
                self.first = False
            last = np.moveaxis(x, 1, -1) if self.first else x
            assert last.ndim == n + 2, f"{kind} gets {x.shape}"
            out = self.spatial(kind[:-2], n, last)
            return np.moveaxis(out, -1, 1) if self.first and out.ndim > 2 else out
        return getattr(self, f"run_{kind.lower()}")(x)

    def spatial(self, kind: str, n: int, x: Any) -> Any:
        padding = self.get("padding", "border_mode", default="valid")
        if kind == "Conv":
            kernel = pair(self.get("kernel_size"), n)
            strides = pair(self.get("strides", "subsample", default=1), n)
            filters = self.get("filters", "nb_filter")
            w, b = self.weights((*kernel, x.shape[-1], filters), (filters,))
            return b + sum(np.tensordot(v, w[o], 1) for o, v in windows(x, kernel, strides, padding, 0.0))
        if kind in ("MaxPooling", "AveragePooling"):
            kernel = pair(self.get("pool_size", default=2), n)
            strides = pair(self.get("strides") or kernel, n)
            views = [v for _, v in windows(x, kernel, strides, padding, -np.inf)]
            return np.max(views, axis=0) if kind[0] == "M" else np.mean(views, axis=0)
        axes = tuple(range(1, n + 1))
        if kind == "GlobalAveragePooling":
            return x.mean(axis=axes)
        if kind == "GlobalMaxPooling":
            return x.max(axis=axes)
        if kind == "UpSampling":
            for axis, k in zip(axes, pair(self.get("size", default=2), n)):
                x = np.repeat(x, k, axis)
            return x
        if kind == "ZeroPadding":
            return np.pad(x, [(0, 0), *[pair(p, 2) for p in pair(self.get("padding", default=1), n)], (0, 0)])
        if kind == "Cropping":
            crop = [pair(c, 2) for c in pair(self.get("cropping", default=1), n)]
            return x[(slice(None), *[slice(a, -b or None) for a, b in crop])]
        assert kind == "SpatialDropout", kind
        return x

    def run_dense(self, x: Any) -> Any:
        units = self.get("units", "output_dim")
        w, b = self.weights((x.shape[-1], units), (units,))
        return x @ w + b

    def run_flatten(self, x: Any) -> Any:
        moves = self.world.flatten_moves and (self.first if self.get("data_format") else self.ambient_first)
        return (np.moveaxis(x, 1, -1) if moves and x.ndim > 2 else x).reshape(len(x), -1)

    def run_reshape(self, x: Any) -> Any:
        return x.reshape(len(x), *self.get("target_shape"))

    def run_permute(self, x: Any) -> Any:
        return x.transpose(0, *self.get("dims"))

    def run_activation(self, x: Any) -> Any:
        return ACTIVATIONS[self.get("activation")](x)

    def run_same(self, x: Any) -> Any:
        return x

    run_dropout = run_gaussiannoise = run_same

    def run_leakyrelu(self, x: Any) -> Any:
        return np.where(x > 0, x, self.get("alpha", "negative_slope", default=0.3) * x)

    def run_batchnormalization(self, x: Any) -> Any:
        axis = self.get("axis", default=-1) % x.ndim
        others = tuple(i for i in range(x.ndim) if i != axis)
        gamma, beta = self.weights((x.shape[axis],), (x.shape[axis],))
        shape = [-1 if i == axis else 1 for i in range(x.ndim)]
        y = (x - x.mean(axis=others, keepdims=True)) / np.sqrt(x.var(axis=others, keepdims=True) + 1e-3)
        return y * gamma.reshape(shape) + beta.reshape(shape)

    def run_prelu(self, x: Any) -> Any:
        shared = self.get("shared_axes", default=()) or ()
        (a,) = self.weights(tuple(1 if i in shared else n for i, n in enumerate(x.shape) if i))
        return np.where(x > 0, x, a * x)

    def run_concatenate(self, xs: Any) -> Any:
        return np.concatenate(xs, axis=self.get("axis", "concat_axis", default=-1))

    def run_add(self, xs: Any) -> Any:
        assert all(x.shape == xs[0].shape for x in xs)
        return sum(xs[1:], xs[0])

    def run_multiply(self, xs: Any) -> Any:
        assert all(x.shape == xs[0].shape for x in xs)
        return np.prod(xs, axis=0)

    def run_softmax(self, x: Any) -> Any:
        return softmax(x, self.get("axis", default=-1))

    def run_repeatvector(self, x: Any) -> Any:
        return np.repeat(x[:, None], self.get("n"), 1)

    def run_lstm(self, x: Any) -> Any:
        """Not an LSTM: something that minds the order of steps and of features."""
        w, _ = self.weights((x.shape[-1], self.get("units", "output_dim")), (1,))
        y = np.cumsum(np.tanh(x @ w) * np.arange(1, x.shape[1] + 1)[:, None], axis=1)
        return y if self.get("return_sequences") else y[:, -1]

    def run_timedistributed(self, x: Any) -> Any:
        inner = self.get("layer")
        y = inner.run(x.reshape(-1, *x.shape[2:]))
        if inner.get("activation") and inner.kind != "Activation":
            y = ACTIVATIONS[inner.get("activation")](y)
        return y.reshape(*x.shape[:2], *y.shape[1:])


class Model:
    """Sequential and functional."""

    def __init__(self, world: World, inputs: Any = None, outputs: Any = None, **options: Any) -> None:
        self.world, self.layers = world, []
        inputs, outputs = options.get("input", inputs), options.get("output", outputs)
        self.inputs = inputs if isinstance(inputs, list) else [] if inputs is None else [inputs]
        self.outputs = outputs if isinstance(outputs, list) else [] if outputs is None else [outputs]

    output = property(lambda self: self.outputs[0])
    input = property(lambda self: self.inputs[0])
    output_shape = property(lambda self: self.outputs[0].shape)
    input_shape = property(lambda self: self.inputs[0].shape)

    def add(self, layer: Any) -> None:
        if isinstance(layer, Tensor):
            self.inputs = self.outputs = [layer]
            return
        self.layers.append(layer)
        if not self.outputs:
            if isinstance(layer, Model):
                self.inputs = layer.inputs
                self.outputs = layer.outputs
                return
            shape = layer.get("input_shape") or (layer.get("batch_input_shape") or (0,))[1:]
            shape = shape or (layer.get("input_dim"),)
            self.inputs = self.outputs = [Tensor(None, sample=np.zeros((BATCH, *shape)))]
        self.outputs = [layer(self.outputs[0])]

    def __call__(self, x: Any) -> Any:
        xs = x if isinstance(x, list) else [x]
        return Tensor(lambda *values: self.compute(list(values))[0], *xs)

    def compute(self, values: list[Any]) -> list[Any]:
        known = {}
        for tensor, value in zip(self.inputs, values):
            assert np.shape(value)[1:] == tensor.sample.shape[1:], f"fed {np.shape(value)}, wants {tensor.shape}"
            known[id(tensor)] = np.asarray(value, dtype=float)
        return [out.value(known) for out in self.outputs]

    def compile(self, *args: Any, **options: Any) -> None:
        self.loss = options.get("loss", args[1] if len(args) > 1 else None)

    def fit(self, x: Any = None, y: Any = None, *args: Any, validation_data: Any = None, **options: Any) -> Any:
        for xs, ys in [(x, y), *([validation_data] if validation_data else [])]:
            xs, ys = (v if isinstance(v, list) else [v] for v in (xs, ys))
            outs = self.compute(xs)
            for name, values in (("fed", xs), ("target", ys), ("output", outs)):
                self.world.log.extend((name, np.array(v)) for v in values)
            for out, target in zip(outs, ys):
                if np.ndim(target) == out.ndim:
                    assert np.shape(target) == out.shape, f"target {np.shape(target)}, output {out.shape}"
                if callable(getattr(self, "loss", None)):
                    self.world.log.append(("loss", np.mean(self.loss(np.asarray(target), out))))
        return types.SimpleNamespace(history={})

    def evaluate(self, x: Any, y: Any, **options: Any) -> Any:
        self.fit(x, y)
        return [0.5, 0.5]

    def train_on_batch(self, x: Any, y: Any, **options: Any) -> Any:
        self.fit(x, y)
        return 0.5

    def predict(self, x: Any, **options: Any) -> Any:
        outs = self.compute(x if isinstance(x, list) else [x])
        return outs[0] if len(outs) == 1 else outs

    predict_on_batch = predict

    def fit_generator(self, generator: Any, *args: Any, **options: Any) -> None:
        for x, y in itertools.islice(generator, 2):
            self.fit(x, y)

    def _nothing(self, *args: Any, **options: Any) -> str:
        return "{}"

    summary = save = save_weights = load_weights = to_json = _nothing


POSITIONS = {  # positional arguments, Keras 2 (Keras 1's convolutions are seen by their numbers)
    **{f"Conv{n}D": ["filters", "kernel_size", "strides", "padding"] for n in (1, 2, 3)},
    **{f"{k}Pooling{n}D": ["pool_size", "strides", "padding"] for k in ("Max", "Average") for n in (1, 2, 3)},
    **{f"Global{k}Pooling{n}D": [] for k in ("Max", "Average") for n in (1, 2, 3)},
    **{f"UpSampling{n}D": ["size"] for n in (1, 2, 3)},
    **{f"ZeroPadding{n}D": ["padding"] for n in (1, 2, 3)},
    **{f"Cropping{n}D": ["cropping"] for n in (1, 2, 3)},
    **{f"SpatialDropout{n}D": ["rate"] for n in (1, 2, 3)},
    "Dense": ["units", "activation"], "Flatten": [], "Reshape": ["target_shape"], "Permute": ["dims"],
    "Activation": ["activation"], "Dropout": ["rate"], "GaussianNoise": ["rate"], "LeakyReLU": ["alpha"],
    "BatchNormalization": ["axis"], "PReLU": [], "Concatenate": ["axis"], "Add": [], "Multiply": [],
    "Softmax": ["axis"], "Lambda": ["function"], "RepeatVector": ["n"], "LSTM": ["units"],
    "TimeDistributed": ["layer"],
}  # fmt: skip


def layers(world: World) -> dict[str, Any]:
    def maker(kind: str, names: list[str]) -> Any:
        return lambda *args, **options: Layer(world, kind, names, args, options)

    found: dict[str, Any] = {kind: maker(kind, names) for kind, names in POSITIONS.items()}
    for n, rows in ((1, ["filter_length"]), (2, ["nb_row", "nb_col"]), (3, ["k1", "k2", "k3"])):

        def convolution(*args: Any, n: int = n, rows: list[str] = rows, **options: Any) -> Layer:
            options = {**dict(zip(["nb_filter", *rows], args)), **options}
            options["kernel_size"] = tuple(options.pop(r) for r in rows)
            return Layer(world, f"Conv{n}D", [], (), options)

        found[f"Convolution{n}D"] = convolution
    for kind in ("Concatenate", "Add", "Multiply"):
        found[kind.lower()] = lambda xs, kind=kind, **options: Layer(world, kind, [], (), options)(xs)

    def merge(xs: Any, mode: str = "sum", concat_axis: int = -1, **options: Any) -> Any:
        return found["concatenate"](xs, axis=concat_axis) if mode == "concat" else found["add"](xs)

    def make_input(shape: Any = None, batch_shape: Any = None, **options: Any) -> Tensor:
        return Tensor(None, sample=np.zeros((BATCH, *(shape if batch_shape is None else batch_shape[1:]))))

    def sequential(given: Any = (), **options: Any) -> Model:
        model = Model(world)
        for layer in given:
            model.add(layer)
        return model

    found |= {"merge": merge, "Input": make_input, "Sequential": sequential}
    found["Model"] = lambda *args, **options: Model(world, *args, **options)
    return found


def backend(world: World) -> dict[str, Any]:
    def set_ordering(name: str) -> None:
        world.first = name in ("th", "channels_first")

    reductions = {
        name: lifted(lambda x, axis=None, keepdims=False, f=getattr(np, name): f(
            x, axis=tuple(axis) if isinstance(axis, list) else axis, keepdims=keepdims))
        for name in ("mean", "sum", "max", "min", "std", "var", "prod")
    }  # fmt: skip
    return {
        **reductions,
        "argmax": lifted(lambda x, axis=-1: np.argmax(x, axis)),
        "concatenate": lifted(lambda xs, axis=-1: np.concatenate(xs, axis)),
        "reshape": lifted(lambda x, shape: np.reshape(x, shape)),
        "permute_dimensions": lifted(lambda x, p: np.transpose(x, p)),
        "expand_dims": lifted(lambda x, axis=-1: np.expand_dims(x, axis)),
        "flatten": lifted(np.ravel), "batch_flatten": lifted(lambda x: np.reshape(x, (len(x), -1))),
        "softmax": lifted(softmax), "relu": lifted(ACTIVATIONS["relu"]), "sigmoid": lifted(ACTIVATIONS["sigmoid"]),
        "square": lifted(np.square), "abs": lifted(np.abs), "exp": lifted(np.exp), "sqrt": lifted(np.sqrt),
        "int_shape": lambda x: x.shape, "epsilon": lambda: 1e-7, "clip": lifted(np.clip), "tanh": lifted(np.tanh),
        "set_image_dim_ordering": set_ordering, "set_image_data_format": set_ordering,
        "image_dim_ordering": lambda: "th" if world.first else "tf",
        "image_data_format": lambda: "channels_first" if world.first else "channels_last",
    }  # fmt: skip


def datasets(world: World, name: str) -> Any:
    def load_data(*args: Any) -> Any:
        rng = np.random.RandomState(7)
        n, sizes = 5, (28, 28) if "mnist" in name else (3, 32, 32)
        x = rng.randint(0, 255, size=(n, *sizes)).astype("uint8")
        if world.first is False and len(sizes) == 3:
            x = np.moveaxis(x, 1, -1)
        y = rng.randint(0, 10, size=(n,) if "mnist" in name else (n, 1))
        return (x, y), (x.copy()[:3], y[:3])

    return types.SimpleNamespace(load_data=load_data)


class Anything:
    """An optimizer, a regularizer, ...: made and handed on."""

    def __init__(self, *args: Any, **options: Any) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **options: Anything()


class FakeModule(types.ModuleType):
    """keras and all below it: looked up by the last parts of the name."""

    def __init__(self, world: World, dotted: str) -> None:
        super().__init__(dotted)
        self.__dict__["_world"] = world

    def __getattr__(self, name: str) -> Any:
        world, home = self.__dict__["_world"], self.__name__
        if name == "__all__":
            return [*layers(world), *(backend(world) if home.endswith("backend") else ())]
        if name.startswith("__"):
            raise AttributeError(name)
        if home.endswith(("backend", "ops")) and name in (table := backend(world)):
            return table[name]
        if name in (table := layers(world)):
            return table[name]
        if "mnist" in name or "cifar" in name:
            return datasets(world, name)
        if name == "to_categorical":
            return lambda y, n=None, **options: np.eye(n or int(np.max(y)) + 1)[np.ravel(y).astype(int)]
        if name in ACTIVATIONS and home.endswith("activations"):
            return lifted(ACTIVATIONS[name])
        return Anything if name[:1].isupper() else FakeModule(world, f"{home}.{name}")


def run(text: str, files: dict[str, Any] | None = None, first: bool = True, flatten_moves: bool = False) -> list[Any]:
    """Run a program; the log holds what was fed, what came out, and what was printed and written."""
    world = World(first, flatten_moves)
    files = {} if files is None else files
    real_import = builtins.__import__

    def fake_import(name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> Any:
        if name.split(".")[0] in ("keras", "tensorflow"):
            return FakeModule(world, name if fromlist else name.split(".")[0])
        return real_import(name, globals, locals, fromlist, level)

    def keep(name: Any, *arrays: Any, **named: Any) -> None:
        world.log.extend(("written", np.array(a)) for a in (*arrays, *named.values()))

    def show(*values: Any, **options: Any) -> None:
        world.log.extend(("printed", v) for v in values if not isinstance(v, tuple | list))

    saved = np.load, np.save
    np.random.seed(3)
    random.seed(3)
    space = {"__builtins__": {**vars(builtins), "__import__": fake_import, "print": show}, "__name__": "__main__"}
    try:
        np.load, np.save = lambda name, **options: files[name].copy(), keep  # type: ignore[assignment]
        exec(compile(text, "program.py", "exec"), space)
    finally:
        np.load, np.save = saved
    return world.log


def differences(before: list[Any], after: list[Any]) -> list[str]:
    """Where two logs differ: what is fed and computed may have its channels moved to the end, nothing else may."""
    if [name for name, _ in before] != [name for name, _ in after]:
        return [f"{[name for name, _ in before]} then {[name for name, _ in after]}"]
    found = []
    for i, ((name, a), (_, b)) in enumerate(zip(before, after)):
        if isinstance(a, str) or not isinstance(a, int | float | np.ndarray | np.number):
            if a != b:
                found.append(f"{i} {name}: {a!r} then {b!r}")
            continue
        a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
        may_move = name in ("fed", "target", "output") and a.ndim > 2
        forms = [a, np.moveaxis(a, 1, -1)] if may_move else [a]
        if may_move and a.ndim == 5:
            forms.append(np.moveaxis(a, 2, -1))
        if not any(f.shape == b.shape and np.allclose(f, b, rtol=1e-9, atol=1e-9) for f in forms):
            found.append(f"{i} {name}: {a.shape} then {b.shape}, other numbers")
    return found
