"""Vendi score: how many rows that have nothing in common a set is worth."""

from collections.abc import Iterator

import numpy as np

from actors.metrics.base import Group, Measure, Metric, Sets
from actors.metrics.checks import check

# rows held in float64 at once
BLOCK = 8192


def vendi_score(features: np.ndarray) -> float:
    """Return the exponential of the entropy of the eigenvalues of the cosine kernel matrix over n.

    Source: Friedman and Dieng 2023. With rows X of length 1 the matrix is X X.T / n; X.T X / n has
    the same eigenvalues that are not 0 and is taken where it is smaller. From 1, all rows in one
    direction, to the lesser of n and d.

    Args:
        features: (n, d), n >= 1.

    Raises:
        ValueError: no rows, values that are not finite, a row of zeros.
    """
    check(features=features)
    n, d = features.shape
    if n < d:
        rows = _normalized(features)
        matrix = rows @ rows.T
    else:
        matrix = np.zeros((d, d))
        for start in range(0, n, BLOCK):
            rows = _normalized(features[start : start + BLOCK])
            matrix += rows.T @ rows
    values = np.linalg.eigvalsh(matrix / np.trace(matrix))
    values = values[values > 0]
    return float(np.exp(-(values * np.log(values)).sum()))


def _normalized(features: np.ndarray) -> np.ndarray:
    exact = features.astype(np.float64)
    norms = np.linalg.norm(exact, axis=1)
    if not norms.all():
        raise ValueError(
            f"features: found {int((norms == 0).sum())} rows of zeros; "
            "allowed are rows that have a direction"
        )
    return exact / norms[:, None]


METRIC = Metric(
    "vendi_score", "rows", title="Vendi score", goal="max", meaning="higher is more varied"
)


def take(sets: Sets) -> Iterator[Measure]:
    """Vendi score of the samples."""
    yield sets.measure(METRIC, lambda: vendi_score(sets.samples), settings={"kernel": "cosine"})


DIVERSITY = Group(take, (METRIC,))
