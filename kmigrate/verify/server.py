"""The process that forks runs (`kmigrate.verify.child`), seen from the parent."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kmigrate.verify.workspace import Workspace

_PACKAGE_ROOT = Path(__file__).resolve().parents[2]
START = 180  # seconds that TensorFlow may take to be imported
_TICK = 0.3  # seconds between two looks at how far a run is
_GRACE = 60  # seconds beyond a run's own limit, which the process at the other end watches


# exact and repeatable rather than fast
_EXACT = {
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "TF_DETERMINISTIC_OPS": "1",
    "NVIDIA_TF32_OVERRIDE": "0",
    "TF_NUM_INTRAOP_THREADS": "2",
    "TF_NUM_INTEROP_THREADS": "1",
    "OMP_NUM_THREADS": "2",
}


def environment(home: Path, stack: str, device: str, exact: bool = True) -> dict[str, str]:
    """The environment of all runs: set before any import, equal on both sides."""
    kept = {
        k: v
        for k, v in os.environ.items()
        if k in ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES")
    }
    if device == "cpu":
        kept["CUDA_VISIBLE_DEVICES"] = "-1"
    return {
        **kept,
        "HOME": str(home),
        "KERAS_HOME": str(home / ".keras"),
        "TMPDIR": str(home),
        "PYTHONPATH": str(_PACKAGE_ROOT),
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "PYTHONNOUSERSITE": "1",
        "KERAS_BACKEND": "tensorflow",
        "TF_USE_LEGACY_KERAS": "1" if stack == "tf_keras" else "0",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "MPLBACKEND": "Agg",
        **(_EXACT if exact else {}),
    }


class Server(Workspace):
    """A context manager; `run` forks one child and waits for it."""

    def __init__(self, stack: str, device: str = "auto", start: float = START, exact: bool = True) -> None:
        super().__init__()
        self.stack, self.device, self.start, self.exact = stack, device, start, exact
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *args: object) -> None:
        self.close()

    def _started(self) -> subprocess.Popen[str]:
        """The running process; the first time, TensorFlow is imported."""
        if self._process is None:
            home = self.folder / "home"
            home.mkdir(exist_ok=True)
            with open(self.folder / "server.txt", "wb") as log:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "kmigrate.verify.child", self.stack],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    env=environment(home, self.stack, self.device, self.exact),
                    cwd=self.folder,
                    text=True,
                    start_new_session=True,
                )
            self._answer(self._process, self.start, "TensorFlow's start")
        return self._process

    def _answer(
        self, process: subprocess.Popen[str], seconds: float, what: str, tick: Callable[[], None] | None = None
    ) -> str:
        """The next line; raises RuntimeError if the process ends or takes too long. ``tick`` is called meanwhile."""
        assert process.stdout is not None
        end = time.monotonic() + seconds
        ready: list[Any] = []
        while not ready and (left := end - time.monotonic()) > 0:
            ready, _, _ = select.select([process.stdout], [], [], min(left, _TICK))  # one line answers one request
            if tick is not None and not ready:
                tick()
        line = process.stdout.readline() if ready else ""
        if line:
            return line
        self._kill(process)
        if not ready:
            raise RuntimeError(f"{what} took more than {seconds:g} s")
        text = (self.folder / "server.txt").read_text(errors="replace").strip().splitlines()
        raise RuntimeError(text[-1] if text else "the verification process ended")

    @staticmethod
    def _kill(process: subprocess.Popen[str]) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def run(self, job: dict[str, Any], tick: Callable[[], None] | None = None) -> dict[str, Any]:
        """How the run ended; raises RuntimeError if TensorFlow or Keras can't be imported."""
        process = self._started()
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # the answer tells
            process.stdin.write(json.dumps({**job, "harness": str(_PACKAGE_ROOT)}) + "\n")
            process.stdin.flush()
        return dict(json.loads(self._answer(process, job["wall"] + _GRACE, "a run", tick)))

    def close(self) -> None:
        """End the process and remove all working copies."""
        if self._process is not None:
            assert self._process.stdin is not None and self._process.stdout is not None
            self._kill(self._process)
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
            self._process.stdout.close()
            self._process = None
        super().close()
