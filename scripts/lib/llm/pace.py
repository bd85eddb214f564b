"""How long a text takes to be spoken, by its letters: a length to write to, before there is any sound."""

import unicodedata

RATES = {"espeak": 13.0}
"""Letters a second at speed 1.0. eSpeak: 13.6 English, 13.3 Russian, 12.9 German, 12.1 Spanish, pauses included."""
RATE = 12.0
"""Of other voices: people narrate some 160 English words a minute."""
LETTERS_A_WORD = 4.4
"""In English; as the words of a prompt are counted."""


def seconds(text: str, engine: str, speed: float) -> float:
    return sum(map(_weight, text)) / rate(engine, speed)


def rate(engine: str, speed: float) -> float:
    """Letters a second."""
    return RATES.get(engine, RATE) * speed


def _weight(letter: str) -> float:
    """Letters of an alphabet that take as long. Of eSpeak's languages: Mandarin has 3.5 characters a second, Japanese
    Kana and Thai 7.5, Hindi 6.5 letters; a digit is a word."""
    kind = unicodedata.category(letter)
    if kind == "Lo":
        name = unicodedata.name(letter, "")
        return 3.6 if name.startswith("CJK") else 2.5 if name.startswith("HANGUL") else 1.8
    return {"L": 1.0, "N": LETTERS_A_WORD}.get(kind[0], 0.0)
