"""Silhouettes of conifers."""

import numpy as np
from PIL import Image, ImageDraw


def pines(rng: np.random.Generator, width: int, height: int, trees: np.ndarray) -> np.ndarray:
    """A mask (1: wood, 0: air) of trees given as rows of x, y of the foot, and height, in pixels."""
    image = Image.new("L", (2 * width, 2 * height))
    pen = ImageDraw.Draw(image)
    for x, foot, tall in 2 * trees:
        tiers = max(5, int(tall / 9))
        down = np.repeat(np.linspace(0, 1, tiers + 1), 2)[1:-1]
        spread = 0.2 * tall * (0.06 + down**0.85) * rng.uniform(0.75, 1.2, (2, down.size))
        spread[:, ::2] *= 0.55  # each tier starts within the one above
        sag = rng.uniform(0, 0.02, (2, down.size)) * tall * (np.arange(down.size) % 2)
        top = foot - tall
        left = zip(x - spread[0], top + 0.94 * tall * down + sag[0], strict=True)
        right = zip(x + spread[1], top + 0.94 * tall * down + sag[1], strict=True)
        pen.polygon([(x, top - 0.03 * tall), *right, *reversed(list(left))], fill=255)
        pen.rectangle((x - 0.012 * tall, foot - 0.1 * tall, x + 0.012 * tall, foot), fill=255)
    return np.asarray(image.resize((width, height), Image.Resampling.BOX), np.float32) / 255
