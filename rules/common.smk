"""What all rules share: settings and scripts, read once, and the functions that give each job its part of them."""

import functools
import hashlib
import json
import os
import re
import sys
from pathlib import Path

import yaml

from scripts.lib.cluster import cancel_orphans, keep_keys_here
from scripts.lib.config import complete
from scripts.lib.delivered import DELIVERED, costs
from scripts.lib.documents import read_document
from scripts.lib.errors import UserError
from scripts.lib.environment import read_env
from scripts.lib.files import read_json
from scripts.lib.footage.folder import listing
from scripts.lib.machine import memory_mb
from scripts.lib.noted import expect_again
from scripts.lib.projects import read_projects
from scripts.lib.sources import ROOT, sources as modules
from scripts.lib.timing import needs as timing

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


# The limits. Defaults of Snakemake's own global resources: the command line and profiles lay theirs over them by key.

limits = {
    "api_slots": SETTINGS["concurrency"]["api"],
    "stock_slots": SETTINGS["concurrency"]["stock"],
    "download_slots": SETTINGS["concurrency"]["downloads"],
    "cpus": SETTINGS["concurrency"]["rendering"],
    "mem_mb": None if ON_CLUSTER else memory_mb(),
    "gpu": None if ON_CLUSTER else 1,
}
for name, limit in limits.items():
    if limit is not None:
        workflow.global_resources.setdefault(name, limit)

# On one machine cores are counted as cpus alone. By its own count of cores Snakemake starts nothing while all are
# taken, not even what waits on the network and needs none; given a number of jobs (_nodes), it leaves that count be.
# And a job needs a worker of its pool, which holds five more than there are cores: here, one more for every slot.
if not ON_CLUSTER and workflow.is_main_process and workflow.resource_settings.cores:
    cores = workflow.resource_settings.cores
    workflow.global_resources["cpus"] = min(cores, workflow.global_resources.get("cpus").value or cores)
    workflow.global_resources["_nodes"] = sys.maxsize
    slots = [workflow.global_resources[name].value for name in ("api_slots", "download_slots")]
    workflow.resource_settings.cores = cores + sum(slots)


if ON_CLUSTER and workflow.is_main_process:
    own = [Path(f"projects/{name}/config.yaml") for name in projects if name not in SOUND]
    keep_keys_here(
        [SETTINGS, *(found.settings for found in SOUND.values())],
        [path.read_text(encoding="utf-8", errors="replace") for path in own if path.is_file()],
        ROOT / "profiles/bin",
    )


# Inputs


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


FONTS = [repo(path) for path in sorted(ROOT.glob("config/fonts/*.ttf"))]


def brief(wildcards):
    """What a project's script is written from."""
    folder = f"projects/{wildcards.project}"
    if wildcards.project not in SOUND or not os.path.exists(f"{folder}/brief.yaml"):
        raise WorkflowError(f"{folder}: has no brief to write a script from; write {folder}/brief.yaml (docs/llm.md)")
    return f"{folder}/brief.yaml"


def listened_by(wildcards):
    """The recogniser that times a scene's words, a size or a folder; None where nobody listens."""
    if not timing.listens(project(wildcards).settings):
        return None
    language = timing.language_of(project(wildcards).settings, value("scene.text")(wildcards))
    return timing.model_for(value("timing.model")(wildcards), language)


def recogniser(wildcards):
    """What stands for the recogniser as an input, if there is one: its weights are large. Where it was asked for, it
    must be had; where it was not, it may be that it cannot be fetched."""
    model = listened_by(wildcards)
    if model is None:
        return []
    if model not in timing.MODELS:
        return f"<resources>/models/whisper/{timing.own_id(model)}/manifest.json"
    asked = value("timing.engine")(wildcards) == "whisper"
    return f"<resources>/models/whisper/{model}/{'manifest' if asked else 'manifest-if-any'}.json"


def guessed():
    """Tell which recognisers could not be fetched, so that a passing outage does not go unseen for good."""
    resources = Path(workflow.pathvars.apply("<resources>"))
    for path in sorted(resources.glob("models/whisper/*/manifest-if-any.json")):
        if "missing" in read_json(path) and path.parent.name in timing.recognisers(
            PROJECTS[name] for name in wanted(PROJECTS)
        ):
            note(
                f"{path}: word times are guessed, for want of it; set timing.engine to whisper, which fetches it or fails"
            )


guessed()


def own_recogniser(wildcards):
    """The files of a recogniser that lies in a folder of the user's; none for one that is fetched."""
    models = {found.settings["timing"]["model"] for found in PROJECTS.values()}
    own = {timing.own_id(model): model for model in models if model not in timing.MODELS}
    if wildcards.recogniser not in {*own, *timing.MODELS}:
        raise WorkflowError(f"models/whisper/{wildcards.recogniser}: no project listens by it, and it is no size")
    return timing.own_files(own[wildcards.recogniser]) if wildcards.recogniser in own else []


