"""Wait for a run, within its limits of time and memory."""

from __future__ import annotations

import contextlib
import os
import signal
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


def watch(pid: int, job: dict[str, Any]) -> dict[str, Any]:
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
