"""What the command line and the configurations say together: for the run, and for each file.

The command line comes first, then the overrides of a configuration, then its other keys, then the defaults.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kmigrate.config import ABOUT_FILES, CALL_ONLY, Config, Configs

if TYPE_CHECKING:
    import click

    from kmigrate.discovery import Found
    from kmigrate.options import Options


class Settings:
    """``said`` are the options that were given on the command line, ``defaults`` the values of all."""

    def __init__(
        self,
        configs: Configs | None = None,
        said: Mapping[str, Any] | None = None,
        defaults: Mapping[str, Any] | None = None,
    ) -> None:
        self.configs = configs
        self._said = dict(said or {})
        self._defaults = {name: value for name, value in (defaults or {}).items() if name not in CALL_ONLY}

    @classmethod
    def of(cls, context: click.Context, configured: click.Command | None = None) -> Settings:
        """The settings of a call; ``configured`` is the command whose options a configuration may hold."""
        parameters = (configured or context.command).params
        said = {
            name: value
            for name, value in context.params.items()
            if (source := context.get_parameter_source(name)) is not None and source.name == "COMMANDLINE"
        }
        only = context.params.get("config")
        return cls(Configs(parameters, only, bool(context.params.get("isolated"))), said, context.params)

    def for_run(self, paths: Sequence[str]) -> dict[str, Any]:
        """All options but those about files, by the configuration above everything that was given.

        Raises ConfigError.
        """
        config = self._around(paths)
        chosen = {**self._defaults, **(config.values if config is not None else {}), **self._said}
        return {name: value for name, value in chosen.items() if name in self._defaults and name not in ABOUT_FILES}

    def for_file(self, config: Config | None, path: str) -> Options:
        """The options of the conversion of one file.

        Raises ConfigError.
        """
        from kmigrate.options import Options

        chosen = {name: value for name, value in self._defaults.items() if name in ABOUT_FILES}
        if config is not None:
            chosen.update(config.choices(os.path.realpath(path)))
            chosen["per_file_ignores"] = config.per_file_ignores
        chosen.update({name: value for name, value in self._said.items() if name in ABOUT_FILES})
        return Options(**chosen)

    def for_path(self, path: str) -> Options:
        """The same for a file that no search has found.

        Raises ConfigError.
        """
        folder = os.path.dirname(os.path.realpath(path))
        return self.for_file(self.configs.above(folder) if self.configs is not None else None, path)

    def for_files(self, found: Found) -> Options | dict[str, Options]:
        """The same for all files that were found: one for all, or by their paths."""
        from kmigrate.options import Options

        configs = set(map(found.configs.get, found.files))
        if len(configs) == 1 and not any(config is not None and config.overrides for config in configs):
            return self.for_file(configs.pop(), "")
        options = {path: self.for_file(found.configs.get(path), path) for path in found.files}
        different = set(options.values())
        return different.pop() if len(different) == 1 else options or Options()

    def _around(self, paths: Sequence[str]) -> Config | None:
        if self.configs is None:
            return None
        folders = [p if os.path.isdir(p) else os.path.dirname(p) for p in map(os.path.realpath, paths)]
        try:
            return self.configs.above(os.path.commonpath(folders or [os.getcwd()]))
        except ValueError:  # on several drives
            return None
