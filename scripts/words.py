"""Find out when each word of a scene is spoken."""

import wave
from array import array
from math import floor
from pathlib import Path

from scripts.lib.audio import RATE, read_wav, resample, speech
from scripts.lib.errors import UserError
from scripts.lib.files import read_json, write_json
from scripts.lib.job import job, warn
from scripts.lib.media import MediaError
from scripts.lib.narration.sound import decode
from scripts.lib.timing.estimate import estimate
from scripts.lib.timing.native import native
from scripts.lib.words import split

SHORTEST = 0.02
"""Seconds of a word that is not spoken at all, such as a dash: a caption of no length cannot be shown."""
COMPUTE = "float32"
"""What is computed with where nothing is named: all that was tried, CPUs and a GPU, hears the same with it alone."""


def words(text: str, engine: str, samples: array, narration: dict, recogniser: dict | None = None) -> dict:
    """The content of words.json: the text's own words, and their times from the start of the narration.

    `recogniser`, for who listens: the arguments of Recogniser, or `missing`, why there is none.
    Raises UserError where the voice's marks are asked for and there are none, or the recogniser cannot be had.
    """
    marks, duration, spoken = narration["marks"], len(samples) / RATE, split(text)
    missing = (recogniser or {}).get("missing")
    doubts, confidences = [], None
    match engine:
        case "native" if not marks:
            raise UserError(
                f"timing.engine: the voice {narration['voice']} ({narration['engine']}) gives no marks; set it to auto"
            )
        case "whisper" if missing:
            raise UserError(missing)
        case "native" | "auto" if marks:
            engine, spans = "native", native(spoken, marks)
        case "whisper" | "auto" if recogniser and not missing:
            engine, (spans, confidences, doubts) = "whisper", listened(text, spoken, samples, recogniser)
        case _:
            if engine == "auto":
                why = missing or "the voice gave no marks; set timing.engine to whisper"
                doubts = [f"the times of the words are guessed: {why}"]
            else:
                warn("word times are guessed by length; timing.engine: auto takes better ones where they can be had")
            engine, spans = "estimate", estimate([word for _, word in spoken], *(at / RATE for at in speech(samples)))
    for doubt in doubts:
        warn(doubt if engine == "estimate" else f"narration and text differ: {doubt}")
    spans = in_order(spans, floor(duration * 1e6) / 1e6)  # so that no end, once rounded, is beyond the sound
    found = [
        {"word": word, "start": round(start, 6), "end": round(end, 6)}
        for (_, word), (start, end) in zip(spoken, spans, strict=True)
    ]
    if confidences:
        found = [word | {"confidence": round(sure, 3)} for word, sure in zip(found, confidences, strict=True)]
    return {"engine": engine, "duration": duration, "words": found} | ({"doubts": doubts} if doubts else {})


def listened(
    text: str, spoken: list[tuple[int, str]], samples: array, recogniser: dict
) -> tuple[list[tuple[float, float]], list[float], list[str]]:
    """The words' spans and confidences as a recogniser finds them, and what speaks against them."""
    import numpy as np

    from scripts.lib.timing import recogniser as whisper_model
    from scripts.lib.timing.whisper import whisper

    ends = [0, *(offset + len(word) for offset, word in spoken)]
    spaced = [" " * (n == 0 or offset > ends[n]) + word for n, (offset, word) in enumerate(spoken)]
    sound = np.array(resample(samples, RATE, whisper_model.RATE), dtype=np.float32) / 32768
    found = whisper(spaced, sound, whisper_model.Recogniser(**recogniser))
    return [(start, end) for start, end, _ in found.words], [sure for _, _, sure in found.words], found.doubts


def in_order(spans: list[tuple[float, float]], duration: float) -> list[tuple[float, float]]:
    """The spans moved as little as it takes for each to have a length, and to end by the next one's start."""
    least = min(SHORTEST, duration / len(spans))
    starts, earliest = [], 0.0
    for start, _ in spans:
        starts.append(max(earliest, start))  # in this order: no start is -0.0
        earliest = starts[-1] + least
    latest = duration
    for n in reversed(range(len(starts))):
        starts[n] = min(starts[n], latest - least)
        latest = starts[n]
    nexts = [*starts[1:], duration]
    return [
        (start, min(max(end, start + least), following))
        for start, (_, end), following in zip(starts, spans, nexts, strict=True)
    ]


def sound_of(path: Path) -> array:
    """The narration: mono, 48 kHz, whatever somebody put in its place.

    Raises UserError where it holds no sound.
    """
    try:
        with wave.open(str(path), "rb") as file:
            own = file.getparams()[:3] == (1, 2, RATE)
        samples = read_wav(path) if own else decode(path)
    except (wave.Error, EOFError, MediaError) as error:
        samples, why = array("h"), str(error)
    else:
        why = "has no sound"
    if not samples:
        raise UserError(f"{path}: {why or 'is cut short'}; remove it and run again, and it is made anew")
    return samples


def recogniser_of(manifest: Path, gpu: bool, how: dict) -> dict:
    """The arguments of Recogniser for the settings `how`, whose model has that manifest; or why there is none."""
    made = read_json(manifest)
    if "missing" in made:
        remedy = "name a model's folder as timing.model, or set timing.engine to whisper, which fetches it or fails"
        return {"missing": f"{made['missing']}; {remedy}"}
    folder = manifest.parent / "files" if (manifest.parent / "files").is_dir() else Path(how["model"])
    for name in made["sha256"]:
        if not (folder / name).is_file():
            raise UserError(f"{folder / name}: is gone; remove {manifest} and build again")
    device = {"auto": "cuda" if gpu else "cpu"}.get(how["device"], how["device"])
    compute_type = COMPUTE if how["compute_type"] == "auto" else how["compute_type"]
    return {
        "folder": folder,
        "language": how["language"],
        "device": device,
        "compute_type": compute_type,
        "threads": how["threads"],
    }


if __name__ == "__main__":
    with job(snakemake.log[0]):
        settings = dict(snakemake.params.settings)
        text, engine = settings.pop("text"), settings.pop("engine")
        manifest = snakemake.input.get("recogniser")
        gpu = bool(snakemake.resources.get("gpu", 0))
        write_json(
            snakemake.output.words,
            words(
                text,
                engine,
                sound_of(Path(snakemake.input.audio)),
                read_json(snakemake.input.narration),
                recogniser_of(Path(manifest), gpu, settings) if manifest else None,
            ),
        )
