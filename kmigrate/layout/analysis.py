"""From a program's text to its plan: run, find out version and ordering, solve, collect edits."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field, replace

from kmigrate.keras_api import versions
from kmigrate.keras_api.versions import VersionRange
from kmigrate.layout.files import Files
from kmigrate.layout.graph import Because
from kmigrate.layout.idle import Idle, idle_scripts
from kmigrate.layout.interpret.machine import Interpreter
from kmigrate.layout.interpret.state import Entry, Hints, Knowledge, WorkLimit
from kmigrate.layout.outcome import Outcome
from kmigrate.layout.setter import setter_problem
from kmigrate.layout.values import Seq
from kmigrate.options import Options
from kmigrate.plan import Assumption, Diagnostic, Plan
from kmigrate.project import Surroundings

MAX_RUNS = 6
CHANNEL_COUNTS = range(1, 5)
CHANNEL_NAME = re.compile(r"chan|^n_?c$|^nb_ch|^c$|^ch$", re.IGNORECASE)
SETTER_REACHES = (1, 0, 7)
# Pins that are about who else relies on a model or on its numbers, not about whether it can be converted.
CONTRACTS = frozenset(("KM153", "KM904", "KM906"))


@dataclass
class Program:
    """What is known of one program, or of several scripts that share modules."""

    path: str  # of its (first) entry script
    plan: Plan
    tree: ast.Module  # of the entry
    dotted: dict[ast.expr, str] = field(default_factory=dict)
    version: VersionRange = field(default_factory=VersionRange)
    ordering: str | None = None  # 'th' | 'tf': the ambient ordering before, where a layer follows it
    planner: Outcome | None = None
    files: Files | None = None
    limit: str = ""  # why it was not followed to its end
    orderings: dict[str, str] = field(default_factory=dict)  # by entry script: as `ordering`
    unsaid: dict[str, Diagnostic] = field(default_factory=dict)  # entry scripts of which nothing tells the ordering


def analyse(text: str, path: str, options: Options, around: Surroundings | None = None) -> Program:
    """The plan for one file on its own: what other files of its project rely on stays.

    Raises what `ast.parse` raises; everything else that goes wrong is a diagnostic in the plan.
    """
    return analyse_files(Files({path: text}, [path]), options, around or Surroundings())


def analyse_files(
    files: Files, options: Options, around: Surroundings, interpreter: type[Interpreter] = Interpreter
) -> Program:
    """The plan for the scripts that are the entries of ``files``, and the modules that they load."""
    entry = files.entries[0]
    try:
        return _analyse(files, options, around, interpreter, together=interpreter is not Interpreter)
    except (WorkLimit, RecursionError) as limit:
        what = "needs more steps than one run may take" if isinstance(limit, WorkLimit) else "is nested too deeply"
        text = f"the program {what}"
        plan = Plan(diagnostics=[Diagnostic(entry.path, 0, 0, "KM908", f"{text}: left alone")])
        return Program(entry.path, plan, entry.tree, files=files, limit=text)


def _analyse(
    files: Files, options: Options, around: Surroundings, interpreter: type[Interpreter], together: bool = False
) -> Program:
    """With ``together``, all scripts are run to the end, also those in which nothing can change."""
    entry, everything = files.entries[0], files
    stated = _stated_version(around, options)
    idle: Idle | None = None
    known = Knowledge(version=stated, flatten=options.flatten, model_inputs=options.model_inputs)
    for _ in range(MAX_RUNS):
        run = interpreter(files, known)
        run.run()
        better = _learned(run, known, stated, options, around)
        if better is None or (not run.graph.goals and _as_known(better, known)):
            break  # ranks and sizes make no layer channels-first
        if not idle and not together and _as_known(better, known):
            idle = idle_scripts(run, {e.source.path for e in run.entries if _asked(e, known, options, files)})
            if idle is not None:
                files = files.only(*(e.source for e in run.entries if e not in idle.entries))
                stated = known.version
        known = better
    planner = Outcome(run)
    plan = Plan()
    unsaid = {}
    dotted, entries = run.dotted, run.entries
    if idle is not None:
        planner.aside = idle.reports, idle.diagnostics
        dotted = idle.dotted | run.dotted
        entries = sorted([*entries, *idle.entries], key=lambda each: files.numbers[each.source.path])
    for each in run.entries:
        asked = _asked(each, known, options, files)
        if asked is None:
            continue
        unsaid[each.source.path] = asked
        if follows_any_ordering(files.only(each.source), known):
            planner.settled[each.source.path] = "both orderings are handled: it follows the setting"
        planner.refuse_ambient(each, asked)
    if len(planner.settled) == len(run.entries):
        reports = planner.without_change()
        settled_plan = Plan(models=reports)
        return Program(entry.path, settled_plan, entry.tree, dotted, known.version, files=files, unsaid=unsaid)
    _pin_for_strangers(run)
    planner.solve()
    if run.graph.flipped and _pin_for_files(run, around):
        planner.solve()
    _fill(plan, planner, options)
    if idle is not None and idle.loads & {edit.path for edit in plan.edits}:
        return _analyse(everything, options, around, interpreter, together=True)
    orderings = {}
    for each in entries:
        if each.uses_ambient or each.ambients:
            first = each.implied.first if not each.ambients else each.ambients[-1].first
            orderings[each.source.path] = "th" if first else "tf"
            why = known.ordering_why.get(each.source.path)
            if not each.ambients and why:
                plan.assumptions.append(Assumption("ordering", orderings[each.source.path], why))
    if known.version.why:
        plan.assumptions.append(Assumption("source-keras", str(known.version), "; ".join(known.version.why[:3])))
    plan.assumptions = list(dict.fromkeys(plan.assumptions))
    ordering = orderings.get(entry.path)
    return Program(entry.path, plan, entry.tree, dotted, known.version, ordering, planner, files, "", orderings, unsaid)


def _fill(plan: Plan, planner: Outcome, options: Options) -> None:
    """What the planner has decided."""
    plan.edits, plan.diagnostics, plan.models = planner.result(options)
    plan.diagnostics.extend(planner.run.notes)
    if plan.edits:
        plan.diagnostics.extend(_not_run(planner.run))


def without(program: Program, node: int, why: str, options: Options) -> bool:
    """Plan again, with what belongs to ``node`` left alone; False where that changes nothing."""
    planner = program.planner
    if planner is None or not planner.refuse(node, why):
        return False
    planner.solve()
    _fill(program.plan, planner, options)
    return True


def _not_run(run: Interpreter) -> list[Diagnostic]:
    """Branches that do not run as the constants stand: nothing in them was looked at, so nothing was changed."""
    text = "this does not run as the constants above it stand, so it was not converted: look at it if you change them"
    found = []
    for path, block in run.skipped:
        for stmt in block:
            plain = _leaves(stmt) or not any(isinstance(n, ast.Subscript | ast.Call) for n in ast.walk(stmt))
            if id(stmt) not in run.visited and not plain:
                found.append(Diagnostic(path, stmt.lineno, stmt.col_offset + 1, "KM154", text))
                break
    return list(dict.fromkeys(found))


def _leaves(stmt: ast.stmt) -> bool:
    """``raise``, ``exit()``, ``print(...)``: nothing that has a layout."""
    if isinstance(stmt, ast.Raise):
        return True
    call = stmt.value if isinstance(stmt, ast.Expr) else None
    return isinstance(call, ast.Call) and ast.unparse(call.func) in ("exit", "quit", "sys.exit", "print")


def follows_any_ordering(files: Files, known: Knowledge) -> bool:
    """Would a script be right under either setting? Then nothing in it fixes one, and nothing is to be done.

    Found out by taking it for channels-first and looking whether the flip needs any edit.
    """
    hints = known.hints if known.first.get(files.entries[0].path, True) else {}
    run = settled(files, replace(known, first={}, separate_loaders=False, hints=hints, trial=True))
    graph = run.graph
    graph.pins = [(node, because) for node, because in graph.pins if because.code not in CONTRACTS]
    planner = Outcome(run)
    return bool(graph.goals) and planner.flips_without_edits()


def settled(files: Files, known: Knowledge) -> Interpreter:
    """The program run until no run finds out more about arrays of unknown rank."""
    for _ in range(MAX_RUNS):
        run = Interpreter(files, known)
        run.run()
        hints, numbers = {**_hints(run), **known.hints}, run.used_as_sizes()
        if (hints, numbers) == (known.hints, known.numbers):
            break
        known = replace(known, hints=hints, numbers=numbers)
    return run


def _hints(run: Interpreter) -> Hints:
    """Axes of arrays that had none where they were made. Sizes only as numbers: names would tie what differs."""
    return {
        key: [(a.label, a.size if a.size is not None and a.size.value is not None else None) for a in ref.axes]
        for key, ref in run.unbound.items()
        if ref.axes is not None
    }


def _pin_for_strangers(run: Interpreter) -> None:
    """What code that cannot be seen may rely on stays."""
    if run.poisoned is not None:
        for node, _ in run.graph.goals:
            run.graph.pin(node, run.poisoned)


def _pin_for_files(run: Interpreter, around: Surroundings) -> bool:
    """What other files rely on, or would have to change, stays (docs/design.md, 8). Was anything?"""
    files, graph = run.files, run.graph
    pins = len(graph.pins)
    for entry in run.entries:
        ambients = [entry.implied, *entry.ambients]
        if files.modules is None:
            for stmt, file in around.keras_modules(entry.source.tree):
                text = f"`{file}` uses Keras under the same setting, and is not looked at together with this file"
                for ambient in ambients:
                    graph.pin(ambient.layers, run.because(text, stmt, "KM904"))
        if entry.used and not run.known.separate_loaders and (problem := setter_problem(run, entry)):
            graph.pin(entry.implied.layers, problem)
    others = around.importers() if files.modules is None else []  # else they are in the program, or lock what they use
    if others:
        text = f"`{others[0]}` imports this file, and is not looked at together with it"
        for node, _ in graph.goals:
            graph.pin(node, Because(text, run.entries[0].source.path, 0, 0, "KM904"))
    return len(graph.pins) > pins


def _stated_version(around: Surroundings, options: Options) -> VersionRange:
    if options.source_keras != "auto":
        return versions.of_option(options.source_keras)
    return around.stated_version()


def _learned(
    run: Interpreter, known: Knowledge, stated: VersionRange, options: Options, around: Surroundings
) -> Knowledge | None:
    """What this run found out that the next must start from; None where it has settled."""
    new = replace(known, hints={**_hints(run), **known.hints}, numbers=run.used_as_sizes())
    new.version = _version(run, stated, options.source_keras != "auto")
    scripts = {entry.source.path for entry in run.entries}
    new.first = {path: first for path, first in known.first.items() if path not in scripts}
    new.ordering_why = {path: why for path, why in known.ordering_why.items() if path not in scripts}
    for entry in run.entries:
        first, why = _ordering(run, entry, new.version, options, around)
        if first is not None:
            new.first[entry.source.path] = first
        if why:
            new.ordering_why[entry.source.path] = why
    if new.first != known.first:
        new.hints = {}  # they were found in the other world
    implied = any(entry.used for entry in run.entries)
    reaches = new.version.agree("setter_reaches_layers")
    asserted = any(entry.stated is not None for entry in run.entries)  # which a setter would make untrue
    new.separate_loaders = bool(implied and (asserted or reaches is not True))
    new.setter_misses_layers = reaches is False
    new.cifar_follows = new.version.agree("cifar_follows_ambient") is not False
    new.version_is_3 = new.version.agree("one_dimensional_follow_ambient") is True
    return None if new == known else new


def _version(run: Interpreter, stated: VersionRange, said: bool) -> VersionRange:
    """The versions that the project's files, the names used and their spelling leave possible."""
    found = versions.infer(stated, run.bounds, said)
    if 1 in run.generations and 2 not in run.generations and found.low <= versions.LAST_KERAS1 < found.high:
        found = found.narrowed(VersionRange(found.low, versions.LAST_KERAS1, ("calls are spelled as in Keras 1",)))
    if any(entry.ambients for entry in run.entries) and found.low < SETTER_REACHES <= found.high:
        # up to 1.0.6 the setting reached no layer, and nobody sets what does nothing
        found = found.narrowed(VersionRange(SETTER_REACHES, found.high, ("the ordering is set, which layers heed",)))
    return found._replace(why=tuple(dict.fromkeys(found.why)))


