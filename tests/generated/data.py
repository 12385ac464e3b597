"""Where a program's images come from and what it does to them before they are fed."""

from __future__ import annotations

from collections.abc import Callable

from tests.generated.draft import Draft

Shape = list[int]


def images(d: Draft, name: str) -> Shape:
    """Writes statements that make the channels-first array ``name``; gives its shape."""
    shape = [d.count, d.pick([1, 2, 3, 3, 4, 5]), *(d.rng.randint(6, 11) for _ in range(d.rank))]
    if d.chance(0.12):
        shape[1:] = [6] * (d.rank + 1)  # sizes that hide a mistake from shape checks
    if d.setting == "implied":
        shape[1] = d.pick([1, 2, 3, 3, 4])
        shape[2:] = [max(s, 7) for s in shape[2:]]
    sources = SOURCES if d.rank == 2 else SOURCES[:3]
    shape = d.rng.choice(sources)(d, name, shape)
    for _ in range(d.rng.randint(0, 4)):
        step = d.rng.choice(STEPS if d.rank == 2 else ANY_RANK)
        shape = step(d, name, shape)
    return shape


def _file(shape: Shape, prefix: str = "x") -> str:
    return f"'{prefix}_{'_'.join(map(str, shape))}.npy'"


# -- sources --------------------------------------------------------------------------------------


def loaded(d: Draft, name: str, shape: Shape) -> Shape:
    d.add(f"{name} = np.load({_file(shape)})")
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
    d.add(f"{parts} = np.load({_file([*shape[:1], *shape[2:]], 'p')})")
    d.add(f"{name} = np.{d.pick(['zeros', 'ones'])}(({', '.join(map(str, shape))}))")
    if d.chance(0.5):
        d.add(f"for i in range({shape[0]}):", f"    {name}[i, {d.rng.randrange(shape[1])}] = {parts}[i] * 2")
    else:
        d.add(f"for c in range({shape[1]}):", f"    {name}[:, c] = {parts} + c")
    return shape


def channels_last_file(d: Draft, name: str, shape: Shape) -> Shape:
    n, c, h, w = shape
    d.add(f"{name} = np.load({_file([n, h, w, c])})")
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
    d.add(f"{name} = np.load({_file([n, h, w], 'gray')})")
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
    d.add(f"{name} = np.load({_file([n, c * h * w], 'flat')})")
    d.add(f"{name} = {name}.reshape({d.pick([str(n), '-1'])}, {c}, {h}, {w})")
    return shape


def stacked(d: Draft, name: str, shape: Shape) -> Shape:
    n, c, h, w = shape[0], 2, *shape[2:]
    a, b = d.name("left"), d.name("right")
    d.add(f"{a} = np.load({_file([n, h, w], 'a')})", f"{b} = np.load({_file([n, h, w], 'b')})")
    d.add(d.pick([
        f"{name} = np.stack([{a}, {b}], axis=1)",
        f"{name} = np.stack(({a}, {b}), 1)",
        f"{name} = np.concatenate([{a}[:, None], {b}[:, None]], axis=1)",
    ]))  # fmt: skip
    return [n, c, h, w]


def unknown(d: Draft, name: str, shape: Shape) -> Shape:
    d.use("helpers", "load_images")
    d.add(f"{name} = load_images({_file(shape)})")
    if d.chance(0.5):
        d.add(f"assert {name}.shape[1] == {shape[1]}")
    return shape


def listed(d: Draft, name: str, shape: Shape) -> Shape:
    n, c, h, w = shape
    raw, items = d.name("raw"), d.name("items")
    d.add(f"{raw} = np.load({_file([n, h, w, c])})", f"{items} = []")
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


Source = Callable[[Draft, str, Shape], Shape]
SOURCES: list[Source] = [loaded, drawn, loaded, filled, channels_last_file, gray, gray, reshaped, stacked, unknown,
                         listed, cifar, mnist]  # fmt: skip


# -- preprocessing --------------------------------------------------------------------------------


def scaled(d: Draft, x: str, shape: Shape) -> Shape:
    d.add(d.pick([
        f"{x} = {x} / 255.",
        f"{x} = {x}.astype('float32') / 128 - 1",
        f"{x} = np.clip({x}, 0, 200)",
        f"{x} = np.maximum({x}, 3.)",
        f"{x} = np.sqrt(np.abs({x}))",
        f"{x} = ({x} - np.mean({x})) / np.std({x})",
        f"{x} = np.where({x} > 1, {x}, 0)",
    ]))  # fmt: skip
    return shape


def in_place(d: Draft, x: str, shape: Shape) -> Shape:
    d.add(f"{x} = {x}.astype('float32')", d.pick([f"{x} /= 255", f"{x} -= {x}.mean()", f"{x} *= 2."]))
    return shape


