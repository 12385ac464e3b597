"""What stops a conversion of weights."""

from __future__ import annotations


class WeightsError(Exception):
    """One clear message for the user: a file, layer or option, and what is wrong with it."""
