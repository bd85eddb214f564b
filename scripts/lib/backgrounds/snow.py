"""Snow falling through a wood at dusk."""

from collections.abc import Iterator, Sequence

import numpy as np

from scripts.lib.backgrounds.paint import gradient, grid, noise, resize, rgb, shade, smoothstep, spots
from scripts.lib.backgrounds.trees import pines

LAYERS = 4


def snow(
    width: int,
    height: int,
    frames: int,
    rng: np.random.Generator,
    palette: Sequence[str] = ("#22345e", "#6f8fbd", "#d9e4f2", "#8aa2c6", "#14223d", "#ffffff"),
    flakes: float = 1.0,
) -> Iterator[np.ndarray]:
    """`palette`: the sky from its top down in three colours, the farthest trees, the nearest, the flakes.

    `flakes`: how many there are.
    """
    x, y = grid(width, height)
    unit = (width * height) ** 0.5
    fall = y / y[-1]
    moon = np.hypot(x + 0.14, y - 0.24 * y[-1, 0])
    scene = np.broadcast_to(shade(gradient(palette[:3], (0, 0.4, 0.75)), fall), (3, height, width)).copy()
    scene += 0.4 * np.exp(-moon / 0.1) + 0.4 * smoothstep(0.046, 0.038, moon)
    hues = shade(gradient(palette[3:5]), np.linspace(0, 1, LAYERS))
    ground, shadow = rgb(palette[2]), 0.75 * rgb(palette[1])
    for layer in range(LAYERS):
        near = layer / (LAYERS - 1)
        bank = resize(noise(rng, (4, 256), 2.2, low=0), int(width * 1.2), 4)[1, :width]
        level = (0.66 + 0.2 * near**1.3) * y[-1, 0] + 0.012 * bank
        count = int(width / unit * (60 - 38 * near))
        place = rng.uniform(0, width, count)
        tall = unit * (0.09 + 0.2 * near**1.5) * rng.uniform(0.5, 1.15, count)
        # The nearest stand aside, so that the wood opens in the middle.
        tall *= 1 - 0.75 * near * np.exp(-(((place / width - 0.45) / 0.22) ** 2))
        foot = level[place.astype(np.intp)] * unit + 0.02 * unit
        wood = pines(rng, width, height, np.stack([place, foot, tall], 1))
        tone = hues[:, layer, None, None]
        scene += (tone - scene) * wood
        drift = smoothstep(-1 / unit, 1 / unit, y - level)
        crest = smoothstep(0.09, 0, y - level) * (0.4 + 0.6 * np.exp(-np.abs(x + 0.14) / 0.15))
        shine = shadow + (ground - shadow) * (0.25 + 0.75 * crest)
        scene += (shine - scene) * drift
        scene += (rgb(palette[2]) - scene) * (0.2 * (1 - near) * smoothstep(0.35, 0.7, fall))

    white = rgb(palette[5])[:, 0]
    kinds = [
        _Flakes(rng, int(count * flakes), unit * size, fall_by, light, soft)
        for count, size, fall_by, light, soft in (
            (700, 0.0026, 0.3, 0.45, 1.0),
            (260, 0.0048, 0.5, 0.75, 1.0),
            (60, 0.011, 0.8, 0.5, 0.8),
            (12, 0.034, 1.2, 0.16, 0.45),
        )
    ]
    for frame in range(frames):
        out = scene.copy()
        for kind in kinds:
            kind.add(out, frame / frames, white)
        yield out


class _Flakes:
    """Flakes of one distance. Each falls a piece of its way in a loop, fades out and in again above."""

    def __init__(
        self, rng: np.random.Generator, count: int, size: float, fall: float, light: float, soft: float
    ) -> None:
        self.place, self.born = rng.uniform(0, 1, (2, count)), rng.uniform(0, 1, (3, count))
        self.size, self.light = size * rng.uniform(0.6, 1.4, count), light * rng.uniform(0.4, 1, count)
        self.fall, self.soft = fall * rng.uniform(0.8, 1.2, count), soft

    def add(self, frame: np.ndarray, time: float, hue: np.ndarray) -> None:
        _, height, width = frame.shape
        unit = (width * height) ** 0.5
        age = (time + self.born[0]) % 1
        sway = np.sin(2 * np.pi * (time + self.born[1])) + 0.5 * np.sin(2 * np.pi * (2 * time + self.born[2]))
        x = self.place[0] * width * 1.1 + unit * (0.06 * self.fall * (age - 0.5) + 0.012 * sway)
        y = height * (self.place[1] * 1.2 - 0.1) + unit * self.fall * (age - 0.5)
        spots(frame, x, y, self.size, hue * self.light * np.sqrt(np.sin(np.pi * age)), self.soft)
