"""Desert dunes in low sun, with sand blowing over their crests."""

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

from scripts.lib.backgrounds.paint import flowing, gradient, grid, noise, resize, rgb, shade, smoothstep

MAP = 1024
"""Samples a side of the map of the land."""
SPAN = 40.0
"""Its side, in heights of the eye."""
NEAR, FAR = 1.5, 80.0
"""The part of the land that is seen, in the same unit."""
EYE = 5.2


def dunes(
    width: int,
    height: int,
    frames: int,
    rng: np.random.Generator,
    palette: Sequence[str] = ("#5a8fc7", "#f6cf9c", "#fff1cf", "#f0a552", "#7a3420"),
    wind: float = 1.0,
) -> Iterator[np.ndarray]:
    """`palette`: the sky at its top and at the horizon, the sun, sand in the light and in the shade.

    `wind`: how much sand it carries.
    """
    x, y = grid(width, height)
    unit = (width * height) ** 0.5
    horizon = 0.4 * y[-1, 0]
    sun_x, sun_y = np.float32(0.2), np.float32(horizon - 0.13)
    glare, lit, dark = (rgb(colour) for colour in palette[2:])
    far = np.hypot(x - sun_x, y - sun_y)
    sky = np.broadcast_to(shade(gradient(palette[:2]), y / horizon), (3, height, width)).copy()
    sky += (glare - sky) * np.minimum(1, 0.8 * np.exp(-far / 0.05) + 0.45 * np.exp(-far / 0.3))
    sky += (glare - sky) * smoothstep(0.036, 0.031, far)

    land = _land(rng)
    east, depth, seen = _view(land, x, y - horizon)
    down, right = np.gradient(land, SPAN / MAP)
    where = np.stack([depth, east]) % SPAN * (MAP / SPAN)
    slope_x, slope_z = (map_coordinates(part, where, order=1, mode="grid-wrap") for part in (right, down))
    # Ripples of the wind, seen near by only.
    bent = map_coordinates(noise(rng, (MAP, MAP), 2.2), where, order=1, mode="grid-wrap")
    ripple = 0.2 * np.cos(2 * np.pi * (7.0 * depth - 4.0 * east + 1.3 * bent)) * np.exp(-depth / 5)
    slope_z = slope_z + ripple
    level = 1 / np.sqrt(1 + slope_x**2 + slope_z**2)
    light = smoothstep(-0.05, 0.7, (0.26 - 0.8 * slope_x - 0.3 * slope_z) * level)
    sand = dark + (lit - dark) * light
    sand += (glare - sand) * (0.4 * smoothstep(0.7, 1, light))
    haze = 1 - np.exp(-np.maximum(depth - 3, 0) / 24)
    air = sky[:, int(horizon * unit) - 2][:, None, :]
    scene = np.where(seen, sand + (air - sand) * haze, sky).astype(np.float32)
    crests = np.diff(np.log(depth), axis=0, prepend=np.log(depth[:1])) < -0.06
    plume = gaussian_filter(crests.astype(np.float32), (0.006 * unit, 0.012 * unit))
    plume = 1.6 * np.minimum(1, plume * 8) + 0.5 * seen * smoothstep(4, 8, depth) * smoothstep(40, 15, depth)
    plume = (plume * wind).astype(np.float32)
    blown = 0.5 * (glare + lit)
    for streaks in flowing(rng, (320, 40), 1.2, frames, (3.0, 0.3), 0.5, low=1):
        drift = plume * np.clip(0.02 + 0.2 * resize(streaks, width, height), 0, 0.8)
        yield scene + (blown - scene) * np.minimum(drift, 0.8)


def _land(rng: np.random.Generator) -> np.ndarray:
    """Heights of dunes: long gentle backs that end in a sharp crest."""
    place = np.arange(MAP) / MAP
    bend = noise(rng, (MAP, MAP), 2.9, low=0)
    phase = 3 * place[:, None] - 4 * place[None] + 0.3 * bend
    ramp = phase % 1
    profile = np.where(ramp < 0.74, smoothstep(-0.1, 0.9, ramp), smoothstep(1.03, 0.69, ramp))
    tall = 2.3 + 0.7 * noise(rng, (MAP, MAP), 2.4)
    return gaussian_filter(profile * tall + 0.25 * bend, 1.2, mode="wrap").astype(np.float32)


def _view(land: np.ndarray, x: np.ndarray, below: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What each pixel shows: places east and away, and whether it shows land at all.

    Looks along each column of the frame from near to far: a place is seen where it stands higher in the frame than
    all before it.
    """
    steps = NEAR * (FAR / NEAR) ** np.linspace(0, 1, 1400)
    east = steps[:, None] * x / 0.9
    where = np.stack([np.broadcast_to(steps[:, None], east.shape), east]) % SPAN * (MAP / SPAN)
    drop = (EYE - map_coordinates(land, where, order=1, mode="grid-wrap")) * 0.9 / steps[:, None]
    top = np.minimum.accumulate(drop, axis=0)
    rows = below[:, 0]
    first = np.stack([np.searchsorted(-column, -rows) for column in top.T], axis=1)
    seen = first < len(steps)
    depth = steps[np.minimum(first, len(steps) - 1)]
    return (depth * x / 0.9).astype(np.float32), depth.astype(np.float32), seen
