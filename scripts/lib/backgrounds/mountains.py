"""Sunrise over mountains: ridge behind ridge, with mist drifting between them."""

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.ndimage import gaussian_filter1d

from scripts.lib.backgrounds.paint import flowing, gradient, grid, noise, points, resize, rgb, shade, smoothstep
from scripts.lib.backgrounds.trees import pines

RIDGES = 6


def mountains(
    width: int,
    height: int,
    frames: int,
    rng: np.random.Generator,
    palette: Sequence[str] = ("#2b3f78", "#c77f8e", "#ffc48a", "#fff0cf", "#e59a83", "#15202f"),
    mist: float = 1.0,
) -> Iterator[np.ndarray]:
    """`palette`: the sky from its top down in three colours, the sun, the farthest ridge and the nearest."""
    x, y = grid(width, height)
    unit = (width * height) ** 0.5
    fall = y / y[-1]
    sun_x, sun_y = np.float32(-0.08), np.float32(0.42 * y[-1, 0])
    glare = rgb(palette[3])
    far = np.hypot(x - sun_x, y - sun_y)
    scene = np.broadcast_to(shade(gradient(palette[:3], (0, 0.3, 0.46)), fall), (3, height, width)).copy()
    scene += (glare - scene) * np.minimum(1, 0.75 * np.exp(-far / 0.09) + 0.4 * np.exp(-far / 0.35))
    scene += (glare - scene) * smoothstep(0.052, 0.047, far)
    veil = np.zeros((height, width), np.float32)
    hues = shade(gradient(palette[4:]), np.linspace(0, 1, RIDGES) ** 0.8)
    for layer in range(RIDGES):
        near = layer / (RIDGES - 1)
        rough = resize(noise(rng, (4, 1024), 1.25 + 0.1 * near), int(unit * (1.4 + 2.2 * near)), 4)[1]
        crest = (0.47 + 0.4 * near**1.15) * y[-1, 0] - (0.055 + 0.03 * near) * rough[:width]
        crest = crest + 0.12 * near * (0.5 - np.abs(x / x.max())) * (1 - near)
        below = y - crest
        mask = smoothstep(-0.7 / unit, 0.7 / unit, below)
        if layer == RIDGES - 1:
            count = width // 7
            place = rng.uniform(0, width, count)
            foot = crest[0, place.astype(np.intp)] * unit + 4
            trees = np.stack([place, foot, unit * rng.uniform(0.03, 0.085, count)], axis=1)
            mask = np.maximum(mask, pines(rng, width, height, trees))
        glow = np.exp(-np.hypot(x - sun_x, below * 0.5) / 0.3)
        tone = hues[:, layer, None, None] + (glare - hues[:, layer, None, None]) * (0.35 * (1 - near) * glow)
        scene += (tone - scene) * mask
        low = y - gaussian_filter1d(crest, 0.06 * unit, mode="nearest")  # mist does not follow each rock
        veil += (smoothstep(-0.02, 0.17, low) * (0.75 - 0.55 * near) - veil) * mask
    fog = rgb(palette[2]) * 0.55 + glare * 0.45
    birds = _Birds(rng)
    for frame, drift in enumerate(flowing(rng, (160, 64), 1.7, frames, (0.35, 0.0), 0.4, low=1)):
        thick = veil * np.clip(0.55 + 0.35 * resize(drift, width, height), 0, 1) * mist
        yield scene + (fog - scene) * thick - birds.shadow(frame / frames, width, height) * 0.6


class _Birds:
    """A flock that crosses the sky once in a loop."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.behind, self.aside = np.sort(rng.uniform(0, 0.2, 9)), rng.uniform(-0.05, 0.05, 9)
        self.beat = rng.uniform(0, 1, 9)

    def shadow(self, time: float, width: int, height: int) -> np.ndarray:
        unit = (width * height) ** 0.5
        span = np.linspace(-1, 1, 33)[:, None]
        wing = np.sin(2 * np.pi * (18 * time + self.beat))
        x = width * (-0.1 + 1.5 * time) - self.behind * unit + span * 0.011 * unit
        y = height * (0.27 - 0.06 * time) + self.aside * unit - (np.abs(span) ** 0.7 * wing * 0.006 + 0.001) * unit
        light = np.broadcast_to((1.2 - np.abs(span)) * 0.75, x.shape)
        return np.minimum(points((height, width), x.ravel(), y.ravel(), light.ravel()), 1)
