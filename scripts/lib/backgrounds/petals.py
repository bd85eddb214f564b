"""Petals or leaves adrift in soft light, tumbling as they fall."""

from collections.abc import Iterator, Sequence

import numpy as np

from scripts.lib.backgrounds.paint import gradient, grid, rgb, shade, spots


def petals(
    width: int,
    height: int,
    frames: int,
    rng: np.random.Generator,
    palette: Sequence[str] = ("#fff4ee", "#fbd3d8", "#d98fae", "#fff0f2", "#f4a6bd", "#e0708f"),
    slim: float = 1.0,
) -> Iterator[np.ndarray]:
    """`palette`: the light, the air and the shade behind, and three colours of petals; `slim`: how narrow these are."""
    x, y = grid(width, height)
    unit = (width * height) ** 0.5
    tall = height / unit
    far = np.hypot(x - 0.16, (y - 0.12 * tall) * 0.8)
    air = shade(gradient(palette[:3], (0, 0.45, 1)), far / 0.95)
    hues = [rgb(colour) for colour in palette[3:]]

    discs = rng.uniform(0, 1, (6, 46))
    hue = np.hstack([rgb(colour)[:, 0] for colour in (palette[0], palette[4])])[:, (discs[5] > 0.6).astype(int)]
    radius = unit * (0.02 + 0.07 * discs[2] ** 2)
    falling = sorted((_Petal(rng, hues, near, slim) for near in rng.uniform(0, 1, 64)), key=lambda one: one.near)
    for frame in range(frames):
        time = frame / frames
        out = air.copy()
        sway = 2 * np.pi * (time + discs[3])
        px, py = width * discs[0] + 0.012 * unit * np.sin(sway), height * discs[1] + 0.012 * unit * np.cos(sway)
        spots(out, px, py, radius, hue * (0.06 + 0.1 * discs[4]) * (1 + 0.4 * np.sin(sway)), 0.25, 0.3)
        for petal in falling:
            petal.add(out, time)
        yield out


class _Petal:
    """A petal that falls a piece of its way in a loop, fades out and in again above."""

    def __init__(self, rng: np.random.Generator, hues: list[np.ndarray], near: float, slim: float) -> None:
        """`near`: 0 for far away to 1 for close by; a third of the way it is in focus."""
        self.near, self.slim, self.hue = near, slim, hues[rng.integers(0, len(hues))]
        self.size = (0.011 + 0.04 * near**2.2) * rng.uniform(0.8, 1.2)
        self.blur = 0.0015 + 0.022 * abs(near - 0.35) ** 1.5
        self.place, self.start = rng.uniform(0, 1, 2), rng.uniform(0, 1, 4)
        self.turns, self.flips = rng.integers(-1, 2), rng.integers(1, 3)

    def add(self, frame: np.ndarray, time: float) -> None:
        _, height, width = frame.shape
        unit = (width * height) ** 0.5
        age = (time + self.start[0]) % 1
        swing = 2 * np.pi * (time + self.start[1])
        x = width * (1.1 * self.place[0] - 0.05) + unit * (0.05 * np.sin(swing) + 0.2 * (age - 0.5))
        y = height * (1.2 * self.place[1] - 0.1) + unit * (0.35 + 0.75 * self.near) * (age - 0.5)
        angle = 2 * np.pi * (self.turns * time + self.start[2]) + 0.6 * np.sin(swing)
        tilt = np.sin(2 * np.pi * (self.flips * time + self.start[3]))

        size, blur = self.size * unit, max(self.blur * unit, 0.8)
        reach = size * 1.05 + blur
        left, right = max(0, int(x - reach)), min(width, int(x + reach) + 2)
        top, bottom = max(0, int(y - reach)), min(height, int(y + reach) + 2)
        if left >= right or top >= bottom:
            return
        across, down = (
            np.arange(left, right, dtype=np.float32) - x,
            np.arange(top, bottom, dtype=np.float32)[:, None] - y,
        )
        u = (across * np.cos(angle) + down * np.sin(angle)) / size
        v = (down * np.cos(angle) - across * np.sin(angle)) / size
        v = v + 0.25 * tilt * u * u - 0.1 * tilt  # cupped
        breadth = 0.5 * self.slim * (0.25 + 0.75 * abs(tilt)) * (1 + 0.45 * u)  # seen at a slant, and wider at its tip
        edge = (1 - np.sqrt(u * u + (v / breadth) ** 2)) * size * np.minimum(breadth, 1)
        alpha = np.clip(edge / blur + 0.5, 0, 1) * np.sin(np.pi * age) ** 0.5 * (0.95 - 0.5 * self.near**3)
        light = 0.93 + 0.07 * tilt + 0.1 * u - 0.07 * np.exp(-((v / 0.05) ** 2))
        part = frame[:, top:bottom, left:right]
        part += (self.hue * light - part) * alpha
