"""When each word of a script is spoken, by a recogniser. The words are known: it is only asked when.

A recording of up to half a minute is aligned as a whole. Where it is longer, or a word is next to impossible in it, or
sound is left that belongs to no word, the recogniser says what it hears, piece by piece between the pauses. The script
is laid beside that, and each piece aligned with the words that are its own.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from scripts.lib.problems import printable
from scripts.lib.timing.allotment import allot
from scripts.lib.timing.estimate import estimate, length, pause, spread
from scripts.lib.timing.matching import match
from scripts.lib.timing.pauses import Sound, Span
from scripts.lib.timing.recogniser import LONGEST, RATE, Heard, Recogniser, Spoken

IMPOSSIBLE = 0.0003
"""A word with a token less probable is not what is said. In 25 sentences, words in another's place had less but for one
(micro model: 0.0008; base: 0.067), and the right ones more: 0.03 (micro) and 0.0006 (base) at least."""
EDGE = 0.2
"""Seconds of silence that a piece keeps on each side, as far as there are."""
WHOLE, PHRASES = LONGEST - 2 * EDGE, 2.0
"""Seconds up to which pieces stay together: what is aligned at once, and what is listened to by itself."""
SLOW, MORE = 1.8, 0.25
"""A word takes at most so many times what is expected, and so many seconds more; else more is said than it. Of 24
sentences no word did, and wherever a sentence of three to six words was added, one."""
NOTICED = 0.8
"""Seconds of speech beyond the script that are worth telling."""
SIGNS = "#%&*/@\\_{}"
"""Punctuation to Unicode, and more than that to a voice."""


@dataclass(frozen=True)
class Timing:
    """Start, end and confidence of each word, in order; and in plain words where script and recording differ."""

    words: list[tuple[float, float, float]]
    doubts: list[str]


@dataclass(frozen=True)
class _Piece:
    """A part of the recording between two pauses, and the script's words, by number, that are spoken in it."""

    start: float
    end: float
    words: Sequence[int]
    by_ear: bool = False
    """Whether its words have the times at which they were heard."""


@dataclass(frozen=True)
class _Made:
    """When the script's words are spoken; None for those that are not."""

    pieces: list[_Piece]
    spoken: list[Spoken | None]


@dataclass(frozen=True)
class _Found:
    """A word of the script where it was heard: the number of the piece, start and end in seconds, and from which of the
    heard words to before which."""

    piece: int
    start: float
    end: float
    first: int
    last: int
    confidence: float = 0.0


@dataclass(frozen=True)
class _Report:
    """What was heard, the numbers of what of it the script does not have, and where each word of the script was."""

    heard: list[Heard]
    strange: set[int]
    found: list[_Found | None]
    edges: tuple[_Found, _Found]
    """As of a word before the first and one after the last."""

    def gaps(self) -> Iterator[tuple[range, _Found, _Found]]:
        """The words of the script between two that were heard, none or more, and these two."""
        known = [(n, found) for n, found in enumerate(self.found) if found]
        for (last, before), (following, after) in pairwise(
            [(-1, self.edges[0]), *known, (len(self.found), self.edges[1])]
        ):
            yield range(last + 1, following), before, after


def whisper(words: Sequence[str], samples: np.ndarray, recogniser: Recogniser) -> Timing:
    """`words` begin with the space before them, if there is one; `samples` at RATE, between -1 and 1."""
    scene = _Scene(words, samples, recogniser)
    if not scene.sound.stretches:
        spans = estimate([word.strip() for word in words], 0.0, len(samples) / RATE)
        return Timing([(*span, 0.0) for span in spans], ["nothing is heard in it"])
    spans = scene.sound.pieces(WHOLE, WHOLE)
    report = scene.listen(spans) if len(spans) > 1 else None
    made = [scene.align(scene.divide(spans, report) if report else [_Piece(*spans[0], range(len(words)))])]
    if not scene.is_sure(made[0], report):
        spans = scene.sound.pieces(WHOLE, PHRASES)
        report = scene.listen(spans)
        made.append(scene.align(scene.divide(spans, report)))
        made.append(scene.by_ear(made[1], report))
    best = max(reversed(made), key=scene.worth)
    return Timing(scene.times(best), scene.doubts(made, best, report) if report else [])


