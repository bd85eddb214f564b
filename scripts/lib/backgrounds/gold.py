"""Golden dust in a slow wave, sharp where it is in focus and soft before and behind."""

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.ndimage import gaussian_filter

from scripts.lib.backgrounds.paint import gradient, grid, points, resize, rgb, shade, spots


def gold(
    width: int,
    height: int,
    frames: int,
    rng: np.random.Generator,
    palette: Sequence[str] = ("#060303", "#241006", "#ff9d2e", "#ffd98a"),
    dust: float = 1.0,
) -> Iterator[np.ndarray]:
    """`palette`: the dark at its edge and in its middle, the dust in the shade and in the light; `dust`: how much."""
    x, y = grid(width, height)
    unit = (width * height) ** 0.5
    tall = height / unit
    dark = shade(gradient(palette[1::-1]), np.hypot(x, 0.8 * (y - 0.45 * tall)) / 0.6)
    deep, bright = rgb(palette[2])[:, 0], rgb(palette[3])[:, 0]
    count = int(22000 * dust)
    along, off = rng.uniform(0, 1, count), rng.normal(0, 1, (2, count))
    late, spark = rng.uniform(0, 1, (2, count))
    size = rng.pareto(2.0, count).clip(0.2, 8)
    strand = np.where(rng.random(count) < 0.35, -1.0, 1.0)  # two waves that cross

    few = 110
    born = rng.uniform(0, 1, (5, few))
    radius = unit * (0.006 + 0.035 * born[4] ** 2.5)
    for frame in range(frames):
        time = frame / frames
        s = (along + time) % 1
        turn = 2 * np.pi
        lift = 0.14 * strand * np.sin(turn * (1.1 * s + 0.1)) + 0.05 * np.sin(turn * (2.1 * s - time))
        wide_here = 0.022 + 0.05 * (0.5 + 0.5 * np.sin(turn * (1.6 * s + 0.3 + time)))
        px = width * (1.3 * s - 0.15) + unit * 0.02 * off[1]
        py = height * (0.58 - 0.26 * s) + unit * (lift + wide_here * off[0] + 0.012 * np.sin(turn * (time + late)))
        twinkle = 0.35 + 0.65 * np.maximum(0, np.sin(turn * (2 * time + spark))) ** 3
        grains = points((height, width), px, py, 0.55 * size * twinkle)
        glow = gaussian_filter(grains[::2, ::2] + grains[1::2, 1::2], 0.008 * unit)
        glow = resize(glow, width, height)
        out = dark + bright[:, None] * (1.5 * grains) + deep[:, None] * (2.8 * glow)
        age = (time + born[0]) % 1
        bx = width * (1.1 * born[1] - 0.05) + unit * (0.05 * np.sin(turn * (time + born[2])) + 0.06 * (age - 0.5))
        by = height * (0.1 + 0.9 * born[3]) - unit * 0.14 * (age - 0.5)
        faint = np.sin(np.pi * age) ** 1.5 * (0.1 + 0.5 * (0.012 * unit / radius).clip(0, 1.5))
        spots(out, bx, by, radius, deep * faint, 0.3, 0.3)
        yield 1 - np.exp(-1.3 * out)
