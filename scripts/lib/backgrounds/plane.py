"""A level plane, covered with a texture that repeats itself, seen in perspective."""

import numpy as np


class Plane:
    def __init__(self, across: np.ndarray, along: np.ndarray, size: int) -> None:
        """The place on the texture, in samples, of each pixel (`across`: rows, columns) and row (`along`: rows, 1).

        `size`: samples a side of the texture. A row of the frame lies along a line of the texture, so that each is
        mixed from two lines of samples first, and its pixels from that.
        """
        row, column = along % size, across % size
        self.top, left = row[:, 0].astype(np.intp) % size, column.astype(np.intp) % size
        self.down, self.right = (row % 1).astype(np.float32), (column % 1).astype(np.float32)
        self.left = left + np.arange(len(left))[:, None] * (size + 1)

    def show(self, texture: np.ndarray) -> np.ndarray:
        """The texture as the frame's pixels show it, of shape (rows, columns)."""
        texture = np.pad(texture, (0, 1), mode="wrap")
        rows = texture[self.top]
        rows += (texture[self.top + 1] - rows) * self.down
        rows = rows.ravel()
        near, far = rows.take(self.left), rows[1:].take(self.left)
        far -= near
        far *= self.right
        far += near
        return far
