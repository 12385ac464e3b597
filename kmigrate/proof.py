"""Prove conversions: before against after, and against after with one edit undone."""

from __future__ import annotations

import os
import random
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kmigrate import rewriting
from kmigrate.keras_api.versions import project_root
from kmigrate.verify import Certificate, Place, Server, Verdict, VerifyOptions, hashes, verify
from kmigrate.verify.native import verify_natively

if TYPE_CHECKING:
    from kmigrate.options import Options
    from kmigrate.plan import Edit, Plan
    from kmigrate.prepare import Side
    from kmigrate.source import SourceFile

MAX_UNDONE = 12  # edits that are tried, until one is found that the program runs


@dataclass(frozen=True)
class Change:
    """A file before and after, and the plan that led from one to the other, if kmigrate made it.

    None where the file is not there.
    """

    before: SourceFile | None
    after: SourceFile | None
    plan: Plan | None = None

    @property
    def edits(self) -> list[Edit]:
        """Those of the plan."""
        return self.plan.edits if self.plan else []

    @property
    def path(self) -> str:
        """As it is shown to the user."""
        source = self.before or self.after
        assert source is not None
        return str(source.path)


def prove(
    before: SourceFile,
    after: SourceFile,
    options: Options,
    plan: Plan | None = None,
    *,
    servers: dict[str, Server] | None = None,
    **how: Any,
) -> Certificate:
    """Run both and compare; with the ``plan`` that led from one to the other, an undone edit must be seen.

    ``servers`` are the running ones by their stack; ``how`` are fields of `VerifyOptions`. ``legacy_python`` among them
    is an interpreter with the Keras that the program is for, which runs both as well.
    """
    from kmigrate.prepare import Side

    changes = [Change(before, after, plan)] if plan else []
    return _prove(Side.of(before), Side.of(after), changes, options, servers, how)


def prove_program(
    changes: Sequence[Change],
    entries: Iterable[str],
    options: Options,
    *,
    servers: dict[str, Server] | None = None,
    **how: Any,
) -> dict[str, Certificate]:
    """A certificate for each script, of ``entries``, that loads one of the files that change.

    A file that no script loads is run as a script itself.
    """
    from kmigrate.prepare import NotRunnable, Side

    befores = tuple(change.before for change in changes if change.before)
    afters = tuple(change.after for change in changes if change.after)
    left = {change.path for change in changes}
    found: dict[str, Certificate] = {}
    for entry in entries:
        try:
            mine = loads(entry, befores, options)
        except NotRunnable as error:
            found[entry] = Certificate(Verdict.NOT_VERIFIED, str(error))
            continue
        used = [change for change in changes if change.path in mine]
        if used:
            left -= {change.path for change in used}
            found[entry] = _prove(Side(entry, befores), Side(entry, afters), used, options, servers, how)
    for change in changes:
        if change.path in left and change.before and change.after:
            found[change.path] = prove(change.before, change.after, options, change.plan, servers=servers, **how)
    return found


def loads(entry: str, files: Sequence[SourceFile], options: Options) -> list[str]:
    """The paths of a script and the modules of its project that it loads; raises NotRunnable."""
    from kmigrate.prepare import Side, analyse, loaded

    return list(_quiet(lambda: loaded(analyse(Side(entry, tuple(files)), options))))


