"""Which Keras a source was written for, as far as a run needs to know."""

from __future__ import annotations

import re
from collections.abc import Sequence

_KERAS3 = re.compile(
    rb"keras\.(ops|random|saving|config|distribution)\b|from keras import .*\b(ops|random|saving)\b"
    rb"|negative_slope|KERAS_BACKEND|from keras_|standardize_layer"
)
_TF_KERAS = re.compile(
    rb"tensorflow\.keras|tensorflow import .*keras|\btf\.keras|\btf_keras\b|tensorflow\.contrib\.keras"
)
_KERAS2 = re.compile(
    rb"keras\.(layers\.(core|convolutional|normalization|advanced_activations|merge|pooling|recurrent)"
    rb"|utils\.np_utils|engine|preprocessing)\b|from keras\.utils import np_utils|backend as K|keras\.backend"
    rb"|\b(fit_generator|predict_classes|predict_generator|evaluate_generator)\b|\blr=|\bdecay="
)


def choose_stack(texts: Sequence[bytes]) -> str:
    """'tf_keras' for Keras 2 and tf.keras sources, 'keras3' for others."""
    whole = b"\n".join(texts)
    if _TF_KERAS.search(whole):
        return "tf_keras"
    if _KERAS3.search(whole):
        return "keras3"
    return "tf_keras" if _KERAS2.search(whole) else "keras3"
