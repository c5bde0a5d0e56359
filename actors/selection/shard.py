"""A shard: some of the candidates, which proposes its farthest rows and hears what was picked."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch

from actors.selection.nearest import NearestChosen, ReceivedRows, as_tensor

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

    def hear(self, picks: Picks) -> None:
        """Take note of picked rows."""
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

    def tell(self, picks: Picks) -> None:
        """Tell every shard what was picked."""
        for shard in self._shards:
            shard.hear(picks)
        self.picked += len(picks.positions)

    def ask(self, picks: Picks) -> list[Proposal]:
        """Tell every shard what was picked last; return their proposals."""
        self.tell(picks)
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
