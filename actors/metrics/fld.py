"""Feature likelihood divergence: held-out rows under Gaussians around the samples."""

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
import torch

from actors.distances.pairs import Rows, rows_at
from actors.metrics.base import Group, Measure, Metric, Sets
from actors.metrics.checks import check
from actors.metrics.mixture import Mixture
from actors.metrics.standardized import Standardized, standardized

# constants of the authors' package, as of 24 February 2024 (commit 245ac7c)
SAMPLES = 10_000


class Fld(NamedTuple):
    """A divergence with what it rests on.

    Attributes:
        value: 0 where the samples do as well as training rows would, higher is worse.
        gap: the divergence of the training set less that of the test rows; far below 0 the samples
            copy the training set.
        baseline: nats per dimension that the test rows have under training rows.
    """

    value: float
    gap: float
    baseline: float


def fld(samples: Rows, training_set: Rows, test: Rows, *, seed: int) -> Fld:
    """Return the feature likelihood divergence of samples.

    -100 / d * (mean log-likelihood of the test rows) - C under a mixture of isotropic Gaussians of
    equal weight centred at the samples, whose variances were fitted to the training set, so that
    those of copies shrink to nothing (Jiralerspong et al. 2023). C is the same of Gaussians around
    as many random training rows, at most half of them, fitted to the others. Steps and constants
    are those of the authors' package at its commit 245ac7c of 24 February 2024, without the early
    stopping that the next one brought: features are standardized by the test rows (the constant
    ones only centred); the logarithms of the variances start at what suits the nearest training row
    and take 50 steps of Adam; in the fit a Gaussian around the training set's mean bears up rows
    that are far from all samples. Unlike it, in float64 and with exact distances of near
    duplicates.

    Args:
        samples: (m, d); of more than 10,000 as many are drawn.
        training_set: (n, d), n >= 2: what the generator was trained on, or the original real rows.
        test: (t, d), t >= 2, real rows that were not trained on.
        seed: of the draws.

    Raises:
        ValueError: too few rows, sets of different width, values that are not finite.
    """
    return Fld(*_nats(samples, training_set, test, seed, with_gap=True))


def _nats(
    samples: Rows, training_set: Rows, test: Rows, seed: int, *, with_gap: bool
) -> tuple[float, float, float]:
    """Return the fields of the divergence, with the gap or, where nobody asks, without."""
    check(2, training_set=training_set, test=test)
    check(training_set=training_set, samples=samples)
    rng = np.random.default_rng(seed)
    if len(samples) > SAMPLES:
        samples = rows_at(samples, rng.choice(len(samples), SAMPLES, replace=False))
    made, trained_on, held_out = standardized(test, samples, training_set, test)
    baseline = _baseline(trained_on, held_out, len(samples), seed)
    mixture = Mixture(made.all())
    mixture.fit(trained_on, rng.permutation(len(trained_on)))
    nats = mixture.nats(held_out)
    gap = 100 * (nats - mixture.nats(trained_on)) if with_gap else math.nan
    return 100 * (baseline - nats), gap, baseline


def _baseline(rows: Standardized, held_out: Standardized, samples: int, seed: int) -> float:
    """Return the nats per dimension of held-out rows under Gaussians around training rows."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(rows))
    split = min(samples, len(rows) // 2)
    mixture = Mixture(rows.at(torch.from_numpy(order[:split])))
    mixture.fit(rows, order[split:][rng.permutation(len(rows) - split)])
    return mixture.nats(held_out)


FLD = Metric(
    "fld",
    "100 nats per dimension",
    title="feature likelihood divergence (FLD)",
    short="FLD",
    goal="min",
    compared_with=("reference", "training_set"),
    main=True,
)
FLD_REAL = replace(
    FLD,
    name="fld_real",
    title="FLD, fitted to the real data",
    short="",
    compared_with=("reference", "real"),
    main=False,
)


def take(sets: Sets) -> Iterator[Measure]:
    """Feature likelihood divergence, fitted to the training set and to the original real rows."""
    for metric in (FLD, FLD_REAL):
        fitted_to = metric.compared_with[1]
        rows = getattr(sets, fitted_to)
        if rows is not None:
            yield sets.measure(
                metric,
                partial(_value, sets, rows),
                settings={"fitted_to": fitted_to, "fitted_n": len(rows)},
            )


def _value(sets: Sets, rows: Rows) -> float:
    return _nats(sets.samples, rows, sets.reference, sets.seed, with_gap=False)[0]


LIKELIHOOD = Group(take, (FLD, FLD_REAL), subsamples=4)
