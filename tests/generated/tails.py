"""How a model ends, what it is trained on and what becomes of its predictions."""

from __future__ import annotations

from dataclasses import dataclass

from tests.generated.draft import Draft
from tests.generated.network import Network

BATCHES = """def {}(a, b):
    while True:
        for i in range(0, len(a), 2):
            yield a[i:i + 2], b[i:i + 2]
"""


@dataclass
class Tail:
    """``kind`` is 'vector', 'maps' or 'sequence'; ``shape`` that of one sample of the output."""

    kind: str
    shape: list[int]
    probabilities: bool


def add(net: Network) -> Tail:
    d = net.d
    kinds = ["flatten"] * 4 + ["maps"] * 4 + ["global"] * 2
    if d.rank == 2:
        kinds += ["sequence", "mean", "flat", "recurrent", "generator"]
    return globals()[f"_{d.pick(kinds)}"](net)


def _classes(net: Network, units: int) -> Tail:
    d = net.d
    if d.chance(0.5):
        net.put(net.call("Dense", str(units), "activation='softmax'"))
    else:
        net.put(net.call("Dense", str(units)))
        net.put(net.call("Activation", "'softmax'"))
    return Tail("vector", [units], True)


def _flatten(net: Network) -> Tail:
    d = net.d
    given = []
    if d.version >= (2, 1, 6) and d.chance(0.1):
        given = [f"data_format={d.pick(['channels_first', 'channels_last'])!r}"]
    net.put(net.call("Flatten", *given))
    if d.chance(0.3):
        net.put(net.call("Dropout", "0.5"))
    for _ in range(d.rng.randint(0, 1)):
        net.put(net.call("Dense", d.constant("UNITS", d.rng.randint(4, 8)), "activation='relu'"))
        if d.chance(0.3):
            net.put(net.call("BatchNormalization"))
    return _classes(net, d.rng.randint(3, 5))


def _flat(net: Network) -> Tail:
    net.put(net.call("Reshape", "(-1,)"))
    return _classes(net, 4)


def _global(net: Network) -> Tail:
    d = net.d
    if d.version < (1, 1):
        return _flatten(net)
    net.put(net.call(f"Global{d.pick(['Max', 'Average'])}Pooling{d.rank}D", layout=True))
    return _classes(net, 4)


def _mean(net: Network) -> Tail:
    mean = net.d.backend("mean")
    extra = [f"output_shape=({net.shape[0]},)"] if net.d.old else []
    net.put(net.call("Lambda", f"lambda t: {mean}(t, axis={net.d.pick(['(2, 3)', '[2, 3]', '(-1, -2)'])})", *extra))
    return _classes(net, 3)


def _maps(net: Network) -> Tail:
    net.put(net.conv(net.d.rng.randint(1, 3), same=True, activation="sigmoid"))
    return Tail("maps", list(net.shape), True)


def _sequence(net: Network) -> Tail:
    """Maps as a sequence of pixels."""
    d = net.d
    c, h, w = net.shape
    if c == 1:
        return _flatten(net)
    net.put(net.call("Reshape", f"({c}, {d.pick([str(h * w), f'{h} * {w}'])})"))
    net.put(net.call("Permute", "(2, 1)"))
    net.put(net.call("Activation", "'softmax'"))
    return Tail("sequence", [h * w, c], True)


def _recurrent(net: Network) -> Tail:
    c, h, w = net.shape
    net.put(net.call("Permute", "(3, 1, 2)"))
    net.put(net.call("Reshape", f"({w}, {c * h})"))
    net.put(net.call("LSTM", "4"))
    return _classes(net, 3)


def _generator(net: Network) -> Tail:
    d = net.d
    net.put(net.call("Flatten"))
    net.put(net.call("Dense", str(3 * 4 * 5)))
    net.put(net.call("Reshape", "(3, 4, 5)"))
    net.shape = [3, 4, 5]
    net.put(net.conv(d.rng.randint(2, 3), same=True))
    if d.chance(0.5):
        net.put(net.call("BatchNormalization", "axis=1"))
    return _maps(net)


# -- training -------------------------------------------------------------------------------------


