"""Relus that compute more than they need, and the fast form that means the same."""

from kmigrate.relu.finder import find

__all__ = ["find"]
