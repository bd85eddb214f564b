"""When each word is spoken, by the marks of the voice itself."""

from bisect import bisect_right
from itertools import accumulate, pairwise

from scripts.lib.timing.estimate import is_spoken, spread


def native(words: list[tuple[int, str]], marks: list[dict]) -> list[tuple[float, float]]:
    """The start and end, in seconds, of each word (its offset in the text, and itself).

    A word takes all the marks from its own place on: a number has several. Words without one share the time of the
    word before them, because a voice runs `of the` together; but a dash goes with the word after it, because a voice
    marks the dash in place of that word.
    """
    ends = [offset + len(word) for offset, word in words]
    firsts = []
    for n in range(len(words)):
        firsts.append(n if not n or is_spoken(words[n - 1][1]) else firsts[-1])
    places = [firsts[min(bisect_right(ends, mark["offset"]), len(words) - 1)] for mark in marks]
    spoken: dict[int, tuple[float, float]] = {}
    for place, mark in zip(accumulate(places, max), marks, strict=True):
        place = place if place > places[0] else 0
        start, end = spoken.get(place, (mark["start"], 0.0))
        spoken[place] = start, max(end, mark["end"])
    return [
        span
        for place, following in pairwise([*spoken, len(words)])
        for span in spread([word for _, word in words[place:following]], [0.0] * (following - place), *spoken[place])
    ]
