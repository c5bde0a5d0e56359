"""Farthest-first traversal of rows in shards (Gonzalez 1985), exact and in blocks.

A shard, some of the candidates, proposes its farthest rows and is given what was picked; of
a round as many picks are accepted as are certain.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
import torch

from actors.distances.nearest_chosen import Block, NearestChosen, ReceivedRows, as_tensor

# rows brought up to date together, and rows proposed for picking, by all shards in a round
REFRESHED = 4096
PROPOSED = 1024
# the least that one of many shards brings
LEAST = 256


@dataclass(frozen=True)
class Picks:
    """Rows picked in one round, wherever they lie.

    Attributes:
        positions: (m,) int64 candidate positions, in order.
        vectors: (m, d) float32.
    """

    positions: np.ndarray
    vectors: np.ndarray


@dataclass(frozen=True)
class Proposal:
    """The farthest rows of a shard, with their exact distances.

    Attributes:
        positions: (m,) int64 candidate positions, ascending.
        squared: (m,) float64 squared distances to the nearest picked row.
        vectors: (m, d) float32.
        bound: no other row of the shard is farther than this, squared.
        tied: lowest position of the others that may be exactly that far.
    """

    positions: np.ndarray
    squared: np.ndarray
    vectors: np.ndarray
    bound: float
    tied: int


class Shard:
    """The candidates from `offset` on, one of `parts` shards.

    Memory beyond the features is O(rows + blocks) for a shard that is the whole; one of several
    also keeps as many vectors of picked rows as it has rows, a round of picks at the least.
    """

    def __init__(self, features: np.ndarray, n: int, offset: int = 0, parts: int = 1) -> None:
        """Take the (rows, d) features of this part and the number of rows to pick in all."""
        own = as_tensor(features)
        received = ReceivedRows(own, min(n, max(len(own), PROPOSED))) if parts > 1 else None
        self._state = NearestChosen(own, n, received)
        self._offset = offset
        self._refreshed = max(LEAST, REFRESHED // parts)
        self._proposed = max(LEAST, PROPOSED // parts)

    def vectors(self, positions: np.ndarray) -> np.ndarray:
        """Return the (m, d) features of rows of this shard."""
        return self._state.features[torch.from_numpy(positions - self._offset)].numpy(force=True)

    def add(self, picks: Picks) -> None:
        """Take picked rows into account."""
        device = self._state.features.device
        here = torch.from_numpy(picks.positions - self._offset)
        here = here[(here >= 0) & (here < len(self._state.features))].to(device)
        self._state.choose(here, as_tensor(picks.vectors).to(device))

    def propose(self) -> Proposal:
        """Return the farthest rows."""
        state = self._state
        if state.nearest.max() < 0:
            state.refresh(torch.nonzero(state.squared >= 0)[:, 0])
        rows, bound, tied = largest(state.squared, self._refreshed)
        # not the picked ones among them: what they were compared with last may be let go
        state.refresh(rows[state.squared[rows] >= 0], bound)
        fresh = state.squared[rows]
        inside, inner_bound, inner_tied = largest(fresh, self._proposed)
        if inner_bound >= bound:
            # rows are ascending, so the lowest place among the tied is the lowest position
            inner = int(rows[inner_tied]) if inner_tied < len(rows) else len(state.features)
            tied = min(inner, tied) if inner_bound == bound else inner
            bound = inner_bound
        inside = inside[(fresh[inside] >= bound) & (fresh[inside] >= 0)]
        positions = rows[inside].numpy(force=True) + self._offset
        squared = fresh[inside].numpy(force=True)
        return Proposal(positions, squared, self.vectors(positions), bound, tied + self._offset)

    def cover(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the rank and the distance of the nearest picked row, (rows,) each.

        Those of picked rows are -1.
        """
        left = torch.nonzero(self._state.squared >= 0)[:, 0]
        self._state.refresh(left)
        nearest = torch.full_like(self._state.nearest, -1)
        nearest[left] = self._state.nearest[left]
        distances = self._state.squared.clamp(min=0).sqrt()
        return nearest.numpy(force=True), distances.numpy(force=True)


def ranges(rows: int, parts: int) -> list[tuple[int, int]]:
    """Return the start and the end of every shard of so many rows."""
    edges = np.linspace(0, rows, parts + 1).astype(np.int64).tolist()
    return list(pairwise(edges))


