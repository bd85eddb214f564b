"""Speech by eSpeak NG, on this machine: the library and all its voices are in the `espeakng-loader` wheel."""

import ctypes
import difflib
import os
import tempfile
from array import array
from itertools import count, pairwise, takewhile
from pathlib import Path

import espeakng_loader

from scripts.lib.audio import SILENCE, loudest, resample, sound_end
from scripts.lib.errors import UserError

# Of speak_lib.h. The text is plain: neither SSML nor phonemes in [[ ]] are read.
SYNCHRONOUS, DONT_EXIT, UTF8, BY_CHARACTER, WORD = 2, 0x8000, 1, 1, 1
RATE, VOLUME = 1, 2

WORDS_PER_MINUTE = 160
"""At speed 1.0. eSpeak's own 175 comes out at over 200 words of running text a minute: too fast to listen to, and for
captions to be read."""
HEADROOM = 70
"""Percent of full volume: at 100 some voices reach full scale, and eSpeak turns itself down in the middle of words."""
PAUSE = 0.05
"""Seconds of silence that end a word before the next begins; shorter ones are the stops of its own consonants."""


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("identifier", ctypes.c_uint),
        ("position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("milliseconds", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("name", ctypes.c_char * 8),
    )


class _Voice(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_void_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte * 4),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(_Event))


def speak(text: str, voice: str, speed: float) -> tuple[array, list[dict]]:
    """Speech (mono, 16 bits, 48 kHz), and what is said when.

    Marks, in the order they are spoken: `start` and `end` in seconds, `offset` and `length` in characters of the text.
    There may be several for one word (numbers), and one for several (`of the`). The same text gives the same samples.

    Raises UserError for a voice that is not there, and for a text of which nothing is spoken.
    """
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        data.symlink_to(espeakng_loader.get_data_path())  # eSpeak knows no path of more than 159 bytes
        espeak = ctypes.CDLL(espeakng_loader.get_library_path())
        rate = espeak.espeak_Initialize(SYNCHRONOUS, 0, os.fsencode(data), DONT_EXIT)
        espeak.espeak_ng_SetRandSeed(ctypes.c_long(1))  # else the time of day decides how a whispering voice sounds
        try:
            espeak.espeak_SetVoiceByName(_voice(espeak, voice, data).encode())
            espeak.espeak_SetParameter(RATE, round(WORDS_PER_MINUTE * speed), 0)
            espeak.espeak_SetParameter(VOLUME, HEADROOM, 0)
            samples, events = _synthesise(espeak, text)
        finally:
            espeak.espeak_Terminate()
            # The synthesiser would go on where it stopped, and the next text sound otherwise: it is unloaded.
            ctypes.CDLL(None).dlclose(ctypes.c_void_p(espeak._handle))
    if not events or not loudest(samples):
        raise UserError(
            f"the voice {voice} has no sound for {text[:60]!r}; add words, or choose a narration.voice of its language"
        )
    return resample(samples, rate), _marks(events, samples, rate)


def _synthesise(espeak: ctypes.CDLL, text: str) -> tuple[array, list[tuple[int, int, int]]]:
    """The samples, and the milliseconds, offset and length of each word event."""
    samples, events = array("h"), []

    @_CALLBACK
    def receive(chunk: int | None, length: int, event: ctypes.Array) -> int:
        if chunk:
            samples.frombytes(ctypes.string_at(chunk, 2 * length))
        for now in takewhile(lambda now: now.type, (event[n] for n in count())):
            if now.type == WORD:
                events.append((now.milliseconds, now.position - 1, now.length))
        return 0

    espeak.espeak_SetSynthCallback(receive)
    data = text.encode()
    espeak.espeak_Synth(data, ctypes.c_size_t(len(data) + 1), 0, BY_CHARACTER, 0, UTF8, None, None)
    return samples, events


def _marks(events: list[tuple[int, int, int]], samples: array, rate: int) -> list[dict]:
    limit = SILENCE * loudest(samples)
    marks = []
    for (start, offset, length), (next_start, _, _) in pairwise([*events, (1000 * len(samples) // rate, 0, 0)]):
        end = 1000 * sound_end(samples, start * rate // 1000, next_start * rate // 1000, limit) // rate
        end = max(start, end) if next_start - end > 1000 * PAUSE else next_start
        marks.append({"start": start / 1000, "end": end / 1000, "offset": offset, "length": length})
    return marks


def _voice(espeak: ctypes.CDLL, name: str, data: Path) -> str:
    """eSpeak's identifier of the voice `name`, a language or a file's name, and its variant.

    eSpeak itself keeps the voice it has when a name is unknown, and knows `fr`, but not `fr-fr`.
    """
    language, plus, variant = name.partition("+")
    known = _known(espeak)
    if language.lower() not in known:
        raise UserError(f"narration.voice: eSpeak NG has no voice {language!r}; {_near(language.lower(), known)}")
    variants = {path.name.lower(): path.name for path in (data / "voices/!v").iterdir()}
    if plus and variant.lower() not in variants:
        raise UserError(f"narration.voice: eSpeak NG has no variant {variant!r}; {_near(variant.lower(), variants)}")
    return known[language.lower()] + (f"+{variants[variant.lower()]}" if plus else "")


def _known(espeak: ctypes.CDLL) -> dict[str, str]:
    """The identifiers of all voices by their files' names and languages, each voice's own name before shared ones."""
    espeak.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
    voices = espeak.espeak_ListVoices(None)
    claims = []
    for voice in takewhile(bool, (voices[n] for n in count())):
        identifier = voice.contents.identifier.decode()
        claims.append((identifier.rpartition("/")[2].lower(), 0, identifier))
        at = voice.contents.languages
        while priority := ctypes.string_at(at, 1)[0]:  # a byte of priority and a string for each language
            language = ctypes.string_at(at + 1)
            claims.append((language.decode().lower(), priority, identifier))
            at += 2 + len(language)
    return {name: identifier for name, _, identifier in sorted(claims, reverse=True)}


def _near(name: str, known: dict[str, str]) -> str:
    near = [other for other in sorted(known) if other.split("-")[0] == name.split("-")[0]]
    near = near or difflib.get_close_matches(name, known, n=5, cutoff=0.5)
    return f"near it: {', '.join(near)}" if near else f"choose one of {', '.join(sorted(known))}"
