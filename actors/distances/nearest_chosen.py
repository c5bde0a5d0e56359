"""The distance from every row to its nearest chosen row, kept exact and brought up to date lazily.

Distances to the nearest chosen row only ever fall, so an old one is an upper bound. Rows are
compared with the rows chosen since their last comparison only when their bound matters. Products
of low precision find the pairs that can be nearest; the float64 difference of those few decides.
"""

import warnings

import numpy as np
import torch

from actors.distances.products import CENTRE_BLOCK, ROW_BLOCK, Products
from actors.distances.rounding import SAMPLED, middle, product_error, scaling, underflow

# pairs whose float64 differences are formed together
PAIR_BLOCK = 512
# rows are scaled to lengths of at most two to this; those of other shards may be longer
EXPONENT = 20
# power of two of elements below which all are scaled alike
LOWEST = -100


def squared_lengths(differences: torch.Tensor) -> torch.Tensor:
    """Return the (m,) squared lengths of (m, d) float64 rows, overwritten: the form that decides.

    On the CPU, where a pair has the same bits whichever way round and among however many.
    """
    return differences.mul_(differences).sum(dim=1)


class NearestChosen:
    """Squared distances of N rows to their nearest chosen row.

    Memory beyond the features is O(N + blocks) and what the chosen rows' vectors take.

    Attributes:
        squared: (N,) float64, exact for rows that were compared with every chosen row and an upper
            bound for the others; -1 for the chosen ones, below every distance that is left.
        nearest: (N,) int64 rank of the chosen row at that distance, the lowest of equally near
            ones; -1 before any comparison.
        count: how many rows are chosen so far.
    """

    def __init__(self, features: torch.Tensor, most: int, kept: int | None = None) -> None:
        """Take (N, d) float32 features and the largest number of rows that will be chosen.

        Args:
            kept: how many vectors of chosen rows are kept, the last ones; None where all of them
                are among the features.
        """
        n, d = features.shape
        device = features.device
        self.features = features
        self.squared = torch.full((n,), torch.inf, dtype=torch.float64, device=device)
        self.nearest = torch.full((n,), -1, dtype=torch.int64, device=device)
        self.count = 0
        self._kept = kept
        # vectors of chosen rows, and by rank where in there each is
        self._vectors = features if kept is None else features.new_empty(kept, d)
        self._places = torch.empty(most, dtype=torch.int64, device=device)
        self._compared = torch.zeros(n, dtype=torch.int64, device=device)
        # work space, kept: fresh memory of this size costs more than what is done in it
        self._rows = features.new_empty(ROW_BLOCK, d)
        self._centres = features.new_empty(min(most, CENTRE_BLOCK), d)
        self._pair = torch.empty(2, PAIR_BLOCK, d, dtype=torch.float64)
        origin = middle(features[:: max(1, n // SAMPLED)].numpy(force=True))
        self._products = Products(torch.from_numpy(origin).float().to(device), fitting(features))
        blocks = torch.arange(n, device=device).split(ROW_BLOCK)
        self._sizes = torch.cat([self._products.sizes(self._gather(b)) for b in blocks])
        self._chosen_sizes = self._sizes.new_empty(most, 2)

    def choose(self, rows: torch.Tensor, vectors: torch.Tensor | None = None) -> None:
        """Add rows to the chosen ones.

        Args:
            rows: (m,) those of them that are among the features.
            vectors: (all, d) of all of them where they are not all among the features.
        """
        given = self.features[rows] if vectors is None else vectors
        end = self.count + len(given)
        places = rows
        if self._kept is not None:
            # the oldest make room, once every row was compared with them
            behind = (self._compared < end - self._kept) & (self.squared >= 0)
            self.refresh(torch.nonzero(behind)[:, 0])
            places = torch.arange(self.count, end, device=rows.device) % self._kept
            self._vectors[places] = given
        self._places[self.count : end] = places
        self._chosen_sizes[self.count : end] = self._products.sizes(given)
        self.count = end
        self.squared[rows] = -1

    def refresh(self, rows: torch.Tensor, floor: float = -1) -> None:
        """Bring `squared` and `nearest` of (m,) distinct positions up to date.

        Args:
            floor: rows whose bound falls below this squared distance may be left behind.
        """
        since, order = self._compared[rows].sort(stable=True)
        rows = rows[order]
        behind = rows[:0]
        joined, start = 0, int(since[0]) if len(since) else self.count
        while start < self.count:
            # rows that know some of these are compared with all: cheaper than in two steps
            stop = min(start + CENTRE_BLOCK, self.count)
            upto = int(torch.searchsorted(since, stop))
            behind = torch.cat((behind, rows[joined:upto]))
            self._compare(behind, start, stop)
            self._compared[behind] = stop
            behind = behind[self.squared[behind] >= floor]
            joined = upto
            start = stop if len(behind) or upto == len(rows) else int(since[upto])

    def _gather(self, rows: torch.Tensor) -> torch.Tensor:
        return torch.index_select(self.features, 0, rows, out=self._rows[: len(rows)])

    def _compare(self, rows: torch.Tensor, start: int, stop: int) -> None:
        places = self._places[start:stop]
        centres = torch.index_select(self._vectors, 0, places, out=self._centres[: stop - start])
        self._products.set_centres(centres, self._chosen_sizes[start:stop])
        for block in rows.split(ROW_BLOCK):
            row, column = self._products.possible(
                self._gather(block), self._sizes[block], self.squared[block]
            )
            if len(row):
                self._decide(block[row], start + column)

    def _decide(self, rows: torch.Tensor, ranks: torch.Tensor) -> None:
        """Settle which of (p,) pairs are nearer than what is known."""
        squared = torch.cat(
            [
                self._pairs(some, theirs)
                for some, theirs in zip(
                    rows.split(PAIR_BLOCK), ranks.split(PAIR_BLOCK), strict=True
                )
            ]
        ).to(rows.device)
        before = self.squared[rows]
        self.squared.scatter_reduce_(0, rows, squared, "amin")
        after = self.squared[rows]
        self.nearest[rows[after < before]] = torch.iinfo(torch.int64).max
        won = (squared == after) & (after < before)
        self.nearest.scatter_reduce_(0, rows[won], ranks[won], "amin")

    def _pairs(self, rows: torch.Tensor, ranks: torch.Tensor) -> torch.Tensor:
        m = len(rows)
        a, b = self._pair[0, :m], self._pair[1, :m]
        a.copy_(self._gather(rows))
        b.copy_(torch.index_select(self._vectors, 0, self._places[ranks], out=self._rows[:m]))
        return squared_lengths(a.sub_(b))


class Block:
    """Some rows among which picks are made one by one, each known to the others at once.

    Attributes:
        squared: (m,) float64 exact squared distances to the nearest chosen row; -1 for the chosen.
    """

    def __init__(self, vectors: torch.Tensor, squared: np.ndarray) -> None:
        """Take (m, d) rows with their (m,) exact squared distances; memory O(m^2 + m d)."""
        near = vectors.cpu()
        self.squared = squared.copy()
        self._exact = near.double()
        scale, d = fitting(near), near.shape[1]
        self._unit = scale**2
        moved = torch.add(near.mean(dim=0) * -scale, near, alpha=scale)
        lengths = torch.linalg.vector_norm(moved, dim=1, dtype=torch.float64).float()
        product = torch.addmm(lengths.square(), moved, moved.T, alpha=-2)
        product += lengths.square()[:, None]
        # less all that it may say too much: two roundings more, of the lengths and of this
        slack = (
            torch.add(lengths[:, None], lengths).square_().mul_(product_error(d + 4, np.float32))
        )
        self._at_least = product.sub_(slack).sub_(underflow(d)).numpy()

    def pick(self, place: int) -> float:
        """Choose a row; return its squared distance at the pick."""
        at_pick = float(self.squared[place])
        closer = np.flatnonzero(self._at_least[place] < self.squared * self._unit)
        differences = self._exact[torch.from_numpy(closer)].sub_(self._exact[place])
        squared = squared_lengths(differences).numpy()
        self.squared[closer] = np.minimum(self.squared[closer], squared)
        self.squared[place] = -1
        return at_pick


def fitting(rows: torch.Tensor) -> float:
    """Return a power of two that brings differences of (m, d) rows to at most 2^EXPONENT."""
    low, high = rows.aminmax()
    power = int(np.frexp(max(-float(low), float(high)))[1])
    return scaling(max(power, LOWEST), rows.shape[1], EXPONENT)


def as_tensor(features: np.ndarray) -> torch.Tensor:
    """Return (N, d) features as a float32 tensor, without a copy where they are float32."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        return torch.from_numpy(np.ascontiguousarray(features, dtype=np.float32))
