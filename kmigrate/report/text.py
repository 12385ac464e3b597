"""Diagnostics, the answer for each model, and the closing line, as text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from kmigrate.plan import Assumption, Diagnostic, Edit, ModelReport, Status
from kmigrate.report.outcome import counts, is_left_alone, wanted

if TYPE_CHECKING:
    from kmigrate.notebook import Notebook
    from kmigrate.pipeline import Result

_ORDERINGS = {"th": "channels-first", "tf": "channels-last"}
#: A model's reason, as the analysis words it: code, line, text.
_REASON = re.compile(r"(KM\d{3}) line (\d+): (.*)", re.DOTALL)


def details(results: Sequence[Result]) -> list[str]:
    """A line for each diagnostic and each relu, each assumption behind a change and each model, file by file."""
    lines: list[str] = []
    for result in results:
        first = len(lines)
        told = wanted(result)
        said = [(d.line, d.column, str(d)) for d in told]
        relus = _relus(result)
        said += [(e.line, e.column, f"{e.path}:{e.line}:{e.column}: {e.code} {e.reason}") for e in relus]
        lines += [text for _, _, text in sorted(said, key=lambda item: item[:2])]
        if result.new is not None:
            lines += [f"{result.path}: {sentence(assumption)}" for assumption in result.plan.assumptions]
        if result.ported:
            lines.append(f"{result.path}: brought to Keras 3")
        borders = _borders(result)
        lines += [model_line(model, borders, told, relus=bool(relus)) for model in result.plan.models]
        if result.source is not None and result.source.notebook is not None:
            lines = [*lines[:first], *(_in_cells(line, result.path, result.source.notebook) for line in lines[first:])]
    return list(dict.fromkeys(lines))


def _in_cells(line: str, path: str, notebook: Notebook) -> str:
    """A message with places in the program as places in the cells of a notebook."""

    def place(number: str) -> str:
        cell, inside = notebook.place(int(number))
        return f"cell {cell} line {inside}"

    def places(match: re.Match[str]) -> str:
        return ", ".join(place(number) for number in re.findall(r"\d+", match[0]))

    start = re.match(re.escape(path) + r":([1-9]\d*)(?=:)", line)
    if start is not None:
        cell, inside = notebook.place(int(start[1]))
        head, rest = f"{path}:cell {cell}:{inside}", line[start.end() :]
    else:
        head, rest = "", line
    return head + re.sub(r"\blines? \d+(?:, (?:line )?\d+)*", places, rest)


def model_line(model: ModelReport, borders: Sequence[str], told: Sequence[Diagnostic] = (), relus: bool = False) -> str:
    """The answer for one model.

    ``borders`` are the places of transposes in its file, ``told`` the diagnostics that are shown anyway: the line
    names their places instead of saying it all again. ``relus``: was something changed that is no layout?
    """
    reasons = "; ".join(model.reasons)
    if model.status is Status.BORDERS:
        answer = f"done, with transposes at {', '.join(model.reasons) or ', '.join(borders)}"
    elif model.status is Status.LEFT_ALONE:
        answer = f"left alone{_why(model, told, ' because')}"
    elif model.status is Status.ASKED:
        answer = f"{model.status.value}{_why(model, told, ':')}"
    elif reasons:
        answer = f"{model.status.value}: {reasons}"
    elif model.status is Status.NOTHING and relus:
        answer = f"{model.status.value} about its layout"
    else:
        answer = model.status.value
    return f"{model.path}:{model.line}: {model.name}: {answer}"


def _why(model: ModelReport, told: Sequence[Diagnostic], link: str) -> str:
    """The reasons that no diagnostic gives, behind ``link``, and the places of those that do."""
    places: dict[str, list[int]] = {}
    others = []
    for reason in model.reasons:
        found = _REASON.fullmatch(reason)
        code, line, text = (found[1], int(found[2]), found[3]) if found else ("", 0, reason)
        same = next((d for d in told if d.message == text and (not found or (d.code, d.line) == (code, line))), None)
        if same is None:
            others.append(reason)
        elif same.line not in places.setdefault(same.code, []):
            places[same.code].append(same.line)
    refusals_first = sorted(places.items(), key=lambda item: (not item[0].startswith("KM9"), item[0]))
    seen = [f"{code}{_at(lines)}" for code, lines in refusals_first]
    if others:
        return f"{link} {'; '.join(others)}" + (f"; see {', '.join(seen)}" if seen else "")
    return f": see {', '.join(seen)}" if seen else ""


def _at(lines: Sequence[int]) -> str:
    numbers = [str(line) for line in sorted(lines) if line]
    return f" at line{'s' * (len(numbers) > 1)} {', '.join(numbers)}" if numbers else ""


def sentence(assumption: Assumption) -> str:
    """What was taken for granted, which option says otherwise, and why."""
    if assumption.what == "ordering":
        what, option = _ORDERINGS.get(assumption.value, assumption.value), f"--ordering {assumption.value}"
    else:
        what, option = assumption.value, f"--{assumption.what}"
    # Where the option itself says so, naming it once is enough.
    hint = "" if assumption.why.startswith("--") else f" ({option})"
    return f"assumed {what}{hint}: {assumption.why}"


def _relus(result: Result) -> list[Edit]:
    """Relus that become others; no model's answer tells of them."""
    if result.new is None:
        return []
    edits = [edit for edit in result.plan.edits if edit.code.startswith("KM2") and edit.codemod != "imports"]
    return [edit for edit in edits if "without" not in edit.args]  # that only takes away what another needs no more


def _borders(result: Result) -> list[str]:
    """The lines that get a transpose or a Permute layer; one that is changed or removed was there before."""
    edits = [edit for edit in result.plan.edits if edit.codemod in ("transpose", "permute_layer")]
    added = {edit.line for edit in edits if edit.args.get("action") not in ("change", "remove", "drop")}
    return [f"line {line}" for line in sorted(added)]


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


def statistics(results: Sequence[Result]) -> list[str]:
    """How often each code was met, the commonest first."""
    from kmigrate.codes import CODES

    found = sorted(counts(results).items(), key=lambda item: (-item[1], item[0]))
    return [f"{count:6}  {code}  {CODES[code].name}" for code, count in found]


def about_baseline(path: str, known: int, stale: int) -> str:
    """What a baseline had to say."""
    found = f"{path}: {_files(known)} with nothing that is not known"
    return found if not stale else f"{found}; {stale} of its entries hold no longer: --update-baseline removes them"