def train(d: Draft, model: str, x: str, shape: list[int], tail: Tail) -> None:
    n = shape[0]
    y = d.name("y")
    _targets(d, y, x, shape, tail)
    d.add(f"{model}.compile({_loss(d, tail)}, optimizer='sgd'{_metrics(d, tail)})")
    if d.chance(0.15):
        d.add(f"{model}.summary()")
    epochs = "nb_epoch" if d.old else "epochs"
    extra = d.pick(["", f", validation_data=({x}, {y})", ", verbose=0"])
    form = d.rng.random()
    if form < 0.55:
        d.add(f"{model}.fit({x}, {y}, batch_size=4, {epochs}=2{extra})")
    elif form < 0.7:
        d.add("for epoch in range(2):", f"    loss = {model}.train_on_batch({x}, {y})")
    elif form < 0.8 and n > 2:
        cut = d.rng.randint(1, n - 1)
        a, b, c, e = (d.name(k) for k in ("x_train", "x_val", "y_train", "y_val"))
        d.add(f"{a}, {b} = {x}[:{cut}], {x}[{cut}:]", f"{c}, {e} = {y}[:{cut}], {y}[{cut}:]")
        d.add(f"{model}.fit({a}, {c}, {epochs}=1, validation_data=({b}, {e}))")
    elif form < 0.9 and d.version < (3,):
        name = d.name("batches")
        d.helper(name, BATCHES.format(name))
        steps = "samples_per_epoch=4, nb_epoch=1" if d.old else "steps_per_epoch=2, epochs=1"
        d.add(f"{model}.fit_generator({name}({x}, {y}), {steps})")
    elif d.rank == 2 and shape[1] in (1, 3, 4) and (1, 0, 8) < d.version < (2, 3) and form < 0.97:
        d.use("keras.preprocessing.image", "ImageDataGenerator")
        given = f"{d.keyword}={d.first_name!r}" if d.setting in ("literal", "name", "implied") else ""
        maker = d.name("augment")
        d.add(f"{maker} = ImageDataGenerator({given})", f"{maker}.fit({x})")
        steps = "samples_per_epoch=4, nb_epoch=1" if d.old else "steps_per_epoch=2, epochs=1"
        d.add(f"{model}.fit_generator({maker}.flow({x}, {y}, batch_size=2), {steps})")
    if d.chance(0.3):
        d.add(f"score = {model}.evaluate({x}, {y})", "print(score)")
    if d.chance(0.1):
        d.add(d.pick([f"{model}.save('model.h5')", f"{model}.save_weights('weights.h5')"]))
    _predictions(d, model, x, shape, tail)


def _targets(d: Draft, y: str, x: str, shape: list[int], tail: Tail) -> None:
    n = shape[0]
    if tail.kind == "vector":
        k = tail.shape[0]
        form = d.rng.randrange(3)
        if form == 0:
            d.add(f"{y} = np.eye({k})[np.arange({n}) % {k}]")
        elif form == 1:
            d.use("keras.utils.np_utils" if d.old else "keras.utils", "to_categorical")
            d.add(f"{y} = to_categorical(np.arange({n}) % {k}, {k})")
        else:
            d.add(f"{y} = np.load('y_{n}_{k}.npy') / 256")
    elif tail.kind == "maps":
        dims = [n, *tail.shape]
        if tail.shape[1:] == shape[2:] and tail.shape[0] <= shape[1] and d.chance(0.5) and d.rank == 2:
            d.add(f"{y} = ({x}[:, :{tail.shape[0]}] > 0.5).astype('float32')")
        elif tail.shape[0] == 1 and d.rank == 2 and d.chance(0.5):
            d.add(f"{y} = np.load('masks_{n}_{tail.shape[1]}_{tail.shape[2]}.npy') / 256")
            d.add(f"{y} = {y}[:, np.newaxis, :, :]")
        else:
            d.add(f"{y} = np.load('y_{'_'.join(map(str, dims))}.npy') / 256")
        if d.chance(0.2) and d.rank == 2:
            d.add(f"{y} = {y} * 0.5 + {y}.mean(axis=1, keepdims=True) * 0.25")
    else:
        d.add(f"{y} = np.load('y_{n}_{tail.shape[0]}_{tail.shape[1]}.npy') / 256")


