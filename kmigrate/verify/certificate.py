"""The result of a verification: plain data that is shown, and written as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from enum import Enum
from typing import Any

from kmigrate import __version__
from kmigrate.verify.speed import Speed
from kmigrate.verify.tolerances import TOLERANCES

SCHEMA = 1  # of `Certificate.to_json`: another number where a reader of the old one would go wrong


class Verdict(Enum):
    """What a user is told. Only what was run, and seen to be able to fail, is EQUIVALENT."""

    EQUIVALENT = "EQUIVALENT"
    EQUIVALENT_EXCEPT_AT_0 = "EQUIVALENT EXCEPT AT 0"
    INACCURATE = "INACCURATE"
    DIFFERENT = "DIFFERENT"
    NOT_VERIFIED = "NOT VERIFIED"

    @property
    def exit_status(self) -> int:
        """The exit status of `kmigrate verify`."""
        if self in (Verdict.EQUIVALENT, Verdict.EQUIVALENT_EXCEPT_AT_0):
            return 0
        return 1 if self is Verdict.DIFFERENT else 3


@dataclass(frozen=True)
class Figure:
    """One comparison: ``error`` (relative) against ``tolerance``."""

    check: str
    error: float
    tolerance: float
    detail: str = ""
    noise: float | None = None  # the program's own, where it forces a coarser float type than float64

    @property
    def passed(self) -> bool:
        """Within the tolerance."""
        return self.error <= self.tolerance


@dataclass(frozen=True)
class Divergence:
    """The first layer, in the order of the calls, whose output differs, and the lines that made it."""

    layer: str
    kind: str  # its class
    before: str  # file:line
    after: str
    before_text: str = ""  # what stands there, as it ran
    after_text: str = ""

    def __str__(self) -> str:
        places = " / ".join(place for place in (self.before, self.after) if place)
        return f"{self.layer} ({self.kind}), {places}"


@dataclass
class ModelFigures:
    """All comparisons of one model, and the first layer whose output differs."""

    name: str
    before: str  # file:line
    after: str
    figures: list[Figure] = field(default_factory=list)
    diverges: Divergence | None = None
    weights: str = ""  # how they were carried over
    remark: str = ""  # what was not compared, and why
    self_control: float | None = None  # what the deliberate mistake changed
    float32: dict[str, float] = field(default_factory=dict)


@dataclass
class Certificate:
    """Everything that supports the verdict; docs/certificate.md describes its JSON."""

    verdict: Verdict
    reason: str
    models: list[ModelFigures] = field(default_factory=list)
    events: list[Figure] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    device: str = ""
    stack: str = ""
    ordering: str = ""
    source_keras: str = ""
    seeds: list[int] = field(default_factory=list)  # of weights and made up data, one pair of runs each
    steps: int = 0
    before: dict[str, str] = field(default_factory=dict)  # path -> SHA-256
    after: dict[str, str] = field(default_factory=dict)
    runs: dict[str, Any] = field(default_factory=dict)
    speed: list[Speed] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    traceback: str = ""
    # not for users: the log of the run before, and the weight maps of the models
    evidence: dict[str, Any] = field(default_factory=dict, repr=False)
    maps: list[Any] = field(default_factory=list, repr=False)

    def to_json(self) -> dict[str, Any]:
        """Plain data for ``--format json``, as docs/certificate.schema.json says (infinities as text)."""

        def plain(node: Any) -> Any:
            if isinstance(node, dict):
                return {key: plain(value) for key, value in node.items()}
            if isinstance(node, list | tuple):
                return [plain(value) for value in node]
            if isinstance(node, Enum):
                return node.value
            if isinstance(node, Figure):
                return {**plain(asdict(node)), "passed": node.passed}
            if is_dataclass(node) and not isinstance(node, type):
                return {entry.name: plain(getattr(node, entry.name)) for entry in fields(node)}
            if isinstance(node, float) and (node != node or node in (float("inf"), float("-inf"))):
                return str(node)
            return node

        shown = replace(self, evidence={}, maps=[])
        data = {key: value for key, value in plain(shown).items() if key not in ("evidence", "maps")}
        return {"schema": SCHEMA, "kmigrate": __version__, **data, "tolerances": dict(TOLERANCES)}

    def __str__(self) -> str:
        return self.summary()

    def peak(self, name: str) -> int:
        """The most bytes of resident memory that the runs whose names begin so took."""
        return max((run["peak_bytes"] for key, run in self.runs.items() if key.startswith(name)), default=0)

    def summary(self) -> str:
        """A few lines for a terminal."""
        exact = not any(figure.noise is not None for model in self.models for figure in model.figures)
        where = f" ({self.device}, {self.stack}{', float64' if exact else ''})" if self.device else ""
        lines = [f"{self.verdict.value}: {self.reason}{where}"]
        for model in self.models:
            worst = {f.check: max(g.error for g in model.figures if g.check == f.check) for f in model.figures}
            figures = ", ".join(f"{check} {error:.1e}" for check, error in worst.items())
            lines.append(f"  {model.name} ({model.before} -> {model.after}): {figures}")
            if model.remark:
                lines.append(f"    {model.remark}")
            if model.diverges:
                lines.append(f"    first differs at {model.diverges}")
                texts = (("-", model.diverges.before_text), ("+", model.diverges.after_text))
                lines += [f"      {sign} {text}" for sign, text in texts if text]
            if model.float32:
                shown = ", ".join(f"{check} {error:.1e}" for check, error in model.float32.items())
                lines.append(f"    in float32: {shown}")
        lines += [f"  {f.check}: {f.error:.1e} {f.detail}".rstrip() for f in self.events if not f.passed]
        lines += [f"  {speed}" for speed in self.speed]
        if self.speed:
            peaks = (self.peak("before, timed"), self.peak("after, timed"))
            lines.append("  peak memory: {} MiB before, {} MiB after".format(*(peak >> 20 for peak in peaks)))
        lines += [f"  note: {note}" for note in self.notes]
        if self.traceback:
            lines += ["  " + line for line in self.traceback.rstrip().splitlines()]
        return "\n".join(lines)
