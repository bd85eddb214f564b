"""`cm clean`: remove what no project needs any more, or what can be made again."""

import contextlib
import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from cm import invocation, lock, naming, options, table
from cm.building import say
from cm.checkout import ROOT
from cm.errors import Failed, Wrong
from cm.leftovers import parts

MADE = ("scenes", "selection", "video.mp4", "soundtrack.m4a", "quality.json", "thumbnail.jpg")
"""By these a folder under results/ is known for a video's."""


@dataclass(frozen=True)
class Rubbish:
    """Something to remove, and why it may be."""

    path: Path
    why: str

    @property
    def size(self) -> int:
        """Bytes."""
        if self.path.is_symlink() or self.path.is_file():
            return self.path.lstat().st_size
        return sum(os.lstat(os.path.join(at, name)).st_size for at, _, names in os.walk(self.path) for name in names)


@click.command()
@options.projects
@options.directory
@options.profile
@click.option("--all", "everything", is_flag=True, help="All that can be made again, of all projects.")
@click.option("--keep-videos", is_flag=True, help="Of what can be made again, keep the videos and what goes with them.")
@click.option("--dry-run", "-n", is_flag=True, help="List it, and remove nothing.")
@click.option("--yes", "-y", is_flag=True, help="Remove it without asking.")
@click.pass_context
def clean(
    ctx: click.Context,
    projects: tuple[str, ...],
    directory: str,
    profile: str,
    everything: bool,
    keep_videos: bool,
    dry_run: bool,
    yes: bool,
) -> None:
    """Remove leftovers: what removed projects and scenes left, and half-written files.

    With a PROJECT, or --all: what can be made again from the scripts; a service that was paid is asked again then.
    projects/, footage/ and the configuration are never touched. It lists what it finds and asks; where nobody can
    answer, --yes is needed.

    \b
    cm clean
    cm clean salt --keep-videos              the parts of a finished video
    cm clean --all --dry-run
    """
    call = invocation.Call.of(directory, None, profile, (), ctx.obj[options.EXTRA])
    named = [one.name for one in naming.projects(call.workspace, projects)]
    if keep_videos and not (named or everything):
        raise Wrong("--keep-videos goes with a PROJECT or --all")
    found = rubbish(call, named, everything, keep_videos)
    if not found:
        click.echo("nothing to remove")
        return
    click.echo("\n".join(table.aligned(_rows(call, found), indent=0)))
    total = table.size(sum(one.size for one in found))
    if dry_run or not (yes or _agreed(total)):
        click.echo(f"{total} could be removed" + ("" if dry_run else "; nothing was"))
        return
    try:
        with lock.alone(call.workspace, say):
            agreed = {one.path for one in found}  # and a run may have ended since it was listed
            found = [one for one in rubbish(call, named, everything, keep_videos) if one.path in agreed]
            total = table.size(sum(one.size for one in found))
            for one in found:
                remove(one.path)
    except lock.Held as error:
        raise Failed(str(error)) from None
    click.echo(f"{total} removed")


def rubbish(call: invocation.Call, named: list[str], everything: bool, keep_videos: bool) -> list[Rubbish]:
    """What there is to remove now."""
    found = list(leftovers(call)) if not named else []
    if named or everything:
        found += remakeable(call, named or naming.there(call.workspace), everything, keep_videos)
    return distinct(one for one in found if not is_own(call, one.path))


def _agreed(total: str) -> bool:
    if not sys.stdin.isatty():
        click.echo("to remove it: cm clean --yes", err=True)
        return False
    return click.confirm(f"Remove {total}?")


def _rows(call: invocation.Call, found: list[Rubbish]) -> list[list[str]]:
    """A row for each, but for all logs and benchmarks together."""
    notes = [call.workspace / call.place(place) for place in ("logs", "benchmarks")]
    noted = [one for one in found if any(place in one.path.parents for place in notes)]
    rows = [[one.size, invocation.shown(one.path), one.why] for one in found if one not in noted]
    if noted:
        rows.append([sum(one.size for one in noted), "logs and benchmarks", "of the above"])
    return [[table.size(size), path, click.style(why, dim=True)] for size, path, why in rows]


