"""What a language model is asked, and what its answers cost."""

import os

from scripts.lib.delivered import costs
from scripts.lib.timing import needs as timing


def brief(wildcards):
    """What a project's script is written from."""
    folder = f"projects/{wildcards.project}"
    if wildcards.project not in SOUND or not os.path.exists(f"{folder}/brief.yaml"):
        raise WorkflowError(f"{folder}: has no brief to write a script from; write {folder}/brief.yaml (docs/llm.md)")
    return f"{folder}/brief.yaml"


def asked_model(wildcards, *keys):
    """What an answer of the language model follows from, beside what it is asked; and more `keys` of the settings."""
    llm = SOUND[wildcards.project].settings["llm"]
    return {key: llm[key] for key in sorted(["base_url", "model", "temperature", "seed", *keys])}


def pace(wildcards):
    """What the length of a project's narration follows from, beside its texts."""
    found = SOUND[wildcards.project].settings
    keys = ("engine", "pad_after", "pad_before", "speed")
    return {key: found["narration"][key] for key in keys} | {"language": timing.language_of(found, "")}


def asked_for(wildcards):
    """What holds the answers of models from which a video is made."""
    ranked = [path for path in offers(wildcards) if path.endswith("ranking.json")]
    embedded = [] if embedder(wildcards)["engine"] == "minilm" else ["embedding", "candidates"]
    files = (scenes(f"<results>/{{project}}/scenes/{{scene}}/{name}.json")(wildcards) for name in embedded)
    return [*ranked, *(path for listed in files for path in listed)]


def costing(projects):
    """Those projects whose videos take answers of models, so that there is something to sum up."""
    return [name for name in wanted(projects) if costs(projects[name])]
