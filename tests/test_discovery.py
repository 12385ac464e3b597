from __future__ import annotations

import builtins
import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from kmigrate.discovery import Found, find, may_concern

KERAS = b"import keras\n"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def make(*names: str, data: bytes = KERAS) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(data)


def paths(found: Found) -> list[str]:
    return [candidate.path for candidate in found.candidates]


def problems(found: Found) -> list[str]:
    return [f"{path}: {message}" for path, message in found.problems]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(b"from keras.models import Sequential", True, id="keras"),
        pytest.param(b"import tensorflow as tf\ntf.keras.layers", True, id="tf.keras"),
        pytest.param(b"import tensorflow as tf\ny = tf.nn.relu(x)", True, id="relu without Keras"),
        pytest.param(b"import tensorflow as tf\ny = tf.matmul(x, w)", False, id="tensorflow alone"),
        pytest.param(b"import torch\ny = torch.relu(x)", False, id="torch"),
    ],
)
def test_prefilter(data: bytes, expected: bool) -> None:
    assert may_concern(data) is expected


def test_walk_finds_python_files_below_in_a_stable_order() -> None:
    make("b.py", "a/z.py", "a/b/c.py", "notes.txt", "script")
    make("plain.py", data=b"x = 1\n")
    found = find(["."])
    assert paths(found) == [os.path.join("a", "b", "c.py"), os.path.join("a", "z.py"), "b.py"]
    assert found.candidates[0].data == KERAS
    assert found.read == 4


def test_names_are_shown_as_they_were_given(tmp_path: Path) -> None:
    make("pkg/a.py")
    assert paths(find(["./pkg"])) == [os.path.join("pkg", "a.py")]
    assert paths(find(["pkg/"])) == [os.path.join("pkg", "a.py")]
    assert paths(find(["./pkg/a.py"])) == [os.path.join("pkg", "a.py")]
    assert paths(find([str(tmp_path)])) == [str(tmp_path / "pkg" / "a.py")]


def test_a_given_file_needs_no_suffix() -> None:
    make("train")
    assert paths(find(["train"])) == ["train"]


def test_caches_environments_and_installed_packages_are_passed_by() -> None:
    make("a.py", "__pycache__/b.py", ".git/hooks/c.py", "env/d.py", "x/site-packages/e.py", ".hidden/f.py")
    make("env/pyvenv.cfg", data=b"")
    assert paths(find(["."])) == [os.path.join(".hidden", "f.py"), "a.py"]
    assert paths(find(["env"])) == [os.path.join("env", "d.py")]


@pytest.mark.parametrize(
    ("name", "make_it", "message"),
    [
        pytest.param("gone.py", lambda: None, "gone.py: no such file or folder", id="missing"),
        pytest.param("empty", lambda: os.mkdir("empty"), "empty: no Python files in this folder", id="empty"),
        pytest.param(
            "data",
            lambda: make("data/x.txt", "data/y/z.csv"),
            "data: no Python files in this folder",
            id="none",
        ),
        pytest.param("dead.py", lambda: os.symlink("no", "dead.py"), "dead.py: broken link", id="broken link"),
        pytest.param("pipe.py", lambda: os.mkfifo("pipe.py"), "pipe.py: not a regular file", id="pipe"),
    ],
)
def test_a_path_that_gives_nothing_is_one_problem_and_others_go_on(name, make_it, message) -> None:
    make("good.py")
    make_it()
    found = find([name, "good.py"])
    assert problems(found) == [message]
    assert paths(found) == ["good.py"]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="permissions do not bind this user")
def test_unreadable_paths_are_problems() -> None:
    make("secret.py", "closed/a.py")
    os.chmod("secret.py", 0)
    os.chmod("closed", 0)
    try:
        assert problems(find(["."])) == ["closed: Permission denied", "secret.py: Permission denied"]
    finally:
        os.chmod("closed", 0o700)


