"""A thunderstorm over the plain: dark clouds lit from within, lightning, rain."""

from collections.abc import Iterator, Sequence

import numpy as np
from scipy import fft
from scipy.ndimage import gaussian_filter

from scripts.lib.backgrounds.paint import flowing, gradient, grid, noise, points, resize, rgb, shade, smoothstep


def storm(
    width: int,
    height: int,
    frames: int,
    rng: np.random.Generator,
    palette: Sequence[str] = ("#0a0d1a", "#2a3350", "#66728f", "#b9b3ff", "#05070c"),
    wet: float = 1.0,
) -> Iterator[np.ndarray]:
    """`palette`: clouds from dark to light in three colours, lightning, the land; `wet`: how hard it rains."""
    x, y = grid(width, height)
    unit = (width * height) ** 0.5
    fall = y / y[-1]
    flash, land = rgb(palette[3]), rgb(palette[4])
    table = gradient(palette[:3])
    horizon = 0.87
    ridge = horizon - 0.008 * resize(noise(rng, (4, 512), 1.5), width, 4)[1] - 0.012 * np.exp(-(((x - 0.1) / 0.2) ** 2))
    ground = smoothstep(-0.0015, 0.0015, fall - ridge)
    clear = smoothstep(0.66, 0.86, fall)  # the pale strip under the clouds
    bolts = [_Bolt(rng, width, height, horizon, *strike) for strike in ((0.12, -0.16), (0.45, 0.2), (0.78, -0.02))]
    sheets = [_sheet(rng, width, height, *kind) for kind in ((900, 0.018, 0.10), (320, 0.045, 0.13))]
    rows = ((0.55 * fall + 0.75 * fall**3)[:, 0] * height).astype(np.intp)
    shape = fft.next_fast_len(int(1.4 * height)), fft.next_fast_len(int(1.25 * width))
    step = max(1, round(0.014 * unit))
    for frame, puffs in enumerate(flowing(rng, shape, 2.15, frames, (0.14, -0.02), 0.35, low=1)):
        time = frame / frames
        slant = (puffs - np.roll(puffs, (-step, -step), (0, 1)))[rows, :width]
        bulk = puffs[rows, :width]
        body = 0.38 + 0.16 * bulk + 0.55 * slant + 0.25 * fall**2
        out = shade(table, body + (0.8 - body) * (0.75 * clear))
        for bolt in bolts:
            power = bolt.power(time)
            if power > 0.01:
                within = bolt.halo * np.clip(0.75 - 0.25 * bulk + 1.4 * slant, 0.1, 2) * (1 - 0.6 * clear)
                out += flash * (power * (within + bolt.light))
        out += (land - out) * ground
        for sheet, falls, shift in zip(sheets, (9, 7), (0.06, 0.1), strict=True):
            drop = int(time * falls * height)
            drops = np.roll(sheet, (drop, -int(drop * shift)), (0, 1))
            out += (0.5 + 0.5 * flash) * (wet * drops)
        yield out


class _Bolt:
    def __init__(
        self, rng: np.random.Generator, width: int, height: int, horizon: float, start: float, across: float
    ) -> None:
        """A bolt that strikes once a loop at the time `start`, `across` to the right of the middle."""
        unit = (width * height) ** 0.5
        self.start = start
        x, y, light = _branches(rng, across, 0.12 * height / unit, horizon * height / unit)
        core = np.minimum(points((height, width), width / 2 + x * unit, y * unit, light * unit / 720), 1.2)
        self.light = 1.3 * gaussian_filter(core, 0.8) + 3.5 * gaussian_filter(core, 0.006 * unit)
        self.light += 14 * gaussian_filter(core, 0.035 * unit)
        columns, rows = grid(width, height)
        far = np.hypot(columns - across, 0.9 * rows - 0.27 * height / unit)
        self.halo = 0.65 * np.exp(-far / 0.2) + np.float32(0.12)

    def power(self, time: float) -> float:
        """Light at a time: up in a few frames, gone in a second, with one weaker stroke in between."""
        strokes = ((0.0, 1.0), (0.03, 0.55))
        ages = [((time - self.start - late) % 1, size) for late, size in strokes]
        return sum(size * min(1, age / 0.012) * np.exp(-max(0, age - 0.012) / 0.022) for age, size in ages)


def _branches(rng: np.random.Generator, across: float, top: float, end: float) -> np.ndarray:
    """Points along a bolt and its branches: x, y and light, of shape (3, n); in units."""
    ways = [(across, top, end, 1.0, 0.0)]
    out = []
    while ways:
        across, top, end, light, lean = ways.pop()
        count = 8 + int((end - top) / 0.0055)
        kinks = np.where(rng.random(count) < 0.12, rng.normal(0, 0.02, count), 0)
        x = across + np.cumsum(rng.normal(0, 0.0036, count) + lean + kinks)
        y = np.linspace(top, end, count)
        fine = np.linspace(0, count - 1, count * 12)
        fade = np.linspace(light, light if light == 1 else 0.1 * light, fine.size)
        out.append([np.interp(fine, np.arange(count), x), np.interp(fine, np.arange(count), y), 0.2 * fade])
        if light > 0.4:
            for at in rng.integers(1, count - 2, 8 if light == 1 else 2):
                reach = y[at] + (end - y[at]) * rng.uniform(0.2, 0.6)
                ways.append((x[at], y[at], reach, 0.55 * light, rng.choice([-1, 1]) * rng.uniform(0.002, 0.006)))
    return np.hstack(out)


def _sheet(rng: np.random.Generator, width: int, height: int, count: int, length: float, light: float) -> np.ndarray:
    """A plane of slanting streaks of rain that meets itself at its edges."""
    unit = (width * height) ** 0.5
    run = np.arange(int(length * unit * 2)) / 2
    x, y = rng.uniform(0, width, (count, 1)) - 0.1 * run, rng.uniform(0, height, (count, 1)) + run
    fade = np.sin(np.pi * (run + 0.5) / run[-1]).clip(0) * light * rng.uniform(0.3, 1, (count, 1))
    return points((height, width), (x % (width - 1)).ravel(), (y % (height - 1)).ravel(), fade.ravel())
