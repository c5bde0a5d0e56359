"""Vendi score: how many rows that have nothing in common a set is worth."""

from collections.abc import Iterator

import torch

from actors.distances.pairs import Rows, as_rows
from actors.metrics.base import Group, Measure, Metric, Sets
from actors.metrics.blocks import doubles
from actors.metrics.checks import check


def vendi_score(features: Rows) -> float:
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
    rows = as_rows(features)
    n, d = rows.shape
    if n < d:
        normalized = torch.cat([_normalized(block) for block in doubles(rows)])
        matrix = normalized @ normalized.T
    else:
        matrix = torch.zeros(d, d, dtype=torch.float64, device=rows.device)
        for block in doubles(rows):
            normalized = _normalized(block)
            matrix.addmm_(normalized.T, normalized)
    values = torch.linalg.eigvalsh(matrix / matrix.trace())
    values = values[values > 0]
    return float(torch.exp(-(values * values.log()).sum()))


def _normalized(rows: torch.Tensor) -> torch.Tensor:
    norms = torch.linalg.vector_norm(rows, dim=1)
    if not norms.all():
        raise ValueError(
            f"features: found {int((norms == 0).sum())} rows of zeros; "
            "allowed are rows that have a direction"
        )
    return rows.div_(norms[:, None])


METRIC = Metric(
    "vendi_score", "rows", title="Vendi score", goal="max", meaning="higher is more varied"
)


def take(sets: Sets) -> Iterator[Measure]:
    """Vendi score of the samples."""
    yield sets.measure(METRIC, lambda: vendi_score(sets.samples), settings={"kernel": "cosine"})


DIVERSITY = Group(take, (METRIC,))
