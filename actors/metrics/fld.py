"""Feature likelihood divergence: held-out rows under Gaussians around the samples."""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from torch.optim.adam import adam

from actors.distances.pairs import Pairs, Rows, as_rows, rows_at
from actors.metrics.base import Group, Measure, Metric, Sets
from actors.metrics.blocks import doubles, mean_of
from actors.metrics.checks import check

# constants of the authors' package, as of 24 February 2024 (commit 245ac7c)
SAMPLES = 10_000
STEPS = 50
# torch.optim.Adam's, which would import seconds of compiler
ADAM: dict[str, Any] = {
    "lr": 0.5,
    "beta1": 0.9,
    "beta2": 0.999,
    "eps": 1e-8,
    "weight_decay": 0.0,
    "amsgrad": False,
    "maximize": False,
}
BATCH = 10_000
FLOOR = 1e-3
ORIGIN = 0.9**2
LOG_VARIANCES = (-40.0, 20.0)

# bytes of one matrix of a block of rows with all samples: what a cache holds, and what a GPU needs
# to be busy
BLOCK_BYTES = {"cpu": 1 << 22, "cuda": 1 << 29}
# distances up to this size are kept between the steps, as those of 32,768 rows are; those of more
# rows are computed in each
HELD_BYTES = 3 << 30
# of logarithms of shares
LEAST = -700.0
# products closer to their rounding than this are recomputed
EXACT_BELOW = 1e6

# makes blocks of squared distances, or has them, each with the place of its rows
Blocks = Callable[[], Iterator[tuple[slice, torch.Tensor]]]


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
    made, trained_on, held_out = _standardized(test, samples, training_set, test)
    baseline = _baseline(trained_on, held_out, len(samples), seed)
    mixture = _Mixture(made.all())
    mixture.fit(trained_on, rng.permutation(len(trained_on)))
    nats = mixture.nats(held_out)
    gap = 100 * (nats - mixture.nats(trained_on)) if with_gap else math.nan
    return 100 * (baseline - nats), gap, baseline


class _Standardized:
    """Rows less a mean over a deviation, by dimension, in float64 as they are asked for."""

    def __init__(self, rows: torch.Tensor, mean: torch.Tensor, deviation: torch.Tensor) -> None:
        self._rows, self._mean, self._deviation = rows, mean, deviation

    def __len__(self) -> int:
        return len(self._rows)

    def at(self, positions: slice | torch.Tensor) -> torch.Tensor:
        return (self._rows[positions] - self._mean).div_(self._deviation)

    def all(self) -> torch.Tensor:
        return self.at(slice(None))


def _standardized(by: Rows, *sets: Rows) -> list[_Standardized]:
    rows = as_rows(by)
    mean = mean_of(rows)
    squares = torch.stack([(block - mean).square_().sum(dim=0) for block in doubles(rows)])
    deviation = (squares.sum(dim=0) / (len(rows) - 1)).sqrt_()
    deviation[rows.amin(dim=0) == rows.amax(dim=0)] = 1
    return [_Standardized(as_rows(each), mean, deviation) for each in sets]


