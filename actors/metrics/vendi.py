"""Vendi score: how many rows that have nothing in common a set is worth."""

import numpy as np

from actors.metrics.rows import check

# rows held in float64 at once
BLOCK = 8192


def vendi_score(features: np.ndarray, *, normalize: bool = True, block: int = BLOCK) -> float:
    """Return the exponential of the entropy of the eigenvalues of the kernel matrix over n.

    Source: Friedman and Dieng 2023, with the cosine kernel, or the linear one. The
    matrix is X X.T / n; X.T X / n has the same eigenvalues that are not 0 and is taken where it is
    smaller. From 1, all rows in one direction, to the lesser of n and d.

    Args:
        features: (n, d), n >= 1.
        normalize: rows to length 1, which makes the kernel the cosine. Without it the eigenvalues
            have to add up to 1 by themselves, so that they are divided by their sum.
        block: rows held in float64 at once.

    Raises:
        ValueError: no rows, values that are not finite, a row of zeros under the cosine or zeros
            only under the linear kernel.
    """
    check(features=features)
    n, d = features.shape
    if n < d:
        rows = _rows(features, normalize)
        matrix = rows @ rows.T
    else:
        matrix = np.zeros((d, d))
        for start in range(0, n, block):
            rows = _rows(features[start : start + block], normalize)
            matrix += rows.T @ rows
    trace = np.trace(matrix)
    if trace == 0:
        raise ValueError("features: found zeros only; allowed are rows that have a direction")
    values = np.linalg.eigvalsh(matrix / trace)
    values = values[values > 0]
    return float(np.exp(-(values * np.log(values)).sum()))


def _rows(features: np.ndarray, normalize: bool) -> np.ndarray:
    exact = features.astype(np.float64)
    if not normalize:
        return exact
    norms = np.linalg.norm(exact, axis=1)
    if not norms.all():
        raise ValueError(
            f"features: found {int((norms == 0).sum())} rows of zeros; "
            "allowed are rows that have a direction"
        )
    return exact / norms[:, None]
