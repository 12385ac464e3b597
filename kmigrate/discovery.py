"""Which files to look at: walk the paths, respect .gitignore, and read each file once.

Only files that may hold Keras code are handed on; all the others cost a read and two searches.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from kmigrate.gitignore import Rules, rules_above

if TYPE_CHECKING:
    from kmigrate.config import Config, Configs

#: The folder in which a run that writes files keeps its journal (`kmigrate.journal`).
JOURNAL = ".kmigrate-journal"
SKIPPED = frozenset(
    {JOURNAL, "__pycache__", "node_modules", "site-packages"}
    | {".git", ".hg", ".svn"}
    | {".eggs", ".ipynb_checkpoints", ".mypy_cache", ".nox", ".pytest_cache", ".ruff_cache", ".tox"}
)


class Candidate(NamedTuple):
    """A file that mentions Keras, as given or found, and its bytes."""

    path: str
    data: bytes


class Problem(NamedTuple):
    """A path that gave nothing, and why."""

    path: str
    message: str


class Found:
    """What a search met: candidates in a stable order, problems, and how many files were read.

    ``unfinished`` are folders in which a run that wrote files was cut off, or is at work.
    """

    def __init__(self) -> None:
        self.candidates: list[Candidate] = []
        self.problems: list[Problem] = []
        self.read = 0
        self.unfinished: list[str] = []
        self.taken: list[tuple[str, str, Rules | None]] = []  # all Python files: as shown, where, the rules there
        self.configs: dict[str, Config] = {}  # the configuration of a file, as shown, where there is one

    @property
    def files(self) -> list[str]:
        """The Python files that are not ignored, also those without Keras."""
        return [shown for shown, real, rules in self.taken if rules is None or not rules.ignore(real)]


def may_concern(data: bytes) -> bool:
    """Can these bytes be of interest? Keras by name, or relus in TensorFlow without Keras."""
    return b"keras" in data or (b"relu" in data and b"tensorflow" in data)


def find(paths: Sequence[str], configs: Configs | None = None, force_exclude: bool = False) -> Found:
    """Look at files and, recursively, at folders; each file once, whichever way it is reached.

    A path that is given is taken whatever .gitignore says of it, and whatever a configuration excludes, but for
    ``force_exclude``. Below a folder, files that end in ``.py`` or that a configuration includes count; links to
    folders, virtual environments and caches are passed by.

    Raises ConfigError.
    """
    search = _Search(configs, force_exclude)
    folders = [path for path in paths if os.path.isdir(path)]
    for path in paths:
        if path not in folders:
            search.file(path)
    for path in folders:
        search.folder(path)
    return search.found


class _Search:
    def __init__(self, configs: Configs | None, force_exclude: bool) -> None:
        self._configs = configs
        self._force_exclude = force_exclude
        self.found = Found()
        self._seen: set[str] = set()

    def file(self, path: str) -> None:
        if not os.path.lexists(path):
            self._problem(path, "no such file or folder")
        elif not os.path.isfile(path):
            self._problem(path, "broken link" if os.path.islink(path) else "not a regular file")
        else:
            real = os.path.realpath(path)
            config = self._above(os.path.dirname(real))
            if self._force_exclude and config is not None and config.excludes(real):
                return
            if os.path.lexists(os.path.join(os.path.dirname(real), JOURNAL)):
                self._unfinished(os.path.dirname(real))
            self._take(_shown(path), real, None, config)

    def _above(self, folder: str) -> Config | None:
        return None if self._configs is None else self._configs.above(folder)

    def folder(self, path: str) -> None:
        problems = len(self.found.problems)
        top = os.path.realpath(path)
        links: list[tuple[str, str]] = []
        above = self._above(top)
        if self._force_exclude and above is not None and above.excludes(top + os.sep):
            return
        any_python = self._below(top, _shown(path), rules_above(top), links, above)
        if not any_python and not links and len(self.found.problems) == problems:
            self._problem(path, "no Python files in this folder")
        # Links come last: a file that stands in the folder itself is shown under its own name.
        for shown, name in links:
            if os.path.isfile(name):
                self._take(shown, os.path.realpath(name), None, self._above(os.path.dirname(name)))

    def _below(
        self,
        folder: str,
        shown: str,
        rules: Rules | None,
        links: list[tuple[str, str]],
        config: Config | None,
        is_top: bool = True,
    ) -> bool:
        """Take what lies in and below ``folder``, put links aside; was there any Python file?"""
        try:
            with os.scandir(folder) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
        except OSError as error:
            self._problem(shown or ".", error.strerror or str(error))
            return False
        names = {entry.name for entry in entries}
        if JOURNAL in names:
            self._unfinished(folder)
        if not is_top:
            if "pyvenv.cfg" in names:
                return False
            if ".git" in names:
                rules = None  # The rules of a repository end where another one begins.
            if self._configs is not None:
                config = self._configs.inside(folder, names, config)
        if ".gitignore" in names:
            rules = Rules.read(folder, rules)
        any_python = False
        for entry in entries:
            name = entry.name
            if entry.is_dir(follow_symlinks=False):
                if name in SKIPPED or (rules is not None and rules.ignore(entry.path + os.sep)):
                    continue
                if config is not None and config.excludes(entry.path + os.sep):
                    continue
                below = self._below(entry.path, os.path.join(shown, name), rules, links, config, is_top=False)
                any_python = any_python or below
            elif name.endswith((".py", ".ipynb")) or (config is not None and config.includes(entry.path)):
                if config is not None and config.excludes(entry.path):
                    any_python = True
                elif entry.is_symlink():
                    if rules is None or not rules.ignore(entry.path):
                        links.append((os.path.join(shown, name), entry.path))
                elif entry.is_file(follow_symlinks=False):
                    any_python = True
                    self._take(os.path.join(shown, name), entry.path, rules, config)
        return any_python

    def _take(self, path: str, real: str, rules: Rules | None, config: Config | None) -> None:
        if real in self._seen:
            return
        self._seen.add(real)
        try:
            with open(real, "rb", buffering=0) as file:
                data = file.read()
        except OSError as error:
            self._problem(path, error.strerror or str(error))
            return
        self.found.read += 1
        self.found.taken.append((path, real, rules))
        if config is not None:
            self.found.configs[path] = config
        # The bytes test is far cheaper than the rules, which few files then have to pass.
        if may_concern(data) and (rules is None or not rules.ignore(real)):
            self.found.candidates.append(Candidate(path, data))

    def _unfinished(self, folder: str) -> None:
        if folder not in self.found.unfinished:
            self.found.unfinished.append(folder)

    def _problem(self, path: str, message: str) -> None:
        self.found.problems.append(Problem(path, message))


def _shown(path: str) -> str:
    """The path as the user wrote it, without a leading ``./``."""
    while path.startswith("." + os.sep):
        path = path[2:].lstrip(os.sep)
    return "" if path == "." else path
