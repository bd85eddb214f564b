"""`cm cache`: the folder that all workspaces of a user share: clips, answers of servers, the ledger of quotas."""

import contextlib
import os
import re
from pathlib import Path

import click

from cm import invocation, options, table
from cm.errors import Wrong

UNITS = {"": 1, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12}


@click.group(invoke_without_command=True)
@options.directory
@click.pass_context
def cache(ctx: click.Context, directory: str) -> None:
    """The cache that all workspaces share: downloaded clips, answers of servers, the ledger of quotas.

    \b
    cm cache                         where it is, and its size
    cm cache prune                   down to what cache_max_gb allows
    cm cache prune --to 500MB
    """
    call = invocation.Call.of(directory, None, None, (), ctx.obj[options.EXTRA])
    ctx.obj["settings"] = call.complete()
    if ctx.invoked_subcommand is None:
        show(ctx.obj["settings"])


@cache.command()
@click.option("--to", metavar="SIZE", help="How much the clips may take: 500MB, 2GB, 0. Default: cache_max_gb.")
@click.pass_context
def prune(ctx: click.Context, to: str | None) -> None:
    """Remove the clips that were used longest ago, and answers that are too old to be used.

    What another run holds is passed over. The ledger of quotas stays: by it nothing is asked for too often.
    """
    from scripts.lib.net import clips

    settings = ctx.obj["settings"]
    most = settings["cache_max_gb"] * 1e9 if to is None else _bytes(to)
    freed = clips.prune(clips.clips_folder(settings["cache_dir"]), most)
    answers = prune_answers(_folder(settings))
    click.echo(f"{table.size(freed)} of clips removed, {table.number(answers, 'old answer')} removed")
    show(settings)


def show(settings: dict) -> None:
    """Where the cache is, and what each part of it takes."""
    from scripts.lib.net import clips

    folder = _folder(settings)
    count, size = clips.usage(folder / "clips")
    parts = [["clips", table.size(size), f"{table.number(count, 'clip')}, at most {settings['cache_max_gb']:g} GB"]]
    answers = sum(path.stat().st_size for path in folder.glob("http.sqlite*"))
    parts.append(["answers", table.size(answers), "of servers, so that a search asks for nothing twice"])
    models = _size(folder / "answers") + sum(path.stat().st_size for path in folder.glob("vectors.sqlite*"))
    parts.append(["models", table.size(models), "what they answered, so that no question is paid twice"])
    parts.append(["ledger", table.size(_size(folder / "ledger")), "what was asked for, for the quotas"])
    click.echo(folder)
    click.echo("\n".join(table.aligned(parts)))


def prune_answers(folder: Path) -> int:
    """Remove the kept answers whose time is over; how many they were."""
    if not (folder / "http.sqlite").exists():
        return 0
    from filelock import FileLock
    from requests_cache import SQLiteCache

    with FileLock(folder / "http.lock"):  # as scripts/lib/net/service.py opens it
        kept = SQLiteCache(folder / "http.sqlite", serializer="json", wal=True, timeout=60)
    with contextlib.closing(kept):
        before = len(kept.responses)
        kept.delete(expired=True)
        return before - len(kept.responses)


def _bytes(text: str) -> float:
    """Raises Wrong."""
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,3})?) ?([kmgt]?)b?", text.strip().lower(), re.ASCII)
    if not found:
        raise Wrong(f"--to {text}: write a size such as 500MB or 2GB")
    return float(found[1]) * UNITS[found[2]]


def _folder(settings: dict) -> Path:
    from scripts.lib.net.cache import cache_folder

    return cache_folder(settings["cache_dir"])


def _size(folder: Path) -> int:
    return sum(os.lstat(os.path.join(at, name)).st_size for at, _, names in os.walk(folder) for name in names)