def _ordering(
    run: Interpreter, entry: Entry, version: VersionRange, options: Options, around: Surroundings
) -> tuple[bool | None, str]:
    """The ambient layout where the program does not set it, and why (in the order of docs/design.md, 8)."""
    default = version.agree("default_ordering")
    if not entry.used:
        return (None if default is None else default == "th"), ""
    said = run.files.pragmas(entry.source.path).ordering
    file = around.keras_json() if said is None else None
    if file is not None:
        name = file[1].get("image_dim_ordering") or file[1].get("image_data_format")
        if name is not None:
            return name in ("th", "channels_first"), f"{file[0]} of the project says so"
    if entry.stated is not None:
        return entry.stated, "the program asserts it"
    found = [e for e in (_shape_evidence(seq, node) for _, seq, node in entry.inputs_seen) if e is not None]
    if run.setting_sites:  # the shape fits the layers that say their ordering: the others may differ (docs/facts.md, 6)
        found = []
    if found and all(first == found[0][0] for first, _ in found):
        return found[0]
    if not found:
        if said is not None:
            return said == "th", f"`# kmigrate: ordering={said}` says so"
        if options.ordering != "auto":
            return options.ordering == "th", "--ordering says so"
        if default is not None:
            return default == "th", f"it is the default of {version}"
    return None, ""


