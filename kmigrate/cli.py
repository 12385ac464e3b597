"""The command line: options and exit statuses; `kmigrate.commands` does what they say.

This module and `--help` import click and nothing of the analysis.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from kmigrate import __version__

ERROR = 2
INTERRUPTED = 130

_EPILOG = """\b
Commands:
  kmigrate verify BEFORE AFTER   run two versions of a program and compare what they compute
  kmigrate explain FILE[:LINE]   show the layouts that were inferred, and why a line changes or not
  kmigrate rule CODE             explain one code, e.g. KM104
  kmigrate rules                 list all codes
(A path with such a name is written ./verify.)

\b
Exit status:
  0  nothing pending: nothing to do, shown, or written
  1  --check: there are changes to make; --verify: a converted program is DIFFERENT
  2  an error: bad usage, a file that cannot be read or parsed, an internal error
  3  --strict: something was left alone; --verify: INACCURATE or NOT VERIFIED
"""


class _WithCommands(click.Command):
    """Takes PATHS itself, and hands over to a command where the first argument is its very name."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.commands: dict[str, click.Command] = {}

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        command = self.commands.get(args[0]) if args else None
        if command is None:
            return super().make_context(info_name, args, parent, **extra)
        return command.make_context(f"{info_name} {command.name}", args[1:], parent, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        return super().invoke(ctx) if ctx.command is self else ctx.command.invoke(ctx)


def _codes(ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Split at commas; each must be a code or the beginning of one."""
    if not values:
        return ()
    from kmigrate.codes import CODES

    prefixes = tuple(part.strip().upper() for value in values for part in value.split(","))
    for prefix in prefixes:
        if not prefix or not any(code.startswith(prefix) for code in CODES):
            raise click.BadParameter(f"no code begins with {prefix!r}; `kmigrate rules` lists them")
    return prefixes


def _keras_version(ctx: click.Context, parameter: click.Parameter, value: str) -> str:
    parts = value.split(".")
    if value != "auto" and not (len(parts) <= 3 and all(part.isdecimal() for part in parts)):
        raise click.BadParameter("say a version such as 1.2, or auto")
    return value


def _about_the_source(function: Any) -> Any:
    """The options that say what a program does not."""
    options = [
        click.option(
            "--ordering",
            type=click.Choice(["auto", "th", "tf"]),
            default="auto",
            help="The default layout (th: channels-first), where nothing in the program tells it.",
        ),
        click.option(
            "--source-keras",
            metavar="VERSION",
            default="auto",
            callback=_keras_version,
            help="The Keras that it was written for, e.g. 1.2.",
        ),
        click.option(
            "--source-backend",
            type=click.Choice(["auto", "tensorflow", "theano"]),
            default="auto",
            help="The backend that it was written for.",
        ),
    ]
    for option in reversed(options):
        function = option(function)
    return function


@click.command(cls=_WithCommands, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("paths", nargs=-1, metavar="[PATHS]...")
@click.option("--write", is_flag=True, help="Write the changes instead of showing them.")
@click.option("--check", is_flag=True, help="Show nothing; only tell whether there are changes to make.")
@click.option("--verify", is_flag=True, help="Run each changed program before and after, and compare.")
@click.option("--allow-unverified", is_flag=True, help="Write also what could not be verified.")
@click.option("--strict", is_flag=True, help="Exit with 3 where something was left alone.")
@click.option("--target", type=click.Choice(["same"]), default="same", help="The Keras version to write for.")
@_about_the_source
@click.option(
    "--flatten",
    type=click.Choice(["auto", "permute", "reorder"]),
    default="auto",
    help="Keep the order of features at Flatten by a Permute layer, or give it up.",
)
@click.option(
    "--model-inputs",
    type=click.Choice(["keep", "flip"]),
    default="keep",
    help="What code outside feeds to a model and gets from it: keep its layout by Permute layers, or flip it.",
)
@click.option("--select", multiple=True, metavar="CODES", callback=_codes, help="Only these, e.g. KM1,KM201.")
@click.option("--ignore", multiple=True, metavar="CODES", callback=_codes, help="All but these.")
@click.option("--stdin-filename", metavar="PATH", help="The name of what comes on stdin (`-`).")
@click.version_option(__version__, "-v", "--version", prog_name="kmigrate", message="%(prog)s %(version)s")
def cli(paths: tuple[str, ...], **options: Any) -> int:
    """Convert channels-first Keras programs in PATHS to channels-last.

    Shows the changes as a diff on stdout and says on stderr what became of each model. PATHS are
    files and folders, or - for stdin; with --write, stdin's converted text goes to stdout.
    """
    if not paths:
        raise click.UsageError("Say which files or folders to look at, e.g. `kmigrate .`")
    if options["write"] and options["check"]:
        raise click.UsageError("--write and --check exclude each other.")
    if options["check"] and options["verify"]:
        raise click.UsageError("--check and --verify exclude each other.")
    if "-" in paths and len(paths) > 1:
        raise click.UsageError("- (stdin) cannot be combined with other paths.")
    if options["stdin_filename"] and paths != ("-",):
        raise click.UsageError("--stdin-filename goes with - only.")
    from kmigrate import commands

    mode = commands.Mode(**{name: options.pop(name) for name in commands.Mode._fields})
    return commands.convert(paths, mode, **options)


@click.command("verify")
@click.argument("before", type=click.Path(exists=True, dir_okay=False))
@click.argument("after", type=click.Path(exists=True, dir_okay=False))
@_about_the_source
def _verify(before: str, after: str, **options: Any) -> int:
    """Run BEFORE and AFTER, two versions of a program, and compare what they compute.

    Exit status: 0 EQUIVALENT (also EXCEPT AT 0), 1 DIFFERENT, 2 an error, 3 INACCURATE or NOT VERIFIED.
    """
    from kmigrate import commands

    return commands.verify(before, after, **options)


def _place(ctx: click.Context, parameter: click.Parameter, value: str) -> tuple[str, int | None]:
    """A file, and a line where its name is followed by one."""
    path, colon, number = value.rpartition(":")
    line = None
    if colon and number.isdecimal() and not os.path.exists(value):
        value, line = path, int(number)
    if not os.path.isfile(value):
        raise click.BadParameter(f"there is no file {value!r}")
    return value, line


@click.command("explain")
@click.argument("place", metavar="FILE[:LINE]", callback=_place)
@click.argument("paths", nargs=-1, metavar="[PATHS]...", type=click.Path(exists=True))
@_about_the_source
def _explain(place: tuple[str, int | None], paths: tuple[str, ...], **options: Any) -> int:
    """Show what was inferred for FILE, or for one LINE of it.

    The values and their layouts, the evidence, what holds a value as it is, where a transpose may stand, the edits,
    and why there is none. PATHS are what else a run of kmigrate was given: it may edit only what it is given.
    """
    from kmigrate import commands

    return commands.explain(*place, paths, **options)


@click.command("rule")
@click.argument("code")
def _rule(code: str) -> int:
    """Explain CODE."""
    from kmigrate.codes import CODES

    code = code.upper()
    if code not in CODES:
        raise click.BadParameter(f"there is no {code}; `kmigrate rules` lists the codes", param_hint="CODE")
    from kmigrate import commands

    return commands.rule(code)


@click.command("rules")
def _rules() -> int:
    """List all codes."""
    from kmigrate import commands

    return commands.rules()


cli.commands = {"verify": _verify, "explain": _explain, "rule": _rule, "rules": _rules}


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its status."""
    # Not click's own main(): there an interrupt and a closed output end in 1, "changes to make".
    try:
        with cli.make_context("kmigrate", sys.argv[1:] if arguments is None else arguments) as context:
            status = cli.invoke(context)
        sys.stdout.flush()
    except click.exceptions.Exit as request:
        status = request.exit_code
    except click.ClickException as error:
        error.show()
        status = ERROR
    except KeyboardInterrupt:
        status = INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has seen enough; Python must not complain about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    except Exception:
        import traceback

        traceback.print_exc()
        status = ERROR
    sys.exit(status)
