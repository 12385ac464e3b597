"""What do the relu rules gain in an old Keras? Run it by a Python that has one.

    KERAS_BACKEND=tensorflow OLD_PYTHON benchmarks/relu_old.py [MIB [ROUNDS]]

Prints as `benchmarks/relu.py` does: the relu against what the rules make of it, with gradient and without,
and one training step of a small network with the plain 'relu' against KM206's. Written for Python 3.6 and later.
"""

import random
import statistics
import sys
import time

import numpy as np
import tensorflow as tf

if hasattr(tf, "python") and not hasattr(tf.python, "control_flow_ops"):  # Keras 1.0 asks for it there
    from tensorflow.python.ops import control_flow_ops

    tf.python.control_flow_ops = control_flow_ops

import keras
from keras import backend as K
from keras.layers import Activation, Dense
from keras.models import Sequential

PAIRS = [
    ("K.relu(x)", "tf.nn.relu(x)"),
    ("K.relu(x, alpha=.1)", "tf.maximum(.1 * x, x)"),
    ("K.relu(x) - .1 * K.relu(-x)", "tf.maximum(.1 * x, x)"),
    ("K.relu(x) - .1 * K.relu(-x)", "K.relu(x, alpha=.1)"),
]
if hasattr(tf.nn, "leaky_relu"):
    PAIRS.append(("K.relu(x, alpha=.1)", "tf.nn.leaky_relu(x, alpha=.1)"))


def compared(name, old, new, rounds):
    """Interleaved times of two functions, and their ratio."""
    times = {True: [], False: []}
    for step in (old, new):
        step()
    for _ in range(rounds):
        for is_old in random.sample((True, False), 2):
            start = time.perf_counter()
            (old if is_old else new)()
            times[is_old].append(time.perf_counter() - start)
    ratios = sorted(a / b for a, b in zip(times[True], times[False]))
    before, now = statistics.median(times[True]), statistics.median(times[False])
    low, high = ratios[len(ratios) // 4], ratios[-1 - len(ratios) // 4]
    print(f"| {name} | {before * 1e3:.1f} | {now * 1e3:.1f} | {before / now:.2f} [{low:.2f}-{high:.2f}] |", flush=True)


def network(activation):
    """A training step of six wide layers, batch 512."""
    model = Sequential()
    for i in range(6):
        model.add(Dense(512, input_shape=(512,))) if i == 0 else model.add(Dense(512))
        model.add(Activation(activation))
    model.compile(loss="mse", optimizer="sgd")
    rng = np.random.RandomState(0)
    x, y = rng.normal(size=(512, 512)), rng.normal(size=(512, 512))
    return lambda: model.train_on_batch(x, y)


def main():
    mib, rounds = (int(a) for a in (sys.argv[1:] + ["64", "11"][len(sys.argv) - 1 :]))
    print(f"Keras {keras.__version__}, TensorFlow {tf.__version__}, {mib} MiB, {rounds} rounds")
    print("| form | before ms | after ms | ratio [quartiles] |\n|---|---|---|---|")
    x = tf.Variable(np.random.RandomState(0).normal(size=(mib, 1024, 256)).astype("float32"), trainable=False)
    session = K.get_session()
    session.run(x.initializer)
    names = {"K": K, "tf": tf, "x": x}
    for old, new in PAIRS:
        for what in ("forward", "with gradient"):
            ops = []
            for code in (old, new):
                y = eval(code, names)
                ops.append((y if what == "forward" else tf.gradients(y, [x])[0]).op)
            steps = [lambda op=op: session.run(op) for op in ops]
            compared(f"`{old}` -> `{new}`, {what}", steps[0], steps[1], rounds)
    compared("a step of six Dense(512) with 'relu' -> tf.nn.relu", network("relu"), network(tf.nn.relu), rounds)


if __name__ == "__main__":
    main()
