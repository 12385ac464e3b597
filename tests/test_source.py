from __future__ import annotations

import codecs
import io
import tokenize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmigrate.source import SourceError, SourceFile

KEPT = {
    "crlf": b"x = 1\r\ny = 2\r\n",
    "mixed newlines": b"x = 1\r\ny = 2\nz = 3\rw = 4\n",
    "no final newline": b"x = 1",
    "empty": b"",
    "bom": b"\xef\xbb\xbfx = '\xc3\xa9'\n",
    "bom with cookie": b"\xef\xbb\xbf# coding: utf-8\nx = 1\n",
    "latin-1 cookie": b"# -*- coding: latin-1 -*-\nx = '\xe9'\n",
    "cookie in line 2": b"#!/usr/bin/env python\r# vim: set fileencoding=cp1252 :\rx = '\x80'\r",
    "emacs name": b"# -*- coding: latin-1-unix -*-\nx = '\xe9'\n",
    "utf8 by another name": b"# coding: utf8\nx = '\xc3\xa9'\n",
    "shift_jis": "# coding: shift_jis\nx = '表'\n".encode("shift_jis"),
    "tabs, form feed, trailing blanks": b"\x0cif x:\n\ty = 1  \n\x0c\n",
    "line separators that are none": "x = '\u2028\x85\x1c'\n".encode(),
    "not a cookie: code before it": b"x = 1\n# coding: latin-1\ny = '\xc3\xa9'\n",
    "not a cookie: inside a string": b"x = 'coding: latin-1 \xc3\xa9'\n",
}


@pytest.mark.parametrize("data", KEPT.values(), ids=KEPT.keys())
def test_bytes_come_back(data: bytes) -> None:
    source = SourceFile.from_bytes(data, "a.py")
    assert source.with_text(source.text) == data


def test_text_is_decoded_and_its_newlines_kept() -> None:
    source = SourceFile.from_bytes(KEPT["latin-1 cookie"].replace(b"\n", b"\r\n"), "a.py")
    assert source.text.endswith("x = 'é'\r\n")
    assert source.encoding == "iso-8859-1"


def test_bom_is_no_part_of_the_text_and_comes_back() -> None:
    source = SourceFile.from_bytes(KEPT["bom"], "a.py")
    assert source.bom
    assert source.text.startswith("x")
    assert source.with_text("y") == b"\xef\xbb\xbfy"


@pytest.mark.parametrize(
    ("data", "line", "column", "message"),
    [
        pytest.param(b"x = 1\r\ny = '\xe9'\r\n", 2, 6, "byte 0xe9 is not utf-8", id="undecodable"),
        pytest.param(b"a\rb\r\xff", 3, 1, "byte 0xff is not utf-8", id="after bare CRs"),
        pytest.param(b"#!x\n# coding: klingon\n", 2, 1, "unknown encoding 'klingon'", id="unknown cookie"),
        pytest.param(b"\xef\xbb\xbf# coding: latin-1\n", 1, 1, "byte order mark", id="contradiction"),
        pytest.param(b"# coding: hex\n", 1, 1, "cannot be read as hex", id="not a text encoding"),
        pytest.param(b"# coding: utf-7\nx = '+AGE-'\n", 1, 1, "same bytes", id="would not come back"),
        pytest.param(b"# coding: raw_unicode_escape\n\\ud800\n", 1, 1, "cannot be read", id="lone surrogate"),
    ],
)
def test_unreadable_bytes_are_explained(data: bytes, line: int, column: int, message: str) -> None:
    with pytest.raises(SourceError, match=message) as caught:
        SourceFile.from_bytes(data, "a.py")
    assert (caught.value.path, caught.value.line, caught.value.column) == ("a.py", line, column)


def test_a_character_that_the_encoding_lacks_is_refused() -> None:
    source = SourceFile.from_bytes(KEPT["latin-1 cookie"], "a.py")
    with pytest.raises(SourceError, match="cannot be written in iso-8859-1") as caught:
        source.with_text("# coding: latin-1\nx = '→'\n")
    assert caught.value.line == 2


def test_read_takes_the_bytes_of_a_file(tmp_path) -> None:
    (tmp_path / "a.py").write_bytes(KEPT["crlf"])
    assert SourceFile.read(tmp_path / "a.py").raw == KEPT["crlf"]


_HEAD = st.sampled_from(
    [
        b"#",
        b"# coding: ",
        b"coding=",
        b"latin-1",
        b"utf8",
        b"UTF_8-mac",
        b"cp1252",
        b" ",
        b"\x0c",
        b"x",
        b"\n",
        b"\r\n",
    ]
)


@given(st.lists(_HEAD, max_size=10).map(b"".join))
def test_the_encoding_is_the_one_that_python_finds(data: bytes) -> None:
    try:
        expected, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    except SyntaxError:
        with pytest.raises(SourceError):
            SourceFile.from_bytes(data, "a.py")
    else:
        found = SourceFile.from_bytes(data, "a.py").encoding
        assert codecs.lookup(found).name == codecs.lookup(expected.removesuffix("-sig")).name
