"""What a scene's speech and the times of its words follow from, and what they take."""

import functools
from pathlib import Path

from scripts.lib.files import read_json
from scripts.lib.timing import needs as timing


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


def own_recogniser(wildcards):
    """The files of a recogniser that lies in a folder of the user's; none for one that is fetched."""
    models = {found.settings["timing"]["model"] for found in PROJECTS.values()}
    own = {timing.own_id(model): model for model in models if model not in timing.MODELS}
    if wildcards.recogniser not in {*own, *timing.MODELS}:
        raise WorkflowError(f"models/whisper/{wildcards.recogniser}: no project listens by it, and it is no size")
    return timing.own_files(own[wildcards.recogniser]) if wildcards.recogniser in own else []


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


if workflow.is_main_process:
    guessed()


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


def listening_cores(wildcards):
    """Cores for the words of a scene."""
    return value("timing.threads")(wildcards) if listened_by(wildcards) else 1


def listening_gpus(wildcards):
    """A GPU for who listens on one; `auto` is settled here, where the run began, so that its jobs hold what they use."""
    device = value("timing.device")(wildcards) if listened_by(wildcards) else "cpu"
    return int(device == "cuda" or device == "auto" and gpus() > 0)


@functools.cache
def gpus():
    """How many GPUs a recogniser could run on, on this machine."""
    count, hindrance = timing.gpus()
    if hindrance:
        note(hindrance)
    return count