def _shape_evidence(seq: Seq, node: ast.AST) -> tuple[bool, str] | None:
    """Which end of an image's shape is the channel, where its numbers or names leave no doubt."""
    if seq.axes is None or seq.place is None:  # one that depends on the ordering proves nothing
        return None
    sizes = [a.size.value if a.size is not None else None for a in seq.axes][-3:]
    if len(sizes) < 3:
        return None
    line = getattr(node, "lineno", 0)
    small = [s in CHANNEL_COUNTS if s is not None else None for s in sizes]
    if small[0] and small[1] is False and small[2] is False:
        return True, f"the input shape at line {line} has {sizes[0]} channel(s) first"
    if small[2] and small[0] is False and small[1] is False:
        return False, f"the input shape at line {line} has {sizes[2]} channel(s) last"
    display = seq.place.node if seq.place is not None else None
    names = [ast.unparse(e).split(".")[-1] for e in display.elts] if isinstance(display, ast.Tuple | ast.List) else []
    named = [bool(CHANNEL_NAME.search(n)) for n in names[-3:]]
    if named[:1] == [True] and not any(named[1:]):
        return True, f"the input shape at line {line} names its channels first"
    if len(named) == 3 and named[2] and not any(named[:2]):
        return False, f"the input shape at line {line} names its channels last"
    return None


