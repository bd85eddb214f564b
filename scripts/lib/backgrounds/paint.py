"""What the painters share: coordinates, colours, noise that flows in a loop, points and discs of light.

A painter yields frames: float32 arrays of shape (3, height, width), red, green and blue from 0 to 1, in one piece of
memory a colour. Lengths are in units of the root of the frame's area, so that things are as large in a tall frame as
in a wide one.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image
from scipy import fft

TONES = 1024
"""Steps of a gradient; each is dithered again when a frame is rounded to bytes."""


def grid(width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """x from the middle to the right, of shape (1, width), and y from the top down, of shape (height, 1)."""
    unit = (width * height) ** 0.5
    x = (np.arange(width, dtype=np.float32) + 0.5 - width / 2) / unit
    y = (np.arange(height, dtype=np.float32) + 0.5) / unit
    return x[None], y[:, None]


def smoothstep(low: float, high: float, value: np.ndarray) -> np.ndarray:
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def rgb(colour: str) -> np.ndarray:
    """`#rrggbb` as float32 of shape (3, 1, 1)."""
    return np.array([int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)], np.float32)[:, None, None]


def gradient(colours: Sequence[str], at: Sequence[float] | None = None) -> np.ndarray:
    """A table of shape (3, TONES) that runs through the colours, which stand evenly or at the places `at` (0 to 1).

    They are mixed in Oklab, where the way between two hues stays clear instead of turning grey
    (https://bottosson.github.io/posts/oklab/).
    """
    stops = np.hstack([rgb(colour)[:, 0] for colour in colours])
    linear = np.where(stops <= 0.04045, stops / 12.92, ((stops + 0.055) / 1.055) ** 2.4)
    lab = _TO_LAB @ np.cbrt(_TO_LMS @ linear)
    places = np.linspace(0, 1, len(colours)) if at is None else at
    mixed = np.stack([np.interp(np.linspace(0, 1, TONES), places, row) for row in lab])
    linear = np.clip(np.linalg.inv(_TO_LMS) @ (np.linalg.inv(_TO_LAB) @ mixed) ** 3, 0, 1)
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055).astype(np.float32)


_TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def shade(table: np.ndarray, value: np.ndarray) -> np.ndarray:
    """The colours of a gradient at values of 0 to 1 (beyond: its ends): shape (3, *value.shape)."""
    index = np.clip(value * np.float32(TONES), 0, TONES - 1).astype(np.intp)
    return np.stack([row.take(index) for row in table])


def noise(rng: np.random.Generator, shape: tuple[int, int], slope: float, low: float = 0.0) -> np.ndarray:
    """Cloudy noise of mean 0 and variance 1 that meets itself at its edges.

    Its amplitude falls with the spatial frequency k as k**-slope; waves fewer than `low` to the shorter side are
    left out.
    """
    return _field(_spectrum(rng, shape, slope, low), shape)


def flowing(
    rng: np.random.Generator,
    shape: tuple[int, int],
    slope: float,
    frames: int,
    drift: tuple[float, float] = (0.0, 0.0),
    churn: float = 0.0,
    low: float = 0.0,
) -> Iterator[np.ndarray]:
    """Such noise, moved by `drift` (right, down; shares of its width and height a loop) and stirred by `churn`.

    Every wave of the noise runs a whole number of its lengths in a loop, the nearest to its share of the drift, so
    that the last frame flows into the first whatever the drift, and nothing is seen to repeat.
    """
    spectrum = _spectrum(rng, shape, slope, low)
    down, right = _waves(shape)
    turns = -(drift[0] * right + drift[1] * down) + churn * rng.standard_normal(spectrum.shape)
    step = np.exp(2j * np.pi / frames * np.rint(turns)).astype(np.complex64)
    for _ in range(frames):
        yield _field(spectrum, shape)
        spectrum *= step


def _waves(shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Waves down and across a field, of each coefficient of its real Fourier transform."""
    height, width = shape
    return fft.fftfreq(height, 1 / height)[:, None], fft.rfftfreq(width, 1 / width)[None]


def _spectrum(rng: np.random.Generator, shape: tuple[int, int], slope: float, low: float) -> np.ndarray:
    down, right = _waves(shape)
    # Waves a side of equal length, so that the noise has no direction whatever the shape of the field.
    k = np.hypot(down / shape[0], right / shape[1]) * min(shape)
    k[0, 0] = np.inf
    size = np.where(k < low, 0, k**-slope)
    spectrum = size * (rng.standard_normal(size.shape) + 1j * rng.standard_normal(size.shape))
    spectrum = spectrum.astype(np.complex64)
    return spectrum / _field(spectrum, shape).std()


def _field(spectrum: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    return fft.irfft2(spectrum, shape)


def resize(plane: np.ndarray, width: int, height: int) -> np.ndarray:
    """One plane at another size, smoothly."""
    return np.asarray(Image.fromarray(plane).resize((width, height), Image.Resampling.BILINEAR))


def points(shape: tuple[int, int], x: np.ndarray, y: np.ndarray, light: np.ndarray) -> np.ndarray:
    """A plane with each point's light shared among the four pixels around its place (in pixels)."""
    height, width = shape
    left, top = np.floor(x).astype(np.intp), np.floor(y).astype(np.intp)
    seen = (left >= 0) & (left < width - 1) & (top >= 0) & (top < height - 1)
    corner = (top * width + left)[seen]
    right, down, light = (x - left)[seen], (y - top)[seen], light[seen].astype(np.float32)
    plane = np.zeros(height * width, np.float32)
    for step, share in ((0, (1 - right) * (1 - down)), (1, right * (1 - down)), (width, (1 - right) * down)):
        np.add.at(plane, corner + step, (share * light).astype(np.float32))
    np.add.at(plane, corner + width + 1, (right * down * light).astype(np.float32))
    return plane.reshape(shape)


def spots(
    frame: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    radius: np.ndarray,
    light: np.ndarray,
    soft: float = 1.0,
    rim: float = 0.0,
) -> None:
    """Add round spots of light to a frame: places and radii in pixels (shape (n,)), light of shape (3, n).

    `soft`: the share of the radius over which a spot fades, 1 for a glow and little for a disc out of focus; `rim`:
    how much darker its middle is, as lenses make it.
    """
    planes = frame.reshape(3, -1)
    octave = np.ceil(np.log2(np.maximum(radius, 1)))
    for level in np.unique(octave):
        some = octave == level
        _spots(planes, frame.shape[1:], x[some], y[some], radius[some], light[:, some], soft, rim)


def _spots(
    planes: np.ndarray,
    shape: tuple[int, int],
    x: np.ndarray,
    y: np.ndarray,
    radius: np.ndarray,
    light: np.ndarray,
    soft: float,
    rim: float,
) -> None:
    height, width = shape
    reach = int(np.ceil(radius.max()))
    around = np.arange(-reach, reach + 1)
    columns, rows = np.rint(x).astype(np.intp)[:, None] + around, np.rint(y).astype(np.intp)[:, None] + around
    across = ((columns - x[:, None]) / radius[:, None]).astype(np.float32) ** 2
    down = ((rows - y[:, None]) / radius[:, None]).astype(np.float32) ** 2
    across[(columns < 0) | (columns >= width)] = down[(rows < 0) | (rows >= height)] = 2
    far = (across[:, None, :] + down[:, :, None]).ravel()
    seen = np.flatnonzero(far < 1)
    far = far[seen]
    value = np.minimum(1, (1 - np.sqrt(far)) * np.float32(1 / soft))
    value *= value * (3 - 2 * value) * (1 - rim + rim * far)
    at = (rows[:, :, None] * width + columns[:, None, :]).ravel()[seen]
    spot = seen // around.size**2
    for plane, shine in zip(planes, light.astype(np.float32), strict=True):
        np.add.at(plane, at, value * shine[spot])
