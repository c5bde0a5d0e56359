"""Going over rows in float64 without a copy of them all."""

from collections.abc import Iterator

import torch

# bytes of float64 at once: more than a core's cache, for products with whole blocks to be fast
BLOCK_BYTES = 1 << 26


def doubles(rows: torch.Tensor) -> Iterator[torch.Tensor]:
    """Yield (n, d) rows in float64, some at a time; a copy that may be overwritten."""
    for block in rows.split(max(1, BLOCK_BYTES // (8 * rows.shape[1]))):
        yield block.to(torch.float64, copy=True)


def mean_of(rows: torch.Tensor) -> torch.Tensor:
    """Return the (d,) float64 mean of (n, d) rows, n >= 1."""
    first, *others = (block.sum(dim=0) for block in doubles(rows))
    return sum(others, first) / len(rows)