def _baseline(rows: _Standardized, held_out: _Standardized, samples: int, seed: int) -> float:
    """Return the nats per dimension of held-out rows under Gaussians around training rows."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(rows))
    split = min(samples, len(rows) // 2)
    mixture = _Mixture(rows.at(torch.from_numpy(order[:split])))
    mixture.fit(rows, order[split:][rng.permutation(len(rows) - split)])
    return mixture.nats(held_out)


class _Mixture:
    """Isotropic Gaussians of equal weight around (m, d) centres."""

    def __init__(self, centres: torch.Tensor) -> None:
        self._pairs = Pairs(centres)
        self._count, self._d = centres.shape
        self._log_variances = centres.new_zeros(self._count)

    def fit(self, rows: _Standardized, order: np.ndarray) -> None:
        """Fit the variances to the likelihood of the rows at some positions, in their order."""
        places = torch.from_numpy(order).split(BATCH)
        batches: list[Blocks] = [partial(self._blocks, rows, place) for place in places]
        if 8 * len(order) * self._count <= HELD_BYTES:
            batches = [partial(iter, list(blocks())) for blocks in batches]
        nearest = torch.full_like(self._log_variances, torch.inf)
        for blocks in batches:
            for _, squared in blocks():
                nearest = torch.minimum(nearest, squared.amin(dim=0))
        self._log_variances = torch.log((nearest + FLOOR) / self._d)
        from_mean = _from_mean(rows, torch.from_numpy(order))
        origin = self._log_variances.new_zeros(())
        fitted = [self._log_variances, origin]
        first, second = ([torch.zeros_like(values) for values in fitted] for _ in range(2))
        steps = [torch.zeros(()) for _ in fitted]
        for _ in range(STEPS):
            for blocks, base in zip(batches, from_mean.split(BATCH), strict=True):
                gradients = list(self._gradient(blocks(), base, origin))
                adam(fitted, gradients, first, second, [], steps, foreach=False, **ADAM)
                self._log_variances.clamp_(*LOG_VARIANCES)

    def nats(self, rows: _Standardized) -> float:
        """Return the mean log-likelihood of the rows per dimension."""
        blocks = (self._joint(s) for _, s in self._blocks(rows, torch.arange(len(rows))))
        total = sum(float(torch.logsumexp(joint, dim=1).sum()) for joint in blocks)
        return total / len(rows) / self._d

    def _blocks(
        self, rows: _Standardized, positions: torch.Tensor
    ) -> Iterator[tuple[slice, torch.Tensor]]:
        """Yield the places of some of the rows, and their (b, m) squared distances."""
        size = max(1, BLOCK_BYTES[self._log_variances.device.type] // (8 * self._count))
        for start in range(0, len(positions), size):
            place = slice(start, start + size)
            some = rows.at(positions[place])
            squared, slack = self._pairs.squared(some)
            self._pairs.recompute(squared, some, squared <= EXACT_BELOW * slack)
            yield place, squared

    def _joint(self, squared: torch.Tensor) -> torch.Tensor:
        constant = self._d / -2 * (self._log_variances + math.log(2 * math.pi))
        constant -= math.log(self._count)
        return torch.addcmul(constant, squared, -0.5 / self._log_variances.exp())

    def _gradient(
        self,
        blocks: Iterator[tuple[slice, torch.Tensor]],
        from_mean: torch.Tensor,
        origin: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the derivatives of the mean negative log-likelihood per dimension."""
        weight, moment = torch.zeros_like(self._log_variances), torch.zeros_like(origin)
        spread = torch.zeros_like(self._log_variances)
        by_origin = (from_mean / origin.exp() + self._d * (origin + math.log(2 * math.pi))) / -2
        for place, squared in blocks:
            joint = self._joint(squared)
            base = by_origin[place]
            top = torch.maximum(joint.amax(dim=1), base)
            # far below what a sum shows, and where exp is slow
            share = joint.sub_(top[:, None]).clamp_(min=LEAST).exp_()
            origin_share = (base - top).clamp_(min=LEAST).exp_()
            whole = share.sum(dim=1) + origin_share
            weight += whole.reciprocal() @ share
            spread += whole.reciprocal() @ share.mul_(squared)
            off = self._d - from_mean[place] / origin.exp()
            moment += (origin_share / whole * off).sum()
        gradient = self._d * weight - spread / self._log_variances.exp()
        return gradient / (2 * len(from_mean) * self._d), moment / (2 * len(from_mean) * self._d)


def _from_mean(rows: _Standardized, order: torch.Tensor) -> torch.Tensor:
    """Return what the Gaussian around the mean of some rows has of each."""
    parts = order.split(BATCH // 10)
    mean = torch.stack([rows.at(part).sum(dim=0) for part in parts]).sum(dim=0) / len(order)
    away = [rows.at(part).sub_(mean).square_().sum(dim=1) for part in parts]
    return torch.cat(away).mul_(ORIGIN)


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
