"""What all rules share: settings and scripts, read once, and the functions that give each job its part of them."""

import functools
import os
import re
import sys
from pathlib import Path

from snakemake.persistence import PersistenceBase
from snakemake.settings.types import SchedulingSettings

from scripts.lib.cluster import cancel_orphans
from scripts.lib.config import complete
from scripts.lib.delivered import DELIVERED
from scripts.lib.documents import read_document
from scripts.lib.errors import UserError
from scripts.lib.environment import read_env
from scripts.lib.noted import expect_again
from scripts.lib.projects import read_projects
from scripts.lib.sources import ROOT, sources as modules

# To see whether a param is a table of pandas, Snakemake imports it at every start, which takes a quarter of it. None is.
if hasattr(PersistenceBase, "_serialize_param_builtin"):
    PersistenceBase._serialize_param_pandas = PersistenceBase._serialize_param_builtin


def no_limit_on_starts(settings, given=SchedulingSettings.__post_init__):
    """Snakemake starts at most 100 jobs a second, and to see when the next may start it looks through all that are ready,
    each second once more for every job that has ended: after some dozens that takes half a core. Who asks for a limit of
    their own has it."""
    given(settings)
    rate = settings.max_jobs_per_timespan
    if rate and (rate.max_jobs, rate.timespan) == (100, 1):
        settings.max_jobs_per_timespan = None


SchedulingSettings.__post_init__ = no_limit_on_starts

# Jobs of a cluster are counted (--jobs), those of one machine by its cores. Which one is meant, nothing else tells here.
ON_CLUSTER = workflow.nodes is not None

if not workflow.remote_exec:  # no job on a node needs a key
    try:
        read_env(Path(".env"))
    except UserError as error:
        sys.exit(str(error))


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

# A job on a cluster's node is one project's: to read hundreds for each of thousands of jobs would cost more than the jobs.
if workflow.remote_exec:
    targets = " ".join(sys.argv)
    names = set(re.findall(r"[:,](?:project|refused)=([^,' ]+)", targets))
    projects = read_projects(Path("projects"), SETTINGS, only=names)
else:
    projects = read_projects(Path("projects"), SETTINGS)
SOUND = {name: project for name, project in projects.items() if not project.problems}
PROJECTS = {name: project for name, project in SOUND.items() if project.scenes}
UNWRITTEN = {name: project for name, project in SOUND.items() if not project.scenes}  # a brief is all they have
ASKS_SERVERS = ("narration", "embedding", "llm")
# What jobs read of the settings beside their params, since it changes no result: keys' names, rates, timeouts.
config |= SETTINGS
config["overrides"] = {
    name: {section: own for section in ASKS_SERVERS if (own := project.settings[section]) != SETTINGS[section]}
    for name, project in SOUND.items()
}
REFUSED = {re.sub(r"[^A-Za-z0-9._-]", "_", name): project for name, project in projects.items() if project.problems}

# A faulty project is no {project}: whatever is asked of it leads to the rule `refused`.
REFUSED_PROJECT = "|".join(map(re.escape, REFUSED)) or "(?!)"
PROJECT = rf"(?!(?:{REFUSED_PROJECT})/)[a-z0-9][a-z0-9-]*"


if workflow.is_main_process:
    expect_again(Path(workflow.pathvars.apply("<logs>")) / "runs", Path(".snakemake/metadata"))


def wanted(projects):
    return [name for name, project in projects.items() if not project.archived]


def note(warning):
    """Tell the user, once a run."""
    if workflow.is_main_process:
        logger.warning(warning)


for found in PROJECTS.values():
    for warning in found.warnings:
        note(warning)
for name in wanted(UNWRITTEN):
    target = f"projects/{name}/script.json"
    if target not in sys.argv:
        writes = f"a language model writes it: snakemake --cores 1 {target}"
        note(f"projects/{name}: has a brief and no script yet; {writes}")


def repo(path):
    """A file of this repository as a path from the working directory: the same build from another place is the same."""
    return os.path.relpath(ROOT / path)


@functools.cache
def source_files(name):
    return [repo(path) for path in modules(f"scripts/{name}.py")]


def sources(name):
    """An input function: the rule's script and every module of ours that it imports, so that an edit reruns just the
    rules that use it. They are read for the rules that a run needs; a job on a node needs one or two."""
    return lambda wildcards: source_files(name)


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


def project(wildcards):
    if wildcards.project in UNWRITTEN:
        path = f"projects/{wildcards.project}"
        writes = f"snakemake --cores 1 {path}/script.json"
        raise WorkflowError(f"{path}: has a brief and no script yet; write it first: {writes}")
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


def tidy_up():
    """On Slurm, cancel what still runs there of a run that was killed. Snakemake's lock is ours by now."""
    if workflow.executor_plugin.name == "slurm" and (orphans := cancel_orphans()):
        note(f"{orphans} Slurm jobs of a run that was killed here were still in the queue: they are cancelled")


def summarise():
    """Tell which jobs there are, whether they ran or not, and write the table of all videos if the run judged one.

    Which ones were spared Snakemake does not know itself: it plans anew after a checkpoint, and forgets what it has made.
    """
    jobs = {str(job.output[0]) for job in workflow.dag.jobs if job.output}
    logger.info(f"{len(jobs)} jobs in the plan", extra={"planned_outputs": jobs})
    results = Path(workflow.pathvars.apply("<results>"))
    table = results / "videos.csv"
    written = table.stat().st_mtime if table.exists() else 0
    if not any(path.stat().st_mtime > written for path in results.glob("*/quality.json")):
        return
    from scripts.lib.report import write_report

    write_report(sorted(PROJECTS), results, Path(workflow.pathvars.apply("<logs>")))


include: "common/limits.smk"
include: "common/narration.smk"
include: "common/footage.smk"
include: "common/render.smk"
include: "common/llm.smk"
