"""Points of light out of focus, floating up through a warm dark."""

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.ndimage import gaussian_filter

from scripts.lib.backgrounds.paint import flowing, gradient, grid, points, resize, rgb, shade, smoothstep


def bokeh(
    width: int,
    height: int,
    frames: int,
    rng: np.random.Generator,
    palette: Sequence[str] = ("#140803", "#5a290b", "#c98325", "#ff9a38", "#ffbe50", "#ffd777", "#fff0c4"),
    count: int = 90,
    rise: float = 1.0,
) -> Iterator[np.ndarray]:
    """`palette`: the dark from its depth to its glow in three colours, then those of the lights.

    `count`: the lights; `rise`: how fast they float up.
    """
    x, y = grid(width, height)
    unit, tall = (width * height) ** 0.5, float(y[-1, 0])
    dark = gradient(palette[:3])
    lights = np.stack([rgb(colour) for colour in palette[3:]])
    # The light gathers along a ribbon across the upper part of the frame, which leaves the lower part to words.
    ribbon = 0.36 * tall - 0.25 * x
    glow = 0.75 * np.exp(-(((y - ribbon) / (0.28 * tall)) ** 2)) + 0.2
    haze = flowing(rng, (height // 12, width // 12), 2.2, frames, (0.0, -0.4 * rise), 0.5)

    near = np.sort(rng.random(count)) ** 1.7  # from the farthest, small and crisp, to the nearest, large and faint
    radius = unit * (0.006 + 0.085 * near) * rng.uniform(0.8, 1.2, count)
    edge = 2 + 0.16 * radius
    strength = rng.uniform(0.4, 1, count) * (1 - 0.65 * near**0.5)
    # Any colour for the small ones, the first and deepest for the large.
    colour = lights[(rng.random(count) * (1 + (len(lights) - 1) * (1 - near))).astype(int)]
    at_x = rng.uniform(x.min() - 0.05, x.max() + 0.05, count)
    at_y = 0.38 * tall - 0.25 * at_x + rng.normal(0, 0.27 * tall, count)
    lift = rise * (0.1 + 0.16 * near)
    phase, sway, beat = rng.random((3, count))

    motes = 700
    mote_x = rng.uniform(x.min(), x.max(), motes)
    mote_y = 0.36 * tall - 0.25 * mote_x + rng.normal(0, 0.13 * tall, motes)
    mote_phase, mote_sway, mote_lift = rng.random((3, motes))
    sparkle = rng.pareto(2.5, motes).clip(0, 3)

    for n, drift in enumerate(haze):
        frame = shade(dark, glow * (0.8 + 0.16 * resize(drift, width, height)))
        age = (mote_phase + n / frames) % 1
        flown_x = mote_x + 0.05 * np.sin(2 * np.pi * (age + mote_sway))
        flown_y = mote_y - rise * (0.05 + 0.2 * mote_lift) * age
        shine = sparkle * np.sin(np.pi * age) ** 2 * (0.6 + 0.4 * np.sin(2 * np.pi * (4 * age + mote_sway)))
        dust = points((height // 2, width // 2), (flown_x * unit + width / 2) / 2, flown_y * unit / 2, shine)
        halo = gaussian_filter(dust[::2, ::2] + dust[1::2, 1::2], 5, truncate=2.5)
        frame += lights[1] * (0.45 * resize(dust, width, height) + 1.4 * resize(halo, width, height))
        age = (phase + n / frames) % 1
        flicker = 0.85 + 0.15 * np.sin(2 * np.pi * (2 * age + beat))
        discs(
            frame,
            (at_x + 0.025 * np.sin(2 * np.pi * (age + sway))) * unit + width / 2,
            (at_y - lift * (age - 0.5)) * unit,
            radius,
            edge,
            strength * flicker * smoothstep(0, 0.3, age) * smoothstep(1, 0.7, age),
            colour,
            rim=0.4,
        )
        yield frame


def discs(
    frame: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    radius: np.ndarray,
    edge: np.ndarray,
    cover: np.ndarray,
    colour: np.ndarray,
    rim: float = 0.0,
) -> None:
    """Lay discs over a frame in place, one after another, each mixed with what is under it by its cover of 0 to 1.

    Places, radii and the widths of the soft edges are in pixels; colours have shape (count, 3, 1, 1). With a rim,
    that share of the cover grows from the middle out, as in the image of a point behind a lens.
    """
    _, height, width = frame.shape
    rows, columns = np.arange(height, dtype=np.float32)[:, None] + 0.5, np.arange(width, dtype=np.float32) + 0.5
    # Plain floats, so that the planes stay float32.
    each = zip(*(values.tolist() for values in (x, y, radius, edge, cover)), colour, strict=True)
    for at_x, at_y, size, soft, share, tint in each:
        reach = size + soft / 2
        across = slice(max(0, int(at_x - reach)), max(0, int(at_x + reach) + 1))
        down = slice(max(0, int(at_y - reach)), max(0, int(at_y + reach) + 1))
        square = (columns[across] - at_x) ** 2 + (rows[down] - at_y) ** 2
        if share > 0.003 and square.size:
            weight = np.clip((reach - np.sqrt(square)) * (1 / soft), 0, 1)
            weight *= share * (1 - rim) + square * (share * rim / (size * size))
            window = frame[:, down, across]
            window += (tint - window) * weight
