"""Whether words are timed by listening, in which language, and by which model: found when Snakemake starts."""

import hashlib
import re
from pathlib import Path

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
"""The most used language of a script. Japanese comes before Chinese, whose characters it shares."""


def listens(settings: dict) -> bool:
    """Whether a project's words are timed by listening to the narration."""
    engine = settings["timing"]["engine"]
    return engine == "whisper" or (engine == "auto" and settings["narration"]["engine"] not in MARKED)


def language_of(settings: dict, text: str) -> str:
    """The language of a scene as Whisper calls it: as set, else the voice's, else by the text's script; "" if none
    tells."""
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
    return next((language for language, letters in SCRIPTS.items() if re.search(f"[{letters}]", text)), "")


def model_for(model: str, language: str) -> str:
    """The size that hears a language: those with `.en`, and the distilled ones, hear English alone."""
    if model not in MODELS or language in ("", "en"):
        return model
    size = model.removeprefix("distil-").removesuffix(".en")
    return size if size in MODELS else "large-v3"


def own_id(model: str) -> str:
    """What a user's own folder is called where models are kept."""
    return f"own-{hashlib.sha256(model.encode()).hexdigest()[:12]}"


def own_files(model: str) -> list[str]:
    """The files of a user's own folder, as paths."""
    return [f"{model}/{name}" for name in FILES if Path(model, name).is_file()]


def memory_for(model: str) -> int:
    """Megabytes that listening takes: 363 were measured with `base`, whose weights are 145 and become half of that."""
    size = MODELS[model][1] if model in MODELS else sum(Path(file).stat().st_size for file in own_files(model)) // 10**6
    return round(300 + 1.7 * size)


def timing_problems(settings: dict) -> list[str]:
    """What is wrong with what a project listens by, a line each; the settings need not be used."""
    if not listens(settings):
        return []
    timing, problems = settings["timing"], []
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
