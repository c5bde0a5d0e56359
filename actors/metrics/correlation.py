"""Correlation of two measures over the iterations of a run or the runs of a sweep."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import pearsonr

# spread of a series over its size below which it is rounding
CONSTANT = 1e-12


@dataclass(frozen=True)
class Correlation:
    """Pearson's r of distinct pairs with its interval.

    Attributes:
        r: None where there is none, which `note` says.
        n: distinct pairs that it is of.
        interval: needs at least 4 of them.
        left_out: pairs that are not finite.
        note: why there is no r.
    """

    r: float | None
    n: int
    interval: tuple[float, float] | None = None
    left_out: int = 0
    note: str | None = None


def correlation(first: np.ndarray, second: np.ndarray, level: float = 0.95) -> Correlation:
    """Return Pearson's r of two series with the interval by Fisher's z.

    The paper correlates the entropy of the training sets with log(generalization_score) over 54
    runs (r = 0.91) and sets it against variance with the same (Shi et al. 2025). The interval is
    tanh(atanh(r) +- z / sqrt(n - 3)) (Fisher 1921); it takes the pairs for independent, which the
    iterations of one run are not. A pair that is there several times, as iteration 1 of arms that
    share it, counts once.

    Args:
        first: (n,) values; the logarithm of 0 and NaN are left out, and counted.
        second: (n,) values.
        level: probability of the interval.

    Returns:
        The correlation; without r, but a note, where fewer than 3 distinct pairs are left or one of
        the series does not vary.

    Raises:
        ValueError: series of different length, or a level that is not between 0 and 1.
    """
    pairs = np.column_stack(_same_length(first, second))
    if not 0 < level < 1:
        raise ValueError(f"level: found {level}; allowed are numbers between 0 and 1")
    keep = np.isfinite(pairs).all(axis=1)
    left_out = int((~keep).sum())
    x, y = np.unique(pairs[keep], axis=0).T
    n = len(x)
    if n < 3:
        note = f"{n} distinct pairs; a correlation needs at least 3"
        return Correlation(None, n, left_out=left_out, note=note)
    for name, series in (("first", x), ("second", y)):
        if np.ptp(series) <= CONSTANT * np.abs(series).max():
            note = f"the {name} series does not vary"
            return Correlation(None, n, left_out=left_out, note=note)
    tested = pearsonr(x, y)
    r = float(tested.statistic)
    if n < 4:
        return Correlation(r, n, left_out=left_out)
    low, high = tested.confidence_interval(level)
    return Correlation(r, n, (float(low), float(high)), left_out)


def _same_length(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    x, y = np.asarray(first, np.float64), np.asarray(second, np.float64)
    if x.shape != y.shape or x.ndim != 1:
        raise ValueError(f"second: found shape {y.shape}; allowed is that of first, {x.shape}")
    return x, y
