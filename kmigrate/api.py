"""`kmigrate.migrate`: the conversion of one text, for programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kmigrate.plan import Assumption, Diagnostic, Edit, ModelReport


@dataclass(frozen=True)
class Migration:
    """What became of one text. Nothing was written; ``text`` is the new text, or the old one where nothing changes.

    ``error`` says why the text could not be converted at all (it does not parse, or kmigrate failed on it).
    """

    path: str
    before: str
    text: str
    edits: tuple[Edit, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    models: tuple[ModelReport, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    error: Diagnostic | None = None

    @property
    def changed(self) -> bool:
        return self.text != self.before

    @property
    def diff(self) -> str:
        """The unified diff, empty where nothing changes."""
        if not self.changed:
            return ""
        from kmigrate.report.diff import unified

        return unified(self.path, self.before.encode(), self.text.encode()).decode()


def migrate(source: str, *, path: str = "<string>", **options: Any) -> Migration:
    """Convert one text of Python.

    Args:
        source: the program, without its byte order mark; its newlines are kept.
        path: its name. Where it is that of a file, the project around it is read for context (requirements, modules),
            as on the command line; nothing but ``source`` is ever changed, and no configuration is read.
        options: fields of `kmigrate.options.Options`: ``ordering``, ``source_keras``, ``select`` and so on.

    Raises:
        TypeError: an option that there is not.
    """
    from kmigrate import pipeline
    from kmigrate.discovery import Candidate
    from kmigrate.options import Options
    from kmigrate.source import SourceError, SourceFile

    given: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in options.items()}
    chosen = Options(**given)
    try:
        data = SourceFile.encoded(source, path)
    except SourceError as error:
        return Migration(path, source, source, error=Diagnostic(path, error.line, error.column, "KM905", error.message))
    (result,) = (r for r in pipeline.convert([Candidate(path, data)], chosen) if r.path == path)
    plan = result.plan
    return Migration(
        path,
        source,
        source if result.new_text is None else result.new_text,
        tuple(plan.edits) if result.new is not None else (),
        tuple(result.diagnostics),
        tuple(plan.models),
        tuple(plan.assumptions),
        result.error,
    )
