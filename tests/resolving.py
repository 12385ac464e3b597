"""A small import resolver, so that the tables and the relus are tested apart from layout inference."""

from kmigrate.keras_api.paths import dotted

__all__ = ["dotted"]
