"""The command `cm` itself: which commands there are, and what all of them do alike.

A command's module is imported when it is called; this one and what it imports must stay light.
"""

import importlib
import os
import signal
import sys

import click

from cm import options
from cm.checkout import find
from cm.errors import Failed, Wrong, coloured

COMMANDS = {
    "Make": {
        "init": ("starting", "Start a project with an example script."),
        "script": ("building", "Write a script from a brief."),
        "audio": ("building", "Speak the scenes; word times and soundtrack."),
        "visuals": ("building", "Choose and fetch what each scene shows."),
        "render": ("building", "Make the video."),
        "build": ("building", "Make the video and all that goes with it."),
        "watch": ("watching", "Make a video again whenever its script is saved."),
    },
    "Look": {
        "status": ("status", "What is there, what is stale and why, what is missing."),
        "timeline": ("timeline", "What ran when, and what it waited for."),
        "doctor": ("doctor", "Whether this machine has all it takes, with remedies."),
    },
    "Tidy": {
        "clean": ("cleaning", "Remove leftovers, or what can be made again."),
        "cache": ("cache", "The cache that all workspaces share: its size; make it smaller."),
    },
}
RUNS_SNAKEMAKE = {"script", "audio", "visuals", "render", "build", "watch", "status"}
MODULES = {name: module for group in COMMANDS.values() for name, (module, _) in group.items()}


class Commands(click.Group):
    """Commands that are imported when they are called."""

    def list_commands(self, _: click.Context) -> list[str]:
        return list(MODULES)

    def get_command(self, _: click.Context, name: str) -> click.Command | None:
        if name not in MODULES:
            return None
        return getattr(importlib.import_module(f"cm.{MODULES[name]}"), name)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple:
        if args[0] not in MODULES and not args[0].startswith("-"):
            raise click.exceptions.NoSuchCommand(args[0], possibilities=MODULES, ctx=ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, _: click.Context, formatter: click.HelpFormatter) -> None:
        for title, group in COMMANDS.items():
            with formatter.section(title):
                formatter.write_dl([(name, about) for name, (_, about) in group.items()])

    def shell_complete(self, ctx: click.Context, start: str) -> list[object]:
        from click.shell_completion import CompletionItem

        abouts = {name: about for group in COMMANDS.values() for name, (_, about) in group.items()}
        return [CompletionItem(name, help=abouts[name]) for name in MODULES if name.startswith(start)]


@click.group(cls=Commands, context_settings={"help_option_names": ["--help", "-h"], "max_content_width": 100})
@click.version_option(package_name="content-machine", prog_name="cm")
@click.pass_context
def cm(ctx: click.Context) -> None:
    """Make short videos from scripts.

    \b
    cm init salt                     a project, projects/salt, with an example script
    cm build                         make all videos
    cm build salt                    make one; also: projects/salt, or a script file
    cm watch salt                    make it again whenever the script is saved
    cm status                        what is there, what is stale, and why
    cm render salt --concurrency 50% --set video.crf=24

    A PROJECT is a folder (projects/salt), its name (salt) or a script file. What stands after -- goes to Snakemake:
    cm build salt -- --forceall
    """
    ctx.color = coloured()
    if ctx.obj[options.EXTRA] and ctx.invoked_subcommand not in RUNS_SNAKEMAKE:
        raise Wrong(f"cm {ctx.invoked_subcommand}: what stands after -- is for Snakemake, which this does not run")


def main() -> None:
    """The entry point. Exit status: 0 done, 1 it failed, 2 wrong usage, 128 + N when signal N stopped it."""
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    _fill_streams()
    words = sys.argv[1:]
    at = words.index("--") if "--" in words else len(words)
    try:
        find()
        cm.main(words[:at], "cm", standalone_mode=False, obj={options.EXTRA: words[at + 1 :]})
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except OSError as error:
        if not isinstance(error, BrokenPipeError):  # nobody reads on
            where = f"{error.filename}: " if error.filename else ""
            Failed(where + (error.strerror or str(error))).show()
        with open(os.devnull, "w") as nothing:  # noqa: PTH123
            os.dup2(nothing.fileno(), sys.stdout.fileno())  # Python writes out what is left
        sys.exit(1)
    except (KeyboardInterrupt, click.Abort):
        sys.exit(128 + signal.SIGINT)
    except Exception as error:
        from scripts.lib.errors import UserError

        if not isinstance(error, UserError):
            raise
        Failed(str(error)).show()
        sys.exit(1)


def _fill_streams() -> None:
    """Open what whoever started us closed (`cm build >&-`); files that are opened later would get those numbers."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            stream = open(os.devnull, mode)  # noqa: PTH123, SIM115
            os.set_inheritable(stream.fileno(), True)
            setattr(sys, name, stream)