def _loss(d: Draft, tail: Tail) -> str:
    if tail.kind != "maps" or d.chance(0.4):
        names = ["categorical_crossentropy", "mse"] if tail.kind != "maps" else ["mse", "binary_crossentropy"]
        return f"loss={d.pick(names)!r}"
    axes = list(range(2, d.rank + 2))
    mean, total, high, square, flat = (d.backend(n) for n in ("mean", "sum", "max", "square", "abs"))
    bodies = [
        f"{mean}({square}(t - p), axis={[1, *axes]})",
        f"{mean}({flat}(t - p), axis={tuple(axes)})",
        f"1 - 2 * {total}(t * p) / ({total}(t) + {total}(p) + 1)",
        f"{mean}({square}(t - p), axis=-1)",
        f"{mean}({square}(t[:, 0] - p[:, 0])) + {mean}(p)",
        f"{total}(t * p, axis=[0, {', '.join(map(str, axes))}])",
        f"{high}({high}({flat}(t - p), axis=2), axis=2)",
        f"{mean}({square}(t - p), axis=1)",
        f"{square}({total}(p, axis=1) - {total}(t, axis=1))",
    ]
    if d.rank == 1:
        bodies = bodies[:4]
    name = d.name("loss_of")
    d.helper(name, f"def {name}(t, p):\n    return {d.pick(bodies)}\n")
    return f"loss={name}"


def _metrics(d: Draft, tail: Tail) -> str:
    if d.chance(0.7):
        return ""
    if tail.kind == "maps":
        mean = d.backend("mean")
        name = d.name("metric")
        d.helper(name, f"def {name}(t, p):\n    return {mean}({d.backend('abs')}(t[:, 0] - p[:, 0]))\n")
        return f", metrics=[{name}]"
    return ", metrics=['accuracy']"


# -- predictions ----------------------------------------------------------------------------------


def _predictions(d: Draft, model: str, x: str, shape: list[int], tail: Tail) -> None:
    p = d.name("pred")
    d.add(f"{p} = {model}.predict({d.pick([x, x, f'{x}[:2]', f'{x}[1:3]'])})")
    if tail.kind == "vector":
        d.add(d.pick([f"print(np.argmax({p}, axis=1))", f"best = {p}[:, 0]", f"np.save('p.npy', {p})",
                      f"m = {p}.mean(axis=0)"]))  # fmt: skip
        return
    if tail.kind == "sequence":
        d.add(d.pick([f"np.save('p.npy', {p})", f"print({p}.max(axis=1))", f"c = {p}[:, 0, 1]"]))
        return
    if d.rank != 2:
        d.add(d.pick([f"np.save('p.npy', {p})", f"m = {p}.mean(axis=1)", f"c = {p}[:, 0]"]))
        return
    forms = [
        [f"np.save('p.npy', {p})"],
        [f"m = {p}.mean(axis=1)"],
        [f"m = {p}.mean(axis=(2, 3))", "print(m.mean())"],
        [f"c = {p}[:, 0]", "print(c.sum())"],
        [f"c = {p}[0, 0]", "np.save('c.npy', c)"],
        [f"c = {p}[0].transpose(1, 2, 0)", "np.save('c.npy', c)"],
        [f"c = np.transpose({p}, (0, 2, 3, 1))", "np.save('c.npy', c)"],
        [f"c = ({p} > 0.5).sum(axis=1)"],
        [f"c = np.argmax({p}, axis=1)", "np.save('c.npy', c)"],
        [f"for i in range({p}.shape[0]):", f"    m = {p}[i, 0].mean()", "    print(m)"],
        [f"c = {p}.reshape({p}.shape[0], -1)", "np.save('c.npy', c)"],
        [f"_flat = {p}.flatten()", "print(_flat.mean())"],
        [f"for i in range({p}.shape[0]):", f"    np.save('p.npy', {p}[i])"],
        [f"c = np.concatenate([{p}, {p}[:, :1]], axis=1)", "d = c[:, ::-1]"],
        [f"c = {p} - {p}.mean(axis=0)"],
        [f"n, k, h, w = {p}.shape", f"c = {p} * k + h - w"],
        [f"c = np.squeeze({p}[0])"],
        [f"c = {p}[:, 0, 1:3, 1]", "np.save('c.npy', c)"],
    ]  # fmt: skip
    d.add(*d.pick(forms))