def _as_known(new: Knowledge, known: Knowledge) -> bool:
    """Is nothing new but ranks of arrays, and values that are sizes?"""
    return replace(new, hints=known.hints, numbers=known.numbers) == known


def _asked(entry: Entry, known: Knowledge, options: Options, files: Files) -> Diagnostic | None:
    return _question(entry, known, options, files.pragmas(entry.source.path).ordering)


def _question(entry: Entry, known: Knowledge, options: Options, said: str | None) -> Diagnostic | None:
    """What must be asked before anything may be changed."""
    if not entry.used:
        return None
    first = known.first.get(entry.source.path)
    place = entry.uses_ambient[0]
    if first is None:
        text = (
            "nothing says whether this is channels-first: the versions that it may be for "
            f"({known.version}) have different defaults; say --ordering th or tf, or --source-keras"
        )
        return Diagnostic(place.path, place.line, 1, "KM903", text)
    wanted = said or options.ordering
    if wanted != "auto" and first != (wanted == "th"):
        why = known.ordering_why.get(entry.source.path, "")
        how = f"--ordering {wanted}" if said is None else f"`# kmigrate: ordering={said}`"
        text = f"{how} contradicts the program: {why}"
        return Diagnostic(place.path, place.line, 1, "KM902", text)
    return None
