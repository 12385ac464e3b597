from __future__ import annotations

import pytest

from tests.editing import changed


@pytest.mark.parametrize(
    ("source", "kind", "expected"),
    [
        ("n / 2", "BinOp", "x = n // 2  # half\n"),
        ("n/2", "BinOp", "x = n//2  # half\n"),
        ("(n + 1) / 2", "BinOp", "x = (n + 1) // 2  # half\n"),
    ],
)
def test_a_division(source: str, kind: str, expected: str) -> None:
    assert changed(f"x = {source}  # half\n", (source, kind, "integer_division", {"floor": True})) == expected


def test_a_division_in_place() -> None:
    assert changed("n /= 2\n", ("n /= 2", "AugAssign", "integer_division", {"floor": True})) == "n //= 2\n"
