"""Configuration: `kmigrate.toml`, or `[tool.kmigrate]` in `pyproject.toml`, the nearest one above a file.

A key is the name of an option of the command line; beside these there are the keys of `OWN`. Patterns are those of
.gitignore, relative to the folder of the configuration. `tomllib` is imported only where such a file says something.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import click

    from kmigrate.gitignore import Rules

NAMES = ("kmigrate.toml", "pyproject.toml")  # the first one in a folder counts
OWN = ("exclude", "include", "overrides", "per-file-ignores")
#: Options that are about one call of the command line and make no sense in a file.
CALL_ONLY = frozenset({"paths", "help", "version", "config", "isolated", "stdin_filename"})
#: Options about how a file is converted: these may differ from file to file.
ABOUT_FILES = (
    "target",
    "numerics",
    "ordering",
    "source_keras",
    "source_backend",
    "flatten",
    "model_inputs",
    "select",
    "ignore",
    "unsafe_fixes",
    "cell_order",
)


class ConfigError(Exception):
    """A configuration is wrong; the message names the file, the key, and the nearest right one."""


class Override(NamedTuple):
    """Other values for the files that match."""

    files: tuple[str, ...]
    values: dict[str, Any]


class Config:
    """What one file says, by the names of the command line's parameters."""

    def __init__(
        self,
        path: str,
        values: dict[str, Any],
        exclude: Sequence[str] = (),
        include: Sequence[str] = (),
        ignores: Mapping[str, tuple[str, ...]] | None = None,
        overrides: Sequence[Override] = (),
    ) -> None:
        self.path = path
        self.folder = os.path.dirname(os.path.abspath(path))
        self.values = values
        self.exclude = tuple(exclude)
        self.include = tuple(include)
        self.ignores = dict(ignores or {})
        self.overrides = tuple(overrides)
        self._rules: dict[tuple[str, ...], Rules] = {}

    def excludes(self, real: str) -> bool:
        """Is the file (or the folder, whose name ends in a separator) passed by?"""
        return bool(self.exclude) and self._match(self.exclude, real)

    def includes(self, real: str) -> bool:
        """Is a file taken although its name does not end as that of a Python file?"""
        return bool(self.include) and self._match(self.include, real)

    def choices(self, real: str) -> dict[str, Any]:
        """What is said of the conversion of a file."""
        found = {name: self.values[name] for name in ABOUT_FILES if name in self.values}
        for override in self.overrides:
            if self._match(override.files, real):
                found.update(override.values)
        return found

    @property
    def per_file_ignores(self) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
        """Folder, pattern and codes."""
        return tuple((self.folder, pattern, codes) for pattern, codes in self.ignores.items())

    def _match(self, patterns: tuple[str, ...], real: str) -> bool:
        if not real.startswith(os.path.join(self.folder, "")):
            return False
        rules = self._rules.get(patterns)
        if rules is None:
            from kmigrate.gitignore import Rules

            rules = self._rules[patterns] = Rules.of(self.folder, patterns)
        return rules.ignore(real)


class Configs:
    """The configurations of a run, each read once.

    ``parameters`` are those of the command line, against which files are checked. ``only`` is a file that counts
    instead of all that would be found, ``isolated`` lets none count.
    """

    def __init__(self, parameters: Sequence[click.Parameter], only: str | None = None, isolated: bool = False) -> None:
        self._parameters = {name.replace("_", "-"): p for p in parameters if (name := p.name) and name not in CALL_ONLY}
        self._found: dict[str, Config | None] = {}
        self._fixed = isolated or only is not None
        self._only = read(only, self._parameters, whole=os.path.basename(only) != NAMES[1]) if only else None

    def above(self, folder: str) -> Config | None:
        """The configuration for what lies in ``folder``, an absolute path.

        Raises ConfigError.
        """
        if self._fixed:
            return self._only
        if folder not in self._found:
            own = self._in(folder, NAMES)
            parent = os.path.dirname(folder)
            self._found[folder] = own if own is not None or parent == folder else self.above(parent)
        return self._found[folder]

    def inside(self, folder: str, names: Collection[str], outer: Config | None) -> Config | None:
        """The same for a folder whose file ``names`` are known, below one that has ``outer``."""
        if self._fixed or not (NAMES[0] in names or NAMES[1] in names):
            return outer
        return self._in(folder, [name for name in NAMES if name in names]) or outer

    def _in(self, folder: str, names: Sequence[str]) -> Config | None:
        for name in names:
            found = read(os.path.join(folder, name), self._parameters, whole=name == NAMES[0])
            if found is not None:
                return found
        return None