def caption_fonts(wildcards):
    own = value("captions.font")(wildcards)
    return [*([own] if own else []), *FONTS]


# Params


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


def spoken(wildcards):
    """A params function: what a scene's speech follows from beside its voice's files; a recording, from nothing else."""
    keys = {"engine": "narration.engine", "text": "scene.text", "voice": "narration.voice", "speed": "narration.speed"}
    engine = value("narration.engine")(wildcards)
    if engine == "openai":
        keys |= {"base_url": "narration.base_url", "model": "narration.model"}
    return settings(**keys)(wildcards) | ({"text": "", "voice": "", "speed": 1.0} if engine == "file" else {})


def timed(wildcards):
    """A params function: what the times of a scene's words follow from beside its sound; by listening, by how too."""
    made = settings(text="scene.text", engine="timing.engine")(wildcards)
    model = listened_by(wildcards)
    if model is None:
        return made
    how = settings(compute_type="timing.compute_type", device="timing.device", threads="timing.threads")(wildcards)
    language = timing.language_of(project(wildcards).settings, value("scene.text")(wildcards))
    return dict(sorted((made | how | {"language": language, "model": model}).items()))


def order(wildcards):
    """The ids of a project's scenes, as they are spoken."""
    return list(project(wildcards).scenes)


def on_the_grid(*sections, **keys):
    """A params function: `settings`, and all that the times of a video's scenes follow from."""
    grid = {"pad_before": "narration.pad_before", "pad_after": "narration.pad_after", "fps": "video.fps"}
    return lambda wildcards: settings(*sections, **keys, **grid)(wildcards) | {"scenes": order(wildcards)}


# Resources


def working(key):
    """A threads function: one, or none where the engine of `value`'s key is a server, which is only waited for."""
    return lambda wildcards: int(value(key)(wildcards) != "openai")


def asks_server(section):
    """Whether some project's engine is a server: the rule's jobs then stay where the run, its keys and its ledger are."""
    return any(found.settings[section]["engine"] == "openai" for found in PROJECTS.values())


def together(group, section=None):
    """The group that a rule's jobs go to a cluster in: what belongs to one scene takes one submission. None where
    `section`'s engine is a server: the jobs of a group are never local."""
    return group if ON_CLUSTER and not (section and asks_server(section)) else None


def memory(needed):
    """A resource function: the megabytes that a job takes, as the function of wildcards `needed` says. On a cluster,
    more with each attempt, and room for the two Snakemakes that start it on its node; on one machine, no more than
    there are: a job that asks for more ends a run."""
    if ON_CLUSTER:
        return lambda wildcards, attempt: (needed(wildcards) + 300) * attempt
    return lambda wildcards: min(needed(wildcards), memory_mb())


def speaking(wildcards):
    """Megabytes for a scene's narration: some, and more for each character, as measured with 5,000."""
    least, more = {"kokoro": (1100, 0.5), "piper": (1000, 0.2)}.get(value("narration.engine")(wildcards), (200, 0.05))
    return round(least + more * len(value("scene.text")(wildcards)))


def listening(wildcards):
    """Megabytes for the words of a scene."""
    model = listened_by(wildcards)
    return timing.memory_for(model) if model else 100


