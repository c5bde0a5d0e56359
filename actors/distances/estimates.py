"""Bounds of the squared distances of all pairs, from products of low precision."""

import torch

from actors.distances.frame import BLOCK, Bound, Frame, Sizes
from actors.distances.pairs import origin
from actors.distances.products import fast_dtype, whole_precision

# squared lengths of which float32 holds the sums
LONGEST = 2.0**120
# of the sum of two squared lengths and a product in float32, and of what is added to it
ROUNDINGS = 8


class Estimates:
    """Bounds of squared distances to some columns, in the fastest dtype of their device."""

    def __init__(self, columns: torch.Tensor) -> None:
        """Take (n, d) columns."""
        self._frame = Frame(origin(columns), 1.0)
        self._dtype = fast_dtype(columns.device)
        self._sizes = Sizes.of(columns, self._frame, self._dtype)
        moved = [self._moved(block) for block in columns.split(BLOCK)]
        self._columns = torch.cat(moved)

    def squared(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return lower and upper bounds of the squared distances of (b, d) rows, (b, n) float32.

        For rows too long for float32 they are infinite.
        """
        sizes = Sizes.of(rows, self._frame, self._dtype)
        norms, others = sizes.squared, self._sizes.squared
        if not max(norms.max(), others.max()) < LONGEST:
            most = torch.full((len(rows), len(others)), torch.inf, device=rows.device)
            return -most, most
        bound = Bound.of(sizes, self._sizes, rows.shape[1])
        with whole_precision():
            product = (self._moved(rows) @ self._columns.T).float()
        # twice that of the product, and of its rounding; it is at most half of both norms
        rounding = torch.finfo(self._dtype).eps / 2 + ROUNDINGS * torch.finfo(torch.float32).eps
        share, least = 2 * bound.of_columns + rounding, 4 * bound.least
        bounds = []
        for factor, more in ((1 - share, -least), (1 + share, least)):
            ends = (norms * factor + more).float()[:, None] + (others * factor).float()
            bounds.append(ends.sub_(product, alpha=2))
        return bounds[0], bounds[1]

    def _moved(self, rows: torch.Tensor) -> torch.Tensor:
        return self._frame.moved(rows).to(self._dtype)
