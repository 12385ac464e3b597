"""Record what old programs compute on the real old Keras: tests/keras_api/old_programs/*.npz.

    HOME=$(mktemp -d) KERAS_BACKEND=tensorflow OLD_PYTHON tests/keras_api/record_references.py keras_1_2_2

The program of that name runs under OLD_PYTHON, which has the Keras that the name says: Keras 1.2.2 with
TensorFlow 1.4.1 (Python 3.6), Keras 2.3.1 with TensorFlow 1.15.5 (Python 3.7), or tf_keras (today's).

Keras 2.3.1 reads an optimizer's count of iterations before or after it is incremented, which a graph decides by
chance: each program runs several times, and all results that differ are recorded.
"""

import importlib
import os
import sys

import numpy as np

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "old_programs")
RUNS = 6


def together():
    """Keras 1 on TensorFlow: no variable is assigned before all values of a step are computed."""
    import keras.backend as K
    import keras.backend.tensorflow_backend as backend
    import tensorflow as tf

    class Function(backend.Function):
        def __init__(self, inputs, outputs, updates=()):
            backend_function.__init__(self, inputs, outputs, [])
            pairs = [u for u in updates if isinstance(u, tuple)]
            others = [u for u in updates if not isinstance(u, tuple)]
            with tf.control_dependencies(self.outputs):
                new = [n.value() if isinstance(n, tf.Variable) else tf.convert_to_tensor(n) for _, n in pairs]
            with tf.control_dependencies([*self.outputs, *new]):
                done = [tf.assign(variable, n) for (variable, _), n in zip(pairs, new)] + others
            with tf.control_dependencies(done):
                self.done = tf.no_op()

        def __call__(self, inputs):
            fed = dict(zip(self.inputs, inputs))
            return K.get_session().run([*self.outputs, self.done], feed_dict=fed)[: len(self.outputs)]

    backend_function = backend.Function
    for module in (K, backend):
        module.Function = Function
        module.update = lambda x, new: (x, new)
        module.update_add = lambda x, more: (x, x + more)
        module.update_sub = lambda x, less: (x, x - less)
        module.moving_average_update = lambda x, value, momentum: (x, x * momentum + value * (1.0 - momentum))


def main():
    name = sys.argv[1]
    sys.path.insert(0, FOLDER)
    if name.startswith("keras_1"):
        together()
    program = importlib.import_module(name)
    runs = [program.train() for _ in range(1 if name.startswith(("keras_1", "tf_")) else RUNS)]
    found = {}
    for optimizer in runs[0]:
        different = []
        for run in runs:
            if not any(np.allclose(run[optimizer], one, rtol=1e-5, atol=0) for one in different):
                different.append(run[optimizer])
        found[optimizer] = np.array(different)
    np.savez_compressed(os.path.join(FOLDER, name + ".npz"), **found)
    for optimizer in sorted(found):
        print(optimizer, found[optimizer].tolist())


main()
