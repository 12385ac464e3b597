"""The one error of this package, in a file of its own so that every part can raise it."""


class RewriteError(Exception):
    """The edits could not be made; the text must be left as it was. The message says why."""
