from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from kmigrate import layout, pipeline, rewriting
from kmigrate.discovery import Candidate
from kmigrate.options import Options
from kmigrate.plan import Status

pytestmark = pytest.mark.usefixtures("settings_only")

FIRST = b"import keras\nx = 'channels_first'\n"
LAST = b"import keras\nx = 'channels_last'\n"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The project around a file is read: here that would be all of this one."""
    monkeypatch.chdir(tmp_path)


def convert(data: bytes) -> pipeline.Result:
    (result,) = pipeline.convert([Candidate("a.py", data)], Options())
    return result


def test_a_change() -> None:
    result = convert(FIRST)
    assert result.new is not None
    assert (result.new.raw, result.new_text) == (LAST, LAST.decode())
    assert result.error is None


def test_nothing_to_do() -> None:
    result = convert(LAST)
    assert (result.new, result.new_text, result.error) == (None, None, None)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"import keras\r\nx = 'channels_first'\r\n", id="crlf"),
        pytest.param(b"import keras\r\nx = 'channels_first'\ny = 1\r\n", id="mixed newlines"),
        pytest.param(b"import keras\nx = 'channels_first'", id="no final newline"),
        pytest.param(b"\xef\xbb\xbfimport keras\nx = 'channels_first'\n", id="bom"),
        pytest.param(b"# coding: latin-1\nimport keras\nx = '\xe9', 'channels_first'\n", id="latin-1"),
        pytest.param("import keras\nx = '日本', 'channels_first'\n".encode(), id="wide characters"),
        pytest.param(b"import keras\nif 1:\n\tx = 'channels_first'  \n\x0c\n", id="tabs and form feed"),
    ],
)
def test_every_other_byte_is_kept(data: bytes) -> None:
    result = convert(data)
    assert result.new is not None, result.error
    assert result.new.raw == data.replace(b"channels_first", b"channels_last")


def test_a_bare_cr_file_is_changed_rightly_or_not_at_all() -> None:
    data = b"import keras\rx = 'channels_first'\r"
    result = convert(data)
    if result.new is None:
        assert result.error is not None
    else:
        assert result.new.raw == data.replace(b"channels_first", b"channels_last")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(b"import keras\nx = (\n", "a.py:2:5: KM905 not Python as of", id="syntax error"),
        pytest.param(b"keras = '\xe9'\n", "a.py:1:10: KM905 byte 0xe9 is not utf-8", id="undecodable"),
        pytest.param(b"# coding: klingon\nkeras\n", "a.py:1:1: KM905 unknown encoding", id="bad cookie"),
        pytest.param(b"keras\nx = '\0'\n", "a.py:2:6: KM905 a NUL character", id="nul"),
    ],
)
def test_what_cannot_be_read_is_an_error_with_its_place(data: bytes, expected: str) -> None:
    result = convert(data)
    assert str(result.error).startswith(expected)
    assert result.new is None


@pytest.mark.parametrize(
    "line",
    [
        "print 'x'",
        "print x, y",
        "print",
        "exec code in scope",
        "except ValueError, e:",
        "raise ValueError, 'x'",
        "x = `y`",
        "if x <> y: pass",
        "x = 0777",
        "x = 10L",
        "x = ur'a'",
        "def f(a, (b, c)): pass",
        "f = lambda (a, b): a",
    ],
)
def test_python_2_is_told_from_a_mistake(line: str) -> None:
    text = f"import keras\ntry: pass\n{line}\n    pass\n" if line.startswith("except") else f"import keras\n{line}\n"
    try:
        ast.parse(text)
    except SyntaxError:
        error = convert(text.encode()).error
        assert error is not None
        assert error.code == "KM401", str(error)
        assert error.line == text.count("\n", 0, text.index(line)) + 1
    else:
        pytest.skip("this Python takes it as Python 3")


@pytest.mark.parametrize(
    "line",
    ["x = (", "def f(a, b:", "x = 1 +", "for x in", "print('a'", "x = 'a", "a b", "lambda (:", "raise E("],
)
def test_a_mistake_is_not_taken_for_python_2(line: str) -> None:
    error = convert(f"import keras\n{line}\n".encode()).error
    assert error is not None
    assert error.code == "KM905", str(error)


def test_one_bad_file_does_not_stop_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    real = layout.analyse

    def failing(files, options):
        name = files.entries[0].path
        if name == "bug.py":
            raise KeyError("lost")
        if name == "deep.py":
            raise RecursionError
        if name == "big.py":
            raise MemoryError
        return real(files, options)

    monkeypatch.setattr(layout, "analyse", failing)
    names = ["bug.py", "broken.py", "deep.py", "big.py", "good.py"]
    data = {"broken.py": b"keras ("}
    results = pipeline.convert([Candidate(name, data.get(name, FIRST)) for name in names], Options())
    codes = [result.error and result.error.code for result in results]
    assert codes == ["KM900", "KM905", "KM908", "KM908", None]
    assert f"KeyError: 'lost' ({Path('tests', 'test_pipeline.py')}:" in str(results[0].error)
    assert results[-1].new is not None


def test_code_that_is_nested_too_deeply_is_an_error_of_that_file_alone() -> None:
    depth = sys.getrecursionlimit() * 3
    deep = b"import keras\nx = " + b"-" * depth + b"1\n"
    results = pipeline.convert([Candidate("deep.py", deep), Candidate("good.py", FIRST)], Options())
    assert results[0].error is not None
    assert results[0].error.code in ("KM905", "KM908")
    assert results[1].new is not None


def test_a_rewrite_that_fails_leaves_the_file_and_no_model_counts_as_done(monkeypatch) -> None:
    def refuse(text, edits):
        raise rewriting.RewriteError("the text does not round-trip")

    monkeypatch.setattr(rewriting, "apply", refuse)
    result = convert(FIRST)
    assert result.new is None
    assert str(result.error) == "a.py:0:0: KM900 the rewrite was dropped: the text does not round-trip"
    assert [model.status for model in result.plan.models] == [Status.LEFT_ALONE]


def test_a_rewrite_that_a_second_run_would_change_is_dropped(monkeypatch) -> None:
    monkeypatch.setattr(rewriting, "apply", lambda text, edits: text + "# more\n")
    result = convert(FIRST)
    assert result.new is None
    assert "a second run would change line 2" in str(result.error)


def test_a_warning_about_the_users_strings_is_not_shown(recwarn: pytest.WarningsRecorder) -> None:
    convert(b"import keras\nx = '\\d'\n")
    assert not recwarn.list


def test_run_tells_missing_paths_beside_results(tmp_path) -> None:
    (tmp_path / "a.py").write_bytes(FIRST)
    results = pipeline.run([str(tmp_path / "gone.py"), str(tmp_path)], Options())
    assert [(r.error is not None, r.new is not None) for r in results] == [(True, False), (False, True)]
    assert (tmp_path / "a.py").read_bytes() == FIRST
