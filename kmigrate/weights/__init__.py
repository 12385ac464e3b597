"""Checkpoints: weights that a channels-first model was saved with, for the channels-last one.

`reading` and `writing` touch files (h5py, the extra ``weights``), `convert` puts the parts together; the rest is pure.
"""
