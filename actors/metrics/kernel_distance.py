"""Kernel distance, KID where the features are Inception's."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch

from actors.distances.pairs import Rows, as_rows, rows_at
from actors.metrics.base import Group, Measure, Metric, Sets
from actors.metrics.checks import check

SUBSET_SIZE = 1000
# rows that are multiplied at once: so few that a cache holds the products, or so many that a GPU is
# busy
BLOCK = {"cpu": 256, "cuda": 8192}


class KernelDistance(NamedTuple):
    """The mean of the squared distance over the subsets and its standard deviation (ddof 0)."""

    mean: float
    std: float


def kernel_distance(
    samples: Rows,
    reference: Rows,
    *,
    seed: int,
    subsets: int = 100,
    subset_size: int | None = None,
) -> KernelDistance:
    """Return the unbiased squared maximum mean discrepancy under the kernel (x.y / d + 1)^3.

    Source: Binkowski et al. 2018: KID, averaged over subsets of both sets
    drawn without replacement. Unbiased, so that it can be slightly negative.

    Args:
        samples: (m, d), m >= 2.
        reference: (n, d), n >= 2.
        seed: of the subsets.
        subsets: how many.
        subset_size: rows of each; 1,000 or as many as the smaller set has when None.

    Raises:
        ValueError: too few rows, sets of different width, values that are not finite.
    """
    check(2, samples=samples, reference=reference)
    most = min(len(samples), len(reference))
    size = min(SUBSET_SIZE, most) if subset_size is None else subset_size
    if not 2 <= size <= most:
        raise ValueError(f"subset_size: found {size}; allowed are 2 to {most}")
    if subsets < 1:
        raise ValueError(f"subsets: found {subsets}; allowed are 1 and more")
    rng = np.random.default_rng(seed)
    sets = as_rows(samples), as_rows(reference)
    values = []
    for _ in range(subsets):
        drawn = (rng.choice(len(rows), size, replace=False) for rows in sets)
        pair = (
            rows_at(rows, positions).double() for rows, positions in zip(sets, drawn, strict=True)
        )
        values.append(_squared_discrepancy(*pair))
    return KernelDistance(float(np.mean(values)), float(np.std(values)))


def _squared_discrepancy(first: torch.Tensor, second: torch.Tensor) -> float:
    size = len(first)
    within = _sum_within(first) + _sum_within(second)
    return float(within / (size * (size - 1)) - 2 * _sum_across(first, second) / size**2)


def _sum_within(rows: torch.Tensor) -> torch.Tensor:
    """Return the sum of the kernel over all pairs of two of the rows; it is symmetric."""
    size, d = BLOCK[rows.device.type], rows.shape[1]
    total = rows.new_zeros(())
    for start in range(0, len(rows), size):
        block = rows[start : start + size]
        # no row with itself: there the kernel is made 0
        total += _cubes((block @ block.T).fill_diagonal_(-d), d)
        total += 2 * _cubes(block @ rows[:start].T, d)
    return total


def _sum_across(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    blocks = first.split(BLOCK[first.device.type])
    return torch.stack([_cubes(block @ second.T, first.shape[1]) for block in blocks]).sum()


def _cubes(products: torch.Tensor, d: int) -> torch.Tensor:
    kernel = products.div_(d).add_(1)
    return kernel.square().mul_(kernel).sum()


METRIC = Metric("kernel_distance", "squared discrepancy", goal="min", compared_with=("reference",))


def take(sets: Sets) -> Iterator[Measure]:
    """Kernel distance to held-out real rows."""
    yield sets.measure(
        METRIC,
        lambda: kernel_distance(sets.samples, sets.reference, seed=sets.seed).mean,
        settings={"subset_size": min(SUBSET_SIZE, len(sets.samples), len(sets.reference))},
    )


KERNEL = Group(take, (METRIC,), subsamples=4)
