"""Layers of Keras 1 and 2 that Keras 3 does not have, for predictions."""

from __future__ import annotations

from typing import Any


def make(keras: Any, tf: Any) -> dict[str, Any]:
    """Their classes by name, for the Keras that is given."""
    layers, activations = keras.layers, keras.activations

    class LocallyConnected2D(layers.Layer):  # type: ignore[name-defined]
        """A convolution with a kernel for each place; patches are (h, w, in) here."""

        def __init__(self, filters: int, kernel_size: Any, strides: Any = (1, 1), activation: Any = None,
                     use_bias: bool = True, data_format: str = "channels_last", **kwargs: Any) -> None:  # fmt: skip
            super().__init__(**kwargs)
            self.filters, self.size, self.strides = filters, tuple(kernel_size), tuple(strides)
            self.activation, self.use_bias = activations.get(activation), use_bias
            self.first = data_format == "channels_first"

        def build(self, shape: Any) -> None:
            shape = (shape[2], shape[3], shape[1]) if self.first else shape[1:]
            self.places = [(n - k) // s + 1 for n, k, s in zip(shape, self.size, self.strides)]
            rows = self.size[0] * self.size[1] * shape[2]
            self.kernel = self.add_weight(shape=(self.places[0] * self.places[1], rows, self.filters), name="kernel")
            if self.use_bias:
                self.bias = self.add_weight(shape=(*self.places, self.filters), name="bias")
            self.built = True

        def call(self, x: Any) -> Any:
            x = tf.transpose(x, (0, 2, 3, 1)) if self.first else x
            patches = tf.image.extract_patches(x, (1, *self.size, 1), (1, *self.strides, 1), (1, 1, 1, 1), "VALID")
            patches = tf.reshape(patches, (-1, self.places[0] * self.places[1], self.kernel.shape[1]))
            y = tf.einsum("npr,prf->npf", patches, tf.convert_to_tensor(self.kernel))
            y = tf.reshape(y, (-1, *self.places, self.filters))
            y = self.activation(y + tf.convert_to_tensor(self.bias) if self.use_bias else y)
            return tf.transpose(y, (0, 3, 1, 2)) if self.first else y

        def compute_output_shape(self, shape: Any) -> Any:
            sides = (shape[2], shape[3]) if self.first else (shape[1], shape[2])
            places = [(n - k) // s + 1 for n, k, s in zip(sides, self.size, self.strides)]
            return (shape[0], self.filters, *places) if self.first else (shape[0], *places, self.filters)

    class Highway(layers.Layer):  # type: ignore[name-defined]
        """Weights W, W_carry, b, b_carry."""

        def __init__(self, activation: Any = None, use_bias: bool = True, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.activation, self.use_bias = activations.get(activation), use_bias

        def build(self, shape: Any) -> None:
            size = shape[-1]
            shapes = {"W": (size, size), "W_carry": (size, size), "b": (size,), "b_carry": (size,)}
            names = list(shapes)[: 4 if self.use_bias else 2]
            self.parts = [self.add_weight(shape=shapes[name], name=name) for name in names]
            self.built = True

        def call(self, x: Any) -> Any:
            parts = [tf.convert_to_tensor(part) for part in self.parts]
            carry, plain = tf.matmul(x, parts[1]), tf.matmul(x, parts[0])
            if self.use_bias:
                carry, plain = carry + parts[3], plain + parts[2]
            t = tf.sigmoid(carry)
            return self.activation(plain) * t + (1 - t) * x

    class MaxoutDense(layers.Layer):  # type: ignore[name-defined]
        """The largest of ``nb_feature`` linear layers."""

        def __init__(self, units: int, nb_feature: int = 4, use_bias: bool = True, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.units, self.count, self.use_bias = units, nb_feature, use_bias

        def build(self, shape: Any) -> None:
            self.kernel = self.add_weight(shape=(self.count, shape[-1], self.units), name="kernel")
            if self.use_bias:
                self.bias = self.add_weight(shape=(self.count, self.units), name="bias")
            self.built = True

        def call(self, x: Any) -> Any:
            y = tf.einsum("ni,kio->nko", x, tf.convert_to_tensor(self.kernel))
            return tf.reduce_max(y + tf.convert_to_tensor(self.bias) if self.use_bias else y, axis=1)

        def compute_output_shape(self, shape: Any) -> Any:
            return (shape[0], self.units)

    return {"LocallyConnected2D": LocallyConnected2D, "Highway": Highway, "MaxoutDense": MaxoutDense}
