"""What is done to images before they are fed: statements that change a channels-first array."""

from __future__ import annotations

from tests.generated.draft import Draft, file
from tests.generated.sources import Shape, Source

STANDARD = """def standard(a, axis=(0, 2, 3)):
    m = a.mean(axis=axis, keepdims=True)
    return a - m
"""
EACH = """def each(a):
    out = np.zeros(a.shape)
    for i in range(a.shape[0]):
        out[i] = a[i] - a[i].mean()
    return out
"""


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
        d.helper("standard", STANDARD)
        d.add(f"{x} = standard({x})")
    elif kind == 1:
        d.helper("brighter", "def brighter(a, k, by=3):\n    a[:, k] += by\n    return a\n")
        d.add(f"{x} = brighter({x}, {d.rng.randrange(shape[1])})")
    elif kind == 2:
        d.helper("each", EACH)
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
        d.add(f"{other} = np.load({file([n, 1, h, w], 'o')})")
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
        d.add(f"{mask} = np.load({file([h, w], 'm')})", f"{x} = {x} * {mask}")
    elif form == 2:
        d.add(f"{x} = {x}.reshape({n}, -1)", f"{x} = {x} - {x}.mean(axis=0)", f"{x} = {x}.reshape({n}, {c}, {h}, {w})")
    elif form == 3:
        d.add(f"{x}[{x} < 0] = 0")
    elif form == 4:
        d.add(f"{x} = {x} + np.load({file([w], 'v')})")
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
        d.add(f"if {test}:", f"    {x} = {x}.reshape({n}, {c}, {h}, {w})")
        d.add("else:", f"    {x} = {x}.reshape({n}, {h}, {w}, {c})")
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


def used_twice(d: Draft, x: str, shape: Shape) -> Shape:
    """One constant as an axis and as a number, or for two arrays."""
    name = d.name("ONE")
    d.constants[name] = "1"
    d.add(d.pick([
        f"{x} = {x} + {x}.max(axis={name}, keepdims=True) * {name}",
        f"{x} = {x} - np.mean({x}, axis={name}, keepdims=True) + np.arange(6).reshape(2, 3).sum(axis={name})[0]",
        f"{x} = ({x} + {name}) / ({x}.std(axis={name}, keepdims=True) + {name})",
    ]))  # fmt: skip
    return shape


def restacked(d: Draft, x: str, shape: Shape) -> Shape:
    n, _, h, w = shape
    d.add(d.pick([
        f"{x} = np.stack([{x}[:, 0], {x}[:, -1]], axis=1)",
        f"{x} = np.concatenate([np.expand_dims({x}[:, 0], 1), {x}[:, :1] * 2], axis=1)",
        f"{x} = np.stack([{x}.mean(axis=1), {x}.max(axis=1)], axis=1)",
    ]))  # fmt: skip
    return [n, 2, h, w]


def copied(d: Draft, x: str, shape: Shape) -> Shape:
    """Through an array of the same shape."""
    out = d.name("out")
    n, c, h, w = shape
    d.add(d.pick([
        f"{out} = np.zeros({x}.shape)",
        f"{out} = np.zeros_like({x})",
        f"{out} = np.zeros(({n},) + {x}.shape[1:])",
        f"{out} = np.zeros(({n}, {c}, {h}, {w}))",
        f"{out} = np.zeros(({x}.shape[0], {x}.shape[1], {h}, {x}.shape[3]))",
    ]))  # fmt: skip
    d.add(f"for i in range({n}):", d.pick([f"    {out}[i] = {x}[i] + i", f"    {out}[i, :, 1:] = {x}[i, :, :-1]"]))
    d.add(f"{x} = {out}")
    return shape


def along(d: Draft, x: str, shape: Shape) -> Shape:
    """Operations along axes that they name."""
    c = shape[1]
    d.add(d.pick([
        f"{x} = np.flip({x}, axis={d.constant('AXIS', d.pick([1, 2, -1, -3]))})",
        f"{x} = np.roll({x}, 1, axis={d.constant('AXIS', d.pick([1, 2, 3]))})",
        f"{x} = np.cumsum({x}, axis={d.pick([1, 2, -1])})",
        f"{x} = np.sort({x}, axis={d.pick([1, 3])})",
        f"{x} = np.sort({x})",
        f"{x} = np.repeat({x}[:, :1], {c}, axis=1)",
        f"{x} = np.tile({x}[:, :1], (1, {c}, 1, 1))",
        f"{x} = np.take({x}, {list(range(c))[::-1]}, axis=1)",
        f"{x} = np.pad({x}[:, :, 1:], ((0, 0), (0, 0), (1, 0), (0, 0)), 'constant')",
        f"{x} = np.squeeze(np.expand_dims({x}, 2), axis=2)",
        f"{x} = np.concatenate(np.split({x}, {c}, axis=1)[::-1], axis=1)",
        f"{x} = {x} / (1 + np.linalg.norm({x}, axis=1, keepdims=True))",
        f"{x} = {x} - np.percentile({x}, 40, axis=(2, 3), keepdims=True)",
        f"{x} = np.einsum('nchw,c->nchw', {x}, np.arange({c}) + 1.)",
        f"{x} = np.gradient({x}, axis={d.pick([2, 3])})",
        f"{x} = np.rot90({x}, 2, (2, 3))",
    ]))  # fmt: skip
    return shape


ANY_RANK = [scaled, in_place, centred]
COMMON: list[Source] = [
    scaled, in_place, centred, centred, centred_by_channel, centred_by_channel, by_helper, by_helper, turned, turned,
    cut, cut, joined, used_twice, restacked, along, along, copied, looped, looped, measured, branched, branched,
]  # fmt: skip
STEPS = [*COMMON, *COMMON, strange]
