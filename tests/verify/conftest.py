"""Verify two texts; the process that has imported TensorFlow is that of all tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kmigrate.verify import Certificate, Server, VerifyOptions, verify


@dataclass(frozen=True)
class Source:
    path: Path
    raw: bytes


@pytest.fixture
def check(servers: dict[str, Server], tmp_path: Path) -> Callable[..., Certificate]:
    """Verify two texts as the script p.py; only what a test needs is run."""

    def run(before: str, after: str, stack: str = "keras3", **options: Any) -> Certificate:
        path = tmp_path / "p.py"
        sources = [Source(path, text.encode()) for text in (before, after)]
        given = VerifyOptions(**{"stack": stack, "float32": False, "ambient_check": False, **options})
        server = servers["tf_keras" if stack == "tf_keras" else "keras3"]
        return verify(sources[:1], sources[1:], entry=path, options=given, server=server)

    return run
