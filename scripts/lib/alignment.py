"""Two sequences laid beside each other so that as much as possible agrees: Needleman & Wunsch, 1970."""

from collections.abc import Sequence

UNLIKE, GAP = -1.0, -0.5
"""Beside 1 for two that are the same."""


def pairs(left: Sequence[str], right: Sequence[str]) -> list[tuple[int, int]]:
    """The places of the equal characters on the best path through both. Takes a byte for each pair of characters."""
    import numpy as np

    b = np.array(right, dtype="U1")
    falls = (GAP * np.arange(len(b) + 1)).astype(np.float32)
    row, moves = falls, []  # of the moves: 0 takes one of each, 1 one of the left, 2 one of the right
    for character in left:
        diagonal = row[:-1] + np.where(b == character, np.float32(1), np.float32(UNLIKE))
        down = row + np.float32(GAP)
        best = down.copy()
        best[1:] = np.maximum(diagonal, down[1:])
        across = np.maximum.accumulate(best - falls) + falls
        move = np.full(len(b) + 1, 2, dtype=np.int8)
        move[across <= down] = 1
        move[1:][across[1:] <= diagonal] = 0
        moves.append(move)
        row = across
    found = []
    n, m = len(left), len(right)
    while n and m:
        move = int(moves[n - 1][m])
        n, m = n - (move != 2), m - (move != 1)
        if move == 0 and left[n] == right[m]:
            found.append((n, m))
    return found[::-1]
