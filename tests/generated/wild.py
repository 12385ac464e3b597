"""Less usual statements on images: many are refused, and none may be converted wrongly."""

from __future__ import annotations

from tests.generated.draft import Draft
from tests.generated.sources import Shape

# {x} is the array, {n} {c} {h} {w} its sizes, {k} a channel; each keeps the shape.
STATEMENTS = """
{x} = np.pad({x}[:, :, 1:, :], ((0, 0), (0, 0), (1, 0), (0, 0)), 'constant')
{x} = np.roll({x}, 1, axis=2)
{x} = np.roll({x}, 1, axis=1)
{x} = np.flip({x}, 2)
{x} = np.flip({x}, axis=1)
{x} = np.cumsum({x}, axis=1)
{x} = np.sort({x}, axis=-1)
{x} = np.repeat({x}[:, :1], {c}, axis=1)
{x} = np.tile({x}[:, :1], (1, {c}, 1, 1))
{x} = np.take({x}, np.arange({c})[::-1], axis=1)
{x} = np.squeeze({x}[:, np.newaxis], axis=1)
{x} = np.squeeze({x}[:, :, None])
{x} = {x}.T.T
{x} = np.rot90(np.rot90({x}, 2, (2, 3)), 2, (2, 3))
{x} = np.einsum('nchw->nchw', {x})
{x} = np.einsum('nchw,c->nchw', {x}, np.arange({c}) + 1.)
{x} = {x} - np.percentile({x}, 50, axis=1, keepdims=True)
{x} = {x} / (1 + np.linalg.norm({x}, axis=1, keepdims=True))
{x} = {x} - np.median({x}, axis=(2, 3), keepdims=True)
{x} = {x} * np.arange({w})
{x} = {x} * np.arange({h}).reshape({h}, 1)
{x} = {x} * np.arange({h}).reshape(-1, 1)
{x} = {x} * np.arange({c}).reshape({c}, 1, 1)
{x} = {x} * np.arange({c}).reshape(1, {c}, 1, 1)
{x} = {x} + np.ones(({c}, 1, 1)) * np.arange({w})
{x} = {x} + np.ones(({h}, {w}))
{x} = {x} * np.array([1., 2., 3., 4., 5., 6., 7., 8., 9.])[:{c}].reshape({c}, 1, 1)
{x} = {x} - {x}.mean(axis=(2, 3))[:, :, None, None]
{x} = {x} - {x}.mean(axis=1)[:, np.newaxis]
{x} = {x} - {x}.mean(axis=-1)[..., None]
{x} = {x} - {x}.mean(axis=(0, 1))
{x} = {x} - {x}.mean(axis=(0, 1))[None, None]
{x} = {x} - {x}[0]
{x} = {x} - {x}[:, 0:1]
{x} = {x} - {x}[:, {k}][:, None]
{x} = {x} - {x}[:, :, 0:1, 0:1]
{x} = {x} - {x}.max(1).reshape({n}, 1, {h}, {w})
{x} = {x} - {x}.sum(axis=1).sum(axis=1).reshape({n}, 1, 1, {w})
{x} = {x} - {x}.max(axis=2).max(axis=2)[:, :, None, None]
{x} = {x}.reshape({n}, {c}, {h} * {w}).reshape({n}, {c}, {h}, {w})
{x} = {x}.reshape({n} * {c}, {h}, {w}).reshape({n}, {c}, {h}, {w})
{x} = {x}.reshape({x}.shape)
{x} = {x}.reshape(({n}, {c}, -1)) .reshape({n}, {c}, {h}, {w})
{x} = np.array([a - a.mean() for a in {x}])
{x} = np.array([a[::-1] for a in {x}])
{x} = np.stack([a * 2 for a in {x}])
{x} = np.concatenate([a[None] for a in {x}])
{x} = np.asarray(list({x}))
{x} = np.array([{x}[:, i] for i in range({c})]).transpose(1, 0, 2, 3)
{x} = np.stack([{x}[:, i] * i for i in range({c})], axis=1)
{x} = np.concatenate([{x}[:, i:i + 1] + i for i in range({c})], axis=1)
{x} = np.vstack([{x}[:1], {x}[1:]])
{x} = np.hstack([{x}[:, :1], {x}[:, 1:]])
{x} = {x}.swapaxes(1, 3).swapaxes(1, 3)
{x} = np.rollaxis(np.rollaxis({x}, 3, 1), 1, 4)
{x} = np.moveaxis(np.moveaxis({x}, 1, -1), -1, 1)
{x} = {x}.transpose(0, 2, 3, 1).transpose(0, 3, 1, 2)
{x} = {x}[np.arange({n})]
{x} = {x}[:, np.arange({c})[::-1]]
{x} = {x}[:, list(range({c}))]
{x} = {x}[:, [{k}] * {c}]
{x} = {x}[np.random.permutation({n})]
np.random.shuffle({x})
{x} = np.where({x} > {x}.mean(axis=1, keepdims=True), {x}, 0)
{x} = np.where(np.arange({w}) > 2, {x}, 0)
{x} = np.clip({x}, 0, {x}.max(axis=1, keepdims=True))
{x} = np.minimum({x}, {x}[:, ::-1])
{x} = {x} + {x}.argmax(axis=1)[:, None]
{x} = {x} * {x}.any(axis=(2, 3), keepdims=True)
{x} = {x} * {c}; {x}[:, 0] = {x}[:, -1]
{x}[:, 0], {x}[:, -1] = {x}[:, -1].copy(), {x}[:, 0].copy()
{x}[:, :, 0] = 1
{x}[:, :, :, 0] += 1
{x}[..., 0] = 2
{x}[:, {k}, 1:3, :] = {x}[:, {k}, 2:4, :]
{x}[0] = {x}[-1]
{x}[:, 0] = np.arange({w})
{x}[:, 0] += np.arange({h})[:, None]
{x}[:, :] = {x}[:, ::-1].copy()
{x}[np.arange({n}), 0] = 7
{x}[{x} > 2] = {x}.mean()
{x}[{x} > 2] *= 0.5
{x}[:, 0][{x}[:, 0] > 1] = 1
other = {x}; other[:, 0] = 5
other = {x}[:, 0]; other += 1
other = {x}[0]; other[0] = 0
view = {x}.transpose(0, 2, 3, 1); view[..., 0] = 4
size = {x}.shape; {x} = {x} + size[1] * 10 - size[2]
c2, h2, w2 = {x}.shape[1:]; {x} = {x} + c2 - h2 * 3 + w2
h2, w2 = {x}.shape[-2:]; {x} = {x} * h2 + w2
h2 = {x}.shape[1:][1]; {x} = {x} * h2
{x} = {x} * min({x}.shape[2:]) - max({x}.shape[1:3])
{x} = {x} / np.prod({x}.shape[1:])
{x} = {x} / np.prod({x}.shape[2:])
{x} = {x} * {x}[0, 0].size + {x}[0].shape[0]
{x} = {x} * len({x}[0]) - len({x}[0][0])
{x} = {x}.reshape({x}.shape[0], {x}.shape[1], {x}.shape[2], {x}.shape[3])
{x} = {x}.reshape(({n},) + {x}.shape[1:])
{x} = {x}.reshape([-1] + list({x}.shape[1:]))
{x} = {x}.reshape(-1, *{x}.shape[1:])
shape = ({c}, {h}, {w}); {x} = {x}.reshape(({n},) + shape) + shape[0]
assert {x}.shape == ({n}, {c}, {h}, {w})
assert {x}.shape[1:] == ({c}, {h}, {w})
assert {x}.ndim == 4 and {x}.shape[1] == {c}
print('%d channels of %d by %d' % {x}.shape[1:])
print({x}.shape[1], {x}[0, 0].mean())
print({x}.mean(axis=(0, 2, 3)))
means = {x}.mean(axis=(0, 2, 3)); np.save('m.npy', means)
means = [{x}[:, i].mean() for i in range({c})]; {x} = {x} - np.array(means).reshape(1, {c}, 1, 1)
np.save('x.npy', {x}.transpose(0, 2, 3, 1))
np.save('x.npy', {x}[0])
np.save('x.npy', {x}[:, 0])
show({x})
show({x}[0], {x}[1, 0])
{x} = blurred({x}) + {x}
{x} = blurred({x}.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
{x} = np.array([blurred({x})[i] for i in range({n})])
_flat = {x}.reshape({n}, -1); {x} = (_flat - _flat.mean(axis=1, keepdims=True)).reshape({n}, {c}, {h}, {w})
_flat = {x}.reshape({n}, -1); _flat[:, 3] = 9; {x} = _flat.reshape({x}.shape)
_flat = {x}.ravel(); {x} = (_flat[::-1]).reshape({n}, {c}, {h}, {w})
_flat = {x}.flatten(); {x} = _flat.reshape({x}.shape)
gram = {x}.reshape({n}, {c}, -1); {x} = {x} + np.matmul(gram, gram.transpose(0, 2, 1)).sum(axis=2)[:, :, None, None]
{x} = np.dot({x}.transpose(0, 2, 3, 1), np.eye({c})).transpose(0, 3, 1, 2)
{x} = {x} @ np.eye({w})
"""

