"""What does kmigrate do with real programs, and is it what should happen?

    python -m benchmarks.corpus FOLDER --rows dev.tsv [--diff diffs.txt] [--class a --class b] [--alone]

``dev.tsv`` lists files of public repositories with a judgement of each (columns repo, commit, path, class,
parses_py3 and others). ``corpus_expected.tsv`` beside this script says what should become of each, written down from
reading the file. FOLDER holds the repositories, one folder each, none of which is part of this project:

    FOLDER/OWNER+NAME@COMMIT/...        (COMMIT may be shortened, as in the list)

made from a clone of the repository by

    mkdir -p FOLDER/OWNER+NAME@COMMIT/.git        # marks the root of the project, as in a clone
    git -C CLONE archive COMMIT | tar x -C FOLDER/OWNER+NAME@COMMIT

Each repository is looked at as a whole, as `kmigrate FOLDER/OWNER+NAME@COMMIT` does; nothing is written.
With ``--alone`` each file of the list is looked at for itself. Prints a line for each file (class, `ok` or `--`, what
should happen, what happened, the seconds that its repository took), then a table by class.

What happened is one or more of these, joined by ``+``: ``done``, ``borders`` (done with transposes), ``nothing``,
``asked``, ``left:CODES`` (left alone), ``unseen`` (it makes layers with a layout, and no model was answered for),
``relu`` (only relus changed), ``python2``, ``notebook``, ``not-keras``, ``crash:CODE``, ``missing``. What should happen
names these too, with ``|`` between answers that are all right, the best one first.
"""

from __future__ import annotations

import argparse
import ast
import csv
import difflib
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from kmigrate import pipeline
from kmigrate.options import Options
from kmigrate.plan import Status

EXPECTED = Path(__file__).with_name("corpus_expected.tsv")

_LAYER = re.compile(
    r"(Conv(olution)?[123]D|Conv[23]DTranspose|Deconvolution|AtrousConv|SeparableConv|DepthwiseConv|ConvLSTM"
    r"|(Max|Average|Avg)Pool|Global(Max|Average|Avg)Pool|ZeroPadding|UpSampling|Cropping|LocallyConnected)\w*$"
)
_CODE = re.compile(r"KM\d{3}")
_ANSWERS = {
    Status.DONE: "done",
    Status.BORDERS: "borders",
    Status.NOTHING: "nothing",
    Status.ASKED: "asked",
    Status.LEFT_ALONE: "left",
}


@dataclass(frozen=True)
class Row:
    """A file of the list, what should become of it, and what did."""

    repo: str
    commit: str
    path: str
    kind: str  # the class that it was judged as: a, a0, b, c or n
    python3: bool
    expected: str
    got: str = ""
    same: bool = True  # byte for byte
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        return agrees(self.expected, self.got) and (self.same or self.kind != "n")


def agrees(expected: str, got: str) -> bool:
    """Is each part of ``got`` among the answers that are all right? ``nothing`` beside others says nothing."""
    parts = [part for part in got.split("+") if part not in ("nothing", "relu")] or ["nothing"]
    return all(any(_matches(answer, part) for answer in expected.split("|")) for part in parts)


def _matches(answer: str, part: str) -> bool:
    """The same answer; of the codes of what is left alone, one is enough."""
    kind, _, codes = answer.partition(":")
    found, _, given = part.partition(":")
    return kind == found and (not codes or bool(set(codes.split(",")) & set(given.split(","))))


def outcome(result: pipeline.Result) -> str:
    """What became of a file that kmigrate looked at."""
    if result.error is not None:
        return "python2" if result.error.code == "KM401" else f"crash:{result.error.code}"
    models = result.plan.models
    parts = {_ANSWERS[model.status] for model in models}
    if "left" in parts:
        reasons = [reason for model in models if model.status is Status.LEFT_ALONE for reason in model.reasons]
        codes = {code for reason in reasons for code in _CODE.findall(reason) if code >= "KM900"}
        parts = parts - {"left"} | {"left:" + ",".join(sorted(codes))}
    if result.new is not None and not {"done", "borders"} & parts:
        parts.add("done" if any(edit.code.startswith("KM1") for edit in result.plan.edits) else "relu")
    if not parts and result.source is not None and makes_layers(result.source.text):
        return "unseen"
    return "+".join(sorted(parts)) or "nothing"


def makes_layers(text: str) -> bool:
    """Does a program make layers that have a layout? By their names alone."""
    calls = (node.func for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call) and node.args)
    names = (func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "") for func in calls)
    return any(_LAYER.match(name) for name in names)


def read(rows: Path, expected: Path) -> list[Row]:
    """The list, with what should happen; raises KeyError for a file of which nothing is expected."""
    with expected.open(newline="") as file:
        wanted = {(e["repo"], e["commit"], e["path"]): e["expected"] for e in csv.DictReader(file, delimiter="\t")}
    with rows.open(newline="") as file:
        return [
            Row(r["repo"], r["commit"], r["path"], r["class"], r["parses_py3"] == "y", wanted[_key(r)])
            for r in csv.DictReader(file, delimiter="\t")
        ]


def _key(row: dict[str, str]) -> tuple[str, str, str]:
    return row["repo"], row["commit"], row["path"]


def measure(folder: Path, rows: Iterable[Row], alone: bool = False, diffs: list[str] | None = None) -> list[Row]:
    """Look at each repository of the list once and say what became of its rows; ``diffs`` takes all diffs."""
    by_folder: dict[Path, list[Row]] = {}
    for row in rows:
        by_folder.setdefault(find(folder, row), []).append(row)
    return [done for where, some in by_folder.items() for done in _repository(where, some, alone, diffs)]


