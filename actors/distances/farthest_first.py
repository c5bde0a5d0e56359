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
# rows whose distances are computed before it is known which are picked; a call to a GPU takes as
# long as the distances of many
LIKELY = {"cpu": 32, "cuda": 256}
# rows that are compared with all picks at a time
COVERED = 1 << 16


@dataclass(frozen=True)
class Picks:
    """Rows picked in one round, wherever they lie.

    Attributes:
        positions: (m,) int64 candidate positions, in order.
        vectors: (m, d) float32.
    """

    positions: np.ndarray
    vectors: np.ndarray | torch.Tensor


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
    vectors: np.ndarray | torch.Tensor
    rest: Rest


class Covered(NamedTuple):
    """Of every row of a shard, (rows,) each.

    Attributes:
        ranks: int32 rank of the nearest picked row; -1 for a picked one.
        distances: float64 distance to it; 0 for a picked one.
    """

    ranks: np.ndarray
    distances: np.ndarray


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

    def __init__(
        self,
        features: np.ndarray | torch.Tensor,
        n: int,
        offset: int = 0,
        shards: int = 1,
        device: str | None = None,
    ) -> None:
        """Take the (rows, d) features of this shard and the number of rows to pick in all."""
        rows = as_tensor(features, device)
        kept = min(n, max(len(rows), PROPOSED)) if shards > 1 else None
        self._state = NearestChosen(rows, n, kept)
        self._offset = offset
        self._refreshed = max(LEAST, REFRESHED // shards)
        self._proposed = max(LEAST, PROPOSED // shards)

    @property
    def picked(self) -> int:
        """How many picks are taken into account."""
        return self._state.count

    def vectors(self, positions: np.ndarray) -> torch.Tensor:
        """Return the (m, d) features of rows of this shard, where they lie."""
        features = self._state.features
        return features[torch.from_numpy(positions - self._offset).to(features.device)]

    def add(self, picks: Picks) -> bool:
        """Take picked rows into account; return True."""
        features = self._state.features
        here = torch.from_numpy(picks.positions - self._offset)
        here = here[(here >= 0) & (here < len(features))].to(features.device)
        self._state.choose(here, as_tensor(picks.vectors, features.device))
        return True

    def propose(self) -> Proposal:
        """Return the farthest rows."""
        state = self._state
        if state.nearest.max() < 0:
            self._refresh_all(None)
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

    def cover(self, progress: Callable[[int], None] | None = None) -> Covered:
        """Return which picked row is nearest to every row, and how far it is.

        Args:
            progress: called now and then with the number of rows that are done.
        """
        self._refresh_all(progress)
        ranks, distances = self._state.nearest.clone(), self._state.squared.sqrt()
        picked = self._state.squared < 0
        ranks[picked], distances[picked] = -1, 0
        return Covered(ranks.numpy(force=True), distances.numpy(force=True))

    def _refresh_all(self, progress: Callable[[int], None] | None) -> None:
        """Bring all rows up to date, few enough at a time for any memory."""
        squared = self._state.squared
        for start in range(0, len(squared), COVERED):
            left = torch.nonzero(squared[start : start + COVERED] >= 0)[:, 0] + start
            self._state.refresh(left)
            if progress:
                progress(min(start + COVERED, len(squared)))


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

    def add_rows(self, positions: np.ndarray) -> None:
        """Give every shard some of the rows as picked, however many."""
        for start in range(0, len(positions), PROPOSED):
            some = positions[start : start + PROPOSED]
            self.add(Picks(some, self.vectors(some)))

    @abstractmethod
    def vectors(self, positions: np.ndarray) -> np.ndarray | torch.Tensor:
        """Return the (m, d) features of rows."""

    @abstractmethod
    def ask(self, method: str, *arguments: Any) -> list[Any]:
        """Call a method of every shard; return what they give, in the order of their rows."""


class LocalShards(Shards):
    """Shards that all lie in this process."""

    def __init__(self, features: np.ndarray, n: int, shards: int = 1, device: str = "cpu") -> None:
        """Take (N, d) features, the number of rows to pick and the number of shards, 1 to N."""
        super().__init__()
        rows = as_tensor(features, device)
        self._features = rows
        self._shards = [
            Shard(rows[start:stop], n, start, shards)
            for start, stop in ranges(len(features), shards)
        ]

    def vectors(self, positions: np.ndarray) -> torch.Tensor:
        return self._features[torch.from_numpy(positions).to(self._features.device)]

    def ask(self, method: str, *arguments: Any) -> list[Any]:
        return [getattr(shard, method)(*arguments) for shard in self._shards]


def farthest_first(
    shards: Shards,
    n: int,
    begun: np.ndarray,
    progress: Callable[[int], None] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Pick n rows of the shards, of which the first ones are given, one at the least.

    Each round accepts picks among the farthest rows of all shards for as long as the winner beats
    everything outside; so the order does not depend on how the rows are divided.

    Returns:
        The (n,) int64 positions in the order of picking, and the (n - begun,) float64 distances of
        the others to the nearest row picked before.
    """
    shards.add_rows(begun)
    squared = [np.empty(0)]
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
    vectors = torch.cat([as_tensor(p.vectors) for p in proposals])[torch.from_numpy(kept)]
    return Proposal(positions[kept], squared[kept], vectors, rest)


def accept(proposal: Proposal, most: int) -> tuple[Picks, np.ndarray]:
    """Pick up to `most` of the proposed rows, for as long as the winner is certain.

    Returns:
        The (p,) picks and their squared distances at the pick.
    """
    rows, rest = proposal.positions, proposal.rest
    if not len(rows):  # all of them fell behind others when they were brought up to date
        return Picks(rows, proposal.vectors), proposal.squared
    least = max(rest.squared, 0)
    vectors = as_tensor(proposal.vectors)
    block = Block(vectors, proposal.squared)
    places: list[int] = []
    distances: list[float] = []
    while len(places) < min(most, len(rows)):
        place = int(block.squared.argmax())  # the first of equal ones: the lowest position
        squared = float(block.squared[place])
        if squared < least:
            break
        if squared == rest.squared and rows[place] > rest.position:
            break
        if not block.knows(place):
            # of equal ones the first, as they are picked
            likely = np.argsort(-block.squared, kind="stable")[: LIKELY[vectors.device.type]]
            block.look(likely[block.squared[likely] >= least])
        places.append(place)
        distances.append(block.pick(place))
    chosen = torch.tensor(places, dtype=torch.int64, device=vectors.device)
    return Picks(rows[places], vectors[chosen]), np.array(distances)
