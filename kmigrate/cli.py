"""The command line: options and exit statuses; `kmigrate.commands` does what they say, `kmigrate.cli_*` are commands.

This module and `--help` import click and nothing of the analysis.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from kmigrate import __version__
from kmigrate.cli_options import ARGV, about_the_runs, about_the_source, codes
from kmigrate.config import ConfigError

if TYPE_CHECKING:
    from kmigrate.options import Options

ERROR = 2
INTERRUPTED = 130

_EPILOG = """\b
Commands:
  kmigrate verify BEFORE AFTER   run two versions of a program and compare what they compute
  kmigrate explain FILE[:LINE]   show the layouts that were inferred, and why a line changes or not
  kmigrate weights OLD NEW       convert a weight file of a channels-first model
  kmigrate config [PATH]         show the configuration in force, and where it comes from
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


# Each command is a module of its own, imported when it is asked for.
COMMANDS = {
    "config": ("kmigrate.cli_config", "command"),
    "explain": ("kmigrate.cli_explain", "command"),
    "rule": ("kmigrate.cli_rules", "rule"),
    "rules": ("kmigrate.cli_rules", "rules"),
    "weights": ("kmigrate.cli_weights", "command"),
    "verify": ("kmigrate.cli_verify", "command"),
}


def _split(args: list[str]) -> tuple[list[str], tuple[str, ...]]:
    """The arguments of kmigrate, and after ``--`` those of the script that is verified."""
    if "--" in args:
        at = args.index("--")
        if args[0] == "verify" or "--verify" in args[:at]:
            return args[:at], tuple(args[at + 1 :])
    return args, ()


class _WithCommands(click.Command):
    """Takes PATHS itself, and hands over to a command where the first argument is its very name."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        args, argv = _split(args)
        if not args or args[0] not in COMMANDS:
            context = super().make_context(info_name, args, parent, **extra)
        else:
            module, name = COMMANDS[args[0]]
            command: click.Command = getattr(import_module(module), name)
            context = command.make_context(f"{info_name} {command.name}", args[1:], parent, **extra)
        context.meta[ARGV] = argv
        return context

    def invoke(self, ctx: click.Context) -> Any:
        return super().invoke(ctx) if ctx.command is self else ctx.command.invoke(ctx)


@click.command(cls=_WithCommands, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("paths", nargs=-1, metavar="[PATHS]...")
@click.option("--write", is_flag=True, help="Write the changes instead of showing them.")
@click.option("--check", is_flag=True, help="Show nothing; only tell whether there are changes to make.")
@click.option("--diff", is_flag=True, help="Show the diff also with --check, --write or stdin.")
@click.option("--verify", is_flag=True, help="Run each changed program before and after, and compare.")
@about_the_runs
@click.option("--allow-unverified", is_flag=True, help="Write also what could not be verified.")
@click.option("--strict", is_flag=True, help="Exit with 3 where something was left alone.")
@click.option("--baseline", type=click.Path(), metavar="FILE", help="What is known to be left alone: no news.")
@click.option("--update-baseline", is_flag=True, help="Write into the baseline what is left alone now.")
@click.option(
    "--format",
    type=click.Choice(["text", "json", "sarif", "github"]),
    default="text",
    help="What goes to stdout: the diff, or all that is known of the run for a machine.",
)
@click.option("--output-file", type=click.Path(), metavar="FILE", help="Where that goes instead of stdout.")
@click.option("--statistics", is_flag=True, help="Count the codes.")
@click.option("--target", type=click.Choice(["same", "keras3"]), default="same", help="The Keras to write for.")
@click.option(
    "--numerics",
    type=click.Choice(["default", "exact"]),
    default="default",
    help="With --target keras3, where a formula changed: take Keras 3's, or write the old one into the program.",
)
@about_the_source
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
@click.option(
    "--cell-order",
    type=click.Choice(["auto", "top-down"]),
    default="auto",
    help="How the cells of a notebook are run, where that matters and their counts do not tell.",
)
@click.option("--select", multiple=True, metavar="CODES", callback=codes, help="Only these, e.g. KM1,KM201.")
@click.option("--ignore", multiple=True, metavar="CODES", callback=codes, help="All but these.")
@click.option("--force-exclude", is_flag=True, help="Heed what the configuration excludes for files given by name too.")
@click.option("--config", metavar="FILE", help="Use this configuration, not those that stand above the files.")
@click.option("--isolated", is_flag=True, help="Use no configuration.")
@click.option("--unsafe-fixes", is_flag=True, help="Also relus that come out equal only up to rounding.")
@click.option("--stdin-filename", metavar="PATH", help="The name of what comes on stdin (`-`).")
@click.version_option(__version__, "-v", "--version", prog_name="kmigrate", message="%(prog)s %(version)s")
@click.pass_context
def cli(context: click.Context, paths: tuple[str, ...], **options: Any) -> int:
    """Convert channels-first Keras programs in PATHS to channels-last.

    Shows the changes as a diff on stdout and says on stderr what became of each model. PATHS are
    files and folders, or - for stdin, whose converted text goes to stdout.
    """
    if not paths:
        raise click.UsageError("Say which files or folders to look at, e.g. `kmigrate .`")
    if options["write"] and options["check"]:
        raise click.UsageError("--write and --check exclude each other.")
    if options["check"] and options["verify"]:
        raise click.UsageError("--check and --verify exclude each other.")
    if options["config"] and options["isolated"]:
        raise click.UsageError("--config and --isolated exclude each other.")
    if "-" in paths and len(paths) > 1:
        raise click.UsageError("- (stdin) cannot be combined with other paths.")
    if options["update_baseline"] and not options["baseline"]:
        raise click.UsageError("--update-baseline needs --baseline FILE.")
    if options["stdin_filename"] and paths != ("-",):
        raise click.UsageError("--stdin-filename goes with - only.")
    from kmigrate import commands
    from kmigrate.settings import Settings

    return commands.convert(paths, Settings.of(context), options["stdin_filename"], context.meta[ARGV])


def options_for(context: click.Context, path: str) -> Options:
    """What the call and the configuration above a file say of its conversion.

    Raises ConfigError.
    """
    from kmigrate.settings import Settings

    return Settings.of(context, cli).for_path(path)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its status."""
    # Not click's own main(): there an interrupt and a closed output end in 1, "changes to make".
    if asked := os.environ.get("_KMIGRATE_COMPLETE"):
        from click.shell_completion import shell_complete

        sys.exit(shell_complete(cli, {}, "kmigrate", "_KMIGRATE_COMPLETE", asked))
    try:
        with cli.make_context("kmigrate", sys.argv[1:] if arguments is None else arguments) as context:
            status = cli.invoke(context)
        sys.stdout.flush()
    except click.exceptions.Exit as request:
        status = request.exit_code
    except click.ClickException as error:
        error.show()
        status = ERROR
    except ConfigError as error:
        click.echo(f"Error: {error}", err=True)
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
