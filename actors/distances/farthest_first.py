"""Farthest-first traversal of rows in shards (Gonzalez 1985), exact and in blocks.

A shard, some of the candidates, proposes its farthest rows and is given what was picked; of
a round as many picks are accepted as are certain.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import torch

from actors.distances.nearest_chosen import Block, NearestChosen, as_tensor

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


class Rest(NamedTuple):
    """Rows that are not proposed: none is farther, and none as far before this position."""

    squared: float
    position: int


@dataclass(frozen=True)
class Proposal:
    """The farthest rows of a shard, with their exact distances.

    Attributes:
        positions: (m,) int64 candidate positions, ascending.
        squared: (m,) float64 squared distances to the nearest picked row.
        vectors: (m, d) float32.
        rest: bound for the other rows of the shard.
    """

    positions: np.ndarray
    squared: np.ndarray
    vectors: np.ndarray
    rest: Rest


def farthest(rests: Iterable[Rest]) -> Rest:
    """Return the bound for all rows that some bounds are for."""
    return max(rests, key=lambda rest: (rest.squared, -rest.position))


def largest(values: torch.Tensor, most: int) -> tuple[torch.Tensor, Rest]:
    """Return the ascending places of the `most` largest values, and the bound for the others.

    Of equal values the lowest places are taken; the position of the bound is a place too.
    """
    if len(values) <= most:
        return torch.arange(len(values), device=values.device), Rest(-np.inf, len(values))
    bound = torch.topk(values, most + 1, sorted=True).values[-1]
    above = torch.nonzero(values > bound)[:, 0]
    equal = torch.nonzero(values == bound)[:, 0]
    filled = most - len(above)
    places = torch.cat((above, equal[:filled])).sort().values
    return places, Rest(float(bound), int(equal[filled]))


class Shard:
    """The candidates from `offset` on, one of `shards` shards.

    Memory beyond the features is O(rows + blocks) for a shard that is the whole; one of several
    also keeps as many vectors of picked rows as it has rows, a round of picks at the least.
    """

    def __init__(self, features: np.ndarray, n: int, offset: int = 0, shards: int = 1) -> None:
        """Take the (rows, d) features of this shard and the number of rows to pick in all."""
        rows = as_tensor(features)
        kept = min(n, max(len(rows), PROPOSED)) if shards > 1 else None
        self._state = NearestChosen(rows, n, kept)
        self._offset = offset
        self._refreshed = max(LEAST, REFRESHED // shards)
        self._proposed = max(LEAST, PROPOSED // shards)

    @property
    def picked(self) -> int:
        """How many picks are taken into account."""
        return self._state.count

    def vectors(self, positions: np.ndarray) -> np.ndarray:
        """Return the (m, d) features of rows of this shard."""
        return self._state.features[torch.from_numpy(positions - self._offset)].numpy(force=True)

    def add(self, picks: Picks) -> bool:
        """Take picked rows into account; return True."""
        device = self._state.features.device
        here = torch.from_numpy(picks.positions - self._offset)
        here = here[(here >= 0) & (here < len(self._state.features))].to(device)
        self._state.choose(here, as_tensor(picks.vectors).to(device))
        return True

    def propose(self) -> Proposal:
        """Return the farthest rows."""
        state = self._state
        if state.nearest.max() < 0:
            state.refresh(torch.nonzero(state.squared >= 0)[:, 0])
        rows, outer = largest(state.squared, self._refreshed)
        # not the picked ones among them: what they were compared with last may be let go
        state.refresh(rows[state.squared[rows] >= 0], outer.squared)
        fresh = state.squared[rows]
        places, inner = largest(fresh, self._proposed)
        if inner.position < len(rows):
            # rows are ascending, so the lowest place among the tied is the lowest position
            outer = farthest((outer, Rest(inner.squared, int(rows[inner.position]))))
        places = places[(fresh[places] >= outer.squared) & (fresh[places] >= 0)]
        positions = rows[places].numpy(force=True) + self._offset
        rest = Rest(outer.squared, outer.position + self._offset)
        return Proposal(positions, fresh[places].numpy(force=True), self.vectors(positions), rest)

    def cover(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the rank and the distance of the nearest picked row, (rows,) each.

        Those of picked rows are -1 and 0.
        """
        left = torch.nonzero(self._state.squared >= 0)[:, 0]
        self._state.refresh(left)
        nearest = torch.full_like(self._state.nearest, -1)
        nearest[left] = self._state.nearest[left]
        distances = self._state.squared.clamp(min=0).sqrt()
        return nearest.numpy(force=True), distances.numpy(force=True)


