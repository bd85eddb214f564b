"""Rain on a window at night: drops that bend the lights behind them, some of them running down the misted glass."""

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from scripts.lib.backgrounds.paint import gradient, grid, rgb, shade, spots

RUNNERS = 9
BEADS = 14
"""Small drops that a running one leaves behind."""


def rain(
    width: int,
    height: int,
    frames: int,
    rng: np.random.Generator,
    palette: Sequence[str] = ("#0a1420", "#16303f", "#ffb25c", "#ff5a4a", "#6fd0ff"),
    drops: float = 1.0,
) -> Iterator[np.ndarray]:
    """`palette`: the dusk outside at its top and its bottom, three kinds of lights; `drops`: how many."""
    unit = (width * height) ** 0.5
    lights, mists = _outside(rng, width, height, palette)
    count = int(1500 * drops)
    small = unit * 0.0035 * (rng.pareto(2.2, count) + 0.45).clip(0.45, 4.6)
    still = _lenses(rng.uniform(0, width, count), rng.uniform(0, height, count), small, width, height)
    runners = [_Runner(rng, width, height) for _ in range(RUNNERS)]
    for frame in range(frames):
        time = frame / frames
        swing = 1 + 0.45 * np.sin(2 * np.pi * (time * np.array([1, 2, 1]) + [0.0, 0.3, 0.6]))
        clear = lights[0] + sum(
            light * share for light, share in zip(lights[1:], swing.astype(np.float32), strict=True)
        )
        out = mists[0] + sum(mist * share for mist, share in zip(mists[1:], swing.astype(np.float32), strict=True))
        wiped = np.zeros((height, width), np.float32)
        for runner in runners:
            runner.wipe(wiped, time)
        out += (clear - out) * wiped
        moving = _lenses(*np.hstack([runner.drops(time) for runner in runners]), width, height)
        for at, seen, shadow, shine in (still, moving):
            for plane, light in zip(out.reshape(3, -1), clear.reshape(3, -1), strict=True):
                plane[at] = light.take(seen) * shadow + shine
        yield out


def _outside(rng: np.random.Generator, width: int, height: int, palette: Sequence[str]) -> tuple[list, list]:
    """What is behind the glass, a part for each kind of light: as a drop shows it, and through the mist."""
    _, y = grid(width, height)
    unit = (width * height) ** 0.5
    dusk = np.broadcast_to(shade(gradient(palette[:2]), y / y[-1]), (3, height, width)).copy()
    parts = [dusk]
    for colour in palette[2:]:
        part = np.zeros_like(dusk)
        count = 16
        x, up = rng.uniform(0, width, count), height * rng.normal(0.42, 0.2, count)
        spots(
            part, x, up, unit * rng.uniform(0.03, 0.075, count), rgb(colour)[:, 0] * rng.uniform(0.2, 0.75, count), 0.3
        )
        parts.append(part)
    mists = [np.stack([gaussian_filter(plane, 0.022 * unit) for plane in part]) * 0.8 for part in parts]
    mists[0] += 0.035
    return parts, mists