class LocalShards:
    """Shards that all lie in this process."""

    def __init__(self, features: np.ndarray, n: int, parts: int = 1) -> None:
        """Take (N, d) features, the number of rows to pick and the number of shards, 1 to N."""
        self._features = as_tensor(features).numpy()
        self._shards = [
            Shard(self._features[start:stop], n, start, parts)
            for start, stop in ranges(len(features), parts)
        ]
        self.picked = 0

    def vectors(self, positions: np.ndarray) -> np.ndarray:
        """Return the (m, d) features of rows."""
        return self._features[positions]

    def add(self, picks: Picks) -> None:
        """Give every shard what was picked."""
        for shard in self._shards:
            shard.add(picks)
        self.picked += len(picks.positions)

    def propose(self, picks: Picks) -> list[Proposal]:
        """Give every shard what was picked last; return their proposals."""
        self.add(picks)
        return [shard.propose() for shard in self._shards]

    def cover(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return rank and distance of the nearest pick of every row, shard by shard."""
        return [shard.cover() for shard in self._shards]


def largest(values: torch.Tensor, most: int) -> tuple[torch.Tensor, float, int]:
    """Return the places of the largest values, ascending; equal ones go to the lowest places.

    Returns:
        The (m,) places, the largest value outside, and the lowest place outside that has it (minus
        infinity and the number of values where all are inside).
    """
    if len(values) <= most:
        return torch.arange(len(values), device=values.device), -torch.inf, len(values)
    bound = torch.topk(values, most + 1, sorted=True).values[-1]
    above = torch.nonzero(values > bound)[:, 0]
    equal = torch.nonzero(values == bound)[:, 0]
    filled = most - len(above)
    places = torch.cat((above, equal[:filled])).sort().values
    return places, float(bound), int(equal[filled])


class Shards(Protocol):
    """All shards of the candidates, as whoever decides on the picks sees them."""

    @property
    def picked(self) -> int:
        """Number of picks that the shards have taken into account."""

    def vectors(self, positions: np.ndarray) -> np.ndarray:
        """Return the (m, d) features of rows."""

    def propose(self, picks: Picks) -> Sequence[Proposal]:
        """Give every shard what was picked last; return their proposals."""

    def add(self, picks: Picks) -> None:
        """Give every shard what was picked."""

    def cover(self) -> Sequence[tuple[np.ndarray, np.ndarray]]:
        """Return rank and distance of the nearest pick of every row, shard by shard."""


def farthest_first(
    shards: Shards, n: int, first: int, progress: Callable[[int], None] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Pick n rows of the shards, the first one given.

    Each round accepts picks among the farthest rows of all shards for as long as the winner beats
    everything outside; so the order does not depend on how the rows are divided.

    Returns:
        The (n,) int64 positions in the order of picking, and the (n,) float64 distances to the
        nearest row picked before; NaN for the first row.
    """
    start = np.array([first])
    picks = Picks(start, shards.vectors(start))
    positions, squared = [start], [np.array([np.nan])]
    count = 1
    while count < n:
        picks, at_pick = accept(merge(shards.propose(picks)), n - count)
        positions.append(picks.positions)
        squared.append(at_pick)
        count += len(at_pick)
        if progress:
            progress(count)
    return np.concatenate(positions), np.sqrt(np.concatenate(squared))


def merge(proposals: Sequence[Proposal]) -> Proposal:
    """Return the farthest rows of several shards, given in the order of their positions."""
    if len(proposals) == 1:
        return proposals[0]
    squared = np.concatenate([p.squared for p in proposals])
    bound = max(p.bound for p in proposals)
    tied = min(p.tied for p in proposals if p.bound == bound)
    positions = np.concatenate([p.positions for p in proposals])
    inside, inner_bound, inner_tied = largest(torch.from_numpy(squared), PROPOSED)
    if inner_tied < len(positions) and inner_bound >= bound:
        inner = int(positions[inner_tied])
        tied = min(inner, tied) if inner_bound == bound else inner
        bound = inner_bound
    kept = inside.numpy()
    kept = kept[squared[kept] >= bound]
    vectors = np.concatenate([p.vectors for p in proposals])[kept]
    return Proposal(positions[kept], squared[kept], vectors, bound, tied)


def accept(proposal: Proposal, most: int) -> tuple[Picks, np.ndarray]:
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
