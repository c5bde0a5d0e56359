"""Exact nearest neighbours: float32 finds candidates, and a bound says where they are all.

What the bound leaves open is searched with float64 products, and what those leave open, as
near-copies far from the other rows, is compared by differences.
"""

from functools import cached_property

import faiss
import numpy as np

from actors.distances.pairs import Pairs, squared_distances
from actors.distances.rounding import (
    centred,
    difference_error,
    largest_power,
    middle,
    product_error,
    scaling,
    underflow,
)

# candidates beyond the neighbours asked for, to have those left out beyond the reach of rounding
MARGIN = 4
# powers of two of elements between which float64 holds the squares of their differences
LOWEST, HIGHEST = -400, 480
# rows that are searched once more together, and the bytes of those they are compared with at once
OPEN_BLOCK = 256
CHUNK_BYTES = 1 << 25
# rows of which all pairs are compared
DIRECT = 64


def nearest(
    queries: np.ndarray, base: np.ndarray, k: int = 1, *, exclude_self: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Return distances and positions of the k nearest base rows of every query.

    Nearest by the sums of squared float64 differences, and certainly so: no row that is left out
    has a smaller sum, and of equal ones the lowest position comes first.

    Args:
        queries: (m, d).
        base: (n, d); with `exclude_self` the same rows as the queries.
        k: neighbours per query, at most n (n - 1 with `exclude_self`).
        exclude_self: leave out row i of the base as a neighbour of query i.

    Returns:
        (m, k) float64 Euclidean distances, rising, and (m, k) int64 positions.

    Raises:
        ValueError: k is not as above, or values are not finite.
    """
    most = len(base) - exclude_self
    if not 1 <= k <= most:
        raise ValueError(f"k: found {k}; allowed are 1 to {most} for {len(base)} rows")
    if not len(queries):
        return np.empty((0, k)), np.empty((0, k), np.int64)
    power = largest_power(queries, base)
    outside = not LOWEST < power < HIGHEST
    if outside:
        same = queries is base
        base = np.ldexp(base.astype(np.float64), -power)
        queries = base if same else np.ldexp(queries.astype(np.float64), -power)
    itself = np.arange(len(queries)) if exclude_self else np.full(len(queries), -1)
    search = _Search(queries, base, k, itself)
    squared, positions, certain = search.by_candidates()
    left = np.flatnonzero(~certain)
    # those of one length together: what they may be near to has about that length as well
    left = left[np.argsort(search.lengths[left], kind="stable")]
    for start in range(0, len(left), OPEN_BLOCK):
        some = left[start : start + OPEN_BLOCK]
        squared[some], positions[some] = search.by_products(some, squared[some, -1])
    distances = np.sqrt(squared, out=squared)
    return np.ldexp(distances, power) if outside else distances, positions


class _Search:
    """What both looks need to know.

    Attributes:
        lengths: (m,) of the queries about the centre, scaled.
    """

    def __init__(self, queries: np.ndarray, base: np.ndarray, k: int, itself: np.ndarray) -> None:
        """Take the rows and (m,) the base row left out for each query; -1 for none."""
        self._queries, self._base, self._k, self._itself = queries, base, k, itself
        self._centre = middle(base)
        self._scale = scaling(largest_power(queries, base), base.shape[1])
        self._columns, self._column_lengths = centred(base, self._centre, self._scale)
        self._rows, self.lengths = self._columns, self._column_lengths
        if queries is not base:
            self._rows, self.lengths = centred(queries, self._centre, self._scale)

    def by_candidates(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the k nearest of a few rows that are the nearest by float32 products.

        Returns:
            (m, k) squared distances and positions, and (m,) whether no other row is among them.
        """
        m, (n, d) = len(self._queries), self._base.shape
        count = min(n, self._k + int(self._itself[0] >= 0) + MARGIN)
        approximate, near = faiss.knn(self._rows, self._columns, count)
        near.sort(axis=1)
        row = np.repeat(np.arange(m), count)
        squared = squared_distances(self._queries, self._base, row, near.ravel()).reshape(m, count)
        squared[near == self._itself[:, None]] = np.inf
        order = np.argsort(squared, axis=1, kind="stable")[:, : self._k]
        squared, near = (np.take_along_axis(each, order, axis=1) for each in (squared, near))
        reach = self._reach(squared[:, -1])
        # what is longer is farther than the k nearest are
        longest = np.minimum(self._column_lengths.max(), self.lengths + reach)
        slack = product_error(d, np.float32) * np.square(self.lengths + longest) + underflow(d)
        return squared, near, (approximate[:, -1] - slack > np.square(reach)) | (count == n)

    def by_products(self, some: np.ndarray, limit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the k nearest of all rows that float64 products and lengths do not rule out.

        Args:
            some: (b,) queries.
            limit: (b,) squared distances within which they have k rows.

        Returns:
            (b, k) squared distances and positions.
        """
        queries, itself = self._queries[some], self._itself[some]
        reach, lengths = self._reach(limit), self.lengths[some]
        # those of the queries and of what they are compared with may both be rounded
        reach += 2 * difference_error(self._base.shape[1]) * (lengths + reach)
        low, high = (lengths - reach).min(), (lengths + reach).max()
        inside = (self._column_lengths >= low) & (self._column_lengths <= high)
        near = self._unrepeated[inside[self._unrepeated]]
        pairs: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        step = max(1, CHUNK_BYTES // (8 * max(self._base.shape[1], OPEN_BLOCK)))
        for start in range(0, len(near), step):
            chunk = near[start : start + step]
            squared, slack = Pairs(self._base[chunk], self._centre).squared(queries)
            row, column = np.nonzero(
                (squared - slack <= limit[:, None]) & (chunk != itself[:, None])
            )
            position = chunk[column]
            exact = squared_distances(queries, self._base, row, position)
            pairs.append((position, exact, row))
        positions, distances, rows = map(np.concatenate, zip(*pairs, strict=True))
        # of equally near rows the lowest positions are taken
        order = np.lexsort((positions, distances, rows))
        first = np.searchsorted(rows[order], np.arange(len(some)))
        kept = order[first[:, None] + np.arange(self._k)]
        return distances[kept], positions[kept]

    def _reach(self, squared: np.ndarray) -> np.ndarray:
        """Return a bound for the scaled true distance of what has a computed squared distance."""
        return self._scale * np.sqrt(squared) * (1 + difference_error(self._base.shape[1]))

    @cached_property
    def _unrepeated(self) -> np.ndarray:
        # a row with k copies before it, and one more for the row left out, is nobody's neighbour
        return without_repeats(self._base, self._k + 1)


def without_repeats(rows: np.ndarray, most: int) -> np.ndarray:
    """Return the ascending positions of (n, d) rows, at most `most` of equal ones: the first."""
    width = rows.dtype.itemsize * rows.shape[1]
    same = np.ascontiguousarray(rows + 0)  # -0 and 0 are one number
    whole = same.view(np.dtype((np.void, width)))[:, 0]
    _, group, count = np.unique(whole, return_inverse=True, return_counts=True)
    order = np.argsort(group, kind="stable")
    rank = np.empty(len(rows), np.int64)
    rank[order] = np.arange(len(rows)) - np.repeat(np.cumsum(count) - count, count)
    return np.flatnonzero(rank < most)


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
