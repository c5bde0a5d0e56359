"""Rows standardized by those of one set."""

import torch

from actors.distances.pairs import Rows, as_rows
from actors.metrics.blocks import doubles, mean_of


class Standardized:
    """Rows less a mean over a deviation, by dimension, in float64 as they are asked for."""

    def __init__(self, rows: torch.Tensor, mean: torch.Tensor, deviation: torch.Tensor) -> None:
        self._rows, self._mean, self._deviation = rows, mean, deviation

    def __len__(self) -> int:
        return len(self._rows)

    def at(self, positions: slice | torch.Tensor) -> torch.Tensor:
        return (self._rows[positions] - self._mean).div_(self._deviation)

    def all(self) -> torch.Tensor:
        return self.at(slice(None))


def standardized(by: Rows, *sets: Rows) -> list[Standardized]:
    """Return sets standardized by the mean and deviation of one; what is constant only centred."""
    rows = as_rows(by)
    mean = mean_of(rows)
    squares = torch.stack([(block - mean).square_().sum(dim=0) for block in doubles(rows)])
    deviation = (squares.sum(dim=0) / (len(rows) - 1)).sqrt_()
    deviation[rows.amin(dim=0) == rows.amax(dim=0)] = 1
    return [Standardized(as_rows(each), mean, deviation) for each in sets]
