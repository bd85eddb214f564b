"""What was heard laid beside what was written, character by character, so that spelling and script do not matter."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence

import numpy as np

UNLIKE, GAP = -1.0, -0.5
"""Beside 1 for a character that is the same; Needleman & Wunsch, 1970."""
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
    pairs = _pairs([c for c, _ in left], [c for c, _ in right])
    sizes = Counter(n for _, n in left), Counter(m for _, m in right)
    firsts = {m: place for place, (_, m) in reversed(list(enumerate(right)))}
    shared = Counter(right[m][1] for _, m in pairs)
    known = {m for m, count in shared.items() if count >= SAME * sizes[1][m]}
    places: dict[int, list[Span]] = {}
    for n, m in pairs:
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


def _pairs(left: list[str], right: list[str]) -> list[tuple[int, int]]:
    """The places of the equal characters on the best path through both texts."""
    b = np.array(right, dtype="U1")
    falls = (GAP * np.arange(len(b) + 1)).astype(np.float32)
    row, moves = falls, []  # of the moves: 0 takes one of each text, 1 one of the left, 2 one of the right
    for character in left:
        diagonal = row[:-1] + np.where(b == character, np.float32(1), np.float32(UNLIKE))
        down = row + np.float32(GAP)
        best = down.copy()
        best[1:] = np.maximum(diagonal, down[1:])
        across = np.maximum.accumulate(best - falls) + falls
        move = np.full(len(b) + 1, 2, dtype=np.int8)
        move[across <= down] = 1
        move[1:][across[1:] <= diagonal] = 0
        moves.append(move)
        row = across
    pairs = []
    n, m = len(left), len(right)
    while n and m:
        move = int(moves[n - 1][m])
        n, m = n - (move != 2), m - (move != 1)
        if move == 0 and left[n] == right[m]:
            pairs.append((n, m))
    return pairs[::-1]
