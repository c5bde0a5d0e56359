"""Leaving out the most isolated candidates before anything is selected."""

import numpy as np

from actors.distances.neighbours import nearest
from actors.distances.pairs import Rows

# which neighbour's distance says how isolated a row is
NEIGHBOUR = 5


def trimmed(candidates: int, share: float) -> int:
    """Return how many of so many candidates a share leaves out."""
    # a share is meant as it is written: 0.3 of 10 rows is 3, not 2
    return int(share * candidates + 1e-9)


def untrimmed(features: Rows, share: float) -> np.ndarray:
    """Return which rows are left when a share of them, the most isolated, is left out.

    How isolated a row is, is its distance to its fifth nearest row (to the farthest where there are
    fewer); of equally isolated ones the later is left out first. A selection that spreads takes
    outliers before all others, of which some are variety and some are garbage.

    Args:
        features: (N, d).
        share: of the rows, 0 to less than 1.

    Returns:
        Ascending int64 positions.
    """
    rows = len(features)
    left = rows - trimmed(rows, share)
    if left == rows:
        return np.arange(rows)
    k = min(NEIGHBOUR, rows - 1)
    distances = nearest(features, features, k, exclude_self=True)[0][:, -1]
    return np.sort(np.argsort(distances, kind="stable")[:left])