def find(folder: Path, row: Row) -> Path:
    """The folder of a row's repository at its commit, whichever of the two shortens the commit."""
    name = row.repo.replace("/", "+") + "@"
    for where in sorted(folder.glob(f"{name}*")):
        commit = where.name.removeprefix(name)
        if commit and (commit.startswith(row.commit) or row.commit.startswith(commit)):
            return where
    return folder / f"{name}{row.commit}"


def _repository(where: Path, rows: list[Row], alone: bool, diffs: list[str] | None) -> list[Row]:
    paths = [where / row.path for row in rows]
    given = [str(p) for p in paths if p.exists() and p.suffix == ".py"] if alone else [str(where)]
    started = time.process_time()
    results: dict[str, pipeline.Result] = {}
    problem = ""
    try:
        for some in [[path] for path in given] if alone else [given]:
            results.update((os.path.realpath(r.path), r) for r in pipeline.run(some, Options()))
    except Exception as error:  # the measurement goes on; the pipeline should not raise at all
        problem = f"crash:{type(error).__name__}"
    seconds = time.process_time() - started
    if diffs is not None:
        diffs += [diff(result, where) for result in results.values() if result.new is not None]
    measured = []
    for row, path in zip(rows, paths):
        result = results.get(os.path.realpath(path))
        got, same = problem, True
        if not path.exists():
            got = "missing"
        elif path.suffix != ".py":
            got = "notebook"
        elif not problem:
            got = "not-keras" if result is None else outcome(result)
            same = result is None or result.new is None
        filled = Row(row.repo, row.commit, row.path, row.kind, row.python3, row.expected, got, same, seconds)
        measured.append(filled)
    return measured


def diff(result: pipeline.Result, where: Path) -> str:
    """A file's diff under its answers, for a reader."""
    assert result.source is not None and result.new is not None
    name = os.path.relpath(result.path, where.parent)
    head = [f"### {name}"]
    head += [f"#   {m.line}: {m.name}: {m.status.value} {'; '.join(m.reasons)}" for m in result.plan.models]
    old, new = (source.text.splitlines() for source in (result.source, result.new))
    return "\n".join([*head, *difflib.unified_diff(old, new, name, name, n=2, lineterm="")]) + "\n"


def table(rows: Sequence[Row]) -> list[str]:
    """The figures, by class."""
    lines = []

    def line(what: str, hits: Iterable[Row], of: Sequence[Row]) -> None:
        number = len(list(hits))
        share = f"{100 * number / len(of):5.1f} %" if of else "    -  "
        lines.append(f"{number:4} of {len(of):3} {share}  {what}")

    def changed(row: Row) -> bool:
        return bool({"done", "borders"} & set(row.got.split("+")))

    scripts = [r for r in rows if r.python3 and r.path.endswith(".py")]
    quiet = [r for r in rows if r.kind == "n"]
    both = [r for r in scripts if r.kind in ("a", "b")]
    convertible = [r for r in both if {"done", "borders"} & set(re.split(r"[|+]", r.expected))]
    either = [r for r in scripts if r.kind == "a0"]
    hard = [r for r in rows if r.kind == "c"]
    line("n: byte for byte the same", (r for r in quiet if r.same), quiet)
    line("a and b (Python 3, .py): done as expected", (r for r in both if r.ok and changed(r)), both)
    line("  of those that can be done: done as expected", (r for r in convertible if r.ok and changed(r)), convertible)
    line("  as expected, whatever that is", (r for r in both if r.ok), both)
    settled = (r for r in either if r.ok and {"done", "borders", "nothing"} & set(r.got.split("+")))
    line("a0 (Python 3, .py): rightly done or rightly nothing to do", settled, either)
    line("  as expected, whatever that is", (r for r in either if r.ok), either)
    line("c: as expected", (r for r in hard if r.ok), hard)
    line("all: as expected", (r for r in rows if r.ok), rows)
    line("crashes", (r for r in rows if "crash" in r.got), rows)
    counts = Counter((r.kind, re.sub(r":[^+]*", "", r.got)) for r in rows)
    for kind in ("a", "b", "a0", "c", "n"):
        said = ", ".join(f"{got} {n}" for (k, got), n in sorted(counts.items(), key=lambda c: -c[1]) if k == kind)
        lines.append(f"{kind:>2}: {said}")
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=Path, required=True, help="the list of files (TSV)")
    parser.add_argument("--expected", type=Path, default=EXPECTED, help="what should happen (TSV)")
    parser.add_argument("--diff", type=Path, help="write all diffs to this file")
    parser.add_argument("--class", action="append", dest="kinds", metavar="CLASS", help="only rows of this class")
    parser.add_argument("--alone", action="store_true", help="look at each file for itself")
    options = parser.parse_args(arguments)
    rows = [row for row in read(options.rows, options.expected) if not options.kinds or row.kind in options.kinds]
    diffs: list[str] = []
    measured = measure(options.folder, rows, options.alone, diffs)
    for row in sorted(measured, key=lambda r: (r.kind, r.repo, r.path, r.commit)):
        mark = "ok" if row.ok else "--"
        name = f"{row.repo}@{row.commit[:4]} {row.path}"
        print(f"{row.kind:2} {mark} {row.expected:24} {row.got:32} {row.seconds:5.1f} s  {name}")
    print(*table(measured), sep="\n")
    if options.diff:
        options.diff.write_text("\n".join(diffs))
    return 1 if any("crash" in row.got for row in measured) else 0


if __name__ == "__main__":
    sys.exit(main())