class _Scene:
    """The words of a script, their sound, and who is asked about them."""

    def __init__(self, words: Sequence[str], samples: np.ndarray, recogniser: Recogniser) -> None:
        self.words, self.samples, self.recogniser = words, samples, recogniser
        self.sound = Sound(samples, RATE)
        self.letters = [length(word.strip()) for word in words]
        self.letter = self.sound.between(0.0, len(samples) / RATE) / sum(self.letters)
        """Seconds, if the script is what is spoken."""

    def listen(self, spans: list[Span]) -> _Report:
        heard: list[Heard] = []
        owners: list[int] = []
        for number, (start, end) in enumerate(spans):
            offset, clip = self._clip(start, end)
            for word in self.recogniser.hear(clip):
                times = (min(max(start, offset + time), end) for time in (word.start, word.end))
                heard.append(Heard(word.word, *times, word.confidence))
                owners.append(number)
        places, strange = match(self.words, [word.word for word in heard])
        found = [place and _found(place, heard, owners) for place in places]
        edges = (
            _Found(0, spans[0][0], spans[0][0], 0, 0),
            _Found(len(spans) - 1, spans[-1][1], spans[-1][1], len(heard), len(heard)),
        )
        return _Report(heard, strange, found, edges)

    def divide(self, spans: list[Span], report: _Report) -> list[_Piece]:
        """Each piece with the words that were heard in it, and as many of the others as there is room for."""
        known = [n for n, found in enumerate(report.found) if found]
        letter = self.letter
        if 3 * (letters := sum(self.letters[n] for n in known)) > sum(self.letters):
            letter = sum(self.sound.between(report.found[n].start, report.found[n].end) for n in known) / letters
        words: list[list[int]] = [[] for _ in spans]
        for n in known:
            words[report.found[n].piece].append(n)
        for between, before, after in report.gaps():
            pieces = range(before.piece, after.piece + 1)
            runs = allot(
                [letter * self.letters[n] for n in between],
                [self.sound.between(max(spans[n][0], before.end), min(spans[n][1], after.start)) for n in pieces],
                [n < 0 or pause(self.words[n].strip()) > 0 for n in range(between.start - 1, between.stop)],
            )
            for n, run in zip(pieces, runs, strict=True):
                words[n] += between[run.start : run.stop]
        return [_Piece(*span, sorted(own)) for span, own in zip(spans, words, strict=True)]

    def align(self, pieces: list[_Piece]) -> _Made:
        spoken: list[Spoken | None] = [None] * len(self.words)
        for piece in pieces:
            words = [self.words[n] for n in piece.words]
            offset, clip = self._clip(piece.start, piece.end)
            aligned = self.recogniser.align(words, clip) if words else []
            if aligned is None:  # too many at once
                spans = estimate([word.strip() for word in words], piece.start - offset, piece.end - offset)
                aligned = [Spoken(*span, 0.0, 0.0) for span in spans]
            for n, word in zip(piece.words, aligned, strict=True):
                spoken[n] = replace(word, start=offset + word.start, end=offset + word.end)
        return _Made(pieces, spoken)

    def by_ear(self, made: _Made, report: _Report) -> _Made:
        """The same, but pieces of which more words were heard than are likely have the times at which they were."""
        pieces, spoken = list(made.pieces), list(made.spoken)
        for number, piece in enumerate(made.pieces):
            heard = sum(report.found[n] is not None for n in piece.words)
            likely = sum(_is_likely(made.spoken[n]) for n in piece.words) - self._surplus(piece, made.spoken)
            if heard and heard >= likely < len(piece.words):
                pieces[number] = replace(piece, by_ear=True)
                for n in piece.words:
                    found = report.found[n]
                    spoken[n] = found and Spoken(found.start, found.end, found.confidence, found.confidence)
        return _Made(pieces, spoken)

    def is_sure(self, made: _Made, report: _Report | None) -> bool:
        """Whether every plain word may be said where it stands, or was heard, and all sound is of some word."""
        return not any(self._surplus(piece, made.spoken) for piece in made.pieces) and all(
            word is None or _is_likely(word) or not _is_plain(self.words[n]) or (report is not None and report.found[n])
            for n, word in enumerate(made.spoken)
        )

    def worth(self, made: _Made) -> float:
        """How many words are where they may be, each by how likely that is, less as many as would fit into the sound
        that is of none."""
        shares = (1 - math.log(max(word.least, IMPOSSIBLE)) / math.log(IMPOSSIBLE) for word in made.spoken if word)
        return sum(shares) - sum(self._surplus(piece, made.spoken) for piece in made.pieces)

    def times(self, made: _Made) -> list[tuple[float, float, float]]:
        """Words begin and end with sound; those that are not spoken share the time between their neighbours."""
        times: list[tuple[float, float, float]] = []
        end, waiting = self.sound.stretches[0][0], []
        for n, word in enumerate([*made.spoken, None]):
            if n < len(self.words) and word is None:
                waiting.append(self.words[n].strip())
                continue
            start = self.sound.onset(word.start) if word else self.sound.stretches[-1][1]
            if waiting:
                spans = spread(waiting, [0.0] * len(waiting), end, max(end, start))
                times += [(*span, 0.0) for span in spans]
                waiting = []
            if word:
                longest = 2 * (SLOW * self.letter * self.letters[n] + MORE)
                end = max(start, min(self.sound.offset(word.end), start + longest))
                times.append((start, end, word.confidence))
        return times

    def doubts(self, made: list[_Made], best: _Made, report: _Report) -> list[str]:
        """Where what was heard is not the script, whichever way it was tried."""
        doubts = []
        for between, before, after in report.gaps():
            missed = [
                n for n in between if _is_plain(self.words[n]) and not any(_is_likely(one.spoken[n]) for one in made)
            ]
            others = [report.heard[n] for n in range(before.last, after.first) if n in report.strange]
            said = _quoted(word.word for word in others)
            script = _quoted(self.words[missed[0] : missed[-1] + 1]) if missed else ""
            if missed and sum(self.sound.between(word.start, word.end) for word in others) > MORE / 2:
                doubts.append(f"at {others[0].start:.1f} s {said} is heard instead of {script}")
            elif missed:
                doubts.append(f"{script} is not heard")
            elif len(others) > 1 and self._beyond(others, best) > NOTICED:
                doubts.append(f"at {others[0].start:.1f} s {said} is heard, which is not in the script")
        return doubts

    def _clip(self, start: float, end: float) -> tuple[float, np.ndarray]:
        """A piece with silence at its edges: where that begins, and its samples."""
        start = max(0.0, start - EDGE)
        return start, self.samples[round(start * RATE) : round((end + EDGE) * RATE)]

    def _beyond(self, others: list[Heard], made: _Made) -> float:
        """Seconds of sound from the first to the last of some heard words where no word of the script is."""
        start, end = others[0].start, others[-1].end
        known = sum(self.sound.between(max(start, word.start), min(end, word.end)) for word in made.spoken if word)
        return self.sound.between(start, end) - known

    def _surplus(self, piece: _Piece, spoken: list[Spoken | None]) -> float:
        """How many words would fit into the sound that a piece has beyond what its own can take."""
        if piece.by_ear or not piece.words:
            return 0.0
        edges = [piece.start, *(spoken[n].start for n in piece.words[1:]), piece.end]
        seconds = 0.0
        for n, (start, end) in zip(piece.words, pairwise(edges), strict=True):
            expected = self.letter * self.letters[n]
            sound = self.sound.between(start, end)
            seconds += sound - expected if sound > SLOW * expected + MORE else 0.0
        return seconds * len(self.letters) / (self.letter * sum(self.letters))


