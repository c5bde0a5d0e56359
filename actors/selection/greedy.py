"""Greedy selection: exact, blocked farthest-first traversal (Shi et al. 2025; Gonzalez 1985)."""

from typing import ClassVar, Literal

import numpy as np
import torch

from actors.data.feature_source import FeatureSource, Progress
from actors.distances.farthest_first import LocalShards, Shards, farthest_first
from actors.errors import UserError
from actors.selection.selection import Method, Selection, check_request, reasons_of


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
        return Selection(*farthest_first(LocalShards(features, n), n, first, progress))


def greedy_sharded(
    source: FeatureSource, n: int, *, seed: int, shards: int, progress: Progress | None = None
) -> Selection:
    """Select as `greedy` does, on a connected Ray, with the features divided over actors.

    Args:
        source: (N, d) rows that every actor can read a range of.
        n: rows to choose, 1 to N.
        seed: seed of the first row.
        shards: number of actors, 1 to N.
        progress: called after every round with the number of rows chosen so far.

    Returns:
        The selection of `greedy`, with the reasons of every row.

    Raises:
        UserError: n, the shards or the features are not as above.
    """
    from actors.selection.shard_actors import actors_of  # it imports ray

    for name, value in (("n", n), ("shards", shards)):
        if not 1 <= value <= source.rows:
            raise UserError(f"{name}: found {value}; allowed are 1 to {source.rows}, the rows")
    with actors_of(source, n, shards) as held:
        return with_reasons(held, n, first_row(source.rows, seed), progress)


def with_reasons(shards: Shards, n: int, first: int, progress: Progress | None = None) -> Selection:
    """Select n rows of some shards from a given first row, with the reason of every row."""
    with torch.inference_mode():
        positions, distances = farthest_first(shards, n, first, progress)
        return Selection(positions, distances, reasons=reasons_of(shards))


def first_row(rows: int, seed: int) -> int:
    """Return the position of the row that a traversal starts from."""
    return int(np.random.default_rng(seed).integers(rows))


class Greedy(Method):
    """Farthest-first traversal."""

    function = staticmethod(greedy)
    over_shards = staticmethod(greedy_sharded)
    nested: ClassVar[bool] = True

    kind: Literal["greedy"]

    def select(
        self,
        features: np.ndarray,
        n: int,
        seed: int,
        quality: np.ndarray | None = None,
        progress: Progress | None = None,
    ) -> Selection:
        return greedy(features, n, seed=seed, progress=progress)
