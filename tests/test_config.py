"""Configuration: which file counts, what it may say, and what the command line and the files say together."""

from __future__ import annotations

from pathlib import Path

import pytest

from kmigrate import pipeline
from kmigrate.cli import cli
from kmigrate.commands import Mode
from kmigrate.config import ABOUT_FILES, CALL_ONLY
from kmigrate.options import Options

pytestmark = pytest.mark.usefixtures("settings_only")

FIRST = b"import keras\nx = 'channels_first'\n"
LAST = FIRST.replace(b"first", b"last")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make(name: str, data: bytes | str = FIRST) -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> dict[str, Options]:
    """The options that reached the analysis, by file."""
    found: dict[str, Options] = {}

    def convert(candidates, options, given=None):
        for candidate in candidates:
            found[candidate.path] = options if isinstance(options, Options) else options[candidate.path]
        return []

    monkeypatch.setattr(pipeline, "convert", convert)
    return found


def test_every_option_has_its_place() -> None:
    names = {parameter.name for parameter in cli.params}
    assert names == {*ABOUT_FILES, *Mode._fields, *CALL_ONLY} - {"help", "argv"}
    assert {*ABOUT_FILES} == {*Options.__dataclass_fields__} - {"per_file_ignores"}


@pytest.mark.parametrize(("name", "section"), [("kmigrate.toml", ""), ("pyproject.toml", "[tool.kmigrate]\n")])
def test_a_configuration_above_a_file_counts(kmigrate, seen, name: str, section: str) -> None:
    make(name, f'{section}ordering = "th"\nsource-keras = "1.2"\nignore = ["KM2"]\n')
    make("deep/er/a.py")
    kmigrate("deep")
    options = seen["deep/er/a.py"]
    assert (options.ordering, options.source_keras, options.ignore) == ("th", "1.2", ("KM2",))
    kmigrate("--ordering", "tf", "deep")
    assert seen["deep/er/a.py"].ordering == "tf"
    kmigrate("--isolated", "deep")
    assert seen["deep/er/a.py"] == Options()


def test_the_nearest_one_counts_alone(kmigrate, seen) -> None:
    make("pyproject.toml", '[tool.kmigrate]\nordering = "th"\nflatten = "permute"\n')
    make("other/pyproject.toml", '[project]\nname = "kmigrate"\n')
    make("inner/kmigrate.toml", 'ordering = "tf"\n')
    make("inner/pyproject.toml", '[tool.kmigrate]\nordering = "th"\n')
    for name in ("a.py", "other/b.py", "inner/c.py"):
        make(name)
    kmigrate(".")
    assert {name: (o.ordering, o.flatten) for name, o in seen.items()} == {
        "a.py": ("th", "permute"),
        "other/b.py": ("th", "permute"),
        "inner/c.py": ("tf", "auto"),
    }


def test_overrides_are_for_the_files_that_match(kmigrate, seen) -> None:
    make("pyproject.toml", '[[tool.kmigrate.overrides]]\nfiles = ["old/**"]\nordering = "th"\nsource-keras = "1.1"\n')
    make("old/a.py")
    make("new/b.py")
    kmigrate(".")
    assert (seen["old/a.py"].ordering, seen["old/a.py"].source_keras) == ("th", "1.1")
    assert seen["new/b.py"] == Options()


def test_a_given_configuration_counts_instead(kmigrate, seen, here: Path) -> None:
    make("pyproject.toml", '[tool.kmigrate]\nordering = "th"\n')
    make("elsewhere/mine.toml", 'ordering = "tf"\n')
    make("a.py")
    kmigrate("--config", "elsewhere/mine.toml", "a.py")
    assert seen["a.py"].ordering == "tf"
    status, _, err = kmigrate("--config", "gone.toml", "a.py")
    assert (status, err) == (2, "Error: gone.toml: there is no such file\n")
    assert kmigrate("--config", "gone.toml", "--isolated", "a.py").status == 2


def test_options_of_the_run(kmigrate) -> None:
    make("kmigrate.toml", "write = true\n")
    path = make("a.py")
    assert kmigrate("--check", "a.py").status == 1
    assert path.read_bytes() == FIRST
    assert kmigrate("a.py")[:2] == (0, b"")
    assert path.read_bytes() == LAST


