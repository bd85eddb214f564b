"""What a project's voice is made of, found when Snakemake starts: a fetched model, the user's own, or recordings."""

import re
from pathlib import Path, PurePosixPath

from scripts.lib.media import AUDIO, VIDEO
from scripts.lib.narration.published import KOKORO
from scripts.lib.problems import nearest, printable

Found = tuple[dict[str, list[str]], list[str], list[str]]
"""The files that each scene's narration is made from, beside its text; problems; warnings."""


def voice_files(narration: dict, folder: Path, scenes: list[str]) -> Found:
    """For a project's settings, its folder, and the ids of its scenes; a line each for what is wrong."""
    where = f"{printable(folder.as_posix())}: narration."
    if narration["engine"] == "file":
        files, problems, warnings = recordings(folder / "narration", scenes)
        if narration["speed"] != 1:
            warnings.append(f"{where}speed: has no effect; recordings are played as they are")
        return files, problems, warnings
    made_of, problem = _made_of(narration["engine"], narration["model"], narration["voice"])
    return dict.fromkeys(scenes, made_of), [where + problem] if problem else [], []


def _made_of(engine: str, model: str, voice: str) -> tuple[list[str], str]:
    """The files of a voice, or what is wrong with its name."""
    problem = ""
    if engine in ("kokoro", "piper") and model.endswith(".onnx"):
        return _own(engine, model)
    if engine == "openai" and not model:
        problem = "model: is empty; name the server's model, such as gpt-4o-mini-tts, tts-1 or kokoro"
    if engine == "kokoro":
        if model and model not in KOKORO:
            problem = f"model: is no .onnx file, and no model of Kokoro{nearest(model, KOKORO)}"
        elif not re.fullmatch(r"[a-z][fm]_\w+", voice):
            problem = (
                f"voice: Kokoro has no voice {voice}; its voices are called af_heart, bm_george, ff_siwis and so on"
            )
        return [f"<resources>/voices/kokoro/{model or next(iter(KOKORO))}/manifest.json"], problem
    if engine == "piper":
        voice = voice.partition("+")[0]
        if model:
            problem = "model: is no .onnx file; leave it empty and name the voice in narration.voice"
        elif not re.fullmatch(r"[a-z]{2,3}_\w+-[\w.]+-(x_low|low|medium|high)", voice):
            problem = f"voice: Piper has no voice {voice}; its voices are called en_US-lessac-medium and so on"
        return [f"<resources>/voices/piper/{voice}/manifest.json"], problem
    return [], problem


def recordings(folder: Path, scenes: list[str]) -> Found:
    """The recording of each scene: the file of its id in `folder`."""
    where = printable(folder.as_posix())
    files = sorted(path for path in folder.iterdir() if path.name[0] != ".") if folder.is_dir() else []
    sounds = [path for path in files if path.suffix.lower() in AUDIO | VIDEO and path.is_file()]
    found = {scene: [path.as_posix() for path in sounds if path.stem == scene] for scene in scenes}
    problems = [
        f"{where}: has {' and '.join(PurePosixPath(path).name for path in paths)} for the scene {scene}; keep one"
        for scene, paths in found.items()
        if len(paths) > 1
    ]
    missing = [scene for scene, paths in found.items() if not paths]
    if missing:
        other = [printable(path.name) for path in files if path.stem in missing]
        unread = f" ({', '.join(other)}: of no kind that is read)" if other else ""
        problems.append(
            f"{where}: has no recording of {', '.join(missing)}{unread}; put one in for each, such as "
            f"{where}/{missing[0]}.wav (or mp3, m4a, flac, ogg, opus, aac, mp4, …)"
        )
    warnings = [
        f"{printable(path.as_posix())}: is for no scene and not used{nearest(path.stem, scenes)}"
        for path in sounds
        if path.stem not in scenes
    ]
    return found, problems, warnings


def _own(engine: str, model: str) -> tuple[list[str], str]:
    """The files of the user's own model, the second one found by its name or its place; or what is wrong."""
    path, shown = PurePosixPath(model), printable(model)
    if path.is_absolute() or ".." in path.parts or re.search(r"[\\{}<>*?\[\]]", model):
        return [], "model: must be a file inside the workspace: a relative path with / and without .. { } < > * ? [ ]"
    if not Path(path).is_file():
        return [], f"model: there is no file {shown}"
    if engine == "piper":
        return [str(path), f"{path}.json"], "" if Path(f"{path}.json").is_file() else f"model: {shown}.json is missing"
    voices = sorted(found.as_posix() for found in Path(path.parent).glob("*.bin"))
    one = len(voices) == 1
    return [
        str(path),
        *voices,
    ], "" if one else f"model: one .bin file of voices must lie beside {shown}, not {len(voices)}"
