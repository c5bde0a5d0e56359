"""Greedy selection: farthest-first traversal (Shi et al. 2025; Gonzalez 1985)."""

from typing import Literal

import numpy as np

from actors.selection.selection import Method, Selection, check_request, squared_distances


def greedy(features: np.ndarray, n: int, *, seed: int) -> Selection:
    """Start from one random row, then always add the row farthest from its nearest chosen row.

    Args:
        features: (N, d) float32 or float64.
        n: rows to choose, 1 to N.
        seed: seed of the first row.

    Returns:
        The rows in the order of picking, with the distance at each pick; ties go to the lowest
        position, and no row is picked twice even where rows are identical.
    """
    check_request(features, n)
    first = int(np.random.default_rng(seed).integers(len(features)))
    positions = np.empty(n, np.int64)
    squared = np.empty(n, np.float64)
    nearest = np.full(len(features), np.inf)
    pick = first
    for rank in range(n):
        positions[rank], squared[rank] = pick, nearest[pick]
        np.minimum(nearest, squared_distances(features, pick), out=nearest)
        nearest[pick] = -1  # chosen: below every distance that is left
        pick = int(nearest.argmax())
    squared[0] = np.nan
    return Selection(positions, np.sqrt(squared))


class Greedy(Method):
    """Farthest-first traversal."""

    kind: Literal["greedy"]

    def select(self, features: np.ndarray, n: int, seed: int) -> Selection:
        return greedy(features, n, seed=seed)
