"""Folds of soft light that flow into each other, like silk in slow wind."""

from collections.abc import Iterator, Sequence

import numpy as np

from scripts.lib.backgrounds.paint import flowing, gradient, grid, rgb, shade


def silk(
    width: int,
    height: int,
    frames: int,
    rng: np.random.Generator,
    palette: Sequence[str] = ("#160a3a", "#4a1f9e", "#c23a9c", "#ff8a5c", "#ffd0a0"),
    folds: float = 1.0,
) -> Iterator[np.ndarray]:
    """`palette`: five colours that run through the cloth, dark to bright; `folds`: how many there are."""
    x, y = grid(width, height)
    table = gradient(palette)
    sheen = rgb(palette[-1])
    steep = np.float32(0.06 * (width * height) ** 0.5)
    shape = height, width
    bends = flowing(rng, shape, 3.8, frames, (0.3, 0.15), 0.6, low=0)
    tints = flowing(rng, shape, 3.8, frames, (-0.2, 0.1), 0.5, low=0)
    for bend, tint in zip(bends, tints, strict=True):
        phase = folds * (2.3 * bend + 5.0 * (x + 0.7 * y) + 0.8 * tint)
        cloth = np.sin(phase) + 0.35 * np.sin(2.3 * phase + 1.5 * tint)
        down, right = (steep * slope for slope in np.gradient(cloth))
        level = 1 / np.sqrt(1 + right * right + down * down)
        light = np.clip((0.45 * right - 0.5 * down + 0.75) * level, 0, 1)
        gloss = light * light
        gloss *= gloss
        gloss *= gloss
        out = shade(table, 0.42 + 0.17 * tint + 0.13 * cloth + 0.25 * (light - 0.6))
        out *= 0.35 + 0.75 * light
        yield out + sheen * (0.35 * gloss)
