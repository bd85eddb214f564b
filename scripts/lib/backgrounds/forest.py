"""A forest in the morning: sunbeams between the trunks, dust and fireflies in the light."""

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.ndimage import gaussian_filter1d

from scripts.lib.backgrounds.paint import flowing, gradient, grid, rgb, shade, smoothstep, spots

LAYERS = 4


def forest(
    width: int,
    height: int,
    frames: int,
    rng: np.random.Generator,
    palette: Sequence[str] = ("#fff3b8", "#b9cf6a", "#4f7d3a", "#12261a", "#050d0a", "#ffe9a0"),
    beams: float = 1.0,
) -> Iterator[np.ndarray]:
    """`palette`: the light behind the trees, the haze in it, leaves, near trunks, the darkest shade, the beams.

    `beams`: how bright these are.
    """
    x, y = grid(width, height)
    unit = (width * height) ** 0.5
    sun_x, sun_y = np.float32(0.13), np.float32(0.17 * y[-1, 0])
    far = np.hypot(x - sun_x, (y - sun_y) * 0.75)
    scene = shade(gradient(palette[:3], (0, 0.5, 1)), np.clip(far / 0.85, 0, 1))
    hues = shade(gradient(palette[1:5], (0, 0.35, 0.8, 1)), np.linspace(0.1, 1, LAYERS))
    cover = np.zeros((height, width), np.float32)  # how much of the beams the near trees hide
    for layer in range(LAYERS):
        near = layer / (LAYERS - 1)
        mask = np.maximum(_trunks(rng, width, height, near), _leaves(rng, width, height, near))
        lit = 0.85 * np.exp(-far / 0.22) * (1 - 0.7 * near)
        tone = hues[:, layer, None, None] + (rgb(palette[0]) - hues[:, layer, None, None]) * lit
        scene = scene + (tone - scene) * mask
        scene += (rgb(palette[1]) - scene) * (0.16 * (1 - near) * smoothstep(0.3, 1, y / y[-1]))
        cover += (1 - cover) * mask * near**2
    angle = np.arctan2(x - sun_x, y - sun_y + 0.35)
    turn = ((angle / np.pi + 0.5) * 1024).astype(np.intp).clip(0, 1023)
    reach = np.exp(-far / 0.6) * smoothstep(0.08, 0.4, far) * (1 - 0.75 * cover)
    shine = rgb(palette[5])

    count = 90
    born = rng.uniform(0, 1, (6, count))
    rounds = rng.integers(1, 3, count)
    size = unit * (0.0022 + 0.006 * born[5] ** 3)
    glow = rgb(palette[5])[:, 0]
    for frame, shafts in enumerate(flowing(rng, (2, 1024), 0.75, frames, (0.004, 0.0), 0.7, low=0)):
        time = frame / frames
        shafts = gaussian_filter1d(shafts[0], 2)
        light = np.clip(0.45 + 0.55 * shafts, 0, 2).astype(np.float32).take(turn) * reach
        out = scene + shine * (light * (0.6 * beams))
        path = 2 * np.pi * (rounds * time + born[2])
        px = width * born[0] + unit * 0.05 * np.sin(path + 6 * born[3])
        py = height * (0.2 + 0.78 * born[1]) + unit * 0.04 * np.sin(path * 1 + 6 * born[4])
        pulse = 0.5 + 0.5 * np.sin(2 * np.pi * (2 * time + born[3]))
        spots(out, px, py, 1.5 * size + 1, glow * (pulse * 0.8))
        spots(out, px, py, 6 * size, glow * (pulse * 0.14))
        yield out


def _leaves(rng: np.random.Generator, width: int, height: int, near: float) -> np.ndarray:
    """A mask of the leaves of one layer: boughs above, shrubs below, out of focus where they are near."""
    unit = (width * height) ** 0.5
    mask = np.zeros((3, height, width), np.float32)
    count = 70
    boughs = np.stack([rng.uniform(0, width, count), np.abs(rng.normal(0, 0.13 - 0.05 * near, count)) * height], 1)
    shrubs = np.stack(
        [rng.uniform(0, width, count), height * (1 - np.abs(rng.normal(0, 0.11 - 0.05 * near, count)))], 1
    )
    clumps = np.concatenate([boughs, shrubs])
    leaf = np.repeat(clumps, 40, axis=0) + rng.normal(0, 0.026 * unit, (clumps.shape[0] * 40, 2)) * [1.3, 0.8]
    size = unit * (0.004 + 0.009 * near) * rng.uniform(0.5, 1.2, len(leaf))
    spots(mask, leaf[:, 0], leaf[:, 1], size, np.full((3, len(leaf)), 0.9), 0.35 + 0.4 * near)
    return np.minimum(mask[0], 1)


def _trunks(rng: np.random.Generator, width: int, height: int, near: float) -> np.ndarray:
    """A mask of the trunks of one layer: many and thin far away, few and thick near by."""
    unit = (width * height) ** 0.5
    x = np.arange(width)
    down = np.linspace(0, 1, height)[:, None]
    mask = np.zeros((height, width), np.float32)
    for place in np.arange(rng.uniform(0, 0.5), int(width / unit * (22 - 18 * near)) + 1):
        middle = unit * (place + rng.uniform(-0.35, 0.35)) / (22 - 18 * near)
        thick = unit * (0.006 + 0.028 * near) * rng.uniform(0.6, 1.3)
        lean, bow = unit * rng.normal(0, 0.02, 2)
        bark = gaussian_filter1d(rng.standard_normal((2, height, 1)), 0.03 * unit, axis=1)
        centre = middle + lean * down + bow * np.sin(np.pi * down)
        flare = 1 + 0.9 * np.exp((down - 0.93) / 0.035) - 0.3 * (1 - down)
        left, right = (centre + side * thick * (flare + 0.35 * edge) for side, edge in zip((-1, 1), bark, strict=True))
        soft = 1.2 + 0.8 * near
        mask = np.maximum(mask, np.clip((x - left) / soft, 0, 1) * np.clip((right - x) / soft, 0, 1))
    return mask.astype(np.float32)
