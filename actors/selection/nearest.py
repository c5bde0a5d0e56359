"""The distance from every row to its nearest chosen row, kept exact and brought up to date lazily.

Distances to the nearest chosen row only ever fall, so an old one is an upper bound. Rows are
compared with the rows chosen since their last comparison only when their bound matters. A float32
matrix product finds the pairs that can be nearest; the float64 difference of those few decides.
"""

import warnings

import numpy as np
import torch

from actors.errors import UserError

# rows and centres of one product, which then stays in the cache
ROW_BLOCK = 1024
CENTRE_BLOCK = 1024
# rounding of a float32 dot product of length d, in units of sqrt(d) 2^-24 (|x|^2 + |c|^2)
SAFETY = 4.0


def squared_distance(difference: torch.Tensor) -> torch.Tensor:
    """Return the (m,) squared norms of (m, d) float64 differences: the form that decides."""
    return (difference * difference).sum(dim=-1)


class NearestChosen:
    """Squared distances of N rows to their nearest chosen row.

    Memory beyond the features is O(N + blocks): no copy of them is made.

    Attributes:
        squared: (N,) float64, exact for rows that were compared with every chosen row and an upper
            bound for the others; -1 for the chosen ones, below every distance that is left.
        error: rounding of a float32 |x - c|^2 per unit of |x|^2 + |c|^2.
    """

    def __init__(self, features: torch.Tensor, most: int) -> None:
        """Take (N, d) float32 features and the largest number of rows that will be chosen.

        Raises:
            UserError: squared lengths overflow float32.
        """
        n, d = features.shape
        self.features = features
        self.squared = torch.full((n,), torch.inf, dtype=torch.float64, device=features.device)
        self._chosen = torch.empty(most, dtype=torch.int64, device=features.device)
        self._count = 0
        self._compared = torch.zeros(n, dtype=torch.int64, device=features.device)
        # work space, kept: fresh memory of this size costs more than what is done in it
        self._rows = features.new_empty(min(n, ROW_BLOCK), d)
        self._centres = features.new_empty(min(most, CENTRE_BLOCK), d)
        self._product = features.new_empty(len(self._rows) * len(self._centres))
        # the origin does not matter to a distance, but far from it a product loses digits
        self._origin: torch.Tensor | None = features.mean(dim=0, dtype=torch.float64).float()
        self._norms = self._squared_norms()
        if self._origin.square().sum() < self._norms.mean():
            self._origin = None
            self._norms = self._squared_norms()
        if not self._norms.isfinite().all():
            raise UserError(
                "features: found values whose squares overflow float32; allowed are up to about "
                f"{(torch.finfo(torch.float32).max / d) ** 0.5:.0e}"
            )
        self.error = SAFETY * d**0.5 * 2.0**-24

    @property
    def chosen(self) -> torch.Tensor:
        """The (count,) positions chosen so far, in order."""
        return self._chosen[: self._count]

    def choose(self, rows: torch.Tensor) -> None:
        """Add (m,) positions to the chosen rows."""
        self._chosen[self._count : self._count + len(rows)] = rows
        self._count += len(rows)
        self.squared[rows] = -1

    def refresh(self, rows: torch.Tensor) -> None:
        """Bring `squared` of (m,) distinct positions up to date."""
        order = torch.argsort(self._compared[rows], stable=True)
        rows = rows[order]
        since, counts = torch.unique_consecutive(self._compared[rows], return_counts=True)
        for first, group in zip(since.tolist(), rows.split(counts.tolist()), strict=True):
            for start in range(first, self._count, CENTRE_BLOCK):
                centres = self._chosen[start : min(start + CENTRE_BLOCK, self._count)]
                self._compare(group, centres)
        self._compared[rows] = self._count

    def _centred(self, rows: torch.Tensor, out: torch.Tensor) -> torch.Tensor:
        gathered = torch.index_select(self.features, 0, rows, out=out[: len(rows)])
        return gathered if self._origin is None else gathered.sub_(self._origin)

    def _squared_norms(self) -> torch.Tensor:
        every = torch.arange(len(self.features), device=self.features.device)
        return torch.cat(
            [
                self._centred(rows, self._rows).square_().sum(dim=1)
                for rows in every.split(ROW_BLOCK)
            ]
        )

    def _compare(self, rows: torch.Tensor, centres: torch.Tensor) -> None:
        transposed = self._centred(centres, self._centres).T
        centre_norms = self._norms[centres]
        slack = self.error * (centre_norms.max() + self._norms[rows].max())
        for block in rows.split(ROW_BLOCK):
            # |c|^2 - 2 x.c, to which |x|^2 is added only where it is compared
            product = torch.addmm(
                centre_norms,
                self._centred(block, self._rows),
                transposed,
                alpha=-2,
                out=self._product[: len(block) * len(centres)].view(len(block), len(centres)),
            )
            norms = self._norms[block]
            lowest = product.min(dim=1).values
            near = torch.nonzero((lowest + norms - slack).double() < self.squared[block])[:, 0]
            if not len(near):
                continue
            # every pair that rounding leaves a chance to be the nearest one
            possible = product[near] <= (lowest[near] + 2 * slack)[:, None]
            row, column = torch.nonzero(possible, as_tuple=True)
            self._decide(block[near[row]], centres[column])

    def _decide(self, rows: torch.Tensor, centres: torch.Tensor) -> None:
        for some, theirs in zip(rows.split(ROW_BLOCK), centres.split(ROW_BLOCK), strict=True):
            difference = self.features[some].double() - self.features[theirs].double()
            self.squared.scatter_reduce_(0, some, squared_distance(difference), "amin")


class Block:
    """Some rows among which picks are made one by one, each known to the others at once.

    Attributes:
        squared: (m,) float64 exact squared distances to the nearest chosen row; -1 for the chosen.
    """

    def __init__(self, state: NearestChosen, rows: torch.Tensor) -> None:
        """Take (m,) positions that are up to date; memory O(m^2 + m d)."""
        near = state.features[rows]
        centred = near - near.mean(dim=0)
        norms = centred.square().sum(dim=1)
        self.squared = state.squared[rows]
        self._exact = near.double()
        # what float32 says, less all that it may say too much
        slack = 2 * state.error * float(norms.max())
        self._at_least = torch.addmm(norms - slack, centred, centred.T, alpha=-2) + norms[:, None]

    def pick(self, place: int) -> float:
        """Choose a row; return its squared distance at the pick."""
        at_pick = float(self.squared[place])
        closer = torch.nonzero(self._at_least[place] < self.squared)[:, 0]
        found = squared_distance(self._exact[closer] - self._exact[place])
        self.squared[closer] = torch.minimum(self.squared[closer], found)
        self.squared[place] = -1
        return at_pick


def as_tensor(features: np.ndarray) -> torch.Tensor:
    """Return (N, d) features as a float32 tensor, without a copy where they are float32."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        return torch.from_numpy(np.ascontiguousarray(features, dtype=np.float32))
