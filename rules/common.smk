"""What all rules share: settings and scripts, read once, and the functions that give each job its part of them."""

import functools
import os
import re
import sys
from pathlib import Path

import yaml

from scripts.lib.config import complete
from scripts.lib.documents import read_document
from scripts.lib.errors import UserError
from scripts.lib.files import read_json
from scripts.lib.footage.folder import listing
from scripts.lib.machine import memory_mb
from scripts.lib.projects import read_projects
from scripts.lib.sources import ROOT, sources as modules

if os.path.exists(".env"):
    from dotenv import load_dotenv

    load_dotenv(".env")


# The settings and the projects. What is wrong with the run's own settings ends it; a faulty project stops only itself.

for file in dict.fromkeys([str(ROOT / "config/config.yaml"), os.path.realpath("config/config.yaml")]):
    if os.path.exists(file):
        try:
            read_document(Path(os.path.relpath(file)))  # Snakemake's own reader takes the last of two equal keys
        except UserError as error:
            sys.exit(str(error))

        configfile: file


SETTINGS, faults = complete(config, "config/config.yaml")
if faults:
    sys.exit("\n".join(faults))

projects = read_projects(Path("projects"), SETTINGS)
PROJECTS = {name: project for name, project in projects.items() if not project.problems}
REFUSED = {re.sub(r"[^A-Za-z0-9._-]", "_", name): project for name, project in projects.items() if project.problems}

# A faulty project is no {project}: whatever is asked of it leads to the rule `refused`.
REFUSED_PROJECT = "|".join(map(re.escape, REFUSED)) or "(?!)"
PROJECT = rf"(?!(?:{REFUSED_PROJECT})/)[a-z0-9][a-z0-9-]*"


def wanted(projects):
    return [name for name, project in projects.items() if not project.archived]


DELIVERED = [
    *("video.mp4", "video.srt", "video.vtt", "thumbnail.jpg", "credits.md"),
    *("timestamps.json", "visuals.json", "quality.json"),
]


def note(warning):
    """Tell the user, once a run."""
    if workflow.is_main_process:
        logger.warning(warning)


for found in PROJECTS.values():
    for warning in found.warnings:
        note(warning)


# The limits. Defaults of Snakemake's own global resources: the command line and profiles lay theirs over them by key.

limits = {
    "api_slots": SETTINGS["concurrency"]["api"],
    "stock_slots": SETTINGS["concurrency"]["stock"],
    "download_slots": SETTINGS["concurrency"]["downloads"],
    "cpus": SETTINGS["concurrency"]["rendering"],
    "mem_mb": memory_mb() if workflow.local_exec else None,
}
for name, limit in limits.items():
    if limit is not None:
        workflow.global_resources.setdefault(name, limit)


# Inputs


def repo(path):
    """A file of this repository as a path from the working directory: the same build from another place is the same."""
    return os.path.relpath(ROOT / path)


@functools.cache
def sources(name):
    """The rule's script and every module of ours that it imports: an edit reruns just the rules that use it."""
    return [repo(path) for path in modules(f"scripts/{name}.py")]


def scenes(path):
    """An input function: `path` for every scene of the job's project, in the order they are spoken."""
    return lambda wildcards: collect(path, project=wildcards.project, scene=project(wildcards).scenes)


def chosen(path):
    """An input function: `path` for the job's scene, or for every scene of its project, once the footage is chosen.

    Every job behind the choice asks the checkpoint, so that an unchanged choice reruns none of them.
    """

    def files(wildcards):
        checkpoints.selection.get(project=wildcards.project)
        return (
            collect(path, project=wildcards.project, scene=wildcards.scene)
            if hasattr(wildcards, "scene")
            else scenes(path)(wildcards)
        )

    return files


FONTS = [repo(path) for path in sorted(ROOT.glob("config/fonts/*.ttf"))]


def caption_fonts(wildcards):
    own = value("captions.font")(wildcards)
    return [*([own] if own else []), *FONTS]


# Params


def project(wildcards):
    if wildcards.project not in PROJECTS:
        raise WorkflowError(f"projects/{wildcards.project}: there is no such project")
    return PROJECTS[wildcards.project]


def value(key):
    """A function of wildcards: `scene.text` of the job's scene, or `video.width` of its project's settings."""
    section, _, name = key.partition(".")

    def find(wildcards):
        if section != "scene":
            return project(wildcards).settings[section][name]
        if wildcards.scene not in project(wildcards).scenes:
            raise WorkflowError(f"projects/{wildcards.project}: its script has no scene '{wildcards.scene}'")
        return project(wildcards).scenes[wildcards.scene][name]

    return find