def ranges(rows: int, shards: int) -> list[tuple[int, int]]:
    """Return the start and the end of every shard of so many rows."""
    edges = np.linspace(0, rows, shards + 1).astype(np.int64).tolist()
    return list(pairwise(edges))


class Shards(ABC):
    """All shards of the candidates, as whoever decides on the picks sees them.

    Attributes:
        picks: positions of the rows that every shard was given, by round.
    """

    def __init__(self) -> None:
        self.picks: list[np.ndarray] = []

    @property
    def picked(self) -> int:
        """How many picks the shards were given."""
        return sum(map(len, self.picks))

    def add(self, picks: Picks) -> None:
        """Give every shard what was picked."""
        self.ask("add", picks)
        self.picks.append(picks.positions)

    @abstractmethod
    def vectors(self, positions: np.ndarray) -> np.ndarray:
        """Return the (m, d) features of rows."""

    @abstractmethod
    def ask(self, method: str, *arguments: Any) -> list[Any]:
        """Call a method of every shard; return what they give, in the order of their rows."""


class LocalShards(Shards):
    """Shards that all lie in this process."""

    def __init__(self, features: np.ndarray, n: int, shards: int = 1) -> None:
        """Take (N, d) features, the number of rows to pick and the number of shards, 1 to N."""
        super().__init__()
        self._features = as_tensor(features).numpy()
        self._shards = [
            Shard(self._features[start:stop], n, start, shards)
            for start, stop in ranges(len(features), shards)
        ]

    def vectors(self, positions: np.ndarray) -> np.ndarray:
        return self._features[positions]

    def ask(self, method: str, *arguments: Any) -> list[Any]:
        return [getattr(shard, method)(*arguments) for shard in self._shards]


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
    shards.add(Picks(start, shards.vectors(start)))
    squared = [np.array([np.nan])]
    while shards.picked < n:
        picks, at_pick = accept(merge(shards.ask("propose")), n - shards.picked)
        shards.add(picks)
        squared.append(at_pick)
        if progress:
            progress(shards.picked)
    return np.concatenate(shards.picks), np.sqrt(np.concatenate(squared))


def merge(proposals: Sequence[Proposal]) -> Proposal:
    """Return the farthest rows of several shards, given in the order of their positions."""
    if len(proposals) == 1:
        return proposals[0]
    squared = np.concatenate([p.squared for p in proposals])
    positions = np.concatenate([p.positions for p in proposals])
    rest = farthest(p.rest for p in proposals)
    places, inner = largest(torch.from_numpy(squared), PROPOSED)
    if inner.position < len(positions):
        rest = farthest((rest, Rest(inner.squared, int(positions[inner.position]))))
    kept = places.numpy()
    kept = kept[squared[kept] >= rest.squared]
    vectors = np.concatenate([p.vectors for p in proposals])[kept]
    return Proposal(positions[kept], squared[kept], vectors, rest)


def accept(proposal: Proposal, most: int) -> tuple[Picks, np.ndarray]:
    """Pick up to `most` of the proposed rows, for as long as the winner is certain.

    Returns:
        The (p,) picks and their squared distances at the pick.
    """
    rows, rest = proposal.positions, proposal.rest
    if not len(rows):  # all of them fell behind others when they were brought up to date
        return Picks(rows, proposal.vectors), proposal.squared
    block = Block(as_tensor(proposal.vectors), proposal.squared)
    places: list[int] = []
    distances: list[float] = []
    while len(places) < min(most, len(rows)):
        place = int(block.squared.argmax())  # the first of equal ones: the lowest position
        squared = float(block.squared[place])
        if squared < max(rest.squared, 0):
            break
        if squared == rest.squared and rows[place] > rest.position:
            break
        places.append(place)
        distances.append(block.pick(place))
    return Picks(rows[places], proposal.vectors[places]), np.array(distances)
