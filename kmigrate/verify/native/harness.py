"""Run one script under Keras 1 or 2 and record what it does, as `kmigrate.verify.child` does under today's Keras.

    PYTHON harness.py JOB.json

Any Python from 2.7 or 3.5 on executes this file by itself: it needs numpy and Keras, and nothing of kmigrate. JOB says
what to run; the log (see kmigrate/verify/log.py) is at job["log"] afterwards. The run after takes its weights from
job["reference"], the log of the run before, and that one from job["values"], weights of the same models in the shapes
of Keras 3; job["maps"] says which rows follow which features. Training is cut to job["steps"] steps on job["samples"]
samples; dropout and noise let everything through. Home, working copy and time are the caller's affair; connections are
refused here.
"""

from __future__ import print_function

import json
import os
import random
import runpy
import socket
import sys
import traceback
import types

import numpy as np

FIT = "x y batch_size epochs verbose callbacks validation_split validation_data shuffle class_weight".split()
FIT.append("sample_weight")
GENERATOR = "x steps epochs verbose callbacks validation_data".split()
SPELLED = {"generator": "x", "nb_epoch": "epochs", "samples_per_epoch": "steps", "val_samples": "steps"}
MISSING = "matplotlib pylab seaborn cv2 PIL skimage IPython tqdm pydot graphviz".split()
RANDOM = "Dropout SpatialDropout1D SpatialDropout2D SpatialDropout3D GaussianNoise GaussianDropout AlphaDropout".split()


class Enough(BaseException):
    """The script did enough to judge it."""


# -- logs --------------------------------------------------------------------------------------------------------------


def dump(tree, path):
    """As kmigrate.verify.log.dump."""
    arrays = {}

    def plain(node):
        if isinstance(node, dict):
            return dict((str(key), plain(value)) for key, value in node.items())
        if isinstance(node, (list, tuple)):
            return [plain(value) for value in node]
        if isinstance(node, np.generic):
            return plain(node.item())
        if isinstance(node, np.ndarray):
            name = "a%d" % len(arrays)
            arrays[name] = node
            return {"$array": name}
        if node is None or isinstance(node, (bool, int, float, str)):
            return node
        return str(node)

    text = json.dumps(plain(tree))
    np.savez(path + ".npz", **arrays)
    with open(path + ".json", "w") as file:
        file.write(text)


def load(path):
    """As kmigrate.verify.log.load."""
    archive = np.load(path + ".npz")

    def full(node):
        if isinstance(node, dict):
            return archive[node["$array"]] if "$array" in node else dict((k, full(v)) for k, v in node.items())
        return [full(value) for value in node] if isinstance(node, list) else node

    with open(path + ".json") as file:
        return full(json.load(file))


# -- arrays ------------------------------------------------------------------------------------------------------------


def leaves(tree):
    """The arrays in nested arguments."""
    if tree is None:
        return []
    if isinstance(tree, dict):
        return [leaf for key in sorted(tree) for leaf in leaves(tree[key])]
    if isinstance(tree, (list, tuple)) and not (tree and isinstance(tree[0], (int, float, bool))):
        return [leaf for part in tree for leaf in leaves(part)]
    return [np.asarray(tree)]


def rebuilt(tree, new):
    """``tree`` with other arrays, an iterator."""
    if tree is None:
        return None
    if isinstance(tree, dict):
        return dict((key, rebuilt(tree[key], new)) for key in sorted(tree))
    if isinstance(tree, (list, tuple)) and not (tree and isinstance(tree[0], (int, float, bool))):
        return [rebuilt(part, new) for part in tree]
    return next(new)


def distance(a, b):
    if a.shape != b.shape:
        return float("inf")
    if a.size == 0:
        return 0.0
    scale = max(float(np.abs(a).max()), 1e-300)
    return float(np.abs(a.astype("float64") - b.astype("float64")).max()) / scale


def corresponding(old, new):
    """The array ``old`` of the run before in the layout of ``new``, and how far they are apart."""
    pairs = [(distance(old, new), 0, old)]
    if old.ndim >= 3:
        moved = np.rollaxis(old, 1, old.ndim)
        pairs.append((distance(moved, new), 1, moved))
    error, _, best = min(pairs, key=lambda pair: pair[:2])
    return best, error


def ramped(rng, shape):
    """Values in [0, 1) whose mean depends on the position along every axis."""
    values = rng.rand(*shape)
    for axis in range(1, len(shape)):
        ramp = (np.arange(shape[axis]) + 1) ** 1.3
        values += (0.4 + 0.2 * axis) * (ramp / ramp.max()).reshape((shape[axis],) + (1,) * (len(shape) - axis - 1))
    return values / values.max()


