"""`kmigrate.codemods` is there from a wheel, an editable install and a checkout, and `codemods` never is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

PROBE = """
import importlib, importlib.util, pkgutil, sys, kmigrate.codemods
print(kmigrate.__file__)
print(kmigrate.codemods.__file__)
assert {"layout_setting", "axis_number"} <= {m.name for m in pkgutil.iter_modules(kmigrate.codemods.__path__)}
assert importlib.import_module("kmigrate.codemods.imports").__package__ == "kmigrate.codemods"
for neighbour in ("tests", "fixtures", "kmigrate"):
    assert importlib.util.find_spec("kmigrate." + neighbour) is None
assert "codemods" not in sys.modules
"""
NO_TOP_LEVEL = "assert importlib.util.find_spec('codemods') is None\n"


def build(kind: str, project: Path, out: Path) -> Path:
    """Call the build backend in its own process, as pip would, and unpack the wheel it makes."""
    code = f"import setuptools.build_meta as b; print(b.build_{kind}({str(out)!r}))"
    subprocess.run([sys.executable, "-c", code], cwd=project, check=True, capture_output=True)
    (wheel,) = out.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(out / "site")
    return out / "site"


def probe(code: str, where: Path, *sites: Path) -> list[str]:
    """Run the code elsewhere with these site folders and the libraries of this Python.

    ``-S`` keeps out an editable install of this very checkout, which would be found instead.
    """
    libraries = [folder for folder in sys.path if folder and Path(folder).resolve() != ROOT]
    setup = "import site, sys\n" + "".join(f"site.addsitedir({str(folder)!r})\n" for folder in sites)
    command = [sys.executable, "-S", "-c", f"{setup}sys.path += {libraries!r}\n{code}"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=where, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy, so that building leaves nothing in the checkout."""
    copy = tmp_path_factory.mktemp("project")
    for name in ("kmigrate", "codemods"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    return copy


@pytest.fixture(scope="module")
def wheel(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", project, tmp_path_factory.mktemp("wheel"))


def test_wheel(wheel: Path, tmp_path: Path) -> None:
    package, codemods = probe(PROBE + NO_TOP_LEVEL, tmp_path, wheel)
    assert package == str(wheel / "kmigrate" / "__init__.py")
    assert codemods == str(wheel / "kmigrate" / "codemods" / "__init__.py")


def test_the_wheel_has_every_module_and_nothing_else(wheel: Path) -> None:
    built = {path.relative_to(wheel) for path in wheel.rglob("*") if path.is_file() and ".dist-info" not in str(path)}
    sources = {path.relative_to(ROOT) for path in (ROOT / "kmigrate").rglob("*.py")}
    sources |= {Path("kmigrate") / path.relative_to(ROOT) for path in (ROOT / "codemods").rglob("*.py")}
    assert {path for path in built if path.suffix == ".py"} == sources, "see `packages` in pyproject.toml"


def test_the_wheels_metadata(wheel: Path) -> None:
    (metadata,) = wheel.glob("kmigrate-*.dist-info/METADATA")
    lines = metadata.read_text(encoding="utf-8").splitlines()
    required = {line.removeprefix("Requires-Dist: ") for line in lines if line.startswith("Requires-Dist: ")}
    assert {line.split(">")[0] for line in required if "extra ==" not in line} == {
        "click",
        "fissix",
        "libcst",
        "pathspec",
        "tomli",
    }
    (scripts,) = wheel.glob("kmigrate-*.dist-info/entry_points.txt")
    assert "kmigrate = kmigrate.cli:main" in scripts.read_text(encoding="utf-8")
    assert list(wheel.glob("kmigrate-*.dist-info/**/LICENSE"))


def test_editable_install(project: Path, tmp_path: Path) -> None:
    site = build("editable", project, tmp_path)
    package, codemods = probe(PROBE + NO_TOP_LEVEL, tmp_path, site)
    assert package == str(project / "kmigrate" / "__init__.py")
    assert codemods == str(project / "codemods" / "__init__.py")


def test_checkout(project: Path) -> None:
    # Here `codemods` lies on the path, as everything in the working folder does; nobody imports it.
    package, codemods = probe("import sys; sys.path.insert(0, '')\n" + PROBE, project)
    assert package == str(project / "kmigrate" / "__init__.py")
    assert codemods == str(project / "codemods" / "__init__.py")


@pytest.mark.parametrize("way", ["wheel", "editable", "checkout"])
def test_python_m_kmigrate(way: str, project: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    main = "import runpy; sys.argv[1:] = ['rule', 'KM101']; runpy.run_module('kmigrate', run_name='__main__')"
    if way == "checkout":
        command = [sys.executable, "-m", "kmigrate", "rule", "KM101"]
        out = subprocess.run(command, cwd=project, check=True, capture_output=True, text=True).stdout
    else:
        site = request.getfixturevalue("wheel") if way == "wheel" else build("editable", project, tmp_path)
        out = " ".join(probe(main, tmp_path, site))
    assert out.startswith("KM101 layout-setting")
    assert "What it does" in out
