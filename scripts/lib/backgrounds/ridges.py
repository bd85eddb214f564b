"""Ridge behind ridge of mountains in drifting mist, with the sun low above the farthest."""

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.ndimage import gaussian_filter1d

from scripts.lib.backgrounds.drift import drifting
from scripts.lib.backgrounds.paint import flowing, gradient, grid, noise, resize, rgb, shade, smoothstep

RIDGES = 8
BANKS = (1, 3, 5, 6)
"""The ridges that have a bank of fog before them."""


def ridges(
    width: int,
    height: int,
    frames: int,
    rng: np.random.Generator,
    palette: Sequence[str] = ("#35548f", "#a9a9cd", "#ffb98a", "#fff6e2", "#f0bfa8", "#4a5f84", "#0c1626"),
    fog: float = 1.0,
    speed: float = 1.0,
) -> Iterator[np.ndarray]:
    """`palette`: the sky from its top down in three colours, the sun, mist, a ridge half way, the nearest ridge."""
    x, y = grid(width, height)
    unit, tall = (width * height) ** 0.5, float(y[-1, 0])
    sun_x, sun_y = 0.11, 0.335 * tall
    sunlight, mist, middle, shadow = (rgb(colour) for colour in palette[3:])
    far = np.hypot(x - sun_x, y - sun_y)
    warmth = 0.65 * np.exp(-far / 0.07) + 0.35 * np.exp(-far / 0.35)
    scene = shade(gradient(palette[:3]), np.broadcast_to(y / (0.42 * tall), (height, width)))
    scene += (sunlight - scene) * np.maximum(warmth, smoothstep(0.05, 0.024, far))
    air = mist + (sunlight - mist) * (0.9 * warmth)
    air = air + (middle - air) * (0.6 * smoothstep(0.5, 0.85, y / tall))  # cold in the nearest valleys

    clear = [np.ones((height, width), np.float32)]  # what is seen of the sky, and of each ridge, past nearer ones
    feet = []
    for ridge in range(RIDGES):
        near = ridge / (RIDGES - 1)
        line = tall * (0.37 + 0.5 * near**1.15) - _heights(rng, width, near)
        below = y - line
        cover = np.clip(below * unit + 0.5, 0, 1)
        if near > 0.6:
            cover = np.maximum(cover, _conifers(rng, line, x, y, 0.012 + 0.125 * (near - 0.6)))
        colour = air + (middle - air) * smoothstep(-0.25, 0.5, near)
        colour = colour + (shadow - colour) * smoothstep(0.4, 1.0, near)
        slopes = noise(rng, (height, width), 1.7, low=3) - 0.5 * noise(rng, (height, width), 1.2, low=12)
        colour = colour * (1 + 0.03 * slopes)
        foot = smoothstep(0.0, 0.11 + 0.16 * near, y - gaussian_filter1d(line, 0.04 * unit))
        colour += (air - colour) * (0.8 * (1 - near) ** 0.7 * foot)
        colour += (sunlight - colour) * (0.25 * (1 - near) * np.exp(-np.maximum(below, 0) / 0.012) * warmth)
        scene += (colour - scene) * cover
        clear = [seen * (1 - cover) for seen in clear] + [np.ones_like(below)]
        feet.append(float(line.mean()))

    banks = []
    for ridge in BANKS:
        near = ridge / (RIDGES - 1)
        drift = speed * (0.12 + 0.3 * near), 0.0
        wisps = drifting(rng, (height // 4, width // 4), 2.0, frames, drift, 0.25, low=3.5 - 2 * near)
        depth = (y[2::4] - feet[ridge]) / (0.05 + 0.06 * near)
        banks.append((wisps, depth, clear[ridge + 1] * (fog * (0.75 - 0.25 * near))))
    streaks = flowing(rng, (90, 40), 1.7, frames, (0.15 * speed, 0.0), 0.4, low=2)
    veil = 0.45 * clear[0] * np.exp(-(((y / tall - 0.22) / 0.1) ** 2)) * (0.5 + warmth)
    breath = 0.12 * np.exp(-far / 0.3)

    for n in range(frames):
        through = 1 - veil * resize(smoothstep(-0.3, 2.2, next(streaks)), width, height)
        for wisps, depth, share in banks:
            through *= 1 - share * resize(smoothstep(-1.2, 2.2, depth + 1.1 * next(wisps)), width, height)
        frame = air + (scene - air) * through
        frame += (sunlight - frame) * (breath * np.float32(0.5 - 0.5 * np.cos(2 * np.pi * n / frames)))
        yield frame


def _heights(rng: np.random.Generator, width: int, near: float) -> np.ndarray:
    """How high a ridge rises above its middle at each column: sharp peaks far away, soft shoulders near."""
    long = noise(rng, (width, 2 * width), 2.4)[0, :width]
    rough = noise(rng, (width, 2 * width), 2.0, low=2)[0, :width]
    peaks = 0.8 - 1.25 * np.abs(rough)
    return 0.035 * long + 0.045 * (1 - near) * peaks + 0.02 * near * rough


def _conifers(rng: np.random.Generator, line: np.ndarray, x: np.ndarray, y: np.ndarray, tall: float) -> np.ndarray:
    """The cover of trees up to about so tall along a ridge."""
    cover = np.zeros((len(y), x.size), np.float32)
    pixel = float(y[1, 0] - y[0, 0])
    for place in rng.uniform(0, x.size, round(2 * x.size * pixel / (0.22 * tall))):
        size = tall * (0.3 + 0.8 * rng.random() ** 2)
        top = line[int(place)] - size
        rows = slice(max(0, int(top / pixel)), int((top + 1.15 * size) / pixel) + 1)
        columns = slice(max(0, int(place - 0.3 * size / pixel)), int(place + 0.3 * size / pixel) + 2)
        down = (y[rows] - top) / size
        boughs = 0.55 + 0.45 * ((down * 9 + rng.random()) % 1)
        half = size * (0.012 + 0.2 * np.clip(down, 0, 1) * boughs)
        edge = (half - np.abs(x[:, columns] - x[0, int(place)])) / pixel + 0.5
        cover[rows, columns] = np.maximum(cover[rows, columns], np.where(down > 0, np.clip(edge, 0, 1), 0))
    return cover
