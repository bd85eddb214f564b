"""Break words into caption pages: which stand together, on which lines, from when to when."""

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

HOLD = 0.4
"""Seconds that a page stays after its last word; where the next page, or the scene's end, is no further than twice
that, the page stays until then, because a short gap flickers."""
PAUSE = 0.6
"""Seconds of silence that are heard as a break."""

SENTENCE = re.compile(r"[.!?…。！？؟۔।॥][\"'”’»)\]」』]*$")
CLAUSE = re.compile(r"[,;:،؛、，；：–—][\"'”’»)\]」』]*$")
ABBREVIATION = re.compile(r"((?i:mr|mrs|ms|dr|prof|st|vs|approx|e\.g|i\.e)|[A-Z])\.$")


@dataclass(frozen=True)
class Word:
    text: str
    start: float
    end: float
    width: float
    gap: float
    """Width of the space before it, where it does not begin a line."""
    runs: tuple = ()
    """How it is drawn; of no effect on pages."""


@dataclass(frozen=True)
class Limits:
    """What a page can hold."""

    width: float
    lines: int
    words: int


@dataclass(frozen=True)
class Page:
    start: float
    end: float
    lines: tuple[tuple[Word, ...], ...]

    @property
    def words(self) -> list[Word]:
        return [word for line in self.lines for word in line]


def paginate(words: Sequence[Word], limits: Limits, length: float) -> list[Page]:
    """The pages, in order, that are best as a whole: the shortest path over all breaks by `_cost`, as Knuth and Plass
    break paragraphs.

    Words are in order; one wider than `limits.width` has a line of its own. Pages do not overlap, last longer than
    nothing and end by `length` (seconds, as all times are).
    """
    best = [0.0, *[math.inf] * len(words)]
    before = [0] * (len(words) + 1)
    for first in range(len(words)):
        for stop in _stops(words, first, limits):
            cost = best[first] + _cost(words, first, stop, limits, length)
            if cost < best[stop]:
                best[stop], before[stop] = cost, first
    breaks = [len(words)]
    while breaks[-1]:
        breaks.append(before[breaks[-1]])
    pages = []
    for first, stop in pairwise(reversed(breaks)):
        start, end = _shown(words, first, stop, length)
        if start < end:
            pages.append(Page(start, end, _lines(tuple(words[first:stop]), limits)))
    return pages


def hundredths(time: float) -> float:
    """The last whole hundredth of a second, in which ASS counts, that is not after `time`."""
    return math.floor(round(100 * time, 4)) / 100


def scene_times(words: Iterable[dict], pad_before: float, length: float) -> Iterator[tuple[str, float, float]]:
    """Words of words.json as (text, start, end), from the start of a scene of `length` seconds: in hundredths, as ASS
    has them, in order and inside the scene."""
    before = 0.0
    for word in words:
        start, end = (round(min(max(before, pad_before + time), length), 2) for time in (word["start"], word["end"]))
        yield word["word"], start, max(start, end)
        before = start


def text_of(words: Iterable[Word]) -> str:
    """Words as they are read, on one line."""
    return "".join(" " * (word.gap > 0) + word.text for word in words).strip()


def line_width(line: Sequence[Word]) -> float:
    return sum(word.width for word in line) + sum(word.gap for word in line[1:])


def ends_sentence(words: Sequence[Word], last: int) -> bool:
    """Whether a sentence ends with this word: `Dr.` and a full stop before a small letter end none."""
    if not SENTENCE.search(words[last].text) or ABBREVIATION.match(words[last].text):
        return False
    return last + 1 == len(words) or not words[last + 1].text[0].islower()


def least_time(characters: int, words: int) -> float:
    """Seconds that a page should last: 0.8, from three words on 1.1, and at most 15 characters and 3 words a second."""
    return max(0.8 if words <= 2 else 1.1, characters / 15, words / 3)


def _stops(words: Sequence[Word], first: int, limits: Limits) -> Iterator[int]:
    """Where a page that begins at `first` may end (exclusive): after that word, and while the next one fits."""
    lines, filled = 1, 0.0
    for index in range(first, min(len(words), first + limits.words)):
        word = words[index]
        if index > first and filled + word.gap + word.width > limits.width:
            lines, filled = lines + 1, word.width
        else:
            filled += (word.gap if index > first else 0) + word.width
        if lines > limits.lines:
            return
        yield index + 1


def _cost(words: Sequence[Word], first: int, stop: int, limits: Limits, length: float) -> float:
    """What is wrong with a page, in pages: each one costs 1, so the fewest good ones win."""
    start, end = _shown(words, first, stop, length)
    if end <= start:
        return 100.0
    page = words[first:stop]
    seconds, least = end - start, least_time(len(text_of(page)), len(page))
    cost = 1 + 5 * max(0, 1 - seconds / least)
    cost += (1 - sum(word.width + word.gap for word in page) / (limits.width * limits.lines)) ** 2  # evens pages out
    for index in range(first, stop - 1):
        pause = words[index + 1].start - words[index].end
        cost += 4 * ends_sentence(words, index) + 8 * max(0, pause - PAUSE)
    if len(page) > 1 and CLAUSE.search(page[-2].text):  # one word of the next clause
        cost += 1
    if not ends_sentence(words, stop - 1):
        cost += (0.3 if CLAUSE.search(words[stop - 1].text) else 1) + (len(page) == 1)
    return cost


def _shown(words: Sequence[Word], first: int, stop: int, length: float) -> tuple[float, float]:
    """When a page is on the screen."""
    start = words[first].start
    if first == 0 and start <= HOLD:
        start = 0.0
    spoken, following = words[stop - 1].end, words[stop].start if stop < len(words) else length
    end = following if following - spoken <= 2 * HOLD else spoken + HOLD
    return start, min(round(end, 2), length)


def _lines(words: tuple[Word, ...], limits: Limits) -> tuple[tuple[Word, ...], ...]:
    """The fewest lines that fit, as even as they can be."""
    room = max(limits.width, *(word.width for word in words))
    lines = (words,)
    for count in range(1, min(limits.lines, len(words))):
        if max(map(line_width, lines)) <= room:
            break
        breaks = ((0, *inner, len(words)) for inner in combinations(range(1, len(words)), count))
        lines = min(
            (tuple(words[a:b] for a, b in pairwise(at)) for at in breaks), key=lambda s: max(map(line_width, s))
        )
    return lines
