"""Tall trees in the mist of the morning: shafts of sunlight between the trunks, fog, motes."""

from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter, map_coordinates

from scripts.lib.backgrounds.drift import drifting
from scripts.lib.backgrounds.paint import flowing, gradient, grid, noise, resize, rgb, shade, smoothstep, spots

DEPTHS = (0.0, 0.14, 0.3, 0.48, 0.72, 1.0)
"""The rows of trees, from the farthest (0) to the nearest (1)."""
SWAY = 0.004, 0.013
"""How far the last two rows move to and fro before the others, as the eye does."""
ANGLES, RADII = 720, 160


def forest(
    width: int,
    height: int,
    frames: int,
    rng: np.random.Generator,
    palette: Sequence[str] = ("#fff4cc", "#ecd98a", "#a9b973", "#557a56", "#0c1f16", "#fff0c4"),
    mist: float = 1.0,
    rays: float = 1.0,
) -> Iterator[np.ndarray]:
    """`palette`: the air around the sun and away from it in four colours, the wood, the shafts of light.

    `mist`: how thick it lies; `rays`: how bright these are.
    """
    x, y = grid(width, height)
    unit = (width * height) ** 0.5
    down = y / y[-1]
    sun_x, sun_y = np.float32(0.05), np.float32(0.24 * y[-1, 0])
    far = np.hypot(x - sun_x, (y - sun_y) * np.where(y > sun_y, 0.72, 1.0).astype(np.float32))
    air = shade(gradient(palette[:4], (0, 0.24, 0.56, 1)), far / 0.95)
    wood, shine = rgb(palette[4]), rgb(palette[5])
    pad = int(np.ceil(unit * SWAY[-1])) + 2
    masks = [_row(rng, width, height, pad, near) for near in DEPTHS]
    # The deeper in the mist, and the lower, where it gathers, the more of its light lies before the wood.
    veils = [np.exp(-0.55 * mist * (1 - near) / (near + 0.17) * (0.75 + 0.7 * down**2)) for near in DEPTHS]
    tones = [air + (wood - air) * (veil * (1 - 0.3 * np.exp(-far / 0.13))) for veil in veils]
    still, open_sky = air, np.ones((height, width), np.float32)
    for mask, tone, near in zip(masks[:-2], tones, DEPTHS, strict=False):
        part = mask[:, pad:-pad]
        still = still + (tone - still) * part
        open_sky *= 1 - part * (0.25 + near)
    behind = open_sky * (1 - masks[-2][:, pad:-pad])
    middle, front = tones[-2:]
    glow = air + (shine - air) * 0.65
    bright = glow - still

    half = height // 2, width // 2
    beams = _beams(rng, frames, behind, (unit * sun_x + width / 2, unit * sun_y))
    reach = np.exp(-far / 0.55) * smoothstep(0.0, 0.18, far) * (0.3 + 0.7 * smoothstep(-0.1, 0.12, y - sun_y))
    reach = resize(reach * np.float32(1.3 * rays), half[1], half[0])
    bloom = resize(np.float32(0.5) * np.exp(-far / 0.085), half[1], half[0])
    bank = np.exp(-(((down - 0.74) / 0.2) ** 2)) + 0.25 * np.exp(-(far**2) / 0.1)
    bank = resize(np.broadcast_to(bank, (height, width)) * np.float32(0.42 * mist), half[1], half[0])
    fogs = [drifting(rng, (round(56 * s * height / unit), round(20 * width / unit)), 1.5, frames, (d, 0.0), 0.4)
            for s, d in ((1.0, 0.22), (0.7, -0.3))]  # fmt: skip
    motes = _motes(rng, width, height, frames)
    for frame, (back_fog, fore_fog, beam, mote) in enumerate(zip(*fogs, beams, motes, strict=True)):
        swing = unit * np.sin(2 * np.pi * frame / frames)
        trees, trunks = (_shift(mask, pad, swing * s, width) for mask, s in zip(masks[-2:], SWAY, strict=True))
        haze, low = (bank * smoothstep(*ends, resize(fog, half[1], half[0]))
                     for fog, ends in ((back_fog, (-1.2, 2.2)), (fore_fog, (-0.6, 2.6))))  # fmt: skip
        haze = resize(np.minimum(haze, 0.9), width, height)
        light = resize(np.minimum(beam * reach + low + bloom, 0.95), width, height) * (1 - np.float32(0.66) * trunks)
        out, part = np.empty((3, height, width), np.float32), np.empty((height, width), np.float32)
        for plane, *layers in zip(out, still, bright, middle, front, glow, strict=True):
            base, rise, tree, trunk, shining = layers
            np.multiply(rise, haze, out=plane)
            plane += base
            for tone, cover in ((tree, trees), (trunk, trunks), (shining, light)):
                np.subtract(tone, plane, out=part)
                part *= cover
                plane += part
        spots(out, *mote[:3], shine[:, 0] * mote[3], 0.9)
        yield np.clip(out, 0, 1, out=out)