def _prove(
    old: Side,
    new: Side,
    changes: Sequence[Change],
    choices: Options,
    servers: dict[str, Server] | None,
    how: dict[str, Any],
) -> Certificate:
    from kmigrate.prepare import NotRunnable, analyse, loaded, prepare

    try:
        sides = (_replaced(new, source) for source in _undone(changes, seed=0))
        ready = _quiet(lambda: prepare(old, new, sides, choices))
        places = [_places(side, _quiet(lambda side=side: loaded(analyse(side, choices)))) for side in (old, new)]
    except NotRunnable as error:
        return Certificate(Verdict.NOT_VERIFIED, str(error))
    except Exception as error:
        reason = f"the programs could not be prepared: {type(error).__name__}: {error}"
        return Certificate(Verdict.NOT_VERIFIED, reason)
    edits = [edit for change in changes for edit in change.edits]
    native, how = how.get("legacy_python"), {key: value for key, value in how.items() if key != "legacy_python"}
    options = VerifyOptions(
        **{
            "stack": ready.stack,
            "ordering": ready.ordering,
            "old": ready.old,
            "at_zero": any(edit.codemod == "fast_relu" and not edit.neutral for edit in edits),
            "same_weights": any(keeps_weights(change.plan) for change in changes if change.plan),
            "seed": 0,
            **how,
        }
    )
    which: dict[str, Any] = {
        "entry": Path(old.entry),
        "entry_after": Path(new.entry) if new.entry != old.entry else None,
        "places": list(zip(*places, strict=False)),
    }
    server = (servers or {}).get(ready.stack)
    undone = _quietly(ready.undone)
    certificate = verify(ready.before, ready.after, **which, undone=undone, options=options, server=server)
    certificate.ordering, certificate.source_keras = ready.ordering_text, ready.source_keras
    if native is not None:
        options = replace(options, ordering=ready.native_ordering)
        certificate = verify_natively(native, old.files, new.files, certificate, options, **which)
    certificate.before, certificate.after = hashes(old.files), hashes(new.files)
    certificate.notes = list(dict.fromkeys([*ready.notes, *certificate.notes]))
    if ready.advice and certificate.verdict is Verdict.NOT_VERIFIED:
        certificate.notes.append(ready.advice)
    return certificate


def _quiet(work: Any) -> Any:
    """Old code is full of "\\d" in plain strings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return work()


def _quietly(items: Iterator[Any]) -> Iterator[Any]:
    """The same for what is made one by one."""
    while (item := _quiet(lambda: next(items, None))) is not None:
        yield item


def _replaced(side: Side, source: SourceFile) -> Side:
    """A program with another text for one file."""
    from kmigrate.prepare import Side

    files = tuple(source if file.path == source.path else file for file in side.files)
    return Side(side.entry, files)


def _places(side: Side, paths: Iterable[str]) -> list[Place]:
    """Where a script may expect to be run: its own folder, the one that holds all of its files, that of its project."""
    folders = [Path(os.path.realpath(os.path.dirname(path) or ".")) for path in (side.entry, *paths)]
    whole = Path(os.path.commonpath(folders))
    found = [Place(whole, folders[0]), Place(whole, whole)]
    project = project_root(folders[0])
    if project is not None:
        found.append(Place(project, project))
    return list(dict.fromkeys(found))


def keeps_weights(plan: Plan) -> bool:
    """Does the plan keep the order of features, and so that of all weights?

    A Permute layer at the edge of a model says nothing of them.
    """
    return any(edit.codemod == "permute_layer" and not edit.args.get("edge") for edit in plan.edits)


def effective(plan: Plan) -> list[Edit]:
    """The edits whose absence must be seen.

    Relus are not among them: their old form differs at most where the input is exactly 0.
    """
    return [edit for edit in plan.edits if not edit.neutral and edit.codemod not in ("imports", "fast_relu")]


def without(before: SourceFile, plan: Plan, left_out: Edit) -> SourceFile | None:
    """The new file without one edit; None where the others make no sense alone."""
    try:
        text = rewriting.apply(before.text, [edit for edit in plan.edits if edit is not left_out])
    except rewriting.RewriteError:
        return None
    return before.from_bytes(before.with_text(text), before.path)


def prove_undone(
    before: SourceFile, undone: SourceFile, options: Options, plan: Plan, servers: dict[str, Server] | None = None
) -> Certificate:
    """The same for the new program without one edit, which should be DIFFERENT; nothing that only informs is run."""
    strict = keeps_weights(plan)
    return prove(before, undone, options, servers=servers, same_weights=strict, float32=False, ambient_check=False)


def _undone(changes: Sequence[Change], seed: int) -> Iterator[SourceFile]:
    """Files of the new program, each without one of the edits; a comparison that is not blind sees it."""
    choices = [
        (change.before, change.plan, edit)
        for change in changes
        if change.before and change.plan
        for edit in effective(change.plan)
    ]
    if len(choices) == 1:  # that would be the old program
        return
    random.Random(seed).shuffle(choices)
    made = (without(before, plan, edit) for before, plan, edit in choices[:MAX_UNDONE])
    yield from (source for source in made if source is not None)
