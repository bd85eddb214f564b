"""Cumulus clouds that drift over a deep sky as in a time lapse, lit from the side of the sun."""

from collections.abc import Iterator, Sequence

import numpy as np

from scripts.lib.backgrounds.drift import drifting
from scripts.lib.backgrounds.paint import gradient, grid, resize, rgb, shade, smoothstep

ROWS = ((1.0, 0.07), (0.9, 0.11), (0.74, 0.18), (0.48, 0.34))
"""The base of each row of clouds and their depth above it, in heights of the frame; the farthest row first."""


def cumulus(
    width: int,
    height: int,
    frames: int,
    rng: np.random.Generator,
    palette: Sequence[str] = ("#0d3f8c", "#3d86cf", "#b5d9ee", "#6f8cae", "#c3d0de", "#ffffff"),
    sun: tuple[float, float] = (0.6, 0.8),
    cover: float = 0.0,
    speed: float = 1.0,
) -> Iterator[np.ndarray]:
    """`palette`: the sky from its top down in three colours, cloud in shadow, in half light and in the sun.

    `sun`: the way to the sun, right and up; `cover`: more cloud (or less, below 0).
    """
    wide, high = width // 2, height // 2
    x, y = grid(wide, high)
    tall = y[-1, 0]
    haze, sunlight = rgb(palette[2]), rgb(palette[5])
    sky = shade(gradient(palette[:3]), np.broadcast_to((y / tall) ** 0.9, (high, wide)))
    glow = np.exp(-np.hypot(x - sun[0] * x[0, -1], y - 0.8 * (1 - sun[1]) * tall) / 0.3)
    sky += (sunlight - sky) * (0.4 * glow)
    body = gradient(palette[3:], (0, 0.45, 1))
    rows = []
    for near, (base, deep) in enumerate(ROWS):
        top, end = max(0, int((base - 1.5 * deep) * high)), min(high, int((base + 0.2 * deep) * high) + 1)
        shape = end - top, wide
        up = (base - y[top:end] / tall) / deep
        low = 0.7 * min(shape) / (deep * high)
        drift = 0.5 * speed * deep * high / wide, 0.0  # the farther a row, the smaller and the slower
        lumps = drifting(rng, (shape[0], int(wide / 1.3)), 2.2, frames, drift, 0.2, low)
        puffs = drifting(rng, shape, 1.9, frames, drift, 0.4, 4 * low)
        profile = np.where(up < 0, -14 * up, 0.3 * up + up**3) - 0.3 - cover  # flat below, heaped up above
        rows.append((slice(top, end), lumps, puffs, profile, up, 0.75 * (1 - near / 3) ** 1.2, 0.05 * deep * high))

    for _ in range(frames):
        frame = sky.copy()
        for part, lumps, puffs, profile, up, far, step in rows:
            billow = np.sqrt(next(puffs) ** 2 + 0.04)
            dense = 0.8 * resize(next(lumps), *billow.shape[::-1]) - profile
            dense += (0.6 * billow - 0.2) * smoothstep(-0.9, 0.3, dense)
            thick = np.clip(dense, 0, 1)
            shadow = np.zeros_like(thick)
            for reach in (1, 2, 3.5, 5.5, 8):  # towards the sun
                shift = round(reach * step * sun[1]), -round(reach * step * sun[0])
                shadow += np.roll(thick, shift, (0, 1)) * (0.5 + 0.12 * reach)
            lit = shade(body, np.exp(-0.9 * shadow) + 0.16 * billow + 0.25 * np.clip(up, -0.2, 1.2))
            lit += (haze - lit) * far
            frame[:, part] += (lit - frame[:, part]) * smoothstep(0.0, 0.45, dense)
        yield np.stack([resize(plane, width, height) for plane in frame])
