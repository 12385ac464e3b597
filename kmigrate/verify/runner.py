"""Run before and after, compare, and decide: `verify` is the entry point of this package."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kmigrate.verify import reached, speed
from kmigrate.verify.certificate import Certificate, ModelFigures, Verdict
from kmigrate.verify.sandbox import Place, Program, Source, hashes
from kmigrate.verify.server import Server
from kmigrate.verify.tolerances import SEEN
from kmigrate.verify.workspace import places

if TYPE_CHECKING:
    from kmigrate.verify.compare import Comparison
    from kmigrate.verify.native.server import NativeServer

# shapes tried for data files whose contents nothing tells yet
_GUESSES = ((16, 3, 37, 29), (16, 1, 37, 29), (16, 37, 29, 3), (16, 37))
_UNKNOWN_SIZE = 19  # for a None in a model's input shape
# lines of an exception's message that say nothing of its cause
_FRAME = ("Exception encountered", "Graph execution error", "Detected at node", "<stack traces unavailable>", "File ")
_TERMINAL = re.compile(r"\x1b\[[0-9;]*m")
_MISSING = ("FileNotFoundError", "NotADirectoryError", "ImportError", "ModuleNotFoundError")
_LABELS = re.compile(r"label|target|mask|class|(^|[_/.-])y([_.-]|$)", re.IGNORECASE)


@dataclass(frozen=True)
class VerifyOptions:
    """How to run the two programs."""

    stack: str = "keras3"  # keras3 | tf_keras
    argv: tuple[str, ...] = ()
    seed: int = 0
    seeds: int = 1  # both programs run once for each of so many seeds, from ``seed`` on
    steps: int = 5
    samples: int = 16
    max_events: int = 64
    wall: int = 300  # seconds for each run
    cpu: int = 600
    memory: int = 6 << 30
    float32: bool = True
    ambient_check: bool = True  # run after again under a keras.json that says channels_first
    same_weights: bool = False  # the order of Dense weights must stay, as where the plan keeps it by Permute
    at_zero: bool = False  # the plan holds relu edits that differ in the subgradient at 0
    mode: str = "eager"  # eager | graph | jit: how steps and predictions run
    device: str = "auto"  # auto | cpu | gpu
    bench: bool = False  # measure the speed of both, too
    old: bool = False  # for a program of the time of Keras 1, which today's numpy would refuse
    progress: Callable[[str], None] | None = None  # is told which run is under way, and how far it is
    own_data: tuple[str, str] | None = None  # the user's module:function for missing files, and where it lies
    values: dict[str, Any] | None = None  # native runs: the log of the run before on today's Keras, for its weights
    maps: list[list[Any]] = field(default_factory=list)  # native runs: for each model, the entries of its weight map
    ordering: str | None = None  # the setting that both runs start from; None: the library's default


def verify(
    before: Sequence[Source],
    after: Sequence[Source],
    *,
    entry: Path,
    entry_after: Path | None = None,
    places: Sequence[tuple[Place, Place]] = (),
    undone: Iterable[Sequence[Source]] = (),
    options: VerifyOptions | None = None,
    server: Server | NativeServer | None = None,
) -> Certificate:
    """Run both programs in child processes and say whether they compute the same.

    ``before`` and ``after`` are the program's files (anything with ``path`` and ``raw``), laid over a private copy
    of a folder, and must run on ``options.stack``. ``places`` are the folders, before and after, that are tried
    until the program before finds its files and modules (default: the entry's folder).
    ``undone`` are sets of after-files, each with one edit of the plan undone: the first whose edit runs must be
    seen to differ, else the verdict does not count.
    """
    options = options or VerifyOptions()
    new_entry = entry_after or entry
    own = None
    if server is None or (server.stack, server.device) != (options.stack, options.device):
        own = Server(options.stack, options.device)
    tried: list[Certificate] = []
    try:
        for one, other in places or [(Place(entry.parent, entry.parent), Place(new_entry.parent, new_entry.parent))]:
            certificate = Certificate(
                Verdict.NOT_VERIFIED,
                "nothing was run",
                stack=options.stack,
                ordering=options.ordering or "",
                seeds=list(range(options.seed, options.seed + options.seeds)),
                steps=options.steps,
                before=hashes(before),
                after=hashes(after),
            )
            tried.append(certificate)
            try:
                old, new = Program.of(before, entry, one), Program.of(after, new_entry, other)
                planted = (Program.of(files, new_entry, other) for files in undone)
                verification = Verification(own or server, options, options.ordering, certificate)  # type: ignore[arg-type]
                verification.decide(old, new, planted)
            except (RuntimeError, OSError, ValueError) as error:
                certificate.verdict, certificate.reason = Verdict.NOT_VERIFIED, str(error)
                break
            if not verification.misplaced:
                tried = [certificate]
                break
    finally:
        if own is not None:
            own.close()
    tried[0].notes = list(dict.fromkeys(tried[0].notes))
    return tried[0]


class NoDevice(Exception):
    """What the user asked to run on is not there."""


class Known(Exception):
    """The verdict is known, and nothing more need be run."""

    def __init__(self, verdict: Verdict, reason: str, traceback: str = "") -> None:
        super().__init__(reason)
        self.verdict, self.reason, self.traceback = verdict, reason, traceback


class Verification:
    """The runs of one verification and what follows from them."""

    def __init__(
        self, server: Server | NativeServer, options: VerifyOptions, ambient: str | None, certificate: Certificate
    ) -> None:
        self.server, self.options, self.ambient, self.certificate = server, options, ambient, certificate
        self.data: dict[str, dict[str, Any]] = {}
        self.guess: tuple[int, ...] = _GUESSES[0]
        self.real_sizes = False
        self.timing: Server | None = None  # for runs that measure the speed
        self.logs: dict[str, Path] = {}
        self.noise: Comparison | None = None  # of the program before, where it forces a float type
        self.lines: dict[str, list[int]] = {}  # that ran in the files of the program after
        self.misplaced = False  # the program before does not find a file or a module

    def decide(self, old: Program, new: Program, planted: Iterator[Program]) -> None:
        """Fill in the certificate."""
        try:
            self._decide(old, new, planted)
        except Known as stop:
            self.certificate.verdict, self.certificate.reason = stop.verdict, stop.reason
            self.certificate.traceback = stop.traceback
            if self.options.bench and stop.verdict in (Verdict.EQUIVALENT, Verdict.EQUIVALENT_EXCEPT_AT_0):
                self._bench(old, new)

    # -- the runs

    def _run(
        self,
        name: str,
        program: Program,
        *,
        reference: str = "",
        floatx: str = "float64",
        ambient: str | None = None,
        mutate: bool = False,
        nudge: float = 0.0,
        timed: int = 0,
        seeds: int = 1,
        watched: Sequence[str] = (),
    ) -> list[dict[str, Any]] | None:
        """The logs of a run, one for each seed up to the first that fails; or None, and `_why`."""
        from kmigrate.verify import log

        options, server = self.options, self.timing or self.server
        folder = server.new_run()
        program.stage(folder / "work", self.certificate.notes)
        if ambient:
            (folder / "home" / ".keras" / "keras.json").write_text(json.dumps({"image_data_format": ambient}))
        self.logs[name] = folder / "log"
        stage = folder / "progress.txt"

        def tick() -> None:
            text = stage.read_text(errors="replace").strip() if stage.exists() else ""
            if options.progress is not None:
                options.progress(f"{program.entry}: {name}{': ' if text else ''}{text}")

        tick()
        if options.values:
            log.dump(options.values, folder / "values")
            log.dump({"maps": options.maps}, folder / "maps")
        answer = server.run(
            {
                **places(folder),
                "entry": program.entry,
                "folder": program.folder,
                "search_path": program.search_path,
                "watched": list(watched),
                "argv": list(options.argv),
                "reference": str(self.logs[reference]) if reference else "",
                "values": str(folder / "values") if options.values else "",
                "maps": str(folder / "maps") if options.values and not name.startswith("before") else "",
                "floatx": floatx,
                "ordering": ambient,
                "mutate": mutate,
                "nudge": nudge,
                "mode": "graph" if timed else options.mode,
                "timed": timed,
                "seeds": list(range(options.seed, options.seed + seeds)),
                "steps": options.steps,
                "samples": options.samples,
                "max_events": options.max_events,
                "cpu": options.cpu,
                "wall": options.wall,
                "memory": options.memory,
                "data": self.data,
                "old": options.old,
                "own_data": list(options.own_data) if options.own_data else None,
                "guess": list(self.guess),
                "real_sizes": self.real_sizes,
                "progress": str(stage),
            },
            tick,
        )
        self.certificate.runs[name] = answer
        if answer["limit"]:
            answer["why"] = f"it hit {answer['limit']}"
        elif answer["signal"] or answer["status"]:
            lines = (folder / "output.txt").read_text(errors="replace").strip().splitlines()
            answer["why"] = f"the process died: {lines[-1] if lines else answer['signal']}"
        else:
            paths = [log.numbered(self.logs[name], number) for number in range(seeds)]
            return [log.load(path) for path in paths if path.with_suffix(".json").exists()]
        return None

    def _why(self, name: str) -> str:
        return str(self.certificate.runs[name].get("why", "it could not be run"))

    def before(self, program: Program) -> list[dict[str, Any]]:
        """The before-run, repeated with better data until it works or nothing helps; a log for each seed.

        Without any, the verdict is known: raises `Known`.
        """
        for attempt in range(2 + len(_GUESSES)):
            found = self._run("before", program, ambient=self.ambient, seeds=self.options.seeds)
            if found is None:
                raise Known(Verdict.NOT_VERIFIED, f"before did not finish: {self._why('before')}")
            run = found[-1]
            guessed = [name for name, entry in run["data"].items() if entry["guessed"]]
            if guessed and run["shapes"]:
                self.data.update(_shapes_for(run["data"], run["shapes"]))
                continue
            if run["error"] is not None and "picture" in run["data"] and "picture" not in self.data and run["shapes"]:
                self.data["picture"] = {"shape": _picture(run["shapes"]), "kind": "picture"}
                continue
            if run["error"] is None:
                if guessed:
                    self.certificate.notes.append(f"made up data of a guessed shape: {', '.join(guessed)}")
                return found
            if guessed and attempt + 1 < len(_GUESSES):
                self.guess = _GUESSES[attempt + 1]
                continue
            if any("load_data()" in note for note in run["notes"]) and not self.real_sizes:
                self.real_sizes = True  # some scripts name the number of images
                continue
            break
        self.misplaced = bool(run["error"]) and run["error"]["type"] in _MISSING
        reason = _failure("before", run["error"]) if run["error"] else "data could not be made up"
        if run["data"]:
            reason += f"; data missing: {', '.join(run['data'])}"
        raise Known(Verdict.NOT_VERIFIED, reason, run["error"]["traceback"] if run["error"] else "")

    def compared(self, before: list[dict[str, Any]], program: Program, name: str = "after") -> list[Comparison]:
        """``program`` against each log of the before-run; raises `Known` if it does not run."""

        after = self._after(name, program, seeds=len(before), watched=list(program.files))
        self.lines = after[0]["lines"]
        self.certificate.maps = [model.get("map", {}).get("entries", []) for model in after[0]["models"]]
        return [self._judged(*pair) for pair in zip(before, after, strict=True)]

    # -- the verdict

    def _judged(self, before: dict[str, Any], run: dict[str, Any]) -> Comparison:
        from kmigrate.verify import compare

        found = compare.compare(before, run, self.options.same_weights)
        if self.noise is None:
            return found
        return compare.against_noise(found, self.noise, compare.FLOATS[compare.forced(before)])

    def _own_noise(self, before: dict[str, Any], old: Program) -> None:
        """How far a program that forces a float type is from itself, with its inputs moved by the least there is."""
        from kmigrate.verify import compare

        kind = compare.forced(before)
        if not kind:
            return
        run = self._run(
            f"before, inputs moved in {kind}", old, reference="before", ambient=self.ambient, nudge=compare.FLOATS[kind]
        )
        if run is None or run[0]["error"] is not None:
            raise Known(Verdict.NOT_VERIFIED, f"the program forces {kind}, and does not run with its inputs moved")
        self.noise = compare.compare(before, run[0])
        loud = compare.loud(self.noise)
        if self.noise.problems or loud:
            reason = f"{loud.check} by {loud.error:.1e}" if loud else self.noise.problems[0]
            raise Known(Verdict.NOT_VERIFIED, f"the program forces {kind}; its own rounding changes too much: {reason}")
        worst = max((figure.error for figure in self.noise.figures), default=0.0)
        self.certificate.notes.append(
            f"the program forces {kind}: judged against its own noise (up to {worst:.1e}), not by float64's tolerances"
        )

    def _decide(self, old: Program, new: Program, planted: Iterator[Program]) -> None:
        from kmigrate.verify import compare

        logs = self.before(old)
        before, certificate = logs[0], self.certificate
        if self.options.device == "gpu" and before["device"] != "GPU":
            raise NoDevice("TensorFlow sees no GPU")
        certificate.versions, certificate.device = before["versions"], before["device"]
        certificate.notes += [
            *before["notes"],
            *before["bias"],
            *(f"blocked: {b}" for b in before["blocked"]),
        ]
        if not before["models"]:
            raise Known(Verdict.NOT_VERIFIED, "no model was used, so there is nothing to compare")

        self._own_noise(before, old)
        certificate.evidence = before
        comparison = compare.worst(self.compared(logs, new))
        certificate.models, certificate.events = comparison.models, comparison.events
        for model in certificate.models:
            if model.diverges:
                texts = {"before_text": old.line(model.diverges.before), "after_text": new.line(model.diverges.after)}
                model.diverges = replace(model.diverges, **texts)
        if comparison.verdict is Verdict.DIFFERENT:
            raise Known(Verdict.DIFFERENT, comparison.reason)

        olds = {**old.files, new.entry: old.files[old.entry]} if old.entry in old.files else old.files
        missing, ran = reached.not_run(olds, new.files, self.lines)
        if missing and not ran:
            raise Known(Verdict.NOT_VERIFIED, f"what changed does not run here: {', '.join(missing[:5])}")
        if missing:
            certificate.notes.append(f"changed, but not run here, so not compared: {', '.join(missing)}")

        self._control(before, old, new, planted)
        if self.options.ambient_check:
            self._ambient(before, old, new)
        if self.options.float32:
            self._float32(old, new, certificate.models)
        verdict, reason = comparison.verdict, comparison.reason
        if verdict is Verdict.EQUIVALENT and self.options.at_zero:
            verdict = Verdict.EQUIVALENT_EXCEPT_AT_0
            reason += "; relu forms may differ in the gradient where their input is exactly 0"
        raise Known(verdict, reason)

    def _after(
        self,
        name: str,
        program: Program,
        ambient: str | None = None,
        seeds: int = 1,
        watched: Sequence[str] = (),
    ) -> list[dict[str, Any]]:
        found = self._run(name, program, reference="before", ambient=ambient, seeds=seeds, watched=watched)
        if found is None:
            raise Known(Verdict.NOT_VERIFIED, f"{name} did not finish: {self._why(name)}")
        error = found[-1]["error"]
        if error is not None and error["type"] == "NotPorted":
            raise Known(Verdict.NOT_VERIFIED, _failure(name, error), error["traceback"])
        if error is not None:
            raise Known(Verdict.DIFFERENT, _failure(name, error), error["traceback"])
        return found

    def _ambient(self, before: dict[str, Any], old: Program, new: Program) -> None:
        """A converted program must not depend on keras.json, unless it did before."""
        first = "channels_first"
        try:
            (again,) = self._after("after, keras.json says channels_first", new, ambient=first)
            found = self._judged(before, again)
            if found.verdict is not Verdict.DIFFERENT:
                return
            reason, traceback = found.reason, ""
        except Known as stop:
            if stop.verdict is not Verdict.DIFFERENT:
                raise
            reason, traceback = stop.reason, stop.traceback
        if self.ambient is None:  # no ordering was assumed, so the old program may depend on it as well
            run = self._run("before, keras.json says channels_first", old, reference="before", ambient=first)
            if run is None or run[0]["error"] or self._judged(before, run[0]).verdict is Verdict.DIFFERENT:
                self.certificate.notes.append(
                    "both programs depend on keras.json; compared under the library's default"
                )
                return
        raise Known(Verdict.DIFFERENT, f"under a keras.json that says channels_first: {reason}", traceback)

    def _control(self, before: dict[str, Any], old: Program, new: Program, planted: Iterator[Program]) -> None:
        """Before against before must be equal, and deliberate mistakes must be seen."""
        from kmigrate.verify import compare

        control = self._run("before again", old, reference="before", ambient=self.ambient, mutate=True)
        if control is None or control[0]["error"] is not None:
            raise Known(Verdict.NOT_VERIFIED, "before does not run twice")
        same = compare.compare(before, control[0])
        if same.verdict is not Verdict.EQUIVALENT:
            raise Known(Verdict.NOT_VERIFIED, f"before differs from itself: {same.reason}")
        for figures, model in zip(self.certificate.models, control[0]["models"], strict=False):
            figures.self_control = compare.exceptional(model)
        blind = [m.name for m in self.certificate.models if (m.self_control or 0.0) < _least(m)]
        if blind:
            raise Known(Verdict.NOT_VERIFIED, f"a deliberate mistake in {', '.join(blind)} is not seen")
        # an edit in code that does not run cannot be seen
        running = (one for one in planted if reached.not_run(one.files, new.files, self.lines)[1])
        one = next(running, None)
        if one is not None:
            run = self._run("one edit undone", one, reference="before")
            if run is None:
                raise Known(Verdict.NOT_VERIFIED, f"the run with one edit undone: {self._why('one edit undone')}")
            if run[0]["error"] is None and self._judged(before, run[0]).verdict is not Verdict.DIFFERENT:
                raise Known(Verdict.NOT_VERIFIED, "one undone edit is not seen")

    def _bench(self, old: Program, new: Program) -> None:
        """The speed of both as they are, in rounds that alternate the order."""
        try:
            with Server(self.server.stack, self.server.device, exact=False) as self.timing:
                sides = [("before", old, self.ambient), ("after", new, None)]
                rounds: dict[str, list[list[dict[str, Any]]]] = {"before": [], "after": []}
                for number in range(1, speed.ROUNDS + 1):
                    for side, program, ambient in sides:
                        rounds[side].append(self._timed(f"{side}, timed {number}", program, ambient))
                    sides.reverse()
            self.certificate.speed = speed.compared(rounds["before"], rounds["after"])
        except (Known, RuntimeError) as error:
            self.certificate.notes.append(f"the speed is not measured: {error}")
        finally:
            self.timing = None

    def _timed(self, name: str, program: Program, ambient: str | None) -> list[dict[str, Any]]:
        run = self._run(name, program, floatx="float32", ambient=ambient, timed=speed.STEPS)
        if run is None or run[0]["error"] is not None:
            why = f"{name}: {self._why(name)}" if run is None else _failure(name, run[0]["error"])
            raise Known(Verdict.NOT_VERIFIED, why)
        self.certificate.notes += [note for note in run[0]["notes"] if "are timed" in note]
        return list(run[0]["speed"])

    def _float32(self, old: Program, new: Program, models: list[ModelFigures]) -> None:
        """The same in float32, for information."""
        from kmigrate.verify import compare

        before = self._run("before, float32", old, floatx="float32", ambient=self.ambient)
        after = self._run("after, float32", new, reference="before, float32", floatx="float32") if before else None
        if before is None or after is None or before[0]["error"] or after[0]["error"]:
            self.certificate.notes.append("the programs do not run in float32 here")
            return
        for model, other in zip(models, compare.compare(before[0], after[0]).models, strict=False):
            for figure in other.figures:
                model.float32[figure.check] = max(model.float32.get(figure.check, 0.0), figure.error)


def _least(model: ModelFigures) -> float:
    """What a deliberate mistake must change in the predictions of a model."""
    return max([SEEN, *(figure.tolerance for figure in model.figures if figure.check == "predictions")])


def _failure(name: str, error: dict[str, Any]) -> str:
    """One line on the exception that ended a run."""
    text = _TERMINAL.sub("", error["message"])
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith(_FRAME)]
    where = f" ({error['where']})" if error["where"] else ""
    return f"{name} fails: {error['type']}: {lines[0] if lines else ''}{where}"


def _picture(models: list[dict[str, Any]]) -> list[int]:
    """Height and width of the first model's images."""
    shape = [size for size in models[0]["inputs"][0][1:] if size is not None]
    return shape[1:3] if len(shape) == 3 and shape[0] <= 4 else shape[:2] if len(shape) >= 2 else [32, 32]


def _shapes_for(used: dict[str, Any], models: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Contents for the missing files: what the first model takes, or, by the file's name, its labels."""
    model = models[0]
    found: dict[str, dict[str, Any]] = {}
    for name, entry in used.items():
        if not entry["guessed"]:
            continue
        if entry["kind"] == "folders":
            found[name] = {"shape": [], "kind": "folders", "classes": model["outputs"][0][-1] or 1}
            continue
        labels = _LABELS.search(name) is not None
        shape = model["outputs" if labels else "inputs"][0][1:]
        full = [16, *(size if size is not None else _UNKNOWN_SIZE for size in shape)]
        if not labels:
            found[name] = {"shape": full, "kind": "values"}
        elif model["loss"].startswith("sparse"):
            found[name] = {"shape": [16], "kind": "classes", "classes": full[-1]}
        elif model["loss"] == "categorical_crossentropy" and len(full) == 2:
            found[name] = {"shape": full, "kind": "one-hot"}
        else:
            found[name] = {"shape": full, "kind": "unit"}
    return found