def leftovers(call: invocation.Call) -> Iterator[Rubbish]:
    """What nothing will use: of removed projects and scenes, and half-written files."""
    from scripts.lib.projects import read_projects

    results = call.workspace / call.place("results")
    with contextlib.chdir(call.workspace):
        known = read_projects(Path("projects"), call.complete())
    folders = [path for path in _listed(results) if path.is_dir() and not path.is_symlink()]
    for folder in folders:
        if folder.name not in known:
            if any((folder / made).exists() for made in MADE):
                yield from _of_project(call, folder.name, "its project is gone")
        elif known[folder.name].scenes:  # of a faulty script, or of none, nobody knows the scenes
            gone = {path.name for path in _listed(folder / "scenes")} - known[folder.name].scenes.keys()
            for scene in sorted(gone):
                yield from _of_scene(call, folder.name, scene)
    yield from (Rubbish(path, "half-written, and its writer is gone") for path in parts(call))


def remakeable(call: invocation.Call, names: Iterable[str], shared: bool, keep_videos: bool) -> Iterator[Rubbish]:
    """What the next build makes again: of some projects, and what all share."""
    results = call.workspace / call.place("results")
    for name in names:
        if not keep_videos:
            yield from _of_project(call, name, "is made again")
        elif (results / name / "video.mp4").exists():
            yield Rubbish(results / name / "scenes", "is made again where a change needs it")
    if shared and not keep_videos:
        yield Rubbish(call.workspace / call.place("resources"), "is fetched and made again")


def _of_project(call: invocation.Call, name: str, why: str) -> Iterator[Rubbish]:
    yield Rubbish(call.workspace / call.place("results") / name, why)
    yield from (Rubbish(path, why) for path in _notes(call, name))


def _of_scene(call: invocation.Call, project: str, scene: str) -> Iterator[Rubbish]:
    why = "its scene is gone"
    yield Rubbish(call.workspace / call.place("results") / project / "scenes" / scene, why)
    yield from (Rubbish(path, why) for path in _notes(call, f"{project}/{scene}"))


def _notes(call: invocation.Call, name: str) -> Iterator[Path]:
    """Logs and benchmarks: PLACE/RULE/NAME, PLACE/RULE/NAME.log."""
    for place in ("logs", "benchmarks"):
        for rule in _listed(call.workspace / call.place(place)):
            for path in (rule / name, rule / f"{name}.log", rule / f"{name}.tsv"):
                if rule.name != "runs" and os.path.lexists(path):
                    yield path


def _listed(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def distinct(found: Iterable[Rubbish]) -> list[Rubbish]:
    """What is there, each once, and nothing that lies in something else of it."""
    there = {one.path: one for one in found if os.path.lexists(one.path)}
    return [one for path, one in there.items() if not any(parent in there for parent in path.parents)]


def is_own(call: invocation.Call, path: Path) -> bool:
    """Whether a path is, holds or lies in what people made: a configuration may send results anywhere."""
    stock = call.settings.get("stock")
    local = stock.get("local") if isinstance(stock, dict) else None
    footage = local.get("path") if isinstance(local, dict) else None
    own = [call.workspace / name for name in ("projects", "footage", footage or "footage", "config", ".env")]
    real = path.parent.resolve() / path.name
    for kept in [*(kept.resolve() for kept in own), ROOT / "scripts", ROOT / "rules", ROOT / ".git"]:
        if real == kept or real in kept.parents or kept in real.parents:
            return True
    return bool(re.fullmatch(r"\.?", path.name)) or not real.is_relative_to(call.workspace)


def remove(path: Path) -> None:
    """A link goes, and not what it leads to."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
