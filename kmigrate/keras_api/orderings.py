"""The two names that each ordering has: of Keras 1, and of Keras 2 and 3."""

from __future__ import annotations

#: dim_ordering of Keras 1 -> data_format of Keras 2 and 3.
DATA_FORMATS = {"th": "channels_first", "tf": "channels_last"}
