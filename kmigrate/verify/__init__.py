"""Prove that a converted program computes the same, by running it before and after.

Importing this package imports neither numpy nor TensorFlow; only the child processes import the latter.
"""

from kmigrate.verify.certificate import Certificate, Divergence, Figure, ModelFigures, Verdict
from kmigrate.verify.runner import NoDevice, VerifyOptions, verify
from kmigrate.verify.sandbox import Place, hashes
from kmigrate.verify.server import Server

__all__ = [
    "Certificate",
    "Divergence",
    "Figure",
    "ModelFigures",
    "NoDevice",
    "Place",
    "Server",
    "Verdict",
    "VerifyOptions",
    "hashes",
    "verify",
]
