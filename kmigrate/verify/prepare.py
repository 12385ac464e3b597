"""What "before" and "after" are when they run: as they are, on tf_keras, or ported from Keras 1."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kmigrate.verify.choose import choose_stack
from kmigrate.verify.sandbox import Source

_KERAS1 = re.compile(
    rb"\b(nb_epoch|nb_filter|nb_row|nb_classes=|border_mode|dim_ordering|subsample|samples_per_epoch|output_dim|"
    rb"W_regularizer|b_regularizer|inner_activation|concat_axis|Convolution[123]D|Deconvolution2D|MaxoutDense)\b"
)
_LAST_KERAS1 = (1, 2, 2)
_CF, _CL = "channels_first", "channels_last"


class NotRunnable(Exception):
    """The programs can't be brought to a Keras that runs here."""


@dataclass(frozen=True)
class _File:
    path: Path
    raw: bytes


@dataclass
class Prepared:
    """The files to run, on which stack, and what was assumed about them."""

    before: list[Source]
    after: list[Source]
    undone: list[Source] | None
    stack: str
    ordering: str | None = None  # ambient of both runs; None: the library's default
    ordering_text: str = ""
    source_keras: str = ""
    notes: list[str] = field(default_factory=list)


def prepare(
    before: Sequence[Source],
    after: Sequence[Source],
    undone: Sequence[Source] | None,
    stack: str,
    ordering: str | None,
) -> Prepared:
    """Decide how the programs run; raises NotRunnable."""
    whole = b"\n".join(source.raw for source in before)
    spelled1 = _KERAS1.search(whole) is not None
    if stack != "auto":
        return Prepared(list(before), list(after), list(undone) if undone else None, stack, ordering)
    known = _Known(before)
    if not (spelled1 or known.keras1):
        chosen = choose_stack([source.raw for source in before])
        ambient = ordering or known.ambient
        text = known.why if not ordering else "as it was said"
        return Prepared(
            list(before),
            list(after),
            list(undone) if undone else None,
            chosen,
            ambient,
            f"{ambient} ({text})" if ambient else "",
            known.version_text,
        )
    if ordering:
        known.ordering, known.why = ("th" if ordering == _CF else "tf"), "as it was said"
    notes: list[str] = []
    return Prepared(
        known.port(before, notes),
        known.port(after, notes),
        known.port(undone, notes) if undone else None,
        "keras3",
        _CL,  # a port says its ordering itself
        f"{known.ordering}" + (f" ({known.why})" if known.why else ""),
        f"{'.'.join(map(str, known.version))}, ported to Keras 3",
        notes,
    )


class _Known:
    """What the analysis finds out about the before-program."""

    def __init__(self, sources: Sequence[Source]) -> None:
        programs = [self._analyse(source) for source in sources]
        orderings = [p.ordering for p in programs if p.ordering]
        self.ordering = orderings[0] if orderings else "tf"
        whys = [a.why for p in programs for a in p.plan.assumptions if a.what == "ordering"]
        self.why = whys[0] if whys else ""
        low = max((p.version.low for p in programs), default=(1, 0, 0))
        high = min((p.version.high for p in programs), default=(9, 9, 9))
        self.keras1 = high < (2, 0)
        self.version = _LAST_KERAS1 if low <= _LAST_KERAS1 <= high else (high if high < (2, 0) else low)
        self.version_text = str(programs[0].version) if programs and programs[0].version.why else ""

    @property
    def ambient(self) -> str | None:
        """The ambient ordering that the text does not say, if the analysis had to assume one."""
        return (_CF if self.ordering == "th" else _CL) if self.why else None

    @staticmethod
    def _analyse(source: Source):  # type: ignore[no-untyped-def]
        from kmigrate.layout.analysis import analyse
        from kmigrate.options import Options
        from kmigrate.source import SourceError, SourceFile

        try:
            file = SourceFile.from_bytes(source.raw, source.path)
            return analyse(file.cells[0].text, str(source.path), Options())
        except (SourceError, SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise NotRunnable(f"{source.path} can't be read: {error}") from error

    def port(self, sources: Sequence[Source], notes: list[str]) -> list[Source]:
        """The sources as Keras 3 programs; both sides are ported for the same version and ordering."""
        from kmigrate.keras_api.port import port
        from kmigrate.rewriting.error import RewriteError
        from kmigrate.source import SourceFile

        result: list[Source] = []
        for number, source in enumerate(sources):
            program = self._analyse(source)
            file = SourceFile.from_bytes(source.raw, source.path)
            ported = port(
                file.cells[0].text,
                program.tree,
                program.dotted,
                self.version,
                self.ordering,
                path=str(source.path),
                state_ordering=number == 0,
                numerics="exact",
            )
            if ported.problems:
                first = ported.problems[0]
                raise NotRunnable(f"the port to Keras 3 leaves {source.path}:{first.line}: {first.message}")
            try:
                text = ported.text()
            except RewriteError as error:
                raise NotRunnable(f"the port to Keras 3 of {source.path} fails: {error}") from error
            notes += [f"port: line {note.line}: {note.message}" for note in ported.notes]
            result.append(_File(source.path, file.with_cells([text])))
        return result
