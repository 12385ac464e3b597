"""Is what verification needs installed? Light, for it is asked before anything is known to change."""

from __future__ import annotations

from importlib.util import find_spec

_NEEDED = ("numpy", "tensorflow", "tf_keras")


def missing() -> str:
    """What verification needs and this Python lacks, as a message; empty if nothing."""
    lacking = [name for name in _NEEDED if find_spec(name) is None]
    if not lacking:
        return ""
    return f"verifying needs {', '.join(lacking)}: pip install 'kmigrate[verify]'"
