"""An example for each row of the tables: what is done to ``x``, a channels-first array, or to ``t``, a channels-first
map between two layers.

A name stands for itself in ``{}``; keys are the rows that an example is for.
"""

from __future__ import annotations

from kmigrate.layout.interpret import operation_tables as tables
from kmigrate.layout.interpret.keras_rows import ELEMENTWISE
from kmigrate.layout.interpret.numpy_rows import BINARY, REDUCE, UNARY

# -- numpy: statements on x, which is (4, 3, 6, 8) ---------------------------------------------------------------

_NUMPY: dict[str, str] = {
    **dict.fromkeys(UNARY.split(), "r = {f}(x)"),
    **dict.fromkeys("invert logical_not".split(), "r = {f}(x > 0)"),
    **dict.fromkeys(BINARY.split(), "r = {f}(x, x[:, ::-1])"),
    **dict.fromkeys("bitwise_and bitwise_or bitwise_xor".split(), "r = {f}(x > 0, x > .5)"),
    "where": "r = {f}(x > 0, x, x[:, :1])",
    "clip": "r = {f}(x, 0, x[:, :1] + 1)",
    **dict.fromkeys(
        ["allclose", "array_equal", "array_equiv", "testing.assert_allclose", "testing.assert_array_equal",
         "testing.assert_almost_equal", "testing.assert_array_almost_equal"], "{f}(x, x + 0)"),
    **dict.fromkeys(REDUCE.split(), "r = {f}(x, axis=1) + {f}(x[:, 0], axis=2).reshape(4, 6, 1)"),
    "median": "r = {f}(x, axis=1)",
    "argmax": "r = {f}(x, axis=1)", "argmin": "r = {f}(x, axis=-1)",
    "nanargmax": "r = {f}(x, 1)", "nanargmin": "r = {f}(x, 2)",
    "percentile": "r = {f}(x, 30, axis=1)", "nanpercentile": "r = {f}(x, 30, axis=1)",
    "quantile": "r = {f}(x, .3, axis=2)",
    "linalg.norm": "r = {f}(x, axis=1)", "norm": "r = {f}(x, axis=1)",
    "unique": "r = {f}(x)", "histogram": "r, edges = {f}(x)", "bincount": "r = {f}((x * 3).astype(int).reshape(-1))",
    **dict.fromkeys(["zeros", "ones", "empty", "ndarray"], "r = {f}((4, 3, 6, 8))\nr[:] = x"),
    "full": "r = {f}((4, 3, 6, 8), 2.) + x",
    **dict.fromkeys(["zeros_like", "ones_like"], "r = {f}(x) + x"),
    "empty_like": "r = {f}(x)\nr[:] = x", "full_like": "r = {f}(x, 3) + x",
    **dict.fromkeys(["array", "asarray", "asanyarray", "asfarray"], "r = {f}(x) + {f}([a for a in x])"),
    "broadcast_to": "r = {f}(x[:, :1], (4, 3, 6, 8)) + x",
    "meshgrid": "a, b = {f}(np.arange(8), np.arange(6))\nr = x * a",
    "arange": "r = x * {f}(8)", "linspace": "r = x * {f}(0, 1, 8)", "logspace": "r = x * {f}(0, 1, 8)",
    "reshape": "r = {f}(x, (4, 3, 48))", "transpose": "r = {f}(x, (0, 1, 3, 2))",
    "swapaxes": "r = {f}(x, 2, 3)", "moveaxis": "r = {f}(x, 1, 2)", "rollaxis": "r = {f}(x, 3, 1)",
    "rot90": "r = {f}(x, 1, (2, 3))", "ravel": "np.save('r.npy', {f}(x))",
    "expand_dims": "r = {f}(x, 1)", "squeeze": "r = {f}(x[:, :, :1], axis=2)",
    "stack": "r = {f}([x, x * 2], axis=2)", "concatenate": "r = {f}([x, x[:, :1]], axis=1)",
    "vstack": "r = {f}([x, x[:2]])", "row_stack": "r = {f}([x, x[:2]])", "hstack": "r = {f}([x, x[:, :2]])",
    "dstack": "r = {f}([x, x])", "column_stack": "r = {f}([x.mean(axis=(2, 3)), x.sum(axis=(2, 3))])",
    "append": "r = {f}(x, x[:, :1], axis=1)",
    "cumsum": "r = {f}(x, axis=1)", "cumprod": "r = {f}(x, 2)", "sort": "r = {f}(x)", "argsort": "r = {f}(x, 1)",
    "flip": "r = {f}(x, 1) + {f}(x)", "fliplr": "r = {f}(x)", "flipud": "r = {f}(x)",
    "roll": "r = {f}(x, 1, axis=1)", "repeat": "r = {f}(x, 2, axis=1)",
    "diff": "r = {f}(x, axis=1) + {f}(x[:, :2, :, 1:], 1)[:, :, :, :0].sum()",
    "delete": "r = {f}(x, 1, axis=1)", "take": "r = {f}(x, [2, 0], axis=1) + {f}(x, 1, axis=1)[:, None]",
    "gradient": "r = {f}(x, axis=2)",
    "split": "r, a, b = {f}(x, 3, axis=1)", "array_split": "r, a = {f}(x, [2], axis=1)",
    "vsplit": "r, a = {f}(x, 2)", "hsplit": "r, a, b = {f}(x, 3)", "dsplit": "r, a = {f}(x, 2)",
    "pad": "r = {f}(x, ((0, 0), (1, 0), (2, 3), (0, 0)), mode='constant')", "tile": "r = {f}(x, (1, 2, 1, 3))",
    "dot": "r = {f}(x, np.ones((8, 8)))", "matmul": "r = {f}(x, np.ones((8, 8)))",
    "outer": "r = {f}(x[0, 0, 0], x[0, :, 0, 0])", "tensordot": "r = {f}(x, np.ones((8, 5)), 1)",
    "einsum": "r = {f}('nchw,c->nhc', x, np.arange(3.))",
    "shape": "r = x * {f}(x)[1]", "ndim": "r = x * {f}(x)",
    **dict.fromkeys(["loadtxt", "genfromtxt", "fromfile", "memmap", "frombuffer", "fromstring"],
                    "if np.__name__ == 'x':\n    a = {f}('a.txt')"),
    "load": "r = {f}('y_4_3_6_8.npy') + x", "save": "{f}('r.npy', x)",
    **dict.fromkeys(["savez", "savez_compressed", "savetxt"], "{f}('r.npz', x)"),
    "eye": "a = {f}(3)", "identity": "a = {f}(3)", "diag": "a = {f}(np.arange(3))",
    "seterr": "{f}(all='ignore')", "errstate": "a = {f}(all='ignore')", "set_printoptions": "{f}(precision=3)",
    "finfo": "a = {f}(float)", "iinfo": "a = {f}(int)", "dtype": "a = {f}('float32')",
    # random numbers
    "random.rand": "r = x + {f}(4, 3, 6, 8)", "random.randn": "r = x + {f}(4, 3, 6, 8)",
    **dict.fromkeys(["random.random", "random.random_sample", "random.ranf", "random.sample",
                     "random.standard_normal"], "r = x + {f}((4, 3, 6, 8))"),
    **dict.fromkeys(["random.uniform", "random.normal", "random.beta", "random.gamma", "random.laplace"],
                    "r = x + {f}(1, 2, (4, 3, 6, 8))"),
    **dict.fromkeys(["random.randint", "random.integers", "random.random_integers"], "r = x + {f}(1, 9, (4, 3, 6, 8))"),
    "random.binomial": "r = x + {f}(5, .5, (4, 3, 6, 8))", "random.truncated_normal": "a = {f}(0, 1, (4, 3, 6, 8))",
    "random.poisson": "r = x + {f}(3, (4, 3, 6, 8))", "random.exponential": "r = x + {f}(3, (4, 3, 6, 8))",
    "random.shuffle": "{f}(x)", "random.permutation": "r = {f}(x)",
    "random.seed": "{f}(3)", "random.set_state": "{f}(np.random.get_state())", "random.get_state": "a = {f}()",
    "random.RandomState": "r = x + {f}(3).rand(4, 3, 6, 8)",
    "random.default_rng": "r = x + {f}(3).random((4, 3, 6, 8))",
    "random.choice": "a = {f}(3)",
}  # fmt: skip

