"""Arguments and options that commands share."""

from collections.abc import Callable
from pathlib import Path

import click

EXTRA = "cm.extra"
"""Where the context keeps what stood after `--`, for Snakemake."""


def _projects(ctx: click.Context, _: click.Parameter, start: str) -> list[object]:
    """Names for the shell to complete; it completes files by itself."""
    from click.shell_completion import CompletionItem

    folder = Path(ctx.params.get("directory") or ".") / "projects"
    try:
        names = sorted(path.name for path in folder.iterdir() if path.is_dir() and path.name[0] not in "._")
    except OSError:
        names = []
    found = [CompletionItem(name) for name in names if name.startswith(start)]
    return found or [CompletionItem(start, type="file")]


def _profiles(_: click.Context, __: click.Parameter, start: str) -> list[object]:
    from click.shell_completion import CompletionItem

    from cm.checkout import ROOT

    names = sorted(path.name for path in (ROOT / "profiles").iterdir() if path.name != "default")
    return [CompletionItem(name) for name in names if name.startswith(start)] or [CompletionItem(start, type="dir")]


def _keys(_: click.Context, __: click.Parameter, start: str) -> list[object]:
    from click.shell_completion import CompletionItem

    from cm.checkout import find

    find()
    from scripts.lib.config import schema

    keys = [
        f"{section}.{key}="
        for section, part in schema("config")["properties"].items()
        for key in part.get("properties", ())
    ]
    return [CompletionItem(key) for key in keys if key.startswith(start)]


directory = click.option(
    "--directory",
    "-d",
    default=".",
    metavar="DIR",
    type=click.Path(file_okay=False),
    help="The workspace: the folder that holds projects/. Default: the current one.",
)
projects = click.argument("projects", nargs=-1, metavar="[PROJECT]...", shell_complete=_projects)
project = click.argument("project", metavar="PROJECT", shell_complete=_projects)
as_json = click.option("--json", "as_json", is_flag=True, help="For programs: one JSON object.")
profile = click.option(
    "--profile",
    metavar="NAME",
    shell_complete=_profiles,
    help="A Snakemake profile: a folder, or a name under profiles/, such as draft or debug.",
)
sets = click.option(
    "--set",
    "sets",
    multiple=True,
    metavar="KEY=VALUE",
    shell_complete=_keys,
    help="Any key of the configuration, for this run: --set video.crf=24. May be given more than once.",
)
concurrency = click.option(
    "--concurrency",
    "-c",
    metavar="N|P%",
    help="How much runs at once: a number from 1 up, or a share of the CPUs. 1 is strictly one after the other. "
    "Default: half of the CPUs, at most 8.",
)
per_run = click.option(
    "--per-run",
    type=click.IntRange(min=1),
    metavar="N",
    help="In runs of N projects, one after the other: the way to build hundreds (docs/scale.md).",
)
dry_run = click.option("--dry-run", "-n", is_flag=True, help="Say what would be made, and why, and make nothing.")


def running(command: Callable) -> Callable:
    """The options of whatever runs Snakemake."""
    for option in (directory, profile, sets, dry_run, concurrency):
        command = option(command)
    return command
