"""Greedy selection: exact, blocked farthest-first traversal (Shi et al. 2025; Gonzalez 1985)."""

from dataclasses import replace
from typing import ClassVar, Literal

import numpy as np
import torch

from actors.data.feature_source import Progress
from actors.distances.farthest_first import LocalShards, Picks, Shards, farthest_first
from actors.selection.selection import Method, Reasons, Selection, check_request


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


def first_row(rows: int, seed: int) -> int:
    """Return the position of the row that a traversal starts from."""
    return int(np.random.default_rng(seed).integers(rows))


def with_reasons(shards: Shards, chosen: Selection) -> Selection:
    """Return a selection that was picked of the shards with the reason of every row."""
    last = chosen.positions[shards.picked :]
    shards.add(Picks(last, shards.vectors(last)))
    ranks, distances = map(np.concatenate, zip(*shards.cover(), strict=True))
    covered_by = np.where(ranks < 0, np.arange(len(ranks)), chosen.positions[ranks])
    return replace(chosen, reasons=Reasons(covered_by, distances))


class Greedy(Method):
    """Farthest-first traversal."""

    nested: ClassVar[bool] = True

    kind: Literal["greedy"]

    def select(
        self, features: np.ndarray, n: int, seed: int, quality: np.ndarray | None = None
    ) -> Selection:
        return greedy(features, n, seed=seed)
