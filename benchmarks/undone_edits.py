"""Does verification see each edit? Convert a script, undo one edit at a time, and verify every result.

    python benchmarks/undone_edits.py fixtures/layout/*/before.py

Prints one line for each edit with the verdict for the program without it. Every line but those of
edits that are neutral in value (a zero slope) must say DIFFERENT; the exit status says whether it does.
"""

from __future__ import annotations

import sys
from pathlib import Path

from kmigrate import layout, pipeline, rewriting
from kmigrate.options import Options
from kmigrate.source import SourceFile
from kmigrate.verify import Verdict, VerifyOptions, verify


def undone(path: Path) -> int:
    """The number of edits of one script whose absence goes unseen."""
    (result,) = pipeline.run([str(path)], Options())
    source = result.source
    if source is None or result.new is None:
        print(f"{path}: nothing to undo")
        return 0
    (program,) = layout.analyse([source], Options()).programs
    first = {"th": "channels_first", "tf": "channels_last", None: None}[program.ordering]
    options = VerifyOptions(ordering=first, float32=False, ambient_check=False)
    text, edits = source.cells[0].text, result.plan.edits
    unseen = 0
    for edit in edits:
        without = [other for other in edits if other is not edit]
        try:
            raw = source.with_cells([rewriting.apply(text, without)])
        except rewriting.RewriteError as error:
            print(f"{path}:{edit.line}: {edit.code} cannot be undone alone: {error}")
            continue
        after = SourceFile.from_bytes(raw, str(path))
        certificate = verify([source], [after], entry=path, options=options)
        verdict = certificate.verdict
        seen = verdict is Verdict.DIFFERENT or edit.neutral
        unseen += not seen
        mark = "" if seen else "  <-- not seen"
        print(f"{path}:{edit.line}: {edit.code} {edit.codemod} undone: {verdict.value}{mark}", flush=True)
    return unseen


def main() -> int:
    return 1 if sum(undone(Path(name)) for name in sys.argv[1:]) else 0


if __name__ == "__main__":
    raise SystemExit(main())
