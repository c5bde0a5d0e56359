"""Differential entropy by the Kozachenko-Leonenko estimator."""

from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, gammaln

from actors.evaluation.neighbours import nearest
from actors.evaluation.rows import check


@dataclass(frozen=True)
class Entropy:
    """An estimate with what it rests on.

    Attributes:
        nats: the estimate; minus infinity when every row has an exact duplicate.
        n: rows, duplicates included.
        k: which neighbour.
        zero_distances: rows whose k-th neighbour is an exact copy; left out of the mean logarithm,
            which would otherwise be minus infinity.
    """

    nats: float
    n: int
    k: int
    zero_distances: int


def entropy(features: np.ndarray, k: int = 1) -> Entropy:
    """Estimate the entropy of the distribution behind (n, d) rows, in nats.

    H = psi(n) - psi(k) + log c_d + d * mean_i log r_k(i), with c_d the volume of the unit d-ball
    and r_k(i) the distance from row i to its k-th nearest other row (Kozachenko and Leonenko 1987,
    in the form of Kraskov et al. 2004, equation 20). Comparable only at equal n, d and k.

    Raises:
        ValueError: fewer than k + 1 rows, or values that are not finite.
    """
    check(0, features=features)
    n, d = features.shape
    if not 1 <= k < n:
        raise ValueError(f"k: found {k}; allowed are 1 to n - 1 = {n - 1}")
    radius = nearest(features, features, k, exclude_self=True)[0][:, k - 1]
    positive = radius[radius > 0]
    log_ball = d / 2 * np.log(np.pi) - gammaln(d / 2 + 1)
    mean_log = np.log(positive).mean() if len(positive) else -np.inf
    nats = digamma(n) - digamma(k) + log_ball + d * mean_log
    return Entropy(float(nats), n, k, n - len(positive))


def entropy_interval(
    features: np.ndarray,
    k: int = 1,
    *,
    seed: int,
    level: float = 0.95,
    subsamples: int = 100,
    size: int | None = None,
) -> tuple[float, float]:
    """Return the ends of an interval for the entropy that n rows give on average, in nats.

    Subsamples of m rows are drawn without replacement, as a bootstrap's copies would have zero
    distances (Politis and Romano 1994). What they differ by, scaled by sqrt(m / n) and by
    1 / sqrt(1 - m / n) for being drawn from these n rows only, is what the estimate may be off by.
    It is taken about the subsamples' own mean: the estimator's bias depends on the number of rows,
    so that the interval tells the noise of the rows drawn and not that bias.

    Args:
        features: (n, d).
        k: which neighbour.
        seed: of the subsamples.
        level: probability of the interval.
        subsamples: how many.
        size: m, rows of a subsample; a quarter of the rows when None.

    Returns:
        The lower and the upper end; minus infinity twice where the estimate is, and an infinite
        interval where fewer than two subsamples have a row without an exact duplicate.

    Raises:
        ValueError: n or m too small for k, or an argument outside its range.
    """
    estimate = entropy(features, k).nats
    n = len(features)
    m = n // 4 if size is None else size
    if not k < m < n:
        raise ValueError(f"size: found {m}; allowed are k + 1 = {k + 1} to n - 1 = {n - 1}")
    if not 0 < level < 1:
        raise ValueError(f"level: found {level}; allowed are numbers between 0 and 1")
    if subsamples < 2:
        raise ValueError(f"subsamples: found {subsamples}; allowed are 2 and more")
    if estimate == -np.inf:
        return estimate, estimate
    rng = np.random.default_rng(seed)
    parts = np.array(
        [entropy(features[rng.choice(n, m, replace=False)], k).nats for _ in range(subsamples)]
    )
    parts = parts[np.isfinite(parts)]
    if len(parts) < 2:
        return -np.inf, np.inf
    tail = (1 - level) / 2
    low, high = np.quantile((parts - parts.mean()) * np.sqrt(m / (n - m)), (tail, 1 - tail))
    return float(estimate - high), float(estimate - low)