METHODS: dict[str, str] = {
    **dict.fromkeys("mean sum max min std var prod any all ptp argmax argmin".split(), "r = x.{f}(1)"),
    "astype": "r = x.astype('float64')", "numpy": "a = x.numpy()",
    **dict.fromkeys("copy round conj".split(), "r = x.{f}()"),
    "clip": "r = x.clip(0, 1)", "flatten": "np.save('r.npy', x.flatten())", "ravel": "np.save('r.npy', x.ravel())",
    "swapaxes": "r = x.swapaxes(1, 2)",
    "squeeze": "r = x[:, :1].squeeze(1)", "cumsum": "r = x.{f}(1)", "cumprod": "r = x.{f}(axis=1)",
    "argsort": "r = x.argsort()", "repeat": "r = x.repeat(2, axis=1)", "take": "r = x.take([0, 2], axis=1)",
    "dot": "r = x.dot(np.ones((8, 8)))",
}  # fmt: skip

# -- Python and others -----------------------------------------------------------------------------------------------

_PYTHON: dict[str, str] = {
    "builtins.len": "r = x * len(x) + len(x[0])", "builtins.range": "for i in range(3):\n    x[:, i] *= i + 1",
    "builtins.int": "r = x * int(2.5)", "builtins.float": "r = x * float(3)", "builtins.round": "a = round(2.6)",
    "builtins.abs": "r = abs(x)", "builtins.pow": "r = pow(x, 2)", "builtins.sum": "r = sum([x, x[:, ::-1]])",
    "builtins.min": "r = x * min(x.shape[1:])", "builtins.max": "r = x * max(x.shape[1:])",
    "builtins.bool": "a = bool(3)", "builtins.ord": "a = ord('a')", "builtins.hash": "a = hash(3)",
    "builtins.id": "a = id(3)", "builtins.tuple": "r = x.reshape(tuple([4, 3, 48]))",
    "builtins.list": "r = np.array(list(x))", "builtins.reversed": "r = np.array([x[i] for i in reversed(range(4))])",
    "builtins.sorted": "r = x * sorted([3, 1])[1]", "builtins.set": "r = x * len(set([3, 1]))",
    "builtins.frozenset": "r = x * len(frozenset([3, 1]))",
    "builtins.dict": "d = dict(axis=1)\nr = x.mean(axis=d['axis'])",
    "builtins.zip": "for i, k in zip((0, 1), (2, 1)):\n    x[:, i] += x[:, k]",
    "builtins.enumerate": "for i, image in enumerate(x):\n    image[0] += i",
    "builtins.map": "r = np.array(list(map(lambda image: image[::-1], x)))",
    "builtins.filter": "a = list(filter(lambda n: n > 1, [1, 2, 3]))", "builtins.iter": "r = next(iter(x))",
    "builtins.next": "r = next(a for a in [x])", "builtins.getattr": "r = x * getattr(x, 'shape')[1]",
    "builtins.print": "print(x.shape, x[0, 1].mean())",
    **{f"builtins.{name}": f"a = {name}(3)" for name in "str repr format callable type chr".split()},
    "builtins.dir": "a = dir(3)", "builtins.isinstance": "a = isinstance(3, int)", "builtins.slice": "a = slice(3)",
    "builtins.hasattr": "a = hasattr(3, 'x')", "builtins.issubclass": "a = issubclass(int, object)",
    "builtins.bytes": "a = bytes(3)", "builtins.any": "a = any([3])", "builtins.all": "a = all([3])",
    "builtins.divmod": "a = divmod(7, 3)",
    **{f"builtins.{name}": f"if np.__name__ == 'x':\n    {name}('a')"
       for name in "open input raw_input help exit quit".split()},
    **{f"builtins.{name}": f"if np.__name__ == 'x':\n    {name}('a')"
       for name in "exec eval execfile globals locals vars __import__".split()},
    "builtins.reduce": "r = reduce(lambda a, b: a * b, [x, x[:, ::-1]])",
    "functools.partial": "r = functools.partial(np.mean, axis=1)(x)",
    "builtins.setattr": "class Box: pass\nbox = Box()\nsetattr(box, 'a', x)\nr = box.a[:, 0]",
    "functools.reduce": "r = functools.reduce(lambda a, b: a + b, [x, x[:, ::-1]])",
    **{f"operator.{name}": f"r = operator.{name}(x, x)" for name in "add sub mul truediv floordiv pow".split()},
    "operator.neg": "r = operator.neg(x)", "copy.copy": "r = copy.copy(x)", "copy.deepcopy": "r = copy.deepcopy(x)",
    "itertools.product": "for i, k in itertools.product(range(4), range(3)):\n    x[i, k] *= i - k",
    "itertools.izip": "if np.__name__ == 'x':\n    a = itertools.izip([1], [2])",
    "itertools.combinations": "a = itertools.combinations([1, 2], 2)",
    "itertools.permutations": "a = itertools.permutations([1, 2], 2)", "itertools.count": "a = itertools.count(1)",
    "itertools.groupby": "a = itertools.groupby([1])",
    "itertools.chain": "for i in itertools.chain([0], [1]):\n    x[:, i] = 1",
    "itertools.cycle": "a = itertools.cycle([1, 2])",
    "collections.OrderedDict": "d = collections.OrderedDict(axis=1)\nr = x.sum(axis=d['axis'])",
    **{f"random.{name}": f"a = random.{name}(3)" for name in "seed randrange".split()},
    "random.random": "random.seed(1)\na = random.random()",
    "random.randint": "random.seed(1)\na = random.randint(1, 2)",
    "random.uniform": "random.seed(1)\na = random.uniform(1, 2)",
    "random.gauss": "random.seed(1)\na = random.gauss(1, 2)",
    "random.choice": "random.seed(1)\na = random.choice([1, 2])", "random.sample": "a = random.sample([1, 2], 1)",
    "random.shuffle": "random.shuffle([1, 2])",
}  # fmt: skip

