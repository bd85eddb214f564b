"""`cm status`: what is there, what is stale and why, what is missing, by Snakemake's own dry run."""

import contextlib
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

import click

from cm import invocation, naming, options, table
from cm.building import refusals, wanted, warn_of_overruled
from cm.plan import Job, plan

SCENE = {
    "narration": "scenes/{scene}/narration.wav",
    "words": "scenes/{scene}/words.json",
    "captions": "scenes/{scene}/captions.ass",
    "embedding": "scenes/{scene}/embedding.json",
    "pexels": "scenes/{scene}/search/pexels.json",
    "pixabay": "scenes/{scene}/search/pixabay.json",
    "candidates": "scenes/{scene}/candidates.json",
    "ranking": "scenes/{scene}/ranking.json",
    "selection": "selection/{scene}.json",
    "clip": "scenes/{scene}/clip.mp4",
    "segment": "scenes/{scene}/segment.mp4",
}
"""The artifacts of a scene, relative to its project's results."""
NOT_EVERYWHERE = {"pexels", "pixabay", "ranking", "clip"}
"""Those that a scene may do without."""
COLOURS = {"there": "green", "stale": "yellow", "missing": "red", "undecided": "yellow"}


@dataclass
class File:
    """An artifact. `state`: there, stale, missing, or undecided until the footage is chosen again; `why` it is so."""

    path: str
    state: str
    why: str
    size: int | None
    time: float | None


class Book:
    """The plan of a build, asked for single files of a project."""

    def __init__(self, call: invocation.Call, jobs: list[Job]) -> None:
        self.call = call
        self.planned = {output: job for job in jobs for output in job.outputs}
        self.choosing = {job.project for job in jobs if job.rule == "selection"}

    def file(self, project: str, name: str) -> File:
        path = f"{self.call.place('results')}/{project}/{name}"
        job = self.planned.get(path) or self.planned.get(os.path.dirname(path))
        try:
            found = (self.call.workspace / path).stat()
            size, date = found.st_size, found.st_mtime
        except OSError:
            return File(path, "missing", job.why if job else "", None, None)
        if job:
            return File(path, "stale", job.why, size, date)
        if project in self.choosing and Path(name).name in ("segment.mp4", "clip.mp4"):
            return File(path, "undecided", "the footage is chosen again", size, date)
        return File(path, "there", "", size, date)


@click.command()
@options.projects
@options.directory
@options.profile
@options.sets
@options.as_json
@click.pass_context
def status(
    ctx: click.Context, projects: tuple[str, ...], directory: str, profile: str, sets: tuple[str, ...], as_json: bool
) -> None:
    """What is there, what is stale and why, what is missing.

    One project is shown scene by scene, several with a line each.

    \b
    cm status
    cm status salt
    cm status --set captions.style=pill      what that would make stale
    cm status --json | jq .projects[].state
    """
    from scripts.lib.delivered import delivered
    from scripts.lib.projects import read_projects

    call = invocation.Call.of(directory, None, profile, sets, ctx.obj[options.EXTRA])
    named = naming.projects(call.workspace, projects)
    if not named and not naming.there(call.workspace):
        invocation.chosen(call, named)  # says what to do
    with contextlib.chdir(call.workspace):
        known = read_projects(Path("projects"), call.complete())
    names = [one.name for one in named] or list(known)
    planned = [name for name in names if known[name].problems or known[name].scenes]
    planned = [name for name in planned if named or not known[name].archived]
    warn_of_overruled(call, planned)
    jobs, warnings = (
        plan(call, wanted(call, {name: delivered(known[name]) for name in planned})) if planned else ([], [])
    )
    book, refused = Book(call, jobs), refusals(call)
    found = [_project(book, known[name], refused.get(name), delivered(known[name])) for name in names]
    shared = [{"rule": job.rule, "outputs": job.outputs, "why": job.why} for job in jobs if not job.project]
    if as_json:
        answer = {"workspace": str(call.workspace), "projects": found, "shared": shared, "warnings": warnings}
        click.echo(json.dumps(answer, ensure_ascii=False, indent=1))
        return
    for warning in warnings:
        click.secho(f"warning: {warning}", fg="yellow", err=True)
    if len(found) == 1:
        show(found[0], shared)
    else:
        click.echo("\n".join(table.aligned((_row(one) for one in found), indent=0)))


