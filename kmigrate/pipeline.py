"""From candidates to results: analyse each program, rewrite what the plan says, check the outcome.

One program's failure is that of its files; the others go on. libcst is imported (by `rewriting`) only
when a file changes.
"""

from __future__ import annotations

import contextlib
import gc
import os
import traceback
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from kmigrate import layout, rewriting
from kmigrate.discovery import Candidate, find
from kmigrate.layout.analysis import Program, without
from kmigrate.layout.files import Files
from kmigrate.layout.recheck import Problem, recheck
from kmigrate.options import Options
from kmigrate.plan import Diagnostic, Edit, Plan, Status
from kmigrate.pragmas import Ignore, with_layouts
from kmigrate.project import Group, Project, forget
from kmigrate.source import SourceError, SourceFile
from kmigrate.syntax import nesting
from kmigrate.unparsable import unparsable

MAX_REFUSALS = 6  # models that the re-check may refuse before the whole program is left alone
MAX_NESTING = 400  # of a tree that is rewritten: libcst's parser takes the square of it
_RELU_WORDS = (b"relu", b"maximum(", b"where(", b"switch(", b"clip", b"abs(")  # one is in every relu


@dataclass
class Result:
    """What became of one file; ``new`` is the file as it would be, None if nothing changes.

    ``error`` says why the file could not be read, parsed, analysed or rewritten.
    """

    path: str
    source: SourceFile | None = None
    new: SourceFile | None = None
    plan: Plan = field(default_factory=Plan)
    error: Diagnostic | None = None
    options: Options = field(default_factory=Options)
    refused: bool = False  # a notebook that may do something else than its cells say from top to bottom
    program: int = 0  # files with one number belong together: their changes are written together
    entries: tuple[str, ...] = ()  # the scripts that these files are run by
    ported: bool = False  # to another Keras
    repaired: str | None = None  # the text in Python 3, where ``source`` is in Python 2
    repairs: list[Diagnostic] = field(default_factory=list)  # what is to be said of that

    @property
    def new_text(self) -> str | None:
        """The new text, if there is one."""
        return None if self.new is None else self.new.text

    @property
    def diagnostics(self) -> list[Diagnostic]:
        """All that is to be said of the file, in the order of its lines."""
        errors = [self.error] if self.error else []
        return sorted([*self.plan.diagnostics, *errors], key=lambda d: (d.line, d.column, d.code))


def run(paths: Sequence[str], options: Options) -> list[Result]:
    """Look at ``paths`` and convert what concerns Keras in them; writes nothing."""
    found = find(paths)
    errors = [Result(p.path, error=Diagnostic(p.path, 0, 0, "KM905", p.message)) for p in found.problems]
    return errors + convert(found.candidates, options, found.files)


