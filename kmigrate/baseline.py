"""What is known to be left alone: a file that lets `--strict` pass old code and stop new.

An entry names a file, a code (or ``model``), and the text of the line (or the model's name), so that it
outlives edits elsewhere in the file.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from kmigrate.config import ConfigError

if TYPE_CHECKING:
    from kmigrate.pipeline import Result

VERSION = 1


class Entry(NamedTuple):
    path: str  # relative to the folder of the baseline, with slashes
    code: str
    text: str


class Baseline:
    """The entries of one file, with their counts."""

    def __init__(self, path: str, entries: Iterable[Entry] = ()) -> None:
        self.path = path
        self.entries = Counter(entries)
        self._folder = os.path.dirname(os.path.realpath(path))

    @classmethod
    def read(cls, path: str) -> Baseline:
        """Raises ConfigError where the file cannot be read as a baseline."""
        try:
            with open(path, encoding="utf-8") as file:
                data = json.load(file)
            if data["version"] != VERSION:
                raise ConfigError(f"{path}: a baseline of version {data['version']}; this kmigrate reads {VERSION}")
            found = cls(path)
            for item in data["left_alone"]:
                found.entries[Entry(str(item["path"]), str(item["code"]), str(item["text"]))] += int(item["count"])
            return found
        except FileNotFoundError:
            message = "there is no such baseline; --update-baseline makes it"
        except OSError as error:
            message = error.strerror or str(error)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            message = f"this is no baseline: {error}"
        raise ConfigError(f"{path}: {message}")

    def knows(self, result: Result) -> bool:
        """Is all that is left alone in a file known?"""
        own = Counter(self.of(result))
        return all(self.entries[entry] >= count for entry, count in own.items())

    def stale(self, results: Sequence[Result]) -> int:
        """How many entries about these files hold no longer."""
        seen = {self._relative(result.path) for result in results}
        found = Counter(entry for result in results for entry in self.of(result))
        return sum(max(n - found[e], 0) for e, n in self.entries.items() if e.path in seen)

    def of(self, result: Result) -> list[Entry]:
        """What is left alone in a file."""
        path = self._relative(result.path)
        lines = result.source.text.splitlines() if result.source is not None else []
        found = [Entry(path, "model", model.name) for model in result.plan.models if model.status.left]
        for d in result.diagnostics:
            if d.code.startswith(("KM4", "KM9")):
                text = lines[d.line - 1].strip() if 0 < d.line <= len(lines) else ""
                found.append(Entry(path, d.code, text))
        return found

    def updated(self, results: Sequence[Result]) -> Baseline:
        """With what is left alone in these files now; what it says of others stays."""
        seen = {self._relative(result.path) for result in results}
        kept = Baseline(self.path)
        kept.entries.update({e: n for e, n in self.entries.items() if e.path not in seen})
        kept.entries.update(entry for result in results for entry in self.of(result))
        return kept

    def text(self) -> str:
        left = [{**entry._asdict(), "count": count} for entry, count in sorted(self.entries.items()) if count]
        return json.dumps({"version": VERSION, "left_alone": left}, indent=1, ensure_ascii=False) + "\n"

    def _relative(self, path: str) -> str:
        return os.path.relpath(os.path.realpath(path), self._folder).replace(os.sep, "/")
