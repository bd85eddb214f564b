"""Fields read between their points, at places of their own or twice as densely."""

import numpy as np


def sample(table: np.ndarray, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    """A table (real or complex) that repeats in both directions, at such rows and columns, in float32.

    Between its points it runs in straight lines.
    """
    height, width = table.shape
    top, left = np.floor(row), np.floor(column)
    down, right = row - top, column - left
    corner = top.astype(np.intp) % height * (width + 1) + left.astype(np.intp) % width
    table = np.pad(table, ((0, 1), (0, 1)), mode="wrap").ravel()
    upper, lower = table.take(corner), table[width + 1 :].take(corner)
    upper += (table[1:].take(corner) - upper) * right
    lower += (table[width + 2 :].take(corner) - lower) * right
    return upper + (lower - upper) * down


def double(planes: np.ndarray) -> np.ndarray:
    """Planes (..., height, width) at twice their height and width, smoothly."""
    height, width = planes.shape[-2:]
    edged = np.concatenate([planes[..., :1, :], planes, planes[..., -1:, :]], -2)
    tall = np.empty((*planes.shape[:-2], 2 * height, width), np.float32)
    near = 0.75 * planes
    tall[..., ::2, :] = near + 0.25 * edged[..., :-2, :]
    tall[..., 1::2, :] = near + 0.25 * edged[..., 2:, :]
    edged = np.concatenate([tall[..., :1], tall, tall[..., -1:]], -1)
    whole = np.empty((*tall.shape[:-1], 2 * width), np.float32)
    near = 0.75 * tall
    whole[..., ::2] = near + 0.25 * edged[..., :-2]
    whole[..., 1::2] = near + 0.25 * edged[..., 2:]
    return whole
