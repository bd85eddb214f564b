"""A sky of clouds on the move, as in a time lapse."""

from collections.abc import Iterator, Sequence

import numpy as np
from scipy import fft

from scripts.lib.backgrounds.paint import flowing, gradient, grid, rgb, shade, smoothstep


def clouds(
    width: int,
    height: int,
    frames: int,
    rng: np.random.Generator,
    palette: Sequence[str] = ("#174a9c", "#4f93d8", "#cfe6f5", "#7389ab", "#ffffff", "#fff3d6"),
    cover: float = 1.0,
    sun: float = 1.0,
    speed: float = 1.0,
) -> Iterator[np.ndarray]:
    """`palette`: the sky from its top down in three colours, clouds in their shade and in the light, the sun.

    `cover`: how much of the sky they fill; `sun`: how high it stands.
    """
    x, y = grid(width, height)
    unit = (width * height) ** 0.5
    fall = y / y[-1]
    sun_x, sun_y = np.float32(0.17), y[-1, 0] * np.float32(1 - 0.78 * sun)
    dark, bright, glare = (rgb(colour) for colour in palette[3:])
    far = np.hypot(x - sun_x, y - sun_y)
    sky = np.broadcast_to(shade(gradient(palette[:3], (0, 0.5, 1)), fall), (3, height, width)).copy()
    halo = 0.8 * np.exp(-far / 0.06) + 0.4 * np.exp(-far / 0.25)
    sky += (glare - sky) * np.minimum(1, halo)
    lining = 0.9 * np.exp(-far / 0.25)
    # Rows of the noise lie closer together further down, where the clouds are farther away.
    rows = ((0.75 * fall + 0.9 * fall**3)[:, 0] * height * 0.85).astype(np.intp)
    shape = fft.next_fast_len(int(1.5 * height)), fft.next_fast_len(int(1.2 * width))
    step = max(1, round(0.012 * unit))
    low = 0.35 - 0.5 * cover + 0.5 * (fall - 0.5) ** 2
    for puffs in flowing(rng, shape, 1.75, frames, (0.2 * speed, -0.04 * speed), 0.5 * speed, low=1.5):
        slant = puffs - np.roll(puffs, (step, -step), (0, 1))
        thick = puffs[rows, :width] - low
        cloud = smoothstep(0, 0.8, thick)
        light = 0.8 + 0.55 * slant[rows, :width] - 0.33 * np.maximum(thick, 0) + lining
        tone = dark + (bright - dark) * np.clip(light, 0, 1)
        tone += (glare - tone) * (lining * (1 - 0.7 * cloud))
        yield sky + (tone - sky) * (cloud * 0.97)
