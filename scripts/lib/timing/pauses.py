"""Where a recording is heard, and where it pauses."""

from __future__ import annotations

from bisect import bisect_right

import numpy as np

from scripts.lib.audio import SILENCE

FRAME = 0.01
"""Seconds by which loudness is looked at."""
PAUSE = 0.2
"""Seconds of silence that are a pause; the stops of consonants are shorter."""
CLICK = 0.04
"""Seconds: what is shorter, between two pauses, is no speech."""
NOISE = 2.5
"""How far above the level that it hardly ever falls below a recording is heard: 8 dB above its own noise."""

Span = tuple[float, float]


class Sound:
    """Sound and silence of a recording, in seconds from its start."""

    def __init__(self, samples: np.ndarray, rate: int) -> None:
        """`samples` between -1 and 1."""
        size = round(FRAME * rate)
        self._levels = np.abs(np.pad(samples, (0, -len(samples) % size)).reshape(-1, size)).max(1, initial=0.0)
        peak = self._levels.max(initial=0.0)
        noise = np.quantile(self._levels, 0.1) if len(self._levels) else 0.0
        self._loud = self._levels > max(SILENCE * peak, min(NOISE * noise, 0.2 * peak), 1 / 32768)
        self._sums = np.concatenate(([0], np.cumsum(self._loud))) * FRAME
        self.stretches = self._stretches()

    def between(self, start: float, end: float) -> float:
        """Seconds of sound, silence left out; none where the end is before the start."""
        first, last = (min(max(0, round(time / FRAME)), len(self._loud)) for time in (start, end))
        return max(0.0, float(self._sums[last] - self._sums[first]))

    def pieces(self, longest: float, joined: float) -> list[Span]:
        """The recording from its first sound to its last, cut in its pauses, and where there is none for longer than
        `longest` seconds, where it is quietest; pieces that together last no longer than `joined` stay together."""
        parts = [part for stretch in self.stretches for part in self._cut(stretch, longest)]
        pieces = parts[:1]
        for start, end in parts[1:]:
            if end - pieces[-1][0] <= joined:
                pieces[-1] = pieces[-1][0], end
            else:
                pieces.append((start, end))
        return pieces

    def onset(self, time: float) -> float:
        """The time itself, or, in a pause, when the next sound begins; after the last, its end."""
        n = bisect_right(self.stretches, (time, time))
        if n and time < self.stretches[n - 1][1]:
            return time
        return self.stretches[n][0] if n < len(self.stretches) else self.stretches[-1][1]

    def offset(self, time: float) -> float:
        """The time itself, or, in a pause, when the sound before it ended."""
        n = bisect_right(self.stretches, (time, time))
        return min(time, self.stretches[n - 1][1]) if n else self.stretches[0][0]

    def _stretches(self) -> list[Span]:
        edges = np.flatnonzero(np.diff(np.concatenate(([0], self._loud.astype(np.int8), [0]))))
        joined: list[Span] = []
        for start, end in (edges.reshape(-1, 2) * FRAME).tolist():
            if joined and start - joined[-1][1] < PAUSE:
                joined[-1] = joined[-1][0], end
            else:
                joined.append((start, end))
        return [(start, end) for start, end in joined if end - start >= CLICK]

    def _cut(self, stretch: Span, longest: float) -> list[Span]:
        start, end = stretch
        if end - start <= longest:
            return [stretch]
        first, last = round((start + longest / 2) / FRAME), round((start + longest) / FRAME)
        cut = (first + int(np.argmin(self._levels[first:last]))) * FRAME
        return [(start, cut), *self._cut((cut, end), longest)]
