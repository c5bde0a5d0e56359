"""Squared distances of all pairs of two sets in blocks, exact where they decide."""

import numpy as np

# pairs recomputed at once, in bytes of their differences
BLOCK_BYTES = 1 << 26


class Pairs:
    """Squared distances by matrix products, and how far rounding may have taken them off.

    Attributes:
        columns: the (n, d) rows that blocks of others are compared with.
    """

    def __init__(self, columns: np.ndarray) -> None:
        self.columns = columns
        # distances do not depend on the origin, but the rounding of the products does
        self._centre = columns.mean(axis=0, dtype=np.float64)
        self._centred = columns - self._centre
        self._norms = np.einsum("nd,nd->n", self._centred, self._centred)

    def squared(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return squared distances of (b, d) rows and what each may be off by, (b, n) float64."""
        centred = rows - self._centre
        norms = np.einsum("bd,bd->b", centred, centred)[:, None] + self._norms
        slack = 4 * rows.shape[1] * np.finfo(np.float64).eps * norms
        norms -= 2 * (centred @ self._centred.T)
        return norms, slack

    def recompute(
        self, squared: np.ndarray, rows: np.ndarray, where: tuple[np.ndarray, ...]
    ) -> None:
        """Put the exact squared distances into `squared` at the positions (row, column)."""
        step = max(1, BLOCK_BYTES // (8 * rows.shape[1]))
        for start in range(0, len(where[0]), step):
            row, column = (axis[start : start + step] for axis in where)
            difference = rows[row, None].astype(np.float64) - self.columns[column, None]
            squared[row, column] = np.einsum("mkd,mkd->mk", difference, difference)[:, 0]
