"""Which rows of two sets lie in each other's balls: float32 says most, float64 what is left."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from actors.distances.frame import Bound, Frame, Sizes
from actors.distances.pairs import Pairs, Rows, as_rows, squared_distances
from actors.distances.products import whole_precision
from actors.distances.rounding import largest_power

# rows and columns of which all pairs are compared at once
BLOCK = {"cpu": 1024, "cuda": 8192}
# share of the pairs of a block that float32 leaves open, from which on float64 looks at all of them
OPEN = 1 / 64


@dataclass(frozen=True)
class Inside:
    """Which pairs of some rows and some columns are within the radius of one and of the other.

    Attributes:
        of_row, of_column: (b, c) masks.
    """

    rows: slice
    columns: slice
    of_row: torch.Tensor
    of_column: torch.Tensor


def inside(
    rows: Rows, columns: Rows, row_radius: np.ndarray, column_radius: np.ndarray
) -> Iterator[Inside]:
    """Yield, in blocks of all pairs, which are in the ball of their row and of their column.

    As the roots of the sums of squared float64 differences say, what is exactly at the radius
    being inside.

    Args:
        rows: (m, d).
        columns: (n, d).
        row_radius: (m,) float64.
        column_radius: (n,) float64.
    """
    rows, columns = as_rows(rows), as_rows(columns)
    with torch.inference_mode():
        yield from _Balls(rows, columns, row_radius, column_radius).all()


class _Balls:
    def __init__(
        self,
        rows: torch.Tensor,
        columns: torch.Tensor,
        row_radius: np.ndarray,
        column_radius: np.ndarray,
    ) -> None:
        device = rows.device
        self._rows, self._columns = rows, columns
        self._row_radius = torch.from_numpy(row_radius).to(device)
        self._column_radius = torch.from_numpy(column_radius).to(device)
        self._frame = Frame.of(columns, largest_power(rows, columns))
        of_rows, of_columns = (
            Sizes.of(each, self._frame, torch.float32) for each in (rows, columns)
        )
        bound = Bound.of(of_rows, of_columns, rows.shape[1])
        # twice that of the product, and the roundings of the sum with the lengths
        self._row_slack, self._column_slack = (
            2 * (bound.of_columns * sizes.squared + bound.least) for sizes in (of_rows, of_columns)
        )
        self._row_norms, self._column_norms = of_rows.squared, of_columns.squared

    def all(self) -> Iterator[Inside]:
        size = BLOCK[self._rows.device.type]
        for start in range(0, len(self._rows), size):
            place = slice(start, start + size)
            moved = self._frame.moved(self._rows[place])
            for left in range(0, len(self._columns), size):
                yield self._block(place, slice(left, left + size), moved)

    def _block(self, rows: slice, columns: slice, moved: torch.Tensor) -> Inside:
        squared = self._column_norms[columns].float()
        with whole_precision():
            others = self._frame.moved(self._columns[columns])
            squared = torch.addmm(squared, moved, others.T, alpha=-2)
        squared += self._row_norms[rows].float()[:, None]
        row_slack, column_slack = self._row_slack[rows].float(), self._column_slack[columns].float()
        slack = row_slack[:, None] + column_slack
        of_row, of_column, unsure = self._compare(
            squared, slack, rows, columns, self._frame.scale**2
        )
        if unsure.sum() > OPEN * unsure.numel():
            pairs = Pairs(self._columns[columns], self._frame.origin)
            both = pairs.squared(self._rows[rows])
            of_row, of_column, unsure = self._compare(*both, rows, columns, 1.0)
        row, column = torch.nonzero(unsure, as_tuple=True)
        if len(row):
            exact = squared_distances(self._rows[rows], self._columns[columns], row, column)
            # as roots, for what is at the radius exactly to have its bits
            distances = torch.from_numpy(np.sqrt(exact)).to(unsure.device)
            of_row[row, column] = distances <= self._row_radius[rows][row]
            of_column[row, column] = distances <= self._column_radius[columns][column]
        return Inside(rows, columns, of_row, of_column)

    def _compare(
        self, squared: torch.Tensor, slack: torch.Tensor, rows: slice, columns: slice, unit: float
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return which of (b, c) squared distances are within either radius, and what is unsure."""
        dtype = squared.dtype
        of_row = (self._row_radius[rows].square() * unit).to(dtype)[:, None]
        of_column = (self._column_radius[columns].square() * unit).to(dtype)
        unsure = (squared - of_row).abs_() <= slack
        unsure |= (squared - of_column).abs_() <= slack
        return squared <= of_row, squared <= of_column, unsure