# -- the backend: expressions on t, which is (N, 4, 5, 6) ------------------------------------------------------

_BACKEND: dict[str, str] = {
    **dict.fromkeys(ELEMENTWISE.split(), "{f}(t)"),
    **dict.fromkeys("maximum minimum equal not_equal greater greater_equal less less_equal add "
                    "subtract multiply divide".split(), "{f}(t, t[:, ::-1])"),
    "where": "{f}(t > 0, t, t[:, ::-1])", **dict.fromkeys(["logical_and", "logical_or"], "{f}(t > 0, t > .1)"),
    "logical_not": "{f}(t > 0)",
    "relu": "{f}(t)", "leaky_relu": "{f}(t)", "pow": "{f}(t, 2)", "cast": "{f}(t, 'float64')",
    "clip": "{f}(t, -.1, .2)", "dropout": "{f}(t, .5)", "binary_crossentropy": "{f}(K.sigmoid(t), K.sigmoid(t * 2))",
    "switch": "{f}(t > 0, t, t * 2)", "in_train_phase": "{f}(t, t * 2)", "in_test_phase": "{f}(t, t * 2)",
    **dict.fromkeys("mean sum max min std var prod logsumexp".split(), "{f}(t, axis=[1, 2], keepdims=True)"),
    **dict.fromkeys(["any", "all"], "K.cast({f}(t > 0, axis=[1, 2], keepdims=True), 'float64')"),
    "argmax": "{f}(t)", "argmin": "{f}(t, 1)",
    "concatenate": "{f}([t, t * 2])", "stack": "{f}([t, t * 2], axis=2)", "reshape": "{f}(t, (-1, 4, 30))",
    "permute_dimensions": "{f}(t, (0, 1, 3, 2))", "transpose": "{f}(K.mean(t, axis=[2, 3]))",
    "expand_dims": "{f}(t)", "squeeze": "{f}(t[:, :, :1], 2)", "flatten": "{f}(t)", "batch_flatten": "{f}(t)",
    "softmax": "{f}(t, axis=1)", "l2_normalize": "{f}(t, axis=1)",
    "categorical_crossentropy": "{f}(K.softmax(t, axis=-1), K.softmax(t * 2, axis=-1))",
    "sparse_categorical_crossentropy": "{f}(t[:, :, :, :1] * 0, K.softmax(t, axis=-1))",
    "cumsum": "{f}(t, axis=1)", "cumprod": "{f}(t, 2)", "reverse": "{f}(t, 1)",
    "repeat_elements": "{f}(t, 2, axis=1)", "repeat": "{f}(K.mean(t, axis=[2, 3]), 3)",
    "tile": "{f}(t, (1, 2, 1, 1))",
    "gather": "{f}(t, [1, 0])", "one_hot": "{f}(K.cast(K.argmax(t, axis=1), 'int32'), 4)",
    "dot": "{f}(t, K.ones((6, 3)))", "batch_dot": "{f}(K.mean(t, axis=[2, 3]), K.sum(t, axis=[2, 3]), axes=1)",
    "conv1d": "{f}(t[:, 0], K.ones((2, 6, 3)))", "conv2d": "{f}(t, K.ones((3, 3, 4, 2)), padding='same')",
    "conv3d": "{f}(K.expand_dims(t, 2), K.ones((1, 3, 3, 4, 2)), padding='same')",
    "conv2d_transpose": "{f}(t, K.ones((3, 3, 2, 4)), (None, 2, 5, 6), padding='same')",
    "depthwise_conv2d": "{f}(t, K.ones((3, 3, 4, 1)))",
    "pool2d": "{f}(t, (2, 2), padding='same')", "pool3d": "{f}(K.expand_dims(t, 2), (1, 2, 2))",
    "resize_images": "{f}(t, 2, 3, K.image_data_format())",
    "resize_volumes": "{f}(K.expand_dims(t, 2), 2, 2, 3, K.image_data_format())",
    "spatial_2d_padding": "{f}(t, ((1, 0), (2, 3)))", "spatial_3d_padding": "{f}(K.expand_dims(t, 2))",
    "bias_add": "{f}(t, K.constant([1., 2., 3., 4.]))",
    "zeros": "t + {f}((4, 5, 6))", "ones": "t + {f}((4, 5, 6))",
    **dict.fromkeys(["random_normal", "random_uniform", "random_binomial", "truncated_normal",
                     "random_normal_variable", "random_uniform_variable"], "t + 0 * K.sum({f}((4, 5, 6)))"),
    "placeholder": "t * K.ndim({f}((None, 3)))", "variable": "t * {f}(2.)", "constant": "t * {f}(2.)",
    "eval": "t * {f}(2.)", "get_value": "t * {f}(2.)", "gradients": "{f}(K.sum(t), [t])[0]",
    "function": "t if {f}([t], [t * 2]) else t", "set_value": "t * (2 if {f}(K.variable(2.), 3.) is None else 1)",
    "arange": "t * {f}(6)", "int_shape": "t * {f}(t)[1]", "shape": "t * {f}(t)[2]", "ndim": "t * {f}(t)",
    **dict.fromkeys("epsilon learning_phase".split(), "t * {f}()"), "count_params": "t * (2 if {f}(t) else 1)",
    **dict.fromkeys("floatx backend get_session clear_session reset_uids".split(), "t if {f}() else t"),
    **dict.fromkeys("set_floatx set_epsilon set_session set_learning_phase manual_variable_initialization name_scope "
                    "get_uid is_keras_tensor is_sparse dtype".split(), "t if {f}('a') else t"),
}  # fmt: skip
BACKEND = {f"backend.{name}": body for name, body in _BACKEND.items() if f"backend.{name}" in tables.BACKEND}

