"""Pairs of rows that can be nearest neighbours, found by products of low precision."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from actors.distances.frame import Bound, Frame, Sizes
from actors.distances.products import whole_precision

# queries and base rows of one product
ROWS = {"cpu": 8192, "cuda": 8192}
COLUMNS = {"cpu": 1024, "cuda": 16384}
# candidates of a query, beyond the neighbours asked for, past which it is left to more precision
MOST = 192


@dataclass(frozen=True)
class Found:
    """What one look gives for some queries.

    Attributes:
        queries: (b,) positions of the queries.
        row: (p,) places in `queries`, with `column`: pairs that can be among the k nearest.
        column: (p,) positions in the base, rising for every query.
        open: (b,) mask of the queries that have too many to tell, and no pairs.
        within: (b,) scaled squared distances within which the queries have k rows.
    """

    queries: torch.Tensor
    row: torch.Tensor
    column: torch.Tensor
    open: torch.Tensor
    within: torch.Tensor


class Candidates:
    """A search for the k nearest of a base by products in a dtype.

    What is computed is v = x.c - |c|^2 / 2, half of |x|^2 less the squared distance, with as much
    added as its columns' rounding may take away; so no v falls short of the true one by more than
    its row's share of the bound. A pair is a candidate where v with that share reaches the k-th
    largest of what the others certainly have. Rounding v itself keeps the order.
    """

    def __init__(
        self,
        queries: torch.Tensor,
        base: torch.Tensor,
        k: int,
        itself: torch.Tensor,
        frame: Frame,
        dtype: torch.dtype,
    ) -> None:
        """Take the rows and (m,) the base row left out for each query; -1 for none."""
        self._queries, self._base, self._k, self._itself = queries, base, k, itself
        self._frame, self._dtype = frame, dtype
        columns = Sizes.of(base, frame, dtype)
        self._sizes = columns if queries is base else Sizes.of(queries, frame, dtype)
        bound = Bound.of(self._sizes, columns, base.shape[1])
        self._error = bound.of_columns
        self._unit = torch.finfo(dtype).eps / 2
        # the halves of the norms are put beside the columns as two numbers each
        of_columns = bound.of_columns + self._unit**2
        self._norms = columns.squared * (of_columns - 0.5)
        self._above = columns.squared * (2 * of_columns)
        self._slack = 2 * (bound.of_rows * self._sizes.squared + bound.least)

    def look(self, queries: torch.Tensor) -> Iterator[Found]:
        """Yield what is found for (b,) queries, block by block."""
        for block in queries.split(ROWS[self._base.device.type]):
            yield self._block(block)

    def _block(self, queries: torch.Tensor) -> Found:
        device, d, b = self._base.device, self._base.shape[1], len(queries)
        left = torch.ones(b, d + 2, dtype=self._dtype, device=device)
        left[:, :d] = self._frame.moved(self._queries[queries])
        itself, slack = self._itself[queries], self._slack[queries]
        width = min(COLUMNS[device.type], len(self._base))
        right = torch.empty(width, d + 2, dtype=self._dtype, device=device)
        whole = torch.empty(b * width, dtype=self._dtype, device=device)
        state = _State(b, self._k, device)
        for start in range(0, len(self._base), width):
            place = slice(start, start + width)
            norms = self._norms[place]
            columns = right[: len(norms)]
            columns[:, :d] = self._frame.moved(self._base[place])
            columns[:, d] = norms
            columns[:, d + 1] = norms - columns[:, d].double()
            product = whole[: b * len(norms)].view(b, len(norms))
            with whole_precision():
                torch.mm(left, columns.T, out=product)
            here = torch.nonzero((itself >= start) & (itself < start + len(norms)))[:, 0]
            product[here, itself[here] - start] = -torch.inf
            near = torch.nonzero(product.amax(dim=1) >= state.least.to(self._dtype))[:, 0]
            if len(near):
                some = product if len(near) == b else product[near]
                value, at = some.topk(min(self._k, some.shape[1]), dim=1)
                # what they have at the least: v was rounded, and has more than it may
                sure = value.double()
                sure -= sure.abs() * (2 * self._unit) + self._above[place][at]
                state.raise_least(near, sure, slack[near])
                row, column = torch.nonzero(
                    some >= state.least[near].to(self._dtype)[:, None], as_tuple=True
                )
                state.add(near[row], start + column, some[row, column])
        row, column = state.pairs()
        within = self._sizes.squared[queries] * (1 + self._error) + slack - 2 * state.sure[:, -1]
        return Found(queries, row, column, state.open, within)


class _State:
    """What is known of some queries while the base goes by.

    Attributes:
        least: (b,) float32 v that a candidate has.
        open: (b,) queries with too many candidates.
        sure: (b, k) float64, falling: what columns that went by have for sure.
    """

    def __init__(self, b: int, k: int, device: torch.device) -> None:
        lowest = torch.finfo(torch.float32).min
        self.least = torch.full((b,), lowest, device=device)
        self.open = torch.zeros(b, dtype=torch.bool, device=device)
        self.sure = torch.full((b, k), -torch.inf, dtype=torch.float64, device=device)
        self._counts = torch.zeros(b, dtype=torch.int64, device=device)
        self._most = k + MOST
        self._kept: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]] = []

    def raise_least(self, rows: torch.Tensor, sure: torch.Tensor, slack: torch.Tensor) -> None:
        """Take into account (r, <= k) values that other columns of some rows have for sure."""
        both = torch.cat((self.sure[rows], sure), dim=1)
        self.sure[rows] = both.topk(self.sure.shape[1], dim=1).values
        least = (self.sure[rows, -1] - slack).float()
        self.least[rows] = torch.maximum(self.least[rows], least)

    def add(self, row: torch.Tensor, column: torch.Tensor, value: torch.Tensor) -> None:
        """Keep pairs, of one block of columns, with their values."""
        self._kept.append((row, column, value))
        self._counts += torch.bincount(row, minlength=len(self._counts))
        if int(self._counts.max()) > self._most:
            self._prune()

    def pairs(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the pairs that are still candidates."""
        self._prune()
        return self._kept[0][:2]

    def _prune(self) -> None:
        row, column, value = map(torch.cat, zip(*self._kept, strict=True))
        kept = value >= self.least[row].to(value.dtype)
        self._counts = torch.bincount(row[kept], minlength=len(self._counts))
        # its pairs go, and no other reaches what it asks for now
        full = self._counts > self._most
        self.open |= full
        self.least[full] = torch.inf
        self._counts[full] = 0
        kept &= ~full[row]
        self._kept = [(row[kept], column[kept], value[kept])]