def read(path: str, parameters: Mapping[str, click.Parameter], whole: bool) -> Config | None:
    """The configuration in a file; None where it has none. ``whole``: the file is there for nothing else.

    Raises ConfigError.
    """
    try:
        with open(path, "rb") as file:
            data = file.read()
    except (FileNotFoundError, NotADirectoryError):
        if whole and os.path.basename(path) not in NAMES:
            raise ConfigError(f"{path}: there is no such file") from None
        return None
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}") from error
    if not whole and b"kmigrate" not in data:
        return None
    table = _parsed(path, data)
    if not whole:
        table = table.get("tool", {})
        table = table.get("kmigrate") if isinstance(table, dict) else None
        if table is None:
            return None
    return _Checked(path, parameters).config(table)


def _parsed(path: str, data: bytes) -> Any:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        return tomllib.loads(data.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error


class _Checked:
    """Turns a table into a `Config`, or says what is wrong with it."""

    def __init__(self, path: str, parameters: Mapping[str, click.Parameter]) -> None:
        self._path = path
        self._parameters = parameters

    def config(self, table: Any) -> Config:
        table = self._table(table, "kmigrate")
        values: dict[str, Any] = {}
        own: dict[str, Any] = {}
        for key, value in table.items():
            if key in OWN:
                own[key] = value
            else:
                values[key.replace("-", "_")] = self._value(key, value)
        ignores = self._table(own.get("per-file-ignores", {}), "per-file-ignores")
        overrides = own.get("overrides", [])
        if not isinstance(overrides, list):
            raise self._wrong("overrides", "must be a list of tables: [[tool.kmigrate.overrides]]")
        return Config(
            self._path,
            values,
            self._texts(own.get("exclude", []), "exclude"),
            self._texts(own.get("include", []), "include"),
            {
                pattern: self._value("ignore", codes, f"per-file-ignores.{pattern}")
                for pattern, codes in ignores.items()
            },
            [self._override(each) for each in overrides],
        )

    def _override(self, table: Any) -> Override:
        table = dict(self._table(table, "overrides"))
        if "files" not in table:
            raise self._wrong("overrides", 'each needs `files`, a list of patterns such as ["old/**"]')
        files = self._texts(table.pop("files"), "overrides.files")
        values = {}
        for key, value in table.items():
            name = key.replace("-", "_")
            if name not in ABOUT_FILES:
                raise self._unknown(key, [n.replace("_", "-") for n in ABOUT_FILES], "overrides.")
            values[name] = self._value(key, value, f"overrides.{key}")
        return Override(tuple(files), values)

    def _table(self, value: Any, key: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self._wrong(key, "must be a table")
        return value

    def _texts(self, value: Any, key: str) -> list[str]:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self._wrong(key, "must be a list of strings")
        return value

    def _value(self, key: str, value: Any, named: str = "") -> Any:
        """The value as the command line would have it."""
        import click

        named = named or key
        parameter = self._parameters.get(key)
        if parameter is None or key != key.lower():
            raise self._unknown(key, [*self._parameters, *OWN])
        choices = list(parameter.type.choices) if isinstance(parameter.type, click.Choice) else None
        if getattr(parameter, "is_flag", False):
            if not isinstance(value, bool):
                raise self._wrong(named, "must be true or false")
            return value
        if parameter.multiple:
            value = self._texts(value, named)
        elif isinstance(parameter.type, click.types.IntParamType):
            if not isinstance(value, int) or isinstance(value, bool):
                raise self._wrong(named, "must be a whole number")
        elif not isinstance(value, str):
            raise self._wrong(named, f'must be a string: {key} = "{value}"')
        if choices is not None and value not in choices:
            raise self._wrong(named, f"must be one of {', '.join(choices)}{_nearest(value, choices)}")
        if isinstance(parameter.type, click.Path):
            return os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(self._path)), value))
        context = click.Context(click.Command("kmigrate"))
        try:
            value = parameter.type_cast_value(context, value)
            return value if parameter.callback is None else parameter.callback(context, parameter, value)
        except click.BadParameter as error:
            raise self._wrong(named, error.message) from error

    def _wrong(self, key: str, message: str) -> ConfigError:
        return ConfigError(f"{self._path}: `{key}`: {message}")

    def _unknown(self, key: str, known: Sequence[str], where: str = "") -> ConfigError:
        return ConfigError(f"{self._path}: `{where}{key}` is no key{_nearest(key, known)}")


def _nearest(word: str, known: Sequence[str]) -> str:
    from difflib import get_close_matches

    found = get_close_matches(word.replace("_", "-").lower(), known, n=1, cutoff=0.5)
    return f"; did you mean `{found[0]}`?" if found else f"; there are {', '.join(sorted(known))}"
