"""Greedy selection: exact, blocked farthest-first traversal (Shi et al. 2025; Gonzalez 1985)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Literal, Protocol

import numpy as np
import torch

from actors.data.feature_source import Progress
from actors.selection import shard
from actors.selection.nearest import Block, as_tensor
from actors.selection.selection import Method, Reasons, Selection, check_request
from actors.selection.shard import LocalShards, Picks, Proposal, largest


def greedy(
    features: np.ndarray, n: int, *, seed: int, progress: Progress | None = None
) -> Selection:
    """Start from one random row, then always add the row farthest from its nearest chosen row.

    Args:
        features: (N, d), computed with as float32.
        n: rows to choose, 1 to N.
        seed: seed of the first row.
        progress: called now and then with the number of rows chosen so far.

    Returns:
        The rows in the order of picking, with the distance at each pick; ties go to the lowest
        position, and no row is picked twice even where rows are identical.

    Raises:
        UserError: n or the features are not as above.
    """
    check_request(features, n)
    return greedy_from(features, n, first_row(len(features), seed), progress)


def greedy_from(
    features: np.ndarray, n: int, first: int, progress: Progress | None = None
) -> Selection:
    """Select as `greedy` does, from a given first row; the request is not checked."""
    with torch.inference_mode():
        return farthest_first(LocalShards(features, n), n, first, progress)


def first_row(rows: int, seed: int) -> int:
    """Return the position of the row that a traversal starts from."""
    return int(np.random.default_rng(seed).integers(rows))


class Shards(Protocol):
    """All shards of the candidates, as whoever decides on the picks sees them."""

    @property
    def picked(self) -> int:
        """Number of picks that the shards have taken into account."""

    def vectors(self, positions: np.ndarray) -> np.ndarray:
        """Return the (m, d) features of rows."""

    def ask(self, picks: Picks) -> Sequence[Proposal]:
        """Tell every shard what was picked last; return their proposals."""

    def tell(self, picks: Picks) -> None:
        """Tell every shard what was picked, without asking for more."""

    def cover(self) -> Sequence[tuple[np.ndarray, np.ndarray]]:
        """Return rank and distance of the nearest pick of every row, shard by shard."""


def farthest_first(
    shards: Shards, n: int, first: int, progress: Progress | None = None
) -> Selection:
    """Pick n rows of the shards, the first one given.

    Each round settles picks among the farthest rows of all shards for as long as the winner beats
    everything outside; so the order does not depend on how the rows are divided.
    """
    start = np.array([first])
    picks = Picks(start, shards.vectors(start))
    positions, squared = [start], [np.array([np.nan])]
    count = 1
    while count < n:
        picks, at_pick = settle(merge(shards.ask(picks)), n - count)
        positions.append(picks.positions)
        squared.append(at_pick)
        count += len(at_pick)
        if progress:
            progress(count)
    return Selection(np.concatenate(positions), np.sqrt(np.concatenate(squared)))


def with_reasons(shards: Shards, chosen: Selection) -> Selection:
    """Return a selection that was picked of the shards with the reason of every row."""
    last = chosen.positions[shards.picked :]
    shards.tell(Picks(last, shards.vectors(last)))
    ranks, distances = map(np.concatenate, zip(*shards.cover(), strict=True))
    covered_by = np.where(ranks < 0, np.arange(len(ranks)), chosen.positions[ranks])
    return replace(chosen, reasons=Reasons(covered_by, distances))


def merge(proposals: Sequence[Proposal]) -> Proposal:
    """Return the farthest rows of several shards, given in the order of their positions."""
    if len(proposals) == 1:
        return proposals[0]
    squared = np.concatenate([p.squared for p in proposals])
    bound = max(p.bound for p in proposals)
    tied = min(p.tied for p in proposals if p.bound == bound)
    positions = np.concatenate([p.positions for p in proposals])
    inside, inner_bound, inner_tied = largest(torch.from_numpy(squared), shard.PROPOSED)
    if inner_tied < len(positions) and inner_bound >= bound:
        inner = int(positions[inner_tied])
        tied = min(inner, tied) if inner_bound == bound else inner
        bound = inner_bound
    kept = inside.numpy()
    kept = kept[squared[kept] >= bound]
    vectors = np.concatenate([p.vectors for p in proposals])[kept]
    return Proposal(positions[kept], squared[kept], vectors, bound, tied)


def settle(proposal: Proposal, most: int) -> tuple[Picks, np.ndarray]:
    """Pick up to `most` of the proposed rows, for as long as the winner is certain.

    Returns:
        The (p,) picks and their squared distances at the pick.
    """
    rows, bound, tied = proposal.positions, proposal.bound, proposal.tied
    if not len(rows):  # all of them fell behind others when they were brought up to date
        return Picks(rows, proposal.vectors), proposal.squared
    block = Block(as_tensor(proposal.vectors), proposal.squared)
    places: list[int] = []
    distances: list[float] = []
    while len(places) < min(most, len(rows)):
        place = int(block.squared.argmax())  # the first of equal ones: the lowest position
        farthest = float(block.squared[place])
        if farthest < max(bound, 0) or (farthest == bound and rows[place] > tied):
            break
        places.append(place)
        distances.append(block.pick(place))
    return Picks(rows[places], proposal.vectors[places]), np.array(distances)


class Greedy(Method):
    """Farthest-first traversal."""

    nested: ClassVar[bool] = True

    kind: Literal["greedy"]

    def select(
        self, features: np.ndarray, n: int, seed: int, quality: np.ndarray | None = None
    ) -> Selection:
        return greedy(features, n, seed=seed)