_OPS: dict[str, str] = {
    **{name: text for name, text in _NUMPY.items() if f"ops.{name}" in tables.OPS},
    **dict.fromkeys(ELEMENTWISE.split(), "r = {f}(x)"),
    **dict.fromkeys("maximum minimum equal not_equal greater greater_equal less less_equal add "
                    "subtract multiply divide".split(), "r = {f}(x, x[:, ::-1])"),
    "where": "r = {f}(x > 0, x, x * 2)", **dict.fromkeys(["logical_and", "logical_or"], "r = {f}(x > 0, x > 1)"),
    "logical_not": "r = {f}(x > 0)", "identity": "a = {f}(3)",
    **dict.fromkeys("relu relu6 sigmoid leaky_relu elu hard_sigmoid hard_silu mish celu log_sigmoid rsqrt".split(),
                    "r = {f}(x)"),
    "cast": "r = {f}(x, 'float64')", "clip": "r = {f}(x, 0, 1)", "softmax": "r = {f}(x, axis=1)",
    "log_softmax": "r = {f}(x)", "logsumexp": "r = {f}(x, axis=1)",
    "one_hot": "r = {f}(x.argmax(axis=1), 3)", "convert_to_numpy": "r = {f}(x)", "convert_to_tensor": "r = {f}(x)",
    "shape": "r = x * {f}(x)[1]",
}  # fmt: skip
OPS = {f"ops.{name}": body for name, body in _OPS.items() if f"ops.{name}" in tables.OPS}

