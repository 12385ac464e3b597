"""Programs of any size, one kind of growth each: what a person, a generator or an adversary may write.

A kind is a function from a size (about a number of lines, or a depth) to a program. `SHALLOW` ones grow in length,
`DEEP` ones in nesting.
"""

from __future__ import annotations

from collections.abc import Callable

HEAD = """\
import numpy as np
from keras import backend as K
from keras.layers import Activation, BatchNormalization, Conv2D, Dense, Flatten, Input, MaxPooling2D, add
from keras.models import Model, Sequential

K.set_image_data_format("channels_first")
"""
TAIL = """
x = Flatten()(x)
model = Model(image, Dense(10)(x))
model.compile("sgd", "mse")
model.fit(np.zeros((8, 3, 32, 32)), np.zeros((8, 10)))
"""
IMAGE = 'image = x = Input((3, 32, 32))\nx = Conv2D(8, 3, padding="same")(x)\n'


def _model(lines: list[str]) -> str:
    return HEAD + IMAGE + "\n".join(lines) + TAIL


def layers(n: int) -> str:
    """A functional model written out layer by layer."""
    kinds = ['Conv2D(8, 3, padding="same")', 'Activation("relu")', "BatchNormalization(axis=1)"]
    return _model([f"x = {kinds[i % 3]}(x)" for i in range(n)])


def named_layers(n: int) -> str:
    """The same with a name for each tensor, and sums over branches."""
    lines = ["t0 = x"]
    for i in range(1, n):
        old = f"t{i - 1}"
        lines.append(
            f"t{i} = add([{old}, Conv2D(8, 3, padding='same')({old})])"
            if i % 5 == 0
            else f"t{i} = Conv2D(8, 3, padding='same', data_format='channels_first')({old})"
        )
    return _model([*lines, f"x = t{n - 1}"])


def sequential(n: int) -> str:
    """`model.add` n times."""
    adds = "\n".join('model.add(Conv2D(8, 3, padding="same"))' for _ in range(n))
    return (
        f"{HEAD}model = Sequential()\nmodel.add(Conv2D(8, 3, padding='same', input_shape=(3, 32, 32)))\n{adds}\n"
        "model.add(Flatten())\nmodel.add(Dense(10))\nmodel.predict(np.zeros((8, 3, 32, 32)))\n"
    )


