"""Where images come from: statements that make a channels-first array."""

from __future__ import annotations

from collections.abc import Callable

from tests.generated.draft import Draft, file

Shape = list[int]


def loaded(d: Draft, name: str, shape: Shape) -> Shape:
    d.add(f"{name} = np.load({file(shape)})")
    return shape


def drawn(d: Draft, name: str, shape: Shape) -> Shape:
    dims = ", ".join(map(str, shape))
    tail = d.shape_text(shape[1:])
    made = d.pick([
        f"np.random.rand({dims})",
        f"np.random.RandomState(3).uniform(0, 9, size=({dims}))",
        f"np.random.random(({dims}))",
        f"np.random.normal(0., 1., ({shape[0]},) + {tail})",
    ])  # fmt: skip
    d.add(f"{name} = {made}")
    return shape


def filled(d: Draft, name: str, shape: Shape) -> Shape:
    parts = d.name("parts")
    d.add(f"{parts} = np.load({file([*shape[:1], *shape[2:]], 'p')})")
    d.add(f"{name} = np.{d.pick(['zeros', 'ones'])}(({', '.join(map(str, shape))}))")
    if d.chance(0.5):
        d.add(f"for i in range({shape[0]}):", f"    {name}[i, {d.rng.randrange(shape[1])}] = {parts}[i] * 2")
    else:
        d.add(f"for c in range({shape[1]}):", f"    {name}[:, c] = {parts} + c")
    return shape


def channels_last_file(d: Draft, name: str, shape: Shape) -> Shape:
    n, c, h, w = shape
    d.add(f"{name} = np.load({file([n, h, w, c])})")
    d.add(d.pick([
        f"{name} = {name}.transpose((0, 3, 1, 2))",
        f"{name} = {name}.transpose(0, 3, 1, 2)",
        f"{name} = np.transpose({name}, (0, 3, 1, 2))",
        f"{name} = np.rollaxis({name}, 3, 1)",
        f"{name} = np.moveaxis({name}, -1, 1)",
    ]))  # fmt: skip
    return shape


def gray(d: Draft, name: str, shape: Shape) -> Shape:
    n, _, h, w = shape
    rows, cols = d.constant("ROWS", h), d.constant("COLS", w)
    d.add(f"{name} = np.load({file([n, h, w], 'gray')})")
    d.add(d.pick([
        f"{name} = {name}.reshape({n}, 1, {rows}, {cols})",
        f"{name} = {name}.reshape(({name}.shape[0], 1, {rows}, {cols}))",
        f"{name} = {name}.reshape((-1, 1, {rows}, {cols}))",
        f"{name} = np.reshape({name}, ({name}.shape[0], 1, {name}.shape[1], {name}.shape[2]))",
        f"{name} = np.expand_dims({name}, 1)",
        f"{name} = np.expand_dims({name}, axis=1)",
        f"{name} = {name}[:, np.newaxis]",
        f"{name} = {name}[:, None, :, :]",
    ]))  # fmt: skip
    return [n, 1, h, w]


def reshaped(d: Draft, name: str, shape: Shape) -> Shape:
    n, c, h, w = shape
    d.add(f"{name} = np.load({file([n, c * h * w], 'flat')})")
    d.add(f"{name} = {name}.reshape({d.pick([str(n), '-1'])}, {c}, {h}, {w})")
    return shape


def stacked(d: Draft, name: str, shape: Shape) -> Shape:
    n, c, h, w = shape[0], 2, *shape[2:]
    a, b = d.name("left"), d.name("right")
    d.add(f"{a} = np.load({file([n, h, w], 'a')})", f"{b} = np.load({file([n, h, w], 'b')})")
    d.add(d.pick([
        f"{name} = np.stack([{a}, {b}], axis=1)",
        f"{name} = np.stack(({a}, {b}), 1)",
        f"{name} = np.concatenate([{a}[:, None], {b}[:, None]], axis=1)",
    ]))  # fmt: skip
    return [n, c, h, w]


def unknown(d: Draft, name: str, shape: Shape) -> Shape:
    d.use("helpers", "load_images")
    d.add(f"{name} = load_images({file(shape)})")
    if d.chance(0.5):
        d.add(f"assert {name}.shape[1] == {shape[1]}")
    return shape


def listed(d: Draft, name: str, shape: Shape) -> Shape:
    n, c, h, w = shape
    raw, items = d.name("raw"), d.name("items")
    d.add(f"{raw} = np.load({file([n, h, w, c])})", f"{items} = []")
    d.add(f"for i in range({n}):", f"    {items}.append({raw}[i].transpose({d.pick(['2, 0, 1', '(2, 0, 1)'])}))")
    d.add(f"{name} = np.{d.pick(['array', 'asarray', 'stack'])}({items})")
    return shape