def _lenses(x: np.ndarray, y: np.ndarray, radius: np.ndarray, width: int, height: int) -> tuple:
    """The pixels of drops, the pixels behind the glass that they show (upside down), their shadow and their shine."""
    unit = (width * height) ** 0.5
    seats = []
    octave = np.ceil(np.log2(np.maximum(radius, 1)))
    for level in np.unique(octave):
        some = octave == level
        reach = int(np.ceil(1.3 * radius[some].max()))
        around = np.arange(-reach, reach + 1)
        columns = np.rint(x[some]).astype(np.intp)[:, None, None] + around
        rows = np.rint(y[some]).astype(np.intp)[:, None, None] + around[:, None]
        dx = (columns - x[some, None, None]) / radius[some, None, None]
        dy = (rows - y[some, None, None]) / radius[some, None, None]
        dx = dx * (1 + 0.18 * dy)  # a little heavier below
        dy = dy / 1.2
        far = dx * dx + dy * dy
        seen = (far < 1) & (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
        rows, columns, dx, dy = (np.broadcast_to(part, seen.shape)[seen] for part in (rows, columns, dx, dy))
        far = far[seen]
        bend = 0.16 * unit * (0.6 + far)
        source_x = np.clip(columns - dx * bend, 0, width - 1).astype(np.intp)
        source_y = np.clip(rows - dy * bend, 0, height - 1).astype(np.intp)
        shadow = (1.25 + 0.55 * dy) * (1 - far**3) + 0.1
        shine = 0.5 * np.exp(-((dx + 0.35) ** 2 + (dy + 0.45) ** 2) / 0.02) + 0.06 * (1 - far)
        seats.append(np.stack([rows * width + columns, source_y * width + source_x, shadow, shine]))
    at, seen, shadow, shine = np.hstack(seats)
    return at.astype(np.intp), seen.astype(np.intp), shadow.astype(np.float32), shine.astype(np.float32)


class _Runner:
    """A drop that gathers, runs down in fits and starts, and leaves a wiped track and small beads behind."""

    def __init__(self, rng: np.random.Generator, width: int, height: int) -> None:
        unit = (width * height) ** 0.5
        self.radius = unit * rng.uniform(0.011, 0.017)
        self.start, self.length = rng.uniform(0, 1), rng.uniform(0.35, 0.7)
        run = np.linspace(0, 1, 200)
        fits, offset = rng.integers(2, 5), rng.uniform(0, 1)
        pace = 1 + 0.95 * np.sin(2 * np.pi * (fits * run + offset)) + run
        way = np.cumsum(pace) / pace.sum()
        top = rng.uniform(-0.1, 0.45) * height
        self.ys = top + (height * 1.08 - top) * way
        wander = gaussian_filter1d(rng.standard_normal(200), 12)
        self.xs = rng.uniform(0, width) + 0.05 * unit * (wander - wander[0])
        self.run = run
        self.bead_y = rng.uniform(top, height, BEADS)
        self.bead_size = rng.uniform(0.12, 0.36, BEADS)
        self.height, self.width = height, width

    def _age(self, time: float, y: np.ndarray) -> np.ndarray:
        """Time since the drop passed the heights `y`, negative before it did."""
        return (time - self.start) % 1 - 0.1 - self.length * np.interp(y, self.ys, self.run)

    def drops(self, time: float) -> np.ndarray:
        """x, y and radius of the drop and of the beads on its track that are there."""
        since = (time - self.start) % 1
        run = np.clip((since - 0.1) / self.length, 0, 1)
        own = (
            [np.interp(run, self.run, self.xs)],
            [np.interp(run, self.run, self.ys)],
            [self.radius * min(1, since / 0.1)],
        )
        age = self._age(time, self.bead_y)
        size = self.bead_size * self.radius * np.clip(1 - age / (0.95 - self.length), 0, 1) ** 0.5 * (age > 0)
        there = size > 0.5
        x = np.interp(self.bead_y, self.ys, self.xs)
        return np.array(
            [np.append(x[there], own[0]), np.append(self.bead_y[there], own[1]), np.append(size[there], own[2])]
        )

    def wipe(self, wiped: np.ndarray, time: float) -> None:
        """Mark where the drop has cleared the glass of mist, which comes back from the top of the track."""
        rows = np.arange(max(0, int(self.ys[0])), self.height)
        age = self._age(time, rows)
        share = np.where(age > 0, np.clip(1 - age / (0.88 - self.length), 0, 1) ** 1.5, 0)
        x = np.interp(rows, self.ys, self.xs)
        reach = int(self.radius * 1.2) + 2
        left = int(np.clip(x.min() - reach, 0, self.width))
        columns = np.arange(left, int(np.clip(x.max() + reach, 0, self.width)))
        edge = np.clip((0.85 * self.radius - np.abs(columns - x[:, None])) / 2.5 + 0.5, 0, 1)
        part = wiped[rows[0] :, left : left + columns.size]
        np.maximum(part, edge * share[:, None], out=part)