# -- TensorFlow, and libraries that are not there when the programs run ----------------------------------------

_MATH = {
    **dict.fromkeys(
        "abs square sqrt rsqrt exp log sign negative sigmoid tanh sin cos floor ceil round is_nan log1p "
        "softplus".split(),
        "r = {f}(x)",
    ),
    **dict.fromkeys(
        "maximum minimum add subtract multiply divide equal not_equal greater greater_equal less "
        "less_equal truediv div mod squared_difference pow".split(),
        "r = {f}(x, x[:, ::-1])",
    ),
    **dict.fromkeys("logical_and logical_or".split(), "r = {f}(x > 0, x > 1)"),
    "logical_not": "r = {f}(x > 0)",
    **dict.fromkeys([f"reduce_{n}" for n in "mean sum max min prod any all logsumexp".split()], "r = {f}(x, axis=1)"),
    **dict.fromkeys("argmax argmin arg_max".split(), "r = {f}(x, axis=1)"),
    **dict.fromkeys("cumsum cumprod".split(), "r = {f}(x, axis=1)"),
}
_TENSORFLOW = {
    **_MATH, **{f"math.{name}": text for name, text in _MATH.items()},
    "cast": "r = {f}(x, 'float64')", "clip_by_value": "r = {f}(x, 0, 1)",
    **dict.fromkeys("identity stop_gradient zeros_like ones_like to_float to_int32".split(), "r = {f}(x)"),
    "where": "r = {f}(x > 0, x, x * 2)",
    **{f"nn.{n}": "r = {f}(x)" for n in "relu relu6 sigmoid tanh elu selu softplus softsign leaky_relu swish "
       "silu".split()},
    "nn.dropout": "r = {f}(x, .5)", "concat": "r = {f}([x, x[:, :1]], axis=1)", "stack": "r = {f}([x, x], axis=1)",
    "unstack": "r = {f}(x, axis=1)[0]", "split": "r, a = {f}(x, [1, 2], axis=1)", "reshape": "r = {f}(x, (4, 3, 48))",
    "transpose": "r = {f}(x, (0, 1, 3, 2))", "expand_dims": "r = {f}(x, 1)", "squeeze": "r = {f}(x[:, :1], 1)",
    "reverse": "r = {f}(x, [1])", "roll": "r = {f}(x, 1, axis=1)", "tile": "r = {f}(x, [1, 2, 1, 1])",
    "pad": "r = {f}(x, [[0, 0], [1, 0], [2, 3], [0, 0]])", "gather": "r = {f}(x, [1, 0], axis=1)",
    "one_hot": "r = {f}(x.argmax(axis=1), 3)", "matmul": "r = {f}(x, np.ones((8, 8)))",
    "linalg.matmul": "r = {f}(x, np.ones((8, 8)))", "nn.softmax": "r = {f}(x, axis=1)",
    "nn.log_softmax": "r = {f}(x)",
    "nn.l2_normalize": "r = {f}(x, axis=1)",
    "nn.conv2d": "r = {f}(x, np.ones((3, 3, 3, 2)), [1, 1, 2, 1], 'SAME', data_format='NCHW')",
    **{f"nn.{n}": "r = {f}(x, [1, 1, 2, 2], [1, 1, 2, 1], 'SAME', data_format='NCHW')"
       for n in "max_pool max_pool2d avg_pool avg_pool2d".split()},
    "nn.bias_add": "r = {f}(x, np.arange(3.), data_format='NCHW')",
    **dict.fromkeys("zeros ones random.normal random.uniform random_normal random_uniform truncated_normal".split(),
                    "r = x + 0 * {f}((4, 3, 6, 8))"),
    "fill": "r = x + {f}((4, 3, 6, 8), 2.)", "placeholder": "a = {f}(shape=(None, 3))",
    "constant": "r = x * {f}(2.)", "convert_to_tensor": "r = {f}(x)", "Variable": "r = {f}(x)",
    "gradients": "r = {f}(x, [x])[0]", "shape": "r = x * {f}(x)[1]", "rank": "r = x * {f}(x)",
    "range": "r = x * {f}(8)", "linspace": "a = {f}(0., 1., 8)",
    **{f"image.{n}": "r = {f}(np.transpose(x, (0, 2, 3, 1)))" for n in "flip_left_right flip_up_down "
       "random_flip_left_right random_flip_up_down per_image_standardization rot90 rgb_to_grayscale".split()},
    **{f"image.{n}": "r = {f}(np.transpose(x, (0, 2, 3, 1)), .2)"
       for n in "adjust_brightness adjust_contrast adjust_hue "
       "adjust_saturation random_brightness random_contrast random_hue random_saturation convert_image_dtype "
       "central_crop".split()},
    **{f"image.{n}": "r = {f}(np.transpose(x, (0, 2, 3, 1)), (5, 4))" for n in "resize resize_images resize_bilinear "
       "resize_nearest_neighbor resize_bicubic resize_with_pad resize_image_with_crop_or_pad resize_with_crop_or_pad "
       "crop_to_bounding_box pad_to_bounding_box".split()},
    **dict.fromkeys("image.decode_jpeg image.decode_png image.decode_image "
                    "image.decode_bmp io.decode_jpeg io.decode_png io.decode_image".split(),
                    "r = np.expand_dims({f}('f'), 0)"),
    **dict.fromkeys(["read_file", "io.read_file"], "a = {f}('f')"),
    "data.Dataset.from_tensor_slices": "for r in {f}((x,)).shuffle(9).batch(2):\n    model.predict(r)",
}  # fmt: skip
_OTHERS = {
    "sklearn.model_selection.train_test_split": "r, a = {f}(x)",
    "sklearn.cross_validation.train_test_split": "r, a = {f}(x)",
    "sklearn.utils.shuffle": "r = {f}(x)",
    **{f"sklearn.model_selection.{n}": "for a, b in {f}(2).split(x):\n    r = x[a]"
       for n in ("KFold", "StratifiedKFold", "ShuffleSplit")},
    "tqdm.tqdm": "for a in {f}(x):\n    a[0] = 1", "tqdm.trange": "for i in {f}(3):\n    x[:, i] = 1",
    **dict.fromkeys(["tqdm.tqdm_notebook", "tqdm.auto.tqdm", "tqdm.notebook.tqdm"], "for a in {f}(x):\n    a[0] = 1"),
    "scipy.misc.imsave": "{f}('a.png', x[0])",
}  # fmt: skip
# What reads, writes or shows: its argument stays as it is.
_OUTSIDE = {name: "a = {f}('a', np.zeros((5, 5)))" for name in tables.OTHERS if name not in _OTHERS}
_HARMLESS = {
    f"tensorflow.{name}": "a = {f}()"
    for name in "set_random_seed random.set_seed Session InteractiveSession ConfigProto GPUOptions "
    "global_variables_initializer initialize_all_variables get_default_graph Graph name_scope variable_scope "
    "train.AdamOptimizer train.RMSPropOptimizer train.GradientDescentOptimizer get_default_session "
    "reset_default_graph compat.v1.disable_eager_execution executing_eagerly".split()
}
LIBRARIES: dict[str, str] = {
    **{f"tensorflow.{name}": text for name, text in _TENSORFLOW.items()}, **_HARMLESS, **_OTHERS, **_OUTSIDE,
}  # fmt: skip
KERAS: dict[str, str] = {
    "utils.to_categorical": "r = keras.utils.to_categorical(np.arange(4), 5)",
    "utils.normalize": "r = keras.utils.normalize(x, axis=1)",
    "applications.decode_predictions": "a = keras.applications.vgg16.decode_predictions(np.ones((4, 1000)))",
    "utils.set_random_seed": "keras.utils.set_random_seed(3)",
    "utils.Progbar": "a = keras.utils.Progbar(3)",
}

STATEMENTS: dict[str, str] = {
    **{f"numpy.{name}": body for name, body in _NUMPY.items() if f"numpy.{name}" in tables.TABLE},
    **_PYTHON,
}
