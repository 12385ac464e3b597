"""Definitions that a ported program gets, once each, where Keras 3 has nothing of the same meaning.

Each is a piece of source that needs ``keras`` only. Sources: docs/facts.md, sections named beside.
"""

from __future__ import annotations

# Name -> source. A helper's name is its function's or class's.
HELPERS: dict[str, str] = {
    # 3: Keras 3's formula is relu6(x + 3) / 6; an unregistered function breaks Bidirectional
    "keras1_hard_sigmoid": """
@keras.saving.register_keras_serializable("kmigrate")
def keras1_hard_sigmoid(x):
    return keras.ops.clip(0.2 * x + 0.5, 0.0, 1.0)
""",
    # 2.3: batch statistics also at test time; an explicit training=True is overwritten (0.6)
    "Keras1BatchStatistics": '''
class Keras1BatchStatistics(keras.layers.BatchNormalization):
    """BatchNormalization(mode=2) of Keras 1."""

    def call(self, inputs, training=None, mask=None):
        return super().call(inputs, training=True, mask=mask)
''',
    # 2.1: always channels-first up to 1.0.8
    "keras1_channels_first": '''
def keras1_channels_first(data):
    """What cifar10.load_data() of Keras 1.0 returned: (n, 3, 32, 32) whatever the setting."""
    if keras.config.image_data_format() == "channels_first":
        return data
    (x, y), (x_test, y_test) = data
    return (x.transpose(0, 3, 1, 2), y), (x_test.transpose(0, 3, 1, 2), y_test)
''',
    # utils/test_utils.py of 1.2.2 and 2.3.1
    "keras1_test_data": '''
def keras1_test_data(train, test, input_shape, output_shape, classification, classes):
    """get_test_data of Keras 1 and 2: random samples, (x, y) to train and to test."""
    import numpy

    count = train + test
    if classification:
        y = numpy.random.randint(0, classes, size=(count,))
        x = numpy.stack([numpy.random.normal(one, 0.7, size=input_shape) for one in y])
    else:
        y_loc = numpy.random.random((count,))
        x = numpy.stack([numpy.random.normal(one, 0.7, size=input_shape) for one in y_loc])
        y = numpy.stack([numpy.random.normal(one, 0.7, size=output_shape) for one in y_loc])
    return (x[:train], y[:train]), (x[train:], y[train:])
''',
    "keras1_learning_phase": '''
def keras1_learning_phase():
    """K.learning_phase(): an input of K.function, 0 or 1."""
    return "learning phase"
''',
    "keras1_function": '''
def keras1_function(inputs, outputs):
    """K.function: the values of tensors for values of others; 0 or 1 may be given for the learning phase."""
    several = isinstance(outputs, (list, tuple))
    tensors = [tensor for tensor in inputs if isinstance(tensor, keras.KerasTensor)]
    model = keras.Model(tensors, list(outputs) if several else [outputs])

    def function(values):
        fed = [v for tensor, v in zip(inputs, values) if isinstance(tensor, keras.KerasTensor)]
        training = [v for tensor, v in zip(inputs, values) if not isinstance(tensor, keras.KerasTensor)]
        if any(training):
            found = [keras.ops.convert_to_numpy(t) for t in keras.tree.flatten(model(fed, training=True))]
        else:
            found = keras.tree.flatten(model.predict_on_batch(fed if len(fed) > 1 else fed[0]))
        return list(found) if several else found[0]

    return function
''',
    # utils/layer_utils.py of 1.2.2: Theano turned the kernels of convolutions round
    "keras1_convert_kernels": '''
def keras1_convert_kernels(model):
    """convert_all_kernels_in_model of Keras 1 and 2: rows and columns of the kernels in reverse."""
    for layer in model.layers:
        if type(layer).__name__ in ("Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose"):
            kernel = keras.ops.flip(layer.kernel, tuple(range(len(layer.kernel.shape) - 2)))
            layer.kernel.assign(kernel)
''',
    # 4.3: an epoch ends once samples >= samples_per_epoch
    "keras1_steps": '''
def keras1_steps(generator, samples):
    """The generator, and how many of its batches make the samples that Keras 1 counted."""
    import itertools

    import numpy

    if isinstance(generator, keras.utils.PyDataset):
        return generator, -(-samples // generator.batch_size)
    first = next(generator)
    size = len(keras.tree.flatten(first[0])[0])

    def cast(array):  # Keras 1 cast what it was fed
        return numpy.asarray(array, keras.config.floatx())

    def batches():
        for batch in itertools.chain([first], generator):
            yield keras.tree.map_structure(cast, tuple(batch))

    return batches(), -(-samples // size)
''',
    "keras1_fit_generator": '''
def keras1_fit_generator(model, generator, samples, validation_samples=None, **arguments):
    """model.fit_generator of Keras 1, which counted samples."""
    x, steps = keras1_steps(generator, samples)
    if validation_samples is not None:
        validation = keras1_steps(arguments["validation_data"], validation_samples)
        arguments["validation_data"], arguments["validation_steps"] = validation
    return model.fit(x, steps_per_epoch=steps, **arguments)
''',
    "keras1_predict_classes": '''
def keras1_predict_classes(model, *arguments, **options):
    """model.predict_classes of Keras 1 and 2."""
    found = model.predict(*arguments, **options)
    return found.argmax(axis=-1) if found.shape[-1] > 1 else (found > 0.5).astype("int32")
''',
    # 4.3: Keras 3 takes no other endings
    "keras1_file": '''
def keras1_file(path, ending):
    """The path with the ending that Keras 3 insists on."""
    import os

    path = str(path)
    return path if path.endswith(ending) else os.path.splitext(path)[0] + ending
''',
    "keras1_saved_file": '''
def keras1_saved_file(path):
    """Where this program saved the weights that it called ``path``; ``path`` itself if it did not."""
    import os

    saved = keras1_file(path, ".weights.h5")
    return saved if os.path.exists(saved) else path
''',
    # 2.4: output_padding = wanted size - smallest size
    "Keras1Deconvolution2D": '''
class Keras1Deconvolution2D(keras.layers.Conv2DTranspose):
    """Deconvolution2D of Keras 1, which was told the shape of its output."""

    def __init__(self, *arguments, output_shape, **options):
        super().__init__(*arguments, **options)
        self.wanted_shape = tuple(output_shape)

    def build(self, input_shape):
        rows = 2 if self.data_format == "channels_first" else 1
        padding = []
        for axis, kernel, stride in zip((rows, rows + 1), self.kernel_size, self.strides):
            cut = 2 * (kernel // 2) if self.padding == "same" else 0
            smallest = (input_shape[axis] - 1) * stride + kernel - cut
            padding.append(self.wanted_shape[axis] - smallest)
        self.output_padding = tuple(padding)
        super().build(input_shape)
''',
    # 6
    "keras1_batch_flatten": """
def keras1_batch_flatten(x):
    size = 1
    for length in x.shape[1:]:
        size = size * length if size is not None and length is not None else None
    return keras.ops.reshape(x, (-1, size)) if size else keras.ops.reshape(x, (keras.ops.shape(x)[0], -1))
""",
    "keras1_resize_images": """
def keras1_resize_images(x, height_factor, width_factor, data_format):
    rows, columns = (2, 3) if data_format in ("th", "channels_first") else (1, 2)
    return keras.ops.repeat(keras.ops.repeat(x, height_factor, axis=rows), width_factor, axis=columns)
""",
    "keras1_spatial_2d_padding": """
def keras1_spatial_2d_padding(x, padding=(1, 1), data_format=None):
    rows, columns = ((p, p) if isinstance(p, int) else tuple(p) for p in padding)
    if data_format in (None, "default"):
        data_format = keras.config.image_data_format()
    first = data_format in ("th", "channels_first")
    return keras.ops.pad(x, ((0, 0), (0, 0), rows, columns) if first else ((0, 0), rows, columns, (0, 0)))
""",
    "keras1_count_params": """
def keras1_count_params(x):
    size = 1
    for length in x.shape:
        size *= length
    return size
""",
    # 6
    "keras1_gradients": '''
class Keras1Gradients(keras.layers.Layer):
    """The gradients of the sum of a model's output, as tensors of a model."""

    def __init__(self, model, **options):
        super().__init__(**options)
        self.model = model

    def call(self, inputs):
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(inputs)
            loss = tf.reduce_sum(self.model(inputs))
        return tape.gradient(loss, inputs)

    def compute_output_spec(self, inputs):
        return [keras.KerasTensor(x.shape, x.dtype) for x in inputs]


def keras1_gradients(loss, variables):
    """K.gradients of Keras 1 and 2: the gradients of ``loss`` with respect to tensors of a model."""
    variables = variables if isinstance(variables, (list, tuple)) else [variables]
    return Keras1Gradients(keras.Model(list(variables), loss))(list(variables))
''',
    # 4.1: epsilon outside the square root
    "Keras1RMSprop": '''
@keras.saving.register_keras_serializable("kmigrate")
class Keras1RMSprop(keras.optimizers.RMSprop):
    """RMSprop of Keras 1 and 2: epsilon is added outside the square root."""

    def update_step(self, gradient, variable, learning_rate):
        rate = keras.ops.cast(learning_rate, variable.dtype)
        gradient = keras.ops.cast(gradient, variable.dtype)
        velocity = self._velocities[self._get_variable_index(variable)]
        self.assign(velocity, self.rho * velocity + (1.0 - self.rho) * keras.ops.square(gradient))
        self.assign_sub(variable, rate * gradient / (keras.ops.sqrt(velocity) + self.epsilon))
''',
    "Keras1Adagrad": '''
@keras.saving.register_keras_serializable("kmigrate")
class Keras1Adagrad(keras.optimizers.Adagrad):
    """Adagrad of Keras 1 and 2: epsilon is added outside the square root."""

    def update_step(self, gradient, variable, learning_rate):
        rate = keras.ops.cast(learning_rate, variable.dtype)
        gradient = keras.ops.cast(gradient, variable.dtype)
        accumulator = self._accumulators[self._get_variable_index(variable)]
        self.assign_add(accumulator, keras.ops.square(gradient))
        self.assign_sub(variable, rate * gradient / (keras.ops.sqrt(accumulator) + self.epsilon))
''',
    # 4.1: momenta by 0.96 ** (t * schedule_decay), where Keras 3 has 0.96 ** t
    "Keras1Nadam": '''
@keras.saving.register_keras_serializable("kmigrate")
class Keras1Nadam(keras.optimizers.Nadam):
    """Nadam of Keras 1 and 2, with its schedule of momenta."""

    def __init__(self, learning_rate=0.002, schedule_decay=0.004, **options):
        super().__init__(learning_rate, **options)
        self.schedule_decay = schedule_decay

    def _momentum(self, step, dtype):
        decay = keras.ops.cast(self.schedule_decay, dtype) * keras.ops.cast(step, dtype)
        return self.beta_1 * (1.0 - 0.5 * keras.ops.power(keras.ops.cast(0.96, dtype), decay))

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        product = self._u_product
        self.assign(product, product * self._momentum(self.iterations + 1, product.dtype))
        keras.optimizers.Optimizer._backend_update_step(self, grads, trainable_variables, learning_rate)

    def update_step(self, gradient, variable, learning_rate):
        ops, dtype, index = keras.ops, variable.dtype, self._get_variable_index(variable)
        gradient = ops.cast(gradient, dtype)
        now, later = self._momentum(self.iterations + 1, dtype), self._momentum(self.iterations + 2, dtype)
        product = ops.cast(self._u_product, dtype)
        moment, velocity = self._momentums[index], self._velocities[index]
        self.assign(moment, self.beta_1 * moment + (1.0 - self.beta_1) * gradient)
        self.assign(velocity, self.beta_2 * velocity + (1.0 - self.beta_2) * ops.square(gradient))
        step = ops.cast(self.iterations + 1, dtype)
        mean = (1.0 - now) * gradient / (1.0 - product) + later * moment / (1.0 - product * later)
        spread = velocity / (1.0 - ops.power(ops.cast(self.beta_2, dtype), step))
        rate = ops.cast(learning_rate, dtype)
        self.assign_sub(variable, rate * mean / (ops.sqrt(spread) + self.epsilon))

    def get_config(self):
        return {**super().get_config(), "schedule_decay": self.schedule_decay}
''',
}

# Helper -> helpers that it calls.
NEEDS: dict[str, tuple[str, ...]] = {
    "keras1_fit_generator": ("keras1_steps",),
    "keras1_saved_file": ("keras1_file",),
}


def in_order(names: set[str]) -> list[str]:
    """The helpers and what they need, each before its users."""
    wanted = set(names)
    for name in names:
        wanted.update(NEEDS.get(name, ()))
    return [name for name in HELPERS if name in wanted]
