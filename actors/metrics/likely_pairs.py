"""Blocks of rows with the centres that they may belong to: with all of them, or with a few."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch


@dataclass(frozen=True)
class AllPairs:
    """Some rows with all centres.

    Attributes:
        places: (b,) which rows.
        squared: (b, m) squared distances.
    """

    places: torch.Tensor
    squared: torch.Tensor

    @property
    def nbytes(self) -> int:
        return self.squared.nbytes

    def by_row(self, values: torch.Tensor) -> torch.Tensor:
        """Spread (b,) values over the pairs."""
        return values[:, None]

    def by_centre(self, values: torch.Tensor) -> torch.Tensor:
        """Spread (m,) values over the pairs."""
        return values

    def largest(self, values: torch.Tensor) -> torch.Tensor:
        """Return the largest of each row."""
        return values.amax(dim=1)

    def row_sums(self, values: torch.Tensor) -> torch.Tensor:
        return values.sum(dim=1)

    def add_to(self, sums: torch.Tensor, values: torch.Tensor) -> None:
        """Add what the pairs have to that of their centres."""
        sums += values.sum(dim=0)

    def certain(self, least: torch.Tensor) -> torch.Tensor:
        """Return the mask of the rows of which no pair left out can have more than (b,) values."""
        return torch.ones_like(least, dtype=torch.bool)

    def only(self, rows: torch.Tensor) -> "AllPairs":
        """Return the pairs of some rows, by a mask."""
        return AllPairs(self.places[rows], self.squared[rows])


@dataclass(frozen=True)
class LikelyPairs:
    """Some rows, each with the centres that may matter to it.

    Attributes:
        places: (b,) which rows.
        squared: (p,) squared distances of the pairs, row after row.
        row: (p,) int32 places in `places`.
        centre: (p,) int32.
        least: (b,) log-densities of which no pair left out can have more.
    """

    places: torch.Tensor
    squared: torch.Tensor
    row: torch.Tensor
    centre: torch.Tensor
    least: torch.Tensor

    @property
    def nbytes(self) -> int:
        return self.squared.nbytes + self.row.nbytes + self.centre.nbytes

    def by_row(self, values: torch.Tensor) -> torch.Tensor:
        return values.index_select(0, self.row)

    def by_centre(self, values: torch.Tensor) -> torch.Tensor:
        return values.index_select(0, self.centre)

    def largest(self, values: torch.Tensor) -> torch.Tensor:
        return torch.segment_reduce(values, "max", lengths=self._lengths, unsafe=True)

    def row_sums(self, values: torch.Tensor) -> torch.Tensor:
        return torch.segment_reduce(values, "sum", lengths=self._lengths, unsafe=True)

    def add_to(self, sums: torch.Tensor, values: torch.Tensor) -> None:
        # in the same order on every device, unlike index_add_
        sums.index_put_((self.centre.long(),), values, accumulate=True)

    def certain(self, least: torch.Tensor) -> torch.Tensor:
        return self.least <= least

    @classmethod
    def joined(cls, several: Sequence["LikelyPairs"]) -> "LikelyPairs":
        """Return the pairs of several blocks of rows as those of one block."""
        starts = np.cumsum([0, *(len(pairs.places) for pairs in several)])
        return cls(
            torch.cat([pairs.places for pairs in several]),
            torch.cat([pairs.squared for pairs in several]),
            torch.cat([pairs.row + int(s) for pairs, s in zip(several, starts, strict=False)]),
            torch.cat([pairs.centre for pairs in several]),
            torch.cat([pairs.least for pairs in several]),
        )

    def only(self, rows: torch.Tensor) -> "LikelyPairs":
        pairs = rows.index_select(0, self.row)
        row = (torch.cumsum(rows, dim=0) - 1).int().index_select(0, self.row[pairs])
        return LikelyPairs(
            self.places[rows], self.squared[pairs], row, self.centre[pairs], self.least[rows]
        )

    @cached_property
    def _lengths(self) -> torch.Tensor:
        return torch.bincount(self.row, minlength=len(self.places))
