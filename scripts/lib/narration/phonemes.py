"""A text's sounds, by the eSpeak NG that Piper brings along: it knows `3.5`, `$5` and `e.g.`."""

import atexit
import functools
import os
import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

TITLES = "Dr|Jr|Mr|Mrs|Ms|Prof|Sr|St|vs"
"""Abbreviations whose full stop eSpeak takes for the end of a sentence."""


def plain(text: str) -> str:
    """The text without what would be read as an instruction or run two words together.

    Piper takes what stands in [[ ]] for sounds; dots of omission, to eSpeak, are not even a space.
    """
    text = text.replace("[", "(").replace("]", ")")
    text = re.sub(r"\s*(…|\.{2,})\s*", ", ", text)
    return re.sub(rf"\b({TITLES})\.(?=\s)", r"\1", text)


def phonemizer(language: str) -> Callable[[str], list[str]]:
    """A function from a text to its sentences, in the phonetic alphabet, with what remains of their punctuation.

    `language` as one of eSpeak's files is named.
    """
    from piper.phonemize_espeak import EspeakPhonemizer

    espeak = EspeakPhonemizer(espeak_data())
    return lambda text: ["".join(sentence) for sentence in espeak.phonemize(language, text)]


@functools.cache
def espeak_data() -> Path:
    """The data of Piper's eSpeak, by a way that it can go: it knows no path of more than 159 bytes."""
    from piper.phonemize_espeak import ESPEAK_DATA_DIR

    if len(os.fsencode(ESPEAK_DATA_DIR)) < 160:
        return ESPEAK_DATA_DIR
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)  # it is read as long as the process lasts
    (folder / "data").symlink_to(ESPEAK_DATA_DIR)
    return folder / "data"
