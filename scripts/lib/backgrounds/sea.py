"""The open sea under a clear sky, seen from just above the water."""

from collections.abc import Iterator, Sequence

import numpy as np
from scipy import fft

from scripts.lib.backgrounds.paint import flowing, gradient, grid, resize, rgb, shade, smoothstep
from scripts.lib.backgrounds.plane import Plane

FOCUS = 0.9
"""Focal length, in the unit of the frame's coordinates."""


def sea(
    width: int,
    height: int,
    frames: int,
    rng: np.random.Generator,
    palette: Sequence[str] = ("#10224a", "#3a679c", "#9db9cf", "#f6dcc0", "#fff0d6", "#03202f", "#1d7480"),
    swell: float = 1.0,
    sun: float = 1.0,
) -> Iterator[np.ndarray]:
    """`palette`: the sky from its top down in four colours, the sun, deep water, water with light in it.

    `swell`: the steepness of the waves; `sun`: its height above the horizon.
    """
    x, y = grid(width, height)
    horizon = np.float32(0.42 * y[-1, 0])
    rows = int(np.searchsorted(y[:, 0], horizon))
    sky = gradient(palette[3::-1], (0, 0.14, 0.45, 1))
    glare, deep, lit = rgb(palette[4]), rgb(palette[5]), rgb(palette[6])
    sun_x, sun_y = np.float32(0.06), np.float32(0.07 * sun)

    up = horizon - y[:rows]
    far = np.hypot(x - sun_x, up - sun_y)
    air = shade(sky, np.broadcast_to(up / horizon, (rows, width)))
    air += (glare - air) * (0.5 * np.exp(-far / 0.06) + 0.35 * np.exp(-far / 0.25))
    disc = smoothstep(0.036, 0.031, far)
    # Thin cloud in streaks, the longer the nearer to the horizon, brightest where the sun is.
    streaks = flowing(rng, (90, 50), 1.6, frames, (0.08, 0.0), 0.4, low=2)
    veil = 0.3 * np.exp(-((up / horizon - 0.3) ** 2) / 0.05) + 0.35 * np.exp(-far / 0.2)

    below = y[rows:] - horizon
    calm = np.minimum(1, below / 0.035) ** 0.7 * swell  # far out a sample holds many waves, whose slopes cancel out
    near = 0.6 * swell * smoothstep(0.03, 0.2, below)
    big = _Patch(rng, frames, 13.0, 256, x / below, FOCUS / below)
    small = _Patch(rng, frames, 3.1, 128, x / below, FOCUS / below)
    away = 1 / np.sqrt(x * x + FOCUS**2 + below * below)
    look_x, look_y, look_z = x * away, below * away, FOCUS * away

    for streak in streaks:
        sx, sz = (calm * b + near * s for b, s in zip(big.slopes(), small.slopes(), strict=True))
        upright = 1 / np.sqrt(1 + sx * sx + sz * sz)
        facing = np.clip((look_y + sx * look_x + sz * look_z) * upright, 0.02, 1)
        grazing = (1 - facing) * (1 - facing)
        fresnel = 0.02 + 0.9 * grazing * grazing * (1 - facing)  # Schlick's approximation for water
        turn = 2 * facing * upright
        depth = 1 / np.maximum(look_z - turn * sz, 0.3)
        rise = np.abs(turn - look_y) * depth * FOCUS
        mirrored = shade(sky, rise * (0.7 / horizon))
        side = (look_x - turn * sx) * depth * FOCUS - sun_x
        lift = 0.4 * (rise - sun_y)
        gap = side * side + lift * lift
        spark = np.exp(gap * (-1 / 0.035**2)) + 0.35 * np.exp(np.sqrt(gap) * (-1 / 0.12))
        frame = np.empty((3, height, width), np.float32)
        body = deep + (lit - deep) * np.clip(0.3 - 1.3 * sz, 0, 1)
        frame[:, rows:] = body + (mirrored - body) * fresnel
        frame[:, rows:] += glare * (spark * (0.1 + 0.8 * fresnel))
        cloud = resize(smoothstep(0.0, 2.4, streak), width, rows) * veil
        frame[:, :rows] = air + (glare - air) * np.maximum(cloud, disc)
        yield frame


class _Patch:
    """A patch of waves laid over the sea again and again; see Tessendorf, Simulating Ocean Water (2001).

    The frequency of each wave is rounded to a whole number of turns in a loop. The wind blows towards the eye.
    """

    def __init__(
        self, rng: np.random.Generator, frames: int, span: float, size: int, across: np.ndarray, along: np.ndarray
    ) -> None:
        """`span`: the side of the patch; `size`: samples along it; `across`, `along`: what the frame's pixels show."""
        self.plane = Plane(across * (size / span), along * (size / span), size)
        k = 2 * np.pi / span * fft.fftfreq(size, 1 / size)
        right, away = k[None, : size // 2 + 1], k[:, None]
        length = np.hypot(right, away)
        length[0, 0] = np.inf
        wind = (0.3 * right + 0.95 * away) / length
        power = np.exp(-((6 / (length * span)) ** 2) - (length * span / size) ** 2) / length**4 * (0.12 + wind**2)
        waves = np.sqrt(power) * (rng.standard_normal(length.shape) + 1j * rng.standard_normal(length.shape))
        slopes = np.stack([1j * right * waves, -1j * away * waves])
        slopes *= 0.13 / fft.irfft2(slopes[1]).std()
        length[0, 0] = 0
        turns = np.rint(np.sqrt(length) * frames / 110) * np.where(wind > 0, 1, -1)
        self.spectra = slopes.astype(np.complex64)
        self.turn = np.exp(2j * np.pi / frames * turns).astype(np.complex64)

    def slopes(self) -> Iterator[np.ndarray]:
        """The next frame's slopes of the water at each pixel: to the right, and away from the eye."""
        for table in fft.irfft2(self.spectra):
            yield self.plane.show(table)
        self.spectra *= self.turn
