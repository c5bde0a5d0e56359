"""Feature likelihood divergence: held-out rows under Gaussians around the samples."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.optim.adam import adam

from actors.distances.pairs import Pairs
from actors.metrics.rows import check

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

# bytes of one matrix of a block of rows with all samples
BLOCK_BYTES = 1 << 24
# distances up to this size are kept between the steps, larger ones are computed in each
HELD_BYTES = 1 << 28
# of logarithms of shares
LEAST = -700.0
# products closer to their rounding than this are recomputed
EXACT_BELOW = 1e6


@dataclass(frozen=True)
class Fld:
    """A divergence with what it rests on.

    Attributes:
        value: 0 where the samples do as well as training rows would, higher is worse.
        gap: the divergence of the training set less that of the test rows; far below 0 the samples
            copy the training set.
        baseline: nats per dimension that the test rows have under training rows.
        samples: how many were used.
    """

    value: float
    gap: float
    baseline: float
    samples: int


def fld(
    samples: np.ndarray,
    training_set: np.ndarray,
    test: np.ndarray,
    *,
    seed: int,
    baseline: float | None = None,
    block_bytes: int = BLOCK_BYTES,
) -> Fld:
    """Return the feature likelihood divergence of samples.

    -100 / d * (mean log-likelihood of the test rows) - C under a mixture of isotropic Gaussians of
    equal weight centred at the samples, whose variances were fitted to the training set, so that
    those of copies shrink to nothing (Jiralerspong et al. 2023); C is -100 times what
    `fld_baseline` gives. Steps and constants are those of the authors' package at its commit
    245ac7c of 24 February 2024, without the early stopping that the next one brought: features are
    standardized by the test rows (the constant ones only centred); the logarithms of the variances
    start at what suits the nearest training row and take 50 steps of Adam; in the fit a Gaussian
    around the training set's mean bears up rows that are far from all samples. Unlike it, in
    float64 and with exact distances of near duplicates.

    Args:
        samples: (m, d); of more than 10,000 as many are drawn.
        training_set: (n, d), n >= 2: what the generator was trained on, or the original real rows.
        test: (t, d), t >= 2, real rows that were not trained on.
        seed: of the draws.
        baseline: what `fld_baseline` gives, where several values are to share it.
        block_bytes: size of the matrices held at once.

    Raises:
        ValueError: too few rows, sets of different width, values that are not finite.
    """
    _check(samples, training_set, test)
    rng = np.random.default_rng(seed)
    if len(samples) > SAMPLES:
        samples = samples[rng.choice(len(samples), SAMPLES, replace=False)]
    if baseline is None:
        baseline = fld_baseline(
            training_set, test, len(samples), seed=seed, block_bytes=block_bytes
        )
    made, trained_on, held_out = _standardized(test, samples, training_set, test)
    mixture = _Mixture(made, block_bytes)
    mixture.fit(trained_on, rng)
    held_out_nats = mixture.nats(held_out)
    return Fld(
        value=100 * (baseline - held_out_nats),
        gap=100 * (held_out_nats - mixture.nats(trained_on)),
        baseline=baseline,
        samples=len(samples),
    )


def fld_baseline(
    training_set: np.ndarray,
    test: np.ndarray,
    samples: int,
    *,
    seed: int,
    block_bytes: int = BLOCK_BYTES,
) -> float:
    """Return the log-likelihood of the test rows under Gaussians around training rows.

    As many random training rows as there are samples, at most half of them, stand for the samples;
    the others are what the variances are fitted to.

    Args:
        training_set: (n, d), n >= 2.
        test: (t, d), t >= 2.
        samples: how many samples it is to be compared with.
        seed: of the split.
        block_bytes: size of the matrices held at once.

    Returns:
        Nats per dimension.

    Raises:
        ValueError: too few rows, sets of different width, values that are not finite.
    """
    _check(training_set, training_set, test)
    if samples < 1:
        raise ValueError(f"samples: found {samples}; allowed are 1 and more")
    rng = np.random.default_rng(seed)
    rows, held_out = _standardized(test, training_set, test)
    order = rng.permutation(len(rows))
    split = min(samples, SAMPLES, len(rows) // 2)
    mixture = _Mixture(rows[order[:split]], block_bytes)
    mixture.fit(rows[order[split:]], rng)
    return mixture.nats(held_out)


def _check(samples: np.ndarray, training_set: np.ndarray, test: np.ndarray) -> None:
    check(2, training_set=training_set, test=test)
    check(training_set=training_set, samples=samples)


def _standardized(by: np.ndarray, *sets: np.ndarray) -> list[np.ndarray]:
    mean = by.mean(axis=0, dtype=np.float64)
    std = by.std(axis=0, ddof=1, dtype=np.float64)
    std[np.ptp(by, axis=0) == 0] = 1
    return [(rows - mean) / std for rows in sets]


class _Mixture:
    """Isotropic Gaussians of equal weight around (m, d) centres."""

    def __init__(self, centres: np.ndarray, block_bytes: int) -> None:
        self._pairs = Pairs(centres)
        self.count, self._d = centres.shape
        self.block = max(1, block_bytes // (8 * self.count))
        self._log_variances = torch.zeros(self.count, dtype=torch.float64)

    def fit(self, rows: np.ndarray, rng: np.random.Generator) -> None:
        """Fit the variances to the likelihood of (n, d) rows."""
        rows = rows[rng.permutation(len(rows))]
        hold = 8 * len(rows) * self.count <= HELD_BYTES
        batches = [_Distances(self, rows[i : i + BATCH], hold) for i in range(0, len(rows), BATCH)]
        nearest = torch.full((self.count,), torch.inf, dtype=torch.float64)
        for batch in batches:
            for _, squared in batch:
                nearest = torch.minimum(nearest, squared.amin(dim=0))
        self._log_variances = torch.log((nearest + FLOOR) / self._d)
        from_mean = torch.from_numpy(ORIGIN * np.square(rows - rows.mean(axis=0)).sum(axis=1))
        origin = torch.zeros((), dtype=torch.float64)
        fitted = [self._log_variances, origin]
        first, second = ([torch.zeros_like(values) for values in fitted] for _ in range(2))
        steps = [torch.zeros(()) for _ in fitted]
        for _ in range(STEPS):
            for batch, base in zip(batches, from_mean.split(BATCH), strict=True):
                gradients = list(self._gradient(batch, base, origin))
                adam(fitted, gradients, first, second, [], steps, foreach=False, **ADAM)
                self._log_variances.clamp_(*LOG_VARIANCES)

    def nats(self, rows: np.ndarray) -> float:
        """Return the mean log-likelihood of (n, d) rows per dimension."""
        total = 0.0
        for start in range(0, len(rows), self.block):
            squared = self.squared(rows[start : start + self.block])
            total += float(torch.logsumexp(self._joint(squared), dim=1).sum())
        return total / len(rows) / self._d

    def squared(self, rows: np.ndarray) -> torch.Tensor:
        """Return the (b, m) squared distances of (b, d) rows."""
        squared, slack = self._pairs.squared(rows)
        self._pairs.recompute(squared, rows, squared <= EXACT_BELOW * slack)
        return torch.from_numpy(squared)

    def _joint(self, squared: torch.Tensor) -> torch.Tensor:
        constant = self._d / -2 * (self._log_variances + math.log(2 * math.pi))
        constant -= math.log(self.count)
        return torch.addcmul(constant, squared, -0.5 / self._log_variances.exp())

    def _gradient(
        self, rows: "_Distances", from_mean: torch.Tensor, origin: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the derivatives of the mean negative log-likelihood per dimension."""
        weight, moment = torch.zeros_like(self._log_variances), torch.zeros_like(origin)
        spread = torch.zeros_like(self._log_variances)
        by_origin = (from_mean / origin.exp() + self._d * (origin + math.log(2 * math.pi))) / -2
        for part, squared in rows:
            joint = self._joint(squared)
            base = by_origin[part]
            top = torch.maximum(joint.amax(dim=1), base)
            # far below what a sum shows, and where exp is slow
            share = joint.sub_(top[:, None]).clamp_(min=LEAST).exp_()
            origin_share = (base - top).clamp_(min=LEAST).exp_()
            whole = share.sum(dim=1) + origin_share
            weight += whole.reciprocal() @ share
            spread += whole.reciprocal() @ share.mul_(squared)
            off = self._d - from_mean[part] / origin.exp()
            moment += (origin_share / whole * off).sum()
        gradient = self._d * weight - spread / self._log_variances.exp()
        return gradient / (2 * len(from_mean) * self._d), moment / (2 * len(from_mean) * self._d)


class _Distances:
    """Squared distances of rows to the centres of a mixture, block by block and time and again."""

    def __init__(self, mixture: _Mixture, rows: np.ndarray, hold: bool) -> None:
        self._mixture, self._rows = mixture, rows
        self._held = list(self._blocks()) if hold else []

    def __iter__(self) -> Iterator[tuple[slice, torch.Tensor]]:
        return iter(self._held) if self._held else self._blocks()

    def _blocks(self) -> Iterator[tuple[slice, torch.Tensor]]:
        step = self._mixture.block
        for start in range(0, len(self._rows), step):
            part = slice(start, start + step)
            yield part, self._mixture.squared(self._rows[part])