def test_excluded_files_are_passed_by(kmigrate) -> None:
    make("kmigrate.toml", 'exclude = ["vendor/", "*_old.py", "!keep_old.py"]\ninclude = ["*.pyw"]\n')
    for name in ("a.py", "vendor/b.py", "c_old.py", "keep_old.py", "d.pyw", "e.txt"):
        make(name)
    kmigrate("--write", ".")
    done = {str(path) for path in Path().rglob("*") if path.is_file() and path.read_bytes() == LAST}
    assert done == {"a.py", "keep_old.py", "d.pyw"}
    kmigrate("--write", "--force-exclude", "c_old.py", "vendor")
    assert make("x", Path("c_old.py").read_bytes()).read_bytes() == FIRST
    kmigrate("--write", "c_old.py")
    assert Path("c_old.py").read_bytes() == LAST


def test_a_folder_in_which_all_is_excluded_is_no_error(kmigrate) -> None:
    make("kmigrate.toml", 'exclude = ["*.py"]\n')
    make("a.py")
    assert kmigrate(".").status == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('orderin = "th"', "kmigrate.toml: `orderin` is no key; did you mean `ordering`?"),
        ('source_keras = "1"', "`source_keras` is no key; did you mean `source-keras`?"),
        ("qqqqqqqq = 1", "`qqqqqqqq` is no key; there are "),
        ('ordering = "first"', "`ordering`: must be one of auto, th, tf"),
        ("ordering = 1", "`ordering`: must be a string"),
        ("source-keras = 1.2", '`source-keras`: must be a string: source-keras = "1.2"'),
        ('source-keras = "new"', "`source-keras`: say a version such as 1.2, or auto"),
        ('ignore = "KM1"', "`ignore`: must be a list of strings"),
        ('ignore = ["KM7"]', "`ignore`: no code begins with 'KM7'"),
        ("strict = 1", "`strict`: must be true or false"),
        ('exclude = "a"', "`exclude`: must be a list of strings"),
        ('stdin-filename = "a"', "`stdin-filename` is no key"),
        ("[[overrides]]\nordering = 'th'", "`overrides`: each needs `files`"),
        ("[[overrides]]\nfiles = ['a']\nstrict = true", "`overrides.strict` is no key"),
        ("[overrides]", "`overrides`: must be a list of tables"),
        ("[per-file-ignores]\n'a' = ['KM9999']", "`per-file-ignores.a`: no code begins with"),
        ("ordering = ", "kmigrate.toml: Invalid value"),
    ],
)
def test_a_wrong_key_is_named_and_nothing_is_done(kmigrate, text: str, message: str) -> None:
    make("kmigrate.toml", text)
    path = make("a.py")
    status, out, err = kmigrate("--write", "a.py")
    assert (status, out) == (2, b"")
    assert err.startswith("Error: ")
    assert message in err
    assert err.count("\n") == 1
    assert path.read_bytes() == FIRST


def test_a_pyproject_that_does_not_speak_of_kmigrate_is_not_parsed(kmigrate) -> None:
    make("pyproject.toml", "this is no TOML")
    make("a.py")
    assert kmigrate("a.py").status == 0


def test_config_shows_what_is_in_force(kmigrate) -> None:
    make(
        "pyproject.toml",
        '[tool.kmigrate]\nordering = "th"\nexclude = ["x"]\n[tool.kmigrate.per-file-ignores]\n"b" = ["KM2"]\n',
    )
    status, out, _ = kmigrate("config")
    lines = out.decode().splitlines()
    assert status == 0
    assert lines[0].endswith("/pyproject.toml")
    assert 'ordering = "th"  # pyproject.toml' in lines
    assert 'flatten = "auto"  # default' in lines
    assert '"b" = ["KM2"]  # pyproject.toml' in lines
    assert 'ordering = "auto"  # default' in kmigrate("config", "--isolated").out.decode().splitlines()


def test_what_config_shows_is_a_configuration(kmigrate) -> None:
    shown = kmigrate("config").out
    make("kmigrate.toml", shown)
    assert kmigrate("config").status == 0


def test_ignores_per_file(kmigrate) -> None:
    from kmigrate.options import Options

    make("kmigrate.toml", "[per-file-ignores]\n'lib/*.py' = ['KM1']\n")
    options = Options(per_file_ignores=((str(Path().resolve()), "lib/*.py", ("KM1",)),))
    make("lib/a.py")
    assert not options.wants("KM101", "lib/a.py")
    assert options.wants("KM201", "lib/a.py")
    assert options.wants("KM101", "a.py")


def test_scripts_of_one_program_with_different_options_are_looked_at_one_by_one(kmigrate) -> None:
    make("pyproject.toml", '[[tool.kmigrate.overrides]]\nfiles = ["a.py"]\nordering = "th"\n')
    make("a.py", b"import m, keras\n" + FIRST)
    make("b.py", b"import m, keras\n" + FIRST)
    make("m.py", FIRST)
    _, _, err = kmigrate(".")
    assert "KM904 its scripts have different options in the configuration" in err
