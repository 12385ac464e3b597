"""Diagnostics, the answer for each model, and the closing line, as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kmigrate.plan import ModelReport, Status

if TYPE_CHECKING:
    from kmigrate.options import Options
    from kmigrate.pipeline import Result

_LEFT = (Status.LEFT_ALONE, Status.ASKED)


def details(results: Sequence[Result], options: Options) -> list[str]:
    """A line for each diagnostic, each assumption behind a change and each model, file by file."""
    lines = []
    for result in results:
        lines += [str(d) for d in result.diagnostics if d is result.error or options.wants(d.code)]
        if result.new is not None:
            lines += [f"{result.path}: assumed {a.what} = {a.value}, for {a.why}" for a in result.plan.assumptions]
        lines += [model_line(model, _borders(result)) for model in result.plan.models]
    return lines


def model_line(model: ModelReport, borders: Sequence[str]) -> str:
    """The answer for one model; ``borders`` are the places of transposes in its file."""
    reasons = ", ".join(model.reasons)
    if model.status is Status.BORDERS:
        answer = f"done, with transposes at {reasons or ', '.join(borders)}"
    elif model.status is Status.LEFT_ALONE:
        answer = f"left alone because {reasons}"
    elif reasons:
        answer = f"{model.status.value}: {reasons}"
    else:
        answer = model.status.value
    return f"{model.path}:{model.line}: {model.name}: {answer}"


def _borders(result: Result) -> list[str]:
    """The lines that get a transpose or a Permute layer; one that is changed or removed was there before."""
    edits = [edit for edit in result.plan.edits if edit.codemod in ("transpose", "permute_layer")]
    added = {edit.line for edit in edits if edit.args.get("action") not in ("change", "remove")}
    return [f"line {line}" for line in sorted(added)]


def is_left_alone(result: Result) -> bool:
    """Was something of this file not converted although it may be channels-first?"""
    models = any(model.status in _LEFT for model in result.plan.models)
    return models or any(diagnostic.code.startswith("KM9") for diagnostic in result.plan.diagnostics)


def closing(results: Sequence[Result], written: Sequence[str] | None) -> str:
    """Counts of the files by what became of them; ``written`` is None in a run that only shows."""
    changed = sum(result.new is not None for result in results)
    failed = sum(result.error is not None for result in results)
    left = sum(is_left_alone(result) for result in results)
    idle = sum(r.new is None and r.error is None and not is_left_alone(r) for r in results)
    if written is None:
        parts = [f"{changed} would change"] if changed else []
    else:
        parts = [f"{len(written)} written"] if written else []
        if changed > len(written):
            parts.append(f"{changed - len(written)} not written")
    parts += [f"{left} with something left alone"] if left else []
    parts += [f"{failed} failed"] if failed else []
    parts += [f"{idle} with nothing to do"] if idle else []
    return f"{_files(len(results))} with Keras code: {', '.join(parts)}"


def _files(count: int) -> str:
    return f"{count} Python file" if count == 1 else f"{count} Python files"
