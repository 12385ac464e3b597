"""Runs by an interpreter that has an old Keras, each a process of its own; in place of `kmigrate.verify.server`."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kmigrate.verify.child.watch import watch
from kmigrate.verify.workspace import Workspace

_HARNESS = Path(__file__).with_name("harness.py")
STACK = "native"


class NativeServer(Workspace):
    """``python`` is the interpreter; `close` removes all working copies."""

    stack, device = STACK, "auto"

    def __init__(self, python: str) -> None:
        super().__init__()
        self.python = Path(python).absolute()  # a link into an environment must stay one

    def run(self, job: dict[str, Any], tick: Callable[[], None] | None = None) -> dict[str, Any]:
        """How the run ended; raises OSError if there is no such interpreter. It says nothing of its progress."""
        del tick
        path = Path(job["sandbox"], "job.json")
        path.write_text(json.dumps(job))
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ}
        environment = {
            **kept,
            "HOME": job["home"],
            "TMPDIR": job["tmp"],
            "KERAS_BACKEND": os.environ.get("KERAS_BACKEND", "tensorflow"),
            "PYTHONHASHSEED": "0",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONIOENCODING": "utf-8",
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "MPLBACKEND": "Agg",
            "CUDA_VISIBLE_DEVICES": "-1",
            "THEANO_FLAGS": f"base_compiledir={self.folder / 'compiled'},device=cpu",  # compiled once for all runs
        }
        with open(job["output"], "wb") as output:
            process = subprocess.Popen(
                [str(self.python), str(_HARNESS), str(path)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment,
                start_new_session=True,
            )
            answer = watch(process.pid, job)
            process.returncode = answer["status"]  # it has been waited for
        return answer
