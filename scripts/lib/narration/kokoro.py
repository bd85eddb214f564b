"""Speech by Kokoro, a neural voice of 82 million parameters, on this machine."""

import difflib
import re
import zipfile
from array import array
from pathlib import Path

from scripts.lib.errors import UserError
from scripts.lib.narration.marks import word_marks
from scripts.lib.narration.onnx import samples_of, session
from scripts.lib.narration.phonemes import phonemizer, plain

LANGUAGES = {"a": "en-us", "b": "en", "e": "es", "f": "fr", "h": "hi", "i": "it", "p": "pt-br"}
"""A voice's name begins with its language, and then says f or m. The values are eSpeak NG's files of voices."""
UNSPOKEN = {"j": "Japanese", "z": "Chinese"}
"""Their texts are turned into sounds by dictionaries of their own, which are not here."""


def speak(text: str, voice: str, speed: float, model: Path, voices: Path) -> tuple[array, list[dict] | None]:
    """Speech (mono, 16 bits, 48 kHz), and marks where the model tells how long it makes each sound.

    Raises UserError for a voice that is not there or whose language is not spoken, for files that are no model, and
    for a text of which nothing is spoken.
    """
    from kokoro_onnx import Kokoro

    loaded = session(model, model)
    inputs = {put.name for put in loaded.get_inputs()}
    if not {"style", "speed"} <= inputs:
        raise UserError(f"{model}: is no model of Kokoro: it takes {', '.join(sorted(inputs))}")
    if not zipfile.is_zipfile(voices):
        raise UserError(f"{voices}: is no file of Kokoro's voices; take the voices-v1.0.bin of its release")
    kokoro = Kokoro.from_session(loaded, str(voices))
    with kokoro.voices as styles:
        if voice not in styles:
            near = difflib.get_close_matches(voice, styles, n=5, cutoff=0.5) or sorted(styles)
            raise UserError(f"narration.voice: Kokoro has no voice {voice!r}; near it: {', '.join(near)}")
        style = styles[voice]
    if voice[0] in UNSPOKEN and _named(voice):
        raise UserError(
            f"narration.voice: {UNSPOKEN[voice[0]]} is not spoken by Kokoro here; ask a server that does, with "
            "narration.engine: openai, or choose espeak"
        )
    phonemize = phonemizer(LANGUAGES.get(voice[0], "en-us") if _named(voice) else "en-us")

    def sounds(words: str) -> str:
        found = " ".join(phonemize(words)).replace("ʲ", "")  # a glide between words, which Kokoro was not taught
        return kokoro.tokenizer.known(found)

    spoken = sounds(plain(text))
    if not any(sound.isalpha() for sound in spoken):
        raise UserError(f"the voice {voice} has no sound for {text[:60]!r}; add words, or choose another voice")
    sound, rate, timings = kokoro.create_timed(spoken, style, speed, is_phonemes=True)
    marks = word_marks(text, [(each.phoneme, each.start, each.end) for each in timings], sounds)
    return samples_of(sound, rate), marks


def _named(voice: str) -> bool:
    return bool(re.match("[a-z][fm]_", voice))
