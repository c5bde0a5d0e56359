"""Statistics of repeated measurements."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import stdtrit


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
    found = np.asarray(values, np.float64)
    if not len(found) or not np.isfinite(found).all():
        raise ValueError(f"values: found {list(values)}; allowed are one and more finite numbers")
    mean, n = float(found.mean()), len(found)
    if n < 2:
        return Interval(mean, n)
    half = float(stdtrit(n - 1, (1 + level) / 2) * found.std(ddof=1) / np.sqrt(n))
    return Interval(mean, n, mean - half, mean + half)


@dataclass(frozen=True)
class Optimum:
    """The best point of a curve.

    Attributes:
        position: of the point among those given.
        interior: whether there are points on both sides of it.
        separated: whether its interval lies apart from those of its neighbours; None where one of
            them has no interval.
    """

    position: int
    interior: bool
    separated: bool | None


def optimum(
    places: Sequence[float], curve: Sequence[Interval], goal: Literal["min", "max"]
) -> Optimum:
    """Return the best of some points along an axis; the first one where several are as good.

    Args:
        places: of the points on the axis, all different.
        curve: what was measured there, as many, one and more.
    """
    sign = 1 if goal == "min" else -1
    order = sorted(range(len(places)), key=lambda at: places[at])
    rank = min(range(len(order)), key=lambda at: sign * curve[order[at]].mean)
    best = curve[order[rank]]
    neighbours = [curve[order[at]] for at in (rank - 1, rank + 1) if 0 <= at < len(order)]
    return Optimum(order[rank], len(neighbours) == 2, _apart(best, neighbours))


def _apart(one: Interval, others: list[Interval]) -> bool | None:
    apart = True
    for other in others:
        if one.low is None or one.high is None or other.low is None or other.high is None:
            return None
        apart &= one.high < other.low or other.high < one.low
    return apart
