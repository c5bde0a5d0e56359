"""Fréchet distance, in float64."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from actors.metrics.base import Group, Measure, Metric, Sets
from actors.metrics.checks import check

# rows held in float64 at once
BLOCK = 8192
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
        mean: (d,) float64.
        scatter: (d, d) float64, the sum of the outer products of the centred rows.
    """

    n: int
    mean: np.ndarray
    scatter: np.ndarray

    @classmethod
    def of(cls, features: np.ndarray, block: int = BLOCK) -> "Moments":
        """Return the moments of (n, d) rows, n >= 1, with `block` of them in float64 at a time.

        Raises:
            ValueError: no rows, or values that are not finite.
        """
        check(features=features)
        blocks = (cls._of_block(features[i : i + block]) for i in range(0, len(features), block))
        whole = next(blocks)
        for more in blocks:
            whole = whole.merge(more)
        return whole

    @classmethod
    def _of_block(cls, features: np.ndarray) -> "Moments":
        exact = features.astype(np.float64)
        mean = exact.mean(axis=0)
        exact -= mean
        return cls(len(exact), mean, exact.T @ exact)

    def merge(self, other: "Moments") -> "Moments":
        """Return the moments of both sets of rows (Chan, Golub and LeVeque 1979).

        Raises:
            ValueError: moments of another number of dimensions.
        """
        _same_width(self, other, "other", "self")
        n = self.n + other.n
        shift = other.mean - self.mean
        mean = self.mean + shift * (other.n / n)
        between = np.outer(shift, shift * (self.n * other.n / n))
        return Moments(n, mean, self.scatter + other.scatter + between)

    def covariance(self) -> np.ndarray:
        """Return the (d, d) unbiased covariance.

        Raises:
            ValueError: fewer than 2 rows.
        """
        if self.n < 2:
            raise ValueError(f"rows: found {self.n}; a covariance needs at least 2")
        return self.scatter / (self.n - 1)


def frechet_distance(samples: np.ndarray, reference: np.ndarray) -> float:
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


def frechet_infinity(samples: np.ndarray, reference: np.ndarray, *, seed: int) -> float:
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
    subsets = (Moments.of(samples[rng.choice(m, size, replace=False)]) for size in sizes)
    distances = [_distance(moments, fixed, factor) for moments in subsets]
    return float(np.polyfit(1 / sizes, distances, 1)[1])


def _same_width(first: Moments, second: Moments, name: str, against: str) -> None:
    if first.mean.shape != second.mean.shape:
        raise ValueError(
            f"{name}: found {len(second.mean)} dimensions; allowed are {len(first.mean)}, "
            f"those of {against}"
        )


def _factor(covariance: np.ndarray) -> np.ndarray:
    try:
        return np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError:  # singular: fewer rows than dimensions, or constant features
        values, vectors = np.linalg.eigh(covariance)
        return vectors * np.sqrt(values.clip(min=0))


def _distance(samples: Moments, reference: Moments, factor: np.ndarray) -> float:
    _same_width(reference, samples, "samples", "reference")
    covariance = samples.covariance()
    product = np.linalg.eigvalsh(factor.T @ covariance @ factor)
    cross = np.sqrt(product.clip(min=0)).sum()
    traces = np.trace(covariance) + np.trace(reference.covariance())
    return max(0.0, float(np.square(samples.mean - reference.mean).sum() + traces - 2 * cross))


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