def _project(book: Book, project: object, problems: list[str] | None, delivered: list[str]) -> dict:
    if problems:
        return {"name": project.name, "state": "refused", "problems": problems}
    if not project.scenes:
        return {"name": project.name, "state": "brief", "problems": []}
    scenes = [
        {
            "id": scene,
            "shows": _shows(book, project.name, scene),
            "artifacts": {
                kind: vars(file)
                for kind, name in SCENE.items()
                if (file := book.file(project.name, name.format(scene=scene))).size is not None
                or file.why
                or kind not in NOT_EVERYWHERE
            },
        }
        for scene in project.scenes
    ]
    files = {name: vars(book.file(project.name, name)) for name in ["soundtrack.m4a", *delivered]}
    states = {file["state"] for part in scenes for file in part["artifacts"].values()}
    states |= {file["state"] for file in files.values()}
    state = next((state for state in ("missing", "stale", "undecided") if state in states), "there")
    if files["video.mp4"]["state"] == "stale" and state == "missing":
        state = "stale"
    return {
        "name": project.name,
        "title": project.title,
        "state": "archived" if project.archived and state != "stale" else state,
        "problems": [],
        "quality": _quality(book, project.name),
        "scenes": scenes,
        "files": files,
    }


def _shows(book: Book, project: str, scene: str) -> str | None:
    """The clip that a scene shows, as a script would name it; None before it is chosen."""
    folder = book.call.workspace / book.call.place("results") / project
    for file in (folder / f"scenes/{scene}/clip.json", folder / f"selection/{scene}.json"):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            found = json.loads(file.read_text(encoding="utf-8"))
            return str(found["path"]) if found["provider"] == "local" else f"{found['provider']}:{found['id']}"
    return None


def _quality(book: Book, project: str) -> dict | None:
    """Verdict and length, in seconds, of the video that is there."""
    try:
        path = book.call.workspace / book.call.place("results") / project / "quality.json"
        found = json.loads(path.read_text(encoding="utf-8"))
        return {"verdict": found["verdict"], "length": found["length"]}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _row(project: dict) -> list[str]:
    state = project["state"]
    if state == "refused":
        more = f" (and {len(project['problems']) - 1} more)" if len(project["problems"]) > 1 else ""
        return [project["name"], click.style("refused", fg="red"), project["problems"][0] + more]
    if state == "brief":
        return [project["name"], "no script yet", f"it has a brief: cm script {project['name']}"]
    return [project["name"], click.style(_state(project), fg=COLOURS.get(state)), _video(project)]


def _state(project: dict) -> str:
    said = {"there": "up to date", "undecided": "to be decided"}
    if project["state"] == "missing" and project["files"]["video.mp4"]["size"] is None:
        return "not built"
    return said.get(project["state"], project["state"])


def _video(project: dict) -> str:
    video = project["files"]["video.mp4"]
    if video["size"] is None:
        return table.number(len(project["scenes"]), "scene")
    quality = project["quality"]
    length = f"{table.minutes(quality['length'])}, " if quality else ""
    verdict = f", {quality['verdict']}" if quality else ""
    return f"{length}{table.size(video['size'])}, {table.ago(video['time'])}{verdict}, {video['path']}"


def show(project: dict, shared: list[dict]) -> None:
    """One project: a row a scene, its files, and why whatever is not there has to be made."""
    name, state, rest = _row(project)
    click.echo(f"{name}: {state}" + (f"  {rest}" if project["state"] != "refused" else ""))
    if "scenes" not in project:
        for problem in project["problems"]:
            click.echo(f"  {problem}")
        return
    kinds = [kind for kind in SCENE if any(kind in scene["artifacts"] for scene in project["scenes"])]
    rows = [["scene", *kinds, "made", "shows"]]
    for scene in project["scenes"]:
        found = scene["artifacts"]
        rows.append(
            [scene["id"], *(_cell(found.get(kind)) for kind in kinds), _date(found["segment"]), scene["shows"] or ""]
        )
    click.echo("\n" + "\n".join(table.aligned(rows)) + "\n")
    click.echo("\n".join(table.aligned([name, _cell(file), _date(file)] for name, file in project["files"].items())))
    if causes := _causes(project, shared):
        click.echo("\nwhy\n" + "\n".join(table.aligned(causes)))


def _causes(project: dict, shared: list[dict]) -> list[list[str]]:
    """Why what is there has to be made again: what, of which scenes, why; equal reasons are told once."""
    found: dict[tuple[str, str], list[str]] = {(job["rule"], job["why"]): [] for job in shared}
    for scene in project["scenes"]:
        for kind, file in scene["artifacts"].items():
            if file["size"] is not None and file["why"]:
                found.setdefault((kind, file["why"]), []).append(scene["id"])
    for name, file in project["files"].items():
        if file["size"] is not None and file["why"]:
            found[name, file["why"]] = []
    return [[kind, ", ".join(scenes), why] for (kind, why), scenes in found.items()]


def _cell(file: dict | None) -> str:
    if file is None:
        return "-"
    if file["state"] == "there":
        return click.style(table.size(file["size"]), fg="green")
    return click.style(file["state"], fg=COLOURS[file["state"]])


def _date(file: dict) -> str:
    return "" if file["time"] is None else time.strftime("%Y-%m-%d %H:%M", time.localtime(file["time"]))
