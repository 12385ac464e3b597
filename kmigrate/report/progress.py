"""Where a long run stands: one line on the terminal that is written over."""

from __future__ import annotations

import shutil
import sys


class Progress:
    """Does nothing where stderr is no terminal."""

    def __init__(self) -> None:
        self.on = sys.stderr.isatty()
        self.shown = ""

    def __call__(self, text: str) -> None:
        """Show ``text`` in place of what was shown."""
        width = shutil.get_terminal_size().columns - 1
        text = text[:width]
        if self.on and text != self.shown:
            sys.stderr.write("\r" + text.ljust(len(self.shown)))
            sys.stderr.flush()
            self.shown = text

    def clear(self) -> None:
        """Leave the line empty."""
        if self.shown:
            sys.stderr.write("\r" + " " * len(self.shown) + "\r")
            sys.stderr.flush()
            self.shown = ""
