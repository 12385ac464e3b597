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
import time
from typing import Any


def _resident(group: int) -> int:
    """Bytes of resident memory of all processes of the group (private and shared)."""
    total = 0
    for name in os.listdir("/proc") if os.path.isdir("/proc") else ():
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group:
            total += int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
    return total


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


def _watch(pid: int, job: dict[str, Any]) -> dict[str, Any]:
    """Wait for the child; kill its whole group on a limit."""
    start = time.monotonic()
    ended, peak, code, looks = "", 0, 0, 0
    while True:
        done, code = os.waitpid(pid, os.WNOHANG)
        if done:
            break
        elapsed = time.monotonic() - start
        if looks % 10 == 0:
            peak = max(peak, _resident(pid))
        looks += 1
        if elapsed > job["wall"]:
            ended = f"the time limit of {job['wall']} s"
        elif peak > job["memory"]:
            ended = f"the memory limit of {job['memory'] >> 20} MiB"
        if ended:
            os.killpg(pid, signal.SIGKILL)
            _, code = os.waitpid(pid, 0)
            break
        time.sleep(0.02 if elapsed < 5 else 0.1)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)  # whatever it left behind
    signal_number = os.WTERMSIG(code) if os.WIFSIGNALED(code) else 0
    if not ended and signal_number == signal.SIGXCPU:
        ended = f"the limit of {job['cpu']} s of CPU time"
    return {
        "limit": ended,
        "signal": signal_number,
        "status": os.WEXITSTATUS(code) if os.WIFEXITED(code) else -1,
        "seconds": round(time.monotonic() - start, 2),
        "peak_bytes": peak,
    }


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
            os.write(answers, (json.dumps(_watch(pid, job)) + "\n").encode())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
