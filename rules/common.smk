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
ASKS_SERVERS = ("narration", "embedding", "llm")
# What jobs read of the settings beside their params, since it changes no result: keys' names, rates, timeouts.
config |= SETTINGS
config["overrides"] = {
    name: {section: own for section in ASKS_SERVERS if (own := project.settings[section]) != SETTINGS[section]}
    for name, project in PROJECTS.items()
}
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


SITES = [site for site in SETTINGS["stock"]["providers"] if site in ("pexels", "pixabay")]
KEYED = [site for site in SITES if os.environ.get(SETTINGS["stock"][site]["key_env"], "").strip()]


@functools.cache
def searched(project, scene):
    """The stock sites whose answers a scene's candidates come from, as they stand when the run begins.

    Those whose key is set, unless the scene is pinned; and those that were asked before, so that a key which is gone
    changes nothing. Snakemake deletes an answer before it asks anew: the candidates remember a search that failed.
    """
    folder = Path(workflow.pathvars.apply("<results>")) / project / "scenes" / scene
    made = folder / "candidates.json"
    asked = [site for site in SITES if (folder / f"search/{site}.json").exists()]
    if len(asked) < len(SITES) and made.exists():
        asked += read_json(made).get("sources", [])
    if PROJECTS[project].scenes[scene]["footage"]:
        return [site for site in SITES if site in asked]
    if SITES and not KEYED and not made.exists():
        unkeyed()
    return [site for site in SITES if site in asked or site in KEYED]


@functools.cache
def unkeyed():
    keys = " and ".join(SETTINGS["stock"][site]["key_env"] for site in SITES)
    note(f"no stock footage: {keys} not set; the README says how to get a key")


def searches(wildcards):
    """The stock sites' answers for the job's scene."""
    sites = searched(wildcards.project, wildcards.scene)
    return collect("<results>/{project}/scenes/{scene}/search/{site}.json", **wildcards, site=sites)


def orientation(wildcards):
    width, height = value("video.width")(wildcards), value("video.height")(wildcards)
    return "landscape" if width > height else "portrait" if width < height else "square"


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
        "providers": SETTINGS["stock"]["providers"],
        "scenes": wanted,
        "width": value("video.width")(wildcards),
    }


def choice(scene, wildcards):
    selection = checkpoints.selection.get(project=wildcards.project).output.selection
    return read_json(os.path.join(selection, f"{scene}.json"))


def shown_in(scene, wildcards):
    """The file that a scene shows: the user's own where it lies, a downloaded clip, or a generated background."""
    chosen = choice(scene, wildcards)
    if chosen["provider"] == "local":
        return chosen["path"]
    if chosen["provider"] == "procedural":
        wide = "landscape" if orientation(wildcards) == "landscape" else "portrait"
        return f"<resources>/footage/procedural/{chosen['id']}-{wide}.mp4"
    return f"<results>/{wildcards.project}/scenes/{scene}/clip.mp4"


def shown(wildcards):
    """For every scene, what says whose clip it shows: the choice, or for a download what became of the choice."""
    remote = {scene for scene in order(wildcards) if choice(scene, wildcards)["provider"] in ("pexels", "pixabay")}
    return [
        f"<results>/{wildcards.project}/"
        + (f"scenes/{scene}/clip.json" if scene in remote else f"selection/{scene}.json")
        for scene in order(wildcards)
    ]


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