def _beams(rng: np.random.Generator, frames: int, gaps: np.ndarray, sun: tuple[float, float]) -> Iterator[np.ndarray]:
    """The light that comes through the gaps before the sun, spread outwards from it, in half the frame's size."""
    height, width = gaps.shape
    longest = np.hypot(width, height)
    angle = (np.arange(ANGLES)[:, None] / ANGLES - 0.5) * 2 * np.pi
    out = np.arange(RADII) * (longest / RADII)
    places = [sun[1] + np.sin(angle) * out, sun[0] + np.cos(angle) * out]
    polar = map_coordinates(gaps, places, order=1, mode="nearest")
    # Only the first stretch lets light in or shuts it out; from there it goes on through the mist.
    weight = np.exp(-out / (0.16 * longest))
    passed = np.cumsum(polar * weight, 1) / np.cumsum(weight)
    passed = gaussian_filter(passed, (1.2, 2), mode=("wrap", "nearest"))
    passed = 0.3 + 0.7 * smoothstep(0.2, 0.75, passed).astype(np.float32)
    # Pixels are read from the nearest point of a table with twice the angles.
    right, below = np.arange(0.5, width, 2)[None] - sun[0], np.arange(0.5, height, 2)[:, None] - sun[1]
    turn = np.rint((np.arctan2(below, right) / (2 * np.pi) + 0.5) * 2 * ANGLES).astype(np.intp) % (2 * ANGLES)
    index = turn * RADII + np.rint(np.hypot(right, below) / longest * RADII).astype(np.intp).clip(0, RADII - 1)
    steady = noise(rng, (6, ANGLES), 0.55)[0]
    table = np.empty((2 * ANGLES, RADII), np.float32)
    for moving in flowing(rng, (6, ANGLES), 0.55, frames, churn=0.6):
        row = gaussian_filter(0.85 * steady + 0.6 * moving[0], 1.4, mode="wrap")
        table[::2] = passed * (0.08 + smoothstep(-0.4, 1.3, row))[:, None]
        table[1::2] = 0.5 * (table[::2] + np.roll(table[::2], -1, 0))
        yield table.take(index)


def _motes(rng: np.random.Generator, width: int, height: int, frames: int) -> Iterator[tuple[np.ndarray, ...]]:
    """Places, radii and brightness of specks of dust that swing to and fro, in pixels."""
    count, unit = 46, (width * height) ** 0.5
    x, y = rng.uniform(0, width, count), height * rng.uniform(0.2, 0.98, count)
    phase = 2 * np.pi * rng.random((3, count))
    reach = unit * rng.uniform(0.01, 0.05, (2, count))
    radius = unit * (0.0022 + 0.009 * rng.random(count) ** 6)
    bright = np.minimum(0.6, 0.0016 * unit / radius)
    for turn in 2 * np.pi * np.arange(frames) / frames:
        light = (0.5 + 0.5 * np.sin(2 * turn + phase[2])) * bright
        yield x + reach[0] * np.sin(turn + phase[0]), y + reach[1] * np.sin(turn + phase[1]), radius, light


def _shift(mask: np.ndarray, pad: int, by: float, width: int) -> np.ndarray:
    """The part of a mask that the frame shows when it has moved to the right by so many pixels."""
    left = int(np.floor(pad - by))
    share = np.float32(pad - by - left)
    near = mask[:, left : left + width]
    return near + (mask[:, left + 1 : left + 1 + width] - near) * share


