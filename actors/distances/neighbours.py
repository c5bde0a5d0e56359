"""Exact nearest neighbours: low precision finds candidates, and a bound says where they all are.

What the bound leaves open in the fastest precision is searched in float32, then with float64
products; and what those leave open, as near-copies far from the other rows, is compared by
differences.
"""

from functools import cached_property
from itertools import count

import numpy as np
import torch

from actors.distances.candidates import Candidates
from actors.distances.frame import Frame
from actors.distances.pairs import Pairs, Rows, as_rows, squared_distances
from actors.distances.products import fast_dtype
from actors.distances.rounding import difference_error, largest_power

# powers of two of elements between which float64 holds the squares of their differences
LOWEST, HIGHEST = -400, 480
# rows that are searched by float64 together, and the bytes of those they are compared with at once
OPEN_BLOCK = 256
CHUNK_BYTES = 1 << 25
# rows of which all pairs are compared
DIRECT = 64
# rows whose keys are computed at once
KEY_BLOCK = 1024


def nearest(
    queries: Rows, base: Rows, k: int = 1, *, exclude_self: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Return distances and positions of the k nearest base rows of every query.

    Nearest by the sums of squared float64 differences, and certainly so: no row that is left out
    has a smaller sum, and of equal ones the lowest position comes first. On a GPU where the rows
    are there.

    Args:
        queries: (m, d).
        base: (n, d); with `exclude_self` the same rows as the queries.
        k: neighbours per query, at most n (n - 1 with `exclude_self`).
        exclude_self: leave out row i of the base as a neighbour of query i.

    Returns:
        (m, k) float64 Euclidean distances, rising, and (m, k) int64 positions.

    Raises:
        ValueError: k is not as above, or values are not finite.
    """
    most = len(base) - exclude_self
    if not 1 <= k <= most:
        raise ValueError(f"k: found {k}; allowed are 1 to {most} for {len(base)} rows")
    if not len(queries):
        return np.empty((0, k)), np.empty((0, k), np.int64)
    same = queries is base
    base = as_rows(base)
    queries = base if same else as_rows(queries)
    power = largest_power(queries, base)
    outside = not LOWEST < power < HIGHEST
    if outside:
        base = torch.ldexp(base.double(), torch.tensor(-power))
        queries = base if same else torch.ldexp(queries.double(), torch.tensor(-power))
    with torch.inference_mode():
        squared, positions = _Search(queries, base, k, exclude_self=exclude_self).all()
    distances = np.sqrt(squared, out=squared)
    return np.ldexp(distances, power) if outside else distances, positions


class _Search:
    """One search, in as many looks as it takes."""

    def __init__(
        self, queries: torch.Tensor, base: torch.Tensor, k: int, *, exclude_self: bool
    ) -> None:
        self._queries, self._base, self._k = queries, base, k
        self._frame = Frame.of(base, largest_power(queries, base))
        device = base.device
        m = len(queries)
        self._itself = (
            torch.arange(m, device=device) if exclude_self else torch.full((m,), -1, device=device)
        )
        self._squared = np.full((m, k), np.inf)
        self._positions = np.empty((m, k), np.int64)

    def all(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the (m, k) squared distances and positions of the nearest rows."""
        device = self._base.device
        left, within = torch.arange(len(self._queries), device=device), self._frame.origin[:0]
        for dtype in dict.fromkeys((fast_dtype(device), torch.float32)):
            left, within = self._by_candidates(left, dtype)
            if not len(left):
                return self._squared, self._positions
        # those of one length together: what they may be near to has about that length as well
        lengths = self._lengths(self._queries, left)
        order = lengths.argsort(stable=True)
        for some in order.split(OPEN_BLOCK):
            self._by_products(left[some], lengths[some], within[some])
        return self._squared, self._positions

    def _by_candidates(
        self, queries: torch.Tensor, dtype: torch.dtype
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Find the neighbours of (b,) queries by products in a dtype.

        Returns:
            Those left open, and squared distances within which they have k rows.
        """
        search = Candidates(self._queries, self._base, self._k, self._itself, self._frame, dtype)
        left, within = [queries[:0]], [self._frame.origin[:0]]
        for found in search.look(queries):
            left.append(found.queries[found.open])
            within.append(found.within[found.open] / self._frame.scale**2)
            exact = squared_distances(
                self._queries, self._base, found.queries[found.row], found.column
            )
            place = torch.cumsum(~found.open, dim=0) - 1
            self._keep(found.queries[~found.open], place[found.row], found.column, exact)
        return torch.cat(left), torch.cat(within)

    def _by_products(self, some: torch.Tensor, lengths: torch.Tensor, within: torch.Tensor) -> None:
        """Find the neighbours of (b,) queries by float64 products and lengths."""
        d = self._base.shape[1]
        queries, itself = self._queries[some], self._itself[some]
        reach = within.sqrt() * (self._frame.scale * (1 + difference_error(d)))
        # those of the queries and of what they are compared with may both be rounded
        reach += 2 * difference_error(d) * (lengths + reach)
        low, high = (lengths - reach).min(), (lengths + reach).max()
        near = self._unrepeated
        of_near = self._base_lengths[near]
        near = near[(of_near >= low) & (of_near <= high)]
        within = within[:, None].expand(-1, self._k)
        pairs = []
        step = max(1, CHUNK_BYTES // (8 * max(d, OPEN_BLOCK)))
        for chunk in near.split(step):
            squared, slack = Pairs(self._base[chunk], self._frame.origin).squared(queries)
            at_least, at_most = squared - slack, squared.add_(slack)
            mine = chunk == itself[:, None]
            at_most[mine] = at_least[mine] = torch.inf
            within = torch.cat((within, at_most), dim=1).topk(self._k, largest=False).values
            row, column = torch.nonzero(at_least <= within[:, -1:], as_tuple=True)
            pairs.append((row, chunk[column], at_least[row, column]))
        row, column, at_least = (torch.cat(parts) for parts in zip(*pairs, strict=True))
        kept = at_least <= within[row, -1]
        row, column = row[kept], column[kept]
        self._keep(some, row, column, squared_distances(queries, self._base, row, column))

    def _keep(
        self, queries: torch.Tensor, row: torch.Tensor, column: torch.Tensor, squared: np.ndarray
    ) -> None:
        """Keep the k nearest of each of (b,) queries among (p,) pairs, ascending by column."""
        rows, columns = row.numpy(force=True), column.numpy(force=True)
        # of equally near rows the lowest positions are taken
        order = np.lexsort((columns, squared, rows))
        first = np.searchsorted(rows[order], np.arange(len(queries)))
        kept = order[first[:, None] + np.arange(self._k)]
        places = queries.numpy(force=True)
        self._squared[places], self._positions[places] = squared[kept], columns[kept]

    def _lengths(self, rows: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        """Return the scaled float64 lengths about the origin of some rows."""
        blocks = [
            (rows[some].double() - self._frame.origin).mul_(self._frame.scale)
            for some in positions.split(KEY_BLOCK)
        ]
        lengths = [torch.linalg.vector_norm(block, dim=1) for block in blocks]
        return torch.cat([self._frame.origin[:0], *lengths])

    @cached_property
    def _base_lengths(self) -> torch.Tensor:
        return self._lengths(self._base, torch.arange(len(self._base), device=self._base.device))

    @cached_property
    def _unrepeated(self) -> torch.Tensor:
        # a row with k copies before it, and one more for the row left out, is nobody's neighbour
        positions = torch.from_numpy(without_repeats(self._base, self._k + 1))
        return positions.to(self._base.device)


def without_repeats(rows: Rows, most: int) -> np.ndarray:
    """Return the ascending positions of (n, d) rows, at most `most` of equal ones: the first."""
    rows = as_rows(rows)
    for seed in count():
        keys, order = _keys(rows, seed).sort(stable=True)
        same = torch.nonzero(keys[1:] == keys[:-1])[:, 0]
        blocks = zip(order[same].split(KEY_BLOCK), order[same + 1].split(KEY_BLOCK), strict=True)
        # rows of one key that differ take other keys
        if all(torch.equal(rows[one] + 0, rows[other] + 0) for one, other in blocks):
            break
    places = torch.arange(len(rows), device=rows.device)
    new = torch.ones_like(places, dtype=torch.bool)
    new[same + 1] = False
    start = torch.where(new, places, 0).cummax(dim=0).values
    kept: np.ndarray = order[places - start < most].sort().values.numpy(force=True)
    return kept


def _keys(rows: torch.Tensor, seed: int) -> torch.Tensor:
    """Return (n,) int64 sums, equal for equal rows: of all bits, each element with its factor."""
    integers = {4: torch.int32, 8: torch.int64}[rows.element_size()]
    limits = np.iinfo(np.int64)
    factors = np.random.default_rng(seed).integers(limits.min, limits.max, rows.shape[1]) | 1
    factor = torch.from_numpy(factors).to(rows.device)
    # -0 and 0 are one number; sums that overflow wrap around
    blocks = [
        ((block + 0).view(integers).long().mul_(factor)).sum(dim=1)
        for block in rows.split(KEY_BLOCK)
    ]
    return torch.cat(blocks)


def nearest_before(rows: Rows) -> np.ndarray:
    """Return the distance of every row to the nearest of those before it.

    Args:
        rows: (m, d).

    Returns:
        (m,) float64 Euclidean distances, certified as those of `nearest`; infinity for the first
        row, which has none before it.
    """
    m = len(rows)
    if m <= DIRECT:
        later, earlier = np.tril_indices(m, -1)
        squared = np.full((m, m), np.inf)
        squared[later, earlier] = squared_distances(rows, rows, later, earlier)
        return np.sqrt(squared.min(axis=1, initial=np.inf))
    half = m // 2
    across = nearest(rows[half:], rows[:half])[0][:, 0]
    later_half = np.minimum(across, nearest_before(rows[half:]))
    return np.concatenate((nearest_before(rows[:half]), later_half))
