"""The abstract interpreter: runs a program on layouts instead of numbers."""
