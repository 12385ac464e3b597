"""What each command does, once its options are known; every function returns the exit status."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from kmigrate.discovery import Candidate, Problem, find, may_concern

if TYPE_CHECKING:
    from kmigrate.baseline import Baseline
    from kmigrate.options import Options
    from kmigrate.pipeline import Result
    from kmigrate.settings import Settings
    from kmigrate.source import SourceFile
    from kmigrate.verify import Certificate

OK, PENDING, ERROR, LEFT = 0, 1, 2, 3
_GRAVEST_FIRST = (ERROR, PENDING, LEFT, OK)
#: Options about the runs of a verification that are fields of `VerifyOptions` too.
_RUNS = ("seeds", "mode", "device", "legacy_python", "bench")


class Mode(NamedTuple):
    """What is done with the results."""

    write: bool = False
    check: bool = False
    verify: bool = False
    allow_unverified: bool = False
    strict: bool = False
    force_exclude: bool = False
    data: str | None = None
    seeds: int = 1
    mode: str = "eager"
    device: str = "auto"
    legacy_python: str | None = None
    bench: bool = False
    argv: tuple[str, ...] = ()
    diff: bool = False
    baseline: str | None = None
    update_baseline: bool = False
    format: str = "text"
    output_file: str | None = None
    statistics: bool = False

    @classmethod
    def of(cls, chosen: dict[str, Any]) -> Mode:
        """With what the command line says against what a configuration says: it cannot be both."""
        mode = cls(**chosen)
        return mode._replace(write=False, verify=False) if mode.check else mode


def convert(paths: Sequence[str], settings: Settings, stdin_filename: str | None, argv: Sequence[str] = ()) -> int:
    """Convert ``paths``, or stdin for ``-``; ``argv`` are the arguments of scripts that are verified.

    Raises ConfigError.
    """
    if tuple(paths) == ("-",):
        return _convert_stdin(stdin_filename or "<stdin>", settings, argv)
    mode = Mode.of(settings.for_run(paths))._replace(argv=tuple(argv))
    found = find(paths, settings.configs, mode.force_exclude)
    if found.unfinished:
        if not _mend(found.unfinished, mode):
            return ERROR
        found = find(paths, settings.configs, mode.force_exclude)
    for problem in found.problems:
        say(f"{problem.path}: error: {problem.message}")
    status = ERROR if found.problems else OK
    if found.candidates or mode.format != "text":
        options = settings.for_files(found)
        return gravest([status, _convert(found.candidates, mode, options, _write, found.files, found.problems)])
    if found.read:
        say(f"nothing to do: no Keras code in {found.read} Python file{'s' * (found.read != 1)}")
    return status


def _mend(folders: Sequence[str], mode: Mode) -> bool:
    """Complete or undo what runs that were cut off began in these folders; where that is not possible, say why."""
    from kmigrate.journal import JournalError, half_done, mend

    done = True
    for folder in folders:
        try:
            if mode.write:
                said = mend(folder)
                if said:
                    say(said)
                continue
            if not half_done(folder):
                continue
            message = "a run that wrote files here was cut off: `kmigrate --write` completes or undoes it"
        except JournalError as error:
            message = error.message
        except OSError as error:
            message = f"a run that wrote files here was cut off, and cannot be mended: {error.strerror or error}"
        say(f"{folder}: error: {message}")
        done = False
    return done


def _convert_stdin(name: str, settings: Settings, argv: Sequence[str]) -> int:
    """Stdout gets the new text, unless it is asked for something else; it never gets less than stdin had."""
    mode = Mode.of(settings.for_run([name]))._replace(argv=tuple(argv))
    mode = mode._replace(write=not mode.check and not mode.diff and mode.format == "text")
    data = sys.stdin.buffer.read()
    output = [data]

    def deliver(results: Sequence[Result]) -> None:
        output.extend(_pair(result)[1].raw for result in results)

    try:
        if may_concern(data) or mode.format != "text":
            return _convert([Candidate(name, data)], mode, settings.for_path(name), deliver)
        say(f"{name}: nothing to do: no Keras code")
        return OK
    finally:
        if mode.write:
            _publish(output[-1], mode)


def _convert(
    candidates: Sequence[Candidate],
    mode: Mode,
    options: Options | dict[str, Options],
    deliver: Callable[[Sequence[Result]], None],
    given: Sequence[str] | None = None,
    problems: Sequence[Problem] = (),
) -> int:
    from kmigrate import pipeline
    from kmigrate.report import text
    from kmigrate.report.outcome import is_left_alone

    if mode.verify and lacking():
        return ERROR
    known = _baseline(mode)
    results = pipeline.convert(candidates, options, given)
    changed = [result for result in results if result.new is not None]
    if known is not None and mode.update_baseline:
        known = known.updated(results)
        _put(known.path, known.text().encode())
    new = [result for result in results if known is None or not known.knows(result)]
    statuses = [ERROR for result in new if any(d.code == "KM900" for d in result.diagnostics) or result.error]
    if mode.check and changed:
        statuses.append(PENDING)
    if mode.strict and any(is_left_alone(result) for result in new):
        statuses.append(LEFT)
    if mode.format == "text" and (mode.diff or not (mode.check or mode.write)):
        _show(changed, mode)
    for line in text.details(new) if mode.format == "text" else ():
        say(line)
    if mode.statistics and mode.format != "json":
        for line in text.statistics(results):
            say(line)
    accepted = changed
    certificates: dict[str, Certificate] = {}
    if mode.verify and changed:
        from kmigrate.verify import NoDevice

        try:
            verdicts = _certify(_by_program(changed), mode, certificates)
        except NoDevice as error:
            say(f"error: {error}")
            return ERROR
        statuses += verdicts.values()
        refused = {number for number, status in verdicts.items() if status != OK}
        accepted = [result for result in changed if result.program not in refused]
    if mode.format != "text":
        _publish(_FORMATS[mode.format](results, problems, certificates), mode)
    written = None
    if mode.write:
        written, failed = _deliver(accepted, deliver) if accepted else ([], 0)
        statuses += [ERROR] * failed
    say(text.closing(results, written))
    if known is not None:
        say(text.about_baseline(known.path, len(results) - len(new), known.stale(results)))
    return gravest(statuses)


def _json(results: Sequence[Result], problems: Sequence[Problem], certificates: dict[str, Certificate]) -> str:
    from kmigrate.report.record import as_json

    return as_json(results, problems, certificates)


def _sarif(results: Sequence[Result], problems: Sequence[Problem], certificates: dict[str, Certificate]) -> str:
    from kmigrate.report.sarif import as_sarif

    del certificates
    return as_sarif(results, problems)


def _github(results: Sequence[Result], problems: Sequence[Problem], certificates: dict[str, Certificate]) -> str:
    from kmigrate.report.github import as_github

    del certificates
    return as_github(results, problems)


_FORMATS = {"json": _json, "sarif": _sarif, "github": _github}


def _baseline(mode: Mode) -> Baseline | None:
    if mode.baseline is None:
        return None
    from kmigrate.baseline import Baseline

    if mode.update_baseline and not os.path.lexists(mode.baseline):
        return Baseline(mode.baseline)
    return Baseline.read(mode.baseline)


def _show(changed: Sequence[Result], mode: Mode) -> None:
    from kmigrate.report.diff import coloured, unified

    stdout = sys.stdout.buffer
    colours = stdout.isatty() and "NO_COLOR" not in os.environ and mode.output_file is None
    parts = []
    for result in changed:
        before, after = _pair(result)
        diff = unified(result.path, before.raw, after.raw, before.notebook.headings() if before.notebook else ())
        if colours:
            click.echo(coloured(diff, before.encoding), nl=False)
        else:
            parts.append(diff)
    _publish(b"".join(parts), mode)


def _publish(output: str | bytes, mode: Mode) -> None:
    """Give out the result of a run; text is UTF-8."""
    data = output.encode("utf-8", "backslashreplace") if isinstance(output, str) else output
    if mode.output_file is not None:
        return _put(mode.output_file, data)
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def _put(path: str, data: bytes) -> None:
    """Write a file of ours in one step.

    Raises UsageError where that cannot be.
    """
    beside = f"{path}.new"
    try:
        with open(beside, "wb") as file:
            file.write(data)
        os.replace(beside, path)
    except OSError as error:
        raise click.UsageError(f"{path}: {error.strerror or error}") from error


def _certify(programs: dict[int, list[Result]], mode: Mode, certificates: dict[str, Certificate]) -> dict[int, int]:
    """Run the scripts of each program before and after; a status tells whether it may be written.

    ``certificates`` get one for each script, by its path.
    """
    from kmigrate.proof import Change, prove_program
    from kmigrate.report.progress import Progress
    from kmigrate.verify import Server, Verdict

    servers = {stack: Server(stack, mode.device) for stack in ("keras3", "tf_keras")}  # started when they are needed
    progress = Progress()
    how = how_to_run(mode._asdict(), mode.argv, progress)
    found = {}
    try:
        for number, changed in programs.items():
            changes = [Change(*_pair(result), result.plan) for result in changed]
            entries, options = changed[0].entries, changed[0].options
            statuses = []
            for entry, certificate in prove_program(changes, entries, options, servers=servers, **how).items():
                progress.clear()
                certificates[entry] = certificate
                say(f"{entry}: {certificate.summary()}")
                unverified = certificate.verdict is Verdict.NOT_VERIFIED and mode.allow_unverified
                statuses.append(OK if unverified else certificate.verdict.exit_status)
            found[number] = gravest(statuses)
    finally:
        progress.clear()
        for server in servers.values():
            server.close()
    return found


def how_to_run(chosen: Mapping[str, Any], argv: Sequence[str], progress: Callable[[str], None]) -> dict[str, Any]:
    """Fields of `VerifyOptions`, from the options of `cli_options.about_the_runs`."""
    data = chosen["data"]
    given = {"argv": tuple(argv), "own_data": (data, os.getcwd()) if data else None, "progress": progress}
    return {name: chosen[name] for name in _RUNS} | given


def _by_program(results: Iterable[Result]) -> dict[int, list[Result]]:
    """Files that belong together, by the number of their program."""
    programs: dict[int, list[Result]] = {}
    for result in results:
        programs.setdefault(result.program, []).append(result)
    return programs


def _deliver(accepted: Sequence[Result], deliver: Callable[[Sequence[Result]], None]) -> tuple[list[str], int]:
    """The paths that were written, and how many could not be. The files of one program are written together."""
    from kmigrate.writing import WriteError

    written, failed = [], 0
    for results in _by_program(accepted).values():
        try:
            deliver(results)
            written += [result.path for result in results]
        except WriteError as error:
            say(f"{error.path}: error: {error.message}")
            failed += len(results)
    return written, failed


def _write(results: Sequence[Result]) -> None:
    from kmigrate.worktree import unsaved
    from kmigrate.writing import Change, write

    for path in unsaved([result.path for result in results]):
        say(f"{path}: warning: it had changes that git has not got; the new ones are on top of them")
    pairs = [(result.path, *_pair(result)) for result in results]
    write([Change(path, before.raw, after.raw) for path, before, after in pairs])


def _pair(result: Result) -> tuple[SourceFile, SourceFile]:
    """A changed file before and after."""
    assert result.source is not None
    assert result.new is not None
    return result.source, result.new


def program_file(path: str) -> SourceFile | None:
    """A file that can be read and parsed; else it is said why not."""
    from kmigrate.source import SourceError, SourceFile
    from kmigrate.unparsable import unparsable

    try:
        source = SourceFile.read(path)
    except SourceError as error:
        say(f"error: {error}")
    except OSError as error:
        say(f"{path}: error: {error.strerror or error}")
    else:
        problem = unparsable(source)
        if problem is None:
            return source
        say(f"error: {problem.path}:{problem.line}:{problem.column}: {problem.message}")
    return None


def lacking() -> bool:
    """Is something not installed that verification needs? Then it is said."""
    from kmigrate import extra

    message = extra.missing()
    if message:
        say(f"error: {message}")
    return bool(message)


def gravest(statuses: Iterable[int]) -> int:
    """An error says more than pending changes, and these more than what was left alone."""
    return min(statuses, key=_GRAVEST_FIRST.index, default=OK)


def say(line: str) -> None:
    click.echo(line, err=True)
