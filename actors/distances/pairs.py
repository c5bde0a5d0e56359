"""Squared distances of pairs: sums of squared differences, and blocks of all pairs."""

import warnings

import numpy as np
import torch

from actors.distances.rounding import SAMPLED, difference_error, middle, product_error

# (n, d) float32 or float64 rows, wherever they lie
Rows = np.ndarray | torch.Tensor

# bytes of float64 differences that are formed together: what a cache holds, and what a GPU needs to
# be busy
BLOCK_BYTES = {"cpu": 1 << 21, "cuda": 1 << 28}


def as_rows(rows: Rows) -> torch.Tensor:
    """Return rows as a tensor of floating point, without a copy where they are one."""
    if isinstance(rows, np.ndarray):
        kept = rows if rows.dtype in (np.float32, np.float64) else rows.astype(np.float64)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The given NumPy array is not writable")
            return torch.from_numpy(np.ascontiguousarray(kept))
    return rows


def as_positions(positions: np.ndarray | torch.Tensor, device: torch.device) -> torch.Tensor:
    """Return positions as a tensor beside the rows that they are of."""
    return torch.as_tensor(positions, dtype=torch.int64, device=device)


def rows_at(rows: Rows, positions: np.ndarray) -> torch.Tensor:
    """Return the rows at some positions."""
    rows = as_rows(rows)
    return rows[as_positions(positions, rows.device)]


def origin(rows: torch.Tensor) -> torch.Tensor:
    """Return the (d,) float64 middle of (n, d) rows."""
    some = rows[:: max(1, len(rows) // SAMPLED)]
    return torch.from_numpy(middle(some.numpy(force=True))).to(rows.device)


def squared_lengths(differences: torch.Tensor) -> torch.Tensor:
    """Return the (m,) squared lengths of (m, d) float64 rows, overwritten: the form that decides.

    Halves are added element by element, so that a pair has the same bits on every device,
    whichever way round and among however many.
    """
    squares = differences.mul_(differences)
    width = squares.shape[1]
    while width > 1:
        half = width // 2
        squares.narrow(1, 0, half).add_(squares.narrow(1, width - half, half))
        width -= half
    return squares[:, 0]


def squared_distances(
    rows: Rows,
    others: Rows,
    row: np.ndarray | torch.Tensor,
    other: np.ndarray | torch.Tensor,
) -> np.ndarray:
    """Return the (p,) float64 squared distances of rows[row] to others[other].

    Args:
        rows: (m, d).
        others: (n, d), on the same device.
        row: (p,) positions.
        other: (p,) positions.
    """
    rows, others = as_rows(rows), as_rows(others)
    device = rows.device
    row, other = as_positions(row, device), as_positions(other, device)
    step = max(1, BLOCK_BYTES[device.type] // (8 * rows.shape[1]))
    squared = torch.empty(len(row), dtype=torch.float64, device=device)
    for block, a, b in zip(squared.split(step), row.split(step), other.split(step), strict=True):
        # index_select copies whole rows, which indexing does not on a CPU
        differences = rows.index_select(0, a).double().sub_(others.index_select(0, b))
        block.copy_(squared_lengths(differences))
    return squared.numpy(force=True)


class Pairs:
    """Squared distances by float64 matrix products, and how far rounding may have taken them off.

    Attributes:
        columns: the (n, d) rows that blocks of others are compared with.
    """

    def __init__(self, columns: Rows, centre: torch.Tensor | None = None) -> None:
        """Take the columns and a (d,) float64 origin; by default their middle."""
        self.columns = as_rows(columns)
        # distances do not depend on the origin, but the rounding of the products does
        self._centre = origin(self.columns) if centre is None else centre
        self._centred = self.columns.double() - self._centre
        self._norms = self._centred.square().sum(dim=1)
        self._lengths = self._norms.sqrt()
        d = self.columns.shape[1]
        self._error = product_error(d, np.float64) + difference_error(d)

    def squared(self, rows: Rows) -> tuple[torch.Tensor, torch.Tensor]:
        """Return squared distances of (b, d) rows and what each may be off by, (b, n) float64.

        They are off from the sums of squared differences in float64 by no more than that.
        """
        centred = as_rows(rows).double() - self._centre
        norms = centred.square().sum(dim=1)
        slack = torch.add(norms.sqrt()[:, None], self._lengths).square_().mul_(self._error)
        squared = torch.addmm(self._norms, centred, self._centred.T, alpha=-2)
        squared += norms[:, None]
        return squared, slack

    def recompute(self, squared: torch.Tensor, rows: Rows, where: torch.Tensor) -> None:
        """Put sums of squared differences into (b, n) `squared` where the mask is set."""
        row, column = torch.nonzero(where, as_tuple=True)
        exact = squared_distances(rows, self.columns, row, column)
        squared[row, column] = torch.from_numpy(exact).to(squared.device)
