"""Random small channels-first programs in the Keras of several versions, each from a seed."""

from tests.generated.program import Program, generate

__all__ = ["Program", "generate"]
