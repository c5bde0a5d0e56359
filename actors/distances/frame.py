"""Rows about an origin and brought to size, for products of low precision."""

from dataclasses import dataclass

import numpy as np
import torch

from actors.distances.pairs import origin
from actors.distances.rounding import relative_error, scaling, underflow

# rows that are moved at once
BLOCK = 2048
# powers of two that float32 can be multiplied by
FLOAT32_POWERS = 100
# scaled length that shorter rows count as having, far below the longest
SHORTEST = 2.0**-30
# what a product takes for 0 is this small beside the shortest row
LOST_BELOW = 2.0**-50


@dataclass(frozen=True)
class Frame:
    """Where rows are seen from: distances do not depend on it, but the rounding of products does.

    Attributes:
        origin: (d,) float64.
        scale: a power of two.
    """

    origin: torch.Tensor
    scale: float

    @classmethod
    def of(cls, base: torch.Tensor, power: int) -> "Frame":
        """Return the frame about the middle of (n, d) rows, the largest element being 2^power."""
        return cls(origin(base), scaling(power, base.shape[1]))

    def moved(self, rows: torch.Tensor) -> torch.Tensor:
        """Return scale * (x - origin) of (b, d) rows in float32, each element rounded twice."""
        if rows.dtype == torch.float32 and abs(np.log2(self.scale)) < FLOAT32_POWERS:
            return (rows - self.origin.float()).mul_(self.scale)
        return (rows.double() - self.origin).mul_(self.scale).float()


@dataclass(frozen=True)
class Sizes:
    """How long the rows of a set are in a frame, and what low precision takes away from them.

    Attributes:
        squared: (n,) float64 squared lengths.
        lost: the largest share of a row's length that rounding takes away.
    """

    squared: torch.Tensor
    lost: float

    @classmethod
    def of(cls, rows: torch.Tensor, frame: Frame, dtype: torch.dtype) -> "Sizes":
        """Measure (n, d) rows in blocks."""
        squared, lost = [], 0.0
        for block in rows.split(BLOCK):
            moved = frame.moved(block)
            squared.append(moved.double().square_().sum(dim=1))
            if dtype != torch.float32:
                away = torch.linalg.vector_norm(moved.sub_(moved.to(dtype)), dim=1).double()
                longer = (squared[-1] + SHORTEST**2).sqrt_()
                lost = max(lost, float((away / longer).max()))
        # the norms are rounded as well
        return cls(torch.cat(squared), lost * (1 + relative_error(rows.shape[1] + 8, np.float32)))


@dataclass(frozen=True)
class Bound:
    """How far x.c as computed in low precision may be from the true product, x and c as measured.

    By no more than of_rows * |x|^2 + of_columns * |c|^2 + least.
    """

    of_rows: float
    of_columns: float
    least: float

    @classmethod
    def of(cls, rows: Sizes, columns: Sizes, dimension: int) -> "Bound":
        """Return the bound for products to which up to |c|^2 is added before they are summed.

        The terms of x.c come to at most |x| |c|, which is at most half of |x|^2 + |c|^2.
        """
        # those of the sum, of what it is of, and of the bound; sums on a GPU cut digits off, which
        # is twice the rounding
        roundings = (4 if rows.squared.is_cuda else 2) * (dimension + 12)
        summed = relative_error(roundings, np.float32) * (1 + rows.lost) * (1 + columns.lost)
        inputs = rows.lost + columns.lost * (1 + rows.lost) + LOST_BELOW
        half = (inputs + summed) / 2
        return cls(half, half + summed, inputs * SHORTEST**2 + underflow(dimension))
