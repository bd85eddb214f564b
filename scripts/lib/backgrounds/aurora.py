"""Northern lights over a lake: curtains of light above dark woods, mirrored in still water."""

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.signal import lfilter

from scripts.lib.backgrounds.paint import flowing, gradient, grid, noise, points, resize, rgb, shade, smoothstep
from scripts.lib.backgrounds.trees import pines

COARSE = 3
"""Light is painted at this fraction of the frame's size: it has no edges."""


def aurora(
    width: int,
    height: int,
    frames: int,
    rng: np.random.Generator,
    palette: Sequence[str] = ("#03061a", "#0d2c48", "#3dff9a", "#18b6c4", "#9a3cff"),
    light: float = 1.0,
) -> Iterator[np.ndarray]:
    """`palette`: the sky at its top and at the horizon, then the curtains from their feet up; `light`: of these."""
    _, y = grid(width, height)
    shore = int(0.7 * height)
    sky = np.broadcast_to(shade(gradient(palette[:2]), y[:shore] / y[shore]), (3, shore, width)).copy()
    stars = width * shore // 700
    glints = rng.pareto(1.5, stars).clip(0, 12) * 0.16
    sky += points((shore, width), rng.uniform(0, width, stars), rng.uniform(0, shore, stars), glints)
    hills, woods = _land(rng, width, shore)
    hues = [rgb(colour) for colour in palette[2:]]
    open_sky, far_land = (1 - hills) * (1 - woods), hills * (1 - woods)
    land = far_land * (0.35 * sky[:, -1:, :1])

    rows, columns = shore // COARSE, width // COARSE
    curtains = [_Curtain(rng, frames, *place) for place in ((0.72, 1.0), (0.5, 0.75), (0.3, 0.4))]
    below = np.arange(height - shore)[:, None]
    near = below / below[-1]
    ripples = flowing(rng, (64, 32), 1.0, frames, (0.0, -0.25), 1.2, low=2)
    column = np.arange(width)
    for frame, ripple in enumerate(ripples):
        feet = sum(curtain.feet(frame / frames, rows, columns) for curtain in curtains)
        glow = _rays(feet, hues, height / COARSE) * light
        lit = np.stack([resize(plane, width, shore) for plane in glow])
        lit += sky
        air = (1 - np.exp(-lit, out=lit)) * open_sky
        air += land + far_land * (0.25 * glow.mean((1, 2), keepdims=True))
        out = np.empty((3, height, width), np.float32)
        out[:, :shore] = air
        wave = resize(ripple, width, height - shore) * (1.5 + 10 * near)
        at = np.clip(shore - 1 - below * 1.15 + wave, 0, shore - 1).astype(np.intp) * width + column
        mirrored = np.stack([plane.ravel().take(at) for plane in air])
        out[:, shore:] = mirrored * (0.8 - 0.45 * near) + 0.06 * sky[:, -1:, :1]
        yield out


class _Curtain:
    """A curtain's foot: a band that sways across the sky and folds over itself, with rays running along it."""

    def __init__(self, rng: np.random.Generator, frames: int, foot: float, light: float) -> None:
        self.along = np.linspace(0, 1, 4000, dtype=np.float32)
        self.foot, self.light = foot, light
        self.folds = [
            (size, waves * rng.uniform(0.8, 1.2), turns, rng.uniform(0, 1, 3))
            for size, waves, turns in ((0.15, 1.1, 1), (0.08, 2.3, 1), (0.045, 4.7, 1), (0.022, 9.0, 2))
        ]
        self.rays = flowing(rng, (2, self.along.size), 0.35, frames, (0.03, 0.0), 0.8)

    def feet(self, time: float, rows: int, columns: int) -> np.ndarray:
        """Light of the foot at each place of the sky, at a time of 0 to 1."""
        x, y = 1.5 * self.along - 0.25, self.foot + 0.1 * (0.5 - self.along)
        for size, waves, turns, (first, second, third) in self.folds:
            sway = 0.07 * np.sin(2 * np.pi * (turns * time + third))
            x = x + size * np.sin(2 * np.pi * (waves * self.along + first + sway))
            y = y + 0.5 * size * np.sin(2 * np.pi * (1.3 * waves * self.along + second - sway))
        light = np.exp(1.1 * next(self.rays)[0]) * self.light * np.sin(np.pi * self.along)
        share = columns * rows / self.along.size / 24
        return points((rows, columns), x * columns, y * rows, light * share)


def _rays(feet: np.ndarray, hues: list[np.ndarray], height: float) -> np.ndarray:
    """Light that rises from the feet and fades, each hue higher than the one before it."""
    feet = gaussian_filter(feet, (1.2, 0.7)) + 0.8 * gaussian_filter(feet, (4, 9))
    feet = 2.4 * feet / (1 + 0.8 * feet)  # where a fold is seen end on, its light has no bounds
    out = last = 0
    for hue, reach in zip(hues, (0.06, 0.13, 0.22), strict=True):
        fade = np.exp(-1 / (reach * height))
        risen = lfilter(np.float32([1 - fade]), np.float32([1, -fade]), feet[::-1], axis=0)
        out = out + hue * (risen - 0.6 * last) * (reach / 0.06) ** 0.8
        last = risen
    return np.maximum(out[:, ::-1], 0)


def _land(rng: np.random.Generator, width: int, shore: int) -> tuple[np.ndarray, np.ndarray]:
    """Masks of the far hills and of the woods on the shore."""
    ridge = noise(rng, (8, 512), 1.4)[3, :width] if width <= 512 else resize(noise(rng, (8, 512), 1.4), width, 8)[3]
    up = shore - np.arange(shore)[:, None]
    hills = smoothstep(1, -1, up - shore * (0.09 + 0.022 * ridge))
    count = width // 9
    x = rng.uniform(0, width, count)
    tall = shore * (0.035 + 0.05 * rng.random(count) ** 2) * (1 + 0.9 * (np.abs(x / width - 0.45) * 2) ** 2)
    woods = pines(rng, width, shore, np.stack([x, np.full(count, shore + 2.0), tall], 1))
    return hills, np.maximum(woods, smoothstep(3, 0, up - 6))