BLOCKS = """
for i in range({n}):
    for j in range({c}):
        {x}[i, j] = {x}[i, j] * (j + 1)
---
for i, image in enumerate({x}):
    {x}[i] = image - image.mean()
---
for image in {x}:
    image[0] += 1
---
for image in {x}:
    image[0, :, 1] = image[-1, :, 2]
---
for j in range({x}.shape[1]):
    {x}[:, j] -= {x}[:, j].mean()
---
for j in range({x}.shape[2]):
    {x}[:, :, j] *= j + 1
---
if {x}.shape[1] == {c}:
    {x} = {x} * 2
---
if {x}.shape[1] in (1, 3):
    {x} = {x}[:, ::-1]
---
if len({x}) > 1:
    {x} = {x} - {x}.mean(axis=1, keepdims=True)
else:
    {x} = {x} + 1
---
try:
    {x} = {x}.transpose(0, 1, 3, 2).transpose(0, 1, 3, 2)
except ValueError:
    {x} = {x} * 1
---
count = 0
while count < 2:
    {x} = {x} - {x}.max(axis=2, keepdims=True) * 0.5
    count += 1
---
items = []
for i in range({n}):
    image = {x}[i].transpose(1, 2, 0)
    image = image * np.arange(image.shape[2])
    items.append(image.transpose(2, 0, 1))
{x} = np.array(items)
---
items = []
for image in {x}:
    items += [image[None] - 1]
{x} = np.concatenate(items, axis=0)
---
out = np.empty(({n}, {h}, {w}, {c}))
for i in range({n}):
    out[i] = {x}[i].transpose(1, 2, 0)
{x} = out.transpose(0, 3, 1, 2)
---
out = np.zeros(({n}, {c}, {h} + 2, {w}))
out[:, :, 1:-1] = {x}
{x} = out[:, :, 2:, :]
---
out = np.zeros(({n}, {c} + 1, {h}, {w}))
out[:, :-1] = {x}
out[:, -1] = {x}.mean(axis=1)
{x} = out[:, 1:]
---
rows, cols = {x}.shape[2], {x}.shape[3]
out = np.zeros(({n}, {c}, rows, cols))
for r in range(rows):
    out[:, :, r] = {x}[:, :, rows - 1 - r]
{x} = out
---
channels = [{x}[:, i, :, :] for i in range({c})]
channels.reverse()
{x} = np.stack(channels, axis=1)
---
first, rest = {x}[:, :1], {x}[:, 1:]
{x} = np.concatenate([rest, first], axis=1)
---
def doubled(a, axis=1):
    return a + a.sum(axis=axis, keepdims=True)
{x} = doubled(doubled({x}), 2)
---
def parts(a):
    return a[:, :1], a[:, 1:]
front, back = parts({x})
{x} = np.concatenate((back, front), axis=1)
---
def each(a, f):
    for i in range(len(a)):
        a[i] = f(a[i])
    return a
{x} = each({x}, lambda image: image[::-1])
---
scale = {{'mean': {x}.mean(axis=(0, 2, 3)), 'axis': 1}}
{x} = {x} - scale['mean'].reshape((1, {c}, 1, 1)) - {x}.max(axis=scale['axis'], keepdims=True)
---
class Scaler:
    axis = 1
    def __init__(self, a):
        self.mean = a.mean(axis=(0, 2, 3)).reshape(1, {c}, 1, 1)
    def __call__(self, a):
        return (a - self.mean) / (1 + a.std(axis=self.axis, keepdims=True))
{x} = Scaler({x})({x})
---
class Box(object):
    def __init__(self):
        self.images = {x}
        self.shape = ({c}, {h}, {w})
    def turned(self):
        return self.images[:, :, ::-1].reshape((-1,) + self.shape)
{x} = Box().turned()
"""


def step(d: Draft, x: str, shape: Shape) -> Shape:
    """One of the statements above."""
    n, c, h, w = shape
    lines = [line for line in STATEMENTS.splitlines() if line]
    blocks = BLOCKS.strip().split("\n---\n")
    text = d.pick(lines) if d.chance(0.75) else d.pick(blocks)
    if "show(" in text:
        d.use("helpers", "show")
    if "blurred(" in text:
        d.use("helpers", "blurred")
    d.add(*text.format(x=x, n=n, c=c, h=h, w=w, k=d.rng.randrange(c)).splitlines())
    return shape