def _all_but_channel(d: Draft) -> str:
    axes = (0, *range(2, d.rank + 2))
    return d.constant("AXES", axes)


def centred(d: Draft, x: str, shape: Shape) -> Shape:
    d.add(d.pick([
        f"{x} = {x} - {x}.mean(axis={_all_but_channel(d)}, keepdims=True)",
        f"{x} = {x} - np.mean({x}, axis=0)",
        f"{x} = {x} / ({x}.std(axis=0) + 1)",
        f"{x} = {x} - {x}.mean(axis=1, keepdims=True)",
        f"{x} = {x} + {x}.max(axis=-1, keepdims=True)",
        f"{x} = {x} - {x}.min(axis=2, keepdims=True)",
    ]))  # fmt: skip
    return shape


def centred_by_channel(d: Draft, x: str, shape: Shape) -> Shape:
    mean, c = d.name("mean"), shape[1]
    axis = d.constant("AXES", (0, 2, 3))
    d.add(f"{mean} = {d.pick([f'np.mean({x}, axis={axis})', f'{x}.mean(axis={axis})', f'{x}.std({axis})'])}")
    form = d.rng.randrange(5)
    if form == 0:
        full = d.pick(["", ", :, :"])
        d.add(f"for c in range({d.pick([str(c), f'{x}.shape[1]'])}):", f"    {x}[:, c{full}] -= {mean}[c]")
    elif form == 1:
        d.add(f"{x} = {x} - {mean}.reshape((1, {c}, 1, 1))")
    elif form == 2:
        d.add(f"{x} = {x} - {mean}.reshape({c}, 1, 1)")
    elif form == 3:
        d.add(f"{x} = {x} - {mean}[None, :, None, None]")
    else:
        d.add(f"{x} = {x} - {mean}[:, np.newaxis, np.newaxis]")
    return shape


def by_helper(d: Draft, x: str, shape: Shape) -> Shape:
    kind = d.rng.randrange(4)
    if kind == 0:
        d.helper("standard", "def standard(a, axis=(0, 2, 3)):\n    m = a.mean(axis=axis, keepdims=True)\n    return a - m\n")
        d.add(f"{x} = standard({x})")
    elif kind == 1:
        d.helper("brighter", "def brighter(a, k, by=3):\n    a[:, k] += by\n    return a\n")
        d.add(f"{x} = brighter({x}, {d.rng.randrange(shape[1])})")
    elif kind == 2:
        text = "def each(a):\n    out = np.zeros(a.shape)\n    for i in range(a.shape[0]):\n        out[i] = a[i] - a[i].mean()\n    return out\n"
        d.helper("each", text)
        d.add(f"{x} = each({x})")
    else:
        d.helper("over", "def over(a, axis):\n    return a - a.max(axis=axis, keepdims=True)\n")
        axis = d.constant("AXIS", d.pick([1, 2, 3, -1, -3]))
        d.add(f"{x} = over({x}, {d.pick(['', 'axis='])}{axis})")
    return shape


def turned(d: Draft, x: str, shape: Shape) -> Shape:
    d.add(d.pick([
        f"{x} = {x}[:, ::-1]",
        f"{x} = {x}[:, ::-1, :, :]",
        f"{x} = {x}[:, :, ::-1]",
        f"{x} = {x}[..., ::-1]",
        f"{x} = {x}[:, :, :, ::-1]",
        f"{x} = {x}[::-1]",
    ]))  # fmt: skip
    return shape


def cut(d: Draft, x: str, shape: Shape) -> Shape:
    n, c, h, w = shape
    if h < 8 or w < 8:
        return shape
    form = d.rng.randrange(6)
    if form == 0:
        d.add(f"{x} = {x}[:, :, 1:-1, 2:]")
        return [n, c, h - 2, w - 2]
    if form == 1:
        d.add(f"{x} = {x}[:, :, :{h - 1}]")
        return [n, c, h - 1, w]
    if form == 2:
        d.add(f"{x} = {x}[..., 1:]")
        return [n, c, h, w - 1]
    if form == 3 and c > 1:
        k = d.rng.randint(1, c - 1)
        d.add(f"{x} = {x}[:, :{k}]")
        return [n, k, h, w]
    if form == 4 and c > 1:
        d.add(f"{x} = {x}[:, 1:, :, :]")
        return [n, c - 1, h, w]
    if form == 5 and h != w:
        d.add(f"{x} = {d.pick([f'{x}.transpose(0, 1, 3, 2)', f'np.swapaxes({x}, 2, 3)', f'{x}.swapaxes(2, 3)'])}")
        return [n, c, w, h]
    return shape


