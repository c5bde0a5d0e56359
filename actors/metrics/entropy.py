"""How dispersed rows are: entropy by the Kozachenko-Leonenko estimator, and variance."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np
from scipy.special import digamma, gammaln, ndtri

from actors.distances.pairs import Rows, as_rows
from actors.distances.space import GIVEN
from actors.metrics.base import Group, Measure, Metric, Sets
from actors.metrics.blocks import doubles, mean_of
from actors.metrics.checks import check
from actors.metrics.searches import Depths, Searches

# what the published code adds inside the logarithm, to distances in 0..255 pixel space
RELEASED_OFFSET = 1e-10


@dataclass(frozen=True)
class Entropy:
    """An estimate with what it rests on.

    Attributes:
        nats: the estimate.
        n: rows, copies included.
        k: which neighbour.
        floor: distance that nearer neighbours count as.
        at_floor: rows whose neighbour is nearer than that, exact copies among them.
    """

    nats: float
    n: int
    k: int
    floor: float
    at_floor: int


def entropy(features: Rows, k: int = 1, *, floor: float = GIVEN.floor) -> Entropy:
    """Estimate the entropy of the distribution behind (n, d) rows, in nats.

    H = psi(n) - psi(k) + log c_d + d * mean_i log max(r_k(i), floor), with c_d the volume of the
    unit d-ball and r_k(i) the distance from row i to its k-th nearest other row (Kozachenko and
    Leonenko 1987, in the form of Kraskov et al. 2004, equation 20). The floor, where two rows are
    no longer distinct, lets copies lower the estimate by a finite amount each, as they must: left
    out of the mean they would raise it. Comparable only at equal n, d, k and floor.

    Args:
        features: (n, d).
        k: which neighbour.
        floor: in feature units, greater than 0; of an extractor, `space.floor`.

    Raises:
        ValueError: fewer than k + 1 rows, or values that are not finite.
    """
    return Spacing.of(features, k).entropy(floor)


@dataclass(frozen=True)
class Spacing:
    """How far rows are from their nearest other rows: what estimates of their entropy are made of.

    Attributes:
        distances, positions: (n, m) of the nearest other rows, rising; m is k + 1, or k where there
            are no more.
        dimensions: d.
        k: which neighbour is taken.
    """

    distances: np.ndarray
    positions: np.ndarray
    dimensions: int
    k: int

    @classmethod
    def of(cls, features: Rows, k: int = 1) -> "Spacing":
        """Search the neighbours of (n, d) rows; as `of_set`."""
        return cls.of_set(Searches(features=features), "features", k)

    @classmethod
    def of_set(cls, searches: Searches, name: str, k: int) -> "Spacing":
        """Search the neighbours of the (n, d) rows of a set, n > k.

        Raises:
            ValueError: fewer rows, or values that are not finite.
        """
        searches.check(name, least=0)
        n, d = searches[name].shape
        if k < 1:
            raise ValueError(f"k: found {k}; allowed are 1 and more")
        if n <= k:
            raise ValueError(f"rows: found {n}; an entropy of neighbour {k} needs at least {k + 1}")
        return cls(*searches.nearest(name, name, min(k + 1, n - 1)), d, k)

    def entropy(self, floor: float) -> Entropy:
        """Return the estimate; as `entropy`."""
        radius = self.distances[:, self.k - 1]
        mean_log = np.log(np.maximum(radius, floor)).mean()
        return Entropy(
            self._estimate(mean_log, self.k),
            len(radius),
            self.k,
            floor,
            int((radius < floor).sum()),
        )

    def as_released(self, in_levels: float | None) -> float:
        """Return the estimate of the published code of Shi et al. 2025, in nats.

        1e-10 is added inside the logarithm, so that a copy counts as a distance of that; k is 1,
        and distances are those of 0..255 pixels where the features are pixels.

        Args:
            in_levels: factor to 0..255 pixel space; None for a space without.
        """
        radius = self.distances[:, 0] * (in_levels or 1)
        return self._estimate(np.log(radius + RELEASED_OFFSET).mean(), 1)

    def interval(self, floor: float, level: float = 0.95) -> tuple[float, float] | None:
        """Return the ends of an interval for the entropy that n independent rows give on average.

        Normal, with the jackknife's variance: leaving out row j puts the (k + 1)-th neighbour in
        the place of the k-th for the rows that have j among their k nearest (Efron and Stein 1981,
        who show that on average it is no smaller than the variance). Rows with few neighbours, as
        in clusters of four, make it up to twice as wide as it need be. It tells the noise of rows
        that were drawn independently, not the estimator's bias, and nothing where rows were chosen
        for their distances.

        Returns:
            Lower and upper end in nats; None with fewer than k + 2 rows.

        Raises:
            ValueError: a level that is not between 0 and 1.
        """
        if not 0 < level < 1:
            raise ValueError(f"level: found {level}; allowed are numbers between 0 and 1")
        n, kept = self.distances.shape
        if kept == self.k:
            return None
        logs = np.log(np.maximum(self.distances[:, self.k - 1 :], floor))
        gained = np.repeat(logs[:, 1] - logs[:, 0], self.k)
        lost = logs[:, 0] - np.bincount(self.positions[:, : self.k].ravel(), gained, n)
        half = ndtri((1 + level) / 2) * self.dimensions * np.sqrt(lost.var(ddof=1) / n)
        middle = self.entropy(floor).nats
        return float(middle - half), float(middle + half)

    def _estimate(self, mean_log: float, k: int) -> float:
        n, d = len(self.distances), self.dimensions
        log_ball = d / 2 * np.log(np.pi) - gammaln(d / 2 + 1)
        return float(digamma(n) - digamma(k) + log_ball + d * mean_log)


def variance(features: Rows) -> float:
    """Return the trace of the covariance of (n, d) rows, n >= 2.

    Raises:
        ValueError: fewer rows, or values that are not finite.
    """
    check(0, features=features)
    if len(features) < 2:
        raise ValueError(f"rows: found {len(features)}; a variance needs at least 2")
    rows = as_rows(features)
    mean = mean_of(rows)
    away = sum(float((block - mean).square_().sum()) for block in doubles(rows))
    return away / (len(rows) - 1)


BOTH = ("training_set", "samples")
ENTROPY = Metric(
    "entropy",
    "nats",
    goal="max",
    # more is not better without end: noise has it too
    meaning="higher is more varied",
    subjects=BOTH,
    takes_k=True,
    main=True,
    column="entropy (nats)",
)
AS_RELEASED = Metric(
    "entropy_as_released",
    "nats",
    title="entropy as in the published code",
    goal="max",
    meaning="higher is more varied",
    subjects=BOTH,
)
VARIANCE = Metric("variance", "squared distance", subjects=BOTH)


def take(sets: Sets) -> Iterator[Measure]:
    """Entropy, with an interval and as the published code has it, and variance of both sets."""
    for subject in BOTH:
        rows = getattr(sets, subject)
        if rows is not None:
            yield from _entropies(sets, subject)
            yield sets.measure(VARIANCE, partial(variance, rows), subject=subject)


def _entropies(sets: Sets, subject: str) -> Iterator[Measure]:
    floor, in_levels = sets.space.floor, sets.space.in_levels
    searched = cache(partial(Spacing.of_set, sets.searches, subject, sets.k))
    measured = sets.measure(
        ENTROPY,
        lambda: searched().entropy(floor).nats,
        subject=subject,
        settings={"floor": floor},
    )
    if measured.value is not None:
        measured = replace(measured, at_floor=searched().entropy(floor).at_floor)
        if sets.selected and subject == "training_set":
            note = "no interval: selected rows are no independent draws"
            measured = replace(measured, note=note)
        elif ends := searched().interval(floor):
            measured = replace(measured, low=ends[0], high=ends[1])
    yield measured
    yield sets.measure(
        AS_RELEASED,
        lambda: searched().as_released(in_levels),
        subject=subject,
        k=1,
        settings={
            "added": RELEASED_OFFSET,
            "distances": "0..255 pixels" if in_levels else "features",
        },
    )


def depths(k: int) -> Depths:
    """Return how many neighbours are asked for: those that the interval needs."""
    return {(subject, subject): k + 1 for subject in BOTH}


DISPERSION = Group(take, (ENTROPY, AS_RELEASED, VARIANCE), required=True, depths=depths)
