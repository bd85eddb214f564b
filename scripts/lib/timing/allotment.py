"""Which words are spoken in which piece of a recording, by nothing but their lengths: Gale & Church, "A Program for
Aligning Sentences in Bilingual Corpora", 1993, with speech in the place of the other language."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

LEFT_OUT = 0.8
"""Seconds that it counts at most to speak no word in a piece, or a word nowhere."""
MID_PHRASE = 0.3
"""Seconds that it counts to go on in another piece where no mark ends a phrase."""


def allot(needs: Sequence[float], rooms: Sequence[float], ends: Sequence[bool]) -> list[range]:
    """For each piece the run of words that is spoken in it, in order; runs may be empty, and words left out.

    `needs`: seconds of each word; `rooms`: seconds of speech in each piece; `ends`: whether a phrase ends before each
    word, and after the last.
    """
    at = np.concatenate(([0.0], np.cumsum(needs)))
    spans = at[None, :] - at[:, None]  # from word i up to word j
    forward = np.where(np.tri(len(at), k=-1, dtype=bool), np.inf, 0.0)
    skips = np.minimum(spans, LEFT_OUT) + forward
    breaks = np.where(ends, 0.0, MID_PHRASE)
    costs = np.where(np.arange(len(at)) == 0, 0.0, np.inf)
    ways = []
    for room in rooms:
        skipped = costs[:, None] + skips
        costs = skipped.min(0)
        fits = np.abs(spans - room) + forward
        fits[np.diag_indices(len(at))] = min(room, LEFT_OUT)
        filled = costs[:, None] + fits
        ways.append((skipped.argmin(0), filled.argmin(0)))
        costs = filled.min(0) + breaks
    last = int(np.argmin(costs - breaks + skips[:, -1]))
    runs = []
    for skipped, filled in reversed(ways):
        first = int(filled[last])
        runs.append(range(first, last))
        last = int(skipped[first])
    return runs[::-1]
