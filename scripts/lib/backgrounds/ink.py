"""Ink and silk: colours that flow into one another in folds."""

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.ndimage import gaussian_filter

from scripts.lib.backgrounds.paint import flowing, gradient, grid, noise, rgb, shade, smoothstep
from scripts.lib.backgrounds.sampling import double, sample

SIZE = 768
"""Side of the tables of noise."""
SPAN = 3.0
"""Side of a table, in the unit of the frame's coordinates: more than a frame shows, so that nothing is seen twice."""


def ink(
    width: int,
    height: int,
    frames: int,
    rng: np.random.Generator,
    palette: Sequence[str] = ("#07021c", "#2a0d63", "#7d1c8c", "#d9465c", "#ff8f3a", "#ffdf9e"),
    sheen: str = "#ffe6d2",
    flow: float = 1.0,
) -> Iterator[np.ndarray]:
    """`palette`: the colours from the deepest fold to the highest; `sheen`: the light on them; `flow`: the speed.

    Noise is bent by noise that is bent by noise (https://iquilezles.org/articles/warp/), and lit as a cloth would be.
    """
    wide, high = width // 2, height // 2
    unit = (wide * high) ** 0.5
    x, y = (axis * np.float32(SIZE / SPAN) for axis in grid(wide, high))
    colours, light = gradient(palette), rgb(sheen)
    bend = (_smooth(rng, 2.6, 10) + 1j * _smooth(rng, 2.6, 10)).astype(np.complex64)
    folds = _smooth(rng, 2.4, 12)
    breeze = zip(*(flowing(rng, (high, wide), 3.0, frames, churn=1.1 * flow, low=1) for _ in range(2)), strict=True)
    for n, (across, down) in enumerate(breeze):
        turn = np.complex64(18 * flow * np.exp(2j * np.pi * n / frames))
        u = x + 22 * across
        v = y + 22 * down
        bent = sample(bend, v + turn.imag, u + turn.real)
        cloth = sample(folds, v + 70 * bent.imag + turn.real, u + 70 * bent.real - turn.imag)
        slope_y, slope_x = np.gradient(cloth, np.float32(1 / unit))
        steep = slope_x * slope_x + slope_y * slope_y
        facing = (1 - 0.07 * slope_x - 0.1 * slope_y) / np.sqrt(1 + 0.02 * steep)
        body = shade(colours, 0.44 + 0.2 * cloth + 0.1 * bent.real)
        gloss = smoothstep(0.9, 1.6, facing)
        body *= 0.34 + 0.66 * smoothstep(-0.5, 1.3, facing) + 0.45 * gloss
        body += light * (0.14 * gloss)
        yield np.stack([double(plane) for plane in np.minimum(body, 1)])


def _smooth(rng: np.random.Generator, slope: float, blur: float) -> np.ndarray:
    table = gaussian_filter(noise(rng, (SIZE, SIZE), slope, low=1.5), blur, mode="wrap")
    return table / table.std()
