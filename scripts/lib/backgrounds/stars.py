"""A flight through the stars, past glowing gas."""

from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image

from scripts.lib.backgrounds.paint import gradient, noise, points, resize, rgb, shade, smoothstep, spots

GAS = 400
"""Samples a side of the cloud of gas."""


def stars(
    width: int,
    height: int,
    frames: int,
    rng: np.random.Generator,
    palette: Sequence[str] = ("#03030d", "#1a1140", "#5a2a8c", "#d0568c", "#ffd9b0", "#9fc4ff"),
    speed: float = 1.0,
) -> Iterator[np.ndarray]:
    """`palette`: the gas from dark to bright in five colours, and the hot stars; `speed`: of the flight."""
    unit = (width * height) ** 0.5
    gas = [_gas(rng) for _ in range(2)]
    table = gradient(palette[:5], (0, 0.3, 0.55, 0.8, 1))
    hot, warm = rgb(palette[5]), rgb(palette[4])
    count = 2600
    across, up = rng.uniform(-1, 1, (2, count)) * 1.4
    start = rng.uniform(0, 1, count)
    size = rng.pareto(1.7, count).clip(0.15, 12)
    blue = rng.random(count) < 0.6
    large = size > 3
    coarse = width // 2, height // 2
    for frame in range(frames):
        time = frame / frames
        field = 0
        for cloud, late in zip(gas, (0.0, 0.5), strict=True):
            age = (time + late) % 1
            field = field + np.sin(np.pi * age) ** 2 * _zoom(cloud, 1.6 ** (age * speed), *coarse)
        glow = np.stack([resize(plane, width, height) for plane in shade(table, field)])
        depth = 1 - (start + time) % 1
        nearness = (1 - depth) ** 0.5
        z = 0.12 + 1.1 * depth
        px, py = width / 2 + across / z * 0.35 * unit, height * 0.42 + up / z * 0.35 * unit
        light = size * smoothstep(1, 0.75, depth) * smoothstep(0, 0.08, depth) * (0.15 + 0.5 * nearness)
        for some, hue in ((blue, hot), (~blue, warm)):
            glow += hue * points((height, width), px[some], py[some], 1.6 * light[some])
            near = some & large
            spots(glow, px[near], py[near], 0.0014 * unit * size[near] ** 0.5 + 1, hue[:, 0] * 0.3 * light[near])
        yield 1 - np.exp(-1.6 * glow)


def _gas(rng: np.random.Generator) -> np.ndarray:
    """A band of gas with dust in front of it, as brightness from 0 to 1."""
    y, x = np.mgrid[-1 : 1 : GAS * 1j, -1 : 1 : GAS * 1j].astype(np.float32)
    bend = noise(rng, (GAS, GAS), 2.2)
    band = np.exp(-(((0.8 * y + 0.6 * x + 0.1 * bend) / 0.33) ** 2))
    wisps = noise(rng, (GAS, GAS), 1.6)
    dust = smoothstep(0.2, 1.6, noise(rng, (GAS, GAS), 1.4)) * np.exp(-(((0.8 * y + 0.6 * x - 0.12 * bend) / 0.2) ** 2))
    thick = 0.1 + 0.6 * band * (1 + 0.35 * wisps) + 0.06 * wisps - 0.4 * dust
    return np.tanh(np.maximum(thick, 0))


def _zoom(gas: np.ndarray, scale: float, width: int, height: int) -> np.ndarray:
    """The middle of the gas, `scale` times as large."""
    half = GAS / 2 / scale / max(width, height)
    box = GAS / 2 - half * width, GAS / 2 - half * height, GAS / 2 + half * width, GAS / 2 + half * height
    return np.asarray(Image.fromarray(gas).resize((width, height), Image.Resampling.BICUBIC, box=box))
