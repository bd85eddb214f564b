"""Under the sea: light falling from the waves above onto sand, and bubbles on their way up."""

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.ndimage import gaussian_filter1d

from scripts.lib.backgrounds.paint import flowing, gradient, grid, rgb, shade, smoothstep, spots
from scripts.lib.backgrounds.plane import Plane

NET = 256
"""Samples a side of the net of light that waves cast."""


def underwater(
    width: int,
    height: int,
    frames: int,
    rng: np.random.Generator,
    palette: Sequence[str] = ("#bff6f0", "#2fb3d0", "#0d5c94", "#052a57", "#6fb9b4"),
    beams: float = 1.0,
) -> Iterator[np.ndarray]:
    """`palette`: the water from the surface down in four colours, sand; `beams`: how bright they are."""
    x, y = grid(width, height)
    unit = (width * height) ** 0.5
    bottom = y[-1, 0]
    sun_x = np.float32(-0.1)
    depth = np.hypot((x - sun_x) * 0.75, y + 0.02) / bottom
    water = shade(gradient(palette[:4], (0, 0.16, 0.5, 0.95)), depth)
    bright, sand = rgb(palette[0]), rgb(palette[4])

    ceiling = int(np.searchsorted(y[:, 0], 0.2 * bottom))
    up = 0.24 * bottom - y[:ceiling]
    above = Plane((x / up) * 0.3 * NET, 0.75 / up * 0.12 * NET, NET)
    fade_up = smoothstep(0.24 * bottom, 0.0, y[:ceiling]) * np.exp(-np.abs(x - sun_x) / 0.4)
    floor = int(np.searchsorted(y[:, 0], 0.76 * bottom))
    down = y[floor:] - 0.68 * bottom
    below = Plane((x / down) * 0.16 * NET, 0.75 / down * 0.16 * NET, NET)
    ground = smoothstep(0.08 * bottom, 0.26 * bottom, down)
    nets = zip(
        flowing(rng, (NET, NET), 2.6, frames, (0.5, 0.5), 1.0, low=3),
        flowing(rng, (NET, NET), 2.6, frames, (-0.5, 0.3), 1.0, low=3),
        strict=True,
    )

    angle = np.arctan2(x - sun_x, y + 0.3)
    turn = ((angle / np.pi + 0.5) * 1024).astype(np.intp).clip(0, 1023)
    reach = np.exp(-depth / 0.42) * smoothstep(-0.05, 0.25, y / bottom)
    rays = flowing(rng, (2, 1024), 0.8, frames, (0.008, 0.0), 0.8)
    bubbles = rng.uniform(0, 1, (5, 70))
    rounds = 1 + (bubbles[3] > 0.6)
    size = unit * (0.003 + 0.012 * bubbles[4] ** 4)
    for frame, (net, shafts) in enumerate(zip(nets, rays, strict=True)):
        time = frame / frames
        # Where two wavy sheets bend the light the same way, it gathers in a net of bright lines.
        caustic = np.exp(-2.6 * np.abs(net[0])) * (0.35 + np.exp(-1.6 * np.abs(net[1])))
        light = np.clip(0.4 + 0.6 * gaussian_filter1d(shafts[0], 2.5), 0, 2).astype(np.float32).take(turn) * reach
        out = water + bright * (0.5 * beams * light)
        out[:, :ceiling] += bright * (fade_up * above.show(caustic) * 0.75)
        lit = below.show(caustic)
        seen = sand * (0.25 + 0.75 * lit) * (0.6 + 0.4 * light[floor:])
        out[:, floor:] += (seen - out[:, floor:]) * (ground * 0.55)
        age = (time * rounds + bubbles[0]) % 1
        px = width * bubbles[1] + unit * 0.014 * np.sin(2 * np.pi * (3 * age + bubbles[2])) * (0.5 + bubbles[4])
        py = height * (1.08 - 1.16 * age)
        shine = bright[:, 0] * (0.5 * smoothstep(0, 0.1, age) * smoothstep(1, 0.85, age))
        spots(out, px, py, size, shine, 0.25, 0.85)
        spots(out, px - 0.35 * size, py - 0.35 * size, 0.4 * size + 0.6, 1.3 * shine)
        yield out