def _is_likely(word: Spoken | None) -> bool:
    return word is not None and word.least >= IMPOSSIBLE


def _is_plain(word: str) -> bool:
    """Whether it is spoken as it is written: no number, no sign, no abbreviation."""
    kinds = [unicodedata.category(c)[0] for c in word.strip()]
    letters = [n for n, kind in enumerate(kinds) if kind in "LM"]
    if len(letters) < 2 or any(c in SIGNS for c in word):
        return False
    inside = zip(word.strip()[letters[0] : letters[-1]], kinds[letters[0] :], strict=False)
    return all(kind in "LM" or c in "'’-" for c, kind in inside) and set(kinds) <= set("LMP")


def _found(place: tuple[float, float], heard: list[Heard], owners: list[int]) -> _Found:
    """`place` in the numbers of heard words, fractions for a part of one."""
    first, last = int(place[0]), math.ceil(place[1] - 1e-6)
    left, right = heard[first], heard[last - 1]
    start = left.start + (place[0] - first) * (left.end - left.start)
    end = right.start + (place[1] - last + 1) * (right.end - right.start)
    return _Found(owners[first], start, end, first, last, heard[first].confidence)


def _quoted(words: Iterable[str]) -> str:
    return f"“{printable(''.join(words).strip(), 60)}”"
