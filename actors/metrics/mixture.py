"""Mixtures of isotropic Gaussians of equal weight, each with its own variance, fitted by Adam."""

import math
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch.optim.adam import adam

from actors.distances.estimates import Estimates
from actors.distances.neighbours import nearest
from actors.distances.pairs import Pairs, as_positions, squared_distances
from actors.metrics.likely_pairs import AllPairs, LikelyPairs
from actors.metrics.standardized import Standardized

# constants of the authors' package, as of 24 February 2024 (commit 245ac7c)
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

# a pair whose log-density is this far below the largest of its row is left out: a share of 2e-22,
# which moves no step of Adam by more than 1e-13
LEFT_OUT = 50.0
# how much further below pairs are kept, for the steps to come
SPARE = 25.0
# rows that pairs are looked for at once: few enough for a cache
ROWS = {"cpu": 128, "cuda": 8192}
# bytes of the squared distances of rows to all centres: what a cache holds, and what a GPU needs to
# be busy
BLOCK_BYTES = {"cpu": 1 << 22, "cuda": 1 << 29}
# share of the centres from which on a row is kept with all of them
MOST = 1 / 8
# share of the pairs from which on products are faster than differences
MANY = 1 / 64
# bytes of pairs that are kept between steps; others are looked for in each
KEPT_BYTES = 1 << 30
# bytes of rows in float64 that are searched at once
SEARCHED_BYTES = 1 << 28
# of logarithms of shares
LEAST = -700.0
# products closer to their rounding than this are recomputed
EXACT_BELOW = 1e6

Block = AllPairs | LikelyPairs


class _Batch:
    """Rows of one step of the fit, with the pairs that are kept between steps."""

    def __init__(self, positions: torch.Tensor, from_mean: torch.Tensor) -> None:
        self.positions, self.from_mean = positions, from_mean
        self.kept: list[Block] = []
        # places of the rows whose pairs are not kept
        self.left = torch.arange(len(positions), device=from_mean.device)


