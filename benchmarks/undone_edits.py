"""Does verification see each edit? Convert a script, undo one edit at a time, and verify every result.

    python benchmarks/undone_edits.py fixtures/layout/*/before.py

Prints one line for each edit with the verdict for the program without it. Every line must say
DIFFERENT; the exit status says whether it does. Left out are edits that are neutral in value, those of
relus (equal but at 0), those that cannot be undone alone, and the only edit of a program.
"""

from __future__ import annotations

import sys
from pathlib import Path

from kmigrate import pipeline, proof
from kmigrate.options import Options
from kmigrate.verify import Server, Verdict


def undone(path: Path, servers: dict[str, Server]) -> int:
    """The number of edits of one script whose absence goes unseen."""
    (result,) = pipeline.run([str(path)], Options())
    if result.source is None or result.new is None:
        print(f"{path}: nothing to undo")
        return 0
    unseen = 0
    edits = proof.effective(result.plan)
    for edit in edits if len(edits) > 1 else ():
        after = proof.without(result.source, result.plan, edit)
        if after is None:
            print(f"{path}:{edit.line}: {edit.code} {edit.codemod} cannot be undone alone")
            continue
        found = proof.prove_undone(result.source, after, Options(), result.plan, servers)
        seen = found.verdict is Verdict.DIFFERENT
        unseen += not seen
        mark = "" if seen else f"  <-- not seen: {found.reason}"
        print(f"{path}:{edit.line}: {edit.code} {edit.codemod} undone: {found.verdict.value}{mark}", flush=True)
    return unseen


def main() -> int:
    servers = {stack: Server(stack) for stack in ("keras3", "tf_keras")}
    try:
        return 1 if sum(undone(Path(name), servers) for name in sys.argv[1:]) else 0
    finally:
        for server in servers.values():
            server.close()


if __name__ == "__main__":
    raise SystemExit(main())
