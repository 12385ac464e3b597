"""A numeric mock of Keras in numpy: runs a script of Keras 1, 2 or 3 in milliseconds and logs what it computes.

Layers are small but real maps, exact in channels-first and channels-last; wrong shapes fail, wrong axes
change numbers. Two runs are compared by `compare`: a script and its conversion must log the same.
"""

from tests.mock_keras.compare import difference
from tests.mock_keras.run import Log, run

__all__ = ["Log", "difference", "run"]
