"""Statistics of repeated measurements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

# with fewer seeds there are numbers, but no verdict
FEWEST_SEEDS = 3


@dataclass(frozen=True)
class Interval:
    """A mean of n values with its interval, which needs at least two of them."""

    mean: float
    n: int
    low: float | None = None
    high: float | None = None


def mean_interval(values: Sequence[float], level: float = 0.95) -> Interval:
    """Return the mean with Student's interval, mean +- t(n - 1) s / sqrt(n) (Student 1908).

    Args:
        values: finite, one and more, taken for independent.
        level: probability of the interval.

    Raises:
        ValueError: no values, or values that are not finite.
    """
    finite = np.asarray(values, np.float64)
    if not len(finite) or not np.isfinite(finite).all():
        raise ValueError(f"values: found {list(values)}; allowed are one and more finite numbers")
    mean, n = float(finite.mean()), len(finite)
    if n < 2:
        return Interval(mean, n)
    half = float(stats.t.ppf((1 + level) / 2, n - 1) * stats.sem(finite))
    return Interval(mean, n, mean - half, mean + half)


def paired(first: Mapping[int, float], second: Mapping[int, float]) -> Interval | None:
    """Return the mean difference of two arms over the seeds that both have, with its interval.

    Args:
        one: value by seed.
        other: value by seed, subtracted.

    Returns:
        The interval of the paired t-test; None where no seed is common. Differences that are not
        finite are left out.
    """
    both = [first[seed] - second[seed] for seed in first if seed in second]
    differences = [difference for difference in both if np.isfinite(difference)]
    return mean_interval(differences) if differences else None


def is_apart(difference: Interval | None) -> bool | None:
    """Return whether a paired difference is clearly not zero; None with fewer than three seeds."""
    if difference is None or difference.n < FEWEST_SEEDS:
        return None
    assert difference.low is not None
    assert difference.high is not None
    return difference.low > 0 or difference.high < 0


@dataclass(frozen=True)
class Optimum:
    """The best point of a curve.

    Attributes:
        position: of the point among those given.
        interior: whether there are points on both sides of it.
        separated: whether its paired differences to its neighbours are clearly not zero; None where
            there are too few seeds.
    """

    position: int
    interior: bool
    separated: bool | None


def optimum(
    places: Sequence[float], curve: Sequence[Mapping[int, float]], goal: Literal["min", "max"]
) -> Optimum:
    """Return the best of some points along an axis; the first one where several are as good.

    Args:
        places: of the points on the axis, all different.
        curve: values by seed measured there, as many, one and more.
    """
    sign = 1 if goal == "min" else -1
    means = [sign * float(np.mean(list(values.values()))) for values in curve]
    order = sorted(range(len(places)), key=lambda at: places[at])
    rank = min(range(len(order)), key=lambda at: means[order[at]])
    best = order[rank]
    neighbours = [order[at] for at in (rank - 1, rank + 1) if 0 <= at < len(order)]
    apart = [is_apart(paired(curve[best], curve[other])) for other in neighbours]
    separated = None if None in apart else all(apart)
    return Optimum(best, len(neighbours) == 2, separated)
