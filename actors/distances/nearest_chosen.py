"""The distance from every row to its nearest chosen row, kept exact and brought up to date lazily.

Distances to the nearest chosen row only ever fall, so an old one is an upper bound. Rows are
compared with the rows chosen since their last comparison only when their bound matters. Products
of low precision find the pairs that can be nearest; the float64 difference of those few decides.
"""

import warnings

import numpy as np
import torch

from actors.distances.pairs import squared_lengths
from actors.distances.products import CENTRE_BLOCK, Products, row_block, whole_precision
from actors.distances.rounding import SAMPLED, middle, product_error, scaling, underflow
from actors.errors import UserError

# bytes of float64 differences that are formed together: what a cache that cores share holds, as
# adding by halves takes many calls, and what a GPU needs to be busy
PAIR_BYTES = {"cpu": 3 << 20, "cuda": 1 << 28}
# pairs that are decided together: where a bound is wide, a product leaves millions
DECIDED = {"cpu": 1 << 17, "cuda": 1 << 22}
# rows are scaled to lengths of at most two to this; those of other shards may be longer
EXPONENT = 20
# power of two of elements below which all are scaled alike
LOWEST = -100


def pair_block(dimension: int, device: torch.device) -> int:
    """Return how many pairs' differences are formed together."""
    return min(row_block(device), max(16, PAIR_BYTES[device.type] // (8 * dimension)))


class NearestChosen:
    """Squared distances of N rows to their nearest chosen row.

    Memory beyond the features is O(N + blocks) and what the chosen rows' vectors take.

    Attributes:
        squared: (N,) float64, exact for rows that were compared with every chosen row and an upper
            bound for the others; -1 for the chosen ones, below every distance that is left.
        nearest: (N,) int32 rank of the chosen row at that distance, the lowest of equally near
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
        self.nearest = torch.full((n,), -1, dtype=torch.int32, device=device)
        self.count = 0
        self._kept = kept
        # vectors of chosen rows, and by rank where in there each is
        self._vectors = features if kept is None else features.new_empty(kept, d)
        self._places = torch.empty(most, dtype=torch.int64, device=device)
        self._compared = torch.zeros(n, dtype=torch.int32, device=device)
        # work space, kept: fresh memory of this size costs more than what is done in it
        self._block = row_block(device)
        self._rows = features.new_empty(self._block, d)
        self._centres = features.new_empty(min(most, CENTRE_BLOCK), d)
        self._pair = self.squared.new_empty(2, pair_block(d, device), d)
        self._decided = DECIDED[device.type]
        origin = middle(features[:: max(1, n // SAMPLED)].numpy(force=True))
        self._products = Products(torch.from_numpy(origin).float().to(device), fitting(features))
        self._sizes = self.squared.new_empty(n, 2)
        for rows, sizes in zip(
            features.split(self._block), self._sizes.split(self._block), strict=True
        ):
            sizes.copy_(self._products.sizes(rows))
        self._chosen_sizes = self._sizes.new_empty(most, 2)

    def choose(self, rows: torch.Tensor, vectors: torch.Tensor | None = None) -> None:
        """Add rows to the chosen ones.

        Args:
            rows: (m,) those of them that are among the features.
            vectors: (all, d) of all of them where they are not all among the features, on the
                device of these.
        """
        end = self.count + len(rows if vectors is None else vectors)
        places = rows
        if vectors is None:
            self._chosen_sizes[self.count : end] = self._sizes[rows]
        else:
            self._chosen_sizes[self.count : end] = self._products.sizes(vectors)
        if self._kept is not None:
            assert vectors is not None
            # the oldest make room, once every row was compared with them
            behind = (self._compared < end - self._kept) & (self.squared >= 0)
            self.refresh(torch.nonzero(behind)[:, 0])
            places = torch.arange(self.count, end, device=rows.device) % self._kept
            self._vectors[places] = vectors
        self._places[self.count : end] = places
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
        for block in rows.split(self._block):
            row, column = self._products.possible(
                self._gather(block), self._sizes[block], self.squared[block]
            )
            # in order: of equally near ones the lowest rank stays
            for first in range(0, len(row), self._decided):
                some = slice(first, first + self._decided)
                self._decide(block[row[some]], start + column[some])

    def _decide(self, rows: torch.Tensor, ranks: torch.Tensor) -> None:
        """Settle which of (p,) pairs are nearer than what is known."""
        together = self._pair.shape[1]
        pairs = zip(rows.split(together), ranks.split(together), strict=True)
        squared = torch.cat([self._pairs(some, theirs) for some, theirs in pairs])
        before = self.squared[rows]
        self.squared.scatter_reduce_(0, rows, squared, "amin")
        after = self.squared[rows]
        self.nearest[rows[after < before]] = torch.iinfo(torch.int32).max
        won = (squared == after) & (after < before)
        self.nearest.scatter_reduce_(0, rows[won], ranks[won].int(), "amin")

    def _pairs(self, rows: torch.Tensor, ranks: torch.Tensor) -> torch.Tensor:
        m = len(rows)
        a, b = self._pair[0, :m], self._pair[1, :m]
        a.copy_(self._gather(rows))
        b.copy_(torch.index_select(self._vectors, 0, self._places[ranks], out=self._rows[:m]))
        return squared_lengths(a.sub_(b)).clone()


class Block:
    """Some rows among which picks are made one by one, each known to the others at once.

    Which row is picked is decided on the CPU, by distances that the device of the rows computes
    for several of the rows likely to be picked next, as a call costs more than what it computes.

    Attributes:
        squared: (m,) float64 exact squared distances to the nearest chosen row; -1 for the chosen.
    """

    def __init__(self, vectors: torch.Tensor, squared: np.ndarray) -> None:
        """Take (m, d) rows with their (m,) exact squared distances."""
        self.squared = squared.copy()
        self._exact = vectors.double()
        self._near: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        d, device = vectors.shape[1], vectors.device
        self._together = pair_block(d, device)
        scale = fitting(vectors)
        self._unit = scale**2
        self._moved = torch.add(vectors.mean(dim=0) * -scale, vectors, alpha=scale)
        lengths = torch.linalg.vector_norm(self._moved, dim=1, dtype=torch.float64)
        self._lengths = lengths.float()
        # two roundings more, of the lengths and of what is subtracted; sums on a GPU cut digits
        # off, which is twice the rounding
        self._error = product_error((d + 4) * (2 if vectors.is_cuda else 1), np.float32)
        self._underflow = underflow(d)

    def knows(self, place: int) -> bool:
        """Whether a row can be picked without a look."""
        return place in self._near

    def pick(self, place: int) -> float:
        """Choose a known row; return its squared distance at the pick."""
        at_pick = float(self.squared[place])
        closer, squared = self._near.pop(place)
        self.squared[closer] = np.minimum(self.squared[closer], squared)
        self.squared[place] = -1
        return at_pick

    def look(self, places: np.ndarray) -> None:
        """Get to know rows: compute their distances to all that they may come nearest to."""
        device = self._exact.device
        places = np.array([place for place in places.tolist() if place not in self._near])
        rows = torch.from_numpy(places).to(device)
        known = torch.from_numpy(self.squared).to(device)
        row, other = torch.nonzero(self._at_least(rows) < known * self._unit, as_tuple=True)
        pairs = zip(rows[row].split(self._together), other.split(self._together), strict=True)
        exact = [
            squared_lengths(self._exact.index_select(0, a).sub_(self._exact.index_select(0, b)))
            for a, b in pairs
        ]
        squared = torch.cat([known[:0], *exact]).numpy(force=True)
        ends = np.searchsorted(row.numpy(force=True), np.arange(1, len(places)))
        near = zip(np.split(other.numpy(force=True), ends), np.split(squared, ends), strict=True)
        self._near.update(zip(places.tolist(), near, strict=True))

    def _at_least(self, rows: torch.Tensor) -> torch.Tensor:
        """Return what (p,) rows are at least apart from all, (p, m) scaled squared distances."""
        lengths, norms = self._lengths, self._lengths.square()
        with whole_precision():
            product = torch.addmm(norms, self._moved[rows], self._moved.T, alpha=-2)
        product += norms[rows][:, None]
        slack = torch.add(lengths[rows][:, None], lengths).square_().mul_(self._error)
        return product.sub_(slack).sub_(self._underflow)


def fitting(rows: torch.Tensor) -> float:
    """Return a power of two that brings differences of (m, d) rows to at most 2^EXPONENT."""
    low, high = rows.aminmax()
    power = int(np.frexp(max(-float(low), float(high)))[1])
    return scaling(max(power, LOWEST), rows.shape[1], EXPONENT)


def as_tensor(
    rows: np.ndarray | torch.Tensor, device: str | torch.device | None = None
) -> torch.Tensor:
    """Return (N, d) rows as a float32 tensor, without a copy where they are one.

    Args:
        device: None leaves them where they are.

    Raises:
        UserError: they do not fit there.
    """
    if isinstance(rows, np.ndarray):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The given NumPy array is not writable")
            rows = torch.from_numpy(np.ascontiguousarray(rows, dtype=np.float32))
    try:
        return rows if device is None else rows.to(device)
    except torch.cuda.OutOfMemoryError:
        free, _ = torch.cuda.mem_get_info(device)
        raise UserError(
            f"gpus: {rows.nbytes / 1e9:,.1f} GB of features do not fit into the {free / 1e9:,.1f} "
            "GB that are free on the GPU; allowed are more shards, or 0 GPUs"
        ) from None
