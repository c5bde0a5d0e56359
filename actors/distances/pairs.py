"""Squared distances of pairs: sums of squared differences, and blocks of all pairs."""

import numpy as np

from actors.distances.rounding import difference_error, middle, product_error

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


class Pairs:
    """Squared distances by float64 matrix products, and how far rounding may have taken them off.

    Attributes:
        columns: the (n, d) rows that blocks of others are compared with.
    """

    def __init__(self, columns: np.ndarray, centre: np.ndarray | None = None) -> None:
        """Take the columns and a (d,) float64 origin; by default their middle."""
        self.columns = columns
        # distances do not depend on the origin, but the rounding of the products does
        self._centre = middle(columns) if centre is None else centre
        self._centred = np.subtract(columns, self._centre, dtype=np.float64)
        self._norms = np.einsum("nd,nd->n", self._centred, self._centred)
        self._lengths = np.sqrt(self._norms)
        d = columns.shape[1]
        self._error = product_error(d, np.float64) + difference_error(d)

    def squared(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return squared distances of (b, d) rows and what each may be off by, (b, n) float64.

        They are off from the sums of squared differences in float64 by no more than that.
        """
        centred = np.subtract(rows, self._centre, dtype=np.float64)
        norms = np.einsum("bd,bd->b", centred, centred)
        slack = np.add.outer(np.sqrt(norms), self._lengths)
        slack *= slack
        slack *= self._error
        squared = centred @ self._centred.T
        squared *= -2
        squared += norms[:, None]
        squared += self._norms
        return squared, slack

    def recompute(self, squared: np.ndarray, rows: np.ndarray, where: np.ndarray) -> None:
        """Put sums of squared differences into (b, n) `squared` where the mask is set."""
        row, column = np.nonzero(where)
        squared[row, column] = squared_distances(rows, self.columns, row, column)
