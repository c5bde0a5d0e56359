"""Fidelity and diversity by balls around the rows of two sets."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial

import numpy as np

from actors.distances.balls import inside
from actors.distances.pairs import Rows
from actors.metrics.base import Group, Measure, Metric, Sets
from actors.metrics.searches import Depths, Searches

# which neighbour the balls of the metrics reach to, as in `prdc`
K = 5
BOTH = ("samples", "reference")


@dataclass(frozen=True)
class Manifold:
    """How far two sets lie in each other's balls.

    Attributes:
        precision: share of samples in the ball of some reference row.
        recall: share of reference rows in the ball of some sample.
        density: mean over the samples of the number of balls of reference rows around one, over k.
        coverage: share of reference rows whose ball holds some sample.
    """

    precision: float
    recall: float
    density: float
    coverage: float


def manifold(samples: Rows, reference: Rows, k: int = K) -> Manifold:
    """Return precision and recall, density and coverage of the samples.

    The ball of a row reaches to its k-th nearest other row of its own set and holds what is exactly
    at that distance (Kynkäänniemi et al. 2019, equation 1, for precision and recall; Naeem et al.
    2020 for density and coverage, whose package `prdc` leaves out what is
    exactly at the distance: the two differ in exact ties only).

    Args:
        samples: (m, d), m > k.
        reference: (n, d), n > k.
        k: which neighbour the balls reach to.

    Raises:
        ValueError: too few rows, sets of different width, values that are not finite.
    """
    return _manifold(Searches(samples=samples, reference=reference), k)


def _manifold(searches: Searches, k: int) -> Manifold:
    if k < 1:
        raise ValueError(f"k: found {k}; allowed are 1 and more")
    searches.check(*BOTH, least=k + 1)
    sample_radius, reference_radius = (
        searches.nearest(name, name, k)[0][:, k - 1] for name in BOTH
    )
    samples, reference = (searches[name] for name in BOTH)
    balls = np.zeros(len(samples), np.int64)
    recalled = np.zeros(len(reference), bool)
    covered = np.zeros(len(reference), bool)
    for block in inside(reference, samples, reference_radius, sample_radius):
        balls[block.columns] += block.of_row.sum(dim=0).numpy(force=True)
        covered[block.rows] |= block.of_row.any(dim=1).numpy(force=True)
        recalled[block.rows] |= block.of_column.any(dim=1).numpy(force=True)
    return Manifold(
        precision=float((balls > 0).mean()),
        recall=float(recalled.mean()),
        density=float(balls.mean() / k),
        coverage=float(covered.mean()),
    )


METRICS = tuple(
    Metric(name, unit, unit_in_text=in_text, goal="max", compared_with=("reference",))
    for name, unit, in_text in (
        ("precision", "share", "of samples"),
        ("recall", "share", "of real rows"),
        ("density", "balls / k", ""),
        ("coverage", "share", "of real rows"),
    )
)


def take(sets: Sets) -> Iterator[Measure]:
    """Precision, recall, density and coverage against held-out real rows."""
    measured = cache(lambda: _manifold(sets.searches, K))
    for metric in METRICS:
        yield sets.measure(
            metric,
            partial(lambda name: getattr(measured(), name), metric.name),
            k=K,
            settings={"ties": "inside"},
        )


def depths(_: int) -> Depths:
    """Return how many neighbours are asked for: those that the balls reach to."""
    return {(name, name): K for name in BOTH}


FIDELITY = Group(take, METRICS, depths=depths)
