"""Correlation of two measures over the iterations of a run or the runs of a sweep."""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri


@dataclass(frozen=True)
class Correlation:
    """Pearson's r of n pairs with its interval, which needs at least 4 of them."""

    r: float
    n: int
    interval: tuple[float, float] | None


def correlation(first: np.ndarray, second: np.ndarray, level: float = 0.95) -> Correlation:
    """Return Pearson's r of two series with the interval by Fisher's z.

    The paper correlates the entropy of the training sets with log(generalization_score) over 54
    runs (r = 0.91) and sets it against variance with the same (Shi et al. 2025). The interval is
    tanh(atanh(r) +- z / sqrt(n - 3)) (Fisher 1921); it takes the pairs for independent, which the
    iterations of one run are not.

    Args:
        first: (n,) values, n >= 3.
        second: (n,) values.
        level: probability of the interval.

    Raises:
        ValueError: series of different length, too short, constant or not finite.
    """
    one, two = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if one.shape != two.shape or one.ndim != 1:
        raise ValueError(f"second: found shape {two.shape}; allowed is that of first, {one.shape}")
    if len(one) < 3:
        raise ValueError(f"first: found {len(one)} values; allowed are 3 and more")
    if not 0 < level < 1:
        raise ValueError(f"level: found {level}; allowed are numbers between 0 and 1")
    for name, series in (("first", one), ("second", two)):
        if not np.isfinite(series).all():
            raise ValueError(f"{name}: found values that are not finite; allowed are finite ones")
        if np.ptp(series) == 0:
            raise ValueError(f"{name}: found one value only; allowed are series that vary")
    r = float(np.clip(_unit(one) @ _unit(two), -1, 1))
    if len(one) < 4:
        return Correlation(r, len(one), None)
    if abs(r) == 1:
        return Correlation(r, len(one), (r, r))
    half = ndtri((1 + level) / 2) / np.sqrt(len(one) - 3)
    low, high = np.tanh(np.arctanh(r) + np.array((-half, half)))
    return Correlation(r, len(one), (float(low), float(high)))


def _unit(series: np.ndarray) -> np.ndarray:
    # scaled first: squares of very small or large values would leave the range of float64
    centred = series / np.abs(series).max()
    centred = centred - centred.mean()
    return centred / np.linalg.norm(centred)
