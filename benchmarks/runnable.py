"""Do real programs get a verdict? Convert and verify the files of a list that are marked as runnable.

    python -m benchmarks.runnable FOLDER --rows dev.tsv [--only TEXT] [--wall 120] [--verbose]

FOLDER and the list are those of `benchmarks.corpus`; what counts is the column ``runnable_with_synthetic_data``.
Each file is converted with the files that it belongs with; then the scripts that load it are run before and
after, until one has a verdict. Where kmigrate asks for the ordering, it gets ``th``. A file that needs no change is
run against itself, which shows that its models can be run and that a mistake in them would be seen. Prints a line for
each file, and how many got a verdict: NOT VERIFIED is none. Nothing is written.
"""

from __future__ import annotations

import argparse
import csv
import time
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from benchmarks.corpus import Row, find
from kmigrate import discovery, pipeline, proof
from kmigrate.options import Options
from kmigrate.plan import Status
from kmigrate.prepare import NotRunnable
from kmigrate.project import Project
from kmigrate.source import SourceFile
from kmigrate.verify import Certificate, Server, Verdict

MAX_SCRIPTS = 4  # that are tried for one file


def read(rows: Path) -> list[Row]:
    """The files of the list that are marked."""
    with rows.open(newline="") as file:
        return [
            Row(r["repo"], r["commit"], r["path"], r["class"], r["parses_py3"] == "y", "")
            for r in csv.DictReader(file, delimiter="\t")
            if r["runnable_with_synthetic_data"] == "y"
        ]


def together(path: Path, where: Path, options: Options) -> tuple[list[pipeline.Result], list[str]]:
    """The results of the files that belong with ``path``, and the scripts, the nearest first."""
    if path.suffix == ".ipynb":
        return pipeline.run([str(path)], options), [str(path)]
    given = discovery.find([str(where)]).files
    group = next(g for g in Project(given).groups([str(path)]) if str(path) in g.files)
    found = discovery.find(group.files)
    entries = sorted(group.entries, key=lambda entry: (entry != str(path), Path(entry).parent != path.parent, entry))
    return pipeline.convert(found.candidates, options, given), entries


def certified(path: Path, where: Path, servers: dict[str, Server], wall: int) -> tuple[str, Certificate]:
    """The script that was run for a file, and what it came to; of several, the first that has a verdict."""
    options = Options()
    try:
        results, entries = together(path, where, options)
    except StopIteration:
        return "", Certificate(Verdict.NOT_VERIFIED, "no Python 3")
    if any(model.status is Status.ASKED for result in results for model in result.plan.models):
        options = Options(ordering="th")
        results, entries = together(path, where, options)
    broken = next((r.error for r in results if r.path == str(path) and r.error is not None), None)
    if broken is not None:
        return "", Certificate(Verdict.NOT_VERIFIED, broken.message)
    befores = [result.source for result in results if result.source is not None and result.error is None]
    changes = [proof.Change(r.source, r.new, r.plan) for r in results if r.source is not None and r.new is not None]
    last = ("", Certificate(Verdict.NOT_VERIFIED, "no script loads it"))
    tried = 0
    for entry in entries:
        try:
            loads = proof.loads(entry, befores, options)
        except NotRunnable:
            continue
        if str(path) not in loads:
            continue
        tried += 1
        if tried > MAX_SCRIPTS:
            break
        mine = [change for change in changes if change.path in loads]
        how = {"wall": wall, "float32": False, "steps": 2, "samples": 4}
        if mine:
            found = proof.prove_program(mine, [entry], options, servers=servers, **how)[entry]
        else:
            script = SourceFile.read(entry)
            found = proof.prove(script, script, options, servers=servers, **how)
        last = (entry, found)
        if found.verdict is not Verdict.NOT_VERIFIED:
            break
    return last


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=Path, required=True, help="the list of files (TSV)")
    parser.add_argument("--only", default="", help="only files whose repository and path contain this")
    parser.add_argument("--wall", type=int, default=120, help="seconds for one run")
    parser.add_argument("--verbose", action="store_true", help="show the whole certificate")
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    servers = {stack: Server(stack) for stack in ("keras3", "tf_keras")}
    verdicts: Counter[str] = Counter()
    try:
        for row in read(options.rows):
            name = f"{row.repo}@{row.commit[:4]} {row.path}"
            if options.only not in name:
                continue
            started = time.monotonic()
            where = find(options.folder, row)
            script, found = certified(where / row.path, where, servers, options.wall)
            verdicts[found.verdict.value] += 1
            by = "" if not script or Path(script) == where / row.path else f" by {Path(script).relative_to(where)}"
            print(
                f"{found.verdict.value:23} {time.monotonic() - started:5.0f} s  {name}{by}: {found.reason}", flush=True
            )
            if options.verbose:
                print(found.summary())
    finally:
        for server in servers.values():
            server.close()
    reached = sum(count for verdict, count in verdicts.items() if verdict != Verdict.NOT_VERIFIED.value)
    print(f"{reached} of {sum(verdicts.values())} have a verdict: {dict(verdicts)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
