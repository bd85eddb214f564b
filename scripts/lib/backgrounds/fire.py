"""A fire in the dark: flames along the foot of the frame, embers rising from them."""

from collections.abc import Iterator, Sequence

import numpy as np

from scripts.lib.backgrounds.paint import gradient, grid, noise, rgb, shade, smoothstep, spots


def fire(
    width: int,
    height: int,
    frames: int,
    rng: np.random.Generator,
    palette: Sequence[str] = ("#050102", "#3a0703", "#c8330a", "#ff9a1f", "#fff0b0"),
    flames: float = 1.0,
) -> Iterator[np.ndarray]:
    """`palette`: from the dark to the heart of the fire; `flames`: how high they reach."""
    x, y = grid(width, height)
    unit = (width * height) ** 0.5
    up = (y[-1] - y) / y[-1]
    table = gradient(palette, (0, 0.2, 0.48, 0.74, 1))
    ember = rgb(palette[3])[:, 0]
    tall, wide = height, width
    tongues = [noise(rng, (tall, wide), 1.8, low=low) for low in (2, 4)]
    sway = noise(rng, (tall, wide), 2.0, low=2)
    # Flames rush and stretch as they rise: rows further up show the noise farther apart.
    rows = (height * (0.5 * (1 - up) - 0.1 * up * up))[:, 0]
    column = np.arange(width)
    reach = 0.44 * flames * (1 - 0.5 * (x / x.max()) ** 2)

    count = 260
    born = rng.uniform(0, 1, (4, count))
    rounds = rng.integers(1, 4, count)
    size = unit * 0.0014 * rng.pareto(2.2, count).clip(0.5, 5)
    for frame in range(frames):
        time = frame / frames
        slow = ((rows + 2 * time * tall) % tall).astype(np.intp)[:, None] * wide
        quick = ((rows * 1.4 + 3 * time * tall) % tall).astype(np.intp)[:, None] * wide
        bend = sway.take(slow + column) * (0.03 * unit * (0.2 + up))
        at = (column + bend).astype(np.intp) % wide
        rough = 0.6 * tongues[0].take(slow + at) + 0.5 * tongues[1].take(quick + at)
        heat = 1.05 - up / reach + 0.42 * rough * (0.4 + 0.4 * np.minimum(up / reach, 1))
        body = np.clip(heat, 0, 1) * (0.65 + 0.17 * rough) + 0.2 * np.exp(-up / 0.28)
        out = shade(table, np.clip(body, 0, 1))
        age = (born[0] + rounds * time) % 1
        px = width * (1.2 * born[1] - 0.1) + unit * (0.05 + 0.1 * age) * np.sin(
            2 * np.pi * (born[2] + (1 + born[3]) * age)
        )
        py = height * (1.02 - 1.1 * age ** (0.7 + 0.5 * born[3]))
        light = smoothstep(0, 0.05, age) * (1 - age) ** 0.8 * (0.75 + 0.25 * np.sin(40 * age + 9 * born[3]))
        spots(out, px, py, 2.2 * size + 1, ember * light * 1.4)
        spots(out, px, py, 9 * size, ember * light * 0.12)
        yield out
