"""Run the old and the new model with their weights, and compare; and find the model that a script builds.

Both happen in verification's child processes; nothing here imports Keras.
"""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kmigrate.weights.architecture import Architecture, parse
from kmigrate.weights.error import WeightsError
from kmigrate.weights.reading import Checkpoint

if TYPE_CHECKING:
    from kmigrate.verify.server import Server
    from kmigrate.weights.convert import Request
    from kmigrate.weights.plan import Plan

TOLERANCE = {"float64": 1e-9, "float32": 1e-4}  # of the largest output (or of 1)
_LARGE = 60_000_000  # values, beyond which float64 takes too much memory
_WALL = 600


class Runner:
    """The scripts and predictions of one conversion; a context manager."""

    def __init__(self, server: Server | None = None, **source: Any) -> None:
        self.given = server
        self.own: Server | None = None
        self.source = source  # fields of Options: what the script does not say of itself
        self.prepared: tuple[Any, str] | None = None
        self.text = ""  # the architecture that the script builds
        self.notes: list[str] = []

    def __enter__(self) -> Runner:
        return self

    def __exit__(self, *args: object) -> None:
        if self.own is not None:
            self.own.close()

    def script(self, request: Request) -> Architecture:
        """The architecture that ``request.script`` builds; raises WeightsError."""
        from kmigrate.extra import missing

        if missing():
            raise WeightsError(f"running {request.script} needs Keras: {missing()}")
        self._prepare(request.script)
        found = self._run(request, "graph", "", "", "float32")
        if found["error"]:
            raise WeightsError(f"{request.script}: {_told(found['error'])}")
        self.notes += found["notes"]
        self.text = str(found["architecture"])
        return parse(self.text, request.script)

    def prove(self, request: Request, checkpoint: Checkpoint, plan: Plan, written: str) -> tuple[bool | None, str]:
        """Do the new weights predict what the old ones did? None with the reason where that cannot be run."""
        from kmigrate.extra import missing

        if missing():
            return None, f"not proved: {missing()}"
        try:
            found = self.predict(request, written, plan)
        except (RuntimeError, OSError) as error:
            return None, f"not proved: {error}"
        if found["error"]:
            return None, f"not proved: {_told(found['error'])}"
        difference, largest = float(found["difference"]), float(found["largest"])
        limit = TOLERANCE[found["floatx"]] * max(largest, 1.0)
        told = f"the predictions differ by {difference:.1e} (the largest is {largest:.1e}, in {found['floatx']})"
        if not difference <= limit:  # nan, too
            return False, told
        if found["unseen"]:
            return None, f"not proved: a mistake in {found['unseen'][0]} would not be seen"
        return True, told

    def predict(self, request: Request, written: str, plan: Plan, x: str = "", control: int = 1) -> dict[str, Any]:
        """What the old and the new model predict for random inputs, or those in the file ``x``.

        ``control`` layers are given unmapped weights, to see whether that is noticed.
        """
        values = sum(int(_size(shape)) for step in plan.steps for shape in step.old.shapes)
        floatx = "float32" if values > _LARGE else "float64"
        return {**self._run(request, "compare", written, x, floatx, control), "floatx": floatx}

    def _prepare(self, path: str) -> None:
        from kmigrate.options import Options
        from kmigrate.prepare import NotRunnable, Side, prepare
        from kmigrate.source import SourceError, SourceFile

        if self.prepared is not None:
            return
        try:
            source = SourceFile.read(path)
            side = Side.of(source)
            ready = prepare(side, side, (), Options(**self.source))
        except (NotRunnable, SourceError) as error:
            raise WeightsError(f"{path}: {error}") from None
        except OSError as error:
            raise WeightsError(f"{path}: {error.strerror or error}") from None
        self.prepared = ready, ready.stack

    def _run(self, request: Request, do: str, written: str, x: str, floatx: str, control: int = 0) -> dict[str, Any]:
        from kmigrate.keras_api.versions import project_root
        from kmigrate.verify import log
        from kmigrate.verify.sandbox import Place, Program
        from kmigrate.verify.server import Server
        from kmigrate.verify.workspace import places

        ready, stack = self.prepared if self.prepared is not None else (None, "keras3")
        server = self.given if self.given is not None and self.given.stack == stack else None
        if server is None:
            server = self.own if self.own is not None and self.own.stack == stack else Server(stack)
            self.own = server
        folder = server.new_run()
        if ready is not None:
            path = Path(request.script).absolute()
            program = Program.of(ready.after, path, Place(project_root(path) or path.parent, path.parent))
            program.stage(folder / "work", [])
        else:
            (folder / "work").mkdir(parents=True)
            program = Program({}, "-", None)
        plain = {**asdict(request), "old": os.path.abspath(request.old), "new": os.path.abspath(request.new)}
        if request.architecture:
            plain["architecture"] = os.path.abspath(request.architecture)
        answer = server.run(
            {
                "do": do,
                **places(folder),
                "entry": program.entry,
                "script": ready is not None,
                "folder": program.folder,
                "search_path": program.search_path if ready is not None else ["."],
                "old": ready.old if ready is not None else False,
                "argv": [],
                "floatx": floatx,
                "ordering": ready.ordering if ready is not None else None,
                "weight_files": [os.path.basename(request.old), os.path.basename(request.new)],
                "request": plain,
                "script_architecture": self.text,
                "written": os.path.abspath(written) if written else "",
                "x": os.path.abspath(x) if x else "",
                "control": control,
                "cpu": _WALL * 2,
                "wall": _WALL,
                "memory": 12 << 30,
            }
        )
        if answer["limit"] or answer["signal"] or answer["status"]:
            lines = (folder / "output.txt").read_text(errors="replace").strip().splitlines()
            why = answer["limit"] or (lines[-1] if lines else f"signal {answer['signal']}")
            return {"error": {"type": "", "message": f"the process ended: {why}", "where": ""}, "notes": []}
        return dict(log.load(folder / "log"))


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for n in shape:
        size *= n
    return size


def _told(error: dict[str, Any]) -> str:
    kind = "" if error["type"] in ("CannotBuild", "WeightsError", "") else f"{error['type']}: "
    where = f" (line {error['where'].rpartition(':')[2]})" if error["where"] else ""
    return f"{kind}{error['message']}{where}"
