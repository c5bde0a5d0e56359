"""Differential entropy by the Kozachenko-Leonenko estimator."""

from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, gammaln

from actors.evaluation.neighbours import nearest


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
        ValueError: fewer than k + 1 rows.
    """
    n, d = features.shape
    if not 1 <= k < n:
        raise ValueError(f"k: found {k}; allowed are 1 to n - 1 = {n - 1}")
    radius = nearest(features, features, k, exclude_self=True)[0][:, k - 1]
    positive = radius[radius > 0]
    log_ball = d / 2 * np.log(np.pi) - gammaln(d / 2 + 1)
    mean_log = np.log(positive).mean() if len(positive) else -np.inf
    nats = digamma(n) - digamma(k) + log_ball + d * mean_log
    return Entropy(float(nats), n, k, n - len(positive))
