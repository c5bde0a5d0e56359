"""Greedy selection: exact, blocked farthest-first traversal (Shi et al. 2025; Gonzalez 1985)."""

from typing import ClassVar, Literal

import numpy as np
import torch

from actors.config import Resources
from actors.data.feature_source import FeatureSource, Progress
from actors.distances.farthest_first import LocalShards, Shards, farthest_first
from actors.errors import UserError
from actors.selection.selection import Method, Selection, check_request, reasons_of


def greedy(
    features: np.ndarray,
    n: int,
    *,
    seed: int,
    begun: Selection | None = None,
    reasons: bool = False,
    device: str = "cpu",
    progress: Progress | None = None,
) -> Selection:
    """Start from one random row, then always add the row farthest from its nearest chosen row.

    Args:
        features: (N, d), computed with as float32.
        n: rows to choose, 1 to N.
        seed: seed of the first row.
        begun: a selection of fewer rows with the same features and seed, to go on from.
        reasons: whether to find the reason of every row, which takes less work than afterwards.
        device: "cuda" computes the distances on a GPU; the rows are the same.
        progress: called now and then with the number of rows chosen so far.

    Returns:
        The rows in the order of picking, with the distance at each pick; ties go to the lowest
        position, and no row is picked twice even where rows are identical.

    Raises:
        UserError: n or the features are not as above.
    """
    check_request(features, n)
    begun = begun or beginning(first_row(len(features), seed))
    shards = LocalShards(features, n, device=device)
    return go_on(shards, n, begun, reasons=reasons, progress=progress)


def greedy_from(features: np.ndarray, n: int, first: int, device: str = "cpu") -> Selection:
    """Select as `greedy` does, from a given first row; the request is not checked."""
    return go_on(LocalShards(features, n, device=device), n, beginning(first))


def greedy_sharded(
    source: FeatureSource,
    n: int,
    *,
    seed: int,
    shards: int,
    resources: Resources | None = None,
    begun: Selection | None = None,
    reasons: bool = True,
    progress: Progress | None = None,
) -> Selection:
    """Select as `greedy` does, on a connected Ray, with the features divided over actors.

    Args:
        source: (N, d) rows that every actor can read a range of.
        n: rows to choose, 1 to N.
        seed: seed of the first row.
        shards: number of actors, 1 to N.
        resources: of each actor; by default a CPU, or its part of those that there are.
        begun: as of `greedy`.
        reasons: as of `greedy`.
        progress: called after every round with the number of rows chosen so far.

    Raises:
        UserError: n, the shards or the features are not as above.
    """
    from actors.selection.shard_actors import actors_of  # it imports ray

    for name, value in (("n", n), ("shards", shards)):
        if not 1 <= value <= source.rows:
            raise UserError(f"{name}: found {value}; allowed are 1 to {source.rows}, the rows")
    begun = begun or beginning(first_row(source.rows, seed))
    with actors_of(source, n, shards, resources) as held:
        return go_on(held, n, begun, reasons=reasons, progress=progress)


def go_on(
    shards: Shards,
    n: int,
    begun: Selection,
    *,
    reasons: bool = False,
    progress: Progress | None = None,
) -> Selection:
    """Select n rows of some shards, of which the first ones are known."""
    assert begun.distances is not None
    with torch.inference_mode():
        positions, distances = farthest_first(shards, n, begun.positions, progress)
        found = reasons_of(shards) if reasons else None
    return Selection(positions, np.concatenate((begun.distances, distances)), reasons=found)


def beginning(first: int) -> Selection:
    """Return the selection of one row."""
    return Selection(np.array([first]), np.array([np.nan]))


def first_row(rows: int, seed: int) -> int:
    """Return the position of the row that a traversal starts from."""
    return int(np.random.default_rng(seed).integers(rows))


class Greedy(Method):
    """Farthest-first traversal."""

    function = staticmethod(greedy)
    over_shards = staticmethod(greedy_sharded)
    nested: ClassVar[bool] = True
    on_gpu: ClassVar[bool] = True

    kind: Literal["greedy"]

    def select(
        self,
        features: np.ndarray,
        n: int,
        seed: int,
        quality: np.ndarray | None = None,
        progress: Progress | None = None,
        device: str = "cpu",
        reasons: bool = False,
    ) -> Selection:
        return greedy(features, n, seed=seed, reasons=reasons, device=device, progress=progress)
