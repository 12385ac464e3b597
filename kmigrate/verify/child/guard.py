"""Keep a script that is being verified from doing harm: files, network, processes, time, memory.

This stops accidents (a download, a file written next to the user's data), not an attacker.
"""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path
from typing import Any


class Blocked(PermissionError):
    """The script tried something that a verification does not allow."""


_NETWORK = {
    "socket.connect",
    "socket.bind",
    "socket.getaddrinfo",
    "socket.gethostbyname",
    "socket.gethostbyaddr",
    "socket.sendto",
    "socket.sendmsg",
}
_PROCESSES = {
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "os.fork",
    "os.forkpty",
    "pty.spawn",
    "os.killpg",
}
# events whose leading arguments are paths that get written, removed or made: how many of them
_PATHS = {
    "os.remove": 1,
    "os.rename": 2,
    "os.mkdir": 1,
    "os.rmdir": 1,
    "os.link": 2,
    "os.symlink": 2,
    "os.truncate": 1,
    "os.chmod": 1,
    "os.chown": 1,
    "os.utime": 1,
    "os.setxattr": 1,
    "os.chdir": 1,
    "shutil.rmtree": 1,
}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_DEVICES = {"/dev/null", "/dev/tty", "/dev/stdout", "/dev/stderr"}


def limit(cpu_seconds: int) -> None:
    """Bound CPU time and core files of this process; wall time and memory are the watcher's."""
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def install(sandbox: Path, blocked: list[str]) -> None:
    """Refuse, from now on, what leaves ``sandbox``; each refusal is added to ``blocked``."""
    root = os.path.realpath(sandbox)
    pid = os.getpid()

    def refuse(what: str) -> None:
        if what not in blocked and len(blocked) < 50:
            blocked.append(what)
        raise Blocked(f"not allowed in a verification run: {what}")

    def inside(path: Any) -> bool:
        if isinstance(path, int):  # an open file descriptor
            return True
        real = os.path.realpath(os.fsdecode(path))
        return real == root or real.startswith(root + os.sep) or real in _DEVICES

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = args
            writes = bool(flags & _WRITING) or (isinstance(mode, str) and any(c in mode for c in "wax+"))
            if writes and not inside(path):
                refuse(f"write to {os.fsdecode(path)}")
        elif event in _PATHS:
            for path in args[: _PATHS[event]]:
                if path is not None and not inside(path):
                    refuse(f"{event} {os.fsdecode(path)}")
        elif event in _NETWORK:
            refuse("no network in a verification run")
        elif event in _PROCESSES:
            refuse(f"start or stop other processes ({event})")
        elif event == "os.kill" and args[0] != pid:
            refuse("signal another process")

    sys.addaudithook(hook)