def models(n: int) -> str:
    """Many small models in one file."""
    one = (
        "image = x = Input((3, 32, 32))\nx = Conv2D(8, 3)(x)\nmodel = Model(image, Dense(10)(Flatten()(x)))\n"
        "model.predict(np.zeros((8, 3, 32, 32)))\n"
    )
    return HEAD + one * (n // 4)


def refused_models(n: int) -> str:
    """Many small models under one setting, each with a call that is not understood."""
    one = (
        "image = x = Input((3, 32, 32))\nx = Conv2D(8, 3)(x)\nx = helper(x)\nmodel = Model(image, Flatten()(x))\n"
        "model.predict(np.zeros((8, 3, 32, 32)))\n"
    )
    return HEAD + "from somewhere import helper\n" + one * (n // 5)


def disputed(n: int) -> str:
    """Helpers each of which is called on images and on tables: their axis numbers are planned again and again."""
    one = (
        "def f{0}(a):\n    return np.mean(a, axis=1)\n\n\nx{0} = np.zeros((8, 3, 32, 32))\n"
        "print(f{0}(np.ones((4, 5))))\ny{0} = f{0}(x{0})\nmodel.predict(x{0})\n"
    )
    return _model(["\n"]) + "".join(one.format(i) for i in range(n // 8))


def arrays(n: int) -> str:
    """Work on the images before they are fed, a line each."""
    steps = ["* 0.5", "- np.mean(x, axis=1, keepdims=True)", "/ 255.", "[:, :, ::-1]"]
    body = "\n".join(f"x{i + 1} = {f'x{i}{s}' if (s := steps[i % 4])[0] == '[' else f'x{i} {s}'}" for i in range(n))
    body = body.replace("mean(x,", "mean(x0,")
    return (
        f"{HEAD}x0 = np.zeros((8, 3, 32, 32))\n{body}\nimage = x = Input((3, 32, 32))\nx = Conv2D(8, 3)(x)\n"
        f"model = Model(image, Dense(10)(Flatten()(x)))\nmodel.predict(x{n})\n"
    )


def constants(n: int) -> str:
    """A long table of settings, a name each."""
    return HEAD + "\n".join(f"c{i} = {i % 7}" for i in range(n)) + "\n" + IMAGE + TAIL


def numbers(n: int) -> str:
    """A list of n numbers."""
    return f"{HEAD}table = [{', '.join(str(i % 256) for i in range(n))}]\n{IMAGE}{TAIL}"


def unknowns(n: int) -> str:
    """Calls of functions that are not known, on an array that is fed."""
    calls = "\n".join(f"helper{i}(data)" for i in range(n))
    return (
        f"{HEAD}from somewhere import *\ndata = load()\n{calls}\n{IMAGE}"
        "model = Model(image, Dense(10)(Flatten()(x)))\nmodel.predict(data)\n"
    )


def functions(n: int) -> str:
    """Many functions, each called once."""
    one = "def f{0}(x):\n    x = Conv2D(8, 3, padding='same')(x)\n    return x\n\n\nx = f{0}(x)\n"
    return _model(["".join(one.format(i) for i in range(n // 6))])


def uncalled(n: int) -> str:
    """Many functions that nothing calls."""
    one = "def f{0}(x, k=3):\n    x = Conv2D(8, k)(x)\n    x = x[:, 1]\n    return x\n\n\n"
    return _model(["".join(one.format(i) for i in range(n // 6))])


def methods(n: int) -> str:
    """One class with many methods that share attributes."""
    one = "    def m{0}(self, x):\n        self.a{0} = Conv2D(8, 3, padding='same')(x)\n        return self.a{0}\n\n"
    calls = "\n".join(f"x = net.m{i}(x)" for i in range(n // 5))
    return _model(["class Net:\n" + "".join(one.format(i) for i in range(n // 5)) + "\nnet = Net()\n" + calls])


def branches(n: int) -> str:
    """Names that depend on conditions which are not known."""
    lines = []
    for i in range(n // 4):
        lines += [
            f"if flag{i % 5}:",
            f"    v{i} = np.zeros((4, 3, 8, 8))",
            "else:",
            f"    v{i} = np.ones((4, 3, 8, 8))",
        ]
    return _model(lines)


def elifs(n: int) -> str:
    """One long chain of conditions."""
    lines = ["import sys", "if sys.argv[1] == 'a':", "    width = 1"]
    for i in range(n // 2):
        lines += [f"elif sys.argv[1] == 'a{i}':", f"    width = {i}"]
    return _model(lines)


def tries(n: int) -> str:
    """Many try blocks."""
    lines = []
    for i in range(n // 4):
        lines += ["try:", f"    v{i} = load{i}()", "except IOError:", f"    v{i} = None"]
    return _model(lines)


def loops(n: int) -> str:
    """Many loops of unknown length, one after the other."""
    lines = []
    for i in range(n // 3):
        lines += [f"for item{i} in range(count):", f"    a{i} = np.zeros((4, 3, 8, 8))", f"    b{i} = a{i} * 2"]
    return _model(lines)


def shared_literal(n: int) -> str:
    """One axis number and one shape that everything uses."""
    body = "\n".join(f"m{i} = np.mean(np.zeros(SHAPE), axis=AXIS)" for i in range(n))
    return f"{HEAD}AXIS = 1\nSHAPE = (8, 3, 32, 32)\n{body}\n{IMAGE}{TAIL}"


def one_helper(n: int) -> str:
    """One helper, called from everywhere."""
    return _model(
        ["def block(x, k=3):\n    x = Conv2D(8, k, padding='same')(x)\n    return BatchNormalization(axis=1)(x)\n"]
        + ["x = block(x)"] * n
    )


def one_array(n: int) -> str:
    """One array, read again and again."""
    body = "\n".join(f"y{i} = data[:, {i % 3}]" for i in range(n))
    return (
        f"{HEAD}data = np.zeros((8, 3, 32, 32))\n{body}\n{IMAGE}"
        "model = Model(image, Dense(10)(Flatten()(x)))\nmodel.predict(data)\n"
    )


def feeds(n: int) -> str:
    """One model that is fed n arrays."""
    body = "\n".join(f"p{i} = model.predict(np.load('a{i}.npy'))" for i in range(n))
    return f"{HEAD}{IMAGE}model = Model(image, Dense(10)(Flatten()(x)))\n{body}\n"


def strings(n: int) -> str:
    """A long text in quotes."""
    return HEAD + 'text = """\n' + "some words in a line\n" * n + '"""\n' + IMAGE + TAIL


SHALLOW: list[Callable[[int], str]] = [
    layers, named_layers, sequential, models, refused_models, disputed, arrays, constants, numbers, unknowns, functions,
    uncalled, methods, branches, tries, loops, shared_literal, one_helper, one_array, feeds, strings,
]  # fmt: skip


def chain_of_calls(n: int) -> str:
    """Functions each of which calls the one before."""
    body = "".join(f"def f{i}(x):\n    return f{i - 1}(x)\n\n\n" for i in range(1, n))
    return _model([f"def f0(x):\n    return Conv2D(8, 3, padding='same')(x)\n\n\n{body}x = f{n - 1}(x)"])


def fan_out(n: int) -> str:
    """Functions each of which calls the one before twice: 2**n calls."""
    body = "".join(f"def f{i}(x):\n    return f{i - 1}(f{i - 1}(x))\n\n\n" for i in range(1, n))
    return _model([f"def f0(x):\n    return Conv2D(8, 3, padding='same')(x)\n\n\n{body}x = f{n - 1}(x)"])


def recursion(n: int) -> str:
    """Functions that call each other in a ring, twice each."""
    body = "".join(
        f"def f{i}(x, d):\n    if d:\n        x = f{(i + 1) % n}(x, d - 1)\n        x = f{(i + 2) % n}(x, d - 1)\n"
        "    return Activation('relu')(x)\n\n\n"
        for i in range(n)
    )
    return _model([f"{body}x = f0(x, depth)"])


def nested_calls(n: int) -> str:
    """`Conv2D(...)(Conv2D(...)(...))`."""
    return _model([f"x = {'Activation(f)(' * n}x{')' * n}"])


def curried(n: int) -> str:
    """`f(1)(1)(1)...`."""
    return _model([f"y = f{'(1)' * n}"])


def method_chain(n: int) -> str:
    """`a.reshape(...).reshape(...)...`."""
    return _model([f"y = np.zeros((8, 3, 32, 32)){'.astype(t)' * n}"])


def attributes(n: int) -> str:
    """`a.b.b.b...`."""
    return _model([f"y = a{'.b' * n}"])


def subscripts(n: int) -> str:
    """`a[0][0]...`."""
    return _model([f"y = a{'[0]' * n}"])


def long_sum(n: int) -> str:
    """`x + x + ...`."""
    return _model([f"y = {' + '.join(['np.zeros((8, 3, 32, 32))'] * n)}"])


def long_and(n: int) -> str:
    """`-----x`, `not not x`."""
    return _model([f"y = {'-' * n}1", f"z = {'not ' * n}x"])


def nested_lists(n: int) -> str:
    """`[[[...]]]`."""
    return _model([f"y = {'[' * n}{']' * n}"])


def nested_lambdas(n: int) -> str:
    """`lambda: lambda: ...`."""
    return _model([f"f = {'lambda: ' * n}1"])


def nested_ifs(n: int) -> str:
    """`if` in `if`, and an expression of conditions."""
    lines = [f"{' ' * i}if flag{i}:" for i in range(n)]
    return _model([*lines, f"{' ' * n}y = 1", f"z = {'1 if a else ' * n}1"])


def nested_loops(n: int) -> str:
    """`for` in `for`."""
    lines = [f"{' ' * i}for i{i} in range(9):" for i in range(n)]
    return _model([*lines, f"{' ' * n}y = np.zeros((4, 3, 8, 8))"])


def unrolled_loops(n: int) -> str:
    """`for` in `for`, over lists that are written out."""
    lines = [f"{' ' * i}for i{i} in [{', '.join('1' * 60)}]:" for i in range(n)]
    return _model([*lines, f"{' ' * n}y = np.zeros((4, 3, 8, 8))"])


def nested_functions(n: int) -> str:
    """`def` in `def`."""
    lines = [f"{' ' * i}def f{i}(x):" for i in range(n)]
    ends = [f"{' ' * i}return f{i}(x)" for i in range(n - 1, 0, -1)]
    return _model([*lines, f"{' ' * n}return x", *ends, "x = f0(x)"])


def nested_classes(n: int) -> str:
    """`class` in `class`."""
    lines = [f"{' ' * i}class C{i}(object):" for i in range(n)]
    return _model([*lines, f"{' ' * n}y = 1"])


def nested_tries(n: int) -> str:
    """`try` in `try`."""
    lines = [f"{' ' * i}try:" for i in range(n)]
    ends = [f"{' ' * i}except Exception:\n{' ' * i} y = 1" for i in range(n - 1, -1, -1)]
    return _model([*lines, f"{' ' * n}y = 1", *ends])


def inheritance(n: int) -> str:
    """Classes each of which derives from the one before."""
    body = "".join(f"class C{i}(C{i - 1}):\n    pass\n\n\n" for i in range(1, n))
    return _model([f"class C0(object):\n    def f(self, x):\n        return x\n\n\n{body}x = C{n - 1}().f(x)"])


def grown_list(n: int) -> str:
    """A list of lists that doubles."""
    return _model(["y = [x]", *["y = [y, y]"] * n])


def doubled_tuple(n: int) -> str:
    """A tuple that doubles."""
    return _model(["y = (1, 2)", *["y = y + y"] * n])


DEEP: list[Callable[[int], str]] = [
    chain_of_calls, fan_out, recursion, nested_calls, curried, method_chain, attributes, subscripts, long_sum, long_and,
    nested_lists, nested_lambdas, nested_ifs, nested_loops, unrolled_loops, nested_functions, nested_classes,
    nested_tries, inheritance, grown_list, doubled_tuple, elifs,
]  # fmt: skip
