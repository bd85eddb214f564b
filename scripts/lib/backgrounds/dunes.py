"""Dunes of a desert in the low light of the sun, with sand that the wind blows over their crests."""

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates, shift

from scripts.lib.backgrounds.paint import flowing, gradient, grid, noise, resize, rgb, shade, smoothstep
from scripts.lib.backgrounds.sampling import sample

FOCUS = 1.2
"""Focal length, in the unit of the frame's coordinates."""
EYE = 6.5
"""Height of the eye above the foot of the dunes; the crests stand 20 apart."""


def dunes(
    width: int,
    height: int,
    frames: int,
    rng: np.random.Generator,
    palette: Sequence[str] = ("#2f6496", "#8db4c4", "#ffd197", "#40202a", "#a4522a", "#f0a45c", "#ffe2b0"),
    sun: float = 0.25,
    wind: float = 1.0,
) -> Iterator[np.ndarray]:
    """`palette`: the sky from its top down in three colours, sand from the shadow to the sun in three, blown dust.

    `sun`: how steeply it shines, from the left; `wind`: how much sand it carries.
    """
    x, y = grid(width, height)
    unit, horizon = (width * height) ** 0.5, 0.37 * float(y[-1, 0])
    dust = rgb(palette[6])
    sky = shade(gradient(palette[:3], (0, 0.55, 1)), np.broadcast_to(y / horizon, (height, width)))
    sky += (dust - sky) * (0.75 * np.exp(-np.hypot(x - 1.3 * x[0, 0], 1.3 * (y - horizon + 0.04)) / 0.28))

    rows = (np.arange(2 * height, dtype=np.float32) + 0.5) / (2 * unit) - horizon
    light, crest, right, away = _desert(rng, x[0], rows, sun)
    sand, clear = shade(gradient(palette[3:6], (0, 0.5, 1)), light), np.exp(-away / 120)
    sand, clear, crest, right, away = (  # two rows a pixel, to smooth the crests against what is behind them
        (plane[..., ::2, :] + plane[..., 1::2, :]) / 2 for plane in (sand * clear, clear, crest * clear, right, away)
    )
    scene = sky * (1 - clear) + sand

    gusts = flowing(rng, (128, 128), 1.3, frames, (1.0, 0.0), 0.4, low=2)
    half = slice(None, None, 2), slice(None, None, 2)
    spot = away[half] * np.float32(128 / 14), right[half] * np.float32(128 / 40)
    stream = 0.65 * wind * (0.15 + crest) * smoothstep(5, 16, away) * clear
    blown = flowing(rng, (height // 4, width // 4), 1.5, frames, (1.0, 0.0), 0.6, low=2)
    plume = 0.8 * wind * resize(_plumes(away[::4, ::4]), width, height)

    # The air trembles over the far sand.
    top, end = (int((horizon + edge) * unit) for edge in (-0.05, 0.06))
    tremble = flowing(rng, (end - top, width), 1.8, frames, (0.0, -1.0), 1.0, low=2)
    column = np.arange(width)
    strength = 0.5 * np.exp(-(((y[top:end] - horizon) / 0.025) ** 2))
    for gust, cloud, wave in zip(gusts, blown, tremble, strict=True):
        frame = scene.copy()
        row = np.arange(top, end, dtype=np.float32)[:, None] + strength * wave
        above = row.astype(np.intp)
        band = scene[:, above, column]
        frame[:, top:end] = band + (scene[:, above + 1, column] - band) * (row - above)
        drift = resize(sample(smoothstep(-0.2, 2.2, gust), *spot), width, height) * stream
        drift += plume * resize(smoothstep(-1.0, 2.0, cloud), width, height)
        frame += (dust - frame) * np.minimum(drift, 0.9)
        yield frame


def _plumes(away: np.ndarray) -> np.ndarray:
    """Where sand blows off the crests, which are where the distance leaps."""
    away = np.log(np.minimum(away, 400))
    source = np.zeros_like(away)
    source[1:] = smoothstep(0.1, 0.5, away[:-1] - away[1:]) * smoothstep(6.0, 4.0, away[1:])
    plume = sum(shift(source, (-0.3 * n, n), order=1) * np.exp(-n / 9) for n in range(30))
    return np.clip(gaussian_filter(0.35 * plume, (1.5, 2)), 0, 1)


def _desert(
    rng: np.random.Generator, x: np.ndarray, below: np.ndarray, sun: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """What each pixel shows of the desert: its light, how near to a crest it is, and where it lies.

    `below`: rows under the horizon. The heights are sampled along each column's line of sight from the eye away;
    those samples are seen that come out higher in the frame than all before them. Light comes along the rows.
    """
    step = x[1] - x[0]
    left = np.arange(-len(x), 0, dtype=np.float32) * step + x[0]  # what shades the frame from beyond its edge
    ray = np.concatenate([left, x])[None]
    z = np.geomspace(4, 600, 1500, dtype=np.float32)[:, None]
    across = ray * (z / FOCUS)
    high, near_crest = _heights(rng, across, z)

    slope_x = np.gradient(high, axis=1) / (step * z / FOCUS)
    slope_z = np.gradient(high, axis=0) / np.gradient(z, axis=0) - slope_x * across / z
    toward = np.array([-1, sun * 1.0, -0.35]) / np.linalg.norm([1, sun, 0.35])
    facing = (-slope_x * toward[0] + toward[1] - slope_z * toward[2]) / np.sqrt(1 + slope_x**2 + slope_z**2)
    shaded = np.empty_like(high)
    edge = high[:, 0]
    drop = sun * step * z[:, 0] / FOCUS
    for column in range(high.shape[1]):
        edge = np.maximum(high[:, column], edge - drop)
        shaded[:, column] = edge
    shadow = smoothstep(0.0, 0.25, shaded - high)
    light = 0.16 + 0.1 * slope_z + np.clip(facing, 0, 1) * 1.5 * (1 - shadow)

    seen = slice(len(x), None)
    down = (EYE - high[:, seen]) * (FOCUS / z)
    top = np.minimum.accumulate(down, axis=0)
    spot = np.zeros((2, len(below), len(x)), np.float32)
    spot[1] = np.arange(len(x))
    for column in range(len(x)):
        shown = np.flatnonzero(np.diff(top[:, column], prepend=np.inf) < 0)
        lines = -down[shown, column]
        after = np.searchsorted(lines, -below).clip(1, len(shown) - 1)
        between = (-below - lines[after - 1]) / (lines[after] - lines[after - 1])
        leap = shown[after] - shown[after - 1] > 1  # from a crest to what is seen over it
        place = np.where(leap, shown[after], shown[after - 1] + between)
        spot[0, :, column] = np.where(-below > lines[-1], np.inf, place)
    sky = ~np.isfinite(spot[0])
    spot[0, sky] = len(z) - 1
    planes = [map_coordinates(plane[:, seen], spot, order=1, mode="nearest") for plane in (light, near_crest)]
    away = z[0] * (z[-1] / z[0]) ** (spot[0] / (len(z) - 1))
    right = x * away / FOCUS
    ripples = noise(rng, (512, 512), 1.6, low=12)
    spot = np.stack([away * 60 + 18 * right, right * 9])
    fine = map_coordinates(ripples, spot, order=1, mode="grid-wrap") * smoothstep(34, 8, away)
    planes[0] += 0.045 * fine * (0.3 + planes[0])
    away[sky] = 1e4
    return *planes, right, away


def _heights(rng: np.random.Generator, across: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Heights of the sand, and how near a crest is: slowly up on the left, steeply down on the right."""
    z = np.broadcast_to(z, across.shape)

    def hills(span: float, slope: float) -> np.ndarray:
        spot = np.stack([z * (128 / span), across * (128 / span)])
        return map_coordinates(noise(rng, (128, 128), slope), spot, np.float32, order=2, mode="grid-wrap")

    bend, swell, rise = hills(240, 2.8), hills(150, 2.4), hills(400, 2.8)
    phase = (across + 0.35 * z + 12 * bend) / 20
    within = phase % 1
    lee = 0.7
    up, over = within / lee, (within - lee) / (1 - lee)
    shape = np.where(within < lee, (1 - np.cos(0.8 * np.pi * up)) / (1 - np.cos(0.8 * np.pi)), (1 - over) ** 1.5)
    size = np.clip(1 + 0.4 * swell, 0.15, 2)
    far = 1 / (1 + (z / 140) ** 2)  # where dunes are finer than a pixel only hills are left
    high = 4 * (0.45 + (size * shape - 0.45) * far) + 1.6 * rise * (1 + z / 100)
    return high.astype(np.float32), np.exp(-np.abs(within - lee) / 0.12) * size