def cifar(d: Draft, name: str, shape: Shape) -> Shape:
    if d.setting not in ("setter", "setter name", "branch") and d.version >= (1, 1):
        return loaded(d, name, shape)
    d.use("keras.datasets", "cifar10")
    labels, test = d.name("labels"), d.name("held")
    d.add(f"({name}, {labels}), ({test}, _) = cifar10.load_data()")
    d.count = 5
    d.add(f"{name} = {name}.astype('float32')")
    d.constants.setdefault("STEP", "4")
    d.add(f"{name} = {name}[:, :, ::STEP, ::STEP]")
    return [5, 3, 8, 8]


def mnist(d: Draft, name: str, shape: Shape) -> Shape:
    d.use("keras.datasets", "mnist")
    labels, test = d.name("labels"), d.name("held")
    d.add(f"({name}, {labels}), ({test}, _) = mnist.load_data()")
    rows, cols = d.constant("ROWS", 28), d.constant("COLS", 28)
    d.add(f"{name} = {name}.reshape({name}.shape[0], 1, {rows}, {cols}).astype('float32')")
    d.count = 5
    return [5, 1, 28, 28]


def filled_with_images(d: Draft, name: str, shape: Shape) -> Shape:
    raw = d.name("raw")
    n, c, h, w = shape
    form = d.rng.randrange(3)
    d.add(f"{name} = np.zeros(({n}, {c}, {h}, {w}), dtype='float32')")
    if form == 0:
        d.add(f"{raw} = np.load({file(shape, 'r')})", f"for i in range({n}):", f"    {name}[i] = {raw}[i]")
    elif form == 1:
        d.add(f"{raw} = np.load({file([n, h, w, c], 'r')})", f"for i in range({n}):")
        d.add(f"    {name}[i, :, :, :] = {raw}[i].transpose(2, 0, 1)")
    else:
        d.add(
            f"{raw} = np.load({file([n, h, w, c], 'r')})", f"for c in range({c}):", f"    {name}[:, c] = {raw}[..., c]"
        )
    return shape


def gray_drawn(d: Draft, name: str, shape: Shape) -> Shape:
    """Images without a channel, of known rank."""
    n, _, h, w = shape
    d.add(f"{name} = np.random.RandomState(5).rand({n}, {h}, {w})")
    d.add(d.pick([
        f"{name} = np.expand_dims({name}, axis=1)",
        f"{name} = np.expand_dims({name}, {d.pick(['1', '-3'])})",
        f"{name} = np.stack([{name}], axis=1)",
        f"{name} = {name}[:, np.newaxis]",
        f"{name} = {name}.reshape({name}.shape[0], 1, {h}, {w})",
        f"{name} = {name}.reshape((len({name}), 1) + {name}.shape[1:])",
    ]))  # fmt: skip
    return [n, 1, h, w]


def paired(d: Draft, name: str, shape: Shape) -> Shape:
    """Two channels stacked from arrays of known rank."""
    n, _, h, w = shape
    a, b = d.name("near"), d.name("far")
    d.add(f"{a} = np.random.RandomState(7).rand({n}, {h}, {w})", f"{b} = np.ones(({n}, {h}, {w})) * 3")
    d.add(d.pick([
        f"{name} = np.stack([{a}, {b}], axis={d.constant('AXIS', 1)})",
        f"{name} = np.stack(({a}, {b}), -3)",
        f"{name} = np.concatenate([np.expand_dims({a}, 1), np.expand_dims({b}, 1)], axis=1)",
        f"{name} = np.concatenate([{a}[:, None], {b}[:, None]], 1)",
    ]))  # fmt: skip
    return [n, 2, h, w]


def from_config(d: Draft, name: str, shape: Shape) -> Shape:
    """A shape and an axis in a dictionary."""
    config = d.name("CONFIG")
    d.constants[config] = f"{{'shape': {tuple(shape[1:])}, 'axis': 1, 'count': {shape[0]}}}"
    d.add(d.pick([
        f"{name} = np.ones(({config}['count'],) + {config}['shape'])",
        f"{name} = np.random.RandomState(1).normal(size=({shape[0]},) + {config}['shape'])",
    ]))  # fmt: skip
    d.add(f"{name} = {name} - {name}.min(axis={config}['axis'], keepdims=True) * 0.5")
    return shape


Source = Callable[[Draft, str, Shape], Shape]
SOURCES: list[Source] = [loaded, drawn, drawn, loaded, filled, channels_last_file, gray, reshaped, stacked, unknown,
                         listed, cifar, mnist, filled_with_images, filled_with_images, gray_drawn, gray_drawn, paired,
                         from_config]  # fmt: skip
