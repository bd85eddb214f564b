"""Noise that drifts as a whole, and changes as it goes."""

from collections.abc import Iterator

import numpy as np
from scipy import fft

from scripts.lib.backgrounds.paint import noise


def drifting(
    rng: np.random.Generator,
    shape: tuple[int, int],
    slope: float,
    frames: int,
    drift: tuple[float, float] = (0.0, 0.0),
    churn: float = 0.0,
    low: float = 0.0,
) -> Iterator[np.ndarray]:
    """As `paint.flowing`, but all the waves move alike, however short the drift is.

    Two noises drift half a loop apart; each comes up from nothing, and is gone before it starts anew.
    """
    down, right = fft.fftfreq(shape[0], 1 / shape[0])[:, None], fft.rfftfreq(shape[1], 1 / shape[1])[None]
    half = frames // 2
    starts, steps, now = [], [], []
    for lead in (0, half):
        start = fft.rfft2(noise(rng, shape, slope, low))
        turns = churn * rng.standard_normal(start.shape) - (drift[0] * right + drift[1] * down)
        starts.append(start)
        steps.append(np.exp(2j * np.pi / frames * turns).astype(np.complex64))
        now.append(start * np.exp(2j * np.pi * lead / frames * turns).astype(np.complex64))
    for n in range(frames):
        mixed = np.zeros_like(now[0])
        for which, age in enumerate((n, (n + half) % frames)):
            if age == 0:
                now[which] = starts[which].copy()
            mixed += now[which] * np.float32(np.sin(np.pi * age / frames))
            now[which] *= steps[which]
        yield fft.irfft2(mixed, shape)
