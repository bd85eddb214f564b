"""What a scene's footage is searched by, chosen from and shown as."""

import functools
import hashlib
import json
import os
from pathlib import Path

import yaml

from scripts.lib.files import read_json
from scripts.lib.footage.folder import listing


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


def orientation(wildcards):
    width, height = value("video.width")(wildcards), value("video.height")(wildcards)
    return "landscape" if width > height else "portrait" if width < height else "square"


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
