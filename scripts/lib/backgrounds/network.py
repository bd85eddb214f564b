"""A network in space: nodes that drift, links between those that are near, signals running along them."""

from collections.abc import Iterator, Sequence

import numpy as np

from scripts.lib.backgrounds.paint import gradient, grid, points, rgb, shade, spots

SAMPLES = 80
"""Points that make up a link."""


def network(
    width: int,
    height: int,
    frames: int,
    rng: np.random.Generator,
    palette: Sequence[str] = ("#030818", "#0a2c5c", "#1fb6ff", "#7af7ff", "#b98cff"),
    nodes: float = 1.0,
) -> Iterator[np.ndarray]:
    """`palette`: the space at its edge and in its middle, links, signals, a second colour of nodes.

    `nodes`: how many there are.
    """
    x, y = grid(width, height)
    unit = (width * height) ** 0.5
    far = np.hypot(x * 0.9, y - 0.42 * y[-1, 0])
    space = shade(gradient(palette[1::-1]), far / 0.75)
    link, signal, other = (rgb(colour)[:, 0] for colour in palette[2:])
    count = int(130 * nodes)
    home = rng.uniform(-0.5, 0.5, (3, count)) * np.array([[width / unit + 0.3], [height / unit + 0.3], [1.0]])
    start, turns = rng.uniform(0, 1, (3, count)), rng.choice([-1, 1], (3, count))
    hue = np.where(rng.random(count) < 0.3, other, link)
    big = 0.6 + rng.pareto(3, count).clip(0, 2.2)
    first, second = np.triu_indices(count, 1)
    run = np.linspace(0, 1, SAMPLES)
    for frame in range(frames):
        time = frame / frames
        place = home + 0.045 * np.sin(2 * np.pi * (turns * time + start))
        view = 0.16 * np.sin(2 * np.pi * time)
        across = place[0] * np.cos(view) - place[2] * np.sin(view)
        depth = place[0] * np.sin(view) + place[2] * np.cos(view)
        scale = 1.25 / (1.25 + depth)
        px, py = width / 2 + across * scale * unit, 0.46 * height + place[1] * scale * unit
        near = np.clip(1.05 - depth * 1.1, 0.15, 1.6)
        gap = np.sqrt(((place[:, first] - place[:, second]) ** 2).sum(0))
        linked = np.flatnonzero(gap < 0.29)
        a, b = first[linked], second[linked]
        strength = (1 - gap[linked] / 0.29) ** 0.8 * near[a] * near[b]
        lx, ly = (p[a, None] + (p[b] - p[a])[:, None] * run for p in (px, py))
        length = np.hypot(px[a] - px[b], py[a] - py[b])
        light = np.broadcast_to((strength * length / SAMPLES * 0.95)[:, None], lx.shape)
        lines = points((height, width), lx.ravel(), ly.ravel(), light.ravel())
        out = space + link[:, None] * lines
        on = (a * 7 + b * 13) % 3 == 0
        along = (time * (1 + (a + b) % 2) + (a * 0.37 + b * 0.61)) % 1
        sx, sy = px[a] + (px[b] - px[a]) * along, py[a] + (py[b] - py[a]) * along
        shine = np.minimum(strength, 1) * np.sin(np.pi * along) * on
        sent = shine > 0.01
        for radius, strong in ((0.007, 1.0), (0.025, 0.18)):
            spots(out, sx[sent], sy[sent], np.full(sent.sum(), radius * unit), signal * (strong * shine[sent]))
        size = unit * 0.0055 * big * near
        spots(out, px, py, size + 0.8, hue * np.minimum(near, 1) * 1.1, 0.5)
        spots(out, px, py, 5.5 * size, hue * near * 0.2)
        yield 1 - np.exp(-1.3 * out)
