"""What was heard laid beside what was written, character by character, so that spelling and script do not matter."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence

from scripts.lib.alignment import pairs

SAME = 0.6
"""The share of a word's characters that the other text must have, for the word to be found in it."""
MOST = 20_000
"""Characters that were heard and are looked at: ten minutes of fast speech."""

Span = tuple[float, float]


def match(written: Sequence[str], heard: Sequence[str]) -> tuple[list[Span | None], set[int]]:
    """For each written word where it was heard, or None; and the heard words that were not written.

    A place is a heard word's number and how far into it: (3.0, 4.0) is all of the fourth.
    """
    left, right = _characters(written), _characters(heard)[:MOST]
    same = pairs([c for c, _ in left], [c for c, _ in right])
    sizes = Counter(n for _, n in left), Counter(m for _, m in right)
    firsts = {m: place for place, (_, m) in reversed(list(enumerate(right)))}
    shared = Counter(right[m][1] for _, m in same)
    known = {m for m, count in shared.items() if count >= SAME * sizes[1][m]}
    places: dict[int, list[Span]] = {}
    for n, m in same:
        word = right[m][1]
        if word in known:
            step = 1 / sizes[1][word]
            start = word + (m - firsts[word]) * step
            places.setdefault(left[n][1], []).append((start, start + step))
    found = [
        (places[n][0][0], places[n][-1][1]) if len(places.get(n, [])) >= max(1, SAME * sizes[0][n]) else None
        for n in range(len(written))
    ]
    return found, set(sizes[1]) - known


def _characters(words: Sequence[str]) -> list[tuple[str, int]]:
    """The letters and digits of all words, each with the number of its word."""
    plain = (unicodedata.normalize("NFKC", word).casefold() for word in words)
    return [(c, n) for n, word in enumerate(plain) for c in word if unicodedata.category(c)[0] in "LMN"]
