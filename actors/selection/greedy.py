"""Greedy selection: exact, blocked farthest-first traversal (Shi et al. 2025; Gonzalez 1985)."""

from collections.abc import Callable, Sequence
from typing import ClassVar, Literal

import numpy as np
import torch

from actors.features.source import Progress
from actors.selection.nearest import Block, as_tensor
from actors.selection.selection import Method, Selection, check_request
from actors.selection.shard import PROPOSED, Picks, Proposal, Shard, largest


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
    first = first_row(len(features), seed)
    with torch.inference_mode():
        shard = Shard(features, n)

        def ask(picks: Picks) -> list[Proposal]:
            shard.hear(picks)
            return [shard.propose()]

        start = np.array([first])
        return farthest_first(ask, n, Picks(start, shard.vectors(start)), progress)


def first_row(rows: int, seed: int) -> int:
    """Return the position of the row that a traversal starts from."""
    return int(np.random.default_rng(seed).integers(rows))


def farthest_first(
    ask: Callable[[Picks], Sequence[Proposal]],
    n: int,
    start: Picks,
    progress: Progress | None = None,
) -> Selection:
    """Pick n rows of the shards that `ask` tells what was picked last and asks for proposals.

    Each round settles picks among the farthest rows of all shards for as long as the winner beats
    everything outside; so the order does not depend on how the rows are divided.
    """
    picks = start
    positions, squared = [start.positions], [np.array([np.nan])]
    count = 1
    while count < n:
        picks, at_pick = settle(merge(ask(picks)), n - count)
        positions.append(picks.positions)
        squared.append(at_pick)
        count += len(at_pick)
        if progress:
            progress(count)
    return Selection(np.concatenate(positions), np.sqrt(np.concatenate(squared)))


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