def settings(*sections, **keys):
    """A params function: whole sections of the project's settings, and single values by `value`'s keys.

    One dict a rule, its keys in order: Snakemake compares params as a set of values without names, and would not see
    width and height change places.
    """

    def collected(wildcards):
        whole = {name: value for section in sections for name, value in project(wildcards).settings[section].items()}
        single = {name: value(key)(wildcards) for name, key in keys.items()}
        return dict(sorted((whole | single).items()))

    return collected


def order(wildcards):
    """The ids of a project's scenes, as they are spoken."""
    return list(project(wildcards).scenes)


def on_the_grid(*sections, **keys):
    """A params function: `settings`, and all that the times of a video's scenes follow from."""
    grid = {"pad_before": "narration.pad_before", "pad_after": "narration.pad_after", "fps": "video.fps"}
    return lambda wildcards: settings(*sections, **keys, **grid)(wildcards) | {"scenes": order(wildcards)}


# Footage: what is at hand, and what was chosen.


@functools.cache
def footage_files():
    """Every file of the local footage folder, side texts included."""
    folder = SETTINGS["stock"]["local"]["path"]
    files, unfit = listing(folder) if folder else ([], [])
    for file in unfit:
        note(
            f"{file}: left out, for its name holds < > {{ }}, a control character or bytes that are no text; rename it"
        )
    return files


@functools.cache
def backgrounds():
    return yaml.safe_load((ROOT / "config/backgrounds.yaml").read_text(encoding="utf-8"))


def recipe(background):
    """What a generated background is painted by: its entry in the catalogue but for the words it is found by."""
    if background not in backgrounds():
        raise WorkflowError(f"config/backgrounds.yaml: there is no background '{background}'")
    return {key: value for key, value in backgrounds()[background].items() if key != "description"}


@functools.cache
def offered():
    """The providers that have something to offer, in order of preference."""
    there = {"local": bool(footage_files()), "procedural": True}
    for site in ("pexels", "pixabay"):
        if site in SETTINGS["stock"]["providers"] and os.environ.get(SETTINGS["stock"][site]["key_env"]):
            note(f"{SETTINGS['stock'][site]['key_env']} is set, but stock sites are not searched yet")
    return [name for name in SETTINGS["stock"]["providers"] if there.get(name)]


def avoided(wildcards):
    """The choices of the projects whose clips this one is not to use again."""
    others = project(wildcards).settings["selection"]["avoid"]
    return [
        file
        for other in others
        for file in collect("<results>/{project}/selection/{scene}.json", project=other, scene=PROJECTS[other].scenes)
    ]


def wishes(wildcards):
    """What the choice depends on. Scenes stand in the order of their ids: moving one changes no choice."""
    wanted = {
        name: {"duration": scene["duration"] or 5.0, "pin": scene["footage"], "reject": scene["reject"]}
        for name, scene in sorted(project(wildcards).scenes.items())
    }
    return {
        "height": value("video.height")(wildcards),
        "min_similarity": value("selection.min_similarity")(wildcards),
        "providers": offered(),
        "scenes": wanted,
        "width": value("video.width")(wildcards),
    }


def shown_in(scene, wildcards):
    """The file that a scene shows: the user's own where it lies, or a generated background."""
    selection = checkpoints.selection.get(project=wildcards.project).output.selection
    choice = read_json(os.path.join(selection, f"{scene}.json"))
    if choice["provider"] == "local":
        return choice["path"]
    wide = value("video.width")(wildcards) > value("video.height")(wildcards)
    orientation = "landscape" if wide else "portrait"
    return f"<resources>/footage/procedural/{choice['id']}-{orientation}.mp4"


def first_segment(wildcards):
    checkpoints.selection.get(project=wildcards.project)
    return f"<results>/{wildcards.project}/scenes/{order(wildcards)[0]}/segment.mp4"


# Priorities: earlier projects first, so that whole videos come out one by one; within one, the short jobs that feed
# the renders, then the longest scenes, so that the end of a build is not one long render.

RANK = {name: rank for rank, name in enumerate(reversed(PROJECTS), start=1)}


def feeding(wildcards):
    return RANK.get(wildcards.project, 0) * 100_000 + 50_000


def longest_first(wildcards):
    return RANK.get(wildcards.project, 0) * 100_000 + min(len(value("scene.text")(wildcards)), 49_999)


# The end of a run


def summarise():
    """Write the table of all videos, at the end of a run that judged one."""
    results = Path(workflow.pathvars.apply("<results>"))
    table = results / "videos.csv"
    written = table.stat().st_mtime if table.exists() else 0
    if not any(path.stat().st_mtime > written for path in results.glob("*/quality.json")):
        return
    from scripts.lib.report import write_report

    write_report(sorted(PROJECTS), results, Path(workflow.pathvars.apply("<logs>")))
