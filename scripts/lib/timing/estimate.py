"""When each word is spoken, guessed from how it is written."""

import unicodedata

# Lengths in letters, fitted to 225 words and their marks as eSpeak NG speaks them (a letter: 58 ms; off by 93 ms).
BETWEEN, LETTER, KANA, SYLLABLE, SPOKEN_SIGN, SILENT = 1.0, 1.0, 2.0, 4.0, 5.0, 0.1
PAUSES = dict.fromkeys(",،、，", 2.5) | dict.fromkeys(";:؛；：–—", 4.0) | dict.fromkeys(".!?…؟।。！？", 5.0)
CLOSING = "\"'”’»)]}）」』"


def estimate(words: list[str], start: float, end: float) -> list[tuple[float, float]]:
    """The start and end of each word, in seconds, where speech lasts from `start` to `end`, pauses included."""
    return spread(words, [pause(word) for word in words[:-1]] + [0.0], start, end)


def spread(words: list[str], pauses: list[float], start: float, end: float) -> list[tuple[float, float]]:
    """The spans of words that together, with a pause after each, take from `start` to `end`."""
    lengths = [length(word) for word in words]
    unit = (end - start) / (sum(lengths) + sum(pauses))
    spans = []
    for letters, after in zip(lengths, pauses, strict=True):
        spans.append((start, start + unit * letters))
        start += unit * (letters + after)
    return spans


def pause(word: str) -> float:
    """How long a voice pauses after a word, in letters, by the mark that ends it."""
    return PAUSES.get(word.rstrip(CLOSING)[-1:], 0.0)


def is_spoken(word: str) -> bool:
    """Whether there is more to it than punctuation."""
    return any(map(_sound, word))


def length(word: str) -> float:
    """How long a word takes, in letters."""
    return BETWEEN + sum(map(_sound, word)) if is_spoken(word) else SILENT


def _sound(character: str) -> float:
    if "\u3400" <= character <= "\u9fff" or "\uac00" <= character <= "\ud7af":  # Han, Hangul
        return SYLLABLE
    if "\u3041" <= character <= "\u30ff":
        return KANA
    kind = unicodedata.category(character)[0]
    return LETTER if kind == "L" else SPOKEN_SIGN if kind in "NS" or character in "%&@#" else 0.0
