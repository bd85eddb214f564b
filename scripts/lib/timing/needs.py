"""Whether words are timed by listening, in which language, and by which model: found when Snakemake starts."""

import ctypes
import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from scripts.lib.problems import nearest, printable
from scripts.lib.timing.published import LANGUAGES, MODELS

MARKED = {"espeak", "kokoro", "piper"}
"""The narration's engines that tell themselves when they say each word."""

FILES = ("config.json", "model.bin", "preprocessor_config.json", "tokenizer.json", "vocabulary.json", "vocabulary.txt")
"""All that faster-whisper takes from a model's folder."""
NEEDED = {"config.json", "model.bin", "tokenizer.json"}
"""Without its tokenizer, faster-whisper would fetch one."""

KOKORO = {"a": "en", "b": "en", "e": "es", "f": "fr", "h": "hi", "i": "it", "j": "ja", "p": "pt", "z": "zh"}
ESPEAK = {"cmn": "zh", "nb": "no", "jv": "jw", "fil": "tl", "iw": "he"}
SCRIPTS = {
    "ja": "\u3041-\u30ff",
    "zh": "\u3400-\u9fff",
    "ko": "\uac00-\ud7af",
    "th": "\u0e01-\u0e7f",
    "ar": "\u0600-\u06ff",
    "he": "\u0590-\u05ff",
    "hi": "\u0900-\u097f",
    "el": "\u0370-\u03ff",
    "ru": "\u0400-\u04ff",
}
"""The most used language of a script. Japanese shares the characters of Chinese."""
KANA = 0.1
"""The share of kana from which on a text with Chinese characters is Japanese; Chinese ones have a の in a name."""

CUBLAS = "libcublas.so.12"
"""What CTranslate2 computes with on a GPU, and does not bring."""


def listens(settings: dict) -> bool:
    """Whether a project's words are timed by listening to the narration."""
    engine = settings["timing"]["engine"]
    return engine == "whisper" or (engine == "auto" and settings["narration"]["engine"] not in MARKED)


def language_of(settings: dict, text: str) -> str:
    """The language of a scene as Whisper calls it: as set, else the voice's, else by the script of most of the text's
    letters; "" if none tells, and the recogniser finds it out."""
    timing, narration = settings["timing"], settings["narration"]
    if timing["language"]:
        return timing["language"]
    voice = narration["voice"].lower()
    first = re.split(r"[-+_]", voice)[0]
    match narration["engine"]:
        case "kokoro":
            return KOKORO.get(voice[0], "")
        case "espeak" | "piper" if not narration["model"]:
            first = ESPEAK.get(first, first)
            return first if first in LANGUAGES else ""
    return written_in(text)


def written_in(text: str) -> str:
    """The language of the script that most of the letters are of; "" where several have it, as they do Latin."""
    counts = Counter({language: len(re.findall(f"[{letters}]", text)) for language, letters in SCRIPTS.items()})
    kana, han = counts["ja"], counts["zh"]
    counts["zh" if kana < KANA * han else "ja"] = kana + han
    language, count = counts.most_common(1)[0]
    return language if 2 * count > sum(map(str.isalpha, text)) else ""


def model_for(model: str, language: str) -> str:
    """The size that hears a language: those with `.en`, and the distilled ones, hear English alone."""
    if model not in MODELS or language in ("", "en"):
        return model
    size = model.removeprefix("distil-").removesuffix(".en")
    return size if size in MODELS else "large-v3"


def recognisers(projects: Iterable[Any]) -> set[str]:
    """The models that projects listen by where they can be had."""
    return {
        model_for(project.settings["timing"]["model"], language_of(project.settings, scene["text"]))
        for project in projects
        if listens(project.settings) and project.settings["timing"]["engine"] == "auto"
        for scene in project.scenes.values()
    }


def own_id(model: str) -> str:
    """What a user's own folder is called where models are kept."""
    return f"own-{hashlib.sha256(str(Path(model)).encode()).hexdigest()[:12]}"


def own_files(model: str) -> list[str]:
    """The files of a user's own folder, as paths."""
    return [str(path) for name in FILES if (path := Path(model, name)).is_file()]


def memory_for(model: str) -> int:
    """Megabytes that listening takes on a CPU: 450 to 630 with weights of 145, 1230 to 1310 with 484, whose numbers of
    16 bits become 32, or 8 that are packed."""
    size = MODELS[model][1] if model in MODELS else sum(Path(file).stat().st_size for file in own_files(model)) // 10**6
    return round(330 + 2.2 * size)


def gpus() -> tuple[int, str]:
    """How many GPUs a recogniser could run on, on this machine; and why on none, where there are some."""
    from ctranslate2 import get_cuda_device_count

    count = get_cuda_device_count()
    if not count:
        return 0, ""
    try:
        ctypes.CDLL(CUBLAS)
    except OSError:
        return 0, (
            f"words are listened for on the CPU: the GPU needs CUDA 12's {CUBLAS}, which is not found; pip install "
            "nvidia-cublas-cu12 and name its folder in LD_LIBRARY_PATH, or set timing.device to cpu"
        )
    return count, ""


def timing_problems(settings: dict) -> list[str]:
    """What is wrong with what a project listens by, a line each; the settings need not be used."""
    timing, engine, problems = settings["timing"], settings["narration"]["engine"], []
    if timing["engine"] == "native" and engine not in MARKED:
        return [f"timing.engine: native takes the voice's own marks, and {engine} gives none; set it to auto"]
    if not listens(settings):
        return []
    if timing["device"] == "cpu" and timing["compute_type"] in ("float16", "int8_float16"):
        problems.append(f"timing.compute_type: a CPU does not compute with {timing['compute_type']}; set it to auto")
    model, language = timing["model"], timing["language"]
    if language and language not in LANGUAGES:
        problems.append(f"timing.language: Whisper knows no {language}{nearest(language, LANGUAGES)}")
    if model in MODELS:
        return problems
    shown = printable(model)
    if re.search(r"[\\{}<>*?\"\[\]]|(^|/)\.\.(/|$)", model):
        problems.append("timing.model: a folder's name may not hold .. \\ { } < > * ? \" [ ]")
    elif not Path(model).is_dir():
        known = "" if "/" in model else nearest(model, MODELS)
        problems.append(f"timing.model: {shown} is neither a size of Whisper's nor a folder{known}")
    elif missing := sorted(NEEDED - {Path(file).name for file in own_files(model)}):
        problems.append(
            f"timing.model: {shown} has no {', '.join(missing)}; it must be a model converted for faster-whisper"
        )
    return problems