def test_each_file_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    make("a/b.py", "a/c.py", "d.py")
    os.symlink("b.py", "a/link.py")
    os.symlink("..", "a/loop")
    opened = []
    real_open = builtins.open

    def counting(file, *args, **kwargs):
        opened.append(os.fspath(file))
        return real_open(file, *args, **kwargs)

    monkeypatch.setattr(builtins, "open", counting)
    found = find(["a", ".", "a/b.py", "a/link.py", "./d.py"])
    assert len(opened) == len(set(opened)) == found.read == 3
    assert sorted(paths(found)) == [os.path.join("a", "b.py"), os.path.join("a", "c.py"), "d.py"]


def test_links_to_files_are_followed_and_links_to_folders_are_not() -> None:
    make("elsewhere/a.py", "tree/own.py")
    os.symlink("../elsewhere/a.py", "tree/a.py")
    os.symlink("../elsewhere", "tree/sub")
    os.symlink("nowhere.py", "tree/dead.py")
    os.symlink("../elsewhere/b.py", "tree/ignored.py")
    make("elsewhere/b.py")
    make("tree/.gitignore", data=b"ignored.py\n")
    assert paths(find(["tree"])) == [os.path.join("tree", "own.py"), os.path.join("tree", "a.py")]


def test_gitignore_is_respected_also_nested_and_from_above() -> None:
    make("repo/a.py", "repo/build/b.py", "repo/gen_c.py", "repo/sub/gen_d.py", "repo/sub/e.py", "repo/sub/f.py")
    make("repo/.git/HEAD", data=b"")
    make("repo/.gitignore", data=b"build/\ngen_*.py\n")
    make("repo/sub/.gitignore", data=b"!gen_d.py\n/e.py\n")
    below = [os.path.join("repo", "sub", name) for name in ("f.py", "gen_d.py")]
    assert paths(find(["repo"])) == [os.path.join("repo", "a.py"), *below]
    assert paths(find(["repo/sub"])) == below


def test_a_path_that_is_given_is_taken_although_ignored() -> None:
    make("build/b.py", "build/gen.py", "gen.py")
    make(".git/HEAD", data=b"")
    make(".gitignore", data=b"build/\ngen.py\n")
    assert paths(find(["gen.py"])) == ["gen.py"]
    assert os.path.join("build", "b.py") in paths(find(["build"]))


def test_a_repository_within_has_its_own_rules() -> None:
    make("inner/a.py", "inner/.git/HEAD")
    make(".gitignore", data=b"a.py\n")
    assert paths(find(["."])) == [os.path.join("inner", "a.py")]


def test_malformed_patterns_do_not_take_the_others_along() -> None:
    make("a.py", "b.py")
    make(".gitignore", data=b"!\n[z-a].py\nb.py\n\xff\n")
    assert paths(find(["."])) == ["a.py"]


_PATTERNS = ["*", "!*/", "!*.py", "*.py", "!keep.py", "x.*", "/x.py", "[xy].py", "**/x.py", "!**/x.py", "/*"]
_PATTERNS += ["foo", "/foo", "foo/", "foo/*", "foo/**", "!foo/keep.py", "build/", "!build/"]
_PATTERNS += ["**/a/", "a/*", "a/b", "a/**/b", "b/"]


@pytest.mark.skipif(shutil.which("git") is None, reason="git is the oracle")
@pytest.mark.parametrize("seed", range(12))
def test_gitignore_means_what_it_means_to_git(seed: int) -> None:
    choose = random.Random(seed)
    subprocess.run(["git", "init", "-q", "."], check=True)
    folders = ["."]
    for _ in range(5):
        folders.append(os.path.join(choose.choice(folders), choose.choice(["a", "b", "foo", "build"])))
    for folder in folders:
        make(*(os.path.join(folder, name) for name in ("x.py", "y.py", "keep.py")))
    for folder in choose.sample(folders, 2):
        lines = choose.choices(_PATTERNS, k=3)
        make(os.path.join(folder, ".gitignore"), data="\n".join(lines).encode())
    command = ["git", "ls-files", "--others", "--exclude-standard", "*.py"]
    expected = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    assert sorted(paths(find(["."]))) == sorted(expected)