# -- the old Keras -----------------------------------------------------------------------------------------------------


def version(module):
    """The first two numbers of a library's version."""
    return tuple(int(part) for part in module.__version__.split(".")[:2])


def prepare_keras(job):
    """Import Keras with its float type, and repair what makes its training irreproducible or inexact."""
    folder = os.path.join(os.path.expanduser("~"), ".keras")
    if not os.path.isdir(folder):
        os.makedirs(folder)
    backend = os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    if backend == "tensorflow":
        import tensorflow as tf

        if version(tf) < (1, 5):  # it has no convolutions in float64
            job["floatx"] = "float32"
        if hasattr(tf, "python") and not hasattr(tf.python, "control_flow_ops"):
            from tensorflow.python.ops import control_flow_ops

            tf.python.control_flow_ops = control_flow_ops  # Keras 1.0 looks for it there
    elif backend == "theano":
        import theano.ifelse  # noqa: F401  Keras 1.2.2 uses it without an import
    config = {"floatx": job["floatx"], "epsilon": 1e-7, "backend": backend}
    if job["ordering"]:
        config["image_data_format"] = job["ordering"]
        config["image_dim_ordering"] = "th" if job["ordering"] == "channels_first" else "tf"
    with open(os.path.join(folder, "keras.json"), "w") as file:
        json.dump(config, file)
    import keras
    from keras import backend as K

    K.set_floatx(job["floatx"])
    if backend == "tensorflow" and version(keras) < (2, 0):
        _repair_keras1(tf, K)
    return keras, K, backend


def _repair_keras1(tf, K):
    """All updates of a step at once: Keras 1 on TensorFlow 1 may assign weights while they are still read.

    And convolutions in the float type that is asked for: Keras 1.2 casts to float32 around them.
    """
    import keras.backend.tensorflow_backend as T

    single = tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
    K.set_session(tf.Session(config=single))

    class Function(T.Function):
        def __init__(self, inputs, outputs, updates=()):
            T_Function.__init__(self, inputs, outputs, [])
            pairs = [u for u in updates if isinstance(u, tuple)]
            others = [u for u in updates if not isinstance(u, tuple)]
            with tf.control_dependencies(self.outputs):
                new = [n.value() if isinstance(n, tf.Variable) else tf.convert_to_tensor(n) for _, n in pairs]
            with tf.control_dependencies(list(self.outputs) + new):
                assigned = [tf.assign(p, n) for (p, _), n in zip(pairs, new)] + others
            with tf.control_dependencies(assigned):
                self.all_updates = tf.no_op()

        def __call__(self, inputs):
            fed = dict(zip(self.inputs, inputs))
            return K.get_session().run(list(self.outputs) + [self.all_updates], feed_dict=fed)[: len(self.outputs)]

    T_Function = T.Function
    for module in (K, T):
        module.Function = Function
        if hasattr(module, "update"):
            module.update = lambda x, new: (x, new)
            module.update_add = lambda x, by: (x, x + by)
            module.update_sub = lambda x, by: (x, x - by)
        if hasattr(module, "moving_average_update"):
            module.moving_average_update = lambda x, value, momentum: (x, x * momentum + value * (1.0 - momentum))
    if version(tf) < (1, 5):
        return
    orders = {2: ((0, 2, 3, 1), (2, 3, 1, 0)), 3: ((0, 2, 3, 4, 1), (2, 3, 4, 1, 0))}
    for rank, (image, kernel) in orders.items():
        for what, order in (("input", image), ("kernel", kernel)):
            name = "_preprocess_conv%dd_%s" % (rank, what)
            if hasattr(T, name):
                setattr(T, name, lambda x, how, order=order: tf.transpose(x, order) if how == "th" else x)