def joined(d: Draft, x: str, shape: Shape) -> Shape:
    n, c, h, w = shape
    form = d.rng.randrange(4)
    if form == 0:
        d.add(f"{x} = np.concatenate([{x}, {x}[:, :1]], axis={d.constant('AXIS', 1)})")
        return [n, c + 1, h, w]
    if form == 1 and n < 6:
        d.add(f"{x} = np.concatenate(({x}, {x}[:, :, ::-1]), axis=0)")
        d.count = 2 * n
        return [2 * n, c, h, w]
    if form == 2:
        other = d.name("other")
        d.add(f"{other} = np.load({_file([n, 1, h, w], 'o')})")
        d.add(f"{x} = np.concatenate([{x}, {other}], 1)")
        return [n, c + 1, h, w]
    if form == 3 and h < 9:
        d.add(f"{x} = np.concatenate([{x}, {x}], axis=2)")
        return [n, c, 2 * h, w]
    return shape


def looped(d: Draft, x: str, shape: Shape) -> Shape:
    k = d.rng.randrange(shape[1])
    d.add(f"for i in range({d.pick([f'len({x})', str(shape[0]), f'{x}.shape[0]'])}):")
    d.add("    " + d.pick([
        f"{x}[i] = {x}[i] - {x}[i].mean()",
        f"{x}[i] = {x}[i] / (1 + {x}[i].max(axis=(1, 2), keepdims=True))",
        f"{x}[i, {k}] = {x}[i, {k}] + 1",
        f"{x}[i, {k}, 2:4, 1] = 9",
        f"{x}[i][{k}] = {x}[i][{k}] * 3",
    ]))  # fmt: skip
    return shape


def measured(d: Draft, x: str, shape: Shape) -> Shape:
    form = d.rng.randrange(4)
    if form == 0:
        a, b, c, e = (d.name(n) for n in ("n", "ch", "rows", "cols"))
        d.add(f"{a}, {b}, {c}, {e} = {x}.shape", f"{x} = {x} + {b} * 100 + {c} - {e}")
    elif form == 1:
        d.add(f"{x} = {x} * {x}.shape[1] + {x}.shape[2] - {x}.shape[3]")
    elif form == 2:
        d.add(f"{x} = {x} * {x}.shape[-3] + {x}.shape[-1]")
    else:
        size = d.name("size")
        d.add(f"{size} = {x}.shape[2:]", f"{x} = {x} + {size}[0] * 10 - {size}[1]")
    return shape


def strange(d: Draft, x: str, shape: Shape) -> Shape:
    n, c, h, w = shape
    form = d.rng.randrange(6)
    if form == 0:
        d.use("helpers", "blurred")
        d.add(f"{x} = blurred({x})")
    elif form == 1:
        mask = d.name("mask")
        d.add(f"{mask} = np.load({_file([h, w], 'm')})", f"{x} = {x} * {mask}")
    elif form == 2:
        d.add(f"{x} = {x}.reshape({n}, -1)", f"{x} = {x} - {x}.mean(axis=0)", f"{x} = {x}.reshape({n}, {c}, {h}, {w})")
    elif form == 3:
        d.add(f"{x}[{x} < 0] = 0")
    elif form == 4:
        d.add(f"{x} = {x} + np.load({_file([w], 'v')})")
    else:
        d.add(f"np.save('x.npy', {x})")
    return shape


def branched(d: Draft, x: str, shape: Shape) -> Shape:
    if d.setting not in ("branch", "setter"):
        return shape
    n, c, h, w = shape
    test = f"{d.query()} == {d.first_name!r}"
    form = d.rng.randrange(4)
    if form == 0:
        d.add(f"if {test}:", f"    {x} = {x}.reshape({n}, {c}, {h}, {w})", "else:", f"    {x} = {x}.reshape({n}, {h}, {w}, {c})")
    elif form == 1:
        axis = d.name("axis")
        d.add(f"{axis} = 1 if {test} else 3", f"{x} = {x} - {x}.mean(axis={axis}, keepdims=True)")
    elif form == 2:
        axis = d.name("axis")
        d.add(f"if {test}:", f"    {axis} = 1", "else:", f"    {axis} = {d.pick(['-1', '3'])}")
        d.add(f"{x} = {x} / (1 + {x}.max(axis={axis}, keepdims=True))")
    else:
        axes = d.name("axes")
        d.add(f"if {test}:", f"    {axes} = (0, 2, 3)", "else:", f"    {axes} = (0, 1, 2)")
        d.add(f"{x} = {x} - {x}.mean(axis={axes}, keepdims=True)")
    return shape


ANY_RANK = [scaled, in_place, centred]
STEPS: list[Source] = [scaled, in_place, centred, centred, centred_by_channel, centred_by_channel, by_helper, by_helper,
                       turned, turned, cut, cut, joined, looped, looped, measured, branched, branched] * 2 + [strange]  # fmt: skip
