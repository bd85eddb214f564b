"""How long a text takes to be spoken, by its letters: a length to write to, before there is any sound."""

import unicodedata

RATES = {"espeak": 13.0}
"""Letters a second at speed 1.0. eSpeak: 13.6 English, 13.3 Russian, 12.9 German, 12.1 Spanish, pauses included."""
RATE = 12.0
"""Of other voices: people narrate some 160 English words a minute."""
SILENT = {"fr": 1.4}
"""Languages, by their code, that write so many letters for one that is heard in others."""
LETTERS_A_WORD = 4.4
"""In English; as the words of a prompt are counted."""


def seconds(text: str, voice: dict) -> float:
    """`voice` has `engine`, `speed` and `language`, a code or ""."""
    return sum(map(_weight, text)) / rate(voice)


def rate(voice: dict) -> float:
    """Letters a second."""
    return RATES.get(voice["engine"], RATE) * voice["speed"] * SILENT.get(voice["language"], 1.0)


def _weight(letter: str) -> float:
    """Letters of an alphabet that take as long. Of eSpeak's languages: Mandarin has 3.5 characters a second, Japanese
    Kana and Thai 7.5, Hindi 6.5 letters; Arabic, Persian, Urdu and Hebrew, which write few vowels, 8 to 11. A digit is
    a word."""
    kind = unicodedata.category(letter)
    if kind == "Lo":
        name = unicodedata.name(letter, "")
        script = name.partition(" ")[0]
        return {"CJK": 3.6, "HANGUL": 2.5, "ARABIC": 1.4, "HEBREW": 1.4}.get(script, 1.8)
    return {"L": 1.0, "N": LETTERS_A_WORD}.get(kind[0], 0.0)
