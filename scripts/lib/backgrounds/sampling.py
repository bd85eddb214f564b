"""Fields read between their points, at places of their own."""

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