def listening_minutes(wildcards, attempt):
    """Minutes for the words of a scene on a cluster: the larger the model, the more."""
    return (10 + listening(wildcards) // 100) * attempt


def megapixels(wildcards):
    return value("video.width")(wildcards) * value("video.height")(wildcards) / 1e6


def rendering(wildcards):
    """Megabytes for a scene's picture: ffmpeg took 400 for 1080x1920, 1,500 for 2160x3840, and half as much again with
    the preset `medium`."""
    return round(150 + 270 * megapixels(wildcards))


def rendering_minutes(wildcards, attempt):
    """Minutes for a scene's picture on a cluster."""
    return round(10 + 5 * megapixels(wildcards)) * attempt


@functools.cache
def gpus():
    """How many GPUs a recogniser could run on, on this machine."""
    count, hindrance = timing.gpus()
    if hindrance:
        note(hindrance)
    return count


def listening_gpus(wildcards):
    """A GPU for who listens on one; `auto` is settled here, where the run began, so that its jobs hold what they use."""
    device = value("timing.device")(wildcards) if listened_by(wildcards) else "cpu"
    return int(device == "cuda" or device == "auto" and gpus() > 0)


def listening_cores(wildcards):
    """Cores for the words of a scene."""
    return value("timing.threads")(wildcards) if listened_by(wildcards) else 1


def embedder_of(settings):
    """What vectors of descriptions follow from, beside the texts."""
    keys = ("base_url", "engine", "model") if settings["embedding"]["engine"] == "openai" else ("engine",)
    return {key: settings["embedding"][key] for key in keys}


def mark(embedder):
    """What the footage index of an embedder is known by: nothing for minilm, some digits for a server's model."""
    if embedder["engine"] == "minilm":
        return ""
    return f"-{hashlib.sha256(json.dumps(embedder).encode()).hexdigest()[:8]}"


EMBEDDERS = {"": {"engine": "minilm"}}
EMBEDDERS |= {
    mark(used): used for used in map(embedder_of, [SETTINGS, *(found.settings for found in PROJECTS.values())])
}


def embedder(wildcards):
    """By what the job's texts are embedded: as its project has it, or for the footage index as its name says."""
    if "embedder" not in wildcards.keys():
        return embedder_of(project(wildcards).settings)
    if wildcards.embedder not in EMBEDDERS:
        raise WorkflowError(f"index{wildcards.embedder}.json: no project has its clips embedded by that")
    return EMBEDDERS[wildcards.embedder]


def embedding_model(wildcards):
    """The manifest of the embedding model; nothing where a server has it."""
    return [] if embedder(wildcards)["engine"] == "openai" else "<resources>/models/minilm/manifest.json"


def embedding_threads(wildcards):
    """One, or none where a server is only waited for."""
    return int(embedder(wildcards)["engine"] != "openai")


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


def offers(wildcards):
    """What each scene's clip is chosen from: its candidates, or their ranking by a language model. A pinned scene has
    nothing to be ranked."""
    ranked = value("selection.engine")(wildcards) == "llm"
    return [
        f"<results>/{wildcards.project}/scenes/{name}/{'ranking' if ranked and not scene['footage'] else 'candidates'}.json"
        for name, scene in project(wildcards).scenes.items()
    ]


def asked_for(wildcards):
    """What holds the answers of models from which a video is made."""
    ranked = [path for path in offers(wildcards) if path.endswith("ranking.json")]
    embedded = [] if embedder(wildcards)["engine"] == "minilm" else ["embedding", "candidates"]
    files = (scenes(f"<results>/{{project}}/scenes/{{scene}}/{name}.json")(wildcards) for name in embedded)
    return [*ranked, *(path for listed in files for path in listed)]


def costing(projects):
    """Those projects whose videos take answers of models, so that there is something to sum up."""
    return [name for name in wanted(projects) if costs(projects[name])]


def asked_model(wildcards, *keys):
    """What an answer of the language model follows from, beside what it is asked; and more `keys` of the settings."""
    llm = SOUND[wildcards.project].settings["llm"]
    return {key: llm[key] for key in sorted(["base_url", "model", "temperature", "seed", *keys])}


def pace(wildcards):
    """What the length of a project's narration follows from, beside its texts."""
    found = SOUND[wildcards.project].settings
    keys = ("engine", "pad_after", "pad_before", "speed")
    return {key: found["narration"][key] for key in keys} | {"language": timing.language_of(found, "")}


def orientation(wildcards):
    width, height = value("video.width")(wildcards), value("video.height")(wildcards)
    return "landscape" if width > height else "portrait" if width < height else "square"


def avoided(wildcards):
    """The choices of the projects whose clips this one is not to use again."""
    files = []
    for other in project(wildcards).settings["selection"]["avoid"]:
        checkpoints.selection.get(project=other)
        files += collect("<results>/{project}/selection/{scene}.json", project=other, scene=PROJECTS[other].scenes)
    return files


def replaced(wildcards):
    """What videos to avoid show in place of clips that could not be had, as far as they are made. By value: with their
    clips as inputs, one that fails would stop this video too."""
    results, found = Path(workflow.pathvars.apply("<results>")), []
    for other in project(wildcards).settings["selection"]["avoid"]:
        for scene in sorted(PROJECTS[other].scenes):
            about, selected = results / other / f"scenes/{scene}/clip.json", results / other / f"selection/{scene}.json"
            if about.exists() and selected.exists():
                clip, chosen = read_json(about), read_json(selected)
                lost = clip["instead_of"][:1]
                if [(one["provider"], one["id"]) for one in lost] == [(chosen["provider"], chosen["id"])]:
                    found.append({key: clip[key] for key in ("id", "path", "provider")})
    return found


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
        "replaced": replaced(wildcards),
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


def alternates(wildcards):
    """What a scene shows if its choice cannot be had. Changes count only where what it shows is by now neither its
    choice nor among them: it was rejected, say, or another scene has it."""
    chosen = choice(wildcards.scene, wildcards)
    selection = checkpoints.selection.get(project=wildcards.project).output.selection
    path = os.path.join(selection, f"{wildcards.scene}.alternates.json")
    made = Path(workflow.pathvars.apply("<results>")) / wildcards.project / "scenes" / wildcards.scene / "clip.json"
    shows = read_json(made) if made.exists() else {"provider": None, "id": None}
    allowed = [chosen, *read_json(path)["alternates"]]
    sound = any((clip["provider"], clip["id"]) == (shows["provider"], shows["id"]) for clip in allowed)
    return ancient(path) if sound else path


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


# The beginning and the end of a run


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