def _row(rng: np.random.Generator, width: int, height: int, pad: int, near: float) -> np.ndarray:
    """A mask (1: wood, 0: air) of one row of trees, its leaves above and its undergrowth, `pad` wider on both sides."""
    unit = (width * height) ** 0.5
    wide = width + 2 * pad
    image = Image.new("L", (2 * wide, 2 * height))
    pen = ImageDraw.Draw(image)
    floor = height * (0.7 + 0.22 * near**0.8)
    bumps = resize(noise(rng, (1, 256), 1.3), wide, 1)[0]
    ground = floor + unit * (0.012 + 0.016 * near) * bumps
    count = max(4, round(wide / unit * (21 - 16 * near**0.6)))
    for place in range(count):
        x = (place + rng.uniform(0.18, 0.82)) / count
        thick = unit * (0.0055 + 0.031 * near**1.2) * rng.uniform(0.65, 1.35)
        if near == 1 and abs(x - 0.52) < 0.27:
            continue  # the view into the wood stays open
        foot = ground[int(x * wide)] + unit * (0.008 + 0.04 * near)
        _tree(rng, pen, 2 * x * wide, 2 * foot, 2 * thick, 2 * unit, near)
    for x in rng.uniform(0, wide, int(wide / unit * (420 - 230 * near))):
        long = unit * (0.006 + 0.021 * near) * rng.uniform(0.4, 1.3)
        _limb(rng, pen, 2 * x, 2 * ground[int(x)] + 4, rng.normal(-np.pi / 2, 0.4), 2 * long, 0.06 * long + 0.6, 0.12)
    mask = np.asarray(image.resize((wide, height), Image.Resampling.BOX), np.float32) / 255

    y = np.arange(height, dtype=np.float32)[:, None]
    across = np.abs(np.arange(wide, dtype=np.float32) / wide - 0.53)[None]
    clumps = resize(noise(rng, (height // 4, wide // 4), 1.5, low=2), wide, height)
    leaves = noise(rng, (height, wide), 0.1, low=0)
    leaves = gaussian_filter(leaves, unit * (0.0009 + 0.0011 * near))
    leaves /= leaves.std()
    edge = 0.03 + near * (0.26 * (2 * across) ** 1.5 + 0.07 - 0.12 * np.exp(-((across / 0.2) ** 2)))
    crown = (edge - y / height) * 9 + 0.75 * clumps + 0.42 * leaves - 0.15
    bush = (y - ground) * (5.5 / (unit * (0.03 + 0.04 * near))) + 0.75 * clumps + 0.6 * leaves
    mask = np.maximum(mask, smoothstep(0, 0.3, np.maximum(crown, bush)))
    return gaussian_filter(mask, 0.35 + 0.75 * near**3).astype(np.float32)


def _tree(
    rng: np.random.Generator, pen: ImageDraw.ImageDraw, x: float, foot: float, thick: float, unit: float, near: float
) -> None:
    """A trunk that rises out of the frame, and its branches."""
    up = np.linspace(0, 1, 40)
    lean, bow = unit * rng.normal(0, 0.02 + 0.014 * near, 2)
    sway = np.cumsum(np.cumsum(rng.normal(0, 0.0005 * unit, 40)) / 12)
    middle = x + lean * up + bow * np.sin(np.pi * up) * 0.6 + sway
    rise = foot - (foot + 0.05 * unit) * up
    girth = thick * (1 - 0.5 * up + 0.9 * np.exp(-up / 0.018) + 0.25 * np.exp(-up / 0.09))
    girth *= 1 + 0.05 * rng.standard_normal(40)
    left, right = middle - girth / 2, middle + girth / 2
    pen.polygon([*zip(left, rise, strict=True), *zip(right[::-1], rise[::-1], strict=True)], fill=255)
    leaf = unit * (0.0013 + 0.0017 * near)
    for at in rng.uniform(0.3, 1, rng.integers(6, 12)) ** 0.8:
        side = rng.choice((-1, 1))
        angle = np.pi / 2 * (1 - side) - side * rng.normal(0.3 + 0.3 * at, 0.25)
        here = np.interp(at, up, middle), np.interp(at, up, rise)
        long = unit * (0.035 + 0.13 * near**0.7) * rng.uniform(0.4, 1.2)
        _limb(rng, pen, *here, angle, long, np.interp(at, up, girth) * rng.uniform(0.14, 0.3), 0.16, 2, leaf)


def _limb(
    rng: np.random.Generator,
    pen: ImageDraw.ImageDraw,
    x: float,
    y: float,
    angle: float,
    long: float,
    thick: float,
    bend: float,
    forks: int = 0,
    leaf: float = 0.0,
) -> None:
    """A branch or a blade of grass that ends in a point, with twigs that fork as often as said and bear leaves."""
    turns = angle + np.cumsum(rng.normal(0, bend, 8))
    xs = x + np.cumsum(np.cos(turns)) * long / 8
    ys = y + np.cumsum(np.sin(turns)) * long / 8
    xs, ys = np.append(x, xs), np.append(y, ys)
    half = thick / 2 * np.linspace(1, 0.08, 9) ** 0.8
    nx, ny = -np.sin(np.append(turns, turns[-1])) * half, np.cos(np.append(turns, turns[-1])) * half
    pen.polygon([*zip(xs + nx, ys + ny, strict=True), *zip((xs - nx)[::-1], (ys - ny)[::-1], strict=True)], fill=255)
    if not forks and leaf:
        for at in rng.integers(2, 9, 6):
            (left, top), (wide, tall) = rng.normal((xs[at], ys[at]), 2.4 * leaf), leaf * rng.uniform(0.35, 1.3, 2)
            pen.ellipse((left - wide, top - tall, left + wide, top + tall), fill=255)
    if forks:
        for at in rng.integers(2, 8, rng.integers(2, 5)):
            turn = turns[at] + rng.choice((-1, 1)) * rng.uniform(0.35, 0.9)
            _limb(rng, pen, xs[at], ys[at], turn, long * rng.uniform(0.25, 0.55), 1.6 * half[at], bend, forks - 1, leaf)
