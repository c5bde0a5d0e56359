"""Squared distances as sums of squared float64 differences: the form that decides."""

import numpy as np

# differences held at once
BLOCK_BYTES = 1 << 19


def squared_distances(
    rows: np.ndarray, others: np.ndarray, row: np.ndarray, other: np.ndarray
) -> np.ndarray:
    """Return the (p,) float64 squared distances of rows[row] to others[other].

    A pair has the same bits whichever way round and among however many.

    Args:
        rows: (m, d).
        others: (n, d).
        row: (p,) positions.
        other: (p,) positions.
    """
    squared = np.empty(len(row))
    step = max(1, BLOCK_BYTES // (8 * rows.shape[1]))
    for start in range(0, len(row), step):
        pairs = slice(start, start + step)
        difference = np.subtract(rows[row[pairs]], others[other[pairs]], dtype=np.float64)
        squared[pairs] = np.einsum("pd,pd->p", difference, difference)
    return squared
