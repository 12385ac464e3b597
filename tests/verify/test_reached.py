from __future__ import annotations

from kmigrate.verify.reached import changed, not_run

OLD = b"""def f(x):
    '''Text.'''
    if x:
        return g(x,
                 axis=1)
    return 0
a = 1
"""
NEW = OLD.replace(b"axis=1", b"axis=3").replace(b"a = 1", b"a = 2")


def test_the_smallest_statements_around_what_changed() -> None:
    assert changed(OLD, NEW) == [(4, 5), (7, 7)]
    assert changed(OLD, OLD.replace(b"if x", b"if not x")) == [(3, 3)]
    assert changed(OLD, OLD) == changed(OLD, b"if") == []


def test_what_is_taken_away_counts_where_it_stood() -> None:
    assert changed(OLD, OLD.replace(b"a = 1\n", b"").replace(b"    return 0\n", b"    pass\n    return 0\n")) == [
        (6, 6)
    ]
    assert changed(b"a = 1\nb = 2\nc = 3\n", b"a = 1\nc = 3\n") == [(2, 2)]


def test_a_line_of_a_statement_is_enough() -> None:
    assert not_run({"p.py": OLD}, {"p.py": NEW}, {"p.py": [1, 4]}) == (["p.py:7"], 1)
    assert not_run({"p.py": OLD}, {"p.py": NEW, "q.py": OLD}, {"p.py": [7], "q.py": [7]}) == (
        ["p.py:4", "q.py:1", "q.py:3", "q.py:4", "q.py:6"],
        2,
    )
