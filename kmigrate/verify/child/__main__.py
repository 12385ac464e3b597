"""A parent that has imported TensorFlow and computed nothing: it forks one process for each run.

Says on stdout when it is ready. Then it reads one job (JSON) a line on stdin and answers each with one
line: how the run ended. Importing
TensorFlow costs some five seconds of CPU time, a fork next to nothing; no run sees another.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import sys
from typing import Any

from kmigrate.verify.child.watch import watch


def _die_with_parent() -> None:
    """No run outlives a killed verification (Linux)."""
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


def _child(job: dict[str, Any], libraries: Any, keep_closed: list[int]) -> None:
    """Never returns."""
    status, leave = 1, os._exit  # the script's os._exit is stubbed
    try:
        os.setsid()
        _die_with_parent()
        nothing, out = (
            os.open(os.devnull, os.O_RDONLY),
            os.open(job["output"], os.O_WRONLY | os.O_CREAT, 0o600),
        )
        os.dup2(nothing, 0)
        os.dup2(out, 1)
        os.dup2(out, 2)
        for fd in keep_closed:
            os.close(fd)
        if job.get("do"):
            from kmigrate.verify.child.checkpoint import run
        else:
            from kmigrate.verify.child.script import run
        run(job, libraries)
        status = 0
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        leave(status)


def main(name: str) -> int:
    """Serve jobs until stdin closes."""
    jobs, answers = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(2, 1)  # the libraries may print while they are imported
    from kmigrate.verify.child import stack

    libraries = stack.load(name)
    gc.freeze()  # no run looks for garbage in TensorFlow's million objects
    os.write(answers, b"ready\n")
    with os.fdopen(jobs, encoding="utf-8") as lines:
        for line in iter(lines.readline, ""):
            job = json.loads(line)
            pid = os.fork()
            if pid == 0:
                _child(job, libraries, [answers, lines.fileno()])
            os.write(answers, (json.dumps(watch(pid, job)) + "\n").encode())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
