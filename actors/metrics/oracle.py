"""What is known beforehand of a loop whose generator is one Gaussian, fitted by maximum likelihood.

The training set of iteration t + 1 is n rows drawn from the Gaussian fitted to the n rows of
iteration t. Its scatter matrix is then Wishart with n - 1 degrees of freedom about the fitted
covariance, which is the scatter of iteration t over n, so that everything below follows from
moments of the Wishart and chi-squared distributions (Mardia, Kent and Bibby 1979, chapter 3). That
dispersion dies out so is the model collapse of Shumailov et al. 2024 (Nature 631).
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from scipy.spatial.distance import cdist
from scipy.special import digamma, ndtri, polygamma

from actors.metrics.entropy import entropy

Form = Literal["full", "diag", "spherical"]
# of a 95 % band, in standard deviations
WIDTH = float(ndtri(0.975))
# seeded sets of rows that the noise of the entropy's estimate is taken from
DRAWS = 1000


@dataclass(frozen=True)
class Band:
    """What a quantity is expected to be and where it lies with 95 % probability.

    Attributes:
        mean, low, high: (iterations,) float64, from iteration 1.
    """

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


def log_determinant_change(form: Form, rows: int, dimensions: int, iterations: int) -> Band:
    """Return how much log det of the fitted covariance has changed since iteration 1.

    Half of it is the change of the fitted Gaussian's entropy in nats. With n rows and d dimensions
    det changes from one iteration to the next by a product of independent chi-squared variables
    over n: those with n - 1, ..., n - d degrees of freedom for `full` (Bartlett), d times n - 1 for
    `diag`; for `spherical` it is the d-th power of one with (n - 1) d, over n d. Mean and variance
    are exact; the band takes the sum of the logarithms as normal.

    Args:
        form: of the covariance.
        rows: n of every training set.
        dimensions: d.
        iterations: how many.

    Raises:
        ValueError: fewer than 2 rows, or not more rows than dimensions with `full`.
    """
    _check(form, rows, dimensions, iterations)
    n, d = rows, dimensions
    degrees = {
        "full": n - np.arange(1, d + 1),
        "diag": np.full(d, n - 1),
        "spherical": np.array([(n - 1) * d]),
    }[form]
    power, divisor = (d, n * d) if form == "spherical" else (1, n)
    drift = power * (digamma(degrees / 2) - np.log(divisor / 2)).sum()
    noise = power**2 * polygamma(1, degrees / 2).sum()
    steps = np.arange(iterations)
    return _normal(steps * drift, np.sqrt(steps * noise))


def variance_change(form: Form, rows: int, dimensions: int, iterations: int) -> Band:
    """Return the trace of the training set's covariance over that of iteration 1.

    Its mean, (1 - 1/n)^(t - 1), holds whatever the covariance is. The second moment follows from
    that of a Wishart matrix, for `full` and `diag` where the rows of iteration 1 are normal with
    equal variances in all dimensions; the band is log-normal with both moments.

    Args: as `log_determinant_change`.

    Raises:
        ValueError: fewer than 2 rows or 1 dimension.
    """
    _check("spherical", rows, dimensions, iterations)
    m, d = rows - 1, dimensions
    # E (tr C)^2 and E tr C^2 of the next covariance are linear in these two of the one before
    step = {
        "full": np.array([[m * m, 2 * m], [m, m * (m + 1)]]),
        "diag": np.array([[m * m, 2 * m], [0, m * (m + 2)]]),
        "spherical": np.array([[m * m + 2 * m / d, 0], [0, m * m + 2 * m / d]]),
    }[form] / rows**2
    # equal variances, as n rows have them: their directions do not depend on their trace
    first = step @ (1, 1 / d)
    moments = [first / first[0]]
    for _ in range(iterations - 1):
        moments.append(step @ moments[-1])
    mean = (m / rows) ** np.arange(iterations)
    spread = np.log(np.array(moments)[:, 0] / mean**2)
    band = _normal(np.log(mean) - spread / 2, np.sqrt(spread))
    return Band(mean, np.exp(band.low), np.exp(band.high))


def training_set_entropy(
    variance: float, rows: int, dimensions: int, iterations: int, k: int = 1
) -> Band:
    """Return the Kozachenko-Leonenko entropy of the training sets of a `spherical` loop, in nats.

    Scaling rows by s adds d log s to the estimate, with its bias. So at iteration t >= 2 it is the
    estimate for n standard normal rows, plus half the log determinant of the model that they were
    drawn from, that of t - 1; the two are independent. Mean and variance of the first, which have
    no closed form, are those of 1,000 seeded sets of rows. Iteration 1 is taken as drawn from the
    variance that it has.

    Args:
        variance: unbiased, per dimension, of the training set of iteration 1.
        rows, dimensions, iterations: as for `log_determinant_change`.
        k: which neighbour the estimate takes.

    Raises:
        ValueError: fewer than 2 rows or k + 1, or no variance.
    """
    if not variance > 0:
        raise ValueError(f"variance: found {variance}; allowed are positive numbers")
    change = log_determinant_change("spherical", rows, dimensions, iterations)
    standard = _standard_entropies(rows, dimensions, k)
    # of the model of t - 1; the first model's is known
    model = np.concatenate(([0.0], change.mean))[:iterations] / 2
    noise = np.concatenate(([0.0], (change.high - change.mean) / WIDTH))[:iterations] / 2
    fitted = variance * np.where(np.arange(iterations) == 0, 1, (rows - 1) / rows)
    mean = standard.mean() + dimensions / 2 * np.log(fitted) + model
    return _normal(mean, np.sqrt(standard.var(ddof=1) + noise**2))


@lru_cache(maxsize=8)
def _standard_entropies(rows: int, dimensions: int, k: int) -> np.ndarray:
    """Return the (DRAWS,) estimates for standard normal rows."""
    draws = np.random.default_rng(0).standard_normal((DRAWS, rows, dimensions))
    # without `entropy`, whose threads cost more than they save on so few rows
    radii = (np.partition(cdist(draw, draw), k, axis=1)[:, k] for draw in draws)
    logs = dimensions * np.array([np.log(radius).mean() for radius in radii])
    # nobody's neighbours are as near as the floor
    return logs + (entropy(draws[0], k).nats - logs[0])


def _normal(mean: np.ndarray, deviation: np.ndarray) -> Band:
    return Band(mean, mean - WIDTH * deviation, mean + WIDTH * deviation)


def _check(form: Form, rows: int, dimensions: int, iterations: int) -> None:
    least = dimensions + 1 if form == "full" else 2
    checked: dict[str, tuple[int, int]] = {
        "rows": (rows, least),
        "dimensions": (dimensions, 1),
        "iterations": (iterations, 1),
    }
    for name, (value, lowest) in checked.items():
        if value < lowest:
            raise ValueError(f"{name}: found {value}; allowed are {lowest} and more")