def convert(
    candidates: Iterable[Candidate], options: Options | Mapping[str, Options], given: Iterable[str] | None = None
) -> list[Result]:
    """Convert the files, in order, each together with the files of its project that belong to the same program.

    ``options`` are those of all files, or by the paths of all that may be edited.
    ``given`` are the paths of all files that may be edited (by default the candidates): those that say nothing of
    Keras get a result only where they change.
    """
    with warnings.catch_warnings(), _rare_collections():
        # Old code is full of "\d" in plain strings: not ours to report.
        warnings.simplefilter("ignore", SyntaxWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        results = {candidate.path: _read(candidate) for candidate in candidates}
        for path, result in results.items():
            own = options if isinstance(options, Options) else options.get(path, Options())
            _refuse_notebook(result, own)
            if own.target == "keras3":
                _repair(result)
        readable = [path for path, result in results.items() if result.error is None and not result.refused]
        forget()
        texts = {path: result.repaired for path, result in results.items() if result.repaired is not None}
        project = Project(results if given is None else given, texts)
        for number, group in enumerate(project.groups(readable)):
            for result in _convert_program(group, results, project, options):
                result.program, result.entries = number, tuple(group.entries)
        return list(results.values())


def examine(path: str, candidates: Iterable[Candidate], given: Iterable[str], options: Options) -> Program | Diagnostic:
    """The analysis of the program that ``path`` belongs to, in which every value was remembered; or why there is none.

    The arguments are as for `convert`, whose analysis it is.
    """
    from kmigrate.layout.explain import Recorder

    with warnings.catch_warnings(), _rare_collections():
        warnings.simplefilter("ignore")
        results = {candidate.path: _read(candidate) for candidate in candidates}
        error = results[path].error
        if error is not None:
            return error
        project = Project(given)
        readable = [name for name, result in results.items() if result.error is None]
        group = next(group for group in project.groups(readable) if path in group.files)
        texts = {name: _text(results[name]) for name in group.files if name in readable}
        modules = None if group.alone else project
        files = Files(texts, group.entries, modules, group.locked, editable=group.files)
        return layout.analyse(files, options, Recorder)


def _read(candidate: Candidate) -> Result:
    """The file as text that can be parsed, or what is wrong with it."""
    result = Result(candidate.path)
    try:
        result.source = SourceFile.from_bytes(candidate.data, candidate.path)
    except SourceError as error:
        result.error = Diagnostic(error.path, error.line, error.column, "KM905", error.message)
    else:
        result.error = unparsable(result.source)
    return result


def _refuse_notebook(result: Result, options: Options) -> None:
    """Leave a notebook alone whose cells do not say what it does."""
    notebook = result.source.notebook if result.source is not None else None
    if notebook is None or result.error is not None:
        return
    from kmigrate.notebook import order_problem

    why = notebook.refusal or (order_problem(notebook) if options.cell_order == "auto" else None)
    if why is not None:
        result.options, result.refused = options, True
        result.plan.diagnostics.append(Diagnostic(result.path, 0, 0, "KM911", f"{why}: left alone"))


def _repair(result: Result) -> None:
    """Python 2 becomes Python 3."""
    from kmigrate.repair import repaired, shows_python2

    if result.source is None or (result.error is not None and result.error.code != "KM401"):
        return
    text = result.source.text
    if result.error is None and not shows_python2(text):
        return
    found = repaired(text, result.path)
    if found is not None:
        result.repaired, result.repairs = found
        result.error = None
        if result.repaired == text:
            result.repaired = None


@contextlib.contextmanager
def _rare_collections() -> Iterator[None]:
    """Syntax trees are many small objects that stay: looking through them for garbage takes 40 % of the time."""
    thresholds = gc.get_threshold()
    gc.set_threshold(200_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)


def _convert_program(
    group: Group, results: dict[str, Result], project: Project, options: Options | Mapping[str, Options]
) -> list[Result]:
    """Convert a group with the options of its scripts; where these have different ones, each file on its own."""
    if isinstance(options, Options):
        return _convert_group(group, results, project, options)
    different = {options[path] for path in group.entries if path in options}
    if len(different) == 1:
        return _convert_group(group, results, project, different.pop())
    why = "its scripts have different options in the configuration"
    return _one_by_one(group, results, project, options, "KM904", why)


def _one_by_one(
    group: Group,
    results: dict[str, Result],
    project: Project,
    options: Options | Mapping[str, Options],
    code: str,
    why: str,
) -> list[Result]:
    """Convert each file of a group on its own, and say why."""
    paths = [path for path in group.files if path in results and results[path].error is None]
    made: list[Result] = []
    for path in paths:
        own = options if isinstance(options, Options) else options.get(path, Options())
        made += _convert_group(Group([path], [path], {}, alone=True), results, project, own)
    if made:
        text = f"{why}: not looked at together with the other files of its program"
        made[0].plan.diagnostics.append(Diagnostic(made[0].path, 0, 0, code, text))
    return made


def _convert_group(group: Group, results: dict[str, Result], project: Project, options: Options) -> list[Result]:
    """Convert the files of a group together; where that fails, each on its own."""
    mine = [results[path] for path in group.files if path in results and results[path].error is None]
    texts = {result.path: _text(result) for result in mine}
    try:
        modules = None if group.alone else project
        files = Files(texts, group.entries, modules, group.locked, editable=group.files)
        program = layout.analyse(files, options)
    except Exception as error:
        code, why = _failure(error)
    else:
        if not program.limit or len(group.files) == 1:
            return _finish(program, group, results, options)
        code, why = "KM908", program.limit
    if len(group.files) > 1:
        return _one_by_one(group, results, project, options, code, why)
    for result in mine:
        _drop(result, why, code)
    return mine


def _finish(program: Program, group: Group, results: dict[str, Result], options: Options) -> list[Result]:
    """The results of the files of an analysed group: what is planned for each, and the new text."""
    files = program.files
    assert files is not None
    plan = program.plan
    for path in sorted({edit.path for edit in plan.edits} - results.keys()):  # it says nothing of Keras itself
        results[path] = Result(path, SourceFile.read(path))
    mine = {path: results[path] for path in group.files if path in results and results[path].error is None}
    try:
        for refused in range(MAX_REFUSALS):
            _share_out(program, mine, options)
            problem = _rewrite(program, mine, options, again=not refused)  # it would find what was refused
            if problem is None:
                _upgrade(program, mine, options)
                _silence(program, mine, options)
                return list(mine.values())
            why = f"the new program would not do the same: {problem.text}"
            if problem.node is None or not without(program, problem.node, f"the rewrite was dropped: {why}", options):
                raise rewriting.RewriteError(why)
        raise rewriting.RewriteError("the new program would not do the same, even with some models left alone")
    except Exception as error:
        code, why = _failure(error)
        _drop_all(mine, why, code)
    return list(mine.values())


def _failure(error: Exception) -> tuple[str, str]:
    """The code and the words for what stopped the conversion of a program."""
    if isinstance(error, rewriting.RewriteError):
        return "KM900", f"the rewrite was dropped: {error}"
    if isinstance(error, RecursionError):
        return "KM908", "nested too deeply"
    if isinstance(error, MemoryError):
        return "KM908", "too large: memory ran out"
    return "KM900", f"internal error: {type(error).__name__}: {error} ({_where(error)})"


def _share_out(program: Program, results: Mapping[str, Result], options: Options) -> None:
    """Give each file its part of the plan."""
    plan = program.plan
    changing = {edit.path for edit in plan.edits}
    first = next((path for path in results if path in changing), None)
    homeless = [diagnostic for diagnostic in plan.diagnostics if diagnostic.path not in results]  # of files not given
    for path, result in results.items():
        result.options = options
        result.plan = Plan(
            [edit for edit in plan.edits if edit.path == path],
            [diagnostic for diagnostic in plan.diagnostics if diagnostic.path == path] + homeless,
            [model for model in plan.models if model.path == path],
            plan.assumptions if path == first or first is None else [],  # said once
        )
        homeless = []
        edits, diagnostics = _relus(program, result, options)
        result.plan.edits += edits
        result.plan.diagnostics += diagnostics


def _text(result: Result) -> str:
    assert result.source is not None
    return result.source.text if result.repaired is None else result.repaired


def _relus(program: Program, result: Result, options: Options) -> tuple[list[Edit], list[Diagnostic]]:
    """The relus of a file, which need no layout."""
    files = program.files
    source = files.load(result.path) if files is not None else None
    if source is None or result.source is None or not any(word in result.source.raw.lower() for word in _RELU_WORDS):
        return [], []
    if files is None or files.pragmas(result.path).skip:
        return [], []
    from kmigrate import relu

    edits, diagnostics = relu.find(
        source.tree, program.dotted, source.lines.span, result.path, options, program.version
    )
    return _together(edits, [edit for edit in edits if files.ignored(edit)]), diagnostics


def _together(edits: list[Edit], ignored: list[Edit]) -> list[Edit]:
    """Without those that are ignored, and without the imports that nothing would need then."""
    left = [edit for edit in edits if edit not in ignored]
    return left if any(edit.codemod != "imports" for edit in left) else []


def _silence(program: Program, results: Mapping[str, Result], options: Options) -> None:
    """Take away what comments ignore, and say which comments do nothing."""
    assert program.files is not None
    settled = not any(model.status.left for model in program.plan.models)
    for path, result in results.items():
        pragmas = program.files.pragmas(path)
        plan = result.plan
        plan.diagnostics = [
            d for d in plan.diagnostics if d.path != path or not pragmas.ignored(d.code, d.line, d.line)
        ]
        said = [(wrong.line, wrong.column, wrong.message) for wrong in pragmas.wrong]
        if settled and not program.limit:  # of a model that is left alone not all edits are known
            said += [
                (i.line, i.column, f"nothing here is ignored{_of(i)}") for i in pragmas.unused() if _on(i, options)
            ]
        plan.diagnostics += [Diagnostic(path, line, column, "KM156", text) for line, column, text in said]


def _on(ignore: Ignore, options: Options) -> bool:
    return not ignore.codes or any(options.wants(code) for code in ignore.codes)


def _of(ignore: Ignore) -> str:
    return f" of {', '.join(ignore.codes)}" if ignore.codes else ""


def _moved_layouts(program: Program, path: str) -> dict[int, str]:
    """What the ``layout=`` comments of a file must say after the change."""
    if program.planner is None:
        return {}
    graph, run = program.planner.graph, program.planner.run
    return {
        number: labels.replace("C", "") + "C"
        for where, number, labels, array in run.hinted_layouts
        if where == path and graph.is_flipped(array.node) and "C" in labels
    }


def _rewrite(program: Program, results: Mapping[str, Result], options: Options, again: bool) -> Problem | None:
    """The new files, checked: they do the same, else why not; with ``again``, a second run has nothing left to do."""
    made: dict[str, SourceFile] = {}
    for path, result in results.items():
        source = result.source
        assert source is not None
        if result.plan.edits:
            _refuse_deep(program, path)
            text = with_layouts(rewriting.apply(_text(result), result.plan.edits), _moved_layouts(program, path))
            new = SourceFile.from_bytes(source.with_text(text), path)
            if new.raw != source.raw:
                made[path] = new
    if not made:
        return None
    if program.plan.edits:
        texts = {path: _without_relus(program, results[path], new.text) for path, new in made.items()}
        if problem := recheck(program, texts):
            return problem
    if again:
        _nothing_left(program, made, options)
    for path, new in made.items():
        results[path].new = new
    return None


def _without_relus(program: Program, result: Result, new: str) -> str:
    """The ``new`` text without its faster relus: the re-check compares operations, of which these have fewer."""
    edits = [edit for edit in result.plan.edits if edit.codemod != "fast_relu"]
    if len(edits) == len(result.plan.edits):
        return new
    text = rewriting.apply(_text(result), edits) if edits else _text(result)
    return with_layouts(text, _moved_layouts(program, result.path))


def _nothing_left(program: Program, made: Mapping[str, SourceFile], options: Options) -> None:
    assert program.files is not None
    texts = {path: new.text for path, new in made.items()}
    second = layout.analyse(program.files.with_texts(texts), _settled(options))
    left = list(second.plan.edits)
    for path, new in made.items():
        left += _relus(second, Result(path, new), options)[0]
    if left:
        where = f"line {left[0].line} of {left[0].path}"
        raise rewriting.RewriteError(f"a second run would change {where} ({left[0].code})")


def _upgrade(program: Program, results: Mapping[str, Result], options: Options) -> None:
    """Bring the files to Keras 3, where that is the target; what fails there keeps its new layout."""
    if options.target == "same":
        return
    from kmigrate.upgrade import upgrade, wanted

    made = {path: result.new.text for path, result in results.items() if result.new is not None}
    if made:
        assert program.files is not None
        program = layout.analyse(program.files.with_texts(made), _settled(options))
    for path, result in results.items():
        assert result.source is not None
        result.plan.diagnostics += result.repairs
        if result.repaired is not None and result.new is None:
            result.new = SourceFile.from_bytes(result.source.with_text(result.repaired), path)
        if not wanted(options, path):
            continue
        try:
            done = upgrade(program, path, _text(result), options)
            if done.text is not None:
                source = result.new or result.source
                result.new = SourceFile.from_bytes(source.with_text(done.text), path)
                result.ported = True
        except Exception as error:
            code, why = _failure(error)
            result.error = Diagnostic(path, 0, 0, code, why)
            continue
        result.plan.diagnostics += done.diagnostics
        told = [one for one in result.plan.assumptions if one.what != "source-keras" or not done.assumptions]
        result.plan.assumptions = told + done.assumptions


def _refuse_deep(program: Program, path: str) -> None:
    parsed = program.files.load(path) if program.files is not None else None
    if parsed is not None and nesting(parsed.tree) > MAX_NESTING:
        raise RecursionError


def _settled(options: Options) -> Options:
    """The options for a second run: what the new text says of its ordering needs no help."""
    return replace(options, ordering="auto")


def _drop_all(results: Mapping[str, Result], message: str, code: str) -> None:
    """Take back all that was planned for the files of a program, and say why at the first that would change."""
    changing = [result for result in results.values() if result.plan.edits] or list(results.values())
    for i, result in enumerate(changing):
        _drop(result, message, code)
        if i:
            result.error = None


def _drop(result: Result, message: str, code: str = "KM900") -> None:
    """Take back what was planned: the file stays as it is, and no model counts as done."""
    result.new = None
    result.error = Diagnostic(result.path, 0, 0, code, message)
    result.plan.edits = []
    result.plan.models = [
        replace(model, status=Status.LEFT_ALONE, reasons=(message,))
        if model.status in (Status.DONE, Status.BORDERS)
        else model
        for model in result.plan.models
    ]


def _where(error: Exception) -> str:
    """The last place of ours before it was raised, for a report of the bug."""
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(root)]
    return f"{os.path.relpath(frames[-1].filename, root)}:{frames[-1].lineno}"
