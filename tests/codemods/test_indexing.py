from __future__ import annotations

import pytest

from kmigrate.rewriting.error import RewriteError
from tests.editing import changed


@pytest.mark.parametrize(
    ("before", "indices", "after"),
    [
        ("x[i,0, :,:]", [0, 1, 2, 3], "x[i,0, :,:]"),
        ("x[:, 0]", [0, None, None, 1], "x[:, :, :, 0]"),
        ("x[:,0]", [0, None, None, 1], "x[:,:,:,0]"),
        ("x[:, c, :, :]", [0, 2, 3, 1], "x[:, :, :, c]"),
        ("x[i,:, 1:2,  ...]", [0, 2, 3, 1], "x[i,1:2, ...,  :]"),
        ("x[0]", [None, None, 0], "x[:, :, 0]"),
        ("x[(1, 2)]", [1, 0], "x[2, 1]"),
        ("x[::-1, ::2]", [1, None, 0], "x[::2, :, ::-1]"),
        ("x[:, 0,]", [1, 0], "x[0, :,]"),
    ],
)
def test_index(before: str, indices: list[int | None], after: str) -> None:
    args = {"indices": indices}
    assert changed(f"{before} -= 1\n", (before, "Subscript", "indexing", args)) == f"{after} -= 1\n"


def test_index_that_is_not_there() -> None:
    with pytest.raises(RewriteError, match="the index has 2 entries"):
        changed("x[0, 1]\n", ("x[0, 1]", "Subscript", "indexing", {"indices": [2, 0, 1]}))
