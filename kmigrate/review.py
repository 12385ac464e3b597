"""Verify what changed since a revision: every script that loads a changed file, before and after."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from kmigrate.discovery import may_concern
from kmigrate.project import Project
from kmigrate.proof import Change, prove_program
from kmigrate.revision import Difference, differences
from kmigrate.source import SourceFile
from kmigrate.verify import Certificate, Verdict

if TYPE_CHECKING:
    from kmigrate.options import Options


def prove_since(
    revision: str, paths: Sequence[str], options_for: Callable[[str], Options], **how: Any
) -> dict[str, Certificate]:
    """A certificate for each script, by its path; empty if no program with Keras code changed.

    ``how`` are arguments of `prove_program`. Raises RevisionError, SourceError and OSError.
    """
    differing = {one.path: one for one in differences(revision, paths)}
    here = [path for path, one in differing.items() if one.after is not None]
    found: dict[str, Certificate] = {}
    for group in Project(here).groups(here):
        mine = [one for path, one in differing.items() if path in group.files or one.after is None]
        if not _concerns(group.files, mine):
            continue
        changes = [Change(_source(one, one.before), _source(one, one.after)) for one in mine]
        new = {one.path for one in mine if one.before is None}
        entries = [entry for entry in group.entries if entry not in new]
        found.update(prove_program(changes, entries, options_for(group.entries[0]), **how))
        for entry in set(group.entries) & new:
            found[entry] = Certificate(Verdict.NOT_VERIFIED, f"it is not in {revision}")
    return found


def _concerns(files: Sequence[str], differing: Sequence[Difference]) -> bool:
    """Does a file of a program, now or then, hold Keras code?"""
    then = (one.before for one in differing if one.before is not None)
    return any(map(may_concern, then)) or any(may_concern(SourceFile.read(path).raw) for path in files)


def _source(one: Difference, raw: bytes | None) -> SourceFile | None:
    return None if raw is None else SourceFile.from_bytes(raw, one.path)