class Recorder(object):
    """The log of one run."""

    def __init__(self, job, keras, K):
        self.job, self.keras, self.K = job, keras, K
        self.work = os.path.realpath(job["work"]) + os.sep
        self.seed = job["seeds"][0]
        self.rng = np.random.RandomState(self.seed)
        self.reference = load(job["reference"]) if job["reference"] else None
        self.values = load(job["values"]) if job["values"] else None
        self.maps = load(job["maps"])["maps"] if job["maps"] else []
        self.models, self.events, self.notes, self.used = [], [], [], {}
        self.known, self.objects, self.made, self.keep = {}, [], {}, []
        self.keeps_weights, self.busy = False, False

    def note(self, text):
        if text not in self.notes:
            self.notes.append(text)

    def line(self):
        frame = sys._getframe(1)
        while frame is not None:
            name = frame.f_code.co_filename
            if name.startswith(self.work):
                return "%s:%d" % (name[len(self.work) :], frame.f_lineno)
            frame = frame.f_back
        return ""

    # -- layers and weights

    def add(self, layer):
        if id(layer) not in self.made:
            self.keep.append(layer)
            self.made[id(layer)] = (len(self.made), self.line())

    def layers(self, model):
        """All layers that are no models, in the order in which the program made them."""
        found = {}

        def walk(layers):
            for layer in layers:
                if hasattr(layer, "layers"):
                    walk(layer.layers)
                else:
                    found[id(layer)] = layer

        walk(model.layers)
        return sorted(found.values(), key=lambda layer: self.made.get(id(layer), (0, ""))[0])

    @staticmethod
    def weights_of(layer):
        return (
            list(layer.weights) if hasattr(layer, "weights") else layer.trainable_weights + layer.non_trainable_weights
        )

    def random(self, name, shape):
        """As model_info.random_weight."""
        name, rng = name.lower(), self.rng
        if "var" in name or "std" in name:
            return rng.uniform(0.5, 1.5, shape)
        if "gamma" in name:
            return rng.uniform(0.6, 1.4, shape) * np.where(rng.rand(*shape) < 0.2, -1, 1)
        if "alpha" in name:
            return rng.uniform(0.05, 0.4, shape)
        if len(shape) < 2:
            return rng.normal(0, 0.25, shape)
        return rng.normal(0, np.sqrt(1.6 / max(np.prod(shape) // max(shape), 1)), shape)

    def kernel_is_first(self, layer, shape):
        """Does a kernel of this layer stand as (out, in, height, width)? Only Keras 1 has such."""
        return getattr(layer, "dim_ordering", "") == "th" and len(shape) >= 4

    def entry(self, layer, was_first, shape, rows):
        """Where each value of a weight comes from: a flat index and a shape; None for the same place."""
        order = list(range(int(np.prod(shape))))
        old = tuple(shape)
        index = np.array(order).reshape(old)
        rank = len(old)
        now_first = self.kernel_is_first(layer, old)
        if was_first and not now_first and rank >= 4:
            index = index.transpose(tuple(range(2, rank)) + (1, 0))
        elif now_first and not was_first and rank >= 4:
            index = index.transpose((rank - 1, rank - 2) + tuple(range(rank - 2)))
        if rows is not None:
            index = index.ravel()[np.asarray(rows["index"])].reshape(tuple(int(size) for size in rows["shape"]))
        if index.shape == old and (index.ravel() == np.arange(index.size)).all():
            return None
        return {"index": index.ravel(), "shape": list(index.shape)}

    def measure(self, model, x):
        number = len(self.models)
        self.known[id(model)] = number
        self.objects.append(model)
        layers = [layer for layer in self.layers(model) if self.weights_of(layer)]
        weights = [w for layer in layers for w in self.weights_of(layer)]
        owners = [layer for layer in layers for _ in self.weights_of(layer)]
        shapes = [np.asarray(self.K.get_value(w)).shape for w in weights]
        entry = {"name": model.name, "class": type(model).__name__, "where": self.line(), "settings": [], "steps": 0}
        entry["layers"] = [
            {
                "name": layer.name,
                "class": type(layer).__name__,
                "where": self.made.get(id(layer), (0, ""))[1],
                "shapes": [list(np.shape(self.K.get_value(w))) for w in self.weights_of(layer)],
                "first": getattr(layer, "dim_ordering", "") == "th",
            }
            for layer in layers
        ]
        self.models.append(entry)
        if self.reference is not None and number < len(self.reference["models"]):
            self.carry_over(entry, self.reference["models"][number], number, weights, owners, shapes)
        else:
            for layer, weight, value in zip(owners, weights, self.fresh(number, owners, weights, shapes)):
                self.K.set_value(weight, value.astype(self.job["floatx"]))
        entry["values"] = [np.asarray(self.K.get_value(w)) for w in weights]
        entry["dtypes"] = sorted(set(str(value.dtype) for value in entry["values"]))
        entry["activations"] = self.activations(model, x)
        entry["predictions"] = self.forward(model, x)
        self.models[number]["_x"], self.models[number]["_weights"] = x, weights
        if self.job["mutate"]:
            self.mutate(entry, model, x, owners, weights)

    def fresh(self, number, owners, weights, shapes):
        """Weights for the run before: those of the run on today's Keras, or random ones."""
        known = self.values["models"][number]["values"] if self.values and number < len(self.values["models"]) else []
        if len(known) == len(weights):
            found = []
            for layer, shape, value in zip(owners, shapes, known):
                where = self.entry(layer, False, value.shape, None)
                value = value if where is None else value.ravel()[where["index"]].reshape(where["shape"])
                found.append(value)
            if all(value.shape == shape for value, shape in zip(found, shapes)):
                return found
        self.note("weights are random in shapes of their own")
        return [self.random(getattr(w, "name", "") or "", shape) for w, shape in zip(weights, shapes)]

    def carry_over(self, entry, other, number, weights, owners, shapes):
        kinds = [layer["class"] for layer in other["layers"]], [layer["class"] for layer in entry["layers"]]
        rows = self.maps[number] if number < len(self.maps) else []
        if kinds[0] != kinds[1] or len(other["values"]) != len(weights):
            entry["map_error"] = "layers with weights differ: %s / %s" % tuple(", ".join(kind) for kind in kinds)
            raise Enough(entry["map_error"])
        rows = rows if len(rows) == len(weights) else [None] * len(weights)
        firsts = [layer["first"] for layer in other["layers"] for _ in layer["shapes"]]
        entries, moved = [], False
        for layer, first, value, row, shape in zip(owners, firsts, other["values"], rows, shapes):
            first = first and value.ndim >= 4
            where = self.entry(layer, first, value.shape, row)
            new = value if where is None else value.ravel()[where["index"]].reshape(where["shape"])
            if new.shape != shape:
                entry["map_error"] = "a weight of %s has shape %s, then %s" % (layer.name, value.shape, shape)
                raise Enough(entry["map_error"])
            entries.append(where)
            moved = moved or row is not None
            self.K.set_value(weights[len(entries) - 1], new.astype(self.job["floatx"]))
        # the transposition of kernels is no reordering: the weight file's conversion does it
        entry["map"] = {"entries": entries, "problems": [], "identity": not moved}

    def mutate(self, entry, model, x, owners, weights):
        """One deliberate mistake: the largest kernel with two axes swapped, or reversed."""
        kernels = [w for w in weights if np.ndim(self.K.get_value(w)) >= 2]
        if not kernels:
            return
        weight = max(kernels, key=lambda w: (np.ndim(self.K.get_value(w)) >= 4, np.size(self.K.get_value(w))))
        old = np.asarray(self.K.get_value(weight))
        axes = [a for a, b in zip(range(old.ndim), range(1, old.ndim)) if old.shape[a] == old.shape[b] > 1]
        wrong = np.swapaxes(old, axes[0], axes[0] + 1) if axes else old[::-1]
        self.K.set_value(weight, np.ascontiguousarray(wrong))
        entry["mutated"] = self.forward(model, x)
        self.K.set_value(weight, old)

    # -- measurements

    def as_list(self, tree):
        return [np.asarray(leaf, self.job["floatx"]) for leaf in leaves(tree)]

    def forward(self, model, x):
        self.busy, busy = True, self.busy
        found = ORIGINAL["predict_on_batch"](model, x)
        self.busy = busy
        return [np.asarray(leaf) for leaf in leaves(found)]

    def activations(self, model, x):
        K, found = self.K, []
        try:
            layers = [l for l in self.layers(model) if len(getattr(l, "inbound_nodes", None) or l._inbound_nodes) == 1]
            phase = [K.learning_phase()] if not isinstance(K.learning_phase(), int) else []
            tensors = [(l, l.output) for l in layers if not isinstance(l.output, list)]
            run = K.function(list(model.inputs) + phase, [t for _, t in tensors])
            values = run([a[:2] for a in self.as_list(x)] + [0] * len(phase))
        except Exception as error:
            self.note("the layers of %s were not looked into (%s)" % (model.name, type(error).__name__))
            return []
        for (layer, _), value in zip(tensors, values):
            where = self.made.get(id(layer), (0, ""))[1]
            found.append(
                {"name": layer.name, "class": type(layer).__name__, "where": where, "value": np.asarray(value)}
            )
        return [one for one in found if one["class"] != "InputLayer"]

    def gradient(self, model, number, x, y, weight):
        """Loss and gradient of the first step, which is not taken."""
        entry, K = self.models[number], self.K
        if "gradient" in entry:
            return
        weights = entry["_weights"]
        try:
            parts = model._standardize_user_data(x, y, sample_weight=weight)[:3]
            trainable = [w for layer in self.layers(model) for w in layer.trainable_weights]
            grads = K.gradients(model.total_loss, trainable)
            phase = [K.learning_phase()] if not isinstance(K.learning_phase(), int) else []
            inputs = list(model.inputs) + list(model.targets) + list(model.sample_weights) + phase
            run = K.function(inputs, [model.total_loss] + grads)
            found = run([value for part in parts for value in part] + [1] * len(phase))
            by_id = dict((id(w), np.asarray(g)) for w, g in zip(trainable, found[1:]))
            entry["loss"] = float(np.asarray(found[0]))
            entry["gradient"] = [by_id.get(id(w), np.zeros_like(v)) for w, v in zip(weights, entry["values"])]
        except Exception as error:
            self.note("%s: the gradient of one step was not taken apart (%s)" % (model.name, type(error).__name__))
            entry["gradient"] = []

    def event(self, kind, model, groups):
        if len(self.events) >= self.job["max_events"]:
            raise Enough("cut after %d calls" % self.job["max_events"])
        other = (
            self.reference["events"][len(self.events)]
            if self.reference is not None and len(self.reference["events"]) > len(self.events)
            else None
        )
        entry = {"kind": kind, "where": self.line(), "data": {}, "results": {}}
        fed = {}
        for name, tree in groups.items():
            own = leaves(tree)
            entry["data"][name] = own
            fed[name] = tree
            theirs = other["data"].get(name, []) if other is not None and other["kind"] == kind else []
            if len(theirs) == len(own) and own:
                pairs = [corresponding(old, new) for old, new in zip(theirs, own)]
                if all(error <= (1e-10 if new.dtype.itemsize >= 8 else 1e-4) for (_, error), new in zip(pairs, own)):
                    fed[name] = rebuilt(tree, iter([old.astype(new.dtype) for (old, _), new in zip(pairs, own)]))
        if self.job["nudge"] and fed.get("x") is not None:
            fed["x"] = rebuilt(fed["x"], iter([self.nudged(leaf) for leaf in leaves(fed["x"])]))
        if model is not None:
            if id(model) not in self.known:
                self.busy = True
                self.measure(model, fed["x"])
                self.busy = False
            entry["model"] = self.known[id(model)]
        self.events.append(entry)
        return entry, fed

    def nudged(self, values):
        if values.dtype.kind not in "fu":
            return values
        signs = np.random.RandomState(self.seed).choice([-1.0, 1.0], size=values.shape)
        return values * (1.0 + self.job["nudge"] * signs)

    def stepped(self, number, count):
        entry = self.models[number]
        entry["steps"] += count
        if entry["steps"] >= self.job["steps"] and "final" not in entry:
            self.final(number)

    def final(self, number):
        entry, model = self.models[number], self.objects[number]
        entry["final"] = {
            "steps": entry["steps"],
            "weights": [np.asarray(self.K.get_value(w)) for w in entry["_weights"]],
            "predictions": self.forward(model, entry["_x"]),
        }

    def finish(self):
        for number, entry in enumerate(self.models):
            if entry["steps"] and "final" not in entry:
                self.final(number)
        return [dict((k, v) for k, v in entry.items() if not k.startswith("_")) for entry in self.models]


ORIGINAL = {}


class Methods(object):
    """The methods of Model, cut short and recorded."""

    def __init__(self, recorder):
        self.recorder = recorder

    def install(self):
        from keras.engine import training

        model, own = training.Model, self
        for name in ("train_on_batch", "test_on_batch", "predict_on_batch"):
            ORIGINAL[name] = getattr(model, name)

        def bind(names, args, kwargs):
            given = dict(zip(names, args))
            given.update((SPELLED.get(key, key), value) for key, value in kwargs.items())
            return given

        def method(record, names):
            return lambda model, *args, **kwargs: record(model, bind(names, args, kwargs))

        model.fit = method(self.fit, FIT)
        model.fit_generator = method(self.fit, GENERATOR)
        model.evaluate = method(self.evaluate, ["x", "y"])
        model.evaluate_generator = method(self.evaluate, ["x"])
        model.predict = method(self.predict, ["x"])
        model.predict_generator = method(self.predict, ["x"])
        model.test_on_batch = method(self.evaluate, ["x", "y", "sample_weight"])
        model.predict_on_batch = method(self.predict, ["x"])

        def train_on_batch(model, x, y, sample_weight=None, class_weight=None):
            return own.train(model, x, y, sample_weight, class_weight)

        model.train_on_batch = train_on_batch
        self.files()
        self.layers()

    def batch(self, given):
        x = given.get("x")
        if hasattr(x, "__next__") or hasattr(x, "next"):
            batch = next(x)
            parts = (list(batch) + [None, None])[:3] if isinstance(batch, (list, tuple)) else [batch, None, None]
            self.recorder.note("a generator is read for one batch")
        else:
            parts = [x, given.get("y"), given.get("sample_weight")]
        first = leaves(parts[0])[0]
        each = sum(leaf.size for leaf in leaves(parts[0])) / max(len(first), 1)
        count = max(min(self.recorder.job["samples"] if each <= 40000 else 4, len(first)), min(len(first), 2))
        cut = [rebuilt(part, iter([leaf[:count] for leaf in leaves(part)])) for part in parts]
        return cut, len(first)

    def fit(self, model, given):
        recorder = self.recorder
        (x, y, weight), _ = self.batch(given)
        entry, data = recorder.event("fit", model, {"x": x, "y": y, "sample_weight": weight})
        recorder.busy = True
        recorder.gradient(model, entry["model"], data["x"], data["y"], data["sample_weight"])
        losses = []
        for _ in range(recorder.job["steps"]):
            found = ORIGINAL["train_on_batch"](
                model, data["x"], data["y"], sample_weight=data["sample_weight"], class_weight=given.get("class_weight")
            )
            losses.append(float(np.ravel(found)[0]))
        recorder.stepped(entry["model"], recorder.job["steps"])
        recorder.busy = False
        entry["results"]["losses"] = np.array(losses)
        validation = given.get("validation_data")
        if validation is not None:
            parts = validation if isinstance(validation, (list, tuple)) else (validation,)
            self.evaluate(model, dict(zip(("x", "y", "sample_weight"), parts)))
        history = recorder.keras.callbacks.History()
        history.epoch, history.history = [0], {}
        for name in model.metrics_names:
            for prefix in ("", "val_"):
                history.history[prefix + name] = [float(losses[-1])]
        model.history = history
        return history

    def train(self, model, x, y, weight, class_weight):
        recorder = self.recorder
        if recorder.busy:
            return ORIGINAL["train_on_batch"](model, x, y, sample_weight=weight, class_weight=class_weight)
        (x, y, weight), _ = self.batch({"x": x, "y": y, "sample_weight": weight})
        entry, data = recorder.event("train_on_batch", model, {"x": x, "y": y, "sample_weight": weight})
        recorder.busy = True
        recorder.gradient(model, entry["model"], data["x"], data["y"], data["sample_weight"])
        found = ORIGINAL["train_on_batch"](
            model, data["x"], data["y"], sample_weight=data["sample_weight"], class_weight=class_weight
        )
        recorder.stepped(entry["model"], 1)
        recorder.busy = False
        entry["results"]["losses"] = np.array([float(value) for value in np.ravel(found)])
        return found

    def evaluate(self, model, given):
        recorder = self.recorder
        if recorder.busy:
            return ORIGINAL["test_on_batch"](model, given["x"], given["y"], sample_weight=given.get("sample_weight"))
        (x, y, weight), _ = self.batch(given)
        entry, data = recorder.event("evaluate", model, {"x": x, "y": y, "sample_weight": weight})
        recorder.busy = True
        found = ORIGINAL["test_on_batch"](model, data["x"], data["y"], sample_weight=data["sample_weight"])
        recorder.busy = False
        entry["results"]["losses"] = np.array([float(value) for value in np.ravel(found)])
        return found

    def predict(self, model, given):
        recorder = self.recorder
        if recorder.busy:
            return ORIGINAL["predict_on_batch"](model, given["x"])
        (x, _, _), total = self.batch(given)
        entry, data = recorder.event("predict", model, {"x": x})
        recorder.busy = True
        found = ORIGINAL["predict_on_batch"](model, data["x"])
        recorder.busy = False
        outputs = [np.asarray(leaf) for leaf in leaves(found)]
        entry["results"]["outputs"] = outputs
        long = [np.resize(leaf, (max(total, len(leaf)),) + leaf.shape[1:]) for leaf in outputs]
        return long if isinstance(found, list) else long[0]

    def files(self):
        recorder, saved = self.recorder, {}
        from keras import models
        from keras.engine import training

        def save(model, path, *args, **kwargs):
            saved[os.path.normpath(str(path))] = model
            recorder.keeps_weights = True
            recorder.note("models and weights are not written")

        def load_weights(model, path, *args, **kwargs):
            if os.path.normpath(str(path)) not in saved:
                recorder.keeps_weights = True
                recorder.note("weights are not read from %s: all are random" % os.path.basename(str(path)))

        for cls in (training.Model, models.Sequential):
            cls.save = cls.save_weights = save
            cls.load_weights = load_weights
        original = models.load_model if hasattr(models, "load_model") else None
        models.load_model = lambda path, *a, **k: saved.get(os.path.normpath(str(path))) or original(path, *a, **k)

    def layers(self):
        recorder = self.recorder
        try:
            from keras.engine.base_layer import Layer
        except ImportError:
            from keras.engine.topology import Layer
        init = Layer.__init__

        def __init__(layer, *args, **kwargs):
            init(layer, *args, **kwargs)
            recorder.add(layer)

        Layer.__init__ = __init__
        from keras import layers

        def through(name):
            def call(layer, inputs, *args, **kwargs):
                recorder.note("%s lets everything through" % name)
                return inputs

            return call

        for name in RANDOM:
            if hasattr(layers, name):
                getattr(layers, name).call = through(name)


def install_surroundings(job, recorder, K):
    """Data sets and files that are not there, modules that are not installed, the keyboard, the network."""
    rng = np.random.RandomState(recorder.seed + 1)

    def images(shape):
        few = (ramped(rng, (97,) + shape[1:]) * 255).astype("uint8")
        return np.resize(few, shape)

    def sizes(train, test):
        return (train, test) if job["real_sizes"] else (97, 41)

    def loader(shape, classes, train, test, colour):
        def load_data(*args, **kwargs):
            parts = []
            for count in sizes(train, test):
                x = images((count,) + shape)
                first = True
                if colour:
                    order = getattr(K, "image_data_format", None) or K.image_dim_ordering
                    first = order() in ("channels_first", "th") or recorder.keras.__version__.startswith("1.0")
                x = x if first else x.transpose((0, 2, 3, 1))
                y = rng.permutation(np.arange(count) % classes).astype("uint8")
                parts.append((x, y.reshape(-1, 1) if colour else y))
            recorder.note("load_data() gives synthetic images")
            return tuple(parts)

        return load_data

    from keras import datasets

    for name, how in {
        "mnist": ((28, 28), 10, 60000, 10000, False),
        "fashion_mnist": ((28, 28), 10, 60000, 10000, False),
        "cifar10": ((3, 32, 32), 10, 50000, 10000, True),
        "cifar100": ((3, 32, 32), 100, 50000, 10000, True),
    }.items():
        try:
            module = __import__("keras.datasets." + name, fromlist=["load_data"])
        except ImportError:
            continue
        module.load_data = loader(*how)
    del datasets
    original, save = np.load, np.save

    def load_array(file, *args, **kwargs):
        if not isinstance(file, str) or os.path.exists(file) or not file.endswith(".npy"):
            return original(file, *args, **kwargs)
        name = os.path.normpath(file)
        known = job["data"].get(name)
        shape = tuple(known["shape"]) if known else tuple(job["guess"])
        kind = known["kind"] if known else "values"
        recorder.used[name] = {"shape": list(shape), "kind": kind, "guessed": known is None}
        own = np.random.RandomState(sum(map(ord, name)) + recorder.seed)
        if kind == "classes":
            return own.randint(0, known.get("classes", 2), size=shape)
        if kind == "one-hot":
            return np.eye(shape[1])[own.randint(0, shape[1], size=shape[0])]
        return own.rand(*shape) if kind == "unit" else ramped(own, shape) * 255 - 60

    def save_array(file, array, *args, **kwargs):
        if not recorder.busy and isinstance(file, str) and np.asarray(array).dtype.kind in "biufc":
            entry, _ = recorder.event("save", None, {"x": [np.asarray(array)[:64]]})
            entry["name"] = os.path.basename(file)
        return save(file, array, *args, **kwargs)

    np.load, np.save = load_array, save_array

    class Anything(types.ModuleType):
        __path__ = []

        def __getattr__(self, name):
            if name.startswith("__"):
                raise AttributeError(name)
            return Anything(name)

        def __call__(self, *args, **kwargs):
            return Anything("result")

        def __getitem__(self, key):
            return self

        def __iter__(self):
            return iter((self, self))

    with open(os.path.join(job["work"], job["entry"]), "rb") as file:
        script = file.read()
    for name in MISSING:
        try:
            __import__(name)
        except Exception:
            for full in (name, name + ".pyplot", name + ".io", name + ".transform"):
                sys.modules[full] = Anything(full)
            if name.encode() in script:
                recorder.note("%s is not installed: stubbed" % name)

    def refuse(*args, **kwargs):
        raise IOError("no network in a verification run")

    socket.socket.connect = socket.create_connection = refuse
    answer = {"input": lambda prompt="": ""}
    builtins = sys.modules.get("builtins") or sys.modules["__builtin__"]
    builtins.input = answer["input"]
    if hasattr(builtins, "raw_input"):
        builtins.raw_input = answer["input"]


def run_script(job, recorder):
    work = os.path.realpath(job["work"])
    try:
        runpy.run_path(os.path.join(work, job["entry"]), run_name="__main__")
    except Enough as end:
        recorder.note(str(end))
    except SystemExit as end:
        if end.code not in (None, 0) and not recorder.events:
            return {"type": "SystemExit", "message": "sys.exit(%r)" % (end.code,), "traceback": "", "where": ""}
    except BaseException as error:
        frames = traceback.extract_tb(sys.exc_info()[2])
        own = [frame for frame in frames if frame[0].startswith(work)]
        where = "%s:%d" % (os.path.relpath(own[-1][0], work), own[-1][1]) if own else ""
        text = "".join(traceback.format_list(own + [f for f in frames if f not in own][-3:])).replace(work + os.sep, "")
        return {"type": type(error).__name__, "message": str(error)[:2000], "traceback": text, "where": where}
    return None


def shapes(recorder):
    """Input and output shapes of the models that were made."""
    found = []
    for model in recorder.objects + [m for m in recorder.keep if hasattr(m, "layers")]:
        try:
            sides = [[list(recorder.K.int_shape(t)) for t in side] for side in (model.inputs, model.outputs)]
        except Exception:
            continue
        loss = getattr(model, "loss", None)
        found.append({"inputs": sides[0], "outputs": sides[1], "loss": loss if isinstance(loss, str) else ""})
    return found


def traced(work, lines):
    files = dict((os.path.join(work, name), ran) for name, ran in lines.items())

    def enter(frame, event, arg):
        ran = files.get(frame.f_code.co_filename)
        if ran is None:
            return None

        def line(frame, event, arg):
            ran.add(frame.f_lineno)
            return line

        ran.add(frame.f_lineno)
        return line

    return enter


def main(path):
    with open(path) as file:
        job = json.load(file)
    if sys.version_info[0] == 2:
        text = type("")
        job = json.loads(json.dumps(job), object_hook=lambda d: dict((str(k), _str(v, text)) for k, v in d.items()))
    keras, K, backend = prepare_keras(job)
    os.chdir(os.path.join(job["work"], job["folder"]))
    work = os.path.realpath(job["work"])
    sys.argv = [os.path.relpath(job["entry"], job["folder"])] + list(job["argv"])
    folders = [os.path.normpath(os.path.join(work, folder)) for folder in job["search_path"]]
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [folders[0]] + [p for p in sys.path if os.path.realpath(p or ".") != here] + folders[1:]
    recorder = Recorder(job, keras, K)
    Methods(recorder).install()
    install_surroundings(job, recorder, K)
    random.seed(recorder.seed)
    np.random.seed(recorder.seed)
    lines = dict((name, set()) for name in job["watched"])
    if lines:
        sys.settrace(traced(work, lines))
    error = run_script(job, recorder)
    sys.settrace(None)
    versions = {"keras": keras.__version__, "numpy": np.__version__, "python": sys.version.split()[0]}
    versions[backend] = sys.modules[backend].__version__
    dump(
        {
            "models": recorder.finish(),
            "events": recorder.events,
            "notes": recorder.notes,
            "keeps_weights": recorder.keeps_weights,
            "error": error,
            "blocked": [],
            "data": recorder.used,
            "device": "CPU",
            "versions": versions,
            "bias": [],
            "shapes": shapes(recorder),
            "speed": [],
            "lines": dict((name, sorted(ran)) for name, ran in lines.items()),
        },
        job["log"],
    )


def _str(value, text):
    """Byte strings for Python 2, whose Keras compares types."""
    if isinstance(value, list):
        return [_str(one, text) for one in value]
    return value.encode("utf-8") if type(value).__name__ == "unicode" else value


if __name__ == "__main__":
    main(sys.argv[1])
