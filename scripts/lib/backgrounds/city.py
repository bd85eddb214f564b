"""A city street at night, out of focus: lamps, windows and cars as discs of light, mirrored in the wet road."""

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.ndimage import uniform_filter1d

from scripts.lib.backgrounds.paint import flowing, gradient, grid, resize, rgb, shade, smoothstep, spots

STRIDE = 9.0
"""How far the eye moves in a loop; the street repeats itself at this distance."""


def city(
    width: int,
    height: int,
    frames: int,
    rng: np.random.Generator,
    palette: Sequence[str] = ("#070a1c", "#1a1638", "#ffb057", "#ffe2b0", "#ff3d4a", "#4fc3ff", "#ff5fb0"),
) -> Iterator[np.ndarray]:
    """`palette`: the sky at its top and at the horizon, lamps, headlights, tail lights, two neon colours."""
    x, y = grid(width, height)
    unit = (width * height) ** 0.5
    horizon = height // 2
    sky = np.broadcast_to(shade(gradient(palette[:2]), y[:horizon] / y[horizon]), (3, horizon, width)).copy()
    lamp, head, tail, *neon = (rgb(colour)[:, 0] for colour in palette[2:])
    sky += lamp[:, None] * 0.2 * np.exp(-np.hypot(x * 0.8, y[:horizon] - y[horizon]) / 0.16)

    def strew(count: int, across: np.ndarray, up: np.ndarray, hues: list[np.ndarray], light: float, pace: int) -> tuple:
        """Lights of one kind: their places, their hues, and how many strides they come nearer in a loop."""
        hue = np.hstack(hues)[:, rng.integers(0, len(hues), count)] * light * rng.uniform(0.5, 1, count)
        return across, up, rng.uniform(0, STRIDE, count), hue, rng.uniform(0.6, 1.25, count), pace

    walls = rng.choice([-1, 1], 60) * rng.uniform(2.6, 9.0, 60)
    kinds = [
        strew(60, walls, rng.uniform(-0.3, 9.0, 60), [lamp, head, lamp, *neon], 0.5, 1),
        strew(4, np.array([-2.4, 2.4] * 2), np.full(4, 1.7), [lamp], 1.2, 1),
        strew(4, np.array([-1.3, -1.0, -1.9, -1.6]), np.full(4, -0.75), [head], 1.1, 3),
        strew(4, np.array([0.6, 0.9, 1.3, 1.6]), np.full(4, -0.75), [tail], 1.1, -1),
    ]
    blocks = np.arange(5)[:, None] * STRIDE
    wet = flowing(rng, (48, 32), 1.0, frames, (0.0, 0.1), 0.6, low=2)
    below = np.arange(height - horizon)[:, None]
    near = below / below[-1]
    dusk, gloss = (1 - near) ** 3, 0.75 * smoothstep(-0.02, 0.14, near) * (1 - 0.45 * near)
    column = np.arange(width)
    for frame, ripple in enumerate(wet):
        out = np.zeros((3, height, width), np.float32)
        out[:, :horizon] = sky
        out[:, horizon:] = sky[:, -1:] * dusk
        for across, up, start, hue, size, pace in kinds:
            away = (blocks + (start - pace * STRIDE * frame / frames) % STRIDE).ravel() + 0.9
            across, up, size = (np.tile(value, len(blocks)) for value in (across, up, size))
            hue = np.tile(hue, len(blocks)) * smoothstep(5 * STRIDE, 2.5 * STRIDE, away) * smoothstep(0.9, 1.8, away)
            px, py = width / 2 + across / away * 0.9 * unit, horizon - up / away * 0.9 * unit
            radius = unit * size * (0.024 + 0.04 / away)
            spots(out, px, py, radius, hue, 0.14, 0.4)
        mirrored = out[:, horizon - 1 :: -1][:, : height - horizon]
        for reach in (0.2, 0.1):
            mirrored = uniform_filter1d(mirrored, int(reach * unit), axis=1)
        shift = resize(ripple, width, height - horizon) * (0.022 * unit * near)
        at = (np.clip(column + shift, 0, width - 1).astype(np.intp)) + below * width
        road = np.stack([plane.ravel().take(at) for plane in mirrored])
        out[:, horizon:] += road * gloss
        yield 1 - np.exp(-1.25 * out)
