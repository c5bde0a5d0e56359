"""The nearest of the rows that come before."""

import numpy as np

from actors.distances.differences import squared_distances
from actors.distances.neighbours import nearest

# rows of which all pairs are compared
DIRECT = 64


def nearest_before(rows: np.ndarray) -> np.ndarray:
    """Return the distance of every row to the nearest of those before it.

    Args:
        rows: (m, d).

    Returns:
        (m,) float64 Euclidean distances, certified as those of `nearest`; infinity for the first
        row, which has none before it.
    """
    m = len(rows)
    if m <= DIRECT:
        later, earlier = np.tril_indices(m, -1)
        squared = np.full((m, m), np.inf)
        squared[later, earlier] = squared_distances(rows, rows, later, earlier)
        return np.sqrt(squared.min(axis=1, initial=np.inf))
    half = m // 2
    across = nearest(rows[half:], rows[:half])[0][:, 0]
    later_half = np.minimum(across, nearest_before(rows[half:]))
    return np.concatenate((nearest_before(rows[:half]), later_half))
