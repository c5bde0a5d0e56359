"""Fréchet distance, in float64."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from actors.distances.pairs import Rows, as_rows, rows_at
from actors.metrics.base import Group, Measure, Metric, Sets
from actors.metrics.blocks import doubles, mean_of
from actors.metrics.checks import check

# sizes of subsets that the extrapolation is from, and rows of the smallest, where there are twice
# as many
POINTS = 15
SMALLEST = 5000
# rows per dimension that a subset needs at least: with fewer the distance is not linear in 1 / size
FEWEST_PER_DIMENSION = 2


@dataclass(frozen=True)
class Moments:
    """First and second moments of (n, d) rows, to be merged with those of others.

    Attributes:
        n: rows.
        mean: (d,) float64 tensor.
        scatter: (d, d) float64 tensor, the sum of the outer products of the centred rows.
    """

    n: int
    mean: torch.Tensor
    scatter: torch.Tensor

    @classmethod
    def of(cls, features: Rows) -> "Moments":
        """Return the moments of (n, d) rows, n >= 1.

        Raises:
            ValueError: no rows, or values that are not finite.
        """
        check(features=features)
        return cls._of(as_rows(features))

    @classmethod
    def _of(cls, rows: torch.Tensor) -> "Moments":
        mean = mean_of(rows)
        scatter = torch.zeros(*mean.shape * 2, dtype=mean.dtype, device=mean.device)
        for block in doubles(rows):
            centred = block.sub_(mean)
            scatter.addmm_(centred.T, centred)
        return cls(len(rows), mean, scatter)

    def merge(self, other: "Moments") -> "Moments":
        """Return the moments of both sets of rows (Chan, Golub and LeVeque 1979).

        Raises:
            ValueError: moments of another number of dimensions.
        """
        _same_width(self, other, "other", "self")
        n = self.n + other.n
        shift = other.mean - self.mean
        mean = self.mean + shift * (other.n / n)
        between = torch.outer(shift, shift * (self.n * other.n / n))
        return Moments(n, mean, self.scatter + other.scatter + between)

    def covariance(self) -> torch.Tensor:
        """Return the (d, d) unbiased covariance.

        Raises:
            ValueError: fewer than 2 rows.
        """
        if self.n < 2:
            raise ValueError(f"rows: found {self.n}; a covariance needs at least 2")
        return self.scatter / (self.n - 1)


def frechet_distance(samples: Rows, reference: Rows) -> float:
    """Return the squared Fréchet distance of the Gaussians fitted to two sets of rows.

    Args:
        samples: (m, d), m >= 2.
        reference: (n, d), n >= 2.

    Raises:
        ValueError: too few rows, sets of different width, values that are not finite.
    """
    return frechet_of_moments(Moments.of(samples), Moments.of(reference))


def frechet_of_moments(samples: Moments, reference: Moments) -> float:
    """Return the squared Fréchet distance of the Gaussians with these moments.

    |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)) (Dowson and Landau 1982; Heusel et al. 2017). The
    trace of the root is taken from the eigenvalues of the symmetric F.T C1 F with C2 = F F.T, which
    are those of C1 C2.

    Raises:
        ValueError: fewer than 2 rows, or moments of different width.
    """
    return _distance(samples, reference, _factor(reference.covariance()))


def frechet_infinity(samples: Rows, reference: Rows, *, seed: int) -> float:
    """Return the squared Fréchet distance that infinitely many samples would have.

    The distance of random subsets of the samples to the whole reference is nearly linear in one
    over the size of the subset; a least-squares line is read at 0 (Chong and Forsyth 2020, whose
    15 sizes are spread evenly from 5,000, here or half of the samples if that is less, to all of
    them). It can come out slightly negative. With few rows per dimension the line does not hold: of
    two equal normal distributions it gave -1.7 with m = d, -1.3 with 2 d, and from 4 d on, which is
    asked for here, it was off by a tenth of the distance at m and less (d = 32).

    Args:
        samples: (m, d), m >= 4 d.
        reference: (n, d), n >= 2.
        seed: of the subsets.

    Raises:
        ValueError: too few rows, sets of different width, values that are not finite.
    """
    check(2, samples=samples, reference=reference)
    m, d = samples.shape
    least = min(SMALLEST, m // 2)
    if least < FEWEST_PER_DIMENSION * d:
        raise ValueError(
            f"samples: found {m} rows of {d} dimensions, the smallest subset {least}; an "
            f"extrapolation needs subsets of {FEWEST_PER_DIMENSION} rows per dimension, "
            f"{FEWEST_PER_DIMENSION * d}, as with fewer the distance is not linear in 1 / size"
        )
    fixed = Moments.of(reference)
    factor = _factor(fixed.covariance())
    rng = np.random.default_rng(seed)
    sizes = np.linspace(least, m, POINTS).astype(int)
    rows = as_rows(samples)
    draws = (rng.choice(m, size, replace=False) for size in sizes)
    subsets = (Moments._of(rows_at(rows, drawn)) for drawn in draws)
    distances = [_distance(moments, fixed, factor) for moments in subsets]
    return float(np.polyfit(1 / sizes, distances, 1)[1])


def _same_width(first: Moments, second: Moments, name: str, against: str) -> None:
    if first.mean.shape != second.mean.shape:
        raise ValueError(
            f"{name}: found {len(second.mean)} dimensions; allowed are {len(first.mean)}, "
            f"those of {against}"
        )


def _factor(covariance: torch.Tensor) -> torch.Tensor:
    factor, failed = torch.linalg.cholesky_ex(covariance)
    if not failed:
        return factor
    # singular: fewer rows than dimensions, or constant features
    values, vectors = torch.linalg.eigh(covariance)
    return vectors * values.clamp(min=0).sqrt()


def _distance(samples: Moments, reference: Moments, factor: torch.Tensor) -> float:
    _same_width(reference, samples, "samples", "reference")
    covariance = samples.covariance()
    product = torch.linalg.eigvalsh(factor.T @ covariance @ factor)
    cross = product.clamp(min=0).sqrt().sum()
    traces = covariance.trace() + reference.covariance().trace()
    return max(0.0, float((samples.mean - reference.mean).square().sum() + traces - 2 * cross))


DISTANCE = Metric(
    "frechet_distance",
    "squared distance",
    title="Fréchet distance",
    short="Fréchet",
    goal="min",
    compared_with=("reference",),
    main=True,
    column="Fréchet",
    legend="distance of samples to held-out real rows (lower is better)",
)
INFINITY = Metric(
    "frechet_distance_infinity",
    "squared distance",
    title="Fréchet distance, n to infinity",
    goal="min",
    compared_with=("reference",),
)


def take(sets: Sets) -> Iterator[Measure]:
    """Fréchet distance to held-out real rows, at this n and extrapolated to infinitely many."""
    both = sets.samples, sets.reference
    yield sets.measure(DISTANCE, lambda: frechet_distance(*both))
    yield sets.measure(INFINITY, lambda: frechet_infinity(*both, seed=sets.seed))


FRECHET = Group(take, (DISTANCE, INFINITY), required=True)