class Mixture:
    """Isotropic Gaussians of equal weight around (m, d) centres."""

    def __init__(self, centres: torch.Tensor) -> None:
        self._centres = centres
        self._estimates = Estimates(centres)
        self._count, self._d = centres.shape
        self._log_variances = centres.new_zeros(self._count)
        # squared distances of the rows nearest to each
        self._closest = torch.full_like(self._log_variances, torch.inf)
        self._room = KEPT_BYTES

    def fit(self, rows: Standardized, order: np.ndarray) -> None:
        """Fit the variances to the likelihood of the rows at some positions, in their order."""
        positions = as_positions(order, self._centres.device)
        for block in positions.split(max(1, SEARCHED_BYTES // (8 * self._d))):
            some = rows.at(block)
            _, near = nearest(self._centres, some)
            squared = squared_distances(self._centres, some, np.arange(self._count), near[:, 0])
            self._closest = torch.minimum(self._closest, torch.from_numpy(squared).to(some.device))
        self._log_variances = torch.log((self._closest + FLOOR) / self._d)
        self._update()
        from_mean = _from_mean(rows, positions)
        origin = self._log_variances.new_zeros(())
        fitted = [self._log_variances, origin]
        first, second = ([torch.zeros_like(values) for values in fitted] for _ in range(2))
        steps = [torch.zeros(()) for _ in fitted]
        split = zip(positions.split(BATCH), from_mean.split(BATCH), strict=True)
        batches = [_Batch(*batch) for batch in split]
        for _ in range(STEPS):
            for batch in batches:
                gradients = list(self._gradient(rows, batch, origin))
                adam(fitted, gradients, first, second, [], steps, foreach=False, **ADAM)
                self._log_variances.clamp_(*LOG_VARIANCES)
                self._update()

    def nats(self, rows: Standardized) -> float:
        """Return the mean log-likelihood of the rows per dimension."""
        positions = torch.arange(len(rows), device=self._centres.device)
        base = self._log_variances.new_full((len(rows),), -torch.inf)
        total = 0.0
        for block in self._find(rows, positions, positions, base, lasting=False):
            joint = self._joint(block)
            top = block.largest(joint)
            shares = joint.sub_(block.by_row(top)).clamp_(min=LEAST).exp_()
            total += float((top + block.row_sums(shares).log()).sum())
        return total / len(rows) / self._d

    def _gradient(
        self, rows: Standardized, batch: _Batch, origin: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the derivatives of the mean negative log-likelihood per dimension."""
        weight, moment = torch.zeros_like(self._log_variances), torch.zeros_like(origin)
        spread = torch.zeros_like(self._log_variances)
        by_origin = batch.from_mean / origin.exp() + self._d * (origin + math.log(2 * math.pi))
        by_origin /= -2
        for block, joint, top in self._blocks(rows, batch, by_origin):
            base = by_origin[block.places]
            # far below what a sum shows, and where exp is slow
            share = joint.sub_(block.by_row(top)).clamp_(min=LEAST).exp_()
            origin_share = (base - top).clamp_(min=LEAST).exp_()
            whole = block.row_sums(share) + origin_share
            share.mul_(block.by_row(whole.reciprocal()))
            block.add_to(weight, share)
            block.add_to(spread, share.mul_(block.squared))
            off = self._d - batch.from_mean[block.places] / origin.exp()
            moment += (origin_share / whole * off).sum()
        gradient = self._d * weight - spread * self._precision
        scale = 2 * len(batch.positions) * self._d
        return gradient / scale, moment / scale

    def _blocks(
        self, rows: Standardized, batch: _Batch, base: torch.Tensor
    ) -> Iterator[tuple[Block, torch.Tensor, torch.Tensor]]:
        """Yield all pairs of a batch that matter now, log-densities and the largest of each row."""
        again: list[torch.Tensor] = [batch.left]
        kept: list[Block] = []
        for known in batch.kept:
            joint = self._joint(known)
            top = torch.maximum(known.largest(joint), base[known.places])
            sure = known.certain(top - LEFT_OUT)
            if sure.all():
                kept.append(known)
                yield known, joint, top
                continue
            again.append(known.places[~sure])
            if sure.any():
                kept.append(known.only(sure))
                yield kept[-1], self._joint(kept[-1]), top[sure]
        self._room += sum(b.nbytes for b in batch.kept) - sum(b.nbytes for b in kept)
        left = [batch.left[:0]]
        for block in self._find(rows, batch.positions, torch.cat(again), base, lasting=True):
            joint = self._joint(block)
            yield block, joint, torch.maximum(block.largest(joint), base[block.places])
            if block.nbytes <= self._room:
                self._room -= block.nbytes
                kept.append(block)
            else:
                left.append(block.places)
        batch.kept, batch.left = kept, torch.cat(left)

    def _find(
        self,
        rows: Standardized,
        positions: torch.Tensor,
        places: torch.Tensor,
        base: torch.Tensor,
        *,
        lasting: bool,
    ) -> Iterator[Block]:
        """Yield the pairs that matter of the rows at some places.

        Args:
            base: log-density that each row has anyhow.
            lasting: also those that may matter when the variances will be others.
        """
        device = self._centres.device.type
        few: list[LikelyPairs] = []
        for start in range(0, len(places), ROWS[device]):
            block = places[start : start + ROWS[device]]
            some = rows.at(positions[block])
            row, centre, least = self._likely(some, base[block], lasting=lasting)
            crowded = torch.bincount(row, minlength=len(block)) > MOST * self._count
            size = max(1, BLOCK_BYTES[device] // (8 * self._count))
            for r in torch.nonzero(crowded)[:, 0].split(size):
                if len(r):
                    yield AllPairs(block[r], self._all(some[r]))
            if crowded.all():
                continue
            others = ~crowded[row]
            row, centre = row[others], centre[others]
            exact = self._exact(some, row, centre)
            pairs = LikelyPairs(block, exact, row.int(), centre.int(), least)
            few.append(pairs.only(~crowded) if crowded.any() else pairs)
            if sum(kept.nbytes for kept in few) > BLOCK_BYTES[device]:
                yield LikelyPairs.joined(few)
                few = []
        if few:
            yield LikelyPairs.joined(few)

    def _likely(
        self, rows: torch.Tensor, base: torch.Tensor, *, lasting: bool
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return rows and centres of all pairs that matter, and what no other pair has more of."""
        low, high = self._estimates.squared(rows)
        constant, factor = self._constant.float(), self._factor.float()
        # what one pair has, a row has at the least
        near = torch.addcmul(constant, high, factor, out=high).argmax(dim=1)
        exact = self._exact(rows, torch.arange(len(rows), device=near.device), near)
        top = torch.addcmul(self._constant[near], exact, self._factor[near])
        least = torch.maximum(top, base) - LEFT_OUT
        if lasting:
            least -= SPARE
            # at no variance has a pair more than at squared / d
            within = torch.exp(-2 / self._d * (least + math.log(self._count)) - 1)
            within *= self._d / (2 * math.pi) * (1 + 1e-6)
            likely = low <= within.float()[:, None]
        else:
            eps = torch.finfo(torch.float32).eps
            lost = 8 * eps * (self._constant.abs().max() + least.abs())
            joint = torch.addcmul(constant, low.clamp_(min=0), factor, out=high)
            likely = joint >= (least - lost).float()[:, None]
        row, centre = torch.nonzero(likely, as_tuple=True)
        return row, centre, least

    def _exact(self, rows: torch.Tensor, row: torch.Tensor, centre: torch.Tensor) -> torch.Tensor:
        """Return the (p,) squared distances of pairs of (b, d) rows with centres."""
        if len(row) > MANY * len(rows) * self._count:
            return self._all(rows)[row, centre]
        exact = squared_distances(rows, self._centres, row, centre)
        return torch.from_numpy(exact).to(self._log_variances.device)

    def _all(self, rows: torch.Tensor) -> torch.Tensor:
        """Return the (b, m) squared distances of rows to all centres."""
        squared, slack = self._pairs.squared(rows)
        near = squared <= EXACT_BELOW * slack
        # the variances start there, where the derivative is nearly 0 and its sign decides
        near |= squared - slack <= self._closest
        self._pairs.recompute(squared, rows, near)
        return squared

    @cached_property
    def _pairs(self) -> Pairs:
        return Pairs(self._centres)

    def _update(self) -> None:
        """Bring what log-densities consist of up to date with the variances."""
        constant = self._d / -2 * (self._log_variances + math.log(2 * math.pi))
        self._constant = constant - math.log(self._count)
        self._precision = torch.exp(-self._log_variances)
        self._factor = self._precision / -2

    def _joint(self, block: Block) -> torch.Tensor:
        constant, factor = block.by_centre(self._constant), block.by_centre(self._factor)
        return torch.addcmul(constant, block.squared, factor)


def _from_mean(rows: Standardized, order: torch.Tensor) -> torch.Tensor:
    """Return what the Gaussian around the mean of some rows has of each."""
    blocks = order.split(BATCH // 10)
    mean = torch.stack([rows.at(block).sum(dim=0) for block in blocks]).sum(dim=0) / len(order)
    away = [rows.at(block).sub_(mean).square_().sum(dim=1) for block in blocks]
    return torch.cat(away).mul_(ORIGIN)
